// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of wfx_trap/policy.c. The module itself exists on arm64 only, so the
 * file is built in here.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/string.h>

#include "wfx_trap/policy.c"

/* --- masks as users write them --- */

struct mask_case {
	const char *text;
	int err;
	const char *shown;
};

#define ZEROS_7		"00000000,00000000,00000000,00000000,00000000,00000000,00000000"
#define ZEROS_15	ZEROS_7 ",00000000," ZEROS_7

static const struct mask_case mask_cases[] = {
	{ "0", 0, "0\n" },
	{ "1\n", 0, "1\n" },
	{ "0x3", 0, "3\n" },
	{ "0Xf0", 0, "f0\n" },
	{ "00000002", 0, "2\n" },
	{ "  2\n", 0, "2\n" },
	{ "1,00000000", 0, "1,00000000\n" },
	{ "80000000," ZEROS_15, 0, "80000000," ZEROS_15 "\n" },
	{ "1,00000000," ZEROS_15, -EOVERFLOW },
	{ "123456789", -EOVERFLOW },
	{ "", -EINVAL },
	{ "\n", -EINVAL },
	{ "0x", -EINVAL },
	{ "0x0x1", -EINVAL },
	{ "-1", -EINVAL },
	{ "1g", -EINVAL },
	{ "0-3", -EINVAL },
	{ ",", -EINVAL },
};

static void mask_case_desc(const struct mask_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "'%.*s'", (int)strcspn(c->text, "\n"), c->text);
}

KUNIT_ARRAY_PARAM(mask, mask_cases, mask_case_desc);

static struct wfxt_policy *new_policy(struct kunit *test)
{
	struct wfxt_policy *policy = kunit_kzalloc(test, sizeof(*policy), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, policy);
	return policy;
}

/* Taken in full, or refused with nothing changed. */
static void mask_test(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct wfxt_policy *policy = new_policy(test);
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	unsigned int which;

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (which = WFXT_WFI; which <= WFXT_BOTH; which++) {
		__set_bit(9, policy->wfi);
		__set_bit(9, policy->wfe);
		KUNIT_EXPECT_EQ(test, wfxt_policy_parse_mask(policy, which, c->text), c->err);
		wfxt_policy_print_mask(policy, which, text, PAGE_SIZE);
		KUNIT_EXPECT_STREQ(test, text, c->err ? "200\n" : c->shown);
		/* The other mask stays as it is. */
		if (which == WFXT_WFI)
			KUNIT_EXPECT_EQ(test, find_first_bit(policy->wfe, WFXT_MAX_VCPUS), 9);
		if (which == WFXT_WFE)
			KUNIT_EXPECT_EQ(test, find_first_bit(policy->wfi, WFXT_MAX_VCPUS), 9);
		bitmap_zero(policy->wfi, WFXT_MAX_VCPUS);
		bitmap_zero(policy->wfe, WFXT_MAX_VCPUS);
	}
}

static void print_both_test(struct kunit *test)
{
	struct wfxt_policy *policy = new_policy(test);
	char text[32];

	wfxt_policy_parse_mask(policy, WFXT_WFI, "5");
	wfxt_policy_parse_mask(policy, WFXT_WFE, "6");
	wfxt_policy_print_mask(policy, WFXT_BOTH, text, sizeof(text));
	KUNIT_EXPECT_STREQ(test, text, "4\n");
	wfxt_policy_parse_mask(policy, WFXT_WFE, "2");
	wfxt_policy_print_mask(policy, WFXT_BOTH, text, sizeof(text));
	KUNIT_EXPECT_STREQ(test, text, "0\n");
}

/* --- what follows from them --- */

struct decide_case {
	const char *desc;
	const char *wfi, *wfe;
	bool force;
	unsigned int vcpu;
	bool alone;
	unsigned int clear;
	bool guarded;
};

static const struct decide_case decide_cases[] = {
	{ "nothing set", "0", "0", false, 0, true, 0, false },
	{ "nothing set, forced", "0", "0", true, 0, false, 0, false },
	{ "both", "1", "1", false, 0, true, WFXT_BOTH, false },
	{ "WFI only", "1", "0", false, 0, true, WFXT_WFI, false },
	{ "WFE only", "0", "1", false, 0, true, WFXT_WFE, false },
	{ "another vCPU", "1", "1", false, 1, true, 0, false },
	{ "another vCPU, busy", "1", "1", false, 1, false, 0, false },
	{ "busy", "1", "1", false, 0, false, 0, true },
	{ "busy, WFE only", "0", "1", false, 0, false, 0, true },
	{ "busy, forced", "1", "1", true, 0, false, WFXT_BOTH, false },
	{ "last vCPU", "80000000," ZEROS_15, "0", false, 511, true, WFXT_WFI, false },
	{ "past the last", "80000000," ZEROS_15, "0", true, 512, true, 0, false },
	{ "far past the last", "ffffffff", "ffffffff", true, UINT_MAX, true, 0, false },
};

static void decide_case_desc(const struct decide_case *c, char *desc)
{
	strscpy(desc, c->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(decide, decide_cases, decide_case_desc);

static void decide_test(struct kunit *test)
{
	const struct decide_case *c = test->param_value;
	struct wfxt_policy *policy = new_policy(test);
	struct wfxt_verdict verdict;

	KUNIT_ASSERT_EQ(test, wfxt_policy_parse_mask(policy, WFXT_WFI, c->wfi), 0);
	KUNIT_ASSERT_EQ(test, wfxt_policy_parse_mask(policy, WFXT_WFE, c->wfe), 0);
	policy->force = c->force;
	verdict = wfxt_decide(policy, c->vcpu, c->alone);
	KUNIT_EXPECT_EQ(test, verdict.clear, c->clear);
	KUNIT_EXPECT_EQ(test, verdict.guarded, c->guarded);
}

static void empty_test(struct kunit *test)
{
	struct wfxt_policy *policy = new_policy(test);

	KUNIT_EXPECT_TRUE(test, wfxt_policy_empty(policy));
	policy->force = true;
	KUNIT_EXPECT_TRUE(test, wfxt_policy_empty(policy));
	__set_bit(WFXT_MAX_VCPUS - 1, policy->wfe);
	KUNIT_EXPECT_FALSE(test, wfxt_policy_empty(policy));
	bitmap_zero(policy->wfe, WFXT_MAX_VCPUS);
	__set_bit(0, policy->wfi);
	KUNIT_EXPECT_FALSE(test, wfxt_policy_empty(policy));
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE_PARAM(mask_test, mask_gen_params),
	KUNIT_CASE(print_both_test),
	KUNIT_CASE_PARAM(decide_test, decide_gen_params),
	KUNIT_CASE(empty_test),
	{ }
};

static struct kunit_suite policy_suite = {
	.name = "wfx_trap_policy",
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);

MODULE_DESCRIPTION("KUnit tests of the WFx trap policy");
MODULE_LICENSE("GPL");
