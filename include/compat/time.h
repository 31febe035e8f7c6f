/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Timers.
 */
#ifndef CVM_COMPAT_TIME_H
#define CVM_COMPAT_TIME_H

#include <linux/hrtimer.h>

#ifndef HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#endif /* CVM_COMPAT_TIME_H */
