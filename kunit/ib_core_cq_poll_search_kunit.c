// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of ib_core_cq_poll/search.c: CQs that come and go while they are looked for.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/module.h>

#include "ib_core_cq_poll/search.h"

#define STEP	CQPOLL_SEARCH_STEP
#define IDS	(4 * STEP)

/**
 * struct fake - a device's CQs
 * @there:  by number
 * @seen:   those that were looked at
 * @looks:  numbers that were looked at
 * @when:   with this look
 * @goes:   this one is destroyed, or none for 0
 * @comes:  this one is made, or none for 0
 */
struct fake {
	DECLARE_BITMAP(there, 2 * IDS);
	DECLARE_BITMAP(seen, 2 * IDS);
	unsigned int looks;
	u32 when;
	u32 goes;
	u32 comes;
};

static unsigned int fake_count(void *data)
{
	struct fake *f = data;

	return bitmap_weight(f->there, 2 * IDS);
}

static bool fake_look(void *data, u32 id)
{
	struct fake *f = data;

	f->looks++;
	if (id == f->when && f->goes)
		__clear_bit(f->goes, f->there);
	if (id == f->when && f->comes)
		__set_bit(f->comes, f->there);
	if (!test_bit(id, f->there))
		return false;
	__set_bit(id, f->seen);
	return true;
}

static const struct cqpoll_search_ops fake_ops = {
	.count = fake_count,
	.look = fake_look,
};

static int fake_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct fake), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static enum cqpoll_found fake_search(struct fake *f)
{
	return cqpoll_search(&fake_ops, f, IDS);
}

static void search_none_test(struct kunit *test)
{
	struct fake *f = test->priv;

	KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_ALL);
	KUNIT_EXPECT_EQ(test, f->looks, 0U);
}

static void search_all_test(struct kunit *test)
{
	static const u32 ids[] = { 0, 1, 17, STEP - 1, STEP, STEP + 1, 3 * STEP, IDS - 1 };
	struct fake *f = test->priv;
	unsigned int i;

	/* With the last one it ends. */
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		f->looks = 0;
		__set_bit(ids[i], f->there);
		KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_ALL);
		KUNIT_EXPECT_TRUE(test, bitmap_equal(f->there, f->seen, IDS));
		KUNIT_EXPECT_EQ(test, f->looks, ids[i] + 1);
	}
}

/* One that was counted goes before it is found: not looked for to the end. */
static void search_unfound_goes_test(struct kunit *test)
{
	struct fake *f = test->priv;

	__set_bit(3, f->there);
	__set_bit(STEP + 5, f->there);
	f->when = 10;
	f->goes = STEP + 5;
	KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_SOME);
	KUNIT_EXPECT_LE(test, f->looks, STEP + 1U);
}

/* One that was found goes, and counts for one that is still to be found. */
static void search_found_goes_test(struct kunit *test)
{
	struct fake *f = test->priv;

	__set_bit(3, f->there);
	__set_bit(2 * STEP, f->there);
	f->when = 10;
	f->goes = 3;
	KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_SOME);
	KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_ALL);
	KUNIT_EXPECT_TRUE(test, test_bit(2 * STEP, f->seen));
}

/* A program's queue is made anew all the time; all others are found. */
static void search_replaced_test(struct kunit *test)
{
	struct fake *f = test->priv;

	__set_bit(3, f->there);
	__set_bit(STEP + 100, f->there);
	__set_bit(STEP + 200, f->there);
	f->when = 10;
	f->goes = STEP + 200;
	f->comes = 2 * STEP + 300;
	KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_ALL);
	KUNIT_EXPECT_TRUE(test, test_bit(STEP + 100, f->seen));
	KUNIT_EXPECT_LE(test, f->looks, 2 * STEP + 301U);
}

/* More come than go: what was there at first is found before the search ends. */
static void search_comes_test(struct kunit *test)
{
	struct fake *f = test->priv;

	__set_bit(3, f->there);
	__set_bit(2 * STEP + 1, f->there);
	f->when = STEP - 1;
	f->goes = 3;
	f->comes = 3 * STEP;
	KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_ALL);
	KUNIT_EXPECT_TRUE(test, test_bit(2 * STEP + 1, f->seen));
}

static void search_beyond_test(struct kunit *test)
{
	struct fake *f = test->priv;

	__set_bit(3, f->there);
	__set_bit(IDS, f->there);
	KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_BEYOND);
	KUNIT_EXPECT_EQ(test, f->looks, IDS);
	KUNIT_EXPECT_TRUE(test, test_bit(3, f->seen));
	/* It goes too late to be noticed at the last step. */
	f->when = IDS - 1;
	f->goes = IDS;
	KUNIT_EXPECT_EQ(test, fake_search(f), CQPOLL_FOUND_ALL);
}

static struct kunit_case search_cases[] = {
	KUNIT_CASE(search_none_test),
	KUNIT_CASE(search_all_test),
	KUNIT_CASE(search_unfound_goes_test),
	KUNIT_CASE(search_found_goes_test),
	KUNIT_CASE(search_replaced_test),
	KUNIT_CASE(search_comes_test),
	KUNIT_CASE(search_beyond_test),
	{ }
};

static struct kunit_suite search_suite = {
	.name = "ib_core_cq_poll_search",
	.init = fake_init,
	.test_cases = search_cases,
};

kunit_test_suite(search_suite);

MODULE_DESCRIPTION("KUnit tests of how CQ polling finds queues");
MODULE_LICENSE("GPL");
