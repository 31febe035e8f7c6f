// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: device statistics.
 */
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "vnetsim.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)
#define VALUES_MAX	6

/**
 * struct vnetsim_stats_kind - a type of statistics
 * @type:   its number
 * @tx:     of transmit queues; otherwise of receive queues
 * @any:    features of which one must be negotiated; 0 for none
 * @values: how many counters it has
 * @read:   puts them in order
 */
struct vnetsim_stats_kind {
	u8 type;
	bool tx;
	u64 any;
	unsigned int values;
	void (*read)(const struct vnetsim_queue *q, u64 *v);
};

static void read_basic(const struct vnetsim_queue *q, u64 *v)
{
	v[0] = atomic64_read(&q->kicks);
	v[1] = q->stats.packets;
	v[2] = q->stats.bytes;
	v[3] = atomic64_read(&q->irqs);
	v[4] = q->stats.drops;
	v[5] = q->index % 2 ? q->stats.malformed : q->stats.overruns;
}

static void read_rx_csum(const struct vnetsim_queue *q, u64 *v)
{
	v[0] = q->stats.csum_valid;
	v[1] = q->stats.needs_csum;
	v[2] = q->stats.csum_none;
	v[3] = q->stats.csum_bad;
}

static void read_tx_csum(const struct vnetsim_queue *q, u64 *v)
{
	v[0] = q->stats.csum_none;
	v[1] = q->stats.needs_csum;
}

/* Packets come merged from the other side; none is merged here, but as told. */
static void read_rx_gso(const struct vnetsim_queue *q, u64 *v)
{
	v[0] = q->stats.gso_packets;
	v[1] = q->stats.gso_bytes;
	v[2] = q->stats.coalesced_packets;
	v[3] = q->stats.coalesced_bytes;
}

static void read_tx_gso(const struct vnetsim_queue *q, u64 *v)
{
	v[0] = q->stats.gso_packets;
	v[1] = q->stats.gso_bytes;
	v[2] = q->stats.segments;
	v[3] = q->stats.segment_bytes;
	v[4] = q->stats.whole_packets;
	v[5] = q->stats.whole_bytes;
}

static void read_speed(const struct vnetsim_queue *q, u64 *v)
{
	v[0] = q->stats.exceeded_packets;
	v[1] = q->stats.exceeded_bytes;
}

static const struct vnetsim_stats_kind kinds[] = {
	{ VNETSIM_STATS_RX_BASIC, false, 0, 6, read_basic },
	{ VNETSIM_STATS_RX_CSUM, false, F(GUEST_CSUM), 4, read_rx_csum },
	{ VNETSIM_STATS_RX_GSO, false, F(GUEST_TSO4) | F(GUEST_TSO6), 4, read_rx_gso },
	{ VNETSIM_STATS_RX_SPEED, false, F(SPEED_DUPLEX), 2, read_speed },
	{ VNETSIM_STATS_TX_BASIC, true, 0, 6, read_basic },
	{ VNETSIM_STATS_TX_CSUM, true, F(CSUM), 2, read_tx_csum },
	{ VNETSIM_STATS_TX_GSO, true, F(HOST_TSO4) | F(HOST_TSO6) | F(HOST_USO), 6, read_tx_gso },
	{ VNETSIM_STATS_TX_SPEED, true, F(SPEED_DUPLEX), 2, read_speed },
};

static void read_cvq(const struct vnetsim_queue *q, u64 *v)
{
	v[0] = q->stats.commands;
	/* Including the command that asks. */
	v[1] = q->stats.commands_ok + 1;
}

/**
 * struct told - a counter of what never happens here
 * @name:   of the specification, without rx_ and tx_
 * @offset: in the statistics of a queue
 * @rx:     only of receive queues
 */
struct told {
	const char *name;
	size_t offset;
	bool rx;
};

static const struct told told[] = {
	{ "csum_bad", offsetof(struct vnetsim_stats, csum_bad), true },
	{ "gso_packets_coalesced", offsetof(struct vnetsim_stats, coalesced_packets), true },
	{ "gso_bytes_coalesced", offsetof(struct vnetsim_stats, coalesced_bytes), true },
	{ "packets_allowance_exceeded", offsetof(struct vnetsim_stats, exceeded_packets) },
	{ "bytes_allowance_exceeded", offsetof(struct vnetsim_stats, exceeded_bytes) },
};

/**
 * vnetsim_stats_tell() - what a counter of what never happens here is to say
 * @q:     the queue, but for the control queue
 * @name:  of the counter
 * @value: what it says from now on
 *
 * Context: any.
 * Return: 0, or -EINVAL for a name that such a queue does not have.
 */
int vnetsim_stats_tell(struct vnetsim_queue *q, const char *name, u64 value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(told); i++) {
		if (strcmp(told[i].name, name) || (told[i].rx && q->index % 2))
			continue;
		WRITE_ONCE(*(u64 *)((void *)&q->stats + told[i].offset), value);
		return 0;
	}
	return -EINVAL;
}

static const struct vnetsim_stats_kind kind_cvq = {
	VNETSIM_STATS_CVQ, false, 0, 2, read_cvq
};

static u64 supported(struct vnetsim *sim)
{
	u64 bits = BIT_ULL(VNETSIM_STATS_CVQ);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!kinds[i].any || sim->feat & kinds[i].any)
			bits |= BIT_ULL(kinds[i].type);
	return bits;
}

