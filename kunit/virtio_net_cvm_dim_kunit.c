// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of adaptive moderation: virtio_net_cvm/dim_decide.c.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "virtio_net_cvm/dim_decide.h"

#define TOP		(CVMNET_DIM_LEVELS - 1)
#define SAMPLE_NS	(4 * NSEC_PER_MSEC)
#define COST_NS		3000	/* of a packet, in the poll function */

static unsigned int decide(struct cvmnet_dim_state *state, const struct cvmnet_dim_sample *sample)
{
	return cvmnet_dim_decide(state, &cvmnet_dim_profile_default, sample);
}

/**
 * struct traffic - what a queue's peer does
 * @rate:   packets a second that it would send
 * @window: packets that it sends before it waits for an answer; 0: it does not wait
 */
struct traffic {
	u32 rate;
	u32 window;
};

/* A queue at a level, for the length of a sample */
static struct cvmnet_dim_sample play(const struct traffic *t, unsigned int level)
{
	const struct cvmnet_dim_level *l = &cvmnet_dim_profile_default.level[level];
	u64 each = NSEC_PER_SEC / t->rate, wait = l->usecs * (u64)NSEC_PER_USEC;
	struct cvmnet_dim_sample s = { .ns = SAMPLE_NS };
	u64 gathered;

	if (t->window) {
		/* The whole window waits, and nothing comes meanwhile. */
		each = (each * t->window + wait) / t->window;
		gathered = level ? 2 * t->window : 2;
	} else {
		/* In halves of a packet */
		gathered = min_t(u64, 2 + 2 * wait / each, 2 * l->frames);
	}
	s.packets = SAMPLE_NS / each;
	s.irqs = max_t(u32, 2 * s.packets / gathered, 1);
	s.busy_ns = (u64)s.packets * COST_NS;
	return s;
}

static unsigned int play_on(struct cvmnet_dim_state *state, const struct traffic *t,
			    unsigned int samples, unsigned int *changes)
{
	unsigned int level = state->level, next;

	*changes = 0;
	while (samples--) {
		struct cvmnet_dim_sample s = play(t, level);

		next = decide(state, &s);
		*changes += next != level;
		level = next;
	}
	return level;
}

/* Where a load ends, and that it stays there. */
static void levels_test(struct kunit *test)
{
	static const struct {
		const char *what;
		struct traffic traffic;
		unsigned int min, max;
	} rows[] = {
		{ "next to nothing", { 100 }, 0, 0 },
		{ "10 %", { 4000 }, 0, 0 },
		{ "50 %", { 17000 }, 0, TOP - 2 },
		{ "more", { 20000 }, 1, TOP - 1 },
		{ "90 %", { 36000 }, TOP, TOP },
		{ "more than that", { 500000 }, TOP, TOP },
		{ "ping-pong", { 20000, 1 }, 0, 0 },
		{ "quick ping-pong", { 60000, 1 }, 0, 0 },
		{ "three at a time", { 50000, 3 }, 0, 1 },
	};
	unsigned int i, level, changes;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cvmnet_dim_state state = {};

		/* 48 ms: a load has found its level */
		play_on(&state, &rows[i].traffic, 12, &changes);
		level = play_on(&state, &rows[i].traffic, 500, &changes);
		KUNIT_EXPECT_GE_MSG(test, level, rows[i].min, "%s", rows[i].what);
		KUNIT_EXPECT_LE_MSG(test, level, rows[i].max, "%s", rows[i].what);
		if (rows[i].traffic.window)
			/* Tried now and then, and left at once. */
			KUNIT_EXPECT_LE_MSG(test, changes, 500U / 50, "%s", rows[i].what);
		else
			KUNIT_EXPECT_EQ_MSG(test, changes, 0U, "%s", rows[i].what);
	}
}

