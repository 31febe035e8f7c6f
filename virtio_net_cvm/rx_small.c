// SPDX-License-Identifier: GPL-2.0
/*
 * Receive buffers of one page: devices without MRG_RXBUF and without anything
 * that makes packets longer than the MTU.
 */
#include <linux/mm.h>
#include <linux/skbuff.h>

#include "cvmnet.h"
#include "rx.h"

static size_t cvmnet_small_bytes(const struct cvmnet_dev *dev)
{
	return dev->hdr_len + cvmnet_rx_packet_max(dev);
}

static unsigned int cvmnet_small_pages(const struct cvmnet_dev *dev)
{
	return 1;
}

static unsigned int cvmnet_small_slots(const struct cvmnet_dev *dev, unsigned int ring)
{
	return ring;
}

/**
 * cvmnet_rx_small_receive() - receive from a small buffer
 * @q: the queue
 * @slot: the buffer
 * @len: what the device says it wrote
 *
 * Context: the queue's NAPI.
 * Return: the skb, or NULL if the packet was dropped (and counted).
 */
struct sk_buff *cvmnet_rx_small_receive(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot,
					u32 len)
{
	return cvmnet_rx_single(q, slot, len);
}

const struct cvmnet_rx_mode cvmnet_rx_small = {
	.name = "small",
	.bytes = cvmnet_small_bytes,
	.pages = cvmnet_small_pages,
	.slots = cvmnet_small_slots,
	.receive = cvmnet_rx_small_receive,
};
