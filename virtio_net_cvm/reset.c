// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery: take the device down, reset it, bring it up.  Also what freeze,
 * restore and remove use.
 *
 * The device may take as long as it likes to reset, so that is waited for in a
 * work, without rtnl; the net device is detached meanwhile, and the stack's
 * requests fail at once.
 */
#include <linux/container_of.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/sched/mm.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include <compat/virtio.h>

#include "ctrl.h"
#include "cvmnet.h"
#include "cvq.h"
#include "rx.h"
#include "trace.h"
#include "tx.h"
#include "vq.h"

static const char * const cvmnet_reset_causes[CVMNET_RESET_CAUSES] = {
	[CVMNET_RESET_RX_RING] = "receive ring",
	[CVMNET_RESET_TX_RING] = "transmit ring",
	[CVMNET_RESET_TX_TIMEOUT] = "transmit time-out",
	[CVMNET_RESET_CVQ] = "control queue",
	[CVMNET_RESET_NEEDED] = "device request",
};

/**
 * cvmnet_reset_cause_name() - name a cause
 * @cause: the cause
 *
 * Context: any.
 * Return: its name.
 */
const char *cvmnet_reset_cause_name(enum cvmnet_reset_cause cause)
{
	return cause < CVMNET_RESET_CAUSES ? cvmnet_reset_causes[cause] : "unknown";
}

/**
 * cvmnet_device_down() - stop everything and take all memory from the device
 * @dev: the device; does nothing if it is down
 *
 * Afterwards the device is reset and has no virtqueues; the net device is
 * detached, open or not.
 *
 * Context: process, may sleep for as long as the device likes; not under rtnl.
 */
void cvmnet_device_down(struct cvmnet_dev *dev)
{
	struct net_device *netdev = dev->netdev;

	mutex_lock(&dev->reset.lock);
	if (dev->reset.down)
		goto out_unlock;
	/* Those who wait for the control queue may hold rtnl. */
	cvmnet_cvq_fail_all(dev);
	cvmnet_ctrl_stop(dev);
	rtnl_lock();
	netif_device_detach(netdev);
	netif_tx_disable(netdev);
	cvmnet_queues_stop(dev);
	rtnl_unlock();

	cvmnet_device_reset(dev);
	cvmnet_affinity_allow(dev, false);
	cvmnet_vqs_delete(dev);
	dev->reset.down = true;
out_unlock:
	mutex_unlock(&dev->reset.lock);
}

/**
 * cvmnet_device_up() - undo cvmnet_device_down()
 * @dev: the device; features are negotiated; does nothing if it is up
 *
 * Context: process, may sleep; not under rtnl.
 * Return: 0 or -errno with the device down.
 */
int cvmnet_device_up(struct cvmnet_dev *dev)
{
	struct net_device *netdev = dev->netdev;
	int err = 0;

	mutex_lock(&dev->reset.lock);
	if (!dev->reset.down)
		goto out_unlock;
	err = cvmnet_vqs_find(dev);
	if (err)
		goto out_unlock;
	err = cvm_virtio_ready(dev->vdev);
	if (err)
		goto err_reset;

	cvmnet_cvq_start(dev);
	cvmnet_rings_restore(dev);
	rtnl_lock();
	err = cvmnet_pairs_restore(dev);
	if (!err && netif_running(netdev))
		err = cvmnet_queues_start(dev);
	if (!err) {
		cvmnet_affinity_allow(dev, true);
		netif_device_attach(netdev);
	}
	rtnl_unlock();
	if (err)
		goto err_reset;
	dev->reset.down = false;
	cvmnet_ctrl_start(dev);
	mutex_unlock(&dev->reset.lock);
	return 0;

err_reset:
	cvmnet_cvq_fail_all(dev);
	cvmnet_device_reset(dev);
	cvmnet_vqs_delete(dev);
out_unlock:
	mutex_unlock(&dev->reset.lock);
	return err;
}

static void cvmnet_reset_give_up(struct cvmnet_dev *dev)
{
	WRITE_ONCE(dev->reset.dead, true);
	netif_carrier_off(dev->netdev);
	netdev_err(dev->netdev,
		   "the device misbehaves again and again; it is left alone until it is bound anew\n");
}

/* Resets in a row count until there was a quiet time. */
static void cvmnet_reset_forget(struct cvmnet_reset *reset)
{
	if (time_after(jiffies, reset->last + msecs_to_jiffies(CVMNET_RESET_QUIET_MS)))
		reset->in_row = 0;
}

