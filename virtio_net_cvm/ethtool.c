// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool.
 */
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <uapi/linux/virtio_net.h>

#include "compat/ethtool.h"

#include "cvmnet.h"
#include "coal.h"
#include "cvq.h"
#include "netdev.h"
#include "rss.h"
#include "stats.h"

/* Less would not hold one packet of the most fragments, with room to work ahead. */
#define RING_MIN	64

static void get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, dev_name(&dev->vdev->dev), sizeof(info->bus_info));
}

/* --- link --- */

static int get_link_ksettings(struct net_device *netdev, struct ethtool_link_ksettings *cmd)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	cmd->base.speed = READ_ONCE(dev->speed);
	cmd->base.duplex = READ_ONCE(dev->duplex);
	cmd->base.port = PORT_OTHER;
	return 0;
}

static int set_link_ksettings(struct net_device *netdev,
			      const struct ethtool_link_ksettings *cmd)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	/* A device that knows its speed tells it again with its next change. */
	return ethtool_virtdev_set_link_ksettings(netdev, cmd, &dev->speed, &dev->duplex);
}

/* --- rings --- */

static u32 ring_size(const struct cvmnet_dev *dev, bool tx, unsigned int index)
{
	return virtqueue_get_vring_size(tx ? dev->txq[index].vq : dev->rxq[index].vq);
}

static void get_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kernel_ring,
			  struct netlink_ext_ack *extack)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	/* The rings exist: the net device is detached, and not asked, while they do not. */
	ring->rx_max_pending = dev->rxq[0].vq->num_max;
	ring->tx_max_pending = dev->txq[0].vq->num_max;
	ring->rx_pending = ring_size(dev, false, 0);
	ring->tx_pending = ring_size(dev, true, 0);
}

static int check_ring(u32 num, struct netlink_ext_ack *extack)
{
	/* Split rings need a power of two, and both work well with one. */
	if (num >= RING_MIN && is_power_of_2(num))
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "ring sizes are powers of two, and at least 64");
	return -EINVAL;
}

static int resize(struct cvmnet_dev *dev, bool tx, unsigned int index, u32 num)
{
	return cvmnet_vq_resize(dev, tx ? dev->txq[index].vq : dev->rxq[index].vq, num);
}

/* Either all queues get the new size, or all keep the old one. */
static int resize_all(struct cvmnet_dev *dev, bool tx, u32 num)
{
	u32 old = ring_size(dev, tx, 0);
	unsigned int i;
	int err;

	for (i = 0; i < dev->max_pairs; i++) {
		err = resize(dev, tx, i, num);
		if (err)
			goto resize_back;
	}
	return 0;

resize_back:
	while (i--)
		if (resize(dev, tx, i, old))
			netdev_warn(dev->netdev, "%s ring %u keeps %u entries\n",
				    tx ? "transmit" : "receive", i, num);
	return err;
}

static int resize_both(struct cvmnet_dev *dev, u32 rx, u32 tx)
{
	u32 old_rx = ring_size(dev, false, 0);
	int err;

	err = resize_all(dev, false, rx);
	if (err)
		return err;
	err = resize_all(dev, true, tx);
	if (err && resize_all(dev, false, old_rx))
		netdev_warn(dev->netdev, "receive rings keep their new size\n");
	return err;
}

static int set_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
			 struct kernel_ethtool_ringparam *kernel_ring,
			 struct netlink_ext_ack *extack)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	u32 old_rx;
	int err = 0;

	if (ring->rx_mini_pending || ring->rx_jumbo_pending)
		return -EINVAL;
	old_rx = ring_size(dev, false, 0);
	if (ring->rx_pending == old_rx && ring->tx_pending == ring_size(dev, true, 0))
		return 0;
	if (!virtio_has_feature(dev->vdev, VIRTIO_F_RING_RESET)) {
		NL_SET_ERR_MSG_MOD(extack, "the device cannot reset single rings");
		return -EOPNOTSUPP;
	}
	/* A size that is not changed may be one that only the device would choose. */
	if (ring->rx_pending != old_rx)
		err = check_ring(ring->rx_pending, extack);
	if (!err && ring->tx_pending != ring_size(dev, true, 0))
		err = check_ring(ring->tx_pending, extack);
	if (err)
		return err;

	err = cvmnet_dims_pause(dev);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "the device has not answered earlier commands yet");
		return err;
	}
	err = resize_both(dev, ring->rx_pending, ring->tx_pending);
	/* Also a ring that keeps its size may have been reset; it works without moderation. */
	if (cvmnet_coal_restore(dev))
		netdev_warn(netdev, "queues lost their moderation\n");
	cvmnet_dims_resume(dev);
	return err;
}

