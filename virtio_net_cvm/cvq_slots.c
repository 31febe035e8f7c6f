// SPDX-License-Identifier: GPL-2.0
/*
 * Control queue: who owns which command buffer.
 *
 * FREE -> READY -> POSTED -> FREE. A buffer that the device owns is not touched
 * for as long as it may write to it, that is until it has answered or is reset,
 * even when whoever sent the command has given up.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <uapi/linux/virtio_net.h>

#include "cvm/kunit.h"

#include "cvq_slots.h"

/* What the virtqueue hands back: slot and use, odd so that it is never NULL. */
#define COOKIE_SLOT_SHIFT	1
#define COOKIE_GEN_SHIFT	8
#define COOKIE_SLOT_MASK	0x7f

/* A 32-bit kernel's cookie would have no room for more. */
#define GEN_MASK		0xffffffU

static_assert(CVMNET_CVQ_SLOTS <= COOKIE_SLOT_MASK);

/**
 * cvmnet_slots_init() - start with all buffers free
 * @s:         the buffers
 * @ring_size: descriptors of the queue; a command takes two
 *
 * Context: nobody else uses @s.
 */
void cvmnet_slots_init(struct cvmnet_slots *s, unsigned int ring_size)
{
	memset(s, 0, sizeof(*s));
	cvmnet_slots_reset(s, ring_size);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_slots_init);

/**
 * cvmnet_slots_take() - reserve a free buffer, to be posted in this order
 * @s: the buffers
 *
 * Context: the queue's lock, which is kept until the buffer is filled.
 * Return: its number, or -EBUSY when none is free.
 */
int cvmnet_slots_take(struct cvmnet_slots *s)
{
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		if (s->slot[i].state != CVMNET_SLOT_FREE)
			continue;
		s->slot[i].state = CVMNET_SLOT_READY;
		s->slot[i].gen = (s->slot[i].gen + 1) & GEN_MASK;
		s->queue[(s->head + s->ready) % CVMNET_CVQ_SLOTS] = i;
		s->ready++;
		return i;
	}
	return -EBUSY;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_slots_take);

/**
 * cvmnet_slots_next() - the buffer to post next
 * @s: the buffers
 *
 * Context: the queue's lock.
 * Return: its number, or -ENOENT when none waits.
 */
int cvmnet_slots_next(const struct cvmnet_slots *s)
{
	return s->ready ? s->queue[s->head] : -ENOENT;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_slots_next);

/**
 * cvmnet_slots_post() - hand the buffer that is next to the device
 * @s:        the buffers; one waits
 * @deadline: jiffies by which the answer is due
 *
 * Context: the queue's lock.
 * Return: what the virtqueue must give back with the answer, never 0.
 */
unsigned long cvmnet_slots_post(struct cvmnet_slots *s, unsigned long deadline)
{
	unsigned int i = s->queue[s->head];
	struct cvmnet_slot *slot = &s->slot[i];

	s->head = (s->head + 1) % CVMNET_CVQ_SLOTS;
	s->ready--;
	s->posted++;
	slot->state = CVMNET_SLOT_POSTED;
	slot->deadline = deadline;
	return (unsigned long)slot->gen << COOKIE_GEN_SHIFT | i << COOKIE_SLOT_SHIFT | 1;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_slots_post);

/**
 * cvmnet_slots_answer() - the device gave a buffer back
 * @s:      the buffers
 * @cookie: what cvmnet_slots_post() returned for it
 *
 * Context: the queue's lock.
 * Return: its number; it is free, and its reply must be copied before the lock is
 * dropped. -EPROTO when the device does not own such a buffer.
 */
int cvmnet_slots_answer(struct cvmnet_slots *s, unsigned long cookie)
{
	unsigned int i = cookie >> COOKIE_SLOT_SHIFT & COOKIE_SLOT_MASK;

	if (!(cookie & 1) || i >= s->count ||
	    s->slot[i].state != CVMNET_SLOT_POSTED ||
	    s->slot[i].gen != cookie >> COOKIE_GEN_SHIFT)
		return -EPROTO;
	s->slot[i].state = CVMNET_SLOT_FREE;
	s->posted--;
	return i;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_slots_answer);

/**
 * cvmnet_slots_overdue() - has the device kept a buffer for too long?
 * @s:   the buffers
 * @now: jiffies
 *
 * Context: the queue's lock.
 * Return: true when one's deadline has passed.
 */
bool cvmnet_slots_overdue(const struct cvmnet_slots *s, unsigned long now)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (s->slot[i].state == CVMNET_SLOT_POSTED &&
		    time_after_eq(now, s->slot[i].deadline))
			return true;
	return false;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_slots_overdue);

/**
 * cvmnet_slots_reset() - the device was reset: it owns nothing any more
 * @s:         the buffers
 * @ring_size: descriptors of the new queue
 *
 * The uses are counted on, so that no answer from before is taken for a new one.
 *
 * Context: the queue's lock, after the reset.
 */
void cvmnet_slots_reset(struct cvmnet_slots *s, unsigned int ring_size)
{
	unsigned int i;

	for (i = 0; i < CVMNET_CVQ_SLOTS; i++)
		s->slot[i].state = CVMNET_SLOT_FREE;
	s->count = min(ring_size / 2, CVMNET_CVQ_SLOTS);
	s->posted = 0;
	s->ready = 0;
	s->head = 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_slots_reset);

/**
 * cvmnet_cvq_verdict() - what an answer means
 * @reply:    private copy of the acknowledgment
 * @used_len: how many bytes the device says it wrote
 *
 * Context: any.
 * Return: 0 for OK; -EREMOTEIO when the device refused, wrote nothing, or wrote what
 * the specification does not know.
 */
int cvmnet_cvq_verdict(const u8 *reply, unsigned int used_len)
{
	return used_len >= 1 && *reply == VIRTIO_NET_OK ? 0 : -EREMOTEIO;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_cvq_verdict);
