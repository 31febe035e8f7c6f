// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: the device side of a ring, whatever its layout; and buffers.
 */
#include <linux/dma-direct.h>
#include <linux/mm.h>
#include <linux/virtio_ring.h>

#include "vnetsim.h"

/**
 * vnetsim_ring_init() - start to read a ring at its beginning
 * @q: the queue; its virtqueue exists
 *
 * Context: the worker's lock.
 */
void vnetsim_ring_init(struct vnetsim_queue *q)
{
	q->num = virtqueue_get_vring_size(q->vq);
	q->packed = vnetsim_has(q->sim, VIRTIO_F_RING_PACKED);
	q->event_idx = vnetsim_has(q->sim, VIRTIO_RING_F_EVENT_IDX);
	q->signalled = 0;
	if (q->packed)
		vnetsim_packed_init(q);
	else
		vnetsim_split_init(q);
}

/**
 * vnetsim_ring_va() - where an address that the driver gave lies
 * @sim:  the device
 * @addr: the address, as the device's DMA sees it
 * @len:  bytes that are wanted
 *
 * Context: any.
 * Return: the memory, or NULL where there is none.
 */
void *vnetsim_ring_va(struct vnetsim *sim, u64 addr, u32 len)
{
	phys_addr_t phys = addr;

	if (!virtio_has_dma_quirk(&sim->vdev))
		phys = dma_to_phys(&sim->parent->dev, addr);
	if (!len || phys + len < phys || !pfn_valid(PHYS_PFN(phys)) ||
	    !pfn_valid(PHYS_PFN(phys + len - 1)))
		return NULL;
	return phys_to_virt(phys);
}

/**
 * vnetsim_buf_add() - one more piece of memory of a buffer
 * @q:     the queue
 * @buf:   the buffer
 * @addr:  address of the piece
 * @len:   its length
 * @write: for the device to write
 *
 * Context: the worker's lock.
 * Return: false if the driver must not do that; it has been counted.
 */
bool vnetsim_buf_add(struct vnetsim_queue *q, struct vnetsim_buf *buf, u64 addr, u32 len,
		     bool write)
{
	struct vnetsim_seg *seg;

	if (buf->segs == VNETSIM_SEGS_MAX) {
		vnetsim_violate(q->sim, VNETSIM_V_CHAIN);
		return false;
	}
	if (!write && buf->in) {
		vnetsim_violate(q->sim, VNETSIM_V_ORDER);
		return false;
	}
	seg = &buf->seg[buf->segs];
	seg->va = vnetsim_ring_va(q->sim, addr, len);
	if (!seg->va) {
		vnetsim_violate(q->sim, VNETSIM_V_BAD_ADDRESS);
		return false;
	}
	seg->len = len;
	seg->write = write;
	buf->segs++;
	if (write)
		buf->in += len;
	else
		buf->out += len;
	return true;
}

/* Copy to or from the pieces of one direction, beginning at an offset into them. */
static u32 buf_copy(const struct vnetsim_buf *buf, bool write, u32 from, void *data, u32 len)
{
	unsigned int i;
	u32 done = 0;

	for (i = 0; i < buf->segs && done < len; i++) {
		const struct vnetsim_seg *seg = &buf->seg[i];
		u32 n;

		if (seg->write != write)
			continue;
		if (from >= seg->len) {
			from -= seg->len;
			continue;
		}
		n = min(seg->len - from, len - done);
		if (write)
			memcpy(seg->va + from, data + done, n);
		else
			memcpy(data + done, seg->va + from, n);
		done += n;
		from = 0;
	}
	return done;
}

/**
 * vnetsim_buf_read() - read what the driver wrote into a buffer
 * @buf:  the buffer
 * @from: offset
 * @to:   where to put it
 * @len:  bytes wanted
 *
 * Context: the worker's lock.
 * Return: bytes read.
 */
u32 vnetsim_buf_read(const struct vnetsim_buf *buf, u32 from, void *to, u32 len)
{
	return buf_copy(buf, false, from, to, len);
}

