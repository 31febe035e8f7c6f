// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the soft IPI protocol: ipi_passthrough/core.[ch].
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "ipi_passthrough/core.h"

/* --- the mask as users write it --- */

struct mask_case {
	const char *text;
	int err;
	unsigned long want;
};

/* Possible CPUs of these cases: 0-2 and 4. */
static const unsigned long mask_possible = 0x17;

static const struct mask_case mask_cases[] = {
	{ "0", 0, 0 },
	{ "0\n", 0, 0 },
	{ "1", 0, 0x1 },
	{ "3\n", 0, 0x3 },
	{ "0x3", 0, 0x3 },
	{ "0X13\n", 0, 0x13 },
	{ "17", 0, 0x17 },
	{ "00000007", 0, 0x7 },
	{ "  2\n", 0, 0x2 },
	{ "", -EINVAL },
	{ "\n", -EINVAL },
	{ "   ", -EINVAL },
	{ ",", -EINVAL },
	{ "0x", -EINVAL },
	{ "0x\n", -EINVAL },
	{ "0x 1", -EINVAL },
	{ "0x0x1", -EINVAL },
	{ "x1", -EINVAL },
	{ "-1", -EINVAL },
	{ "1g", -EINVAL },
	{ "g", -EINVAL },
	{ "1.0", -EINVAL },
	{ "0-2", -EINVAL },
	/* What the kernel's parser takes for words of their own, or does not look at. */
	{ "0 1", -EINVAL },
	{ "1,", -EINVAL },
	{ "1,,2", -EINVAL },
	{ "3\n4", -EINVAL },
	{ "2 ", 0, 0x2 },
	{ "8", -EINVAL },		/* CPU 3 is not possible */
	{ "1f", -EINVAL },
	{ "123456789", -EOVERFLOW },	/* nine digits in one word */
};

static void mask_case_desc(const struct mask_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "'%.*s'", (int)strcspn(c->text, "\n"),
		 c->text);
}

KUNIT_ARRAY_PARAM(mask, mask_cases, mask_case_desc);

static void mask_parse_test(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	cpumask_var_t possible, mask;
	int err;

	/* The mask of the running kernel bounds what the parser takes. */
	if (nr_cpumask_bits < 5) {
		kunit_skip(test, "needs masks of 5 CPUs");
		return;
	}
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&possible, GFP_KERNEL));
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&mask, GFP_KERNEL));
	cpumask_bits(possible)[0] = mask_possible;

	err = ipipt_mask_parse(c->text, possible, mask);
	KUNIT_EXPECT_EQ(test, err, c->err);
	if (!c->err)
		KUNIT_EXPECT_EQ(test, cpumask_bits(mask)[0], c->want);

	free_cpumask_var(mask);
	free_cpumask_var(possible);
}

static void mask_parse_long_test(struct kunit *test)
{
	const unsigned int words = nr_cpumask_bits / 32 + 2;
	cpumask_var_t mask;
	char *text, *p;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&mask, GFP_KERNEL));
	text = kunit_kzalloc(test, words * 9 + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0, p = text; i < words; i++)
		p += sprintf(p, "ffffffff%s", i + 1 < words ? "," : "\n");

	KUNIT_EXPECT_EQ(test, ipipt_mask_parse(text, cpu_possible_mask, mask),
			-EOVERFLOW);
	free_cpumask_var(mask);
}

/* --- one word, every transition --- */

static void word_test(struct kunit *test)
{
	atomic_t word = ATOMIC_INIT(IPIPT_RUN);

	KUNIT_EXPECT_FALSE(test, ipipt_word_kick(&word));
	KUNIT_EXPECT_EQ(test, atomic_read(&word), (int)IPIPT_RUN);
	KUNIT_EXPECT_FALSE(test, ipipt_word_leave(&word));

	ipipt_word_poll(&word);
	KUNIT_EXPECT_EQ(test, atomic_read(&word), (int)IPIPT_POLL);
	KUNIT_EXPECT_FALSE(test, ipipt_word_leave(&word));
	KUNIT_EXPECT_EQ(test, atomic_read(&word), (int)IPIPT_RUN);

	ipipt_word_poll(&word);
	KUNIT_EXPECT_TRUE(test, ipipt_word_kick(&word));
	KUNIT_EXPECT_EQ(test, atomic_read(&word), (int)IPIPT_KICKED);
	KUNIT_EXPECT_TRUE(test, ipipt_word_kick(&word));
	KUNIT_EXPECT_TRUE(test, ipipt_word_leave(&word));
	/* Until it is acknowledged, others see it and need not kick. */
	KUNIT_EXPECT_EQ(test, atomic_read(&word), (int)IPIPT_KICKED);
	KUNIT_EXPECT_TRUE(test, ipipt_word_kick(&word));
	ipipt_word_ack(&word);
	KUNIT_EXPECT_EQ(test, atomic_read(&word), (int)IPIPT_RUN);
	KUNIT_EXPECT_FALSE(test, ipipt_word_leave(&word));
	KUNIT_EXPECT_FALSE(test, ipipt_word_kick(&word));
}

