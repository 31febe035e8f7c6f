// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of ib_core_cq_poll/budget.[ch]: how much, where, how long.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/module.h>

#include "ib_core_cq_poll/budget.h"

/* --- completions per round --- */

static void budget_bounds_test(struct kunit *test)
{
	unsigned int n, budget;

	for (n = 0; n < 3000; n++) {
		budget = cqpoll_budget(n, false);
		KUNIT_EXPECT_GE(test, budget, CQPOLL_BATCH);
		KUNIT_EXPECT_LE(test, budget, CQPOLL_BUDGET_MAX);
		KUNIT_EXPECT_EQ(test, budget % CQPOLL_BATCH, 0);
		KUNIT_EXPECT_LE(test, cqpoll_budget(n, true), CQPOLL_BUDGET_BH);
		KUNIT_EXPECT_GE(test, cqpoll_budget(n, true), CQPOLL_BATCH);
	}
}

static void budget_share_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cqpoll_budget(1, false), CQPOLL_BUDGET_MAX);
	KUNIT_EXPECT_EQ(test, cqpoll_budget(8, false), CQPOLL_ROUND / 8);
	KUNIT_EXPECT_EQ(test, cqpoll_budget(10000, false), CQPOLL_BATCH);
	KUNIT_EXPECT_EQ(test, cqpoll_budget(1, true), CQPOLL_BUDGET_BH);
	/* More queues never get more each. */
	KUNIT_EXPECT_LE(test, cqpoll_budget(9, false), cqpoll_budget(8, false));
}

/* --- which thread --- */

static void spread_none_test(struct kunit *test)
{
	unsigned int load[1] = { };

	KUNIT_EXPECT_GE(test, cqpoll_spread(load, cpu_none_mask), nr_cpu_ids);
}

static void spread_even_test(struct kunit *test)
{
	/* CPUs 1, 2 and 5 poll; what the others have does not count. */
	unsigned int load[6] = { 0, 0, 0, 0, 0, 0 }, i, cpu;
	cpumask_var_t cpus;

	if (nr_cpu_ids < 6)
		kunit_skip(test, "needs six CPUs");
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&cpus, GFP_KERNEL));
	cpumask_set_cpu(1, cpus);
	cpumask_set_cpu(2, cpus);
	cpumask_set_cpu(5, cpus);
	for (i = 0; i < 30; i++) {
		cpu = cqpoll_spread(load, cpus);
		KUNIT_ASSERT_LT(test, cpu, 6);
		load[cpu]++;
	}
	KUNIT_EXPECT_EQ(test, load[0] + load[3] + load[4], 0);
	KUNIT_EXPECT_EQ(test, load[1], 10);
	KUNIT_EXPECT_EQ(test, load[2], 10);
	KUNIT_EXPECT_EQ(test, load[5], 10);
	/* What has gone is made up for first. */
	load[2] -= 3;
	for (i = 0; i < 3; i++) {
		cpu = cqpoll_spread(load, cpus);
		KUNIT_EXPECT_EQ(test, cpu, 2);
		load[2]++;
	}
	KUNIT_EXPECT_EQ(test, cqpoll_spread(load, cpus), 1);
	free_cpumask_var(cpus);
}

/* --- how long to poll for nothing --- */

#define LIMIT_NS	(10 * 1000 * 1000ULL)

static void window_fixed_test(struct kunit *test)
{
	struct cqpoll_window w = { .ns = 1000000 };

	KUNIT_EXPECT_EQ(test, cqpoll_window_ns(&w, LIMIT_NS, false), LIMIT_NS);
	KUNIT_EXPECT_EQ(test, cqpoll_window_ns(&w, LIMIT_NS, true), 1000000ULL);
	KUNIT_EXPECT_EQ(test, cqpoll_window_ns(&w, 500000, true), 500000ULL);
	w.ns = 0;
	KUNIT_EXPECT_EQ(test, cqpoll_window_ns(&w, LIMIT_NS, true), CQPOLL_WINDOW_MIN_NS);
}

/* One slow completion costs one event, not one each. */
static void window_up_test(struct kunit *test)
{
	struct cqpoll_window w = { };

	cqpoll_window_update(&w, 600000, LIMIT_NS);
	KUNIT_EXPECT_GE(test, cqpoll_window_ns(&w, LIMIT_NS, true), 1200000ULL);
	KUNIT_EXPECT_LE(test, cqpoll_window_ns(&w, LIMIT_NS, true), LIMIT_NS);
}

static void window_down_test(struct kunit *test)
{
	struct cqpoll_window w = { };
	u64 before;
	int i;

	cqpoll_window_update(&w, 2000000, LIMIT_NS);
	before = w.ns;
	cqpoll_window_update(&w, 10000, LIMIT_NS);
	KUNIT_EXPECT_LT(test, w.ns, before);
	KUNIT_EXPECT_GT(test, w.ns, before / 2);
	for (i = 0; i < 1000; i++)
		cqpoll_window_update(&w, 10000, LIMIT_NS);
	KUNIT_EXPECT_LE(test, w.ns, 50000ULL);
}

/* Completions that are further apart than the limit: polling is for nothing. */
static void window_rare_test(struct kunit *test)
{
	struct cqpoll_window w = { .ns = LIMIT_NS };
	int i;

	for (i = 0; i < 20; i++)
		cqpoll_window_update(&w, 2 * LIMIT_NS, LIMIT_NS);
	KUNIT_EXPECT_EQ(test, w.ns, CQPOLL_WINDOW_MIN_NS);
}

static void window_bounds_test(struct kunit *test)
{
	static const u64 gaps[] = { 0, 1, 20000, 5000000, LIMIT_NS, LIMIT_NS + 1, U64_MAX / 8 };
	static const u64 limits[] = { 0, 1, 1000, LIMIT_NS, U32_MAX * 1000ULL };
	struct cqpoll_window w = { };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		for (k = 0; k < ARRAY_SIZE(gaps); k++) {
			cqpoll_window_update(&w, gaps[k], limits[i]);
			KUNIT_EXPECT_GE(test, w.ns, CQPOLL_WINDOW_MIN_NS);
			KUNIT_EXPECT_LE(test, cqpoll_window_ns(&w, limits[i], true), limits[i]);
		}
	}
}

/* What the host or an interrupt took is no time of polling. */
static void step_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cqpoll_step_ns(0), 0ULL);
	KUNIT_EXPECT_EQ(test, cqpoll_step_ns(5000), 5000ULL);
	KUNIT_EXPECT_EQ(test, cqpoll_step_ns(12000000), CQPOLL_STEP_MAX_NS);
	KUNIT_EXPECT_EQ(test, cqpoll_step_ns(U64_MAX), CQPOLL_STEP_MAX_NS);
}

static struct kunit_case budget_cases[] = {
	KUNIT_CASE(budget_bounds_test),
	KUNIT_CASE(budget_share_test),
	KUNIT_CASE(spread_none_test),
	KUNIT_CASE(spread_even_test),
	KUNIT_CASE(window_fixed_test),
	KUNIT_CASE(window_up_test),
	KUNIT_CASE(window_down_test),
	KUNIT_CASE(window_rare_test),
	KUNIT_CASE(window_bounds_test),
	KUNIT_CASE(step_test),
	{ }
};

static struct kunit_suite budget_suite = {
	.name = "ib_core_cq_poll_budget",
	.test_cases = budget_cases,
};

kunit_test_suite(budget_suite);

MODULE_DESCRIPTION("KUnit tests of how CQ polling shares its time");
MODULE_LICENSE("GPL");
