// SPDX-License-Identifier: GPL-2.0
/*
 * A circular allocator of pool bytes and packet records; see txring.h.
 */
#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <cvm/kunit.h>

#include "txring.h"

/**
 * cvmnet_txring_init() - set up an empty ring
 * @ring: the ring
 * @recs: memory for its records
 * @nr_recs: how many, a power of two
 * @limit: how many may be taken at once, at most @nr_recs
 * @chunk: bytes of one chunk of pool memory, a power of two, or 0 without a pool
 * @nr_chunks: chunks of pool memory
 */
void cvmnet_txring_init(struct cvmnet_txring *ring, struct cvmnet_tx_rec *recs, u32 nr_recs,
			u32 limit, u32 chunk, u32 nr_chunks)
{
	ring->recs = recs;
	ring->rec_mask = nr_recs - 1;
	ring->rec_limit = min(limit, nr_recs);
	ring->chunk = chunk;
	ring->size = chunk * nr_chunks;
	cvmnet_txring_clear(ring);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_txring_init);

/**
 * cvmnet_txring_clear() - forget everything in flight
 * @ring: the ring; its records hold no skb any more
 */
void cvmnet_txring_clear(struct cvmnet_txring *ring)
{
	ring->head = 0;
	ring->free = ring->size;
	ring->rec_head = 0;
	ring->rec_tail = 0;
	ring->marked = false;
	if (ring->recs)
		memset(ring->recs, 0, sizeof(*ring->recs) * (ring->rec_mask + 1));
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_txring_clear);

/* What taking len bytes costs at the present head: padding and all. */
static u32 cvmnet_txring_cost(const struct cvmnet_txring *ring, u32 len, u32 *at)
{
	u32 need = ALIGN(len, CVMNET_TXRING_ALIGN);
	u32 left, skip = 0;

	*at = ring->head;
	left = ring->chunk - (ring->head & (ring->chunk - 1));
	if (left < need) {
		/* Never across the end of a chunk: the next one may lie elsewhere. */
		skip = left;
		*at = ring->head + left == ring->size ? 0 : ring->head + left;
	}
	return skip + need;
}

/**
 * cvmnet_txring_fits() - could a packet be taken now?
 * @ring: the ring
 * @len: its bytes of pool memory; 0 when it only needs a record
 *
 * Return: true if cvmnet_txring_take() would succeed.
 */
bool cvmnet_txring_fits(const struct cvmnet_txring *ring, u32 len)
{
	u32 at;

	if (cvmnet_txring_used(ring) >= ring->rec_limit)
		return false;
	if (!len)
		return true;
	return len <= ring->chunk && cvmnet_txring_cost(ring, len, &at) <= ring->free;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_txring_fits);

/**
 * cvmnet_txring_take() - take a record, and pool bytes for a packet
 * @ring: the ring
 * @len: bytes of pool memory; 0 for none
 * @offset: receives where they start
 *
 * Return: the record, in state CVMNET_TX_SENT; NULL if there is no room.
 */
struct cvmnet_tx_rec *cvmnet_txring_take(struct cvmnet_txring *ring, u32 len, u32 *offset)
{
	struct cvmnet_tx_rec *rec;
	u32 cost = 0, at;

	if (unlikely(cvmnet_txring_used(ring) >= ring->rec_limit))
		return NULL;
	if (len) {
		if (unlikely(len > ring->chunk))
			return NULL;
		/* Idle: start over where the lines are in the cache. */
		if (ring->free == ring->size)
			ring->head = 0;
		cost = cvmnet_txring_cost(ring, len, &at);
		if (unlikely(cost > ring->free))
			return NULL;
		*offset = at;
		at += ALIGN(len, CVMNET_TXRING_ALIGN);
		ring->head = at == ring->size ? 0 : at;
		ring->free -= cost;
	}
	rec = &ring->recs[ring->rec_head++ & ring->rec_mask];
	rec->taken = cost;
	rec->state = CVMNET_TX_SENT;
	return rec;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_txring_take);

/**
 * cvmnet_txring_untake() - undo the last cvmnet_txring_take()
 * @ring: the ring
 * @rec: its record
 *
 * The bytes skipped at a chunk's end come back too, so nothing changes.
 */
void cvmnet_txring_untake(struct cvmnet_txring *ring, struct cvmnet_tx_rec *rec)
{
	ring->rec_head--;
	ring->free += rec->taken;
	if (rec->taken)
		ring->head = ring->head >= rec->taken ? ring->head - rec->taken :
			     ring->head + ring->size - rec->taken;
	rec->state = CVMNET_TX_FREE;
	rec->taken = 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_txring_untake);

/**
 * cvmnet_txring_give() - give a packet back
 * @ring: the ring
 * @rec: its record
 *
 * Return: false if it was not in flight: the device completed it twice.
 */
bool cvmnet_txring_give(struct cvmnet_txring *ring, struct cvmnet_tx_rec *rec)
{
	if (unlikely(rec->state != CVMNET_TX_SENT))
		return false;
	rec->state = CVMNET_TX_DONE;
	while (ring->rec_tail != ring->rec_head) {
		rec = &ring->recs[ring->rec_tail & ring->rec_mask];
		if (rec->state != CVMNET_TX_DONE)
			break;
		rec->state = CVMNET_TX_FREE;
		ring->free += rec->taken;
		ring->rec_tail++;
	}
	return true;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_txring_give);

/**
 * cvmnet_txring_stalled() - is the oldest packet the same as when last asked?
 * @ring: the ring
 *
 * Whoever gives packets back meanwhile, and from where, does not matter.
 *
 * Return: true if it is; false when asked for the first time.
 */
bool cvmnet_txring_stalled(struct cvmnet_txring *ring)
{
	bool stalled = ring->marked && ring->mark == ring->rec_tail;

	ring->mark = ring->rec_tail;
	ring->marked = true;
	return stalled;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_txring_stalled);
