// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of who owns which command buffer: virtio_net_cvm/cvq_slots.[ch].
 * The device is a list of cookies that the test gives back as it likes.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/prandom.h>

#include "virtio_net_cvm/cvq_slots.h"

#define N CVMNET_CVQ_SLOTS

/* What the device has: cookies by the number of their buffer. */
struct fake_queue {
	struct cvmnet_slots s;
	unsigned long cookie[N];
	bool owned[N];
	unsigned int count;
};

static struct fake_queue *new_queue(struct kunit *test, unsigned int ring_size)
{
	struct fake_queue *q = kunit_kzalloc(test, sizeof(*q), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, q);
	cvmnet_slots_init(&q->s, ring_size);
	return q;
}

static int post(struct kunit *test, struct fake_queue *q, unsigned long deadline)
{
	int i = cvmnet_slots_next(&q->s);

	if (i < 0)
		return i;
	KUNIT_ASSERT_LT(test, (unsigned int)i, N);
	KUNIT_ASSERT_FALSE_MSG(test, q->owned[i], "buffer %d posted twice", i);
	q->cookie[i] = cvmnet_slots_post(&q->s, deadline);
	KUNIT_ASSERT_NE(test, q->cookie[i], 0UL);
	q->owned[i] = true;
	q->count++;
	return i;
}

static void answer(struct kunit *test, struct fake_queue *q, unsigned int i)
{
	KUNIT_ASSERT_EQ(test, cvmnet_slots_answer(&q->s, q->cookie[i]), (int)i);
	q->owned[i] = false;
	q->count--;
}

static void ring_size_test(struct kunit *test)
{
	static const struct {
		unsigned int ring;
		unsigned int slots;
	} cases[] = {
		{ 0, 0 }, { 1, 0 }, { 2, 1 }, { 3, 1 }, { 4, 2 }, { 2 * N - 1, N - 1 },
		{ 2 * N, N }, { 64, N }, { 65535, N },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake_queue *q = new_queue(test, cases[i].ring);
		unsigned int taken = 0;

		while (cvmnet_slots_take(&q->s) >= 0 && taken <= N)
			taken++;
		KUNIT_EXPECT_EQ_MSG(test, taken, cases[i].slots, "ring of %u", cases[i].ring);
	}
}

/* Posted in the order in which they were filled, also across the ring's end. */
static void order_test(struct kunit *test)
{
	struct fake_queue *q = new_queue(test, 64);
	int filled[3];
	unsigned int round, i;

	for (round = 0; round < 3 * N; round++) {
		for (i = 0; i < ARRAY_SIZE(filled); i++) {
			filled[i] = cvmnet_slots_take(&q->s);
			KUNIT_ASSERT_GE(test, filled[i], 0);
		}
		for (i = 0; i < ARRAY_SIZE(filled); i++)
			KUNIT_ASSERT_EQ(test, post(test, q, 0), filled[i]);
		KUNIT_ASSERT_EQ(test, cvmnet_slots_next(&q->s), -ENOENT);
		/* The device may answer in any order. */
		for (i = ARRAY_SIZE(filled); i--;)
			answer(test, q, filled[i]);
	}
	KUNIT_EXPECT_EQ(test, q->s.posted, 0U);
}

/* All with the device: none is free before one is answered. */
static void full_test(struct kunit *test)
{
	struct fake_queue *q = new_queue(test, 64);
	unsigned int i;

	for (i = 0; i < N; i++)
		KUNIT_ASSERT_GE(test, cvmnet_slots_take(&q->s), 0);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_take(&q->s), -EBUSY);
	for (i = 0; i < N; i++)
		KUNIT_ASSERT_GE(test, post(test, q, 0), 0);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_take(&q->s), -EBUSY);
	answer(test, q, 5);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_take(&q->s), 5);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_take(&q->s), -EBUSY);
}

