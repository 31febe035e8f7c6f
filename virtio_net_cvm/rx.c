// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: buffers given to the device, used ones taken apart, the poll loop.
 *
 * Pool mode: a slot is a piece of shared memory for good.  A packet is copied
 * out of it once, into private memory, and the slot goes back to the device.
 * Stream mode: a slot holds pages of the page pool, which become the skb.
 *
 * Order of the checks: our own record of the slot, the length against what we
 * posted, a private copy of the header, then what the header asks for.
 */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/indirect_call_wrapper.h>
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
#include "inner_hash.h"
#include "rx.h"
#include "trace.h"
#include "tunnel.h"
#include "vq.h"

/* Stream mode: the average packet from which larger buffers pay. */
#define CVMNET_RX_LARGER	6144U
#define CVMNET_RX_SMALLER	3072U
/* Small packets leave large buffers where they are. */
#define CVMNET_RX_COPYBREAK_LARGE	2048

static struct cvmnet_rxq *cvmnet_vq_to_rxq(struct virtqueue *vq)
{
	struct cvmnet_dev *dev = vq->vdev->priv;

	return &dev->rxq[vq->index / 2];
}

/**
 * cvmnet_rx_kill() - stop to listen to a queue, and ask for a reset
 * @q: the queue
 *
 * Context: the queue's NAPI.
 */
void cvmnet_rx_kill(struct cvmnet_rxq *q)
{
	if (q->dead)
		return;
	WRITE_ONCE(q->dead, true);
	cvmnet_reset_request(q->dev, CVMNET_RESET_RX_RING);
}

/* --- layout --- */

/* Page i of a stream buffer: the first has headroom, and room for skb_shared_info. */
static unsigned int cvmnet_page_offset(unsigned int i)
{
	return i ? 0 : CVMNET_RX_HEADROOM;
}

static unsigned int cvmnet_page_room(struct page *page, unsigned int i)
{
	return i ? PAGE_SIZE : SKB_WITH_OVERHEAD(page_size(page)) - CVMNET_RX_HEADROOM;
}

static struct page **cvmnet_slot_pages(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot)
{
	return q->pages + (slot - q->slots) * q->buf_pages;
}

/* --- posting --- */

/*
 * Packets that the device has put together arrive in fewer buffers, at less cost, if
 * these are larger; for single packets that would be a waste. So their size follows
 * the packets. Where memory is fragmented they are small.
 */
static struct page *cvmnet_rx_page_alloc(struct cvmnet_rxq *q)
{
	struct page *page = NULL;

	if (q->large)
		page = page_pool_dev_alloc_pages(q->pp_large);
	if (!page)
		return page_pool_dev_alloc_pages(q->pp);
	q->pending.large_buffers++;
	return page;
}

/**
 * cvmnet_rx_page_free() - give a page back to the pool it came from
 * @q:    the queue
 * @page: its page
 *
 * Context: any but hard interrupt.
 */
void cvmnet_rx_page_free(struct cvmnet_rxq *q, struct page *page)
{
	page_pool_put_full_page(page_size(page) > PAGE_SIZE ? q->pp_large : q->pp, page, false);
}

static void cvmnet_rx_size_choose(struct cvmnet_rxq *q)
{
	if (q->pp_large)
		q->large = q->average > (q->large ? CVMNET_RX_SMALLER : CVMNET_RX_LARGER);
}

/* A page that was read and is posted again; the page pool does it for new ones. */
static void cvmnet_rx_sync_back(struct cvmnet_rxq *q, struct page *page, unsigned int i)
{
	if (q->dev->rx_premapped)
		dma_sync_single_range_for_device(q->dev->dma_dev, page_pool_get_dma_addr(page),
						 cvmnet_page_offset(i), cvmnet_page_room(page, i),
						 DMA_FROM_DEVICE);
}

