// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: the control queue.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include <compat/unaligned.h>

#include "vnetsim.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)
#define GUEST_OFFLOADS	(F(GUEST_CSUM) | F(GUEST_TSO4) | F(GUEST_TSO6) | F(GUEST_ECN) | \
			 F(GUEST_USO4) | F(GUEST_USO6))

/* Longer than a driver should wait; a slow reset that it begins then ends it sooner. */
#define LATE_MS		8000

/* A command in private memory: what came, and what is answered. */
struct command {
	u8 class;
	u8 cmd;
	const u8 *data;
	u32 len;
	u8 *reply;
	u32 reply_len;				/* room; what was written, afterwards */
};

static bool bad_value(struct vnetsim *sim)
{
	vnetsim_violate(sim, VNETSIM_V_CTRL_VALUE);
	return false;
}

static bool bad_layout(struct vnetsim *sim)
{
	vnetsim_violate(sim, VNETSIM_V_CTRL_LAYOUT);
	return false;
}

/* The feature that a command needs; false if it was not negotiated. */
static bool needs(struct vnetsim *sim, unsigned int feature)
{
	if (vnetsim_has(sim, feature))
		return true;
	vnetsim_violate(sim, VNETSIM_V_CTRL_COMMAND);
	return false;
}

static bool rx_mode(struct vnetsim *sim, struct command *c)
{
	struct vnetsim_state *state = &sim->state;
	bool *what[] = {
		[VIRTIO_NET_CTRL_RX_PROMISC] = &state->promisc,
		[VIRTIO_NET_CTRL_RX_ALLMULTI] = &state->allmulti,
		[VIRTIO_NET_CTRL_RX_ALLUNI] = &state->alluni,
		[VIRTIO_NET_CTRL_RX_NOMULTI] = &state->nomulti,
		[VIRTIO_NET_CTRL_RX_NOUNI] = &state->nouni,
		[VIRTIO_NET_CTRL_RX_NOBCAST] = &state->nobcast,
	};

	if (c->cmd >= ARRAY_SIZE(what))
		return bad_value(sim);
	if (!needs(sim, c->cmd <= VIRTIO_NET_CTRL_RX_ALLMULTI ? VIRTIO_NET_F_CTRL_RX :
							      VIRTIO_NET_F_CTRL_RX_EXTRA))
		return false;
	if (c->len != 1)
		return bad_layout(sim);
	if (c->data[0] > 1)
		return bad_value(sim);
	*what[c->cmd] = c->data[0];
	return true;
}

/* Two lists, each with its number of entries in front. */
static bool mac_table(struct vnetsim *sim, struct command *c)
{
	struct vnetsim_state *state = &sim->state;
	unsigned int list, i, macs = 0;
	u32 at = 0;

	for (list = 0; list < 2; list++) {
		u32 n;

		if (c->len - at < sizeof(__le32))
			return bad_layout(sim);
		n = get_unaligned_le32(c->data + at);
		at += sizeof(__le32);
		if (n > (c->len - at) / ETH_ALEN)
			return bad_layout(sim);
		if (n > VNETSIM_MACS_MAX - macs)
			return false;
		for (i = 0; i < n; i++, at += ETH_ALEN) {
			const u8 *addr = c->data + at;

			/* Unicast addresses come first, then groups. */
			if (is_multicast_ether_addr(addr) != !!list)
				return bad_value(sim);
			ether_addr_copy(state->mac_table[macs++], addr);
		}
	}
	if (at != c->len)
		return bad_layout(sim);
	state->macs = macs;
	return true;
}

static bool mac(struct vnetsim *sim, struct command *c)
{
	switch (c->cmd) {
	case VIRTIO_NET_CTRL_MAC_TABLE_SET:
		return needs(sim, VIRTIO_NET_F_CTRL_RX) && mac_table(sim, c);
	case VIRTIO_NET_CTRL_MAC_ADDR_SET:
		if (!needs(sim, VIRTIO_NET_F_CTRL_MAC_ADDR))
			return false;
		if (c->len != ETH_ALEN)
			return bad_layout(sim);
		memcpy(sim->state.mac, c->data, ETH_ALEN);
		return true;
	default:
		return bad_value(sim);
	}
}

