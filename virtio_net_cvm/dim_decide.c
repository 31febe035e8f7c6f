// SPDX-License-Identifier: GPL-2.0
/*
 * Adaptive moderation: which level a queue should have. Pure.
 *
 * The load of a queue limits its level: nothing is delayed while interrupts are
 * affordable, and the more of a CPU a queue takes, the more packets may wait for
 * each other. Below that limit the level is raised step by step, and each has to prove
 * itself: packets must come as fast as before, and must really gather. One that
 * does not, as with a peer that waits for an answer before it sends on, is left
 * again, and not tried for a while that doubles each time. That makes a level below
 * the limit, and no delay at all, places to stay at.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include <cvm/kunit.h>

#include "dim_decide.h"

/* What an interrupt costs a confidential guest, which leaves itself twice for it */
#define IRQ_NS		5000U

/* One sample that shows fewer packets may be chance. */
#define TRIAL		2U

/* Samples without a trial, after one that failed: a second at least. */
#define BACKOFF_MIN	256U
#define BACKOFF_MAX	1024U

/* The same, after the device has refused: it may not do so for long. */
#define REFUSED_MIN	64U
#define REFUSED_MAX	512U

/* Load in permille from which on a level is worth a try */
static const u16 load_from[CVMNET_DIM_LEVELS] = { 0, 140, 150, 160, 170 };

const struct cvmnet_dim_profile cvmnet_dim_profile_default = {
	.level = { { 0, 1 }, { 20, 8 }, { 50, 16 }, { 100, 32 }, { 400, 64 } },
};
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_profile_default);

/**
 * cvmnet_dim_load() - what a queue takes of a CPU, or would without moderation
 * @sample: what it did
 *
 * Time in the poll function, and an interrupt for each packet: it is not to fall just
 * because the level has risen.
 *
 * Context: any.
 * Return: permille.
 */
unsigned int cvmnet_dim_load(const struct cvmnet_dim_sample *sample)
{
	u64 ns = min(sample->busy_ns, sample->ns) + (u64)sample->packets * IRQ_NS;

	if (ns >= sample->ns)
		return 1000;
	/* Neither can overflow: more than a minute is no load at all. */
	return sample->ns > 60ULL * NSEC_PER_SEC ? 0 : div64_u64(ns * 1000, sample->ns);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_load);

static u32 packets_per_second(const struct cvmnet_dim_sample *sample)
{
	u64 ns = max(sample->ns, 1ULL);

	return min_t(u64, div64_u64((u64)sample->packets * NSEC_PER_SEC, ns), U32_MAX);
}

/* The highest level that is worth a try; one that is in force is kept for longer. */
static unsigned int limit_of(unsigned int load, unsigned int level)
{
	unsigned int i;

	for (i = CVMNET_DIM_LEVELS - 1; i; i--)
		if (load >= (i <= level ? load_from[i] * 3 / 4 : load_from[i]))
			break;
	return i;
}

/* Does it pay to wait? A delay that is met by the next packet costs, and saves nothing. */
static bool gathers(const struct cvmnet_dim_sample *sample)
{
	return 2ULL * sample->packets >= 3ULL * sample->irqs;
}

/* Not worth a try: the next packet would hardly ever come within its delay. */
static bool too_short(const struct cvmnet_dim_level *level, u32 rate)
{
	return 4ULL * rate * level->usecs < 3ULL * USEC_PER_SEC;
}

static void give_up(struct cvmnet_dim_state *state, u32 rate)
{
	/* One that had proven itself no longer does: the traffic has changed. */
	state->level = state->trial ? state->from : 0;
	state->failed = max(state->before, rate);
	state->trial = 0;
	state->backoff = clamp(2U * state->backoff, BACKOFF_MIN, BACKOFF_MAX);
	state->hold = state->backoff;
	state->low = 0;
}

static void raise(struct cvmnet_dim_state *state, const struct cvmnet_dim_profile *profile,
		  unsigned int limit, u32 rate)
{
	unsigned int next = state->level + 1;

	/* More than when it failed last: that is other traffic. */
	if (state->hold && rate / 9 * 8 < state->failed)
		return;
	while (next <= limit && too_short(&profile->level[next], rate))
		next++;
	if (next > limit)
		return;
	state->hold = 0;
	/* Not what the level below has left of it */
	state->before = state->level ? max(state->before, rate) : rate;
	state->trial = TRIAL;
	state->from = state->level;
	state->level = next;
}

/* Has the load gone? That needs no second look, whatever is being tried. */
static bool is_gone(const struct cvmnet_dim_state *state, unsigned int load)
{
	return load < load_from[state->level] / 4;
}

/* Damped: one sample alone does not tell, unless it tells much. */
static void lower(struct cvmnet_dim_state *state, unsigned int limit, unsigned int load)
{
	if (++state->low < 2 && !is_gone(state, load))
		return;
	state->level = limit;
	state->low = 0;
}

/* A delay may itself be what has made the load less: it has to gather packets even then. */
static bool is_useless(const struct cvmnet_dim_state *state,
		       const struct cvmnet_dim_sample *sample, unsigned int limit)
{
	return state->level && (state->trial || limit >= state->level) && !gathers(sample);
}

/* True while the trial goes on, or when it has failed. */
static bool try_level(struct cvmnet_dim_state *state, u32 rate)
{
	if (!state->trial)
		return false;
	if (rate >= state->before / 4 * 3) {
		state->backoff /= 2;
		state->trial = 0;
		return false;
	}
	if (state->trial > 1)
		state->trial--;
	else
		give_up(state, rate);
	return true;
}

