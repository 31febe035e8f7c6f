/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Adaptive moderation of each queue.
 */
#ifndef CVMNET_DIM_H
#define CVMNET_DIM_H

#include <linux/cache.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <compat/dim.h>

#include "coal.h"
#include "cvq.h"
#include "dim_decide.h"

struct cvmnet_dev;

/**
 * enum cvmnet_dim_owner - who may touch a queue's measurement and decision
 * @CVMNET_DIM_IDLE:    its NAPI, which begins to measure
 * @CVMNET_DIM_MEASURE: its NAPI, which measures
 * @CVMNET_DIM_DECIDE:  the device's work
 * @CVMNET_DIM_ASKED:   the control queue, until the device has answered
 */
enum cvmnet_dim_owner {
	CVMNET_DIM_IDLE,
	CVMNET_DIM_MEASURE,
	CVMNET_DIM_DECIDE,
	CVMNET_DIM_ASKED,
};

/* What stats.c tabulates by offsetof: nothing but u64. */
struct cvmnet_dim_stats {
	u64 usecs;		/* in force, as far as we know */
	u64 frames;
	u64 changes;		/* made by us, and taken by the device */
	u64 failed;		/* not taken */
};

/**
 * struct cvmnet_dim - moderation of one queue
 * @dev:      the device
 * @index:    of the queue among those of its direction
 * @tx:       which direction
 * @adaptive: we choose; written under the device's lock
 * @anew:     since now only: what is being measured began before
 * @owner:    enum cvmnet_dim_owner: of all that follows, but for @manual
 * @now:      what is being measured
 * @since:    when that began, in ns
 * @sample:   the last one that is complete
 * @decide:   the decision's memory
 * @asked:    what the device was asked for
 * @in_force: what it has taken last of this
 * @epoch:    counts when it may have something else in force; under the device's lock
 * @asked_in: when @asked was asked for
 * @known_in: when @in_force was
 * @begun_in: when @decide began
 * @changes:  the device's, when @decide was asked last
 * @quiet:    samples that are left alone, after the device has refused @asked
 * @command:  the one command that may be on its way
 * @events:   for the kernel's algorithm: interrupts
 * @packets:  for it, too
 * @bytes:    for it, too
 * @stock:    its state
 * @stats:    for ethtool -S
 * @manual:   what the user has set; rtnl
 */
struct cvmnet_dim {
	struct cvmnet_dev *dev;
	unsigned int index;
	bool tx;
	bool adaptive;
	bool anew;
	int owner;
	struct cvmnet_dim_sample now;
	u64 since;
	struct cvmnet_dim_sample sample;
	struct cvmnet_dim_state decide;
	struct cvmnet_coal_dir asked;
	struct cvmnet_coal_dir in_force;
	unsigned int epoch;
	unsigned int asked_in;
	unsigned int known_in;
	unsigned int begun_in;
	unsigned int changes;
	unsigned int quiet;
	struct cvmnet_async command;
	u16 events;
	u32 packets;
	u32 bytes;
	struct dim stock;
	struct cvmnet_dim_stats stats;
	struct cvmnet_coal_dir manual;
};

/**
 * struct cvmnet_dims - adaptive moderation of a device
 * @work:    decides for all queues that have been measured
 * @lock:    protects @profile, @changes, @stock, @paused, cvmnet_dim.adaptive and .epoch;
 *           nobody waits for the device with it
 * @idle:    woken when the device has answered
 * @profile: levels, of receive and transmit queues
 * @changes: counts those of @profile and @stock
 * @stock:   the kernel's algorithm and profile are in use
 * @paused:  nothing is decided
 * @there:   can be used at all
 */
struct cvmnet_dims {
	struct work_struct work;
	struct mutex lock; /* see above */
	wait_queue_head_t idle;
	struct cvmnet_dim_profile profile[2];
	unsigned int changes;
	bool stock;
	bool paused;
	bool there;
};

/* The device's life, and a queue's */
int cvmnet_dims_init(struct cvmnet_dev *dev);
void cvmnet_dims_exit(struct cvmnet_dev *dev);
void cvmnet_dims_stop(struct cvmnet_dev *dev);
int cvmnet_dims_pause(struct cvmnet_dev *dev);
void cvmnet_dims_resume(struct cvmnet_dev *dev);
void cvmnet_dim_init(struct cvmnet_dim *dim, struct cvmnet_dev *dev, unsigned int index, bool tx);
void cvmnet_dim_reset(struct cvmnet_dim *dim, const struct cvmnet_coal_dir *in_force);

/* Settings: rtnl */
void cvmnet_dim_set_adaptive(struct cvmnet_dim *dim, bool on);
int cvmnet_dims_set_profile(struct cvmnet_dev *dev, bool tx,
			    const struct cvmnet_dim_profile *profile);
int cvmnet_dims_adopt_profiles(struct cvmnet_dev *dev);
int cvmnet_dims_set_stock(struct cvmnet_dev *dev, bool stock);

void __cvmnet_dim_poll_end(struct cvmnet_dim *dim, u64 began, u32 packets, u32 bytes, bool last);

/**
 * cvmnet_dim_poll_begin() - a poll function begins
 * @dim: the queue's
 *
 * Context: the queue's NAPI.
 * Return: for cvmnet_dim_poll_end().
 */
static inline u64 cvmnet_dim_poll_begin(const struct cvmnet_dim *dim)
{
	/* With what cvmnet_dim_set_adaptive() has written before */
	return smp_load_acquire(&dim->adaptive) ? ktime_get_ns() : 0;
}

/**
 * cvmnet_dim_poll_end() - a poll function ends
 * @dim:     the queue's
 * @began:   what cvmnet_dim_poll_begin() returned
 * @packets: done by it
 * @bytes:   of these
 * @last:    the next run comes with an interrupt
 *
 * Context: the queue's NAPI.
 */
static inline void cvmnet_dim_poll_end(struct cvmnet_dim *dim, u64 began, u32 packets, u32 bytes,
				       bool last)
{
	if (began)
		__cvmnet_dim_poll_end(dim, began, packets, bytes, last);
}

#endif /* CVMNET_DIM_H */
