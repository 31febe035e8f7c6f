/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a device may say about a received packet: pure checks of lengths, of the
 * header's snapshot and of the offloads it asks for.
 */
#ifndef CVMNET_PKT_H
#define CVMNET_PKT_H

#include <linux/types.h>

struct virtio_net_hdr_v1;
struct virtio_net_hdr_v1_hash;

/* The most that a packet with its link and VLAN header can be, by the specification. */
#define CVMNET_PKT_MAX	65562U

/* Why a received packet was dropped; CVMNET_RX_OK if it was not. */
enum cvmnet_rx_drop {
	CVMNET_RX_DROP_RUNT,		/* shorter than its headers */
	CVMNET_RX_DROP_OVERSIZE,	/* more than the buffer holds */
	CVMNET_RX_DROP_BUFFERS,		/* num_buffers is impossible, or they did not come */
	CVMNET_RX_DROP_CSUM,		/* checksum request outside the packet, or not agreed */
	CVMNET_RX_DROP_GSO,		/* segmentation request malformed, or not agreed */
	CVMNET_RX_DROP_NOMEM,
	CVMNET_RX_DROP_INACTIVE,	/* on a queue that is not in use */
	CVMNET_RX_DROPS,
	CVMNET_RX_OK = CVMNET_RX_DROPS,
};

/* What a header asks for, from a private copy, in host byte order. */
struct cvmnet_pkt {
	u8 flags;
	u8 gso_type;
	u16 gso_size;
	u16 csum_start;
	u16 csum_offset;
	u16 num_buffers;
	u16 hash_report;
	u32 hash;
};

/* Layer that a hash covers, as skb_set_hash() wants to know. */
enum cvmnet_hash {
	CVMNET_HASH_NONE,
	CVMNET_HASH_L3,
	CVMNET_HASH_L4,
};

enum cvmnet_rx_drop cvmnet_pkt_len(u32 used, u32 posted, u8 hdr_len);
enum cvmnet_rx_drop cvmnet_pkt_next_len(u32 used, u32 posted, u32 so_far);
unsigned int cvmnet_pkt_max_buffers(u32 posted);
enum cvmnet_rx_drop cvmnet_pkt_buffers(const struct cvmnet_pkt *pkt, u32 posted);
void cvmnet_pkt_read(struct cvmnet_pkt *pkt, const struct virtio_net_hdr_v1_hash *hdr,
		     bool with_hash);
enum cvmnet_rx_drop cvmnet_pkt_check(const struct cvmnet_pkt *pkt, u32 len, u64 offloads);
enum cvmnet_hash cvmnet_pkt_hash(const struct cvmnet_pkt *pkt);

#endif /* CVMNET_PKT_H */
