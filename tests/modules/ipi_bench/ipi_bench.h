/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IPI_BENCH_H
#define IPI_BENCH_H

#include <linux/cpumask.h>
#include <linux/types.h>

#include "clock.h"

#define IPIB_LATE_NS		NSEC_PER_SEC	/* an answer later than this counts as a time-out */

/**
 * enum ipib_mode - what one run measures
 * @IPIB_SINGLE: synchronous function call to one CPU
 * @IPIB_MANY: synchronous function call to several CPUs with one mask
 * @IPIB_WAKEUP: wake-up of a thread pinned to the target
 * @IPIB_RESCHED: reschedule IPI to every idle CPU; it has no handler: only the send cost is timed
 * @IPIB_NONE: no call at all: the background of the interrupt counters in the same time
 * @IPIB_HAZARD: synchronous call to a CPU whose softirq spins on a lock that the caller holds
 * @IPIB_NR_MODES: their number
 */
enum ipib_mode {
	IPIB_SINGLE,
	IPIB_MANY,
	IPIB_WAKEUP,
	IPIB_RESCHED,
	IPIB_NONE,
	IPIB_HAZARD,
	IPIB_NR_MODES
};

struct ipib_request {
	enum ipib_mode mode;
	unsigned int sender;
	unsigned int count;
	unsigned int gap_us;
	unsigned int bail_ms;
	unsigned int timing;	/* 1: latency matters, so no tracepoint watches the targets */
	unsigned int polling;	/* 1: targets are ready when they poll, not when they idle */
	struct cpumask targets;
};

/**
 * struct ipib_result - raw samples of one run
 * @done: calls made
 * @timeouts: answers later than IPIB_LATE_NS, or given up by the hazard's softirq
 * @target_idle: answers given by a CPU that had been idle (one per target and call)
 * @idle_loop: answers given from the idle loop itself, i.e. without any interrupt
 * @never_idle: calls made although a target did not become idle
 * @softirq_on_idle: hazard only: softirqs that ran on top of the idle task
 * @entry: clock ticks from the call to the handler's start (of the last target, for a mask)
 * @rtt: clock ticks from the call to its return
 * @abort: the user gave up
 */
struct ipib_result {
	unsigned int done;
	unsigned int timeouts;
	unsigned int never_idle;
	atomic_t target_idle;
	atomic_t idle_loop;
	unsigned int softirq_on_idle;
	u64 *entry;
	u64 *rtt;
	bool abort;
};

int ipib_measure(const struct ipib_request *req, struct ipib_result *res);
int ipib_hazard(const struct ipib_request *req, struct ipib_result *res);

/* idle.c */
void ipib_gap(const struct ipib_request *req, struct ipib_result *res);
int ipib_idle_watch(void);
void ipib_idle_unwatch(void);

/* measure.c, shared by hazard.c */
void ipib_note_context(struct ipib_result *res);

#endif /* IPI_BENCH_H */