/* --- channels --- */

static void get_channels(struct net_device *netdev, struct ethtool_channels *ch)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	ch->max_combined = dev->max_pairs;
	ch->combined_count = dev->pairs;
}

static int set_channels(struct net_device *netdev, struct ethtool_channels *ch)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	unsigned int pairs = ch->combined_count;

	/* The core has checked the maxima; pairs are all there is. */
	if (ch->rx_count || ch->tx_count || ch->other_count || !pairs ||
	    pairs > dev->max_pairs)
		return -EINVAL;
	if (pairs == dev->pairs)
		return 0;
	if (dev->rss.table_set &&
	    !cvmnet_rss_table_fits(dev->rss.table, dev->rss.table_len, pairs)) {
		netdev_err(netdev, "the indirection table uses queues beyond %u\n", pairs - 1);
		return -EINVAL;
	}
	return cvmnet_set_pairs(dev, pairs);
}

/* --- moderation --- */

static int get_coalesce(struct net_device *netdev, struct ethtool_coalesce *ec,
			struct kernel_ethtool_coalesce *kernel_ec,
			struct netlink_ext_ack *extack)
{
	cvmnet_coal_get(netdev_priv(netdev), ec);
	return 0;
}

static int set_coalesce(struct net_device *netdev, struct ethtool_coalesce *ec,
			struct kernel_ethtool_coalesce *kernel_ec,
			struct netlink_ext_ack *extack)
{
	return cvmnet_coal_set(netdev_priv(netdev), ec, extack);
}

static int get_per_queue_coalesce(struct net_device *netdev, u32 queue,
				  struct ethtool_coalesce *ec)
{
	return cvmnet_coal_get_queue(netdev_priv(netdev), queue, ec);
}

static int set_per_queue_coalesce(struct net_device *netdev, u32 queue,
				  struct ethtool_coalesce *ec)
{
	return cvmnet_coal_set_queue(netdev_priv(netdev), queue, ec);
}

/* --- receive-side scaling --- */

static u32 get_rxfh_key_size(struct net_device *netdev)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	return dev->cfg.rss_key;
}

static u32 get_rxfh_indir_size(struct net_device *netdev)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	return dev->rss.table_len;
}

static int get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	unsigned int i;

	if (rxfh->indir)
		for (i = 0; i < dev->rss.table_len; i++)
			rxfh->indir[i] = dev->rss.table[i];
	if (rxfh->key)
		memcpy(rxfh->key, dev->rss.key, dev->cfg.rss_key);
	rxfh->hfunc = ETH_RSS_HASH_TOP;
	return 0;
}

static int set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
		    struct netlink_ext_ack *extack)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	struct cvmnet_rss *rss;
	unsigned int i;
	int err;

	if (rxfh->rss_context || rxfh->input_xfrm ||
	    (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE && rxfh->hfunc != ETH_RSS_HASH_TOP))
		return -EOPNOTSUPP;
	if (rxfh->indir && !cvmnet_has(dev, VIRTIO_NET_F_RSS))
		return -EOPNOTSUPP;
	if (rxfh->key && !dev->cfg.rss_key)
		return -EOPNOTSUPP;
	if (!rxfh->indir && !rxfh->key)
		return 0;

	rss = kmemdup(&dev->rss, sizeof(*rss), GFP_KERNEL);
	if (!rss)
		return -ENOMEM;
	if (rxfh->indir) {
		rss->table_set = false;
		for (i = 0; i < rss->table_len; i++) {
			rss->table[i] = min_t(u32, rxfh->indir[i], U16_MAX);
			/* "default" comes as an even spread: that follows the channels. */
			if (rss->table[i] != ethtool_rxfh_indir_default(i, dev->pairs))
				rss->table_set = true;
		}
	}
	if (rxfh->key)
		memcpy(rss->key, rxfh->key, CVMNET_RSS_KEY_LEN);

	if (cvmnet_rss_table_fits(rss->table, rss->table_len, dev->pairs))
		err = cvmnet_rss_apply(dev, rss, dev->pairs);
	else
		err = -EINVAL;
	kfree(rss);
	return err;
}

