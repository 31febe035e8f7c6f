// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit.
 *
 * Pool mode: one copy of header and packet into shared memory, one descriptor,
 * and the skb is free at once.  Nobody waits for such a completion, so the
 * device is asked for an interrupt only while the queue is stopped (by the ring,
 * by the pool or by BQL); otherwise completions are collected in passing.
 *
 * Stream mode: small packets go the same way, through ordinary memory, as that
 * is cheaper than keeping the skb; larger ones are mapped by the virtio core and
 * kept until the device is done, which then has to tell soon.
 *
 * Everything here but the callback runs under the tx queue's lock.
 */
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/virtio.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include <compat/net.h>
#include <compat/virtio.h>
#include <compat/virtio_net.h>

#include "cvmnet.h"
#include "trace.h"
#include "tx.h"
#include "vq.h"

/* Look for completions after so many packets, to spread what that costs. */
#define CVMNET_TX_RECLAIM	16
/* Stream mode: packets up to this length are copied. */
#define CVMNET_TX_COPYBREAK	256

static struct cvmnet_txq *cvmnet_vq_to_txq(struct virtqueue *vq)
{
	struct cvmnet_dev *dev = vq->vdev->priv;

	return &dev->txq[vq->index / 2];
}

static void cvmnet_tx_kill(struct cvmnet_txq *q)
{
	if (q->dead && !q->lingers)
		return;
	WRITE_ONCE(q->dead, true);
	q->lingers = false;
	netif_tx_stop_queue(q->nq);
	cvmnet_reset_request(q->dev, CVMNET_RESET_TX_RING);
}

static bool cvmnet_tx_room(const struct cvmnet_txq *q)
{
	return q->vq->num_free >= q->descs_max && cvmnet_txring_fits(&q->ring, q->largest);
}

/* --- completions --- */

static bool cvmnet_tx_sane(const struct cvmnet_txq *q)
{
	return q->vq->num_free + q->descs == q->ring_size && !virtqueue_is_broken(q->vq);
}

/*
 * Collect what the device is done with; at most what it was given.  Leaves the
 * interrupt off: the caller asks for it again if somebody waits.
 */
static unsigned int cvmnet_tx_reclaim(struct cvmnet_txq *q, int napi_budget)
{
	unsigned int left = cvmnet_txring_used(&q->ring);
	unsigned int packets = 0, bytes = 0, len;
	struct cvmnet_tx_rec *rec;
	struct sk_buff *skb;

	q->since = 0;
	/* While it is wanted, each completion would move the event index. */
	virtqueue_disable_cb(q->vq);
	while (left-- && (rec = virtqueue_get_buf(q->vq, &len))) {
		u32 rec_bytes = rec->bytes;
		u16 descs = rec->descs;

		/* len is what the device wrote, to a buffer it may not write. */
		skb = rec->skb;
		rec->skb = NULL;
		if (unlikely(!cvmnet_txring_give(&q->ring, rec))) {
			cvmnet_tx_kill(q);
			break;
		}
		if (skb) {
			q->skbs--;
			napi_consume_skb(skb, napi_budget);
		}
		q->descs -= descs;
		bytes += rec_bytes;
		packets++;
	}
	/* On a split ring the device can make the core free what was never used. */
	if (unlikely(!cvmnet_tx_sane(q)))
		cvmnet_tx_kill(q);
	if (packets)
		netdev_tx_completed_queue(q->nq, packets, bytes);
	if (unlikely(netif_tx_queue_stopped(q->nq)) && !q->dead && !q->held &&
	    cvmnet_tx_room(q)) {
		netif_tx_wake_queue(q->nq);
		u64_stats_update_begin(&q->syncp);
		q->stats.wakes++;
		u64_stats_update_end(&q->syncp);
	}
	return packets;
}

/* Somebody waits for a completion: a stopped queue, or the owner of an skb. */
static bool cvmnet_tx_awaited(const struct cvmnet_txq *q)
{
	return q->skbs || netif_xmit_stopped(q->nq);
}

/* False if the device was faster: there is more to reclaim now. */
static bool cvmnet_tx_arm(struct cvmnet_txq *q)
{
	return virtqueue_enable_cb_delayed(q->vq) || virtqueue_is_broken(q->vq);
}

/* See to it that whoever waits is served; outside the poll function. */
static void cvmnet_tx_attend(struct cvmnet_txq *q)
{
	if (q->dead || !cvmnet_tx_awaited(q) || cvmnet_tx_arm(q))
		return;
	cvmnet_tx_reclaim(q, 0);
	if (!q->dead && cvmnet_tx_awaited(q) && !cvmnet_tx_arm(q)) {
		virtqueue_disable_cb(q->vq);
		napi_schedule(&q->napi);
	}
}

