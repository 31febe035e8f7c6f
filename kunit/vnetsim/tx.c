// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: packets that the driver sends, and what it must not send.
 */
#include <linux/delay.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip6_checksum.h>

#include "vnetsim.h"

#define TX_BUDGET	64
#define TX_HEAD		256
#define TX_ROOM		128	/* in front of a packet, for whom it goes to */

static u16 get16(__virtio16 v)
{
	return le16_to_cpu((__force __le16)v);
}

static void check_gso(struct vnetsim *sim, const struct virtio_net_hdr_v1 *hdr)
{
	u8 type = hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	unsigned int feature;
	bool tcp = true;

	if (hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return;
	switch (type) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		feature = VIRTIO_NET_F_HOST_TSO4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		feature = VIRTIO_NET_F_HOST_TSO6;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		feature = VIRTIO_NET_F_HOST_USO;
		tcp = false;
		break;
	default:
		vnetsim_violate(sim, VNETSIM_V_TX_GSO_TYPE);
		return;
	}
	if (!vnetsim_has(sim, feature))
		vnetsim_violate(sim, VNETSIM_V_TX_GSO_TYPE);
	if (hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN &&
	    (!tcp || !vnetsim_has(sim, VIRTIO_NET_F_HOST_ECN)))
		vnetsim_violate(sim, VNETSIM_V_TX_ECN);
	if (!hdr->gso_size)
		vnetsim_violate(sim, VNETSIM_V_TX_GSO_SIZE);
	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		vnetsim_violate(sim, VNETSIM_V_TX_GSO_CSUM);
}

/* The sum of the pseudo header, where the packet is plain enough to tell. */
static bool pseudo_sum(const struct sk_buff *skb, u32 start, __sum16 *sum)
{
	u32 nh = ETH_HLEN, len = skb->len - start;
	const struct ethhdr *eth = (void *)skb->data;
	__be16 proto = eth->h_proto;

	if (proto == htons(ETH_P_8021Q)) {
		proto = *(__be16 *)(skb->data + ETH_HLEN + 2);
		nh += VLAN_HLEN;
	}
	if (proto == htons(ETH_P_IP) && start == nh + sizeof(struct iphdr)) {
		const struct iphdr *ip = (void *)skb->data + nh;

		*sum = ~csum_tcpudp_magic(ip->saddr, ip->daddr, len, ip->protocol, 0);
		return ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP;
	}
	if (proto == htons(ETH_P_IPV6) && start == nh + sizeof(struct ipv6hdr)) {
		const struct ipv6hdr *ip = (void *)skb->data + nh;

		*sum = ~csum_ipv6_magic(&ip->saddr, &ip->daddr, len, ip->nexthdr, 0);
		return ip->nexthdr == IPPROTO_TCP || ip->nexthdr == IPPROTO_UDP;
	}
	return false;
}

static void check_hdr_len(struct vnetsim *sim, const struct virtio_net_hdr_v1 *hdr,
			  const struct sk_buff *skb)
{
	u32 start = get16(hdr->csum_start), want = start + sizeof(struct udphdr);

	if (hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE ||
	    !vnetsim_has(sim, VIRTIO_NET_F_GUEST_HDRLEN))
		return;
	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_UDP_L4) {
		if (start + sizeof(struct tcphdr) > skb_headlen(skb))
			return;
		want = start + __tcp_hdrlen((struct tcphdr *)(skb->data + start));
	}
	if (get16(hdr->hdr_len) != want)
		vnetsim_violate(sim, VNETSIM_V_TX_HDR_LEN);
}

static void check_csum(struct vnetsim *sim, const struct virtio_net_hdr_v1 *hdr,
		       const struct sk_buff *skb)
{
	u32 start = get16(hdr->csum_start), at = start + get16(hdr->csum_offset);
	__sum16 want;

	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return;
	if (start < ETH_HLEN || at + sizeof(want) > skb->len) {
		vnetsim_violate(sim, VNETSIM_V_TX_CSUM);
		return;
	}
	if (at + sizeof(want) <= skb_headlen(skb) && pseudo_sum(skb, start, &want) &&
	    *(__sum16 *)(skb->data + at) != want)
		vnetsim_violate(sim, VNETSIM_V_TX_PSEUDO);
	check_hdr_len(sim, hdr, skb);
}

