/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vnetsim: structures of the virtio specification that not every kernel's
 * headers have, as the device sees them.
 */
#ifndef VNETSIM_WIRE_H
#define VNETSIM_WIRE_H

#include <linux/types.h>
#include <uapi/linux/virtio_net.h>

#include <compat/virtio_net.h>

/* struct virtio_net_config and what came after it. */
struct vnetsim_config {
	struct virtio_net_config net;
	__le32 supported_tunnel_types;
} __packed;

struct vnetsim_coal_wire {
	__le32 max_packets;
	__le32 max_usecs;
};

struct vnetsim_coal_vq_wire {
	__le16 vq_index;
	__le16 reserved;
	struct vnetsim_coal_wire coal;
};

/* One request of STATS_GET; an array of them makes a command. */
struct vnetsim_stats_req {
	__le16 vq_index;
	__le16 reserved[3];
	__le64 types;
};

struct vnetsim_stats_hdr {
	__u8 type;
	__u8 reserved;
	__le16 vq_index;
	__le16 reserved1;
	__le16 size;
};

/* Types of statistics: numbers of bits, and what the reply calls them. */
enum vnetsim_stats_type {
	VNETSIM_STATS_RX_BASIC = 0,
	VNETSIM_STATS_RX_CSUM = 1,
	VNETSIM_STATS_RX_GSO = 2,
	VNETSIM_STATS_RX_SPEED = 3,
	VNETSIM_STATS_TX_BASIC = 16,
	VNETSIM_STATS_TX_CSUM = 17,
	VNETSIM_STATS_TX_GSO = 18,
	VNETSIM_STATS_TX_SPEED = 19,
	VNETSIM_STATS_CVQ = 32,
};

/* Encapsulations of HASH_TUNNEL: numbers of bits. */
enum vnetsim_tunnel {
	VNETSIM_TUNNEL_GRE_2784,
	VNETSIM_TUNNEL_GRE_2890,
	VNETSIM_TUNNEL_GRE_7676,
	VNETSIM_TUNNEL_GRE_UDP,
	VNETSIM_TUNNEL_VXLAN,
	VNETSIM_TUNNEL_VXLAN_GPE,
	VNETSIM_TUNNEL_GENEVE,
	VNETSIM_TUNNEL_IPIP,
	VNETSIM_TUNNEL_NVGRE,
	VNETSIM_TUNNELS
};

#define VNETSIM_HASH_TYPES	0x1ff	/* IPv4, TCPv4, UDPv4, the same with v6, with _EX */

#endif /* VNETSIM_WIRE_H */
