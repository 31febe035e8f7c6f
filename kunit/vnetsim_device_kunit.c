// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the software device's life, as KUnit itself makes devices: vnetsim/main.c.
 * A driver that is loaded gets them, and loses them again.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/string.h>

#include "vnetsim/vnetsim.h"

#define MTU	1500
#define RING	16

static struct vnetsim_params params_of(const char *name, unsigned int pairs, bool packed)
{
	struct vnetsim_params params = {
		.pairs = pairs, .ring = RING, .mtu = MTU, .packed = packed, .peer = true,
		.window = sizeof(struct vnetsim_config),
	};

	strscpy(params.name, name, sizeof(params.name));
	return params;
}

static void unplug(void *name)
{
	vnetsim_destroy(name);
}

/* Whatever becomes of the test, the device goes. */
static int plug(struct kunit *test, const struct vnetsim_params *params)
{
	int err = vnetsim_create(params);

	return err ?: kunit_add_action_or_reset(test, unplug, (void *)params->name);
}

static void pairs_test(struct kunit *test)
{
	unsigned int pairs;

	for (pairs = 1; pairs <= VNETSIM_PAIRS_MAX; pairs++) {
		struct vnetsim_params params = params_of("kunit", pairs, pairs % 2);

		KUNIT_EXPECT_EQ_MSG(test, vnetsim_create(&params), 0, "%u pairs", pairs);
		KUNIT_EXPECT_EQ_MSG(test, vnetsim_destroy("kunit"), 0, "%u pairs", pairs);
	}
	KUNIT_EXPECT_EQ(test, vnetsim_destroy("kunit"), -ENODEV);
}

static void names_test(struct kunit *test)
{
	static struct vnetsim_params one;

	one = params_of("kunit-1", 1, false);
	KUNIT_ASSERT_EQ(test, plug(test, &one), 0);
	KUNIT_EXPECT_EQ(test, vnetsim_create(&one), -EEXIST);
	KUNIT_EXPECT_EQ(test, vnetsim_destroy("kunit-2"), -ENODEV);
}

static void cable_test(struct kunit *test)
{
	static struct vnetsim_params one, two, three;

	one = params_of("kunit-1", 2, false);
	one.peer = false;
	two = params_of("kunit-2", 1, true);
	two.peer = false;
	strscpy(two.cable, "kunit-1", sizeof(two.cable));
	three = two;
	strscpy(three.name, "kunit-3", sizeof(three.name));

	KUNIT_EXPECT_EQ(test, vnetsim_create(&two), -ENODEV);
	KUNIT_ASSERT_EQ(test, plug(test, &one), 0);
	KUNIT_ASSERT_EQ(test, plug(test, &two), 0);
	/* A cable has two ends. */
	KUNIT_EXPECT_EQ(test, vnetsim_create(&three), -EBUSY);
	/* Cut, it can be used again. */
	KUNIT_EXPECT_EQ(test, vnetsim_destroy("kunit-2"), 0);
	KUNIT_EXPECT_EQ(test, vnetsim_create(&three), 0);
	KUNIT_EXPECT_EQ(test, vnetsim_destroy("kunit-3"), 0);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(pairs_test),
	KUNIT_CASE(names_test),
	KUNIT_CASE(cable_test),
	{ }
};

static struct kunit_suite device_suite = {
	.name = "vnetsim_device",
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);

MODULE_DESCRIPTION("KUnit tests of the software virtio-net device's life");
MODULE_LICENSE("GPL");
