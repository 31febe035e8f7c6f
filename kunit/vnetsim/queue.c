// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: a queue's interrupts, and when they are due.
 */
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/minmax.h>
#include <linux/smp.h>

#include <compat/time.h>

#include "vnetsim.h"

/**
 * vnetsim_queue_raise() - interrupt the driver
 * @q: the queue
 *
 * Context: hard interrupt.
 */
void vnetsim_queue_raise(struct vnetsim_queue *q)
{
	struct virtqueue *vq = READ_ONCE(q->vq);

	if (!vq)
		return;
	atomic64_inc(&q->irqs);
	vring_interrupt(0, vq);
}

static void raise_work(struct irq_work *work)
{
	vnetsim_queue_raise(container_of(work, struct vnetsim_queue, irq_work));
}

/* Time is counted from the first packet that the driver has not been told of. */
static ktime_t due_at(const struct vnetsim_queue *q)
{
	return ktime_add_ns(q->first, (u64)q->max_usecs * NSEC_PER_USEC);
}

static void start_timer(struct vnetsim_queue *q)
{
	hrtimer_start(&q->timer, due_at(q), HRTIMER_MODE_ABS);
}

/* The lock is held; true if there are packets enough. */
static bool is_due(const struct vnetsim_queue *q)
{
	if (!q->uninformed)
		return false;
	return !q->max_usecs || !q->max_packets || q->uninformed >= q->max_packets;
}

/* The lock is held; true if they have waited for long enough. */
static bool is_overdue(const struct vnetsim_queue *q)
{
	return q->uninformed && !ktime_before(ktime_get(), due_at(q));
}

static enum hrtimer_restart raise_timer(struct hrtimer *timer)
{
	struct vnetsim_queue *q = container_of(timer, struct vnetsim_queue, timer);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	unsigned long flags;
	bool raise = false;

	spin_lock_irqsave(&q->irq_lock, flags);
	if (is_overdue(q)) {
		q->uninformed = 0;
		raise = q->ready && vnetsim_ring_wants_irq(q);
	} else if (q->uninformed && !hrtimer_is_queued(timer)) {
		/* Those that it was started for were told by their number. */
		hrtimer_set_expires(timer, due_at(q));
		restart = HRTIMER_RESTART;
	}
	spin_unlock_irqrestore(&q->irq_lock, flags);
	if (raise)
		vnetsim_queue_raise(q);
	return restart;
}

static void raise_there(void *data)
{
	vnetsim_queue_raise(data);
}

static void raise_soon(struct vnetsim_queue *q)
{
	unsigned int cpu = nr_cpu_ids;

	/* Who is to change memory while the driver reads it can't be the one it interrupts. */
	if (vnetsim_armed(q, VNETSIM_BUG_FLIP_HEADER) ||
	    vnetsim_armed(q, VNETSIM_BUG_FLIP_PAYLOAD))
		cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	if (unlikely(cpu < nr_cpu_ids))
		smp_call_function_single(cpu, raise_there, q, 1);
	else
		irq_work_queue(&q->irq_work);
}

/**
 * vnetsim_queue_used() - packets were published: interrupt now, later or not
 * @q:       the queue
 * @packets: how many
 *
 * Context: the worker's lock.
 */
void vnetsim_queue_used(struct vnetsim_queue *q, unsigned int packets)
{
	unsigned long flags;
	bool raise = false;

	spin_lock_irqsave(&q->irq_lock, flags);
	if (!q->uninformed && q->max_usecs)
		q->first = ktime_get();
	q->uninformed += packets;
	if (is_due(q)) {
		q->uninformed = 0;
		raise = vnetsim_ring_wants_irq(q);
	} else if (q->uninformed && !hrtimer_is_queued(&q->timer)) {
		start_timer(q);
	}
	spin_unlock_irqrestore(&q->irq_lock, flags);
	if (raise && !vnetsim_hit(q, VNETSIM_BUG_IRQ_LOST))
		raise_soon(q);
	if (vnetsim_mutates_queue(q, false))
		irq_work_queue(&q->irq_work);
}