/* Perhaps from a message printed in the middle of cvmnet_xmit(): don't wait. */
static void cvmnet_tx_netpoll(struct cvmnet_txq *q)
{
	/* As __netif_tx_trylock(), which sparse can't follow. */
	if (!spin_trylock(&q->nq->_xmit_lock))
		return;
	WRITE_ONCE(q->nq->xmit_lock_owner, smp_processor_id());
	if (!q->dead) {
		cvmnet_tx_reclaim(q, 0);
		cvmnet_tx_attend(q);
	}
	__netif_tx_unlock(q->nq);
}

/* Most packets are found done by whoever sends, so it is those sent that are counted. */
static void cvmnet_tx_measure(struct cvmnet_txq *q, u64 began, bool last)
{
	if (!began)
		return;
	cvmnet_dim_poll_end(&q->dim, began, q->stats.packets - q->dim_packets,
			    q->stats.bytes - q->dim_bytes, last);
	q->dim_packets = q->stats.packets;
	q->dim_bytes = q->stats.bytes;
}

static int cvmnet_tx_poll(struct napi_struct *napi, int budget)
{
	struct cvmnet_txq *q = container_of(napi, struct cvmnet_txq, napi);
	bool again = false;
	u64 began;

	if (unlikely(!budget)) {
		cvmnet_tx_netpoll(q);
		return 0;
	}

	began = cvmnet_dim_poll_begin(&q->dim);
	__netif_tx_lock(q->nq, smp_processor_id());
	if (likely(!q->dead)) {
		cvmnet_tx_reclaim(q, budget);
		again = !q->dead && cvmnet_tx_awaited(q) && !cvmnet_tx_arm(q);
		cvmnet_tx_measure(q, began, !again);
	}
	__netif_tx_unlock(q->nq);

	if (again)
		return budget;
	napi_complete_done(napi, 0);
	return 0;
}

/**
 * cvmnet_tx_callback() - the device is done with something
 * @vq: the virtqueue
 *
 * Context: interrupt; also from a device that never should have sent it.
 */
void cvmnet_tx_callback(struct virtqueue *vq)
{
	struct cvmnet_txq *q = cvmnet_vq_to_txq(vq);

	virtqueue_disable_cb(vq);
	if (napi_schedule_prep(&q->napi))
		__napi_schedule(&q->napi);
}

/* Tell the device again what it seems to have missed. */
static void cvmnet_tx_rekick(struct cvmnet_txq *q)
{
	if (!virtqueue_notify(q->vq))
		return;
	u64_stats_update_begin(&q->syncp);
	q->stats.rekicks++;
	u64_stats_update_end(&q->syncp);
}

/*
 * The first time the device is told again what it may have missed, and asked again; if it
 * has sent nothing until the next time, it is reset.
 */
static void cvmnet_txq_timed_out(struct cvmnet_txq *q)
{
	unsigned int done = 0, left;
	bool stalled;

	__netif_tx_lock_bh(q->nq);
	u64_stats_update_begin(&q->syncp);
	q->stats.timeouts++;
	u64_stats_update_end(&q->syncp);
	if (!q->dead) {
		done = cvmnet_tx_reclaim(q, 0);
		stalled = cvmnet_txring_stalled(&q->ring);
		if (!done && stalled) {
			cvmnet_reset_request(q->dev, CVMNET_RESET_TX_TIMEOUT);
		} else {
			cvmnet_tx_rekick(q);
			cvmnet_tx_attend(q);
		}
	}
	trace_cvmnet_tx_timeout(q, done);
	left = cvmnet_txring_used(&q->ring);
	txq_trans_cond_update(q->nq);
	__netif_tx_unlock_bh(q->nq);
	if (net_ratelimit())
		netdev_warn(q->dev->netdev,
			    "queue %u could not send for long: %u packets done, %u left\n",
			    q->index, done, left);
}

/**
 * cvmnet_tx_timeout() - the stack's watchdog found a queue stopped for too long
 * @netdev: the net device
 * @index: of the queue
 *
 * cvmnet_tx_watch() finds it first, unless works have to wait for long.
 *
 * Context: softirq, of a timer.
 */
void cvmnet_tx_timeout(struct net_device *netdev, unsigned int index)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	/* The net device has more queues than the device where there are more CPUs. */
	if (index < dev->max_pairs)
		cvmnet_txq_timed_out(&dev->txq[index]);
}

