// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what is believed of a received packet: virtio_net_cvm/pkt.[ch],
 * and of the back-off between resets.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/module.h>

#include <compat/virtio_net.h>

#include "virtio_net_cvm/pkt.h"
#include "virtio_net_cvm/reset.h"

#define F(name)	BIT_ULL(VIRTIO_NET_F_GUEST_##name)

static const u64 all_offloads = F(CSUM) | F(TSO4) | F(TSO6) | F(ECN) | F(USO4) | F(USO6);

/* --- lengths --- */

struct len_case {
	u32 used;
	u32 posted;
	u8 hdr_len;
	enum cvmnet_rx_drop want;
};

static const struct len_case len_cases[] = {
	{ 26, 1526, 12, CVMNET_RX_OK },
	{ 1526, 1526, 12, CVMNET_RX_OK },
	{ 0, 1526, 12, CVMNET_RX_DROP_RUNT },
	{ 11, 1526, 12, CVMNET_RX_DROP_RUNT },
	{ 12, 1526, 12, CVMNET_RX_DROP_RUNT },
	{ 25, 1526, 12, CVMNET_RX_DROP_RUNT },
	{ 33, 1526, 20, CVMNET_RX_DROP_RUNT },
	{ 34, 1526, 20, CVMNET_RX_OK },
	{ 1527, 1526, 12, CVMNET_RX_DROP_OVERSIZE },
	{ 4096, 1526, 12, CVMNET_RX_DROP_OVERSIZE },
	{ 0x80000000, 4096, 12, CVMNET_RX_DROP_OVERSIZE },
	{ U32_MAX, 4096, 12, CVMNET_RX_DROP_OVERSIZE },
};

static void len_desc(const struct len_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u of %u, header %u", c->used, c->posted,
		 c->hdr_len);
}

KUNIT_ARRAY_PARAM(len, len_cases, len_desc);

static void len_test(struct kunit *test)
{
	const struct len_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_len(c->used, c->posted, c->hdr_len), (int)c->want);
}

static void next_len_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_next_len(1, 4096, 4084), (int)CVMNET_RX_OK);
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_next_len(4096, 4096, 4084), (int)CVMNET_RX_OK);
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_next_len(0, 4096, 4084),
			(int)CVMNET_RX_DROP_RUNT);
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_next_len(4097, 4096, 4084),
			(int)CVMNET_RX_DROP_OVERSIZE);
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_next_len(U32_MAX, 4096, 4084),
			(int)CVMNET_RX_DROP_OVERSIZE);
	/* A packet can't be longer than the longest. */
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_next_len(62, 4096, 65500), (int)CVMNET_RX_OK);
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_next_len(63, 4096, 65500),
			(int)CVMNET_RX_DROP_OVERSIZE);
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_next_len(1, 4096, U32_MAX),
			(int)CVMNET_RX_DROP_OVERSIZE);
}

static void buffers_test(struct kunit *test)
{
	struct cvmnet_pkt pkt = {};
	unsigned int max = cvmnet_pkt_max_buffers(4096);

	KUNIT_EXPECT_GE(test, max * 4096, CVMNET_PKT_MAX);
	KUNIT_EXPECT_LE(test, max, 18);
	KUNIT_EXPECT_GT(test, cvmnet_pkt_max_buffers(0), 1);

	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_buffers(&pkt, 4096), (int)CVMNET_RX_DROP_BUFFERS);
	pkt.num_buffers = 1;
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_buffers(&pkt, 4096), (int)CVMNET_RX_OK);
	pkt.num_buffers = max;
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_buffers(&pkt, 4096), (int)CVMNET_RX_OK);
	pkt.num_buffers = max + 1;
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_buffers(&pkt, 4096), (int)CVMNET_RX_DROP_BUFFERS);
	pkt.num_buffers = U16_MAX;
	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_buffers(&pkt, 4096), (int)CVMNET_RX_DROP_BUFFERS);
}

/* --- what the header asks for --- */

#define NEEDS	VIRTIO_NET_HDR_F_NEEDS_CSUM
#define VALID	VIRTIO_NET_HDR_F_DATA_VALID
#define TCP4	VIRTIO_NET_HDR_GSO_TCPV4
#define TCP6	VIRTIO_NET_HDR_GSO_TCPV6
#define UDP4	VIRTIO_NET_HDR_GSO_UDP_L4
#define ECN	VIRTIO_NET_HDR_GSO_ECN

struct hdr_case {
	const char *name;
	struct cvmnet_pkt pkt;
	u32 len;
	u64 offloads;
	enum cvmnet_rx_drop want;
};

