/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio_net_cvm: what the files of the driver share about a device and its
 * queues.  Only .c files include this; the headers beside it are leaves.
 *
 * Locks, outermost first (reset.lock, then rtnl where both are held):
 *   rtnl            open and closed, the number of pairs, ring sizes, offloads
 *   reset.lock      the virtqueues' existence: held by whoever deletes or finds
 *                   them, outside rtnl but with the net device detached
 *   dims.lock       adaptive moderation: what may be chosen, and for which queues
 *   the tx queue's  a transmit virtqueue and its txring (netif_tx_lock of the
 *                   stack, taken by the poll function too)
 *   NAPI            a receive virtqueue: only its own poll function touches it,
 *                   or whoever has disabled that NAPI
 */
#ifndef CVMNET_H
#define CVMNET_H

#include <linux/bitmap.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/notifier.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>

#include <compat/dma.h>

#include "coal.h"
#include "config.h"
#include "ctrl.h"
#include "devstats.h"
#include "dim.h"
#include "pkt.h"
#include "pool.h"
#include "reset.h"
#include "rss.h"
#include "txring.h"

struct cvmnet_cvq;
struct cvmnet_rx_mode;
struct page_pool;

/* Feature bit NR is negotiated; dev->feat is constant between probe and remove. */
#define cvmnet_has(dev, nr)	(!!((dev)->feat & BIT_ULL(nr)))

/* What stats.c tabulates by offsetof: nothing but u64. */
struct cvmnet_rxq_stats {
	u64 packets;
	u64 bytes;
	u64 drops[CVMNET_RX_DROPS];	/* by cause, enum cvmnet_rx_drop */
	u64 kicks;
	u64 rekicks;
	u64 alloc_fail;
	u64 large_buffers;
	u64 csum_none;
	u64 csum_unnecessary;
	u64 csum_bad;
	u64 hw_gro_packets;
	u64 hw_gro_bytes;
};

enum cvmnet_tx_drop {
	CVMNET_TX_DROP_NOMEM,
	CVMNET_TX_DROP_MALFORMED,	/* the skb fits no header, pool or list */
	CVMNET_TX_DROP_BROKEN,		/* the queue is dead, a reset is under way */
	CVMNET_TX_DROPS
};

struct cvmnet_txq_stats {
	u64 packets;
	u64 bytes;
	u64 drops[CVMNET_TX_DROPS];	/* by cause, enum cvmnet_tx_drop */
	u64 kicks;
	u64 rekicks;
	u64 stops;
	u64 wakes;
	u64 pool_full;			/* stops because of the pool, not the ring */
	u64 csum_none;
	u64 needs_csum;
	u64 hw_gso_packets;
	u64 hw_gso_bytes;
	u64 timeouts;
};

/* A receive buffer: who has it is known here and nowhere the device can write. */
struct cvmnet_rx_slot {
	void *va;				/* pool mode: shared memory, for good */
	dma_addr_t dma;
	u32 bytes;				/* of the buffer, as posted */
	u16 descs;				/* ring entries it takes while posted */
	bool posted;				/* the device's */
};

struct cvmnet_rxq {
	/* Touched for every packet. */
	struct cvmnet_dev *dev;
	struct virtqueue *vq;
	const struct cvmnet_rx_mode *mode;
	struct page_pool *pp;
	struct cvmnet_rx_slot *slots;
	u16 *free;				/* slots to be posted: a stack */
	unsigned int nr_free;
	unsigned int lent;			/* slots the device owns */
	unsigned int descs;			/* ring entries the device owns */
	unsigned int index;
	u32 posted;				/* least bytes of a buffer, header included */
	u32 average;				/* bytes of a packet, mergeable mode */
	bool large;				/* buffers are posted from pp_large */
	struct page_pool *pp_large;		/* stream mode, mergeable; or NULL */
	u32 fill_room;				/* left in the skb's last page */
	struct sk_buff *tail;			/* of a packet of very many buffers */
	unsigned int refill_at;			/* so many free slots are worth a kick */
	unsigned int missing;			/* packets in a row without all their buffers */
	bool dead;				/* not listened to until the next reset */
	struct page **pages;			/* stream mode: buf_pages for each slot */
	unsigned int buf_pages;
	struct scatterlist *sg;
	struct cvmnet_rxq_stats pending;	/* of this poll, published at its end */

	struct napi_struct napi ____cacheline_aligned_in_smp;
	struct u64_stats_sync syncp;
	struct cvmnet_rxq_stats stats;
	unsigned int opaque;			/* of virtqueue_enable_cb_prepare() */
	struct cvmnet_dim dim;

	/* Slow path */
	unsigned int ring_size;
	unsigned int ring_wanted;		/* set by the user; 0: as the device offers */
	unsigned int nr_slots;
	size_t slot_size;
	struct cvmnet_pool pool;
	struct delayed_work refill_work;
	u64 watched;				/* stats.packets a second ago */
	bool rekicked;				/* since then nothing has come */
	char name[20];
};

