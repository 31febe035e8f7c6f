// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough on arm64.
 *
 * The kernel has no TIF_POLLING_NRFLAG here, so the module brings a word per
 * CPU. Senders are reached through the interrupt chip of SGI 0 (reschedule) and
 * SGI 1 (call function); the other SGIs (stop, crash, timer broadcast, irq_work,
 * backtrace) keep the chip they have.
 *
 * The receiver spins with interrupts masked and looks at ISR_EL1 for one that
 * is pending, as WFI would: nothing ever runs on top of a polling CPU. Between a
 * consumed kick and the drain at the end of the idle loop something may, and its
 * softirq may spin on a lock whose holder waits for this very drain: a softirq
 * that begins while a drain is owed gets it by a hardware IPI to the CPU itself.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuidle.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <trace/events/power.h>

#include <asm/barrier.h>
#include <asm/cpuidle.h>
#include <asm/sysreg.h>

#include <compat/idle.h>
#include <compat/irq.h>
#include <cvm/tracepoint.h>

#include "ipipt.h"
#include "send.h"
#include "trace.h"

/* ISR_EL1, Arm ARM D19: an SError, IRQ or FIQ is pending. */
#define IPIPT_ISR_PENDING	(BIT(8) | BIT(7) | BIT(6))

/**
 * struct ipipt_sgi - one SGI whose senders are hooked
 * @hwirq: its number, the same on every arm64 kernel since 5.10
 * @virq:  the Linux interrupt, 0 when not found
 * @data:  its irq_data
 * @chip:  copy of the original with our ipi_send_mask
 * @orig:  the original
 */
struct ipipt_sgi {
	irq_hw_number_t hwirq;
	unsigned int virq;
	struct irq_data *data;
	struct irq_chip chip;
	struct irq_chip *orig;
};

static struct ipipt_sgi ipipt_sgis[] = {
	{ .hwirq = 0 },	/* reschedule */
	{ .hwirq = 1 },	/* call function */
};

static bool ipipt_kick(unsigned int cpu)
{
	if (!ipipt_word_kick(&per_cpu_ptr(&ipipt_cpu, cpu)->word))
		return false;
	trace_ipipt_kick(cpu);
	return true;
}

static void ipipt_send_mask(struct irq_data *d, const struct cpumask *mask)
{
	struct ipipt_sgi *sgi = &ipipt_sgis[d->hwirq == ipipt_sgis[1].hwirq];
	unsigned int first = cpumask_first(mask);

	/*
	 * The work (call queue entry, TIF_NEED_RESCHED) must be visible before
	 * any target's word is read; pairs with ipipt_word_poll().
	 */
	smp_mb();
	if (unlikely(first >= nr_cpu_ids))
		return;
	if (cpumask_next(first, mask) >= nr_cpu_ids) {
		if (ipipt_kick(first)) {
			ipipt_note_soft(1);
			return;
		}
		ipipt_count_hard(mask);
	} else if (likely(in_task())) {
		/* Not from interrupts: the scratch mask may be in use below us. */
		if (!ipipt_send_soft(&mask, ipipt_kick).hard)
			return;
	}
	sgi->orig->ipi_send_mask(d, mask);
}

/* A softirq begins, perhaps on top of the idle task: see the top of this file. */
static void ipipt_guard_softirq(void *data, unsigned int vec)
{
	if (!is_idle_task(current) || !this_cpu_read(ipipt_cpu.owed))
		return;
	/* The drain itself runs the softirqs that it raised. */
	if (!cvm_idle_interrupted())
		return;
	this_cpu_write(ipipt_cpu.owed, false);
	ipipt_count(IPIPT_STAT_SELF, 1);
	ipipt_arch_send_hard(smp_processor_id());
}

static struct cvm_probe ipipt_probes[] = {
	{ .name = "softirq_entry", .fn = ipipt_guard_softirq },
};

