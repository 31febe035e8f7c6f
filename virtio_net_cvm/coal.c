// SPDX-License-Identifier: GPL-2.0
/*
 * Notification moderation as the user sets it, of the device and of single queues.
 *
 * What is set last for a queue holds, whether for it alone or for all. Where it is
 * adaptive, dim.c chooses; what the user set before is kept for afterwards.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>
#include <uapi/linux/virtio_net.h>

#include <compat/virtio_net.h>

#include "cvmnet.h"
#include "coal.h"
#include "cvq.h"
#include "dim.h"

static const struct cvmnet_coal_dir after_reset;

static bool same(const struct cvmnet_coal_dir *a, const struct cvmnet_coal_dir *b)
{
	return a->usecs == b->usecs && a->frames == b->frames;
}

static struct cvmnet_dim *dim_of(struct cvmnet_dev *dev, bool tx, unsigned int index)
{
	return tx ? &dev->txq[index].dim : &dev->rxq[index].dim;
}

static u16 vq_index_of(struct cvmnet_dev *dev, bool tx, unsigned int index)
{
	return (tx ? dev->txq[index].vq : dev->rxq[index].vq)->index;
}

static struct cvmnet_coal_dir *dir_of(struct cvmnet_coal *coal, bool tx)
{
	return tx ? &coal->tx : &coal->rx;
}

/* What the whole device can be told, and single queues */
static bool has_all(const struct cvmnet_dev *dev)
{
	return cvmnet_has(dev, VIRTIO_NET_F_NOTF_COAL);
}

static bool has_each(const struct cvmnet_dev *dev)
{
	return cvmnet_has(dev, VIRTIO_NET_F_VQ_NOTF_COAL);
}

static struct cvmnet_coal from_ethtool(const struct ethtool_coalesce *ec)
{
	return (struct cvmnet_coal) {
		.rx = { ec->rx_coalesce_usecs, ec->rx_max_coalesced_frames },
		.tx = { ec->tx_coalesce_usecs, ec->tx_max_coalesced_frames },
		.adaptive = { ec->use_adaptive_rx_coalesce, ec->use_adaptive_tx_coalesce },
	};
}

static void to_ethtool(const struct cvmnet_coal *coal, struct ethtool_coalesce *ec)
{
	ec->rx_coalesce_usecs = coal->rx.usecs;
	ec->rx_max_coalesced_frames = coal->rx.frames;
	ec->tx_coalesce_usecs = coal->tx.usecs;
	ec->tx_max_coalesced_frames = coal->tx.frames;
	ec->use_adaptive_rx_coalesce = coal->adaptive[0];
	ec->use_adaptive_tx_coalesce = coal->adaptive[1];
}

/* --- the whole device --- */

/**
 * cvmnet_coal_get() - moderation of the device, as ethtool wants it
 * @dev: the device
 * @ec:  filled in
 *
 * Context: rtnl.
 */
void cvmnet_coal_get(struct cvmnet_dev *dev, struct ethtool_coalesce *ec)
{
	if (!has_all(dev) && !has_each(dev)) {
		/* Every packet may be told at once. */
		ec->rx_max_coalesced_frames = 1;
		ec->tx_max_coalesced_frames = 1;
		return;
	}
	to_ethtool(&dev->coal, ec);
}

static void add_all(struct cvmnet_batch *batch, bool tx, const struct cvmnet_coal_dir *coal)
{
	struct cvmnet_dev *dev = batch->dev;
	unsigned int i;

	if (has_all(dev)) {
		cvmnet_batch_notf_coal(batch, tx, coal->frames, coal->usecs);
		return;
	}
	for (i = 0; i < dev->max_pairs; i++)
		cvmnet_batch_vq_notf_coal(batch, vq_index_of(dev, tx, i), coal->frames,
					  coal->usecs);
}

/* What the device has been told last of all queues of a direction */
static struct cvmnet_coal_dir told_all(struct cvmnet_dev *dev, bool tx)
{
	return has_all(dev) ? *dir_of(&dev->coal, tx) : after_reset;
}

