// SPDX-License-Identifier: GPL-2.0
/*
 * What network traffic costs a guest that counts instructions (one CPU, --icount).
 *
 *	net_cost idle MILLISECONDS
 *	net_cost pktgen DEVICE FRAME_BYTES COUNT [AT_ONCE]
 *	net_cost rx DEVICE FRAME_BYTES COUNT
 *	net_cost tcp_tx KIB
 *	net_cost tcp_rx KIB
 *	net_cost rr COUNT
 *
 * In such a guest the clock counts instructions, but jumps ahead whenever the CPU is idle. So
 * nothing may be idle: a child of the lowest class (SCHED_IDLE) takes what is left over. It counts
 * its own turns, each of a known number of instructions, whatever interrupts it. What it did not
 * execute itself, everything else did: "busy". That includes the timer tick and the child's own
 * scheduling, which "idle" measures.
 *
 * The other end is scripts/net_peer.py in the host's network namespace.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prog.h"

#define HOST		"10.77.0.1"
#define PORT_FRAMES	7701
#define PORT_SINK	7702
#define PORT_SOURCE	7703
#define PORT_ECHO	7704
#define CHUNK		65536
#define POLL_NS		20000000L
/* Of a request and of its answer */
#define RR_BYTES	64
/* Without a frame for so many polls, none comes any more. */
#define RX_POLLS	100
/* A ring that is full would have pktgen spin for as long as the host pleases: fewer packets at
 * once than it has entries, and time to complete them.
 */
#define BURST		128
#define SETTLE_NS	5000000L

static volatile uint64_t *turns;
static pid_t soaker;
static char chunk[CHUNK];

/* --- instructions --- */

#if defined(__x86_64__)
#define TURN_INSNS	2

static void soak(volatile uint64_t *counter)
{
	asm volatile("1: incq (%0)\n\tjmp 1b" : : "r"(counter) : "memory", "cc");
	__builtin_unreachable();
}

/* With -icount shift=0, the time stamp counter is the number of instructions. */
static uint64_t instructions(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}
#elif defined(__aarch64__)
#define TURN_INSNS	4

static void soak(volatile uint64_t *counter)
{
	uint64_t value;

	asm volatile("1: ldr %0, [%1]\n\tadd %0, %0, #1\n\tstr %0, [%1]\n\tb 1b"
		     : "=&r"(value) : "r"(counter) : "memory");
	__builtin_unreachable();
}

static uint64_t instructions(void)
{
	uint64_t ticks, rate;

	asm volatile("isb; mrs %0, cntvct_el0; mrs %1, cntfrq_el0" : "=r"(ticks), "=r"(rate));
	return ticks * (1000000000 / rate);
}
#endif

static void soak_start(void)
{
	struct sched_param param = { 0 };

	turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (turns == MAP_FAILED)
		die("mmap");
	*turns = 0;
	soaker = fork();
	if (soaker < 0)
		die("fork");
	if (!soaker) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (sched_setscheduler(0, SCHED_IDLE, &param))
			die("SCHED_IDLE");
		soak(turns);
	}
}

static void soak_stop(void)
{
	kill(soaker, SIGKILL);
	waitpid(soaker, NULL, 0);
	soaker = 0;
}

static void pause_ns(long ns)
{
	struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	nanosleep(&ts, NULL);
}

struct span {
	uint64_t when, turns;
};

static struct span mark(void)
{
	struct span s;

	s.when = instructions();
	s.turns = *turns;
	return s;
}

/* One line of key=value words. */
static void report(struct span from, struct span to, uint64_t units)
{
	uint64_t all = to.when - from.when;
	uint64_t soaked = (to.turns - from.turns) * TURN_INSNS;

	printf("all=%llu soaked=%llu busy=%lld units=%llu\n", (unsigned long long)all,
	       (unsigned long long)soaked, (long long)(all - soaked), (unsigned long long)units);
}

/* --- what is measured --- */

