// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough on x86.
 *
 * The kernel already spares the IPI to one target whose idle task has
 * TIF_POLLING_NRFLAG set (kernel/sched/core.c). What is missing in a guest is an
 * idle loop that sets the flag, which idle.c brings, and the same courtesy for
 * several targets at once, which smp_ops.send_call_func_ipi gets here.
 *
 * Interrupts are taken on top of the poll loop. The softirqs that follow them
 * run with interrupts on and may spin on a lock whose holder waits for this very
 * CPU to run a function: a hardware IPI would break the tie, a flag that nobody
 * looks at never does. So the flag is taken back when a softirq begins.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/context_tracking_state.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/idle.h>
#include <linux/thread_info.h>

#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/processor.h>
#include <asm/smp.h>

#include <compat/idle.h>
#include <cvm/tracepoint.h>

#include "ipipt.h"
#include "send.h"
#include "trace.h"

#define IPIPT_LOOKS 16	/* about as long as one PAUSE takes */

/* What smp_ops held before us; a hypervisor may have put its own there. */
static void (*ipipt_orig_mask)(const struct cpumask *mask);
static void (*ipipt_orig_single)(int cpu);
static void (*ipipt_orig_reschedule)(int cpu);

/*
 * The same agreement as the scheduler's: NEED_RESCHED set while POLLING is set
 * means that the target leaves its idle loop and drains its call queue.
 */
static bool ipipt_kick(unsigned int cpu)
{
	struct ipipt_cpu *c = per_cpu_ptr(&ipipt_cpu, cpu);
	struct task_struct *idle = READ_ONCE(c->idle);
	unsigned long flags, *ti_flags;

	if (!idle || !READ_ONCE(c->enabled))
		return false;

	ti_flags = &task_thread_info(idle)->flags;
	flags = READ_ONCE(*ti_flags);
	do {
		if (!(flags & _TIF_POLLING_NRFLAG))
			return false;
		if (flags & _TIF_NEED_RESCHED)
			return true;
	} while (!try_cmpxchg(ti_flags, &flags, flags | _TIF_NEED_RESCHED));

	trace_ipipt_kick(cpu);
	return true;
}

static void ipipt_send_mask(const struct cpumask *mask)
{
	struct ipipt_split split;

	/* Not from interrupts: the scratch mask may be in use below us. */
	if (unlikely(!in_task())) {
		ipipt_orig_mask(mask);
		return;
	}
	/* The entries in the call queues are visible: llist_add() is a LOCK. */
	split = ipipt_send_soft(&mask, ipipt_kick);
	if (split.hard == 1)
		ipipt_orig_single(split.last);
	else if (split.hard)
		ipipt_orig_mask(mask);
}

/* These two are hooked for the statistics only. */
static void ipipt_send_single(int cpu)
{
	if (ipipt_enabled(cpu))
		ipipt_count(IPIPT_STAT_HARD, 1);
	ipipt_orig_single(cpu);
}

static void ipipt_send_reschedule(int cpu)
{
	if (ipipt_enabled(cpu))
		ipipt_count(IPIPT_STAT_HARD, 1);
	ipipt_orig_reschedule(cpu);
}

/* The kernel spared an IPI to one target by itself. */
static void ipipt_probe_wake(void *data, int cpu)
{
	if (!ipipt_enabled(cpu))
		return;
	trace_ipipt_kick(cpu);
	ipipt_note_soft(1);
}

/*
 * A softirq begins on top of the idle task. From here on senders shall use
 * hardware, and who kicked before counts on a drain that only the tail of the
 * idle loop would bring: have it done on top of this softirq. Whether POLLING is
 * still set says nothing about that, the loop may just have been left.
 */
static void ipipt_guard_softirq(void *data, unsigned int vec)
{
	if (!is_idle_task(current))
		return;
	/* Other CPUs than those of the mask, past ones included, stay as they are. */
	if (!this_cpu_read(ipipt_cpu.enabled) && !this_cpu_read(ipipt_cpu.idle))
		return;
	/* The drain itself runs the softirqs that it raised. */
	if (!cvm_idle_interrupted())
		return;

	if (test_thread_flag(TIF_POLLING_NRFLAG)) {
		__current_clr_polling();
		smp_mb__after_atomic(); /* pairs with the senders' cmpxchg */
	}
	if (!tif_need_resched())
		return;
	ipipt_count(IPIPT_STAT_SELF, 1);
	apic->send_IPI_self(CALL_FUNCTION_SINGLE_VECTOR);
}

static struct cvm_probe ipipt_probes[] = {
	{ .name = "softirq_entry", .fn = ipipt_guard_softirq },
	{ .name = "sched_wake_idle_without_ipi", .fn = ipipt_probe_wake },
};

/* PAUSE may be an exit of its own: look several times between two of them. */
static __always_inline bool ipipt_look(void)
{
	int n;

	for (n = 0; n < IPIPT_LOOKS; n++)
		if (tif_need_resched())
			return true;
	return false;
}

