// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: the RDMA core's completion queues.
 *
 * A CQ is taken over by its event handler, a plain pointer that drivers call. Its
 * poll context stays what it is, so everything else in the RDMA core, draining a
 * queue pair for example, goes on to work.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/irq_poll.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <rdma/ib_verbs.h>
#include <rdma/restrack.h>

#include <cvm/kunit.h>

#include "cqpoll.h"
#include "search.h"
#include "trace.h"

/* Numbers of CQs are given out in turn; beyond this one they are not looked for. */
#define CQPOLL_ID_MAX	(16 * 1024 * 1024)
/* Searches of a device at once, at most, as long as CQs are destroyed meanwhile. */
#define CQPOLL_SEARCHES	8

/*
 * Protects cqpoll_cqs, cqpoll_hash for writing, and who polls what (poller.c).
 */
DEFINE_SPINLOCK(cqpoll_lock);
LIST_HEAD(cqpoll_cqs);
static DEFINE_HASHTABLE(cqpoll_hash, 8);
unsigned long cqpoll_not_taken;		/* protected by cqpoll_lock */

/* Under RCU or cqpoll_lock. */
static struct cqpoll_cq *cqpoll_cq_find(const struct ib_cq *cq)
{
	struct cqpoll_cq *c;

	hash_for_each_possible_rcu(cqpoll_hash, c, hash, (unsigned long)cq,
				   lockdep_is_held(&cqpoll_lock))
		if (c->cq == cq)
			return c;
	return NULL;
}

/* What drivers call; like the handlers of the RDMA core in any context. */
static void cqpoll_event(struct ib_cq *cq, void *context)
{
	ib_comp_handler handler;
	struct cqpoll_cq *c;

	rcu_read_lock();
	c = cqpoll_cq_find(cq);
	if (c) {
		if (cqpoll_queue_event(&c->q))
			cqpoll_poller_kick(READ_ONCE(c->poller));
	} else {
		/* Given back after the driver had read the pointer. */
		handler = READ_ONCE(cq->comp_handler);
		if (handler != cqpoll_event)
			handler(cq, context);
	}
	rcu_read_unlock();
}

/* --- struct cqpoll_queue_ops --- */

static struct cqpoll_cq *to_cqpoll_cq(struct cqpoll_queue *q)
{
	return container_of(q, struct cqpoll_cq, q);
}

/* The reference that ib_free_cq() waits for: first of all, or in some kernels last. */
static bool cqpoll_op_get(struct cqpoll_queue *q)
{
	return rdma_restrack_get(&to_cqpoll_cq(q)->cq->res);
}

static void cqpoll_op_put(struct cqpoll_queue *q)
{
	rdma_restrack_put(&to_cqpoll_cq(q)->cq->res);
}

static int cqpoll_op_poll(struct cqpoll_queue *q, struct ib_wc *wc, int n)
{
	return ib_poll_cq(to_cqpoll_cq(q)->cq, n, wc);
}

/**
 * cqpoll_cq_complete() - call the functions of completions, in their order
 * @c:  the CQ
 * @wc: the completions
 * @n:  how many
 *
 * Context: process, IRQs on, no lock.
 */
void cqpoll_cq_complete(struct cqpoll_cq *c, struct ib_wc *wc, int n)
{
	struct ib_cq *cq = c->cq;
	int i;

	if (c->bh)
		local_bh_disable();
	for (i = 0; i < n; i++) {
		if (wc[i].wr_cqe)
			wc[i].wr_cqe->done(cq, &wc[i]);
		else if (wc[i].status == IB_WC_SUCCESS)
			pr_warn_once("%s: completion of %s without a function to call\n",
				     c->name, c->owner);
	}
	if (c->bh)
		local_bh_enable();
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_cq_complete);

static void cqpoll_op_complete(struct cqpoll_queue *q, struct ib_wc *wc, int n)
{
	cqpoll_cq_complete(to_cqpoll_cq(q), wc, n);
}

static int cqpoll_op_arm(struct cqpoll_queue *q)
{
	return ib_req_notify_cq(to_cqpoll_cq(q)->cq,
				IB_CQ_NEXT_COMP | IB_CQ_REPORT_MISSED_EVENTS);
}

static void cqpoll_op_hook(struct cqpoll_queue *q, bool ours)
{
	struct cqpoll_cq *c = to_cqpoll_cq(q);

	WRITE_ONCE(c->cq->comp_handler, ours ? cqpoll_event : c->native);
}

static void cqpoll_op_native(struct cqpoll_queue *q)
{
	struct cqpoll_cq *c = to_cqpoll_cq(q);

	c->native(c->cq, c->cq->cq_context);
}