/* VLAN tags come on top, as everywhere. */
static void check_mtu(struct vnetsim *sim, const struct virtio_net_hdr_v1 *hdr,
		      const struct sk_buff *skb)
{
	u32 most = get16(sim->config.net.mtu) + ETH_HLEN + VLAN_HLEN;

	if (vnetsim_has(sim, VIRTIO_NET_F_MTU) && skb->len > most &&
	    (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_NONE)
		vnetsim_violate(sim, VNETSIM_V_TX_MTU);
}

static void check_header(struct vnetsim *sim, const struct virtio_net_hdr_v1 *hdr,
			 const struct sk_buff *skb)
{
	u8 known = vnetsim_has(sim, VIRTIO_NET_F_CSUM) ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;

	if (hdr->flags & ~known)
		vnetsim_violate(sim, VNETSIM_V_TX_FLAGS);
	if (hdr->num_buffers)
		vnetsim_violate(sim, VNETSIM_V_TX_NUM_BUFFERS);
	check_mtu(sim, hdr, skb);
	check_gso(sim, hdr);
	check_csum(sim, hdr, skb);
}

/* The linear part holds all headers. */
static struct sk_buff *make_skb(const struct vnetsim_buf *buf, u32 from, u32 len)
{
	u32 head = min_t(u32, len, TX_HEAD), at = from + head;
	struct sk_buff *skb;
	int i, err;

	skb = alloc_skb_with_frags(head + TX_ROOM, len - head, 0, &err, GFP_KERNEL);
	if (!skb)
		return NULL;
	skb_reserve(skb, TX_ROOM);
	skb_put(skb, head);
	skb->data_len = len - head;
	skb->len += len - head;
	vnetsim_buf_read(buf, from, skb->data, head);
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		vnetsim_buf_read(buf, at, skb_frag_address(frag), skb_frag_size(frag));
		at += skb_frag_size(frag);
	}
	return skb;
}

static void count(struct vnetsim_queue *q, const struct virtio_net_hdr_v1 *hdr, u32 len)
{
	q->stats.packets++;
	q->stats.bytes += len;
	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		q->stats.needs_csum++;
	else
		q->stats.csum_none++;
	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		q->stats.gso_packets++;
		q->stats.gso_bytes += len;
	}
}

/**
 * vnetsim_tx_gso_left() - count a packet, if the driver has left it to be segmented
 * @stats: of the queue that it came from
 * @skb:   the packet
 * @segs:  what was made of it; NULL if it went to the other side as it is
 *
 * Context: the worker's lock.
 */
void vnetsim_tx_gso_left(struct vnetsim_stats *stats, const struct sk_buff *skb,
			 const struct sk_buff *segs)
{
	if (!skb_is_gso(skb))
		return;
	if (!segs) {
		stats->whole_packets++;
		stats->whole_bytes += skb->len;
	}
	for (; segs; segs = segs->next) {
		stats->segments++;
		stats->segment_bytes += segs->len;
	}
}

/* To the other side of whatever is there; consumes the packet. */
static void forward(struct vnetsim_queue *q, struct sk_buff *skb)
{
	struct vnetsim *sim = q->sim, *other;

	if (sim->peer) {
		vnetsim_tx_gso_left(&q->stats, skb, NULL);
		vnetsim_peer_deliver(sim, skb);
		return;
	}
	rcu_read_lock();
	other = rcu_dereference(sim->cable);
	if (other)
		vnetsim_receive(other, skb, &q->stats);
	else
		kfree_skb(skb);
	rcu_read_unlock();
}

static void drop(struct vnetsim_queue *q, enum vnetsim_violation why)
{
	vnetsim_violate(q->sim, why);
	q->stats.drops++;
	q->stats.malformed++;
}

