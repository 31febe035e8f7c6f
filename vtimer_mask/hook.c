// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual timer mask: ordinary VMs whose timer is not tied to the hardware interrupt.
 *
 * The mask is the Active state of the hardware interrupt. Acknowledging it sets that
 * state, and KVM leaves it there; while it is set the interrupt can not come. With a
 * tied timer the guest's own EOI clears it. Without, KVM clears it after each exit
 * from a guest that has not acknowledged the interrupt yet, whereupon it comes again,
 * as often as the guest is left.
 *
 * So for the time between the tracepoints kvm_entry and kvm_exit, in which KVM looks
 * at what the guest has done with the interrupt, the timer gets other operations: KVM
 * asks the timer, as it does for a tied one, instead of letting the interrupt come
 * again. What follows from the guest's EOI is then done here. Preemption is off in
 * between, so one note per CPU is enough and nothing of ours stays behind.
 *
 * The guest's timer registers are never written. Lines of the virtual GIC are only
 * ever lowered: raising them is left to the hardware interrupt and to KVM.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/stop_machine.h>

#include <asm/kvm_hyp.h>
#include <asm/sysreg.h>

#include <compat/kvm.h>
#include <cvm/tracepoint.h>

#include "trace.h"
#include "vtm.h"

/* What the CPU interface says from here on is no interrupt. */
#define VTM_NO_INTID	1020

/* Where not 0, the GIC's CPU interface is in system registers. */
#define ID_AA64PFR0_GIC	GENMASK_ULL(27, 24)

DEFINE_PER_CPU(struct vtm_stats, vtm_stats);

/**
 * struct vtm_cpu - what was done on one CPU
 * @vcpu:   the vCPU that this CPU is in, or NULL
 * @irq:    the interrupt of its timer
 * @ops:    KVM's operations for that, to be put back
 * @held:   the guest was entered with the interrupt
 * @masked: the hardware interrupt may be Active
 */
struct vtm_cpu {
	struct kvm_vcpu *vcpu;
	struct vgic_irq *irq;
	struct irq_ops *ops;
	bool held;
	bool masked;
};

static DEFINE_PER_CPU(struct vtm_cpu, vtm_cpu);

/* KVM's operations for a timer, without the flag that makes it interrupt again. */
static struct irq_ops vtm_ops;

static bool vtm_untied(const struct vgic_irq *irq)
{
	return irq->hw && irq->ops && irq->ops->get_input_level &&
	       (irq->ops->flags & VGIC_IRQ_SW_RESAMPLE);
}

/* The interrupt of a vCPU's virtual timer, if it is not tied to the hardware's. */
static struct vgic_irq *vtm_irq_of(struct kvm_vcpu *vcpu)
{
	struct vgic_irq *irq;

	if (!irqchip_in_kernel(vcpu->kvm) || !vcpu_timer(vcpu)->enabled)
		return NULL;
	irq = &vcpu->arch.vgic_cpu.private_irqs[cvm_vtimer_intid(vcpu)];
	return vtm_untied(irq) ? irq : NULL;
}

/* Does the guest find the interrupt in a list register? After KVM has filled them. */
static bool vtm_in_lr(struct kvm_vcpu *vcpu, u32 intid)
{
	struct vgic_v3_cpu_if *v3 = &vcpu->arch.vgic_cpu.vgic_v3;
	unsigned int i;

	for (i = 0; i < v3->used_lrs; i++)
		if ((v3->vgic_lr[i] & ICH_LR_STATE) &&
		    (v3->vgic_lr[i] & ICH_LR_VIRTUAL_ID_MASK) == intid)
			return true;
	return false;
}

/* The vCPU's timer registers are loaded on this CPU; IRQs are off, irq_lock is held. */
static struct vtm_state vtm_look(struct vgic_irq *irq)
{
	return (struct vtm_state) {
		.asserted = vtm_asserted(read_sysreg_el0(SYS_CNTV_CTL)),
		.line = irq->line_level,
		.latch = irq->pending_latch,
		.active = irq->active,
	};
}

static void vtm_mask(struct kvm_vcpu *vcpu)
{
	irq_set_irqchip_state(vcpu_vtimer(vcpu)->host_timer_irq, IRQCHIP_STATE_ACTIVE, true);
	__this_cpu_write(vtm_cpu.masked, true);
	trace_vtm_mask(vcpu->vcpu_id);
}

