// SPDX-License-Identifier: GPL-2.0
/*
 * Heartbeat of a test guest: one real-time process per CPU notes the time each
 * half second, the one of the first CPU reports all of them to the host through
 * a virtio-serial port. A CPU that runs nothing shows up as an old note.
 *
 * Line: beat <sequence> <monotonic ms> <age of cpu 0 in ms> <age of cpu 1> ...
 * A CPU that is not online (its process had to move) is shown as '-'.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_MS	500
#define MAX_CPUS	256
#define OFFLINE		UINT64_MAX

static volatile uint64_t *noted;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void sleep_until(uint64_t ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* A CPU that went away moved us elsewhere: come back when it comes back. */
static int on_cpu(int cpu)
{
	cpu_set_t set;

	if (sched_getcpu() == cpu) {
		cpu_set_t cur;

		if (!sched_getaffinity(0, sizeof(cur), &cur) && CPU_COUNT(&cur) == 1)
			return 1;
	}
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

static void note_loop(int cpu)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		noted[cpu] = on_cpu(cpu) ? now_ms() : OFFLINE;
		sleep_until(now_ms() + PERIOD_MS);
	}
}

static int report(int fd, int cpus, unsigned long seq)
{
	static char line[64 + MAX_CPUS * 12];
	uint64_t now = now_ms();
	int n, cpu;

	n = snprintf(line, sizeof(line), "beat %lu %llu", seq, (unsigned long long)now);
	for (cpu = 0; cpu < cpus; cpu++) {
		uint64_t then = noted[cpu];

		if (then == OFFLINE)
			n += snprintf(line + n, sizeof(line) - n, " -");
		else
			n += snprintf(line + n, sizeof(line) - n, " %llu",
				      (unsigned long long)(now > then ? now - then : 0));
	}
	line[n++] = '\n';
	return write(fd, line, n) == n ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sched_param rt = { .sched_priority = 98 };
	int cpus = sysconf(_SC_NPROCESSORS_CONF);
	unsigned long seq;
	int fd, cpu;

	if (argc != 2)
		return 2;
	if (cpus > MAX_CPUS)
		cpus = MAX_CPUS;
	fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	noted = mmap(NULL, MAX_CPUS * sizeof(*noted), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || noted == MAP_FAILED)
		return 1;
	mlockall(MCL_CURRENT | MCL_FUTURE);
	sched_setscheduler(0, SCHED_FIFO, &rt);
	for (cpu = 0; cpu < cpus; cpu++) {
		noted[cpu] = now_ms();
		if (cpu && !fork())
			note_loop(cpu);
	}
	for (seq = 0;; seq++) {
		uint64_t next = now_ms() + PERIOD_MS;

		/* With CPU 0 gone (arm64 can) the report goes on from elsewhere. */
		noted[0] = on_cpu(0) ? now_ms() : OFFLINE;
		if (report(fd, cpus, seq))
			return 1;
		sleep_until(next);
	}
}