/**
 * cvmnet_dim_stays() - is there nothing to decide?
 * @state:  of the queue
 * @sample: as for cvmnet_dim_decide(), which need not be called then
 *
 * The load asks for the level that is in force, which is not on trial. That is how it
 * mostly is; it is found out here without the profile.
 *
 * Context: any.
 * Return: true when the level stays as it is; the sample has been taken into account.
 */
bool cvmnet_dim_stays(struct cvmnet_dim_state *state, const struct cvmnet_dim_sample *sample)
{
	unsigned int limit = limit_of(cvmnet_dim_load(sample), state->level);

	if (state->trial || limit != state->level || is_useless(state, sample, limit))
		return false;
	state->old = state->level;
	state->low = 0;
	if (state->hold)
		state->hold--;
	return true;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_stays);

/**
 * cvmnet_dim_decide() - choose a level
 * @state:   of the queue; all 0 at first
 * @profile: the levels
 * @sample:  what the queue did since the level in force has been so
 *
 * Context: any.
 * Return: the level.
 */
unsigned int cvmnet_dim_decide(struct cvmnet_dim_state *state,
			       const struct cvmnet_dim_profile *profile,
			       const struct cvmnet_dim_sample *sample)
{
	unsigned int load = cvmnet_dim_load(sample);
	unsigned int limit = limit_of(load, state->level);
	u32 rate = packets_per_second(sample);

	state->old = state->level;
	if (state->hold)
		state->hold--;
	if (is_gone(state, load)) {
		state->trial = 0;
	} else if (is_useless(state, sample, limit)) {
		give_up(state, rate);
		return state->level;
	} else if (try_level(state, rate)) {
		return state->level;
	}
	if (limit >= state->level)
		state->low = 0;
	if (limit > state->level)
		raise(state, profile, limit, rate);
	else if (limit < state->level)
		lower(state, limit, load);
	return state->level;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_decide);

/**
 * cvmnet_dim_refused() - the device did not take what was decided last
 * @state: of the queue
 *
 * The level is what it was, and not tried again for a while.
 *
 * Context: any.
 */
void cvmnet_dim_refused(struct cvmnet_dim_state *state)
{
	state->level = state->old;
	state->trial = 0;
	state->failed = U32_MAX;
	state->backoff = clamp(2U * state->backoff, REFUSED_MIN, REFUSED_MAX);
	state->hold = state->backoff;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_refused);

/* --- profiles --- */

/**
 * cvmnet_dim_profile_check() - can a profile be used?
 * @profile: the profile
 *
 * Context: any.
 * Return: 0; -ERANGE for a delay above 10 ms, or a number of frames that is 0 or above
 * 4096; -EINVAL for a delay that is shorter than the one of the level below.
 */
int cvmnet_dim_profile_check(const struct cvmnet_dim_profile *profile)
{
	unsigned int i;

	for (i = 0; i < CVMNET_DIM_LEVELS; i++) {
		const struct cvmnet_dim_level *level = &profile->level[i];

		if (level->usecs > CVMNET_DIM_USECS_MAX || !level->frames ||
		    level->frames > CVMNET_DIM_FRAMES_MAX)
			return -ERANGE;
		if (i && level->usecs < level[-1].usecs)
			return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_profile_check);

/* A number without sign or base; returns what follows it, or NULL. */
static const char *parse_number(const char *text, u16 *value)
{
	u32 n = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (*text - '0');
		if (n > U16_MAX)
			return NULL;
	}
	*value = n;
	return text;
}

/**
 * cvmnet_dim_profile_parse() - a profile from text
 * @text:    "usecs,frames" for each level, with white space between them
 * @profile: the result; untouched on errors
 *
 * Context: any.
 * Return: 0; -EINVAL for what is no such text; or cvmnet_dim_profile_check()'s error.
 */
int cvmnet_dim_profile_parse(const char *text, struct cvmnet_dim_profile *profile)
{
	struct cvmnet_dim_profile new;
	unsigned int i;
	int err;

	for (i = 0; i < CVMNET_DIM_LEVELS; i++) {
		text += strspn(text, " \t\n");
		text = parse_number(text, &new.level[i].usecs);
		if (!text || *text++ != ',')
			return -EINVAL;
		text = parse_number(text, &new.level[i].frames);
		if (!text || (*text && !strchr(" \t\n", *text)))
			return -EINVAL;
	}
	if (text[strspn(text, " \t\n")])
		return -EINVAL;
	err = cvmnet_dim_profile_check(&new);
	if (!err)
		*profile = new;
	return err;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_profile_parse);

/**
 * cvmnet_dim_profile_format() - a profile as text
 * @profile: the profile
 * @buf:     receives a line
 * @size:    bytes there
 *
 * Context: any.
 * Return: bytes written.
 */
ssize_t cvmnet_dim_profile_format(const struct cvmnet_dim_profile *profile, char *buf,
				  size_t size)
{
	unsigned int i;
	ssize_t len = 0;

	for (i = 0; i < CVMNET_DIM_LEVELS; i++)
		len += scnprintf(buf + len, size - len, "%s%u,%u", i ? " " : "",
				 profile->level[i].usecs, profile->level[i].frames);
	return len + scnprintf(buf + len, size - len, "\n");
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dim_profile_format);
