// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of ib_core_cq_poll/queue.[ch]: taking over and giving back, with a CQ
 * that only counts, and what is done with a batch of completions.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_poll.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "ib_core_cq_poll/budget.h"
#include "ib_core_cq_poll/cqpoll.h"
#include "ib_core_cq_poll/queue.h"

/**
 * struct fake_cq - a device's CQ, its native handler, and what became of completions
 * @q:           what is tested
 * @test:        the running test
 * @pending:     completions in the CQ
 * @taken:       completions in the hands of the poller
 * @done:        completions that were handled
 * @next:        number of the next completion that the CQ gives
 * @wc:          room for completions, which carry their numbers
 * @armed:       the next completion makes an event
 * @ours:        the handler is ours
 * @dying:       destruction has begun
 * @attached:    there is a queue pair
 * @misused:     something was called with or without the lock as it must not be
 * @refs:        references held
 * @gets:        references taken so far
 * @native:      calls of the native handler
 * @quiesced:    waits for the native way
 * @in_complete: called while completions are handled
 * @in_quiesce:  called while the native way is waited for
 */
struct fake_cq {
	struct cqpoll_queue q;
	struct kunit *test;
	unsigned int pending, taken, done;
	u64 next;
	struct ib_wc wc[CQPOLL_BATCH];
	bool armed, ours, dying, attached, misused;
	int refs, gets, native, quiesced;
	void (*in_complete)(struct fake_cq *cq);
	void (*in_quiesce)(struct fake_cq *cq);
};

static struct fake_cq *to_fake(struct cqpoll_queue *q)
{
	return container_of(q, struct fake_cq, q);
}

static bool fake_get(struct cqpoll_queue *q)
{
	struct fake_cq *cq = to_fake(q);

	if (cq->dying)
		return false;
	cq->refs++;
	cq->gets++;
	return true;
}

static void fake_put(struct cqpoll_queue *q)
{
	to_fake(q)->refs--;
}

static int fake_poll(struct cqpoll_queue *q, struct ib_wc *wc, int n)
{
	struct fake_cq *cq = to_fake(q);
	int i;

	cq->misused |= !preempt_count() || cq->taken || n < 1 || n > CQPOLL_BATCH;
	n = min_t(int, n, cq->pending);
	for (i = 0; i < n; i++)
		wc[i].wr_id = cq->next++;
	cq->pending -= n;
	cq->taken = n;
	return n;
}

static void fake_complete(struct cqpoll_queue *q, struct ib_wc *wc, int n)
{
	struct fake_cq *cq = to_fake(q);
	int i;

	/* As its user expects: no lock, kept from being destroyed, each in its turn. */
	cq->misused |= preempt_count() || irqs_disabled() || !cq->refs || cq->taken != n;
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(cq->test, wc[i].wr_id, cq->done++);
	cq->taken = 0;
	if (cq->in_complete)
		cq->in_complete(cq);
}

static int fake_arm(struct cqpoll_queue *q)
{
	struct fake_cq *cq = to_fake(q);

	cq->misused |= !preempt_count();
	/* Some devices do not when they can tell of a completion. */
	if (!cq->pending)
		cq->armed = true;
	return cq->pending;
}

static void fake_hook(struct cqpoll_queue *q, bool ours)
{
	to_fake(q)->ours = ours;
}

static void fake_native(struct cqpoll_queue *q)
{
	to_fake(q)->native++;
}

static void fake_quiesce(struct cqpoll_queue *q)
{
	struct fake_cq *cq = to_fake(q);

	cq->misused |= !!preempt_count();
	cq->quiesced++;
	if (cq->in_quiesce)
		cq->in_quiesce(cq);
}

static bool fake_attached(struct cqpoll_queue *q)
{
	return to_fake(q)->attached;
}

static const struct cqpoll_queue_ops fake_ops = {
	.get = fake_get,
	.put = fake_put,
	.poll = fake_poll,
	.complete = fake_complete,
	.arm = fake_arm,
	.hook = fake_hook,
	.native = fake_native,
	.quiesce = fake_quiesce,
	.attached = fake_attached,
};

