// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: how buffers are laid out, and the life of a queue.
 */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_net.h>
#include <uapi/linux/bpf.h>

#include <compat/net.h>
#include <compat/virtio.h>
#include <compat/virtio_net.h>

#include "cvmnet.h"
#include "rx.h"

/* Post that many at a time: the device looks at the ring less often. */
#define CVMNET_RX_BATCH		32U
/* Stream mode: pages of larger buffers */
#define CVMNET_RX_ORDER		2
/* Buffers of a queue at most. */
#define CVMNET_RX_SLOTS_MAX	4096U

/* --- layout --- */

/**
 * cvmnet_rx_packet_max() - the longest packet that may be received
 * @dev: the device
 *
 * Context: any.
 * Return: bytes, without the virtio header.
 */
u32 cvmnet_rx_packet_max(const struct cvmnet_dev *dev)
{
	const u64 gso = BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) |
			BIT_ULL(VIRTIO_NET_F_GUEST_USO4) | BIT_ULL(VIRTIO_NET_F_GUEST_USO6);
	unsigned int mtu = ETH_DATA_LEN;

	if (dev->feat & gso)
		return CVMNET_PKT_MAX;
	if (cvmnet_has(dev, VIRTIO_NET_F_MTU))
		mtu = max(mtu, dev->cfg.mtu);
	return min(mtu + ETH_HLEN + VLAN_HLEN, CVMNET_PKT_MAX);
}

/**
 * cvmnet_rx_mode_choose() - the buffer mode that fits what was negotiated
 * @dev: the device
 *
 * Context: any.
 * Return: the mode.
 */
const struct cvmnet_rx_mode *cvmnet_rx_mode_choose(const struct cvmnet_dev *dev)
{
	if (cvmnet_has(dev, VIRTIO_NET_F_MRG_RXBUF))
		return &cvmnet_rx_mergeable;
	if (cvmnet_rx_packet_max(dev) + dev->hdr_len > CVMNET_RX_LINEAR)
		return &cvmnet_rx_big;
	return &cvmnet_rx_small;
}

/**
 * cvmnet_mtu_max() - the largest MTU that can be received
 * @dev: the device
 *
 * Context: any.
 * Return: the MTU.
 */
int cvmnet_mtu_max(const struct cvmnet_dev *dev)
{
	if (cvmnet_has(dev, VIRTIO_NET_F_MTU))
		return dev->cfg.mtu;
	if (dev->rx_mode == &cvmnet_rx_small)
		return ETH_DATA_LEN;
	return CVMNET_PKT_MAX - ETH_HLEN - VLAN_HLEN;
}

/* --- life --- */

/**
 * cvmnet_rxq_init() - what a queue needs once
 * @q: the queue, zeroed but for its device and index
 *
 * Context: process; the net device is not registered.
 */
void cvmnet_rxq_init(struct cvmnet_rxq *q)
{
	u64_stats_init(&q->syncp);
	cvmnet_dim_init(&q->dim, q->dev, q->index, false);
	q->mode = q->dev->rx_mode;
	INIT_DELAYED_WORK(&q->refill_work, cvmnet_rx_refill_work);
	netif_napi_add(q->dev->netdev, &q->napi, cvmnet_rx_poll);
}

/**
 * cvmnet_rxq_exit() - undo cvmnet_rxq_init()
 * @q: the queue, stopped
 *
 * Context: process, may sleep.
 */
void cvmnet_rxq_exit(struct cvmnet_rxq *q)
{
	cancel_delayed_work_sync(&q->refill_work);
	netif_napi_del(&q->napi);
}

static int cvmnet_rxq_alloc_pool(struct cvmnet_rxq *q)
{
	unsigned int i, per;
	int err;

	q->slot_size = ALIGN(q->mode->bytes(q->dev), SMP_CACHE_BYTES);
	q->posted = q->mode->bytes(q->dev);
	err = cvmnet_pool_init(q->dev, &q->pool, q->slot_size, q->nr_slots);
	if (err)
		return err;
	per = q->pool.chunk_size / q->slot_size;
	for (i = 0; i < q->nr_slots; i++) {
		struct cvmnet_chunk *chunk = &q->pool.chunks[i / per];

		q->slots[i].bytes = q->posted;
		q->slots[i].va = chunk->va + i % per * q->slot_size;
		q->slots[i].dma = chunk->dma + i % per * q->slot_size;
	}
	return 0;
}