/* After all queues were told something: those that were set otherwise, and adaptive ones anew */
static void add_exceptions(struct cvmnet_batch *batch, bool tx, const struct cvmnet_coal_dir *told)
{
	struct cvmnet_dev *dev = batch->dev;
	unsigned int i;

	for (i = 0; i < dev->max_pairs; i++) {
		struct cvmnet_dim *dim = dim_of(dev, tx, i);

		if (has_each(dev) && !dim->adaptive && !same(&dim->manual, told))
			cvmnet_batch_vq_notf_coal(batch, vq_index_of(dev, tx, i),
						  dim->manual.frames, dim->manual.usecs);
		cvmnet_dim_reset(dim, dim->adaptive ? told : &dim->manual);
	}
}

/* After a refusal: some of several commands may have been taken. */
static void push_back(struct cvmnet_dev *dev, const bool changed[2])
{
	struct cvmnet_batch batch;
	int tx;

	cvmnet_batch_begin(&batch, dev);
	for (tx = 1; tx >= 0; tx--) {
		if (!changed[tx])
			continue;
		add_all(&batch, tx, dir_of(&dev->coal, tx));
		add_exceptions(&batch, tx, dir_of(&dev->coal, tx));
	}
	(void)cvmnet_batch_wait(&batch);
}

/* Which queues of a direction are adaptive */
struct adaptive {
	DECLARE_BITMAP(queues, CVMNET_PAIRS_MAX);
};

static void get_adaptive(struct cvmnet_dev *dev, bool tx, struct adaptive *adaptive)
{
	unsigned int i;

	bitmap_zero(adaptive->queues, CVMNET_PAIRS_MAX);
	for (i = 0; i < dev->max_pairs; i++)
		if (dim_of(dev, tx, i)->adaptive)
			__set_bit(i, adaptive->queues);
}

static void set_adaptive(struct cvmnet_dev *dev, bool tx, const struct adaptive *adaptive)
{
	unsigned int i;

	for (i = 0; i < dev->max_pairs; i++)
		cvmnet_dim_set_adaptive(dim_of(dev, tx, i), test_bit(i, adaptive->queues));
}

static int push_all(struct cvmnet_dev *dev, struct cvmnet_coal *new, const bool changed[2])
{
	struct cvmnet_batch batch;
	unsigned int i;
	int err, tx;

	cvmnet_batch_begin(&batch, dev);
	for (tx = 1; tx >= 0; tx--)
		if (changed[tx])
			add_all(&batch, tx, dir_of(new, tx));
	err = cvmnet_batch_wait(&batch);
	if (err == -EREMOTEIO)
		push_back(dev, changed);
	if (err)
		return err;
	for (tx = 0; tx < 2; tx++) {
		if (!changed[tx])
			continue;
		*dir_of(&dev->coal, tx) = *dir_of(new, tx);
		for (i = 0; i < dev->max_pairs; i++) {
			dim_of(dev, tx, i)->manual = *dir_of(new, tx);
			cvmnet_dim_reset(dim_of(dev, tx, i), dir_of(new, tx));
		}
	}
	return 0;
}

static int check(struct cvmnet_dev *dev, struct cvmnet_coal *old, struct cvmnet_coal *new,
		 struct netlink_ext_ack *extack)
{
	int tx;

	for (tx = 0; tx < 2; tx++) {
		if (!new->adaptive[tx])
			continue;
		if (!has_each(dev)) {
			NL_SET_ERR_MSG_MOD(extack, "the device cannot moderate single queues");
			return -EOPNOTSUPP;
		}
		if (!same(dir_of(new, tx), dir_of(old, tx))) {
			NL_SET_ERR_MSG_MOD(extack, "adaptive moderation chooses usecs and frames");
			return -EINVAL;
		}
	}
	return 0;
}

static bool accepts_nothing(const struct cvmnet_coal *new)
{
	static const struct cvmnet_coal_dir always = { 0, 1 };

	return same(&new->rx, &always) && same(&new->tx, &always) && !new->adaptive[0] &&
	       !new->adaptive[1];
}