static int cvmnet_slot_fill(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot)
{
	struct page **pages = cvmnet_slot_pages(q, slot);
	unsigned int i, room;

	/* Kept because its packet was copied; not for ever, if such packets are the rule. */
	if (pages[0] && q->pp_large && q->large != (page_size(pages[0]) > PAGE_SIZE)) {
		cvmnet_rx_page_free(q, pages[0]);
		pages[0] = NULL;
	}
	slot->bytes = 0;
	/* The list was initialised once: what is set here leaves its end alone. */
	for (i = 0; i < q->buf_pages; i++) {
		if (pages[i]) {
			cvmnet_rx_sync_back(q, pages[i], i);
		} else {
			pages[i] = cvmnet_rx_page_alloc(q);
			if (!pages[i])
				return -ENOMEM;
		}
		room = cvmnet_page_room(pages[i], i);
		slot->bytes += room;
		sg_set_page(&q->sg[i], pages[i], room, cvmnet_page_offset(i));
		if (q->dev->rx_premapped)
			q->sg[i].dma_address = page_pool_get_dma_addr(pages[i]) +
					       cvmnet_page_offset(i);
	}
	return 0;
}

static int cvmnet_rx_post(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot)
{
	unsigned int before = q->vq->num_free;
	unsigned int sgs = 1;
	int err;

	if (slot->va) {
		cvm_sg_shared(q->sg, slot->va, slot->dma, slot->bytes);
	} else {
		err = cvmnet_slot_fill(q, slot);
		if (err) {
			q->pending.alloc_fail++;
			return err;
		}
		sgs = q->buf_pages;
		/* Without an indirect table; the core warns rather than refuses. */
		if (before < sgs)
			return -ENOSPC;
	}
	err = virtqueue_add_inbuf(q->vq, q->sg, sgs, slot, GFP_ATOMIC);
	if (err)
		return err;
	slot->posted = true;
	slot->descs = before - q->vq->num_free;
	q->descs += slot->descs;
	q->lent++;
	return 0;
}

/* Post what is free and tell the device once.  False when memory ran out. */
static bool cvmnet_rx_refill(struct cvmnet_rxq *q)
{
	unsigned int posted = 0;
	int err = 0;

	cvmnet_rx_size_choose(q);
	while (q->nr_free) {
		err = cvmnet_rx_post(q, &q->slots[q->free[q->nr_free - 1]]);
		if (err)
			break;
		q->nr_free--;
		posted++;
	}
	if (posted && virtqueue_kick_prepare(q->vq) && virtqueue_notify(q->vq))
		q->pending.kicks++;
	return err != -ENOMEM;
}

/**
 * cvmnet_rx_refill_work() - refill a queue for which there was no memory
 * @work: the queue's
 *
 * Context: process.
 */
void cvmnet_rx_refill_work(struct work_struct *work)
{
	struct cvmnet_rxq *q = container_of(to_delayed_work(work), struct cvmnet_rxq, refill_work);

	/* Its poll function refills; the work only brings it about. */
	local_bh_disable();
	napi_schedule(&q->napi);
	local_bh_enable();
}

/* --- taking a used buffer apart --- */

/* A posted slot is ours again. */
static void cvmnet_rx_slot_back(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot)
{
	slot->posted = false;
	q->lent--;
	q->descs -= slot->descs;
	q->free[q->nr_free++] = slot - q->slots;
}

/**
 * cvmnet_rx_recycle() - take back a buffer of a ring that was reset
 * @vq:  the virtqueue
 * @buf: its slot
 *
 * Context: process; the queue is stopped.
 */
void cvmnet_rx_recycle(struct virtqueue *vq, void *buf)
{
	struct cvmnet_rx_slot *slot = buf;

	if (slot->posted)
		cvmnet_rx_slot_back(cvmnet_vq_to_rxq(vq), slot);
	cvmnet_vq_recycled(vq);
}

/**
 * cvmnet_rx_next() - the next used buffer
 * @q: the queue
 * @len: receives what the device says it wrote; not checked
 *
 * The slot counts as free at once, since slots are posted only after the packets
 * of a poll are done with.
 *
 * Context: the queue's NAPI.
 * Return: its slot; NULL if there is none, or the ring is not to be trusted.
 */
struct cvmnet_rx_slot *cvmnet_rx_next(struct cvmnet_rxq *q, u32 *len)
{
	struct cvmnet_rx_slot *slot;

	/* The device can't have used more than it was given. */
	if (!q->lent)
		return NULL;
	slot = virtqueue_get_buf(q->vq, len);
	if (!slot)
		return NULL;
	if (unlikely(!slot->posted)) {
		cvmnet_rx_kill(q);
		return NULL;
	}
	cvmnet_rx_slot_back(q, slot);
	return slot;
}