/**
 * vnetsim_buf_write() - write into a buffer
 * @buf:  the buffer
 * @from: offset into the memory that can be written
 * @data: what
 * @len:  bytes
 *
 * Context: the worker's lock.
 * Return: bytes written.
 */
u32 vnetsim_buf_write(const struct vnetsim_buf *buf, u32 from, const void *data, u32 len)
{
	return buf_copy(buf, true, from, (void *)data, len);
}

/* Change what the driver wrote, behind its back. */
static void tamper(struct vnetsim_queue *q, u16 id)
{
	static const enum vnetsim_bug bugs[] = {
		VNETSIM_BUG_DESC_NEXT, VNETSIM_BUG_DESC_INDIRECT, VNETSIM_BUG_DESC_REWRITE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (!vnetsim_hit(q, bugs[i]))
			continue;
		if (q->packed)
			vnetsim_packed_tamper(q, bugs[i]);
		else
			vnetsim_split_tamper(q, id, bugs[i]);
	}
	if (!vnetsim_mutates_queue(q, true))
		return;
	/* Both kinds are of one size, whatever is where. */
	BUILD_BUG_ON(sizeof(struct vring_packed_desc) != sizeof(struct vring_desc));
	vnetsim_mutate_bytes(q->sim, &q->dice, q->packed ?
			     (void *)&q->pack.desc[(q->pack.avail_idx ?: q->num) - 1] :
			     (void *)&q->split.ring.desc[id % q->num], sizeof(struct vring_desc));
}

/**
 * vnetsim_ring_spoil() - say that the driver's last buffer goes on in another descriptor
 * @q: the queue
 *
 * Context: process; nothing is made available meanwhile.
 */
void vnetsim_ring_spoil(struct vnetsim_queue *q)
{
	if (q->packed)
		vnetsim_packed_tamper(q, VNETSIM_BUG_DESC_NEXT);
	else
		vnetsim_split_tamper(q, vnetsim_split_last(q), VNETSIM_BUG_DESC_NEXT);
}

/**
 * vnetsim_ring_pop() - take the next buffer that the driver made available
 * @q:   the queue
 * @buf: receives it
 *
 * Context: the worker's lock.
 * Return: 1; 0 if there is none.
 */
int vnetsim_ring_pop(struct vnetsim_queue *q, struct vnetsim_buf *buf)
{
	buf->bad = false;
	buf->segs = 0;
	buf->in = 0;
	buf->out = 0;
	buf->descs = 0;
	return q->packed ? vnetsim_packed_pop(q, buf) : vnetsim_split_pop(q, buf);
}

/**
 * vnetsim_ring_mark() - remember where the device reads
 * @q:    the queue
 * @mark: receives it
 *
 * Context: the worker's lock.
 */
void vnetsim_ring_mark(struct vnetsim_queue *q, struct vnetsim_mark *mark)
{
	mark->avail_idx = q->packed ? q->pack.avail_idx : q->split.avail_idx;
	mark->avail_wrap = q->pack.avail_wrap;
}

/**
 * vnetsim_ring_rewind() - take back what was popped since a mark, and not pushed
 * @q:    the queue
 * @mark: by vnetsim_ring_mark()
 *
 * Context: the worker's lock.
 */
void vnetsim_ring_rewind(struct vnetsim_queue *q, const struct vnetsim_mark *mark)
{
	if (q->packed) {
		q->pack.avail_idx = mark->avail_idx;
		q->pack.avail_wrap = mark->avail_wrap;
	} else {
		q->split.avail_idx = mark->avail_idx;
	}
}

static void push(struct vnetsim_queue *q, u32 id, u16 descs, u32 len)
{
	if (q->packed)
		vnetsim_packed_push(q, id, descs, len);
	else
		vnetsim_split_push(q, id, len);
}

