// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the software device's mutator: vnetsim/inject.c. A queue that does the same
 * gets the same numbers from the same seed, whatever others do meanwhile.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/string.h>

#include "vnetsim/vnetsim.h"

#define PAIRS	2
#define RATE	8
#define STEPS	200
#define HDR	sizeof(struct virtio_net_hdr_v1_hash)

/* What a queue made of some packets */
struct outcome {
	u8 hdr[STEPS][HDR];
	u32 len[STEPS];
	u64 draws;
	u32 hash;
};

static struct vnetsim *sim_new(struct kunit *test)
{
	struct vnetsim *sim = kunit_kzalloc(test, sizeof(*sim), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, sim);
	sim->max_pairs = PAIRS;
	sim->nr_queues = 2 * PAIRS + 1;
	sim->queues = kunit_kcalloc(test, sim->nr_queues, sizeof(*sim->queues), GFP_KERNEL);
	sim->workers = kunit_kcalloc(test, PAIRS + 1, sizeof(*sim->workers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sim->queues);
	KUNIT_ASSERT_NOT_NULL(test, sim->workers);
	sim->hdr_len = HDR;
	for (i = 0; i < sim->nr_queues; i++) {
		sim->queues[i].sim = sim;
		sim->queues[i].index = i;
	}
	vnetsim_inject_init(sim);
	return sim;
}

static void packet(struct vnetsim_queue *q, u8 *hdr, u32 *len)
{
	memset(hdr, 0, HDR);
	vnetsim_bug_header(q, (struct virtio_net_hdr_v1_hash *)hdr, 1000);
	*len = vnetsim_bug_len(q, 1000, 2000);
}

/* The first queue's packets; each other queue has some of its own after each of them. */
static struct outcome *run(struct kunit *test, u64 seed, unsigned int others)
{
	struct outcome *out = kunit_kzalloc(test, sizeof(*out), GFP_KERNEL);
	struct vnetsim *sim = sim_new(test);
	unsigned int step, i, j;
	u8 hdr[HDR];
	u32 len;

	KUNIT_ASSERT_NOT_NULL(test, out);
	vnetsim_fuzz_start(sim, seed, RATE, VNETSIM_FUZZ_RARE);
	for (step = 0; step < STEPS; step++) {
		packet(&sim->queues[0], out->hdr[step], &out->len[step]);
		for (i = 1; i < sim->nr_queues; i++)
			for (j = 0; j < others; j++)
				packet(&sim->queues[i], hdr, &len);
	}
	out->draws = sim->queues[0].dice.draws;
	out->hash = sim->queues[0].dice.hash;
	KUNIT_EXPECT_GE(test, atomic64_read(&sim->inject.mutations), STEPS);
	return out;
}

static void repeat_test(struct kunit *test)
{
	struct outcome *alone = run(test, 1, 0), *again = run(test, 1, 0);
	struct outcome *beside = run(test, 1, 3);

	KUNIT_EXPECT_GT(test, alone->draws, STEPS);
	KUNIT_EXPECT_MEMEQ(test, alone, again, sizeof(*alone));
	KUNIT_EXPECT_MEMEQ(test, alone, beside, sizeof(*alone));
}

/* Another seed, or another queue, is another sequence: also a neighbour's. */
static void differ_test(struct kunit *test)
{
	struct vnetsim *sim = sim_new(test);
	u32 first[2][2 * PAIRS + 1];
	unsigned int seed, i, j;

	for (seed = 0; seed < 2; seed++) {
		vnetsim_fuzz_start(sim, seed + 1, RATE, VNETSIM_FUZZ_RARE);
		for (i = 0; i < sim->nr_queues; i++) {
			struct virtio_net_hdr_v1_hash hdr = {};

			vnetsim_bug_header(&sim->queues[i], &hdr, 1000);
			first[seed][i] = sim->queues[i].dice.hash;
		}
	}
	for (i = 0; i < 2 * sim->nr_queues; i++)
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE_MSG(test, first[i / sim->nr_queues][i % sim->nr_queues],
					    first[j / sim->nr_queues][j % sim->nr_queues],
					    "%u and %u", i, j);
}

static struct kunit_case fuzz_cases[] = {
	KUNIT_CASE(repeat_test),
	KUNIT_CASE(differ_test),
	{ }
};

static struct kunit_suite fuzz_suite = {
	.name = "vnetsim_fuzz",
	.test_cases = fuzz_cases,
};

kunit_test_suite(fuzz_suite);

MODULE_DESCRIPTION("KUnit tests of the software virtio-net device's mutator");
MODULE_LICENSE("GPL");
