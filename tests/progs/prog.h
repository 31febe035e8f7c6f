/* SPDX-License-Identifier: GPL-2.0 */
/* What the test programs have in common; they define _GNU_SOURCE before they include it. */
#ifndef TESTS_PROG_H
#define TESTS_PROG_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <time.h>

#define NS_PER_S	1000000000ULL
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What failed, and why (errno). */
static inline noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

/* A word of the command line; bad ones are a usage error. */
static inline long number(const char *text, long min, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 0);
	if (errno || *end || end == text || value < min || value > max) {
		fprintf(stderr, "%s: '%s' is not a number from %ld to %ld\n",
			program_invocation_short_name, text, min, max);
		exit(2);
	}
	return value;
}

/* Monotonic. */
static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

#endif /* TESTS_PROG_H */
