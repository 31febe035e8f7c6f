/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The records of packets in flight, and a circular allocator of pool bytes for
 * them.  Pure: knows offsets, not memory.
 *
 * Records are taken in order and given back in any order; what is given back
 * counts as free when everything older is given back too.  So the free bytes
 * are always one circular range, and an allocation is a few additions.
 */
#ifndef CVMNET_TXRING_H
#define CVMNET_TXRING_H

#include <linux/types.h>

struct sk_buff;

/* Packets start on cache lines of their own: the device reads one, we write the next. */
#define CVMNET_TXRING_ALIGN	64

enum cvmnet_tx_state {
	CVMNET_TX_FREE,		/* not taken */
	CVMNET_TX_SENT,		/* the device's */
	CVMNET_TX_DONE,		/* given back, waits for older ones */
};

struct cvmnet_tx_rec {
	u32 taken;		/* pool bytes, with what was skipped to get them */
	u32 bytes;		/* of the packet, for BQL */
	u16 descs;		/* of the virtqueue */
	u8 state;
	struct sk_buff *skb;	/* until the device is done with it; NULL if copied */
};

struct cvmnet_txring {
	u32 size;		/* bytes: chunks of equal size */
	u32 chunk;
	u32 head;		/* where the next packet is tried */
	u32 free;
	u32 rec_head;		/* monotonic: next record to take */
	u32 rec_tail;		/* oldest record not given back */
	u32 rec_mask;
	u32 rec_limit;		/* records that may be taken at once */
	struct cvmnet_tx_rec *recs;
	u32 mark;		/* rec_tail when cvmnet_txring_stalled() was asked last */
	bool marked;		/* it has been asked */
};

void cvmnet_txring_init(struct cvmnet_txring *ring, struct cvmnet_tx_rec *recs, u32 nr_recs,
			u32 limit, u32 chunk, u32 nr_chunks);
void cvmnet_txring_clear(struct cvmnet_txring *ring);
bool cvmnet_txring_fits(const struct cvmnet_txring *ring, u32 len);
struct cvmnet_tx_rec *cvmnet_txring_take(struct cvmnet_txring *ring, u32 len, u32 *offset);
void cvmnet_txring_untake(struct cvmnet_txring *ring, struct cvmnet_tx_rec *rec);
bool cvmnet_txring_give(struct cvmnet_txring *ring, struct cvmnet_tx_rec *rec);
bool cvmnet_txring_stalled(struct cvmnet_txring *ring);

/**
 * cvmnet_txring_used() - records in flight, or waiting for older ones
 * @ring: the ring
 *
 * Return: their number.
 */
static inline u32 cvmnet_txring_used(const struct cvmnet_txring *ring)
{
	return ring->rec_head - ring->rec_tail;
}

#endif /* CVMNET_TXRING_H */