static const struct hdr_case hdr_cases[] = {
	{ "nothing", {}, 60, 0, CVMNET_RX_OK },
	{ "lone csum fields", { .csum_start = 65535, .csum_offset = 65535 }, 60, 0,
	  CVMNET_RX_OK },
	{ "data valid, not agreed", { .flags = VALID }, 60, 0, CVMNET_RX_OK },

	{ "csum", { .flags = NEEDS, .csum_start = 34, .csum_offset = 16 }, 60, F(CSUM),
	  CVMNET_RX_OK },
	{ "csum and valid", { .flags = NEEDS | VALID, .csum_start = 34, .csum_offset = 6 }, 60,
	  F(CSUM), CVMNET_RX_OK },
	{ "csum at the very end", { .flags = NEEDS, .csum_start = 14, .csum_offset = 44 }, 60,
	  F(CSUM), CVMNET_RX_OK },
	{ "csum past the end", { .flags = NEEDS, .csum_start = 14, .csum_offset = 45 }, 60,
	  F(CSUM), CVMNET_RX_DROP_CSUM },
	{ "csum in the link header", { .flags = NEEDS, .csum_start = 13, .csum_offset = 6 }, 60,
	  F(CSUM), CVMNET_RX_DROP_CSUM },
	{ "csum starts past the end", { .flags = NEEDS, .csum_start = 61 }, 60, F(CSUM),
	  CVMNET_RX_DROP_CSUM },
	{ "csum wraps", { .flags = NEEDS, .csum_start = 65535, .csum_offset = 14 }, 60, F(CSUM),
	  CVMNET_RX_DROP_CSUM },
	{ "csum, largest fields", { .flags = NEEDS, .csum_start = 65535, .csum_offset = 65535 },
	  CVMNET_PKT_MAX, F(CSUM), CVMNET_RX_DROP_CSUM },
	{ "csum not agreed", { .flags = NEEDS, .csum_start = 34, .csum_offset = 16 }, 60,
	  F(TSO4), CVMNET_RX_DROP_CSUM },

	{ "tso4", { .flags = NEEDS, .gso_type = TCP4, .gso_size = 1448, .csum_start = 34,
	  .csum_offset = 16 }, 9000, all_offloads, CVMNET_RX_OK },
	{ "tso6", { .flags = NEEDS, .gso_type = TCP6, .gso_size = 1428, .csum_start = 54,
	  .csum_offset = 16 }, 9000, all_offloads, CVMNET_RX_OK },
	{ "uso", { .flags = NEEDS, .gso_type = UDP4, .gso_size = 1400, .csum_start = 34,
	  .csum_offset = 6 }, 9000, all_offloads, CVMNET_RX_OK },
	{ "uso, only for the other family", { .flags = VALID, .gso_type = UDP4,
	  .gso_size = 1400 }, 9000, F(CSUM) | F(USO6), CVMNET_RX_OK },
	{ "tso4, merged by hardware", { .flags = VALID, .gso_type = TCP4, .gso_size = 1448 },
	  9000, all_offloads, CVMNET_RX_OK },
	{ "tso4 of tiny segments", { .flags = NEEDS, .gso_type = TCP4, .gso_size = 1,
	  .csum_start = 34, .csum_offset = 16 }, 2048, F(CSUM) | F(TSO4), CVMNET_RX_OK },
	{ "tso4 of too many segments", { .flags = NEEDS, .gso_type = TCP4, .gso_size = 1,
	  .csum_start = 34, .csum_offset = 16 }, 2049, F(CSUM) | F(TSO4), CVMNET_RX_DROP_GSO },
	{ "tso4 of the most segments", { .flags = NEEDS, .gso_type = TCP4, .gso_size = 32,
	  .csum_start = 34, .csum_offset = 16 }, 65550, F(CSUM) | F(TSO4), CVMNET_RX_OK },
	{ "tso4 with ecn", { .flags = VALID, .gso_type = TCP4 | ECN, .gso_size = 1448 }, 9000,
	  all_offloads, CVMNET_RX_OK },
	{ "tso4 with ecn, not agreed", { .flags = VALID, .gso_type = TCP4 | ECN,
	  .gso_size = 1448 }, 9000, all_offloads & ~F(ECN), CVMNET_RX_DROP_GSO },
	{ "uso with ecn", { .flags = VALID, .gso_type = UDP4 | ECN, .gso_size = 1448 }, 9000,
	  all_offloads, CVMNET_RX_DROP_GSO },
	{ "ecn alone", { .flags = VALID, .gso_type = ECN, .gso_size = 1448 }, 9000,
	  all_offloads, CVMNET_RX_DROP_GSO },
	{ "tso4 not agreed", { .flags = VALID, .gso_type = TCP4, .gso_size = 1448 }, 9000,
	  all_offloads & ~F(TSO4), CVMNET_RX_DROP_GSO },
	{ "tso6 not agreed", { .flags = VALID, .gso_type = TCP6, .gso_size = 1448 }, 9000,
	  all_offloads & ~F(TSO6), CVMNET_RX_DROP_GSO },
	{ "uso not agreed", { .flags = VALID, .gso_type = UDP4, .gso_size = 1448 }, 9000,
	  all_offloads & ~(F(USO4) | F(USO6)), CVMNET_RX_DROP_GSO },
	{ "ufo", { .flags = VALID, .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1448 }, 9000,
	  all_offloads, CVMNET_RX_DROP_GSO },
	{ "type 2", { .flags = VALID, .gso_type = 2, .gso_size = 1448 }, 9000, all_offloads,
	  CVMNET_RX_DROP_GSO },
	{ "type 0x7f", { .flags = VALID, .gso_type = 0x7f, .gso_size = 1448 }, 9000,
	  all_offloads, CVMNET_RX_DROP_GSO },
	{ "gso_size 0", { .flags = VALID, .gso_type = TCP4 }, 9000, all_offloads,
	  CVMNET_RX_DROP_GSO },
	{ "gso_size by fragments", { .flags = VALID, .gso_type = TCP4, .gso_size = 0xffff },
	  9000, all_offloads, CVMNET_RX_DROP_GSO },
	{ "gso, no payload", { .flags = VALID, .gso_type = TCP4, .gso_size = 1448 }, 54,
	  all_offloads, CVMNET_RX_DROP_GSO },
	{ "gso, checksum of nobody", { .gso_type = TCP4, .gso_size = 1448 }, 9000,
	  all_offloads, CVMNET_RX_DROP_GSO },
};