static void cvmnet_rx_sync(struct cvmnet_rxq *q, struct page *page, unsigned int offset,
			   unsigned int len)
{
	if (q->dev->rx_premapped)
		dma_sync_single_range_for_cpu(q->dev->dma_dev, page_pool_get_dma_addr(page),
					      offset, len, DMA_FROM_DEVICE);
}

/**
 * cvmnet_rx_header() - snapshot and decode a packet's header
 * @q: the queue
 * @slot: the packet's first buffer
 * @len: bytes in it, checked
 * @hdr: receives the copy, which nobody else can write to
 * @pkt: receives what it says
 *
 * Context: the queue's NAPI.
 */
void cvmnet_rx_header(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len,
		      struct virtio_net_hdr_v1_hash *hdr, struct cvmnet_pkt *pkt)
{
	bool with_hash = q->dev->hdr_len == sizeof(*hdr);
	const void *src = slot->va;

	if (!src) {
		struct page **pages = cvmnet_slot_pages(q, slot);

		cvmnet_rx_sync(q, pages[0], CVMNET_RX_HEADROOM,
			       min_t(u32, len, cvmnet_page_room(pages[0], 0)));
		src = page_address(pages[0]) + CVMNET_RX_HEADROOM;
	}
	if (with_hash)
		memcpy(hdr, src, sizeof(*hdr));
	else
		memcpy(&hdr->hdr, src, sizeof(hdr->hdr));
	/* Otherwise the compiler may read the shared fields again. */
	barrier();
	cvmnet_pkt_read(pkt, hdr, with_hash);
}

static struct sk_buff *cvmnet_rx_copy_small(struct cvmnet_rxq *q, const void *data, u32 len)
{
	struct sk_buff *skb = napi_alloc_skb(&q->napi, len);

	if (likely(skb))
		skb_put_data(skb, data, len);
	return skb;
}

static struct sk_buff *cvmnet_rx_build(struct cvmnet_rxq *q, struct page *page,
				       unsigned int reserve)
{
	struct sk_buff *skb = napi_build_skb(page_address(page), page_size(page));

	if (unlikely(!skb))
		return NULL;
	skb_reserve(skb, reserve);
	skb_mark_for_recycle(skb);
	return skb;
}

/* Copy out of shared memory, into the last page's room and then into new pages. */
static int cvmnet_rx_copy_more(struct cvmnet_rxq *q, struct sk_buff *skb, const void *src,
			       u32 len)
{
	struct skb_shared_info *info = skb_shinfo(skb);
	struct page *page;
	u32 n;

	while (len) {
		if (q->fill_room) {
			skb_frag_t *frag = &info->frags[info->nr_frags - 1];

			n = min(len, q->fill_room);
			memcpy(skb_frag_address(frag) + skb_frag_size(frag), src, n);
			skb_frag_size_add(frag, n);
			skb->len += n;
			skb->data_len += n;
		} else {
			if (info->nr_frags == MAX_SKB_FRAGS)
				return -EMSGSIZE;
			page = page_pool_dev_alloc_pages(q->pp);
			if (unlikely(!page))
				return -ENOMEM;
			n = min_t(u32, len, PAGE_SIZE);
			memcpy(page_address(page), src, n);
			skb_add_rx_frag(skb, info->nr_frags, page, 0, n, PAGE_SIZE);
			q->fill_room = PAGE_SIZE;
		}
		q->fill_room -= n;
		src += n;
		len -= n;
	}
	return 0;
}

static struct sk_buff *cvmnet_rx_copy_first(struct cvmnet_rxq *q, const void *data, u32 len)
{
	u32 head = min_t(u32, len, CVMNET_RX_LINEAR);
	struct sk_buff *skb;
	struct page *page;

	page = page_pool_dev_alloc_pages(q->pp);
	if (unlikely(!page))
		return NULL;
	skb = cvmnet_rx_build(q, page, CVMNET_RX_HEADROOM);
	if (unlikely(!skb)) {
		page_pool_recycle_direct(q->pp, page);
		return NULL;
	}
	skb_put_data(skb, data, head);
	q->fill_room = 0;
	if (unlikely(len > head) && cvmnet_rx_copy_more(q, skb, data + head, len - head)) {
		dev_kfree_skb_any(skb);
		return NULL;
	}
	return skb;
}

