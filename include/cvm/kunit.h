/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Symbols that only the KUnit suites need from a module.
 */
#ifndef CVM_KUNIT_H
#define CVM_KUNIT_H

#include <linux/export.h>

/* The kernel's own macro of this kind looks for KUnit in the kernel it is part of. */
#if IS_ENABLED(CONFIG_KUNIT)
#define EXPORT_SYMBOL_IF_CVM_KUNIT(sym)	EXPORT_SYMBOL_GPL(sym)
#else
#define EXPORT_SYMBOL_IF_CVM_KUNIT(...)
#endif

#endif /* CVM_KUNIT_H */