static bool vlan(struct vnetsim *sim, struct command *c)
{
	u16 id;

	if (!needs(sim, VIRTIO_NET_F_CTRL_VLAN))
		return false;
	if (c->len != sizeof(id))
		return bad_layout(sim);
	id = get_unaligned_le16(c->data);
	if (id >= VLAN_N_VID || c->cmd > VIRTIO_NET_CTRL_VLAN_DEL)
		return bad_value(sim);
	if (c->cmd == VIRTIO_NET_CTRL_VLAN_ADD)
		__set_bit(id, sim->state.vlans);
	else
		__clear_bit(id, sim->state.vlans);
	return true;
}

static bool announce(struct vnetsim *sim, struct command *c)
{
	if (!needs(sim, VIRTIO_NET_F_GUEST_ANNOUNCE))
		return false;
	if (c->cmd != VIRTIO_NET_CTRL_ANNOUNCE_ACK)
		return bad_value(sim);
	sim->config.net.status &= (__force __virtio16)~cpu_to_le16(VIRTIO_NET_S_ANNOUNCE);
	sim->announced++;
	return true;
}

static bool pairs_set(struct vnetsim *sim, struct command *c)
{
	u16 pairs;

	if (!needs(sim, VIRTIO_NET_F_MQ))
		return false;
	if (c->len != sizeof(pairs))
		return bad_layout(sim);
	pairs = get_unaligned_le16(c->data);
	if (!pairs || pairs > sim->max_pairs)
		return bad_value(sim);
	sim->state.pairs = pairs;
	sim->state.steer = false;
	return true;
}

static bool mq(struct vnetsim *sim, struct command *c)
{
	switch (c->cmd) {
	case VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET:
		return pairs_set(sim, c);
	case VIRTIO_NET_CTRL_MQ_RSS_CONFIG:
		return needs(sim, VIRTIO_NET_F_RSS) && vnetsim_rss_cmd(sim, c->data, c->len);
	case VIRTIO_NET_CTRL_MQ_HASH_CONFIG:
		return needs(sim, VIRTIO_NET_F_HASH_REPORT) &&
		       vnetsim_hash_cmd(sim, c->data, c->len);
	default:
		return bad_value(sim);
	}
}

static bool offloads(struct vnetsim *sim, struct command *c)
{
	u64 want;

	if (!needs(sim, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		return false;
	if (c->len != sizeof(want))
		return bad_layout(sim);
	want = get_unaligned_le64(c->data);
	if (want & ~(sim->feat & GUEST_OFFLOADS))
		return bad_value(sim);
	sim->state.offloads = want;
	return true;
}

static bool coal(struct vnetsim *sim, struct command *c)
{
	return vnetsim_coal_cmd(sim, c->cmd, c->data, c->len, c->reply, &c->reply_len);
}

static bool tunnel(struct vnetsim *sim, struct command *c)
{
	return needs(sim, VIRTIO_NET_F_HASH_TUNNEL) && vnetsim_tunnel_cmd(sim, c->data, c->len);
}

static bool stats(struct vnetsim *sim, struct command *c)
{
	return needs(sim, VIRTIO_NET_F_DEVICE_STATS) &&
	       vnetsim_stats_cmd(sim, c->cmd, c->data, c->len, c->reply, &c->reply_len);
}

/**
 * struct ctrl_class - a class of commands
 * @run:     does one; false for VIRTIO_NET_ERR
 * @replies: answers with more than that
 * @state:   changes what is looked at for each packet
 */
struct ctrl_class {
	bool (*run)(struct vnetsim *sim, struct command *c);
	bool replies;
	bool state;
};

static const struct ctrl_class classes[] = {
	[VIRTIO_NET_CTRL_RX] = { rx_mode, .state = true },
	[VIRTIO_NET_CTRL_MAC] = { mac, .state = true },
	[VIRTIO_NET_CTRL_VLAN] = { vlan, .state = true },
	[VIRTIO_NET_CTRL_ANNOUNCE] = { announce },
	[VIRTIO_NET_CTRL_MQ] = { mq, .state = true },
	[VIRTIO_NET_CTRL_GUEST_OFFLOADS] = { offloads, .state = true },
	[VIRTIO_NET_CTRL_NOTF_COAL] = { coal, .replies = true },
	[VIRTIO_NET_CTRL_HASH_TUNNEL] = { tunnel, .state = true },
	[VIRTIO_NET_CTRL_STATS] = { stats, .replies = true },
};

static bool run(struct vnetsim *sim, struct command *c)
{
	const struct ctrl_class *class;
	bool ok;

	if (c->class >= ARRAY_SIZE(classes) || !classes[c->class].run) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_COMMAND);
		return false;
	}
	class = &classes[c->class];
	if (READ_ONCE(sim->ctrl_fail) & BIT(c->class))
		return false;
	if (!class->replies)
		c->reply_len = 0;
	if (!class->state)
		return class->run(sim, c);
	spin_lock_bh(&sim->state_lock);
	ok = class->run(sim, c);
	spin_unlock_bh(&sim->state_lock);
	return ok;
}