/* --- all interleavings of one receiver and two senders --- */

#define SIM_SENDERS	2
#define SIM_POLLS	3

enum sim_pc {
	SIM_IDLE,	/* about to poll */
	SIM_SPIN,
	SIM_LEAVE,	/* a reason was found, interrupts still masked */
	SIM_ACK,	/* there was a kick */
	SIM_OPEN,	/* interrupts are taken; idle again or reschedule */
	SIM_TAIL,	/* the idle loop ended: drain */
	SIM_HALT,	/* natively idle: only an interrupt helps */
};

enum sim_break {
	SIM_BREAK_NOTHING,
	SIM_BREAK_STORE,	/* leaves with a plain store */
	SIM_BREAK_EARLY_KICK,	/* a sender kicks before it publishes */
	SIM_BREAK_NO_DRAIN,	/* a consumed kick does not end the idle loop */
};

/* The state is copied at every choice, so it holds no pointers. */
struct sim {
	atomic_t word;
	enum sim_pc pc;
	bool irq;		/* a hardware IPI is pending */
	bool resched;
	unsigned int polls;
	unsigned int queued;	/* call queue entries not yet run */
	unsigned int sender[SIM_SENDERS];
};

struct sim_result {
	enum sim_break brk;
	unsigned long ends;	/* interleavings explored */
	unsigned long lost;	/* of these, with work left undone */
	unsigned long soft;
	unsigned long hard;
};

static void sim_publish(struct sim *s)
{
	s->queued++;
}

static void sim_kick(struct sim *s, struct sim_result *r)
{
	if (ipipt_word_kick(&s->word)) {
		r->soft++;
	} else {
		r->hard++;
		s->irq = true;
	}
}

/* One step of a sender; false when it has none left. */
static bool sim_send(struct sim *s, unsigned int n, struct sim_result *r)
{
	bool kick_first = r->brk == SIM_BREAK_EARLY_KICK;

	switch (s->sender[n]) {
	case 0:
		if (kick_first)
			sim_kick(s, r);
		else
			sim_publish(s);
		break;
	case 1:
		if (kick_first)
			sim_publish(s);
		else
			sim_kick(s, r);
		break;
	default:
		return false;
	}
	s->sender[n]++;
	return true;
}

static void sim_interrupt(struct sim *s)
{
	s->irq = false;
	s->queued = 0;
}

/* One step of the receiver; false when it can only wait for somebody else. */
static bool sim_receive(struct sim *s, struct sim_result *r)
{
	switch (s->pc) {
	case SIM_IDLE:
		if (s->polls++ == SIM_POLLS) {
			s->pc = SIM_HALT;
			return true;
		}
		ipipt_word_poll(&s->word);
		s->pc = SIM_SPIN;
		return true;
	case SIM_SPIN:
		if (!s->irq && atomic_read(&s->word) != IPIPT_KICKED)
			return false;
		s->pc = SIM_LEAVE;
		return true;
	case SIM_LEAVE:
		s->pc = SIM_OPEN;
		if (r->brk == SIM_BREAK_STORE)
			atomic_set(&s->word, IPIPT_RUN);
		else if (ipipt_word_leave(&s->word))
			s->pc = SIM_ACK;
		return true;
	case SIM_ACK:
		s->resched = r->brk != SIM_BREAK_NO_DRAIN;
		ipipt_word_ack(&s->word);
		s->pc = SIM_OPEN;
		return true;
	case SIM_OPEN:
		if (s->irq)
			sim_interrupt(s);
		s->pc = s->resched ? SIM_TAIL : SIM_IDLE;
		return true;
	case SIM_TAIL:
		s->queued = 0;
		s->resched = false;
		s->pc = SIM_IDLE;
		return true;
	case SIM_HALT:
		if (!s->irq)
			return false;
		sim_interrupt(s);
		return true;
	}
	return false;
}

static void sim_explore(const struct sim *now, struct sim_result *r)
{
	bool moved = false;
	struct sim next;
	unsigned int i;

	next = *now;
	if (sim_receive(&next, r)) {
		moved = true;
		sim_explore(&next, r);
	}
	for (i = 0; i < SIM_SENDERS; i++) {
		next = *now;
		if (sim_send(&next, i, r)) {
			moved = true;
			sim_explore(&next, r);
		}
	}
	if (moved)
		return;
	r->ends++;
	if (now->queued || atomic_read(&now->word) == IPIPT_KICKED)
		r->lost++;
}

struct sim_case {
	const char *name;
	enum sim_break brk;
	bool loses;
};

static const struct sim_case sim_cases[] = {
	{ "protocol", SIM_BREAK_NOTHING, false },
	{ "left with a plain store", SIM_BREAK_STORE, true },
	{ "kicked before published", SIM_BREAK_EARLY_KICK, true },
	{ "consumed and not drained", SIM_BREAK_NO_DRAIN, true },
};

