// SPDX-License-Identifier: GPL-2.0
/*
 * The virtqueues of a device: found, deleted, resized, spread over CPUs; and
 * which queue pairs are in use.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/lockdep.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/sched/isolation.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include <compat/virtio.h>
#include <compat/virtio_net.h>

#include "cvmnet.h"
#include "cvq.h"
#include "rx.h"
#include "tx.h"
#include "vq.h"

/* Smaller rings are a mistake of the device, or a trap. */
#define CVMNET_RING_MIN		4U

/**
 * cvmnet_queues_alloc() - allocate the queues of a device
 * @dev: the device; how many there are and its receive mode are known
 *
 * From here on their callbacks may run: NAPI ignores them until it is enabled.
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cvmnet_queues_alloc(struct cvmnet_dev *dev)
{
	unsigned int i;

	dev->rxq = kvcalloc(dev->max_pairs, sizeof(*dev->rxq), GFP_KERNEL);
	dev->txq = kvcalloc(dev->max_pairs, sizeof(*dev->txq), GFP_KERNEL);
	if (!dev->rxq || !dev->txq) {
		kvfree(dev->txq);
		kvfree(dev->rxq);
		return -ENOMEM;
	}
	for (i = 0; i < dev->max_pairs; i++) {
		struct cvmnet_rxq *rxq = &dev->rxq[i];
		struct cvmnet_txq *txq = &dev->txq[i];

		rxq->dev = dev;
		rxq->index = i;
		snprintf(rxq->name, sizeof(rxq->name), "input.%u", i);
		cvmnet_rxq_init(rxq);
		txq->dev = dev;
		txq->index = i;
		snprintf(txq->name, sizeof(txq->name), "output.%u", i);
		cvmnet_txq_init(txq);
	}
	return 0;
}

/**
 * cvmnet_queues_free() - undo cvmnet_queues_alloc(), and free all buffers
 * @dev: the device, reset; its virtqueues are deleted
 *
 * Context: process, may sleep.
 */
void cvmnet_queues_free(struct cvmnet_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->max_pairs; i++) {
		cvmnet_rxq_free(&dev->rxq[i]);
		cvmnet_rxq_exit(&dev->rxq[i]);
		cvmnet_txq_free(&dev->txq[i]);
		cvmnet_txq_exit(&dev->txq[i]);
	}
	kvfree(dev->txq);
	kvfree(dev->rxq);
}

static void cvmnet_vqs_describe(struct cvmnet_dev *dev, struct virtqueue_info *infos)
{
	unsigned int i;

	/*
	 * Pairs that we don't use are found too, for the control queue comes after
	 * them; without a callback they take no interrupt vector.
	 */
	for (i = 0; i < dev->cfg.device_pairs; i++) {
		bool used = i < dev->max_pairs;

		infos[2 * i].name = used ? dev->rxq[i].name : "unused-input";
		infos[2 * i].callback = used ? cvmnet_rx_callback : NULL;
		infos[2 * i + 1].name = used ? dev->txq[i].name : "unused-output";
		infos[2 * i + 1].callback = used ? cvmnet_tx_callback : NULL;
	}
	if (cvmnet_has(dev, VIRTIO_NET_F_CTRL_VQ)) {
		infos[2 * i].name = "control";
		infos[2 * i].callback = cvmnet_cvq_callback;
	}
}

