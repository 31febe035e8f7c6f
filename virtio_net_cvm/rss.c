// SPDX-License-Identifier: GPL-2.0
/*
 * Receive-side scaling and the packet hash.
 */
#include <linux/errno.h>
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/virtio_net.h>

#include "compat/unaligned.h"
#include "cvm/kunit.h"

#include "cvmnet.h"
#include "cvq.h"
#include "rss.h"

#define FIELDS_L3	(RXH_IP_SRC | RXH_IP_DST)
#define FIELDS_L4	(FIELDS_L3 | RXH_L4_B_0_1 | RXH_L4_B_2_3)

/* --- pure --- */

/**
 * cvmnet_rss_table_default() - spread hash values evenly
 * @rss:   its table is filled, and counts as not set by the user
 * @pairs: queues in use, at least 1
 *
 * Context: any.
 */
void cvmnet_rss_table_default(struct cvmnet_rss *rss, unsigned int pairs)
{
	unsigned int i;

	for (i = 0; i < rss->table_len; i++)
		rss->table[i] = ethtool_rxfh_indir_default(i, pairs);
	rss->table_set = false;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_rss_table_default);

/**
 * cvmnet_rss_table_fits() - does a table name queues in use only?
 * @table: the table
 * @len:   its entries
 * @pairs: queues in use
 *
 * Context: any.
 * Return: true when it does.
 */
bool cvmnet_rss_table_fits(const u16 *table, unsigned int len, unsigned int pairs)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		if (table[i] >= pairs)
			return false;
	return true;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_rss_table_fits);

static u8 *put_key(u8 *p, const struct cvmnet_rss *rss)
{
	*p++ = CVMNET_RSS_KEY_LEN;
	memcpy(p, rss->key, CVMNET_RSS_KEY_LEN);
	return p + CVMNET_RSS_KEY_LEN;
}

/**
 * cvmnet_rss_encode() - write the data of MQ_RSS_CONFIG
 * @rss:   what to configure; its table has a power of two of entries
 * @pairs: transmit queues in use
 * @buf:   CVMNET_RSS_CMD_MAX bytes
 *
 * Packets without a hash go to the queue of hash value 0.
 *
 * Context: any.
 * Return: bytes written.
 */
size_t cvmnet_rss_encode(const struct cvmnet_rss *rss, unsigned int pairs, void *buf)
{
	unsigned int i;
	u8 *p = buf;

	put_unaligned_le32(rss->types, p);
	put_unaligned_le16(rss->table_len - 1, p + 4);
	put_unaligned_le16(rss->table[0], p + 6);
	p += 8;
	for (i = 0; i < rss->table_len; i++, p += 2)
		put_unaligned_le16(rss->table[i], p);
	put_unaligned_le16(pairs, p);
	return put_key(p + 2, rss) - (u8 *)buf;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_rss_encode);

/**
 * cvmnet_hash_encode() - write the data of MQ_HASH_CONFIG
 * @rss: what to configure
 * @buf: CVMNET_RSS_CMD_MAX bytes
 *
 * Context: any.
 * Return: bytes written.
 */
size_t cvmnet_hash_encode(const struct cvmnet_rss *rss, void *buf)
{
	u8 *p = buf;

	put_unaligned_le32(rss->types, p);
	/* Laid out like MQ_RSS_CONFIG, with zeroes for the table. */
	memset(p + 4, 0, 8);
	return put_key(p + 12, rss) - (u8 *)buf;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_hash_encode);

/**
 * struct flow_types - how ethtool's flow types and the device's hash types relate
 * @flow: ethtool's flow type
 * @l3:   hash types over addresses
 * @l4:   hash types over addresses and ports; 0 for flows without ports
 * @ex:   variants for IPv6 extension headers, taken along when the device has them
 */
struct flow_types {
	u32 flow;
	u32 l3;
	u32 l4;
	u32 ex;
};

static const struct flow_types flow_types[] = {
	{ IPV4_FLOW, VIRTIO_NET_RSS_HASH_TYPE_IPv4 },
	{ TCP_V4_FLOW, VIRTIO_NET_RSS_HASH_TYPE_IPv4, VIRTIO_NET_RSS_HASH_TYPE_TCPv4 },
	{ UDP_V4_FLOW, VIRTIO_NET_RSS_HASH_TYPE_IPv4, VIRTIO_NET_RSS_HASH_TYPE_UDPv4 },
	{ IPV6_FLOW, VIRTIO_NET_RSS_HASH_TYPE_IPv6, 0, VIRTIO_NET_RSS_HASH_TYPE_IP_EX },
	{ TCP_V6_FLOW, VIRTIO_NET_RSS_HASH_TYPE_IPv6, VIRTIO_NET_RSS_HASH_TYPE_TCPv6,
	  VIRTIO_NET_RSS_HASH_TYPE_TCP_EX },
	{ UDP_V6_FLOW, VIRTIO_NET_RSS_HASH_TYPE_IPv6, VIRTIO_NET_RSS_HASH_TYPE_UDPv6,
	  VIRTIO_NET_RSS_HASH_TYPE_UDP_EX },
};

