/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before every source file: what this kernel has.
 *
 * No kernel header may be included here, because a source file defines
 * pr_fmt() and CREATE_TRACE_POINTS before its own first include.
 *
 * HAVE_<THING>: include/compat/probes/have_<thing>.c compiles.
 * HAVE_SYM_<name>: Module.symvers exports it (include/compat/probes/symbols).
 * Only files under include/compat read these; they give the rest of the
 * project the newest spelling of an interface, on every kernel.
 */
#ifndef CVM_COMPAT_H
#define CVM_COMPAT_H

#include "generated/probes.h"

#endif /* CVM_COMPAT_H */
