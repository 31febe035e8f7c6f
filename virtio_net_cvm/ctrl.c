// SPDX-License-Identifier: GPL-2.0
/*
 * What the driver does by itself on the control side: follow the link, answer
 * announcements, push receive filters, bring state back after a reset.
 */
#include <linux/bitmap.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/workqueue.h>
#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_net.h>

#include "compat/unaligned.h"

#include "cvmnet.h"
#include "ctrl.h"
#include "cvq.h"
#include "netdev.h"
#include "tx.h"
#include "tunnel.h"

/* A device that flaps or nags is listened to this often. */
#define CONFIG_INTERVAL		(HZ / 10)
#define ANNOUNCE_INTERVAL	HZ

/* What is read when the device says that its configuration changed */
#define CHANGING	(BIT_ULL(VIRTIO_NET_F_STATUS) | BIT_ULL(VIRTIO_NET_F_SPEED_DUPLEX))

/* All ones: the device is gone. */
#define STATUS_GONE	0xff

/* --- link and announcements --- */

static unsigned long config_delay(const struct cvmnet_ctrl *ctrl)
{
	unsigned long next = ctrl->config_last + CONFIG_INTERVAL;

	return time_after(next, jiffies) ? next - jiffies : 0;
}

/* Sooner than it would come, or as well. */
static void queue_config(struct cvmnet_dev *dev, unsigned long delay)
{
	struct cvmnet_ctrl *ctrl = &dev->ctrl;
	unsigned long flags;

	spin_lock_irqsave(&ctrl->lock, flags);
	if (ctrl->on)
		mod_delayed_work(cvmnet_wq, &ctrl->config_work, delay);
	spin_unlock_irqrestore(&ctrl->lock, flags);
}

/* Unless it comes sooner */
static void defer_config(struct cvmnet_dev *dev, unsigned long delay)
{
	struct cvmnet_ctrl *ctrl = &dev->ctrl;
	unsigned long flags;

	spin_lock_irqsave(&ctrl->lock, flags);
	if (ctrl->on)
		queue_delayed_work(cvmnet_wq, &ctrl->config_work, delay);
	spin_unlock_irqrestore(&ctrl->lock, flags);
}

/**
 * cvmnet_config_changed() - virtio_driver.config_changed
 * @vdev: the device
 *
 * Only a work is queued, and not before its last run is a tenth of a second ago.
 *
 * Context: interrupt.
 */
void cvmnet_config_changed(struct virtio_device *vdev)
{
	struct cvmnet_dev *dev = vdev->priv;

	if (dev)
		queue_config(dev, config_delay(&dev->ctrl));
}

static void set_link(struct cvmnet_dev *dev, bool up)
{
	if (!up) {
		netif_carrier_off(dev->netdev);
	} else if (!netif_carrier_ok(dev->netdev)) {
		netif_carrier_on(dev->netdev);
		cvmnet_tx_link_up(dev);
	}
}

/* The device may ask with every change: it is answered once a second. */
static void announce(struct cvmnet_dev *dev)
{
	struct cvmnet_ctrl *ctrl = &dev->ctrl;
	unsigned long next = ctrl->announce_last + ANNOUNCE_INTERVAL;

	if (ctrl->announced && time_after(next, jiffies)) {
		defer_config(dev, next - jiffies);
		return;
	}
	ctrl->announced = true;
	ctrl->announce_last = jiffies;
	netdev_notify_peers(dev->netdev);
	/* It asks until it has heard this, but says so only once. */
	if (cvmnet_cmd_announce_ack_async(dev) == -EBUSY)
		defer_config(dev, ANNOUNCE_INTERVAL);
}

static void config_work(struct work_struct *work)
{
	struct cvmnet_dev *dev = container_of(work, struct cvmnet_dev, ctrl.config_work.work);
	struct virtio_device *vdev = dev->vdev;
	struct cvmnet_config_raw raw;
	struct cvmnet_config cfg;
	u8 status;

	dev->ctrl.config_last = jiffies;
	dev->ctrl.config_runs++;

	status = vdev->config->get_status(vdev);
	if (status == STATUS_GONE) {
		set_link(dev, false);
		return;
	}
	if (status & VIRTIO_CONFIG_S_NEEDS_RESET) {
		cvmnet_reset_request(dev, CVMNET_RESET_NEEDED);
		return;
	}

	if (cvmnet_config_read_raw(vdev, dev->feat & CHANGING, &raw))
		return;
	cvmnet_config_sanitize(&raw, dev->feat & CHANGING, 1, &cfg);
	if (cvmnet_has(dev, VIRTIO_NET_F_SPEED_DUPLEX)) {
		WRITE_ONCE(dev->speed, cfg.speed);
		WRITE_ONCE(dev->duplex, cfg.duplex);
	}
	set_link(dev, cfg.status & VIRTIO_NET_S_LINK_UP);
	if (cvmnet_has(dev, VIRTIO_NET_F_GUEST_ANNOUNCE) &&
	    cfg.status & VIRTIO_NET_S_ANNOUNCE)
		announce(dev);
}

