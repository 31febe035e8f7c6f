/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual timer mask: the decisions. Nothing here knows about KVM or the GIC, so
 * that KUnit can run it on any architecture.
 */
#ifndef VTM_POLICY_H
#define VTM_POLICY_H

#include <linux/bits.h>
#include <linux/types.h>

/* CNTV_CTL_EL0, Arm ARM D19 */
#define VTM_CTL_ENABLE	BIT(0)
#define VTM_CTL_IMASK	BIT(1)
#define VTM_CTL_ISTATUS	BIT(2)

/**
 * struct vtm_state - a virtual timer and its interrupt at one moment
 * @asserted: the timer asks for an interrupt
 * @line:     the virtual GIC has seen that: its input is high
 * @latch:    the guest itself made the interrupt pending
 * @queued:   the guest is entered with the interrupt
 * @active:   the guest has acknowledged it and is not done with it
 */
struct vtm_state {
	bool asserted;
	bool line;
	bool latch;
	bool queued;
	bool active;
};

/**
 * struct vtm_verdict - what has to be done about it
 * @lower: the virtual GIC's input has to go down
 * @mask:  the hardware interrupt must not come: the guest has it already.
 *         Otherwise it must be able to.
 */
struct vtm_verdict {
	bool lower;
	bool mask;
};

struct vtm_verdict vtm_decide(const struct vtm_state *state);
bool vtm_asserted(u64 ctl);
bool vtm_tec_asserted(u64 ctl, u64 cval, u64 now);
bool vtm_tmi_adjusts(u64 version);

#endif /* VTM_POLICY_H */