/* A peer that waits hardly ever sends much less than it could, however quick it is. */
static void pingpong_test(struct kunit *test)
{
	unsigned int window, rate, i;

	for (window = 1; window < 8; window++) {
		for (rate = 1000; rate < 200000; rate += rate / 16) {
			const struct traffic t = { rate, window };
			struct cvmnet_dim_sample best = play(&t, 0);
			struct cvmnet_dim_state state = {};
			unsigned int delayed = 0;

			for (i = 0; i < 500; i++) {
				struct cvmnet_dim_sample s = play(&t, state.level);

				delayed += s.packets < best.packets * 7 / 10;
				decide(&state, &s);
			}
			KUNIT_EXPECT_LE_MSG(test, delayed, 25U, "%u a second, %u at once", rate,
					    window);
		}
	}
}

static void settle_test(struct kunit *test)
{
	static const struct traffic idle = { 10000, 1 }, busy = { 36000 }, none = { 500 };
	struct cvmnet_dim_state state = {};
	unsigned int changes;

	KUNIT_EXPECT_EQ(test, play_on(&state, &busy, 8, &changes), (unsigned int)TOP);
	/* A level that is too short for such traffic is passed over. */
	KUNIT_EXPECT_LE(test, changes, (unsigned int)TOP);
	/* At once, and without a way through the levels between */
	KUNIT_EXPECT_EQ(test, play_on(&state, &idle, 1, &changes), 0U);
	KUNIT_EXPECT_EQ(test, play_on(&state, &busy, 8, &changes), (unsigned int)TOP);
	/* Also in the middle of a trial, which says nothing about other traffic. */
	play_on(&state, &idle, 2, &changes);
	KUNIT_EXPECT_NE(test, play_on(&state, &busy, 1, &changes), 0U);
	KUNIT_EXPECT_EQ(test, play_on(&state, &none, 1, &changes), 0U);
	KUNIT_EXPECT_EQ(test, play_on(&state, &busy, 8, &changes), (unsigned int)TOP);
}

/* A peer that waits may have been found out a hundred times: other traffic is not its fault. */
static void new_traffic_test(struct kunit *test)
{
	static const struct traffic quick = { 40000, 1 }, busy = { 90000 };
	struct cvmnet_dim_state state = {};
	unsigned int changes;

	play_on(&state, &quick, 2000, &changes);
	KUNIT_EXPECT_EQ(test, state.level, 0);
	KUNIT_EXPECT_EQ(test, play_on(&state, &busy, 10, &changes), (unsigned int)TOP);
}

/* Who waits for an answer is left alone for a second; an eighth more is other traffic. */
static void patience_test(struct kunit *test)
{
	static const struct traffic idle = { 20000, 1 }, more = { 23000 };
	struct cvmnet_dim_state state = {};
	unsigned int changes;

	play_on(&state, &idle, 12, &changes);
	KUNIT_EXPECT_GE(test, changes, 1U);
	KUNIT_EXPECT_EQ(test, play_on(&state, &idle, 200, &changes), 0U);
	KUNIT_EXPECT_EQ(test, changes, 0U);
	KUNIT_EXPECT_NE(test, play_on(&state, &more, 1, &changes), 0U);
}

/* One odd sample moves nothing. */
static void damped_test(struct kunit *test)
{
	static const struct traffic busy = { 36000 }, slightly = { 19000 }, less = { 14000 };
	struct cvmnet_dim_state state = {};
	struct cvmnet_dim_sample odd;
	unsigned int changes, i;

	play_on(&state, &busy, 10, &changes);
	for (i = 0; i < 10; i++) {
		odd = play(&less, TOP);
		KUNIT_EXPECT_EQ(test, decide(&state, &odd), (unsigned int)TOP);
		odd = play(&busy, TOP);
		KUNIT_EXPECT_EQ(test, decide(&state, &odd), (unsigned int)TOP);
	}
	/* Nor does a load that is a bit less for ever. */
	KUNIT_EXPECT_EQ(test, play_on(&state, &slightly, 50, &changes), (unsigned int)TOP);
	/* Again and again they do. */
	KUNIT_EXPECT_LT(test, play_on(&state, &less, 4, &changes), (unsigned int)TOP);
	/* Nor does a trial fail by one that is slow. */
	state = (struct cvmnet_dim_state){};
	i = play_on(&state, &busy, 1, &changes);
	odd = play(&busy, i);
	odd.packets = odd.packets * 7 / 10;
	odd.irqs = odd.irqs * 7 / 10;
	KUNIT_EXPECT_EQ(test, decide(&state, &odd), i);
}

