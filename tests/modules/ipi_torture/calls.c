// SPDX-License-Identifier: GPL-2.0
/*
 * The calls. Each sender makes one after the other, of a random kind, to random CPUs. Nothing here
 * takes cpus_read_lock(): the threads are stopped from hotplug callbacks, where it is held for
 * writing. Preemption is off from choosing a target to calling it: no CPU can go away meanwhile.
 */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/sched.h>

#include <compat/time.h>

#include "ipi_torture.h"

#define IPIT_HAZARD_WAIT_NS	(2 * NSEC_PER_MSEC)	/* for the softirq; not always met */
#define IPIT_HAZARD_BAIL_NS	(5 * NSEC_PER_SEC)	/* the guest survives a real deadlock */

static u32 ipit_random(u32 below)
{
	return get_random_u32() % below;
}

/* Context: preemption off. Return: another online CPU, or nr_cpu_ids. */
static unsigned int ipit_pick(void)
{
	unsigned int this = smp_processor_id(), n = num_online_cpus() - 1, cpu, skip;

	if (!n)
		return nr_cpu_ids;
	skip = ipit_random(n);
	for_each_online_cpu(cpu)
		if (cpu != this && !skip--)
			return cpu;
	return nr_cpu_ids;	/* a CPU came online in between and skewed the count */
}

/* Context: preemption off. Return: how many CPUs are in @mask. */
static unsigned int ipit_pick_mask(struct cpumask *mask, bool with_self)
{
	unsigned int cpu;

	cpumask_clear(mask);
	for_each_online_cpu(cpu)
		if ((with_self || cpu != smp_processor_id()) && ipit_random(4))
			cpumask_set_cpu(cpu, mask);
	return cpumask_weight(mask);
}

static void ipit_answer(void *slot)
{
	ipit_ack(slot);
}

static void ipit_check_answered(struct ipit_worker *w, enum ipit_kind kind)
{
	if (!ipit_is_free(w, kind))
		ipit_note_lost();
}

static void ipit_single(struct ipit_worker *w, enum ipit_kind kind)
{
	bool wait = kind == IPIT_SINGLE_WAIT;
	unsigned int cpu;
	int err;

	preempt_disable();
	cpu = ipit_pick();
	if (cpu < nr_cpu_ids && ipit_begin(w, kind, cpu, 1)) {
		if (kind == IPIT_SINGLE_CSD)
			err = smp_call_function_single_async(cpu, &w->csd);
		else
			err = smp_call_function_single(cpu, ipit_answer, &w->slots[kind], wait);
		if (err)
			ipit_cancel(w, kind);
		if (wait)
			ipit_check_answered(w, kind);
	}
	preempt_enable();
}

static void ipit_many(struct ipit_worker *w, enum ipit_kind kind)
{
	unsigned int n;

	preempt_disable();
	n = ipit_pick_mask(&w->mask, kind == IPIT_MASK_WAIT);
	if (!n || !ipit_begin(w, kind, cpumask_first(&w->mask),
			      kind == IPIT_ANY_WAIT ? 1 : n))
		goto out;
	if (kind == IPIT_ANY_WAIT) {
		if (smp_call_function_any(&w->mask, ipit_answer, &w->slots[kind], 1))
			ipit_cancel(w, kind);
	} else if (kind == IPIT_MASK_WAIT) {
		on_each_cpu_mask(&w->mask, ipit_answer, &w->slots[kind], true);
	} else {
		smp_call_function_many(&w->mask, ipit_answer, &w->slots[kind],
				       kind == IPIT_MANY_WAIT);
	}
	if (kind != IPIT_MANY_NOWAIT)
		ipit_check_answered(w, kind);
out:
	preempt_enable();
}

static void ipit_wakeup(struct ipit_worker *w)
{
	struct ipit_worker *target;
	unsigned int cpu;

	preempt_disable();
	cpu = ipit_pick();
	if (cpu < nr_cpu_ids) {
		target = per_cpu_ptr(&ipit_workers, cpu);
		/* Pairs with ipit_cpu_online(). It is stopped after all who saw it are through. */
		if (smp_load_acquire(&target->sleeper_alive) &&
		    ipit_begin(w, IPIT_WAKEUP, cpu, 1)) {
			llist_add(&w->slots[IPIT_WAKEUP].node, &target->sleeper_list);
			wake_up_process(target->sleeper);
		}
	}
	preempt_enable();
}

