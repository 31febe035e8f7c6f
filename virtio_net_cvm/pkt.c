// SPDX-License-Identifier: GPL-2.0
/*
 * Checks of what a device says about a received packet.  Nothing here reads
 * memory that the device can write: the caller took a snapshot.
 */
#include <linux/bits.h>
#include <linux/if_ether.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <compat/virtio_net.h>
#include <cvm/kunit.h>

#include "pkt.h"

/* Shortest headers that a segment of each kind has: network, then transport. */
#define CVMNET_IPV4_MIN	20
#define CVMNET_IPV6_MIN	40
#define CVMNET_TCP_MIN	20
#define CVMNET_UDP_LEN	8

/* The stack reads this gso_size as "by fragments" (GSO_BY_FRAGS). */
#define CVMNET_GSO_SIZE_TAKEN	0xffff

/* Segments of a packet: 64 KiB in the smallest ones that anybody sends */
#define CVMNET_GSO_SEGS_MAX	2048U

/**
 * cvmnet_pkt_len() - check the length of a packet's first buffer
 * @used: what the device says it wrote
 * @posted: what the buffer holds, from our own records
 * @hdr_len: bytes of virtio header in front
 *
 * Return: CVMNET_RX_OK, or why not.
 */
enum cvmnet_rx_drop cvmnet_pkt_len(u32 used, u32 posted, u8 hdr_len)
{
	if (used > posted)
		return CVMNET_RX_DROP_OVERSIZE;
	if (used < (u32)hdr_len + ETH_HLEN)
		return CVMNET_RX_DROP_RUNT;
	return CVMNET_RX_OK;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_pkt_len);

/**
 * cvmnet_pkt_next_len() - check the length of a packet's later buffer
 * @used: what the device says it wrote
 * @posted: what the buffer holds, from our own records
 * @so_far: bytes of the packet in front of it, without the virtio header
 *
 * An empty buffer would become an empty fragment.
 *
 * Return: CVMNET_RX_OK, or why not.
 */
enum cvmnet_rx_drop cvmnet_pkt_next_len(u32 used, u32 posted, u32 so_far)
{
	if (!used)
		return CVMNET_RX_DROP_RUNT;
	if (used > posted || so_far > CVMNET_PKT_MAX || used > CVMNET_PKT_MAX - so_far)
		return CVMNET_RX_DROP_OVERSIZE;
	return CVMNET_RX_OK;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_pkt_next_len);

/**
 * cvmnet_pkt_max_buffers() - how many buffers a packet can need
 * @posted: what one buffer holds
 *
 * One more than the largest packet fills, for a device that counts its header
 * generously.
 *
 * Return: the limit, at least 2.
 */
unsigned int cvmnet_pkt_max_buffers(u32 posted)
{
	return DIV_ROUND_UP(CVMNET_PKT_MAX, max(posted, 1U)) + 1;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_pkt_max_buffers);

/**
 * cvmnet_pkt_buffers() - check the number of merged buffers
 * @pkt: the snapshot
 * @posted: what one buffer holds
 *
 * Only for devices with VIRTIO_NET_F_MRG_RXBUF; without it the field is not ours
 * to read.
 *
 * Return: CVMNET_RX_OK, or why not.
 */
enum cvmnet_rx_drop cvmnet_pkt_buffers(const struct cvmnet_pkt *pkt, u32 posted)
{
	if (!pkt->num_buffers || pkt->num_buffers > cvmnet_pkt_max_buffers(posted))
		return CVMNET_RX_DROP_BUFFERS;
	return CVMNET_RX_OK;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_pkt_buffers);

/**
 * cvmnet_pkt_read() - decode a header
 * @pkt: receives it
 * @hdr: a private copy, whole even where the device sends less
 * @with_hash: VIRTIO_NET_F_HASH_REPORT is negotiated
 */
void cvmnet_pkt_read(struct cvmnet_pkt *pkt, const struct virtio_net_hdr_v1_hash *hdr,
		     bool with_hash)
{
	const struct virtio_net_hdr_v1 *h = &hdr->hdr;

	pkt->flags = h->flags;
	pkt->gso_type = h->gso_type;
	pkt->gso_size = le16_to_cpu((__force __le16)h->gso_size);
	pkt->csum_start = le16_to_cpu((__force __le16)h->csum_start);
	pkt->csum_offset = le16_to_cpu((__force __le16)h->csum_offset);
	pkt->num_buffers = le16_to_cpu((__force __le16)h->num_buffers);
	pkt->hash_report = with_hash ? le16_to_cpu(hdr->hash_report) : VIRTIO_NET_HASH_REPORT_NONE;
	pkt->hash = with_hash ? le32_to_cpu(hdr->hash_value) : 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_pkt_read);

