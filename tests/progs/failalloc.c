// SPDX-License-Identifier: GPL-2.0
/*
 * Have the allocations of an operation fail, and see what is left of it. Needs a kernel
 * with CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC and their debugfs files.
 *
 *	failalloc nth STEP OP...	one allocation fails: the first, then the one STEP further
 *					on ..., until OP has no more of them; what failed must
 *					have changed nothing
 *	failalloc dry OP...		from some point on all of them fail, at the start, later,
 *					and later still; afterwards OP must work again
 *
 *	OP:	up IFACE DRIVER DEVICE	set an interface up, of a device just bound
 *		rings IFACE RX TX	set ring sizes
 *		channels IFACE N	set the number of combined channels
 *		write FILE TEXT		write to a file that shows what it was given
 *		bind DRIVER DEVICE	bind a device of the virtio bus
 *		insmod FILE PARAMS	load a module
 *
 * OP is undone after each try. Only this task's allocations fail, and only in OP: pages
 * and what comes from kmalloc(). Caches of their own, such as those of /proc, are left
 * alone, as not all of the kernel around bears that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define STATE	256
#define BUS	"/sys/bus/virtio"
#define DEBUG	"/sys/kernel/debug"

struct op {
	const char *name;
	int args;
	void (*open)(void);		/* what is no part of it; may be missing */
	int (*act)(void);		/* 0 or -1 with errno */
	int (*undo)(const char *was);	/* back to that state */
	void (*state)(char *text);
	bool others;			/* errors other than ENOMEM may be somebody else's */
};

static char **arg;
static int sock, op_fd = -1, nth_fd, task_fd;

static void die(const char *what, ...)
{
	va_list args;

	va_start(args, what);
	fprintf(stderr, "failalloc: ");
	vfprintf(stderr, what, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

static unsigned int number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (!*text || *end)
		die("'%s' is not a number", text);
	return value;
}

static int must_open(const char *file, int how)
{
	int fd = open(file, how | O_CLOEXEC);

	if (fd < 0)
		die("cannot open %s: %s", file, strerror(errno));
	return fd;
}

/* To a file that stays open; those of debugfs have no position. */
static int put_fd(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) < 0 ? -1 : 0;
}

static int put(const char *file, const char *text)
{
	int fd = must_open(file, O_WRONLY);
	int err = write(fd, text, strlen(text)) < 0 ? errno : 0;

	close(fd);
	errno = err;
	return err ? -1 : 0;
}

static void must_put(const char *file, const char *text)
{
	if (put(file, text))
		die("cannot write %s to %s: %s", text, file, strerror(errno));
}

static void bus_put(const char *driver, const char *file, const char *device)
{
	char path[STATE];

	snprintf(path, sizeof(path), BUS "/drivers/%s/%s", driver, file);
	must_put(path, device);
}

/* --- operations --- */

static int ethtool(void *cmd)
{
	struct ifreq ifr = {};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", arg[0]);
	ifr.ifr_data = cmd;
	return ioctl(sock, SIOCETHTOOL, &ifr);
}

static int get_flags(struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", arg[0]);
	return ioctl(sock, SIOCGIFFLAGS, ifr);
}

static int up_act(void)
{
	struct ifreq ifr;

	if (get_flags(&ifr))
		return -1;
	ifr.ifr_flags |= IFF_UP;
	return ioctl(sock, SIOCSIFFLAGS, &ifr);
}

/* A queue keeps its memory from the first time on. */
static int up_undo(const char *was)
{
	(void)was;
	bus_put(arg[1], "unbind", arg[2]);
	bus_put(arg[1], "bind", arg[2]);
	return 0;
}

static void up_state(char *text)
{
	struct ifreq ifr;

	if (get_flags(&ifr))
		die("%s: %s", arg[0], strerror(errno));
	snprintf(text, STATE, "%s", ifr.ifr_flags & IFF_UP ? "up" : "down");
}

static int set_rings(unsigned int rx, unsigned int tx)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };

	if (ethtool(&ring))
		return -1;
	ring.cmd = ETHTOOL_SRINGPARAM;
	ring.rx_pending = rx;
	ring.tx_pending = tx;
	return ethtool(&ring);
}

static int rings_act(void)
{
	return set_rings(number(arg[1]), number(arg[2]));
}

static int rings_undo(const char *was)
{
	unsigned int rx, tx;

	if (sscanf(was, "%u %u", &rx, &tx) != 2)
		return -1;
	return set_rings(rx, tx);
}

