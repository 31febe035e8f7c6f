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

#ifndef HAVE_CT_NMI_NESTING
#define ct_nmi_nesting ct_dynticks_nmi_nesting
#define CT_NESTING_IRQ_NONIDLE DYNTICK_IRQ_NONIDLE
#endif

/**
 * cvm_idle_interrupted() - does the caller run on top of an interrupt?
 *
 * The entry code counts interrupts of the idle task, and of no other, in the
 * context tracking state (irqentry_enter() and its arm64 twin).
 *
 * Context: the idle task, in a softirq. Return: false in a softirq that the end
 * of the idle loop runs by itself.
 */
static inline bool cvm_idle_interrupted(void)
{
	return ct_nmi_nesting() != CT_NESTING_IRQ_NONIDLE;
}

#if defined(CONFIG_X86_64) && !defined(HAVE_SYM_arch_cpu_idle)
/* No kernel without the export has TDX support, where a plain HLT would fault. */
#include <linux/cpu.h>
#define arch_cpu_idle() raw_safe_halt()
#endif

#endif /* CVM_COMPAT_IDLE_H */
