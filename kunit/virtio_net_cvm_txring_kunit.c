// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the transmit ring: virtio_net_cvm/txring.[ch].
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "virtio_net_cvm/txring.h"

#define RECS	16
#define CHUNK	4096
#define CHUNKS	3

struct fixture {
	struct cvmnet_txring ring;
	struct cvmnet_tx_rec recs[RECS];
};

static struct fixture *fixture_new(struct kunit *test, u32 limit)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	cvmnet_txring_init(&f->ring, f->recs, RECS, limit, CHUNK, CHUNKS);
	return f;
}

static void order_test(struct kunit *test)
{
	struct fixture *f = fixture_new(test, RECS);
	struct cvmnet_tx_rec *a, *b;
	u32 at;

	KUNIT_EXPECT_EQ(test, f->ring.free, CHUNK * CHUNKS);
	a = cvmnet_txring_take(&f->ring, 100, &at);
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_EXPECT_EQ(test, at, 0);
	b = cvmnet_txring_take(&f->ring, 64, &at);
	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_EXPECT_EQ(test, at, 128);
	KUNIT_EXPECT_EQ(test, cvmnet_txring_used(&f->ring), 2);

	/* The younger one first: nothing is free before the older one is. */
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_give(&f->ring, b));
	KUNIT_EXPECT_EQ(test, f->ring.free, CHUNK * CHUNKS - 192);
	KUNIT_EXPECT_EQ(test, cvmnet_txring_used(&f->ring), 2);
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_give(&f->ring, a));
	KUNIT_EXPECT_EQ(test, f->ring.free, CHUNK * CHUNKS);
	KUNIT_EXPECT_EQ(test, cvmnet_txring_used(&f->ring), 0);
}

static void twice_test(struct kunit *test)
{
	struct fixture *f = fixture_new(test, RECS);
	struct cvmnet_tx_rec *a, *b;
	u32 at;

	a = cvmnet_txring_take(&f->ring, 64, &at);
	b = cvmnet_txring_take(&f->ring, 64, &at);
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_give(&f->ring, b));
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_give(&f->ring, b));
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_give(&f->ring, a));
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_give(&f->ring, a));
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_give(&f->ring, &f->recs[7]));
	KUNIT_EXPECT_EQ(test, f->ring.free, CHUNK * CHUNKS);
}

static void chunk_end_test(struct kunit *test)
{
	struct fixture *f = fixture_new(test, RECS);
	struct cvmnet_tx_rec *a, *b, *c, *d;
	u32 at, head, free;

	a = cvmnet_txring_take(&f->ring, 3000, &at);
	b = cvmnet_txring_take(&f->ring, 3000, &at);
	KUNIT_EXPECT_EQ(test, at, CHUNK);
	c = cvmnet_txring_take(&f->ring, 3000, &at);
	KUNIT_EXPECT_EQ(test, at, 2 * CHUNK);
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_ASSERT_NOT_NULL(test, c);

	/* 1088 bytes are left at the end, and what was skipped belongs to b and c. */
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_fits(&f->ring, 3000));
	KUNIT_EXPECT_NULL(test, cvmnet_txring_take(&f->ring, 3000, &at));
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_fits(&f->ring, 1000));

	/* Across the end of the ring, and back. */
	cvmnet_txring_give(&f->ring, a);
	head = f->ring.head;
	free = f->ring.free;
	d = cvmnet_txring_take(&f->ring, 3000, &at);
	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, at, 0);
	cvmnet_txring_untake(&f->ring, d);
	KUNIT_EXPECT_EQ(test, f->ring.head, head);
	KUNIT_EXPECT_EQ(test, f->ring.free, free);
	KUNIT_EXPECT_EQ(test, cvmnet_txring_used(&f->ring), 2);
}

