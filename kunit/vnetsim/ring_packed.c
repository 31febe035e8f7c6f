// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: the packed ring, as the device sees it.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "vnetsim.h"

#define AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define USED	BIT(VRING_PACKED_DESC_F_USED)
#define WRAP	BIT(VRING_PACKED_EVENT_F_WRAP_CTR)

/**
 * vnetsim_packed_init() - find the parts of the ring
 * @q: the queue
 *
 * Context: the worker's lock.
 */
void vnetsim_packed_init(struct vnetsim_queue *q)
{
	struct vnetsim_packed *p = &q->pack;

	p->desc = vnetsim_ring_va(q->sim, virtqueue_get_desc_addr(q->vq), 1);
	p->driver = vnetsim_ring_va(q->sim, virtqueue_get_avail_addr(q->vq), 1);
	p->device = vnetsim_ring_va(q->sim, virtqueue_get_used_addr(q->vq), 1);
	p->avail_idx = 0;
	p->used_idx = 0;
	p->avail_wrap = true;
	p->used_wrap = true;
	p->first = false;
	p->total = 0;
	p->shown = 0;
}

static bool is_avail(const struct vnetsim_packed *p)
{
	u16 flags = le16_to_cpu(READ_ONCE(p->desc[p->avail_idx].flags));

	return !!(flags & AVAIL) == p->avail_wrap && !!(flags & USED) != p->avail_wrap;
}

static bool add_table(struct vnetsim_queue *q, struct vnetsim_buf *buf, u64 addr, u32 len)
{
	struct vring_packed_desc *table = vnetsim_ring_va(q->sim, addr, len);
	unsigned int i;

	if (!table || len % sizeof(*table) ||
	    !vnetsim_has(q->sim, VIRTIO_RING_F_INDIRECT_DESC)) {
		vnetsim_violate(q->sim, VNETSIM_V_INDIRECT);
		return false;
	}
	for (i = 0; i < len / sizeof(*table); i++)
		if (!vnetsim_buf_add(q, buf, le64_to_cpu(table[i].addr), le32_to_cpu(table[i].len),
				     le16_to_cpu(table[i].flags) & VRING_DESC_F_WRITE))
			return false;
	return true;
}

/* One descriptor of a chain; its flags tell whether another one follows. */
static u16 take(struct vnetsim_queue *q, struct vnetsim_buf *buf)
{
	struct vnetsim_packed *p = &q->pack;
	struct vring_packed_desc desc;
	u16 flags;

	memcpy(&desc, &p->desc[p->avail_idx], sizeof(desc));
	/* Read once: what is checked is what is used. */
	barrier();
	flags = le16_to_cpu(desc.flags);
	buf->descs++;
	buf->id = le16_to_cpu(desc.id);
	if (++p->avail_idx == q->num) {
		p->avail_idx = 0;
		p->avail_wrap = !p->avail_wrap;
	}
	if (buf->bad)
		return flags;
	if (flags & VRING_DESC_F_INDIRECT)
		buf->bad = !add_table(q, buf, le64_to_cpu(desc.addr), le32_to_cpu(desc.len));
	else
		buf->bad = !vnetsim_buf_add(q, buf, le64_to_cpu(desc.addr), le32_to_cpu(desc.len),
					    flags & VRING_DESC_F_WRITE);
	return flags;
}

/**
 * vnetsim_packed_pop() - see vnetsim_ring_pop()
 * @q:   the queue
 * @buf: receives the buffer
 *
 * Context: the worker's lock.
 * Return: 1 or 0.
 */
int vnetsim_packed_pop(struct vnetsim_queue *q, struct vnetsim_buf *buf)
{
	if (!is_avail(&q->pack))
		return 0;
	/* The first one's flags make all of the chain valid. */
	smp_rmb();
	while (take(q, buf) & VRING_DESC_F_NEXT) {
		if (buf->descs < q->num)
			continue;
		vnetsim_violate(q->sim, VNETSIM_V_CHAIN);
		buf->bad = true;
		break;
	}
	return 1;
}

/**
 * vnetsim_packed_push() - see vnetsim_ring_push()
 * @q:     the queue
 * @id:    the buffer's
 * @descs: ring entries that it took
 * @len:   bytes written
 *
 * Context: the worker's lock.
 */
void vnetsim_packed_push(struct vnetsim_queue *q, u16 id, u16 descs, u32 len)
{
	struct vnetsim_packed *p = &q->pack;
	struct vring_packed_desc *desc = &p->desc[p->used_idx];
	u16 flags = p->used_wrap ? AVAIL | USED : 0;

	if (len)
		flags |= VRING_DESC_F_WRITE;
	WRITE_ONCE(desc->id, cpu_to_le16(id));
	WRITE_ONCE(desc->len, cpu_to_le32(len));
	if (!p->first) {
		/* Its flags come last: the driver stops to look there. */
		p->first = true;
		p->first_idx = p->used_idx;
		p->first_flags = flags;
	} else {
		/* After what it stands for. */
		smp_store_release(&desc->flags, cpu_to_le16(flags));
	}

	p->total += descs;
	p->used_idx += descs;
	if (p->used_idx >= q->num) {
		p->used_idx -= q->num;
		p->used_wrap = !p->used_wrap;
	}
}

/**
 * vnetsim_packed_behind() - has the driver filled the entry that is used next?
 * @q: the queue
 *
 * Context: the worker's lock.
 * Return: true if so: what is written there is seen, and not written over.
 */
