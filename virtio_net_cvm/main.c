// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-net driver for confidential guests: how a device comes and goes.
 *
 * Life is a list of named steps; remove is the list backwards.  Reset, freeze
 * and restore go through reset.c, which repeats the part that concerns the
 * device.
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/reboot.h>
#include <linux/rtnetlink.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include <compat/virtio.h>
#include <compat/virtio_net.h>
#include <cvm/kunit.h>

#include "config.h"
#include "ctrl.h"
#include "cvmnet.h"
#include "cvq.h"
#include "features.h"
#include "netdev.h"
#include "rx.h"
#include "stats.h"
#include "tx.h"
#include "vq.h"

struct cvmnet_step {
	const char *name;
	int (*up)(struct cvmnet_dev *dev);
	void (*down)(struct cvmnet_dev *dev);
};

/* The features are final; how many queues there are, and how they look, follows. */
static int cvmnet_up_config(struct cvmnet_dev *dev)
{
	struct virtio_net_hdr_v1_hash *hash;
	struct virtio_net_hdr_v1 *plain;
	int err;

	dev->feat = dev->vdev->features;
	err = cvmnet_config_read(dev->vdev, dev->feat, &dev->cfg);
	if (err)
		return err;
	dev->hdr_len = cvmnet_has(dev, VIRTIO_NET_F_HASH_REPORT) ? sizeof(*hash) : sizeof(*plain);
	dev->max_pairs = min_t(unsigned int, dev->cfg.max_pairs, dev->netdev->num_tx_queues);
	dev->pairs = min_t(unsigned int, dev->max_pairs, num_online_cpus());
	dev->dma = cvmnet_dma_choose(dev->vdev);
	dev->rx_mode = cvmnet_rx_mode_choose(dev);
	return 0;
}

static int cvmnet_up_vqs(struct cvmnet_dev *dev)
{
	int err = cvmnet_vqs_find(dev);

	/* It may know of some of them, and would not take them again. */
	if (err)
		cvmnet_device_reset(dev);
	else
		dev->tx_pool_size = cvmnet_tx_pool_choose(dev);
	return err;
}

static void cvmnet_down_vqs(struct cvmnet_dev *dev)
{
	/* A probe that fails late has used the control queue, whose work looks into it. */
	cvmnet_cvq_fail_all(dev);
	/* Also one that is down: a failed reset or restore leaves status bits behind. */
	cvmnet_device_reset(dev);
	cvmnet_vqs_delete(dev);
	cvmnet_cvq_exit(dev);
}

static void cvmnet_down_bypass(struct cvmnet_dev *dev)
{
	cvm_dma_bypass_end(&dev->bypass);
}

static int cvmnet_up_bypass(struct cvmnet_dev *dev)
{
	return 0;
}

static int cvmnet_up_netdev(struct cvmnet_dev *dev)
{
	cvmnet_netdev_init(dev);
	/* So that a mapped packet's header lies in front of it. */
	if (dev->dma == CVMNET_DMA_STREAM)
		dev->netdev->needed_headroom = dev->hdr_len;
	return cvmnet_features_setup(dev);
}

static int cvmnet_up_control(struct cvmnet_dev *dev)
{
	cvmnet_ctrl_init(dev);
	return 0;
}

static int cvmnet_up_ready(struct cvmnet_dev *dev)
{
	/* Receive rings are empty until the net device is opened. */
	int err = cvm_virtio_ready(dev->vdev);

	if (!err)
		cvmnet_cvq_start(dev);
	return err;
}

static int cvmnet_up_state(struct cvmnet_dev *dev)
{
	int err;

	netif_carrier_off(dev->netdev);
	rtnl_lock();
	err = netif_set_real_num_queues(dev->netdev, dev->pairs, dev->pairs);
	if (!err)
		err = cvmnet_pairs_restore(dev);
	rtnl_unlock();
	return err;
}

static int cvmnet_up_register(struct cvmnet_dev *dev)
{
	return register_netdev(dev->netdev);
}

