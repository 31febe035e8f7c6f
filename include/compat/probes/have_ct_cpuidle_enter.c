// SPDX-License-Identifier: GPL-2.0
#include <linux/cpuidle.h>
void probe(void) { ct_cpuidle_enter(); ct_cpuidle_exit(); }
