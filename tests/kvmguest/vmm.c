// SPDX-License-Identifier: GPL-2.0
/*
 * A small VMM: one VM with one thread per vCPU that runs the bare-metal guest of
 * this folder on /dev/kvm. For several VMs at once start it several times.
 *
 *	kvmguest [OPTION VALUE]... TEST
 *
 * Prints one line of key=value words per vCPU and one for the VM; exit status 0
 * when the test ended in time without a lost or (more than --extra) extra tick.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "kvmguest.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* KVM_REG_ARM_CORE_REG() has a cast of its own. */
#define REG(field)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			 offsetof(struct kvm_regs, field) / sizeof(uint32_t))

static const struct {
	const char *name;
	enum kg_test test;
	bool pairs;
} tests[] = {
	{ "ticks_wfi", KG_TICKS_WFI },
	{ "ticks_busy", KG_TICKS_BUSY },
	{ "ticks_masked", KG_TICKS_MASKED },
	{ "ticks_exits", KG_TICKS_EXITS },
	{ "ping_wfi", KG_PING_WFI, true },
	{ "ping_wfe", KG_PING_WFE, true },
	{ "ping_exits", KG_PING_EXITS, true },
	{ "ctl", KG_CTL },
	{ "spin", KG_SPIN },
};

static struct {
	unsigned int vcpus, count, period_us, hold_us, patience_ms, exits, timeout_s;
	unsigned int migrate_ms, extra, empty_vms;
	unsigned int cpus, cpu[KG_MAX_VCPUS];
	unsigned int test;
} opt = {
	.vcpus = 1,
	.count = 100,
	.period_us = 4000,
	.hold_us = 500,
	.patience_ms = 2000,
	.timeout_s = 60,
};

/* KVM's own counters of a vCPU that are printed, under these names. */
static const struct {
	const char *kvm, *name;
} stats[] = {
	{ "exits", "exits" },
	{ "wfi_exit_stat", "wfi_exits" },
	{ "wfe_exit_stat", "wfe_exits" },
	{ "mmio_exit_kernel", "kernel_exits" },
};

#define N_STATS		ARRAY_SIZE(stats)

struct vcpu {
	unsigned int id;
	int fd, stats_fd;
	struct kvm_run *run;
	pthread_t thread;
	int end;			/* KG_EXIT_* or 0 */
	uint64_t cpu_us;
	uint64_t offset[N_STATS];	/* of the counters in stats_fd */
};

static struct vcpu vcpus[KG_MAX_VCPUS];
static char *ram;
static volatile bool all_done;

static void die(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "kvmguest: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static int check(int ret, const char *what)
{
	if (ret < 0)
		die("%s: %s", what, strerror(errno));
	return ret;
}

static void *at(uint64_t guest_address)
{
	return ram + (guest_address - KG_RAM);
}

static struct kg_result *result(unsigned int id)
{
	return (struct kg_result *)at(KG_RESULTS) + id;
}

static uint64_t timer_hz(void)
{
	uint64_t hz;

	asm("mrs %0, cntfrq_el0" : "=r" (hz));
	return hz;
}

static uint64_t us_to_ticks(uint64_t us)
{
	return us * timer_hz() / 1000000;
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
	return (double)ticks * 1e9 / timer_hz();
}

/* The guest runs without MMU, past the caches. */
static void flush(void *p, size_t len)
{
	char *c = p, *end = c + len;

	for (; c < end; c += 16)
		asm volatile("dc civac, %0" : : "r" (c) : "memory");
	asm volatile("dsb sy" : : : "memory");
}

/* --- the machine --- */

static void gic_attr(int gic, uint32_t group, uint64_t attr, uint64_t value)
{
	struct kvm_device_attr a = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)&value,
	};

	check(ioctl(gic, KVM_SET_DEVICE_ATTR, &a), "vGICv3");
}

static void set_reg(struct vcpu *v, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	check(ioctl(v->fd, KVM_SET_ONE_REG, &reg), "register");
}

/* Where the counters are that we want; a kernel without them shows zeros. */
static void open_stats(struct vcpu *v)
{
	struct kvm_stats_header h;
	unsigned int i, n;
	char buf[512];
	struct kvm_stats_desc *d = (void *)buf;

	v->stats_fd = ioctl(v->fd, KVM_GET_STATS_FD, NULL);
	if (v->stats_fd < 0 || pread(v->stats_fd, &h, sizeof(h), 0) != sizeof(h))
		return;
	for (i = 0; i < h.num_desc; i++) {
		if (pread(v->stats_fd, buf, sizeof(*d) + h.name_size,
			  h.desc_offset + i * (sizeof(*d) + h.name_size)) < 0)
			return;
		for (n = 0; n < N_STATS; n++)
			if (!strcmp(d->name, stats[n].kvm))
				v->offset[n] = h.data_offset + d->offset;
	}
}

static uint64_t read_stat(struct vcpu *v, unsigned int n)
{
	uint64_t value = 0;

	if (v->offset[n] && pread(v->stats_fd, &value, sizeof(value), v->offset[n]) < 0)
		value = 0;
	return value;
}

