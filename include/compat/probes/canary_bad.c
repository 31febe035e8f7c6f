// SPDX-License-Identifier: GPL-2.0
/* Must not compile: otherwise errors go unnoticed and every answer is yes. */
#include <linux/module.h>
int probe(void) { return cvm_no_kernel_has_this_function(); }