/* What the stack's watchdog looks for, too, with a WARNING in older kernels */
static bool cvmnet_txq_is_stuck(const struct cvmnet_txq *q)
{
	const struct net_device *netdev = q->dev->netdev;

	return netif_xmit_stopped(q->nq) && !READ_ONCE(q->held) &&
	       netif_device_present(netdev) && netif_carrier_ok(netdev) &&
	       time_after(jiffies, READ_ONCE(q->nq->trans_start) + CVMNET_TX_STUCK);
}

/**
 * cvmnet_tx_watch() - find completions whose interrupt was lost, and lost kicks
 * @q: a queue in use
 *
 * Owners wait for their skbs also where the queue is not stopped; and a device that missed
 * one kick does not ask for another.
 *
 * Context: process, once a second.
 */
void cvmnet_tx_watch(struct cvmnet_txq *q)
{
	__netif_tx_lock_bh(q->nq);
	if (!q->dead && cvmnet_txring_used(&q->ring))
		cvmnet_tx_reclaim(q, 0);
	if (!q->dead) {
		/* The oldest was there a second ago? */
		if ((s32)(q->watched - q->ring.rec_tail) > 0)
			cvmnet_tx_rekick(q);
		cvmnet_tx_attend(q);
		q->watched = q->ring.rec_head;
	}
	__netif_tx_unlock_bh(q->nq);
	if (cvmnet_txq_is_stuck(q))
		cvmnet_txq_timed_out(q);
}

/**
 * cvmnet_tx_watch_idle() - free what a device completes after its queue was stopped
 * @q: a queue not in use
 *
 * Owners wait for their skbs and BQL for their bytes, and an interrupt wakes nobody.
 *
 * Context: process, once a second; the virtqueues stay.
 */
void cvmnet_tx_watch_idle(struct cvmnet_txq *q)
{
	__netif_tx_lock_bh(q->nq);
	if (q->lingers && cvmnet_txring_used(&q->ring))
		cvmnet_tx_reclaim(q, 0);
	__netif_tx_unlock_bh(q->nq);
	/* By BQL, or as its ring is corrupt */
	cvmnet_tx_watch_stopped(q);
}

/**
 * cvmnet_tx_watch_stopped() - keep the stack's watchdog away from a queue
 * @q: a queue that nobody sends on
 *
 * It does not ask why one is stopped, and gives a WARNING in older kernels.
 *
 * Context: process, once a second.
 */
void cvmnet_tx_watch_stopped(struct cvmnet_txq *q)
{
	if (netif_xmit_stopped(q->nq))
		txq_trans_cond_update(q->nq);
}

/**
 * cvmnet_tx_link_up() - have what was sent while the link went down looked at
 * @dev: the device
 *
 * QEMU drops it then, and on a packed ring does not ask for further kicks.
 *
 * Context: process; the virtqueues stay.
 */
void cvmnet_tx_link_up(struct cvmnet_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->max_pairs; i++) {
		struct cvmnet_txq *q = &dev->txq[i];

		__netif_tx_lock_bh(q->nq);
		if (!q->dead && cvmnet_txring_used(&q->ring))
			cvmnet_tx_rekick(q);
		__netif_tx_unlock_bh(q->nq);
	}
}

/* --- packets --- */

static u16 cvmnet_tx_gso_hdr_len(const struct sk_buff *skb)
{
	if (skb_is_gso_tcp(skb))
		return skb_transport_offset(skb) + tcp_hdrlen(skb);
	return skb_transport_offset(skb) + sizeof(struct udphdr);
}

/* The header on our stack, as the device must not see it half made. */
static int cvmnet_tx_header(struct cvmnet_txq *q, const struct sk_buff *skb,
			    struct virtio_net_hdr_v1_hash *hdr)
{
	int err;

	memset(hdr, 0, sizeof(*hdr));
	if (skb->ip_summed != CHECKSUM_PARTIAL && !skb_is_gso(skb))
		return 0;
	err = virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)&hdr->hdr, true, false, 0);
	if (unlikely(err))
		return err;
	if (skb_is_gso(skb) && cvmnet_has(q->dev, VIRTIO_NET_F_GUEST_HDRLEN))
		hdr->hdr.hdr_len = (__force __virtio16)cpu_to_le16(cvmnet_tx_gso_hdr_len(skb));
	return 0;
}

/* What the device has. */
static void cvmnet_tx_count(struct cvmnet_txq *q, const struct sk_buff *skb, unsigned int len)
{
	u64_stats_update_begin(&q->syncp);
	q->stats.packets++;
	q->stats.bytes += len;
	if (skb->ip_summed != CHECKSUM_PARTIAL && !skb_is_gso(skb)) {
		q->stats.csum_none++;
	} else {
		q->stats.needs_csum++;
		if (skb_is_gso(skb)) {
			q->stats.hw_gso_packets++;
			q->stats.hw_gso_bytes += len;
		}
	}
	u64_stats_update_end(&q->syncp);
}