static void vtm_unmask(struct kvm_vcpu *vcpu)
{
	irq_set_irqchip_state(vcpu_vtimer(vcpu)->host_timer_irq, IRQCHIP_STATE_ACTIVE, false);
	__this_cpu_write(vtm_cpu.masked, false);
	vtm_count(VTM_STAT_UNMASKED);
	trace_vtm_unmask(vcpu->vcpu_id);
}

static u32 vtm_hw_intid(struct kvm_vcpu *vcpu)
{
	static u32 intid;	/* the same for all vCPUs */
	struct irq_data *data;

	if (unlikely(!READ_ONCE(intid))) {
		data = irq_get_irq_data(vcpu_vtimer(vcpu)->host_timer_irq);
		WRITE_ONCE(intid, data ? irqd_to_hwirq(data) : 0);
	}
	return READ_ONCE(intid);
}

/*
 * Would the hardware interrupt come now? Somebody may have cleared the Active state behind
 * our back. The CPU interface knows, and is asked faster than the redistributor; but if
 * another interrupt is about to come it names that.
 */
static bool vtm_about_to_come(struct kvm_vcpu *vcpu)
{
	u32 pending = read_sysreg_s(SYS_ICC_HPPIR1_EL1);
	bool active = false;

	if (pending == vtm_hw_intid(vcpu))
		return true;
	if (pending >= VTM_NO_INTID)
		return false;
	irq_get_irqchip_state(vcpu_vtimer(vcpu)->host_timer_irq, IRQCHIP_STATE_ACTIVE, &active);
	return !active;
}

/* IRQs are off until the guest runs; what it will see of the interrupt is decided. */
static void vtm_probe_entry(void *data, unsigned long pc)
{
	struct vtm_cpu *cpu = this_cpu_ptr(&vtm_cpu);
	struct kvm_vcpu *vcpu = cvm_running_vcpu();
	struct vtm_state state;
	struct vgic_irq *irq;

	irq = vcpu ? vtm_irq_of(vcpu) : NULL;
	if (!irq)
		return;
	raw_spin_lock(&irq->irq_lock);
	/* All timers have the same function; it has to be there before it is used. */
	WRITE_ONCE(vtm_ops.get_input_level, irq->ops->get_input_level);
	cpu->ops = irq->ops;
	irq->ops = &vtm_ops;
	state = vtm_look(irq);
	state.queued = vtm_in_lr(vcpu, irq->intid);
	raw_spin_unlock(&irq->irq_lock);

	cpu->vcpu = vcpu;
	cpu->irq = irq;
	cpu->held = state.line || state.latch || state.queued || state.active;
	if (vtm_decide(&state).mask && vtm_about_to_come(vcpu)) {
		vtm_mask(vcpu);
		vtm_count(VTM_STAT_SUPPRESSED);
	}
}

/* KVM has taken over what the guest did with the interrupt; IRQs are on. */
static void vtm_probe_exit(void *data, int ret, unsigned int esr_ec, unsigned long pc)
{
	struct vtm_cpu *cpu = this_cpu_ptr(&vtm_cpu);
	struct kvm_vcpu *vcpu = cpu->vcpu;
	struct vgic_irq *irq = cpu->irq;
	struct vtm_verdict verdict;
	struct vtm_state state;
	unsigned long flags;

	if (!vcpu)
		return;
	raw_spin_lock_irqsave(&irq->irq_lock, flags);
	irq->ops = cpu->ops;
	cpu->vcpu = NULL;
	state = vtm_look(irq);
	verdict = vtm_decide(&state);
	if (verdict.lower)
		irq->line_level = false;
	/* An expiry from here on interrupts us, or is taken at the next unmasking. */
	if (!verdict.mask && cpu->masked)
		vtm_unmask(vcpu);
	raw_spin_unlock_irqrestore(&irq->irq_lock, flags);

	if (verdict.lower) {
		vtm_count(VTM_STAT_LOWERED);
		trace_vtm_lower(vcpu->vcpu_id);
	}
	if (verdict.mask && cpu->held && state.line)
		vtm_count(VTM_STAT_SUPPRESSED);
}

/*
 * The vCPU leaves this CPU, its timer is stopped: whoever comes next must not find the
 * interrupt masked. IRQs are off. This happens around accesses that KVM emulates, too.
 */