/**
 * cqpoll_quiesce_softirq() - wait until the softirq has finished what it does for a CQ
 * @q:   the CQ's state
 * @iop: how the softirq knows it; nobody else schedules it from here on
 *
 * Like irq_poll_disable() and irq_poll_enable(), but that would wait for ever where
 * ib_free_cq() has disabled it for good and waits for our reference only after that.
 *
 * Context: process, sleeps.
 */
void cqpoll_quiesce_softirq(struct cqpoll_queue *q, struct irq_poll *iop)
{
	set_bit(IRQ_POLL_F_DISABLE, &iop->state);
	while (test_and_set_bit(IRQ_POLL_F_SCHED, &iop->state)) {
		if (READ_ONCE(q->state) == CQPOLL_GONE)
			return;
		usleep_range(1000, 2000);
	}
	/*
	 * The RDMA core's handler may only have got as far as irq_poll_complete(), and schedule
	 * itself again. It can't while this is disabled, and has returned after that.
	 */
	synchronize_rcu();
	clear_bit(IRQ_POLL_F_DISABLE, &iop->state);
	irq_poll_enable(iop);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_quiesce_softirq);

static void cqpoll_op_quiesce(struct cqpoll_queue *q)
{
	struct ib_cq *cq = to_cqpoll_cq(q)->cq;

	if (cq->poll_ctx == IB_POLL_SOFTIRQ) {
		cqpoll_quiesce_softirq(q, &cq->iop);
	} else {
		/* Also when it queues itself again. */
		cancel_work_sync(&cq->work);
	}
}

/*
 * Or will be without our knowing: shared ones wait for their next user, and are destroyed
 * only after we were told that the device goes.
 */
static bool cqpoll_op_attached(struct cqpoll_queue *q)
{
	const struct ib_cq *cq = to_cqpoll_cq(q)->cq;

	return cq->shared || atomic_read(&cq->usecnt) > 0;
}

static const struct cqpoll_queue_ops cqpoll_cq_ops = {
	.get		= cqpoll_op_get,
	.put		= cqpoll_op_put,
	.poll		= cqpoll_op_poll,
	.complete	= cqpoll_op_complete,
	.arm		= cqpoll_op_arm,
	.hook		= cqpoll_op_hook,
	.native		= cqpoll_op_native,
	.quiesce	= cqpoll_op_quiesce,
	.attached	= cqpoll_op_attached,
};

/* --- which CQs, and our view of each --- */

/* Shared CQs that the core keeps for its users are nobody's in particular. */
static const char *cqpoll_cq_owner(const struct ib_cq *cq)
{
	const char *owner = cq->res.kern_name;

	if (!owner)
		return "";
	if (!strcmp(owner, "ib_core") && !cq->cq_context)
		return "cq_pool";
	return owner;
}

static bool cqpoll_cq_eligible(const struct ib_cq *cq, const struct cqpoll_device *d)
{
	/* Those of user space, and those that their users poll themselves. */
	if (!rdma_is_kernel_res(&cq->res) || !cq->res.valid || !cq->wc)
		return false;
	switch (cq->poll_ctx) {
	case IB_POLL_SOFTIRQ:
	case IB_POLL_WORKQUEUE:
	case IB_POLL_UNBOUND_WORKQUEUE:
		break;
	default:
		return false;
	}
	return cqpoll_wanted(d->name, cqpoll_cq_owner(cq), cq->poll_ctx == IB_POLL_SOFTIRQ);
}

static struct cqpoll_cq *cqpoll_cq_create(struct ib_cq *cq, const struct cqpoll_device *d,
					  gfp_t gfp)
{
	struct cqpoll_cq *c = kzalloc(sizeof(*c), gfp);

	if (!c)
		return NULL;
	cqpoll_queue_init(&c->q, &cqpoll_cq_ops);
	c->cq = cq;
	c->bh = cq->poll_ctx == IB_POLL_SOFTIRQ;
	c->device = cq->device;
	c->id = cq->res.id;
	strscpy(c->name, d->name, sizeof(c->name));
	strscpy(c->owner, cqpoll_cq_owner(cq), sizeof(c->owner));
	INIT_LIST_HEAD(&c->node);
	return c;
}

/*
 * The native handler is read here and not before: whoever had the CQ until now puts that
 * back before it makes room in the table under the lock. Ours in its place would call
 * itself for ever; false for that.
 */
static bool cqpoll_cq_insert(struct cqpoll_cq *c)
{
	lockdep_assert_held(&cqpoll_lock);
	c->native = c->cq->comp_handler;
	if (WARN_ON_ONCE(c->native == cqpoll_event))
		return false;
	hash_add_rcu(cqpoll_hash, &c->hash, (unsigned long)c->cq);
	list_add_tail(&c->all, &cqpoll_cqs);
	return true;
}

