// SPDX-License-Identifier: GPL-2.0
/*
 * Receive buffers that the device fills one after the other (MRG_RXBUF): a
 * packet takes as many as it needs, and its header says how many.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>

#include "cvmnet.h"
#include "rx.h"

/* Weight of the past in the average length of packets */
#define CVMNET_AVERAGE_OF	8

/* Longer packets, of an MTU that is raised later, take several. */
static size_t cvmnet_mergeable_bytes(const struct cvmnet_dev *dev)
{
	return min_t(size_t, PAGE_SIZE, dev->hdr_len + cvmnet_rx_packet_max(dev));
}

static unsigned int cvmnet_mergeable_pages(const struct cvmnet_dev *dev)
{
	return 1;
}

static unsigned int cvmnet_mergeable_slots(const struct cvmnet_dev *dev, unsigned int ring)
{
	return ring;
}

/* The rest of a packet that is dropped; the ring may hold less than was announced. */
static void cvmnet_mergeable_drain(struct cvmnet_rxq *q, unsigned int left)
{
	u32 len;

	while (left-- && cvmnet_rx_next(q, &len))
		;
}

static enum cvmnet_rx_drop cvmnet_mergeable_rest(struct cvmnet_rxq *q, struct sk_buff *skb,
						 unsigned int left)
{
	struct cvmnet_rx_slot *slot;
	enum cvmnet_rx_drop drop;
	u32 len;

	q->tail = skb;
	for (; left; left--) {
		slot = cvmnet_rx_next(q, &len);
		if (unlikely(!slot)) {
			q->missing++;
			return CVMNET_RX_DROP_BUFFERS;
		}
		drop = cvmnet_pkt_next_len(len, slot->bytes, skb->len);
		if (unlikely(drop != CVMNET_RX_OK))
			goto drain;
		switch (cvmnet_rx_more(q, skb, slot, len)) {
		case 0:
			break;
		case -ENOMEM:
			drop = CVMNET_RX_DROP_NOMEM;
			goto drain;
		default:
			drop = CVMNET_RX_DROP_BUFFERS;
			goto drain;
		}
	}
	q->missing = 0;
	return CVMNET_RX_OK;

drain:
	cvmnet_mergeable_drain(q, left - 1);
	return drop;
}

/**
 * cvmnet_rx_mergeable_receive() - receive a packet from as many buffers as it has
 * @q: the queue
 * @slot: the first
 * @len: what the device says it wrote to that
 *
 * Context: the queue's NAPI.
 * Return: the skb, or NULL if the packet was dropped (and counted).
 */
struct sk_buff *cvmnet_rx_mergeable_receive(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot,
					    u32 len)
{
	struct virtio_net_hdr_v1_hash hdr;
	enum cvmnet_rx_drop drop;
	struct cvmnet_pkt pkt;
	struct sk_buff *skb;

	/* Nothing can be believed of a bad first buffer, not even how many follow. */
	drop = cvmnet_pkt_len(len, slot->bytes, q->dev->hdr_len);
	if (unlikely(drop != CVMNET_RX_OK))
		goto err_count;
	cvmnet_rx_header(q, slot, len, &hdr, &pkt);
	drop = cvmnet_pkt_buffers(&pkt, q->posted);
	if (unlikely(drop != CVMNET_RX_OK))
		goto err_count;

	skb = cvmnet_rx_first(q, slot, len, pkt.num_buffers == 1);
	if (unlikely(!skb)) {
		drop = CVMNET_RX_DROP_NOMEM;
		cvmnet_mergeable_drain(q, pkt.num_buffers - 1);
		goto err_count;
	}
	if (pkt.num_buffers > 1) {
		drop = cvmnet_mergeable_rest(q, skb, pkt.num_buffers - 1);
		if (unlikely(drop != CVMNET_RX_OK))
			goto err_free_skb;
	}
	q->average += skb->len / CVMNET_AVERAGE_OF - q->average / CVMNET_AVERAGE_OF;
	return cvmnet_rx_finish(q, skb, &hdr, &pkt);

err_free_skb:
	dev_kfree_skb_any(skb);
	if (q->missing >= CVMNET_RX_MISSING_MAX)
		cvmnet_rx_kill(q);
err_count:
	q->pending.drops[drop]++;
	return NULL;
}

const struct cvmnet_rx_mode cvmnet_rx_mergeable = {
	.name = "mergeable",
	.bytes = cvmnet_mergeable_bytes,
	.pages = cvmnet_mergeable_pages,
	.slots = cvmnet_mergeable_slots,
	.receive = cvmnet_rx_mergeable_receive,
};
