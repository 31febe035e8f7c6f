// SPDX-License-Identifier: GPL-2.0
/*
 * Dynamic WFx trap: what is in force, and whether anything has to be hooked for it.
 *
 * A setting is never changed in place: a copy is, which then replaces it under RCU.
 * A VM's own setting stands in for the one that holds for all VMs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/file.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <compat/kvm.h>
#include <cvm/virtcca.h>

#include "wfxt.h"

struct wfxt_policy __rcu *wfxt_global;

/* Protects every policy's replacement, the folders of VMs and the flag. */
static DEFINE_MUTEX(wfxt_config_lock);
static bool wfxt_hooked;

static struct wfxt_policy __rcu **wfxt_place(struct wfxt_vm *vm)
{
	return vm ? &vm->policy : &wfxt_global;
}

static struct wfxt_policy *wfxt_policy_locked(struct wfxt_vm *vm)
{
	return rcu_dereference_protected(*wfxt_place(vm), lockdep_is_held(&wfxt_config_lock));
}

static struct wfxt_policy *wfxt_policy_copy(struct wfxt_vm *vm)
{
	return kmemdup(wfxt_policy_locked(vm), sizeof(struct wfxt_policy), GFP_KERNEL);
}

/* Nobody is left to look at: take the hooks back. */
static void wfxt_settle_locked(void)
{
	if (!wfxt_hooked || !wfxt_policy_empty(wfxt_policy_locked(NULL)) || !wfxt_vms_empty())
		return;
	wfxt_unhook();
	wfxt_hooked = false;
}

/**
 * wfxt_settle() - take the hooks back if no setting needs them any more
 *
 * Context: process, may sleep.
 */
void wfxt_settle(void)
{
	mutex_lock(&wfxt_config_lock);
	wfxt_settle_locked();
	mutex_unlock(&wfxt_config_lock);
}

/* Takes over @policy, in any case. */
static int wfxt_publish(struct wfxt_vm *vm, struct wfxt_policy *policy)
{
	struct wfxt_policy *old = wfxt_policy_locked(vm);
	int err;

	if (!wfxt_hooked && !wfxt_policy_empty(policy)) {
		err = wfxt_hook();
		if (err) {
			kfree(policy);
			return err;
		}
		wfxt_hooked = true;
	}
	rcu_assign_pointer(*wfxt_place(vm), policy);
	wfxt_changed();
	kfree_rcu(old, rcu);
	wfxt_settle_locked();
	/* Who is in a guest, perhaps in WFI, comes out and looks again. */
	kick_all_cpus_sync();
	return 0;
}

/**
 * wfxt_set_mask() - choose the vCPUs whose WFI or WFE is not trapped
 * @vm:    a VM with a setting of its own, or NULL for what holds for all others
 * @which: WFXT_WFI, WFXT_WFE or both
 * @buf:   the mask as the user wrote it
 *
 * Context: process, may sleep.
 * Return: 0; an error of wfxt_policy_parse_mask(), -ENOMEM or an error of the hooks,
 * with nothing changed.
 */
int wfxt_set_mask(struct wfxt_vm *vm, unsigned int which, const char *buf)
{
	struct wfxt_policy *policy;
	int err = -ENOMEM;

	mutex_lock(&wfxt_config_lock);
	policy = wfxt_policy_copy(vm);
	if (policy) {
		err = wfxt_policy_parse_mask(policy, which, buf);
		if (err)
			kfree(policy);
		else
			err = wfxt_publish(vm, policy);
	}
	mutex_unlock(&wfxt_config_lock);
	return err;
}

/**
 * wfxt_set_force() - shall a setting hold while other tasks want the CPU?
 * @vm:    see wfxt_set_mask()
 * @force: true when it shall
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM with nothing changed.
 */
int wfxt_set_force(struct wfxt_vm *vm, bool force)
{
	struct wfxt_policy *policy;
	int err = -ENOMEM;

	mutex_lock(&wfxt_config_lock);
	policy = wfxt_policy_copy(vm);
	if (policy) {
		policy->force = force;
		err = wfxt_publish(vm, policy);
	}
	mutex_unlock(&wfxt_config_lock);
	return err;
}

/**
 * wfxt_print_mask() - show the mask in force
 * @vm:    see wfxt_set_mask()
 * @which: see wfxt_policy_print_mask()
 * @buf:   a page
 *
 * Context: process, may sleep.
 * Return: length of the text.
 */
ssize_t wfxt_print_mask(struct wfxt_vm *vm, unsigned int which, char *buf)
{
	ssize_t len;

	mutex_lock(&wfxt_config_lock);
	len = wfxt_policy_print_mask(wfxt_policy_locked(vm), which, buf, PAGE_SIZE);
	mutex_unlock(&wfxt_config_lock);
	return len;
}

