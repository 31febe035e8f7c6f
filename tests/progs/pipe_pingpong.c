// SPDX-License-Identifier: GPL-2.0
/*
 * Two processes, each pinned to its CPU, pass a byte to and fro over two pipes: every hand-over is
 * a wake-up of an idle CPU. Prints the time of a round trip (two hand-overs) as key=value lines.
 *
 *	pipe_pingpong CPU_A CPU_B [ROUND_TRIPS [WARM_UP]]
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prog.h"

#define MAX_ROUNDS 10000000L

static void pin(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot run on that CPU");
}

static void send_byte(int fd)
{
	if (write(fd, "x", 1) != 1)
		die("write");
}

static void receive_byte(int fd)
{
	ssize_t n;
	char byte;

	n = read(fd, &byte, 1);
	if (n < 0)
		die("read");
	if (!n) {
		fprintf(stderr, "pipe_pingpong: the other process is gone\n");
		exit(1);
	}
}

static void echo(int in, int out, long rounds)
{
	while (rounds--) {
		receive_byte(in);
		send_byte(out);
	}
}

static void measure(int in, int out, long rounds, long warm_up, unsigned long long *samples)
{
	unsigned long long from;
	long i;

	for (i = -warm_up; i < rounds; i++) {
		from = now_ns();
		send_byte(out);
		receive_byte(in);
		if (i >= 0)
			samples[i] = now_ns() - from;
	}
}

static int compare(const void *a, const void *b)
{
	const unsigned long long x = *(const unsigned long long *)a;
	const unsigned long long y = *(const unsigned long long *)b;

	return x < y ? -1 : x > y;
}

static void report(unsigned long long *samples, long n)
{
	unsigned long long sum = 0;
	long i;

	qsort(samples, n, sizeof(*samples), compare);
	for (i = 0; i < n; i++)
		sum += samples[i];
	printf("count=%ld\n", n);
	printf("p50_ns=%llu\n", samples[n * 50 / 100]);
	printf("p90_ns=%llu\n", samples[n * 90 / 100]);
	printf("p99_ns=%llu\n", samples[n * 99 / 100]);
	printf("max_ns=%llu\n", samples[n - 1]);
	printf("mean_ns=%llu\n", sum / n);
}

int main(int argc, char **argv)
{
	unsigned long long *samples;
	long a, b, rounds, warm_up;
	int there[2], back[2];
	int status;
	pid_t child;

	if (argc < 3 || argc > 5) {
		fprintf(stderr, "usage: pipe_pingpong CPU_A CPU_B [ROUND_TRIPS [WARM_UP]]\n");
		return 2;
	}
	a = number(argv[1], 0, CPU_SETSIZE - 1);
	b = number(argv[2], 0, CPU_SETSIZE - 1);
	rounds = argc > 3 ? number(argv[3], 1, MAX_ROUNDS) : 1000;
	warm_up = argc > 4 ? number(argv[4], 0, MAX_ROUNDS) : rounds / 10;
	samples = calloc(rounds, sizeof(*samples));
	if (!samples || pipe(there) || pipe(back))
		die("set-up");

	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		/* So that the other side sees the end of file if one of us dies. */
		close(there[1]);
		close(back[0]);
		pin(b);
		echo(there[0], back[1], rounds + warm_up);
		return 0;
	}
	close(there[0]);
	close(back[1]);
	pin(a);
	measure(back[0], there[1], rounds, warm_up, samples);
	if (waitpid(child, &status, 0) != child || status)
		die("the other process failed");
	report(samples, rounds);
	return 0;
}