/* The native worker runs: everything is handled, then the CQ is armed. */
static void fake_worker(struct fake_cq *cq)
{
	KUNIT_EXPECT_EQ(cq->test, cq->next, cq->done);
	cq->next += cq->pending;
	cq->done += cq->pending;
	cq->pending = 0;
	cq->armed = true;
}

/* The device: n completions, one event when armed. Returns what the event said. */
static bool fake_completions(struct fake_cq *cq, unsigned int n)
{
	bool kick = false;

	cq->pending += n;
	if (!cq->armed)
		return false;
	cq->armed = false;
	if (cq->ours)
		kick = cqpoll_queue_event(&cq->q);
	else
		cq->native++;
	return kick;
}

static struct fake_cq *fake_new(struct kunit *test)
{
	struct fake_cq *cq = kunit_kzalloc(test, sizeof(*cq), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, cq);
	cqpoll_queue_init(&cq->q, &fake_ops);
	cq->test = test;
	cq->armed = true;
	cq->attached = true;
	return cq;
}

static struct fake_cq *fake_owned(struct kunit *test)
{
	struct fake_cq *cq = fake_new(test);

	cqpoll_queue_hook(&cq->q);
	KUNIT_ASSERT_TRUE(test, cqpoll_queue_own(&cq->q));
	return cq;
}

static int fake_pass(struct fake_cq *cq, unsigned int budget)
{
	return cqpoll_queue_pass(&cq->q, cq->wc, budget);
}

static void fake_check(struct fake_cq *cq)
{
	KUNIT_EXPECT_EQ(cq->test, cq->refs, 0);
	KUNIT_EXPECT_FALSE(cq->test, cq->misused);
}

/* --- taking over --- */

static void take_in_use_test(struct kunit *test)
{
	struct fake_cq *cq = fake_new(test);

	cqpoll_queue_hook(&cq->q);
	KUNIT_EXPECT_TRUE(test, cq->ours);
	/* Events pass through, the native way handles them. */
	KUNIT_EXPECT_FALSE(test, fake_completions(cq, 3));
	KUNIT_EXPECT_EQ(test, cq->native, 1);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 0);
	KUNIT_EXPECT_EQ(test, cq->done, 0);
	fake_worker(cq);
	KUNIT_EXPECT_EQ(test, cq->done, 3);

	KUNIT_EXPECT_TRUE(test, cqpoll_queue_own(&cq->q));
	KUNIT_EXPECT_EQ(test, cq->quiesced, 1);
	KUNIT_EXPECT_TRUE(test, fake_completions(cq, 1));
	KUNIT_EXPECT_EQ(test, cq->native, 1);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 1);
	KUNIT_EXPECT_EQ(test, cq->done, 4);
	fake_check(cq);
}

static void event_in_quiesce(struct fake_cq *cq)
{
	KUNIT_EXPECT_TRUE(cq->test, fake_completions(cq, 2));
}

/* From the moment that the native way is waited for, nothing may start it again. */
static void take_quiet_test(struct kunit *test)
{
	struct fake_cq *cq = fake_new(test);

	cqpoll_queue_hook(&cq->q);
	cq->in_quiesce = event_in_quiesce;
	KUNIT_EXPECT_TRUE(test, cqpoll_queue_own(&cq->q));
	KUNIT_EXPECT_EQ(test, cq->native, 0);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 2);
	fake_check(cq);
}

static void take_new_test(struct kunit *test)
{
	struct fake_cq *cq = fake_new(test);

	cqpoll_queue_own_new(&cq->q);
	KUNIT_EXPECT_EQ(test, cq->quiesced, 0);
	KUNIT_EXPECT_TRUE(test, fake_completions(cq, 1));
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 1);
	fake_check(cq);
}

static void take_dying_test(struct kunit *test)
{
	struct fake_cq *cq = fake_new(test);

	cqpoll_queue_hook(&cq->q);
	cq->dying = true;
	KUNIT_EXPECT_FALSE(test, cqpoll_queue_own(&cq->q));
	cqpoll_queue_release(&cq->q);
	KUNIT_EXPECT_FALSE(test, cq->ours);
	KUNIT_EXPECT_EQ(test, cq->native, 0);
	fake_check(cq);
}

static void gone_in_quiesce(struct fake_cq *cq)
{
	cqpoll_queue_gone(&cq->q);
}

