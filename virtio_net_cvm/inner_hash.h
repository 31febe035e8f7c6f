/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hashes of inner headers made by the guest, where the device has none.
 */
#ifndef CVMNET_INNER_HASH_H
#define CVMNET_INNER_HASH_H

#include <linux/types.h>

struct sk_buff;

/* Bytes behind a UDP header that tell what follows */
#define CVMNET_INNER_HDR	8

/* Pure */
int cvmnet_inner_udp(u16 port, const u8 *hdr, __be16 *proto);

void cvmnet_inner_hash(struct sk_buff *skb);

#endif /* CVMNET_INNER_HASH_H */
