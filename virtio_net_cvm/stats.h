/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics: ethtool -S, rtnl_link_stats64 and the queue-stats API, from one
 * table.
 */
#ifndef CVMNET_STATS_H
#define CVMNET_STATS_H

#include <linux/types.h>

struct cvmnet_dev;
struct net_device;
struct rtnl_link_stats64;

unsigned int cvmnet_stats_count(struct cvmnet_dev *dev);
void cvmnet_stats_strings(struct cvmnet_dev *dev, u8 *data);
void cvmnet_stats_values(struct cvmnet_dev *dev, u64 *data);
u64 cvmnet_stats_drops(struct cvmnet_dev *dev, bool tx, unsigned int cause);
void cvmnet_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *tot);
void cvmnet_stats_attach(struct net_device *netdev);

#endif /* CVMNET_STATS_H */
