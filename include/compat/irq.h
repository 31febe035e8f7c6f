/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupt numbers.
 */
#ifndef CVM_COMPAT_IRQ_H
#define CVM_COMPAT_IRQ_H

#include <linux/irqnr.h>

#ifndef HAVE_SYM_irq_get_nr_irqs
#define irq_get_nr_irqs() ((unsigned int)nr_irqs)
#endif

#endif /* CVM_COMPAT_IRQ_H */
