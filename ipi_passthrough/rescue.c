// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough: the safety net below the protocol.
 *
 * A kick is consumed within nanoseconds unless the target's vCPU does not run,
 * or something on top of its poll loop keeps it from going on. A timer looks
 * for kicks that stay unconsumed for rescue_us and sends the hardware IPI that
 * was saved. It runs only while kicks flow, so an idle guest stays tickless.
 */
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include <compat/time.h>

#include "ipipt.h"
#include "trace.h"

/* Below this the timer would cost more than the IPIs that it replaces. */
#define IPIPT_RESCUE_MIN_US 50

unsigned int ipipt_rescue_us = 10000;
atomic_t ipipt_rescue_armed = ATOMIC_INIT(0);

static struct hrtimer ipipt_rescue_timer;
static DEFINE_PER_CPU(struct ipipt_watch, ipipt_watch);
static DEFINE_PER_CPU(atomic_long_t, ipipt_rescue_count);
static DEFINE_PER_CPU(struct irq_work, ipipt_rescue_work);

static ktime_t ipipt_rescue_period(void)
{
	u64 us = max_t(u64, READ_ONCE(ipipt_rescue_us), IPIPT_RESCUE_MIN_US);

	return ns_to_ktime(us * NSEC_PER_USEC);
}

/*
 * A kick makes the idle task reschedule: NEED_RESCHED stays set on it, through
 * the end of the idle loop, until the call queue is drained and it is switched
 * out. The word tells earlier where there is one.
 */
static bool ipipt_rescue_kicked(struct ipipt_cpu *c, u32 *seq)
{
	struct task_struct *idle = READ_ONCE(c->idle);

	*seq = READ_ONCE(c->seq);
	/* In this order, so that a newer poll is never judged with this number. */
	smp_rmb();
	if (atomic_read(&c->word) == IPIPT_KICKED)
		return true;
	/* The receiver sets NEED_RESCHED before its word leaves KICKED. */
	smp_rmb();
	return idle && test_tsk_need_resched(idle);
}

/* Look at every CPU; true when a kick is outstanding somewhere. */
static bool ipipt_rescue_scan(void)
{
	enum ipipt_watch_verdict verdict;
	bool outstanding = false;
	unsigned int cpu;
	bool kicked;
	u32 seq;

	for_each_online_cpu(cpu) {
		kicked = ipipt_rescue_kicked(per_cpu_ptr(&ipipt_cpu, cpu), &seq);
		verdict = ipipt_watch_step(per_cpu_ptr(&ipipt_watch, cpu), kicked, seq);
		if (verdict == IPIPT_WATCH_QUIET)
			continue;
		outstanding = true;
		if (verdict == IPIPT_WATCH_OVERDUE) {
			atomic_long_inc(per_cpu_ptr(&ipipt_rescue_count, cpu));
			trace_ipipt_rescue(cpu);
			ipipt_arch_send_hard(cpu);
		}
	}
	return outstanding;
}

static enum hrtimer_restart ipipt_rescue_expired(struct hrtimer *timer)
{
	/* Switched off meanwhile; with another value the next kick starts it again. */
	if (!READ_ONCE(ipipt_rescue_us)) {
		atomic_set(&ipipt_rescue_armed, 0);
		return HRTIMER_NORESTART;
	}
	if (!ipipt_rescue_scan()) {
		atomic_set(&ipipt_rescue_armed, 0);
		/*
		 * A sender kicks, then reads armed; here armed is cleared, then
		 * the kicks are read: one of the two sees the other.
		 */
		smp_mb();
		if (!ipipt_rescue_scan())
			return HRTIMER_NORESTART;
		/* A sender that read 0 has queued its work and starts the timer. */
		if (atomic_cmpxchg(&ipipt_rescue_armed, 0, 1))
			return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(timer, ipipt_rescue_period());
	return HRTIMER_RESTART;
}

static void ipipt_rescue_work_fn(struct irq_work *work)
{
	/* Run by a dying CPU, whose timers have moved away: see ipipt_rescue_start(). */
	if (!cpu_online(smp_processor_id()))
		return;
	if (!atomic_cmpxchg(&ipipt_rescue_armed, 0, 1))
		hrtimer_start(&ipipt_rescue_timer, ipipt_rescue_period(),
			      HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * ipipt_rescue_start() - start the timer from a sender
 *
 * Senders may hold the run queue lock or a timer base lock, so the timer is
 * started from a hardware interrupt of their own CPU a moment later. A CPU that goes
 * offline sends its last IPI after it has taken its last interrupt: its work would
 * stay pending, and ipipt_rescue_stop() would wait for it until the CPU comes back.
 * That one kick goes unwatched unless another sender starts the timer.
 *
 * Context: any but NMI, no lock is taken.
 */
void ipipt_rescue_start(void)
{
	if (likely(cpu_online(smp_processor_id())))
		irq_work_queue(this_cpu_ptr(&ipipt_rescue_work));
}

/**
 * ipipt_rescued() - how often a CPU had to be rescued
 * @cpu: the target
 *
 * Context: any.
 * Return: the count since the module was loaded.
 */
unsigned long ipipt_rescued(unsigned int cpu)
{
	return atomic_long_read(per_cpu_ptr(&ipipt_rescue_count, cpu));
}

/**
 * ipipt_rescue_init() - prepare the timer
 *
 * Context: process, once, before any sender is hooked.
 */
void ipipt_rescue_init(void)
{
	unsigned int cpu;

	hrtimer_setup(&ipipt_rescue_timer, ipipt_rescue_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	for_each_possible_cpu(cpu)
		per_cpu(ipipt_rescue_work, cpu) =
			IRQ_WORK_INIT_HARD(ipipt_rescue_work_fn);
}

/**
 * ipipt_rescue_stop() - wait until the timer is quiet for good
 *
 * Context: process, may sleep; after the senders were unhooked, so that nobody
 * starts it again.
 */
void ipipt_rescue_stop(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(per_cpu_ptr(&ipipt_rescue_work, cpu));
	hrtimer_cancel(&ipipt_rescue_timer);
	atomic_set(&ipipt_rescue_armed, 0);
	for_each_possible_cpu(cpu)
		per_cpu(ipipt_watch, cpu) = (struct ipipt_watch){ };
}
