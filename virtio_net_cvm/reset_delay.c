// SPDX-License-Identifier: GPL-2.0
/*
 * How long to wait before the next reset: pure.
 */
#include <linux/errno.h>
#include <linux/minmax.h>

#include <cvm/kunit.h>

#include "reset.h"

/**
 * cvmnet_reset_delay() - back-off of resets
 * @in_row: resets since the last quiet time
 *
 * The first comes at once, then 1 s, 2 s, 4 s ... 32 s.
 *
 * Return: milliseconds; -ENODEV when the device is to be given up.
 */
int cvmnet_reset_delay(unsigned int in_row)
{
	if (in_row >= CVMNET_RESET_MAX)
		return -ENODEV;
	return in_row ? 1000 << min(in_row - 1, 5U) : 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_reset_delay);
