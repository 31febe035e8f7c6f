// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: take the headers of a packet apart, and those inside of a tunnel.
 */
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/gre.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "flow.h"
#include "wire.h"

#define PORT_VXLAN	4789
#define PORT_VXLAN_GPE	4790
#define PORT_GENEVE	6081
#define PORT_GRE_UDP	4754
#define UDP_LEN		8

static bool parse_v4(const struct sk_buff *skb, int at, struct vnetsim_flow *flow)
{
	struct iphdr copy;
	const struct iphdr *ip = skb_header_pointer(skb, at, sizeof(copy), &copy);

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	flow->v6 = false;
	flow->addr.v4[0] = ip->saddr;
	flow->addr.v4[1] = ip->daddr;
	flow->proto = ip->protocol;
	flow->fragment = ip_is_fragment(ip);
	flow->l4 = at + ip->ihl * 4;
	return true;
}

/* A home address option: type 201, 16 bytes. */
static void parse_home(const struct sk_buff *skb, int at, int len, struct vnetsim_flow *flow)
{
	int end = at + len;

	at += 2;
	while (at + 2 <= end) {
		u8 copy[2];
		const u8 *opt = skb_header_pointer(skb, at, sizeof(copy), copy);

		if (!opt)
			return;
		if (!opt[0]) {
			at++;
			continue;
		}
		if (opt[0] == IPV6_TLV_HAO && opt[1] == sizeof(struct in6_addr))
			skb_copy_bits(skb, at + 2, &flow->ex[0], sizeof(struct in6_addr));
		at += 2 + opt[1];
	}
}

static void parse_routing(const struct sk_buff *skb, int at, struct vnetsim_flow *flow)
{
	u8 copy[4];
	const u8 *hdr = skb_header_pointer(skb, at, sizeof(copy), copy);

	if (hdr && hdr[2] == IPV6_SRCRT_TYPE_2)
		skb_copy_bits(skb, at + 8, &flow->ex[1], sizeof(struct in6_addr));
}

static bool parse_v6(const struct sk_buff *skb, int at, struct vnetsim_flow *flow)
{
	struct ipv6hdr copy;
	const struct ipv6hdr *ip = skb_header_pointer(skb, at, sizeof(copy), &copy);
	unsigned int headers;

	if (!ip || ip->version != 6)
		return false;
	flow->v6 = true;
	flow->addr.in6[0] = ip->saddr;
	flow->addr.in6[1] = ip->daddr;
	flow->ex[0] = ip->saddr;
	flow->ex[1] = ip->daddr;
	flow->proto = ip->nexthdr;
	flow->l4 = at + sizeof(*ip);
	for (headers = 0; headers < 8; headers++) {
		u8 buf[2];
		const u8 *ext;
		int len;

		if (flow->proto == NEXTHDR_FRAGMENT)
			flow->fragment = true;
		else if (flow->proto != NEXTHDR_HOP && flow->proto != NEXTHDR_ROUTING &&
			 flow->proto != NEXTHDR_DEST)
			break;
		ext = skb_header_pointer(skb, flow->l4, sizeof(buf), buf);
		if (!ext)
			return false;
		len = flow->proto == NEXTHDR_FRAGMENT ? 8 : (ext[1] + 1) * 8;
		if (flow->proto == NEXTHDR_DEST)
			parse_home(skb, flow->l4, len, flow);
		if (flow->proto == NEXTHDR_ROUTING)
			parse_routing(skb, flow->l4, flow);
		flow->ext = true;
		flow->proto = ext[0];
		flow->l4 += len;
	}
	return true;
}

static bool parse(const struct sk_buff *skb, int at, __be16 proto, struct vnetsim_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	if (proto == htons(ETH_P_IP) ? !parse_v4(skb, at, flow) :
	    proto != htons(ETH_P_IPV6) || !parse_v6(skb, at, flow))
		return false;
	if ((flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP) &&
	    (flow->fragment || skb_copy_bits(skb, flow->l4, flow->ports, sizeof(flow->ports))))
		flow->proto = IPPROTO_NONE;
	return true;
}

/* The network header behind an Ethernet header. */
static bool parse_eth(const struct sk_buff *skb, int at, struct vnetsim_flow *flow)
{
	struct ethhdr copy;
	const struct ethhdr *eth = skb_header_pointer(skb, at, sizeof(copy), &copy);
	__be16 proto;

	if (!eth)
		return false;
	proto = eth->h_proto;
	at += ETH_HLEN;
	if (proto == htons(ETH_P_8021Q)) {
		if (skb_copy_bits(skb, at + 2, &proto, sizeof(proto)))
			return false;
		at += VLAN_HLEN;
	}
	return parse(skb, at, proto, flow);
}

