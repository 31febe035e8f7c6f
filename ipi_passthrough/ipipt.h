/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft IPI passthrough: what the files of the module share.
 */
#ifndef IPIPT_H
#define IPIPT_H

#include <linux/cache.h>
#include <linux/percpu.h>
#include <linux/time64.h>
#include <linux/types.h>

#ifdef CONFIG_X86_64
#include <asm/tsc.h>
#else
#include <asm/sysreg.h>
#endif

#include "core.h"

struct task_struct;

/**
 * enum ipipt_stat - the counters of one CPU
 * @IPIPT_STAT_SOFT:    kicks sent by this CPU without a hardware IPI
 * @IPIPT_STAT_HARD:    IPIs to CPUs of the mask that this CPU sent in hardware
 * @IPIPT_STAT_SELF:    drains that the softirq guard had done by an IPI to itself
 * @IPIPT_STAT_POLLS:   polls of this CPU
 * @IPIPT_STAT_KICKED:  polls ended by a kick
 * @IPIPT_STAT_EXPIRED: polls ended by poll_limit_us
 * @IPIPT_STAT_NS:      time spent in polls, the one before last and earlier
 * @IPIPT_STATS:        their number
 */
enum ipipt_stat {
	IPIPT_STAT_SOFT,
	IPIPT_STAT_HARD,
	IPIPT_STAT_SELF,
	IPIPT_STAT_POLLS,
	IPIPT_STAT_KICKED,
	IPIPT_STAT_EXPIRED,
	IPIPT_STAT_NS,
	IPIPT_STATS,
};

/**
 * struct ipipt_cpu - one possible CPU
 * @word:    arm64: enum ipipt_word
 * @enabled: the CPU is in the mask in force
 * @seq:     number of the current poll
 * @idle:    its idle task, known while hooks are in place and it has polled
 * @owed:    arm64: a kick was consumed and is not drained yet
 * @timed:   what cpuidle says of the last idle period is the time of a poll
 * @stat:    counters, each written by this CPU only
 */
struct ipipt_cpu {
	/* Cacheline 0: senders write the word and read the rest. */
	atomic_t word;
	bool enabled;
	u32 seq;
	struct task_struct *idle;

	/* Cacheline 1: this CPU only, others read for statistics. */
	bool owed ____cacheline_aligned;
	bool timed;
	u64 stat[IPIPT_STATS];
};

DECLARE_PER_CPU_ALIGNED(struct ipipt_cpu, ipipt_cpu);

/* Interrupts may count on top of what they interrupted: this_cpu_add() is safe. */
static __always_inline void ipipt_count(enum ipipt_stat stat, u64 n)
{
	this_cpu_add(ipipt_cpu.stat[stat], n);
}

/* main.c: */
extern unsigned int ipipt_poll_limit_us;
int ipipt_set_mask(const struct cpumask *mask);
void ipipt_get_mask(struct cpumask *mask);

/* idle.c: */
int ipipt_idle_init(void);
void ipipt_idle_exit(void);
int ipipt_idle_install(void);
void ipipt_idle_remove(void);
void ipipt_idle_forget(void);
int ipipt_idle_add_cpu(unsigned int cpu);
void ipipt_idle_del_cpu(unsigned int cpu);
void ipipt_idle_retain_tick(bool retain);
const char *ipipt_idle_name(void);

/* rescue.c: */
extern unsigned int ipipt_rescue_us;
extern atomic_t ipipt_rescue_armed;
void ipipt_rescue_start(void);
void ipipt_rescue_init(void);
void ipipt_rescue_stop(void);
unsigned long ipipt_rescued(unsigned int cpu);

/* hook_x86.c, hook_arm64.c: what differs between the architectures */
int ipipt_arch_init(void);
int ipipt_arch_hook(void);
void ipipt_arch_unhook(void);
enum ipipt_end ipipt_arch_spin(struct ipipt_cpu *c, u64 limit);
void ipipt_arch_native_idle(void);
void ipipt_arch_send_hard(unsigned int cpu);
const char *ipipt_arch_ipis(void);

/* The counter behind the limits of a poll: readable without a trap. */
#ifdef CONFIG_X86_64
static __always_inline u64 ipipt_cycles(void)
{
	return rdtsc();
}

static __always_inline u64 ipipt_khz(void)
{
	return tsc_khz;
}
#else
static __always_inline u64 ipipt_cycles(void)
{
	return read_sysreg(cntvct_el0);
}

static __always_inline u64 ipipt_khz(void)
{
	return read_sysreg(cntfrq_el0) / MSEC_PER_SEC;
}
#endif

/* debugfs.c: */
void ipipt_debugfs_init(void);
void ipipt_debugfs_exit(void);

/* sysfs.c: */
int ipipt_sysfs_init(void);
void ipipt_sysfs_exit(void);

#endif /* IPIPT_H */