static int cvmnet_tx_add(struct cvmnet_txq *q, struct cvmnet_tx_rec *rec,
			 struct scatterlist *sg, unsigned int sgs, u32 bytes)
{
	unsigned int before = q->vq->num_free;
	int err;

	err = virtqueue_add_outbuf(q->vq, sg, sgs, rec, GFP_ATOMIC);
	if (unlikely(err)) {
		cvmnet_txring_untake(&q->ring, rec);
		return err;
	}
	rec->descs = before - q->vq->num_free;
	rec->bytes = bytes;
	q->descs += rec->descs;
	return 0;
}

/* Take a record; look for room if there is none before giving up. */
static struct cvmnet_tx_rec *cvmnet_tx_take(struct cvmnet_txq *q, u32 len, u32 *offset)
{
	struct cvmnet_tx_rec *rec = cvmnet_txring_take(&q->ring, len, offset);

	if (unlikely(!rec)) {
		cvmnet_tx_reclaim(q, 0);
		rec = cvmnet_txring_take(&q->ring, len, offset);
	}
	return rec;
}

/* Where an offset of the pool lies; sets the one entry of the list to it. */
static void *cvmnet_tx_place(struct cvmnet_txq *q, struct scatterlist *sg, u32 offset, u32 len)
{
	struct cvmnet_chunk *chunk = &q->pool.chunks[offset >> q->chunk_shift];

	offset &= (1U << q->chunk_shift) - 1;
	if (q->pool.dma_dev)
		cvm_sg_shared(sg, chunk->va + offset, chunk->dma + offset, len);
	else
		sg_set_buf(sg, chunk->va + offset, len);
	return chunk->va + offset;
}

/* Copy header and packet to where the device may read; the skb is free then. */
static int cvmnet_tx_copy(struct cvmnet_txq *q, struct sk_buff *skb)
{
	u8 hdr_len = q->dev->hdr_len;
	struct virtio_net_hdr_v1_hash hdr;
	struct cvmnet_tx_rec *rec;
	u32 offset;
	void *to;
	int err;

	err = cvmnet_tx_header(q, skb, &hdr);
	if (unlikely(err))
		return err;
	rec = cvmnet_tx_take(q, hdr_len + skb->len, &offset);
	if (unlikely(!rec))
		return -ENOSPC;

	to = cvmnet_tx_place(q, &q->one, offset, hdr_len + skb->len);
	/* A constant length is a few moves, a variable one a call. */
	if (likely(hdr_len == sizeof(hdr.hdr)))
		memcpy(to, &hdr, sizeof(hdr.hdr));
	else
		memcpy(to, &hdr, sizeof(hdr));
	if (likely(!skb_is_nonlinear(skb))) {
		memcpy(to + hdr_len, skb->data, skb->len);
	} else {
		err = skb_copy_bits(skb, 0, to + hdr_len, skb->len);
		if (unlikely(err)) {
			cvmnet_txring_untake(&q->ring, rec);
			return err;
		}
	}
	err = cvmnet_tx_add(q, rec, &q->one, 1, skb->len);
	if (unlikely(err))
		return err;
	cvmnet_tx_count(q, skb, skb->len);
	dev_consume_skb_any(skb);
	return 0;
}

/* Hand out the skb's own memory, the header in front of it where that is ours. */
static int cvmnet_tx_map(struct cvmnet_txq *q, struct sk_buff *skb)
{
	u8 hdr_len = q->dev->hdr_len;
	struct virtio_net_hdr_v1_hash hdr;
	struct cvmnet_tx_rec *rec;
	int sgs, first = 0, err;
	u32 offset, len;
	bool in_head;

	err = cvmnet_tx_header(q, skb, &hdr);
	if (unlikely(err))
		return err;
	if (unlikely(skb_shinfo(skb)->nr_frags + 2U > q->sgs_max || skb_has_frag_list(skb)) &&
	    skb_linearize(skb))
		return -ENOMEM;

	len = skb->len;
	in_head = skb_headroom(skb) >= hdr_len && !skb_header_cloned(skb);
	rec = cvmnet_tx_take(q, in_head ? 0 : hdr_len, &offset);
	if (unlikely(!rec))
		return -ENOSPC;

	/* Only what is used: clearing all of it would cost as much as a small copy. */
	sg_init_table(q->sg, skb_shinfo(skb)->nr_frags + 2);
	if (in_head) {
		memcpy(skb_push(skb, hdr_len), &hdr, hdr_len);
	} else {
		memcpy(cvmnet_tx_place(q, q->sg, offset, hdr_len), &hdr, hdr_len);
		first = 1;
	}
	sgs = skb_to_sgvec(skb, q->sg + first, 0, skb->len);
	if (in_head)
		__skb_pull(skb, hdr_len);
	if (unlikely(sgs < 0)) {
		cvmnet_txring_untake(&q->ring, rec);
		return sgs;
	}
	err = cvmnet_tx_add(q, rec, q->sg, first + sgs, len);
	if (unlikely(err))
		return err;
	rec->skb = skb;
	q->skbs++;
	cvmnet_tx_count(q, skb, len);
	return 0;
}

