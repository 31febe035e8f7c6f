// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>
u8 *f(struct kvm *kvm) { return &kvm->arch.timer_data.ppi[TIMER_VTIMER]; }
