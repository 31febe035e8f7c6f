// SPDX-License-Identifier: GPL-2.0
/*
 * Dynamic WFx trap: settings as users write them, and what follows from them.
 */
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include <cvm/mask.h>

#include "policy.h"

/**
 * wfxt_decide() - may this vCPU keep WFI and WFE to itself on its next entry?
 * @policy:  what is in force for it
 * @vcpu_id: KVM's number of the vCPU; any, also past what a mask can name
 * @alone:   nothing else wants to run on this CPU
 *
 * Context: any.
 * Return: the verdict.
 */
struct wfxt_verdict wfxt_decide(const struct wfxt_policy *policy, unsigned int vcpu_id,
				bool alone)
{
	struct wfxt_verdict verdict = { };

	if (vcpu_id >= WFXT_MAX_VCPUS)
		return verdict;
	if (test_bit(vcpu_id, policy->wfi))
		verdict.clear |= WFXT_WFI;
	if (test_bit(vcpu_id, policy->wfe))
		verdict.clear |= WFXT_WFE;
	if (verdict.clear && !alone && !policy->force) {
		verdict.clear = 0;
		verdict.guarded = true;
	}
	return verdict;
}

/**
 * wfxt_policy_empty() - does a setting leave everything to KVM?
 * @policy: the setting
 *
 * Context: any.
 * Return: true when no vCPU is named.
 */
bool wfxt_policy_empty(const struct wfxt_policy *policy)
{
	return bitmap_empty(policy->wfi, WFXT_MAX_VCPUS) &&
	       bitmap_empty(policy->wfe, WFXT_MAX_VCPUS);
}

/**
 * wfxt_policy_parse_mask() - take over a mask of vCPU ids
 * @policy: the setting; unchanged on error
 * @which:  WFXT_WFI, WFXT_WFE or both
 * @buf:    the mask, see cvm_mask_parse()
 *
 * Context: any.
 * Return: 0; -EINVAL for what is no mask; -EOVERFLOW for vCPU ids past the limit.
 */
int wfxt_policy_parse_mask(struct wfxt_policy *policy, unsigned int which, const char *buf)
{
	DECLARE_BITMAP(mask, WFXT_MAX_VCPUS);
	int err = cvm_mask_parse(buf, mask, WFXT_MAX_VCPUS);

	if (err)
		return err;
	if (which & WFXT_WFI)
		bitmap_copy(policy->wfi, mask, WFXT_MAX_VCPUS);
	if (which & WFXT_WFE)
		bitmap_copy(policy->wfe, mask, WFXT_MAX_VCPUS);
	return 0;
}

/**
 * wfxt_policy_print_mask() - show a mask, without leading zeros
 * @policy: the setting
 * @which:  WFXT_WFI, WFXT_WFE, or both: vCPUs for which neither is trapped
 * @buf:    receives the text and a new line
 * @size:   its size
 *
 * Context: any.
 * Return: length of the text.
 */
ssize_t wfxt_policy_print_mask(const struct wfxt_policy *policy, unsigned int which, char *buf,
			       size_t size)
{
	DECLARE_BITMAP(mask, WFXT_MAX_VCPUS);
	unsigned int nbits;

	bitmap_fill(mask, WFXT_MAX_VCPUS);
	if (which & WFXT_WFI)
		bitmap_and(mask, mask, policy->wfi, WFXT_MAX_VCPUS);
	if (which & WFXT_WFE)
		bitmap_and(mask, mask, policy->wfe, WFXT_MAX_VCPUS);
	nbits = find_last_bit(mask, WFXT_MAX_VCPUS) + 1;
	/* Of an empty mask find_last_bit() says its size. */
	if (nbits > WFXT_MAX_VCPUS)
		nbits = 1;
	return scnprintf(buf, size, "%*pb\n", nbits, mask);
}
