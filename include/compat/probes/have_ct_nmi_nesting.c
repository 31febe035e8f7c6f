// SPDX-License-Identifier: GPL-2.0
#include <linux/context_tracking.h>
long probe(void) { return ct_nmi_nesting() - CT_NESTING_IRQ_NONIDLE; }
