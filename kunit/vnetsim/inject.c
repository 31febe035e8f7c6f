// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: what the device does wrong when it is told to, and at random.
 */
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include <compat/time.h>
#include <cvm/kunit.h>

#include "vnetsim.h"

#define STORM_NS	(50 * NSEC_PER_USEC)

static __virtio16 w16(u16 v)
{
	return (__force __virtio16)cpu_to_le16(v);
}

const char * const vnetsim_bug_names[VNETSIM_BUG_COUNT] = {
	[VNETSIM_BUG_USED_ID_RANGE] = "used_id_range",
	[VNETSIM_BUG_USED_ID_FREE] = "used_id_free",
	[VNETSIM_BUG_USED_ID_MIDDLE] = "used_id_middle",
	[VNETSIM_BUG_USED_IDX_NEXT] = "used_idx_next",
	[VNETSIM_BUG_USED_IDX_JUMP] = "used_idx_jump",
	[VNETSIM_BUG_USED_IDX_BACK] = "used_idx_back",
	[VNETSIM_BUG_LEN_ZERO] = "len_zero",
	[VNETSIM_BUG_LEN_HEADER] = "len_header",
	[VNETSIM_BUG_LEN_RUNT] = "len_runt",
	[VNETSIM_BUG_LEN_OVER] = "len_over",
	[VNETSIM_BUG_LEN_PAGE] = "len_page",
	[VNETSIM_BUG_LEN_2G] = "len_2g",
	[VNETSIM_BUG_LEN_MAX] = "len_max",
	[VNETSIM_BUG_DESC_NEXT] = "desc_next",
	[VNETSIM_BUG_DESC_INDIRECT] = "desc_indirect",
	[VNETSIM_BUG_DESC_REWRITE] = "desc_rewrite",
	[VNETSIM_BUG_PACKED_WRAP] = "packed_wrap",
	[VNETSIM_BUG_PACKED_TOGGLE] = "packed_toggle",
	[VNETSIM_BUG_KICK_OFF] = "kick_off",
	[VNETSIM_BUG_STALL] = "stall",
	[VNETSIM_BUG_EARLY] = "early",
	[VNETSIM_BUG_REORDER] = "reorder",
	[VNETSIM_BUG_IRQ_STORM] = "irq_storm",
	[VNETSIM_BUG_IRQ_EARLY] = "irq_early",
	[VNETSIM_BUG_IRQ_LOST] = "irq_lost",
	[VNETSIM_BUG_BUFFERS_0] = "buffers_0",
	[VNETSIM_BUG_BUFFERS_MORE] = "buffers_more",
	[VNETSIM_BUG_BUFFERS_19] = "buffers_19",
	[VNETSIM_BUG_BUFFERS_MAX] = "buffers_max",
	[VNETSIM_BUG_BUFFERS_7] = "buffers_7",
	[VNETSIM_BUG_FLIP_HEADER] = "flip_header",
	[VNETSIM_BUG_FLIP_PAYLOAD] = "flip_payload",
	[VNETSIM_BUG_STRAY_WRITE] = "stray_write",
	[VNETSIM_BUG_GSO_UNKNOWN] = "gso_unknown",
	[VNETSIM_BUG_GSO_MIXED] = "gso_mixed",
	[VNETSIM_BUG_GSO_ECN] = "gso_ecn",
	[VNETSIM_BUG_GSO_TCP] = "gso_tcp",
	[VNETSIM_BUG_GSO_SIZE_0] = "gso_size_0",
	[VNETSIM_BUG_GSO_SIZE_1] = "gso_size_1",
	[VNETSIM_BUG_GSO_SIZE_MAX] = "gso_size_max",
	[VNETSIM_BUG_CSUM_START_0] = "csum_start_0",
	[VNETSIM_BUG_CSUM_START_MAX] = "csum_start_max",
	[VNETSIM_BUG_CSUM_END] = "csum_end",
	[VNETSIM_BUG_CSUM_WRAP] = "csum_wrap",
	[VNETSIM_BUG_CSUM_NEEDED] = "csum_needed",
	[VNETSIM_BUG_CSUM_BOTH] = "csum_both",
	[VNETSIM_BUG_CSUM_VALID] = "csum_valid",
	[VNETSIM_BUG_HDR_LEN] = "hdr_len",
	[VNETSIM_BUG_TUNNEL] = "tunnel",
	[VNETSIM_BUG_HASH_REPORT] = "hash_report",
	[VNETSIM_BUG_HASH_SAME] = "hash_same",
	[VNETSIM_BUG_QUEUE_LAST] = "queue_last",
	[VNETSIM_BUG_FRAME_14] = "frame_14",
	[VNETSIM_BUG_FRAME_VLAN] = "frame_vlan",
	[VNETSIM_BUG_FRAME_FULL] = "frame_full",
	[VNETSIM_BUG_PIECES] = "pieces",
	[VNETSIM_BUG_PIECE_EMPTY] = "piece_empty",
	[VNETSIM_BUG_CTRL_SILENT] = "ctrl_silent",
	[VNETSIM_BUG_CTRL_LATE] = "ctrl_late",
	[VNETSIM_BUG_CTRL_ACK] = "ctrl_ack",
	[VNETSIM_BUG_CTRL_ACK_NONE] = "ctrl_ack_none",
	[VNETSIM_BUG_STATS_SIZE_0] = "stats_size_0",
	[VNETSIM_BUG_STATS_SIZE_MAX] = "stats_size_max",
	[VNETSIM_BUG_STATS_TYPE] = "stats_type",
	[VNETSIM_BUG_STATS_QUEUE] = "stats_queue",
	[VNETSIM_BUG_STATS_TWICE] = "stats_twice",
	[VNETSIM_BUG_STATS_CAPABLE] = "stats_capable",
	[VNETSIM_BUG_CONFIG_STORM] = "config_storm",
	[VNETSIM_BUG_CONFIG_PAIRS] = "config_pairs",
	[VNETSIM_BUG_CONFIG_GENERATION] = "config_generation",
	[VNETSIM_BUG_CONFIG_ONES] = "config_ones",
	[VNETSIM_BUG_RESET_SLOW] = "reset_slow",
	[VNETSIM_BUG_VQ_RESET_FAILS] = "vq_reset_fails",
	[VNETSIM_BUG_VQ_RESET_NEXT] = "vq_reset_next",
	[VNETSIM_BUG_FEATURES_NOT_OK] = "features_not_ok",
	[VNETSIM_BUG_STATUS_ONES] = "status_ones",
	[VNETSIM_BUG_NO_VECTORS] = "no_vectors",
};

