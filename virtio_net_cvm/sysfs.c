// SPDX-License-Identifier: GPL-2.0
/*
 * Group cvm of the net device,
 * Documentation/ABI/testing/sysfs-class-net-virtio_net_cvm.
 */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/sysfs.h>

#include "cvmnet.h"
#include "netdev.h"
#include "stats.h"
#include "tunnel.h"

static struct cvmnet_dev *to_cvmnet(struct device *d)
{
	return netdev_priv(to_net_dev(d));
}

static ssize_t mode_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  to_cvmnet(d)->dma == CVMNET_DMA_POOL ? "pool" : "stream");
}
static DEVICE_ATTR_RO(mode);

static ssize_t pool_bytes_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%zu\n", cvmnet_pool_bytes(to_cvmnet(d)));
}
static DEVICE_ATTR_RO(pool_bytes);

static ssize_t pool_used_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%zu\n", cvmnet_pool_used(to_cvmnet(d)));
}
static DEVICE_ATTR_RO(pool_used);

static ssize_t pool_exhausted_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", cvmnet_pool_exhausted(to_cvmnet(d)));
}
static DEVICE_ATTR_RO(pool_exhausted);

static ssize_t pool_limit_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%zu\n", cvmnet_pool_limit(to_cvmnet(d)));
}

/* 0 with rtnl held and the net device in place, or an error. */
static int lock_present(struct device *d)
{
	/* The net device may be on its way out, and wait for this file to be left. */
	if (!rtnl_trylock())
		return restart_syscall();
	if (netif_device_present(to_net_dev(d)) &&
	    to_net_dev(d)->reg_state == NETREG_REGISTERED)
		return 0;
	rtnl_unlock();
	return -ENODEV;
}

static ssize_t pool_limit_store(struct device *d, struct device_attribute *attr,
				const char *buf, size_t count)
{
	unsigned long bytes;
	int err;

	err = kstrtoul(buf, 0, &bytes);
	if (err)
		return err;
	err = lock_present(d);
	if (err)
		return err;
	err = cvmnet_pool_set_limit(to_cvmnet(d), bytes);
	rtnl_unlock();
	return err ?: count;
}
static DEVICE_ATTR_RW(pool_limit);

static ssize_t resets_show(struct device *d, struct device_attribute *attr, char *buf)
{
	const struct cvmnet_dev *dev = to_cvmnet(d);
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < CVMNET_RESET_CAUSES; i++)
		sum += dev->reset.count[i];
	return sysfs_emit(buf, "%llu\n", sum);
}
static DEVICE_ATTR_RO(resets);

static ssize_t hash_tunnel_types_show(struct device *d, struct device_attribute *attr, char *buf)
{
	const struct cvmnet_dev *dev = to_cvmnet(d);

	return cvmnet_tunnel_format(READ_ONCE(dev->tunnel_types), dev->cfg.tunnel_types, buf,
				    PAGE_SIZE);
}

static ssize_t hash_tunnel_types_store(struct device *d, struct device_attribute *attr,
				       const char *buf, size_t count)
{
	u32 types;
	int err;

	err = cvmnet_tunnel_parse(buf, &types);
	if (err)
		return err;
	err = lock_present(d);
	if (err)
		return err;
	err = cvmnet_tunnel_set(to_cvmnet(d), types);
	rtnl_unlock();
	return err ?: count;
}
static DEVICE_ATTR_RW(hash_tunnel_types);

static ssize_t sw_inner_hash_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_cvmnet(d)->sw_inner_hash));
}

static ssize_t sw_inner_hash_store(struct device *d, struct device_attribute *attr,
				   const char *buf, size_t count)
{
	bool on;
	int err;

	err = kstrtobool(buf, &on);
	if (err)
		return err;
	WRITE_ONCE(to_cvmnet(d)->sw_inner_hash, on);
	return count;
}
static DEVICE_ATTR_RW(sw_inner_hash);

/* --- adaptive moderation --- */

static ssize_t show_profile(struct device *d, bool tx, char *buf)
{
	struct cvmnet_dev *dev = to_cvmnet(d);
	struct cvmnet_dim_profile profile;

	if (!dev->dims.there)
		return sysfs_emit(buf, "\n");
	mutex_lock(&dev->dims.lock);
	profile = dev->dims.profile[tx];
	mutex_unlock(&dev->dims.lock);
	return cvmnet_dim_profile_format(&profile, buf, PAGE_SIZE);
}