static void rings_state(char *text)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };

	if (ethtool(&ring))
		die("ring sizes: %s", strerror(errno));
	snprintf(text, STATE, "%u %u", ring.rx_pending, ring.tx_pending);
}

static int set_channels(unsigned int n)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };

	if (ethtool(&ch))
		return -1;
	ch.cmd = ETHTOOL_SCHANNELS;
	ch.combined_count = n;
	return ethtool(&ch);
}

static int channels_act(void)
{
	return set_channels(number(arg[1]));
}

static int channels_undo(const char *was)
{
	return set_channels(number(was));
}

static void channels_state(char *text)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };

	if (ethtool(&ch))
		die("channels: %s", strerror(errno));
	snprintf(text, STATE, "%u", ch.combined_count);
}

static void write_open(void)
{
	op_fd = must_open(arg[0], O_WRONLY);
}

static int write_act(void)
{
	return put_fd(op_fd, arg[1]);
}

static int write_undo(const char *was)
{
	return put(arg[0], was);
}

static void write_state(char *text)
{
	int fd = must_open(arg[0], O_RDONLY);
	ssize_t n = read(fd, text, STATE - 1);

	if (n < 0)
		die("cannot read %s: %s", arg[0], strerror(errno));
	close(fd);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static void bind_open(void)
{
	char path[STATE];

	snprintf(path, sizeof(path), BUS "/drivers/%s/bind", arg[0]);
	op_fd = must_open(path, O_WRONLY);
}

static int bind_act(void)
{
	return put_fd(op_fd, arg[1]);
}

static void bind_state(char *text)
{
	char path[STATE];

	snprintf(path, sizeof(path), BUS "/devices/%s/driver", arg[1]);
	snprintf(text, STATE, "%s", access(path, F_OK) ? "unbound" : "bound");
}

static int bind_undo(const char *was)
{
	char now[STATE];

	bind_state(now);
	if (strcmp(now, was))
		bus_put(arg[0], "unbind", arg[1]);
	return 0;
}

static void insmod_open(void)
{
	op_fd = must_open(arg[0], O_RDONLY);
}

static int insmod_act(void)
{
	return syscall(SYS_finit_module, op_fd, arg[1], 0);
}

static const char *module_name(void)
{
	static char name[STATE];
	const char *base = strrchr(arg[0], '/');

	snprintf(name, sizeof(name), "%s", base ? base + 1 : arg[0]);
	name[strcspn(name, ".")] = '\0';
	return name;
}

static void insmod_state(char *text)
{
	char path[STATE + 16];

	snprintf(path, sizeof(path), "/sys/module/%s", module_name());
	snprintf(text, STATE, "%s", access(path, F_OK) ? "not loaded" : "loaded");
}

static int insmod_undo(const char *was)
{
	char now[STATE];

	insmod_state(now);
	return strcmp(now, was) ? syscall(SYS_delete_module, module_name(), O_NONBLOCK) : 0;
}

static const struct op ops[] = {
	{ "up", 3, NULL, up_act, up_undo, up_state },
	{ "rings", 3, NULL, rings_act, rings_undo, rings_state },
	{ "channels", 2, NULL, channels_act, channels_undo, channels_state },
	{ "write", 2, write_open, write_act, write_undo, write_state },
	{ "bind", 2, bind_open, bind_act, bind_undo, bind_state, true },
	{ "insmod", 2, insmod_open, insmod_act, insmod_undo, insmod_state, true },
};

/* --- failures --- */

static void fault(const char *file, const char *text)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	char path[STATE];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), DEBUG "/%s/%s", kinds[i], file);
		must_put(path, text);
	}
}

static void choose_caches(void)
{
	char path[STATE];
	glob_t found;
	size_t i;

	if (glob("/sys/kernel/slab/kmalloc-*", 0, NULL, &found))
		die("there is nothing in /sys/kernel/slab");
	for (i = 0; i < found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/failslab", found.gl_pathv[i]);
		must_put(path, "1");
	}
	globfree(&found);
	must_put(DEBUG "/failslab/cache-filter", "Y");
}

static void prepare(const struct op *op)
{
	choose_caches();
	fault("probability", "0");
	fault("verbose", "0");
	fault("task-filter", "N");
	/* Also those that may sleep. */
	fault("ignore-gfp-wait", "N");
	must_put(DEBUG "/fail_page_alloc/min-order", "0");
	nth_fd = must_open("/proc/thread-self/fail-nth", O_RDWR);
	task_fd = must_open("/proc/thread-self/make-it-fail", O_WRONLY);
	if (op->open)
		op->open();
}

