// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: commands that moderate notifications.
 */
#include <compat/unaligned.h>

#include "vnetsim.h"

static void read_coal(const struct vnetsim_coal_wire *wire, struct vnetsim_coal *coal)
{
	coal->max_packets = le32_to_cpu(wire->max_packets);
	coal->max_usecs = le32_to_cpu(wire->max_usecs);
}

static bool set_all(struct vnetsim *sim, bool tx, const void *data, u32 len)
{
	struct vnetsim_coal_wire wire;
	struct vnetsim_coal coal;
	unsigned int i;

	if (!vnetsim_has(sim, VIRTIO_NET_F_NOTF_COAL)) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_COMMAND);
		return false;
	}
	if (len != sizeof(wire)) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_LAYOUT);
		return false;
	}
	memcpy(&wire, data, sizeof(wire));
	read_coal(&wire, &coal);
	if (tx)
		sim->state.coal_tx = coal;
	else
		sim->state.coal_rx = coal;
	for (i = tx; i < 2 * sim->max_pairs; i += 2)
		vnetsim_queue_moderate(&sim->queues[i], &coal);
	return true;
}

/* The queue that is meant; NULL if it is not an enabled data queue. */
static struct vnetsim_queue *data_queue(struct vnetsim *sim, const void *data, u32 len,
					struct vnetsim_coal_vq_wire *wire)
{
	unsigned int index;

	memset(wire, 0, sizeof(*wire));
	memcpy(wire, data, min_t(u32, len, sizeof(*wire)));
	index = le16_to_cpu(wire->vq_index);
	if (index >= 2 * sim->max_pairs || !sim->queues[index].ready) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_VALUE);
		return NULL;
	}
	return &sim->queues[index];
}

static bool set_one(struct vnetsim *sim, const void *data, u32 len)
{
	struct vnetsim_coal_vq_wire wire;
	struct vnetsim_queue *q;
	struct vnetsim_coal coal;

	if (len != sizeof(wire)) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_LAYOUT);
		return false;
	}
	q = data_queue(sim, data, len, &wire);
	if (!q)
		return false;
	read_coal(&wire.coal, &coal);
	vnetsim_queue_moderate(q, &coal);
	return true;
}

static bool get_one(struct vnetsim *sim, const void *data, u32 len, void *reply, u32 *reply_len)
{
	struct vnetsim_coal_vq_wire wire;
	struct vnetsim_queue *q;

	/* The answer follows in memory of its own. */
	if (len < offsetof(struct vnetsim_coal_vq_wire, coal) || *reply_len < sizeof(wire.coal)) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_LAYOUT);
		return false;
	}
	q = data_queue(sim, data, len, &wire);
	if (!q)
		return false;
	wire.coal.max_packets = cpu_to_le32(q->max_packets);
	wire.coal.max_usecs = cpu_to_le32(q->max_usecs);
	memcpy(reply, &wire.coal, sizeof(wire.coal));
	*reply_len = sizeof(wire.coal);
	return true;
}

/* The queue that a command is to moderate; -1 for any other command. */
static int moderates(const struct vnetsim_buf *buf)
{
	u8 cmd[4];

	if (vnetsim_buf_read(buf, 0, cmd, sizeof(cmd)) < sizeof(cmd) ||
	    cmd[0] != VIRTIO_NET_CTRL_NOTF_COAL || cmd[1] != VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET)
		return -1;
	return get_unaligned_le16(cmd + 2);
}

/**
 * vnetsim_coal_look_ahead() - does a second command for the same queue wait already?
 * @worker: the control queue's, with a command in its buffer
 *
 * Counts it, for tests: a driver that moderates all the time should not do that.
 *
 * Context: the worker's lock.
 */
void vnetsim_coal_look_ahead(struct vnetsim_worker *worker)
{
	struct vnetsim *sim = worker->sim;
	struct vnetsim_queue *q = &sim->queues[sim->nr_queues - 1];
	int index = moderates(&worker->buf);
	unsigned int left = q->num;
	struct vnetsim_mark mark;

	if (index < 0)
		return;
	vnetsim_ring_mark(q, &mark);
	while (left-- && vnetsim_ring_pop(q, &worker->first) && !worker->first.bad)
		if (moderates(&worker->first) == index)
			sim->coal_twice++;
	vnetsim_ring_rewind(q, &mark);
}

/**
 * vnetsim_coal_cmd() - a command of the class NOTF_COAL
 * @sim:       the device
 * @cmd:       which
 * @data:      its data
 * @len:       their length
 * @reply:     where an answer goes
 * @reply_len: room there; its length afterwards
 *
 * Context: process.
 * Return: true if it was done.
 */
bool vnetsim_coal_cmd(struct vnetsim *sim, u8 cmd, const void *data, u32 len, void *reply,
		      u32 *reply_len)
{
	switch (cmd) {
	case VIRTIO_NET_CTRL_NOTF_COAL_TX_SET:
	case VIRTIO_NET_CTRL_NOTF_COAL_RX_SET:
		*reply_len = 0;
		return set_all(sim, cmd == VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, data, len);
	}
	if (!vnetsim_has(sim, VIRTIO_NET_F_VQ_NOTF_COAL) ||
	    cmd > VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_COMMAND);
		return false;
	}
	if (cmd == VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET)
		return get_one(sim, data, len, reply, reply_len);
	*reply_len = 0;
	return set_one(sim, data, len);
}