/*
 * The mutator leaves out what stands still for seconds or never ends, what writes to
 * buffers that are the driver's again: that is harmless only where it copies, and what has
 * the core unmap too much.
 */
static bool is_quick(enum vnetsim_bug bug)
{
	switch (bug) {
	case VNETSIM_BUG_FLIP_HEADER:
	case VNETSIM_BUG_FLIP_PAYLOAD:
	case VNETSIM_BUG_STALL:
	case VNETSIM_BUG_KICK_OFF:
	case VNETSIM_BUG_CTRL_SILENT:
	case VNETSIM_BUG_CTRL_LATE:
	case VNETSIM_BUG_RESET_SLOW:
	case VNETSIM_BUG_VQ_RESET_NEXT:
	case VNETSIM_BUG_IRQ_STORM:
	case VNETSIM_BUG_CONFIG_STORM:
	case VNETSIM_BUG_FEATURES_NOT_OK:
	case VNETSIM_BUG_STATUS_ONES:
	case VNETSIM_BUG_CONFIG_ONES:
	case VNETSIM_BUG_CONFIG_PAIRS:
	case VNETSIM_BUG_NO_VECTORS:
		return false;
	default:
		return true;
	}
}

/*
 * The mutator does this so many times as rarely as other things: little works until a reset
 * after some, and for up to a second, until the driver looks by itself, after another.
 */
static u32 rarity(const struct vnetsim_inject *inject, enum vnetsim_bug bug)
{
	switch (bug) {
	case VNETSIM_BUG_USED_ID_RANGE:
	case VNETSIM_BUG_USED_ID_FREE:
	case VNETSIM_BUG_USED_ID_MIDDLE:
	case VNETSIM_BUG_USED_IDX_NEXT:
	case VNETSIM_BUG_USED_IDX_JUMP:
	case VNETSIM_BUG_USED_IDX_BACK:
	case VNETSIM_BUG_DESC_NEXT:
	case VNETSIM_BUG_PACKED_WRAP:
	case VNETSIM_BUG_PACKED_TOGGLE:
	case VNETSIM_BUG_BUFFERS_MORE:
	case VNETSIM_BUG_BUFFERS_19:
	case VNETSIM_BUG_BUFFERS_7:
	case VNETSIM_BUG_CONFIG_GENERATION:
		return READ_ONCE(inject->rare);
	case VNETSIM_BUG_IRQ_LOST:
		return VNETSIM_FUZZ_PAUSE;
	default:
		return 1;
	}
}

