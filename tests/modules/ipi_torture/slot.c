// SPDX-License-Identifier: GPL-2.0
/*
 * Every call owns a slot from the moment it is made until it is answered. The monitor walks the
 * slots and names those that are older than the limit, so a lost IPI is seen while it is lost.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched.h>

#include "ipi_torture.h"

#define IPIT_LATE_RECORDS	32

static const char * const ipit_kind_names[IPIT_NR_KINDS] = {
	[IPIT_SINGLE_WAIT]	= "single_wait",
	[IPIT_SINGLE_NOWAIT]	= "single_nowait",
	[IPIT_SINGLE_CSD]	= "single_csd",
	[IPIT_MANY_WAIT]	= "many_wait",
	[IPIT_MANY_NOWAIT]	= "many_nowait",
	[IPIT_ANY_WAIT]		= "any_wait",
	[IPIT_MASK_WAIT]	= "mask_wait",
	[IPIT_WAKEUP]		= "wakeup",
	[IPIT_RESCHED]		= "resched",
	[IPIT_IRQ_WORK]		= "irq_work",
	[IPIT_TIMER]		= "timer",
	[IPIT_HRTIMER]		= "hrtimer",
	[IPIT_TASKLET]		= "tasklet",
	[IPIT_HAZARD]		= "hazard",
};

struct ipit_late {
	enum ipit_kind kind;
	unsigned int from;
	unsigned int target;
	u64 age_ms;
};

/* Written by the monitor only; readers see a record after the count that includes it. */
static struct ipit_late ipit_late_log[IPIT_LATE_RECORDS];
static unsigned int ipit_late_logged;

static atomic_t ipit_late = ATOMIC_INIT(0);
static atomic_t ipit_lost = ATOMIC_INIT(0);
static atomic_t ipit_bailed = ATOMIC_INIT(0);
static atomic64_t ipit_idle_loop = ATOMIC64_INIT(0);

static u64 ipit_limit_ns(void)
{
	return (u64)READ_ONCE(ipit_limit_ms) * NSEC_PER_MSEC;
}

/**
 * ipit_begin() - take the slot of a kind for a new call
 * @w: the sender
 * @kind: what is called
 * @target: CPU, for the report
 * @pending: answers to wait for
 *
 * Return: false when the last call of this kind is not answered yet.
 */
bool ipit_begin(struct ipit_worker *w, enum ipit_kind kind, unsigned int target, int pending)
{
	struct ipit_slot *slot = &w->slots[kind];

	if (!ipit_is_free(w, kind))
		return false;
	slot->target = target;
	atomic_set(&slot->pending, pending);
	slot->calls++;
	/* The monitor reads @start first. */
	smp_store_release(&slot->start, ktime_get_ns());
	return true;
}

/**
 * ipit_cancel() - give the slot back: the call was refused because the target went offline
 * @w: the sender
 * @kind: what was called
 */
void ipit_cancel(struct ipit_worker *w, enum ipit_kind kind)
{
	w->slots[kind].calls--;
	WRITE_ONCE(w->slots[kind].start, 0);
}

/**
 * ipit_ack() - one target has answered
 * @slot: the call
 */
void ipit_ack(struct ipit_slot *slot)
{
	u64 age;

	if (is_idle_task(current) && !in_hardirq() && !in_serving_softirq())
		atomic64_inc(&ipit_idle_loop);
	if (!atomic_dec_and_test(&slot->pending))
		return;
	age = ktime_get_ns() - slot->start;
	if (age > ipit_limit_ns() && READ_ONCE(slot->reported) != slot->start)
		atomic_inc(&ipit_late);
	if (age > slot->worst_ns)
		slot->worst_ns = age;
	slot->acked++;
	/* The slot's next user must see the counts above. */
	smp_store_release(&slot->start, 0);
}

/**
 * ipit_is_free() - is the last call of this kind answered
 * @w: the sender
 * @kind: what was called
 *
 * Return: true when the slot can be used.
 */
bool ipit_is_free(const struct ipit_worker *w, enum ipit_kind kind)
{
	/* Pairs with ipit_ack(). */
	return !smp_load_acquire(&w->slots[kind].start);
}

/**
 * ipit_outstanding() - count unanswered calls of all senders
 *
 * Return: their number.
 */
unsigned int ipit_outstanding(void)
{
	unsigned int cpu, kind, n = 0;

	for_each_possible_cpu(cpu)
		for (kind = 0; kind < IPIT_NR_KINDS; kind++)
			n += !ipit_is_free(per_cpu_ptr(&ipit_workers, cpu), kind);
	return n;
}

