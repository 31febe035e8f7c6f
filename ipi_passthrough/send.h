/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft IPI passthrough: what every sender does around a kick, whatever the
 * architecture.
 */
#ifndef IPIPT_SEND_H
#define IPIPT_SEND_H

#include <linux/cpumask.h>
#include <linux/percpu.h>

#include "core.h"
#include "ipipt.h"

/* Several targets are only ever addressed from task context, one at a time. */
DECLARE_PER_CPU(cpumask_var_t, ipipt_rest);

int ipipt_send_init(void);
void ipipt_send_exit(void);
void ipipt_count_hard(const struct cpumask *mask);

static __always_inline bool ipipt_enabled(unsigned int cpu)
{
	return READ_ONCE(per_cpu_ptr(&ipipt_cpu, cpu)->enabled);
}

/**
 * ipipt_note_soft() - sender: kicks were just sent through memory
 * @n: how many
 *
 * The kick itself was a full barrier, see ipipt_rescue_expired() for its pair.
 *
 * Context: any but NMI; no lock is taken.
 */
static __always_inline void ipipt_note_soft(unsigned int n)
{
	ipipt_count(IPIPT_STAT_SOFT, n);
	if (READ_ONCE(ipipt_rescue_us) && !atomic_read(&ipipt_rescue_armed))
		ipipt_rescue_start();
}

/**
 * ipipt_send_soft() - kick those of several targets that poll
 * @mask: the targets; then those that are left for hardware, if there are any
 * @kick: kicks one CPU, true when that was enough
 *
 * Context: task, preemption off: an interrupt may find the scratch mask in use.
 * Return: the counts.
 */
static __always_inline struct ipipt_split
ipipt_send_soft(const struct cpumask **mask, ipipt_kick_fn kick)
{
	struct cpumask *rest = this_cpu_cpumask_var_ptr(ipipt_rest);
	struct ipipt_split split = ipipt_kick_mask(*mask, rest, kick);

	if (split.soft) {
		ipipt_note_soft(split.soft);
		*mask = rest;
	}
	if (split.hard)
		ipipt_count_hard(*mask);
	return split;
}

#endif /* IPIPT_SEND_H */