/**
 * wfxt_get_force() - what wfxt_set_force() was told last
 * @vm: see wfxt_set_mask()
 *
 * Context: process, may sleep.
 * Return: that.
 */
bool wfxt_get_force(struct wfxt_vm *vm)
{
	bool force;

	mutex_lock(&wfxt_config_lock);
	force = wfxt_policy_locked(vm)->force;
	mutex_unlock(&wfxt_config_lock);
	return force;
}

/* The folder of a VM whose file the caller holds; it begins with what holds for all. */
static int wfxt_add_vm_locked(pid_t pid, const void *kvm)
{
	struct wfxt_policy *policy;
	struct wfxt_vm *vm;
	int err;

	vm = wfxt_vm_by_pid(pid);
	if (vm) {
		kobject_put(&vm->kobj);
		return -EEXIST;
	}
	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	policy = wfxt_policy_copy(NULL);
	if (!vm || !policy) {
		kfree(vm);
		kfree(policy);
		return -ENOMEM;
	}
	vm->kvm = kvm;
	vm->pid = pid;
	RCU_INIT_POINTER(vm->policy, policy);
	err = wfxt_sysfs_add(vm);
	if (err) {
		kobject_put(&vm->kobj);
		return err;
	}
	wfxt_vm_link(vm);
	return 0;
}

/**
 * wfxt_add_vm() - give the VM of a process a setting of its own
 * @pid: the process
 *
 * Context: process, may sleep.
 * Return: 0; an error of wfxt_find_vm(), -EEXIST when it has one, -ENOMEM.
 */
int wfxt_add_vm(pid_t pid)
{
	struct file *file;
	int err;

	/* An earlier VM's folder of that name has to be gone first. */
	wfxt_vms_flush();
	file = wfxt_find_vm(&pid);
	if (IS_ERR(file))
		return PTR_ERR(file);
	mutex_lock(&wfxt_config_lock);
	err = wfxt_add_vm_locked(pid, cvm_file_kvm(file));
	mutex_unlock(&wfxt_config_lock);
	fput(file);
	return err;
}

/**
 * wfxt_remove_vm() - let what holds for all VMs hold for that of a process again
 * @pid: the process, in the first PID namespace, as its folder says
 *
 * Context: process, may sleep.
 * Return: 0, or -ESRCH when that process has no such folder.
 */
int wfxt_remove_vm(pid_t pid)
{
	struct wfxt_vm *vm;
	bool ours = false;

	mutex_lock(&wfxt_config_lock);
	vm = wfxt_vm_by_pid(pid);
	if (vm) {
		ours = wfxt_vm_unlink(vm);
		wfxt_settle_locked();
	}
	mutex_unlock(&wfxt_config_lock);
	if (!vm)
		return -ESRCH;
	kick_all_cpus_sync();
	/* Who writes to a file in there waits for the lock above. */
	if (ours) {
		kobject_del(&vm->kobj);
		kobject_put(&vm->kobj);
	}
	kobject_put(&vm->kobj);
	return 0;
}

static int __init wfxt_init(void)
{
	struct wfxt_policy *policy;
	int err;

	err = wfxt_hook_init();
	if (err)
		return err;
	policy = kzalloc(sizeof(*policy), GFP_KERNEL);
	if (!policy)
		return -ENOMEM;
	RCU_INIT_POINTER(wfxt_global, policy);
	err = wfxt_vms_init();
	if (err)
		goto err_free_policy;
	err = wfxt_sysfs_init();
	if (err)
		goto err_vms_exit;
	wfxt_debugfs_init();

	pr_info("%s; KVM's own policy until a mask is written\n",
		cvm_virtcca_host() ? "virtCCA host, masks hold for confidential VMs, too" :
		"not a virtCCA host");
	return 0;

err_vms_exit:
	wfxt_vms_exit();
err_free_policy:
	kfree(policy);
	return err;
}
module_init(wfxt_init);

static void __exit wfxt_exit(void)
{
	wfxt_debugfs_exit();
	wfxt_sysfs_exit();
	/* The last who could hook anything. */
	wfxt_vms_remove_all();
	if (wfxt_hooked)
		wfxt_unhook();
	wfxt_vms_exit();
	wfxt_sysfs_free();
	kfree(rcu_dereference_protected(wfxt_global, true));
}
module_exit(wfxt_exit);

MODULE_DESCRIPTION("Dynamic WFx trap: WFI and WFE stay in guests whose vCPUs own their core");
MODULE_LICENSE("GPL");
