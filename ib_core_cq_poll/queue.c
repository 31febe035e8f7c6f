// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: taking a completion queue over, polling it, giving it back.
 *
 * Over:  hook, so that every event passes through us and on to the native handler;
 *        wait until no driver can still call that one directly (the caller does);
 *        own: stop passing events on, let the native way finish, poll.
 * Back:  pass events on again, unhook, arm, and start the native way if something
 *        came before.
 *
 * At each moment exactly one of the two handles completions, and each completion
 * that nobody has taken yet is either found by a poll that is still to come or
 * reported by the arming that follows the last one.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/minmax.h>

#include <cvm/kunit.h>

#include "budget.h"
#include "queue.h"

/**
 * cqpoll_queue_init() - a queue that nobody has touched
 * @q:   the queue
 * @ops: what can be done to its CQ
 *
 * Context: any.
 */
void cqpoll_queue_init(struct cqpoll_queue *q, const struct cqpoll_queue_ops *ops)
{
	spin_lock_init(&q->lock);
	spin_lock_init(&q->event_lock);
	q->state = CQPOLL_NATIVE;
	q->forward = true;
	q->ops = ops;
	atomic_long_set(&q->events, 0);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_init);

static void cqpoll_queue_forward(struct cqpoll_queue *q, bool forward)
{
	unsigned long flags;

	spin_lock_irqsave(&q->event_lock, flags);
	q->forward = forward;
	spin_unlock_irqrestore(&q->event_lock, flags);
}

/**
 * cqpoll_queue_hook() - first step of taking over a queue that is in use
 * @q: the queue
 *
 * The native way goes on as before.
 *
 * Context: process; the caller keeps the CQ from being destroyed.
 */
void cqpoll_queue_hook(struct cqpoll_queue *q)
{
	spin_lock(&q->lock);
	if (q->state == CQPOLL_NATIVE) {
		q->ops->hook(q, true);
		q->state = CQPOLL_HOOKED;
	}
	spin_unlock(&q->lock);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_hook);

/**
 * cqpoll_queue_own() - second step of taking over a queue that is in use
 * @q: the queue, hooked; every call of the native handler that does not pass
 *     through us has returned since
 *
 * Context: process, may sleep.
 * Return: true when it must be polled from now on; false when it is being
 * destroyed and nothing was changed.
 */
bool cqpoll_queue_own(struct cqpoll_queue *q)
{
	bool ok;

	spin_lock(&q->lock);
	ok = q->state == CQPOLL_HOOKED && q->ops->get(q);
	spin_unlock(&q->lock);
	if (!ok)
		return false;
	cqpoll_queue_forward(q, false);
	q->ops->quiesce(q);
	spin_lock(&q->lock);
	ok = q->state == CQPOLL_HOOKED;
	if (ok)
		q->state = CQPOLL_OURS;
	spin_unlock(&q->lock);
	q->ops->put(q);
	return ok;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_own);

/**
 * cqpoll_queue_own_new() - take over a queue before anybody can use it
 * @q: the queue; it must be polled from now on
 *
 * Context: process.
 */
void cqpoll_queue_own_new(struct cqpoll_queue *q)
{
	spin_lock(&q->lock);
	cqpoll_queue_forward(q, false);
	q->ops->hook(q, true);
	q->state = CQPOLL_OURS;
	spin_unlock(&q->lock);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_own_new);

/* The lock, which cqpoll_queue_gone() takes, keeps the CQ from being destroyed. */
static int cqpoll_queue_poll(struct cqpoll_queue *q, struct ib_wc *wc, unsigned int n)
{
	return q->state == CQPOLL_OURS ? q->ops->poll(q, wc, n) : 0;
}

/**
 * cqpoll_queue_pass() - handle completions
 * @q:      the queue
 * @wc:     room for CQPOLL_BATCH of them
 * @budget: most that may be handled
 *
 * They are handled in their order, without any lock. The CQ can't be destroyed
 * before that is done.
 *
 * Context: process, IRQs on; one caller at a time for one queue.
 * Return: how many, or -ENOENT when the queue is gone and may be forgotten.
 */