/**
 * ipipt_arch_spin() - poll until there is a reason to stop
 * @c:     this CPU
 * @limit: cycles to poll at most, 0 for no limit
 *
 * Context: the idle task, IRQs off, RCU not watching.
 * Return: why it stopped. The word says RUN again, so that work published from
 * here on comes with a hardware IPI.
 */
noinstr enum ipipt_end ipipt_arch_spin(struct ipipt_cpu *c, u64 limit)
{
	/*
	 * Whoever sets TIF_NEED_RESCHED kicks next. Leaving between the two
	 * would turn that kick into a hardware IPI: give it 10 us.
	 */
	const u64 grace = ipipt_khz() / 100;
	struct arm_cpuidle_irq_context context;
	enum ipipt_end end;
	u64 start = 0, resched = 0;

	c->owed = false;
	arm_cpuidle_save_irq_context(&context);
	ipipt_word_poll(&c->word);
	/* While the CPU can be kicked: a hypervisor may make this read slow. */
	if (limit)
		start = ipipt_cycles();
	for (;;) {
		if (atomic_read(&c->word) == IPIPT_KICKED) {
			end = IPIPT_END_KICK;
			break;
		}
		if (read_sysreg(isr_el1) & IPIPT_ISR_PENDING) {
			end = IPIPT_END_INTERRUPT;
			break;
		}
		if (!READ_ONCE(c->enabled)) {
			end = IPIPT_END_DISABLED;
			break;
		}
		if (limit && ipipt_cycles() - start > limit) {
			end = IPIPT_END_LIMIT;
			break;
		}
		if (unlikely(tif_need_resched())) {
			if (!resched)
				resched = ipipt_cycles();
			if (ipipt_cycles() - resched > grace) {
				end = IPIPT_END_KICK;
				break;
			}
		}
		cpu_relax();
	}
	if (ipipt_word_leave(&c->word)) {
		c->owed = true;
		/* Ends the idle loop, whose tail drains the call queue. */
		set_tsk_need_resched(current);
		ipipt_word_ack(&c->word);
	}
	/* A sender may have been faster than the reason found above. */
	if (tif_need_resched())
		end = IPIPT_END_KICK;
	arm_cpuidle_restore_irq_context(&context);
	return end;
}

/**
 * ipipt_arch_native_idle() - what the kernel does on a CPU without cpuidle
 *
 * cpu_do_idle() is not exported. IRQs are masked: WFI returns on a pending one.
 *
 * Context: the idle task, IRQs off, RCU not watching; the caller has tested
 * need_resched() after the last poll.
 */
noinstr void ipipt_arch_native_idle(void)
{
	struct arm_cpuidle_irq_context context;

	arm_cpuidle_save_irq_context(&context);
	dsb(sy);
	wfi();
	arm_cpuidle_restore_irq_context(&context);
}

/**
 * ipipt_arch_send_hard() - send the IPI that a kick had saved
 * @cpu: the target; its call queue is drained and it reschedules
 *
 * Context: interrupt, hard or soft.
 */
void ipipt_arch_send_hard(unsigned int cpu)
{
	struct ipipt_sgi *sgi = &ipipt_sgis[1];

	sgi->orig->ipi_send_mask(sgi->data, cpumask_of(cpu));
}

/**
 * ipipt_arch_ipis() - which IPIs are handled, for the log
 */
const char *ipipt_arch_ipis(void)
{
	return "reschedule, call function (SGI 0, 1)";
}

