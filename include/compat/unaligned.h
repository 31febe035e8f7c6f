/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access to numbers that may lie anywhere.
 */
#ifndef CVM_COMPAT_UNALIGNED_H
#define CVM_COMPAT_UNALIGNED_H

#ifdef HAVE_LINUX_UNALIGNED
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#endif /* CVM_COMPAT_UNALIGNED_H */
