// SPDX-License-Identifier: GPL-2.0
/*
 * Notification moderation, for the whole device.
 */
#include <linux/errno.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>
#include <uapi/linux/virtio_net.h>

#include "cvmnet.h"
#include "coal.h"
#include "cvq.h"

static bool same(const struct cvmnet_coal_dir *a, const struct cvmnet_coal_dir *b)
{
	return a->usecs == b->usecs && a->frames == b->frames;
}

/**
 * cvmnet_coal_get() - moderation in force, as ethtool wants it
 * @dev: the device
 * @ec:  filled in
 *
 * Context: rtnl.
 */
void cvmnet_coal_get(struct cvmnet_dev *dev, struct ethtool_coalesce *ec)
{
	if (!cvmnet_has(dev, VIRTIO_NET_F_NOTF_COAL)) {
		/* Every packet may be told at once. */
		ec->rx_max_coalesced_frames = 1;
		ec->tx_max_coalesced_frames = 1;
		return;
	}
	ec->rx_coalesce_usecs = dev->coal.rx.usecs;
	ec->rx_max_coalesced_frames = dev->coal.rx.frames;
	ec->tx_coalesce_usecs = dev->coal.tx.usecs;
	ec->tx_max_coalesced_frames = dev->coal.tx.frames;
}

static int push(struct cvmnet_dev *dev, const struct cvmnet_coal *old,
		const struct cvmnet_coal *new)
{
	struct cvmnet_batch batch;

	cvmnet_batch_begin(&batch, dev);
	if (!same(&new->tx, &old->tx))
		cvmnet_batch_notf_coal(&batch, true, new->tx.frames, new->tx.usecs);
	if (!same(&new->rx, &old->rx))
		cvmnet_batch_notf_coal(&batch, false, new->rx.frames, new->rx.usecs);
	return cvmnet_batch_wait(&batch);
}

/**
 * cvmnet_coal_set() - moderate as ethtool asks
 * @dev: the device
 * @ec:  checked by the core against supported_coalesce_params
 *
 * Context: rtnl; may sleep, at most 10 s.
 * Return: 0; -EOPNOTSUPP without NOTF_COAL; or an error of cvmnet_batch_wait(),
 * with what was in force before in force again where the device still listens.
 */
int cvmnet_coal_set(struct cvmnet_dev *dev, const struct ethtool_coalesce *ec)
{
	struct cvmnet_coal new = {
		.rx = { ec->rx_coalesce_usecs, ec->rx_max_coalesced_frames },
		.tx = { ec->tx_coalesce_usecs, ec->tx_max_coalesced_frames },
	};
	int err;

	ASSERT_RTNL();
	if (!cvmnet_has(dev, VIRTIO_NET_F_NOTF_COAL)) {
		if (ec->rx_max_coalesced_frames == 1 && ec->tx_max_coalesced_frames == 1 &&
		    !ec->rx_coalesce_usecs && !ec->tx_coalesce_usecs)
			return 0;
		return -EOPNOTSUPP;
	}
	err = push(dev, &dev->coal, &new);
	if (!err)
		dev->coal = new;
	else if (err == -EREMOTEIO)
		/* One direction may have been taken. */
		(void)push(dev, &new, &dev->coal);
	return err;
}

/**
 * cvmnet_coal_restore() - moderate again as before a reset
 * @dev: the device
 *
 * Context: rtnl; may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait().
 */
int cvmnet_coal_restore(struct cvmnet_dev *dev)
{
	static const struct cvmnet_coal after_reset;
	int err;

	if (!cvmnet_has(dev, VIRTIO_NET_F_NOTF_COAL))
		return 0;
	err = push(dev, &after_reset, &dev->coal);
	if (err == -EREMOTEIO)
		dev->coal = after_reset;
	return err;
}
