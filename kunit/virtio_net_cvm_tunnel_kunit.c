// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of names of encapsulations: virtio_net_cvm/tunnel.c.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/string.h>

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

static struct kunit_case tunnel_cases[] = {
	KUNIT_CASE(parse_test),
	KUNIT_CASE(format_test),
	{ }
};

static struct kunit_suite tunnel_suite = {
	.name = "virtio_net_cvm_tunnel",
	.test_cases = tunnel_cases,
};

kunit_test_suite(tunnel_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's names of encapsulations");
MODULE_LICENSE("GPL");
