// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: packets for the driver: which ones, in what shape, into which buffers.
 */
#include <linux/if_vlan.h>
#include <linux/skbuff.h>

#include <compat/net.h>

#include "vnetsim.h"

#define RX_BUDGET	64
#define RX_MIN		(ETH_FRAME_LEN)
#define FLIP_NS		(100 * NSEC_PER_USEC)

/* --- filters --- */

static bool in_table(const struct vnetsim_state *state, const u8 *addr)
{
	unsigned int i;

	for (i = 0; i < state->macs; i++)
		if (ether_addr_equal_unaligned(state->mac_table[i], addr))
			return true;
	return false;
}

static bool wants_address(struct vnetsim *sim, const u8 *addr)
{
	const struct vnetsim_state *state = &sim->state;

	if (!vnetsim_has(sim, VIRTIO_NET_F_CTRL_RX) || state->promisc)
		return true;
	if (is_broadcast_ether_addr(addr))
		return !state->nobcast;
	if (is_multicast_ether_addr(addr))
		return !state->nomulti && (state->allmulti || in_table(state, addr));
	if (state->nouni)
		return false;
	return state->alluni || ether_addr_equal_unaligned(state->mac, addr) ||
	       in_table(state, addr);
}

static bool wants_vlan(struct vnetsim *sim, const struct sk_buff *skb)
{
	const struct vlan_ethhdr *hdr = (void *)skb->data;
	u16 id;

	if (!vnetsim_has(sim, VIRTIO_NET_F_CTRL_VLAN) || skb_headlen(skb) < VLAN_ETH_HLEN ||
	    hdr->h_vlan_proto != htons(ETH_P_8021Q))
		return true;
	id = ntohs(hdr->h_vlan_TCI) & VLAN_VID_MASK;
	return !id || test_bit(id, sim->state.vlans);
}

/**
 * vnetsim_filter() - did the driver ask for such a packet?
 * @sim: the device
 * @skb: the packet, beginning with its Ethernet header
 *
 * Context: any but hard interrupts.
 * Return: true if so.
 */
bool vnetsim_filter(struct vnetsim *sim, const struct sk_buff *skb)
{
	bool wanted;

	spin_lock_bh(&sim->state_lock);
	wanted = wants_address(sim, skb->data) && wants_vlan(sim, skb);
	spin_unlock_bh(&sim->state_lock);
	return wanted;
}

/* --- shape --- */

static bool may_merge(u64 offloads, unsigned int gso_type)
{
	u64 need = 0;

	if (gso_type & SKB_GSO_TCPV4)
		need |= BIT_ULL(VIRTIO_NET_F_GUEST_TSO4);
	if (gso_type & SKB_GSO_TCPV6)
		need |= BIT_ULL(VIRTIO_NET_F_GUEST_TSO6);
	if (gso_type & SKB_GSO_TCP_ECN)
		need |= BIT_ULL(VIRTIO_NET_F_GUEST_ECN);
	if (gso_type & SKB_GSO_UDP_L4)
		need |= BIT_ULL(VIRTIO_NET_F_GUEST_USO4) | BIT_ULL(VIRTIO_NET_F_GUEST_USO6);
	return need && (offloads & need) == need;
}

/* What another guest sent has not been through a stack, which notes these. */
static void set_headers(struct sk_buff *skb)
{
	const struct ethhdr *eth = (void *)skb->data;

	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb_reset_mac_len(skb);
	skb->protocol = eth->h_proto;
}

static void enqueue(struct vnetsim *sim, struct sk_buff *skb)
{
	struct vnetsim_worker *worker = &sim->workers[vnetsim_steer(sim, skb)];

	if (skb_queue_len_lockless(&worker->in) >= 4 * VNETSIM_QUEUE_MAX) {
		worker->rx->stats.drops++;
		worker->rx->stats.overruns++;
		kfree_skb(skb);
		return;
	}
	skb_queue_tail(&worker->in, skb);
	vnetsim_wake(worker);
}

/**
 * vnetsim_backlog() - how many packets wait for buffers
 * @sim: the device
 *
 * Context: any.
 * Return: the number, of the pair with the most.
 */
unsigned int vnetsim_backlog(struct vnetsim *sim)
{
	unsigned int i, longest = 0;

	for (i = 0; i < sim->max_pairs; i++)
		longest = max(longest, skb_queue_len_lockless(&sim->workers[i].in));
	return longest;
}

/**
 * vnetsim_receive() - a packet for the driver
 * @sim:    the device
 * @skb:    the packet, beginning with its Ethernet header; consumed
 * @sender: counts what became of it, if a device has sent it; or NULL
 *
 * It is segmented and gets its checksum here, unless the driver wants to do that.
 *
 * Context: softirq or process.
 * Return: false if so many wait that the sender had better pause.
 */