static int apply(struct cvmnet_dev *dev, struct cvmnet_coal *new,
		 struct netlink_ext_ack *extack)
{
	struct adaptive was[2], none, all;
	bool changed[2];
	int err, tx;

	if (!has_all(dev) && !has_each(dev))
		return accepts_nothing(new) ? 0 : -EOPNOTSUPP;
	err = check(dev, &dev->coal, new, extack);
	if (err)
		return err;

	bitmap_zero(none.queues, CVMNET_PAIRS_MAX);
	bitmap_fill(all.queues, CVMNET_PAIRS_MAX);
	for (tx = 0; tx < 2; tx++) {
		changed[tx] = !new->adaptive[tx] &&
			      (dev->coal.adaptive[tx] ||
			       !same(dir_of(new, tx), dir_of(&dev->coal, tx)));
		get_adaptive(dev, tx, &was[tx]);
		/* Nothing that is on its way may come after this. */
		if (changed[tx])
			set_adaptive(dev, tx, &none);
	}
	err = push_all(dev, new, changed);
	for (tx = 0; tx < 2; tx++) {
		if (err)
			set_adaptive(dev, tx, &was[tx]);
		else if (new->adaptive[tx] && !dev->coal.adaptive[tx])
			set_adaptive(dev, tx, &all);
		if (!err)
			dev->coal.adaptive[tx] = new->adaptive[tx];
	}
	return err;
}

/**
 * cvmnet_coal_set() - moderate all queues as ethtool asks
 * @dev:    the device
 * @ec:     checked by the core against supported_coalesce_params
 * @extack: says what was wrong
 *
 * Only a direction that changes is told, but then for all its queues.
 *
 * Context: rtnl; may sleep, at most 10 s.
 * Return: 0; -EOPNOTSUPP without NOTF_COAL and VQ_NOTF_COAL, or to be adaptive without
 * the latter; -EINVAL for values with adaptive moderation, or a profile that can't be
 * used; or an error of cvmnet_batch_wait(), with what was in force before in force again
 * where the device still listens.
 */
int cvmnet_coal_set(struct cvmnet_dev *dev, const struct ethtool_coalesce *ec,
		    struct netlink_ext_ack *extack)
{
	struct cvmnet_coal new = from_ethtool(ec);
	struct cvmnet_dim_profile was[2];
	int err, tx;

	ASSERT_RTNL();
	memcpy(was, dev->dims.profile, sizeof(was));
	err = cvmnet_dims_adopt_profiles(dev);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "such a profile is not possible");
		err = -EINVAL;
	} else {
		err = apply(dev, &new, extack);
	}
	/* The profiles that came with it do not stay without it. */
	for (tx = 0; err && tx < 2; tx++)
		if (memcmp(&was[tx], &dev->dims.profile[tx], sizeof(was[tx])))
			cvmnet_dims_set_profile(dev, tx, &was[tx]);
	return err;
}

/* --- one queue --- */

/**
 * cvmnet_coal_get_queue() - moderation of a queue pair, as ethtool wants it
 * @dev:  the device
 * @pair: which
 * @ec:   filled in
 *
 * Context: rtnl.
 * Return: 0; -EOPNOTSUPP without VQ_NOTF_COAL; -EINVAL for a pair that is not in use.
 */
int cvmnet_coal_get_queue(struct cvmnet_dev *dev, u32 pair, struct ethtool_coalesce *ec)
{
	struct cvmnet_coal coal;

	ASSERT_RTNL();
	if (!has_each(dev))
		return -EOPNOTSUPP;
	if (pair >= dev->pairs)
		return -EINVAL;
	coal = (struct cvmnet_coal) {
		.rx = dev->rxq[pair].dim.manual,
		.tx = dev->txq[pair].dim.manual,
		.adaptive = { dev->rxq[pair].dim.adaptive, dev->txq[pair].dim.adaptive },
	};
	to_ethtool(&coal, ec);
	return 0;
}