bool vnetsim_packed_behind(const struct vnetsim_queue *q)
{
	return q->pack.used_idx != q->pack.avail_idx || is_avail(&q->pack);
}

/* Entries that were not used, beyond those that were. */
static void publish_too_many(struct vnetsim_queue *q, unsigned int n)
{
	struct vnetsim_packed *p = &q->pack;
	unsigned int i = p->used_idx;
	bool wrap = p->used_wrap;

	while (n--) {
		p->desc[i].flags = cpu_to_le16(wrap ? AVAIL | USED : 0);
		if (++i == q->num) {
			i = 0;
			wrap = !wrap;
		}
	}
}

/* Used and not used, in turns, while the driver looks. */
static void toggle(struct vnetsim_queue *q)
{
	struct vring_packed_desc *desc = &q->pack.desc[q->pack.first_idx];
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		WRITE_ONCE(desc->flags, desc->flags ^ cpu_to_le16(USED));
		cpu_relax();
	}
}

/**
 * vnetsim_packed_publish() - see vnetsim_ring_publish()
 * @q: the queue
 *
 * Context: the worker's lock.
 */
void vnetsim_packed_publish(struct vnetsim_queue *q)
{
	struct vnetsim_packed *p = &q->pack;

	if (!p->first)
		return;
	if (vnetsim_hit(q, VNETSIM_BUG_USED_IDX_NEXT))
		publish_too_many(q, 1);
	if (vnetsim_hit(q, VNETSIM_BUG_USED_IDX_JUMP))
		publish_too_many(q, q->num - 1);
	if (vnetsim_hit(q, VNETSIM_BUG_PACKED_WRAP))
		p->first_flags ^= AVAIL | USED;
	if (vnetsim_mutates_queue(q, true))
		p->first_flags = vnetsim_roll(&q->dice);
	/* After all that was pushed. */
	smp_store_release(&p->desc[p->first_idx].flags, cpu_to_le16(p->first_flags));
	if (vnetsim_hit(q, VNETSIM_BUG_PACKED_TOGGLE))
		toggle(q);
	p->first = false;
	WRITE_ONCE(p->shown, p->total);
}

/**
 * vnetsim_packed_tamper() - change the last descriptor that the device has taken
 * @q:   the queue
 * @bug: how
 *
 * Context: the worker's lock.
 */
void vnetsim_packed_tamper(struct vnetsim_queue *q, enum vnetsim_bug bug)
{
	struct vnetsim_packed *p = &q->pack;
	struct vring_packed_desc *desc = &p->desc[(p->avail_idx ?: q->num) - 1];

	switch (bug) {
	case VNETSIM_BUG_DESC_NEXT:
		desc->flags ^= cpu_to_le16(VRING_DESC_F_NEXT);
		desc->id = cpu_to_le16(U16_MAX);
		break;
	case VNETSIM_BUG_DESC_INDIRECT:
		desc->flags ^= cpu_to_le16(VRING_DESC_F_INDIRECT);
		break;
	default:
		desc->addr = cpu_to_le64(0xdeadbeef000);
		desc->len = cpu_to_le32(U32_MAX);
	}
}

/**
 * vnetsim_packed_deafen() - tell the driver not to notify
 * @q: the queue
 *
 * Context: the worker's lock.
 */
void vnetsim_packed_deafen(struct vnetsim_queue *q)
{
	WRITE_ONCE(q->pack.device->flags, cpu_to_le16(VRING_PACKED_EVENT_FLAG_DISABLE));
}

/**
 * vnetsim_packed_listen() - see vnetsim_ring_listen()
 * @q: the queue
 *
 * Context: the worker's lock.
 * Return: true if there is a buffer already.
 */
bool vnetsim_packed_listen(struct vnetsim_queue *q)
{
	struct vnetsim_packed *p = &q->pack;
	u16 flags = VRING_PACKED_EVENT_FLAG_ENABLE;

	if (q->event_idx) {
		WRITE_ONCE(p->device->off_wrap,
			   cpu_to_le16(p->avail_idx | (p->avail_wrap ? WRAP : 0)));
		flags = VRING_PACKED_EVENT_FLAG_DESC;
	}
	/* After the index that it gives a meaning to. */
	smp_store_release(&p->device->flags, cpu_to_le16(flags));
	/* The index must be seen before the look, or a notification is lost. */
	smp_mb();
	return is_avail(p);
}

/**
 * vnetsim_packed_wants_irq() - see vnetsim_ring_wants_irq()
 * @q: the queue
 *
 * Context: the queue's irq_lock.
 * Return: true if so.
 */
bool vnetsim_packed_wants_irq(struct vnetsim_queue *q)
{
	struct vnetsim_packed *p = &q->pack;
	u32 new, old = q->signalled;
	u16 flags, off_wrap;
	bool wrap;
	int behind;

	/* What was used must be seen before the driver's wish is read. */
	smp_mb();
	new = READ_ONCE(p->shown);
	q->signalled = new;
	flags = le16_to_cpu(READ_ONCE(p->driver->flags));
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	/* The index belongs to the flags that were read. */
	smp_rmb();
	off_wrap = le16_to_cpu(READ_ONCE(p->driver->off_wrap));
	/* How far behind us is the entry that the driver waits for? */
	wrap = !(new / q->num % 2);
	behind = (int)(new % q->num) - (off_wrap & ~WRAP);
	if (!!(off_wrap & WRAP) != wrap)
		behind += q->num;
	return behind > 0 && (u32)behind <= new - old;
}