KUNIT_ARRAY_PARAM_DESC(sim, sim_cases, name);

/* Broken on purpose, the protocol must be seen to lose work: the search works. */
static void interleavings_test(struct kunit *test)
{
	const struct sim_case *c = test->param_value;
	struct sim_result r = { .brk = c->brk };
	struct sim start = { .word = ATOMIC_INIT(IPIPT_RUN), .pc = SIM_IDLE };

	sim_explore(&start, &r);
	kunit_info(test, "%lu interleavings, %lu lost work; %lu soft, %lu hard",
		   r.ends, r.lost, r.soft, r.hard);
	KUNIT_EXPECT_GT(test, r.ends, 100);
	KUNIT_EXPECT_GT(test, r.soft, 0);
	KUNIT_EXPECT_GT(test, r.hard, 0);
	if (c->loses)
		KUNIT_EXPECT_GT(test, r.lost, 0);
	else
		KUNIT_EXPECT_EQ(test, r.lost, 0);
}

/* --- several targets --- */

static unsigned long fake_pollers;
static unsigned long fake_kicked;

static bool fake_kick(unsigned int cpu)
{
	fake_kicked |= BIT(cpu);
	return fake_pollers & BIT(cpu);
}

static void kick_mask_test(struct kunit *test)
{
	const unsigned int bits = min_t(unsigned int, nr_cpumask_bits, 4);
	const unsigned long all = BIT(bits) - 1;
	struct ipipt_split split;
	cpumask_var_t mask, rest;
	unsigned long targets;

	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&mask, GFP_KERNEL));
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&rest, GFP_KERNEL));

	for (targets = 0; targets <= all; targets++) {
		for (fake_pollers = 0; fake_pollers <= all; fake_pollers++) {
			unsigned long hard = targets & ~fake_pollers;

			cpumask_bits(mask)[0] = targets;
			cpumask_bits(rest)[0] = all;
			fake_kicked = 0;
			split = ipipt_kick_mask(mask, rest, fake_kick);

			KUNIT_EXPECT_EQ(test, cpumask_bits(mask)[0], targets);
			KUNIT_EXPECT_EQ(test, fake_kicked, targets);
			KUNIT_EXPECT_EQ(test, split.soft,
					(unsigned int)hweight_long(targets & fake_pollers));
			KUNIT_EXPECT_EQ(test, split.hard, (unsigned int)hweight_long(hard));
			/* Untouched when all polled: no write on that path. */
			KUNIT_EXPECT_EQ(test, cpumask_bits(rest)[0], hard ?: all);
			if (hard)
				KUNIT_EXPECT_EQ(test, split.last, (unsigned int)__fls(hard));
		}
	}
	free_cpumask_var(rest);
	free_cpumask_var(mask);
}

/* --- the rescue timer's judgement --- */

static void watch_test(struct kunit *test)
{
	static const struct {
		bool kicked;
		u32 seq;
		enum ipipt_watch_verdict want;
	} looks[] = {
		{ false, 1, IPIPT_WATCH_QUIET },
		{ true, 1, IPIPT_WATCH_PENDING },
		{ false, 1, IPIPT_WATCH_QUIET },
		/* the same number, but it was consumed in between */
		{ true, 1, IPIPT_WATCH_PENDING },
		/* busy: kicked at each look, every time in a new poll */
		{ true, 2, IPIPT_WATCH_PENDING },
		{ true, 3, IPIPT_WATCH_PENDING },
		/* stuck, and stays so until somebody helps */
		{ true, 3, IPIPT_WATCH_OVERDUE },
		{ true, 3, IPIPT_WATCH_OVERDUE },
		{ true, 4, IPIPT_WATCH_PENDING },
		{ false, 4, IPIPT_WATCH_QUIET },
		/* the number wraps */
		{ true, U32_MAX, IPIPT_WATCH_PENDING },
		{ true, 0, IPIPT_WATCH_PENDING },
		{ true, 0, IPIPT_WATCH_OVERDUE },
	};
	struct ipipt_watch watch = { };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(looks); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    ipipt_watch_step(&watch, looks[i].kicked, looks[i].seq),
				    looks[i].want, "look %u", i);
}

static struct kunit_case core_cases[] = {
	KUNIT_CASE_PARAM(mask_parse_test, mask_gen_params),
	KUNIT_CASE(mask_parse_long_test),
	KUNIT_CASE(word_test),
	KUNIT_CASE_PARAM(interleavings_test, sim_gen_params),
	KUNIT_CASE(kick_mask_test),
	KUNIT_CASE(watch_test),
	{ }
};

static struct kunit_suite core_suite = {
	.name = "ipi_passthrough_core",
	.test_cases = core_cases,
};

kunit_test_suite(core_suite);

MODULE_DESCRIPTION("KUnit tests of the soft IPI protocol");
MODULE_LICENSE("GPL");
