// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the device's statistics: virtio_net_cvm/devstats_parse.c.
 */
#include <kunit/test.h>
#include <linux/ethtool.h>
#include <linux/module.h>

#include "compat/unaligned.h"

#include "virtio_net_cvm/config.h"
#include "virtio_net_cvm/devstats.h"

#define HDR_LEN		8
#define RX_BASIC	0
#define RX_CSUM		1
#define TX_BASIC	16
#define CVQ		32
#define UNSET		0x5a5a5a5a5a5a5a5aULL

/* A record whose counters are base, base + 1 ...; returns where it ends. */
static u8 *put_record(u8 *p, u8 type, u16 queue, u16 size, u64 base)
{
	unsigned int i;

	memset(p, 0, size);
	p[0] = type;
	put_unaligned_le16(queue, p + 2);
	put_unaligned_le16(size, p + 6);
	for (i = 0; HDR_LEN + (i + 1) * 8 <= size; i++)
		put_unaligned_le64(base + i, p + HDR_LEN + i * 8);
	return p + size;
}

static u64 *new_values(struct kunit *test)
{
	u64 *values = kunit_kcalloc(test, CVMNET_DEVSTATS_MAX, sizeof(*values), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, values);
	for (i = 0; i < CVMNET_DEVSTATS_MAX; i++)
		values[i] = UNSET;
	return values;
}

static void whole_test(struct kunit *test)
{
	u64 *values = new_values(test);
	unsigned int i;
	u8 buf[256], *end = buf;

	end = put_record(end, RX_BASIC, 4, HDR_LEN + 48, 100);
	end = put_record(end, RX_CSUM, 4, HDR_LEN + 32, 200);
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_parse(buf, end - buf, 4, CVMNET_DEVSTATS_KIND_RX,
						    values), 10U);
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, values[i], 100ULL + i);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, values[6 + i], 200ULL + i);
	KUNIT_EXPECT_EQ(test, values[10], UNSET);
}

/* Other queues, other kinds of queues and unknown types are passed over. */
static void skip_test(struct kunit *test)
{
	u64 *values = new_values(test);
	u8 buf[512], *end = buf;

	end = put_record(end, RX_BASIC, 65535, HDR_LEN + 48, 1);
	end = put_record(end, TX_BASIC, 4, HDR_LEN + 48, 2);
	end = put_record(end, 77, 4, HDR_LEN + 80, 3);
	end = put_record(end, 255, 4, HDR_LEN, 4);
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_parse(buf, end - buf, 4, CVMNET_DEVSTATS_KIND_RX,
						    values), 0U);
	end = put_record(end, RX_BASIC, 4, HDR_LEN + 48, 500);
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_parse(buf, end - buf, 4, CVMNET_DEVSTATS_KIND_RX,
						    values), 6U);
	KUNIT_EXPECT_EQ(test, values[0], 500ULL);
}

/* A device that counts less or more than we know. */
static void length_test(struct kunit *test)
{
	u64 *values = new_values(test);
	u8 buf[512], *end;

	put_record(buf, RX_BASIC, 0, HDR_LEN + 20, 10);
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_parse(buf, HDR_LEN + 20, 0,
						    CVMNET_DEVSTATS_KIND_RX, values), 2U);
	KUNIT_EXPECT_EQ(test, values[2], UNSET);
	end = put_record(buf, CVQ, 9, HDR_LEN + 400, 10);
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_parse(buf, end - buf, 9,
						    CVMNET_DEVSTATS_KIND_CTRL, values), 2U);
	KUNIT_EXPECT_EQ(test, values[2], UNSET);
}

/* Lengths that make no sense end the reply; nothing loops, nothing is read beyond it. */
static void nonsense_test(struct kunit *test)
{
	static const u16 sizes[] = { 0, 1, 7, HDR_LEN + 49, 32768, 65535 };
	u64 *values = new_values(test);
	unsigned int i, len;
	u8 *buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		/* As large as the reply, for KASAN to watch its end. */
		buf = kunit_kzalloc(test, HDR_LEN + 48, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		put_unaligned_le16(sizes[i], buf + 6);
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_devstats_parse(buf, HDR_LEN + 48, 0,
								CVMNET_DEVSTATS_KIND_RX, values),
				    0U, "size %u", sizes[i]);
		kunit_kfree(test, buf);
	}
	for (len = 0; len < HDR_LEN + 48; len++) {
		buf = kunit_kzalloc(test, HDR_LEN + 48, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		put_record(buf, RX_BASIC, 0, HDR_LEN + 48, 1);
		KUNIT_EXPECT_EQ(test, cvmnet_devstats_parse(buf + HDR_LEN + 48 - len, len, 0,
							    CVMNET_DEVSTATS_KIND_RX, values), 0U);
		kunit_kfree(test, buf);
	}
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_parse(NULL, 0, 0, CVMNET_DEVSTATS_KIND_RX, values),
			0U);
	for (i = 0; i < CVMNET_DEVSTATS_MAX; i++)
		KUNIT_EXPECT_EQ(test, values[i], UNSET);
}

/* A record twice: the later one counts, and both are within bounds. */
static void twice_test(struct kunit *test)
{
	u64 *values = new_values(test);
	u8 buf[256], *end = buf;

	end = put_record(end, TX_BASIC, 1, HDR_LEN + 48, 1);
	end = put_record(end, TX_BASIC, 1, HDR_LEN + 48, 70);
	cvmnet_devstats_parse(buf, end - buf, 1, CVMNET_DEVSTATS_KIND_TX, values);
	KUNIT_EXPECT_EQ(test, values[0], 70ULL);
	KUNIT_EXPECT_EQ(test, values[5], 75ULL);
}

static void known_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_known(CVMNET_DEVSTATS_KIND_RX), 0xfULL);
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_known(CVMNET_DEVSTATS_KIND_TX), 0xf0000ULL);
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_known(CVMNET_DEVSTATS_KIND_CTRL), 1ULL << 32);
}

/* ethtool cuts what is longer, and two names may be the same then. */
static void name_test(struct kunit *test)
{
	char name[64];
	unsigned int i;

	BUILD_BUG_ON(CVMNET_DEVSTATS_RX != CVMNET_DEVSTATS_TX);
	for (i = 0; i < CVMNET_DEVSTATS_RX; i++) {
		snprintf(name, sizeof(name), "rx%u_device_%s", CVMNET_PAIRS_MAX - 1,
			 cvmnet_devstats_rx_names[i]);
		KUNIT_EXPECT_LT_MSG(test, strlen(name), (size_t)ETH_GSTRING_LEN, "%s", name);
		snprintf(name, sizeof(name), "tx%u_device_%s", CVMNET_PAIRS_MAX - 1,
			 cvmnet_devstats_tx_names[i]);
		KUNIT_EXPECT_LT_MSG(test, strlen(name), (size_t)ETH_GSTRING_LEN, "%s", name);
	}
}

static struct kunit_case devstats_cases[] = {
	KUNIT_CASE(whole_test),
	KUNIT_CASE(skip_test),
	KUNIT_CASE(length_test),
	KUNIT_CASE(nonsense_test),
	KUNIT_CASE(twice_test),
	KUNIT_CASE(known_test),
	KUNIT_CASE(name_test),
	{ }
};

static struct kunit_suite devstats_suite = {
	.name = "virtio_net_cvm_devstats",
	.test_cases = devstats_cases,
};

kunit_test_suite(devstats_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's device statistics");
MODULE_LICENSE("GPL");