static void ipit_report_late(unsigned int cpu, enum ipit_kind kind, const struct ipit_slot *slot,
			     u64 age)
{
	struct ipit_late *late;

	atomic_inc(&ipit_late);
	pr_warn("ipi_torture: late: %s from CPU %u to CPU %u, %llu ms old\n",
		ipit_kind_names[kind], cpu, slot->target, div_u64(age, NSEC_PER_MSEC));
	if (ipit_late_logged == IPIT_LATE_RECORDS)
		return;
	late = &ipit_late_log[ipit_late_logged];
	late->kind = kind;
	late->from = cpu;
	late->target = slot->target;
	late->age_ms = div_u64(age, NSEC_PER_MSEC);
	/* Pairs with ipit_show(). */
	smp_store_release(&ipit_late_logged, ipit_late_logged + 1);
}

/**
 * ipit_check_late() - report every unanswered call that is older than the limit, once each
 *
 * Context: the monitor thread.
 */
void ipit_check_late(void)
{
	unsigned int cpu, kind;
	struct ipit_slot *slot;
	u64 start, now;

	for_each_possible_cpu(cpu) {
		for (kind = 0; kind < IPIT_NR_KINDS; kind++) {
			slot = &per_cpu_ptr(&ipit_workers, cpu)->slots[kind];
			/* Pairs with ipit_begin(). */
			start = smp_load_acquire(&slot->start);
			now = ktime_get_ns();
			if (!start || now <= start || now - start <= ipit_limit_ns() ||
			    slot->reported == start)
				continue;
			WRITE_ONCE(slot->reported, start);
			ipit_report_late(cpu, kind, slot, now - start);
		}
	}
}

/** ipit_note_lost() - a synchronous call came back although its handler had not run */
void ipit_note_lost(void)
{
	atomic_inc(&ipit_lost);
}

/** ipit_note_bailed() - the hazard's softirq gave up waiting: the guest would have hung */
void ipit_note_bailed(void)
{
	atomic_inc(&ipit_bailed);
}

/**
 * ipit_reset() - forget all counts
 *
 * Context: nothing is running and nothing is outstanding.
 */
void ipit_reset(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(&ipit_workers, cpu)->slots, 0,
		       sizeof(per_cpu_ptr(&ipit_workers, cpu)->slots));
	ipit_late_logged = 0;
	atomic_set(&ipit_late, 0);
	atomic_set(&ipit_lost, 0);
	atomic_set(&ipit_bailed, 0);
	atomic64_set(&ipit_idle_loop, 0);
}

static void ipit_show_kind(struct seq_file *m, enum ipit_kind kind)
{
	u64 calls = 0, acked = 0, worst = 0;
	const struct ipit_slot *slot;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		slot = &per_cpu_ptr(&ipit_workers, cpu)->slots[kind];
		calls += slot->calls;
		acked += slot->acked;
		worst = max(worst, slot->worst_ns);
	}
	seq_printf(m, "%s_calls=%llu\n", ipit_kind_names[kind], calls);
	seq_printf(m, "%s_acked=%llu\n", ipit_kind_names[kind], acked);
	seq_printf(m, "%s_worst_us=%llu\n", ipit_kind_names[kind], div_u64(worst, NSEC_PER_USEC));
}

/**
 * ipit_show() - print the counts as key=value lines
 * @m: where to
 */
void ipit_show(struct seq_file *m)
{
	const struct ipit_late *late;
	unsigned int kind, i, n;

	seq_printf(m, "late=%d\n", atomic_read(&ipit_late));
	seq_printf(m, "lost=%d\n", atomic_read(&ipit_lost));
	seq_printf(m, "hazard_bailed=%d\n", atomic_read(&ipit_bailed));
	seq_printf(m, "outstanding=%u\n", ipit_outstanding());
	seq_printf(m, "idle_loop=%lld\n", atomic64_read(&ipit_idle_loop));
	for (kind = 0; kind < IPIT_NR_KINDS; kind++)
		ipit_show_kind(m, kind);
	/* Pairs with ipit_report_late(). */
	n = smp_load_acquire(&ipit_late_logged);
	for (i = 0; i < n; i++) {
		late = &ipit_late_log[i];
		seq_printf(m, "late_%u=%s from=%u target=%u age_ms=%llu\n", i,
			   ipit_kind_names[late->kind], late->from, late->target, late->age_ms);
	}
}