static void spoil(struct vnetsim_queue *ctrl, struct vnetsim_stats_hdr *hdr)
{
	if (vnetsim_hit(ctrl, VNETSIM_BUG_STATS_SIZE_0))
		hdr->size = 0;
	if (vnetsim_hit(ctrl, VNETSIM_BUG_STATS_SIZE_MAX))
		hdr->size = cpu_to_le16(U16_MAX);
	if (vnetsim_hit(ctrl, VNETSIM_BUG_STATS_TYPE))
		hdr->type = 77;
	if (vnetsim_hit(ctrl, VNETSIM_BUG_STATS_QUEUE))
		hdr->vq_index = cpu_to_le16(U16_MAX);
}

/* One record; as much of it as there is room for. */
static u32 put_one(const struct vnetsim_stats_kind *kind, const struct vnetsim_queue *q,
		   u16 vq_index, u8 *reply, u32 room)
{
	struct {
		struct vnetsim_stats_hdr hdr;
		__le64 values[VALUES_MAX];
	} record = {};
	u32 len = sizeof(record.hdr) + kind->values * sizeof(__le64);
	u64 values[VALUES_MAX];
	unsigned int i;

	kind->read(q, values);
	for (i = 0; i < kind->values; i++)
		record.values[i] = cpu_to_le64(values[i]);
	record.hdr.type = kind->type;
	record.hdr.vq_index = cpu_to_le16(vq_index);
	record.hdr.size = cpu_to_le16(len);
	spoil(&q->sim->queues[q->sim->nr_queues - 1], &record.hdr);
	len = min(len, room);
	memcpy(reply, &record, len);
	return len;
}

static u32 put(const struct vnetsim_stats_kind *kind, const struct vnetsim_queue *q,
	       u16 vq_index, u8 *reply, u32 room)
{
	struct vnetsim_queue *ctrl = &q->sim->queues[q->sim->nr_queues - 1];
	u32 len = put_one(kind, q, vq_index, reply, room);

	if (vnetsim_hit(ctrl, VNETSIM_BUG_STATS_TWICE))
		len += put_one(kind, q, vq_index, reply + len, room - len);
	return len;
}

/* What a queue can be asked for; 0 for a queue that is not there. */
static u64 valid_for(struct vnetsim *sim, unsigned int index, unsigned int ctrl)
{
	u64 rx = GENMASK_ULL(15, 0), tx = GENMASK_ULL(31, 16);

	if (index == ctrl)
		return BIT_ULL(VNETSIM_STATS_CVQ);
	if (index > ctrl)
		return 0;
	return supported(sim) & (index % 2 ? tx : rx);
}

static bool get(struct vnetsim *sim, const void *data, u32 len, u8 *reply, u32 *reply_len)
{
	const struct vnetsim_stats_req *req = data;
	/* Its index as the driver knows it */
	unsigned int ctrl = sim->queues[sim->nr_queues - 1].vq->index;
	u32 n = len / sizeof(*req), done = 0, i, k;

	if (!n || len % sizeof(*req)) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_LAYOUT);
		return false;
	}
	for (i = 0; i < n; i++) {
		u64 types = le64_to_cpu(req[i].types);

		sim->stats_asked |= types;
		if (!types || types & ~valid_for(sim, le16_to_cpu(req[i].vq_index), ctrl)) {
			vnetsim_violate(sim, VNETSIM_V_CTRL_VALUE);
			return false;
		}
	}
	for (i = 0; i < n; i++) {
		unsigned int index = le16_to_cpu(req[i].vq_index);
		u64 types = le64_to_cpu(req[i].types);

		if (index == ctrl) {
			done += put(&kind_cvq, &sim->queues[sim->nr_queues - 1], index,
				    reply + done, *reply_len - done);
			continue;
		}
		for (k = 0; k < ARRAY_SIZE(kinds); k++)
			if (types & BIT_ULL(kinds[k].type))
				done += put(&kinds[k], &sim->queues[index], index, reply + done,
					    *reply_len - done);
	}
	*reply_len = done;
	return true;
}

/**
 * vnetsim_stats_cmd() - a command of the class STATS
 * @sim:       the device
 * @cmd:       which
 * @data:      its data
 * @len:       their length
 * @reply:     where the answer goes
 * @reply_len: room there; its length afterwards
 *
 * Context: process.
 * Return: true if it was done.
 */
bool vnetsim_stats_cmd(struct vnetsim *sim, u8 cmd, const void *data, u32 len, void *reply,
		       u32 *reply_len)
{
	struct vnetsim_queue *ctrl = &sim->queues[sim->nr_queues - 1];
	__le64 types = cpu_to_le64(supported(sim));

	if (cmd == VIRTIO_NET_CTRL_STATS_GET)
		return get(sim, data, len, reply, reply_len);
	if (cmd != VIRTIO_NET_CTRL_STATS_QUERY || *reply_len < sizeof(types)) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_LAYOUT);
		return false;
	}
	if (vnetsim_hit(ctrl, VNETSIM_BUG_STATS_CAPABLE))
		types = cpu_to_le64(U64_MAX);
	memcpy(reply, &types, sizeof(types));
	*reply_len = sizeof(types);
	return true;
}
