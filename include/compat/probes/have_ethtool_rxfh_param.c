// SPDX-License-Identifier: GPL-2.0
#include <linux/ethtool.h>
int (*probe(const struct ethtool_ops *ops))(struct net_device *, struct ethtool_rxfh_param *);
int (*probe(const struct ethtool_ops *ops))(struct net_device *, struct ethtool_rxfh_param *)
{ return ops->get_rxfh; }