/* The pages after the first that hold len bytes become fragments. */
static int cvmnet_rx_take_pages(struct cvmnet_rxq *q, struct sk_buff *skb,
				struct cvmnet_rx_slot *slot, u32 len)
{
	struct page **pages = cvmnet_slot_pages(q, slot);
	unsigned int i;
	u32 n;

	for (i = 1; len; i++) {
		if (i == q->buf_pages || i > MAX_SKB_FRAGS)
			return -EMSGSIZE;
		n = min_t(u32, len, PAGE_SIZE);
		cvmnet_rx_sync(q, pages[i], 0, n);
		skb_add_rx_frag(skb, i - 1, pages[i], 0, n, PAGE_SIZE);
		pages[i] = NULL;
		len -= n;
	}
	return 0;
}

static struct sk_buff *cvmnet_rx_take_first(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot,
					    u32 len)
{
	struct page **pages = cvmnet_slot_pages(q, slot);
	u8 hdr_len = q->dev->hdr_len;
	struct sk_buff *skb;
	u32 head;

	skb = cvmnet_rx_build(q, pages[0], CVMNET_RX_HEADROOM + hdr_len);
	if (unlikely(!skb))
		return NULL;
	head = min_t(u32, len, cvmnet_page_room(pages[0], 0) - hdr_len);
	pages[0] = NULL;
	skb_put(skb, head);
	if (len > head && cvmnet_rx_take_pages(q, skb, slot, len - head)) {
		dev_kfree_skb_any(skb);
		return NULL;
	}
	return skb;
}

/**
 * cvmnet_rx_first() - start an skb with a packet's first buffer
 * @q: the queue
 * @slot: the buffer
 * @len: bytes in it, header included, checked
 * @alone: no other buffer follows
 *
 * Context: the queue's NAPI.
 * Return: the skb, or NULL without memory; the slot is complete either way.
 */
struct sk_buff *cvmnet_rx_first(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len,
				bool alone)
{
	u8 hdr_len = q->dev->hdr_len;
	u32 copybreak = CVMNET_RX_COPYBREAK;
	const void *data;

	len -= hdr_len;
	if (slot->va) {
		data = slot->va + hdr_len;
	} else {
		struct page *page = cvmnet_slot_pages(q, slot)[0];

		data = page_address(page) + CVMNET_RX_HEADROOM + hdr_len;
		if (page_size(page) > PAGE_SIZE)
			copybreak = CVMNET_RX_COPYBREAK_LARGE;
	}
	if (alone && len <= copybreak)
		return cvmnet_rx_copy_small(q, data, len);
	if (slot->va)
		return cvmnet_rx_copy_first(q, data, len);
	return cvmnet_rx_take_first(q, slot, len);
}

/* The last skb of a chain that was begun because fragments ran out. */
static struct sk_buff *cvmnet_rx_chain(struct cvmnet_rxq *q, struct sk_buff *head)
{
	struct sk_buff *skb;

	if (head == q->tail && skb_shinfo(head)->nr_frags < MAX_SKB_FRAGS)
		return head;
	if (head != q->tail && skb_shinfo(q->tail)->nr_frags < MAX_SKB_FRAGS)
		return q->tail;
	skb = napi_alloc_skb(&q->napi, 0);
	if (unlikely(!skb))
		return NULL;
	skb_mark_for_recycle(skb);
	if (head == q->tail)
		skb_shinfo(head)->frag_list = skb;
	else
		q->tail->next = skb;
	head->truesize += skb->truesize;
	q->tail = skb;
	return skb;
}

/**
 * cvmnet_rx_more() - add a further buffer to an skb
 * @q: the queue
 * @skb: the skb that cvmnet_rx_first() made of the packet's first buffer
 * @slot: the buffer; of one page in stream mode
 * @len: bytes in it, checked
 *
 * The mode sets @q->tail to @skb before the first call.
 *
 * Context: the queue's NAPI.
 * Return: 0, -ENOMEM or -EMSGSIZE; the caller frees the skb on error.
 */