/* Packets that wait at pairs which are not in use any more. */
static void purge_inactive(struct vnetsim *sim)
{
	unsigned int i;

	/* The table may name more of them for receiving. */
	if (sim->state.steer)
		return;
	for (i = sim->state.pairs; i < sim->max_pairs; i++)
		skb_queue_purge(&sim->workers[i].in);
}

static u32 answer(struct vnetsim *sim, const struct vnetsim_buf *buf, u8 *data, u8 *reply)
{
	struct vnetsim_queue *q = &sim->queues[sim->nr_queues - 1];
	struct command c = {
		.data = data + sizeof(struct virtio_net_ctrl_hdr),
		.reply = reply,
	};
	u8 ack = VIRTIO_NET_ERR;
	u32 len;

	len = vnetsim_buf_read(buf, 0, data, VNETSIM_CMD_MAX);
	if (len < sizeof(struct virtio_net_ctrl_hdr) || buf->out > VNETSIM_CMD_MAX || !buf->in) {
		vnetsim_violate(sim, VNETSIM_V_CTRL_LAYOUT);
		return vnetsim_buf_write(buf, 0, &ack, sizeof(ack));
	}
	c.class = data[0];
	c.cmd = data[1];
	c.len = len - sizeof(struct virtio_net_ctrl_hdr);
	c.reply_len = min_t(u32, buf->in - 1, VNETSIM_CMD_MAX);
	q->stats.commands++;
	if (run(sim, &c)) {
		ack = VIRTIO_NET_OK;
		q->stats.commands_ok++;
	} else {
		c.reply_len = 0;
	}
	if (c.class == VIRTIO_NET_CTRL_MQ) {
		/* As it was, if that was refused. */
		WRITE_ONCE(sim->state.tx_pairs, sim->state.pairs);
		purge_inactive(sim);
	}
	if (vnetsim_hit(q, VNETSIM_BUG_CTRL_ACK))
		ack = U8_MAX;
	if (vnetsim_mutates_queue(q, false))
		vnetsim_mutate_bytes(sim, &q->dice, &ack, sizeof(ack));
	if (c.reply_len && vnetsim_mutates_queue(q, false))
		vnetsim_mutate_bytes(sim, &q->dice, c.reply, c.reply_len);
	if (vnetsim_hit(q, VNETSIM_BUG_CTRL_ACK_NONE))
		return 0;
	len = vnetsim_buf_write(buf, 0, &ack, sizeof(ack));
	return len + vnetsim_buf_write(buf, len, c.reply, c.reply_len);
}