/* Stop before a packet can come that finds no room. */
static void cvmnet_tx_stop_if_full(struct cvmnet_txq *q)
{
	bool pool;

	if (likely(cvmnet_tx_room(q)))
		return;
	netif_tx_stop_queue(q->nq);
	pool = cvmnet_txring_used(&q->ring) < q->ring.rec_limit &&
	       q->vq->num_free >= q->descs_max;
	u64_stats_update_begin(&q->syncp);
	q->stats.stops++;
	q->stats.pool_full += pool;
	u64_stats_update_end(&q->syncp);
	trace_cvmnet_tx_full(q, pool);
}

static void cvmnet_tx_drop(struct cvmnet_txq *q, struct sk_buff *skb, int err)
{
	enum cvmnet_tx_drop why = CVMNET_TX_DROP_MALFORMED;

	if (err == -ENOMEM || err == -ENOSPC)
		why = CVMNET_TX_DROP_NOMEM;
	else if (err == -EIO)
		why = CVMNET_TX_DROP_BROKEN;
	u64_stats_update_begin(&q->syncp);
	q->stats.drops[why]++;
	u64_stats_update_end(&q->syncp);
	trace_cvmnet_tx_drop(q, why, skb->len);
	dev_kfree_skb_any(skb);
	if (!q->dead && virtqueue_is_broken(q->vq))
		cvmnet_tx_kill(q);
}

static void cvmnet_tx_kick(struct cvmnet_txq *q)
{
	if (virtqueue_kick_prepare(q->vq) && virtqueue_notify(q->vq)) {
		u64_stats_update_begin(&q->syncp);
		q->stats.kicks++;
		u64_stats_update_end(&q->syncp);
	}
}

/**
 * cvmnet_xmit() - send a packet
 * @skb: the packet
 * @netdev: the net device
 *
 * Context: softirq or with them disabled, under the tx queue's lock.
 * Return: NETDEV_TX_OK, the packet is sent or dropped; NETDEV_TX_BUSY if somebody has
 * woken a queue that is full.
 */
netdev_tx_t cvmnet_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	struct cvmnet_txq *q = &dev->txq[skb_get_queue_mapping(skb)];
	bool more = netdev_xmit_more();
	bool was_stopped = netif_xmit_stopped(q->nq), stopped;
	unsigned int len = skb->len;
	int err;

	if (unlikely(q->dead)) {
		err = -EIO;
		goto drop;
	}
	if (++q->since >= CVMNET_TX_RECLAIM) {
		cvmnet_tx_reclaim(q, 0);
		if (unlikely(q->dead)) {
			err = -EIO;
			goto drop;
		}
	}

	skb_tx_timestamp(skb);
	if (dev->dma == CVMNET_DMA_POOL || (len <= CVMNET_TX_COPYBREAK && !skb_is_gso(skb)))
		err = cvmnet_tx_copy(q, skb);
	else
		err = cvmnet_tx_map(q, skb);
	if (unlikely(err))
		goto drop;

	cvmnet_tx_stop_if_full(q);
	if (__netdev_tx_sent_queue(q->nq, len, more))
		cvmnet_tx_kick(q);
	if (cvmnet_tx_awaited(q)) {
		stopped = netif_xmit_stopped(q->nq);
		if (more && !stopped)
			return NETDEV_TX_OK;
		/*
		 * Often the device is done by now, and no interrupt is needed. For those who
		 * send past BQL the ring is not looked at with each packet.
		 */
		if (unlikely(stopped && !was_stopped))
			cvmnet_tx_reclaim(q, 0);
		cvmnet_tx_attend(q);
	}
	return NETDEV_TX_OK;

