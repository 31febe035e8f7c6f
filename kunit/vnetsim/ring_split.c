// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: the split ring, as the device sees it.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "vnetsim.h"

#define from16(q, v)	virtio16_to_cpu(&(q)->sim->vdev, v)
#define from32(q, v)	virtio32_to_cpu(&(q)->sim->vdev, v)
#define from64(q, v)	virtio64_to_cpu(&(q)->sim->vdev, v)
#define to16(q, v)	cpu_to_virtio16(&(q)->sim->vdev, v)
#define to32(q, v)	cpu_to_virtio32(&(q)->sim->vdev, v)

/**
 * vnetsim_split_init() - find the parts of the ring
 * @q: the queue
 *
 * Context: the worker's lock.
 */
void vnetsim_split_init(struct vnetsim_queue *q)
{
	struct vnetsim_split *s = &q->split;

	s->ring.num = q->num;
	s->ring.desc = vnetsim_ring_va(q->sim, virtqueue_get_desc_addr(q->vq), 1);
	s->ring.avail = vnetsim_ring_va(q->sim, virtqueue_get_avail_addr(q->vq), 1);
	s->ring.used = vnetsim_ring_va(q->sim, virtqueue_get_used_addr(q->vq), 1);
	s->avail_idx = 0;
	s->used_idx = 0;
}

/* Walk a table of descriptors, the ring's or an indirect one. */
static bool walk(struct vnetsim_queue *q, struct vnetsim_buf *buf, const struct vring_desc *table,
		 unsigned int num, unsigned int i, bool indirect)
{
	unsigned int left = num;

	while (left--) {
		struct vring_desc desc;
		u16 flags;

		if (i >= num)
			break;
		memcpy(&desc, &table[i], sizeof(desc));
		/* Read once: what is checked is what is used. */
		barrier();
		flags = from16(q, desc.flags);
		if (!indirect)
			buf->descs++;
		if (flags & VRING_DESC_F_INDIRECT) {
			u32 len = from32(q, desc.len);
			void *va = vnetsim_ring_va(q->sim, from64(q, desc.addr), len);

			if (indirect || !va || len % sizeof(desc) || flags & VRING_DESC_F_NEXT ||
			    !vnetsim_has(q->sim, VIRTIO_RING_F_INDIRECT_DESC)) {
				vnetsim_violate(q->sim, VNETSIM_V_INDIRECT);
				return false;
			}
			return walk(q, buf, va, len / sizeof(desc), 0, true);
		}
		if (!vnetsim_buf_add(q, buf, from64(q, desc.addr), from32(q, desc.len),
				     flags & VRING_DESC_F_WRITE))
			return false;
		if (!(flags & VRING_DESC_F_NEXT))
			return true;
		i = from16(q, desc.next);
	}
	vnetsim_violate(q->sim, VNETSIM_V_CHAIN);
	return false;
}

/**
 * vnetsim_split_pop() - see vnetsim_ring_pop()
 * @q:   the queue
 * @buf: receives the buffer
 *
 * Context: the worker's lock.
 * Return: 1 or 0.
 */
int vnetsim_split_pop(struct vnetsim_queue *q, struct vnetsim_buf *buf)
{
	struct vnetsim_split *s = &q->split;
	u16 idx;

	/* Before what it says is there. */
	idx = from16(q, smp_load_acquire(&s->ring.avail->idx));
	if (idx == s->avail_idx)
		return 0;
	if ((u16)(idx - s->avail_idx) > q->num) {
		vnetsim_violate(q->sim, VNETSIM_V_AVAIL_IDX);
		q->ready = false;
		return 0;
	}
	buf->id = from16(q, READ_ONCE(s->ring.avail->ring[s->avail_idx & (q->num - 1)]));
	s->avail_idx++;
	buf->bad = !walk(q, buf, s->ring.desc, q->num, buf->id, false);
	return 1;
}

/**
 * vnetsim_split_push() - see vnetsim_ring_push()
 * @q:   the queue
 * @id:  the buffer's
 * @len: bytes written
 *
 * Context: the worker's lock.
 */
void vnetsim_split_push(struct vnetsim_queue *q, u32 id, u32 len)
{
	struct vnetsim_split *s = &q->split;
	struct vring_used_elem *elem = &s->ring.used->ring[s->used_idx & (q->num - 1)];

	WRITE_ONCE(elem->id, to32(q, id));
	WRITE_ONCE(elem->len, to32(q, len));
	s->used_idx++;
}

