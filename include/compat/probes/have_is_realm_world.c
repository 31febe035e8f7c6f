// SPDX-License-Identifier: GPL-2.0
#include <linux/types.h>
#include <asm/rsi.h>
bool probe(void) { return is_realm_world(); }
