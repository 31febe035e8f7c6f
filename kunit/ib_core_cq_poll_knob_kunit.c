// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of ib_core_cq_poll/knob.[ch]: what users write.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/string.h>

#include "ib_core_cq_poll/knob.h"

/* --- CPUs --- */

struct cpus_case {
	const char *text;
	int err;
	unsigned long want;
};

/* Possible CPUs of these cases: 0-2 and 4. */
static const unsigned long cpus_possible = 0x17;

static const struct cpus_case cpus_cases[] = {
	{ "-1", 0, 0 },
	{ "-1\n", 0, 0 },
	{ " -1\t", 0, 0 },
	{ "0", 0, 0x1 },
	{ "2\n", 0, 0x4 },
	{ "  1\n", 0, 0x2 },
	{ "0-2", 0, 0x7 },
	{ "0,2,4\n", 0, 0x15 },
	{ "1-2,4", 0, 0x16 },
	{ "", -EINVAL },
	{ "\n", -EINVAL },
	{ "   ", -EINVAL },
	{ "-", -EINVAL },
	{ "-2", -EINVAL },
	{ "-1,2", -EINVAL },
	{ "-12", -EINVAL },
	{ "-1 2", -EINVAL },
	{ "1-", -EINVAL },
	{ "2-1", -EINVAL },
	{ ",", -EINVAL },
	{ "1,", -EINVAL },
	{ ",1", -EINVAL },
	{ "1 2", -EINVAL },
	{ "0x1", -EINVAL },
	{ "1.5", -EINVAL },
	{ "one", -EINVAL },
	{ "all", -EINVAL },
	{ "N", -EINVAL },
	{ "0-4:1/2", -EINVAL },
	{ "3", -EINVAL },		/* not possible */
	{ "0-4", -EINVAL },
	{ "99999", -EINVAL },
	{ "4294967296", -EINVAL },
	{ "99999999999999999999", -EINVAL },
};

static void cpus_case_desc(const struct cpus_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "'%.*s'", (int)strcspn(c->text, "\n"), c->text);
}

KUNIT_ARRAY_PARAM(cpus, cpus_cases, cpus_case_desc);

static void cpus_parse_test(struct kunit *test)
{
	const struct cpus_case *c = test->param_value;
	cpumask_var_t possible, got;
	unsigned int cpu;

	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&possible, GFP_KERNEL));
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&got, GFP_KERNEL));
	for (cpu = 0; cpu < 5; cpu++)
		if (cpus_possible & BIT(cpu))
			cpumask_set_cpu(cpu, possible);
	KUNIT_EXPECT_EQ(test, cqpoll_cpus_parse(c->text, possible, got), c->err);
	if (!c->err)
		KUNIT_EXPECT_EQ(test, cpumask_bits(got)[0], c->want);
	free_cpumask_var(got);
	free_cpumask_var(possible);
}

/* --- timing --- */

struct switch_case {
	const char *text;
	int err;
	bool want;
};

static const struct switch_case switch_cases[] = {
	{ "0", 0, false },
	{ "1", 0, true },
	{ "1\n", 0, true },
	{ " 0\t\n", 0, false },
	{ "", -EINVAL },
	{ "\n", -EINVAL },
	{ "2", -EINVAL },
	{ "10", -EINVAL },
	{ "01", -EINVAL },
	{ "1x", -EINVAL },
	{ "1 1", -EINVAL },
	{ "-1", -EINVAL },
	{ "y", -EINVAL },
	{ "yes", -EINVAL },
	{ "on", -EINVAL },
	{ "off", -EINVAL },
};

static void switch_case_desc(const struct switch_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "'%.*s'", (int)strcspn(c->text, "\n"), c->text);
}

KUNIT_ARRAY_PARAM(switch, switch_cases, switch_case_desc);

static void switch_parse_test(struct kunit *test)
{
	const struct switch_case *c = test->param_value;
	int before;
	bool on;

	for (before = 0; before < 2; before++) {
		on = before;
		KUNIT_EXPECT_EQ(test, cqpoll_switch_parse(c->text, &on), c->err);
		KUNIT_EXPECT_EQ(test, on, c->err ? before : c->want);
	}
}

