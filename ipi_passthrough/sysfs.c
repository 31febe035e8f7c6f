// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough: the knob, Documentation/ABI/testing/sysfs-kernel-soft_ipi_passthrough.
 */
#include <linux/cpumask.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "ipipt.h"

static ssize_t soft_ipi_passthrough_show(struct kobject *kobj,
					 struct kobj_attribute *attr, char *buf)
{
	cpumask_var_t mask;
	ssize_t len;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	ipipt_get_mask(mask);
	len = sysfs_emit(buf, "%*pb\n", cpumask_pr_args(mask));
	free_cpumask_var(mask);
	return len;
}

static ssize_t soft_ipi_passthrough_store(struct kobject *kobj,
					  struct kobj_attribute *attr,
					  const char *buf, size_t count)
{
	cpumask_var_t mask;
	int err;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	err = ipipt_mask_parse(buf, cpu_possible_mask, mask);
	if (!err)
		err = ipipt_set_mask(mask);
	free_cpumask_var(mask);
	return err ? err : count;
}

static struct kobj_attribute ipipt_attr = __ATTR_RW(soft_ipi_passthrough);

/**
 * ipipt_sysfs_init() - create /sys/kernel/soft_ipi_passthrough
 *
 * Context: process; writers may come at once.
 * Return: 0 or a sysfs error.
 */
int ipipt_sysfs_init(void)
{
	return sysfs_create_file(kernel_kobj, &ipipt_attr.attr);
}

/**
 * ipipt_sysfs_exit() - remove the knob and wait for its users
 *
 * Context: process, may sleep.
 */
void ipipt_sysfs_exit(void)
{
	sysfs_remove_file(kernel_kobj, &ipipt_attr.attr);
}