static int cvmnet_rxq_alloc_pages(struct cvmnet_rxq *q)
{
	unsigned int i;

	q->buf_pages = q->mode->pages(q->dev);
	q->slot_size = q->buf_pages * PAGE_SIZE;
	q->posted = 0;
	for (i = 0; i < q->buf_pages; i++)
		q->posted += i ? PAGE_SIZE : CVMNET_RX_LINEAR;
	q->pages = kvcalloc(q->nr_slots, q->buf_pages * sizeof(*q->pages), GFP_KERNEL);
	return q->pages ? 0 : -ENOMEM;
}

/* Whatever the mode: the device may offer a ring of any size. */
static unsigned int cvmnet_rxq_slots(const struct cvmnet_rxq *q, unsigned int ring_size)
{
	return min(q->mode->slots(q->dev, ring_size), CVMNET_RX_SLOTS_MAX);
}

static int cvmnet_rxq_alloc_pp(struct cvmnet_rxq *q, unsigned int order, struct page_pool **pp)
{
	unsigned int slots = cvmnet_rxq_slots(q, virtqueue_get_vring_size(q->vq));
	struct page_pool_params params = {
		.order = order,
		.pool_size = max(slots, 64U),
		.nid = dev_to_node(q->dev->vdev->dev.parent),
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE << order,
	};

	if (q->dev->rx_premapped) {
		params.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV;
		params.dev = q->dev->dma_dev;
	}
	cvm_page_pool_params_napi(&params, &q->napi);
	*pp = page_pool_create(&params);
	if (IS_ERR(*pp)) {
		int err = PTR_ERR(*pp);

		*pp = NULL;
		return err;
	}
	return 0;
}

/* In pool mode pages hold private copies, which are as large as they need to be. */
static bool cvmnet_rxq_takes_large(const struct cvmnet_rxq *q)
{
	return q->dev->dma == CVMNET_DMA_STREAM && q->mode == &cvmnet_rx_mergeable &&
	       cvmnet_rx_packet_max(q->dev) > CVMNET_RX_LINEAR;
}

static void cvmnet_rxq_free_bufs(struct cvmnet_rxq *q)
{
	unsigned int i;

	for (i = 0; q->pages && i < q->nr_slots * q->buf_pages; i++)
		if (q->pages[i])
			cvmnet_rx_page_free(q, q->pages[i]);
	cvmnet_pool_exit(&q->pool);
	kfree(q->sg);
	q->sg = NULL;
	kvfree(q->pages);
	q->pages = NULL;
	q->buf_pages = 0;
	kvfree(q->free);
	q->free = NULL;
	kvfree(q->slots);
	q->slots = NULL;
	q->nr_slots = 0;
	q->nr_free = 0;
	q->lent = 0;
	q->descs = 0;
}

/* Slots for a ring of that size, none of them posted. */
static int cvmnet_rxq_alloc_bufs(struct cvmnet_rxq *q, unsigned int ring_size)
{
	unsigned int i;
	int err = -ENOMEM;

	q->ring_size = ring_size;
	q->nr_slots = cvmnet_rxq_slots(q, ring_size);
	if (!q->nr_slots)
		return -EINVAL;
	q->slots = kvcalloc(q->nr_slots, sizeof(*q->slots), GFP_KERNEL);
	q->free = kvcalloc(q->nr_slots, sizeof(*q->free), GFP_KERNEL);
	if (!q->slots || !q->free)
		goto err_free;
	err = q->dev->dma == CVMNET_DMA_POOL ? cvmnet_rxq_alloc_pool(q) :
					       cvmnet_rxq_alloc_pages(q);
	if (err)
		goto err_free;
	q->sg = kcalloc(max(q->buf_pages, 1U), sizeof(*q->sg), GFP_KERNEL);
	if (!q->sg) {
		err = -ENOMEM;
		goto err_free;
	}
	sg_init_table(q->sg, max(q->buf_pages, 1U));
	q->refill_at = clamp(q->nr_slots / 4, 1U, CVMNET_RX_BATCH);
	for (i = 0; i < q->nr_slots; i++)
		q->free[i] = i;
	q->nr_free = q->nr_slots;
	return 0;

err_free:
	cvmnet_rxq_free_bufs(q);
	return err;
}

/**
 * cvmnet_rxq_alloc() - allocate a queue's buffers
 * @q: the queue; its virtqueue is there; nothing happens if it has them
 *
 * Context: process, may sleep; under rtnl or before registration.
 * Return: 0 or -errno with nothing allocated.
 */
