/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Net devices and page pools.
 */
#ifndef CVM_COMPAT_NET_H
#define CVM_COMPAT_NET_H

#include <linux/netdevice.h>
#ifdef HAVE_PAGE_POOL_HELPERS
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif

#ifdef HAVE_NET_GSO
#include <net/gso.h>
#endif

#ifndef HAVE_NETIF_QUEUE_SET_NAPI
enum netdev_queue_type {
	NETDEV_QUEUE_TYPE_RX,
	NETDEV_QUEUE_TYPE_TX,
};

static inline void netif_queue_set_napi(struct net_device *netdev, unsigned int index,
					enum netdev_queue_type type, struct napi_struct *napi)
{
}
#endif

/* Tell the pool which NAPI empties it, where it can make use of that. */
static inline void cvm_page_pool_params_napi(struct page_pool_params *pp,
					     struct napi_struct *napi)
{
#ifdef HAVE_PAGE_POOL_HELPERS
	pp->napi = napi;
	pp->netdev = napi->dev;
#endif
}

#endif /* CVM_COMPAT_NET_H */