int cqpoll_queue_pass(struct cqpoll_queue *q, struct ib_wc *wc, unsigned int budget)
{
	unsigned int want = min_t(unsigned int, budget, CQPOLL_BATCH), done = 0;
	bool gone;
	int n;

	/*
	 * Mostly there is nothing: one lock and one look. Without a reference any more
	 * the CQ has no queue pair, and what was taken is for nobody.
	 */
	spin_lock(&q->lock);
	n = cqpoll_queue_poll(q, wc, want);
	if (n <= 0 || !q->ops->get(q)) {
		gone = q->state == CQPOLL_GONE;
		spin_unlock(&q->lock);
		return gone ? -ENOENT : 0;
	}
	for (;;) {
		spin_unlock(&q->lock);
		if (n <= 0)
			break;
		q->ops->complete(q, wc, n);
		done += n;
		if (n < want || done >= budget)
			break;
		want = min_t(unsigned int, budget - done, CQPOLL_BATCH);
		spin_lock(&q->lock);
		n = cqpoll_queue_poll(q, wc, want);
	}
	q->ops->put(q);
	return done;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_pass);

/**
 * cqpoll_queue_arm() - have the next completion make an event
 * @q: the queue
 *
 * Context: process, the one that calls cqpoll_queue_pass().
 * Return: true when something may have come already: poll again.
 */
bool cqpoll_queue_arm(struct cqpoll_queue *q)
{
	bool missed = false;

	spin_lock(&q->lock);
	if (q->state == CQPOLL_OURS && q->ops->get(q)) {
		missed = q->ops->arm(q) > 0;
		q->ops->put(q);
	}
	spin_unlock(&q->lock);
	return missed;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_arm);

/**
 * cqpoll_queue_event() - an event came from the device
 * @q: the queue
 *
 * Context: any, driver locks may be held.
 * Return: true when the thread has to look, false when the native way does.
 */
bool cqpoll_queue_event(struct cqpoll_queue *q)
{
	unsigned long flags;
	bool ours;

	atomic_long_inc(&q->events);
	spin_lock_irqsave(&q->event_lock, flags);
	ours = !q->forward;
	if (!ours)
		q->ops->native(q);
	spin_unlock_irqrestore(&q->event_lock, flags);
	return ours;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_event);

/**
 * cqpoll_queue_release() - give the queue back
 * @q: the queue; nobody passes over it or arms it any more
 *
 * The native way is only started where completions can still come: a CQ without
 * queue pairs may be about to be destroyed, and nothing may be started for that.
 *
 * Context: process. Return: false when there was nothing to give back.
 */
bool cqpoll_queue_release(struct cqpoll_queue *q)
{
	bool got = false, ours;

	spin_lock(&q->lock);
	ours = q->state == CQPOLL_HOOKED || q->state == CQPOLL_OURS;
	if (ours) {
		got = q->ops->get(q);
		cqpoll_queue_forward(q, true);
		q->ops->hook(q, false);
		if (got && q->ops->arm(q) > 0 && q->ops->attached(q))
			q->ops->native(q);
		q->state = CQPOLL_NATIVE;
	}
	spin_unlock(&q->lock);
	if (got)
		q->ops->put(q);
	return ours;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_release);

/**
 * cqpoll_queue_gone() - the CQ is being destroyed
 * @q: the queue
 *
 * On return nobody touches the CQ, nor will. Does not sleep: it is called where
 * the RDMA core has preemption off, and what it waits for has it off, too.
 *
 * Context: process.
 */
void cqpoll_queue_gone(struct cqpoll_queue *q)
{
	spin_lock(&q->lock);
	if (q->state == CQPOLL_HOOKED || q->state == CQPOLL_OURS)
		q->ops->hook(q, false);
	WRITE_ONCE(q->state, CQPOLL_GONE);
	spin_unlock(&q->lock);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_queue_gone);
