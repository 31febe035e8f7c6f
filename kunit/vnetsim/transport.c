// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: what a transport does for the virtio core: features, status,
 * configuration, virtqueues, reset.
 */
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include <compat/virtio_transport.h>

#include "vnetsim.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)
#define GUEST_OFFLOADS	(F(GUEST_CSUM) | F(GUEST_TSO4) | F(GUEST_TSO6) | F(GUEST_ECN) | \
			 F(GUEST_USO4) | F(GUEST_USO6))

static void config_get(struct virtio_device *vdev, unsigned int offset, void *buf,
		       unsigned int len)
{
	struct vnetsim *sim = vdev_to_vnetsim(vdev);

	memset(buf, 0xff, len);
	if (offset > sim->window || len > sim->window - offset) {
		vnetsim_violate(sim, VNETSIM_V_CONFIG_RANGE);
		return;
	}
	memcpy(buf, (u8 *)&sim->config + offset, len);
	if (vnetsim_hit_device(sim, VNETSIM_BUG_CONFIG_ONES))
		memset(buf, 0xff, len);
	if (offset == offsetof(struct virtio_net_config, max_virtqueue_pairs) &&
	    vnetsim_hit_device(sim, VNETSIM_BUG_CONFIG_PAIRS))
		*(u8 *)buf ^= ++sim->config_reads;
	if (unlikely(atomic_read(&sim->inject.armed)) &&
	    vnetsim_mutates(sim, &sim->dice, false))
		vnetsim_mutate_bytes(sim, &sim->dice, buf, len);
}

static void config_set(struct virtio_device *vdev, unsigned int offset, const void *buf,
		       unsigned int len)
{
	vnetsim_violate(vdev_to_vnetsim(vdev), VNETSIM_V_CONFIG_WRITE);
}

static u32 config_generation(struct virtio_device *vdev)
{
	struct vnetsim *sim = vdev_to_vnetsim(vdev);

	if (vnetsim_hit_device(sim, VNETSIM_BUG_CONFIG_GENERATION))
		WRITE_ONCE(sim->generation, sim->generation + 1);
	return READ_ONCE(sim->generation);
}

static u8 get_status(struct virtio_device *vdev)
{
	struct vnetsim *sim = vdev_to_vnetsim(vdev);
	u8 status = READ_ONCE(sim->status);

	if (vnetsim_hit_device(sim, VNETSIM_BUG_STATUS_ONES))
		return U8_MAX;
	if (status & VIRTIO_CONFIG_S_FEATURES_OK && !sim->live &&
	    vnetsim_hit_device(sim, VNETSIM_BUG_FEATURES_NOT_OK))
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	return status;
}

/* Interrupts that nothing has happened for, at the worst of times. */
static void interrupt_early(struct vnetsim *sim)
{
	unsigned int i;

	if (!vnetsim_hit_device(sim, VNETSIM_BUG_IRQ_EARLY))
		return;
	for (i = 0; i < sim->nr_queues; i++) {
		irq_work_queue(&sim->queues[i].irq_work);
		irq_work_sync(&sim->queues[i].irq_work);
	}
	vnetsim_tell_config(sim);
}

static void set_status(struct virtio_device *vdev, u8 status)
{
	struct vnetsim *sim = vdev_to_vnetsim(vdev);

	/* What is gone keeps nothing. */
	if (vnetsim_hit_device(sim, VNETSIM_BUG_STATUS_ONES))
		return;
	/* The core asks the driver to look at them after it has told us of them. */
	if (status & ~sim->status & VIRTIO_CONFIG_S_FEATURES_OK &&
	    vnetsim_features_unmet(sim->feat))
		vnetsim_violate(sim, VNETSIM_V_REQUIRES);
	if (sim->status & ~status)
		vnetsim_violate(sim, VNETSIM_V_STATUS);
	WRITE_ONCE(sim->status, status);
	if (status & VIRTIO_CONFIG_S_DRIVER_OK && !sim->live) {
		WRITE_ONCE(sim->live, true);
		vnetsim_wake_all(sim);
	}
}

