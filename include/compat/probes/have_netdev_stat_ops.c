// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>
#include <net/netdev_queues.h>
void probe(struct net_device *dev, struct netdev_stat_ops *ops);
void probe(struct net_device *dev, struct netdev_stat_ops *ops) { dev->stat_ops = ops; }