/* A device that interrupts as if nothing was moderated is left alone. */
static void useless_test(struct kunit *test)
{
	static const struct traffic busy = { 36000 };
	struct cvmnet_dim_state state = {};
	unsigned int changes, raised = 0, i;

	play_on(&state, &busy, 10, &changes);
	for (i = 0; i < 500; i++) {
		struct cvmnet_dim_sample s = play(&busy, 0);

		raised += !!decide(&state, &s);
		if (!i)
			KUNIT_EXPECT_EQ(test, state.level, 0);
	}
	KUNIT_EXPECT_LE(test, raised, 10U);
}

/* Where nobody is asked, nobody would have said anything else. */
static void stays_test(struct kunit *test)
{
	struct cvmnet_dim_state state = {}, copy;
	unsigned int stayed = 0, rate, i;

	for (i = 0; i < 4000; i++) {
		/* Up and down, with and without a peer that waits */
		struct traffic t = { .rate = 500, .window = i / 1000 % 2 };
		struct cvmnet_dim_sample s;

		rate = i % 200 < 100 ? i % 200 : 200 - i % 200;
		t.rate += rate * 600;
		s = play(&t, state.level);
		copy = state;
		if (cvmnet_dim_stays(&copy, &s)) {
			stayed++;
			decide(&state, &s);
			KUNIT_ASSERT_MEMEQ(test, &copy, &state, sizeof(state));
		} else {
			KUNIT_ASSERT_MEMEQ(test, &copy, &state, sizeof(state));
			decide(&state, &s);
		}
	}
	KUNIT_EXPECT_GE(test, stayed, 1000U);
	KUNIT_EXPECT_LE(test, stayed, 3990U);
}

/* A refusal is not followed by another try at once, and never by giving up for good. */
static void refused_test(struct kunit *test)
{
	static const struct traffic busy = { 36000 };
	struct cvmnet_dim_state state = {};
	unsigned int asked = 0, changes, i;

	for (i = 0; i < 1000; i++) {
		struct cvmnet_dim_sample s = play(&busy, 0);

		if (decide(&state, &s)) {
			asked++;
			cvmnet_dim_refused(&state);
		}
		KUNIT_ASSERT_EQ(test, state.level, 0);
	}
	KUNIT_EXPECT_GE(test, asked, 3U);
	KUNIT_EXPECT_LE(test, asked, 20U);
	/* It takes them now. */
	KUNIT_EXPECT_EQ(test, play_on(&state, &busy, 600, &changes), (unsigned int)TOP);
}

/* What no clock or counter should show does no harm. */
static void extremes_test(struct kunit *test)
{
	static const struct cvmnet_dim_sample odd[] = {
		{ }, { .ns = 1 }, { .ns = U64_MAX }, { .ns = 1, .packets = U32_MAX },
		{ U64_MAX, U64_MAX, U32_MAX, U32_MAX }, { SAMPLE_NS, U64_MAX, 0, U32_MAX },
		{ SAMPLE_NS, 0, U32_MAX, 0 }, { 0, 0, U32_MAX, 1 },
	};
	struct cvmnet_dim_state state = {};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(odd); i++)
		KUNIT_EXPECT_LE(test, cvmnet_dim_load(&odd[i]), 1000U);
	for (i = 0; i < ARRAY_SIZE(odd) * ARRAY_SIZE(odd); i++)
		for (j = 0; j < 3; j++) {
			KUNIT_ASSERT_LE(test, decide(&state, &odd[i % 8]),
					(unsigned int)TOP);
			KUNIT_ASSERT_LE(test, decide(&state, &odd[i / 8]),
					(unsigned int)TOP);
		}
}