int cvmnet_rx_more(struct cvmnet_rxq *q, struct sk_buff *skb, struct cvmnet_rx_slot *slot,
		   u32 len)
{
	struct sk_buff *to;
	unsigned int size;
	struct page **page;

	if (slot->va)
		return cvmnet_rx_copy_more(q, skb, slot->va, len);

	to = cvmnet_rx_chain(q, skb);
	if (unlikely(!to))
		return -ENOMEM;
	page = cvmnet_slot_pages(q, slot);
	size = page_size(*page);
	cvmnet_rx_sync(q, *page, CVMNET_RX_HEADROOM, len);
	skb_add_rx_frag(to, skb_shinfo(to)->nr_frags, *page, CVMNET_RX_HEADROOM, len, size);
	*page = NULL;
	if (to != skb) {
		skb->len += len;
		skb->data_len += len;
		skb->truesize += size;
	}
	return 0;
}

/* Offloads: what the device vouches for, and what it leaves to us. */
static bool cvmnet_rx_offloads(struct cvmnet_rxq *q, struct sk_buff *skb,
			       const struct virtio_net_hdr_v1_hash *hdr,
			       const struct cvmnet_pkt *pkt)
{
	/* The core would log each packet whose checksum lies outside the linear part. */
	if (pkt->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    (u32)pkt->csum_start + pkt->csum_offset + sizeof(__sum16) > skb_headlen(skb)) {
		q->pending.csum_bad++;
		q->pending.drops[CVMNET_RX_DROP_CSUM]++;
		return false;
	}
	if (virtio_net_hdr_to_skb(skb, (const struct virtio_net_hdr *)&hdr->hdr, true)) {
		q->pending.drops[CVMNET_RX_DROP_GSO]++;
		return false;
	}
	if (pkt->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		q->pending.hw_gro_packets++;
		q->pending.hw_gro_bytes += skb->len;
	}
	return true;
}

/**
 * cvmnet_rx_finish() - turn a packet into one for the stack, or drop it
 * @q: the queue
 * @skb: the whole packet, in private memory; freed if dropped
 * @hdr: the header's snapshot
 * @pkt: what it says
 *
 * Context: the queue's NAPI.
 * Return: @skb, or NULL if it was dropped (and counted).
 */
struct sk_buff *cvmnet_rx_finish(struct cvmnet_rxq *q, struct sk_buff *skb,
				 const struct virtio_net_hdr_v1_hash *hdr,
				 const struct cvmnet_pkt *pkt)
{
	struct net_device *netdev = q->dev->netdev;
	u64 active = READ_ONCE(q->dev->offloads.active);
	/* What was left to us before that was switched off may still come. */
	u64 csum = q->dev->offloads.capable & BIT_ULL(VIRTIO_NET_F_GUEST_CSUM);
	enum cvmnet_rx_drop drop;

	if (pkt->flags | pkt->gso_type) {
		drop = cvmnet_pkt_check(pkt, skb->len, active | csum);
		if (unlikely(drop != CVMNET_RX_OK)) {
			if (drop == CVMNET_RX_DROP_CSUM)
				q->pending.csum_bad++;
			q->pending.drops[drop]++;
			goto err_free_skb;
		}
		if ((pkt->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM || pkt->gso_type) &&
		    !cvmnet_rx_offloads(q, skb, hdr, pkt))
			goto err_free_skb;
		/* One that is to be completed can't be vouched for as well. */
		if (pkt->flags & VIRTIO_NET_HDR_F_DATA_VALID &&
		    active & BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) &&
		    skb->ip_summed == CHECKSUM_NONE)
			skb->ip_summed = CHECKSUM_UNNECESSARY;
	}
	if (skb->ip_summed == CHECKSUM_NONE)
		q->pending.csum_none++;
	else
		q->pending.csum_unnecessary++;

	if (pkt->hash_report && netdev->features & NETIF_F_RXHASH) {
		enum cvmnet_hash hash = cvmnet_pkt_hash(pkt);

		if (hash != CVMNET_HASH_NONE)
			skb_set_hash(skb, pkt->hash, hash == CVMNET_HASH_L4 ? PKT_HASH_TYPE_L4 :
								      PKT_HASH_TYPE_L3);
	}
	q->pending.packets++;
	q->pending.bytes += skb->len;
	skb_record_rx_queue(skb, q->index);
	skb->protocol = eth_type_trans(skb, netdev);
	/* A device that looks into all tunnels has told the better hash already. */
	if (unlikely(READ_ONCE(q->dev->sw_inner_hash)) &&
	    READ_ONCE(q->dev->tunnel_types) != CVMNET_TUNNEL_MASK)
		cvmnet_inner_hash(skb);
	return skb;

