/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control queue: who owns which command buffer. Free of virtio, so that KUnit
 * can play the device.
 */
#ifndef CVMNET_CVQ_SLOTS_H
#define CVMNET_CVQ_SLOTS_H

#include <linux/types.h>

#define CVMNET_CVQ_SLOTS	16U

/**
 * enum cvmnet_slot_state - owner of a command buffer
 * @CVMNET_SLOT_FREE:    nobody
 * @CVMNET_SLOT_READY:   the driver; filled, waits to be posted
 * @CVMNET_SLOT_POSTED:  the device, until it answers or is reset
 */
enum cvmnet_slot_state {
	CVMNET_SLOT_FREE,
	CVMNET_SLOT_READY,
	CVMNET_SLOT_POSTED,
};

/**
 * struct cvmnet_slot - one command buffer
 * @state:    who owns it
 * @gen:      counts its uses, so that an answer to an earlier one is told apart
 * @deadline: jiffies by which the device must have answered
 */
struct cvmnet_slot {
	enum cvmnet_slot_state state;
	u32 gen;
	unsigned long deadline;
};

/**
 * struct cvmnet_slots - all command buffers of a control queue
 * @count:  how many there are
 * @posted: how many the device owns
 * @ready:  how many wait to be posted
 * @head:   first of @queue
 * @queue:  ring of those that wait, in the order in which they were filled
 * @slot:   each one's state
 */
struct cvmnet_slots {
	unsigned int count;
	unsigned int posted;
	unsigned int ready;
	unsigned int head;
	u8 queue[CVMNET_CVQ_SLOTS];
	struct cvmnet_slot slot[CVMNET_CVQ_SLOTS];
};

void cvmnet_slots_init(struct cvmnet_slots *s, unsigned int ring_size);
int cvmnet_slots_take(struct cvmnet_slots *s);
int cvmnet_slots_next(const struct cvmnet_slots *s);
unsigned long cvmnet_slots_post(struct cvmnet_slots *s, unsigned long deadline);
int cvmnet_slots_answer(struct cvmnet_slots *s, unsigned long cookie);
bool cvmnet_slots_overdue(const struct cvmnet_slots *s, unsigned long now);
void cvmnet_slots_reset(struct cvmnet_slots *s, unsigned int ring_size);
int cvmnet_cvq_verdict(const u8 *reply, unsigned int used_len);

#endif /* CVMNET_CVQ_SLOTS_H */