drop:
	/* With room for the largest, what finds none never will. */
	if (err == -ENOSPC && !q->dead && !cvmnet_tx_room(q)) {
		netif_tx_stop_queue(q->nq);
		cvmnet_tx_kick(q);
		cvmnet_tx_attend(q);
		return NETDEV_TX_BUSY;
	}
	cvmnet_tx_drop(q, skb, err);
	/* What was announced with "more" must not wait for this one. */
	if (!more && !q->dead) {
		cvmnet_tx_kick(q);
		cvmnet_tx_attend(q);
	}
	return NETDEV_TX_OK;
}

/**
 * cvmnet_features_check() - what cannot be sent as it is
 * @skb: the packet
 * @netdev: the net device
 * @features: what would be left to the device
 *
 * Context: softirq or with them disabled.
 * Return: what may be left to it.
 */
netdev_features_t cvmnet_features_check(struct sk_buff *skb, struct net_device *netdev,
					netdev_features_t features)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	/* The specification's limit, and what a pool chunk is sure to hold */
	if (skb_is_gso(skb) && skb->len + dev->hdr_len > cvmnet_tx_unit(dev))
		features &= ~NETIF_F_GSO_MASK;
	return vlan_features_check(skb, features);
}

/* --- life --- */

/**
 * cvmnet_tx_unit() - what a pool chunk must hold
 * @dev: the device
 *
 * Context: any.
 * Return: bytes of the largest packet that is copied, with its header.
 */
u32 cvmnet_tx_unit(const struct cvmnet_dev *dev)
{
	return ALIGN(CVMNET_PKT_MAX + sizeof(struct virtio_net_hdr_v1_hash),
		     CVMNET_TXRING_ALIGN);
}

/**
 * cvmnet_tx_pool_choose() - a size for the pools that suits ring and MTU
 * @dev: the device; its virtqueues are there
 *
 * A full ring of frames that need not be segmented; the least holds some that are.
 *
 * Context: any.
 * Return: bytes.
 */
size_t cvmnet_tx_pool_choose(const struct cvmnet_dev *dev)
{
	size_t ring = virtqueue_get_vring_size(dev->txq[0].vq);
	u32 mtu = cvmnet_has(dev, VIRTIO_NET_F_MTU) ? dev->cfg.mtu : ETH_DATA_LEN;
	u32 frame = ALIGN(dev->hdr_len + VLAN_ETH_HLEN + mtu, CVMNET_TXRING_ALIGN);

	return clamp_t(size_t, ring * frame, CVMNET_TX_POOL_LEAST, CVMNET_TX_POOL_MOST);
}

/**
 * cvmnet_txq_init() - what a queue needs once
 * @q: the queue, zeroed but for its device and index
 *
 * Context: process; the net device is not registered.
 */
void cvmnet_txq_init(struct cvmnet_txq *q)
{
	u64_stats_init(&q->syncp);
	cvmnet_dim_init(&q->dim, q->dev, q->index, true);
	q->nq = netdev_get_tx_queue(q->dev->netdev, q->index);
	netif_napi_add_tx(q->dev->netdev, &q->napi, cvmnet_tx_poll);
}

/**
 * cvmnet_txq_exit() - undo cvmnet_txq_init()
 * @q: the queue, stopped
 *
 * Context: process, may sleep.
 */
void cvmnet_txq_exit(struct cvmnet_txq *q)
{
	netif_napi_del(&q->napi);
}

/**
 * cvmnet_txq_alloc() - allocate a queue's records and pool
 * @q: the queue; its virtqueue is there; nothing happens if it has them
 *
 * Context: process, may sleep; under rtnl or before registration.
 * Return: 0 or -errno with nothing allocated.
 */
int cvmnet_txq_alloc(struct cvmnet_txq *q)
{
	struct cvmnet_dev *dev = q->dev;
	u32 unit = cvmnet_tx_unit(dev);
	unsigned int nr_recs, count;
	int err;

	if (q->recs)
		return 0;
	q->ring_size = virtqueue_get_vring_size(q->vq);
	nr_recs = roundup_pow_of_two(q->ring_size);
	q->recs = kvcalloc(nr_recs, sizeof(*q->recs), GFP_KERNEL);
	if (!q->recs)
		return -ENOMEM;

	if (dev->dma == CVMNET_DMA_POOL) {
		count = max_t(unsigned int, dev->tx_pool_size / unit, CVMNET_TX_POOL_PACKETS);
		q->descs_max = 1;
	} else {
		unit = CVMNET_TX_COPYBREAK + CVMNET_TXRING_ALIGN;
		count = q->ring_size;
		q->sgs_max = CVMNET_TX_SGS;
		q->descs_max = 1;
		if (!cvmnet_has(dev, VIRTIO_RING_F_INDIRECT_DESC)) {
			q->sgs_max = min_t(unsigned int, CVMNET_TX_SGS, q->ring_size);
			q->descs_max = q->sgs_max;
		}
	}
	err = cvmnet_pool_init(dev, &q->pool, unit, count);
	if (err)
		goto err_free_recs;
	q->chunk_shift = ilog2(q->pool.chunk_size);
	q->largest = unit;
	cvmnet_txring_init(&q->ring, q->recs, nr_recs, q->ring_size, q->pool.chunk_size,
			   q->pool.nr_chunks);
	sg_init_table(&q->one, 1);
	q->descs = 0;
	q->skbs = 0;
	return 0;

err_free_recs:
	kvfree(q->recs);
	q->recs = NULL;
	return err;
}

