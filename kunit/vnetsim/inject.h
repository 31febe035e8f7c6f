/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vnetsim: what the device can do wrong, by name.
 *
 * In brackets: the behaviour's number in Documentation/vnetsim.rst.
 */
#ifndef VNETSIM_INJECT_H
#define VNETSIM_INJECT_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct vnetsim;
struct vnetsim_queue;
struct virtio_net_hdr_v1_hash;

enum vnetsim_bug {
	/* Rings */
	VNETSIM_BUG_USED_ID_RANGE,	/* [1] */
	VNETSIM_BUG_USED_ID_FREE,	/* [2] */
	VNETSIM_BUG_USED_ID_MIDDLE,	/* [3] */
	VNETSIM_BUG_USED_IDX_NEXT,	/* [4] one too many */
	VNETSIM_BUG_USED_IDX_JUMP,	/* [4] 65535 too many */
	VNETSIM_BUG_USED_IDX_BACK,	/* [5] */
	VNETSIM_BUG_LEN_ZERO,		/* [6] */
	VNETSIM_BUG_LEN_HEADER,		/* [6] less than one */
	VNETSIM_BUG_LEN_RUNT,		/* [6] */
	VNETSIM_BUG_LEN_OVER,		/* [7] one too many */
	VNETSIM_BUG_LEN_PAGE,		/* [7] */
	VNETSIM_BUG_LEN_2G,		/* [7] */
	VNETSIM_BUG_LEN_MAX,		/* [7] */
	VNETSIM_BUG_DESC_NEXT,		/* [9] */
	VNETSIM_BUG_DESC_INDIRECT,	/* [9] */
	VNETSIM_BUG_DESC_REWRITE,	/* [10] */
	VNETSIM_BUG_PACKED_WRAP,	/* [11] */
	VNETSIM_BUG_PACKED_TOGGLE,	/* [11] */
	VNETSIM_BUG_KICK_OFF,		/* [13] */
	VNETSIM_BUG_STALL,		/* [14] [16] */
	VNETSIM_BUG_EARLY,		/* [15] */
	VNETSIM_BUG_REORDER,		/* [17] */
	VNETSIM_BUG_IRQ_STORM,		/* [18] */
	VNETSIM_BUG_IRQ_EARLY,		/* [19] */
	VNETSIM_BUG_IRQ_LOST,		/* [20] */
	/* Received packets */
	VNETSIM_BUG_BUFFERS_0,		/* [22] */
	VNETSIM_BUG_BUFFERS_MORE,	/* [23] */
	VNETSIM_BUG_BUFFERS_19,		/* [24] */
	VNETSIM_BUG_BUFFERS_MAX,	/* [24] */
	VNETSIM_BUG_BUFFERS_7,		/* [25] */
	VNETSIM_BUG_FLIP_HEADER,	/* [26] */
	VNETSIM_BUG_FLIP_PAYLOAD,	/* [27] */
	VNETSIM_BUG_STRAY_WRITE,	/* [28] */
	VNETSIM_BUG_GSO_UNKNOWN,	/* [29] */
	VNETSIM_BUG_GSO_MIXED,		/* [29] */
	VNETSIM_BUG_GSO_ECN,		/* [29] */
	VNETSIM_BUG_GSO_TCP,		/* [30] */
	VNETSIM_BUG_GSO_SIZE_0,		/* [31] */
	VNETSIM_BUG_GSO_SIZE_1,		/* [31] */
	VNETSIM_BUG_GSO_SIZE_MAX,	/* [31] */
	VNETSIM_BUG_CSUM_START_0,	/* [32] */
	VNETSIM_BUG_CSUM_START_MAX,	/* [32] */
	VNETSIM_BUG_CSUM_END,		/* [32] */
	VNETSIM_BUG_CSUM_WRAP,		/* [32] */
	VNETSIM_BUG_CSUM_NEEDED,	/* [33] */
	VNETSIM_BUG_CSUM_BOTH,		/* [34] */
	VNETSIM_BUG_CSUM_VALID,		/* [34] and it is not */
	VNETSIM_BUG_HDR_LEN,		/* [35] */
	VNETSIM_BUG_TUNNEL,		/* [36] */
	VNETSIM_BUG_HASH_REPORT,	/* [37] */
	VNETSIM_BUG_HASH_SAME,		/* [37] */
	VNETSIM_BUG_QUEUE_LAST,		/* [38] */
	VNETSIM_BUG_FRAME_14,		/* [39] */
	VNETSIM_BUG_FRAME_VLAN,		/* [39] a runt */
	VNETSIM_BUG_FRAME_FULL,		/* [39] all of the buffer */
	VNETSIM_BUG_PIECES,		/* [40] of one byte */
	VNETSIM_BUG_PIECE_EMPTY,	/* [40] */
	/* Control queue */
	VNETSIM_BUG_CTRL_SILENT,	/* [41] */
	VNETSIM_BUG_CTRL_LATE,		/* [42] */
	VNETSIM_BUG_CTRL_ACK,		/* [43] 255 */
	VNETSIM_BUG_CTRL_ACK_NONE,	/* [43] */
	VNETSIM_BUG_STATS_SIZE_0,	/* [47] */
	VNETSIM_BUG_STATS_SIZE_MAX,	/* [47] */
	VNETSIM_BUG_STATS_TYPE,		/* [47] */
	VNETSIM_BUG_STATS_QUEUE,	/* [47] */
	VNETSIM_BUG_STATS_TWICE,	/* [47] */
	VNETSIM_BUG_STATS_CAPABLE,	/* [48] */
	/* Configuration, status, life */
	VNETSIM_BUG_CONFIG_STORM,	/* [21] [54] */
	VNETSIM_BUG_CONFIG_PAIRS,	/* [49] changes */
	VNETSIM_BUG_CONFIG_GENERATION,	/* [55] */
	VNETSIM_BUG_CONFIG_ONES,	/* [61] */
	VNETSIM_BUG_RESET_SLOW,		/* [60] */
	VNETSIM_BUG_VQ_RESET_FAILS,	/* [60] */
	VNETSIM_BUG_VQ_RESET_NEXT,	/* [9] while the core takes buffers back */
	VNETSIM_BUG_FEATURES_NOT_OK,	/* [60] */
	VNETSIM_BUG_STATUS_ONES,	/* [61] */
	VNETSIM_BUG_NO_VECTORS,		/* [62] */
	VNETSIM_BUG_COUNT
};

