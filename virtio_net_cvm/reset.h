/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recovery from a device that misbehaves: bounded, with back-off.
 */
#ifndef CVMNET_RESET_H
#define CVMNET_RESET_H

#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct cvmnet_dev;

enum cvmnet_reset_cause {
	CVMNET_RESET_RX_RING,		/* a receive ring is corrupt or broken */
	CVMNET_RESET_TX_RING,
	CVMNET_RESET_TX_TIMEOUT,
	CVMNET_RESET_CVQ,		/* the control queue is dead or timed out */
	CVMNET_RESET_NEEDED,		/* the device asks for it */
	CVMNET_RESET_CAUSES
};

/* Resets without a quiet minute between them, after which the device is given up. */
#define CVMNET_RESET_MAX	8
#define CVMNET_RESET_QUIET_MS	60000

struct cvmnet_reset {
	struct mutex lock;		/* held while virtqueues are deleted and found */
	struct delayed_work work;
	struct notifier_block reboot;
	unsigned long pending;		/* bit per cause */
	unsigned long last;		/* jiffies of the last one */
	unsigned int in_row;		/* without a quiet time between */
	bool dead;			/* given up: carrier off until remove */
	bool blocked;			/* remove, freeze: no new ones */
	bool ending;			/* reboot: none for good */
	bool down;			/* no virtqueues, the net device is detached */
	bool deaf;			/* the core reports no configuration changes */
	u64 count[CVMNET_RESET_CAUSES];
	u64 failed;
};

int cvmnet_reset_delay(unsigned int in_row);

void cvmnet_reset_init(struct cvmnet_dev *dev);
void cvmnet_reset_block(struct cvmnet_dev *dev);
void cvmnet_reset_flush(struct cvmnet_dev *dev);
void cvmnet_reset_unblock(struct cvmnet_dev *dev, unsigned long delay);
void cvmnet_reset_retry(struct cvmnet_dev *dev, int err);
void cvmnet_reset_request(struct cvmnet_dev *dev, enum cvmnet_reset_cause cause);
const char *cvmnet_reset_cause_name(enum cvmnet_reset_cause cause);

void cvmnet_watch_at(struct cvmnet_dev *dev, unsigned long due);
void cvmnet_device_down(struct cvmnet_dev *dev);
int cvmnet_device_up(struct cvmnet_dev *dev);

#endif /* CVMNET_RESET_H */
