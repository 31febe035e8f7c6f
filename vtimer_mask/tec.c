// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual timer mask: confidential VMs of virtCCA hosts.
 *
 * There the firmware owns the hardware timer while a VM runs, and sets IMASK in what
 * it reports of the VM's timer when it keeps the hardware interrupt quiet. The host
 * decides about the virtual line from that report. Two things are done for it:
 *
 * - The line follows ENABLE and the expiry, not IMASK, and goes down when the timer
 *   no longer asks.
 * - The firmware is asked to keep the hardware interrupt quiet, where it offers that
 *   and the kernel does not ask by itself.
 *
 * All of it is found by name at run time: kernels without virtCCA have none of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>

#include <asm/barrier.h>
#include <asm/kvm_emulate.h>
#include <asm/sysreg.h>

#include <compat/kvm.h>
#include <cvm/virtcca.h>

#include "trace.h"
#include "vtm.h"

/* Bit 0 of the first argument of TMI_CVM_CREATE, a page's address. */
#define VTM_TMI_ADJUST	BIT(0)

static bool vtm_tec_hooked, vtm_create_hooked;

/* --- the line: after KVM took over the firmware's report --- */

static u64 *vtm_tec_ctl(struct kvm_vcpu *vcpu)
{
	return &ctxt_sys_reg(&vcpu->arch.ctxt, CNTV_CTL_EL0);
}

static u64 vtm_tec_now(struct kvm_vcpu *vcpu)
{
	isb();
	return read_sysreg(cntpct_el0) - cvm_vtimer_offset(vcpu);
}

/* KVM is about to decide: let it see the guest's wish without the firmware's mask. */
static int vtm_tec_before(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kvm_vcpu *vcpu = (struct kvm_vcpu *)regs->regs[0];

	*(struct kvm_vcpu **)ri->data = vcpu;
	*vtm_tec_ctl(vcpu) &= ~VTM_CTL_IMASK;
	vtm_count(VTM_STAT_TEC);
	return 0;
}

/* KVM has raised the line if it had to; it does not always lower it. */
static int vtm_tec_after(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kvm_vcpu *vcpu = *(struct kvm_vcpu **)ri->data;
	struct vgic_irq *irq = &vcpu->arch.vgic_cpu.private_irqs[cvm_vtimer_intid(vcpu)];
	u64 cval = ctxt_sys_reg(&vcpu->arch.ctxt, CNTV_CVAL_EL0);
	bool lowered;
	unsigned long flags;

	if (vtm_tec_asserted(*vtm_tec_ctl(vcpu), cval, vtm_tec_now(vcpu)))
		return 0;
	raw_spin_lock_irqsave(&irq->irq_lock, flags);
	lowered = irq->line_level;
	irq->line_level = false;
	raw_spin_unlock_irqrestore(&irq->irq_lock, flags);
	if (lowered) {
		vcpu_vtimer(vcpu)->irq.level = false;
		vtm_count(VTM_STAT_LOWERED);
		trace_vtm_lower(vcpu->vcpu_id);
	}
	return 0;
}

static struct kretprobe vtm_tec_probe = {
	.kp.symbol_name = "kvm_cvm_timers_update",
	.entry_handler = vtm_tec_before,
	.handler = vtm_tec_after,
	.data_size = sizeof(struct kvm_vcpu *),
};

/* --- the firmware's own mask --- */

static int vtm_create_before(struct kprobe *p, struct pt_regs *regs)
{
	regs->regs[0] |= VTM_TMI_ADJUST;
	return 0;
}

static struct kprobe vtm_create_probe = {
	.symbol_name = "tmi_cvm_create",
	.pre_handler = vtm_create_before,
};

static u64 vtm_tmi_version(void)
{
	struct kprobe probe = { .symbol_name = "tmi_version" };
	u64 (*version)(void);

	if (register_kprobe(&probe))
		return 0;
	version = (void *)probe.addr;
	unregister_kprobe(&probe);
	return version();
}

/**
 * vtm_tec_hook() - look after the timers of virtCCA VMs, where there may be any
 *
 * Context: process, may sleep.
 * Return: 0, also where there are none; or a kprobe error.
 */
int vtm_tec_hook(void)
{
	u64 version;
	int err;

	if (!cvm_virtcca_host())
		return 0;
	err = register_kretprobe(&vtm_tec_probe);
	if (err) {
		pr_err("no probe on kvm_cvm_timers_update(): %d\n", err);
		return err;
	}
	vtm_tec_hooked = true;
	version = vtm_tmi_version();
	if (!vtm_tmi_adjusts(version)) {
		pr_info("virtCCA firmware interface %llu.%llu does not offer to mask timers\n",
			version >> 16, version & 0xffff);
		return 0;
	}
	err = register_kprobe(&vtm_create_probe);
	if (err)
		pr_warn("new virtCCA VMs are not asked to have their timer masked: %d\n", err);
	vtm_create_hooked = !err;
	return 0;
}

/**
 * vtm_tec_unhook() - leave them to KVM again
 *
 * Context: process, may sleep.
 */
void vtm_tec_unhook(void)
{
	if (vtm_create_hooked)
		unregister_kprobe(&vtm_create_probe);
	if (vtm_tec_hooked)
		unregister_kretprobe(&vtm_tec_probe);
	vtm_create_hooked = false;
	vtm_tec_hooked = false;
	/* So that both can be registered again. */
	vtm_create_probe.addr = NULL;
	vtm_create_probe.flags = 0;
	vtm_tec_probe.kp.addr = NULL;
	vtm_tec_probe.kp.flags = 0;
}