CVM_DEFINE_RXFH(get_rxfh, set_rxfh)

static int get_rxfh_fields(struct net_device *netdev, struct ethtool_rxfh_fields *fields)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	fields->data = cvmnet_rss_fields_get(dev->rss.types, fields->flow_type);
	return 0;
}

static int set_rxfh_fields(struct net_device *netdev,
			   const struct ethtool_rxfh_fields *fields,
			   struct netlink_ext_ack *extack)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	u32 types = dev->rss.types;
	struct cvmnet_rss *rss;
	int err;

	if (!dev->cfg.rss_key)
		return -EOPNOTSUPP;
	err = cvmnet_rss_fields_set(&types, dev->cfg.hash_types, fields->flow_type,
				    fields->data);
	if (err || types == dev->rss.types)
		return err;

	rss = kmemdup(&dev->rss, sizeof(*rss), GFP_KERNEL);
	if (!rss)
		return -ENOMEM;
	rss->types = types;
	if (!cvmnet_rss_table_fits(rss->table, rss->table_len, dev->pairs))
		cvmnet_rss_table_default(rss, dev->pairs);
	err = cvmnet_rss_apply(dev, rss, dev->pairs);
	kfree(rss);
	return err;
}

static int get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info, u32 *rule_locs)
{
	struct ethtool_rxfh_fields fields = { .flow_type = info->flow_type };
	struct cvmnet_dev *dev = netdev_priv(netdev);
	int err;

	switch (info->cmd) {
	case ETHTOOL_GRXRINGS:
		info->data = dev->pairs;
		return 0;
	case ETHTOOL_GRXFH:
		err = get_rxfh_fields(netdev, &fields);
		info->data = fields.data;
		return err;
	default:
		return -EOPNOTSUPP;
	}
}

static int set_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info)
{
	struct ethtool_rxfh_fields fields = {
		.flow_type = info->flow_type,
		.data = info->data,
	};

	if (info->cmd != ETHTOOL_SRXFH || info->data > U32_MAX)
		return -EOPNOTSUPP;
	return set_rxfh_fields(netdev, &fields, NULL);
}

/* --- statistics --- */

static int get_sset_count(struct net_device *netdev, int sset)
{
	return sset == ETH_SS_STATS ? cvmnet_stats_count(netdev_priv(netdev)) : -EOPNOTSUPP;
}

static void get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	if (sset == ETH_SS_STATS)
		cvmnet_stats_strings(netdev_priv(netdev), data);
}

static void get_ethtool_stats(struct net_device *netdev, struct ethtool_stats *stats,
			      u64 *data)
{
	cvmnet_stats_values(netdev_priv(netdev), data);
}

const struct ethtool_ops cvmnet_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS | ETHTOOL_COALESCE_MAX_FRAMES |
				     ETHTOOL_COALESCE_USE_ADAPTIVE,
	.get_drvinfo		= get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= get_link_ksettings,
	.set_link_ksettings	= set_link_ksettings,
	.get_ringparam		= get_ringparam,
	.set_ringparam		= set_ringparam,
	.get_channels		= get_channels,
	.set_channels		= set_channels,
	.get_coalesce		= get_coalesce,
	.set_coalesce		= set_coalesce,
	.get_per_queue_coalesce	= get_per_queue_coalesce,
	.set_per_queue_coalesce	= set_per_queue_coalesce,
	.get_rxfh_key_size	= get_rxfh_key_size,
	.get_rxfh_indir_size	= get_rxfh_indir_size,
	CVM_RXFH_OPS(get_rxfh, set_rxfh)
	CVM_RXFH_FIELDS_OPS(get_rxfh_fields, set_rxfh_fields)
	.get_rxnfc		= get_rxnfc,
	.set_rxnfc		= set_rxnfc,
	.get_ts_info		= ethtool_op_get_ts_info,
	.get_sset_count		= get_sset_count,
	.get_strings		= get_strings,
	.get_ethtool_stats	= get_ethtool_stats,
};
