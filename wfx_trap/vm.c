// SPDX-License-Identifier: GPL-2.0
/*
 * Dynamic WFx trap: the VMs and vCPUs that we know of.
 *
 * vCPUs are entered in a table when they first run while a setting is in force; VMs
 * with a setting of their own are in a list. Both go when KVM destroys the VM,
 * which it tells nobody: hence a kprobe.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/kprobes.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <compat/kvm.h>

#include "wfxt.h"

static DEFINE_RAW_SPINLOCK(wfxt_lock);		/* protects the three below */
static DEFINE_HASHTABLE(wfxt_vcpus, 7);		/* read under RCU, too */
static LIST_HEAD(wfxt_vms);
static LIST_HEAD(wfxt_dead);			/* VMs whose folder has to go */

static void wfxt_reap(struct work_struct *work)
{
	struct wfxt_vm *vm;

	for (;;) {
		raw_spin_lock_irq(&wfxt_lock);
		vm = list_first_entry_or_null(&wfxt_dead, struct wfxt_vm, node);
		if (vm)
			list_del(&vm->node);
		raw_spin_unlock_irq(&wfxt_lock);
		if (!vm)
			break;
		kobject_del(&vm->kobj);
		kobject_put(&vm->kobj);
	}
	wfxt_settle();
}

static DECLARE_WORK(wfxt_reap_work, wfxt_reap);

/* The VM with the key @kvm has no vCPUs any more; its address may be used again at once. */
static void wfxt_vm_gone(const void *kvm)
{
	struct wfxt_vcpu *record;
	struct hlist_node *next;
	struct wfxt_vm *vm;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&wfxt_lock, flags);
	hash_for_each_safe(wfxt_vcpus, i, next, record, node) {
		if (record->kvm != kvm)
			continue;
		hash_del_rcu(&record->node);
		kfree_rcu(record, rcu);
	}
	list_for_each_entry(vm, &wfxt_vms, node) {
		if (vm->kvm == kvm) {
			list_move(&vm->node, &wfxt_dead);
			schedule_work(&wfxt_reap_work);
			break;
		}
	}
	raw_spin_unlock_irqrestore(&wfxt_lock, flags);
	wfxt_changed();
}

static int wfxt_kprobe_destroy(struct kprobe *p, struct pt_regs *regs)
{
	wfxt_vm_gone((void *)regs->regs[0]);
	return 0;
}

static struct kprobe wfxt_kprobe = {
	.symbol_name = "kvm_arch_destroy_vm",
	.pre_handler = wfxt_kprobe_destroy,
};

/**
 * wfxt_vms_init() - hear of VMs that go
 *
 * Context: process. Return: 0 or a kprobe error, with a message.
 */
int wfxt_vms_init(void)
{
	int err = register_kprobe(&wfxt_kprobe);

	if (err)
		pr_err("no probe on kvm_arch_destroy_vm(): %d\n", err);
	return err;
}

/**
 * wfxt_vms_remove_all() - no VM has a setting of its own any more
 *
 * When it returns the folders are gone, and nobody writes to a file in one.
 *
 * Context: process, may sleep; no user adds VMs.
 */
void wfxt_vms_remove_all(void)
{
	struct wfxt_vcpu *record;
	unsigned int i;

	raw_spin_lock_irq(&wfxt_lock);
	hash_for_each(wfxt_vcpus, i, record, node)
		RCU_INIT_POINTER(record->vm, NULL);
	list_splice_init(&wfxt_vms, &wfxt_dead);
	raw_spin_unlock_irq(&wfxt_lock);
	wfxt_changed();
	schedule_work(&wfxt_reap_work);
	flush_work(&wfxt_reap_work);
}

/**
 * wfxt_vms_exit() - forget everything
 *
 * Context: process, may sleep; nothing is hooked, and no VM has a setting of its own.
 */
