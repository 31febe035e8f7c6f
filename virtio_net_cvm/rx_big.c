// SPDX-License-Identifier: GPL-2.0
/*
 * Receive buffers that each hold the longest packet: devices without MRG_RXBUF
 * that merge segments, or have a large MTU.
 */
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/virtio_ring.h>
#include <uapi/linux/bpf.h>

#include "cvmnet.h"
#include "rx.h"

/* Bounds what a queue takes: 4 MiB of shared memory, 8.5 MiB of pages. */
#define CVMNET_BIG_SLOTS_POOL	64U
#define CVMNET_BIG_SLOTS_STREAM	128U

static size_t cvmnet_big_bytes(const struct cvmnet_dev *dev)
{
	return dev->hdr_len + cvmnet_rx_packet_max(dev);
}

static unsigned int cvmnet_big_pages(const struct cvmnet_dev *dev)
{
	size_t bytes = cvmnet_big_bytes(dev);

	/* More than one page by the choice of the mode */
	return 1 + DIV_ROUND_UP(bytes - CVMNET_RX_LINEAR, PAGE_SIZE);
}

static unsigned int cvmnet_big_slots(const struct cvmnet_dev *dev, unsigned int ring)
{
	if (dev->dma == CVMNET_DMA_POOL)
		return min(ring, CVMNET_BIG_SLOTS_POOL);
	/* An indirect table takes one entry of the ring; without, each page takes one. */
	if (!cvmnet_has(dev, VIRTIO_RING_F_INDIRECT_DESC))
		ring /= cvmnet_big_pages(dev);
	return min(ring, CVMNET_BIG_SLOTS_STREAM);
}

/**
 * cvmnet_rx_big_receive() - receive from a big buffer
 * @q: the queue
 * @slot: the buffer
 * @len: what the device says it wrote
 *
 * Context: the queue's NAPI.
 * Return: the skb, or NULL if the packet was dropped (and counted).
 */
struct sk_buff *cvmnet_rx_big_receive(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len)
{
	return cvmnet_rx_single(q, slot, len);
}

const struct cvmnet_rx_mode cvmnet_rx_big = {
	.name = "big",
	.bytes = cvmnet_big_bytes,
	.pages = cvmnet_big_pages,
	.slots = cvmnet_big_slots,
	.receive = cvmnet_rx_big_receive,
};