/* --- names --- */

struct filter_case {
	const char *text;
	int err;
	const char *yes, *no;
};

static const struct filter_case filter_cases[] = {
	{ "", 0, "rpcrdma", NULL },
	{ "\n", 0, "rpcrdma", NULL },
	{ "rpcrdma", 0, "rpcrdma", "nvme_rdma" },
	{ "rpcrdma\n", 0, "rpcrdma", "rpcrdm" },
	{ "rpcrdma,nvme_rdma", 0, "nvme_rdma", "rpcrdma,nvme_rdma" },
	{ "rpcrdma", 0, "rpcrdma", "rpcrdma2" },
	{ "!ib_core", 0, "rpcrdma", "ib_core" },
	{ "!ib_core,!smc", 0, "rpcrdma", "smc" },
	{ "rpcrdma,!ib_core", 0, "rpcrdma", "smc" },
	{ "!a,a", 0, NULL, "a" },
	{ "mlx5_0", 0, "mlx5_0", "" },
	{ ",", -EINVAL },
	{ "a,", -EINVAL },
	{ ",a", -EINVAL },
	{ "a,,b", -EINVAL },
	{ "!", -EINVAL },
	{ "!!a", -EINVAL },
	{ "a!", -EINVAL },
	{ "a b", -EINVAL },
	{ "a, b", -EINVAL },
};

static void filter_case_desc(const struct filter_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "'%.*s'", (int)strcspn(c->text, "\n"), c->text);
}

KUNIT_ARRAY_PARAM(filter, filter_cases, filter_case_desc);

static void filter_test(struct kunit *test)
{
	const struct filter_case *c = test->param_value;
	struct cqpoll_filter f = { "before" };

	KUNIT_EXPECT_EQ(test, cqpoll_filter_parse(c->text, &f), c->err);
	if (c->err)
		KUNIT_EXPECT_STREQ(test, f.text, "before");
	if (c->yes)
		KUNIT_EXPECT_TRUE(test, cqpoll_filter_match(&f, c->yes));
	if (c->no)
		KUNIT_EXPECT_FALSE(test, cqpoll_filter_match(&f, c->no));
}

static void filter_long_test(struct kunit *test)
{
	struct cqpoll_filter f = { "before" };
	char text[CQPOLL_FILTER_LEN + 2];

	memset(text, 'a', sizeof(text));
	text[CQPOLL_FILTER_LEN - 1] = '\0';
	KUNIT_EXPECT_EQ(test, cqpoll_filter_parse(text, &f), 0);
	KUNIT_EXPECT_TRUE(test, cqpoll_filter_match(&f, text));
	/* As echo writes it. */
	text[CQPOLL_FILTER_LEN - 1] = '\n';
	text[CQPOLL_FILTER_LEN] = '\0';
	KUNIT_EXPECT_EQ(test, cqpoll_filter_parse(text, &f), 0);
	text[CQPOLL_FILTER_LEN - 1] = 'a';
	strscpy(f.text, "before", sizeof(f.text));
	KUNIT_EXPECT_EQ(test, cqpoll_filter_parse(text, &f), -ENOSPC);
	KUNIT_EXPECT_STREQ(test, f.text, "before");
}

static struct kunit_case knob_cases[] = {
	KUNIT_CASE_PARAM(cpus_parse_test, cpus_gen_params),
	KUNIT_CASE_PARAM(switch_parse_test, switch_gen_params),
	KUNIT_CASE_PARAM(filter_test, filter_gen_params),
	KUNIT_CASE(filter_long_test),
	{ }
};

static struct kunit_suite knob_suite = {
	.name = "ib_core_cq_poll_knob",
	.test_cases = knob_cases,
};

kunit_test_suite(knob_suite);

MODULE_DESCRIPTION("KUnit tests of what users write to CQ polling");
MODULE_LICENSE("GPL");