static ssize_t store_profile(struct device *d, bool tx, const char *buf, size_t count)
{
	struct cvmnet_dim_profile profile;
	int err;

	err = cvmnet_dim_profile_parse(buf, &profile);
	if (err)
		return err;
	err = lock_present(d);
	if (err)
		return err;
	err = cvmnet_dims_set_profile(to_cvmnet(d), tx, &profile);
	rtnl_unlock();
	return err ?: count;
}

static ssize_t rx_profile_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return show_profile(d, false, buf);
}

static ssize_t rx_profile_store(struct device *d, struct device_attribute *attr,
				const char *buf, size_t count)
{
	return store_profile(d, false, buf, count);
}
static DEVICE_ATTR_RW(rx_profile);

static ssize_t tx_profile_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return show_profile(d, true, buf);
}

static ssize_t tx_profile_store(struct device *d, struct device_attribute *attr,
				const char *buf, size_t count)
{
	return store_profile(d, true, buf, count);
}
static DEVICE_ATTR_RW(tx_profile);

static ssize_t dim_algorithm_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", READ_ONCE(to_cvmnet(d)->dims.stock) ? "net_dim" : "cvm");
}

static ssize_t dim_algorithm_store(struct device *d, struct device_attribute *attr,
				   const char *buf, size_t count)
{
	bool stock = sysfs_streq(buf, "net_dim");
	int err;

	if (!stock && !sysfs_streq(buf, "cvm"))
		return -EINVAL;
	err = lock_present(d);
	if (err)
		return err;
	err = cvmnet_dims_set_stock(to_cvmnet(d), stock);
	rtnl_unlock();
	return err ?: count;
}
static DEVICE_ATTR_RW(dim_algorithm);

/* --- drops by cause --- */

/**
 * struct drop_attr - a file that shows the drops of one cause
 * @attr:  the file
 * @tx:    transmit or receive
 * @cause: enum cvmnet_tx_drop or enum cvmnet_rx_drop
 */
struct drop_attr {
	struct device_attribute attr;
	bool tx;
	unsigned int cause;
};

static ssize_t drop_show(struct device *d, struct device_attribute *attr, char *buf)
{
	const struct drop_attr *drop = container_of(attr, struct drop_attr, attr);

	return sysfs_emit(buf, "%llu\n", cvmnet_stats_drops(to_cvmnet(d), drop->tx, drop->cause));
}

#define DROP(_name, _tx, _cause)				\
static struct drop_attr drop_##_name = {			\
	.attr = __ATTR(drop_##_name, 0444, drop_show, NULL),	\
	.tx = _tx,						\
	.cause = _cause,					\
}

DROP(rx_runt, false, CVMNET_RX_DROP_RUNT);
DROP(rx_oversize, false, CVMNET_RX_DROP_OVERSIZE);
DROP(rx_buffers, false, CVMNET_RX_DROP_BUFFERS);
DROP(rx_csum, false, CVMNET_RX_DROP_CSUM);
DROP(rx_gso, false, CVMNET_RX_DROP_GSO);
DROP(rx_nomem, false, CVMNET_RX_DROP_NOMEM);
DROP(rx_inactive, false, CVMNET_RX_DROP_INACTIVE);
DROP(tx_nomem, true, CVMNET_TX_DROP_NOMEM);
DROP(tx_malformed, true, CVMNET_TX_DROP_MALFORMED);
DROP(tx_broken, true, CVMNET_TX_DROP_BROKEN);

static struct attribute *cvm_attrs[] = {
	&dev_attr_mode.attr,
	&dev_attr_pool_bytes.attr,
	&dev_attr_pool_limit.attr,
	&dev_attr_pool_used.attr,
	&dev_attr_pool_exhausted.attr,
	&dev_attr_resets.attr,
	&dev_attr_hash_tunnel_types.attr,
	&dev_attr_sw_inner_hash.attr,
	&dev_attr_rx_profile.attr,
	&dev_attr_tx_profile.attr,
	&dev_attr_dim_algorithm.attr,
	&drop_rx_runt.attr.attr,
	&drop_rx_oversize.attr.attr,
	&drop_rx_buffers.attr.attr,
	&drop_rx_csum.attr.attr,
	&drop_rx_gso.attr.attr,
	&drop_rx_nomem.attr.attr,
	&drop_rx_inactive.attr.attr,
	&drop_tx_nomem.attr.attr,
	&drop_tx_malformed.attr.attr,
	&drop_tx_broken.attr.attr,
	NULL
};

const struct attribute_group cvmnet_sysfs_group = {
	.name = "cvm",
	.attrs = cvm_attrs,
};