static int push_queue(struct cvmnet_dev *dev, u32 pair, struct cvmnet_coal *coal,
		      const bool changed[2])
{
	struct cvmnet_batch batch;
	int tx;

	cvmnet_batch_begin(&batch, dev);
	for (tx = 1; tx >= 0; tx--) {
		struct cvmnet_coal_dir *dir = dir_of(coal, tx);

		if (changed[tx])
			cvmnet_batch_vq_notf_coal(&batch, vq_index_of(dev, tx, pair), dir->frames,
						  dir->usecs);
	}
	return cvmnet_batch_wait(&batch);
}

/**
 * cvmnet_coal_set_queue() - moderate a queue pair as ethtool asks
 * @dev:  the device
 * @pair: which
 * @ec:   checked by the core against supported_coalesce_params
 *
 * Context: rtnl; may sleep, at most 10 s.
 * Return: as cvmnet_coal_set(); -EINVAL also for a pair that is not in use.
 */
int cvmnet_coal_set_queue(struct cvmnet_dev *dev, u32 pair, const struct ethtool_coalesce *ec)
{
	struct cvmnet_coal new = from_ethtool(ec), old;
	struct ethtool_coalesce now = {};
	bool changed[2];
	int err, tx;

	err = cvmnet_coal_get_queue(dev, pair, &now);
	if (err)
		return err;
	old = from_ethtool(&now);
	err = check(dev, &old, &new, NULL);
	if (err)
		return err;

	for (tx = 0; tx < 2; tx++) {
		changed[tx] = !new.adaptive[tx] &&
			      (old.adaptive[tx] || !same(dir_of(&new, tx), dir_of(&old, tx)));
		if (changed[tx])
			cvmnet_dim_set_adaptive(dim_of(dev, tx, pair), false);
	}
	err = push_queue(dev, pair, &new, changed);
	if (err == -EREMOTEIO)
		(void)push_queue(dev, pair, &old, changed);
	for (tx = 0; tx < 2; tx++) {
		struct cvmnet_dim *dim = dim_of(dev, tx, pair);

		if (changed[tx]) {
			if (!err)
				dim->manual = *dir_of(&new, tx);
			/* Also after a refusal the device has something else than we chose. */
			cvmnet_dim_reset(dim, &dim->manual);
		}
		cvmnet_dim_set_adaptive(dim, err ? old.adaptive[tx] : new.adaptive[tx]);
	}
	return err;
}

/* --- after a reset, of the device or of its rings --- */

static void forget(struct cvmnet_dev *dev, bool tx)
{
	unsigned int i;

	*dir_of(&dev->coal, tx) = after_reset;
	for (i = 0; i < dev->max_pairs; i++) {
		dim_of(dev, tx, i)->manual = after_reset;
		cvmnet_dim_reset(dim_of(dev, tx, i), &after_reset);
	}
}

/**
 * cvmnet_coal_restore() - moderate again as before a reset
 * @dev: the device; its queues are stopped, or nothing is decided (cvmnet_dims_pause())
 *
 * Adaptive queues begin anew.
 *
 * Context: rtnl; may sleep, at most 5 s, after a refusal another 5 s.
 * Return: 0, or an error of cvmnet_batch_wait(); after a refusal only adaptive queues are
 * moderated.
 */
int cvmnet_coal_restore(struct cvmnet_dev *dev)
{
	struct cvmnet_batch batch;
	int err, tx;

	if (!has_all(dev) && !has_each(dev))
		return 0;
	cvmnet_batch_begin(&batch, dev);
	for (tx = 1; tx >= 0; tx--) {
		struct cvmnet_coal_dir told = told_all(dev, tx);

		if (!same(&told, &after_reset))
			add_all(&batch, tx, &told);
		add_exceptions(&batch, tx, &told);
	}
	err = cvmnet_batch_wait(&batch);
	if (err == -EREMOTEIO) {
		forget(dev, false);
		forget(dev, true);
		push_back(dev, (const bool[]){ true, true });
	}
	return err;
}
