// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>
#include <net/page_pool/helpers.h>
void probe(struct page_pool_params *p, struct napi_struct *n) { p->napi = n; p->netdev = n->dev; }
