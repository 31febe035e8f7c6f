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

#include <linux/atomic.h>
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
 * struct wfxt_plan - what an entry of a vCPU comes to
 * @clear: bits of HCR_EL2 to take out
 * @count: which counter goes up
 */
struct wfxt_plan {
	unsigned long clear;
	u64 *count;
};

/**
 * struct wfxt_inside - what one CPU knows and did
 * @vcpu:       the vCPU that this CPU is in, or NULL outside
 * @record:     its counters, or NULL when there was no memory for them
 * @cleared:    the bits of HCR_EL2 to put back
 * @known:      the vCPU that @record and @plan are about
 * @generation: ... as they were then
 * @plan:       while other tasks want this CPU, and while they do not
 * @fixed:      whether that makes no difference
 * @unrecorded: entries without a record
 */
struct wfxt_inside {
	struct kvm_vcpu *vcpu;
	struct wfxt_vcpu *record;
	unsigned long cleared;
	const void *known;
	int generation;
	bool fixed;
	struct wfxt_plan plan[2];
	u64 unrecorded;
};

static DEFINE_PER_CPU(struct wfxt_inside, wfxt_inside);

/* Settings, or which VM has which, have changed so often. */
static atomic_t wfxt_generation = ATOMIC_INIT(0);

/**
 * wfxt_changed() - each vCPU has to look again at its next entry
 *
 * Context: any; after the change.
 */
void wfxt_changed(void)
{
	atomic_inc_return_release(&wfxt_generation);
}

static const struct wfxt_policy *wfxt_policy_of(struct wfxt_vcpu *record)
{
	struct wfxt_vm *vm = record ? rcu_dereference(record->vm) : NULL;

	return vm ? rcu_dereference(vm->policy) : rcu_dereference(wfxt_global);
}

static struct wfxt_plan wfxt_plan(struct wfxt_inside *inside, const struct wfxt_policy *policy,
				  unsigned int vcpu_id, bool alone)
{
	struct wfxt_verdict verdict = wfxt_decide(policy, vcpu_id, alone);
	struct wfxt_plan plan = { .count = &inside->unrecorded };

	if (verdict.clear & WFXT_WFI)
		plan.clear |= HCR_TWI;
	if (verdict.clear & WFXT_WFE)
		plan.clear |= HCR_TWE;
	if (inside->record)
		plan.count = &inside->record->stat[verdict.guarded ? WFXT_STAT_GUARDED :
						   verdict.clear];
	return plan;
}

/*
 * A vCPU is the same as the last time nearly always. Its record stays at least as long as
 * it can be entered; another one at its address means that its VM is gone, which is a
 * change, too.
 */
static noinline void wfxt_learn(struct wfxt_inside *inside, struct kvm_vcpu *vcpu)
{
	const struct wfxt_policy *policy;

	inside->generation = atomic_read_acquire(&wfxt_generation);
	rcu_read_lock();
	inside->record = wfxt_vcpu_get(vcpu);
	policy = wfxt_policy_of(inside->record);
	inside->plan[false] = wfxt_plan(inside, policy, vcpu->vcpu_id, false);
	inside->plan[true] = wfxt_plan(inside, policy, vcpu->vcpu_id, true);
	rcu_read_unlock();
	inside->fixed = inside->plan[false].clear == inside->plan[true].clear;
	/* Without a record try again. */
	inside->known = inside->record ? vcpu : NULL;
}

/* Other threads set and clear HCR_VI and HCR_VF there. */
static atomic_long_t *wfxt_hcr(struct kvm_vcpu *vcpu)
{
	return (atomic_long_t *)&vcpu->arch.hcr_el2;
}

/* IRQs are off, and stay so until the guest runs: who kicks this CPU now is heard. */
static void wfxt_probe_entry(void *data, unsigned long pc)
{
	struct wfxt_inside *inside = this_cpu_ptr(&wfxt_inside);
	struct kvm_vcpu *vcpu = cvm_running_vcpu();
	const struct wfxt_plan *plan;
	unsigned long cleared;

	if (!vcpu)
		return;
	if (inside->known != vcpu || inside->generation != atomic_read(&wfxt_generation))
		wfxt_learn(inside, vcpu);
	plan = &inside->plan[inside->fixed || single_task_running()];
	(*plan->count)++;
	cleared = plan->clear & atomic_long_read(wfxt_hcr(vcpu));
	if (cleared)
		atomic_long_andnot(cleared, wfxt_hcr(vcpu));
	inside->vcpu = vcpu;
	inside->cleared = cleared;
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

	if (!vcpu)
		return;
	if (inside->cleared)
		atomic_long_or(inside->cleared, wfxt_hcr(vcpu));
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