/**
 * ipipt_arch_spin() - poll until there is a reason to stop
 * @c:     this CPU
 * @limit: cycles to poll at most, 0 for no limit
 *
 * Every interrupt ends the poll, as it ends a HLT: the idle loop has to look at
 * timers that the handler may have queued. RCU's extended quiescent state is
 * left for an interrupt, so the per-CPU context state tells that there was one.
 *
 * Context: the idle task, IRQs off (on inside), RCU not watching.
 * Return: why it stopped. After IPIPT_END_LIMIT TIF_POLLING_NRFLAG is clear, so
 * that work published from here on comes with a hardware IPI. Otherwise the idle
 * loop goes on without halting and looks for work.
 */
noinstr enum ipipt_end ipipt_arch_spin(struct ipipt_cpu *c, u64 limit)
{
	atomic_t *state = this_cpu_ptr(&context_tracking.state);
	const int before = atomic_read(state);
	const u64 start = limit ? ipipt_cycles() : 0;
	enum ipipt_end end = IPIPT_END_KICK;

	if (!current_set_polling_and_test()) {
		raw_local_irq_enable();
		for (;;) {
			if (atomic_read(state) != before) {
				end = IPIPT_END_INTERRUPT;
				break;
			}
			if (ipipt_look())
				break;
			if (!READ_ONCE(c->enabled)) {
				end = IPIPT_END_DISABLED;
				break;
			}
			if (limit && ipipt_cycles() - start > limit) {
				end = IPIPT_END_LIMIT;
				break;
			}
			cpu_relax();
		}
		raw_local_irq_disable();
	}
	/* The idle loop would set the flag again at once, unless the CPU halts. */
	if (end != IPIPT_END_LIMIT)
		return end;
	current_clr_polling();
	/* A sender may have been faster than the limit. */
	return tif_need_resched() ? IPIPT_END_KICK : end;
}

/**
 * ipipt_arch_native_idle() - what the kernel does on a CPU without cpuidle
 *
 * Context: the idle task, IRQs off, RCU not watching; the caller has tested
 * need_resched() after the last poll.
 */
noinstr void ipipt_arch_native_idle(void)
{
	arch_cpu_idle();
	/* Some kernels return with interrupts on. */
	raw_local_irq_disable();
}

/**
 * ipipt_arch_send_hard() - send the IPI that a kick had saved
 * @cpu: the target; its call queue is drained and it reschedules
 *
 * Context: hard interrupt.
 */
void ipipt_arch_send_hard(unsigned int cpu)
{
	ipipt_orig_single(cpu);
}

/**
 * ipipt_arch_ipis() - which IPIs are handled, for the log
 */
const char *ipipt_arch_ipis(void)
{
	return "reschedule, call function single and many";
}

/**
 * ipipt_arch_init() - find what is to be hooked, change nothing
 *
 * Context: process, once.
 * Return: 0; -EBUSY when the kernel polls by itself (idle=poll); -EOPNOTSUPP
 * without the tracepoint that the softirq guard needs.
 */
int ipipt_arch_init(void)
{
	if (boot_option_idle_override == IDLE_POLL) {
		pr_err("the kernel was booted with idle=poll and polls by itself\n");
		return -EBUSY;
	}
	return cvm_probes_find(ipipt_probes, ARRAY_SIZE(ipipt_probes));
}

/**
 * ipipt_arch_hook() - let senders look for pollers, and guard the pollers
 *
 * Harmless by itself: no CPU polls yet.
 *
 * Context: process.
 * Return: 0 or a tracepoint error, with nothing hooked.
 */
int ipipt_arch_hook(void)
{
	int err;

	err = cvm_probes_register(ipipt_probes, ARRAY_SIZE(ipipt_probes));
	if (err)
		return err;

	ipipt_orig_mask = smp_ops.send_call_func_ipi;
	ipipt_orig_single = smp_ops.send_call_func_single_ipi;
	ipipt_orig_reschedule = smp_ops.smp_send_reschedule;
	/* Senders read these without a lock and use either function. */
	WRITE_ONCE(smp_ops.send_call_func_ipi, ipipt_send_mask);
	WRITE_ONCE(smp_ops.send_call_func_single_ipi, ipipt_send_single);
	WRITE_ONCE(smp_ops.smp_send_reschedule, ipipt_send_reschedule);
	return 0;
}

/**
 * ipipt_arch_unhook() - give the senders back what they had
 *
 * Context: process, no CPU polls any more. Senders may still be inside the
 * hooks: the caller waits for them with stop_machine().
 */
void ipipt_arch_unhook(void)
{
	WRITE_ONCE(smp_ops.send_call_func_ipi, ipipt_orig_mask);
	WRITE_ONCE(smp_ops.send_call_func_single_ipi, ipipt_orig_single);
	WRITE_ONCE(smp_ops.smp_send_reschedule, ipipt_orig_reschedule);
	cvm_probes_unregister(ipipt_probes, ARRAY_SIZE(ipipt_probes));
}