err_free_skb:
	dev_kfree_skb_any(skb);
	return NULL;
}

/**
 * cvmnet_rx_single() - receive a packet that is in one buffer
 * @q: the queue
 * @slot: the buffer
 * @len: what the device says it wrote
 *
 * num_buffers is not read: without VIRTIO_NET_F_MRG_RXBUF it means nothing.
 *
 * Context: the queue's NAPI.
 * Return: the skb, or NULL if the packet was dropped (and counted).
 */
struct sk_buff *cvmnet_rx_single(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len)
{
	struct virtio_net_hdr_v1_hash hdr;
	enum cvmnet_rx_drop drop;
	struct cvmnet_pkt pkt;
	struct sk_buff *skb;

	drop = cvmnet_pkt_len(len, slot->bytes, q->dev->hdr_len);
	if (unlikely(drop != CVMNET_RX_OK)) {
		q->pending.drops[drop]++;
		return NULL;
	}
	cvmnet_rx_header(q, slot, len, &hdr, &pkt);
	skb = cvmnet_rx_first(q, slot, len, true);
	if (unlikely(!skb)) {
		q->pending.drops[CVMNET_RX_DROP_NOMEM]++;
		return NULL;
	}
	return cvmnet_rx_finish(q, skb, &hdr, &pkt);
}

/* --- the poll loop --- */

static unsigned int cvmnet_rx_clean(struct cvmnet_rxq *q, unsigned int budget)
{
	struct cvmnet_rx_slot *slot;
	struct sk_buff *skb;
	unsigned int done;
	u32 len;

	for (done = 0; done < budget; done++) {
		slot = cvmnet_rx_next(q, &len);
		if (!slot)
			break;
		skb = INDIRECT_CALL_3(q->mode->receive, cvmnet_rx_mergeable_receive,
				      cvmnet_rx_small_receive, cvmnet_rx_big_receive,
				      q, slot, len);
		if (likely(skb))
			napi_gro_receive(&q->napi, skb);
	}
	return done;
}

/* On a split ring the device can make the core free what was never used. */
static bool cvmnet_rx_sane(struct cvmnet_rxq *q)
{
	return q->vq->num_free + q->descs == q->ring_size && !virtqueue_is_broken(q->vq);
}

/* Once for a poll, not for a packet: who traces wants to know, not to be drowned. */
static void cvmnet_rx_trace(const struct cvmnet_rxq *q)
{
	unsigned int i;

	for (i = 0; i < CVMNET_RX_DROPS; i++)
		if (q->pending.drops[i])
			trace_cvmnet_rx_drop(q, i, q->pending.drops[i]);
	if (q->pending.alloc_fail)
		trace_cvmnet_rx_refill_failed(q);
}

static void cvmnet_rx_publish(struct cvmnet_rxq *q)
{
	const u64 *from = (const u64 *)&q->pending;
	u64 *to = (u64 *)&q->stats;
	unsigned int i;

	BUILD_BUG_ON(sizeof(q->stats) % sizeof(u64));
	if (trace_cvmnet_rx_drop_enabled() || trace_cvmnet_rx_refill_failed_enabled())
		cvmnet_rx_trace(q);
	u64_stats_update_begin(&q->syncp);
	for (i = 0; i < sizeof(q->stats) / sizeof(u64); i++)
		to[i] += from[i];
	u64_stats_update_end(&q->syncp);
	memset(&q->pending, 0, sizeof(q->pending));
}

static void cvmnet_rx_complete(struct cvmnet_rxq *q, unsigned int done)
{
	unsigned int opaque = virtqueue_enable_cb_prepare(q->vq);

	WRITE_ONCE(q->opaque, opaque);
	if (!napi_complete_done(&q->napi, done)) {
		virtqueue_disable_cb(q->vq);
		return;
	}
	/* What came before the device knew that we want an interrupt */
	if (unlikely(virtqueue_poll(q->vq, opaque)) && napi_schedule_prep(&q->napi)) {
		virtqueue_disable_cb(q->vq);
		__napi_schedule(&q->napi);
	}
}

/**
 * cvmnet_rx_poll() - the queue's poll function
 * @napi:   the queue's
 * @budget: packets to take at most
 *
 * Context: the queue's NAPI.
 * Return: packets taken, dropped ones included.
 */
