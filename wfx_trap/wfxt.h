/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dynamic WFx trap: what the files of the module share.
 */
#ifndef WFXT_H
#define WFXT_H

#include <linux/build_bug.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "policy.h"

struct file;
struct kvm_vcpu;
struct seq_file;

/**
 * enum wfxt_stat - the counters of one vCPU
 * @WFXT_STAT_ENTRIES:     entries into the guest in which KVM decided alone
 * @WFXT_STAT_WFI_ENTRIES: entries with WFI not trapped by our doing, but WFE left to KVM
 * @WFXT_STAT_WFE_ENTRIES: the other way round
 * @WFXT_STAT_BOTH:        entries with neither trapped by our doing
 * @WFXT_STAT_GUARDED:     entries left to KVM because another task wanted the CPU
 * @WFXT_STAT_WFI_EXITS:   exits for WFI
 * @WFXT_STAT_WFE_EXITS:   exits for WFE
 * @WFXT_STATS:            their number
 *
 * Each entry counts once, the first four by what is not trapped (WFXT_WFI, WFXT_WFE).
 */
enum wfxt_stat {
	WFXT_STAT_ENTRIES,
	WFXT_STAT_WFI_ENTRIES,
	WFXT_STAT_WFE_ENTRIES,
	WFXT_STAT_BOTH,
	WFXT_STAT_GUARDED,
	WFXT_STAT_WFI_EXITS,
	WFXT_STAT_WFE_EXITS,
	WFXT_STATS,
};

static_assert(WFXT_STAT_WFI_ENTRIES == WFXT_WFI && WFXT_STAT_WFE_ENTRIES == WFXT_WFE &&
	      WFXT_STAT_BOTH == WFXT_BOTH);

/**
 * struct wfxt_vm - a VM that has a setting of its own
 * @kobj:   its folder, named by the process
 * @node:   in the list of these
 * @kvm:    the VM, as a key only
 * @pid:    the process that it belongs to
 * @policy: the setting
 * @rcu:    vCPUs may still look
 */
struct wfxt_vm {
	struct kobject kobj;
	struct list_head node;
	const void *kvm;
	pid_t pid;
	struct wfxt_policy __rcu *policy;
	struct rcu_head rcu;
};

/**
 * struct wfxt_vcpu - a vCPU that was seen since the module is loaded
 * @node: in a table by @key
 * @key:  the vCPU, never followed
 * @kvm:  its VM, never followed
 * @pid:  the process of the VM
 * @id:   KVM's number of the vCPU
 * @vm:   the VM's own setting, or NULL
 * @stat: counters, written by the CPU that runs the vCPU only
 * @rcu:  it may go while somebody looks for another one
 */
struct wfxt_vcpu {
	struct hlist_node node;
	const void *key;
	const void *kvm;
	pid_t pid;
	unsigned int id;
	struct wfxt_vm __rcu *vm;
	u64 stat[WFXT_STATS];
	struct rcu_head rcu;
};

/* main.c: */
extern struct wfxt_policy __rcu *wfxt_global;
void wfxt_settle(void);
int wfxt_set_mask(struct wfxt_vm *vm, unsigned int which, const char *buf);
int wfxt_set_force(struct wfxt_vm *vm, bool force);
ssize_t wfxt_print_mask(struct wfxt_vm *vm, unsigned int which, char *buf);
bool wfxt_get_force(struct wfxt_vm *vm);
int wfxt_add_vm(pid_t pid);
int wfxt_remove_vm(pid_t pid);

/* vm.c: */
int wfxt_vms_init(void);
void wfxt_vms_remove_all(void);
void wfxt_vms_exit(void);
struct wfxt_vcpu *wfxt_vcpu_get(struct kvm_vcpu *vcpu);
struct file *wfxt_find_vm(pid_t *pid);
struct wfxt_vm *wfxt_vm_by_pid(pid_t pid);
void wfxt_vm_link(struct wfxt_vm *vm);
bool wfxt_vm_unlink(struct wfxt_vm *vm);
bool wfxt_vms_empty(void);
void wfxt_vms_flush(void);
void wfxt_vcpus_show(struct seq_file *m);

/* hook.c: */
int wfxt_hook_init(void);
int wfxt_hook(void);
void wfxt_unhook(void);
void wfxt_changed(void);

/* sysfs.c: */
int wfxt_sysfs_init(void);
void wfxt_sysfs_exit(void);
void wfxt_sysfs_free(void);
int wfxt_sysfs_add(struct wfxt_vm *vm);

/* debugfs.c: */
void wfxt_debugfs_init(void);
void wfxt_debugfs_exit(void);

#endif /* WFXT_H */
