// SPDX-License-Identifier: GPL-2.0
/*
 * Dynamic WFx trap: the knobs, Documentation/ABI/testing/sysfs-kernel-cvm_wfx_trap.
 *
 *	/sys/kernel/cvm_wfx_trap_config		WFI and WFE, all VMs
 *	/sys/kernel/cvm_wfx_trap/wfi, wfe, force	one by one, all VMs
 *	/sys/kernel/cvm_wfx_trap/add, remove	VMs with a setting of their own
 *	/sys/kernel/cvm_wfx_trap/PID/wfi, wfe, force	their settings
 */
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "wfxt.h"

static struct kobject *wfxt_dir;

/* --- for all VMs, and for one: which it is depends on the folder --- */

static struct wfxt_vm *wfxt_vm_of(struct kobject *kobj)
{
	return kobj == wfxt_dir || kobj == kernel_kobj ? NULL :
	       container_of(kobj, struct wfxt_vm, kobj);
}

static ssize_t wfxt_mask_store(struct kobject *kobj, unsigned int which, const char *buf,
			       size_t count)
{
	int err = wfxt_set_mask(wfxt_vm_of(kobj), which, buf);

	return err ? err : count;
}

static ssize_t cvm_wfx_trap_config_show(struct kobject *kobj, struct kobj_attribute *attr,
					char *buf)
{
	return wfxt_print_mask(NULL, WFXT_BOTH, buf);
}

static ssize_t cvm_wfx_trap_config_store(struct kobject *kobj, struct kobj_attribute *attr,
					 const char *buf, size_t count)
{
	return wfxt_mask_store(kobj, WFXT_BOTH, buf, count);
}

static ssize_t wfi_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return wfxt_print_mask(wfxt_vm_of(kobj), WFXT_WFI, buf);
}

static ssize_t wfi_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			 size_t count)
{
	return wfxt_mask_store(kobj, WFXT_WFI, buf, count);
}

static ssize_t wfe_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return wfxt_print_mask(wfxt_vm_of(kobj), WFXT_WFE, buf);
}

static ssize_t wfe_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			 size_t count)
{
	return wfxt_mask_store(kobj, WFXT_WFE, buf, count);
}

static ssize_t force_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", wfxt_get_force(wfxt_vm_of(kobj)));
}

static ssize_t force_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			   size_t count)
{
	bool force;
	int err = kstrtobool(buf, &force);

	if (!err)
		err = wfxt_set_force(wfxt_vm_of(kobj), force);
	return err ? err : count;
}

static ssize_t wfxt_pid_store(int (*act)(pid_t pid), const char *buf, size_t count)
{
	pid_t pid;
	int err = kstrtoint(buf, 10, &pid);

	if (!err)
		err = pid > 0 ? act(pid) : -EINVAL;
	return err ? err : count;
}

static ssize_t add_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			 size_t count)
{
	return wfxt_pid_store(wfxt_add_vm, buf, count);
}

static ssize_t remove_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			    size_t count)
{
	return wfxt_pid_store(wfxt_remove_vm, buf, count);
}

static struct kobj_attribute wfxt_config_attr = __ATTR_RW(cvm_wfx_trap_config);
static struct kobj_attribute wfxt_wfi_attr = __ATTR_RW(wfi);
static struct kobj_attribute wfxt_wfe_attr = __ATTR_RW(wfe);
static struct kobj_attribute wfxt_force_attr = __ATTR_RW(force);
static struct kobj_attribute wfxt_add_attr = __ATTR_WO(add);
static struct kobj_attribute wfxt_remove_attr = __ATTR_WO(remove);

static struct attribute *wfxt_dir_attrs[] = {
	&wfxt_wfi_attr.attr,
	&wfxt_wfe_attr.attr,
	&wfxt_force_attr.attr,
	&wfxt_add_attr.attr,
	&wfxt_remove_attr.attr,
	NULL
};

static const struct attribute_group wfxt_dir_group = {
	.attrs = wfxt_dir_attrs,
};

/* --- folders of VMs --- */

static struct attribute *wfxt_vm_attrs[] = {
	&wfxt_wfi_attr.attr,
	&wfxt_wfe_attr.attr,
	&wfxt_force_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(wfxt_vm);

static void wfxt_vm_release(struct kobject *kobj)
{
	struct wfxt_vm *vm = container_of(kobj, struct wfxt_vm, kobj);
	struct wfxt_policy *policy = rcu_dereference_protected(vm->policy, true);

	/* A vCPU may still be looking. */
	kfree_rcu(policy, rcu);
	kfree_rcu(vm, rcu);
}

static const struct kobj_type wfxt_vm_type = {
	.release = wfxt_vm_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = wfxt_vm_groups,
};

/**
 * wfxt_sysfs_add() - make the folder of a VM
 * @vm: the VM, which its folder owns from now on, also on error
 *
 * Context: process, may sleep.
 * Return: 0 or a sysfs error.
 */
int wfxt_sysfs_add(struct wfxt_vm *vm)
{
	return kobject_init_and_add(&vm->kobj, &wfxt_vm_type, wfxt_dir, "%d", vm->pid);
}

/**
 * wfxt_sysfs_init() - create the knobs
 *
 * Context: process; writers may come at once.
 * Return: 0 or a sysfs error.
 */
int wfxt_sysfs_init(void)
{
	int err;

	wfxt_dir = kobject_create_and_add("cvm_wfx_trap", kernel_kobj);
	if (!wfxt_dir)
		return -ENOMEM;
	err = sysfs_create_group(wfxt_dir, &wfxt_dir_group);
	if (err)
		goto err_put_dir;
	err = sysfs_create_file(kernel_kobj, &wfxt_config_attr.attr);
	if (err)
		goto err_remove_group;
	return 0;

err_remove_group:
	sysfs_remove_group(wfxt_dir, &wfxt_dir_group);
err_put_dir:
	kobject_put(wfxt_dir);
	return err;
}

/**
 * wfxt_sysfs_exit() - remove the knobs and wait for their users
 *
 * Folders of VMs are still there, see wfxt_vms_remove_all().
 *
 * Context: process, may sleep.
 */
void wfxt_sysfs_exit(void)
{
	sysfs_remove_file(kernel_kobj, &wfxt_config_attr.attr);
	sysfs_remove_group(wfxt_dir, &wfxt_dir_group);
}

/**
 * wfxt_sysfs_free() - remove the folder, which is empty now
 *
 * Context: process, may sleep.
 */
void wfxt_sysfs_free(void)
{
	kobject_put(wfxt_dir);
}
