// SPDX-License-Identifier: GPL-2.0
#include <linux/dim.h>
void (*probe)(struct dim *, const struct dim_sample *) = net_dim;
