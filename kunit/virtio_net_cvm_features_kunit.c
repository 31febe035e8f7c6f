// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what may be negotiated with what: virtio_net_cvm/features.[ch].
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <uapi/linux/virtio_config.h>

#include "compat/virtio_net.h"

#include "virtio_net_cvm/config.h"
#include "virtio_net_cvm/features.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)

/* Does a row have all that it asks for? */
static bool satisfied(const struct cvmnet_feature *f, u64 bits, size_t window)
{
	return (bits & f->all) == f->all && (!f->any || (bits & f->any)) &&
	       f->window <= window;
}

static void table_test(struct kunit *test)
{
	u64 known = cvmnet_features_known(), seen = 0;
	unsigned int i;

	for (i = 0; i < cvmnet_features_count; i++) {
		const struct cvmnet_feature *f = &cvmnet_features[i];

		KUNIT_ASSERT_LT_MSG(test, f->bit, 64U, "row %u", i);
		KUNIT_EXPECT_FALSE_MSG(test, seen & BIT_ULL(f->bit), "%s twice", f->name);
		/* setup() of what is needed comes first. */
		KUNIT_EXPECT_EQ_MSG(test, f->all & ~seen, 0ULL, "%s", f->name);
		KUNIT_EXPECT_EQ_MSG(test, f->any & ~seen, 0ULL, "%s", f->name);
		seen |= BIT_ULL(f->bit);
	}
	KUNIT_EXPECT_EQ(test, seen, known);
	/* Everything together is possible. */
	KUNIT_EXPECT_EQ(test, cvmnet_features_resolve(known, SIZE_MAX), known);
	/* What is never taken */
	KUNIT_EXPECT_FALSE(test, known & (F(STANDBY) | F(RSC_EXT) | F(GUEST_UFO) | F(HOST_UFO)));
}

/* Each row masked: what needs it goes with it, and nothing else. */
static void masked_test(struct kunit *test)
{
	u64 known = cvmnet_features_known();
	unsigned int i, j;

	for (i = 0; i < cvmnet_features_count; i++) {
		const struct cvmnet_feature *masked = &cvmnet_features[i];
		u64 got = cvmnet_features_resolve(known & ~BIT_ULL(masked->bit), SIZE_MAX);

		KUNIT_EXPECT_FALSE_MSG(test, got & BIT_ULL(masked->bit), "%s", masked->name);
		for (j = 0; j < cvmnet_features_count; j++) {
			const struct cvmnet_feature *f = &cvmnet_features[j];

			if (i == j)
				continue;
			KUNIT_EXPECT_EQ_MSG(test, !!(got & BIT_ULL(f->bit)),
					    satisfied(f, got, SIZE_MAX), "%s without %s",
					    f->name, masked->name);
		}
	}
}

/* Each row offered without one of its requirements, or without all alternatives. */
static void requirement_test(struct kunit *test)
{
	u64 known = cvmnet_features_known();
	unsigned int i, bit;

	for (i = 0; i < cvmnet_features_count; i++) {
		const struct cvmnet_feature *f = &cvmnet_features[i];

		for (bit = 0; bit < 64; bit++) {
			if (!(f->all & BIT_ULL(bit)))
				continue;
			KUNIT_EXPECT_FALSE_MSG(test,
					       cvmnet_features_resolve(known & ~BIT_ULL(bit),
								       SIZE_MAX) & BIT_ULL(f->bit),
					       "%s without bit %u", f->name, bit);
		}
		if (!f->any)
			continue;
		KUNIT_EXPECT_FALSE_MSG(test, cvmnet_features_resolve(known & ~f->any, SIZE_MAX) &
				       BIT_ULL(f->bit), "%s without alternatives", f->name);
		for (bit = 0; bit < 64; bit++) {
			if (!(f->any & BIT_ULL(bit)))
				continue;
			KUNIT_EXPECT_TRUE_MSG(test,
					      cvmnet_features_resolve((known & ~f->any) |
								      BIT_ULL(bit), SIZE_MAX) &
					      BIT_ULL(f->bit), "%s with bit %u", f->name, bit);
		}
	}
}

/* A row alone stays only if it asks for nothing. */
static void alone_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < cvmnet_features_count; i++) {
		const struct cvmnet_feature *f = &cvmnet_features[i];
		u64 bit = BIT_ULL(f->bit);

		KUNIT_EXPECT_EQ_MSG(test, cvmnet_features_resolve(bit, SIZE_MAX),
				    f->all || f->any ? 0 : bit, "%s", f->name);
	}
}