static void cqpoll_cq_unlink(struct cqpoll_cq *c)
{
	lockdep_assert_held(&cqpoll_lock);
	if (hlist_unhashed(&c->hash))
		return;
	hash_del_rcu(&c->hash);
	list_del(&c->all);
	cqpoll_poller_forget(c);
}

/**
 * cqpoll_cq_drop() - give a CQ back to the RDMA core and forget it
 * @c: the CQ, in no list of a thread
 *
 * Context: process.
 */
void cqpoll_cq_drop(struct cqpoll_cq *c)
{
	if (cqpoll_queue_release(&c->q))
		trace_cqpoll_give_back(c, -1);
	spin_lock(&cqpoll_lock);
	cqpoll_cq_unlink(c);
	spin_unlock(&cqpoll_lock);
	kfree_rcu(c, rcu);
}

/**
 * cqpoll_cq_rename() - a device has a new name
 * @d: the device
 *
 * Tracepoints that read it meanwhile may see some of both.
 *
 * Context: cqpoll_lock held.
 */
void cqpoll_cq_rename(const struct cqpoll_device *d)
{
	struct cqpoll_cq *c;

	lockdep_assert_held(&cqpoll_lock);
	list_for_each_entry(c, &cqpoll_cqs, all)
		if (c->device == d->dev)
			strscpy(c->name, d->name, sizeof(c->name));
}

/**
 * cqpoll_cq_probe_alloc() - the RDMA core has made a CQ that nobody knows yet
 * @data:        not used
 * @cq:          the CQ
 * @nr_cqe:      not used
 * @comp_vector: not used
 * @poll_ctx:    not used
 *
 * Context: process, preemption off (tracepoint).
 */
void cqpoll_cq_probe_alloc(void *data, const struct ib_cq *cq, int nr_cqe,
			   int comp_vector, enum ib_poll_context poll_ctx)
{
	const struct cqpoll_device *d;
	struct cqpoll_cq *c;

	spin_lock(&cqpoll_lock);
	d = cqpoll_device_find(cq->device);
	if (cpumask_empty(&cqpoll_active) || !d || !cqpoll_cq_eligible(cq, d))
		goto out_unlock;
	/* Without memory it stays with the RDMA core, which was told nothing yet. */
	c = cqpoll_cq_create((struct ib_cq *)cq, d, GFP_ATOMIC | __GFP_NOWARN);
	if (!c || !cqpoll_cq_insert(c)) {
		kfree(c);
		cqpoll_not_taken++;
		goto out_unlock;
	}
	cqpoll_queue_own_new(&c->q);
	cqpoll_poller_assign(c);
out_unlock:
	spin_unlock(&cqpoll_lock);
}

/**
 * cqpoll_cq_probe_free() - the RDMA core is about to destroy a CQ
 * @data: not used
 * @cq:   the CQ
 *
 * Context: process, preemption off (tracepoint).
 */
void cqpoll_cq_probe_free(void *data, const struct ib_cq *cq)
{
	struct cqpoll_poller *p = NULL;
	struct cqpoll_cq *c;

	rcu_read_lock();
	spin_lock(&cqpoll_lock);
	c = cqpoll_cq_find(cq);
	if (c) {
		p = c->poller;
		cqpoll_cq_unlink(c);
	}
	spin_unlock(&cqpoll_lock);
	/* Whoever has it in a list forgets it when it sees that it is gone. */
	if (c) {
		cqpoll_queue_gone(&c->q);
		trace_cqpoll_gone(c, p ? (int)p->cpu : -1);
		cqpoll_poller_kick(p);
	}
	rcu_read_unlock();
}

/*
 * No queue pair: the CQ is new, or it is past the cq_free tracepoint already, and nobody
 * would ever tell us that it is gone. That tracepoint takes the lock, too, so a CQ that
 * has a queue pair now is not past it. Shared ones stay although nobody uses them.
 */
static bool cqpoll_cq_unused(const struct ib_cq *cq)
{
	lockdep_assert_held(&cqpoll_lock);
	return !cq->shared && !atomic_read(&cq->usecnt);
}

/**
 * struct cqpoll_scan - looking for CQs that existed before
 * @device: whose
 * @hooked: those that were found and hooked
 * @again:  one is not used yet, or some may have been missed
 */
struct cqpoll_scan {
	const struct cqpoll_device *device;
	struct list_head hooked;
	bool again;
};

static bool cqpoll_cq_known(const struct ib_cq *cq)
{
	bool known;

	rcu_read_lock();
	known = cqpoll_cq_find(cq);
	rcu_read_unlock();
	return known;
}

