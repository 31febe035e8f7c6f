// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: one table for each kind of object. A row's name is what ethtool -S
 * shows, after the queue's name; Documentation/virtio_net_cvm.rst explains each.
 */
#include <linux/ethtool.h>
#include <linux/kernel.h>
#include <linux/netdevice.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/u64_stats_sync.h>

#include "compat/netdev_queues.h"
#include "compat/virtio_net.h"

#include "cvmnet.h"
#include "cvq.h"
#include "stats.h"

/**
 * struct stat_row - one statistic
 * @name:     for ethtool -S
 * @offset:   of the u64 in the object's statistics
 * @std:      offset of the same in the kernel's queue statistics, or -1
 */
struct stat_row {
	const char *name;
	int offset;
	int std;
};

#define RX(field, std_field)						\
	{ #field, offsetof(struct cvmnet_rxq_stats, field),		\
	  offsetof(struct netdev_queue_stats_rx, std_field) }
#define RX_OWN(text, field)						\
	{ text, offsetof(struct cvmnet_rxq_stats, field), -1 }

static const struct stat_row rx_rows[] = {
	RX(packets, packets),
	RX(bytes, bytes),
	RX_OWN("drop_runt", drops[CVMNET_RX_DROP_RUNT]),
	RX_OWN("drop_oversize", drops[CVMNET_RX_DROP_OVERSIZE]),
	RX_OWN("drop_buffers", drops[CVMNET_RX_DROP_BUFFERS]),
	RX_OWN("drop_csum", drops[CVMNET_RX_DROP_CSUM]),
	RX_OWN("drop_gso", drops[CVMNET_RX_DROP_GSO]),
	RX_OWN("drop_nomem", drops[CVMNET_RX_DROP_NOMEM]),
	RX_OWN("drop_inactive", drops[CVMNET_RX_DROP_INACTIVE]),
	RX_OWN("kicks", kicks),
	RX_OWN("rekicks", rekicks),
	RX(alloc_fail, alloc_fail),
	RX_OWN("large_buffers", large_buffers),
	RX(csum_none, csum_none),
	RX(csum_unnecessary, csum_unnecessary),
	RX(csum_bad, csum_bad),
	RX(hw_gro_packets, hw_gro_packets),
	RX(hw_gro_bytes, hw_gro_bytes),
};

/* A new cause needs a row, and a file in sysfs.c. */
static_assert(CVMNET_RX_DROPS == 7);

#define TX(field, std_field)						\
	{ #field, offsetof(struct cvmnet_txq_stats, field),		\
	  offsetof(struct netdev_queue_stats_tx, std_field) }
#define TX_OWN(text, field)						\
	{ text, offsetof(struct cvmnet_txq_stats, field), -1 }

static const struct stat_row tx_rows[] = {
	TX(packets, packets),
	TX(bytes, bytes),
	TX_OWN("drop_nomem", drops[CVMNET_TX_DROP_NOMEM]),
	TX_OWN("drop_malformed", drops[CVMNET_TX_DROP_MALFORMED]),
	TX_OWN("drop_broken", drops[CVMNET_TX_DROP_BROKEN]),
	TX_OWN("kicks", kicks),
	TX_OWN("rekicks", rekicks),
	TX(stops, stop),
	TX(wakes, wake),
	TX_OWN("pool_full", pool_full),
	TX(csum_none, csum_none),
	TX(needs_csum, needs_csum),
	TX(hw_gso_packets, hw_gso_packets),
	TX(hw_gso_bytes, hw_gso_bytes),
	TX_OWN("timeouts", timeouts),
};

static_assert(CVMNET_TX_DROPS == 3);

#define CTRL(field)	{ #field, offsetof(struct cvmnet_cvq_stats, field), -1 }

static const struct stat_row ctrl_rows[] = {
	CTRL(commands),
	CTRL(kicks),
	CTRL(failed),
	CTRL(timeouts),
};

#define DEV(text, field)	{ text, offsetof(struct cvmnet_dev, field), -1 }