static void double_answer_test(struct kunit *test)
{
	struct fake_queue *q = new_queue(test, 64);
	unsigned long old;

	cvmnet_slots_take(&q->s);
	post(test, q, 0);
	old = q->cookie[0];
	answer(test, q, 0);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_answer(&q->s, old), -EPROTO);
	KUNIT_EXPECT_EQ(test, q->s.posted, 0U);

	/* The same buffer in its next use: filled, then posted. */
	cvmnet_slots_take(&q->s);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_answer(&q->s, old), -EPROTO);
	post(test, q, 0);
	KUNIT_EXPECT_NE(test, q->cookie[0], old);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_answer(&q->s, old), -EPROTO);
	KUNIT_EXPECT_EQ(test, q->s.posted, 1U);
	answer(test, q, 0);
}

/* No cookie but those of posted buffers is taken. */
static void bogus_answer_test(struct kunit *test)
{
	struct fake_queue *q = new_queue(test, 8);
	unsigned long cookie;
	unsigned int taken = 0;

	cvmnet_slots_take(&q->s);
	cvmnet_slots_take(&q->s);
	cvmnet_slots_take(&q->s);
	post(test, q, 0);
	post(test, q, 0);
	for (cookie = 0; cookie < 0x10000; cookie++) {
		int i = cvmnet_slots_answer(&q->s, cookie);

		if (i == -EPROTO)
			continue;
		KUNIT_ASSERT_TRUE(test, i == 0 || i == 1);
		KUNIT_EXPECT_EQ(test, cookie, q->cookie[i]);
		taken++;
	}
	KUNIT_EXPECT_EQ(test, taken, 2U);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_answer(&q->s, ULONG_MAX), -EPROTO);
	KUNIT_EXPECT_EQ(test, q->s.posted, 0U);
}

/* A command that is given up stays the device's until it answers or is reset. */
static void late_answer_test(struct kunit *test)
{
	struct fake_queue *q = new_queue(test, 4);

	cvmnet_slots_take(&q->s);
	post(test, q, 100);
	KUNIT_EXPECT_TRUE(test, cvmnet_slots_overdue(&q->s, 100));
	KUNIT_EXPECT_EQ(test, q->s.slot[0].state, CVMNET_SLOT_POSTED);
	/* Others go on with the rest. */
	KUNIT_EXPECT_EQ(test, cvmnet_slots_take(&q->s), 1);
	post(test, q, 200);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_take(&q->s), -EBUSY);
	answer(test, q, 0);
	KUNIT_EXPECT_FALSE(test, cvmnet_slots_overdue(&q->s, 100));
	KUNIT_EXPECT_EQ(test, cvmnet_slots_take(&q->s), 0);
}

static void reset_test(struct kunit *test)
{
	struct fake_queue *q = new_queue(test, 64);
	unsigned long old[N];
	unsigned int i;

	for (i = 0; i < N; i++)
		cvmnet_slots_take(&q->s);
	for (i = 0; i < N / 2; i++)
		post(test, q, 0);
	memcpy(old, q->cookie, sizeof(old));

	cvmnet_slots_reset(&q->s, 8);
	memset(q->owned, 0, sizeof(q->owned));
	KUNIT_EXPECT_EQ(test, q->s.count, 4U);
	KUNIT_EXPECT_EQ(test, q->s.posted, 0U);
	KUNIT_EXPECT_EQ(test, cvmnet_slots_next(&q->s), -ENOENT);
	KUNIT_EXPECT_FALSE(test, cvmnet_slots_overdue(&q->s, 1));
	for (i = 0; i < N / 2; i++)
		KUNIT_EXPECT_EQ(test, cvmnet_slots_answer(&q->s, old[i]), -EPROTO);

	/* Nor when the buffers are in use again */
	for (i = 0; i < 4; i++) {
		cvmnet_slots_take(&q->s);
		post(test, q, 0);
	}
	for (i = 0; i < N / 2; i++)
		KUNIT_EXPECT_EQ(test, cvmnet_slots_answer(&q->s, old[i]), -EPROTO);
	KUNIT_EXPECT_EQ(test, q->s.posted, 4U);
}