/**
 * vnetsim_state_reset() - forget what the driver has told
 * @sim: the device, with all workers' queues stopped
 *
 * Context: process.
 */
void vnetsim_state_reset(struct vnetsim *sim)
{
	struct vnetsim_state *state = &sim->state;

	spin_lock_bh(&sim->state_lock);
	memset(state, 0, sizeof(*state));
	state->pairs = 1;
	state->tx_pairs = 1;
	state->offloads = sim->feat & GUEST_OFFLOADS;
	memcpy(state->mac, sim->config.net.mac, ETH_ALEN);
	spin_unlock_bh(&sim->state_lock);
}

static void reset(struct virtio_device *vdev)
{
	struct vnetsim *sim = vdev_to_vnetsim(vdev);
	static const struct vnetsim_coal none;
	unsigned int i;

	if (vnetsim_hit_device(sim, VNETSIM_BUG_RESET_SLOW)) {
		WRITE_ONCE(sim->resetting, true);
		msleep(3000);
		WRITE_ONCE(sim->resetting, false);
	}
	msleep(READ_ONCE(sim->reset_delay_ms));
	interrupt_early(sim);
	WRITE_ONCE(sim->live, false);
	WRITE_ONCE(sim->status, 0);
	for (i = 0; i < sim->nr_queues; i++) {
		vnetsim_queue_stop(&sim->queues[i]);
		vnetsim_queue_moderate(&sim->queues[i], &none);
	}
	for (i = 0; i < sim->nr_workers; i++)
		skb_queue_purge(&sim->workers[i].in);
	vnetsim_peer_wake(sim);
	atomic64_inc(&sim->resets);
	vnetsim_state_reset(sim);
	interrupt_early(sim);
}

static u64 get_features(struct virtio_device *vdev)
{
	return READ_ONCE(vdev_to_vnetsim(vdev)->offered);
}

static int finalize_features(struct virtio_device *vdev)
{
	struct vnetsim *sim = vdev_to_vnetsim(vdev);
	bool ring_reset = vdev->features & BIT_ULL(VIRTIO_F_RING_RESET);

	/* The ring code keeps what it knows of; this is ours. */
	vring_transport_features(vdev);
	if (ring_reset)
		__virtio_set_bit(vdev, VIRTIO_F_RING_RESET);

	if (vdev->features & ~sim->offered) {
		vnetsim_violate(sim, VNETSIM_V_FEATURES);
		return -EINVAL;
	}
	if (!__virtio_test_bit(vdev, VIRTIO_F_VERSION_1))
		return -EINVAL;
	sim->feat = vdev->features;
	sim->hdr_len = vnetsim_has(sim, VIRTIO_NET_F_HASH_REPORT) ?
		       sizeof(struct virtio_net_hdr_v1_hash) : sizeof(struct virtio_net_hdr_v1);
	vnetsim_state_reset(sim);
	return 0;
}

static const char *bus_name(struct virtio_device *vdev)
{
	return vdev_to_vnetsim(vdev)->name;
}

/* --- virtqueues --- */

static bool notify(struct virtqueue *vq)
{
	struct vnetsim_queue *q = vq->priv;

	atomic64_inc(&q->kicks);
	if (vnetsim_queue_kind(q) == VNETSIM_ON_CTRL)
		atomic64_cmpxchg(&q->sim->ctrl_since, 0, ktime_get_ns());
	if (!READ_ONCE(q->sim->live))
		vnetsim_violate(q->sim, VNETSIM_V_KICK_EARLY);
	vnetsim_wake(q->worker);
	return true;
}

static void del_vqs(struct virtio_device *vdev)
{
	struct vnetsim *sim = vdev_to_vnetsim(vdev);
	unsigned int i;

	for (i = 0; i < sim->nr_queues; i++)
		vnetsim_queue_stop(&sim->queues[i]);
	/* A storm's timer may be at one of them. */
	if (hrtimer_active(&sim->storm))
		synchronize_rcu();
	for (i = 0; i < sim->nr_queues; i++) {
		struct vnetsim_queue *q = &sim->queues[i];

		if (!q->vq)
			continue;
		vring_del_virtqueue(q->vq);
		q->vq = NULL;
	}
}