static void cvmnet_down_register(struct cvmnet_dev *dev)
{
	unregister_netdev(dev->netdev);
}

static int cvmnet_up_reboot(struct cvmnet_dev *dev)
{
	return register_reboot_notifier(&dev->reset.reboot);
}

static void cvmnet_down_reboot(struct cvmnet_dev *dev)
{
	unregister_reboot_notifier(&dev->reset.reboot);
}

static int cvmnet_up_follow(struct cvmnet_dev *dev)
{
	cvm_hear_config_changes(dev->vdev);
	cvmnet_ctrl_start(dev);
	/* What went wrong meanwhile is looked at now. */
	cvmnet_reset_unblock(dev, 0);
	return 0;
}

/* The first to go: nothing may bring the device back behind our back. */
static void cvmnet_down_follow(struct cvmnet_dev *dev)
{
	cvmnet_reset_block(dev);
	cvmnet_ctrl_stop(dev);
}

static const struct cvmnet_step cvmnet_steps[] = {
	{ "configuration", cvmnet_up_config },
	{ "queues", cvmnet_queues_alloc, cvmnet_queues_free },
	{ "moderation", cvmnet_dims_init, cvmnet_dims_exit },
	{ "bounce pool", cvmnet_up_bypass, cvmnet_down_bypass },
	{ "control", cvmnet_up_control },
	{ "virtqueues", cvmnet_up_vqs, cvmnet_down_vqs },
	{ "net device", cvmnet_up_netdev },
	{ "device ready", cvmnet_up_ready },
	{ "device state", cvmnet_up_state },
	{ "registration", cvmnet_up_register, cvmnet_down_register },
	{ "CPU affinity", cvmnet_affinity_add, cvmnet_affinity_del },
	{ "reboot", cvmnet_up_reboot, cvmnet_down_reboot },
	{ "link", cvmnet_up_follow, cvmnet_down_follow },
};

static void cvmnet_steps_down(struct cvmnet_dev *dev, unsigned int from)
{
	while (from--)
		if (cvmnet_steps[from].down)
			cvmnet_steps[from].down(dev);
}

static int cvmnet_steps_up(struct cvmnet_dev *dev)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cvmnet_steps); i++) {
		err = cvmnet_steps[i].up(dev);
		if (err) {
			dev_err(&dev->vdev->dev, "cannot set up: %s: %d\n",
				cvmnet_steps[i].name, err);
			cvmnet_steps_down(dev, i);
			return err;
		}
	}
	return 0;
}

/* More than CPUs are never of use; what the device has is clamped to it. */
static struct net_device *cvmnet_netdev_alloc(struct virtio_device *vdev)
{
	unsigned int queues = 1;

	if (virtio_has_feature(vdev, VIRTIO_NET_F_MQ) || virtio_has_feature(vdev, VIRTIO_NET_F_RSS))
		queues = min(num_possible_cpus(), CVMNET_PAIRS_MAX);
	return alloc_etherdev_mq(sizeof(struct cvmnet_dev), queues);
}

static int cvmnet_probe(struct virtio_device *vdev)
{
	struct net_device *netdev;
	struct cvmnet_dev *dev;
	int err;

	netdev = cvmnet_netdev_alloc(vdev);
	if (!netdev)
		return -ENOMEM;
	SET_NETDEV_DEV(netdev, &vdev->dev);
	dev = netdev_priv(netdev);
	dev->vdev = vdev;
	dev->netdev = netdev;
	cvmnet_reset_init(dev);
	vdev->priv = dev;
	err = cvmnet_steps_up(dev);
	if (err) {
		vdev->priv = NULL;
		free_netdev(netdev);
		return err;
	}
	netdev_info(netdev, "%s mode, %s buffers, %u of %u queue pairs\n",
		    dev->dma == CVMNET_DMA_POOL ? "pool" : "stream", dev->rx_mode->name,
		    dev->pairs, dev->max_pairs);
	return 0;
}