static void vtm_probe_save(void *data, struct arch_timer_context *ctx)
{
	struct kvm_vcpu *vcpu = ctx->vcpu;

	if (ctx == vcpu_vtimer(vcpu) && __this_cpu_read(vtm_cpu.masked))
		vtm_unmask(vcpu);
}

/* The vCPU's timer runs again. When it came to this CPU KVM has set the state. */
static void vtm_probe_restore(void *data, struct arch_timer_context *ctx)
{
	struct kvm_vcpu *vcpu = ctx->vcpu;
	struct vtm_state state;
	struct vgic_irq *irq;

	irq = ctx == vcpu_vtimer(vcpu) ? vtm_irq_of(vcpu) : NULL;
	if (!irq)
		return;
	__this_cpu_write(vtm_cpu.masked, true);
	raw_spin_lock(&irq->irq_lock);
	state = vtm_look(irq);
	raw_spin_unlock(&irq->irq_lock);
	if (vtm_decide(&state).mask)
		vtm_mask(vcpu);
}

/* KVM raises or lowers a timer's line; in an interrupt it is about to raise it. */
static void vtm_probe_update(void *data, unsigned long vcpu_id, __u32 intid, int level)
{
	struct kvm_vcpu *vcpu = cvm_running_vcpu();
	struct vgic_irq *irq;

	if (!level || !vcpu || vcpu->vcpu_id != vcpu_id || intid != cvm_vtimer_intid(vcpu))
		return;
	irq = &vcpu->arch.vgic_cpu.private_irqs[intid];
	/* Its operations are ours while the guest is left. */
	if (!vtm_irq_of(vcpu) && READ_ONCE(irq->ops) != &vtm_ops)
		return;
	/* The interrupt is Active from its acknowledgment on. */
	__this_cpu_write(vtm_cpu.masked, true);
	if (in_hardirq())
		vtm_count(irq->line_level || irq->active ? VTM_STAT_REDUNDANT : VTM_STAT_EXPIRIES);
}

static struct cvm_probe vtm_probes[] = {
	{ .name = "kvm_exit", .fn = vtm_probe_exit },
	{ .name = "kvm_timer_save_state", .fn = vtm_probe_save },
	{ .name = "kvm_timer_restore_state", .fn = vtm_probe_restore, .last = true },
	{ .name = "kvm_timer_update_irq", .fn = vtm_probe_update },
};

/* After all others: what the guest is entered with is what we leave. */
static struct cvm_probe vtm_entry_probe = {
	.name = "kvm_entry",
	.fn = vtm_probe_entry,
	.last = true,
};

/**
 * vtm_hook_init() - is everything there that the hooks need?
 *
 * Context: process.
 * Return: 0, or -EOPNOTSUPP with a message.
 */
int vtm_hook_init(void)
{
	if (!(read_sysreg_s(SYS_ID_AA64PFR0_EL1) & ID_AA64PFR0_GIC)) {
		pr_err("no GICv3 or later\n");
		return -EOPNOTSUPP;
	}
	return cvm_probes_find(vtm_probes, ARRAY_SIZE(vtm_probes)) ?:
	       cvm_probes_find(&vtm_entry_probe, 1);
}

static int vtm_nop(void *data)
{
	return 0;
}

/**
 * vtm_hook() - look after untied timers from now on
 *
 * Context: process, may sleep.
 * Return: 0 or a tracepoint error.
 */
int vtm_hook(void)
{
	int err = cvm_probes_register(vtm_probes, ARRAY_SIZE(vtm_probes));

	if (err)
		return err;
	err = cvm_probes_register(&vtm_entry_probe, 1);
	if (err)
		cvm_probes_unregister(vtm_probes, ARRAY_SIZE(vtm_probes));
	return err;
}

/**
 * vtm_unhook() - leave the timers to KVM again
 *
 * Context: process, may sleep.
 */
void vtm_unhook(void)
{
	unsigned int cpu;

	cvm_probes_unregister(&vtm_entry_probe, 1);
	/*
	 * Every vCPU comes out past the other probes and is loaded anew, with the
	 * state of the interrupt that KVM finds right. RCU counts a guest as
	 * quiescent, but it is not preempted there.
	 */
	stop_machine(vtm_nop, NULL, cpu_online_mask);
	cvm_probes_unregister(vtm_probes, ARRAY_SIZE(vtm_probes));
	for_each_possible_cpu(cpu)
		per_cpu_ptr(&vtm_cpu, cpu)->masked = false;
}
