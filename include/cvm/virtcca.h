/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Huawei virtCCA hosts. No kernel that we build for has them: what they offer is
 * looked for by name at run time.
 */
#ifndef CVM_VIRTCCA_H
#define CVM_VIRTCCA_H

#include <linux/module.h>
#include <linux/types.h>

/* openEuler, arch/arm64/kvm/virtcca_cvm_host.c */
bool is_virtcca_cvm_enable(void);

/**
 * cvm_virtcca_host() - does this kernel run virtCCA VMs?
 *
 * Context: process, may sleep.
 * Return: true when it is able to and was told to.
 */
static inline bool cvm_virtcca_host(void)
{
	typeof(is_virtcca_cvm_enable) *enabled = symbol_get(is_virtcca_cvm_enable);
	bool yes;

	if (!enabled)
		return false;
	yes = enabled();
	symbol_put(is_virtcca_cvm_enable);
	return yes;
}

#endif /* CVM_VIRTCCA_H */