static void make_vcpu(int vm, unsigned int id, const struct kvm_vcpu_init *target, int run_size)
{
	struct vcpu *v = &vcpus[id];
	struct kvm_vcpu_init init = *target;

	v->id = id;
	v->fd = check(ioctl(vm, KVM_CREATE_VCPU, id), "vCPU");
	v->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		die("vCPU: %s", strerror(errno));
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	check(ioctl(v->fd, KVM_ARM_VCPU_INIT, &init), "vCPU");
	set_reg(v, REG(regs.pc), KG_RAM);
	set_reg(v, REG(regs.regs[0]), id);
	open_stats(v);
}

static void make_vm(void)
{
	struct kvm_create_device gic = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = KG_RAM,
		.memory_size = KG_RAM_SIZE,
	};
	struct kvm_vcpu_init target;
	unsigned int i, irqs = 64;
	int kvm, vm, run_size;

	kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	for (i = 0; i < opt.empty_vms; i++)
		check(ioctl(kvm, KVM_CREATE_VM, 0), "VM");
	vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "VM");
	run_size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "VM");
	check(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &target), "VM");

	ram = mmap(NULL, KG_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		die("memory: %s", strerror(errno));
	memcpy(ram, guest_start, guest_end - guest_start);
	slot.userspace_addr = (uintptr_t)ram;
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "memory");

	check(ioctl(vm, KVM_CREATE_DEVICE, &gic), "vGICv3");
	for (i = 0; i < opt.vcpus; i++)
		make_vcpu(vm, i, &target, run_size);
	gic_attr(gic.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, KG_GICD);
	gic_attr(gic.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, KG_GICR);
	gic_attr(gic.fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, irqs);
	gic_attr(gic.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

static void set_params(void)
{
	*(struct kg_params *)at(KG_PARAMS) = (struct kg_params) {
		.test = tests[opt.test].test,
		.vcpus = opt.vcpus,
		.count = opt.count,
		.exits = opt.exits,
		.period = us_to_ticks(opt.period_us),
		.hold = us_to_ticks(opt.hold_us),
		.patience = us_to_ticks(1000ULL * opt.patience_ms),
	};
	flush(ram, KG_RAM_SIZE);
}

/* --- running it --- */

static void pin(pthread_t thread, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	errno = pthread_setaffinity_np(thread, sizeof(set), &set);
	/* It may have come to its end. */
	if (errno && errno != ESRCH)
		die("CPU %u: %s", cpu, strerror(errno));
}

static uint64_t thread_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static void *run_vcpu(void *arg)
{
	struct vcpu *v = arg;

	if (opt.cpus)
		pin(pthread_self(), opt.cpu[v->id % opt.cpus]);
	while (!v->end) {
		if (ioctl(v->fd, KVM_RUN, NULL) < 0 && errno != EINTR && errno != EAGAIN)
			die("vCPU %u: %s", v->id, strerror(errno));
		if (v->run->exit_reason != KVM_EXIT_MMIO)
			continue;
		if (v->run->mmio.phys_addr != KG_EXIT || !v->run->mmio.is_write)
			die("vCPU %u: access to 0x%llx", v->id, v->run->mmio.phys_addr);
		v->end = v->run->mmio.data[0];
	}
	v->cpu_us = thread_cpu_us();
	return NULL;
}

/* Move the vCPUs around among the CPUs of --pin. */
static void *run_migration(void *arg)
{
	unsigned int i, turn;

	for (turn = 1; !all_done; turn++) {
		usleep(1000 * opt.migrate_ms);
		for (i = 0; i < opt.vcpus && !all_done; i++)
			pin(vcpus[i].thread, opt.cpu[(i + turn) % opt.cpus]);
	}
	return NULL;
}

/* The host's virtual timer interrupts since boot, of the CPUs that are online. */
static uint64_t host_vtimer_irqs(void)
{
	char line[4096], *p;
	uint64_t n = 0;
	FILE *f = fopen("/proc/interrupts", "r");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "kvm guest vtimer"))
			continue;
		for (p = strchr(line, ':') + 1;;) {
			char *end;
			uint64_t v = strtoull(p, &end, 10);

			if (end == p)
				break;
			n += v;
			p = end;
		}
	}
	fclose(f);
	return n;
}

static void on_alarm(int sig)
{
	static const char text[] = "kvmguest: no end in time\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(4);
	_exit(3);
}

/* --- what came of it --- */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print_lateness(struct kg_result *r)
{
	uint64_t n = r->samples < KG_SAMPLES ? r->samples : KG_SAMPLES;

	if (!n)
		return;
	qsort(r->sample, n, sizeof(r->sample[0]), by_value);
	printf(" late_mean_ns=%lu late_p50_ns=%lu late_p99_ns=%lu late_max_ns=%lu",
	       ticks_to_ns(r->late_sum / r->samples), ticks_to_ns(r->sample[n / 2]),
	       ticks_to_ns(r->sample[n * 99 / 100]), ticks_to_ns(r->late_max));
}