static void ipit_resched(struct ipit_worker *w)
{
	if (!ipit_begin(w, IPIT_RESCHED, 0, 1))
		return;
	wake_up_all_idle_cpus();
	ipit_ack(&w->slots[IPIT_RESCHED]);
}

/* What has to be started on the target itself is started there by a call that does not wait. */
static void ipit_start_there(struct ipit_worker *w, enum ipit_kind kind, smp_call_func_t start)
{
	unsigned int cpu;

	preempt_disable();
	cpu = ipit_pick();
	if (cpu < nr_cpu_ids && ipit_begin(w, kind, cpu, 1))
		if (smp_call_function_single(cpu, start, w, 0))
			ipit_cancel(w, kind);
	preempt_enable();
}

static void ipit_irq_work_func(struct irq_work *work)
{
	ipit_ack(&container_of(work, struct ipit_worker, irq_work)->slots[IPIT_IRQ_WORK]);
}

static void ipit_irq_work_start(void *info)
{
	struct ipit_worker *w = info;

	irq_work_queue(&w->irq_work);
}

static void ipit_timer_func(struct timer_list *timer)
{
	ipit_ack(&container_of(timer, struct ipit_worker, timer)->slots[IPIT_TIMER]);
}

static void ipit_timer(struct ipit_worker *w)
{
	unsigned int cpu;

	preempt_disable();
	cpu = ipit_pick();
	/* The callback frees the slot; the timer itself was taken off its list before that. */
	if (cpu < nr_cpu_ids && !timer_pending(&w->timer) && ipit_begin(w, IPIT_TIMER, cpu, 1)) {
		w->timer.expires = jiffies + 1 + ipit_random(3);
		add_timer_on(&w->timer, cpu);
	}
	preempt_enable();
}

static enum hrtimer_restart ipit_hrtimer_func(struct hrtimer *timer)
{
	ipit_ack(&container_of(timer, struct ipit_worker, hrtimer)->slots[IPIT_HRTIMER]);
	return HRTIMER_NORESTART;
}

