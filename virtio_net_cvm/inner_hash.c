// SPDX-License-Identifier: GPL-2.0
/*
 * Hashes of inner headers made by the guest, where the device has none: so that the
 * flows of a tunnel are spread over CPUs by RPS, and told apart by GRO.
 *
 * The stack looks into GRE and IPIP by itself for RPS, but its GRO goes by the hash of
 * the outer headers that the device told; and it never looks into UDP.
 */
#include <linux/bitops.h>
#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/udp.h>
#include <net/flow_dissector.h>

#include "compat/unaligned.h"
#include "cvm/kunit.h"

#include "inner_hash.h"

/* Destination ports, by IANA */
#define PORT_GRE		4754
#define PORT_VXLAN		4789
#define PORT_VXLAN_GPE		4790
#define PORT_GENEVE		6081

#define GRE_OPTIONAL		0xb0	/* checksum, key, sequence: four bytes each */
#define GRE_KNOWN_VERSION	0
#define GENEVE_WORDS		0x3f	/* of options */

static __be16 gpe_proto(u8 next)
{
	switch (next) {
	case 1:
		return htons(ETH_P_IP);
	case 2:
		return htons(ETH_P_IPV6);
	case 3:
		return htons(ETH_P_TEB);
	default:
		return 0;
	}
}

/**
 * cvmnet_inner_udp() - what is encapsulated in UDP
 * @port:  destination port
 * @hdr:   CVMNET_INNER_HDR bytes behind the UDP header
 * @proto: receives the inner protocol; ETH_P_TEB if an Ethernet header comes first
 *
 * Context: any.
 * Return: bytes from @hdr to what is encapsulated; -1 for what is not known.
 */
int cvmnet_inner_udp(u16 port, const u8 *hdr, __be16 *proto)
{
	int len = 8;

	switch (port) {
	case PORT_VXLAN:
		*proto = htons(ETH_P_TEB);
		break;
	case PORT_VXLAN_GPE:
		*proto = gpe_proto(hdr[3]);
		break;
	case PORT_GENEVE:
		*proto = cpu_to_be16(get_unaligned_be16(hdr + 2));
		len += (hdr[0] & GENEVE_WORDS) * 4;
		break;
	case PORT_GRE:
		if (hdr[0] & ~GRE_OPTIONAL || hdr[1] != GRE_KNOWN_VERSION)
			return -1;
		*proto = cpu_to_be16(get_unaligned_be16(hdr + 2));
		len = 4 + hweight8(hdr[0]) * 4;
		break;
	default:
		return -1;
	}
	return *proto ? len : -1;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_inner_udp);

static bool dissect(const struct sk_buff *skb, struct flow_keys *keys, __be16 proto, int at,
		    unsigned int flags)
{
	/* Nothing of what is outside may be left: VLAN, flow label, key of GRE. */
	memset(keys, 0, sizeof(*keys));
	return __skb_flow_dissect(NULL, skb, &flow_keys_dissector, keys, skb->data, proto, at,
				  skb_headlen(skb), flags);
}

/* A flow that begins with the headers of that protocol; what is no IP packet is no flow. */
static bool dissect_inner(const struct sk_buff *skb, struct flow_keys *keys, __be16 proto, int at)
{
	return dissect(skb, keys, proto, at, FLOW_DISSECTOR_F_STOP_AT_FLOW_LABEL) &&
	       keys->control.addr_type;
}

/* Inner headers behind the UDP header at that offset. */
static bool dissect_udp(const struct sk_buff *skb, struct flow_keys *keys, int at)
{
	u8 buf[CVMNET_INNER_HDR];
	struct ethhdr eth, *e;
	__be16 proto;
	u8 *hdr;
	int len;

	at += sizeof(struct udphdr);
	hdr = skb_header_pointer(skb, at, sizeof(buf), buf);
	if (!hdr)
		return false;
	len = cvmnet_inner_udp(be16_to_cpu(keys->ports.dst), hdr, &proto);
	if (len < 0)
		return false;
	at += len;
	if (proto == htons(ETH_P_TEB)) {
		e = skb_header_pointer(skb, at, sizeof(eth), &eth);
		if (!e)
			return false;
		proto = e->h_proto;
		at += sizeof(eth);
	}
	return dissect_inner(skb, keys, proto, at);
}

/**
 * cvmnet_inner_hash() - give a packet in an encapsulation the hash of its inner headers
 * @skb: the packet as for the stack: its data begin with the network header
 *
 * Any other packet stays as it is.
 *
 * Context: softirq.
 */
void cvmnet_inner_hash(struct sk_buff *skb)
{
	struct flow_keys keys;
	bool found;

	if (!dissect(skb, &keys, skb->protocol, 0, FLOW_DISSECTOR_F_STOP_AT_ENCAP))
		return;
	switch (keys.basic.ip_proto) {
	case IPPROTO_UDP:
		found = dissect_udp(skb, &keys, keys.control.thoff);
		break;
	case IPPROTO_GRE:
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		/* The stack's own dissector has found where the inside begins, or has not. */
		found = keys.control.flags & FLOW_DIS_ENCAPSULATION &&
			dissect_inner(skb, &keys, keys.basic.n_proto, keys.control.thoff);
		break;
	default:
		return;
	}
	if (found)
		__skb_set_sw_hash(skb, flow_hash_from_keys(&keys), flow_keys_have_l4(&keys));
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_inner_hash);
