/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the device counts: the types of statistics, and its replies taken apart.
 */
#ifndef CVMNET_DEVSTATS_H
#define CVMNET_DEVSTATS_H

#include <linux/types.h>

struct cvmnet_dev;

/* Counters of one queue of each kind, in the order of the specification's types. */
#define CVMNET_DEVSTATS_RX	16
#define CVMNET_DEVSTATS_TX	16
#define CVMNET_DEVSTATS_CTRL	2
#define CVMNET_DEVSTATS_MAX	16

/* A reply to one queue's statistics, with records that we do not know yet. */
#define CVMNET_DEVSTATS_REPLY	256U

enum cvmnet_devstats_kind {
	CVMNET_DEVSTATS_KIND_RX,
	CVMNET_DEVSTATS_KIND_TX,
	CVMNET_DEVSTATS_KIND_CTRL,
	CVMNET_DEVSTATS_KINDS
};

/**
 * struct cvmnet_devstats - statistics that the device keeps
 * @types:  types that can be asked for, masked to those known
 * @pairs:  of each pair, as last read; NULL without the feature
 * @ctrl:   of the control queue, as last read
 * @failed: times that the device would not tell
 * @asked:  it was asked once at least
 * @last:   when that was over; jiffies
 */
struct cvmnet_devstats {
	u64 types;
	struct cvmnet_devstats_pair {
		u64 rx[CVMNET_DEVSTATS_RX];
		u64 tx[CVMNET_DEVSTATS_TX];
	} *pairs;
	u64 ctrl[CVMNET_DEVSTATS_CTRL];
	u64 failed;
	bool asked;
	unsigned long last;
};

/* Those counters of a queue that have a standard name */
enum {
	CVMNET_DEVSTATS_DROPS = 4,
	CVMNET_DEVSTATS_DROPS_WHY = 5,		/* receive: no buffers; transmit: malformed */
	CVMNET_DEVSTATS_RATELIMITED = 14,
};

extern const char * const cvmnet_devstats_rx_names[CVMNET_DEVSTATS_RX];
extern const char * const cvmnet_devstats_tx_names[CVMNET_DEVSTATS_TX];
extern const char * const cvmnet_devstats_ctrl_names[CVMNET_DEVSTATS_CTRL];

/* Pure */
u64 cvmnet_devstats_known(enum cvmnet_devstats_kind kind);
unsigned int cvmnet_devstats_parse(const void *reply, size_t len, u16 vq_index,
				   enum cvmnet_devstats_kind kind, u64 *values);

int cvmnet_devstats_setup(struct cvmnet_dev *dev);
int cvmnet_devstats_restore(struct cvmnet_dev *dev);
void cvmnet_devstats_read(struct cvmnet_dev *dev);
void cvmnet_devstats_refresh(struct cvmnet_dev *dev);

#endif /* CVMNET_DEVSTATS_H */
