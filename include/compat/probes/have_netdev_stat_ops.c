// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>
#include <net/netdev_queues.h>
void probe(struct net_device *dev, struct netdev_stat_ops *ops, struct netdev_queue_stats_rx *rx);
void probe(struct net_device *dev, struct netdev_stat_ops *ops, struct netdev_queue_stats_rx *rx)
{
	dev->stat_ops = ops;
	rx->hw_drop_ratelimits = 0;
}