static const struct stat_row dev_rows[] = {
	DEV("config_changes", ctrl.config_runs),
	DEV("reset_rx_ring", reset.count[CVMNET_RESET_RX_RING]),
	DEV("reset_tx_ring", reset.count[CVMNET_RESET_TX_RING]),
	DEV("reset_tx_timeout", reset.count[CVMNET_RESET_TX_TIMEOUT]),
	DEV("reset_ctrl", reset.count[CVMNET_RESET_CVQ]),
	DEV("reset_needed", reset.count[CVMNET_RESET_NEEDED]),
	DEV("reset_failed", reset.failed),
	DEV("device_stats_failed", devstats.failed),
};

static_assert(CVMNET_RESET_CAUSES == 5);

#define DIM(text, field)	{ text, offsetof(struct cvmnet_dim_stats, field), -1 }

static const struct stat_row dim_rows[] = {
	DIM("coal_usecs", usecs),
	DIM("coal_frames", frames),
	DIM("dim_changes", changes),
	DIM("dim_failed", failed),
};

static u64 value(const void *base, const struct stat_row *row)
{
	return *(const u64 *)(base + row->offset);
}

static void read_rxq(struct cvmnet_rxq *rxq, struct cvmnet_rxq_stats *stats)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rxq->syncp);
		*stats = rxq->stats;
	} while (u64_stats_fetch_retry(&rxq->syncp, start));
}

static void read_txq(struct cvmnet_txq *txq, struct cvmnet_txq_stats *stats)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&txq->syncp);
		*stats = txq->stats;
	} while (u64_stats_fetch_retry(&txq->syncp, start));
}

/* --- ethtool -S --- */

/**
 * cvmnet_stats_count() - how many statistics ethtool -S shows
 * @dev: the device
 *
 * Those of all queues that exist, so that the number never changes.
 *
 * Context: any.
 * Return: the number.
 */
unsigned int cvmnet_stats_count(struct cvmnet_dev *dev)
{
	unsigned int count = ARRAY_SIZE(dev_rows) + ARRAY_SIZE(ctrl_rows) +
			     dev->max_pairs * (ARRAY_SIZE(rx_rows) + ARRAY_SIZE(tx_rows));

	if (cvmnet_has(dev, VIRTIO_NET_F_VQ_NOTF_COAL))
		count += 2 * dev->max_pairs * ARRAY_SIZE(dim_rows);
	if (cvmnet_has(dev, VIRTIO_NET_F_DEVICE_STATS))
		count += CVMNET_DEVSTATS_CTRL +
			 dev->max_pairs * (CVMNET_DEVSTATS_RX + CVMNET_DEVSTATS_TX);
	return count;
}

static u8 *put_names(u8 *data, const char *prefix, const struct stat_row *rows,
		     unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		ethtool_sprintf(&data, "%s%s", prefix, rows[i].name);
	return data;
}

static u8 *put_queue_names(u8 *data, const char *kind, unsigned int index,
			   const struct stat_row *rows, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		ethtool_sprintf(&data, "%s%u_%s", kind, index, rows[i].name);
	return data;
}

/* What the device counts comes last, after the names of what we do. */
static void put_device_names(struct cvmnet_dev *dev, u8 *data)
{
	unsigned int i, j;

	for (j = 0; j < CVMNET_DEVSTATS_CTRL; j++)
		ethtool_sprintf(&data, "ctrl_device_%s", cvmnet_devstats_ctrl_names[j]);
	for (i = 0; i < dev->max_pairs; i++) {
		for (j = 0; j < CVMNET_DEVSTATS_RX; j++)
			ethtool_sprintf(&data, "rx%u_device_%s", i, cvmnet_devstats_rx_names[j]);
		for (j = 0; j < CVMNET_DEVSTATS_TX; j++)
			ethtool_sprintf(&data, "tx%u_device_%s", i, cvmnet_devstats_tx_names[j]);
	}
}