/* Returns whether all went well. */
static bool print_vcpu(struct vcpu *v)
{
	struct kg_result *r = result(v->id);
	unsigned int n;

	printf("vcpu=%u done=%lu extra=%lu lost=%lu spurious=%lu reads=%lu bad_ctl=%lu", v->id,
	       r->done, r->extra, r->lost, r->spurious, r->reads, r->bad_ctl);
	for (n = 0; n < N_STATS; n++)
		printf(" %s=%lu", stats[n].name, read_stat(v, n));
	printf(" cpu_us=%lu", v->cpu_us);
	print_lateness(r);
	printf("\n");
	if (v->end == KG_EXIT_PANIC)
		printf("# vcpu %u: exception, ESR 0x%lx at 0x%lx\n", v->id, r->panic_esr,
		       r->panic_elr);
	return v->end == KG_EXIT_DONE && r->extra <= opt.extra && !r->lost && !r->bad_ctl &&
	       (tests[opt.test].pairs || r->done == opt.count);
}

/* --- the command line --- */

static void usage(void)
{
	unsigned int i;

	fprintf(stderr, "usage: kvmguest [--vcpus N] [--pin CPU,CPU...] [--count N] [--period US]\n"
		"       [--hold US] [--exits N] [--patience MS] [--migrate MS] [--timeout S]\n"
		"       [--extra TICKS] [--empty-vms N] TEST\n"
		"tests:");
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		fprintf(stderr, " %s", tests[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

static unsigned int number(const char *text, unsigned int min, unsigned int max)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || end == text || v < min || v > max) {
		fprintf(stderr, "kvmguest: '%s' is not a number from %u to %u\n", text, min, max);
		exit(2);
	}
	return v;
}

static void parse_pin(char *list)
{
	char *word;

	while ((word = strsep(&list, ","))) {
		if (opt.cpus == KG_MAX_VCPUS)
			usage();
		opt.cpu[opt.cpus++] = number(word, 0, 1023);
	}
}

static void parse_option(const char *name, char *value)
{
	static const struct {
		const char *name;
		unsigned int *value, min, max;
	} options[] = {
		{ "--vcpus", &opt.vcpus, 1, KG_MAX_VCPUS },
		{ "--count", &opt.count, 1, 1000000000 },
		{ "--period", &opt.period_us, 0, 10000000 },
		{ "--hold", &opt.hold_us, 0, 10000000 },
		{ "--exits", &opt.exits, 0, 1000000 },
		{ "--patience", &opt.patience_ms, 1, 1000000 },
		{ "--migrate", &opt.migrate_ms, 1, 1000000 },
		{ "--timeout", &opt.timeout_s, 1, 1000000 },
		{ "--extra", &opt.extra, 0, 1000000 },
		{ "--empty-vms", &opt.empty_vms, 0, 16 },
	};
	unsigned int i;

	if (!strcmp(name, "--pin")) {
		parse_pin(value);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (!strcmp(name, options[i].name)) {
			*options[i].value = number(value, options[i].min, options[i].max);
			return;
		}
	}
	usage();
}

static void parse(int argc, char **argv)
{
	int i = 1;

	for (; i < argc - 1; i += 2)
		parse_option(argv[i], argv[i + 1]);
	if (i != argc - 1)
		usage();
	for (opt.test = 0; opt.test < ARRAY_SIZE(tests); opt.test++)
		if (!strcmp(argv[i], tests[opt.test].name))
			break;
	if (opt.test == ARRAY_SIZE(tests))
		usage();
	if ((tests[opt.test].pairs && opt.vcpus % 2) || (opt.migrate_ms && opt.cpus < 2))
		usage();
}

int main(int argc, char **argv)
{
	pthread_t migration;
	uint64_t irqs;
	bool good = true;
	unsigned int i;

	parse(argc, argv);
	make_vm();
	set_params();
	signal(SIGALRM, on_alarm);
	alarm(opt.timeout_s);

	irqs = host_vtimer_irqs();
	for (i = 0; i < opt.vcpus; i++)
		if (pthread_create(&vcpus[i].thread, NULL, run_vcpu, &vcpus[i]))
			die("no thread");
	if (opt.migrate_ms && pthread_create(&migration, NULL, run_migration, NULL))
		die("no thread");
	for (i = 0; i < opt.vcpus; i++)
		pthread_join(vcpus[i].thread, NULL);
	all_done = true;
	if (opt.migrate_ms)
		pthread_join(migration, NULL);
	irqs = host_vtimer_irqs() - irqs;

	flush(ram, KG_RAM_SIZE);
	for (i = 0; i < opt.vcpus; i++)
		good &= print_vcpu(&vcpus[i]);
	printf("vm=%d test=%s vtimer_irqs=%lu good=%d\n", getpid(), tests[opt.test].name, irqs,
	       good);
	return good ? 0 : 1;
}
