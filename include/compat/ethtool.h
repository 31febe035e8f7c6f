/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ethtool operations, as the newest kernel has them. CVM_..._OPS() stand in the
 * table of operations and bring their own comma, or nothing at all.
 */
#ifndef CVM_COMPAT_ETHTOOL_H
#define CVM_COMPAT_ETHTOOL_H

#include <linux/ethtool.h>

#ifdef HAVE_ETHTOOL_RXFH_PARAM
#define CVM_DEFINE_RXFH(...)
#define CVM_RXFH_OPS(get, set)	.get_rxfh = get, .set_rxfh = set,
#else
struct netlink_ext_ack;

struct ethtool_rxfh_param {
	u8	hfunc;
	u32	indir_size;
	u32	*indir;
	u32	key_size;
	u8	*key;
	u32	rss_context;
	u8	rss_delete;
	u8	input_xfrm;
};

/* The core gives arrays of the sizes that get_rxfh_indir_size() and _key_size() told. */
#define CVM_DEFINE_RXFH(get, set)						\
static int get##_old(struct net_device *dev, u32 *indir, u8 *key, u8 *hfunc)	\
{										\
	struct ethtool_rxfh_param rxfh = { .indir = indir, .key = key };	\
	int err = get(dev, &rxfh);						\
										\
	if (!err && hfunc)							\
		*hfunc = rxfh.hfunc;						\
	return err;								\
}										\
										\
static int set##_old(struct net_device *dev, const u32 *indir, const u8 *key,	\
		     const u8 hfunc)						\
{										\
	struct ethtool_rxfh_param rxfh = {					\
		.hfunc = hfunc,							\
		.indir = (u32 *)indir,						\
		.key = (u8 *)key,						\
	};									\
										\
	return set(dev, &rxfh, NULL);						\
}

#define CVM_RXFH_OPS(get, set)	.get_rxfh = get##_old, .set_rxfh = set##_old,
#endif

/*
 * Kernels without these operations send ETHTOOL_GRXFH and ETHTOOL_SRXFH through
 * get_rxnfc() and set_rxnfc(), where drivers answer them too.
 */
#ifdef HAVE_ETHTOOL_RXFH_FIELDS
#define CVM_RXFH_FIELDS_OPS(get, set)	.get_rxfh_fields = get, .set_rxfh_fields = set,
#else
#define CVM_RXFH_FIELDS_OPS(...)

struct ethtool_rxfh_fields {
	u32 data;
	u32 flow_type;
	u32 rss_context;
};
#endif

#endif /* CVM_COMPAT_ETHTOOL_H */