/* Any at all, or one of those that could be meant. */
static u32 any_number(struct vnetsim_queue *q, u32 limit)
{
	u32 v = vnetsim_roll(&q->dice);

	return v % 2 ? v : v / 2 % limit;
}

/*
 * In a packed ring the driver may write over what was not its turn, before it sees that;
 * it hardly does in the control queue, where commands are rare.
 */
static bool may_repeat(const struct vnetsim_queue *q)
{
	return !q->packed || vnetsim_packed_behind(q) || vnetsim_queue_kind(q) == VNETSIM_ON_CTRL;
}

/**
 * vnetsim_ring_push() - a buffer is used; the driver sees it after the publication
 * @q:     the queue
 * @id:    the buffer's
 * @descs: the ring entries that it took
 * @len:   bytes written
 *
 * Context: the worker's lock.
 */
void vnetsim_ring_push(struct vnetsim_queue *q, u16 id, u16 descs, u32 len)
{
	u32 told = id;

	/* Not sooner: what was popped may be rewound, and would be read again. */
	if (unlikely(atomic_read(&q->sim->inject.armed)))
		tamper(q, id);
	if (vnetsim_hit(q, VNETSIM_BUG_USED_ID_RANGE))
		told = q->num + 3;
	if (vnetsim_hit(q, VNETSIM_BUG_USED_ID_MIDDLE))
		told = (id + 1) % q->num;
	if (vnetsim_mutates_queue(q, true))
		told = any_number(q, 2 * q->num);
	if (vnetsim_mutates_queue(q, false))
		len = any_number(q, 2 * PAGE_SIZE);
	push(q, told, descs, len);
	if (may_repeat(q) && vnetsim_hit(q, VNETSIM_BUG_USED_ID_FREE))
		push(q, id, 1, len);
}

/**
 * vnetsim_ring_hold() - tell of a packet after the next one, if it is time for that
 * @q:    the queue
 * @used: the packet's only buffer
 *
 * Context: the worker's lock.
 * Return: true if it is held back, and must not be pushed.
 */
bool vnetsim_ring_hold(struct vnetsim_queue *q, const struct vnetsim_used *used)
{
	if (q->held.descs || !vnetsim_hit(q, VNETSIM_BUG_REORDER))
		return false;
	q->held = *used;
	return true;
}

/**
 * vnetsim_ring_unhold() - push what was held back
 * @q: the queue
 *
 * Context: the worker's lock.
 * Return: how many buffers that were.
 */
unsigned int vnetsim_ring_unhold(struct vnetsim_queue *q)
{
	if (!q->held.descs)
		return 0;
	push(q, q->held.id, q->held.descs, q->held.len);
	q->held.descs = 0;
	return 1;
}

/**
 * vnetsim_ring_publish() - show the driver all used buffers at once
 * @q: the queue
 *
 * Context: the worker's lock.
 */
void vnetsim_ring_publish(struct vnetsim_queue *q)
{
	if (q->packed)
		vnetsim_packed_publish(q);
	else
		vnetsim_split_publish(q);
}

/**
 * vnetsim_ring_listen() - ask to be notified of the next buffer
 * @q: the queue
 *
 * Context: the worker's lock.
 * Return: true if there is one already.
 */
bool vnetsim_ring_listen(struct vnetsim_queue *q)
{
	if (vnetsim_hit(q, VNETSIM_BUG_KICK_OFF)) {
		if (q->packed)
			vnetsim_packed_deafen(q);
		else
			vnetsim_split_deafen(q);
		return false;
	}
	return q->packed ? vnetsim_packed_listen(q) : vnetsim_split_listen(q);
}

/**
 * vnetsim_ring_wants_irq() - does the driver want to hear of what was used?
 * @q: the queue
 *
 * Context: the queue's irq_lock.
 * Return: true if so.
 */
bool vnetsim_ring_wants_irq(struct vnetsim_queue *q)
{
	return q->packed ? vnetsim_packed_wants_irq(q) : vnetsim_split_wants_irq(q);
}