static int ipipt_find_sgi(struct ipipt_sgi *sgi)
{
	unsigned int virq, nr = irq_get_nr_irqs();
	struct irq_data *d;
	struct irq_desc *desc;

	for (virq = 0; virq < nr; virq++) {
		d = irq_get_irq_data(virq);
		if (!d || !d->chip || !d->chip->ipi_send_mask || d->hwirq != sgi->hwirq)
			continue;
		desc = irq_data_to_desc(d);
		/* Requested at boot and never freed, arch/arm64/kernel/smp.c. */
		if (!desc->action || strcmp(desc->action->name, "IPI"))
			continue;
		if (sgi->virq) {
			pr_err("IPIs are one interrupt per CPU here (GICv5), which is not supported\n");
			return -EOPNOTSUPP;
		}
		sgi->virq = virq;
		sgi->data = d;
		sgi->orig = d->chip;
	}
	if (!sgi->virq) {
		pr_err("SGI %lu is not an IPI of this kernel\n", sgi->hwirq);
		return -EOPNOTSUPP;
	}
	sgi->chip = *sgi->orig;
	sgi->chip.ipi_send_mask = ipipt_send_mask;
	return 0;
}

/* What CPUs without an idle driver do when they are idle, for ipipt_kernel_polls(). */
static atomic_t ipipt_seen_poll;
static atomic_t ipipt_seen_wait;

static void ipipt_probe_cpu_idle(void *data, unsigned int state, unsigned int cpu)
{
	if (state == 0)
		atomic_inc(&ipipt_seen_poll);
	else if (state != PWR_EVENT_EXIT)
		atomic_inc(&ipipt_seen_wait);
}

/*
 * Booted with nohlt, the idle loop polls before it asks any driver. The kernel
 * keeps that to itself, but kernel/sched/idle.c traces it as state 0 and WFI as
 * state 1. With a driver state 0 may be a state of the driver.
 */
static bool ipipt_kernel_polls(void)
{
	struct cvm_probe probe = { .name = "cpu_idle", .fn = ipipt_probe_cpu_idle };

	if (cpuidle_get_driver() || cvm_probes_find(&probe, 1) ||
	    cvm_probes_register(&probe, 1))
		return false;
	msleep(20); /* makes at least this CPU idle */
	cvm_probes_unregister(&probe, 1);
	return atomic_read(&ipipt_seen_poll) && !atomic_read(&ipipt_seen_wait);
}

/**
 * ipipt_arch_init() - find what is to be hooked, change nothing
 *
 * Context: process, once.
 * Return: 0; -EBUSY when the kernel polls by itself; -EOPNOTSUPP where IPIs are
 * not SGIs or without the tracepoint that the softirq guard needs.
 */
int ipipt_arch_init(void)
{
	unsigned int i;
	int err;

	if (ipipt_kernel_polls()) {
		pr_err("the kernel was booted with nohlt and polls by itself\n");
		return -EBUSY;
	}
	err = cvm_probes_find(ipipt_probes, ARRAY_SIZE(ipipt_probes));
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(ipipt_sgis); i++) {
		err = ipipt_find_sgi(&ipipt_sgis[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * ipipt_arch_hook() - let senders look at the words
 *
 * Harmless by itself: no CPU polls yet. Senders read the chip pointer without a
 * lock (kernel/irq/ipi.c) and use either chip.
 *
 * Context: process.
 * Return: 0, or a tracepoint's or irq_set_chip()'s error, with nothing hooked.
 */
int ipipt_arch_hook(void)
{
	unsigned int i;
	int err;

	err = cvm_probes_register(ipipt_probes, ARRAY_SIZE(ipipt_probes));
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(ipipt_sgis); i++) {
		err = irq_set_chip(ipipt_sgis[i].virq, &ipipt_sgis[i].chip);
		if (err)
			goto err_unhook;
	}
	return 0;

err_unhook:
	/* Puts back what was not changed, too, which does no harm. */
	ipipt_arch_unhook();
	return err;
}

/**
 * ipipt_arch_unhook() - give the senders back what they had
 *
 * Context: process, no CPU polls any more. Senders may still be inside the hook:
 * the caller waits for them with stop_machine().
 */
void ipipt_arch_unhook(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ipipt_sgis); i++)
		irq_set_chip(ipipt_sgis[i].virq, ipipt_sgis[i].orig);
	cvm_probes_unregister(ipipt_probes, ARRAY_SIZE(ipipt_probes));
}