/* --- receive mode --- */

/**
 * struct rx_filter - what the device is to let through
 * @promisc:  everything
 * @allmulti: every group
 * @alluni:   every unicast address
 * @len:      bytes of @table
 * @table:    data of MAC_TABLE_SET
 */
struct rx_filter {
	bool promisc;
	bool allmulti;
	bool alluni;
	size_t len;
	u8 table[2 * sizeof(__le32) + CVMNET_MAC_TABLE_MAX * ETH_ALEN];
};

static void put_addresses(struct rx_filter *f, struct netdev_hw_addr_list *list, bool empty)
{
	struct netdev_hw_addr *ha;

	put_unaligned_le32(empty ? 0 : netdev_hw_addr_list_count(list), f->table + f->len);
	f->len += sizeof(__le32);
	if (empty)
		return;
	netdev_hw_addr_list_for_each(ha, list) {
		ether_addr_copy(f->table + f->len, ha->addr);
		f->len += ETH_ALEN;
	}
}

/* What does not fit into one command is let through by kind. */
static void collect(struct cvmnet_dev *dev, struct rx_filter *f)
{
	struct net_device *netdev = dev->netdev;
	bool uc_full, mc_full;

	netif_addr_lock_bh(netdev);
	uc_full = netdev_uc_count(netdev) > CVMNET_MAC_TABLE_MAX / 2;
	mc_full = netdev_mc_count(netdev) > CVMNET_MAC_TABLE_MAX / 2;
	f->promisc = netdev->flags & IFF_PROMISC;
	f->allmulti = netdev->flags & IFF_ALLMULTI || mc_full;
	f->alluni = uc_full;
	put_addresses(f, &netdev->uc, uc_full);
	put_addresses(f, &netdev->mc, mc_full);
	netif_addr_unlock_bh(netdev);

	if (f->alluni && !cvmnet_has(dev, VIRTIO_NET_F_CTRL_RX_EXTRA)) {
		f->alluni = false;
		f->promisc = true;
	}
}

static void rx_mode_work(struct work_struct *work)
{
	struct cvmnet_dev *dev = container_of(work, struct cvmnet_dev, ctrl.rx_mode_work);
	struct cvmnet_batch batch;
	struct rx_filter *f;
	int err;

	/* A reset waits for us: see cvmnet_reset_work(). */
	f = kzalloc(sizeof(*f), GFP_NOIO);
	if (f)
		collect(dev, f);

	cvmnet_batch_begin(&batch, dev);
	/* Without memory for the addresses, more than was asked for. */
	cvmnet_batch_rx_mode(&batch, VIRTIO_NET_CTRL_RX_PROMISC, !f || f->promisc);
	if (f) {
		cvmnet_batch_rx_mode(&batch, VIRTIO_NET_CTRL_RX_ALLMULTI, f->allmulti);
		if (cvmnet_has(dev, VIRTIO_NET_F_CTRL_RX_EXTRA))
			cvmnet_batch_rx_mode(&batch, VIRTIO_NET_CTRL_RX_ALLUNI, f->alluni);
		cvmnet_batch_mac_table(&batch, f->table, f->len);
	}
	err = cvmnet_batch_wait(&batch);
	if (err == -EREMOTEIO && net_ratelimit())
		netdev_warn(dev->netdev, "the device refused receive filters\n");
	kfree(f);
}

/**
 * cvmnet_ctrl_rx_mode() - push promiscuity and filters to the device, soon
 * @dev: the device
 *
 * Context: any.
 */
void cvmnet_ctrl_rx_mode(struct cvmnet_dev *dev)
{
	struct cvmnet_ctrl *ctrl = &dev->ctrl;
	unsigned long flags;

	if (!cvmnet_has(dev, VIRTIO_NET_F_CTRL_RX))
		return;
	spin_lock_irqsave(&ctrl->lock, flags);
	if (ctrl->on)
		queue_work(cvmnet_wq, &ctrl->rx_mode_work);
	spin_unlock_irqrestore(&ctrl->lock, flags);
}

/* --- life --- */

/**
 * cvmnet_ctrl_init() - prepare the works; none can be queued yet
 * @dev: the device
 *
 * Context: process, before cvmnet_config_changed() can be called.
 */
void cvmnet_ctrl_init(struct cvmnet_dev *dev)
{
	struct cvmnet_ctrl *ctrl = &dev->ctrl;

	spin_lock_init(&ctrl->lock);
	INIT_DELAYED_WORK(&ctrl->config_work, config_work);
	INIT_WORK(&ctrl->rx_mode_work, rx_mode_work);
	ctrl->config_last = jiffies - CONFIG_INTERVAL;
}