static void hdr_desc(const struct hdr_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hdr, hdr_cases, hdr_desc);

static void hdr_test(struct kunit *test)
{
	const struct hdr_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, (int)cvmnet_pkt_check(&c->pkt, c->len, c->offloads),
			(int)c->want);
}

static void read_test(struct kunit *test)
{
	static const u8 wire[20] = {
		1, 0x81, 0xaa, 0xbb, 0x34, 0x12, 0x22, 0x00, 0x10, 0x00, 0x02, 0x01,
		0x78, 0x56, 0x34, 0x12, 0x02, 0x00, 0, 0,
	};
	struct virtio_net_hdr_v1_hash hdr;
	struct cvmnet_pkt pkt;

	memcpy(&hdr, wire, sizeof(hdr));
	cvmnet_pkt_read(&pkt, &hdr, true);
	KUNIT_EXPECT_EQ(test, pkt.flags, 1);
	KUNIT_EXPECT_EQ(test, pkt.gso_type, 0x81);
	KUNIT_EXPECT_EQ(test, pkt.gso_size, 0x1234);
	KUNIT_EXPECT_EQ(test, pkt.csum_start, 34);
	KUNIT_EXPECT_EQ(test, pkt.csum_offset, 16);
	KUNIT_EXPECT_EQ(test, pkt.num_buffers, 0x102);
	KUNIT_EXPECT_EQ(test, pkt.hash, 0x12345678U);
	KUNIT_EXPECT_EQ(test, pkt.hash_report, VIRTIO_NET_HASH_REPORT_TCPv4);

	/* Without the feature those bytes are the packet's. */
	cvmnet_pkt_read(&pkt, &hdr, false);
	KUNIT_EXPECT_EQ(test, pkt.hash, 0U);
	KUNIT_EXPECT_EQ(test, pkt.hash_report, VIRTIO_NET_HASH_REPORT_NONE);
}

static void hash_test(struct kunit *test)
{
	struct cvmnet_pkt pkt = {};
	unsigned int report, l3 = 0, l4 = 0;

	for (report = 0; report <= U16_MAX; report++) {
		pkt.hash_report = report;
		switch (cvmnet_pkt_hash(&pkt)) {
		case CVMNET_HASH_L3:
			l3++;
			break;
		case CVMNET_HASH_L4:
			l4++;
			break;
		case CVMNET_HASH_NONE:
			break;
		}
	}
	KUNIT_EXPECT_EQ(test, l3, 3);
	KUNIT_EXPECT_EQ(test, l4, 6);
}

static void reset_delay_test(struct kunit *test)
{
	unsigned int i;
	int delay, last = -1;

	KUNIT_EXPECT_EQ(test, cvmnet_reset_delay(0), 0);
	KUNIT_EXPECT_EQ(test, cvmnet_reset_delay(1), 1000);
	KUNIT_EXPECT_EQ(test, cvmnet_reset_delay(2), 2000);
	for (i = 0; i < CVMNET_RESET_MAX; i++) {
		delay = cvmnet_reset_delay(i);
		KUNIT_EXPECT_GE(test, delay, last);
		KUNIT_EXPECT_LE(test, delay, 32000);
		last = delay;
	}
	KUNIT_EXPECT_EQ(test, cvmnet_reset_delay(CVMNET_RESET_MAX), -ENODEV);
	KUNIT_EXPECT_EQ(test, cvmnet_reset_delay(UINT_MAX), -ENODEV);
}

static struct kunit_case pkt_cases[] = {
	KUNIT_CASE_PARAM(len_test, len_gen_params),
	KUNIT_CASE(next_len_test),
	KUNIT_CASE(buffers_test),
	KUNIT_CASE_PARAM(hdr_test, hdr_gen_params),
	KUNIT_CASE(read_test),
	KUNIT_CASE(hash_test),
	KUNIT_CASE(reset_delay_test),
	{ }
};

static struct kunit_suite pkt_suite = {
	.name = "virtio_net_cvm_pkt",
	.test_cases = pkt_cases,
};

kunit_test_suite(pkt_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's packet checks");
MODULE_LICENSE("GPL");
