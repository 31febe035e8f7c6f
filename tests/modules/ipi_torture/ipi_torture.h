/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IPI_TORTURE_H
#define IPI_TORTURE_H

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

/**
 * enum ipit_kind - ways to make another CPU do something
 * @IPIT_SINGLE_WAIT: smp_call_function_single(), synchronous
 * @IPIT_SINGLE_NOWAIT: the same, asynchronous
 * @IPIT_SINGLE_CSD: smp_call_function_single_async() with an own csd
 * @IPIT_MANY_WAIT: smp_call_function_many(), synchronous
 * @IPIT_MANY_NOWAIT: the same, asynchronous
 * @IPIT_ANY_WAIT: smp_call_function_any()
 * @IPIT_MASK_WAIT: on_each_cpu_mask(), the caller's CPU included
 * @IPIT_WAKEUP: wake-up of a thread pinned to the target
 * @IPIT_RESCHED: reschedule IPI to all idle CPUs (acknowledged at once: it has no handler)
 * @IPIT_IRQ_WORK: irq_work on the target, by a call there (irq_work_queue_on() is not exported)
 * @IPIT_TIMER: add_timer_on()
 * @IPIT_HRTIMER: hrtimer on the target that expires in softirq
 * @IPIT_TASKLET: tasklet raised on the target
 * @IPIT_HAZARD: synchronous call to a CPU whose softirq spins on a lock that the caller holds
 * @IPIT_NR_KINDS: their number
 */
enum ipit_kind {
	IPIT_SINGLE_WAIT,
	IPIT_SINGLE_NOWAIT,
	IPIT_SINGLE_CSD,
	IPIT_MANY_WAIT,
	IPIT_MANY_NOWAIT,
	IPIT_ANY_WAIT,
	IPIT_MASK_WAIT,
	IPIT_WAKEUP,
	IPIT_RESCHED,
	IPIT_IRQ_WORK,
	IPIT_TIMER,
	IPIT_HRTIMER,
	IPIT_TASKLET,
	IPIT_HAZARD,
	IPIT_NR_KINDS
};

/**
 * struct ipit_slot - one call that is under way
 * @start: when it was made (ns), 0 = free; stored last by the sender, cleared last by the answer
 * @reported: @start of the call that was last reported late
 * @target: CPU (the first one of a mask)
 * @pending: CPUs that have yet to answer
 * @calls: calls made
 * @acked: calls answered
 * @worst_ns: longest time to an answer
 * @node: on the list of the sleeper that is to be woken
 */
struct ipit_slot {
	u64 start;
	u64 reported;
	unsigned int target;
	atomic_t pending;
	u64 calls;
	u64 acked;
	u64 worst_ns;
	struct llist_node node;
};

/**
 * struct ipit_worker - the sender of one CPU, with everything it needs to have in flight
 * @slots: one call of each kind can be under way
 * @task: the sender
 * @sleeper: thread of this CPU that other senders wake up
 * @sleeper_alive: cleared before @sleeper is stopped; senders look at it with preemption off
 * @sleeper_list: slots to be acknowledged by @sleeper
 * @mask: targets of a call to several CPUs
 * @csd: of IPIT_SINGLE_CSD
 * @irq_work: of IPIT_IRQ_WORK
 * @timer: of IPIT_TIMER
 * @hrtimer: of IPIT_HRTIMER
 * @tasklet: of IPIT_TASKLET
 * @hazard_timer: brings the softirq of IPIT_HAZARD
 * @hazard_lock: what that softirq waits for
 * @hazard_spinning: it is waiting for @hazard_lock
 */
struct ipit_worker {
	struct ipit_slot slots[IPIT_NR_KINDS];
	struct task_struct *task;
	struct task_struct *sleeper;
	bool sleeper_alive;
	struct llist_head sleeper_list;
	struct cpumask mask;
	call_single_data_t csd;
	struct irq_work irq_work;
	struct timer_list timer;
	struct hrtimer hrtimer;
	struct tasklet_struct tasklet;
	struct hrtimer hazard_timer;
	spinlock_t hazard_lock;	/* what the hazard's softirq waits for */
	bool hazard_spinning;
};

DECLARE_PER_CPU(struct ipit_worker, ipit_workers);

/* slot.c: bookkeeping, and the monitor of late answers */
bool ipit_begin(struct ipit_worker *w, enum ipit_kind kind, unsigned int target, int pending);
void ipit_cancel(struct ipit_worker *w, enum ipit_kind kind);
void ipit_ack(struct ipit_slot *slot);
bool ipit_is_free(const struct ipit_worker *w, enum ipit_kind kind);
unsigned int ipit_outstanding(void);
void ipit_check_late(void);
void ipit_note_lost(void);
void ipit_note_bailed(void);
void ipit_reset(void);
void ipit_show(struct seq_file *m);

/* calls.c: the calls */
void ipit_calls_init(struct ipit_worker *w);
void ipit_calls_flush(struct ipit_worker *w);
void ipit_call_random(struct ipit_worker *w);
int ipit_sleeper_thread(void *data);
void ipit_sleeper_drain(struct ipit_worker *w);

/* main.c: module parameters */
extern unsigned int ipit_limit_ms;
extern bool ipit_hazard_on;

#endif /* IPI_TORTURE_H */
