// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual timer mask: the knob, Documentation/ABI/testing/sysfs-kernel-cvm_vtimer_mask.
 */
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "vtm.h"

static ssize_t cvm_vtimer_mask_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", vtm_get());
}

static ssize_t cvm_vtimer_mask_store(struct kobject *kobj, struct kobj_attribute *attr,
				     const char *buf, size_t count)
{
	bool on;
	int err = kstrtobool(buf, &on);

	if (!err)
		err = vtm_set(on);
	return err ? err : count;
}

static struct kobj_attribute vtm_attr = __ATTR_RW(cvm_vtimer_mask);

/**
 * vtm_sysfs_init() - create /sys/kernel/cvm_vtimer_mask
 *
 * Context: process; writers may come at once.
 * Return: 0 or a sysfs error.
 */
int vtm_sysfs_init(void)
{
	return sysfs_create_file(kernel_kobj, &vtm_attr.attr);
}

/**
 * vtm_sysfs_exit() - remove the knob and wait for its users
 *
 * Context: process, may sleep.
 */
void vtm_sysfs_exit(void)
{
	sysfs_remove_file(kernel_kobj, &vtm_attr.attr);
}
