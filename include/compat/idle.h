/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Idle entry: what newer kernels offer to an idle state's enter().
 */
#ifndef CVM_COMPAT_IDLE_H
#define CVM_COMPAT_IDLE_H

#include <linux/context_tracking.h>
#include <linux/cpuidle.h>
#include <linux/instrumentation.h>
#include <linux/irqflags.h>

#ifndef HAVE_CT_CPUIDLE_ENTER
/* RCU stops watching; IRQs are off and said to be on, as idle may open them. */
static __always_inline void ct_cpuidle_enter(void)
{
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();
	ct_idle_enter();
	lockdep_hardirqs_on(_THIS_IP_);
}

/* RCU watches again; IRQs are off. */
static __always_inline void ct_cpuidle_exit(void)
{
	lockdep_hardirqs_off(_THIS_IP_);
	ct_idle_exit();
	instrumentation_begin();
}
#endif

#if defined(CONFIG_X86_64) && !defined(HAVE_SYM_arch_cpu_idle)
/* No kernel without the export has TDX support, where a plain HLT would fault. */
#include <linux/cpu.h>
#define arch_cpu_idle() raw_safe_halt()
#endif

#endif /* CVM_COMPAT_IDLE_H */
