// SPDX-License-Identifier: GPL-2.0
/*
 * Dynamic WFx trap: the only file that touches KVM's vCPUs.
 *
 * Between the tracepoints kvm_entry and kvm_exit preemption is off. The bits are
 * taken out of the vCPU's HCR_EL2 in the first and put back in the second, so that
 * outside the guest KVM finds there what it wrote, and nothing is left behind when
 * the probes go.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/sched/stat.h>
#include <linux/stop_machine.h>

#include <asm/esr.h>
#include <asm/kvm_arm.h>
#include <asm/kvm_asm.h>

#include <compat/kvm.h>
#include <cvm/tracepoint.h>

#include "wfxt.h"

/**
 * struct wfxt_inside - what was done for the vCPU that this CPU is in
 * @vcpu:    the vCPU, or NULL outside
 * @record:  its counters, or NULL when there was no memory for them
 * @cleared: the bits of HCR_EL2 to put back
 */
struct wfxt_inside {
	struct kvm_vcpu *vcpu;
	struct wfxt_vcpu *record;
	unsigned long cleared;
};

static DEFINE_PER_CPU(struct wfxt_inside, wfxt_inside);

static const struct wfxt_policy *wfxt_policy_of(struct wfxt_vcpu *record)
{
	struct wfxt_vm *vm = record ? rcu_dereference(record->vm) : NULL;

	return vm ? rcu_dereference(vm->policy) : rcu_dereference(wfxt_global);
}

static void wfxt_count_entry(struct wfxt_vcpu *record, struct wfxt_verdict verdict)
{
	record->stat[WFXT_STAT_ENTRIES]++;
	record->stat[WFXT_STAT_WFI] += !!(verdict.clear & WFXT_WFI);
	record->stat[WFXT_STAT_WFE] += !!(verdict.clear & WFXT_WFE);
	record->stat[WFXT_STAT_GUARDED] += verdict.guarded;
}

/* IRQs are off, and stay so until the guest runs: who kicks this CPU now is heard. */
static void wfxt_probe_entry(void *data, unsigned long pc)
{
	struct wfxt_inside *inside = this_cpu_ptr(&wfxt_inside);
	struct kvm_vcpu *vcpu = cvm_running_vcpu();
	struct wfxt_verdict verdict;
	unsigned long wish = 0, *hcr;

	if (!vcpu)
		return;
	hcr = (unsigned long *)&vcpu->arch.hcr_el2;

	rcu_read_lock();
	inside->vcpu = vcpu;
	inside->record = wfxt_vcpu_get(vcpu);
	verdict = wfxt_decide(wfxt_policy_of(inside->record), vcpu->vcpu_id,
			      single_task_running());
	if (inside->record)
		wfxt_count_entry(inside->record, verdict);
	rcu_read_unlock();

	if (verdict.clear & WFXT_WFI)
		wish |= HCR_TWI;
	if (verdict.clear & WFXT_WFE)
		wish |= HCR_TWE;
	/* Other threads set and clear HCR_VI and HCR_VF there. */
	inside->cleared = wish & READ_ONCE(*hcr);
	if (inside->cleared & HCR_TWI)
		clear_bit(__ffs(HCR_TWI), hcr);
	if (inside->cleared & HCR_TWE)
		clear_bit(__ffs(HCR_TWE), hcr);
}

static void wfxt_count_exit(struct wfxt_vcpu *record, struct kvm_vcpu *vcpu, int ret)
{
	u64 esr = vcpu->arch.fault.esr_el2;

	if (ARM_EXCEPTION_CODE(ret) != ARM_EXCEPTION_TRAP || ESR_ELx_EC(esr) != ESR_ELx_EC_WFx)
		return;
	if (esr & ESR_ELx_WFx_ISS_WFE)
		record->stat[WFXT_STAT_WFE_EXITS]++;
	else
		record->stat[WFXT_STAT_WFI_EXITS]++;
}

static void wfxt_probe_exit(void *data, int ret, unsigned int esr_ec, unsigned long pc)
{
	struct wfxt_inside *inside = this_cpu_ptr(&wfxt_inside);
	struct kvm_vcpu *vcpu = inside->vcpu;
	unsigned long *hcr;

	if (!vcpu)
		return;
	hcr = (unsigned long *)&vcpu->arch.hcr_el2;
	if (inside->cleared & HCR_TWI)
		set_bit(__ffs(HCR_TWI), hcr);
	if (inside->cleared & HCR_TWE)
		set_bit(__ffs(HCR_TWE), hcr);
	if (inside->record)
		wfxt_count_exit(inside->record, vcpu, ret);
	inside->vcpu = NULL;
}

static struct cvm_probe wfxt_entry_probe = { .name = "kvm_entry", .fn = wfxt_probe_entry };
static struct cvm_probe wfxt_exit_probe = { .name = "kvm_exit", .fn = wfxt_probe_exit };

/**
 * wfxt_hook_init() - is everything there that the hooks need?
 *
 * Context: process.
 * Return: 0, or -EOPNOTSUPP with a message.
 */
int wfxt_hook_init(void)
{
	return cvm_probes_find(&wfxt_entry_probe, 1) ?: cvm_probes_find(&wfxt_exit_probe, 1);
}

static int wfxt_nop(void *data)
{
	return 0;
}

/**
 * wfxt_hook() - look at each entry into a guest from now on
 *
 * Context: process, may sleep.
 * Return: 0 or a tracepoint error.
 */
int wfxt_hook(void)
{
	int err = cvm_probes_register(&wfxt_exit_probe, 1);

	if (err)
		return err;
	err = cvm_probes_register(&wfxt_entry_probe, 1);
	if (err)
		cvm_probes_unregister(&wfxt_exit_probe, 1);
	return err;
}

/**
 * wfxt_unhook() - leave the guests alone again
 *
 * When it returns every vCPU has what KVM chose for it.
 *
 * Context: process, may sleep.
 */
void wfxt_unhook(void)
{
	cvm_probes_unregister(&wfxt_entry_probe, 1);
	/*
	 * Who is inside must come out past the other probe. RCU counts a guest as
	 * quiescent, but it is not preempted there.
	 */
	stop_machine(wfxt_nop, NULL, cpu_online_mask);
	cvm_probes_unregister(&wfxt_exit_probe, 1);
}