static void limits_test(struct kunit *test)
{
	struct fixture *f = fixture_new(test, 5);
	u32 at, i;

	KUNIT_EXPECT_FALSE(test, cvmnet_txring_fits(&f->ring, CHUNK + 1));
	KUNIT_EXPECT_NULL(test, cvmnet_txring_take(&f->ring, CHUNK + 1, &at));
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_fits(&f->ring, CHUNK));
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_TRUE(test, cvmnet_txring_fits(&f->ring, 0));
		KUNIT_EXPECT_NOT_NULL(test, cvmnet_txring_take(&f->ring, 0, &at));
	}
	/* Records ran out, bytes did not. */
	KUNIT_EXPECT_EQ(test, f->ring.free, CHUNK * CHUNKS);
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_fits(&f->ring, 0));
	KUNIT_EXPECT_NULL(test, cvmnet_txring_take(&f->ring, 64, &at));

	cvmnet_txring_clear(&f->ring);
	KUNIT_EXPECT_EQ(test, cvmnet_txring_used(&f->ring), 0);
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_give(&f->ring, &f->recs[0]));
}

/* Progress counts wherever it was noticed; what happened long ago does not. */
static void stalled_test(struct kunit *test)
{
	struct fixture *f = fixture_new(test, RECS);
	struct cvmnet_tx_rec *a, *b;
	u32 at;

	a = cvmnet_txring_take(&f->ring, 64, &at);
	b = cvmnet_txring_take(&f->ring, 64, &at);
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_stalled(&f->ring));
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_stalled(&f->ring));
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_stalled(&f->ring));

	/* The device went on, and then stopped at another packet. */
	cvmnet_txring_give(&f->ring, a);
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_stalled(&f->ring));
	KUNIT_EXPECT_TRUE(test, cvmnet_txring_stalled(&f->ring));

	/* A queue that has been through a reset begins anew. */
	cvmnet_txring_give(&f->ring, b);
	cvmnet_txring_clear(&f->ring);
	KUNIT_EXPECT_FALSE(test, cvmnet_txring_stalled(&f->ring));
}

/* Any order and size: no two packets in flight share a byte or cross a chunk's end. */
static void random_test(struct kunit *test)
{
	struct fixture *f = fixture_new(test, RECS - 3);
	struct rnd_state rnd;
	struct {
		struct cvmnet_tx_rec *rec;
		u32 at;
		u32 len;
	} live[RECS] = {};
	unsigned int step, i, n = 0;
	u32 at, len;

	prandom_seed_state(&rnd, 4711);
	for (step = 0; step < 20000; step++) {
		if (prandom_u32_state(&rnd) % 2 || !n) {
			struct cvmnet_tx_rec *rec;
			bool fits;

			len = 1 + prandom_u32_state(&rnd) % 2500;
			fits = cvmnet_txring_fits(&f->ring, len);
			rec = cvmnet_txring_take(&f->ring, len, &at);
			/* Taking may start over in an empty ring, and so find more room. */
			if (fits)
				KUNIT_ASSERT_NOT_NULL(test, rec);
			if (!rec)
				continue;
			KUNIT_ASSERT_EQ(test, at / CHUNK, (at + len - 1) / CHUNK);
			KUNIT_ASSERT_LE(test, at + len, (u32)CHUNK * CHUNKS);
			for (i = 0; i < n; i++)
				KUNIT_ASSERT_TRUE(test, at + len <= live[i].at ||
						  live[i].at + live[i].len <= at);
			live[n].rec = rec;
			live[n].at = at;
			live[n++].len = len;
		} else {
			i = prandom_u32_state(&rnd) % n;
			KUNIT_ASSERT_TRUE(test, cvmnet_txring_give(&f->ring, live[i].rec));
			live[i] = live[--n];
		}
	}
	while (n)
		cvmnet_txring_give(&f->ring, live[--n].rec);
	KUNIT_EXPECT_EQ(test, f->ring.free, CHUNK * CHUNKS);
	KUNIT_EXPECT_EQ(test, cvmnet_txring_used(&f->ring), 0);
}

static struct kunit_case txring_cases[] = {
	KUNIT_CASE(order_test),
	KUNIT_CASE(twice_test),
	KUNIT_CASE(chunk_end_test),
	KUNIT_CASE(limits_test),
	KUNIT_CASE(stalled_test),
	KUNIT_CASE(random_test),
	{ }
};

static struct kunit_suite txring_suite = {
	.name = "virtio_net_cvm_txring",
	.test_cases = txring_cases,
};

kunit_test_suite(txring_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's transmit ring");
MODULE_LICENSE("GPL");