static void put_device_values(struct cvmnet_dev *dev, u64 *data)
{
	const struct cvmnet_devstats *ds = &dev->devstats;
	unsigned int i;

	memcpy(data, ds->ctrl, sizeof(ds->ctrl));
	data += CVMNET_DEVSTATS_CTRL;
	for (i = 0; i < dev->max_pairs; i++) {
		memcpy(data, ds->pairs[i].rx, sizeof(ds->pairs[i].rx));
		data += CVMNET_DEVSTATS_RX;
		memcpy(data, ds->pairs[i].tx, sizeof(ds->pairs[i].tx));
		data += CVMNET_DEVSTATS_TX;
	}
}

/**
 * cvmnet_stats_strings() - names for ethtool -S
 * @dev:  the device
 * @data: room for cvmnet_stats_count() names
 *
 * Context: rtnl.
 */
void cvmnet_stats_strings(struct cvmnet_dev *dev, u8 *data)
{
	unsigned int i;

	data = put_names(data, "", dev_rows, ARRAY_SIZE(dev_rows));
	data = put_names(data, "ctrl_", ctrl_rows, ARRAY_SIZE(ctrl_rows));
	for (i = 0; i < dev->max_pairs; i++) {
		data = put_queue_names(data, "rx", i, rx_rows, ARRAY_SIZE(rx_rows));
		data = put_queue_names(data, "tx", i, tx_rows, ARRAY_SIZE(tx_rows));
	}
	for (i = 0; i < dev->max_pairs && cvmnet_has(dev, VIRTIO_NET_F_VQ_NOTF_COAL); i++) {
		data = put_queue_names(data, "rx", i, dim_rows, ARRAY_SIZE(dim_rows));
		data = put_queue_names(data, "tx", i, dim_rows, ARRAY_SIZE(dim_rows));
	}
	if (cvmnet_has(dev, VIRTIO_NET_F_DEVICE_STATS))
		put_device_names(dev, data);
}

static u64 *put_values(u64 *data, const void *base, const struct stat_row *rows,
		       unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		*data++ = value(base, &rows[i]);
	return data;
}

/**
 * cvmnet_stats_values() - values for ethtool -S
 * @dev:  the device
 * @data: room for cvmnet_stats_count() values
 *
 * Context: rtnl; may sleep, at most 5 s, where the device counts too.
 */
void cvmnet_stats_values(struct cvmnet_dev *dev, u64 *data)
{
	struct cvmnet_cvq_stats ctrl;
	struct cvmnet_rxq_stats rx;
	struct cvmnet_txq_stats tx;
	unsigned int i;

	cvmnet_devstats_read(dev);
	cvmnet_cvq_get_stats(dev, &ctrl);
	data = put_values(data, dev, dev_rows, ARRAY_SIZE(dev_rows));
	data = put_values(data, &ctrl, ctrl_rows, ARRAY_SIZE(ctrl_rows));
	for (i = 0; i < dev->max_pairs; i++) {
		read_rxq(&dev->rxq[i], &rx);
		read_txq(&dev->txq[i], &tx);
		data = put_values(data, &rx, rx_rows, ARRAY_SIZE(rx_rows));
		data = put_values(data, &tx, tx_rows, ARRAY_SIZE(tx_rows));
	}
	for (i = 0; i < dev->max_pairs && cvmnet_has(dev, VIRTIO_NET_F_VQ_NOTF_COAL); i++) {
		data = put_values(data, &dev->rxq[i].dim.stats, dim_rows, ARRAY_SIZE(dim_rows));
		data = put_values(data, &dev->txq[i].dim.stats, dim_rows, ARRAY_SIZE(dim_rows));
	}
	if (cvmnet_has(dev, VIRTIO_NET_F_DEVICE_STATS))
		put_device_values(dev, data);
}

/**
 * cvmnet_stats_drops() - packets dropped for one cause, over all queues
 * @dev:   the device
 * @tx:    transmit or receive
 * @cause: enum cvmnet_tx_drop or enum cvmnet_rx_drop
 *
 * Context: any but interrupts.
 * Return: how many.
 */
