// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic between the two ends of a software device (kunit/vnetsim), in one guest:
 *
 *	dim_load pingpong OUTSIDE INSIDE SIZE MILLISECONDS [PORT]
 *	dim_load load OUTSIDE INSIDE SIZE MILLISECONDS RATE [PORT [BURST]]
 *	dim_load full OUTSIDE INSIDE SIZE MILLISECONDS
 *	dim_load capacity OUTSIDE INSIDE SIZE
 *	dim_load fifo PRIORITY PID...
 *
 * OUTSIDE is the plain net device of the host's end, INSIDE the driver's. Messages are
 * UDP packets in frames of packet sockets, so that no stack is in between; each carries the
 * time at which it should have been sent, and its latency ends when a process that waits for
 * it has it. "load" sends RATE packets a second, at random moments that are the same in each
 * run, or BURST at once, from a real-time process: the world outside does not wait for the
 * guest. "full" sends what is taken. "capacity" looks for the highest load that is carried.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prog.h"

#define MSGS_MAX	2000000
#define BATCH		64
#define FRAME_MAX	9000
#define HEADERS		(ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr))
#define MARK		0xc7a1u
#define PORT		9000

#pragma pack(push, 1)
struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	/* What fits into the smallest message: 14 bytes */
	uint64_t stamp;
	uint32_t seq;
	uint16_t mark;
};

#pragma pack(pop)

struct end {
	int fd;
	uint8_t addr[ETH_ALEN];
};

/* Of the receiving process, seen by the other one */
static struct result {
	volatile uint32_t got;
	uint64_t first, last;
	uint32_t ns[MSGS_MAX];
} *result;

static struct end outside, inside;
static uint8_t buffer[FRAME_MAX];

static void sleep_until(uint64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void fifo(pid_t pid, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(pid, priority ? SCHED_FIFO : SCHED_OTHER, &param))
		die("priority");
}

