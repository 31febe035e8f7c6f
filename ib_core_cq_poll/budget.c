// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: how much, where, how long. Numbers only, no RDMA.
 */
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/math.h>
#include <linux/minmax.h>

#include <cvm/kunit.h>

#include "budget.h"

/**
 * cqpoll_budget() - completions that one queue may have in one round
 * @queues: queues of the thread
 * @bh:     bottom halves are off while they are handled
 *
 * The queues share a round, so that a busy one does not hold up the others for
 * longer than a full batch each.
 *
 * Context: any. Return: the number, a multiple of CQPOLL_BATCH, never 0.
 */
unsigned int cqpoll_budget(unsigned int queues, bool bh)
{
	unsigned int share = CQPOLL_ROUND / max(queues, 1U);

	share = clamp_t(unsigned int, share, CQPOLL_BATCH,
			bh ? CQPOLL_BUDGET_BH : CQPOLL_BUDGET_MAX);
	return rounddown(share, CQPOLL_BATCH);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_budget);

/**
 * cqpoll_spread() - which thread gets the next queue
 * @load: number of queues of each thread, by CPU
 * @cpus: CPUs with a thread
 *
 * Context: any; the caller keeps both as they are.
 * Return: the CPU with the fewest queues, the first of several such;
 * nr_cpu_ids or more when there is none.
 */
unsigned int cqpoll_spread(const unsigned int *load, const struct cpumask *cpus)
{
	unsigned int cpu, best = cpumask_first(cpus);

	for_each_cpu(cpu, cpus)
		if (load[cpu] < load[best])
			best = cpu;
	return best;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_spread);

/**
 * cqpoll_window_update() - learn from a completion that was waited for
 * @w:        the window
 * @gap_ns:   time since the completion before
 * @limit_ns: longest wait that may be spent polling
 *
 * Up at once, because each gap that is longer than the window costs an interrupt;
 * down slowly, because a few short gaps say little about the next one. A gap
 * beyond the limit was polled for in vain.
 *
 * Context: the thread that owns @w.
 */
void cqpoll_window_update(struct cqpoll_window *w, u64 gap_ns, u64 limit_ns)
{
	u64 want = 4 * gap_ns;

	if (gap_ns > limit_ns)
		w->ns /= 2;
	else if (want > w->ns)
		w->ns = want;
	else
		w->ns -= (w->ns - want) / 16;
	w->ns = clamp(w->ns, CQPOLL_WINDOW_MIN_NS, max(limit_ns, CQPOLL_WINDOW_MIN_NS));
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_window_update);

/**
 * cqpoll_step_ns() - how much of a time was polling for nothing
 * @ns: time between two looks at the queues by a thread that wanted to poll
 *
 * What was taken by an interrupt, or because the virtual CPU itself had to wait, says
 * nothing about the queues.
 *
 * Context: any. Return: nanoseconds.
 */
u64 cqpoll_step_ns(u64 ns)
{
	return min(ns, CQPOLL_STEP_MAX_NS);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_step_ns);

/**
 * cqpoll_window_ns() - how long to poll without finding anything
 * @w:        the window
 * @limit_ns: longest time
 * @adaptive: follow the traffic; always @limit_ns otherwise
 *
 * Context: any. Return: nanoseconds.
 */
u64 cqpoll_window_ns(const struct cqpoll_window *w, u64 limit_ns, bool adaptive)
{
	if (!adaptive)
		return limit_ns;
	return min(max(w->ns, CQPOLL_WINDOW_MIN_NS), limit_ns);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_window_ns);
