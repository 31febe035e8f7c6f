// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough: decisions that need no hardware.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/export.h>

#include <cvm/kunit.h>
#include <cvm/mask.h>

#include "core.h"

/**
 * ipipt_watch_step() - judge one CPU at an expiry of the rescue timer
 * @watch:  what was seen at the last expiry; updated
 * @kicked: a kick is outstanding now
 * @seq:    number of the CPU's current poll
 *
 * A poll that ended and began again has a new number, so a busy CPU that is
 * kicked at every look is never mistaken for a stuck one.
 *
 * Context: the rescue timer only; not reentrant for one @watch.
 * Return: the verdict.
 */
enum ipipt_watch_verdict ipipt_watch_step(struct ipipt_watch *watch,
					  bool kicked, u32 seq)
{
	bool overdue = kicked && watch->kicked && watch->seq == seq;

	watch->kicked = kicked;
	watch->seq = seq;

	if (!kicked)
		return IPIPT_WATCH_QUIET;
	return overdue ? IPIPT_WATCH_OVERDUE : IPIPT_WATCH_PENDING;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(ipipt_watch_step);

/**
 * ipipt_mask_parse() - read a CPU mask as users write it
 * @buf:      text: hexadecimal words separated by commas, most significant
 *            first, optionally with one leading 0x, with or without new line
 * @possible: the CPUs that may be named
 * @mask:     receives the mask; undefined on error
 *
 * Context: any.
 * Return: 0; -EINVAL for an empty string, anything that is not such a mask, and
 * for CPUs outside @possible; -EOVERFLOW for more bits than a mask can hold.
 */
int ipipt_mask_parse(const char *buf, const struct cpumask *possible,
		     struct cpumask *mask)
{
	int err = cvm_mask_parse(buf, cpumask_bits(mask), nr_cpumask_bits);

	if (err)
		return err;
	return cpumask_subset(mask, possible) ? 0 : -EINVAL;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(ipipt_mask_parse);
