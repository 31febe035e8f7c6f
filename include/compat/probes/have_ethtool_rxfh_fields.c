// SPDX-License-Identifier: GPL-2.0
#include <linux/ethtool.h>
int (*probe(const struct ethtool_ops *ops))(struct net_device *, struct ethtool_rxfh_fields *);
int (*probe(const struct ethtool_ops *ops))(struct net_device *, struct ethtool_rxfh_fields *)
{ return ops->get_rxfh_fields; }
