/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock of the measurement: the bare counter of the CPU, because a clock source behind a device
 * (HPET, ACPI timer) would cost more than what is measured and takes the emulator's big lock.
 */
#ifndef IPIB_CLOCK_H
#define IPIB_CLOCK_H

#include <linux/math64.h>
#include <linux/time64.h>
#include <linux/types.h>

#if defined(CONFIG_X86)
#include <asm/msr.h>
#include <asm/tsc.h>

static __always_inline u64 ipib_clock(void)
{
	return rdtsc_ordered();
}

static inline u32 ipib_clock_khz(void)
{
	return tsc_khz;
}
#elif defined(CONFIG_ARM64)
#include <asm/arch_timer.h>

static __always_inline u64 ipib_clock(void)
{
	return __arch_counter_get_cntvct();
}

static inline u32 ipib_clock_khz(void)
{
	return arch_timer_get_cntfrq() / 1000;
}
#else
#error "ipi_bench: no clock for this architecture"
#endif

/* Two CPUs' counters may be a little apart on real hardware: a negative time counts as zero. */
static inline u64 ipib_ns_between(u64 from, u64 to)
{
	if ((s64)(to - from) < 0)
		return 0;
	return mul_u64_u32_div(to - from, 1000000, ipib_clock_khz());
}

static inline u64 ipib_ns_to_clock(u64 ns)
{
	return mul_u64_u32_div(ns, ipib_clock_khz(), 1000000);
}

#endif /* IPIB_CLOCK_H */
