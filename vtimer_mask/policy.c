// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual timer mask: when the hardware interrupt has to keep quiet.
 */
#include <linux/types.h>

#include "policy.h"

/**
 * vtm_decide() - judge a timer of an ordinary VM
 * @state: what it is like
 *
 * The line is only ever lowered here. Raising it is the hardware interrupt's work,
 * which is why an expiry that the guest does not have yet is never masked.
 *
 * Context: any. Return: the verdict.
 */
struct vtm_verdict vtm_decide(const struct vtm_state *state)
{
	struct vtm_verdict verdict = { };

	if (!state->asserted) {
		verdict.lower = state->line;
		return verdict;
	}
	verdict.mask = state->line || state->latch || state->queued || state->active;
	return verdict;
}

/**
 * vtm_asserted() - does a timer ask for an interrupt?
 * @ctl: CNTV_CTL_EL0, in which the guest alone sets IMASK
 *
 * Context: any. Return: true when it does.
 */
bool vtm_asserted(u64 ctl)
{
	return (ctl & (VTM_CTL_ENABLE | VTM_CTL_IMASK | VTM_CTL_ISTATUS)) ==
	       (VTM_CTL_ENABLE | VTM_CTL_ISTATUS);
}

/**
 * vtm_tec_asserted() - the same for a virtCCA VM
 * @ctl:  CNTV_CTL_EL0 as the firmware reports it, which sets IMASK for itself
 * @cval: CNTV_CVAL_EL0 as the firmware reports it
 * @now:  the VM's counter
 *
 * Context: any. Return: true when it does.
 */
bool vtm_tec_asserted(u64 ctl, u64 cval, u64 now)
{
	return (ctl & VTM_CTL_ENABLE) && ((ctl & VTM_CTL_ISTATUS) || cval <= now);
}

/**
 * vtm_tmi_adjusts() - can the virtCCA firmware mask an expired timer by itself?
 * @version: what it says of itself: major number in the upper half, minor below
 *
 * Context: any. Return: true from 2.2 on.
 */
bool vtm_tmi_adjusts(u64 version)
{
	u64 major = version >> 16, minor = version & 0xffff;

	return major == 2 && minor >= 2;
}