static void cvmnet_reset_failed(struct cvmnet_dev *dev, int err)
{
	dev->reset.failed++;
	netdev_err(dev->netdev, "the device did not come back: %d\n", err);
}

/* Requests up to now are served by the reset that is on its way. */
static unsigned long cvmnet_reset_take(struct cvmnet_dev *dev)
{
	unsigned long causes = xchg(&dev->reset.pending, 0);
	int cause;

	for_each_set_bit(cause, &causes, CVMNET_RESET_CAUSES) {
		dev->reset.count[cause]++;
		netdev_warn(dev->netdev, "resetting the device: %s\n",
			    cvmnet_reset_cause_name(cause));
	}
	return causes;
}

static bool cvmnet_reset_is_off(const struct cvmnet_reset *reset)
{
	return READ_ONCE(reset->blocked) || READ_ONCE(reset->ending) || READ_ONCE(reset->dead);
}

static void cvmnet_reset_once(struct cvmnet_dev *dev)
{
	struct cvmnet_reset *reset = &dev->reset;
	int err, delay;

	if (cvmnet_reset_is_off(reset))
		return;
	/* A device that was bound too late to be told: see cvmnet_reboot(). */
	if (system_state > SYSTEM_RUNNING)
		return;
	/* The reset before may have served it; one that failed has left the device down. */
	if (!cvmnet_reset_take(dev) && !reset->down)
		return;
	cvmnet_reset_forget(reset);
	reset->in_row++;
	reset->last = jiffies;

	cvmnet_device_down(dev);
	/* Other queues, which were looked at until they were stopped */
	cvmnet_reset_take(dev);
	/* It stays down: cvmnet_restore() brings it up. */
	if (cvmnet_reset_is_off(reset))
		return;
	if (reset->in_row >= CVMNET_RESET_MAX) {
		cvmnet_reset_give_up(dev);
		return;
	}
	err = cvmnet_renegotiate(dev);
	if (!err)
		err = cvmnet_device_up(dev);
	/* A quiet time begins when it is over: a device can draw it out. */
	reset->last = jiffies;
	trace_cvmnet_reset_done(dev, err);
	/* Nor was it the device's fault where commands were cut short. */
	if (!err || cvmnet_reset_is_off(reset))
		return;

	cvmnet_reset_failed(dev, err);
	/* Memory is not the device's fault: it is asked for again and again, though rarely. */
	if (err == -ENOMEM)
		reset->in_row = min(reset->in_row, CVMNET_RESET_MAX - 2U);
	delay = err == -ENODEV ? -ENODEV : cvmnet_reset_delay(reset->in_row);
	if (delay < 0)
		cvmnet_reset_give_up(dev);
	else
		queue_delayed_work(cvmnet_wq, &reset->work, msecs_to_jiffies(delay));
}

static void cvmnet_reset_work(struct work_struct *work)
{
	struct cvmnet_dev *dev = container_of(to_delayed_work(work), struct cvmnet_dev,
					      reset.work);
	unsigned int noio;

	/* I/O that freeing memory waits for may want this very interface: NFS, for example. */
	noio = memalloc_noio_save();
	cvmnet_reset_once(dev);
	memalloc_noio_restore(noio);
}

/**
 * cvmnet_reset_request() - ask for a reset
 * @dev: the device
 * @cause: why
 *
 * It comes in a while, the later the more there were; requests until then are
 * served by one.
 *
 * Context: any.
 */
void cvmnet_reset_request(struct cvmnet_dev *dev, enum cvmnet_reset_cause cause)
{
	struct cvmnet_reset *reset = &dev->reset;
	int delay;

	trace_cvmnet_reset_request(dev, cause);
	set_bit(cause, &reset->pending);
	smp_mb__after_atomic(); /* pairs with cvmnet_reset_unblock(): one of us sees the other */
	if (cvmnet_reset_is_off(reset))
		return;
	cvmnet_reset_forget(reset);
	delay = max(cvmnet_reset_delay(reset->in_row), 0);
	queue_delayed_work(cvmnet_wq, &reset->work, msecs_to_jiffies(delay));
}

/**
 * cvmnet_reset_retry() - a resume has failed: try again with a reset
 * @dev: the device, down; resets are blocked
 * @err: why
 *
 * Context: process.
 */
