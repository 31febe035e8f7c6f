// SPDX-License-Identifier: GPL-2.0
/*
 * Device statistics: asked for when somebody wants to see them.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/virtio.h>

#include "compat/unaligned.h"
#include "compat/virtio_net.h"

#include "cvmnet.h"
#include "cvq.h"
#include "devstats.h"

/* What was told is good for so long when every queue is looked at by itself. */
#define FRESH		(HZ / 10)

/**
 * cvmnet_devstats_setup() - setup() of features.c's table
 * @dev: the device
 *
 * Context: process, before the net device is registered.
 * Return: 0 or -ENOMEM.
 */
int cvmnet_devstats_setup(struct cvmnet_dev *dev)
{
	dev->devstats.pairs = devm_kcalloc(&dev->vdev->dev, dev->max_pairs,
					   sizeof(*dev->devstats.pairs), GFP_KERNEL);
	return dev->devstats.pairs ? 0 : -ENOMEM;
}

/**
 * cvmnet_devstats_restore() - ask the device what it counts
 * @dev: the device; it runs
 *
 * Context: rtnl; may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait(); after a refusal nothing is asked for.
 */
int cvmnet_devstats_restore(struct cvmnet_dev *dev)
{
	struct cvmnet_batch batch;
	u8 reply[sizeof(__le64)] = {};
	u64 types = 0;
	unsigned int kind;
	int err;

	if (!cvmnet_has(dev, VIRTIO_NET_F_DEVICE_STATS))
		return 0;
	cvmnet_batch_begin(&batch, dev);
	cvmnet_batch_stats_query(&batch, reply, sizeof(reply));
	err = cvmnet_batch_wait(&batch);
	for (kind = 0; kind < CVMNET_DEVSTATS_KINDS && !err; kind++)
		types |= get_unaligned_le64(reply) & cvmnet_devstats_known(kind);
	dev->devstats.types = types;
	return err;
}

/* One queue's request; nothing if the device counts nothing there. */
static void add(struct cvmnet_batch *batch, u16 vq_index, enum cvmnet_devstats_kind kind,
		u8 *reply)
{
	u64 types = batch->dev->devstats.types & cvmnet_devstats_known(kind);

	if (types)
		cvmnet_batch_stats_get(batch, vq_index, types, reply, CVMNET_DEVSTATS_REPLY);
}

static u8 *reply_of(u8 *replies, unsigned int n)
{
	return replies + n * CVMNET_DEVSTATS_REPLY;
}

/**
 * cvmnet_devstats_read() - have the device tell, for the queues it can tell of
 * @dev: the device
 *
 * What it does not tell stays as it was last told. All queues are asked for at once.
 *
 * Context: rtnl; may sleep, at most 5 s.
 */
void cvmnet_devstats_read(struct cvmnet_dev *dev)
{
	struct cvmnet_devstats *ds = &dev->devstats;
	unsigned int i, ctrl = 2 * dev->max_pairs;
	struct cvmnet_batch batch;
	u8 *replies;

	ASSERT_RTNL();
	if (!ds->types)
		return;
	/* Zeroed: a record that was not written has a length of 0. */
	replies = kvzalloc(array_size(ctrl + 1, CVMNET_DEVSTATS_REPLY), GFP_KERNEL);
	if (!replies)
		return;
	cvmnet_batch_begin(&batch, dev);
	for (i = 0; i < dev->max_pairs; i++) {
		add(&batch, 2 * i, CVMNET_DEVSTATS_KIND_RX, reply_of(replies, 2 * i));
		add(&batch, 2 * i + 1, CVMNET_DEVSTATS_KIND_TX, reply_of(replies, 2 * i + 1));
	}
	add(&batch, dev->nr_vqs - 1, CVMNET_DEVSTATS_KIND_CTRL, reply_of(replies, ctrl));
	if (cvmnet_batch_wait(&batch))
		ds->failed++;

	for (i = 0; i < dev->max_pairs; i++) {
		cvmnet_devstats_parse(reply_of(replies, 2 * i), CVMNET_DEVSTATS_REPLY, 2 * i,
				      CVMNET_DEVSTATS_KIND_RX, ds->pairs[i].rx);
		cvmnet_devstats_parse(reply_of(replies, 2 * i + 1), CVMNET_DEVSTATS_REPLY,
				      2 * i + 1, CVMNET_DEVSTATS_KIND_TX, ds->pairs[i].tx);
	}
	cvmnet_devstats_parse(reply_of(replies, ctrl), CVMNET_DEVSTATS_REPLY, dev->nr_vqs - 1,
			      CVMNET_DEVSTATS_KIND_CTRL, ds->ctrl);
	kvfree(replies);
	ds->asked = true;
	ds->last = jiffies;
}

/**
 * cvmnet_devstats_refresh() - cvmnet_devstats_read(), if that was some time ago
 * @dev: the device
 *
 * Context: rtnl; may sleep, at most 5 s.
 */
void cvmnet_devstats_refresh(struct cvmnet_dev *dev)
{
	const struct cvmnet_devstats *ds = &dev->devstats;

	if (!ds->asked || time_after(jiffies, ds->last + FRESH))
		cvmnet_devstats_read(dev);
}