static void end_open(struct end *end, const char *name)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct ifreq ifr = { 0 };
	int bytes = 8 << 20;

	end->fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	if (end->fd < 0)
		die("packet socket");
	addr.sll_ifindex = if_nametoindex(name);
	if (!addr.sll_ifindex || bind(end->fd, (struct sockaddr *)&addr, sizeof(addr)))
		die(name);
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(end->fd, SIOCGIFHWADDR, &ifr))
		die(name);
	memcpy(end->addr, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	setsockopt(end->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

static uint16_t ip_sum(const struct iphdr *ip)
{
	const uint16_t *words = (const void *)ip;
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static size_t frame_init(struct frame *f, const struct end *from, const struct end *to,
			 unsigned int size, unsigned int port)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };

	memcpy(f->eth.ether_dhost, to->addr, ETH_ALEN);
	memcpy(f->eth.ether_shost, from->addr, ETH_ALEN);
	f->eth.ether_type = htons(ETH_P_IP);
	/* Addresses for benchmarks */
	ip.saddr = htonl(0xc6120001);
	ip.daddr = htonl(0xc6120002);
	ip.tot_len = htons(HEADERS - ETH_HLEN + size);
	ip.check = ip_sum(&ip);
	f->ip = ip;
	f->udp.source = htons(port);
	f->udp.dest = htons(PORT);
	f->udp.len = htons(sizeof(f->udp) + size);
	f->udp.check = 0;
	f->mark = MARK;
	return HEADERS + size;
}

static void frame_send(const struct end *end, struct frame *f, size_t len, uint64_t stamp)
{
	f->stamp = stamp;
	while (send(end->fd, f, len, 0) < 0)
		if (errno != ENOBUFS && errno != EINTR)
			die("sending");
	f->seq++;
}

static int frame_ours(const void *data, ssize_t len, unsigned int port)
{
	const struct frame *f = data;

	return len >= (ssize_t)sizeof(*f) && f->mark == MARK && f->udp.source == htons(port);
}

static void drain(const struct end *end)
{
	while (recv(end->fd, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0)
		;
}

/* --- what came of it --- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t quantile(double q)
{
	return result->got ? result->ns[(uint32_t)(q * (result->got - 1))] : 0;
}

static void print_result(uint32_t sent, uint64_t began, uint64_t ended)
{
	uint32_t got = result->got;
	double mean = 0;
	uint32_t i;

	for (i = 0; i < got; i++)
		mean += (double)result->ns[i] / got;
	qsort(result->ns, got, sizeof(*result->ns), compare);
	printf("sent=%u got=%u pps=%.0f began=%.6f ", sent, got, got * 1e9 / (ended - began),
	       began / 1e9);
	printf("mean_us=%.2f p50_us=%.2f p99_us=%.2f max_us=%.2f\n", mean / 1e3,
	       quantile(0.5) / 1e3, quantile(0.99) / 1e3, quantile(1) / 1e3);
}

static void result_add(uint64_t stamp, uint64_t at)
{
	uint64_t ns = at - stamp;

	if (result->got < MSGS_MAX)
		result->ns[result->got] = ns > UINT32_MAX ? UINT32_MAX : ns;
	result->last = at;
	result->got++;
}

/* --- the receiving process --- */

static void receive(unsigned int port)
{
	static uint8_t data[BATCH][FRAME_MAX];
	struct mmsghdr msgs[BATCH] = { 0 };
	struct iovec iov[BATCH];
	int i, n;

	for (i = 0; i < BATCH; i++) {
		iov[i].iov_base = data[i];
		/* The rest is not looked at. */
		iov[i].iov_len = sizeof(struct frame);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		n = recvmmsg(inside.fd, msgs, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0)
			die("receiving");
		for (i = 0; i < n; i++)
			if (frame_ours(data[i], msgs[i].msg_len, port))
				result_add(((struct frame *)data[i])->stamp, now_ns());
	}
}

static pid_t receiver_start(unsigned int port)
{
	pid_t pid;

	result->got = 0;
	drain(&inside);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		receive(port);
	}
	return pid;
}

/* Wait for the last ones, but not for lost ones. */
static void receiver_stop(pid_t pid, uint32_t sent)
{
	uint64_t until = now_ns() + NS_PER_S / 4;

	fifo(0, 0);
	while (result->got < sent && now_ns() < until)
		sleep_until(now_ns() + 1000000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- traffic --- */

static void pingpong(unsigned int size, unsigned int ms, unsigned int port)
{
	struct frame *f = (void *)buffer;
	size_t len = frame_init(f, &outside, &inside, size, port);
	uint64_t began = now_ns(), until = began + ms * 1000000ULL;
	static uint8_t data[FRAME_MAX];
	struct end *ends[] = { &inside, &outside };
	uint32_t sent = 0;
	int i;

	drain(&inside);
	drain(&outside);
	while (now_ns() < until) {
		uint64_t stamp = now_ns();

		frame_init(f, &outside, &inside, size, port);
		frame_send(&outside, f, len, stamp);
		sent++;
		for (i = 0; i < 2; i++) {
			ssize_t n;

			do {
				struct pollfd pfd = { .fd = ends[i]->fd, .events = POLLIN };

				if (poll(&pfd, 1, 2000) != 1) {
					fprintf(stderr, "dim_load: no answer\n");
					exit(1);
				}
				n = recv(ends[i]->fd, data, sizeof(data), 0);
			} while (!frame_ours(data, n, port));
			if (i)
				break;
			frame_init(f, &inside, &outside, size, port);
			frame_send(&inside, f, len, stamp);
		}
		result_add(stamp, now_ns());
	}
	print_result(sent, began, now_ns());
}

/* Nanoseconds to the next packet: as if many senders did not know of each other */
static uint64_t gap(struct drand48_data *seed, double mean)
{
	double first, last, next;
	unsigned int whole, run;

	/* Von Neumann's way, without a logarithm */
	for (whole = 0;; whole++) {
		drand48_r(seed, &first);
		last = first;
		for (run = 1;; run++) {
			drand48_r(seed, &next);
			if (next >= last)
				break;
			last = next;
		}
		if (run % 2)
			return (whole + first) * mean;
	}
}

static uint32_t load(unsigned int size, unsigned int ms, unsigned int rate, unsigned int port,
		     unsigned int burst, uint64_t *began)
{
	struct frame *f = (void *)buffer;
	size_t len = frame_init(f, &outside, &inside, size, port);
	struct drand48_data seed;
	uint64_t next, until;
	uint32_t sent = 0;
	unsigned int i;

	srand48_r(1, &seed);
	fifo(0, 50);
	next = *began = now_ns();
	until = next + ms * 1000000ULL;
	while (next < until) {
		if (next > now_ns())
			sleep_until(next);
		for (i = 0; i < burst; i++)
			frame_send(&outside, f, len, next);
		sent += burst;
		next += burst > 1 ? burst * NS_PER_S / rate : gap(&seed, (double)NS_PER_S / rate);
	}
	return sent;
}

static void run_load(unsigned int size, unsigned int ms, unsigned int rate, unsigned int port,
		     unsigned int burst)
{
	pid_t pid = receiver_start(port);
	uint64_t began;
	uint32_t sent;

	sent = load(size, ms, rate, port, burst, &began);
	receiver_stop(pid, sent);
	print_result(sent, began, result->last);
}

static void full(unsigned int size, unsigned int ms)
{
	struct frame *f = (void *)buffer;
	size_t len = frame_init(f, &outside, &inside, size, PORT);
	uint64_t began, until;
	pid_t pid = receiver_start(PORT);
	uint32_t sent = 0, got;

	began = now_ns();
	until = began + ms * 1000000ULL;
	while (now_ns() < until) {
		frame_send(&outside, f, len, now_ns());
		sent++;
	}
	/* What is carried in that time counts. */
	got = result->got;
	until = now_ns();
	receiver_stop(pid, sent);
	result->got = got;
	print_result(sent, began, until);
}

/* Is that load carried, without a queue that grows? */
static int carried(unsigned int size, unsigned int rate)
{
	pid_t pid = receiver_start(PORT);
	uint64_t began;
	uint32_t sent;
	int ok;

	sent = load(size, 60, rate, PORT, 1, &began);
	ok = now_ns() < began + 62000000ULL;
	receiver_stop(pid, sent);
	qsort(result->ns, result->got, sizeof(*result->ns), compare);
	return ok && result->got == sent && quantile(0.99) < 1000000;
}

static void capacity(unsigned int size)
{
	unsigned int low = 1000, high = 400000;

	while (high > low + low / 32) {
		unsigned int rate = 2 * low < high ? 2 * low : (low + high) / 2;

		if (carried(size, rate))
			low = rate;
		else
			high = rate;
	}
	printf("capacity=%u\n", low);
}

static void usage(void)
{
	fprintf(stderr, "usage: see the head of dim_load.c\n");
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned int size, ms = 0, rate, port = PORT, burst = 1;

	if (argc > 3 && !strcmp(argv[1], "fifo")) {
		for (int i = 3; i < argc; i++)
			fifo(number(argv[i], 1, 1 << 22), number(argv[2], 0, 99));
		return 0;
	}
	if (argc < 5)
		usage();
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (result == MAP_FAILED)
		die("mmap");
	end_open(&outside, argv[2]);
	end_open(&inside, argv[3]);
	size = number(argv[4], 14, FRAME_MAX - HEADERS);
	if (argc > 5)
		ms = number(argv[5], 1, 60000);
	if (!strcmp(argv[1], "pingpong") && (argc == 6 || argc == 7)) {
		if (argc == 7)
			port = number(argv[6], 1, 65535);
		pingpong(size, ms, port);
	} else if (!strcmp(argv[1], "load") && argc >= 7 && argc <= 9) {
		rate = number(argv[6], 1, 10000000);
		if (argc > 7)
			port = number(argv[7], 1, 65535);
		if (argc > 8)
			burst = number(argv[8], 1, 1024);
		run_load(size, ms, rate, port, burst);
	} else if (!strcmp(argv[1], "full") && argc == 6) {
		full(size, ms);
	} else if (!strcmp(argv[1], "capacity") && argc == 5) {
		capacity(size);
	} else {
		usage();
	}
	return 0;
}