bool vnetsim_receive(struct vnetsim *sim, struct sk_buff *skb, struct vnetsim_stats *sender)
{
	u64 offloads = READ_ONCE(sim->state.offloads);
	bool csum = offloads & BIT_ULL(VIRTIO_NET_F_GUEST_CSUM);
	struct sk_buff *segs = NULL, *next;

	if (!READ_ONCE(sim->live) || skb_headlen(skb) < ETH_HLEN) {
		kfree_skb(skb);
		return true;
	}
	if (!vnetsim_filter(sim, skb)) {
		sim->queues[0].stats.filtered++;
		kfree_skb(skb);
		return true;
	}
	set_headers(skb);
	if (skb_is_gso(skb) && !may_merge(offloads, skb_shinfo(skb)->gso_type)) {
		segs = skb_gso_segment(skb, NETIF_F_SG | (csum ? NETIF_F_HW_CSUM : 0));
		if (IS_ERR_OR_NULL(segs)) {
			kfree_skb(skb);
			return true;
		}
	}
	if (sender)
		vnetsim_tx_gso_left(sender, skb, segs);
	if (segs) {
		consume_skb(skb);
		skb = segs;
	}
	skb_list_walk_safe(skb, skb, next) {
		skb_mark_not_on_list(skb);
		if (skb->ip_summed == CHECKSUM_PARTIAL && !csum && skb_checksum_help(skb)) {
			kfree_skb(skb);
			continue;
		}
		enqueue(sim, skb);
	}
	return vnetsim_backlog(sim) < VNETSIM_QUEUE_MAX;
}

/* --- buffers --- */

/* Copy from a packet into a buffer, from an offset of it on. */
static u32 fill(const struct vnetsim_buf *buf, u32 at, const struct sk_buff *skb, u32 from, u32 len)
{
	unsigned int i;
	u32 done = 0;

	for (i = 0; i < buf->segs && done < len; i++) {
		const struct vnetsim_seg *seg = &buf->seg[i];
		u32 n;

		if (!seg->write)
			continue;
		if (at >= seg->len) {
			at -= seg->len;
			continue;
		}
		n = min(seg->len - at, len - done);
		skb_copy_bits(skb, from + done, seg->va + at, n);
		done += n;
		at = 0;
	}
	return done;
}

static void make_header(struct vnetsim *sim, const struct sk_buff *skb,
			struct virtio_net_hdr_v1_hash *hdr)
{
	u16 report = VIRTIO_NET_HASH_REPORT_NONE;

	memset(hdr, 0, sizeof(*hdr));
	virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)&hdr->hdr, true,
				sim->state.offloads & BIT_ULL(VIRTIO_NET_F_GUEST_CSUM), 0);
	hdr->hdr.num_buffers = (__force __virtio16)cpu_to_le16(1);
	if (vnetsim_has(sim, VIRTIO_NET_F_HASH_REPORT)) {
		hdr->hash_value = cpu_to_le32(vnetsim_hash(&sim->state.rss, skb, &report));
		hdr->hash_report = cpu_to_le16(report);
	}
}

/* A buffer that can take something; false if the driver has none for us. */
static bool next_buf(struct vnetsim_queue *q, struct vnetsim_buf *buf)
{
	bool merge = vnetsim_has(q->sim, VIRTIO_NET_F_MRG_RXBUF);

	if (!vnetsim_ring_pop(q, buf))
		return false;
	if (buf->out)
		vnetsim_violate(q->sim, VNETSIM_V_RX_READABLE);
	if (buf->in < q->sim->hdr_len + (merge ? 0 : RX_MIN))
		vnetsim_violate(q->sim, VNETSIM_V_RX_SMALL);
	/* Who writes such a buffer can't be trusted with the rest. */
	if (buf->bad || buf->out || buf->in < q->sim->hdr_len)
		q->ready = false;
	return q->ready;
}

/*
 * Put a packet into buffers. Returns how many; 0 if there are not enough yet;
 * -EMSGSIZE if there never will be.
 */
static int scatter(struct vnetsim_worker *worker, const struct sk_buff *skb)
{
	struct vnetsim_queue *q = worker->rx;
	u8 hdr_len = q->sim->hdr_len;
	bool merge = vnetsim_has(q->sim, VIRTIO_NET_F_MRG_RXBUF);
	bool pieces = merge && vnetsim_hit(q, VNETSIM_BUG_PIECES);
	bool empty = merge && vnetsim_hit(q, VNETSIM_BUG_PIECE_EMPTY);
	unsigned int n = 0, descs = 0;
	u32 done = 0;

	do {
		struct vnetsim_buf *buf = n ? &worker->buf : &worker->first;
		u32 at = n ? 0 : hdr_len, len;

		if (n == VNETSIM_BUFS_MAX || descs >= q->num)
			return -EMSGSIZE;
		if (!next_buf(q, buf))
			return 0;
		len = skb->len - done;
		if (unlikely(pieces))
			len = min_t(u32, len, n ? 1 : ETH_HLEN + 20);
		len = fill(buf, at, skb, done, len);
		done += len;
		descs += buf->descs;
		worker->used[n].id = buf->id;
		worker->used[n].descs = buf->descs;
		worker->used[n].len = at + len;
		n++;
		if (!merge && done < skb->len)
			return -EMSGSIZE;
	} while (done < skb->len || (n == 1 && empty));
	return n;
}

