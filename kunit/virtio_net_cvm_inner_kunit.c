// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the hash of what is inside of a tunnel: virtio_net_cvm/inner_hash.c. It
 * has to be the one that the stack gives to the packet inside, were it alone.
 */
#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/net_namespace.h>

#include "tunnel_packet.h"
#include "virtio_net_cvm/inner_hash.h"

#define DEVICE_HASH	0x12345678U	/* what the device told */
#define FLOWS		8
#define TCP_LEN		20

/**
 * struct type_case - a kind of tunnel
 * @name: as in cvm/hash_tunnel_types
 * @type: the kind
 */
struct type_case {
	const char *name;
	enum vnetsim_tunnel type;
};

static const struct type_case type_cases[] = {
	{ "gre_2784", VNETSIM_TUNNEL_GRE_2784 },
	{ "gre_2890", VNETSIM_TUNNEL_GRE_2890 },
	{ "gre_7676", VNETSIM_TUNNEL_GRE_7676 },
	{ "gre_udp", VNETSIM_TUNNEL_GRE_UDP },
	{ "vxlan", VNETSIM_TUNNEL_VXLAN },
	{ "vxlan_gpe", VNETSIM_TUNNEL_VXLAN_GPE },
	{ "geneve", VNETSIM_TUNNEL_GENEVE },
	{ "ipip", VNETSIM_TUNNEL_IPIP },
	{ "nvgre", VNETSIM_TUNNEL_NVGRE },
};

static_assert(ARRAY_SIZE(type_cases) == VNETSIM_TUNNELS);