void wfxt_vms_exit(void)
{
	struct wfxt_vcpu *record;
	struct hlist_node *next;
	unsigned int i;

	unregister_kprobe(&wfxt_kprobe);
	/* A VM that had to go meanwhile may have left this. */
	flush_work(&wfxt_reap_work);
	hash_for_each_safe(wfxt_vcpus, i, next, record, node) {
		hash_del_rcu(&record->node);
		kfree_rcu(record, rcu);
	}
}

static struct wfxt_vm *wfxt_vm_by_kvm(const void *kvm)
{
	struct wfxt_vm *vm;

	list_for_each_entry(vm, &wfxt_vms, node)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

/* Once per vCPU, so that looking one up needs no stack. */
static noinline struct wfxt_vcpu *wfxt_vcpu_new(struct kvm_vcpu *vcpu)
{
	struct wfxt_vcpu *record = kzalloc(sizeof(*record), GFP_NOWAIT | __GFP_NOWARN);

	if (!record)
		return NULL;
	record->key = vcpu;
	record->kvm = vcpu->kvm;
	record->pid = task_tgid_nr(current);
	record->id = vcpu->vcpu_id;
	raw_spin_lock(&wfxt_lock);
	RCU_INIT_POINTER(record->vm, wfxt_vm_by_kvm(vcpu->kvm));
	hash_add_rcu(wfxt_vcpus, &record->node, (unsigned long)vcpu);
	raw_spin_unlock(&wfxt_lock);
	return record;
}

/**
 * wfxt_vcpu_get() - what we know of a vCPU
 * @vcpu: the vCPU that is about to run on this CPU
 *
 * Context: IRQs off, under RCU.
 * Return: its record, made if need be; NULL without memory for one.
 */
struct wfxt_vcpu *wfxt_vcpu_get(struct kvm_vcpu *vcpu)
{
	struct wfxt_vcpu *record;

	hash_for_each_possible_rcu(wfxt_vcpus, record, node, (unsigned long)vcpu)
		if (record->key == vcpu)
			return record;
	return wfxt_vcpu_new(vcpu);
}

/* Two different VMs in one process can not be told apart by its number. */
struct wfxt_find {
	struct file *file;
	bool several;
};

static int wfxt_find_file(const void *data, struct file *file, unsigned int fd)
{
	struct wfxt_find *find = (struct wfxt_find *)data;
	struct kvm *kvm = cvm_file_kvm(file);

	if (!kvm)
		return 0;
	if (!find->file)
		find->file = get_file(file);
	else if (cvm_file_kvm(find->file) != kvm)
		find->several = true;
	return 0;
}

/**
 * wfxt_find_vm() - the VM that a process has
 * @pid: number of the process, as the caller sees it; replaced by the one that it
 *       has in the first PID namespace
 *
 * Context: process, may sleep.
 * Return: the VM's file, to be released by fput(); -ESRCH for no such process,
 * -ENODEV for one without a VM, -ENOTUNIQ for one with several.
 */
struct file *wfxt_find_vm(pid_t *pid)
{
	struct wfxt_find find = { };
	struct task_struct *task;
	struct pid *found;

	found = find_get_pid(*pid);
	task = get_pid_task(found, PIDTYPE_TGID);
	put_pid(found);
	if (!task)
		return ERR_PTR(-ESRCH);
	*pid = task_tgid_nr(task);
	task_lock(task);
	if (task->files)
		iterate_fd(task->files, 0, wfxt_find_file, &find);
	task_unlock(task);
	put_task_struct(task);

	if (!find.file)
		return ERR_PTR(-ENODEV);
	if (find.several) {
		fput(find.file);
		return ERR_PTR(-ENOTUNIQ);
	}
	return find.file;
}

/**
 * wfxt_vm_by_pid() - a VM with a setting of its own
 * @pid: its process, in the first PID namespace
 *
 * Context: process; the caller keeps others from removing VMs, but the VM's end
 * does not wait for it.
 * Return: the VM with a reference to its folder, or NULL.
 */
struct wfxt_vm *wfxt_vm_by_pid(pid_t pid)
{
	struct wfxt_vm *vm, *found = NULL;