static void count(struct vnetsim_queue *q, const struct virtio_net_hdr_v1 *hdr, u32 len)
{
	q->stats.packets++;
	q->stats.bytes += len;
	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		q->stats.needs_csum++;
	else if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		q->stats.csum_valid++;
	else
		q->stats.csum_none++;
	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		q->stats.gso_packets++;
		q->stats.gso_bytes += len;
	}
}

/* Write where the driver may be reading. */
static void flip_bytes(struct vnetsim_worker *worker, u32 from, u32 len)
{
	const struct vnetsim_seg *seg = &worker->first.seg[0];
	u64 until = ktime_get_ns() + FLIP_NS;
	u32 i = 0;

	if (!seg->write || seg->len <= from)
		return;
	len = min(len, seg->len - from);
	while (ktime_get_ns() < until) {
		u8 *p = seg->va + from + i++ % len;

		WRITE_ONCE(*p, READ_ONCE(*p) ^ i);
	}
}

static void flip(struct vnetsim_worker *worker, u32 len)
{
	struct vnetsim_queue *q = worker->rx;

	if (vnetsim_hit(q, VNETSIM_BUG_FLIP_HEADER))
		flip_bytes(worker, 0, q->sim->hdr_len);
	if (vnetsim_hit(q, VNETSIM_BUG_FLIP_PAYLOAD))
		flip_bytes(worker, q->sim->hdr_len + ETH_HLEN + 40, len);
}

/* Write to buffers that are not in use yet. */
static void stray_write(struct vnetsim_worker *worker)
{
	struct vnetsim_queue *q = worker->rx;
	struct vnetsim_mark mark;
	unsigned int i;

	if (!vnetsim_hit(q, VNETSIM_BUG_STRAY_WRITE))
		return;
	vnetsim_ring_mark(q, &mark);
	if (vnetsim_ring_pop(q, &worker->buf) && !worker->buf.bad)
		for (i = 0; i < worker->buf.segs; i++)
			if (worker->buf.seg[i].write)
				memset(worker->buf.seg[i].va, 0xa5, worker->buf.seg[i].len);
	vnetsim_ring_rewind(q, &mark);
}

/* False if it has to wait for buffers. */
static bool deliver(struct vnetsim_worker *worker, const struct sk_buff *skb)
{
	struct vnetsim_queue *q = worker->rx;
	struct virtio_net_hdr_v1_hash hdr;
	struct vnetsim_mark mark;
	bool more;
	int n, i;

	vnetsim_ring_mark(q, &mark);
	n = scatter(worker, skb);
	if (n <= 0) {
		/* Ask to hear of buffers beyond those that were seen. */
		more = q->ready && !n && vnetsim_ring_listen(q);
		vnetsim_ring_rewind(q, &mark);
		if (!n)
			return more && deliver(worker, skb);
		q->stats.drops++;
		q->stats.overruns++;
		return true;
	}
	make_header(q->sim, skb, &hdr);
	hdr.hdr.num_buffers = (__force __virtio16)cpu_to_le16(n);
	vnetsim_bug_header(q, &hdr, skb->len);
	vnetsim_buf_write(&worker->first, 0, &hdr, q->sim->hdr_len);
	if (unlikely(atomic_read(&q->sim->inject.armed))) {
		worker->used[0].len = vnetsim_bug_len(q, worker->used[0].len, worker->first.in);
		stray_write(worker);
	}
	count(q, &hdr.hdr, skb->len);
	if (n == 1 && vnetsim_ring_hold(q, &worker->used[0]))
		return true;
	for (i = 0; i < n; i++)
		vnetsim_ring_push(q, worker->used[i].id, worker->used[i].descs,
				  worker->used[i].len);
	i = vnetsim_ring_unhold(q);
	vnetsim_ring_publish(q);
	vnetsim_queue_used(q, 1 + i);
	if (unlikely(atomic_read(&q->sim->inject.armed)))
		flip(worker, skb->len);
	return true;
}

/**
 * vnetsim_rx_run() - hand packets that wait to the driver, up to a limit
 * @worker: the pair's
 *
 * Context: the worker's lock.
 * Return: 0 when nothing can be done until the worker is woken up.
 */
unsigned int vnetsim_rx_run(struct vnetsim_worker *worker)
{
	struct vnetsim_queue *q = worker->rx;
	unsigned int done = 0;
	struct sk_buff *skb;

	if (vnetsim_queue_stands_still(q))
		return 0;
	while (done < RX_BUDGET && q->ready && (skb = skb_dequeue(&worker->in))) {
		if (!deliver(worker, skb)) {
			skb_queue_head(&worker->in, skb);
			break;
		}
		consume_skb(skb);
		done++;
	}
	vnetsim_flush_held(q);
	if (done && vnetsim_backlog(q->sim) < VNETSIM_QUEUE_MAX / 2)
		vnetsim_peer_wake(q->sim);
	return done;
}