int cvmnet_rxq_alloc(struct cvmnet_rxq *q)
{
	int err;

	if (q->slots)
		return 0;
	err = cvmnet_rxq_alloc_pp(q, 0, &q->pp);
	if (err)
		return err;
	if (cvmnet_rxq_takes_large(q))
		err = cvmnet_rxq_alloc_pp(q, CVMNET_RX_ORDER, &q->pp_large);
	if (!err)
		err = cvmnet_rxq_alloc_bufs(q, virtqueue_get_vring_size(q->vq));
	if (err)
		cvmnet_rxq_free(q);
	return err;
}

/**
 * cvmnet_rxq_free() - free a queue's buffers
 * @q: the queue, stopped, whose buffers the device can't reach any more
 *
 * Context: process, may sleep.
 */
void cvmnet_rxq_free(struct cvmnet_rxq *q)
{
	cvmnet_rxq_free_bufs(q);
	if (q->pp_large)
		page_pool_destroy(q->pp_large);
	q->pp_large = NULL;
	if (q->pp)
		page_pool_destroy(q->pp);
	q->pp = NULL;
	q->average = 0;
	q->large = false;
}

/**
 * cvmnet_rxq_resize() - change the number of ring entries
 * @q: the queue, stopped
 * @num: how many
 *
 * Context: as cvmnet_vq_resize().
 * Return: 0; -ENOMEM, -E2BIG, -EINVAL or -ENOENT with the old ring in place;
 * another error if the ring is gone, and a reset is needed.
 */
int cvmnet_rxq_resize(struct cvmnet_rxq *q, u32 num)
{
	struct cvmnet_rxq *new;
	int err;

	if (!q->slots)
		return cvm_vq_resize(q->vq, num, cvmnet_rx_recycle);
	if (q->vq->num_free + q->descs != q->ring_size)
		return -EIO;
	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	new->dev = q->dev;
	new->mode = q->mode;
	new->pp = q->pp;
	new->pp_large = q->pp_large;
	err = cvmnet_rxq_alloc_bufs(new, num);
	if (err)
		goto out_free_new;
	err = cvm_vq_resize(q->vq, num, cvmnet_rx_recycle);
	if (err)
		goto out_free_bufs;

	/* Nothing can fail past this point; new gets the old buffers. */
	swap(q->slots, new->slots);
	swap(q->free, new->free);
	swap(q->nr_free, new->nr_free);
	swap(q->nr_slots, new->nr_slots);
	swap(q->pages, new->pages);
	swap(q->pool, new->pool);
	swap(q->sg, new->sg);
	q->ring_size = new->ring_size;
	q->refill_at = new->refill_at;

out_free_bufs:
	cvmnet_rxq_free_bufs(new);
out_free_new:
	kfree(new);
	return err;
}

/**
 * cvmnet_rxq_start() - give buffers to the device and receive
 * @q: the queue, stopped
 *
 * Context: process, under rtnl.
 * Return: 0 or -errno.
 */
int cvmnet_rxq_start(struct cvmnet_rxq *q)
{
	int err;

	err = cvmnet_rxq_alloc(q);
	if (err)
		return err;
	cvmnet_rx_begin(q);
	/* A dead queue starts too: its reset is under way, and needs it stopped in order. */
	napi_enable(&q->napi);
	netif_queue_set_napi(q->dev->netdev, q->index, NETDEV_QUEUE_TYPE_RX, &q->napi);
	/* What the device used while nobody listened raised no interrupt. */
	local_bh_disable();
	napi_schedule(&q->napi);
	local_bh_enable();
	return 0;
}

/**
 * cvmnet_rxq_stop() - receive no more
 * @q: the queue, started; its buffers stay with the device
 *
 * Context: process, under rtnl; may sleep.
 */
void cvmnet_rxq_stop(struct cvmnet_rxq *q)
{
	netif_queue_set_napi(q->dev->netdev, q->index, NETDEV_QUEUE_TYPE_RX, NULL);
	napi_disable(&q->napi);
	cancel_delayed_work_sync(&q->refill_work);
}

/**
 * cvmnet_rxq_forget() - take all buffers back from a device that was reset
 * @q: the queue, stopped
 *
 * Context: process.
 */
void cvmnet_rxq_forget(struct cvmnet_rxq *q)
{
	unsigned int i;

	q->nr_free = 0;
	for (i = 0; i < q->nr_slots; i++) {
		q->slots[i].posted = false;
		q->free[q->nr_free++] = i;
	}
	q->lent = 0;
	q->descs = 0;
}