/* What one seed makes of two of them has nothing in common. */
static void dice_seed(struct vnetsim_dice *dice, u64 seed, unsigned int who)
{
	spin_lock_irq(&dice->lock);
	prandom_seed_state(&dice->state, hash_64(seed << 8 | who, 64));
	dice->draws = 0;
	dice->hash = 0;
	spin_unlock_irq(&dice->lock);
}

/**
 * vnetsim_roll() - the next random number
 * @dice: whose
 *
 * Context: any.
 * Return: the number.
 */
u32 vnetsim_roll(struct vnetsim_dice *dice)
{
	unsigned long flags;
	u32 v;

	spin_lock_irqsave(&dice->lock, flags);
	v = prandom_u32_state(&dice->state);
	dice->draws++;
	dice->hash = hash_32(dice->hash ^ v, 32);
	spin_unlock_irqrestore(&dice->lock, flags);
	return v;
}

static bool mutates(struct vnetsim *sim, struct vnetsim_dice *dice, u32 rarer)
{
	u32 rate = READ_ONCE(sim->inject.rate);

	if (!rate || vnetsim_roll(dice) % (rate * rarer))
		return false;
	atomic64_inc(&sim->inject.mutations);
	return true;
}

/**
 * vnetsim_mutates() - is this the moment to do something at random?
 * @sim:   the device
 * @dice:  who asks
 * @fatal: little works afterwards until a reset, so it is kept rare
 *
 * Context: any.
 * Return: true if so; it has been counted.
 */
bool vnetsim_mutates(struct vnetsim *sim, struct vnetsim_dice *dice, bool fatal)
{
	return mutates(sim, dice, fatal ? READ_ONCE(sim->inject.rare) : 1);
}

/**
 * vnetsim_mutate_bytes() - change up to four of some bytes
 * @sim:   the device
 * @dice:  whose numbers
 * @bytes: the first
 * @len:   how many there are, not 0
 *
 * Context: any.
 */
void vnetsim_mutate_bytes(struct vnetsim *sim, struct vnetsim_dice *dice, void *bytes, u32 len)
{
	u32 n = vnetsim_roll(dice) % 4 + 1;

	while (n--) {
		u32 v = vnetsim_roll(dice);

		((u8 *)bytes)[(v & 0xffffff) % len] = v >> 24;
	}
}

/**
 * __vnetsim_hit() - is this the moment for a bug?
 * @sim:  the device
 * @dice: who asks
 * @bug:  the bug
 * @on:   VNETSIM_ON_* of the queue that is at it
 *
 * Context: any.
 * Return: true if so; it has been counted.
 */
bool __vnetsim_hit(struct vnetsim *sim, struct vnetsim_dice *dice, enum vnetsim_bug bug,
		   unsigned int on)
{
	struct vnetsim_inject *inject = &sim->inject;
	struct vnetsim_armed *armed = &inject->bug[bug];
	int left;

	if (is_quick(bug) && mutates(sim, dice, rarity(inject, bug))) {
		atomic64_inc(&armed->hits);
		return true;
	}
	if (!(armed->on & on))
		return false;
	left = atomic_read(&armed->left);
	if (!left)
		return false;
	if (left > 0 && atomic_dec_if_positive(&armed->left) < 0)
		return false;
	atomic64_inc(&armed->hits);
	return true;
}

/**
 * vnetsim_armed() - is a bug going to happen?
 * @q:   the queue
 * @bug: the bug
 *
 * Context: any.
 * Return: true if so; it is not counted.
 */
bool vnetsim_armed(const struct vnetsim_queue *q, enum vnetsim_bug bug)
{
	const struct vnetsim_armed *armed = &q->sim->inject.bug[bug];

	return unlikely(atomic_read(&q->sim->inject.armed)) && atomic_read(&armed->left) &&
	       armed->on & vnetsim_queue_kind(q);
}

