/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The net device as the kernel and ethtool see it.
 */
#ifndef CVMNET_NETDEV_H
#define CVMNET_NETDEV_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/sysfs.h>

struct cvmnet_dev;

extern const struct net_device_ops cvmnet_netdev_ops;
extern const struct ethtool_ops cvmnet_ethtool_ops;
extern const struct attribute_group cvmnet_sysfs_group;

void cvmnet_netdev_init(struct cvmnet_dev *dev);
int cvmnet_offloads_restore(struct cvmnet_dev *dev);

/* setup() of features.c's table */
int cvmnet_setup_csum(struct cvmnet_dev *dev);
int cvmnet_setup_host_tso4(struct cvmnet_dev *dev);
int cvmnet_setup_host_tso6(struct cvmnet_dev *dev);
int cvmnet_setup_host_ecn(struct cvmnet_dev *dev);
int cvmnet_setup_host_uso(struct cvmnet_dev *dev);
int cvmnet_setup_guest_csum(struct cvmnet_dev *dev);
int cvmnet_setup_guest_gso(struct cvmnet_dev *dev);
int cvmnet_setup_guest_offloads(struct cvmnet_dev *dev);
int cvmnet_setup_ctrl_rx(struct cvmnet_dev *dev);
int cvmnet_setup_ctrl_vlan(struct cvmnet_dev *dev);
int cvmnet_setup_mtu(struct cvmnet_dev *dev);

#endif /* CVMNET_NETDEV_H */
