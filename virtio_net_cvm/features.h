/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the driver can negotiate, in one table.
 */
#ifndef CVMNET_FEATURES_H
#define CVMNET_FEATURES_H

#include <linux/bits.h>
#include <linux/types.h>

struct cvmnet_dev;
struct virtio_device;

/**
 * struct cvmnet_feature - one feature bit
 * @bit:    its number, VIRTIO_NET_F_*
 * @name:   as the specification writes it, without VIRTIO_NET_F_
 * @all:    bits without which it is not taken
 * @any:    when not 0: at least one of these must be there
 * @window: bytes of the device configuration it reads
 * @setup:  makes the negotiated feature work; NULL when nothing is to be done
 */
struct cvmnet_feature {
	unsigned int bit;
	const char *name;
	u64 all;
	u64 any;
	unsigned int window;
	int (*setup)(struct cvmnet_dev *dev);
};

extern const struct cvmnet_feature cvmnet_features[];
extern const unsigned int cvmnet_features_count;

u64 cvmnet_features_known(void);
u64 cvmnet_features_resolve(u64 bits, size_t window);

/* For struct virtio_driver, and what probe calls */
const unsigned int *cvmnet_features_driver(unsigned int *count);
int cvmnet_features_validate(struct virtio_device *vdev);
int cvmnet_features_setup(struct cvmnet_dev *dev);

#endif /* CVMNET_FEATURES_H */
