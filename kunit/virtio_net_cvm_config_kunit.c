// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what is believed of the device's configuration:
 * virtio_net_cvm/config.[ch].
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <uapi/linux/virtio_net.h>

#include "compat/virtio_net.h"

#include "virtio_net_cvm/config.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)
#define ALL		(F(MAC) | F(STATUS) | F(MTU) | F(SPEED_DUPLEX) | F(MQ) | F(RSS) | \
			 F(HASH_REPORT))
#define CPUS		8U

static const struct cvmnet_config_raw good = {
	.mac = { 0x52, 0x54, 0, 1, 2, 3 },
	.status = VIRTIO_NET_S_LINK_UP,
	.max_pairs = 4,
	.mtu = 1500,
	.speed = SPEED_10000,
	.duplex = DUPLEX_FULL,
	.rss_key = 40,
	.rss_table = 128,
	.hash_types = 0x1ff,
};

static void good_test(struct kunit *test)
{
	struct cvmnet_config cfg;

	KUNIT_EXPECT_EQ(test, cvmnet_config_unusable(&good, ALL), 0ULL);
	cvmnet_config_sanitize(&good, ALL, CPUS, &cfg);
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(cfg.mac, good.mac));
	KUNIT_EXPECT_EQ(test, (unsigned int)cfg.status, (unsigned int)VIRTIO_NET_S_LINK_UP);
	KUNIT_EXPECT_EQ(test, cfg.device_pairs, 4U);
	KUNIT_EXPECT_EQ(test, cfg.max_pairs, 4U);
	KUNIT_EXPECT_EQ(test, cfg.mtu, 1500U);
	KUNIT_EXPECT_EQ(test, cfg.speed, (u32)SPEED_10000);
	KUNIT_EXPECT_EQ(test, cfg.duplex, (u8)DUPLEX_FULL);
	KUNIT_EXPECT_EQ(test, cfg.rss_key, CVMNET_RSS_KEY_LEN);
	KUNIT_EXPECT_EQ(test, cfg.rss_table, 128U);
	KUNIT_EXPECT_EQ(test, cfg.hash_types, 0x1ffU);
}

/* Without features, what the device wrote does not matter. */
static void no_features_test(struct kunit *test)
{
	struct cvmnet_config_raw raw;
	struct cvmnet_config cfg;

	memset(&raw, 0xff, sizeof(raw));
	KUNIT_EXPECT_EQ(test, cvmnet_config_unusable(&raw, 0), 0ULL);
	cvmnet_config_sanitize(&raw, 0, CPUS, &cfg);
	KUNIT_EXPECT_TRUE(test, is_zero_ether_addr(cfg.mac));
	KUNIT_EXPECT_EQ(test, (unsigned int)cfg.status, (unsigned int)VIRTIO_NET_S_LINK_UP);
	KUNIT_EXPECT_EQ(test, cfg.device_pairs, 1U);
	KUNIT_EXPECT_EQ(test, cfg.max_pairs, 1U);
	KUNIT_EXPECT_EQ(test, cfg.mtu, ETH_MAX_MTU);
	KUNIT_EXPECT_EQ(test, cfg.speed, (u32)SPEED_UNKNOWN);
	KUNIT_EXPECT_EQ(test, cfg.duplex, (u8)DUPLEX_UNKNOWN);
	KUNIT_EXPECT_EQ(test, cfg.rss_key, 0U);
	KUNIT_EXPECT_EQ(test, cfg.rss_table, 0U);
	KUNIT_EXPECT_EQ(test, cfg.hash_types, 0U);
}

struct pairs_row {
	u16 raw;
	bool usable;
	unsigned int device;
	unsigned int max;
};

static void pairs_test(struct kunit *test)
{
	static const struct pairs_row rows[] = {
		{ 0, false, 1, 1 },
		{ 1, true, 1, 1 },
		{ 2, true, 2, 2 },
		{ 8, true, 8, 8 },
		{ 9, true, 9, 8 },
		{ 256, true, 256, 8 },
		{ 257, false, 1, 1 },
		{ 0x8000, false, 1, 1 },
		{ 0x8001, false, 1, 1 },
		{ 0xffff, false, 1, 1 },
	};
	static const u64 features[] = { F(MQ), F(RSS), F(MQ) | F(RSS) };
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		raw.max_pairs = rows[i].raw;
		for (j = 0; j < ARRAY_SIZE(features); j++) {
			KUNIT_EXPECT_EQ_MSG(test, cvmnet_config_unusable(&raw, features[j]),
					    rows[i].usable ? 0 : features[j], "%u pairs",
					    rows[i].raw);
			cvmnet_config_sanitize(&raw, features[j], CPUS, &cfg);
			KUNIT_EXPECT_EQ_MSG(test, cfg.device_pairs, rows[i].device, "%u pairs",
					    rows[i].raw);
			KUNIT_EXPECT_EQ_MSG(test, cfg.max_pairs, rows[i].max, "%u pairs",
					    rows[i].raw);
		}
	}
	cvmnet_config_sanitize(&good, F(MQ), 0, &cfg);
	KUNIT_EXPECT_EQ(test, cfg.max_pairs, 1U);
}