	raw_spin_lock_irq(&wfxt_lock);
	list_for_each_entry(vm, &wfxt_vms, node) {
		if (vm->pid == pid) {
			found = vm;
			kobject_get(&vm->kobj);
			break;
		}
	}
	raw_spin_unlock_irq(&wfxt_lock);
	return found;
}

/**
 * wfxt_vm_link() - a VM's own setting is in force from now on
 * @vm: the VM; its file is held by the caller
 *
 * Context: process.
 */
void wfxt_vm_link(struct wfxt_vm *vm)
{
	struct wfxt_vcpu *record;
	unsigned int i;

	raw_spin_lock_irq(&wfxt_lock);
	list_add_tail(&vm->node, &wfxt_vms);
	hash_for_each(wfxt_vcpus, i, record, node)
		if (record->kvm == vm->kvm)
			rcu_assign_pointer(record->vm, vm);
	raw_spin_unlock_irq(&wfxt_lock);
	wfxt_changed();
}

/**
 * wfxt_vm_unlink() - what is said for all VMs is in force for this one, too
 * @vm: the VM
 *
 * Context: process.
 * Return: false when it went by itself meanwhile; otherwise the caller removes
 * its folder.
 */
bool wfxt_vm_unlink(struct wfxt_vm *vm)
{
	struct wfxt_vm *known;
	struct wfxt_vcpu *record;
	unsigned int i;

	raw_spin_lock_irq(&wfxt_lock);
	known = wfxt_vm_by_kvm(vm->kvm);
	if (known == vm) {
		list_del(&vm->node);
		hash_for_each(wfxt_vcpus, i, record, node)
			if (record->kvm == vm->kvm)
				RCU_INIT_POINTER(record->vm, NULL);
	}
	raw_spin_unlock_irq(&wfxt_lock);
	wfxt_changed();
	return known == vm;
}

/**
 * wfxt_vms_empty() - do all settings of VMs leave everything to KVM?
 *
 * Context: process. Return: true when they do.
 */
bool wfxt_vms_empty(void)
{
	struct wfxt_vm *vm;
	bool empty = true;

	raw_spin_lock_irq(&wfxt_lock);
	list_for_each_entry(vm, &wfxt_vms, node)
		/* Whoever replaces a policy holds the lock of the configuration. */
		empty &= wfxt_policy_empty(rcu_dereference_raw(vm->policy));
	raw_spin_unlock_irq(&wfxt_lock);
	return empty;
}

/**
 * wfxt_vms_flush() - wait until the folders of VMs that have gone are gone
 *
 * Context: process, may sleep; not from a file in such a folder.
 */
void wfxt_vms_flush(void)
{
	flush_work(&wfxt_reap_work);
}

static void wfxt_vcpu_show(struct seq_file *m, const struct wfxt_vcpu *record)
{
	u64 n[WFXT_STATS], entries = 0;
	unsigned int i;

	for (i = 0; i < WFXT_STATS; i++)
		n[i] = READ_ONCE(record->stat[i]);
	for (i = WFXT_STAT_ENTRIES; i <= WFXT_STAT_GUARDED; i++)
		entries += n[i];
	seq_printf(m, "%d %u %llu %llu %llu %llu %llu %llu\n", record->pid, record->id, entries,
		   n[WFXT_STAT_WFI_ENTRIES] + n[WFXT_STAT_BOTH],
		   n[WFXT_STAT_WFE_ENTRIES] + n[WFXT_STAT_BOTH], n[WFXT_STAT_GUARDED],
		   n[WFXT_STAT_WFI_EXITS], n[WFXT_STAT_WFE_EXITS]);
}

/**
 * wfxt_vcpus_show() - print one line per vCPU
 * @m: where to
 *
 * Context: process.
 */
void wfxt_vcpus_show(struct seq_file *m)
{
	struct wfxt_vcpu *record;
	unsigned int i;

	rcu_read_lock();
	hash_for_each_rcu(wfxt_vcpus, i, record, node)
		wfxt_vcpu_show(m, record);
	rcu_read_unlock();
}