static void measure_idle(long ms)
{
	struct span from = mark();

	pause_ns(ms * 1000000);
	report(from, mark(), ms);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

static void pktgen_set(const char *file, const char *text)
{
	char path[128], line[128];

	snprintf(path, sizeof(path), "/proc/net/pktgen/%s", file);
	/* Of pgctrl, the last character is not read. */
	snprintf(line, sizeof(line), "%s\n", text);
	if (write_text(path, line)) {
		fprintf(stderr, "net_cost: %s: ", text);
		die(path);
	}
}

/* What follows "key: " in the device's file. */
static long pktgen_get(const char *device, const char *key)
{
	char path[128], text[8192], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/net/pktgen/%s", device);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		die(path);
	text[n] = 0;
	at = strstr(text, key);
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static void measure_pktgen(const char *device, long bytes, long count, long at_once)
{
	/* To nobody: the host drops it at once. */
	static const char * const fixed[] = {
		"clone_skb 0", "delay 0", "src_min 10.77.0.2", "dst 10.77.0.9",
		"dst_mac 52:54:00:c7:00:99", "udp_src_min 9", "udp_src_max 9", "udp_dst_min 9",
		"udp_dst_max 9", NULL,
	};
	struct span from;
	char text[64];
	unsigned int i;
	long sent;

	pktgen_set("kpktgend_0", "rem_device_all");
	snprintf(text, sizeof(text), "add_device %s", device);
	pktgen_set("kpktgend_0", text);
	for (i = 0; fixed[i]; i++)
		pktgen_set(device, fixed[i]);
	snprintf(text, sizeof(text), "count %ld", at_once);
	pktgen_set(device, text);
	snprintf(text, sizeof(text), "pkt_size %ld", bytes);
	pktgen_set(device, text);

	from = mark();
	for (sent = 0; sent < count; sent += at_once) {
		pktgen_set("pgctrl", "start");
		pause_ns(SETTLE_NS);
		if (pktgen_get(device, "pkts-sofar: ") != at_once) {
			fprintf(stderr, "net_cost: pktgen did not send all packets\n");
			exit(1);
		}
	}
	report(from, mark(), sent);
	pktgen_set("kpktgend_0", "rem_device_all");
}

static long rx_packets(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		die("rx_packets");
	text[n] = 0;
	return strtol(text, NULL, 10);
}

static struct sockaddr_in host(int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, HOST, &addr.sin_addr);
	return addr;
}

static void measure_rx(const char *device, long bytes, long count)
{
	struct sockaddr_in to = host(PORT_FRAMES);
	int fd, sock, polls = 0;
	char path[128], text[64];
	struct span from;
	long first, last, got = 0;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_packets", device);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path);
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)))
		die("UDP socket");
	snprintf(text, sizeof(text), "%ld %ld", bytes, count);
	first = rx_packets(fd);

	from = mark();
	if (send(sock, text, strlen(text), 0) < 0)
		die("asking for frames");
	do {
		pause_ns(POLL_NS);
		last = got;
		got = rx_packets(fd) - first;
		polls = got == last ? polls + 1 : 0;
	} while (got < count && polls < RX_POLLS);
	report(from, mark(), got);
	if (got < count || got > count + 16) {
		fprintf(stderr, "net_cost: %ld of %ld frames came\n", got, count);
		exit(1);
	}
}

static int tcp(int port)
{
	struct sockaddr_in to = host(port);
	int sock = socket(AF_INET, SOCK_STREAM, 0);

	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)))
		die("connecting to the host");
	return sock;
}

static void measure_tcp_tx(long kib)
{
	long left = kib * 1024;
	struct span from;
	int sock = tcp(PORT_SINK);

	from = mark();
	while (left > 0) {
		ssize_t n = write(sock, chunk, left < CHUNK ? left : CHUNK);

		if (n <= 0)
			die("write");
		left -= n;
	}
	shutdown(sock, SHUT_WR);
	/* The host closes when it has read everything. */
	if (read(sock, chunk, sizeof(chunk)) != 0)
		die("end of transfer");
	report(from, mark(), kib);
	close(sock);
}

static void measure_tcp_rx(long kib)
{
	long left = kib * 1024;
	struct span from;
	char text[32];
	int sock = tcp(PORT_SOURCE);

	snprintf(text, sizeof(text), "%ld\n", left);
	from = mark();
	if (write(sock, text, strlen(text)) < 0)
		die("asking for data");
	while (left > 0) {
		ssize_t n = read(sock, chunk, sizeof(chunk));

		if (n <= 0)
			die("read");
		left -= n;
	}
	report(from, mark(), kib);
	close(sock);
}

/* Requests one after the other: whatever is done for one of them is in somebody's way. */
static void measure_rr(long count)
{
	struct timeval patience = { .tv_sec = 60 };
	struct sockaddr_in to = host(PORT_ECHO);
	char answer[2 * RR_BYTES];
	struct span from;
	int sock;
	long i;

	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("UDP socket");
	from = mark();
	for (i = 0; i < count; i++) {
		memcpy(chunk, &i, sizeof(i));
		if (send(sock, chunk, RR_BYTES, 0) != RR_BYTES)
			die("request");
		if (recv(sock, answer, sizeof(answer), 0) != RR_BYTES ||
		    memcmp(chunk, answer, RR_BYTES))
			die("answer");
	}
	report(from, mark(), count);
	close(sock);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	memset(chunk, 'x', sizeof(chunk));
	soak_start();
	pause_ns(SETTLE_NS);
	if (!strcmp(what, "idle") && argc == 3) {
		measure_idle(number(argv[2], 1, 100000));
	} else if (!strcmp(what, "pktgen") && (argc == 5 || argc == 6)) {
		measure_pktgen(argv[2], number(argv[3], 60, 65535), number(argv[4], 1, 100000000),
			       argc == 6 ? number(argv[5], 1, 100000000) : BURST);
	} else if (!strcmp(what, "rx") && argc == 5) {
		measure_rx(argv[2], number(argv[3], 60, 1514), number(argv[4], 1, 100000000));
	} else if (!strcmp(what, "tcp_tx") && argc == 3) {
		measure_tcp_tx(number(argv[2], 1, 1000000));
	} else if (!strcmp(what, "tcp_rx") && argc == 3) {
		measure_tcp_rx(number(argv[2], 1, 1000000));
	} else if (!strcmp(what, "rr") && argc == 3) {
		measure_rr(number(argv[2], 1, 1000000));
	} else {
		fprintf(stderr, "usage: net_cost idle|pktgen|rx|tcp_tx|tcp_rx|rr ...\n");
		return 2;
	}
	soak_stop();
	return 0;
}
