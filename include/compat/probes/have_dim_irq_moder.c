// SPDX-License-Identifier: GPL-2.0
#include <linux/dim.h>
#include <linux/netdevice.h>
void (*probe)(struct net_device *) = net_dim_free_irq_moder;
struct dim_irq_moder *probe_member(const struct net_device *dev);
struct dim_irq_moder *probe_member(const struct net_device *dev) { return dev->irq_moder; }
