// SPDX-License-Identifier: GPL-2.0
/*
 * Makes of ordinary VMs what confidential ones are to vtimer_mask. Never load it
 * outside of tests.
 *
 * untied: while a vCPU is loaded its virtual timer has a copy of KVM's operations
 * that says that the guest's EOI does not reach the hardware interrupt.
 *
 * With untie=0 it only counts.
 *
 * monitor: plays a firmware that brings the hardware interrupt of an expired timer
 * back whenever the guest is entered again. One redundant interrupt for each other
 * exit: more, and the guest would never get anywhere.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/seq_file.h>
#include <linux/stop_machine.h>

#include <asm/arch_gicv3.h>
#include <asm/kvm_asm.h>
#include <asm/kvm_hyp.h>
#include <asm/sysreg.h>

#include <compat/kvm.h>
#include <cvm/tracepoint.h>

#define CTL_MASK	(BIT(0) | BIT(1) | BIT(2))
#define CTL_ASSERTED	(BIT(0) | BIT(2))

static bool monitor = true;
module_param(monitor, bool, 0644);
MODULE_PARM_DESC(monitor, "bring the interrupt back after each exit (default on)");

struct storm_cpu {
	bool armed;		/* the monitor may bring the interrupt back */
	bool fired;		/* the timer interrupted since the guest was entered */
	bool held;		/* the guest was entered with the timer's interrupt */
	u64 released;		/* how often the monitor brought the interrupt back */
	u64 timer_exits;	/* exits because of the timer's hardware interrupt */
	u64 eoi_exits;		/* exits because the guest ended an untied interrupt */
};

static DEFINE_PER_CPU(struct storm_cpu, storm_cpu);
static struct irq_ops storm_ops, *storm_stock;
static bool storm_on;
static bool untie = true;
static u32 storm_intid;		/* the timer's interrupt on the host */
static struct dentry *storm_dir;

static int storm_nop(void *data)
{
	return 0;
}

/* Every vCPU leaves its CPU, and comes back as storm_on says. */
static void storm_set(bool on)
{
	WRITE_ONCE(storm_on, on);
	stop_machine(storm_nop, NULL, cpu_online_mask);
}

static int untie_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_bool(val, kp);

	/* At load time storm_init() does it. */
	if (!err && storm_dir)
		storm_set(untie);
	return err;
}

static const struct kernel_param_ops untie_param = {
	.set = untie_set,
	.get = param_get_bool,
};
module_param_cb(untie, &untie_param, &untie, 0644);
MODULE_PARM_DESC(untie, "untie timers from their hardware interrupts (default on)");

static struct vgic_irq *storm_irq(struct kvm_vcpu *vcpu)
{
	struct vgic_irq *irq;

	if (!irqchip_in_kernel(vcpu->kvm) || !vcpu_timer(vcpu)->enabled)
		return NULL;
	irq = &vcpu->arch.vgic_cpu.private_irqs[cvm_vtimer_intid(vcpu)];
	return irq->hw && irq->ops ? irq : NULL;
}

static void storm_restore(void *data, struct arch_timer_context *ctx)
{
	struct vgic_irq *irq = storm_irq(ctx->vcpu);

	if (ctx != vcpu_vtimer(ctx->vcpu) || !irq || !READ_ONCE(storm_on))
		return;
	raw_spin_lock(&irq->irq_lock);
	if (irq->ops != &storm_ops) {
		storm_stock = irq->ops;
		storm_ops.get_input_level = irq->ops->get_input_level;
		storm_ops.flags = irq->ops->flags | VGIC_IRQ_SW_RESAMPLE;
		irq->ops = &storm_ops;
	}
	raw_spin_unlock(&irq->irq_lock);
	WRITE_ONCE(storm_intid, irqd_to_hwirq(irq_get_irq_data(ctx->host_timer_irq)));
	__this_cpu_write(storm_cpu.armed, true);
}