static void nth(unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	if (put_fd(nth_fd, text))
		die("fail-nth: %s", strerror(errno));
}

/* Has it happened? Nothing fails afterwards. */
static bool nth_done(void)
{
	char text[16] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) < 0)
		die("fail-nth: %s", strerror(errno));
	nth(0);
	return atoi(text) == 0;
}

/* A module, for one, may be busy for a moment. */
static void undo(const struct op *op, const char *was)
{
	int tries = 50;

	while (op->undo(was)) {
		if (!--tries)
			die("%s: cannot be undone: %s", op->name, strerror(errno));
		usleep(20000);
	}
}

static void check(const struct op *op, const char *was, bool failed, unsigned int n)
{
	char now[STATE];

	op->state(now);
	if (failed && strcmp(now, was))
		die("%s failed at allocation %u, but '%s' became '%s'", op->name, n, was, now);
	if (!failed && !strcmp(now, was))
		die("%s went through at allocation %u, but it still is '%s'", op->name, n, was);
}

static void one_fails(const struct op *op, unsigned int step)
{
	unsigned int n, failed = 0, through = 0;
	char was[STATE];
	bool done, bad;
	int err;

	op->state(was);
	for (n = 1;; n += step) {
		nth(n);
		bad = op->act();
		err = errno;
		done = nth_done();
		if (bad && !done)
			die("%s failed by itself: %s", op->name, strerror(err));
		if (bad && err != ENOMEM && !op->others)
			die("%s: %s at allocation %u", op->name, strerror(err), n);
		check(op, was, bad, n);
		/* Part of the memory may be there. */
		undo(op, was);
		if (!done)
			break;
		failed += bad;
		through += !bad;
	}
	printf("%s: of about %u allocations each %u. failed: %u errors, %u went through\n",
	       op->name, n - 1, step, failed, through);
	if (!failed)
		die("%s: nothing failed", op->name);
}

/* All page allocations from some number of pages on, or all others from so many bytes on */
static unsigned int dry_up(const struct op *op, const char *kind, unsigned int limit)
{
	unsigned int left, failed = 0, tries = 0;
	char space[STATE], probability[STATE], text[16], was[STATE];
	bool bad;
	int err;

	snprintf(space, sizeof(space), DEBUG "/%s/space", kind);
	snprintf(probability, sizeof(probability), DEBUG "/%s/probability", kind);
	fault("times", "-1");
	fault("task-filter", "Y");
	must_put(probability, "100");
	op->state(was);
	for (left = 0; left <= limit; left = left ? 4 * left : 1) {
		snprintf(text, sizeof(text), "%u", left);
		must_put(space, text);
		put_fd(task_fd, "1");
		bad = op->act();
		err = errno;
		if (put_fd(task_fd, "0"))
			die("make-it-fail: %s", strerror(errno));
		if (bad && err != ENOMEM && !op->others)
			die("%s: %s with %u of %s left", op->name, strerror(err), left, kind);
		tries++;
		failed += bad;
		undo(op, was);
	}
	must_put(probability, "0");
	must_put(space, "0");
	fault("task-filter", "N");
	printf("%s: %s ran dry %u times: %u errors\n", op->name, kind, tries, failed);
	return failed;
}

static const struct op *find(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; argc > 0 && i < ARRAY_SIZE(ops); i++)
		if (!strcmp(argv[0], ops[i].name) && argc == ops[i].args + 1)
			return &ops[i];
	fprintf(stderr, "failalloc: wrong arguments; see the head of failalloc.c\n");
	exit(2);
}

int main(int argc, char **argv)
{
	const struct op *op;

	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (sock < 0)
		die("socket: %s", strerror(errno));
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 3 && !strcmp(argv[1], "nth")) {
		op = find(argc - 3, argv + 3);
		arg = argv + 4;
		prepare(op);
		one_fails(op, number(argv[2]) ?: 1);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "dry")) {
		op = find(argc - 2, argv + 2);
		arg = argv + 3;
		prepare(op);
		if (!(dry_up(op, "fail_page_alloc", 8192) + dry_up(op, "failslab", 1 << 20)))
			die("%s: nothing failed", op->name);
		return 0;
	}
	find(0, NULL);
}
