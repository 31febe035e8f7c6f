/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive queues, and what the three buffer modes have of their own.
 */
#ifndef CVMNET_RX_H
#define CVMNET_RX_H

#include <linux/types.h>

struct cvmnet_dev;
struct cvmnet_pkt;
struct cvmnet_rx_slot;
struct cvmnet_rxq;
struct napi_struct;
struct page;
struct sk_buff;
struct virtio_net_hdr_v1_hash;
struct virtqueue;
struct work_struct;

/* A page of received data: headroom for XDP, the data, skb_shared_info. */
#define CVMNET_RX_HEADROOM	XDP_PACKET_HEADROOM
#define CVMNET_RX_LINEAR	((unsigned int)SKB_WITH_OVERHEAD(PAGE_SIZE) - CVMNET_RX_HEADROOM)

/* Retry when no memory was left for buffers. */
#define CVMNET_RX_RETRY		(HZ / 10)
/* Up to this length a packet is copied into a small skb: cheaper than a page. */
#define CVMNET_RX_COPYBREAK	256
/* Incomplete packets in a row that make a device one that is not worth listening to. */
#define CVMNET_RX_MISSING_MAX	16

/**
 * struct cvmnet_rx_mode - one way to lay out receive buffers
 * @name:     for sysfs and the log
 * @bytes:    of a buffer in pool mode, with the header
 * @pages:    of a buffer in stream mode
 * @slots:    buffers for a ring of that size, at most
 * @receive:  makes an skb of a used buffer (and those that follow it), counts a
 *            packet that it drops; NULL then
 */
struct cvmnet_rx_mode {
	const char *name;
	size_t (*bytes)(const struct cvmnet_dev *dev);
	unsigned int (*pages)(const struct cvmnet_dev *dev);
	unsigned int (*slots)(const struct cvmnet_dev *dev, unsigned int ring);
	struct sk_buff *(*receive)(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len);
};

extern const struct cvmnet_rx_mode cvmnet_rx_small;
extern const struct cvmnet_rx_mode cvmnet_rx_mergeable;
extern const struct cvmnet_rx_mode cvmnet_rx_big;

/* The poll function calls them directly: indirect calls are dear under retpolines. */
struct sk_buff *cvmnet_rx_small_receive(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot,
					u32 len);
struct sk_buff *cvmnet_rx_mergeable_receive(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot,
					    u32 len);
struct sk_buff *cvmnet_rx_big_receive(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len);

const struct cvmnet_rx_mode *cvmnet_rx_mode_choose(const struct cvmnet_dev *dev);
u32 cvmnet_rx_packet_max(const struct cvmnet_dev *dev);

/* A queue's life */
int cvmnet_rxq_alloc(struct cvmnet_rxq *q);
void cvmnet_rxq_free(struct cvmnet_rxq *q);
void cvmnet_rxq_init(struct cvmnet_rxq *q);
void cvmnet_rxq_exit(struct cvmnet_rxq *q);
int cvmnet_rxq_start(struct cvmnet_rxq *q);
void cvmnet_rxq_stop(struct cvmnet_rxq *q);
void cvmnet_rxq_forget(struct cvmnet_rxq *q);
int cvmnet_rxq_resize(struct cvmnet_rxq *q, u32 num);

/* While it runs */
void cvmnet_rx_begin(struct cvmnet_rxq *q);
void cvmnet_rx_callback(struct virtqueue *vq);
void cvmnet_rx_kill(struct cvmnet_rxq *q);
void cvmnet_rx_page_free(struct cvmnet_rxq *q, struct page *page);
int cvmnet_rx_poll(struct napi_struct *napi, int budget);
void cvmnet_rx_recycle(struct virtqueue *vq, void *buf);
void cvmnet_rx_refill_work(struct work_struct *work);
void cvmnet_rx_watch(struct cvmnet_rxq *q);

/* For the modes: a used buffer, piece by piece */
struct cvmnet_rx_slot *cvmnet_rx_next(struct cvmnet_rxq *q, u32 *len);
struct sk_buff *cvmnet_rx_first(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len,
				bool alone);
void cvmnet_rx_header(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len,
		      struct virtio_net_hdr_v1_hash *hdr, struct cvmnet_pkt *pkt);
int cvmnet_rx_more(struct cvmnet_rxq *q, struct sk_buff *skb, struct cvmnet_rx_slot *slot,
		   u32 len);
struct sk_buff *cvmnet_rx_finish(struct cvmnet_rxq *q, struct sk_buff *skb,
				 const struct virtio_net_hdr_v1_hash *hdr,
				 const struct cvmnet_pkt *pkt);
struct sk_buff *cvmnet_rx_single(struct cvmnet_rxq *q, struct cvmnet_rx_slot *slot, u32 len);

#endif /* CVMNET_RX_H */