/* The header, the linear part and the fragments of an skb that is not copied */
#define CVMNET_TX_SGS	(MAX_SKB_FRAGS + 2)

struct cvmnet_txq {
	/* Touched for every packet, under the tx queue's lock. */
	struct cvmnet_dev *dev;
	struct virtqueue *vq;
	struct netdev_queue *nq;
	struct cvmnet_txring ring;
	struct cvmnet_pool pool;
	unsigned int chunk_shift;
	u32 largest;				/* pool bytes that the next packet may need */
	unsigned int descs;			/* ring entries the device owns */
	unsigned int descs_max;			/* ring entries that one packet may take */
	unsigned int since;			/* packets since the last look for completions */
	unsigned int skbs;			/* in flight with their skb: stream mode */
	unsigned int index;
	bool dead;				/* nothing is sent until the next reset */
	bool lingers;				/* dead as it was stopped: completions are good */
	bool held;				/* stopped by us: completions do not wake it */
	struct u64_stats_sync syncp;
	struct cvmnet_txq_stats stats;
	struct scatterlist one;
	struct scatterlist sg[CVMNET_TX_SGS];	/* stream mode */
	unsigned int sgs_max;

	struct napi_struct napi ____cacheline_aligned_in_smp;
	struct cvmnet_dim dim;
	u64 dim_packets;			/* of stats, when it was told last */
	u64 dim_bytes;

	/* Slow path */
	unsigned int ring_size;
	unsigned int ring_wanted;		/* set by the user; 0: as the device offers */
	struct cvmnet_tx_rec *recs;
	u32 watched;				/* ring.rec_head a second ago */
	char name[20];
};

struct cvmnet_dev {
	/* Constant once probed. */
	struct virtio_device *vdev;
	struct net_device *netdev;
	struct device *dma_dev;			/* NULL: the ring takes physical addresses */
	u64 feat;
	enum cvmnet_dma dma;
	bool premapped;				/* pool mode: the rings take our DMA addresses */
	bool rx_premapped;			/* stream mode: the receive rings do */
	u8 hdr_len;
	const struct cvmnet_rx_mode *rx_mode;
	unsigned int max_pairs;

	unsigned int pairs;			/* in use; written under rtnl */
	struct cvmnet_rxq *rxq;
	struct cvmnet_txq *txq;
	struct cvmnet_cvq *cvq;			/* NULL without CTRL_VQ */

	/* Receive offloads as VIRTIO_NET_F_GUEST_* bits: what the device can, what is on. */
	struct cvmnet_offloads {
		u64 capable;
		u64 active;			/* READ_ONCE() for every packet */
	} offloads;

	/* The control side */
	struct cvmnet_config cfg;		/* sanitized snapshot of the device's config */
	struct cvmnet_rss rss;
	struct cvmnet_coal coal;
	struct cvmnet_dims dims;
	u32 tunnel_types;			/* inner headers of these are hashed; rtnl */
	bool sw_inner_hash;			/* the driver does; READ_ONCE() */
	struct cvmnet_devstats devstats;	/* what the device counts; rtnl */
	struct cvmnet_ctrl ctrl;		/* works: link, announcements, filters */
	DECLARE_BITMAP(vlans, VLAN_N_VID);	/* those the device lets through; rtnl */
	u32 speed;				/* as ethtool shows them */
	u8 duplex;

	struct cvmnet_reset reset;
	struct virtqueue **vqs;			/* rx0 tx0 rx1 tx1 ... [ctrl]; NULL: none */
	unsigned int nr_vqs;
	struct cvm_dma_bypass bypass;
	bool dma_settled;			/* dma and the like are final */
	size_t tx_pool_size;			/* bytes a queue; written under rtnl */
	bool running;				/* queues are started; under rtnl */
	struct delayed_work watch_work;		/* looks for lost interrupts */
	unsigned long watch_due;		/* when, in jiffies */
	struct virtqueue *resized;		/* the watch keeps away from it */
	struct hlist_node cpuhp_node;
	bool spread;				/* over CPUs, as they come and go; hotplug lock */
};

extern struct virtio_driver cvmnet_driver;	/* main.c; for the KUnit suites */
extern struct workqueue_struct *cvmnet_wq;	/* all works but those of moderation */
extern struct workqueue_struct *cvmnet_dim_wq;

/* --- rx.c, tx.c and vq.c for the control side --- */
int cvmnet_open(struct net_device *netdev);
int cvmnet_close(struct net_device *netdev);
netdev_tx_t cvmnet_xmit(struct sk_buff *skb, struct net_device *netdev);
void cvmnet_tx_timeout(struct net_device *netdev, unsigned int index);
netdev_features_t cvmnet_features_check(struct sk_buff *skb, struct net_device *netdev,
					netdev_features_t features);
int cvmnet_vq_resize(struct cvmnet_dev *dev, struct virtqueue *vq, u32 num);
int cvmnet_set_pairs(struct cvmnet_dev *dev, unsigned int pairs);
int cvmnet_mtu_max(const struct cvmnet_dev *dev);

#endif /* CVMNET_H */