/**
 * vnetsim_queue_moderate() - change a queue's moderation
 * @q:    the queue
 * @coal: the new one; what is due by it is told at once
 *
 * Context: process.
 */
void vnetsim_queue_moderate(struct vnetsim_queue *q, const struct vnetsim_coal *coal)
{
	unsigned long flags;
	bool raise = false;

	spin_lock_irqsave(&q->irq_lock, flags);
	q->max_packets = coal->max_packets;
	q->max_usecs = coal->max_usecs;
	if (q->ready && (is_due(q) || is_overdue(q))) {
		q->uninformed = 0;
		raise = vnetsim_ring_wants_irq(q);
	} else if (q->uninformed) {
		start_timer(q);
	} else {
		/* One of a longer delay must not be in the way of a shorter one's. */
		hrtimer_try_to_cancel(&q->timer);
	}
	spin_unlock_irqrestore(&q->irq_lock, flags);
	if (raise)
		irq_work_queue(&q->irq_work);
}

/**
 * vnetsim_flush_held() - nothing comes after what was held back
 * @q: the queue
 *
 * Context: the worker's lock.
 */
void vnetsim_flush_held(struct vnetsim_queue *q)
{
	if (!q->ready || !vnetsim_ring_unhold(q))
		return;
	vnetsim_ring_publish(q);
	vnetsim_queue_used(q, 1);
}

/**
 * vnetsim_queue_stands_still() - is the ring not to be looked at, for a bug's sake?
 * @q: the queue
 *
 * Context: the worker's lock.
 * Return: true if so.
 */
bool vnetsim_queue_stands_still(struct vnetsim_queue *q)
{
	s64 kicks = atomic64_read(&q->kicks);
	bool kicked = kicks != q->kicks_seen;

	q->kicks_seen = kicks;
	if (vnetsim_armed(q, VNETSIM_BUG_STALL)) {
		atomic64_inc(&q->sim->inject.bug[VNETSIM_BUG_STALL].hits);
		return true;
	}
	/* Who listens to notifications only hears none. */
	return vnetsim_armed(q, VNETSIM_BUG_KICK_OFF) && !kicked;
}

/**
 * vnetsim_queue_init() - set up a queue that has no ring yet
 * @q:     the queue, all zero
 * @sim:   its device
 * @index: its number
 *
 * Context: process.
 */
void vnetsim_queue_init(struct vnetsim_queue *q, struct vnetsim *sim, unsigned int index)
{
	q->sim = sim;
	q->index = index;
	q->worker = &sim->workers[index / 2];
	spin_lock_init(&q->irq_lock);
	hrtimer_setup(&q->timer, raise_timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	init_irq_work(&q->irq_work, raise_work);
}

/**
 * vnetsim_queue_start() - begin with a ring
 * @q: the queue; its virtqueue exists
 *
 * Context: process.
 */
void vnetsim_queue_start(struct vnetsim_queue *q)
{
	mutex_lock(&q->worker->lock);
	vnetsim_ring_init(q);
	q->uninformed = 0;
	q->held.descs = 0;
	q->ready = true;
	mutex_unlock(&q->worker->lock);
	vnetsim_wake(q->worker);
}

/**
 * vnetsim_queue_stop() - leave the ring alone, and be silent
 * @q: the queue
 *
 * Context: process, may sleep.
 */
void vnetsim_queue_stop(struct vnetsim_queue *q)
{
	mutex_lock(&q->worker->lock);
	spin_lock_irq(&q->irq_lock);
	q->ready = false;
	q->uninformed = 0;
	spin_unlock_irq(&q->irq_lock);
	mutex_unlock(&q->worker->lock);
	hrtimer_cancel(&q->timer);
	irq_work_sync(&q->irq_work);
}
