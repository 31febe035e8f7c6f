// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>
void (*probe)(struct net_device *, unsigned int, enum netdev_queue_type,
	      struct napi_struct *) = netif_queue_set_napi;
