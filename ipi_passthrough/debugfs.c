// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough: /sys/kernel/debug/ipi_passthrough/stats.
 *
 * The counters belong to their CPUs and are never written by anybody else, so a
 * reset only remembers what they were.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/time64.h>

#include "ipipt.h"

/* What a reset subtracts from then on. */
struct ipipt_base {
	u64 stat[IPIPT_STATS];
	unsigned long rescued;
};

static DEFINE_MUTEX(ipipt_base_lock);	/* protects every ipipt_base */
static DEFINE_PER_CPU(struct ipipt_base, ipipt_base);
static struct dentry *ipipt_dir;

static int ipipt_stats_show(struct seq_file *m, void *v)
{
	struct ipipt_base *base;
	struct ipipt_cpu *c;
	u64 n[IPIPT_STATS];
	unsigned int cpu, i;

	seq_puts(m, "# cpu on soft hard self rescued polls kicked expired poll_us\n");
	mutex_lock(&ipipt_base_lock);
	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&ipipt_cpu, cpu);
		base = per_cpu_ptr(&ipipt_base, cpu);
		for (i = 0; i < IPIPT_STATS; i++)
			n[i] = READ_ONCE(c->stat[i]) - base->stat[i];
		seq_printf(m, "%u %d %llu %llu %llu %lu %llu %llu %llu %llu\n",
			   cpu, READ_ONCE(c->enabled),
			   n[IPIPT_STAT_SOFT], n[IPIPT_STAT_HARD],
			   n[IPIPT_STAT_SELF],
			   ipipt_rescued(cpu) - base->rescued,
			   n[IPIPT_STAT_POLLS], n[IPIPT_STAT_KICKED],
			   n[IPIPT_STAT_EXPIRED],
			   div_u64(n[IPIPT_STAT_NS], NSEC_PER_USEC));
	}
	mutex_unlock(&ipipt_base_lock);
	return 0;
}

static int ipipt_stats_open(struct inode *inode, struct file *file)
{
	return single_open(file, ipipt_stats_show, NULL);
}

static ssize_t ipipt_stats_write(struct file *file, const char __user *buf,
				 size_t len, loff_t *pos)
{
	struct ipipt_base *base;
	struct ipipt_cpu *c;
	unsigned int cpu, i;

	mutex_lock(&ipipt_base_lock);
	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&ipipt_cpu, cpu);
		base = per_cpu_ptr(&ipipt_base, cpu);
		for (i = 0; i < IPIPT_STATS; i++)
			base->stat[i] = READ_ONCE(c->stat[i]);
		base->rescued = ipipt_rescued(cpu);
	}
	mutex_unlock(&ipipt_base_lock);
	return len;
}

static const struct file_operations ipipt_stats_fops = {
	.owner = THIS_MODULE,
	.open = ipipt_stats_open,
	.read = seq_read,
	.write = ipipt_stats_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/**
 * ipipt_debugfs_init() - create the statistics file
 *
 * Context: process. Failures are not errors, as debugfs wants it.
 */
void ipipt_debugfs_init(void)
{
	ipipt_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("stats", 0644, ipipt_dir, NULL, &ipipt_stats_fops);
}

/**
 * ipipt_debugfs_exit() - remove it and wait for its readers
 *
 * Context: process, may sleep.
 */
void ipipt_debugfs_exit(void)
{
	debugfs_remove(ipipt_dir);
}