u64 cvmnet_stats_drops(struct cvmnet_dev *dev, bool tx, unsigned int cause)
{
	struct cvmnet_rxq_stats rx;
	struct cvmnet_txq_stats txs;
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < dev->max_pairs; i++) {
		if (tx) {
			read_txq(&dev->txq[i], &txs);
			sum += txs.drops[cause];
		} else {
			read_rxq(&dev->rxq[i], &rx);
			sum += rx.drops[cause];
		}
	}
	return sum;
}

/* --- ip -s link --- */

/**
 * cvmnet_get_stats64() - ndo_get_stats64
 * @netdev: the net device
 * @tot:    filled in
 *
 * Context: any but interrupts.
 */
void cvmnet_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *tot)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	struct cvmnet_rxq_stats rx;
	struct cvmnet_txq_stats tx;
	unsigned int i, j;

	for (i = 0; i < dev->max_pairs; i++) {
		read_rxq(&dev->rxq[i], &rx);
		tot->rx_packets += rx.packets;
		tot->rx_bytes += rx.bytes;
		tot->rx_length_errors += rx.drops[CVMNET_RX_DROP_RUNT] +
					 rx.drops[CVMNET_RX_DROP_OVERSIZE] +
					 rx.drops[CVMNET_RX_DROP_BUFFERS];
		tot->rx_frame_errors += rx.drops[CVMNET_RX_DROP_CSUM] +
					rx.drops[CVMNET_RX_DROP_GSO];
		tot->rx_dropped += rx.drops[CVMNET_RX_DROP_NOMEM] +
				   rx.drops[CVMNET_RX_DROP_INACTIVE];

		read_txq(&dev->txq[i], &tx);
		tot->tx_packets += tx.packets;
		tot->tx_bytes += tx.bytes;
		for (j = 0; j < CVMNET_TX_DROPS; j++)
			tot->tx_dropped += tx.drops[j];
		tot->tx_errors += tx.timeouts;
	}
	tot->rx_errors = tot->rx_length_errors + tot->rx_frame_errors;
}

/* --- the queue-stats API --- */

static void put_std(void *std, const void *stats, const struct stat_row *rows,
		    unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (rows[i].std >= 0)
			*(u64 *)(std + rows[i].std) = value(stats, &rows[i]);
}

static void add_std(void *std, const void *stats, const struct stat_row *rows,
		    unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (rows[i].std >= 0)
			*(u64 *)(std + rows[i].std) += value(stats, &rows[i]);
}

/**
 * struct device_row - a counter of the device with a standard name
 * @type:    the type of statistics that it belongs to
 * @counter: place among the queue's
 * @std:     offset in struct netdev_queue_stats_rx or _tx
 */
struct device_row {
	u8 type;
	u8 counter;
	u16 std;
};

#define RX_DEVICE(type, counter, field)					\
	{ type, CVMNET_DEVSTATS_##counter, offsetof(struct netdev_queue_stats_rx, field) }
#define TX_DEVICE(type, counter, field)					\
	{ type, CVMNET_DEVSTATS_##counter, offsetof(struct netdev_queue_stats_tx, field) }

static const struct device_row rx_device_rows[] = {
	RX_DEVICE(0, DROPS, hw_drops),
	RX_DEVICE(0, DROPS_WHY, hw_drop_overruns),
	RX_DEVICE(3, RATELIMITED, hw_drop_ratelimits),
};

static const struct device_row tx_device_rows[] = {
	TX_DEVICE(16, DROPS, hw_drops),
	TX_DEVICE(16, DROPS_WHY, hw_drop_errors),
	TX_DEVICE(19, RATELIMITED, hw_drop_ratelimits),
};

/* What the device does not count stays as it is: unknown. */
static void put_device_std(const struct cvmnet_dev *dev, void *std, const u64 *values,
			   const struct device_row *rows, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (dev->devstats.types & BIT_ULL(rows[i].type))
			*(u64 *)(std + rows[i].std) = values[rows[i].counter];
}

static void add_device_std(const struct cvmnet_dev *dev, void *std, const u64 *values,
			   const struct device_row *rows, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (dev->devstats.types & BIT_ULL(rows[i].type))
			*(u64 *)(std + rows[i].std) += values[rows[i].counter];
}

static void get_queue_stats_rx(struct net_device *netdev, int index,
			       struct netdev_queue_stats_rx *std)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	struct cvmnet_rxq_stats rx;

	read_rxq(&dev->rxq[index], &rx);
	put_std(std, &rx, rx_rows, ARRAY_SIZE(rx_rows));
	if (!dev->devstats.types)
		return;
	cvmnet_devstats_refresh(dev);
	put_device_std(dev, std, dev->devstats.pairs[index].rx, rx_device_rows,
		       ARRAY_SIZE(rx_device_rows));
}

static void get_queue_stats_tx(struct net_device *netdev, int index,
			       struct netdev_queue_stats_tx *std)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	struct cvmnet_txq_stats tx;

	read_txq(&dev->txq[index], &tx);
	put_std(std, &tx, tx_rows, ARRAY_SIZE(tx_rows));
	if (!dev->devstats.types)
		return;
	cvmnet_devstats_refresh(dev);
	put_device_std(dev, std, dev->devstats.pairs[index].tx, tx_device_rows,
		       ARRAY_SIZE(tx_device_rows));
}