int cvmnet_rx_poll(struct napi_struct *napi, int budget)
{
	struct cvmnet_rxq *q = container_of(napi, struct cvmnet_rxq, napi);
	unsigned int done;
	u64 began, bytes;

	/* netpoll only wants to send; the page pool is not for its context. */
	if (unlikely(!budget))
		return 0;
	if (unlikely(q->dead)) {
		napi_complete(napi);
		return 0;
	}

	began = cvmnet_dim_poll_begin(&q->dim);
	done = cvmnet_rx_clean(q, budget);
	if (unlikely(!cvmnet_rx_sane(q)))
		cvmnet_rx_kill(q);
	else if (!q->dead && (q->nr_free >= q->refill_at || !q->lent))
		if (unlikely(!cvmnet_rx_refill(q)))
			queue_delayed_work(cvmnet_wq, &q->refill_work, CVMNET_RX_RETRY);
	bytes = q->pending.bytes;
	if (done || q->pending.kicks || unlikely(q->pending.alloc_fail))
		cvmnet_rx_publish(q);
	/* Whoever completes NAPI may not be alone any more afterwards. */
	cvmnet_dim_poll_end(&q->dim, began, done, bytes, done < budget);

	if (done < budget) {
		if (unlikely(q->dead))
			napi_complete_done(napi, done);
		else
			cvmnet_rx_complete(q, done);
	}
	return done;
}

/**
 * cvmnet_rx_callback() - a buffer was used
 * @vq: the virtqueue
 *
 * Context: interrupt; also from a device that never should have sent it.
 */
void cvmnet_rx_callback(struct virtqueue *vq)
{
	struct cvmnet_rxq *q = cvmnet_vq_to_rxq(vq);

	virtqueue_disable_cb(vq);
	if (napi_schedule_prep(&q->napi))
		__napi_schedule(&q->napi);
}

/*
 * Has nothing come for a second, though the device has buffers? If it has missed their
 * notification there is none any more, as hardly any of them comes back: too few to be
 * posted again.
 */
static bool cvmnet_rx_idle(struct cvmnet_rxq *q)
{
	u64 packets = READ_ONCE(q->stats.packets);

	if (packets != q->watched || !READ_ONCE(q->lent)) {
		q->watched = packets;
		q->rekicked = false;
		return false;
	}
	return !q->rekicked;
}

/**
 * cvmnet_rx_watch() - find packets whose interrupt was lost, and lost kicks
 * @q: a queue in use
 *
 * Context: process, once a second.
 */
void cvmnet_rx_watch(struct cvmnet_rxq *q)
{
	bool idle = cvmnet_rx_idle(q);

	if (READ_ONCE(q->dead) || (!idle && !virtqueue_poll(q->vq, READ_ONCE(q->opaque))))
		return;
	local_bh_disable();
	/* Until it is scheduled, the poll function and what is pending are ours. */
	if (napi_schedule_prep(&q->napi)) {
		if (idle && virtqueue_notify(q->vq)) {
			q->pending.rekicks++;
			q->rekicked = true;
			cvmnet_rx_publish(q);
		}
		__napi_schedule(&q->napi);
	}
	local_bh_enable();
}

/* Drop what came while the queue was not in use: it may be hours old. */
static void cvmnet_rx_discard(struct cvmnet_rxq *q)
{
	u32 len;

	while (cvmnet_rx_next(q, &len))
		q->pending.drops[CVMNET_RX_DROP_INACTIVE]++;
	if (!cvmnet_rx_sane(q))
		cvmnet_rx_kill(q);
}

/**
 * cvmnet_rx_begin() - drop what came meanwhile, and give buffers to the device
 * @q: the queue, stopped; it has its buffers
 *
 * Context: process, under rtnl.
 */
void cvmnet_rx_begin(struct cvmnet_rxq *q)
{
	q->dead = false;
	q->missing = 0;
	/* Of another time: a kick that is lost from here on is repeated. */
	q->rekicked = false;
	q->watched = q->stats.packets;
	local_bh_disable();
	cvmnet_rx_discard(q);
	/* Even without one buffer: it receives as soon as there is memory. */
	if (!q->dead && !cvmnet_rx_refill(q))
		queue_delayed_work(cvmnet_wq, &q->refill_work, CVMNET_RX_RETRY);
	cvmnet_rx_publish(q);
	local_bh_enable();
}