static void take_gone_test(struct kunit *test)
{
	struct fake_cq *cq = fake_new(test);

	cqpoll_queue_hook(&cq->q);
	cq->in_quiesce = gone_in_quiesce;
	KUNIT_EXPECT_FALSE(test, cqpoll_queue_own(&cq->q));
	KUNIT_EXPECT_FALSE(test, cq->ours);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), -ENOENT);
	fake_check(cq);
}

/* --- polling --- */

static void pass_budget_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	fake_completions(cq, 100);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 16);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 64), 64);
	KUNIT_EXPECT_EQ(test, cq->pending, 20);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 64), 20);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 64), 0);
	KUNIT_EXPECT_EQ(test, cq->done, 100);
	fake_check(cq);
}

static void pass_dying_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	fake_completions(cq, 5);
	cq->dying = true;
	/* Not an error: the rest follows when it is gone. Nobody is left to be told. */
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 0);
	KUNIT_EXPECT_EQ(test, cq->done, 0);
	fake_completions(cq, 3);
	cqpoll_queue_gone(&cq->q);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), -ENOENT);
	KUNIT_EXPECT_EQ(test, cq->pending, 3);
	KUNIT_EXPECT_EQ(test, cq->done, 0);
	fake_check(cq);
}

/* Most looks find nothing; these are to be cheap. */
static void pass_empty_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);
	int gets = cq->gets;

	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 0);
	KUNIT_EXPECT_EQ(test, cq->gets, gets);
	fake_check(cq);
}

static void gone_in_complete(struct fake_cq *cq)
{
	cqpoll_queue_gone(&cq->q);
}

/* Kernels that destroy before they wait for references: stop at the next batch. */
static void pass_gone_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	fake_completions(cq, 3 * CQPOLL_BATCH);
	cq->in_complete = gone_in_complete;
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 3 * CQPOLL_BATCH), CQPOLL_BATCH);
	KUNIT_EXPECT_EQ(test, cq->pending, 2 * CQPOLL_BATCH);
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), -ENOENT);
	fake_check(cq);
}

static void other_in_complete(struct fake_cq *cq)
{
	struct fake_cq *other = fake_owned(cq->test);

	/* Queues come and go while one is being handled. */
	cqpoll_queue_gone(&other->q);
	cqpoll_queue_event(&cq->q);
}

static void pass_nested_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	fake_completions(cq, 2);
	cq->in_complete = other_in_complete;
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 2);
	fake_check(cq);
}

/* --- sleeping --- */

static void arm_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	cq->armed = false;
	KUNIT_EXPECT_FALSE(test, cqpoll_queue_arm(&cq->q));
	KUNIT_EXPECT_TRUE(test, cq->armed);
	/* The event that wakes, and only one of them. */
	KUNIT_EXPECT_TRUE(test, fake_completions(cq, 1));
	KUNIT_EXPECT_FALSE(test, fake_completions(cq, 1));
	KUNIT_EXPECT_EQ(test, fake_pass(cq, 16), 2);
	fake_check(cq);
}

static void arm_missed_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	cq->armed = false;
	fake_completions(cq, 1);
	KUNIT_EXPECT_TRUE(test, cqpoll_queue_arm(&cq->q));
	fake_check(cq);
}

static void arm_dying_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	cq->armed = false;
	cq->dying = true;
	KUNIT_EXPECT_FALSE(test, cqpoll_queue_arm(&cq->q));
	KUNIT_EXPECT_FALSE(test, cq->armed);
	cq->dying = false;
	cqpoll_queue_gone(&cq->q);
	KUNIT_EXPECT_FALSE(test, cqpoll_queue_arm(&cq->q));
	KUNIT_EXPECT_FALSE(test, cq->armed);
	fake_check(cq);
}

/* --- giving back --- */

static void release_empty_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	cq->armed = false;
	cqpoll_queue_release(&cq->q);
	KUNIT_EXPECT_FALSE(test, cq->ours);
	KUNIT_EXPECT_TRUE(test, cq->armed);
	KUNIT_EXPECT_EQ(test, cq->native, 0);
	/* The next completion goes the native way. */
	fake_completions(cq, 1);
	KUNIT_EXPECT_EQ(test, cq->native, 1);
	fake_check(cq);
}

