/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets for suites, plain ones and such in a tunnel: headers put one behind the other.
 */
#ifndef KUNIT_TUNNEL_PACKET_H
#define KUNIT_TUNNEL_PACKET_H

#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/udp.h>
#include <net/gre.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "vnetsim/wire.h"

#define PACKET_MAX	512

/**
 * struct tunnel_outer - what is around a packet
 * @type:     of the tunnel
 * @inner:    ETH_P_IP or ETH_P_IPV6; 0 for the first
 * @v6:       IPv6 outside; always so for GRE_7676
 * @vlan:     a VLAN outside
 * @label:    a flow label outside, with IPv6
 * @fragment: outside, one of several, with more to come
 * @later:    not the first of them
 * @flow:     tells flows outside apart: address, port, VLAN, label
 */
struct tunnel_outer {
	enum vnetsim_tunnel type;
	u16 inner;
	bool v6;
	bool vlan;
	bool label;
	bool fragment;
	bool later;
	u8 flow;
};

static inline struct sk_buff *new_packet(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(PACKET_MAX, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	return skb;
}

static inline void put_eth(struct sk_buff *skb, u16 proto)
{
	struct ethhdr *eth = skb_put_zero(skb, sizeof(*eth));

	eth->h_proto = htons(proto);
}

static inline void put_vlan(struct sk_buff *skb, u16 id, u16 proto)
{
	struct vlan_hdr *vlan = skb_put_zero(skb, sizeof(*vlan));

	vlan->h_vlan_TCI = htons(id);
	vlan->h_vlan_encapsulated_proto = htons(proto);
}

static inline struct iphdr *put_v4(struct sk_buff *skb, const u8 *src, const u8 *dst, u8 proto)
{
	struct iphdr *ip = skb_put_zero(skb, sizeof(*ip));

	ip->version = 4;
	ip->ihl = 5;
	ip->protocol = proto;
	memcpy(&ip->saddr, src, sizeof(ip->saddr));
	memcpy(&ip->daddr, dst, sizeof(ip->daddr));
	return ip;
}

static inline struct ipv6hdr *put_v6(struct sk_buff *skb, const u8 *src, const u8 *dst, u8 proto)
{
	struct ipv6hdr *ip = skb_put_zero(skb, sizeof(*ip));

	ip->version = 6;
	ip->nexthdr = proto;
	memcpy(&ip->saddr, src, sizeof(ip->saddr));
	memcpy(&ip->daddr, dst, sizeof(ip->daddr));
	return ip;
}

static inline void put_ports(struct sk_buff *skb, u16 sport, u16 dport)
{
	__be16 *ports = skb_put_zero(skb, 20);

	ports[0] = htons(sport);
	ports[1] = htons(dport);
}

static inline void put_gre(struct sk_buff *skb, __be16 flags, u16 proto)
{
	__be16 *base = skb_put_zero(skb, 4);

	base[0] = flags;
	base[1] = htons(proto);
	if (flags & GRE_KEY)
		skb_put_zero(skb, 4);
	if (flags & GRE_SEQ)
		skb_put_zero(skb, 4);
}

static inline void put_udp(struct sk_buff *skb, u16 sport, u16 dport)
{
	struct udphdr *udp = skb_put_zero(skb, sizeof(*udp));

	udp->source = htons(sport);
	udp->dest = htons(dport);
}

/* What the network header outside says of what follows it. */
static inline u8 outer_proto(const struct tunnel_outer *outer)
{
	switch (outer->type) {
	case VNETSIM_TUNNEL_IPIP:
		return outer->inner == ETH_P_IPV6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	case VNETSIM_TUNNEL_GRE_UDP:
	case VNETSIM_TUNNEL_VXLAN:
	case VNETSIM_TUNNEL_VXLAN_GPE:
	case VNETSIM_TUNNEL_GENEVE:
		return IPPROTO_UDP;
	default:
		return IPPROTO_GRE;
	}
}

static inline void put_outer_v4(struct sk_buff *skb, const struct tunnel_outer *outer)
{
	const u8 src[4] = { 10, 0, outer->flow, 1 }, dst[4] = { 10, 0, 0, 2 };
	struct iphdr *ip = put_v4(skb, src, dst, outer_proto(outer));

	if (outer->fragment)
		ip->frag_off = htons(IP_MF | (outer->later ? 100 : 0));
}

static inline void put_outer_v6(struct sk_buff *skb, const struct tunnel_outer *outer)
{
	const u8 src[16] = { 10, 0, outer->flow, 1 }, dst[16] = { 10, 0, 0, 2 };
	struct ipv6hdr *ip = put_v6(skb, src, dst, outer_proto(outer));
	struct frag_hdr *frag;

	if (outer->label)
		ip->flow_lbl[2] = 1 + outer->flow;
	if (!outer->fragment)
		return;
	frag = skb_put_zero(skb, sizeof(*frag));
	frag->nexthdr = ip->nexthdr;
	frag->frag_off = htons(IP6_MF | (outer->later ? 800 : 0));
	ip->nexthdr = NEXTHDR_FRAGMENT;
}

/* Everything up to the network header outside, and that. */
static inline void put_outer_ip(struct sk_buff *skb, const struct tunnel_outer *outer)
{
	bool v6 = outer->v6 || outer->type == VNETSIM_TUNNEL_GRE_7676;
	u16 proto = v6 ? ETH_P_IPV6 : ETH_P_IP;

	put_eth(skb, outer->vlan ? ETH_P_8021Q : proto);
	if (outer->vlan)
		put_vlan(skb, 1 + outer->flow, proto);
	if (v6)
		put_outer_v6(skb, outer);
	else
		put_outer_v4(skb, outer);
}

/* Everything in front of the packet inside, its Ethernet header included. */
static inline void put_outer(struct sk_buff *skb, const struct tunnel_outer *outer)
{
	u16 inner = outer->inner ?: ETH_P_IP, sport = 1234 + outer->flow;
	u8 *hdr;

	put_outer_ip(skb, outer);
	switch (outer->type) {
	case VNETSIM_TUNNEL_GRE_2784:
	case VNETSIM_TUNNEL_GRE_7676:
		put_gre(skb, 0, inner);
		break;
	case VNETSIM_TUNNEL_GRE_2890:
		put_gre(skb, GRE_KEY | GRE_SEQ, inner);
		break;
	case VNETSIM_TUNNEL_NVGRE:
		put_gre(skb, GRE_KEY, ETH_P_TEB);
		put_eth(skb, inner);
		break;
	case VNETSIM_TUNNEL_GRE_UDP:
		put_udp(skb, sport, 4754);
		put_gre(skb, 0, inner);
		break;
	case VNETSIM_TUNNEL_VXLAN:
		put_udp(skb, sport, 4789);
		skb_put_zero(skb, 8);
		put_eth(skb, inner);
		break;
	case VNETSIM_TUNNEL_VXLAN_GPE:
		put_udp(skb, sport, 4790);
		hdr = skb_put_zero(skb, 8);
		hdr[3] = inner == ETH_P_IPV6 ? 2 : 1;
		break;
	case VNETSIM_TUNNEL_GENEVE:
		put_udp(skb, sport, 6081);
		hdr = skb_put_zero(skb, 8 + 4);
		/* One option word; Ethernet inside */
		hdr[0] = 1;
		hdr[2] = ETH_P_TEB >> 8;
		hdr[3] = ETH_P_TEB & 0xff;
		put_eth(skb, inner);
		break;
	default:
		break;
	}
}

#endif /* KUNIT_TUNNEL_PACKET_H */