static void load_test(struct kunit *test)
{
	static const struct {
		struct cvmnet_dim_sample sample;
		unsigned int load;
	} rows[] = {
		{ { .ns = 1000000 }, 0 },
		{ { .ns = 1000000, .busy_ns = 500000 }, 500 },
		{ { .ns = 1000000, .packets = 100 }, 500 },
		{ { .ns = 1000000, .busy_ns = 200000, .packets = 40 }, 400 },
		{ { .ns = 1000000, .busy_ns = 2000000 }, 1000 },
		{ { .ns = 100 * NSEC_PER_SEC, .packets = 1 }, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_dim_load(&rows[i].sample), rows[i].load, "row %u",
				    i);
}

/* --- profiles --- */

static void profile_test(struct kunit *test)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
		{ "0,1 20,8 50,16 100,32 200,64", 0 },
		{ " 0,1\t1,1 1,1\n2,4096 10000,1\n\n", 0 },
		{ "", -EINVAL },
		{ "0,1 20,8 50,16 100,32", -EINVAL },
		{ "0,1 20,8 50,16 100,32 200,64 300,64", -EINVAL },
		{ "0,1 20,8 50,16 100,32 200,64x", -EINVAL },
		{ "0,1 20,8 50,16 100,32 200", -EINVAL },
		{ "0,1 20, 8 50,16 100,32 200,64", -EINVAL },
		{ "0,1 -20,8 50,16 100,32 200,64", -EINVAL },
		{ "0,1 0x20,8 50,16 100,32 200,64", -EINVAL },
		{ "0,1 20,8 50,16 100,32 65536,64", -EINVAL },
		{ "0,1 20,8 50,16 100,32 200,4294967297", -EINVAL },
		{ "0,1 50,8 20,16 100,32 200,64", -EINVAL },
		{ "0,0 20,8 50,16 100,32 200,64", -ERANGE },
		{ "0,1 20,8 50,16 100,32 10001,64", -ERANGE },
		{ "0,1 20,8 50,16 100,32 200,4097", -ERANGE },
	};
	struct cvmnet_dim_profile profile, was;
	unsigned int i;

	memset(&profile, 0x5a, sizeof(profile));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		was = profile;
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_dim_profile_parse(rows[i].text, &profile),
				    rows[i].err, "'%s'", rows[i].text);
		if (rows[i].err)
			KUNIT_EXPECT_MEMEQ_MSG(test, &profile, &was, sizeof(was), "'%s'",
					       rows[i].text);
	}
}

static void profile_text_test(struct kunit *test)
{
	const struct cvmnet_dim_profile *profile = &cvmnet_dim_profile_default;
	struct cvmnet_dim_profile again;
	char buf[128];

	KUNIT_EXPECT_EQ(test, cvmnet_dim_profile_check(profile), 0);
	/* Nothing is moderated while there is little to do. */
	KUNIT_EXPECT_EQ(test, profile->level[0].usecs, 0);
	KUNIT_EXPECT_EQ(test, cvmnet_dim_profile_format(profile, buf, sizeof(buf)),
			(ssize_t)strlen(buf));
	KUNIT_ASSERT_EQ(test, cvmnet_dim_profile_parse(buf, &again), 0);
	KUNIT_EXPECT_MEMEQ(test, &again, profile, sizeof(again));
	/* Cut, not written beyond. */
	memset(buf, 'x', sizeof(buf));
	cvmnet_dim_profile_format(profile, buf, 10);
	KUNIT_EXPECT_EQ(test, buf[10], 'x');
}

static struct kunit_case dim_cases[] = {
	KUNIT_CASE(load_test),
	KUNIT_CASE(levels_test),
	KUNIT_CASE(pingpong_test),
	KUNIT_CASE(settle_test),
	KUNIT_CASE(new_traffic_test),
	KUNIT_CASE(patience_test),
	KUNIT_CASE(damped_test),
	KUNIT_CASE(useless_test),
	KUNIT_CASE(stays_test),
	KUNIT_CASE(refused_test),
	KUNIT_CASE(extremes_test),
	KUNIT_CASE(profile_test),
	KUNIT_CASE(profile_text_test),
	{ }
};

static struct kunit_suite dim_suite = {
	.name = "virtio_net_cvm_dim",
	.test_cases = dim_cases,
};

kunit_test_suite(dim_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's adaptive moderation");
MODULE_LICENSE("GPL");
