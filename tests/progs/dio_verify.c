// SPDX-License-Identifier: GPL-2.0
/*
 * Direct I/O whose data is checked:
 *
 *   dio_verify FILE MODE THREADS SECONDS [HANG_SECONDS [PAUSE_US]]
 *
 * MODE is randwrite or syncwrite (each write on stable storage), both with as many reads,
 * randread, or write (nothing else, until the end). Each thread has blocks of its own in
 * FILE.<thread>; it knows what it wrote last to each and checks what it reads. Before each
 * operation it pauses for PAUSE_US (0). A signal (TERM) ends the run early. At the end
 * everything is read and compared, and this is printed, times in microseconds; all but
 * the last without that end and the beginning:
 *
 *   begun= ops= wrong= errors= samples= mean= p50= p99= max=
 *
 * The first of them as soon as the files are there and the load begins.
 *
 * Exit status 1 when anything was wrong, 3 when one operation took HANG_SECONDS (60).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "prog.h"

#define BLOCK		4096
#define BLOCKS		32
#define THREADS_MAX	16
#define SAMPLES		200000

enum mode { RANDWRITE, SYNCWRITE, RANDREAD, WRITE };

struct worker {
	pthread_t thread;
	unsigned int number;
	int fd;
	unsigned char *buf;
	uint64_t seed;
	uint64_t gen[BLOCKS];
	unsigned long ops, wrong, errors;
	volatile uint64_t began;	/* of the running operation, 0: none */
	uint32_t *times;
	unsigned int samples;
	int timed;
	uint64_t max;
};

static struct worker workers[THREADS_MAX];
static unsigned int nworkers;
static enum mode mode;
static unsigned int pause_us;
static volatile sig_atomic_t stop;