/* What the device counted for queues that are not in use any more. */
static void get_device_base_stats(struct cvmnet_dev *dev, struct netdev_queue_stats_rx *std_rx,
				  struct netdev_queue_stats_tx *std_tx)
{
	static const u64 none[CVMNET_DEVSTATS_MAX];
	unsigned int i;

	if (!dev->devstats.types)
		return;
	cvmnet_devstats_refresh(dev);
	put_device_std(dev, std_rx, none, rx_device_rows, ARRAY_SIZE(rx_device_rows));
	put_device_std(dev, std_tx, none, tx_device_rows, ARRAY_SIZE(tx_device_rows));
	for (i = dev->netdev->real_num_rx_queues; i < dev->max_pairs; i++)
		add_device_std(dev, std_rx, dev->devstats.pairs[i].rx, rx_device_rows,
			       ARRAY_SIZE(rx_device_rows));
	for (i = dev->netdev->real_num_tx_queues; i < dev->max_pairs; i++)
		add_device_std(dev, std_tx, dev->devstats.pairs[i].tx, tx_device_rows,
			       ARRAY_SIZE(tx_device_rows));
}

/* What queues counted that are not in use any more. */
static void get_base_stats(struct net_device *netdev, struct netdev_queue_stats_rx *std_rx,
			   struct netdev_queue_stats_tx *std_tx)
{
	static const struct cvmnet_rxq_stats no_rx;
	static const struct cvmnet_txq_stats no_tx;
	struct cvmnet_dev *dev = netdev_priv(netdev);
	struct cvmnet_rxq_stats rx;
	struct cvmnet_txq_stats tx;
	unsigned int i;

	put_std(std_rx, &no_rx, rx_rows, ARRAY_SIZE(rx_rows));
	put_std(std_tx, &no_tx, tx_rows, ARRAY_SIZE(tx_rows));
	for (i = netdev->real_num_rx_queues; i < dev->max_pairs; i++) {
		read_rxq(&dev->rxq[i], &rx);
		add_std(std_rx, &rx, rx_rows, ARRAY_SIZE(rx_rows));
	}
	for (i = netdev->real_num_tx_queues; i < dev->max_pairs; i++) {
		read_txq(&dev->txq[i], &tx);
		add_std(std_tx, &tx, tx_rows, ARRAY_SIZE(tx_rows));
	}
	get_device_base_stats(dev, std_rx, std_tx);
}

static const struct netdev_stat_ops stat_ops = {
	.get_queue_stats_rx	= get_queue_stats_rx,
	.get_queue_stats_tx	= get_queue_stats_tx,
	.get_base_stats		= get_base_stats,
};

/**
 * cvmnet_stats_attach() - offer statistics of queues, where the kernel asks for them
 * @netdev: the net device
 *
 * Context: process, before the net device is registered.
 */
void cvmnet_stats_attach(struct net_device *netdev)
{
	cvm_set_stat_ops(netdev, &stat_ops);
}
