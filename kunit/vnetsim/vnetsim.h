/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vnetsim: a software virtio-net device.  What its files share.
 *
 * A worker (kernel thread) is the device side of a queue pair, another one of the
 * control queue.  Only a queue's worker touches its ring, with the worker's lock
 * held; whoever starts, stops or resets queues takes that lock too.
 *
 * Locks, outermost first:
 *   vnetsim_lock    the list of devices, cables
 *   worker->lock    rings, what a reset forgets
 *   queue->irq_lock when to interrupt; taken by timers
 */
#ifndef VNETSIM_H
#define VNETSIM_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/if_vlan.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/platform_device.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_net.h>
#include <linux/wait.h>

#include "inject.h"
#include "wire.h"

#define VNETSIM_PAIRS_MAX	16U
#define VNETSIM_RING_MAX	U16_MAX
#define VNETSIM_SEGS_MAX	64	/* of one buffer */
#define VNETSIM_BUFS_MAX	512	/* of one packet */
#define VNETSIM_PACKET_MAX	65589	/* the specification's largest */
#define VNETSIM_CMD_MAX		16384	/* bytes of a control command, or of its answer */
#define VNETSIM_QUEUE_MAX	512U	/* packets that wait for receive buffers */
#define VNETSIM_MACS_MAX	256U
#define VNETSIM_RSS_TABLE_MAX	128U
#define VNETSIM_RSS_KEY_MAX	40U

/* What a driver must not do, by name: debugfs file violations. */
enum vnetsim_violation {
	VNETSIM_V_BAD_ADDRESS,		/* a buffer where no memory is */
	VNETSIM_V_CHAIN,		/* a chain that loops, or is too long */
	VNETSIM_V_INDIRECT,		/* a table that was not agreed on, or of odd size */
	VNETSIM_V_ORDER,		/* memory to read behind memory to write */
	VNETSIM_V_AVAIL_IDX,		/* more buffers than the ring holds */
	VNETSIM_V_STATUS,		/* took a bit of the status back */
	VNETSIM_V_KICK_EARLY,		/* a notification before DRIVER_OK */
	VNETSIM_V_CONFIG_RANGE,		/* access outside of the configuration */
	VNETSIM_V_CONFIG_WRITE,
	VNETSIM_V_FEATURES,		/* accepted what was not offered */
	VNETSIM_V_REQUIRES,		/* accepted a feature without what it requires */
	VNETSIM_V_RX_READABLE,		/* a receive buffer that can't be written */
	VNETSIM_V_RX_SMALL,		/* a receive buffer too small for what it must hold */
	VNETSIM_V_TX_WRITABLE,		/* a packet that can be written */
	VNETSIM_V_TX_SHORT,		/* no whole header */
	VNETSIM_V_TX_LONG,
	VNETSIM_V_TX_MTU,		/* longer than the device carries, in one piece */
	VNETSIM_V_TX_INACTIVE,		/* on a queue that is not in use */
	VNETSIM_V_TX_NUM_BUFFERS,
	VNETSIM_V_TX_FLAGS,
	VNETSIM_V_TX_CSUM,		/* a checksum outside of the packet */
	VNETSIM_V_TX_PSEUDO,		/* no pseudo header sum where it must be */
	VNETSIM_V_TX_GSO_TYPE,
	VNETSIM_V_TX_GSO_SIZE,
	VNETSIM_V_TX_GSO_CSUM,		/* segmentation without NEEDS_CSUM */
	VNETSIM_V_TX_ECN,
	VNETSIM_V_TX_HDR_LEN,		/* not exact in spite of GUEST_HDRLEN */
	VNETSIM_V_CTRL_LAYOUT,		/* too short, no room for the answer */
	VNETSIM_V_CTRL_SLACK,		/* longer than what it says */
	VNETSIM_V_CTRL_COMMAND,		/* unknown, or of a feature not negotiated */
	VNETSIM_V_CTRL_VALUE,
	VNETSIM_VIOLATIONS
};

/* A piece of a buffer's memory. */
struct vnetsim_seg {
	void *va;
	u32 len;
	bool write;
};

