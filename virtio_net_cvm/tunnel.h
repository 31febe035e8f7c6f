/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hashes of inner headers: which encapsulations the device looks into.
 */
#ifndef CVMNET_TUNNEL_H
#define CVMNET_TUNNEL_H

#include <linux/bits.h>
#include <linux/types.h>

struct cvmnet_dev;

/* Types of the specification, the lowest bits of its masks. */
#define CVMNET_TUNNEL_TYPES	9
#define CVMNET_TUNNEL_MASK	(BIT(CVMNET_TUNNEL_TYPES) - 1)

/* Pure */
int cvmnet_tunnel_parse(const char *text, u32 *types);
ssize_t cvmnet_tunnel_format(u32 enabled, u32 supported, char *buf, size_t size);

int cvmnet_tunnel_set(struct cvmnet_dev *dev, u32 types);
int cvmnet_tunnel_restore(struct cvmnet_dev *dev);

#endif /* CVMNET_TUNNEL_H */
