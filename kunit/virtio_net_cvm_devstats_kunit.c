// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the device's statistics: virtio_net_cvm/devstats_parse.c.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/string.h>

#include "compat/unaligned.h"

#include "virtio_net_cvm/config.h"
#include "virtio_net_cvm/devstats.h"

#define HDR_LEN		8
#define RX_BASIC	0
#define RX_CSUM		1
#define TX_BASIC	16
#define CVQ		32
#define COUNTERS_MAX	6
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

/**
 * struct type_case - a type of statistics, as the specification has it
 * @name:  its name there
 * @kind:  whose it is
 * @type:  its number
 * @first: place of its first counter among those of the queue
 * @count: how many it has
 * @names: theirs, without rx_ and tx_; what is cut for ethtool as documented
 */
struct type_case {
	const char *name;
	enum cvmnet_devstats_kind kind;
	u8 type;
	u8 first;
	u8 count;
	const char *names[COUNTERS_MAX];
};

/* Written from "Device Statistics" of the network device, not from the driver's tables. */
static const struct type_case type_cases[] = {
	{ "CVQ", CVMNET_DEVSTATS_KIND_CTRL, 32, 0, 2, { "commands", "commands_ok" } },
	{ "RX_BASIC", CVMNET_DEVSTATS_KIND_RX, 0, 0, 6,
	  { "notifications", "packets", "bytes", "interrupts", "drops", "drop_overruns" } },
	{ "RX_CSUM", CVMNET_DEVSTATS_KIND_RX, 1, 6, 4,
	  { "csum_valid", "needs_csum", "csum_none", "csum_bad" } },
	{ "RX_GSO", CVMNET_DEVSTATS_KIND_RX, 2, 10, 4,
	  { "gso_packets", "gso_bytes", "gso_packets_coal", "gso_bytes_coal" } },
	{ "RX_SPEED", CVMNET_DEVSTATS_KIND_RX, 3, 14, 2,
	  { "ratelimit_packets", "ratelimit_bytes" } },
	{ "TX_BASIC", CVMNET_DEVSTATS_KIND_TX, 16, 0, 6,
	  { "notifications", "packets", "bytes", "interrupts", "drops", "drop_malformed" } },
	{ "TX_CSUM", CVMNET_DEVSTATS_KIND_TX, 17, 6, 2, { "csum_none", "needs_csum" } },
	{ "TX_GSO", CVMNET_DEVSTATS_KIND_TX, 18, 8, 6,
	  { "gso_packets", "gso_bytes", "gso_segments", "gso_segments_bytes",
	    "gso_packets_noseg", "gso_bytes_noseg" } },
	{ "TX_SPEED", CVMNET_DEVSTATS_KIND_TX, 19, 14, 2,
	  { "ratelimit_packets", "ratelimit_bytes" } },
};

static void type_desc(const struct type_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(type, type_cases, type_desc);

static const char *ethtool_name(enum cvmnet_devstats_kind kind, unsigned int place)
{
	switch (kind) {
	case CVMNET_DEVSTATS_KIND_RX:
		return cvmnet_devstats_rx_names[place];
	case CVMNET_DEVSTATS_KIND_TX:
		return cvmnet_devstats_tx_names[place];
	default:
		return cvmnet_devstats_ctrl_names[place];
	}
}

/* No other counter of any type has this value. */
static u64 counter_value(const struct type_case *c, unsigned int i)
{
	return 1000 * (c->type + 1) + i;
}

static u8 *put_type(u8 *p, const struct type_case *c)
{
	return put_record(p, c->type, 6, HDR_LEN + c->count * 8, counter_value(c, 0));
}

static void expect_type(struct kunit *test, const struct type_case *c, const u64 *values)
{
	unsigned int i;

	for (i = 0; i < c->count; i++) {
		KUNIT_EXPECT_EQ_MSG(test, values[c->first + i], counter_value(c, i), "%s of %s",
				    c->names[i], c->name);
		KUNIT_EXPECT_STREQ(test, ethtool_name(c->kind, c->first + i), c->names[i]);
	}
}

/* Alone it fills its own places, whatever else is there. */
static void type_test(struct kunit *test)
{
	const struct type_case *c = test->param_value;
	u64 *values = new_values(test);
	unsigned int i;
	u8 buf[512], *end = buf;

	end = put_type(end, c);
	KUNIT_EXPECT_EQ(test, cvmnet_devstats_parse(buf, end - buf, 6, c->kind, values),
			(unsigned int)c->count);
	expect_type(test, c, values);
	for (i = 0; i < CVMNET_DEVSTATS_MAX; i++)
		if (i < c->first || i >= c->first + c->count)
			KUNIT_EXPECT_EQ_MSG(test, values[i], UNSET, "place %u", i);

	/* Of all types, the last one first, those of its kind of queue are taken. */
	for (end = buf, i = ARRAY_SIZE(type_cases); i; i--)
		end = put_type(end, &type_cases[i - 1]);
	cvmnet_devstats_parse(buf, end - buf, 6, c->kind, values);
	for (i = 0; i < ARRAY_SIZE(type_cases); i++)
		if (type_cases[i].kind == c->kind)
			expect_type(test, &type_cases[i], values);
}

/* No type and no counter is left out by the table above. */
static void all_types_test(struct kunit *test)
{
	unsigned int counters[CVMNET_DEVSTATS_KINDS] = {}, i;
	u64 types[CVMNET_DEVSTATS_KINDS] = {};

	for (i = 0; i < ARRAY_SIZE(type_cases); i++) {
		types[type_cases[i].kind] |= BIT_ULL(type_cases[i].type);
		counters[type_cases[i].kind] += type_cases[i].count;
	}
	for (i = 0; i < CVMNET_DEVSTATS_KINDS; i++)
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_devstats_known(i), types[i], "kind %u", i);
	KUNIT_EXPECT_EQ(test, counters[CVMNET_DEVSTATS_KIND_RX], CVMNET_DEVSTATS_RX);
	KUNIT_EXPECT_EQ(test, counters[CVMNET_DEVSTATS_KIND_TX], CVMNET_DEVSTATS_TX);
	KUNIT_EXPECT_EQ(test, counters[CVMNET_DEVSTATS_KIND_CTRL], CVMNET_DEVSTATS_CTRL);
}

/* Those that the kernel's queue statistics show, too. */
static void standard_test(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, cvmnet_devstats_rx_names[CVMNET_DEVSTATS_DROPS], "drops");
	KUNIT_EXPECT_STREQ(test, cvmnet_devstats_tx_names[CVMNET_DEVSTATS_DROPS], "drops");
	KUNIT_EXPECT_STREQ(test, cvmnet_devstats_rx_names[CVMNET_DEVSTATS_DROPS_WHY],
			   "drop_overruns");
	KUNIT_EXPECT_STREQ(test, cvmnet_devstats_tx_names[CVMNET_DEVSTATS_DROPS_WHY],
			   "drop_malformed");
	KUNIT_EXPECT_STREQ(test, cvmnet_devstats_rx_names[CVMNET_DEVSTATS_RATELIMITED],
			   "ratelimit_packets");
	KUNIT_EXPECT_STREQ(test, cvmnet_devstats_tx_names[CVMNET_DEVSTATS_RATELIMITED],
			   "ratelimit_packets");
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
	KUNIT_CASE_PARAM(type_test, type_gen_params),
	KUNIT_CASE(all_types_test),
	KUNIT_CASE(standard_test),
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
