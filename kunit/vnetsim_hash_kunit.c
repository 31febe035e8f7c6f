// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the software device's hashes: vnetsim/rss.c. Known answers are those
 * that Microsoft publishes for receive-side scaling.
 */
#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/skbuff.h>

#include "tunnel_packet.h"
#include "vnetsim/vnetsim.h"

#define FLOWS		64
#define QUEUES		8

static const u8 key[VNETSIM_RSS_KEY_MAX] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

struct known {
	u8 len;				/* of an address */
	u8 src[16];
	u8 dst[16];
	u16 sport;
	u16 dport;
	u32 ip;
	u32 tcp;
};

static const struct known known[] = {
	{ 4, { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766, 0x323e8fc2, 0x51ccc178 },
	{ 4, { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739, 0xd718262a, 0xc626b0ea },
	{ 4, { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
	{ 4, { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217, 0x82989176, 0xafc7327f },
	{ 4, { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303, 0x5d1809c5, 0x10e828a2 },
	{ 16, { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, [15] = 7 },
	  { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, [15] = 1 },
	  2794, 1766, 0x2cc18cd5, 0x40207d3d },
	{ 16, { 0x3f, 0xfe, 5, 1, 0, 8, 0, 0, 2, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef, 0xab },
	  { 0xff, 0x02, [15] = 1 }, 14230, 4739, 0x0f0c461c, 0xdde51bbf },
	{ 16, { 0x3f, 0xfe, 0x19, 0, 0x45, 0x45, 0, 3, 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
	  { 0xfe, 0x80, [8] = 0x02, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
	  44251, 38024, 0x4b61e985, 0x02d1feef },
};

static struct sk_buff *known_packet(struct kunit *test, const struct known *k, u8 proto)
{
	struct sk_buff *skb = new_packet(test);

	put_eth(skb, k->len == 4 ? ETH_P_IP : ETH_P_IPV6);
	if (k->len == 4)
		put_v4(skb, k->src, k->dst, proto);
	else
		put_v6(skb, k->src, k->dst, proto);
	put_ports(skb, k->sport, k->dport);
	return skb;
}

static struct vnetsim_rss *new_rss(struct kunit *test, u32 types, u32 tunnels)
{
	struct vnetsim_rss *rss = kunit_kzalloc(test, sizeof(*rss), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rss);
	rss->types = types;
	rss->tunnels = tunnels;
	rss->key_len = sizeof(key);
	memcpy(rss->key, key, sizeof(key));
	return rss;
}

static void known_test(struct kunit *test)
{
	struct vnetsim_rss *all = new_rss(test, VNETSIM_HASH_TYPES, 0);
	struct vnetsim_rss *ip = new_rss(test, VIRTIO_NET_RSS_HASH_TYPE_IPv4 |
					 VIRTIO_NET_RSS_HASH_TYPE_IPv6, 0);
	struct vnetsim_rss *none = new_rss(test, 0, 0);
	unsigned int i;
	u16 report;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		const struct known *k = &known[i];
		struct sk_buff *tcp = known_packet(test, k, IPPROTO_TCP);
		struct sk_buff *other = known_packet(test, k, IPPROTO_SCTP);
		unsigned int family = k->len == 4 ? 0 : 3;

		KUNIT_EXPECT_EQ(test, vnetsim_hash(all, tcp, &report), k->tcp);
		KUNIT_EXPECT_EQ(test, (unsigned int)report, family + 2);
		KUNIT_EXPECT_EQ(test, vnetsim_hash(all, other, &report), k->ip);
		KUNIT_EXPECT_EQ(test, (unsigned int)report, family + 1);
		KUNIT_EXPECT_EQ(test, vnetsim_hash(ip, tcp, &report), k->ip);
		KUNIT_EXPECT_EQ(test, vnetsim_hash(none, tcp, &report), 0U);
		KUNIT_EXPECT_EQ(test, (unsigned int)report, VIRTIO_NET_HASH_REPORT_NONE);
		kfree_skb(tcp);
		kfree_skb(other);
	}
}

/* What is no IP packet, or not a whole one, has no hash. */
static void cut_test(struct kunit *test)
{
	struct vnetsim_rss *rss = new_rss(test, VNETSIM_HASH_TYPES, BIT(VNETSIM_TUNNELS) - 1);
	struct sk_buff *skb = known_packet(test, &known[5], IPPROTO_TCP);
	u32 len = skb->len;
	u16 report;

	for (; len; len--) {
		skb_trim(skb, len);
		vnetsim_hash(rss, skb, &report);
		if (len < ETH_HLEN + sizeof(struct ipv6hdr))
			KUNIT_EXPECT_EQ(test, (unsigned int)report, VIRTIO_NET_HASH_REPORT_NONE);
	}
	kfree_skb(skb);
}

/* --- tunnels --- */

static struct sk_buff *tunnel_packet(struct kunit *test, enum vnetsim_tunnel type, u16 sport)
{
	const struct known *k = &known[0];
	const struct tunnel_outer outer = { .type = type };
	struct sk_buff *skb = new_packet(test);

	put_outer(skb, &outer);
	put_v4(skb, k->src, k->dst, IPPROTO_TCP);
	put_ports(skb, sport, k->dport);
	return skb;
}

/* The inner flow's known hash with the type enabled; with all others, the outer one's. */
static void tunnel_test(struct kunit *test)
{
	unsigned int type;
	u16 report;

	for (type = 0; type < VNETSIM_TUNNELS; type++) {
		struct vnetsim_rss *on = new_rss(test, VNETSIM_HASH_TYPES, BIT(type));
		struct vnetsim_rss *others = new_rss(test, VNETSIM_HASH_TYPES,
						     (BIT(VNETSIM_TUNNELS) - 1) & ~BIT(type));
		struct vnetsim_rss *off = new_rss(test, VNETSIM_HASH_TYPES, 0);
		struct sk_buff *skb = tunnel_packet(test, type, known[0].sport);
		u32 outer;

		KUNIT_EXPECT_EQ_MSG(test, vnetsim_hash(on, skb, &report), known[0].tcp,
				    "type %u", type);
		KUNIT_EXPECT_EQ(test, (unsigned int)report, VIRTIO_NET_HASH_REPORT_TCPv4);
		outer = vnetsim_hash(off, skb, &report);
		KUNIT_EXPECT_NE(test, outer, known[0].tcp);
		KUNIT_EXPECT_EQ_MSG(test, vnetsim_hash(others, skb, &report), outer,
				    "type %u", type);
		kfree_skb(skb);
	}
}

/* 64 flows in one tunnel: spread by the inner hash, on one queue by the outer. */
static void spread_test(struct kunit *test)
{
	unsigned int type, i, most, inner[QUEUES], outer[QUEUES];
	u16 report;

	for (type = 0; type < VNETSIM_TUNNELS; type++) {
		struct vnetsim_rss *on = new_rss(test, VNETSIM_HASH_TYPES, BIT(type));
		struct vnetsim_rss *off = new_rss(test, VNETSIM_HASH_TYPES, 0);

		memset(inner, 0, sizeof(inner));
		memset(outer, 0, sizeof(outer));
		for (i = 0; i < FLOWS; i++) {
			struct sk_buff *skb = tunnel_packet(test, type, 10000 + i);

			inner[vnetsim_hash(on, skb, &report) % QUEUES]++;
			outer[vnetsim_hash(off, skb, &report) % QUEUES]++;
			kfree_skb(skb);
		}
		for (most = 0, i = 0; i < QUEUES; i++)
			most = max(most, inner[i]);
		KUNIT_EXPECT_LE_MSG(test, most, 2U * FLOWS / QUEUES, "type %u", type);
		for (most = 0, i = 0; i < QUEUES; i++)
			most = max(most, outer[i]);
		KUNIT_EXPECT_EQ_MSG(test, most, (unsigned int)FLOWS, "type %u", type);
	}
}

static struct kunit_case hash_cases[] = {
	KUNIT_CASE(known_test),
	KUNIT_CASE(cut_test),
	KUNIT_CASE(tunnel_test),
	KUNIT_CASE(spread_test),
	{ }
};

static struct kunit_suite hash_suite = {
	.name = "vnetsim_hash",
	.test_cases = hash_cases,
};

kunit_test_suite(hash_suite);

MODULE_DESCRIPTION("KUnit tests of the software virtio-net device's hashes");
MODULE_LICENSE("GPL");
