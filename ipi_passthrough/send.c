// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough: the scratch masks of the senders, and their counters.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/topology.h>

#include "send.h"

DEFINE_PER_CPU(cpumask_var_t, ipipt_rest);

/**
 * ipipt_count_hard() - count hardware IPIs to CPUs of the mask in force
 * @mask: their targets
 *
 * Context: any.
 */
void ipipt_count_hard(const struct cpumask *mask)
{
	unsigned int cpu, n = 0;

	for_each_cpu(cpu, mask)
		n += ipipt_enabled(cpu);
	if (n)
		ipipt_count(IPIPT_STAT_HARD, n);
}

/**
 * ipipt_send_init() - allocate what a sender may not allocate
 *
 * Context: process, once.
 * Return: 0 or -ENOMEM.
 */
int ipipt_send_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var_node(per_cpu_ptr(&ipipt_rest, cpu),
					     GFP_KERNEL, cpu_to_node(cpu))) {
			ipipt_send_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * ipipt_send_exit() - undo ipipt_send_init()
 *
 * Context: process, no hook is in place.
 */
void ipipt_send_exit(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(ipipt_rest, cpu));
}
