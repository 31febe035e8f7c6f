/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control queue: typed commands to the device. Nothing else talks to it.
 */
#ifndef CVMNET_CVQ_H
#define CVMNET_CVQ_H

#include <linux/completion.h>
#include <linux/types.h>

struct cvmnet_cvq;
struct cvmnet_dev;
struct virtqueue;

/* Addresses that fit into one MAC_TABLE_SET */
#define CVMNET_MAC_TABLE_MAX	512U

/* How long the device may take, for everything that one caller waits for */
#define CVMNET_CMD_TIMEOUT	(5 * HZ)

/**
 * struct cvmnet_batch - commands that are waited for together
 * @dev:      the device
 * @done:     when the last one is answered
 * @deadline: jiffies at which waiting ends, for all of them
 * @changes:  one of them changes what the device does
 * @left:     not yet answered, and one more until cvmnet_batch_wait(); under
 *            the control queue's lock
 * @err:      the first failure; under that lock
 *
 * Lives on the caller's stack. Commands of a batch are posted in the order in
 * which they were added, with one notification where they fit.
 */
struct cvmnet_batch {
	struct cvmnet_dev *dev;
	struct completion done;
	unsigned long deadline;
	bool changes;
	unsigned int left;
	int err;
};

/**
 * struct cvmnet_async - a command that nobody waits for
 * @done: called once for each that was accepted: 0 when the device did it, -EREMOTEIO
 *        when it refused, another error when it is not asked any more. The control
 *        queue's lock is held, and interrupts are off.
 */
struct cvmnet_async {
	void (*done)(struct cvmnet_async *async, int err);
};

/**
 * struct cvmnet_cvq_stats - what the control queue did
 * @commands: posted to the device
 * @kicks:    notifications sent for them
 * @failed:   refused by the device, or answered with nonsense
 * @timeouts: waits that the device let run out
 */
struct cvmnet_cvq_stats {
	u64 commands;
	u64 kicks;
	u64 failed;
	u64 timeouts;
};

/* Life of the queue */
int cvmnet_cvq_init(struct cvmnet_dev *dev, struct virtqueue *vq);
void cvmnet_cvq_exit(struct cvmnet_dev *dev);
void cvmnet_cvq_callback(struct virtqueue *vq);
void cvmnet_cvq_start(struct cvmnet_dev *dev);
void cvmnet_cvq_close(struct cvmnet_dev *dev);
void cvmnet_cvq_open(struct cvmnet_dev *dev);
void cvmnet_cvq_fail_all(struct cvmnet_dev *dev);
void cvmnet_cvq_detach(struct cvmnet_dev *dev);
void cvmnet_cvq_limit(struct cvmnet_dev *dev, unsigned long timeout);
void cvmnet_cvq_get_stats(struct cvmnet_dev *dev, struct cvmnet_cvq_stats *stats);

/* Several commands, one wait: begin, add..., wait */
void cvmnet_batch_begin(struct cvmnet_batch *batch, struct cvmnet_dev *dev);
int cvmnet_batch_wait(struct cvmnet_batch *batch);
void cvmnet_batch_rx_mode(struct cvmnet_batch *batch, u8 command, bool on);
void cvmnet_batch_mac_table(struct cvmnet_batch *batch, const void *table,
			    size_t len);
void cvmnet_batch_mac(struct cvmnet_batch *batch, const u8 *addr);
void cvmnet_batch_vlan(struct cvmnet_batch *batch, u16 vid, bool add);
void cvmnet_batch_guest_offloads(struct cvmnet_batch *batch, u64 offloads);
void cvmnet_batch_notf_coal(struct cvmnet_batch *batch, bool tx, u32 frames,
			    u32 usecs);
void cvmnet_batch_vq_notf_coal(struct cvmnet_batch *batch, u16 vq_index, u32 frames,
			       u32 usecs);
void cvmnet_batch_stats_query(struct cvmnet_batch *batch, void *reply, size_t room);
void cvmnet_batch_stats_get(struct cvmnet_batch *batch, u16 vq_index, u64 types, void *reply,
			    size_t room);

/* One command, waited for: process context, may sleep, at most 5 s */
int cvmnet_cmd_mq(struct cvmnet_dev *dev, unsigned int pairs);
int cvmnet_cmd_mac(struct cvmnet_dev *dev, const u8 *addr);
int cvmnet_cmd_vlan(struct cvmnet_dev *dev, u16 vid, bool add);
int cvmnet_cmd_guest_offloads(struct cvmnet_dev *dev, u64 offloads);
int cvmnet_cmd_rss(struct cvmnet_dev *dev, const void *config, size_t len);
int cvmnet_cmd_hash(struct cvmnet_dev *dev, const void *config, size_t len);
int cvmnet_cmd_hash_tunnel(struct cvmnet_dev *dev, u32 types);

/* Not waited for: any context */
int cvmnet_cmd_announce_ack_async(struct cvmnet_dev *dev);
int cvmnet_cmd_vlan_del_async(struct cvmnet_dev *dev, u16 vid);

/* Not waited for, and posted together: commands..., post */
int cvmnet_cmd_vq_notf_coal_async(struct cvmnet_dev *dev, struct cvmnet_async *async,
				  u16 vq_index, u32 frames, u32 usecs);
void cvmnet_cvq_post(struct cvmnet_dev *dev);

#endif /* CVMNET_CVQ_H */