static const struct flow_types *find_flow(u32 flow_type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flow_types); i++)
		if (flow_types[i].flow == flow_type)
			return &flow_types[i];
	return NULL;
}

/**
 * cvmnet_rss_fields_get() - header fields that are hashed for a kind of flow
 * @types:     hash types in force
 * @flow_type: ethtool's flow type
 *
 * Context: any.
 * Return: RXH_* bits; 0 for flows that are not hashed.
 */
u32 cvmnet_rss_fields_get(u32 types, u32 flow_type)
{
	const struct flow_types *f = find_flow(flow_type);

	if (!f)
		return 0;
	if (types & f->l4)
		return FIELDS_L4;
	return types & f->l3 ? FIELDS_L3 : 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_rss_fields_get);

/**
 * cvmnet_rss_fields_set() - choose the header fields for a kind of flow
 * @types:     hash types in force; changed on success only
 * @supported: hash types that the device has
 * @flow_type: ethtool's flow type
 * @fields:    RXH_* bits: none, addresses, or addresses and ports
 *
 * Addresses of TCP and UDP flows are hashed by the type that other IP packets of
 * that version use too, so switching them off is possible for all of them only.
 *
 * Context: any.
 * Return: 0; -EINVAL for fields that can't be told apart; -EOPNOTSUPP when the
 * device lacks the type.
 */
int cvmnet_rss_fields_set(u32 *types, u32 supported, u32 flow_type, u32 fields)
{
	const struct flow_types *f = find_flow(flow_type);
	u32 new = *types, own, want = 0;

	if (!f)
		return -EINVAL;
	own = f->l4 ?: f->l3;
	switch (fields) {
	case 0:
		break;
	case FIELDS_L3:
		want = f->l3;
		break;
	case FIELDS_L4:
		if (!f->l4)
			return -EINVAL;
		want = f->l4;
		break;
	default:
		return -EINVAL;
	}
	if (want & ~supported)
		return -EOPNOTSUPP;
	new &= ~(own | f->ex);
	new |= want;
	if (want & own)
		new |= f->ex & supported;
	if (cvmnet_rss_fields_get(new, flow_type) != fields)
		return -EINVAL;
	*types = new;
	return 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_rss_fields_set);

/* --- with the device --- */

/**
 * cvmnet_rss_setup() - begin with an even spread over the queues in use
 * @dev: the device, with RSS, HASH_REPORT or both
 *
 * Context: process, before the net device is registered.
 * Return: 0.
 */
int cvmnet_rss_setup(struct cvmnet_dev *dev)
{
	struct cvmnet_rss *rss = &dev->rss;

	netdev_rss_key_fill(rss->key, sizeof(rss->key));
	rss->types = dev->cfg.hash_types;
	rss->table_len = dev->cfg.rss_table;
	cvmnet_rss_table_default(rss, dev->pairs ?: 1);
	if (cvmnet_has(dev, VIRTIO_NET_F_HASH_REPORT)) {
		dev->netdev->hw_features |= NETIF_F_RXHASH;
		dev->netdev->features |= NETIF_F_RXHASH;
	}
	return 0;
}

/**
 * cvmnet_rss_apply() - configure the device, and remember it on success
 * @dev:   the device, with RSS or HASH_REPORT
 * @rss:   what to configure; not &dev->rss while other changes are possible
 * @pairs: queues in use, all that its table names
 *
 * Context: rtnl; may sleep, at most 5 s.
 * Return: 0; or -ENOMEM, or an error of cvmnet_batch_wait(), with nothing changed.
 */
int cvmnet_rss_apply(struct cvmnet_dev *dev, const struct cvmnet_rss *rss,
		     unsigned int pairs)
{
	void *buf;
	int err;

	ASSERT_RTNL();
	buf = kmalloc(CVMNET_RSS_CMD_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (cvmnet_has(dev, VIRTIO_NET_F_RSS))
		err = cvmnet_cmd_rss(dev, buf, cvmnet_rss_encode(rss, pairs, buf));
	else
		err = cvmnet_cmd_hash(dev, buf, cvmnet_hash_encode(rss, buf));
	kfree(buf);
	if (!err && rss != &dev->rss)
		dev->rss = *rss;
	return err;
}

/**
 * cvmnet_rss_set_pairs() - spread packets over another number of queues
 * @dev:   the device, with RSS
 * @pairs: queues to be used
 *
 * A table that the user gave is kept where it fits.
 *
 * Context: rtnl; may sleep, at most 5 s.
 * Return: as cvmnet_rss_apply().
 */
int cvmnet_rss_set_pairs(struct cvmnet_dev *dev, unsigned int pairs)
{
	struct cvmnet_rss *rss;
	int err;

	rss = kmemdup(&dev->rss, sizeof(*rss), GFP_KERNEL);
	if (!rss)
		return -ENOMEM;
	if (!rss->table_set || !cvmnet_rss_table_fits(rss->table, rss->table_len, pairs))
		cvmnet_rss_table_default(rss, pairs);
	err = cvmnet_rss_apply(dev, rss, pairs);
	kfree(rss);
	return err;
}
