// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of vtimer_mask/policy.c. The module itself exists on arm64 only, so the
 * file is built in here.
 */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/string.h>

#include "vtimer_mask/policy.c"

/* --- every state --- */

static void decide_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 32; i++) {
		struct vtm_state state = {
			.asserted = i & 1,
			.line = i & 2,
			.latch = i & 4,
			.queued = i & 8,
			.active = i & 16,
		};
		struct vtm_verdict verdict = vtm_decide(&state);

		/* Lowered exactly where the timer does not ask and the line says so. */
		KUNIT_EXPECT_EQ_MSG(test, verdict.lower, !(i & 1) && (i & 2), "state %u", i);
		/* Masked exactly where the timer asks and the guest has it in any way. */
		KUNIT_EXPECT_EQ_MSG(test, verdict.mask, (i & 1) && (i & ~1u), "state %u", i);
	}
}

static void asserted_test(struct kunit *test)
{
	u64 ctl;

	for (ctl = 0; ctl < 8; ctl++)
		KUNIT_EXPECT_EQ_MSG(test, vtm_asserted(ctl), ctl == 5, "CTL %llu", ctl);
	KUNIT_EXPECT_TRUE(test, vtm_asserted(U64_MAX & ~VTM_CTL_IMASK));
}

struct tec_case {
	const char *desc;
	u64 ctl, cval, now;
	bool asserted;
};

static const struct tec_case tec_cases[] = {
	{ "off", 0, 0, 100, false },
	{ "off, status set", VTM_CTL_ISTATUS, 0, 100, false },
	{ "off, masked", VTM_CTL_IMASK | VTM_CTL_ISTATUS, 0, 100, false },
	{ "on, not yet", VTM_CTL_ENABLE, 101, 100, false },
	{ "on, now", VTM_CTL_ENABLE, 100, 100, true },
	{ "on, past", VTM_CTL_ENABLE, 99, 100, true },
	{ "on, status set", VTM_CTL_ENABLE | VTM_CTL_ISTATUS, 101, 100, true },
	{ "masked by the firmware, past", VTM_CTL_ENABLE | VTM_CTL_IMASK, 99, 100, true },
	{ "masked by the firmware, status", 7, 101, 100, true },
	{ "masked by the firmware, not yet", VTM_CTL_ENABLE | VTM_CTL_IMASK, 101, 100, false },
	{ "far away", VTM_CTL_ENABLE, U64_MAX, 100, false },
	{ "at zero", VTM_CTL_ENABLE, 0, 0, true },
};

static void tec_case_desc(const struct tec_case *c, char *desc)
{
	strscpy(desc, c->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(tec, tec_cases, tec_case_desc);

static void tec_asserted_test(struct kunit *test)
{
	const struct tec_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, vtm_tec_asserted(c->ctl, c->cval, c->now), c->asserted);
}

static void tmi_test(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, vtm_tmi_adjusts(0));
	KUNIT_EXPECT_FALSE(test, vtm_tmi_adjusts(0x1ffff));
	KUNIT_EXPECT_FALSE(test, vtm_tmi_adjusts(0x20001));
	KUNIT_EXPECT_TRUE(test, vtm_tmi_adjusts(0x20002));
	KUNIT_EXPECT_TRUE(test, vtm_tmi_adjusts(0x2ffff));
	KUNIT_EXPECT_FALSE(test, vtm_tmi_adjusts(0x30002));
	/* What firmware without the call returns. */
	KUNIT_EXPECT_FALSE(test, vtm_tmi_adjusts(U64_MAX));
}

/* --- a guest, its timer and both GICs, all orders of events --- */

/*
 * The timer's level is the hardware line; Active masks it. A free interrupt raises the
 * virtual line and becomes Active. What the guest and the timer do, in any order:
 */
enum sim_event {
	SIM_EXPIRE,	/* the timer expires */
	SIM_REARM,	/* the guest sets it to a later time */
	SIM_ACK,	/* the guest acknowledges the virtual interrupt */
	SIM_EOI,	/* ... and ends it, which leaves the guest */
	SIM_LEAVE,	/* the guest is left for something else */
	SIM_EVENTS,
};

struct sim {
	struct vtm_state s;
	bool hw_active;
	unsigned int hw_irqs;	/* hardware interrupts */
	unsigned int expiries;
	unsigned int vain;	/* ended by the guest with the timer still asking */
};

/* The hardware interrupts if it can. */
static void sim_hardware(struct sim *sim)
{
	if (!sim->s.asserted || sim->hw_active)
		return;
	sim->hw_active = true;
	sim->hw_irqs++;
	sim->s.line = true;
}