/**
 * cvmnet_ctrl_start() - follow the device from here on
 * @dev: the device; it runs, and its net device is registered
 *
 * Also reads the link, and pushes receive filters.
 *
 * Context: process.
 */
void cvmnet_ctrl_start(struct cvmnet_dev *dev)
{
	struct cvmnet_ctrl *ctrl = &dev->ctrl;

	spin_lock_irq(&ctrl->lock);
	ctrl->on = true;
	spin_unlock_irq(&ctrl->lock);

	if (cvmnet_has(dev, VIRTIO_NET_F_STATUS))
		queue_config(dev, 0);
	else
		set_link(dev, true);
	cvmnet_ctrl_rx_mode(dev);
}

/**
 * cvmnet_ctrl_stop() - no work runs or is queued from here on
 * @dev: the device; cvmnet_cvq_fail_all() before this keeps it short
 *
 * The carrier stays as it is until cvmnet_ctrl_start().
 *
 * Context: process, may sleep. Not under rtnl, which announcements take.
 */
void cvmnet_ctrl_stop(struct cvmnet_dev *dev)
{
	struct cvmnet_ctrl *ctrl = &dev->ctrl;

	spin_lock_irq(&ctrl->lock);
	ctrl->on = false;
	spin_unlock_irq(&ctrl->lock);
	cancel_delayed_work_sync(&ctrl->config_work);
	cancel_work_sync(&ctrl->rx_mode_work);
}

static int note_vid(struct net_device *netdev, int vid, void *there)
{
	__set_bit(vid, there);
	return 0;
}

/* The stack forgets a VLAN that goes while the net device is detached, and does not say so. */
static void forget_vlans(struct cvmnet_dev *dev)
{
	DECLARE_BITMAP(there, VLAN_N_VID) = {};

	vlan_for_each(dev->netdev, note_vid, there);
	bitmap_and(dev->vlans, dev->vlans, there, VLAN_N_VID);
}

static int restore_filters(struct cvmnet_dev *dev)
{
	struct cvmnet_batch batch;
	unsigned int vid;

	forget_vlans(dev);
	cvmnet_batch_begin(&batch, dev);
	if (cvmnet_has(dev, VIRTIO_NET_F_CTRL_MAC_ADDR) &&
	    !ether_addr_equal(dev->netdev->dev_addr, dev->cfg.mac))
		cvmnet_batch_mac(&batch, dev->netdev->dev_addr);
	if (cvmnet_has(dev, VIRTIO_NET_F_CTRL_VLAN))
		for_each_set_bit(vid, dev->vlans, VLAN_N_VID)
			cvmnet_batch_vlan(&batch, vid, true);
	return cvmnet_batch_wait(&batch);
}

/* A refusal is said and lived with; a device that does not answer is not. */
static int degrade(struct cvmnet_dev *dev, const char *what, int err)
{
	if (err != -EREMOTEIO)
		return err;
	if (net_ratelimit())
		netdev_warn(dev->netdev, "the device refused %s\n", what);
	return 0;
}

/**
 * cvmnet_restore_state() - tell the device all that a reset made it forget
 * @dev: the device; it runs
 *
 * Address, VLANs, receive offloads, hash and RSS, number of pairs, moderation;
 * receive filters follow with cvmnet_ctrl_start(). Used at probe as well.
 *
 * Context: rtnl; may sleep, at most 5 s for each of these, 10 s for moderation;
 * cvmnet_cvq_limit() bounds the sum.
 * Return: 0, or an error of cvmnet_batch_wait() when the device does not answer.
 * -EREMOTEIO means that the device works with one pair only.
 */
int cvmnet_restore_state(struct cvmnet_dev *dev)
{
	int err;

	ASSERT_RTNL();
	if (!dev->cvq)
		return 0;
	err = degrade(dev, "its address or VLANs", restore_filters(dev));
	if (!err)
		err = degrade(dev, "receive offloads", cvmnet_offloads_restore(dev));
	if (!err)
		err = degrade(dev, "moderation", cvmnet_coal_restore(dev));
	if (!err)
		err = degrade(dev, "hashes of inner headers", cvmnet_tunnel_restore(dev));
	if (!err)
		err = degrade(dev, "statistics", cvmnet_devstats_restore(dev));
	if (!err && cvmnet_has(dev, VIRTIO_NET_F_HASH_REPORT) &&
	    !cvmnet_has(dev, VIRTIO_NET_F_RSS))
		err = degrade(dev, "packet hashes", cvmnet_rss_apply(dev, &dev->rss, dev->pairs));
	if (err)
		return err;

	err = cvmnet_cmd_mq(dev, dev->pairs);
	/* One pair works without being asked for. */
	return dev->pairs == 1 ? degrade(dev, "one pair with RSS", err) : err;
}
