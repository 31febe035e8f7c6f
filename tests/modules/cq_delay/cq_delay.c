// SPDX-License-Identifier: GPL-2.0
/*
 * Slow completion events, as in a confidential VM, where there is none. For tests only:
 * a simulation, in which an event costs time but no CPU.
 *
 * Under /sys/kernel/debug/cq_delay:
 *
 *   delay_us  how late events come (100)
 *   on        1: stand between the devices and whoever handles the events of the kernel's
 *             completion queues at this moment; 0: step aside, with nothing lost
 *   events    events since that was last switched on
 *
 * While it is on, no completion queue can be destroyed, and nobody else may change who
 * handles events: switch it off before.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <rdma/ib_verbs.h>
#include <rdma/restrack.h>

#include <compat/time.h>

#define CQ_DELAY_QUEUES	64
#define CQ_DELAY_IDS	4096

struct cq_delay {
	struct ib_cq *cq;
	ib_comp_handler next;
	struct hrtimer timer;
	spinlock_t lock;	/* pending */
	bool pending;
};

static struct cq_delay cq_delays[CQ_DELAY_QUEUES];
static unsigned int cq_delay_count;
static bool cq_delay_is_on;
static DEFINE_MUTEX(cq_delay_lock);	/* all of the above */
static u32 cq_delay_us = 100;
static atomic_t cq_delay_events;
static struct dentry *cq_delay_dir;
static struct ib_device *cq_delay_devices[8];
static unsigned int cq_delay_ndevices;

static enum hrtimer_restart cq_delay_expired(struct hrtimer *timer)
{
	struct cq_delay *d = container_of(timer, struct cq_delay, timer);
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	d->pending = false;
	spin_unlock_irqrestore(&d->lock, flags);
	d->next(d->cq, d->cq->cq_context);
	return HRTIMER_NORESTART;
}

static void cq_delay_event(struct ib_cq *cq, void *context)
{
	struct cq_delay *d = cq_delays;
	u32 us = READ_ONCE(cq_delay_us);
	unsigned long flags;

	/* Those in use never change while events can come here. */
	while (d->cq != cq)
		d++;
	atomic_inc(&cq_delay_events);
	if (!us) {
		d->next(cq, context);
		return;
	}
	spin_lock_irqsave(&d->lock, flags);
	/* The one that is under way reports this completion, too. */
	if (!d->pending) {
		d->pending = true;
		hrtimer_start(&d->timer, ns_to_ktime((u64)us * NSEC_PER_USEC),
			      HRTIMER_MODE_REL_HARD);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

static void cq_delay_wrap(struct ib_cq *cq)
{
	struct cq_delay *d = &cq_delays[cq_delay_count++];

	d->cq = cq;
	d->next = cq->comp_handler;
	d->pending = false;
	spin_lock_init(&d->lock);
	hrtimer_setup(&d->timer, cq_delay_expired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	smp_wmb(); /* pairs with the address dependency of the caller */
	WRITE_ONCE(cq->comp_handler, cq_delay_event);
}

static void cq_delay_wrap_device(struct ib_device *dev)
{
	struct rdma_restrack_entry *res;
	struct ib_cq *cq;
	u32 id;

	for (id = 0; id < CQ_DELAY_IDS && cq_delay_count < CQ_DELAY_QUEUES; id++) {
		res = rdma_restrack_get_byid(dev, RDMA_RESTRACK_CQ, id);
		if (IS_ERR(res))
			continue;
		cq = container_of(res, struct ib_cq, res);
		if (rdma_is_kernel_res(res) && cq->wc && cq->poll_ctx != IB_POLL_DIRECT)
			cq_delay_wrap(cq);
		else
			rdma_restrack_put(res);
	}
}

static void cq_delay_unwrap(struct cq_delay *d)
{
	hrtimer_cancel(&d->timer);
	if (d->pending)
		d->next(d->cq, d->cq->cq_context);
	rdma_restrack_put(&d->cq->res);
}

static void cq_delay_set(bool on)
{
	unsigned int i;

	mutex_lock(&cq_delay_lock);
	if (on && !cq_delay_is_on) {
		atomic_set(&cq_delay_events, 0);
		for (i = 0; i < cq_delay_ndevices; i++)
			cq_delay_wrap_device(cq_delay_devices[i]);
	} else if (!on && cq_delay_is_on) {
		for (i = 0; i < cq_delay_count; i++)
			WRITE_ONCE(cq_delays[i].cq->comp_handler, cq_delays[i].next);
		synchronize_rcu();
		for (i = 0; i < cq_delay_count; i++)
			cq_delay_unwrap(&cq_delays[i]);
		cq_delay_count = 0;
	}
	cq_delay_is_on = on;
	mutex_unlock(&cq_delay_lock);
}

static int cq_delay_on_get(void *data, u64 *val)
{
	*val = cq_delay_is_on;
	return 0;
}

static int cq_delay_on_set(void *data, u64 val)
{
	cq_delay_set(val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(cq_delay_on_fops, cq_delay_on_get, cq_delay_on_set, "%llu\n");

static int cq_delay_client_add(struct ib_device *dev)
{
	mutex_lock(&cq_delay_lock);
	if (cq_delay_ndevices < ARRAY_SIZE(cq_delay_devices))
		cq_delay_devices[cq_delay_ndevices++] = dev;
	mutex_unlock(&cq_delay_lock);
	return 0;
}

static void cq_delay_client_remove(struct ib_device *dev, void *data)
{
	unsigned int i;

	cq_delay_set(false);
	mutex_lock(&cq_delay_lock);
	for (i = 0; i < cq_delay_ndevices; i++)
		if (cq_delay_devices[i] == dev)
			cq_delay_devices[i--] = cq_delay_devices[--cq_delay_ndevices];
	mutex_unlock(&cq_delay_lock);
}

static struct ib_client cq_delay_client = {
	.name = KBUILD_MODNAME,
	.add = cq_delay_client_add,
	.remove = cq_delay_client_remove,
};

static int __init cq_delay_init(void)
{
	int err = ib_register_client(&cq_delay_client);

	if (err)
		return err;
	cq_delay_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_u32("delay_us", 0644, cq_delay_dir, &cq_delay_us);
	debugfs_create_atomic_t("events", 0444, cq_delay_dir, &cq_delay_events);
	debugfs_create_file_unsafe("on", 0644, cq_delay_dir, NULL, &cq_delay_on_fops);
	return 0;
}
module_init(cq_delay_init);

static void __exit cq_delay_exit(void)
{
	debugfs_remove(cq_delay_dir);
	ib_unregister_client(&cq_delay_client);
	cq_delay_set(false);
	synchronize_rcu();
}
module_exit(cq_delay_exit);

MODULE_DESCRIPTION("Delay of RDMA completion events, for measurements");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