struct vnetsim_buf {
	u16 id;
	u16 descs;				/* ring entries it takes */
	bool bad;				/* not to be used; completed with nothing */
	unsigned int segs;
	u32 out;				/* bytes to read, in front of those to write */
	u32 in;
	struct vnetsim_seg seg[VNETSIM_SEGS_MAX];
};

struct vnetsim_split {
	struct vring ring;
	u16 avail_idx;
	u16 used_idx;
};

struct vnetsim_packed {
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver;
	struct vring_packed_desc_event *device;
	u16 avail_idx;
	u16 used_idx;
	bool avail_wrap;
	bool used_wrap;
	/* The first of several used buffers that are published together */
	u16 first_idx;
	u16 first_flags;
	bool first;
	u32 total;				/* ring entries used since the beginning */
	u32 shown;				/* those that the driver can see */
};

/* Where the device reads on: to take back what was popped. */
struct vnetsim_mark {
	u16 avail_idx;
	bool avail_wrap;
};

struct vnetsim_stats {
	u64 packets;
	u64 bytes;
	u64 drops;
	u64 overruns;				/* receive: dropped for lack of buffers */
	u64 malformed;				/* transmit */
	u64 filtered;				/* receive: not for this guest */
	u64 csum_valid;
	u64 needs_csum;
	u64 csum_none;
	u64 gso_packets;
	u64 gso_bytes;
	u64 segments;				/* transmit: made of them for the other side */
	u64 segment_bytes;
	u64 whole_packets;			/* those that went there as they are */
	u64 whole_bytes;
	u64 commands;				/* control queue */
	u64 commands_ok;
	u64 csum_bad;				/* from here on: as debugfs was told */
	u64 coalesced_packets;
	u64 coalesced_bytes;
	u64 exceeded_packets;			/* dropped by a limit of speed */
	u64 exceeded_bytes;
};

/* A buffer that is used, and not yet told. */
struct vnetsim_used {
	u16 id;
	u16 descs;
	u32 len;
};

struct vnetsim;
struct vnetsim_worker;

struct vnetsim_queue {
	struct vnetsim *sim;
	struct vnetsim_worker *worker;
	struct virtqueue *vq;			/* NULL: the driver has not set it up */
	unsigned int index;
	unsigned int num;
	bool ready;				/* set up, and not reset since */
	bool packed;
	bool event_idx;
	struct vnetsim_split split;
	struct vnetsim_packed pack;

	struct vnetsim_used held;		/* to be told out of order */
	s64 kicks_seen;

	spinlock_t irq_lock;			/* of all up to irq_work */
	u32 signalled;				/* what had been used at the last interrupt */
	u32 max_packets;			/* moderation in force */
	u32 max_usecs;
	u32 uninformed;				/* packets used since the last interrupt */
	ktime_t first;				/* when the first of them was */
	struct hrtimer timer;
	struct irq_work irq_work;
	atomic64_t irqs;
	atomic64_t kicks;

	struct vnetsim_dice dice;
	struct vnetsim_stats stats;		/* the worker's, but for drops in front of it */
};

struct vnetsim_worker {
	struct vnetsim *sim;
	struct task_struct *task;
	wait_queue_head_t wait;
	unsigned long work;			/* bit 0: something to do */
	struct mutex lock;
	struct vnetsim_queue *rx;		/* NULL for the control queue's */
	struct vnetsim_queue *tx;
	struct sk_buff_head in;			/* packets to be received */
	struct vnetsim_buf buf;			/* too large for a stack */
	struct vnetsim_buf first;		/* of a packet in several buffers */
	struct vnetsim_used used[VNETSIM_BUFS_MAX];
};

struct vnetsim_coal {
	u32 max_packets;
	u32 max_usecs;
};

struct vnetsim_rss {
	u32 types;
	u16 mask;
	u16 unclassified;
	u16 table[VNETSIM_RSS_TABLE_MAX];
	u8 key_len;
	u8 key[VNETSIM_RSS_KEY_MAX];
	u32 tunnels;				/* types enabled for the inner hash */
};

