// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: the packet hash, of outer or inner headers, and what it is used for.
 */
#include <linux/in.h>
#include <linux/jiffies.h>

#include <compat/unaligned.h>
#include <cvm/kunit.h>

#include "flow.h"
#include "vnetsim.h"

/* Bits of hash types, and so of reports, from a family's first one on */
#define TYPE_IP		0
#define TYPE_TCP	1
#define TYPE_UDP	2
#define FAMILY_V4	0
#define FAMILY_V6	3
#define FAMILY_EX	6

/**
 * vnetsim_toeplitz() - the hash of the specification
 * @key:     the key
 * @key_len: its length
 * @data:    what is hashed
 * @len:     its length; what the key does not reach is not hashed
 *
 * Context: any.
 * Return: the hash.
 */
u32 vnetsim_toeplitz(const u8 *key, unsigned int key_len, const u8 *data, unsigned int len)
{
	u32 hash = 0, window;
	unsigned int i, bit;

	if (key_len < sizeof(u32))
		return 0;
	window = get_unaligned_be32(key);
	for (i = 0; i < len && i + sizeof(u32) < key_len; i++) {
		for (bit = 8; bit--;) {
			if (data[i] & BIT(bit))
				hash ^= window;
			window = window << 1 | (key[i + sizeof(u32)] >> bit & 1);
		}
	}
	return hash;
}

/* --- the hash --- */

/* The type that applies to a flow in a family of three, or -1. */
static int choose(const struct vnetsim_flow *flow, u32 types, unsigned int family)
{
	if (flow->proto == IPPROTO_TCP && types & BIT(family + TYPE_TCP))
		return family + TYPE_TCP;
	if (flow->proto == IPPROTO_UDP && types & BIT(family + TYPE_UDP))
		return family + TYPE_UDP;
	if (types & BIT(family + TYPE_IP))
		return family + TYPE_IP;
	return -1;
}

/**
 * vnetsim_hash() - the hash of a packet
 * @rss:    what is enabled, and the key
 * @skb:    the packet, beginning with its Ethernet header
 * @report: receives VIRTIO_NET_HASH_REPORT_*
 *
 * Context: any.
 * Return: the hash; 0 if there is none.
 */
u32 vnetsim_hash(const struct vnetsim_rss *rss, const struct sk_buff *skb, u16 *report)
{
	u8 input[2 * sizeof(struct in6_addr) + 4];
	struct vnetsim_flow flow;
	unsigned int len;
	int type = -1;

	*report = VIRTIO_NET_HASH_REPORT_NONE;
	if (!vnetsim_flow_parse(skb, rss->tunnels, &flow))
		return 0;

	if (flow.ext)
		type = choose(&flow, rss->types, FAMILY_EX);
	if (type < 0)
		type = choose(&flow, rss->types, flow.v6 ? FAMILY_V6 : FAMILY_V4);
	if (type < 0)
		return 0;

	len = flow.v6 ? sizeof(flow.addr.in6) : sizeof(flow.addr.v4);
	memcpy(input, type >= FAMILY_EX ? (void *)flow.ex : (void *)&flow.addr, len);
	if (type % 3 != TYPE_IP) {
		memcpy(input + len, flow.ports, sizeof(flow.ports));
		len += sizeof(flow.ports);
	}
	*report = type + 1;
	return vnetsim_toeplitz(rss->key, rss->key_len, input, len);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(vnetsim_hash);

/**
 * vnetsim_steer() - the pair that a packet goes to
 * @sim: the device
 * @skb: the packet, beginning with its Ethernet header
 *
 * Context: softirq or process.
 * Return: its number.
 */
unsigned int vnetsim_steer(struct vnetsim *sim, const struct sk_buff *skb)
{
	static const struct vnetsim_rss any_flow = {
		.types = VNETSIM_HASH_TYPES,
		.key_len = 8,
		.key = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2 },
	};
	struct vnetsim_state *state = &sim->state;
	unsigned int pair;
	u16 report;
	u32 hash;

	if (vnetsim_hit_wire(sim, VNETSIM_BUG_QUEUE_LAST))
		return sim->max_pairs - 1;
	spin_lock_bh(&sim->state_lock);
	if (state->steer) {
		hash = vnetsim_hash(&state->rss, skb, &report);
		if (report == VIRTIO_NET_HASH_REPORT_NONE)
			pair = state->rss.unclassified;
		else
			pair = state->rss.table[hash & state->rss.mask];
	} else {
		pair = vnetsim_hash(&any_flow, skb, &report) % state->pairs;
	}
	spin_unlock_bh(&sim->state_lock);
	return pair;
}