void cvmnet_reset_retry(struct cvmnet_dev *dev, int err)
{
	cvmnet_reset_failed(dev, err);
	/* The core goes on reporting only when a resume succeeds. */
	WRITE_ONCE(dev->reset.deaf, true);
	set_bit(CVMNET_RESET_NEEDED, &dev->reset.pending);
}

static void cvmnet_watch_queue(struct cvmnet_dev *dev, unsigned int i)
{
	struct cvmnet_rxq *rxq = &dev->rxq[i];
	struct cvmnet_txq *txq = &dev->txq[i];

	if (i < dev->pairs && rxq->vq != dev->resized)
		cvmnet_rx_watch(rxq);
	if (txq->vq == dev->resized)
		cvmnet_tx_watch_stopped(txq);
	else if (i < dev->pairs)
		cvmnet_tx_watch(txq);
	else
		cvmnet_tx_watch_idle(txq);
}

/**
 * cvmnet_watch_at() - have the device's queues looked after
 * @dev: the device
 * @due: when, in jiffies
 *
 * Context: process; the watch itself, or under rtnl while it does not run.
 */
void cvmnet_watch_at(struct cvmnet_dev *dev, unsigned long due)
{
	unsigned long now = jiffies;

	dev->watch_due = due;
	queue_delayed_work(cvmnet_wq, &dev->watch_work, time_after(due, now) ? due - now : 0);
}

/* Interrupts and kicks that a device, or what lies between, has lost */
static void cvmnet_watch(struct work_struct *work)
{
	struct cvmnet_dev *dev = container_of(to_delayed_work(work), struct cvmnet_dev,
					      watch_work);
	unsigned int i;

	for (i = 0; i < dev->max_pairs; i++)
		cvmnet_watch_queue(dev, i);
	if (READ_ONCE(dev->reset.deaf))
		cvmnet_config_changed(dev->vdev);
	cvmnet_watch_at(dev, jiffies + HZ);
}

/*
 * On shutdown the core breaks the rings and resets.  A reset of ours that ends later would
 * have the device write to the memory of whatever runs next: a kexec'ed kernel.
 */
static int cvmnet_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	struct cvmnet_dev *dev = container_of(nb, struct cvmnet_dev, reset.reboot);

	/* Whoever binds or resumes it at this moment does not unblock that. */
	WRITE_ONCE(dev->reset.ending, true);
	cvmnet_reset_block(dev);
	return NOTIFY_DONE;
}

/**
 * cvmnet_reset_init() - what recovery needs once
 * @dev: the device
 *
 * Resets are blocked until cvmnet_reset_unblock().
 *
 * Context: process, before anything can go wrong.
 */
void cvmnet_reset_init(struct cvmnet_dev *dev)
{
	mutex_init(&dev->reset.lock);
	INIT_DELAYED_WORK(&dev->reset.work, cvmnet_reset_work);
	INIT_DELAYED_WORK(&dev->watch_work, cvmnet_watch);
	dev->reset.reboot.notifier_call = cvmnet_reboot;
	dev->reset.blocked = true;
	dev->reset.last = jiffies - msecs_to_jiffies(CVMNET_RESET_QUIET_MS);
}

/**
 * cvmnet_reset_block() - no resets from here on
 * @dev: the device
 *
 * Context: process, may sleep; not under rtnl.
 */
void cvmnet_reset_block(struct cvmnet_dev *dev)
{
	WRITE_ONCE(dev->reset.blocked, true);
	/* Commands that a reset in progress waits for come to an end at once. */
	cvmnet_cvq_close(dev);
	cancel_delayed_work_sync(&dev->reset.work);
}

/**
 * cvmnet_reset_flush() - let go of requests that came in while resets were blocked
 * @dev: the device, blocked, with nothing running that could ask for a reset
 *
 * Whoever had looked just before cvmnet_reset_block() may have queued the work
 * after it was cancelled there.
 *
 * Context: process, may sleep; not under rtnl.
 */
void cvmnet_reset_flush(struct cvmnet_dev *dev)
{
	cancel_delayed_work_sync(&dev->reset.work);
}

/**
 * cvmnet_reset_unblock() - resets are possible again
 * @dev: the device
 * @delay: until one that is asked for already, in jiffies
 *
 * Context: any.
 */
void cvmnet_reset_unblock(struct cvmnet_dev *dev, unsigned long delay)
{
	WRITE_ONCE(dev->reset.blocked, false);
	smp_mb(); /* pairs with cvmnet_reset_request() */
	if (READ_ONCE(dev->reset.pending))
		queue_delayed_work(cvmnet_wq, &dev->reset.work, delay);
}
