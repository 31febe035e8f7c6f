/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kind of confidential guest this is.
 */
#ifndef CVM_COMPAT_GUEST_H
#define CVM_COMPAT_GUEST_H

#include <linux/cc_platform.h>
#include <linux/types.h>

#ifdef CONFIG_X86_64
#include <asm/cpufeature.h>
#endif
#ifdef HAVE_IS_REALM_WORLD
#include <asm/rsi.h>
#endif
#ifdef HAVE_SYM_is_virtcca_cvm_world
/* openEuler, arch/arm64/kernel/virtcca_cvm_guest.c */
bool is_virtcca_cvm_world(void);
#endif

/**
 * cvm_guest_type() - name the confidential environment the kernel runs in
 *
 * Context: any.
 * Return: a name for the log, or NULL outside confidential guests.
 */
static inline const char *cvm_guest_type(void)
{
#ifdef HAVE_SYM_is_virtcca_cvm_world
	if (is_virtcca_cvm_world())
		return "virtCCA guest";
#endif
#ifdef HAVE_IS_REALM_WORLD
	if (is_realm_world())
		return "CCA realm";
#endif
#if defined(CONFIG_X86_64) && defined(X86_FEATURE_TDX_GUEST)
	if (boot_cpu_has(X86_FEATURE_TDX_GUEST))
		return "TDX guest";
#endif
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return "guest with encrypted memory";
	return NULL;
}

#endif /* CVM_COMPAT_GUEST_H */
