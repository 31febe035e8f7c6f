/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's configuration: read once within bounds, then sanitized.
 */
#ifndef CVMNET_CONFIG_H
#define CVMNET_CONFIG_H

#include <linux/if_ether.h>
#include <linux/types.h>

struct virtio_device;

/* More queue pairs than this are not a multi-queue device but a mistake. */
#define CVMNET_PAIRS_MAX	256U
/* Toeplitz over two IPv6 addresses and two ports uses no more. */
#define CVMNET_RSS_KEY_LEN	40U
#define CVMNET_RSS_TABLE_MAX	1024U

/**
 * struct cvmnet_config_raw - as the device wrote it, in CPU byte order
 * @mac:        default address
 * @status:     VIRTIO_NET_S_*
 * @max_pairs:  queue pairs of the device
 * @mtu:        largest MTU
 * @speed:      in Mb/s
 * @duplex:     1 full, 0 half
 * @rss_key:    longest hash key, in bytes
 * @rss_table:  longest indirection table, in entries
 * @hash_types: VIRTIO_NET_RSS_HASH_TYPE_*
 * @tunnel_types: encapsulations whose inner headers can be hashed
 */
struct cvmnet_config_raw {
	u8 mac[ETH_ALEN];
	u16 status;
	u16 max_pairs;
	u16 mtu;
	u32 speed;
	u8 duplex;
	u8 rss_key;
	u16 rss_table;
	u32 hash_types;
	u32 tunnel_types;
};

/**
 * struct cvmnet_config - what the driver may rely on
 * @mac:          valid unicast address, or all zero: make one up
 * @status:       known bits only; LINK_UP without the STATUS feature
 * @device_pairs: queue pairs that exist, 1 to CVMNET_PAIRS_MAX: the control
 *                queue comes after them
 * @max_pairs:    those worth using, 1 to @device_pairs
 * @mtu:          68 to 65535; ETH_MAX_MTU without the MTU feature
 * @speed:        ethtool's speed, or SPEED_UNKNOWN
 * @duplex:       ethtool's duplex, or DUPLEX_UNKNOWN
 * @rss_key:      length of the hash key, 0 or CVMNET_RSS_KEY_LEN
 * @rss_table:    entries of the indirection table: 0 or a power of two, up to
 *                CVMNET_RSS_TABLE_MAX
 * @hash_types:   known bits only
 * @tunnel_types: known bits only
 */
struct cvmnet_config {
	u8 mac[ETH_ALEN];
	u16 status;
	unsigned int device_pairs;
	unsigned int max_pairs;
	unsigned int mtu;
	u32 speed;
	u8 duplex;
	unsigned int rss_key;
	unsigned int rss_table;
	u32 hash_types;
	u32 tunnel_types;
};

u64 cvmnet_config_unusable(const struct cvmnet_config_raw *raw, u64 feat);
void cvmnet_config_sanitize(const struct cvmnet_config_raw *raw, u64 feat,
			    unsigned int cpus, struct cvmnet_config *cfg);

/* What follows struct virtio_net_config, up to the last field that is known */
#define CVMNET_CONFIG_TUNNEL_TYPES	sizeof(struct virtio_net_config)
#define CVMNET_CONFIG_SIZE		(CVMNET_CONFIG_TUNNEL_TYPES + sizeof(__le32))

size_t cvmnet_config_window(struct virtio_device *vdev);
int cvmnet_config_read_raw(struct virtio_device *vdev, u64 feat,
			   struct cvmnet_config_raw *raw);
int cvmnet_config_read(struct virtio_device *vdev, u64 feat,
		       struct cvmnet_config *cfg);

#endif /* CVMNET_CONFIG_H */