static void release_pending_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	cq->armed = false;
	fake_completions(cq, 4);
	cqpoll_queue_release(&cq->q);
	KUNIT_EXPECT_EQ(test, cq->native, 1);
	fake_worker(cq);
	KUNIT_EXPECT_EQ(test, cq->done, 4);
	fake_check(cq);
}

/* A driver had read our handler before it was taken back. */
static void release_late_event_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	cqpoll_queue_release(&cq->q);
	cq->pending++;
	KUNIT_EXPECT_FALSE(test, cqpoll_queue_event(&cq->q));
	KUNIT_EXPECT_EQ(test, cq->native, 1);
	fake_check(cq);
}

/* Nothing may be started for a CQ that may be about to be destroyed. */
static void release_unattached_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	fake_completions(cq, 1);
	cq->attached = false;
	cqpoll_queue_release(&cq->q);
	KUNIT_EXPECT_EQ(test, cq->native, 0);
	fake_check(cq);
}

static void release_dying_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	fake_completions(cq, 1);
	cq->armed = false;
	cq->dying = true;
	cqpoll_queue_release(&cq->q);
	KUNIT_EXPECT_FALSE(test, cq->ours);
	KUNIT_EXPECT_FALSE(test, cq->armed);
	KUNIT_EXPECT_EQ(test, cq->native, 0);
	fake_check(cq);
}

static void release_gone_test(struct kunit *test)
{
	struct fake_cq *cq = fake_owned(test);

	cqpoll_queue_gone(&cq->q);
	KUNIT_EXPECT_FALSE(test, cq->ours);
	/* The CQ must not be touched any more. */
	cq->armed = false;
	cq->ours = true;
	cqpoll_queue_release(&cq->q);
	KUNIT_EXPECT_TRUE(test, cq->ours);
	KUNIT_EXPECT_FALSE(test, cq->armed);
	KUNIT_EXPECT_EQ(test, cq->native, 0);
	fake_check(cq);
}

static void release_hooked_test(struct kunit *test)
{
	struct fake_cq *cq = fake_new(test);

	cqpoll_queue_hook(&cq->q);
	cqpoll_queue_release(&cq->q);
	KUNIT_EXPECT_FALSE(test, cq->ours);
	fake_completions(cq, 1);
	KUNIT_EXPECT_EQ(test, cq->native, 1);
	fake_check(cq);
}

static unsigned int fake_send(struct fake_cq *cq, unsigned int n)
{
	fake_completions(cq, n);
	return n;
}

/* Over and back again and again, with completions at every step: none is lost. */
static void again_test(struct kunit *test)
{
	struct fake_cq *cq = fake_new(test);
	unsigned int sent = 0, i, native;

	for (i = 0; i < 200; i++) {
		native = cq->native;
		cqpoll_queue_hook(&cq->q);
		if (i & 1)
			sent += fake_send(cq, 1);
		if (cq->native != native)
			fake_worker(cq);
		KUNIT_ASSERT_TRUE(test, cqpoll_queue_own(&cq->q));
		if (i & 2)
			sent += fake_send(cq, 1);
		if (i & 4)
			fake_pass(cq, 16);
		if (i & 8)
			cqpoll_queue_arm(&cq->q);
		if (i & 16)
			sent += fake_send(cq, 2);
		native = cq->native;
		cqpoll_queue_release(&cq->q);
		if (i & 32)
			sent += fake_send(cq, 1);
		if (cq->native != native)
			fake_worker(cq);
		KUNIT_ASSERT_EQ(test, cq->done, sent);
		KUNIT_ASSERT_TRUE(test, cq->armed);
	}
	fake_check(cq);
}

/* --- a batch --- */

struct batch_cqe {
	struct ib_cqe cqe;
	struct kunit *test;
	unsigned int *done;
	unsigned int number;
	bool bh;
};

static void batch_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct batch_cqe *e = container_of(wc->wr_cqe, struct batch_cqe, cqe);

	KUNIT_EXPECT_EQ(e->test, (*e->done)++, e->number);
	KUNIT_EXPECT_EQ(e->test, !!softirq_count(), e->bh);
}

