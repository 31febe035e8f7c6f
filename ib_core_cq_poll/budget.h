/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CQ polling: how much, where, how long. Numbers only, no RDMA.
 */
#ifndef CQPOLL_BUDGET_H
#define CQPOLL_BUDGET_H

#include <linux/types.h>

struct cpumask;

/* Completions taken from a queue at once. */
#define CQPOLL_BATCH		16
/* Completions of one round over all queues of a thread, roughly. */
#define CQPOLL_ROUND		1024
/* Most completions of one queue in a round. */
#define CQPOLL_BUDGET_MAX	256
/* The same where bottom halves are off meanwhile. */
#define CQPOLL_BUDGET_BH	64
/* The shortest time to poll without finding anything. */
#define CQPOLL_WINDOW_MIN_NS	(20 * 1000ULL)

/* A look at all queues takes less; beyond that something else had the CPU. */
#define CQPOLL_STEP_MAX_NS	(100 * 1000ULL)
/* Who keeps the CPU for longer does not work for us. */
#define CQPOLL_YIELD_MAX_NS	(1000 * 1000ULL)

/**
 * struct cqpoll_window - how long a thread polls before it sleeps
 * @ns: the time; 0 before the first cqpoll_window_update()
 */
struct cqpoll_window {
	u64 ns;
};

unsigned int cqpoll_budget(unsigned int queues, bool bh);
unsigned int cqpoll_spread(const unsigned int *load, const struct cpumask *cpus);
void cqpoll_window_update(struct cqpoll_window *w, u64 gap_ns, u64 limit_ns);
u64 cqpoll_step_ns(u64 ns);
u64 cqpoll_window_ns(const struct cqpoll_window *w, u64 limit_ns, bool adaptive);

#endif /* CQPOLL_BUDGET_H */