static void storm_save(void *data, struct arch_timer_context *ctx)
{
	struct vgic_irq *irq = storm_irq(ctx->vcpu);

	if (ctx != vcpu_vtimer(ctx->vcpu) || !irq)
		return;
	raw_spin_lock(&irq->irq_lock);
	if (irq->ops == &storm_ops)
		irq->ops = storm_stock;
	raw_spin_unlock(&irq->irq_lock);
}

static void storm_entry(void *data, unsigned long pc)
{
	struct kvm_vcpu *vcpu = cvm_running_vcpu();
	struct vgic_irq *irq = vcpu ? storm_irq(vcpu) : NULL;

	if (!irq)
		return;
	__this_cpu_write(storm_cpu.fired, false);
	__this_cpu_write(storm_cpu.held, irq->vcpu);
	if (!READ_ONCE(monitor) || !__this_cpu_read(storm_cpu.armed) ||
	    irq->ops != &storm_ops)
		return;
	if ((read_sysreg_el0(SYS_CNTV_CTL) & CTL_MASK) != CTL_ASSERTED)
		return;
	__this_cpu_write(storm_cpu.armed, false);
	__this_cpu_inc(storm_cpu.released);
	/* Not through the host's interrupt layer, which a firmware would not need. */
	gic_write_dir(READ_ONCE(storm_intid));
}

static void storm_exit(void *data, int ret, unsigned int esr_ec, unsigned long pc)
{
	struct kvm_vcpu *vcpu = cvm_running_vcpu();
	struct vgic_irq *irq = vcpu ? storm_irq(vcpu) : NULL;

	if (!irq)
		return;
	if (ARM_EXCEPTION_CODE(ret) != ARM_EXCEPTION_IRQ)
		__this_cpu_write(storm_cpu.armed, true);
	else if (__this_cpu_read(storm_cpu.fired))
		__this_cpu_inc(storm_cpu.timer_exits);
	else if (READ_ONCE(storm_on) && __this_cpu_read(storm_cpu.held) &&
		 !irq->active && !irq->line_level && !irq->pending_latch)
		__this_cpu_inc(storm_cpu.eoi_exits);
}

/* KVM's handler of the hardware interrupt raises the line. */
static void storm_update(void *data, unsigned long vcpu_id, __u32 intid, int level)
{
	struct kvm_vcpu *vcpu = cvm_running_vcpu();

	if (level && in_hardirq() && vcpu && intid == cvm_vtimer_intid(vcpu))
		__this_cpu_write(storm_cpu.fired, true);
}

static struct cvm_probe storm_probes[] = {
	{ .name = "kvm_timer_save_state", .fn = storm_save },
	{ .name = "kvm_timer_restore_state", .fn = storm_restore },
	{ .name = "kvm_timer_update_irq", .fn = storm_update },
	{ .name = "kvm_exit", .fn = storm_exit },
	{ .name = "kvm_entry", .fn = storm_entry },
};

static int stats_show(struct seq_file *m, void *v)
{
	u64 released = 0, timer_exits = 0, eoi_exits = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		released += per_cpu(storm_cpu.released, cpu);
		timer_exits += per_cpu(storm_cpu.timer_exits, cpu);
		eoi_exits += per_cpu(storm_cpu.eoi_exits, cpu);
	}
	seq_printf(m, "released %llu\ntimer_exits %llu\neoi_exits %llu\n", released,
		   timer_exits, eoi_exits);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int __init storm_init(void)
{
	int err;

	err = cvm_probes_find(storm_probes, ARRAY_SIZE(storm_probes));
	if (err)
		return err;
	err = cvm_probes_register(storm_probes, ARRAY_SIZE(storm_probes));
	if (err)
		return err;
	storm_set(untie);
	storm_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("stats", 0444, storm_dir, NULL, &stats_fops);
	return 0;
}
module_init(storm_init);

static void __exit storm_exit_module(void)
{
	debugfs_remove(storm_dir);
	storm_set(false);
	cvm_probes_unregister(storm_probes, ARRAY_SIZE(storm_probes));
}
module_exit(storm_exit_module);

MODULE_DESCRIPTION("Makes timer interrupts of VMs come again and again, for tests");
MODULE_LICENSE("GPL");
