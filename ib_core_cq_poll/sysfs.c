// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: the knobs, Documentation/ABI/testing/sysfs-kernel-ib_core_poll.
 */
#include <linux/cpumask.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "cqpoll.h"

static ssize_t ib_core_poll_cpu_show(struct kobject *kobj,
				     struct kobj_attribute *attr, char *buf)
{
	cpumask_var_t cpus;
	ssize_t len;

	if (!alloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	cqpoll_get_cpus(cpus);
	if (cpumask_empty(cpus))
		len = sysfs_emit(buf, "-1\n");
	else
		len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(cpus));
	free_cpumask_var(cpus);
	return len;
}

static ssize_t ib_core_poll_cpu_store(struct kobject *kobj,
				      struct kobj_attribute *attr,
				      const char *buf, size_t count)
{
	cpumask_var_t cpus;
	int err;

	if (!alloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	err = cqpoll_cpus_parse(buf, cpu_possible_mask, cpus);
	if (!err)
		err = cqpoll_set_cpus(cpus);
	free_cpumask_var(cpus);
	return err ? err : count;
}

static ssize_t ib_core_poll_stat_show(struct kobject *kobj,
				      struct kobj_attribute *attr, char *buf)
{
	return cqpoll_stats_show(buf);
}

static ssize_t ib_core_poll_stat_store(struct kobject *kobj,
				       struct kobj_attribute *attr,
				       const char *buf, size_t count)
{
	bool on;
	int err;

	err = cqpoll_switch_parse(buf, &on);
	if (err)
		return err;
	cqpoll_stats_timing(on);
	return count;
}

static struct kobj_attribute cqpoll_cpu_attr = __ATTR_RW(ib_core_poll_cpu);
static struct kobj_attribute cqpoll_stat_attr = __ATTR_RW(ib_core_poll_stat);

static const struct attribute *cqpoll_attrs[] = {
	&cqpoll_cpu_attr.attr,
	&cqpoll_stat_attr.attr,
	NULL
};

/**
 * cqpoll_sysfs_init() - create the knobs under /sys/kernel
 *
 * Context: process; writers may come at once.
 * Return: 0 or a sysfs error.
 */
int cqpoll_sysfs_init(void)
{
	return sysfs_create_files(kernel_kobj, cqpoll_attrs);
}

/**
 * cqpoll_sysfs_exit() - remove them and wait for their users
 *
 * Context: process, may sleep.
 */
void cqpoll_sysfs_exit(void)
{
	sysfs_remove_files(kernel_kobj, cqpoll_attrs);
}
