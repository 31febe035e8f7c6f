/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the driver does by itself on the control side: follow the link, answer
 * announcements, push receive filters, bring state back after a reset.
 */
#ifndef CVMNET_CTRL_H
#define CVMNET_CTRL_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct cvmnet_dev;
struct virtio_device;

/**
 * struct cvmnet_ctrl - works of the control side
 * @lock:         protects @on
 * @on:           works may be queued
 * @config_work:  reads the configuration after the device said it changed
 * @config_last:  jiffies of its last run: at most ten a second
 * @announce_last: jiffies of the last announcement: at most one a second
 * @announced:    there was one
 * @rx_mode_work: pushes promiscuity and address filters
 * @config_runs:  times the configuration was read after a change
 */
struct cvmnet_ctrl {
	spinlock_t lock; /* see above */
	bool on;
	struct delayed_work config_work;
	unsigned long config_last;
	unsigned long announce_last;
	bool announced;
	struct work_struct rx_mode_work;
	u64 config_runs;
};

void cvmnet_ctrl_init(struct cvmnet_dev *dev);
void cvmnet_ctrl_start(struct cvmnet_dev *dev);
void cvmnet_ctrl_stop(struct cvmnet_dev *dev);
void cvmnet_ctrl_rx_mode(struct cvmnet_dev *dev);
void cvmnet_config_changed(struct virtio_device *vdev);
int cvmnet_restore_state(struct cvmnet_dev *dev);

#endif /* CVMNET_CTRL_H */
