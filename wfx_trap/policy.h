/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dynamic WFx trap: which instructions of which vCPU are not trapped. Nothing here
 * knows about KVM, so that KUnit can run it on any architecture.
 */
#ifndef WFXT_POLICY_H
#define WFXT_POLICY_H

#include <linux/bits.h>
#include <linux/types.h>

/* vCPU ids that a mask can name; KVM's own limit with a GICv3. */
#define WFXT_MAX_VCPUS	512

/* Which of the two instructions. */
#define WFXT_WFI	BIT(0)
#define WFXT_WFE	BIT(1)
#define WFXT_BOTH	(WFXT_WFI | WFXT_WFE)

/**
 * struct wfxt_policy - a setting, for one VM or for all
 * @wfi:   vCPUs whose WFI is not trapped
 * @wfe:   vCPUs whose WFE is not trapped
 * @force: not even while other tasks want the CPU
 * @rcu:   readers may still look at a setting that was replaced
 */
struct wfxt_policy {
	DECLARE_BITMAP(wfi, WFXT_MAX_VCPUS);
	DECLARE_BITMAP(wfe, WFXT_MAX_VCPUS);
	bool force;
	struct rcu_head rcu;
};

/**
 * struct wfxt_verdict - what to do for one entry into a guest
 * @clear:   WFXT_WFI and WFXT_WFE: not to be trapped
 * @guarded: the mask names the vCPU, but another task wants the CPU
 */
struct wfxt_verdict {
	unsigned int clear;
	bool guarded;
};

struct wfxt_verdict wfxt_decide(const struct wfxt_policy *policy, unsigned int vcpu_id,
				bool alone);
bool wfxt_policy_empty(const struct wfxt_policy *policy);
int wfxt_policy_parse_mask(struct wfxt_policy *policy, unsigned int which, const char *buf);
ssize_t wfxt_policy_print_mask(const struct wfxt_policy *policy, unsigned int which, char *buf,
			       size_t size);

#endif /* WFXT_POLICY_H */