/* --- tunnels --- */

static int gre_type(const struct vnetsim_flow *outer, __be16 flags, __be16 proto)
{
	if (proto == htons(ETH_P_TEB) && flags & GRE_KEY)
		return VNETSIM_TUNNEL_NVGRE;
	if (outer->v6)
		return VNETSIM_TUNNEL_GRE_7676;
	return flags & (GRE_KEY | GRE_SEQ) ? VNETSIM_TUNNEL_GRE_2890 : VNETSIM_TUNNEL_GRE_2784;
}

static bool parse_gre(const struct sk_buff *skb, int at, const struct vnetsim_flow *outer,
		      u32 types, bool in_udp, struct vnetsim_flow *flow)
{
	__be16 base[2];
	int len = sizeof(base);

	if (skb_copy_bits(skb, at, base, sizeof(base)))
		return false;
	if (!(types & BIT(in_udp ? VNETSIM_TUNNEL_GRE_UDP : gre_type(outer, base[0], base[1]))))
		return false;
	len += 4 * (!!(base[0] & GRE_CSUM) + !!(base[0] & GRE_KEY) + !!(base[0] & GRE_SEQ));
	if (base[1] == htons(ETH_P_TEB))
		return parse_eth(skb, at + len, flow);
	return parse(skb, at + len, base[1], flow);
}

/* Next protocol of VXLAN-GPE: 1 IPv4, 2 IPv6, 3 Ethernet. */
static bool parse_gpe(const struct sk_buff *skb, int at, struct vnetsim_flow *flow)
{
	u8 hdr[8];

	if (skb_copy_bits(skb, at, hdr, sizeof(hdr)))
		return false;
	at += sizeof(hdr);
	switch (hdr[3]) {
	case 1:
		return parse(skb, at, htons(ETH_P_IP), flow);
	case 2:
		return parse(skb, at, htons(ETH_P_IPV6), flow);
	case 3:
		return parse_eth(skb, at, flow);
	default:
		return false;
	}
}

static bool parse_geneve(const struct sk_buff *skb, int at, struct vnetsim_flow *flow)
{
	u8 hdr[8];
	__be16 proto;

	if (skb_copy_bits(skb, at, hdr, sizeof(hdr)))
		return false;
	at += sizeof(hdr) + 4 * (hdr[0] & 0x3f);
	proto = htons(hdr[2] << 8 | hdr[3]);
	return proto == htons(ETH_P_TEB) ? parse_eth(skb, at, flow) :
					   parse(skb, at, proto, flow);
}

static bool parse_udp(const struct sk_buff *skb, const struct vnetsim_flow *outer, u32 types,
		      struct vnetsim_flow *flow)
{
	int at = outer->l4 + UDP_LEN;

	switch (outer->ports[2] << 8 | outer->ports[3]) {
	case PORT_VXLAN:
		return types & BIT(VNETSIM_TUNNEL_VXLAN) && parse_eth(skb, at + 8, flow);
	case PORT_VXLAN_GPE:
		return types & BIT(VNETSIM_TUNNEL_VXLAN_GPE) && parse_gpe(skb, at, flow);
	case PORT_GENEVE:
		return types & BIT(VNETSIM_TUNNEL_GENEVE) && parse_geneve(skb, at, flow);
	case PORT_GRE_UDP:
		return parse_gre(skb, at, outer, types, true, flow);
	default:
		return false;
	}
}

static bool parse_inner(const struct sk_buff *skb, const struct vnetsim_flow *outer, u32 types,
			struct vnetsim_flow *flow)
{
	switch (outer->proto) {
	case IPPROTO_GRE:
		return parse_gre(skb, outer->l4, outer, types, false, flow);
	case IPPROTO_UDP:
		return parse_udp(skb, outer, types, flow);
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return types & BIT(VNETSIM_TUNNEL_IPIP) &&
		       parse(skb, outer->l4, outer->proto == IPPROTO_IPIP ?
			     htons(ETH_P_IP) : htons(ETH_P_IPV6), flow);
	default:
		return false;
	}
}

/**
 * vnetsim_flow_parse() - find what a packet's hash is made of
 * @skb:     the packet, beginning with its Ethernet header
 * @tunnels: types of encapsulation that are looked into, one level deep
 * @flow:    receives it
 *
 * Context: any.
 * Return: false if it is no IP packet.
 */
bool vnetsim_flow_parse(const struct sk_buff *skb, u32 tunnels, struct vnetsim_flow *flow)
{
	struct vnetsim_flow inner;

	if (!parse_eth(skb, 0, flow))
		return false;
	if (tunnels && parse_inner(skb, flow, tunnels, &inner))
		*flow = inner;
	return true;
}