/* --- commands --- */

static bool bad(struct vnetsim *sim, enum vnetsim_violation why)
{
	vnetsim_violate(sim, why);
	return false;
}

static bool read_key(struct vnetsim *sim, struct vnetsim_rss *rss, const u8 *p, u32 left)
{
	if (!left || p[0] > left - 1)
		return bad(sim, VNETSIM_V_CTRL_LAYOUT);
	/* Devices live with that: virtio_net of 6.12 sends a byte too many. */
	if (p[0] < left - 1)
		vnetsim_violate(sim, VNETSIM_V_CTRL_SLACK);
	if (p[0] > VNETSIM_RSS_KEY_MAX)
		return bad(sim, VNETSIM_V_CTRL_VALUE);
	rss->key_len = p[0];
	memcpy(rss->key, p + 1, p[0]);
	return true;
}

/**
 * vnetsim_rss_cmd() - MQ_RSS_CONFIG
 * @sim:  the device
 * @data: its data
 * @len:  their length
 *
 * Context: state_lock.
 * Return: true if it was done.
 */
bool vnetsim_rss_cmd(struct vnetsim *sim, const void *data, u32 len)
{
	struct vnetsim_rss rss = { .tunnels = sim->state.rss.tunnels };
	const u8 *p = data;
	u32 i, entries;
	u16 pairs;

	if (len < 8)
		return bad(sim, VNETSIM_V_CTRL_LAYOUT);
	rss.types = get_unaligned_le32(p);
	rss.mask = get_unaligned_le16(p + 4);
	rss.unclassified = get_unaligned_le16(p + 6);
	entries = rss.mask + 1U;
	p += 8;
	len -= 8;
	if (rss.types & ~VNETSIM_HASH_TYPES || entries & rss.mask ||
	    entries > VNETSIM_RSS_TABLE_MAX || rss.unclassified >= sim->max_pairs)
		return bad(sim, VNETSIM_V_CTRL_VALUE);
	if (len < 2 * entries + 2)
		return bad(sim, VNETSIM_V_CTRL_LAYOUT);
	for (i = 0; i < entries; i++, p += 2) {
		rss.table[i] = get_unaligned_le16(p);
		if (rss.table[i] >= sim->max_pairs)
			return bad(sim, VNETSIM_V_CTRL_VALUE);
	}
	pairs = get_unaligned_le16(p);
	len -= 2 * entries + 2;
	if (!pairs || pairs > sim->max_pairs)
		return bad(sim, VNETSIM_V_CTRL_VALUE);
	if (!read_key(sim, &rss, p + 2, len))
		return false;
	sim->state.rss = rss;
	sim->state.steer = true;
	sim->state.pairs = pairs;
	return true;
}

/**
 * vnetsim_hash_cmd() - MQ_HASH_CONFIG
 * @sim:  the device
 * @data: its data
 * @len:  their length
 *
 * Context: state_lock.
 * Return: true if it was done.
 */
bool vnetsim_hash_cmd(struct vnetsim *sim, const void *data, u32 len)
{
	struct vnetsim_rss rss = { .tunnels = sim->state.rss.tunnels };
	const u8 *p = data;

	/* The hash types, and what in RSS_CONFIG is something else */
	if (len < 12)
		return bad(sim, VNETSIM_V_CTRL_LAYOUT);
	rss.types = get_unaligned_le32(p);
	if (rss.types & ~VNETSIM_HASH_TYPES)
		return bad(sim, VNETSIM_V_CTRL_VALUE);
	if (!read_key(sim, &rss, p + 12, len - 12))
		return false;
	sim->state.rss = rss;
	return true;
}

/**
 * vnetsim_tunnel_cmd() - HASH_TUNNEL_SET
 * @sim:  the device
 * @data: its data
 * @len:  their length
 *
 * Context: state_lock.
 * Return: true if it was done.
 */
bool vnetsim_tunnel_cmd(struct vnetsim *sim, const void *data, u32 len)
{
	u32 types;

	if (len != sizeof(types))
		return bad(sim, VNETSIM_V_CTRL_LAYOUT);
	types = get_unaligned_le32(data);
	if (types & ~le32_to_cpu(sim->config.supported_tunnel_types))
		return bad(sim, VNETSIM_V_CTRL_VALUE);
	sim->state.rss.tunnels = types;
	return true;
}