/* What a reset forgets. */
struct vnetsim_state {
	unsigned int pairs;			/* in use */
	unsigned int tx_pairs;			/* that may be sent on */
	u64 offloads;				/* VIRTIO_NET_F_GUEST_* in force */
	bool promisc, allmulti, alluni, nomulti, nouni, nobcast;
	u8 mac[ETH_ALEN];
	unsigned int macs;
	u8 mac_table[VNETSIM_MACS_MAX][ETH_ALEN];
	DECLARE_BITMAP(vlans, VLAN_N_VID);
	bool steer;				/* RSS is configured */
	struct vnetsim_rss rss;
	struct vnetsim_coal coal_rx;
	struct vnetsim_coal coal_tx;
};

struct vnetsim {
	struct virtio_device vdev;
	struct platform_device *parent;
	struct list_head node;
	char name[24];
	int id;
	unsigned int max_pairs;
	unsigned int ring;
	unsigned int nr_queues;			/* the control queue is the last */
	struct vnetsim_queue *queues;
	struct vnetsim_worker *workers;		/* one a pair, and the control queue's */
	unsigned int nr_workers;
	struct vnetsim_config config;
	unsigned int window;			/* bytes of it that can be read */
	u32 generation;
	u8 config_reads;			/* makes them differ on command */
	u8 status;
	u64 offered;				/* at the next probe */
	u64 feat;				/* negotiated */
	u8 hdr_len;
	bool live;				/* DRIVER_OK */
	bool resetting;				/* slowly */
	struct vnetsim_state state;
	spinlock_t state_lock;			/* for readers of steering and filters */

	struct net_device *peer;		/* NULL: cabled, or left alone */
	struct vnetsim __rcu *cable;

	/* Knobs in debugfs */
	struct dentry *dir;
	u32 latency_us;				/* before each look at a ring */
	u32 ctrl_wait_us;			/* the same, of the control queue's only */
	u32 ctrl_delay_ms;
	u32 reset_delay_ms;			/* of the device and of a queue */
	u32 ctrl_fail;				/* bit n: commands of class n fail */
	struct vnetsim_inject inject;
	struct vnetsim_dice dice;		/* configuration, status, life */
	struct vnetsim_dice wire_dice;		/* what comes from the other end */
	struct hrtimer storm;			/* interrupts without work */
	atomic64_t violations[VNETSIM_VIOLATIONS];
	atomic64_t resets;
	u64 coal_twice;				/* one was waiting when another came */
	u64 announced;				/* answers to announcements asked for */
	u64 late;				/* answers that came later than one waits */
	u64 stats_asked;			/* types of statistics, of all requests */
	atomic64_t ctrl_since;			/* ns; a command waits since then; 0: none does */
	u64 ctrl_last;				/* ns; the last answer */
	u64 ctrl_busy;				/* ns from notifications to last answers */
};

#define vdev_to_vnetsim(d)	container_of(d, struct vnetsim, vdev)
#define vnetsim_has(sim, bit)	(!!((sim)->feat & BIT_ULL(bit)))

static inline unsigned int vnetsim_queue_kind(const struct vnetsim_queue *q)
{
	if (q->index == q->sim->nr_queues - 1)
		return VNETSIM_ON_CTRL;
	return q->index % 2 ? VNETSIM_ON_TX : VNETSIM_ON_RX;
}

/* Is it time for a bug, of a queue, of the device, or of what comes to it? */
static inline bool vnetsim_hit(struct vnetsim_queue *q, enum vnetsim_bug bug)
{
	return unlikely(atomic_read(&q->sim->inject.armed)) &&
	       __vnetsim_hit(q->sim, &q->dice, bug, vnetsim_queue_kind(q));
}

static inline bool vnetsim_hit_device(struct vnetsim *sim, enum vnetsim_bug bug)
{
	return unlikely(atomic_read(&sim->inject.armed)) &&
	       __vnetsim_hit(sim, &sim->dice, bug, VNETSIM_ON_CTRL);
}

static inline bool vnetsim_hit_wire(struct vnetsim *sim, enum vnetsim_bug bug)
{
	return unlikely(atomic_read(&sim->inject.armed)) &&
	       __vnetsim_hit(sim, &sim->wire_dice, bug, VNETSIM_ON_RX);
}

