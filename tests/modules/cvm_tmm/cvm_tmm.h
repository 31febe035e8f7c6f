/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What openEuler's kernel has, arch/arm64/include/asm/kvm_tmi.h and beside it. That
 * tmi_cvm_create() has a third argument in newer ones makes no difference here.
 */
#ifndef CVM_TMM_H
#define CVM_TMM_H

#include <linux/types.h>

struct kvm_vcpu;

u64 tmi_version(void);
u64 tmi_cvm_create(u64 params_ptr, u64 numa_set);
void kvm_cvm_timers_update(struct kvm_vcpu *vcpu);

#endif /* CVM_TMM_H */
