// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of receive-side scaling: virtio_net_cvm/rss.[ch].
 */
#include <kunit/test.h>
#include <linux/ethtool.h>
#include <linux/module.h>
#include <uapi/linux/virtio_net.h>

#include "compat/unaligned.h"

#include "virtio_net_cvm/rss.h"

#define L3	(RXH_IP_SRC | RXH_IP_DST)
#define L4	(L3 | RXH_L4_B_0_1 | RXH_L4_B_2_3)

#define IP4	VIRTIO_NET_RSS_HASH_TYPE_IPv4
#define TCP4	VIRTIO_NET_RSS_HASH_TYPE_TCPv4
#define UDP4	VIRTIO_NET_RSS_HASH_TYPE_UDPv4
#define IP6	VIRTIO_NET_RSS_HASH_TYPE_IPv6
#define TCP6	VIRTIO_NET_RSS_HASH_TYPE_TCPv6
#define UDP6	VIRTIO_NET_RSS_HASH_TYPE_UDPv6
#define IP6EX	VIRTIO_NET_RSS_HASH_TYPE_IP_EX
#define TCP6EX	VIRTIO_NET_RSS_HASH_TYPE_TCP_EX
#define UDP6EX	VIRTIO_NET_RSS_HASH_TYPE_UDP_EX
#define ALL_TYPES 0x1ffU

static struct cvmnet_rss *new_rss(struct kunit *test, unsigned int table_len)
{
	struct cvmnet_rss *rss = kunit_kzalloc(test, sizeof(*rss), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, rss);
	rss->table_len = table_len;
	rss->types = ALL_TYPES;
	for (i = 0; i < CVMNET_RSS_KEY_LEN; i++)
		rss->key[i] = i + 1;
	return rss;
}

static void table_default_test(struct kunit *test)
{
	static const unsigned int lens[] = { 0, 1, 2, 128, CVMNET_RSS_TABLE_MAX };
	static const unsigned int pairs[] = { 1, 2, 3, 7, 256 };
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (j = 0; j < ARRAY_SIZE(pairs); j++) {
			struct cvmnet_rss *rss = new_rss(test, lens[i]);

			rss->table_set = true;
			cvmnet_rss_table_default(rss, pairs[j]);
			KUNIT_EXPECT_FALSE(test, rss->table_set);
			KUNIT_EXPECT_TRUE(test, cvmnet_rss_table_fits(rss->table, lens[i],
								      pairs[j]));
			for (k = 0; k < lens[i]; k++)
				KUNIT_ASSERT_EQ(test, (unsigned int)rss->table[k], k % pairs[j]);
			kunit_kfree(test, rss);
		}
	}
}

static void table_fits_test(struct kunit *test)
{
	static const u16 table[] = { 0, 3, 1, 2 };
	static const u16 huge[] = { 0, U16_MAX };

	KUNIT_EXPECT_TRUE(test, cvmnet_rss_table_fits(table, 4, 4));
	KUNIT_EXPECT_TRUE(test, cvmnet_rss_table_fits(table, 4, 5));
	KUNIT_EXPECT_FALSE(test, cvmnet_rss_table_fits(table, 4, 3));
	KUNIT_EXPECT_TRUE(test, cvmnet_rss_table_fits(table, 1, 1));
	KUNIT_EXPECT_TRUE(test, cvmnet_rss_table_fits(table, 0, 1));
	KUNIT_EXPECT_FALSE(test, cvmnet_rss_table_fits(huge, 2, 256));
}

/* Byte for byte what the specification lays out. */
static void encode_test(struct kunit *test)
{
	struct cvmnet_rss *rss = new_rss(test, 4);
	u8 *buf = kunit_kzalloc(test, CVMNET_RSS_CMD_MAX, GFP_KERNEL);
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	rss->table[0] = 2;
	rss->table[1] = 0;
	rss->table[2] = 1;
	rss->table[3] = 0x102;

	len = cvmnet_rss_encode(rss, 3, buf);
	KUNIT_ASSERT_EQ(test, len, (size_t)(4 + 2 + 2 + 4 * 2 + 2 + 1 + 40));
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(buf), ALL_TYPES);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(buf + 4), (u16)3);	/* mask */
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(buf + 6), (u16)2);	/* unclassified */
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(buf + 8), (u16)2);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(buf + 10), (u16)0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(buf + 12), (u16)1);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(buf + 14), (u16)0x102);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(buf + 16), (u16)3);	/* max_tx_vq */
	KUNIT_EXPECT_EQ(test, buf[18], (u8)40);
	KUNIT_EXPECT_EQ(test, memcmp(buf + 19, rss->key, 40), 0);
}

static void encode_longest_test(struct kunit *test)
{
	struct cvmnet_rss *rss = new_rss(test, CVMNET_RSS_TABLE_MAX);
	u8 *buf = kunit_kzalloc(test, CVMNET_RSS_CMD_MAX + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	buf[CVMNET_RSS_CMD_MAX] = 0x5a;
	KUNIT_EXPECT_EQ(test, cvmnet_rss_encode(rss, 1, buf), (size_t)CVMNET_RSS_CMD_MAX);
	KUNIT_EXPECT_EQ(test, buf[CVMNET_RSS_CMD_MAX], (u8)0x5a);
}

static void encode_hash_test(struct kunit *test)
{
	struct cvmnet_rss *rss = new_rss(test, 0);
	u8 *buf = kunit_kzalloc(test, CVMNET_RSS_CMD_MAX, GFP_KERNEL);
	static const u8 zeroes[8];

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memset(buf, 0xff, CVMNET_RSS_CMD_MAX);
	KUNIT_ASSERT_EQ(test, cvmnet_hash_encode(rss, buf), (size_t)(4 + 8 + 1 + 40));
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(buf), ALL_TYPES);
	KUNIT_EXPECT_EQ(test, memcmp(buf + 4, zeroes, 8), 0);
	KUNIT_EXPECT_EQ(test, buf[12], (u8)40);
	KUNIT_EXPECT_EQ(test, memcmp(buf + 13, rss->key, 40), 0);
}