/* The same of what has no name: random bytes, numbers and interrupts. */
static inline bool vnetsim_mutates_queue(struct vnetsim_queue *q, bool fatal)
{
	return unlikely(atomic_read(&q->sim->inject.armed)) &&
	       vnetsim_mutates(q->sim, &q->dice, fatal);
}

/* Names and life: main.c */
struct vnetsim_params {
	char name[24];
	char cable[24];
	unsigned int pairs;
	unsigned int ring;
	unsigned int mtu;
	unsigned int window;
	bool packed;
	bool peer;
	u64 off;
	u64 on;
	u8 mac[ETH_ALEN];
};

int vnetsim_create(const struct vnetsim_params *params);
int vnetsim_destroy(const char *name);
void vnetsim_destroy_all(void);
void vnetsim_wake(struct vnetsim_worker *worker);
void vnetsim_wake_all(struct vnetsim *sim);
void vnetsim_violate(struct vnetsim *sim, enum vnetsim_violation what);
const char *vnetsim_violation_name(enum vnetsim_violation what);
void vnetsim_config_update(struct vnetsim *sim, u16 set, u16 clear);
void vnetsim_needs_reset(struct vnetsim *sim);
void vnetsim_tell_config(struct vnetsim *sim);

/* transport.c */
extern const struct virtio_config_ops vnetsim_config_ops;
void vnetsim_state_reset(struct vnetsim *sim);

/* features.c */
u64 vnetsim_features_all(void);
u64 vnetsim_feature_parse(const char *name);
const char *vnetsim_feature_name(unsigned int bit);
u64 vnetsim_features_unmet(u64 bits);

/* queue.c */
void vnetsim_queue_init(struct vnetsim_queue *q, struct vnetsim *sim, unsigned int index);
void vnetsim_queue_start(struct vnetsim_queue *q);
void vnetsim_queue_stop(struct vnetsim_queue *q);
void vnetsim_queue_used(struct vnetsim_queue *q, unsigned int packets);
void vnetsim_queue_moderate(struct vnetsim_queue *q, const struct vnetsim_coal *coal);
void vnetsim_flush_held(struct vnetsim_queue *q);
bool vnetsim_queue_stands_still(struct vnetsim_queue *q);
void vnetsim_queue_raise(struct vnetsim_queue *q);

/* ring.c, and the two layouts */
void vnetsim_ring_init(struct vnetsim_queue *q);
void vnetsim_ring_spoil(struct vnetsim_queue *q);
int vnetsim_ring_pop(struct vnetsim_queue *q, struct vnetsim_buf *buf);
void vnetsim_ring_mark(struct vnetsim_queue *q, struct vnetsim_mark *mark);
void vnetsim_ring_rewind(struct vnetsim_queue *q, const struct vnetsim_mark *mark);
void vnetsim_ring_push(struct vnetsim_queue *q, u16 id, u16 descs, u32 len);
bool vnetsim_ring_hold(struct vnetsim_queue *q, const struct vnetsim_used *used);
unsigned int vnetsim_ring_unhold(struct vnetsim_queue *q);
void vnetsim_ring_publish(struct vnetsim_queue *q);
bool vnetsim_ring_listen(struct vnetsim_queue *q);
bool vnetsim_ring_wants_irq(struct vnetsim_queue *q);
bool vnetsim_buf_add(struct vnetsim_queue *q, struct vnetsim_buf *buf, u64 addr, u32 len,
		     bool write);
void *vnetsim_ring_va(struct vnetsim *sim, u64 addr, u32 len);
u32 vnetsim_buf_read(const struct vnetsim_buf *buf, u32 from, void *to, u32 len);
u32 vnetsim_buf_write(const struct vnetsim_buf *buf, u32 from, const void *data, u32 len);