static void cvmnet_remove(struct virtio_device *vdev)
{
	struct cvmnet_dev *dev = vdev->priv;

	cvmnet_steps_down(dev, ARRAY_SIZE(cvmnet_steps));
	cvmnet_reset_flush(dev);
	vdev->priv = NULL;
	free_netdev(dev->netdev);
}

static int cvmnet_freeze(struct virtio_device *vdev)
{
	struct cvmnet_dev *dev = vdev->priv;

	cvmnet_reset_block(dev);
	cvmnet_device_down(dev);
	cvmnet_reset_flush(dev);
	return 0;
}

static int cvmnet_restore(struct virtio_device *vdev)
{
	struct cvmnet_dev *dev = vdev->priv;
	int err;

	/* One that was given up stays so. */
	if (READ_ONCE(dev->reset.dead))
		return 0;
	cvmnet_cvq_open(dev);
	err = cvmnet_device_up(dev);
	WRITE_ONCE(dev->reset.deaf, false);
	if (err)
		cvmnet_reset_retry(dev, err);
	/*
	 * Not before: a reset would negotiate features while queues are set up. Nor at
	 * once after an error, which the core writes to the device's status.
	 */
	cvmnet_reset_unblock(dev, err ? HZ : 0);
	return err;
}

/*
 * The same devices as virtio_net's.  Both may be loaded; which one gets a device
 * is decided by unbind and bind (scripts/cvmnet-bind.sh), or by load order for a
 * device that comes later.
 */
static const struct virtio_device_id cvmnet_id_table[] = {
	{ VIRTIO_ID_NET, VIRTIO_DEV_ANY_ID },
	{ }
};

struct virtio_driver cvmnet_driver = {
	.driver.name = KBUILD_MODNAME,
	.driver.owner = THIS_MODULE,
	.id_table = cvmnet_id_table,
	.validate = cvmnet_features_validate,
	.probe = cvmnet_probe,
	.remove = cvmnet_remove,
	.config_changed = cvmnet_config_changed,
	.freeze = cvmnet_freeze,
	.restore = cvmnet_restore,
};
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_driver);

/*
 * Memory may be short because this interface does not work, for NFS for example, and then
 * no new worker can be had to mend it.  A reset waits for all other works.
 */
struct workqueue_struct *cvmnet_wq;
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_wq);
struct workqueue_struct *cvmnet_dim_wq;
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_wq);

static void cvmnet_wqs_free(void)
{
	if (cvmnet_dim_wq)
		destroy_workqueue(cvmnet_dim_wq);
	if (cvmnet_wq)
		destroy_workqueue(cvmnet_wq);
}

static int __init cvmnet_wqs_alloc(void)
{
	cvmnet_wq = alloc_workqueue("cvmnet", WQ_MEM_RECLAIM, 0);
	/* Decisions come too late where they wait for the work that they are about. */
	cvmnet_dim_wq = alloc_workqueue("cvmnet_dim", WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (cvmnet_wq && cvmnet_dim_wq)
		return 0;
	cvmnet_wqs_free();
	return -ENOMEM;
}

static int __init cvmnet_init(void)
{
	int err;

	err = cvmnet_wqs_alloc();
	if (err)
		return err;
	err = cvmnet_affinity_init();
	if (err)
		goto err_wqs;
	cvmnet_driver.feature_table =
		cvmnet_features_driver(&cvmnet_driver.feature_table_size);
	err = register_virtio_driver(&cvmnet_driver);
	if (err)
		goto err_affinity;
	return 0;

err_affinity:
	cvmnet_affinity_exit();
err_wqs:
	cvmnet_wqs_free();
	return err;
}
module_init(cvmnet_init);

static void __exit cvmnet_exit(void)
{
	unregister_virtio_driver(&cvmnet_driver);
	cvmnet_affinity_exit();
	cvmnet_wqs_free();
}
module_exit(cvmnet_exit);

/*
 * No MODULE_DEVICE_TABLE(): udev would load this module beside virtio_net, and
 * chance would decide which of them gets the device.
 */
MODULE_DESCRIPTION("virtio-net driver that pays no confidential-VM tax");
MODULE_LICENSE("GPL");