/* How many pairs a command, not done yet, asks for; any other one: those in use. */
static unsigned int pairs_asked(struct vnetsim *sim, const struct vnetsim_buf *buf)
{
	u32 at = sizeof(struct virtio_net_ctrl_hdr);
	unsigned int pairs = 0;
	u8 hdr[2], v[2];

	if (vnetsim_buf_read(buf, 0, hdr, sizeof(hdr)) < sizeof(hdr) ||
	    hdr[0] != VIRTIO_NET_CTRL_MQ)
		return sim->state.pairs;
	if (hdr[1] == VIRTIO_NET_CTRL_MQ_RSS_CONFIG) {
		/* Types, the table's mask, one pair more, the table: then pairs. */
		if (vnetsim_buf_read(buf, at + 4, v, sizeof(v)) < sizeof(v))
			return sim->state.pairs;
		at += 8 + 2 * (get_unaligned_le16(v) + 1U);
	}
	if (hdr[1] != VIRTIO_NET_CTRL_MQ_HASH_CONFIG &&
	    vnetsim_buf_read(buf, at, v, sizeof(v)) == sizeof(v))
		pairs = get_unaligned_le16(v);
	return pairs && pairs <= sim->max_pairs ? pairs : sim->state.pairs;
}

/*
 * Take the time that a command is to take, without the lock; what it forbids is
 * forbidden from its beginning. False if the queue has been reset meanwhile.
 */
static bool take_time(struct vnetsim_worker *worker, struct vnetsim_queue *q)
{
	bool late = vnetsim_hit(q, VNETSIM_BUG_CTRL_LATE);
	u32 ms = late ? LATE_MS : READ_ONCE(worker->sim->ctrl_delay_ms);
	unsigned int pairs = pairs_asked(worker->sim, &worker->buf);
	ktime_t until = ktime_add_ms(ktime_get(), ms);
	s64 resets = atomic64_read(&worker->sim->resets);

	if (!ms && pairs == worker->sim->state.tx_pairs)
		return true;
	mutex_unlock(&worker->lock);
	vnetsim_tx_limit(worker->sim, pairs);
	while (ktime_before(ktime_get(), until) && READ_ONCE(q->ready) &&
	       resets == atomic64_read(&worker->sim->resets) &&
	       !(late && READ_ONCE(worker->sim->resetting)))
		usleep_range(1000, 1100);
	mutex_lock(&worker->lock);
	if (!q->ready || resets != atomic64_read(&worker->sim->resets))
		return false;
	worker->sim->late += late;
	return true;
}

/* Nothing is left to be answered; how long did that take? */
static void idle(struct vnetsim *sim)
{
	u64 since = atomic64_xchg(&sim->ctrl_since, 0);

	if (since && sim->ctrl_last > since)
		sim->ctrl_busy += sim->ctrl_last - since;
}

/**
 * vnetsim_ctrl_run() - do a command
 * @worker: the control queue's
 *
 * Context: the worker's lock, which is let go of for the time a command takes.
 * Return: 0 when there is nothing left and the driver will notify of more.
 */
unsigned int vnetsim_ctrl_run(struct vnetsim_worker *worker)
{
	struct vnetsim *sim = worker->sim;
	struct vnetsim_queue *q = &sim->queues[sim->nr_queues - 1];
	struct vnetsim_buf *buf = &worker->buf;
	u8 *data;
	u32 len;

	if (!q->ready || vnetsim_queue_stands_still(q))
		return 0;
	if (!vnetsim_ring_pop(q, buf)) {
		idle(sim);
		return q->ready && vnetsim_ring_listen(q);
	}
	if (vnetsim_hit(q, VNETSIM_BUG_CTRL_SILENT))
		return 1;
	if (buf->bad)
		return 0;
	vnetsim_coal_look_ahead(worker);
	if (!take_time(worker, q))
		return 0;
	data = kvzalloc(2 * VNETSIM_CMD_MAX, GFP_KERNEL);
	if (!data)
		return 0;
	len = answer(sim, buf, data, data + VNETSIM_CMD_MAX);
	kvfree(data);
	vnetsim_ring_push(q, buf->id, buf->descs, len);
	vnetsim_ring_publish(q);
	sim->ctrl_last = ktime_get_ns();
	vnetsim_queue_used(q, 1);
	return 1;
}