/* Hook a CQ that is in use. */
static void cqpoll_cq_hook(struct cqpoll_scan *scan, struct ib_cq *cq)
{
	bool hook = false, unused = false;
	struct cqpoll_cq *c;

	if (!cqpoll_cq_eligible(cq, scan->device) || cqpoll_cq_known(cq))
		return;
	c = cqpoll_cq_create(cq, scan->device, GFP_KERNEL);
	spin_lock(&cqpoll_lock);
	/* It is known, too, where it was new a moment ago. */
	if (!cqpoll_cq_find(cq)) {
		unused = cqpoll_cq_unused(cq);
		hook = !unused && c && cqpoll_cq_insert(c);
		if (!unused && !hook)
			cqpoll_not_taken++;
	}
	spin_unlock(&cqpoll_lock);
	scan->again |= unused;
	if (!hook) {
		kfree(c);
		return;
	}
	cqpoll_queue_hook(&c->q);
	list_add_tail(&c->node, &scan->hooked);
}

/* --- struct cqpoll_search_ops: of all CQs, those of user space too --- */

static unsigned int cqpoll_scan_count(void *data)
{
	const struct cqpoll_scan *scan = data;

	return rdma_restrack_count(scan->device->dev, RDMA_RESTRACK_CQ, true);
}

static bool cqpoll_scan_look(void *data, u32 id)
{
	struct rdma_restrack_entry *res;
	struct cqpoll_scan *scan = data;

	res = rdma_restrack_get_byid(scan->device->dev, RDMA_RESTRACK_CQ, id);
	if (IS_ERR(res))
		return false;
	cqpoll_cq_hook(scan, container_of(res, struct ib_cq, res));
	rdma_restrack_put(res);
	return true;
}

static const struct cqpoll_search_ops cqpoll_scan_ops = {
	.count = cqpoll_scan_count,
	.look = cqpoll_scan_look,
};

/* The tracepoint reports CQs that are made from now on. */
static void cqpoll_cq_scan(struct cqpoll_scan *scan)
{
	enum cqpoll_found found;
	unsigned int n = 0;

	do {
		found = cqpoll_search(&cqpoll_scan_ops, scan, CQPOLL_ID_MAX);
	} while (found == CQPOLL_FOUND_SOME && ++n < CQPOLL_SEARCHES);
	scan->again |= found == CQPOLL_FOUND_SOME;
	if (found == CQPOLL_FOUND_BEYOND)
		pr_warn_once("%s: queues beyond number %u are polled only if made from now on\n",
			     scan->device->name, CQPOLL_ID_MAX);
}

static void cqpoll_cq_own(struct cqpoll_cq *c)
{
	bool assigned = false;

	if (cqpoll_queue_own(&c->q)) {
		spin_lock(&cqpoll_lock);
		assigned = hlist_unhashed(&c->hash) || cqpoll_poller_assign(c);
		if (hlist_unhashed(&c->hash))
			kfree_rcu(c, rcu);
		spin_unlock(&cqpoll_lock);
	}
	if (!assigned)
		cqpoll_cq_drop(c);
}

/**
 * cqpoll_cq_take_existing() - take over the wanted CQs that nobody polls yet
 *
 * Context: process, sleeps; the list of devices stays as it is, and the probe of
 * cqpoll_cq_probe_free() is in place.
 * Return: true when it is worth to come again in a while, because there was a CQ that
 * is not used yet, or one may have been missed.
 */
bool cqpoll_cq_take_existing(void)
{
	struct cqpoll_scan scan = { .hooked = LIST_HEAD_INIT(scan.hooked) };
	struct cqpoll_device *d;
	struct cqpoll_cq *c, *n;

	/* Without a thread they would have to be given back at once. */
	if (cpumask_empty(&cqpoll_active))
		return false;
	list_for_each_entry(d, &cqpoll_devices, node) {
		scan.device = d;
		cqpoll_cq_scan(&scan);
	}
	if (list_empty(&scan.hooked))
		return scan.again;
	/* Until all drivers that had read the old handler are through with it, as at exit. */
	cqpoll_drivers_wait();
	list_for_each_entry_safe(c, n, &scan.hooked, node) {
		list_del_init(&c->node);
		cqpoll_cq_own(c);
	}
	return scan.again;
}

/**
 * cqpoll_drivers_wait() - wait for drivers that had read an event handler's address
 *
 * They call it in interrupts, in softirqs, with a spinlock held, and some in a work item
 * with preemption on. None of them sleeps between reading and calling.
 *
 * Context: process, sleeps.
 */
void cqpoll_drivers_wait(void)
{
	synchronize_rcu_tasks();
	synchronize_rcu();
}