static enum cvmnet_rx_drop cvmnet_pkt_check_csum(const struct cvmnet_pkt *pkt, u32 len,
						 u64 offloads)
{
	u32 end;

	if (!(pkt->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return CVMNET_RX_OK;
	if (!(offloads & BIT_ULL(VIRTIO_NET_F_GUEST_CSUM)))
		return CVMNET_RX_DROP_CSUM;
	/* Two u16 and a constant can't wrap a u32. */
	end = (u32)pkt->csum_start + pkt->csum_offset + sizeof(__sum16);
	if (pkt->csum_start < ETH_HLEN || end > len)
		return CVMNET_RX_DROP_CSUM;
	return CVMNET_RX_OK;
}

static enum cvmnet_rx_drop cvmnet_pkt_check_gso(const struct cvmnet_pkt *pkt, u32 len,
						u64 offloads)
{
	u8 type = pkt->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	u64 need;
	u32 hdrs;

	/* ECN says how to segment TCP, so it can't stand alone. */
	if (pkt->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return CVMNET_RX_OK;

	switch (type) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		need = BIT_ULL(VIRTIO_NET_F_GUEST_TSO4);
		hdrs = ETH_HLEN + CVMNET_IPV4_MIN + CVMNET_TCP_MIN;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		need = BIT_ULL(VIRTIO_NET_F_GUEST_TSO6);
		hdrs = ETH_HLEN + CVMNET_IPV6_MIN + CVMNET_TCP_MIN;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		need = BIT_ULL(VIRTIO_NET_F_GUEST_USO4) | BIT_ULL(VIRTIO_NET_F_GUEST_USO6);
		hdrs = ETH_HLEN + CVMNET_IPV4_MIN + CVMNET_UDP_LEN;
		break;
	default:
		return CVMNET_RX_DROP_GSO;
	}
	if (!(offloads & need))
		return CVMNET_RX_DROP_GSO;
	if (pkt->gso_type & VIRTIO_NET_HDR_GSO_ECN &&
	    (type == VIRTIO_NET_HDR_GSO_UDP_L4 || !(offloads & BIT_ULL(VIRTIO_NET_F_GUEST_ECN))))
		return CVMNET_RX_DROP_GSO;
	if (!pkt->gso_size || pkt->gso_size == CVMNET_GSO_SIZE_TAKEN)
		return CVMNET_RX_DROP_GSO;
	/* What is forwarded may have to be cut up again, all at once. */
	if (len <= hdrs || len / pkt->gso_size > CVMNET_GSO_SEGS_MAX)
		return CVMNET_RX_DROP_GSO;
	/* A merged packet's own checksum is either to be made or known to be good. */
	if (!(pkt->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)))
		return CVMNET_RX_DROP_GSO;
	return CVMNET_RX_OK;
}

/**
 * cvmnet_pkt_check() - check what a header asks for
 * @pkt: the snapshot
 * @len: bytes of the packet, without the virtio header
 * @offloads: VIRTIO_NET_F_GUEST_* bits in force, what was negotiated and not
 *	switched off since
 *
 * Return: CVMNET_RX_OK, or why not.
 */
enum cvmnet_rx_drop cvmnet_pkt_check(const struct cvmnet_pkt *pkt, u32 len, u64 offloads)
{
	enum cvmnet_rx_drop drop;

	drop = cvmnet_pkt_check_csum(pkt, len, offloads);
	if (drop != CVMNET_RX_OK)
		return drop;
	return cvmnet_pkt_check_gso(pkt, len, offloads);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_pkt_check);

/**
 * cvmnet_pkt_hash() - what the reported hash covers
 * @pkt: the snapshot
 *
 * Return: the layer; CVMNET_HASH_NONE for a report that does not exist.
 */
enum cvmnet_hash cvmnet_pkt_hash(const struct cvmnet_pkt *pkt)
{
	switch (pkt->hash_report) {
	case VIRTIO_NET_HASH_REPORT_TCPv4:
	case VIRTIO_NET_HASH_REPORT_UDPv4:
	case VIRTIO_NET_HASH_REPORT_TCPv6:
	case VIRTIO_NET_HASH_REPORT_UDPv6:
	case VIRTIO_NET_HASH_REPORT_TCPv6_EX:
	case VIRTIO_NET_HASH_REPORT_UDPv6_EX:
		return CVMNET_HASH_L4;
	case VIRTIO_NET_HASH_REPORT_IPv4:
	case VIRTIO_NET_HASH_REPORT_IPv6:
	case VIRTIO_NET_HASH_REPORT_IPv6_EX:
		return CVMNET_HASH_L3;
	default:
		return CVMNET_HASH_NONE;
	}
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_pkt_hash);
