// SPDX-License-Identifier: GPL-2.0
/* Must compile: otherwise the headers are broken and every answer is no. */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/virtio.h>
unsigned long probe(void) { return jiffies; }
