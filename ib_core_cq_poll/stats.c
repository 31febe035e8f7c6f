// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: the table of queues, /sys/kernel/ib_core_poll_stat.
 *
 * A queue's counters belong to its thread. A reset is a number that the threads
 * compare with their own, so nobody else writes them.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sysfs.h>
#include <linux/time64.h>

#include "cqpoll.h"

bool cqpoll_timing;
unsigned int cqpoll_resets;

/**
 * cqpoll_stats_timing() - switch timing on or off; on: all counters begin at 0
 * @on: which
 *
 * Context: any; of two callers at once both may make the same reset.
 */
void cqpoll_stats_timing(bool on)
{
	if (on)
		WRITE_ONCE(cqpoll_resets, READ_ONCE(cqpoll_resets) + 1);
	WRITE_ONCE(cqpoll_timing, on);
}

/**
 * cqpoll_stats_reset() - all counters of a queue begin at 0
 * @c:      the queue
 * @resets: number of this reset
 *
 * Context: the queue's thread.
 */
void cqpoll_stats_reset(struct cqpoll_cq *c, unsigned int resets)
{
	memset(&c->stat, 0, sizeof(c->stat));
	atomic_long_set(&c->q.events, 0);
	/* From here on readers of the table believe them. */
	smp_store_release(&c->stat.reset, resets);
}

/**
 * cqpoll_stats_hit() - count completions that a look has found
 * @c:  the queue
 * @n:  completions
 * @ns: time that they took, 0 when it was not taken
 *
 * Context: the queue's thread.
 */
void cqpoll_stats_hit(struct cqpoll_cq *c, unsigned int n, u64 ns)
{
	struct cqpoll_stat *s = &c->stat;

	s->hits++;
	s->completions += n;
	if (ns) {
		WRITE_ONCE(s->max_ns, max(s->max_ns, ns));
		WRITE_ONCE(s->timed, s->timed + 1);
		/* Last: readers of it never find a mean above the longest. */
		smp_store_release(&s->ns, s->ns + ns);
	}
}

static int cqpoll_stats_row(char *buf, size_t size, const struct cqpoll_cq *c)
{
	static const struct cqpoll_stat zero;
	/* A thread that sleeps has not heard of the last reset. */
	bool counts = smp_load_acquire(&c->stat.reset) == READ_ONCE(cqpoll_resets);
	const struct cqpoll_stat *s = counts ? &c->stat : &zero;
	/* The thread counts on meanwhile. */
	u64 hits = READ_ONCE(s->hits), done = READ_ONCE(s->completions);
	/* Before timed, which is never behind it. */
	u64 ns = smp_load_acquire(&s->ns), timed = READ_ONCE(s->timed);

	return scnprintf(buf, size,
			 "%-15s %5u %-15s %3u %12llu %10llu %5llu %8llu %8llu %8llu %8ld\n",
			 c->name, c->id, c->owner, c->poller->cpu,
			 READ_ONCE(s->polls), done, hits ? div64_u64(done, hits) : 0,
			 timed ? div64_u64(ns, timed) : 0, READ_ONCE(s->max_ns),
			 READ_ONCE(s->armed), counts ? atomic_long_read(&c->q.events) : 0);
}

/* Those that are on the way to us or back, and polled by nobody */
static unsigned int cqpoll_stats_between(void)
{
	const struct cqpoll_cq *c;
	unsigned int n = 0;

	list_for_each_entry(c, &cqpoll_cqs, all)
		n += !c->poller;
	return n;
}

static int cqpoll_stats_head(char *buf, size_t size)
{
	const struct cqpoll_poller *p;
	unsigned int cpu;
	int len;

	len = scnprintf(buf, size,
			"# timing %d, not taken for lack of memory %lu, changing hands %u\n",
			READ_ONCE(cqpoll_timing), cqpoll_not_taken, cqpoll_stats_between());
	for_each_cpu(cpu, &cqpoll_active) {
		p = cqpoll_poller_get(cpu);
		len += scnprintf(buf + len, size - len, "# cpu %u slept %llu window_us %llu\n",
				 cpu, READ_ONCE(p->sleeps),
				 div_u64(READ_ONCE(p->window.ns), NSEC_PER_USEC));
	}
	len += scnprintf(buf + len, size - len,
			 "# device queue owner cpu polls completions per_hit mean_ns max_ns armed events\n");
	return len;
}

/**
 * cqpoll_stats_show() - write the table
 * @buf: a page, as sysfs gives
 *
 * Context: process. Return: length. A last line tells how many rows had no room.
 */
ssize_t cqpoll_stats_show(char *buf)
{
	/* One line is kept for the last one. */
	size_t size = PAGE_SIZE - 64;
	unsigned int left = 0;
	struct cqpoll_cq *c;
	char row[192];
	ssize_t len;
	int n;

	spin_lock(&cqpoll_lock);
	len = cqpoll_stats_head(buf, size);
	list_for_each_entry(c, &cqpoll_cqs, all) {
		if (!c->poller)
			continue;
		/* What has no room is not worth the time with the lock held. */
		n = left ? 0 : cqpoll_stats_row(row, sizeof(row), c);
		if (left || len + n >= size) {
			left++;
			continue;
		}
		memcpy(buf + len, row, n);
		len += n;
	}
	spin_unlock(&cqpoll_lock);
	if (left)
		len += scnprintf(buf + len, PAGE_SIZE - len, "# %u more\n", left);
	return len;
}