/* Queues that a bug is for. */
#define VNETSIM_ON_RX	BIT(0)
#define VNETSIM_ON_TX	BIT(1)
#define VNETSIM_ON_CTRL	BIT(2)

/**
 * struct vnetsim_armed - a bug that is to happen
 * @left: so many times; negative: for ever
 * @on:   on these queues
 * @hits: how often it has happened
 */
struct vnetsim_armed {
	atomic_t left;
	unsigned int on;
	atomic64_t hits;
};

/**
 * struct vnetsim_dice - random numbers of the mutator, for one queue or for all else
 * @lock:  protects what follows; taken in interrupts
 * @state: the generator
 * @draws: how many numbers were drawn
 * @hash:  of all of them, in their order
 */
struct vnetsim_dice {
	spinlock_t lock; /* see above */
	struct rnd_state state;
	u64 draws;
	u32 hash;
};

/* How much rarer the mutator does what needs a reset afterwards, unless told otherwise */
#define VNETSIM_FUZZ_RARE	256
/* ... and what has the driver wait until it looks by itself */
#define VNETSIM_FUZZ_PAUSE	64

struct vnetsim_inject {
	atomic_t armed;				/* how many bugs are; mostly none */
	struct vnetsim_armed bug[VNETSIM_BUG_COUNT];
	/* The mutator: one of so many chances is taken; 0: off */
	u32 rate;
	u32 rare;				/* one of so many again, where it is fatal */
	u64 seed;
	atomic64_t mutations;
};

extern const char * const vnetsim_bug_names[VNETSIM_BUG_COUNT];

bool vnetsim_armed(const struct vnetsim_queue *q, enum vnetsim_bug bug);
bool __vnetsim_hit(struct vnetsim *sim, struct vnetsim_dice *dice, enum vnetsim_bug bug,
		   unsigned int on);
int vnetsim_inject_arm(struct vnetsim *sim, const char *name, unsigned int on, int count);
void vnetsim_inject_clear(struct vnetsim *sim);
void vnetsim_fuzz_start(struct vnetsim *sim, u64 seed, u32 rate, u32 rare);

void vnetsim_bug_header(struct vnetsim_queue *q, struct virtio_net_hdr_v1_hash *hdr, u32 len);
u32 vnetsim_bug_len(struct vnetsim_queue *q, u32 len, u32 room);
void vnetsim_inject_init(struct vnetsim *sim);
void vnetsim_inject_exit(struct vnetsim *sim);
u32 vnetsim_roll(struct vnetsim_dice *dice);
bool vnetsim_mutates(struct vnetsim *sim, struct vnetsim_dice *dice, bool fatal);
void vnetsim_mutate_bytes(struct vnetsim *sim, struct vnetsim_dice *dice, void *bytes, u32 len);

#endif /* VNETSIM_INJECT_H */
