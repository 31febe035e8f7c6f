/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual timer mask: what the files of the module share.
 */
#ifndef VTM_H
#define VTM_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "policy.h"

/**
 * enum vtm_stat - the counters of one CPU
 * @VTM_STAT_EXPIRIES:   hardware interrupts of expired timers that were new to the guest
 * @VTM_STAT_REDUNDANT:  ... that the guest had already: should stand still
 * @VTM_STAT_SUPPRESSED: ... that were kept from coming
 * @VTM_STAT_LOWERED:    virtual lines lowered, because the timer no longer asks
 * @VTM_STAT_UNMASKED:   times that the hardware interrupt was let through again
 * @VTM_STAT_TEC:        timers of virtCCA VMs that were looked at
 * @VTM_STATS:           their number
 */
enum vtm_stat {
	VTM_STAT_EXPIRIES,
	VTM_STAT_REDUNDANT,
	VTM_STAT_SUPPRESSED,
	VTM_STAT_LOWERED,
	VTM_STAT_UNMASKED,
	VTM_STAT_TEC,
	VTM_STATS,
};

struct vtm_stats {
	u64 n[VTM_STATS];
};

DECLARE_PER_CPU(struct vtm_stats, vtm_stats);

/* Interrupts may count on top of what they interrupted: this_cpu_inc() is safe. */
static inline void vtm_count(enum vtm_stat stat)
{
	this_cpu_inc(vtm_stats.n[stat]);
}

/* main.c: */
int vtm_set(bool on);
bool vtm_get(void);

/* hook.c: */
int vtm_hook_init(void);
int vtm_hook(void);
void vtm_unhook(void);

/* tec.c: */
int vtm_tec_hook(void);
void vtm_tec_unhook(void);

/* sysfs.c: */
int vtm_sysfs_init(void);
void vtm_sysfs_exit(void);

/* debugfs.c: */
void vtm_debugfs_init(void);
void vtm_debugfs_exit(void);

#endif /* VTM_H */
