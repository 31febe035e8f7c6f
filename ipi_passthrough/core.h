/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft IPI passthrough: the protocol itself, free of hooks.
 *
 * Nothing here knows about cpuidle, interrupt chips or sysfs, so that KUnit can
 * drive every step and tests/models/ipi_passthrough can be held against it.
 */
#ifndef IPIPT_CORE_H
#define IPIPT_CORE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/types.h>

/**
 * enum ipipt_word - what a CPU's word tells the senders
 * @IPIPT_RUN:    the CPU runs, or idles natively: only a hardware IPI reaches it
 * @IPIPT_POLL:   the idle loop polls the word: a kick is enough
 * @IPIPT_KICKED: kicked and not yet seen by the poller: nothing more to do
 */
enum ipipt_word {
	IPIPT_RUN,
	IPIPT_POLL,
	IPIPT_KICKED,
};

/**
 * enum ipipt_end - why a poll ended
 * @IPIPT_END_KICK:      a sender kicked the CPU or asked it to reschedule
 * @IPIPT_END_INTERRUPT: a hardware interrupt is pending or was handled
 * @IPIPT_END_DISABLED:  the CPU was taken out of the mask
 * @IPIPT_END_LIMIT:     poll_limit_us passed: go to native idle
 */
enum ipipt_end {
	IPIPT_END_KICK,
	IPIPT_END_INTERRUPT,
	IPIPT_END_DISABLED,
	IPIPT_END_LIMIT,
};

/**
 * ipipt_word_poll() - receiver: invite kicks
 * @word: the CPU's own word
 *
 * The barrier pairs with the one a sender executes between publishing its work
 * and ipipt_word_kick(): either the sender sees POLL, or the receiver's test
 * for work, which must follow this call, sees the work.
 *
 * Context: the CPU that owns @word, IRQs off.
 */
static __always_inline void ipipt_word_poll(atomic_t *word)
{
	atomic_set(word, IPIPT_POLL);
	smp_mb(); /* see above */
}

/**
 * ipipt_word_leave() - receiver: stop inviting kicks
 * @word: the CPU's own word
 *
 * Fully ordered when there was no kick: work published from here on comes with
 * a hardware IPI, and none was left behind. A kick stays visible in the word,
 * to senders and to the rescue timer, until ipipt_word_ack().
 *
 * Context: the CPU that owns @word, IRQs off.
 * Return: true when there was a kick: the caller owes a drain, makes sure that
 * it will happen, and calls ipipt_word_ack() after that.
 */
static __always_inline bool ipipt_word_leave(atomic_t *word)
{
	return atomic_cmpxchg(word, IPIPT_POLL, IPIPT_RUN) == IPIPT_KICKED;
}

/**
 * ipipt_word_ack() - receiver: the kick is taken care of
 * @word: the CPU's own word
 *
 * Fully ordered. A sender that still saw KICKED published its work before this
 * exchange, so the drain that follows finds it.
 *
 * Context: the CPU that owns @word, IRQs off, after ipipt_word_leave() said so.
 */
static __always_inline void ipipt_word_ack(atomic_t *word)
{
	(void)atomic_xchg(word, IPIPT_RUN);
}

/**
 * ipipt_word_kick() - sender: try to wake a CPU without hardware
 * @word: the target's word
 *
 * The work must be published and a full barrier executed before. The exchange
 * is ordered on success because the sender reads the rescue state next.
 *
 * Context: any but NMI; preemption off.
 * Return: true when the target polls and will drain, false when it needs a
 * hardware IPI.
 */
static __always_inline bool ipipt_word_kick(atomic_t *word)
{
	/* Most targets run: do not take their cache line for writing. */
	if (atomic_read(word) == IPIPT_RUN)
		return false;
	return atomic_cmpxchg(word, IPIPT_POLL, IPIPT_KICKED) != IPIPT_RUN;
}

/**
 * struct ipipt_split - what a walk over several targets found
 * @soft: targets kicked through memory
 * @hard: targets that need a hardware IPI
 * @last: the last hard target, meaningful when @hard is not 0
 */
struct ipipt_split {
	unsigned int soft;
	unsigned int hard;
	unsigned int last;
};

typedef bool (*ipipt_kick_fn)(unsigned int cpu);

/**
 * ipipt_kick_mask() - kick every target that polls, collect the others
 * @mask: the targets
 * @rest: scratch mask; holds the hard targets when there are both kinds, and is
 *        not touched when all polled
 * @kick: kicks one CPU, true when that was enough
 *
 * Always inlined, so that @kick is a direct call.
 *
 * Context: preemption off; @rest belongs to the caller alone.
 * Return: the counts.
 */
static __always_inline struct ipipt_split
ipipt_kick_mask(const struct cpumask *mask, struct cpumask *rest,
		ipipt_kick_fn kick)
{
	struct ipipt_split split = { };
	unsigned int cpu;

	for_each_cpu(cpu, mask) {
		if (kick(cpu)) {
			split.soft++;
			continue;
		}
		if (!split.hard++)
			cpumask_clear(rest);
		__cpumask_set_cpu(cpu, rest);
		split.last = cpu;
	}
	return split;
}

/**
 * enum ipipt_watch_verdict - what the rescue timer concludes about one CPU
 * @IPIPT_WATCH_QUIET:   no kick is outstanding
 * @IPIPT_WATCH_PENDING: a kick is outstanding, seen for the first time
 * @IPIPT_WATCH_OVERDUE: the same poll was already kicked at the last look
 */
enum ipipt_watch_verdict {
	IPIPT_WATCH_QUIET,
	IPIPT_WATCH_PENDING,
	IPIPT_WATCH_OVERDUE,
};

/**
 * struct ipipt_watch - what the rescue timer remembers of one CPU
 * @seq:    number of the poll that was kicked at the last look
 * @kicked: a kick was outstanding then
 */
struct ipipt_watch {
	u32 seq;
	bool kicked;
};

enum ipipt_watch_verdict ipipt_watch_step(struct ipipt_watch *watch,
					  bool kicked, u32 seq);
int ipipt_mask_parse(const char *buf, const struct cpumask *possible,
		     struct cpumask *mask);

#endif /* IPIPT_CORE_H */