/**
 * vnetsim_split_publish() - see vnetsim_ring_publish()
 * @q: the queue
 *
 * Context: the worker's lock.
 */
void vnetsim_split_publish(struct vnetsim_queue *q)
{
	u16 idx = q->split.used_idx;

	if (vnetsim_hit(q, VNETSIM_BUG_USED_IDX_NEXT))
		idx++;
	if (vnetsim_hit(q, VNETSIM_BUG_USED_IDX_JUMP))
		idx += U16_MAX;
	if (vnetsim_hit(q, VNETSIM_BUG_USED_IDX_BACK))
		idx -= 2;
	if (vnetsim_mutates_queue(q, true))
		idx = vnetsim_roll(&q->dice);
	/* After all that was pushed. */
	smp_store_release(&q->split.ring.used->idx, to16(q, idx));
}

/**
 * vnetsim_split_tamper() - change a descriptor that the device has taken
 * @q:   the queue
 * @id:  its number
 * @bug: how
 *
 * Context: the worker's lock.
 */
void vnetsim_split_tamper(struct vnetsim_queue *q, u16 id, enum vnetsim_bug bug)
{
	struct vring_desc *desc = &q->split.ring.desc[id % q->num];

	switch (bug) {
	case VNETSIM_BUG_DESC_NEXT:
		desc->flags ^= to16(q, VRING_DESC_F_NEXT);
		desc->next = to16(q, (id + 1) % q->num);
		break;
	case VNETSIM_BUG_DESC_INDIRECT:
		desc->flags ^= to16(q, VRING_DESC_F_INDIRECT);
		break;
	default:
		desc->addr = cpu_to_virtio64(&q->sim->vdev, 0xdeadbeef000);
		desc->len = to32(q, U32_MAX);
	}
}

/**
 * vnetsim_split_last() - the last buffer that the driver made available
 * @q: the queue
 *
 * Context: any.
 * Return: its descriptor's number.
 */
u16 vnetsim_split_last(const struct vnetsim_queue *q)
{
	const struct vring *ring = &q->split.ring;
	u16 idx = from16(q, READ_ONCE(ring->avail->idx)) - 1;

	return from16(q, READ_ONCE(ring->avail->ring[idx % q->num]));
}

/**
 * vnetsim_split_deafen() - tell the driver not to notify
 * @q: the queue
 *
 * Context: the worker's lock.
 */
void vnetsim_split_deafen(struct vnetsim_queue *q)
{
	struct vnetsim_split *s = &q->split;

	WRITE_ONCE(*(__virtio16 *)&s->ring.used->ring[q->num], to16(q, s->avail_idx - 1));
	WRITE_ONCE(s->ring.used->flags, to16(q, VRING_USED_F_NO_NOTIFY));
}

/**
 * vnetsim_split_listen() - see vnetsim_ring_listen()
 * @q: the queue
 *
 * Context: the worker's lock.
 * Return: true if there is a buffer already.
 */
bool vnetsim_split_listen(struct vnetsim_queue *q)
{
	struct vnetsim_split *s = &q->split;

	if (q->event_idx)
		WRITE_ONCE(*(__virtio16 *)&s->ring.used->ring[q->num], to16(q, s->avail_idx));
	WRITE_ONCE(s->ring.used->flags, 0);
	/* The index must be seen before the look, or a notification is lost. */
	smp_mb();
	return from16(q, READ_ONCE(s->ring.avail->idx)) != s->avail_idx;
}

/**
 * vnetsim_split_wants_irq() - see vnetsim_ring_wants_irq()
 * @q: the queue
 *
 * Context: the queue's irq_lock.
 * Return: true if so.
 */
bool vnetsim_split_wants_irq(struct vnetsim_queue *q)
{
	struct vnetsim_split *s = &q->split;
	u16 old = q->signalled, new;

	/* What was used must be seen before the driver's wish is read. */
	smp_mb();
	if (!q->event_idx)
		return !(from16(q, READ_ONCE(s->ring.avail->flags)) & VRING_AVAIL_F_NO_INTERRUPT);
	new = from16(q, READ_ONCE(s->ring.used->idx));
	q->signalled = new;
	return vring_need_event(from16(q, READ_ONCE(s->ring.avail->ring[q->num])), new, old);
}