/**
 * cvmnet_txq_free() - free a queue's records and pool
 * @q: the queue, stopped, with nothing in flight
 *
 * Context: process, may sleep.
 */
void cvmnet_txq_free(struct cvmnet_txq *q)
{
	cvmnet_pool_exit(&q->pool);
	kvfree(q->recs);
	q->recs = NULL;
	memset(&q->ring, 0, sizeof(q->ring));
}

/* cvmnet_txq_forget() takes everything back. */
static void cvmnet_tx_recycle(struct virtqueue *vq, void *buf)
{
	cvmnet_vq_recycled(vq);
}

/**
 * cvmnet_txq_resize() - change the number of ring entries
 * @q: the queue, stopped
 * @num: how many
 *
 * What is in flight is dropped.  The pool stays as it is.
 *
 * Context: as cvmnet_vq_resize().
 * Return: 0; -ENOMEM, -E2BIG, -EINVAL or -ENOENT with the old ring in place, empty;
 * another error if the ring is gone, and a reset is needed.
 */
int cvmnet_txq_resize(struct cvmnet_txq *q, u32 num)
{
	u32 nr_recs = roundup_pow_of_two(num);
	struct cvmnet_tx_rec *recs;
	int err;

	if (q->recs && q->vq->num_free + q->descs != q->ring_size)
		return -EIO;
	recs = kvcalloc(nr_recs, sizeof(*recs), GFP_KERNEL);
	if (!recs)
		return -ENOMEM;
	err = cvm_vq_resize(q->vq, num, cvmnet_tx_recycle);
	if (err == -E2BIG || err == -EINVAL || err == -ENOENT || err == -EPERM || !q->recs)
		goto out_free_recs;
	cvmnet_txq_forget(q);
	if (err)
		goto out_free_recs;

	swap(q->recs, recs);
	q->ring_size = num;
	if (q->descs_max > 1) {
		q->sgs_max = min_t(unsigned int, CVMNET_TX_SGS, num);
		q->descs_max = q->sgs_max;
	}
	cvmnet_txring_init(&q->ring, q->recs, nr_recs, num, q->pool.chunk_size,
			   q->pool.nr_chunks);

out_free_recs:
	kvfree(recs);
	return err;
}

/**
 * cvmnet_txq_hold() - let nothing be sent until cvmnet_txq_release()
 * @q: the queue
 *
 * Stopped alone is not enough: our own completions would wake it.
 *
 * Context: process, under rtnl.
 */
void cvmnet_txq_hold(struct cvmnet_txq *q)
{
	__netif_tx_lock_bh(q->nq);
	q->held = true;
	netif_tx_stop_queue(q->nq);
	__netif_tx_unlock_bh(q->nq);
}

/* What has room is woken by its poll function, and by nothing else. */
static void cvmnet_txq_nudge(struct cvmnet_txq *q)
{
	local_bh_disable();
	napi_schedule(&q->napi);
	local_bh_enable();
}

/**
 * cvmnet_txq_release() - undo cvmnet_txq_hold()
 * @q: the queue
 *
 * Context: process, under rtnl.
 */
void cvmnet_txq_release(struct cvmnet_txq *q)
{
	__netif_tx_lock_bh(q->nq);
	q->held = false;
	__netif_tx_unlock_bh(q->nq);
	if (q->dev->running && q->index < q->dev->pairs)
		cvmnet_txq_nudge(q);
	else
		/* Not in use: the stack's watchdog would take it for stuck. */
		netif_tx_start_queue(q->nq);
}

/**
 * cvmnet_txq_drained() - wait for the device to be done with everything
 * @q: the queue; nothing more is sent on it
 * @end: until when, in jiffies; one look is taken in any case
 *
 * Context: process, under rtnl; may sleep.
 * Return: true if it is.
 */