/* How the data queues take addresses; before the first buffer. */
static int cvmnet_vqs_premap(struct cvmnet_dev *dev)
{
	unsigned int i;
	int err;

	for (i = 0; i < dev->max_pairs; i++) {
		if (dev->premapped || dev->rx_premapped) {
			err = cvm_vq_set_premapped(dev->rxq[i].vq);
			if (err)
				return err;
		}
		if (dev->premapped) {
			err = cvm_vq_set_premapped(dev->txq[i].vq);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Where the rings can't take our addresses and bouncing can't be avoided: stream. */
static void cvmnet_dma_settle(struct cvmnet_dev *dev)
{
	struct cvmnet_shared probe = {};

	dev->dma_dev = cvm_vq_dma_dev(dev->vqs[0]);
	if (!dev->dma_dev)
		dev->dma = CVMNET_DMA_STREAM;
	if (dev->dma == CVMNET_DMA_POOL && !CVM_VQ_PREMAPPED) {
		if (cvm_dma_bypass_begin(&dev->bypass, dev->dma_dev) ||
		    cvmnet_shared_alloc(dev, PAGE_SIZE, &probe)) {
			cvm_dma_bypass_end(&dev->bypass);
			dev->dma = CVMNET_DMA_STREAM;
			dev_warn(&dev->vdev->dev,
				 "mode=pool is not possible with this kernel and DMA setup\n");
		}
		cvmnet_shared_free(dev, &probe);
	}
	dev->premapped = dev->dma == CVMNET_DMA_POOL;
	dev->rx_premapped = dev->dma == CVMNET_DMA_STREAM && dev->dma_dev && CVM_VQ_PREMAPPED;
}

static void cvmnet_vqs_unset(struct cvmnet_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->max_pairs; i++) {
		dev->rxq[i].dead = true;
		dev->rxq[i].vq = NULL;
		dev->txq[i].dead = true;
		dev->txq[i].vq = NULL;
	}
}

/**
 * cvmnet_vqs_find() - find the virtqueues
 * @dev: the device; features are negotiated, DRIVER_OK is not set
 *
 * Context: process, may sleep; at probe, or with the net device detached.
 * Return: 0 or -errno.
 */
int cvmnet_vqs_find(struct cvmnet_dev *dev)
{
	struct virtqueue_info *infos;
	unsigned int i;
	int err;

	dev->nr_vqs = 2 * dev->cfg.device_pairs + cvmnet_has(dev, VIRTIO_NET_F_CTRL_VQ);
	infos = kcalloc(dev->nr_vqs, sizeof(*infos), GFP_KERNEL);
	dev->vqs = kcalloc(dev->nr_vqs, sizeof(*dev->vqs), GFP_KERNEL);
	if (!infos || !dev->vqs) {
		err = -ENOMEM;
		goto err_free_vqs;
	}
	cvmnet_vqs_describe(dev, infos);
	err = cvm_find_vqs(dev->vdev, dev->nr_vqs, dev->vqs, infos);
	if (err)
		goto err_free_vqs;

	for (i = 0; i < dev->max_pairs; i++) {
		dev->rxq[i].vq = dev->vqs[2 * i];
		dev->txq[i].vq = dev->vqs[2 * i + 1];
		err = -EINVAL;
		if (virtqueue_get_vring_size(dev->rxq[i].vq) < CVMNET_RING_MIN ||
		    virtqueue_get_vring_size(dev->txq[i].vq) < CVMNET_RING_MIN) {
			dev_err(&dev->vdev->dev, "rings of less than %u entries\n",
				CVMNET_RING_MIN);
			goto err_delete;
		}
	}
	if (!dev->dma_settled) {
		cvmnet_dma_settle(dev);
		dev->dma_settled = true;
	}
	err = cvmnet_vqs_premap(dev);
	if (err)
		goto err_delete;
	/* A device that came back with other rings gets other buffers. */
	for (i = 0; i < dev->max_pairs; i++) {
		struct cvmnet_rxq *rxq = &dev->rxq[i];
		struct cvmnet_txq *txq = &dev->txq[i];

		if (rxq->slots && rxq->ring_size != virtqueue_get_vring_size(rxq->vq))
			cvmnet_rxq_free(rxq);
		if (txq->recs && txq->ring_size != virtqueue_get_vring_size(txq->vq))
			cvmnet_txq_free(txq);
	}
	if (cvmnet_has(dev, VIRTIO_NET_F_CTRL_VQ)) {
		err = cvmnet_cvq_init(dev, dev->vqs[dev->nr_vqs - 1]);
		if (err)
			goto err_delete;
	}
	kfree(infos);
	return 0;

err_delete:
	dev->vdev->config->del_vqs(dev->vdev);
	cvmnet_vqs_unset(dev);
err_free_vqs:
	kfree(dev->vqs);
	dev->vqs = NULL;
	kfree(infos);
	return err;
}

/*
 * Let the core undo the mappings that it made itself, and free its tables of descriptors,
 * which it has for buffers that we map, too.  Not once more than there are: it would then
 * look for entries that the device has made it lose, and stop the machine.
 */
static void cvmnet_vq_detach(struct virtqueue *vq, unsigned int buffers)
{
	while (buffers-- && virtqueue_detach_unused_buf(vq))
		;
}

/**
 * cvmnet_vqs_delete() - delete the virtqueues and take everything back
 * @dev: the device, reset; its queues are stopped
 *
 * Context: process, may sleep; at remove, or with the net device detached.
 */
void cvmnet_vqs_delete(struct cvmnet_dev *dev)
{
	unsigned int i;

	if (!dev->vqs)
		return;
	for (i = 0; i < dev->max_pairs; i++) {
		struct cvmnet_rxq *rxq = &dev->rxq[i];
		struct cvmnet_txq *txq = &dev->txq[i];

		if (!dev->premapped) {
			cvmnet_vq_detach(rxq->vq, rxq->lent);
			cvmnet_vq_detach(txq->vq, cvmnet_txq_sent(txq));
		}
		cvmnet_rxq_forget(rxq);
		cvmnet_txq_forget(txq);
		virtqueue_set_affinity(rxq->vq, NULL);
		virtqueue_set_affinity(txq->vq, NULL);
	}
	cvmnet_cvq_detach(dev);
	dev->vdev->config->del_vqs(dev->vdev);
	cvmnet_vqs_unset(dev);
	kfree(dev->vqs);
	dev->vqs = NULL;
}

/* --- starting and stopping --- */

static int cvmnet_pair_start(struct cvmnet_dev *dev, unsigned int i)
{
	int err;

	err = cvmnet_rxq_start(&dev->rxq[i]);
	if (err)
		return err;
	err = cvmnet_txq_start(&dev->txq[i]);
	if (err)
		cvmnet_rxq_stop(&dev->rxq[i]);
	return err;
}

static void cvmnet_pair_stop(struct cvmnet_dev *dev, unsigned int i)
{
	cvmnet_txq_stop(&dev->txq[i]);
	cvmnet_rxq_stop(&dev->rxq[i]);
}

/**
 * cvmnet_queues_start() - start the pairs in use
 * @dev: the device; it runs
 *
 * Context: process, under rtnl.
 * Return: 0 or -errno with none started.
 */
int cvmnet_queues_start(struct cvmnet_dev *dev)
{
	unsigned int i;
	int err;

	ASSERT_RTNL();
	for (i = 0; i < dev->pairs; i++) {
		err = cvmnet_pair_start(dev, i);
		if (err)
			goto err_stop;
	}
	/* Not in use, but stopped with all others: to the stack's watchdog they look stuck. */
	for (; i < dev->netdev->num_tx_queues; i++)
		netif_tx_start_queue(netdev_get_tx_queue(dev->netdev, i));
	dev->running = true;
	cvmnet_watch_at(dev, jiffies + HZ);
	return 0;

err_stop:
	while (i--)
		cvmnet_pair_stop(dev, i);
	/*
	 * The caller may delete the virtqueues: a poll that has completed may still be looking
	 * at its own, and they may have been measured already.
	 */
	synchronize_net();
	cvmnet_dims_stop(dev);
	return err;
}

/**
 * cvmnet_queues_stop() - stop all pairs; does nothing if they are
 * @dev: the device; the stack does not send any more
 *
 * Context: process, under rtnl; may sleep.
 */
void cvmnet_queues_stop(struct cvmnet_dev *dev)
{
	unsigned int i;

	ASSERT_RTNL();
	if (!dev->running)
		return;
	dev->running = false;
	cancel_delayed_work_sync(&dev->watch_work);
	for (i = 0; i < dev->pairs; i++)
		cvmnet_pair_stop(dev, i);
	/* A poll function that is over looks at its virtqueue once more, which may be deleted. */
	synchronize_net();
	cvmnet_dims_stop(dev);
}

/**
 * cvmnet_open() - ndo_open
 * @netdev: the net device
 *
 * Context: process, under rtnl.
 * Return: 0 or -errno.
 */
int cvmnet_open(struct net_device *netdev)
{
	return cvmnet_queues_start(netdev_priv(netdev));
}

/* Owners wait for their skbs; what takes longer is found when nobody waits. */
static void cvmnet_txqs_drain(struct cvmnet_dev *dev, unsigned int from)
{
	unsigned long end = jiffies + HZ;
	unsigned int i;

	for (i = from; dev->running && i < dev->pairs; i++)
		if (READ_ONCE(dev->txq[i].skbs))
			cvmnet_txq_drained(&dev->txq[i], end);
}

/**
 * cvmnet_close() - ndo_stop
 * @netdev: the net device
 *
 * Buffers stay with the device, and packets that it has not sent within a second.
 *
 * Context: process, under rtnl; may sleep.
 * Return: 0.
 */
int cvmnet_close(struct net_device *netdev)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	cvmnet_txqs_drain(dev, 0);
	cvmnet_queues_stop(dev);
	return 0;
}

/* Stop a queue that is not in use any more: the stack's watchdog would take it for stuck. */
static void cvmnet_txq_retire(struct cvmnet_txq *q)
{
	cvmnet_txq_stop(q);
	netif_tx_start_queue(q->nq);
}

/*
 * The device may use them as soon as it is told, and the stack has to know them before
 * anything is received there.
 */
static int cvmnet_pairs_add(struct cvmnet_dev *dev, unsigned int pairs)
{
	unsigned int old = dev->pairs, i = old;
	int err;

	err = netif_set_real_num_rx_queues(dev->netdev, pairs);
	if (err)
		return err;
	if (dev->running) {
		for (; i < pairs; i++) {
			err = cvmnet_pair_start(dev, i);
			if (err)
				goto err_stop;
		}
	}
	err = cvmnet_cmd_mq(dev, pairs);
	if (err)
		goto err_stop;
	err = netif_set_real_num_tx_queues(dev->netdev, pairs);
	if (err)
		goto err_tell;
	return 0;

err_tell:
	/* Where it goes on spreading to them only a reset helps. */
	if (cvmnet_cmd_mq(dev, old))
		cvmnet_reset_request(dev, CVMNET_RESET_CVQ);
err_stop:
	while (i-- > old) {
		cvmnet_txq_retire(&dev->txq[i]);
		cvmnet_rxq_stop(&dev->rxq[i]);
	}
	/* Only more of them could fail. */
	netif_set_real_num_rx_queues(dev->netdev, old);
	return err;
}

/* The device keeps its pairs: send on all of them again. */
static void cvmnet_pairs_keep(struct cvmnet_dev *dev, unsigned int from)
{
	unsigned int i;
	int err;

	/* What they need is still there, so that starting them does not fail. */
	for (i = from; dev->running && i < dev->pairs; i++)
		cvmnet_txq_start(&dev->txq[i]);
	err = netif_set_real_num_tx_queues(dev->netdev, dev->pairs);
	if (err)
		netdev_warn(dev->netdev, "sending on %u of %u queues: %d\n", from, dev->pairs, err);
	/* The stack has forgotten from which CPUs. */
	cpus_read_lock();
	cvmnet_affinity_set(dev, from, nr_cpu_ids);
	cpus_read_unlock();
}

/* Nothing may be sent there once the device is told, and it receives until then. */
static int cvmnet_pairs_remove(struct cvmnet_dev *dev, unsigned int pairs)
{
	unsigned int i;
	int err;

	err = netif_set_real_num_tx_queues(dev->netdev, pairs);
	if (err)
		return err;
	cvmnet_txqs_drain(dev, pairs);
	for (i = pairs; dev->running && i < dev->pairs; i++)
		cvmnet_txq_retire(&dev->txq[i]);
	err = cvmnet_cmd_mq(dev, pairs);
	if (err) {
		cvmnet_pairs_keep(dev, pairs);
		return err;
	}
	for (i = pairs; dev->running && i < dev->pairs; i++)
		cvmnet_rxq_stop(&dev->rxq[i]);
	/* Only more of them could fail. */
	netif_set_real_num_rx_queues(dev->netdev, pairs);
	return 0;
}

/**
 * cvmnet_set_pairs() - change the number of queue pairs in use
 * @dev: the device; it runs
 * @pairs: how many, at least 1
 *
 * Context: process, under rtnl; may sleep as long as a control command may take.
 * Return: 0; -EINVAL, or an error of memory or of the command with the old number
 * in use.
 */
int cvmnet_set_pairs(struct cvmnet_dev *dev, unsigned int pairs)
{
	int err;

	ASSERT_RTNL();
	if (!pairs || pairs > dev->max_pairs)
		return -EINVAL;
	if (pairs == dev->pairs)
		return 0;

	if (pairs > dev->pairs)
		err = cvmnet_pairs_add(dev, pairs);
	else
		err = cvmnet_pairs_remove(dev, pairs);
	if (err)
		return err;
	cpus_read_lock();
	dev->pairs = pairs;
	cvmnet_affinity_set(dev, 0, nr_cpu_ids);
	cpus_read_unlock();
	return 0;
}

static int cvmnet_pairs_try(struct cvmnet_dev *dev)
{
	int err = cvmnet_restore_state(dev);

	if (err != -EREMOTEIO || dev->pairs == 1)
		return err;
	dev_warn(&dev->vdev->dev, "the device refused %u queue pairs, using one\n", dev->pairs);
	err = netif_set_real_num_queues(dev->netdev, 1, 1);
	if (err)
		return err;
	dev->pairs = 1;
	/* Also where the device refuses that, too, and takes it another time. */
	cvmnet_rss_table_default(&dev->rss, 1);
	return cvmnet_restore_state(dev);
}

/**
 * cvmnet_pairs_restore() - cvmnet_restore_state(), with one pair if need be
 * @dev: the device; it runs, and its queues are stopped
 *
 * Context: rtnl; may sleep, at most 20 s.
 * Return: 0, or an error with which the device is of no use.
 */
int cvmnet_pairs_restore(struct cvmnet_dev *dev)
{
	int err;

	cvmnet_cvq_limit(dev, 4 * CVMNET_CMD_TIMEOUT);
	err = cvmnet_pairs_try(dev);
	cvmnet_cvq_limit(dev, 0);
	return err;
}

/* --- resizing --- */

/*
 * The core frees a ring whose interrupt can still come: one that was on its way when the
 * queue was reset, or any that a device likes to raise. Its handler would read the freed
 * ring. Which vector is the queue's only the transport knows, so none may come; those
 * that do are kept until enable_irq(). Only PCI resets single queues.
 */
static void cvmnet_irqs_hold(struct cvmnet_dev *dev, bool hold)
{
	struct device *parent = dev->vdev->dev.parent;
	unsigned int i;
	int irq;

	if (!parent || !dev_is_pci(parent))
		return;
	for (i = 0; (irq = pci_irq_vector(to_pci_dev(parent), i)) > 0; i++) {
		if (hold)
			disable_irq(irq);
		else
			enable_irq(irq);
	}
}

/*
 * A ring is freed, or not any more: the watch goes on for the others, however long and however
 * often.
 */
static void cvmnet_watch_without(struct cvmnet_dev *dev, struct virtqueue *vq)
{
	cancel_delayed_work_sync(&dev->watch_work);
	dev->resized = vq;
	if (dev->running)
		cvmnet_watch_at(dev, dev->watch_due);
}

/* With the net device detached nobody else comes near a ring, rtnl or not. */
static void cvmnet_vq_resize_assert(struct cvmnet_dev *dev)
{
	lockdep_assert(lockdep_rtnl_is_held() ||
		       (lockdep_is_held(&dev->reset.lock) && !netif_device_present(dev->netdev)));
}

/**
 * cvmnet_vq_resize() - change a ring's size
 * @dev: the device; it runs
 * @vq: one of its data virtqueues
 * @num: entries
 *
 * Packets in flight on that queue are lost, and its moderation. No command for it may be
 * on its way: cvmnet_dims_pause(), or after a reset.
 *
 * Context: process, under rtnl, or with reset.lock and the net device detached; may
 * sleep, on PCI for as long as the device likes.
 * Return: 0; -ENOMEM, -E2BIG, -EINVAL or -ENOENT (the device can't) with the old
 * ring in use; another error after which a reset brings the device back.
 */
int cvmnet_vq_resize(struct cvmnet_dev *dev, struct virtqueue *vq, u32 num)
{
	unsigned int i = vq->index / 2;
	bool tx = vq->index & 1;
	unsigned int noio;
	bool started;
	int err, again = 0;

	cvmnet_vq_resize_assert(dev);
	if (i >= dev->max_pairs)
		return -EINVAL;
	if (num < CVMNET_RING_MIN)
		return -EINVAL;
	if (num == virtqueue_get_vring_size(vq))
		return 0;

	cvmnet_watch_without(dev, vq);
	started = dev->running && i < dev->pairs;
	/* As in cvmnet_reset_work(), with one queue stopped */
	noio = memalloc_noio_save();
	if (tx) {
		if (started)
			cvmnet_txq_stop(&dev->txq[i]);
		cvmnet_irqs_hold(dev, true);
		err = cvmnet_txq_resize(&dev->txq[i], num);
		cvmnet_irqs_hold(dev, false);
		if (started)
			again = cvmnet_txq_start(&dev->txq[i]);
	} else {
		if (started)
			cvmnet_rxq_stop(&dev->rxq[i]);
		/* As in cvmnet_queues_stop() */
		synchronize_net();
		cvmnet_irqs_hold(dev, true);
		err = cvmnet_rxq_resize(&dev->rxq[i], num);
		cvmnet_irqs_hold(dev, false);
		if (started)
			again = cvmnet_rxq_start(&dev->rxq[i]);
	}
	memalloc_noio_restore(noio);
	cvmnet_watch_without(dev, NULL);
	switch (err) {
	case 0:
		if (tx)
			dev->txq[i].ring_wanted = num;
		else
			dev->rxq[i].ring_wanted = num;
		break;
	case -ENOMEM:
	case -E2BIG:
	case -EINVAL:
	case -ENOENT:
	case -EPERM:
		break;
	default:
		again = err;
	}
	if (again)
		cvmnet_reset_request(dev, tx ? CVMNET_RESET_TX_RING : CVMNET_RESET_RX_RING);
	return err;
}

static void cvmnet_ring_restore(struct cvmnet_dev *dev, struct virtqueue *vq,
				unsigned int *wanted)
{
	int err;

	if (!*wanted)
		return;
	err = cvmnet_vq_resize(dev, vq, *wanted);
	if (!err)
		return;
	netdev_warn(dev->netdev, "%s has the device's ring size again: %d\n", vq->name, err);
	*wanted = 0;
}

/**
 * cvmnet_rings_restore() - give the rings of a device that was reset their sizes
 * @dev: the device; it runs, and its queues are stopped
 *
 * Context: process, with reset.lock and the net device detached; may sleep for as long
 * as the device likes: never under rtnl.
 */
void cvmnet_rings_restore(struct cvmnet_dev *dev)
{
	unsigned int i;

	cvmnet_vq_resize_assert(dev);
	for (i = 0; i < dev->max_pairs; i++) {
		cvmnet_ring_restore(dev, dev->rxq[i].vq, &dev->rxq[i].ring_wanted);
		cvmnet_ring_restore(dev, dev->txq[i].vq, &dev->txq[i].ring_wanted);
	}
}

/* --- the device's status --- */

/* Removed under us: every register reads as all ones, and a reset would wait for ever. */
static bool cvmnet_device_gone(struct cvmnet_dev *dev)
{
	return dev->vdev->config->get_status(dev->vdev) == 0xff;
}

/**
 * cvmnet_device_reset() - reset the device, if it is there
 * @dev: the device
 *
 * Context: process, may sleep for as long as the device likes: never under rtnl.
 */
void cvmnet_device_reset(struct cvmnet_dev *dev)
{
	if (!cvmnet_device_gone(dev))
		virtio_reset_device(dev->vdev);
}

/**
 * cvmnet_renegotiate() - bring a device that was reset to FEATURES_OK
 * @dev: the device
 *
 * The features are those of the first time: what was checked then holds.
 *
 * Context: process, may sleep.
 * Return: 0; -ENODEV if the device is gone or refuses.
 */
int cvmnet_renegotiate(struct cvmnet_dev *dev)
{
	struct virtio_device *vdev = dev->vdev;
	int err;

	if (cvmnet_device_gone(dev))
		return -ENODEV;
	/* A try that failed half way has left bits behind. */
	if (vdev->config->get_status(vdev))
		virtio_reset_device(vdev);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_DRIVER);
	err = vdev->config->finalize_features(vdev);
	if (err)
		return err;
	virtio_add_status(vdev, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(vdev->config->get_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK))
		return -ENODEV;
	return 0;
}