static void mtu_test(struct kunit *test)
{
	static const u16 mtus[] = { 0, 1, 67, 68, 1280, 1500, 9000, 65535 };
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mtus); i++) {
		raw.mtu = mtus[i];
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_config_unusable(&raw, ALL),
				    mtus[i] < 68 ? F(MTU) : 0, "mtu %u", mtus[i]);
		cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
		KUNIT_EXPECT_EQ(test, cfg.mtu, max_t(unsigned int, mtus[i], 68));
	}
}

static void mac_test(struct kunit *test)
{
	static const struct {
		u8 mac[ETH_ALEN];
		bool taken;
	} rows[] = {
		{ { 0x52, 0x54, 0, 1, 2, 3 }, true },
		{ { 0x02, 0, 0, 0, 0, 0 }, true },
		{ { 0, 0, 0, 0, 0, 0 }, false },
		{ { 0x01, 0, 0x5e, 0, 0, 1 }, false },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, false },
	};
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ether_addr_copy(raw.mac, rows[i].mac);
		cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
		KUNIT_EXPECT_EQ_MSG(test, is_valid_ether_addr(cfg.mac), rows[i].taken, "%pM",
				    raw.mac);
		KUNIT_EXPECT_EQ_MSG(test, is_zero_ether_addr(cfg.mac), !rows[i].taken, "%pM",
				    raw.mac);
	}
}

static void speed_test(struct kunit *test)
{
	static const u32 speeds[] = { 0, 1, SPEED_1000, INT_MAX };
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(speeds); i++) {
		raw.speed = speeds[i];
		cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
		KUNIT_EXPECT_EQ(test, cfg.speed, speeds[i]);
	}
	raw.speed = 0x80000000;
	cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
	KUNIT_EXPECT_EQ(test, cfg.speed, (u32)SPEED_UNKNOWN);

	for (i = 0; i < 256; i++) {
		raw.duplex = i;
		cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
		KUNIT_EXPECT_EQ(test, cfg.duplex, (u8)(i <= 1 ? i : DUPLEX_UNKNOWN));
	}
}

static void status_test(struct kunit *test)
{
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;

	raw.status = 0xffff;
	cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
	KUNIT_EXPECT_EQ(test, (unsigned int)cfg.status,
			(unsigned int)(VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE));
	raw.status = 0xfffc;
	cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
	KUNIT_EXPECT_EQ(test, (unsigned int)cfg.status, 0U);
}

static void rss_key_test(struct kunit *test)
{
	static const u8 keys[] = { 0, 1, 39, 40, 41, 255 };
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		bool usable = keys[i] >= 40;

		raw.rss_key = keys[i];
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_config_unusable(&raw, ALL),
				    usable ? 0 : F(RSS) | F(HASH_REPORT), "key of %u", keys[i]);
		cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
		KUNIT_EXPECT_EQ(test, cfg.rss_key, usable ? CVMNET_RSS_KEY_LEN : 0);
	}
}

static void rss_table_test(struct kunit *test)
{
	static const struct {
		u16 raw;
		unsigned int want;
	} rows[] = {
		{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 2 }, { 127, 64 }, { 128, 128 },
		{ 129, 128 }, { 1024, 1024 }, { 1025, 1024 }, { 65535, 1024 },
	};
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		raw.rss_table = rows[i].raw;
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_config_unusable(&raw, ALL),
				    rows[i].want ? 0 : F(RSS), "table of %u", rows[i].raw);
		cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
		KUNIT_EXPECT_EQ_MSG(test, cfg.rss_table, rows[i].want, "table of %u",
				    rows[i].raw);
	}
	/* Hash reports alone have no table. */
	cvmnet_config_sanitize(&good, F(HASH_REPORT), CPUS, &cfg);
	KUNIT_EXPECT_EQ(test, cfg.rss_table, 0U);
	KUNIT_EXPECT_EQ(test, cfg.rss_key, CVMNET_RSS_KEY_LEN);
}

static void hash_types_test(struct kunit *test)
{
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;

	raw.hash_types = U32_MAX;
	KUNIT_EXPECT_EQ(test, cvmnet_config_unusable(&raw, ALL), 0ULL);
	cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
	KUNIT_EXPECT_EQ(test, cfg.hash_types, 0x1ffU);
	raw.hash_types = ~0x1ffU;
	KUNIT_EXPECT_EQ(test, cvmnet_config_unusable(&raw, ALL), F(RSS) | F(HASH_REPORT));
}