static void type_desc(const struct type_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(type, type_cases, type_desc);

/* Everything outside that each kind of tunnel can have; both kinds of packets inside. */
static const struct tunnel_outer outers[] = {
	{ .inner = ETH_P_IP },
	{ .inner = ETH_P_IP, .vlan = true },
	{ .inner = ETH_P_IP, .v6 = true },
	{ .inner = ETH_P_IP, .v6 = true, .label = true },
	{ .inner = ETH_P_IP, .v6 = true, .label = true, .vlan = true },
	{ .inner = ETH_P_IPV6 },
	{ .inner = ETH_P_IPV6, .vlan = true },
	{ .inner = ETH_P_IPV6, .v6 = true, .label = true },
};

static struct tunnel_outer outer_of(const struct kunit *test, unsigned int i)
{
	const struct type_case *c = test->param_value;
	struct tunnel_outer outer = outers[i];

	outer.type = c->type;
	return outer;
}

/* Bytes from the network header inside to the end. */
static unsigned int inner_len(const struct tunnel_outer *outer)
{
	return TCP_LEN + (outer->inner == ETH_P_IPV6 ? sizeof(struct ipv6hdr) :
						       sizeof(struct iphdr));
}

static void put_inner(struct sk_buff *skb, const struct tunnel_outer *outer, unsigned int flow)
{
	static const u8 src[16] = { 192, 168, 7, 1 }, dst[16] = { 192, 168, 7, 2 };

	if (outer->inner == ETH_P_IPV6)
		put_v6(skb, src, dst, IPPROTO_TCP);
	else
		put_v4(skb, src, dst, IPPROTO_TCP);
	put_ports(skb, 10000 + flow, 80);
}

/* As the driver has it when it looks: the Ethernet header is behind it. */
static void receive(struct sk_buff *skb)
{
	skb_reset_mac_header(skb);
	skb->protocol = eth_hdr(skb)->h_proto;
	skb_pull(skb, ETH_HLEN);
	skb_reset_network_header(skb);
	skb->dev = init_net.loopback_dev;
	skb_set_hash(skb, DEVICE_HASH, PKT_HASH_TYPE_L3);
}

static struct sk_buff *tunnel_packet(struct kunit *test, const struct tunnel_outer *outer,
				     unsigned int flow)
{
	struct sk_buff *skb = new_packet(test);

	put_outer(skb, outer);
	put_inner(skb, outer, flow);
	receive(skb);
	return skb;
}

/* The packet inside alone, cut behind so many bytes. */
static u32 stack_hash(struct kunit *test, const struct tunnel_outer *outer, unsigned int flow,
		      unsigned int len)
{
	struct sk_buff *skb = new_packet(test);
	u32 hash;

	put_eth(skb, outer->inner);
	put_inner(skb, outer, flow);
	receive(skb);
	skb_trim(skb, len);
	skb_clear_hash(skb);
	hash = skb_get_hash(skb);
	kfree_skb(skb);
	return hash;
}

static void expect_hash(struct kunit *test, const struct sk_buff *skb, u32 want,
			const char *what, unsigned int which)
{
	KUNIT_EXPECT_EQ_MSG(test, skb->hash, want, "%s %u", what, which);
	KUNIT_EXPECT_TRUE_MSG(test, skb->sw_hash, "%s %u", what, which);
}

static void expect_untouched(struct kunit *test, const struct sk_buff *skb, const char *what,
			     unsigned int which)
{
	KUNIT_EXPECT_EQ_MSG(test, skb->hash, DEVICE_HASH, "%s %u", what, which);
	KUNIT_EXPECT_FALSE_MSG(test, skb->sw_hash, "%s %u", what, which);
	KUNIT_EXPECT_FALSE_MSG(test, skb->l4_hash, "%s %u", what, which);
}

/* Whatever flow is outside: the hash is that of the flow inside. */
static void flow_test(struct kunit *test)
{
	unsigned int i, inner, flow;
	struct sk_buff *skb;

	for (i = 0; i < ARRAY_SIZE(outers); i++) {
		struct tunnel_outer outer = outer_of(test, i);
		u32 first = stack_hash(test, &outer, 0, inner_len(&outer));

		for (inner = 0; inner < FLOWS; inner++) {
			u32 want = stack_hash(test, &outer, inner, inner_len(&outer));

			if (inner)
				KUNIT_EXPECT_NE(test, want, first);
			for (flow = 0; flow < 3; flow++) {
				outer.flow = flow;
				skb = tunnel_packet(test, &outer, inner);
				cvmnet_inner_hash(skb);
				expect_hash(test, skb, want, "outside", i);
				KUNIT_EXPECT_TRUE(test, skb->l4_hash);
				kfree_skb(skb);
			}
		}
	}
}

/* The headers inside may be anywhere else than in the linear part. */
static void pieces_test(struct kunit *test)
{
	unsigned int i, head;

	for (i = 0; i < ARRAY_SIZE(outers); i++) {
		struct tunnel_outer outer = outer_of(test, i);
		struct sk_buff *skb = tunnel_packet(test, &outer, 1);
		u32 want = stack_hash(test, &outer, 1, inner_len(&outer));

		for (head = 0; head < skb->len; head++) {
			struct page *page = alloc_page(GFP_KERNEL);
			struct sk_buff *pieces = new_packet(test);
			unsigned int rest = skb->len - head;

			KUNIT_ASSERT_NOT_NULL(test, page);
			pieces->protocol = skb->protocol;
			pieces->dev = skb->dev;
			skb_reset_network_header(pieces);
			skb_put_data(pieces, skb->data, head);
			/* Nothing is behind it in its page. */
			memcpy(page_address(page) + PAGE_SIZE - rest, skb->data + head, rest);
			skb_add_rx_frag(pieces, 0, page, PAGE_SIZE - rest, rest, PAGE_SIZE);
			cvmnet_inner_hash(pieces);
			expect_hash(test, pieces, want, "linear bytes:", head);
			kfree_skb(pieces);
		}
		kfree_skb(skb);
	}
}

/*
 * What was cut off is still behind the packet, for whoever looks there. Without a whole
 * network header inside the hash stays, without ports it is that of the addresses.
 */
static void cut_test(struct kunit *test)
{
	unsigned int i, len, inner_at;

	for (i = 0; i < ARRAY_SIZE(outers); i++) {
		struct tunnel_outer outer = outer_of(test, i);
		struct sk_buff *skb = tunnel_packet(test, &outer, 1);

		inner_at = skb->len - inner_len(&outer);
		for (len = skb->len; len--; ) {
			skb_trim(skb, len);
			skb_set_hash(skb, DEVICE_HASH, PKT_HASH_TYPE_L3);
			cvmnet_inner_hash(skb);
			if (len < inner_at + inner_len(&outer) - TCP_LEN)
				expect_untouched(test, skb, "length", len);
			else
				expect_hash(test, skb, stack_hash(test, &outer, 1, len - inner_at),
					    "length", len);
		}
		kfree_skb(skb);
	}
}

/* A fragment outside may have no header inside, and its others have none. */
static void fragment_test(struct kunit *test)
{
	unsigned int i, later;

	for (i = 0; i < ARRAY_SIZE(outers); i++) {
		struct tunnel_outer outer = outer_of(test, i);

		outer.fragment = true;
		for (later = 0; later < 2; later++) {
			struct sk_buff *skb;

			outer.later = later;
			skb = tunnel_packet(test, &outer, 1);
			cvmnet_inner_hash(skb);
			expect_untouched(test, skb, "outside", i);
			kfree_skb(skb);
		}
	}
}

/**
 * struct other_case - a packet that is not looked into
 * @name:  what is wrong
 * @type:  the tunnel that it is, but for that
 * @at:    a byte of it, from the network header on
 * @value: what that is instead
 */
struct other_case {
	const char *name;
	enum vnetsim_tunnel type;
	u8 at;
	u8 value;
};

#define PROTO	9		/* of IPv4 */
#define GRE	20		/* behind IPv4 */
#define PORT	22
#define IN_UDP	28

static const struct other_case other_cases[] = {
	{ "tcp", VNETSIM_TUNNEL_VXLAN, PROTO, IPPROTO_TCP },
	{ "esp", VNETSIM_TUNNEL_IPIP, PROTO, IPPROTO_ESP },
	{ "another port", VNETSIM_TUNNEL_VXLAN, PORT + 1, 53 },
	{ "IPv4 header too short", VNETSIM_TUNNEL_VXLAN, 0, 0x44 },
	{ "GRE with routing", VNETSIM_TUNNEL_GRE_2784, GRE, 0x40 },
	{ "GRE version 2", VNETSIM_TUNNEL_GRE_2784, GRE + 1, 2 },
	{ "GRE version 1 without PPP", VNETSIM_TUNNEL_GRE_2890, GRE + 1, 1 },
	{ "GRE, protocol unknown", VNETSIM_TUNNEL_GRE_2784, GRE + 2, 0x12 },
	{ "GRE, ARP inside", VNETSIM_TUNNEL_GRE_2784, GRE + 3, ETH_P_ARP & 0xff },
	{ "NVGRE, ARP inside", VNETSIM_TUNNEL_NVGRE, GRE + 8 + 13, ETH_P_ARP & 0xff },
	{ "GRE in UDP with routing", VNETSIM_TUNNEL_GRE_UDP, IN_UDP, 0x40 },
	{ "GRE in UDP, version 1", VNETSIM_TUNNEL_GRE_UDP, IN_UDP + 1, 1 },
	{ "GRE in UDP, protocol unknown", VNETSIM_TUNNEL_GRE_UDP, IN_UDP + 2, 0x12 },
	{ "VXLAN, ARP inside", VNETSIM_TUNNEL_VXLAN, IN_UDP + 8 + 13, ETH_P_ARP & 0xff },
	{ "VXLAN-GPE, NSH inside", VNETSIM_TUNNEL_VXLAN_GPE, IN_UDP + 3, 4 },
	{ "Geneve, protocol unknown", VNETSIM_TUNNEL_GENEVE, IN_UDP + 2, 0x12 },
	{ "Geneve, options beyond the end", VNETSIM_TUNNEL_GENEVE, IN_UDP, 0x3f },
};

static void other_desc(const struct other_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(other, other_cases, other_desc);

static void other_test(struct kunit *test)
{
	const struct other_case *c = test->param_value;
	const struct tunnel_outer outer = { .type = c->type };
	struct sk_buff *skb = tunnel_packet(test, &outer, 1);

	KUNIT_EXPECT_NE(test, skb->data[c->at], c->value);
	skb->data[c->at] = c->value;
	cvmnet_inner_hash(skb);
	expect_untouched(test, skb, "byte", c->at);
	kfree_skb(skb);
}

/* Packets in no tunnel at all. */
static void plain_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(outers); i++) {
		struct sk_buff *skb = new_packet(test);

		put_eth(skb, outers[i].vlan ? ETH_P_8021Q : outers[i].inner);
		if (outers[i].vlan)
			put_vlan(skb, 1, outers[i].inner);
		put_inner(skb, &outers[i], 1);
		receive(skb);
		cvmnet_inner_hash(skb);
		expect_untouched(test, skb, "packet", i);
		kfree_skb(skb);
	}
}

static struct kunit_case inner_cases[] = {
	KUNIT_CASE_PARAM(flow_test, type_gen_params),
	KUNIT_CASE_PARAM(pieces_test, type_gen_params),
	KUNIT_CASE_PARAM(cut_test, type_gen_params),
	KUNIT_CASE_PARAM(fragment_test, type_gen_params),
	KUNIT_CASE_PARAM(other_test, other_gen_params),
	KUNIT_CASE(plain_test),
	{ }
};

static struct kunit_suite inner_suite = {
	.name = "virtio_net_cvm_inner",
	.test_cases = inner_cases,
};

kunit_test_suite(inner_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's hashes of what is in tunnels");
MODULE_LICENSE("GPL");