/* Each in its turn, with bottom halves as the CQ's users have them. */
static void batch_test(struct kunit *test)
{
	struct batch_cqe *e = kunit_kcalloc(test, CQPOLL_BATCH, sizeof(*e), GFP_KERNEL);
	struct cqpoll_cq *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	struct ib_wc *wc = kunit_kcalloc(test, CQPOLL_BATCH, sizeof(*wc), GFP_KERNEL);
	unsigned int done, i;
	int bh;

	KUNIT_ASSERT_NOT_NULL(test, e);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, wc);
	for (bh = 0; bh < 2; bh++) {
		for (i = 0; i < CQPOLL_BATCH; i++) {
			e[i] = (struct batch_cqe){ { batch_done }, test, &done, i, bh };
			wc[i].wr_cqe = &e[i].cqe;
		}
		done = 0;
		c->bh = bh;
		cqpoll_cq_complete(c, wc, CQPOLL_BATCH);
		KUNIT_EXPECT_EQ(test, done, (unsigned int)CQPOLL_BATCH);
	}
}

/**
 * struct late_poll - a softirq that is slow to schedule itself again
 * @iop:    how the softirq knows it
 * @in_gap: it has completed, and will schedule itself
 * @calls:  of its handler
 */
struct late_poll {
	struct irq_poll iop;
	struct completion in_gap;
	atomic_t calls;
};

/* The RDMA core's does that, too, when there was more while it asked for an event. */
static int late_handler(struct irq_poll *iop, int budget)
{
	struct late_poll *late = container_of(iop, struct late_poll, iop);
	int calls = atomic_inc_return(&late->calls);

	irq_poll_complete(iop);
	if (calls == 1) {
		complete(&late->in_gap);
		mdelay(20);
		irq_poll_sched(iop);
	}
	return 0;
}

static void late_start(void *iop)
{
	irq_poll_sched(iop);
}

/* A softirq between the two is waited for, and does not come again. */
static void quiesce_softirq_test(struct kunit *test)
{
	struct late_poll *late = kunit_kzalloc(test, sizeof(*late), GFP_KERNEL);
	struct cqpoll_queue *q = kunit_kzalloc(test, sizeof(*q), GFP_KERNEL);
	bool in_gap = false;
	unsigned int cpu;

	KUNIT_ASSERT_NOT_NULL(test, late);
	KUNIT_ASSERT_NOT_NULL(test, q);
	init_completion(&late->in_gap);
	irq_poll_init(&late->iop, 4, late_handler);
	/* Not where the softirq runs, which would have finished before us. */
	migrate_disable();
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	if (cpu < nr_cpu_ids) {
		smp_call_function_single(cpu, late_start, &late->iop, 1);
		in_gap = wait_for_completion_timeout(&late->in_gap, 10 * HZ);
		cqpoll_quiesce_softirq(q, &late->iop);
	}
	migrate_enable();
	msleep(50);
	irq_poll_disable(&late->iop);
	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "one CPU");
	KUNIT_EXPECT_TRUE(test, in_gap);
	KUNIT_EXPECT_EQ(test, atomic_read(&late->calls), 1);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(quiesce_softirq_test),
	KUNIT_CASE(take_in_use_test),
	KUNIT_CASE(take_quiet_test),
	KUNIT_CASE(take_new_test),
	KUNIT_CASE(take_dying_test),
	KUNIT_CASE(take_gone_test),
	KUNIT_CASE(pass_budget_test),
	KUNIT_CASE(pass_dying_test),
	KUNIT_CASE(pass_empty_test),
	KUNIT_CASE(pass_gone_test),
	KUNIT_CASE(pass_nested_test),
	KUNIT_CASE(arm_test),
	KUNIT_CASE(arm_missed_test),
	KUNIT_CASE(arm_dying_test),
	KUNIT_CASE(release_empty_test),
	KUNIT_CASE(release_pending_test),
	KUNIT_CASE(release_late_event_test),
	KUNIT_CASE(release_unattached_test),
	KUNIT_CASE(release_dying_test),
	KUNIT_CASE(release_gone_test),
	KUNIT_CASE(release_hooked_test),
	KUNIT_CASE(again_test),
	KUNIT_CASE(batch_test),
	{ }
};

static struct kunit_suite queue_suite = {
	.name = "ib_core_cq_poll_queue",
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);

MODULE_DESCRIPTION("KUnit tests of taking over and giving back completion queues");
MODULE_LICENSE("GPL");