static void tunnel_types_test(struct kunit *test)
{
	struct cvmnet_config_raw raw = good;
	struct cvmnet_config cfg;

	raw.tunnel_types = U32_MAX;
	KUNIT_EXPECT_EQ(test, cvmnet_config_unusable(&raw, F(HASH_TUNNEL)), 0ULL);
	cvmnet_config_sanitize(&raw, F(HASH_TUNNEL), CPUS, &cfg);
	KUNIT_EXPECT_EQ(test, cfg.tunnel_types, 0x1ffU);
	cvmnet_config_sanitize(&raw, ALL, CPUS, &cfg);
	KUNIT_EXPECT_EQ(test, cfg.tunnel_types, 0U);
	raw.tunnel_types = ~0x1ffU;
	KUNIT_EXPECT_EQ(test, cvmnet_config_unusable(&raw, F(HASH_TUNNEL)), F(HASH_TUNNEL));
}

/* Anything at all: every field of the result keeps what config.h promises. */
static void random_test(struct kunit *test)
{
	struct cvmnet_config_raw raw;
	struct cvmnet_config cfg;
	struct rnd_state rnd;
	unsigned int i;
	u64 feat;

	prandom_seed_state(&rnd, 49);
	for (i = 0; i < 5000; i++) {
		prandom_bytes_state(&rnd, &raw, sizeof(raw));
		prandom_bytes_state(&rnd, &feat, sizeof(feat));
		KUNIT_ASSERT_EQ(test, cvmnet_config_unusable(&raw, feat) & ~feat, 0ULL);
		cvmnet_config_sanitize(&raw, feat, CPUS, &cfg);
		KUNIT_ASSERT_TRUE(test, is_zero_ether_addr(cfg.mac) ||
				  is_valid_ether_addr(cfg.mac));
		KUNIT_ASSERT_LE(test, (unsigned int)cfg.status, 3U);
		KUNIT_ASSERT_TRUE(test, cfg.device_pairs >= 1 &&
				  cfg.device_pairs <= CVMNET_PAIRS_MAX);
		KUNIT_ASSERT_TRUE(test, cfg.max_pairs >= 1 && cfg.max_pairs <= CPUS &&
				  cfg.max_pairs <= cfg.device_pairs);
		KUNIT_ASSERT_TRUE(test, cfg.mtu >= 68 && cfg.mtu <= 65535);
		KUNIT_ASSERT_TRUE(test, ethtool_validate_speed(cfg.speed));
		KUNIT_ASSERT_TRUE(test, ethtool_validate_duplex(cfg.duplex));
		KUNIT_ASSERT_TRUE(test, !cfg.rss_key || cfg.rss_key == CVMNET_RSS_KEY_LEN);
		KUNIT_ASSERT_TRUE(test, !cfg.rss_table ||
				  (is_power_of_2(cfg.rss_table) &&
				   cfg.rss_table <= CVMNET_RSS_TABLE_MAX));
		KUNIT_ASSERT_EQ(test, cfg.hash_types & ~0x1ffU, 0U);
		KUNIT_ASSERT_EQ(test, cfg.tunnel_types & ~0x1ffU, 0U);
	}
}

/* --- reading --- */

/* A device whose configuration changes while it is read, @changes times. */
struct fake {
	struct virtio_device vdev;
	struct virtio_net_config config;
	unsigned int changes;
	u32 generation;
	unsigned int reads;
	unsigned int outside;
};

static void fake_get(struct virtio_device *vdev, unsigned int offset, void *buf,
		     unsigned int len)
{
	struct fake *fake = container_of(vdev, struct fake, vdev);

	fake->reads++;
	/* What the PCI transport ends in BUG() for */
	if (offset + len > sizeof(fake->config) || (len != 1 && len != 2 && len != 4)) {
		fake->outside++;
		memset(buf, 0, len);
		return;
	}
	memcpy(buf, (u8 *)&fake->config + offset, len);
}

static u32 fake_generation(struct virtio_device *vdev)
{
	struct fake *fake = container_of(vdev, struct fake, vdev);

	if (fake->changes) {
		fake->changes--;
		fake->generation++;
	}
	return fake->generation;
}

static const struct virtio_config_ops fake_ops = {
	.get = fake_get,
	.generation = fake_generation,
};

static const struct virtio_config_ops fake_ops_no_generation = {
	.get = fake_get,
};