/* Out of the guest and in again, as KVM and the module do it. */
static void sim_leave_and_enter(struct sim *sim)
{
	struct vtm_verdict verdict;

	/* The line is sampled where the interrupt was pending. */
	if (sim->s.queued && !sim->s.active)
		sim->s.line = sim->s.asserted;
	sim->s.queued = false;
	verdict = vtm_decide(&sim->s);
	if (verdict.lower)
		sim->s.line = false;
	if (!verdict.mask)
		sim->hw_active = false;
	sim_hardware(sim);
	/* Pending into the list register, unless the guest is at it. */
	if (sim->s.line && !sim->s.active) {
		sim->s.queued = true;
		sim->s.line = false;
	}
	if (vtm_decide(&sim->s).mask)
		sim->hw_active = true;
}

/* Returns false where the event can not happen. */
static bool sim_step(struct sim *sim, enum sim_event event)
{
	switch (event) {
	case SIM_EXPIRE:
		if (sim->s.asserted)
			return false;
		sim->s.asserted = true;
		sim->expiries++;
		if (!sim->hw_active)
			sim_leave_and_enter(sim);
		return true;
	case SIM_REARM:
		if (!sim->s.asserted)
			return false;
		sim->s.asserted = false;
		return true;
	case SIM_ACK:
		if (!sim->s.queued || sim->s.active)
			return false;
		sim->s.queued = false;
		sim->s.active = true;
		return true;
	case SIM_EOI:
		if (!sim->s.active)
			return false;
		sim->s.active = false;
		sim->vain += sim->s.asserted;
		sim_leave_and_enter(sim);
		return true;
	default:
		sim_leave_and_enter(sim);
		return true;
	}
}

#define SIM_DEPTH	7

/* After each order of events: nothing is lost, and nothing came twice. */
static void sim_check(struct kunit *test, const struct sim *end, unsigned int order)
{
	struct sim sim = *end;

	/* An expired timer that nobody dealt with is on its way to the guest, or there. */
	if (sim.s.active)
		sim_step(&sim, SIM_EOI);
	else
		sim_step(&sim, SIM_LEAVE);
	KUNIT_EXPECT_EQ_MSG(test, sim.s.asserted, sim.s.queued, "order %u", order);
	/* A free timer can interrupt. */
	if (!sim.s.asserted)
		KUNIT_EXPECT_FALSE_MSG(test, sim.hw_active, "order %u", order);
	/* A level asks again after an EOI that was too early; otherwise once per expiry. */
	KUNIT_EXPECT_LE_MSG(test, end->hw_irqs, end->expiries + end->vain, "order %u", order);
}

static void orders_test(struct kunit *test)
{
	unsigned int order, n, code, total = 1;

	for (n = 0; n < SIM_DEPTH; n++)
		total *= SIM_EVENTS;
	for (order = 0; order < total; order++) {
		struct sim sim = { };
		bool possible = true;

		for (n = 0, code = order; n < SIM_DEPTH && possible; n++, code /= SIM_EVENTS)
			possible = sim_step(&sim, code % SIM_EVENTS);
		if (possible)
			sim_check(test, &sim, order);
		if ((order & 0xfff) == 0)
			cond_resched();
	}
}

/* A tick that stays pending through many exits is one hardware interrupt. */
static void no_storm_test(struct kunit *test)
{
	struct sim sim = { };
	unsigned int i;

	sim_step(&sim, SIM_EXPIRE);
	for (i = 0; i < 100; i++)
		sim_step(&sim, SIM_LEAVE);
	KUNIT_EXPECT_EQ(test, sim.hw_irqs, 1u);
	KUNIT_EXPECT_TRUE(test, sim.s.queued);
	sim_step(&sim, SIM_ACK);
	for (i = 0; i < 100; i++)
		sim_step(&sim, SIM_LEAVE);
	KUNIT_EXPECT_EQ(test, sim.hw_irqs, 1u);
	sim_step(&sim, SIM_REARM);
	sim_step(&sim, SIM_EOI);
	KUNIT_EXPECT_FALSE(test, sim.s.queued);
	KUNIT_EXPECT_FALSE(test, sim.hw_active);
	sim_step(&sim, SIM_EXPIRE);
	KUNIT_EXPECT_EQ(test, sim.hw_irqs, 2u);
	KUNIT_EXPECT_TRUE(test, sim.s.queued);
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(decide_test),
	KUNIT_CASE(asserted_test),
	KUNIT_CASE_PARAM(tec_asserted_test, tec_gen_params),
	KUNIT_CASE(tmi_test),
	KUNIT_CASE(orders_test),
	KUNIT_CASE(no_storm_test),
	{ }
};

static struct kunit_suite policy_suite = {
	.name = "vtimer_mask_policy",
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);

MODULE_DESCRIPTION("KUnit tests of the virtual timer mask's decisions");
MODULE_LICENSE("GPL");