static struct virtqueue *add_vq(struct vnetsim *sim, struct vnetsim_queue *q,
				struct virtqueue_info *info)
{
	struct virtqueue *vq;

	vq = vring_create_virtqueue(q->index, sim->ring, PAGE_SIZE, &sim->vdev, true, true,
				    info->ctx, notify, info->callback, info->name);
	if (!vq)
		return NULL;
	vq->priv = q;
	vq->num_max = sim->ring;
	q->vq = vq;
	return vq;
}

/* Without MQ and RSS, the control queue comes after the first pair. */
static struct vnetsim_queue *queue_at(struct vnetsim *sim, unsigned int i)
{
	if (vnetsim_has(sim, VIRTIO_NET_F_CTRL_VQ) &&
	    !(sim->feat & (F(MQ) | F(RSS))) && i == 2)
		i = sim->nr_queues - 1;
	return i < sim->nr_queues ? &sim->queues[i] : NULL;
}

static int cvm_transport_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
				  struct virtqueue *vqs[], struct virtqueue_info infos[])
{
	struct vnetsim *sim = vdev_to_vnetsim(vdev);
	unsigned int i, index = 0;

	if (vnetsim_hit_device(sim, VNETSIM_BUG_NO_VECTORS))
		return -ENOSPC;
	/* So do the core's transports: a queue of no size is not there. */
	if (!sim->ring)
		return -ENOENT;
	for (i = 0; i < nvqs; i++) {
		struct vnetsim_queue *q;

		vqs[i] = NULL;
		if (!infos[i].name)
			continue;
		q = queue_at(sim, index++);
		if (!q) {
			del_vqs(vdev);
			return -ENOENT;
		}
		vqs[i] = add_vq(sim, q, &infos[i]);
		if (!vqs[i]) {
			del_vqs(vdev);
			return -ENOMEM;
		}
		vqs[i]->index = index - 1;
		vnetsim_queue_start(q);
	}
	interrupt_early(sim);
	return 0;
}

/* What a queue that is enabled anew starts with, by the specification. */
static void moderate_as_told(struct vnetsim_queue *q)
{
	struct vnetsim_state *state = &q->sim->state;

	vnetsim_queue_moderate(q, q->index % 2 ? &state->coal_tx : &state->coal_rx);
}

/* Not the worker's doing, so not a number of its own. */
static bool hit_reset(struct vnetsim_queue *q, enum vnetsim_bug bug)
{
	return unlikely(atomic_read(&q->sim->inject.armed)) &&
	       __vnetsim_hit(q->sim, &q->sim->dice, bug, vnetsim_queue_kind(q));
}

static int disable_vq_and_reset(struct virtqueue *vq)
{
	struct vnetsim_queue *q = vq->priv;

	if (!vnetsim_has(q->sim, VIRTIO_F_RING_RESET))
		return -ENOENT;
	msleep(READ_ONCE(q->sim->reset_delay_ms));
	if (hit_reset(q, VNETSIM_BUG_VQ_RESET_FAILS))
		return -EIO;
	if (hit_reset(q, VNETSIM_BUG_VQ_RESET_NEXT))
		vnetsim_ring_spoil(q);
	vnetsim_queue_stop(q);
	vq->reset = true;
	return 0;
}

static int enable_vq_after_reset(struct virtqueue *vq)
{
	struct vnetsim_queue *q = vq->priv;

	if (!vq->reset)
		return -EBUSY;
	vq->reset = false;
	moderate_as_told(q);
	vnetsim_queue_start(q);
	return 0;
}

const struct virtio_config_ops vnetsim_config_ops = {
	.get = config_get,
	.set = config_set,
	.generation = config_generation,
	.get_status = get_status,
	.set_status = set_status,
	.reset = reset,
	.find_vqs = cvm_op_find_vqs,
	.del_vqs = del_vqs,
	.get_features = get_features,
	.finalize_features = finalize_features,
	.bus_name = bus_name,
	.disable_vq_and_reset = disable_vq_and_reset,
	.enable_vq_after_reset = enable_vq_after_reset,
};