static uint64_t now_us(void)
{
	return now_ns() / 1000;
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

static uint64_t word(const struct worker *w, unsigned int block, unsigned int i)
{
	return mix((uint64_t)w->number << 56 ^ (uint64_t)block << 40 ^ w->gen[block] << 16 ^ i);
}

static void fill(struct worker *w, unsigned int block)
{
	uint64_t *p = (uint64_t *)w->buf;
	unsigned int i;

	for (i = 0; i < BLOCK / 8; i++)
		p[i] = word(w, block, i);
}

static int matches(const struct worker *w, unsigned int block)
{
	const uint64_t *p = (const uint64_t *)w->buf;
	unsigned int i;

	for (i = 0; i < BLOCK / 8; i++)
		if (p[i] != word(w, block, i))
			return 0;
	return 1;
}

static void done(struct worker *w, uint64_t us)
{
	w->ops++;
	if (us > w->max)
		w->max = us;
	if (w->timed && w->samples < SAMPLES)
		w->times[w->samples++] = us > UINT32_MAX ? UINT32_MAX : us;
}

static int transfer(struct worker *w, unsigned int block, int write)
{
	uint64_t begin = now_us();
	ssize_t n;

	w->began = begin;
	n = write ? pwrite(w->fd, w->buf, BLOCK, (off_t)block * BLOCK) :
		    pread(w->fd, w->buf, BLOCK, (off_t)block * BLOCK);
	w->began = 0;
	if (n != BLOCK) {
		if (!w->errors++)
			fprintf(stderr, "dio_verify: block %u: %s\n", block,
				n < 0 ? strerror(errno) : "short");
		return 0;
	}
	done(w, now_us() - begin);
	return 1;
}

static void put(struct worker *w, unsigned int block)
{
	w->gen[block]++;
	fill(w, block);
	transfer(w, block, 1);
}

static void check(struct worker *w, unsigned int block)
{
	memset(w->buf, 0xdb, BLOCK);
	if (transfer(w, block, 0) && !matches(w, block))
		w->wrong++;
}

static void *work(void *data)
{
	struct worker *w = data;
	unsigned int i, block;

	while (!stop) {
		if (pause_us)
			usleep(pause_us);
		w->seed = mix(w->seed + 1);
		block = w->seed % BLOCKS;
		if (mode == RANDREAD || (mode != WRITE && w->seed >> 40 & 1))
			check(w, block);
		else
			put(w, block);
	}
	w->timed = 0;
	for (i = 0; i < BLOCKS; i++)
		check(w, i);
	return NULL;
}

static void begin(struct worker *w, const char *file)
{
	char path[256];
	unsigned int i;

	snprintf(path, sizeof(path), "%s.%u", file, w->number);
	w->fd = open(path, O_RDWR | O_CREAT | O_DIRECT | (mode == SYNCWRITE ? O_SYNC : 0), 0600);
	if (w->fd < 0)
		die(path);
	if (posix_memalign((void **)&w->buf, BLOCK, BLOCK))
		die("memory");
	w->times = malloc(SAMPLES * sizeof(*w->times));
	if (!w->times)
		die("memory");
	w->seed = mix(w->number + 1);
	for (i = 0; i < BLOCKS; i++)
		put(w, i);
	w->ops = 0;
	w->timed = 1;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int report(void)
{
	unsigned long ops = 0, wrong = 0, errors = 0;
	uint32_t *all = malloc(nworkers * SAMPLES * sizeof(*all));
	uint64_t max = 0;
	double sum = 0;
	size_t n = 0, k;
	unsigned int i;

	if (!all)
		die("memory");
	for (i = 0; i < nworkers; i++) {
		memcpy(all + n, workers[i].times, workers[i].samples * sizeof(*all));
		n += workers[i].samples;
		ops += workers[i].ops;
		wrong += workers[i].wrong;
		errors += workers[i].errors;
		if (workers[i].max > max)
			max = workers[i].max;
	}
	qsort(all, n, sizeof(*all), compare);
	for (k = 0; k < n; k++)
		sum += all[k];
	printf("ops=%lu\nwrong=%lu\nerrors=%lu\n", ops, wrong, errors);
	if (n)
		printf("samples=%zu\nmean=%.1f\np50=%u\np99=%u\n", n, sum / n, all[n / 2],
		       all[n * 99 / 100]);
	printf("max=%llu\n", (unsigned long long)max);
	fflush(stdout);
	return wrong || errors || !ops;
}

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

/* Ends the process when an operation hangs: nobody else would tell. */
static void *watch(void *data)
{
	uint64_t limit = *(unsigned int *)data * 1000000ULL, began;
	unsigned int i;

	for (;;) {
		usleep(200000);
		for (i = 0; i < nworkers; i++) {
			began = workers[i].began;
			if (began && now_us() - began > limit) {
				printf("hung=1\n");
				fflush(stdout);
				_exit(3);
			}
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static unsigned int hang = 60;
	unsigned int i, seconds;
	pthread_t watcher;

	if (argc < 5 || argc > 7) {
		fprintf(stderr,
			"usage: dio_verify FILE MODE THREADS SECONDS [HANG_SECONDS [PAUSE_US]]\n");
		return 2;
	}
	if (!strcmp(argv[2], "randwrite"))
		mode = RANDWRITE;
	else if (!strcmp(argv[2], "syncwrite"))
		mode = SYNCWRITE;
	else if (!strcmp(argv[2], "randread"))
		mode = RANDREAD;
	else if (!strcmp(argv[2], "write"))
		mode = WRITE;
	else
		return 2;
	nworkers = atoi(argv[3]);
	if (nworkers < 1 || nworkers > THREADS_MAX)
		return 2;
	seconds = atoi(argv[4]);
	if (argc > 5)
		hang = atoi(argv[5]);
	if (argc > 6)
		pause_us = atoi(argv[6]);
	signal(SIGTERM, on_term);
	for (i = 0; i < nworkers; i++)
		workers[i].number = i;
	if (pthread_create(&watcher, NULL, watch, &hang))
		die("thread");
	for (i = 0; i < nworkers; i++)
		begin(&workers[i], argv[1]);
	printf("begun=1\n");
	fflush(stdout);
	for (i = 0; i < nworkers; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("thread");
	for (i = 0; i < seconds * 10 && !stop; i++)
		usleep(100000);
	stop = 1;
	for (i = 0; i < nworkers; i++)
		pthread_join(workers[i].thread, NULL);
	return report();
}