/* --- CPUs --- */

static enum cpuhp_state cvmnet_cpuhp;

/**
 * cvmnet_affinity_allow() - may the virtqueues be spread over CPUs?
 * @dev: the device
 * @allow: true once they are there; false before they go
 *
 * Context: process, may sleep.
 */
void cvmnet_affinity_allow(struct cvmnet_dev *dev, bool allow)
{
	cpus_read_lock();
	dev->spread = allow;
	cvmnet_affinity_set(dev, 0, nr_cpu_ids);
	cpus_read_unlock();
}

/**
 * cvmnet_affinity_set() - spread the pairs in use over the CPUs
 * @dev: the device
 * @from: the first pair to be given CPUs
 * @leaving: a CPU that goes offline, or nr_cpu_ids
 *
 * Pair n sends for, and interrupts, every n-th CPU; interrupts stay away from
 * CPUs that are isolated from them.  A hint: errors only make it slower.
 *
 * Context: process, with the CPU hotplug lock.
 */
void cvmnet_affinity_set(struct cvmnet_dev *dev, unsigned int from, unsigned int leaving)
{
	const struct cpumask *quiet = housekeeping_cpumask(HK_TYPE_MANAGED_IRQ);
	cpumask_var_t xps, irq;
	unsigned int i, cpu, nth;

	if (!dev->spread || !zalloc_cpumask_var(&xps, GFP_KERNEL))
		return;
	if (!zalloc_cpumask_var(&irq, GFP_KERNEL))
		goto out_free_xps;

	for (i = from; i < dev->pairs; i++) {
		cpumask_clear(xps);
		nth = 0;
		for_each_online_cpu(cpu)
			if (cpu != leaving && nth++ % dev->pairs == i)
				cpumask_set_cpu(cpu, xps);
		if (!cpumask_and(irq, xps, quiet))
			cpumask_and(irq, cpu_online_mask, quiet);
		if (leaving < nr_cpu_ids)
			cpumask_clear_cpu(leaving, irq);
		if (!cpumask_empty(irq)) {
			virtqueue_set_affinity(dev->rxq[i].vq, irq);
			virtqueue_set_affinity(dev->txq[i].vq, irq);
		}
		__netif_set_xps_queue(dev->netdev, cpumask_bits(xps), i, XPS_CPUS);
	}
	free_cpumask_var(irq);
out_free_xps:
	free_cpumask_var(xps);
}

