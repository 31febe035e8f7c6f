// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of encapsulations: their names (virtio_net_cvm/tunnel.c), and what is
 * inside (virtio_net_cvm/inner_hash.c).
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/module.h>
#include <linux/string.h>

#include "virtio_net_cvm/inner_hash.h"
#include "virtio_net_cvm/tunnel.h"

#define ALL "gre_2784 gre_2890 gre_7676 gre_udp vxlan vxlan_gpe geneve ipip nvgre"

static void parse_test(struct kunit *test)
{
	static const struct {
		const char *text;
		u32 types;
	} good[] = {
		{ "none", 0 },
		{ "none\n", 0 },
		{ "gre_2784", 1 },
		{ " nvgre\t\n", 0x100 },
		{ "vxlan vxlan_gpe", 0x30 },
		{ "ipip ipip", 0x80 },
		{ ALL, 0x1ff },
	};
	static const char * const bad[] = {
		"", " ", "\n", "gre", "vxlan,geneve", "vxlan none", "none none", "VXLAN",
		"vxlan_gpe_", "gre_27844", "1", ALL " x",
	};
	unsigned int i;
	u32 types;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		types = ~0;
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_tunnel_parse(good[i].text, &types), 0, "'%s'",
				    good[i].text);
		KUNIT_EXPECT_EQ_MSG(test, types, good[i].types, "'%s'", good[i].text);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		types = 0x5a;
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_tunnel_parse(bad[i], &types), -EINVAL, "'%s'",
				    bad[i]);
		KUNIT_EXPECT_EQ_MSG(test, types, 0x5aU, "'%s'", bad[i]);
	}
}

static void format_test(struct kunit *test)
{
	char buf[128];

	KUNIT_EXPECT_EQ(test, cvmnet_tunnel_format(0, 0x1ff, buf, sizeof(buf)),
			(ssize_t)strlen(ALL "\n"));
	KUNIT_EXPECT_STREQ(test, buf, ALL "\n");
	cvmnet_tunnel_format(0x10, 0x90, buf, sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf, "[vxlan] ipip\n");
	cvmnet_tunnel_format(0, 0, buf, sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf, "\n");
	/* Cut, not written beyond. */
	memset(buf, 'x', sizeof(buf));
	KUNIT_EXPECT_LE(test, cvmnet_tunnel_format(0x1ff, 0x1ff, buf, 20), (ssize_t)19);
	KUNIT_EXPECT_EQ(test, buf[20], 'x');
}

/* What is encapsulated in UDP, and where. */
static void inner_udp_test(struct kunit *test)
{
	static const struct {
		u16 port;
		u8 hdr[CVMNET_INNER_HDR];
		int len;
		u16 proto;
	} rows[] = {
		{ 4789, { 0x08 }, 8, ETH_P_TEB },
		{ 4790, { 0x0c, 0, 0, 1 }, 8, ETH_P_IP },
		{ 4790, { 0x0c, 0, 0, 2 }, 8, ETH_P_IPV6 },
		{ 4790, { 0x0c, 0, 0, 3 }, 8, ETH_P_TEB },
		{ 4790, { 0x0c, 0, 0, 4 }, -1 },
		{ 6081, { 0x00, 0, 0x65, 0x58 }, 8, ETH_P_TEB },
		{ 6081, { 0x3f, 0, 0x08, 0x00 }, 8 + 63 * 4, ETH_P_IP },
		{ 6081, { 0x01, 0, 0x00, 0x00 }, -1 },
		{ 4754, { 0x00, 0, 0x08, 0x00 }, 4, ETH_P_IP },
		{ 4754, { 0x20, 0, 0x65, 0x58 }, 8, ETH_P_TEB },
		{ 4754, { 0xb0, 0, 0x86, 0xdd }, 16, ETH_P_IPV6 },
		/* Routing; a version that is not known. */
		{ 4754, { 0x40, 0, 0x08, 0x00 }, -1 },
		{ 4754, { 0x00, 1, 0x08, 0x00 }, -1 },
		{ 53, { 0x08, 0, 0x08, 0x00 }, -1 },
		{ 0, { 0 }, -1 },
	};
	unsigned int i;
	__be16 proto;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_inner_udp(rows[i].port, rows[i].hdr, &proto),
				    rows[i].len, "row %u", i);
		if (rows[i].len >= 0)
			KUNIT_EXPECT_EQ_MSG(test, be16_to_cpu(proto), rows[i].proto, "row %u", i);
	}
}

static struct kunit_case tunnel_cases[] = {
	KUNIT_CASE(parse_test),
	KUNIT_CASE(inner_udp_test),
	KUNIT_CASE(format_test),
	{ }
};

static struct kunit_suite tunnel_suite = {
	.name = "virtio_net_cvm_tunnel",
	.test_cases = tunnel_cases,
};

kunit_test_suite(tunnel_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's encapsulations");
MODULE_LICENSE("GPL");