/* Interrupts without work, and configuration changes, as fast as they may come. */
static enum hrtimer_restart storm(struct hrtimer *timer)
{
	struct vnetsim *sim = container_of(timer, struct vnetsim, storm);
	__virtio16 flap = w16(VIRTIO_NET_S_LINK_UP), nag = w16(VIRTIO_NET_S_ANNOUNCE);
	bool again = false;
	unsigned int i;

	if (vnetsim_hit_device(sim, VNETSIM_BUG_IRQ_STORM)) {
		again = true;
		for (i = 0; i < sim->nr_queues; i++)
			if (READ_ONCE(sim->queues[i].ready))
				vnetsim_queue_raise(&sim->queues[i]);
	}
	if (vnetsim_hit_device(sim, VNETSIM_BUG_CONFIG_STORM)) {
		again = true;
		sim->config.net.status = (sim->config.net.status ^ flap) | nag;
		WRITE_ONCE(sim->generation, sim->generation + 1);
		virtio_config_changed(&sim->vdev);
	}
	if (!again)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(STORM_NS));
	return HRTIMER_RESTART;
}

/**
 * vnetsim_inject_init() - nothing goes wrong yet
 * @sim: the device, with its queues
 *
 * Context: process.
 */
void vnetsim_inject_init(struct vnetsim *sim)
{
	unsigned int i;

	spin_lock_init(&sim->dice.lock);
	spin_lock_init(&sim->wire_dice.lock);
	for (i = 0; i < sim->nr_queues; i++)
		spin_lock_init(&sim->queues[i].dice.lock);
	hrtimer_setup(&sim->storm, storm, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(vnetsim_inject_init);

/**
 * vnetsim_inject_exit() - nothing goes wrong by itself any more
 * @sim: the device
 *
 * Context: process, may sleep.
 */
void vnetsim_inject_exit(struct vnetsim *sim)
{
	vnetsim_inject_clear(sim);
	hrtimer_cancel(&sim->storm);
}

/**
 * vnetsim_inject_arm() - have a bug happen
 * @sim:   the device
 * @name:  its name
 * @on:    VNETSIM_ON_* of queues it is for
 * @count: how often; negative for always
 *
 * Context: process.
 * Return: 0 or -EINVAL for an unknown name.
 */
int vnetsim_inject_arm(struct vnetsim *sim, const char *name, unsigned int on, int count)
{
	int bug = match_string(vnetsim_bug_names, VNETSIM_BUG_COUNT, name);
	struct vnetsim_armed *armed;

	if (bug < 0)
		return bug;
	armed = &sim->inject.bug[bug];
	atomic_set(&armed->left, 0);
	atomic64_set(&armed->hits, 0);
	armed->on = on;
	atomic_set(&armed->left, count);
	atomic_set(&sim->inject.armed, 1);
	if (bug == VNETSIM_BUG_IRQ_STORM || bug == VNETSIM_BUG_CONFIG_STORM)
		hrtimer_start(&sim->storm, ns_to_ktime(STORM_NS), HRTIMER_MODE_REL);
	vnetsim_wake_all(sim);
	return 0;
}

/**
 * vnetsim_inject_clear() - do everything right again
 * @sim: the device
 *
 * The counts of what happened stay.
 *
 * Context: process.
 */
void vnetsim_inject_clear(struct vnetsim *sim)
{
	unsigned int i;

	atomic_set(&sim->inject.armed, 0);
	WRITE_ONCE(sim->inject.rate, 0);
	for (i = 0; i < VNETSIM_BUG_COUNT; i++)
		atomic_set(&sim->inject.bug[i].left, 0);
	if (sim->config.net.status != w16(VIRTIO_NET_S_LINK_UP) && READ_ONCE(sim->live))
		vnetsim_config_update(sim, VIRTIO_NET_S_LINK_UP, VIRTIO_NET_S_ANNOUNCE);
	vnetsim_wake_all(sim);
}

/**
 * vnetsim_fuzz_start() - do things wrong at random
 * @sim:  the device
 * @seed: of the random numbers
 * @rate: one of so many chances is taken, at least 1
 * @rare: one of so many of them where little works afterwards until a reset, at least 1
 *
 * Each queue draws its own numbers, so that what it does wrong depends on what it does
 * itself and on the seed, not on what others do meanwhile.
 *
 * Context: process.
 */
void vnetsim_fuzz_start(struct vnetsim *sim, u64 seed, u32 rate, u32 rare)
{
	unsigned int i;

	dice_seed(&sim->dice, seed, 0);
	dice_seed(&sim->wire_dice, seed, 1);
	for (i = 0; i < sim->nr_queues; i++)
		dice_seed(&sim->queues[i].dice, seed, 2 + i);
	sim->inject.seed = seed;
	WRITE_ONCE(sim->inject.rare, rare);
	atomic64_set(&sim->inject.mutations, 0);
	WRITE_ONCE(sim->inject.rate, rate);
	atomic_set(&sim->inject.armed, 1);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(vnetsim_fuzz_start);

static void needs_csum(struct virtio_net_hdr_v1 *h, u16 start, u16 offset)
{
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = w16(start);
	h->csum_offset = w16(offset);
}

static void merged(struct virtio_net_hdr_v1 *h, u8 type, u16 size)
{
	/* TCP over IPv4 without options, as most of the traffic is. */
	needs_csum(h, ETH_HLEN + 20, 16);
	h->gso_type = type;
	h->gso_size = w16(size);
	h->hdr_len = w16(ETH_HLEN + 20 + 20);
}

/* What is wrong in a header; the bug has been hit. */
static void spoil(struct virtio_net_hdr_v1_hash *hdr, enum vnetsim_bug bug, u32 len)
{
	struct virtio_net_hdr_v1 *h = &hdr->hdr;

	switch (bug) {
	case VNETSIM_BUG_BUFFERS_0:
		h->num_buffers = 0;
		break;
	case VNETSIM_BUG_BUFFERS_MORE:
		h->num_buffers = w16(le16_to_cpu((__force __le16)h->num_buffers) + 3);
		break;
	case VNETSIM_BUG_BUFFERS_19:
		h->num_buffers = w16(19);
		break;
	case VNETSIM_BUG_BUFFERS_MAX:
		h->num_buffers = w16(U16_MAX);
		break;
	case VNETSIM_BUG_BUFFERS_7:
		h->num_buffers = w16(7);
		break;
	case VNETSIM_BUG_GSO_UNKNOWN:
		merged(h, 0x1f, 1000);
		break;
	case VNETSIM_BUG_GSO_MIXED:
		merged(h, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_TCPV6, 1000);
		break;
	case VNETSIM_BUG_GSO_ECN:
		merged(h, VIRTIO_NET_HDR_GSO_ECN, 1000);
		break;
	case VNETSIM_BUG_GSO_TCP:
		merged(h, VIRTIO_NET_HDR_GSO_TCPV4, 1000);
		break;
	case VNETSIM_BUG_GSO_SIZE_0:
		merged(h, VIRTIO_NET_HDR_GSO_TCPV4, 0);
		break;
	case VNETSIM_BUG_GSO_SIZE_1:
		merged(h, VIRTIO_NET_HDR_GSO_TCPV4, 1);
		break;
	case VNETSIM_BUG_GSO_SIZE_MAX:
		merged(h, VIRTIO_NET_HDR_GSO_TCPV4, U16_MAX);
		break;
	case VNETSIM_BUG_CSUM_START_0:
		needs_csum(h, 0, 2);
		break;
	case VNETSIM_BUG_CSUM_START_MAX:
		needs_csum(h, U16_MAX, 16);
		break;
	case VNETSIM_BUG_CSUM_END:
		needs_csum(h, len - 1, 0);
		break;
	case VNETSIM_BUG_CSUM_WRAP:
		needs_csum(h, ETH_HLEN + 20, U16_MAX - 20);
		break;
	case VNETSIM_BUG_CSUM_NEEDED:
		needs_csum(h, ETH_HLEN + 20, 6);
		break;
	case VNETSIM_BUG_CSUM_BOTH:
		h->flags |= VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID;
		break;
	case VNETSIM_BUG_CSUM_VALID:
		h->flags = VIRTIO_NET_HDR_F_DATA_VALID;
		break;
	case VNETSIM_BUG_HDR_LEN:
		h->hdr_len = w16(U16_MAX);
		break;
	case VNETSIM_BUG_TUNNEL:
		merged(h, VIRTIO_NET_HDR_GSO_TCPV4 | 0x60, 1000);
		break;
	case VNETSIM_BUG_HASH_REPORT:
		hdr->hash_report = cpu_to_le16(0x1234);
		break;
	case VNETSIM_BUG_HASH_SAME:
		hdr->hash_report = cpu_to_le16(VIRTIO_NET_HASH_REPORT_TCPv4);
		hdr->hash_value = cpu_to_le32(1);
		break;
	default:
		break;
	}
}

/* Bugs that spoil() knows. */
static const enum vnetsim_bug header_bugs[] = {
	VNETSIM_BUG_BUFFERS_0, VNETSIM_BUG_BUFFERS_MORE, VNETSIM_BUG_BUFFERS_19,
	VNETSIM_BUG_BUFFERS_MAX, VNETSIM_BUG_BUFFERS_7, VNETSIM_BUG_GSO_UNKNOWN,
	VNETSIM_BUG_GSO_MIXED, VNETSIM_BUG_GSO_ECN, VNETSIM_BUG_GSO_TCP,
	VNETSIM_BUG_GSO_SIZE_0, VNETSIM_BUG_GSO_SIZE_1, VNETSIM_BUG_GSO_SIZE_MAX,
	VNETSIM_BUG_CSUM_START_0, VNETSIM_BUG_CSUM_START_MAX, VNETSIM_BUG_CSUM_END,
	VNETSIM_BUG_CSUM_WRAP, VNETSIM_BUG_CSUM_NEEDED, VNETSIM_BUG_CSUM_BOTH,
	VNETSIM_BUG_CSUM_VALID, VNETSIM_BUG_HDR_LEN, VNETSIM_BUG_TUNNEL,
	VNETSIM_BUG_HASH_REPORT, VNETSIM_BUG_HASH_SAME,
};

/**
 * vnetsim_bug_header() - spoil the header of a packet for the driver, if it is time
 * @q:   the receive queue
 * @hdr: the header
 * @len: bytes of the packet
 *
 * Context: the worker's lock.
 */
void vnetsim_bug_header(struct vnetsim_queue *q, struct virtio_net_hdr_v1_hash *hdr, u32 len)
{
	__virtio16 buffers;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(header_bugs); i++)
		if (vnetsim_hit(q, header_bugs[i]))
			spoil(hdr, header_bugs[i], len);
	buffers = hdr->hdr.num_buffers;
	if (vnetsim_mutates_queue(q, false))
		vnetsim_mutate_bytes(q->sim, &q->dice, hdr, sizeof(*hdr));
	/* A wrong one stops the queue. */
	if (vnetsim_mutates_queue(q, true))
		buffers = w16(vnetsim_roll(&q->dice));
	hdr->hdr.num_buffers = buffers;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(vnetsim_bug_header);

/**
 * vnetsim_bug_len() - lie about what was written to a buffer, if it is time
 * @q:    the queue
 * @len:  the truth
 * @room: what the buffer holds
 *
 * Context: the worker's lock.
 * Return: what to tell.
 */
u32 vnetsim_bug_len(struct vnetsim_queue *q, u32 len, u32 room)
{
	if (vnetsim_hit(q, VNETSIM_BUG_LEN_ZERO))
		len = 0;
	if (vnetsim_hit(q, VNETSIM_BUG_LEN_HEADER))
		len = q->sim->hdr_len - 1;
	if (vnetsim_hit(q, VNETSIM_BUG_LEN_RUNT))
		len = q->sim->hdr_len + ETH_HLEN - 1;
	if (vnetsim_hit(q, VNETSIM_BUG_LEN_OVER))
		len = room + 1;
	if (vnetsim_hit(q, VNETSIM_BUG_FRAME_14))
		len = q->sim->hdr_len + ETH_HLEN;
	if (vnetsim_hit(q, VNETSIM_BUG_FRAME_VLAN))
		len = q->sim->hdr_len + ETH_HLEN + 2;
	if (vnetsim_hit(q, VNETSIM_BUG_FRAME_FULL))
		len = room;
	if (vnetsim_hit(q, VNETSIM_BUG_LEN_PAGE))
		len = room + PAGE_SIZE;
	if (vnetsim_hit(q, VNETSIM_BUG_LEN_2G))
		len = 1U << 31;
	if (vnetsim_hit(q, VNETSIM_BUG_LEN_MAX))
		len = U32_MAX;
	return len;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(vnetsim_bug_len);
