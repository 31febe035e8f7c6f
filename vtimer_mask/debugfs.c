// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual timer mask: /sys/kernel/debug/vtimer_mask/stats.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "vtm.h"

static struct dentry *vtm_dir;

static int stats_show(struct seq_file *m, void *v)
{
	struct vtm_stats *stats;
	unsigned int cpu, i;

	seq_puts(m, "# cpu expiries redundant suppressed lowered unmasked tec\n");
	for_each_possible_cpu(cpu) {
		stats = per_cpu_ptr(&vtm_stats, cpu);
		seq_printf(m, "%u", cpu);
		for (i = 0; i < VTM_STATS; i++)
			seq_printf(m, " %llu", READ_ONCE(stats->n[i]));
		seq_putc(m, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/**
 * vtm_debugfs_init() - create the statistics file
 *
 * Context: process. Failures are not errors, as debugfs wants it.
 */
void vtm_debugfs_init(void)
{
	vtm_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("stats", 0444, vtm_dir, NULL, &stats_fops);
}

/**
 * vtm_debugfs_exit() - remove it and wait for its readers
 *
 * Context: process, may sleep.
 */
void vtm_debugfs_exit(void)
{
	debugfs_remove(vtm_dir);
}
