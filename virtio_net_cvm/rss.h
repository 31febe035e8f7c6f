/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive-side scaling and the packet hash.
 */
#ifndef CVMNET_RSS_H
#define CVMNET_RSS_H

#include <linux/types.h>

#include "config.h"

struct cvmnet_dev;

/**
 * struct cvmnet_rss - receive-side scaling as it is in force
 * @table:      queue of each hash value
 * @table_len:  entries in use, a power of two; 0 without RSS
 * @table_set:  the user gave a table: it is kept when channels change
 * @types:      VIRTIO_NET_RSS_HASH_TYPE_* that are hashed
 * @key:        Toeplitz key
 */
struct cvmnet_rss {
	u16 table[CVMNET_RSS_TABLE_MAX];
	unsigned int table_len;
	bool table_set;
	u32 types;
	u8 key[CVMNET_RSS_KEY_LEN];
};

/* The longest command: fixed part, table, max_tx_vq, key length, key */
#define CVMNET_RSS_CMD_MAX \
	(4 + 2 + 2 + CVMNET_RSS_TABLE_MAX * 2 + 2 + 1 + CVMNET_RSS_KEY_LEN)

/* Pure */
void cvmnet_rss_table_default(struct cvmnet_rss *rss, unsigned int pairs);
bool cvmnet_rss_table_fits(const u16 *table, unsigned int len,
			   unsigned int pairs);
size_t cvmnet_rss_encode(const struct cvmnet_rss *rss, unsigned int pairs,
			 void *buf);
size_t cvmnet_hash_encode(const struct cvmnet_rss *rss, void *buf);
u32 cvmnet_rss_fields_get(u32 types, u32 flow_type);
int cvmnet_rss_fields_set(u32 *types, u32 supported, u32 flow_type, u32 fields);

int cvmnet_rss_setup(struct cvmnet_dev *dev);
int cvmnet_rss_set_pairs(struct cvmnet_dev *dev, unsigned int pairs);
int cvmnet_rss_apply(struct cvmnet_dev *dev, const struct cvmnet_rss *rss,
		     unsigned int pairs);

#endif /* CVMNET_RSS_H */