static struct fake *fake_new(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->vdev.config = &fake_ops;
	memcpy(fake->config.mac, good.mac, ETH_ALEN);
	fake->config.status = (__force __virtio16)cpu_to_le16(good.status);
	fake->config.max_virtqueue_pairs = (__force __virtio16)cpu_to_le16(good.max_pairs);
	fake->config.mtu = (__force __virtio16)cpu_to_le16(good.mtu);
	fake->config.speed = cpu_to_le32(good.speed);
	fake->config.duplex = good.duplex;
	fake->config.rss_max_key_size = good.rss_key;
	fake->config.rss_max_indirection_table_length = cpu_to_le16(good.rss_table);
	fake->config.supported_hash_types = cpu_to_le32(good.hash_types);
	return fake;
}

static void read_test(struct kunit *test)
{
	struct fake *fake = fake_new(test);
	struct cvmnet_config_raw raw;

	KUNIT_ASSERT_EQ(test, cvmnet_config_read_raw(&fake->vdev, ALL, &raw), 0);
	KUNIT_EXPECT_EQ(test, fake->outside, 0U);
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(raw.mac, good.mac));
	KUNIT_EXPECT_EQ(test, raw.status, good.status);
	KUNIT_EXPECT_EQ(test, raw.max_pairs, good.max_pairs);
	KUNIT_EXPECT_EQ(test, raw.mtu, good.mtu);
	KUNIT_EXPECT_EQ(test, raw.speed, good.speed);
	KUNIT_EXPECT_EQ(test, raw.duplex, good.duplex);
	KUNIT_EXPECT_EQ(test, raw.rss_key, good.rss_key);
	KUNIT_EXPECT_EQ(test, raw.rss_table, good.rss_table);
	KUNIT_EXPECT_EQ(test, raw.hash_types, good.hash_types);

	/* Only fields that exist */
	fake->reads = 0;
	KUNIT_EXPECT_EQ(test, cvmnet_config_read_raw(&fake->vdev, 0, &raw), 0);
	KUNIT_EXPECT_EQ(test, fake->reads, 0U);
	KUNIT_EXPECT_EQ(test, raw.mtu, (u16)0);

	fake->vdev.config = &fake_ops_no_generation;
	KUNIT_EXPECT_EQ(test, cvmnet_config_read_raw(&fake->vdev, ALL, &raw), 0);
	KUNIT_EXPECT_EQ(test, raw.mtu, good.mtu);
}

static void generation_test(struct kunit *test)
{
	struct fake *fake = fake_new(test);
	struct cvmnet_config_raw raw;

	fake->changes = 9;
	KUNIT_EXPECT_EQ(test, cvmnet_config_read_raw(&fake->vdev, ALL, &raw), 0);
	KUNIT_EXPECT_EQ(test, raw.mtu, good.mtu);
	/* One that changes with every look is given up on. */
	fake->changes = UINT_MAX;
	fake->reads = 0;
	KUNIT_EXPECT_EQ(test, cvmnet_config_read_raw(&fake->vdev, F(MTU), &raw), -EIO);
	KUNIT_EXPECT_LE(test, fake->reads, 32U);
}

static void changed_test(struct kunit *test)
{
	struct cvmnet_config cfg = { .mtu = 7 };
	struct fake *fake = fake_new(test);

	KUNIT_EXPECT_EQ(test, cvmnet_config_read(&fake->vdev, ALL, &cfg), 0);
	KUNIT_EXPECT_EQ(test, cfg.mtu, 1500U);
	cfg.mtu = 7;
	/* Valid when it was negotiated, and no longer */
	fake->config.mtu = (__force __virtio16)cpu_to_le16(67);
	KUNIT_EXPECT_EQ(test, cvmnet_config_read(&fake->vdev, ALL, &cfg), -EINVAL);
	KUNIT_EXPECT_EQ(test, cfg.mtu, 7U);
}

static struct kunit_case config_cases[] = {
	KUNIT_CASE(good_test),
	KUNIT_CASE(no_features_test),
	KUNIT_CASE(pairs_test),
	KUNIT_CASE(mtu_test),
	KUNIT_CASE(mac_test),
	KUNIT_CASE(speed_test),
	KUNIT_CASE(status_test),
	KUNIT_CASE(rss_key_test),
	KUNIT_CASE(rss_table_test),
	KUNIT_CASE(hash_types_test),
	KUNIT_CASE(tunnel_types_test),
	KUNIT_CASE(random_test),
	KUNIT_CASE(read_test),
	KUNIT_CASE(generation_test),
	KUNIT_CASE(changed_test),
	{ }
};

static struct kunit_suite config_suite = {
	.name = "virtio_net_cvm_config",
	.test_cases = config_cases,
};

kunit_test_suite(config_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm's reading of the configuration");
MODULE_LICENSE("GPL");