struct fields_case {
	const char *what;
	u32 types;
	u32 supported;
	u32 flow;
	u32 fields;
	int err;
	u32 want;
};

static const struct fields_case fields_cases[] = {
	{ "tcp4 ports on", IP4, ALL_TYPES, TCP_V4_FLOW, L4, 0, IP4 | TCP4 },
	{ "tcp4 ports off", IP4 | TCP4 | UDP4, ALL_TYPES, TCP_V4_FLOW, L3, 0,
	  IP4 | UDP4 },
	{ "tcp4 addresses on from nothing", 0, ALL_TYPES, TCP_V4_FLOW, L3, 0, IP4 },
	{ "udp4 ports on leaves tcp4", IP4 | TCP4, ALL_TYPES, UDP_V4_FLOW, L4, 0,
	  IP4 | TCP4 | UDP4 },
	{ "tcp4 off while addresses are hashed", IP4 | TCP4, ALL_TYPES, TCP_V4_FLOW, 0,
	  -EINVAL },
	{ "tcp4 off where addresses are not", TCP4, ALL_TYPES, TCP_V4_FLOW, 0, 0, 0 },
	{ "ip4 off", IP4 | TCP4, ALL_TYPES, IPV4_FLOW, 0, 0, TCP4 },
	{ "ip4 on", 0, ALL_TYPES, IPV4_FLOW, L3, 0, IP4 },
	{ "ip4 has no ports", 0, ALL_TYPES, IPV4_FLOW, L4, -EINVAL },
	{ "tcp6 with extension headers", IP6, ALL_TYPES, TCP_V6_FLOW, L4, 0,
	  IP6 | TCP6 | TCP6EX },
	{ "tcp6 without them", IP6, IP6 | TCP6, TCP_V6_FLOW, L4, 0,
	  IP6 | TCP6 },
	{ "udp6 ports off", IP6 | UDP6 | UDP6EX, ALL_TYPES, UDP_V6_FLOW, L3, 0,
	  IP6 },
	{ "ip6 off", IP6 | IP6EX | TCP6, ALL_TYPES, IPV6_FLOW, 0, 0, TCP6 },
	{ "what the device lacks", IP4, IP4, TCP_V4_FLOW, L4, -EOPNOTSUPP },
	{ "source address only", ALL_TYPES, ALL_TYPES, TCP_V4_FLOW, RXH_IP_SRC, -EINVAL },
	{ "source port only", ALL_TYPES, ALL_TYPES, TCP_V4_FLOW, L3 | RXH_L4_B_0_1, -EINVAL },
	{ "ports without addresses", ALL_TYPES, ALL_TYPES, TCP_V4_FLOW,
	  RXH_L4_B_0_1 | RXH_L4_B_2_3, -EINVAL },
	{ "vlan", ALL_TYPES, ALL_TYPES, TCP_V4_FLOW, L4 | RXH_VLAN, -EINVAL },
	{ "discard", ALL_TYPES, ALL_TYPES, TCP_V4_FLOW, RXH_DISCARD, -EINVAL },
	{ "a flow nobody hashes", ALL_TYPES, ALL_TYPES, SCTP_V4_FLOW, L4, -EINVAL },
};

static void fields_desc(const struct fields_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fields, fields_cases, fields_desc);

static void fields_set_test(struct kunit *test)
{
	const struct fields_case *c = test->param_value;
	u32 types = c->types;

	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_set(&types, c->supported, c->flow, c->fields),
			c->err);
	KUNIT_EXPECT_EQ(test, types, c->err ? c->types : c->want);
	if (!c->err) {
		KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(types, c->flow), c->fields);
		KUNIT_EXPECT_EQ(test, types & ~c->supported, 0U);
	}
}

static void fields_get_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(ALL_TYPES, TCP_V4_FLOW), (u32)L4);
	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(ALL_TYPES, UDP_V6_FLOW), (u32)L4);
	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(ALL_TYPES, IPV6_FLOW), (u32)L3);
	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(IP4, TCP_V4_FLOW), (u32)L3);
	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(IP4, TCP_V6_FLOW), 0U);
	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(0, TCP_V4_FLOW), 0U);
	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(ALL_TYPES, SCTP_V4_FLOW), 0U);
	KUNIT_EXPECT_EQ(test, cvmnet_rss_fields_get(ALL_TYPES, U32_MAX), 0U);
}

static struct kunit_case rss_cases[] = {
	KUNIT_CASE(table_default_test),
	KUNIT_CASE(table_fits_test),
	KUNIT_CASE(encode_test),
	KUNIT_CASE(encode_longest_test),
	KUNIT_CASE(encode_hash_test),
	KUNIT_CASE_PARAM(fields_set_test, fields_gen_params),
	KUNIT_CASE(fields_get_test),
	{ }
};

static struct kunit_suite rss_suite = {
	.name = "virtio_net_cvm_rss",
	.test_cases = rss_cases,
};

kunit_test_suite(rss_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's receive-side scaling");
MODULE_LICENSE("GPL");
