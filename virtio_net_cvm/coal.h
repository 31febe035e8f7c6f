/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Notification moderation as the user sets it, of the device and of single queues.
 */
#ifndef CVMNET_COAL_H
#define CVMNET_COAL_H

#include <linux/types.h>

struct cvmnet_dev;
struct ethtool_coalesce;
struct netlink_ext_ack;

/**
 * struct cvmnet_coal_dir - moderation of one direction, or of one queue
 * @usecs:  longest delay of a notification
 * @frames: packets that cause one; 0 for either: after every packet
 */
struct cvmnet_coal_dir {
	u32 usecs;
	u32 frames;
};

/**
 * struct cvmnet_coal - what was set for the whole device
 * @rx:       receive queues
 * @tx:       transmit queues
 * @adaptive: moderation of receive and transmit queues is chosen by dim.c
 *
 * All 0 after a reset, as the specification demands of the device. Queues may have been
 * set otherwise since: see struct cvmnet_dim.
 */
struct cvmnet_coal {
	struct cvmnet_coal_dir rx;
	struct cvmnet_coal_dir tx;
	bool adaptive[2];
};

void cvmnet_coal_get(struct cvmnet_dev *dev, struct ethtool_coalesce *ec);
int cvmnet_coal_set(struct cvmnet_dev *dev, const struct ethtool_coalesce *ec,
		    struct netlink_ext_ack *extack);
int cvmnet_coal_get_queue(struct cvmnet_dev *dev, u32 pair, struct ethtool_coalesce *ec);
int cvmnet_coal_set_queue(struct cvmnet_dev *dev, u32 pair, const struct ethtool_coalesce *ec);
int cvmnet_coal_restore(struct cvmnet_dev *dev);

#endif /* CVMNET_COAL_H */
