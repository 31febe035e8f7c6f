/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CQ polling: taking a completion queue over, polling it, giving it back.
 *
 * What has to be done to a real CQ is behind struct cqpoll_queue_ops, so that
 * KUnit can drive every step with a CQ of its own, and tests/models/ib_core_cq_poll
 * can be held against it.
 */
#ifndef CQPOLL_QUEUE_H
#define CQPOLL_QUEUE_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct cqpoll_queue;
struct ib_wc;

/**
 * enum cqpoll_state - who handles the completions of a queue
 * @CQPOLL_NATIVE: the RDMA core; events go to it directly
 * @CQPOLL_HOOKED: the RDMA core; events pass through us
 * @CQPOLL_OURS:   our thread
 * @CQPOLL_GONE:   nobody: the queue is being destroyed
 */
enum cqpoll_state {
	CQPOLL_NATIVE,
	CQPOLL_HOOKED,
	CQPOLL_OURS,
	CQPOLL_GONE,
};

/**
 * struct cqpoll_queue_ops - what can be done to a CQ
 * @get:      keep it from being destroyed; false when that has begun
 * @put:      the opposite
 * @poll:     take up to n completions; returns how many. Called with the queue's
 *            lock held
 * @complete: handle n completions that @poll took
 * @arm:      ask for an event at the next completion; above 0 when one may have
 *            come before, and then perhaps there is no event. Called with the
 *            queue's lock held
 * @hook:     have events call us, or the native handler. Called with the queue's
 *            lock held
 * @native:   do what the native handler does at an event; never sleeps
 * @quiesce:  wait until the native way has finished what it does; may sleep.
 *            Nobody calls @native meanwhile
 * @attached: completions can come, or what begins that can't be seen. Called with the
 *            queue's lock held
 */
struct cqpoll_queue_ops {
	bool (*get)(struct cqpoll_queue *q);
	void (*put)(struct cqpoll_queue *q);
	int (*poll)(struct cqpoll_queue *q, struct ib_wc *wc, int n);
	void (*complete)(struct cqpoll_queue *q, struct ib_wc *wc, int n);
	int (*arm)(struct cqpoll_queue *q);
	void (*hook)(struct cqpoll_queue *q, bool ours);
	void (*native)(struct cqpoll_queue *q);
	void (*quiesce)(struct cqpoll_queue *q);
	bool (*attached)(struct cqpoll_queue *q);
};

/**
 * struct cqpoll_queue - one completion queue
 * @lock:       keeps the CQ from being destroyed while it is touched. Taken in
 *              process context only, because drivers call event handlers with
 *              their own lock held, which @poll takes too
 * @state:      protected by @lock
 * @event_lock: protects @forward; innermost, taken in interrupts
 * @forward:    events go on to the native handler
 * @ops:        what can be done to the CQ
 * @events:     events that came, also those that went on to the native handler
 */
struct cqpoll_queue {
	spinlock_t lock;	/* state, and the CQ itself */
	enum cqpoll_state state;
	const struct cqpoll_queue_ops *ops;
	spinlock_t event_lock;	/* forward */
	bool forward;
	atomic_long_t events;
};

void cqpoll_queue_init(struct cqpoll_queue *q, const struct cqpoll_queue_ops *ops);
void cqpoll_queue_hook(struct cqpoll_queue *q);
bool cqpoll_queue_own(struct cqpoll_queue *q);
void cqpoll_queue_own_new(struct cqpoll_queue *q);
int cqpoll_queue_pass(struct cqpoll_queue *q, struct ib_wc *wc, unsigned int budget);
bool cqpoll_queue_arm(struct cqpoll_queue *q);
bool cqpoll_queue_event(struct cqpoll_queue *q);
bool cqpoll_queue_release(struct cqpoll_queue *q);
void cqpoll_queue_gone(struct cqpoll_queue *q);

#endif /* CQPOLL_QUEUE_H */