/* No field beyond the window is ever read. */
static void window_test(struct kunit *test)
{
	u64 known = cvmnet_features_known(), got;
	unsigned int i;
	size_t window;

	for (window = 0; window <= CVMNET_CONFIG_SIZE + 1; window++) {
		got = cvmnet_features_resolve(known, window);
		for (i = 0; i < cvmnet_features_count; i++) {
			const struct cvmnet_feature *f = &cvmnet_features[i];

			KUNIT_EXPECT_EQ_MSG(test, !!(got & BIT_ULL(f->bit)),
					    satisfied(f, got, window), "%s in %zu bytes",
					    f->name, window);
		}
	}
	/* MTU stays without the two fields before it. */
	KUNIT_EXPECT_EQ(test, cvmnet_features_resolve(F(MTU), 12), F(MTU));
	KUNIT_EXPECT_EQ(test, cvmnet_features_resolve(F(MTU), 11), 0ULL);
}

/* Bits of the transport are not ours to judge. */
static void foreign_test(struct kunit *test)
{
	u64 foreign = ~cvmnet_features_known();

	KUNIT_EXPECT_EQ(test, cvmnet_features_resolve(foreign, 0), foreign);
	KUNIT_EXPECT_EQ(test, cvmnet_features_resolve(BIT_ULL(VIRTIO_F_VERSION_1) | F(MQ), 0),
			BIT_ULL(VIRTIO_F_VERSION_1));
}

struct combination {
	const char *what;
	u64 bits;
	u64 want;
};

static const struct combination combinations[] = {
	{ "control features without the queue",
	  F(MQ) | F(RSS) | F(HASH_REPORT) | F(NOTF_COAL) | F(VQ_NOTF_COAL) |
	  F(CTRL_GUEST_OFFLOADS) |
	  F(CTRL_RX) | F(CTRL_VLAN) | F(CTRL_MAC_ADDR) | F(GUEST_ANNOUNCE) | F(STATUS),
	  F(STATUS) },
	{ "a chain: ECN needs TSO needs CSUM",
	  F(HOST_ECN) | F(HOST_TSO4) | F(HOST_TSO6), 0 },
	{ "ECN with one TSO", F(CSUM) | F(HOST_ECN) | F(HOST_TSO6),
	  F(CSUM) | F(HOST_ECN) | F(HOST_TSO6) },
	{ "guest ECN without TSO", F(GUEST_CSUM) | F(GUEST_ECN), F(GUEST_CSUM) },
	{ "guest USO without CSUM", F(GUEST_USO4) | F(GUEST_USO6), 0 },
	{ "host USO without CSUM", F(HOST_USO), 0 },
	{ "extra modes without modes", F(CTRL_VQ) | F(CTRL_RX_EXTRA), F(CTRL_VQ) },
	{ "announcements without status", F(CTRL_VQ) | F(GUEST_ANNOUNCE), F(CTRL_VQ) },
	{ "nothing", 0, 0 },
};

static void combination_desc(const struct combination *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(combination, combinations, combination_desc);

static void combination_test(struct kunit *test)
{
	const struct combination *c = test->param_value;

	KUNIT_EXPECT_EQ(test, cvmnet_features_resolve(c->bits, SIZE_MAX), c->want);
}

/* Whatever is offered: the result is a part of it, consistent, and final. */
static void random_test(struct kunit *test)
{
	struct rnd_state rnd;
	unsigned int round, i;

	prandom_seed_state(&rnd, 3);
	for (round = 0; round < 2000; round++) {
		u64 bits = (u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd);
		size_t window = prandom_u32_state(&rnd) % 32;
		u64 got = cvmnet_features_resolve(bits, window);

		KUNIT_ASSERT_EQ(test, got & ~bits, 0ULL);
		KUNIT_ASSERT_EQ(test, cvmnet_features_resolve(got, window), got);
		for (i = 0; i < cvmnet_features_count; i++)
			if (got & BIT_ULL(cvmnet_features[i].bit))
				KUNIT_ASSERT_TRUE(test, satisfied(&cvmnet_features[i], got,
								  window));
	}
}

static struct kunit_case features_cases[] = {
	KUNIT_CASE(table_test),
	KUNIT_CASE(masked_test),
	KUNIT_CASE(requirement_test),
	KUNIT_CASE(alone_test),
	KUNIT_CASE(window_test),
	KUNIT_CASE(foreign_test),
	KUNIT_CASE_PARAM(combination_test, combination_gen_params),
	KUNIT_CASE(random_test),
	{ }
};

static struct kunit_suite features_suite = {
	.name = "virtio_net_cvm_features",
	.test_cases = features_cases,
};

kunit_test_suite(features_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's feature table");
MODULE_LICENSE("GPL");