static void transmit(struct vnetsim_queue *q, struct vnetsim_buf *buf)
{
	struct vnetsim *sim = q->sim;
	struct virtio_net_hdr_v1 hdr;
	struct sk_buff *skb;
	u32 len;

	if (buf->in)
		vnetsim_violate(sim, VNETSIM_V_TX_WRITABLE);
	if (buf->out < sim->hdr_len + ETH_HLEN) {
		drop(q, VNETSIM_V_TX_SHORT);
		return;
	}
	len = buf->out - sim->hdr_len;
	if (len > VNETSIM_PACKET_MAX) {
		drop(q, VNETSIM_V_TX_LONG);
		return;
	}
	if (q->index / 2 >= READ_ONCE(sim->state.tx_pairs))
		vnetsim_violate(sim, VNETSIM_V_TX_INACTIVE);

	vnetsim_buf_read(buf, 0, &hdr, sizeof(hdr));
	skb = make_skb(buf, sim->hdr_len, len);
	if (!skb) {
		q->stats.drops++;
		return;
	}
	check_header(sim, &hdr, skb);
	if (virtio_net_hdr_to_skb(skb, (struct virtio_net_hdr *)&hdr, true)) {
		q->stats.drops++;
		kfree_skb(skb);
		return;
	}
	count(q, &hdr, len);
	forward(q, skb);
}

/* Send a packet and give its buffer back, in this order if nothing is wrong. */
static void finish(struct vnetsim_queue *q, struct vnetsim_buf *buf)
{
	bool early = vnetsim_hit(q, VNETSIM_BUG_EARLY);
	struct vnetsim_used used = { buf->id, buf->descs };
	unsigned int held;

	if (likely(!early))
		transmit(q, buf);
	/* Nothing was written, whatever is told. */
	used.len = vnetsim_bug_len(q, 0, buf->out);
	if (!vnetsim_ring_hold(q, &used)) {
		vnetsim_ring_push(q, used.id, used.descs, used.len);
		held = vnetsim_ring_unhold(q);
		vnetsim_ring_publish(q);
		vnetsim_queue_used(q, 1 + held);
	}
	if (unlikely(early)) {
		usleep_range(500, 600);
		transmit(q, buf);
	}
}

/**
 * vnetsim_tx_run() - send what the driver has made available, up to a limit
 * @worker: the pair's
 *
 * Context: the worker's lock.
 * Return: 0 when there is nothing left and the driver will notify of more.
 */
unsigned int vnetsim_tx_run(struct vnetsim_worker *worker)
{
	struct vnetsim_queue *q = worker->tx;
	struct vnetsim_buf *buf = &worker->buf;
	unsigned int done;

	if (vnetsim_queue_stands_still(q))
		return 0;
	for (done = 0; done < TX_BUDGET && q->ready && vnetsim_ring_pop(q, buf); done++) {
		/* Who writes such a buffer can't be trusted with the rest. */
		if (buf->bad) {
			q->ready = false;
			return 0;
		}
		finish(q, buf);
	}
	vnetsim_flush_held(q);
	if (!q->ready)
		return 0;
	if (done < TX_BUDGET && vnetsim_ring_listen(q))
		done++;
	return done;
}

/**
 * vnetsim_tx_limit() - on which pairs the driver may send from now on
 * @sim:   the device
 * @pairs: so many
 *
 * What it has queued on others by now is sent, once; more is against the rules.
 *
 * Context: process, may sleep; without any worker's lock.
 */
void vnetsim_tx_limit(struct vnetsim *sim, unsigned int pairs)
{
	unsigned int i, left;

	for (i = pairs; i < sim->max_pairs; i++) {
		struct vnetsim_worker *worker = &sim->workers[i];

		mutex_lock(&worker->lock);
		left = sim->ring / TX_BUDGET + 1;
		while (worker->tx->ready && left-- && vnetsim_tx_run(worker))
			;
		mutex_unlock(&worker->lock);
	}
	WRITE_ONCE(sim->state.tx_pairs, pairs);
}