bool cvmnet_txq_drained(struct cvmnet_txq *q, unsigned long end)
{
	bool empty, killed;

	do {
		__netif_tx_lock_bh(q->nq);
		killed = q->dead && !q->lingers;
		empty = !cvmnet_txring_used(&q->ring);
		/* Without a virtqueue there is nothing in it either. */
		if (!empty && !killed && cvmnet_tx_reclaim(q, 0))
			empty = !cvmnet_txring_used(&q->ring);
		__netif_tx_unlock_bh(q->nq);
		if (empty || killed)
			return empty;
		usleep_range(1000, 2000);
	} while (!virtqueue_is_broken(q->vq) && time_before(jiffies, end));
	return false;
}

/**
 * cvmnet_txq_set_pool() - exchange a queue's pool
 * @q: the queue, held and drained
 * @pool: the new one; receives the old one
 *
 * Context: process, under rtnl.
 */
void cvmnet_txq_set_pool(struct cvmnet_txq *q, struct cvmnet_pool *pool)
{
	/* The poll function and the watch look at an empty ring, too. */
	__netif_tx_lock_bh(q->nq);
	swap(q->pool, *pool);
	q->chunk_shift = ilog2(q->pool.chunk_size);
	cvmnet_txring_init(&q->ring, q->recs, q->ring.rec_mask + 1, q->ring_size,
			   q->pool.chunk_size, q->pool.nr_chunks);
	q->watched = q->ring.rec_head;
	__netif_tx_unlock_bh(q->nq);
}

/**
 * cvmnet_txq_start() - make a queue ready to send
 * @q: the queue, stopped
 *
 * Context: process, under rtnl.
 * Return: 0 or -errno.
 */
int cvmnet_txq_start(struct cvmnet_txq *q)
{
	int err;

	err = cvmnet_txq_alloc(q);
	if (err)
		return err;
	/* The watch may be looking for what was left. */
	__netif_tx_lock_bh(q->nq);
	q->dead = false;
	q->lingers = false;
	q->watched = q->ring.rec_head;
	/* Nothing may be sent between entries that the device has made the core lose. */
	if (!cvmnet_tx_sane(q))
		cvmnet_tx_kill(q);
	/* One that was not in use is not stopped, whatever the device still has of it. */
	if (q->dead || !cvmnet_tx_room(q)) {
		netif_tx_stop_queue(q->nq);
		txq_trans_cond_update(q->nq);
	}
	__netif_tx_unlock_bh(q->nq);
	napi_enable(&q->napi);
	netif_queue_set_napi(q->dev->netdev, q->index, NETDEV_QUEUE_TYPE_TX, &q->napi);
	cvmnet_txq_nudge(q);
	return 0;
}

/**
 * cvmnet_txq_stop() - complete no more
 * @q: the queue, started; the stack does not send on it any more
 *
 * Context: process, under rtnl; may sleep.
 */
void cvmnet_txq_stop(struct cvmnet_txq *q)
{
	/* The watchdog does not ask whether somebody takes the virtqueue away. */
	__netif_tx_lock_bh(q->nq);
	/* From here on the watch does, and owners wait for their skbs. */
	if (!q->dead) {
		cvmnet_tx_reclaim(q, 0);
		q->lingers = !q->dead;
	}
	WRITE_ONCE(q->dead, true);
	netif_tx_stop_queue(q->nq);
	__netif_tx_unlock_bh(q->nq);
	netif_queue_set_napi(q->dev->netdev, q->index, NETDEV_QUEUE_TYPE_TX, NULL);
	napi_disable(&q->napi);
}

/**
 * cvmnet_txq_sent() - count the packets that the device has
 * @q: the queue, stopped
 *
 * Context: process.
 * Return: their number.
 */
unsigned int cvmnet_txq_sent(const struct cvmnet_txq *q)
{
	unsigned int i, sent = 0;

	for (i = q->ring.rec_tail; i != q->ring.rec_head; i++)
		sent += q->recs[i & q->ring.rec_mask].state == CVMNET_TX_SENT;
	return sent;
}

/**
 * cvmnet_txq_forget() - take all packets back from a ring that was reset
 * @q: the queue, stopped
 *
 * Context: process.
 */
void cvmnet_txq_forget(struct cvmnet_txq *q)
{
	u32 i;

	if (!q->recs)
		return;
	for (i = 0; i <= q->ring.rec_mask; i++) {
		dev_kfree_skb_any(q->recs[i].skb);
		q->recs[i].skb = NULL;
	}
	cvmnet_txring_clear(&q->ring);
	q->lingers = false;
	q->descs = 0;
	q->skbs = 0;
	q->since = 0;
	netdev_tx_reset_queue(q->nq);
}