void vnetsim_split_init(struct vnetsim_queue *q);
int vnetsim_split_pop(struct vnetsim_queue *q, struct vnetsim_buf *buf);
void vnetsim_split_push(struct vnetsim_queue *q, u32 id, u32 len);
void vnetsim_split_publish(struct vnetsim_queue *q);
u16 vnetsim_split_last(const struct vnetsim_queue *q);
void vnetsim_split_tamper(struct vnetsim_queue *q, u16 id, enum vnetsim_bug bug);
void vnetsim_split_deafen(struct vnetsim_queue *q);
bool vnetsim_split_listen(struct vnetsim_queue *q);
bool vnetsim_split_wants_irq(struct vnetsim_queue *q);

void vnetsim_packed_init(struct vnetsim_queue *q);
int vnetsim_packed_pop(struct vnetsim_queue *q, struct vnetsim_buf *buf);
void vnetsim_packed_push(struct vnetsim_queue *q, u16 id, u16 descs, u32 len);
bool vnetsim_packed_behind(const struct vnetsim_queue *q);
void vnetsim_packed_publish(struct vnetsim_queue *q);
void vnetsim_packed_tamper(struct vnetsim_queue *q, enum vnetsim_bug bug);
void vnetsim_packed_deafen(struct vnetsim_queue *q);
bool vnetsim_packed_listen(struct vnetsim_queue *q);
bool vnetsim_packed_wants_irq(struct vnetsim_queue *q);

/* tx.c, rx.c, peer.c: packets */
unsigned int vnetsim_tx_run(struct vnetsim_worker *worker);
void vnetsim_tx_gso_left(struct vnetsim_stats *stats, const struct sk_buff *skb,
			 const struct sk_buff *segs);
void vnetsim_tx_limit(struct vnetsim *sim, unsigned int pairs);
unsigned int vnetsim_rx_run(struct vnetsim_worker *worker);
bool vnetsim_receive(struct vnetsim *sim, struct sk_buff *skb, struct vnetsim_stats *sender);
unsigned int vnetsim_backlog(struct vnetsim *sim);
bool vnetsim_filter(struct vnetsim *sim, const struct sk_buff *skb);
int vnetsim_peer_create(struct vnetsim *sim);
void vnetsim_peer_destroy(struct vnetsim *sim);
void vnetsim_peer_deliver(struct vnetsim *sim, struct sk_buff *skb);
void vnetsim_peer_wake(struct vnetsim *sim);

/* ctrl.c, coal.c, stats.c, rss.c: the control queue, hashes */
unsigned int vnetsim_ctrl_run(struct vnetsim_worker *worker);
void vnetsim_coal_look_ahead(struct vnetsim_worker *worker);
bool vnetsim_coal_cmd(struct vnetsim *sim, u8 cmd, const void *data, u32 len, void *reply,
		      u32 *reply_len);
bool vnetsim_stats_cmd(struct vnetsim *sim, u8 cmd, const void *data, u32 len, void *reply,
		       u32 *reply_len);
int vnetsim_stats_tell(struct vnetsim_queue *q, const char *name, u64 value);
bool vnetsim_rss_cmd(struct vnetsim *sim, const void *data, u32 len);
bool vnetsim_hash_cmd(struct vnetsim *sim, const void *data, u32 len);
bool vnetsim_tunnel_cmd(struct vnetsim *sim, const void *data, u32 len);
u32 vnetsim_hash(const struct vnetsim_rss *rss, const struct sk_buff *skb, u16 *report);
u32 vnetsim_toeplitz(const u8 *key, unsigned int key_len, const u8 *data, unsigned int len);
unsigned int vnetsim_steer(struct vnetsim *sim, const struct sk_buff *skb);

/* debugfs.c, and the files that are elsewhere */
extern const struct file_operations vnetsim_create_fops;
extern const struct file_operations vnetsim_destroy_fops;
extern const struct file_operations vnetsim_inject_fops;
extern const struct file_operations vnetsim_fuzz_fops;
extern const struct file_operations vnetsim_config_fops;
char *vnetsim_get_words(const char __user *from, size_t count);
int vnetsim_debugfs_init(void);
void vnetsim_debugfs_close(void);
void vnetsim_debugfs_exit(void);
void vnetsim_debugfs_add(struct vnetsim *sim);
void vnetsim_debugfs_del(struct vnetsim *sim);

#endif /* VNETSIM_H */