static void ipit_hrtimer_start(void *info)
{
	struct ipit_worker *w = info;

	hrtimer_start(&w->hrtimer, ns_to_ktime((20 + ipit_random(500)) * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED_SOFT);
}

static void ipit_tasklet_func(struct tasklet_struct *tasklet)
{
	ipit_ack(&container_of(tasklet, struct ipit_worker, tasklet)->slots[IPIT_TASKLET]);
}

static void ipit_tasklet_start(void *info)
{
	struct ipit_worker *w = info;

	tasklet_schedule(&w->tasklet);
}

static enum hrtimer_restart ipit_hazard_func(struct hrtimer *timer)
{
	struct ipit_worker *w = container_of(timer, struct ipit_worker, hazard_timer);
	u64 from = ktime_get_ns();

	WRITE_ONCE(w->hazard_spinning, true);
	while (!spin_trylock(&w->hazard_lock)) {
		if (ktime_get_ns() - from > IPIT_HAZARD_BAIL_NS) {
			ipit_note_bailed();
			goto ack;
		}
		cpu_relax();
	}
	spin_unlock(&w->hazard_lock);
ack:
	ipit_ack(&w->slots[IPIT_HAZARD]);
	return HRTIMER_NORESTART;
}

static void ipit_hazard_start(void *info)
{
	struct ipit_worker *w = info;

	hrtimer_start(&w->hazard_timer, ns_to_ktime((50 + ipit_random(200)) * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED_SOFT);
}

static void ipit_nothing(void *unused)
{
}

static void ipit_hazard(struct ipit_worker *w)
{
	u64 from, patience = ipit_random(IPIT_HAZARD_WAIT_NS);
	unsigned int cpu;

	preempt_disable();
	cpu = ipit_pick();
	if (cpu >= nr_cpu_ids || !ipit_begin(w, IPIT_HAZARD, cpu, 1))
		goto out;
	WRITE_ONCE(w->hazard_spinning, false);
	if (smp_call_function_single(cpu, ipit_hazard_start, w, 1)) {
		ipit_cancel(w, IPIT_HAZARD);
		goto out;
	}
	spin_lock_bh(&w->hazard_lock);
	from = ktime_get_ns();
	while (!READ_ONCE(w->hazard_spinning) && ktime_get_ns() - from < patience)
		cpu_relax();
	smp_call_function_single(cpu, ipit_nothing, NULL, 1);
	spin_unlock_bh(&w->hazard_lock);
out:
	preempt_enable();
}

/**
 * ipit_call_random() - make one call of a random kind
 * @w: the sender
 *
 * Context: the sender's thread.
 */
void ipit_call_random(struct ipit_worker *w)
{
	enum ipit_kind kind = ipit_random(IPIT_NR_KINDS);

	switch (kind) {
	case IPIT_SINGLE_WAIT:
	case IPIT_SINGLE_NOWAIT:
	case IPIT_SINGLE_CSD:
		return ipit_single(w, kind);
	case IPIT_MANY_WAIT:
	case IPIT_MANY_NOWAIT:
	case IPIT_ANY_WAIT:
	case IPIT_MASK_WAIT:
		return ipit_many(w, kind);
	case IPIT_WAKEUP:
		return ipit_wakeup(w);
	case IPIT_RESCHED:
		return ipit_resched(w);
	case IPIT_IRQ_WORK:
		return ipit_start_there(w, kind, ipit_irq_work_start);
	case IPIT_TIMER:
		return ipit_timer(w);
	case IPIT_HRTIMER:
		return ipit_start_there(w, kind, ipit_hrtimer_start);
	case IPIT_TASKLET:
		return ipit_start_there(w, kind, ipit_tasklet_start);
	case IPIT_HAZARD:
		if (READ_ONCE(ipit_hazard_on))
			ipit_hazard(w);
		return;
	default:
		return;
	}
}

/**
 * ipit_sleeper_drain() - acknowledge what a sleeper was woken for
 * @w: the sleeper's CPU
 */
void ipit_sleeper_drain(struct ipit_worker *w)
{
	struct llist_node *list = llist_del_all(&w->sleeper_list);
	struct ipit_slot *slot, *next;

	llist_for_each_entry_safe(slot, next, list, node)
		ipit_ack(slot);
}

/**
 * ipit_sleeper_thread() - thread that sleeps until it has something to acknowledge
 * @data: its worker
 *
 * Return: 0.
 */
int ipit_sleeper_thread(void *data)
{
	struct ipit_worker *w = data;

	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		if (llist_empty(&w->sleeper_list)) {
			schedule();
			continue;
		}
		__set_current_state(TASK_RUNNING);
		ipit_sleeper_drain(w);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/**
 * ipit_calls_init() - prepare what the calls need
 * @w: the sender
 */
void ipit_calls_init(struct ipit_worker *w)
{
	init_llist_head(&w->sleeper_list);
	INIT_CSD(&w->csd, ipit_answer, &w->slots[IPIT_SINGLE_CSD]);
	init_irq_work(&w->irq_work, ipit_irq_work_func);
	timer_setup(&w->timer, ipit_timer_func, TIMER_PINNED);
	hrtimer_setup(&w->hrtimer, ipit_hrtimer_func, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_SOFT);
	tasklet_setup(&w->tasklet, ipit_tasklet_func);
	hrtimer_setup(&w->hazard_timer, ipit_hazard_func, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_SOFT);
	spin_lock_init(&w->hazard_lock);
}

/**
 * ipit_calls_flush() - wait until no callback of this sender can still be in our code
 * @w: the sender, stopped, with no call outstanding
 */
void ipit_calls_flush(struct ipit_worker *w)
{
	irq_work_sync(&w->irq_work);
	timer_delete_sync(&w->timer);
	hrtimer_cancel(&w->hrtimer);
	tasklet_kill(&w->tasklet);
	hrtimer_cancel(&w->hazard_timer);
}