static void overdue_test(struct kunit *test)
{
	struct fake_queue *q = new_queue(test, 64);
	unsigned long start = ULONG_MAX - 10;

	KUNIT_EXPECT_FALSE(test, cvmnet_slots_overdue(&q->s, 0));
	cvmnet_slots_take(&q->s);
	/* Not posted: the device can't be late. */
	KUNIT_EXPECT_FALSE(test, cvmnet_slots_overdue(&q->s, ULONG_MAX / 2));
	/* jiffies wrap in between. */
	post(test, q, start + 20);
	KUNIT_EXPECT_FALSE(test, cvmnet_slots_overdue(&q->s, start));
	KUNIT_EXPECT_FALSE(test, cvmnet_slots_overdue(&q->s, start + 19));
	KUNIT_EXPECT_TRUE(test, cvmnet_slots_overdue(&q->s, start + 20));
	KUNIT_EXPECT_TRUE(test, cvmnet_slots_overdue(&q->s, start + 100));
	answer(test, q, 0);
	KUNIT_EXPECT_FALSE(test, cvmnet_slots_overdue(&q->s, start + 100));
}

/* A long run of anything: nothing is posted twice, nothing is lost. */
static void random_test(struct kunit *test)
{
	struct fake_queue *q = new_queue(test, 64);
	struct rnd_state rnd;
	unsigned int round, i;

	prandom_seed_state(&rnd, 41);
	for (round = 0; round < 100000; round++) {
		i = prandom_u32_state(&rnd) % N;
		switch (prandom_u32_state(&rnd) % 8) {
		case 0 ... 2:
			cvmnet_slots_take(&q->s);
			break;
		case 3 ... 4:
			post(test, q, 0);
			break;
		case 5 ... 6:
			if (q->owned[i])
				answer(test, q, i);
			else
				KUNIT_ASSERT_EQ(test, cvmnet_slots_answer(&q->s, q->cookie[i]),
						-EPROTO);
			break;
		default:
			if (prandom_u32_state(&rnd) % 100)
				break;
			cvmnet_slots_reset(&q->s, 64);
			memset(q->owned, 0, sizeof(q->owned));
			q->count = 0;
		}
		KUNIT_ASSERT_EQ(test, q->s.posted, q->count);
		KUNIT_ASSERT_LE(test, q->s.posted + q->s.ready, N);
	}
}

static void verdict_test(struct kunit *test)
{
	unsigned int i;
	u8 ack;

	for (i = 0; i < 256; i++) {
		ack = i;
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_cvq_verdict(&ack, 1), i ? -EREMOTEIO : 0,
				    "ack %u", i);
		/* Nothing written, whatever is there */
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_cvq_verdict(&ack, 0), -EREMOTEIO, "ack %u", i);
	}
	/* More than the buffer holds is a lie about the length alone. */
	ack = 0;
	KUNIT_EXPECT_EQ(test, cvmnet_cvq_verdict(&ack, UINT_MAX), 0);
}

static struct kunit_case cvq_cases[] = {
	KUNIT_CASE(ring_size_test),
	KUNIT_CASE(order_test),
	KUNIT_CASE(full_test),
	KUNIT_CASE(double_answer_test),
	KUNIT_CASE(bogus_answer_test),
	KUNIT_CASE(late_answer_test),
	KUNIT_CASE(reset_test),
	KUNIT_CASE(overdue_test),
	KUNIT_CASE(random_test),
	KUNIT_CASE(verdict_test),
	{ }
};

static struct kunit_suite cvq_suite = {
	.name = "virtio_net_cvm_cvq",
	.test_cases = cvq_cases,
};

kunit_test_suite(cvq_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's control queue");
MODULE_LICENSE("GPL");
