/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Notification moderation, for the whole device.
 */
#ifndef CVMNET_COAL_H
#define CVMNET_COAL_H

#include <linux/types.h>

struct cvmnet_dev;
struct ethtool_coalesce;

/**
 * struct cvmnet_coal_dir - moderation of one direction
 * @usecs:  longest delay of a notification
 * @frames: packets that cause one; 0 for either: after every packet
 */
struct cvmnet_coal_dir {
	u32 usecs;
	u32 frames;
};

/**
 * struct cvmnet_coal - moderation in force
 * @rx: receive queues
 * @tx: transmit queues
 *
 * All 0 after a reset, as the specification demands of the device.
 */
struct cvmnet_coal {
	struct cvmnet_coal_dir rx;
	struct cvmnet_coal_dir tx;
};

void cvmnet_coal_get(struct cvmnet_dev *dev, struct ethtool_coalesce *ec);
int cvmnet_coal_set(struct cvmnet_dev *dev, const struct ethtool_coalesce *ec);
int cvmnet_coal_restore(struct cvmnet_dev *dev);

#endif /* CVMNET_COAL_H */
