/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's library for dynamic interrupt moderation, and the profiles that
 * ethtool reads and writes on kernels where it does.
 */
#ifndef CVM_COMPAT_DIM_H
#define CVM_COMPAT_DIM_H

#include <linux/dim.h>
#include <linux/errno.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

/* Does this kernel have the library? */
#define CVM_DIMLIB	IS_REACHABLE(CONFIG_DIMLIB)

#ifdef HAVE_DIM_IRQ_MODER
#define CVM_DIM_LEVELS	NET_DIM_PARAMS_NUM_PROFILES
#else
#define CVM_DIM_LEVELS	5
#endif

static inline void cvm_net_dim(struct dim *dim, const struct dim_sample *sample)
{
#if !CVM_DIMLIB
#elif defined(HAVE_NET_DIM_SAMPLE_POINTER)
	net_dim(dim, sample);
#else
	net_dim(dim, *sample);
#endif
}

/* A level of the kernel's own profiles, for interrupts that start a period. */
static inline struct dim_cq_moder cvm_net_dim_level(bool tx, int level)
{
#if CVM_DIMLIB
	return tx ? net_dim_get_tx_moderation(DIM_CQ_PERIOD_MODE_START_FROM_EQE, level) :
		    net_dim_get_rx_moderation(DIM_CQ_PERIOD_MODE_START_FROM_EQE, level);
#else
	return (struct dim_cq_moder){};
#endif
}

#if CVM_DIMLIB && defined(HAVE_DIM_IRQ_MODER)
/* Have ethtool show and change profiles; nothing where it can't. */
static inline int cvm_irq_moder_init(struct net_device *dev)
{
	return net_dim_init_irq_moder(dev, DIM_PROFILE_RX | DIM_PROFILE_TX,
				      DIM_COALESCE_USEC | DIM_COALESCE_PKTS,
				      DIM_CQ_PERIOD_MODE_START_FROM_EQE,
				      DIM_CQ_PERIOD_MODE_START_FROM_EQE, NULL, NULL);
}

static inline void cvm_irq_moder_exit(struct net_device *dev)
{
	net_dim_free_irq_moder(dev);
	dev->irq_moder = NULL;
}

/* Under rtnl, or before the net device is registered. False without ethtool's profiles. */
static inline bool cvm_irq_moder_get(struct net_device *dev, bool tx, unsigned int level,
				     u16 *usecs, u16 *frames)
{
	const struct dim_cq_moder *moder;

	if (!dev->irq_moder)
		return false;
	moder = rcu_dereference_protected(tx ? dev->irq_moder->tx_profile :
					       dev->irq_moder->rx_profile, true);
	*usecs = moder[level].usec;
	*frames = moder[level].pkts;
	return true;
}

/* A reader may see a level half changed: it is shown, and not acted upon. */
static inline void cvm_irq_moder_set(struct net_device *dev, bool tx, unsigned int level,
				     u16 usecs, u16 frames)
{
	struct dim_cq_moder *moder;

	if (!dev->irq_moder)
		return;
	moder = rcu_dereference_protected(tx ? dev->irq_moder->tx_profile :
					       dev->irq_moder->rx_profile, true);
	WRITE_ONCE(moder[level].usec, usecs);
	WRITE_ONCE(moder[level].pkts, frames);
}
#else
static inline int cvm_irq_moder_init(struct net_device *dev)
{
	return 0;
}

static inline void cvm_irq_moder_exit(struct net_device *dev)
{
}

static inline bool cvm_irq_moder_get(struct net_device *dev, bool tx, unsigned int level,
				     u16 *usecs, u16 *frames)
{
	return false;
}

static inline void cvm_irq_moder_set(struct net_device *dev, bool tx, unsigned int level,
				     u16 usecs, u16 frames)
{
}
#endif

#endif /* CVM_COMPAT_DIM_H */