static int cvmnet_cpu_online(unsigned int cpu, struct hlist_node *node)
{
	cvmnet_affinity_set(hlist_entry(node, struct cvmnet_dev, cpuhp_node), 0, nr_cpu_ids);
	return 0;
}

static int cvmnet_cpu_offline(unsigned int cpu, struct hlist_node *node)
{
	cvmnet_affinity_set(hlist_entry(node, struct cvmnet_dev, cpuhp_node), 0, cpu);
	return 0;
}

/**
 * cvmnet_affinity_init() - follow CPUs that come and go
 *
 * Context: process, at module load.
 * Return: 0 or -errno.
 */
int cvmnet_affinity_init(void)
{
	int state = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "virtio_net_cvm:online",
					    cvmnet_cpu_online, cvmnet_cpu_offline);

	if (state < 0)
		return state;
	cvmnet_cpuhp = state;
	return 0;
}

/**
 * cvmnet_affinity_exit() - undo cvmnet_affinity_init()
 *
 * Context: process, at module unload.
 */
void cvmnet_affinity_exit(void)
{
	cpuhp_remove_multi_state(cvmnet_cpuhp);
}

/**
 * cvmnet_affinity_add() - spread a device's queues, now and when CPUs change
 * @dev: the device; its virtqueues are there
 *
 * Context: process, may sleep.
 * Return: 0 or -errno.
 */
int cvmnet_affinity_add(struct cvmnet_dev *dev)
{
	int err = cpuhp_state_add_instance_nocalls(cvmnet_cpuhp, &dev->cpuhp_node);

	if (!err)
		cvmnet_affinity_allow(dev, true);
	return err;
}

/**
 * cvmnet_affinity_del() - undo cvmnet_affinity_add()
 * @dev: the device
 *
 * Context: process, may sleep.
 */
void cvmnet_affinity_del(struct cvmnet_dev *dev)
{
	cvmnet_affinity_allow(dev, false);
	cpuhp_state_remove_instance_nocalls(cvmnet_cpuhp, &dev->cpuhp_node);
}
