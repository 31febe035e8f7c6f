// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the whole driver on a device that is a few functions of this file:
 * rings in ordinary memory, filled and emptied by the test itself, honestly or not.
 * Split rings, one queue pair, both DMA modes.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/reboot.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <uapi/linux/virtio_net.h>

#ifdef CONFIG_INTEL_TDX_GUEST
#include <asm/cpufeature.h>
#endif

#include "virtio_net_cvm/cvmnet.h"
#include "virtio_net_cvm/rx.h"

#define RING		64U
#define FRAME_MAX	6000U
#define PROTOCOL	0x88b5		/* for local experiments */
#define SEGMENT		1000U
#define HDR_LEN		sizeof(struct virtio_net_hdr_v1)
#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)
#define T(name)		BIT_ULL(VIRTIO_F_##name)

#define DEFAULT		(T(VERSION_1) | F(MAC) | F(MRG_RXBUF) | F(CTRL_VQ) | F(CTRL_RX))

enum { RX, TX, CTRL, QUEUES };

/* One direction's data of NOTF_COAL, behind class and command */
struct coal_command {
	struct virtio_net_ctrl_hdr hdr;
	__le32 frames;
	__le32 usecs;
} __packed;

struct fake_queue {
	struct virtqueue *vq;
	void *pages;
	u16 seen;			/* of the available ring */
	u16 used;
	unsigned int notified;
};

struct fake {
	struct virtio_device vdev;
	struct device *parent;
	u64 dma_mask;
	u64 offered;
	struct virtio_net_config config;
	struct fake_queue queues[QUEUES];
	u8 status;
	unsigned int resets;
	bool enabled[QUEUES];		/* until the next reset, as on PCI and MMIO */
	unsigned int fail_queue;	/* finding this one fails; 0 for none */
	bool noio;			/* memory was not to wait for I/O when they were found */

	struct mutex lock;		/* queues against answer_work */
	struct work_struct answer_work;	/* the driver notifies with a lock held */
	bool silent;			/* commands are not answered */
	u8 ack;
	bool refuses_rx;		/* to moderate it */
	void (*almost)(struct fake *fake);	/* called once, before DRIVER_OK */
	struct coal_command coal[4];	/* commands of that class, in their order */
	unsigned int coals;

	int early;			/* answer to a command before DRIVER_OK */
	unsigned int early_kicks;
	struct work_struct end_work;	/* of the machine, or its sleep, in a reset */
	void (*end)(struct fake *fake);
	bool ended;
	unsigned long end_took;		/* jiffies */
	u8 end_status;			/* the device's, then */

	struct packet_type tap;
	unsigned int heard;		/* frames that reached the stack */
	unsigned int wrong;
	u8 seq;				/* of the next frame to be received */
	u8 *frame;
	struct cvmnet_dev *dev;
	struct net_device *netdev;
};

static struct fake *to_fake(struct virtio_device *vdev)
{
	return container_of(vdev, struct fake, vdev);
}

/* --- the device's side of a ring --- */

static const struct vring *ring_of(const struct fake_queue *q)
{
	return virtqueue_get_vring(q->vq);
}

/* The next chain that was made available, or -1 */
static int fake_next(struct fake_queue *q)
{
	const struct vring *ring = ring_of(q);
	__virtio16 id;

	if (q->seen == le16_to_cpu((__force __le16)READ_ONCE(ring->avail->idx)))
		return -1;
	/* The index first, then what it covers. */
	virt_rmb();
	id = ring->avail->ring[q->seen++ % RING];
	return le16_to_cpu((__force __le16)id);
}

static struct vring_desc *fake_desc(struct fake_queue *q, unsigned int id)
{
	return &ring_of(q)->desc[id];
}

static void *fake_memory(struct fake_queue *q, unsigned int id)
{
	return phys_to_virt(le64_to_cpu((__force __le64)fake_desc(q, id)->addr));
}

static u32 fake_length(struct fake_queue *q, unsigned int id)
{
	return le32_to_cpu((__force __le32)fake_desc(q, id)->len);
}

static bool fake_flag(struct fake_queue *q, unsigned int id, u16 flag)
{
	return le16_to_cpu((__force __le16)fake_desc(q, id)->flags) & flag;
}

static unsigned int fake_follower(struct fake_queue *q, unsigned int id)
{
	return le16_to_cpu((__force __le16)fake_desc(q, id)->next);
}

static void fake_used(struct fake_queue *q, u32 id, u32 len)
{
	const struct vring *ring = ring_of(q);
	vring_used_elem_t *elem = &ring->used->ring[q->used % RING];

	elem->id = (__force __virtio32)cpu_to_le32(id);
	elem->len = (__force __virtio32)cpu_to_le32(len);
	/* The entry first, then the index that shows it. */
	virt_wmb();
	WRITE_ONCE(ring->used->idx, (__force __virtio16)cpu_to_le16(++q->used));
}

/* NAPI has run when this returns, on whatever CPU it was scheduled already. */
static void fake_interrupt(struct fake_queue *q)
{
	struct fake *fake = to_fake(q->vq->vdev);
	struct napi_struct *napi = q == &fake->queues[RX] ? &fake->dev->rxq[0].napi :
							    &fake->dev->txq[0].napi;
	unsigned int tries = 2000;

	local_bh_disable();
	vring_interrupt(0, q->vq);
	local_bh_enable();
	while (netif_running(fake->netdev) && test_bit(NAPI_STATE_SCHED, &napi->state) && tries--)
		usleep_range(500, 1000);
}

/* Whatever the driver sends by itself, and what it was sent already */
static void fake_drain(struct fake_queue *q)
{
	int id;

	while ((id = fake_next(q)) >= 0)
		fake_used(q, id, 0);
	fake_interrupt(q);
}

/* --- the control queue --- */

static bool refuses(const struct fake *fake, const struct virtio_net_ctrl_hdr *hdr)
{
	return fake->refuses_rx && hdr->class == VIRTIO_NET_CTRL_NOTF_COAL &&
	       hdr->cmd == VIRTIO_NET_CTRL_NOTF_COAL_RX_SET;
}

static void fake_answer(struct work_struct *work)
{
	struct fake *fake = container_of(work, struct fake, answer_work);
	struct fake_queue *q = &fake->queues[CTRL];
	int id;

	mutex_lock(&fake->lock);
	while (q->vq && !fake->silent && (id = fake_next(q)) >= 0) {
		struct virtio_net_ctrl_hdr *hdr = fake_memory(q, id);

		if (hdr->class == VIRTIO_NET_CTRL_NOTF_COAL &&
		    fake->coals < ARRAY_SIZE(fake->coal))
			memcpy(&fake->coal[fake->coals++], hdr, sizeof(struct coal_command));
		*(u8 *)fake_memory(q, fake_follower(q, id)) = refuses(fake, hdr) ? VIRTIO_NET_ERR :
								fake->ack;
		fake_used(q, id, 1);
		vring_interrupt(0, q->vq);
	}
	mutex_unlock(&fake->lock);
}

/* --- the transport --- */

static void fake_get(struct virtio_device *vdev, unsigned int offset, void *buf,
		     unsigned int len)
{
	memcpy(buf, (u8 *)&to_fake(vdev)->config + offset, len);
}

static u8 fake_get_status(struct virtio_device *vdev)
{
	return to_fake(vdev)->status;
}

static void fake_set_status(struct virtio_device *vdev, u8 status)
{
	struct fake *fake = to_fake(vdev);
	void (*almost)(struct fake *fake) = fake->almost;

	if (almost && status & VIRTIO_CONFIG_S_DRIVER_OK) {
		fake->almost = NULL;
		almost(fake);
	}
	fake->status = status;
}

static void fake_reset(struct virtio_device *vdev)
{
	struct fake *fake = to_fake(vdev);

	fake->status = 0;
	fake->resets++;
	memset(fake->enabled, 0, sizeof(fake->enabled));
}

static u64 fake_get_features(struct virtio_device *vdev)
{
	return to_fake(vdev)->offered;
}

static int fake_finalize_features(struct virtio_device *vdev)
{
	return 0;
}

static bool fake_notify(struct virtqueue *vq)
{
	struct fake *fake = to_fake(vq->vdev);

	fake->queues[vq->index].notified++;
	if (vq->index == CTRL)
		schedule_work(&fake->answer_work);
	return true;
}

static void fake_del_vqs(struct virtio_device *vdev)
{
	struct fake *fake = to_fake(vdev);
	unsigned int i;

	mutex_lock(&fake->lock);
	for (i = 0; i < QUEUES; i++) {
		struct fake_queue *q = &fake->queues[i];

		if (q->vq)
			vring_del_virtqueue(q->vq);
		if (q->pages)
			free_pages_exact(q->pages, vring_size(RING, PAGE_SIZE));
		memset(q, 0, sizeof(*q));
	}
	mutex_unlock(&fake->lock);
}

static int fake_find_vqs(struct virtio_device *vdev, unsigned int nr, struct virtqueue *vqs[],
			 struct virtqueue_info infos[], struct irq_affinity *affinity)
{
	struct fake *fake = to_fake(vdev);
	unsigned int i;
	int err;

	fake->noio = current->flags & PF_MEMALLOC_NOIO;
	for (i = 0; i < nr; i++) {
		struct fake_queue *q = &fake->queues[i];

		err = -ENOENT;
		if (fake->enabled[i])
			goto err_del;
		err = -ENOMEM;
		if (i && i == fake->fail_queue)
			goto err_del;
		q->pages = alloc_pages_exact(vring_size(RING, PAGE_SIZE), GFP_KERNEL | __GFP_ZERO);
		if (!q->pages)
			goto err_del;
		q->vq = vring_new_virtqueue(i, RING, PAGE_SIZE, vdev, true, false, q->pages,
					    fake_notify, infos[i].callback, infos[i].name);
		if (!q->vq)
			goto err_del;
		q->vq->num_max = RING;
		vqs[i] = q->vq;
		fake->enabled[i] = true;
	}
	return 0;

err_del:
	fake_del_vqs(vdev);
	return err;
}

static const struct virtio_config_ops fake_ops = {
	.get = fake_get,
	.get_status = fake_get_status,
	.set_status = fake_set_status,
	.reset = fake_reset,
	.find_vqs = fake_find_vqs,
	.del_vqs = fake_del_vqs,
	.get_features = fake_get_features,
	.finalize_features = fake_finalize_features,
};

/* --- what the stack gets --- */

static void fill(u8 *payload, unsigned int len, u8 seq)
{
	while (len--)
		payload[len] = len * 7 + seq;
}

static bool right(const u8 *payload, unsigned int len, u8 seq)
{
	while (len--)
		if (payload[len] != (u8)(len * 7 + seq))
			return false;
	return true;
}

/* The first byte of a frame is its sequence number, the rest follows from it. */
static int fake_heard(struct sk_buff *skb, struct net_device *netdev, struct packet_type *tap,
		      struct net_device *orig)
{
	struct fake *fake = container_of(tap, struct fake, tap);

	if (skb->len > FRAME_MAX || skb_copy_bits(skb, 0, fake->frame, skb->len) ||
	    !right(fake->frame, skb->len, fake->frame[0]))
		fake->wrong++;
	fake->heard++;
	kfree_skb(skb);
	return 0;
}

/* --- a device comes and goes --- */

static void fake_release(struct device *d)
{
}

static void fake_stop(void *data)
{
	struct fake *fake = data;

	if (fake->tap.func)
		dev_remove_pack(&fake->tap);
	if (fake->netdev)
		cvmnet_driver.remove(&fake->vdev);
	cancel_work_sync(&fake->answer_work);
	if (fake->parent) {
		fake->vdev.dev.driver = NULL;
		device_del(&fake->vdev.dev);
		put_device(&fake->vdev.dev);
		root_device_unregister(fake->parent);
	}
}

/* As the virtio bus does it, which would ask virtio_net first */
static int fake_bind(struct fake *fake)
{
	int err;

	/* The core asks it whether it knows a feature. */
	fake->vdev.dev.driver = &cvmnet_driver.driver;
	fake->vdev.features = fake->offered;
	err = cvmnet_driver.validate(&fake->vdev);
	if (err)
		return err;
	fake->status = VIRTIO_CONFIG_S_FEATURES_OK;
	err = cvmnet_driver.probe(&fake->vdev);
	if (err)
		return err;
	fake->dev = fake->vdev.priv;
	fake->netdev = fake->dev->netdev;
	return 0;
}

static void end_work(struct work_struct *work);

static struct fake *fake_new(struct kunit *test, u64 features)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	struct virtio_device *vdev;

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->frame = kunit_kzalloc(test, FRAME_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->frame);
	vdev = &fake->vdev;
	fake->offered = features;
	mutex_init(&fake->lock);
	INIT_WORK(&fake->answer_work, fake_answer);
	INIT_WORK(&fake->end_work, end_work);
	eth_random_addr(fake->config.mac);
	fake->config.max_virtqueue_pairs = (__force __virtio16)cpu_to_le16(1);

	fake->parent = root_device_register("cvmnet-kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(fake->parent));
	fake->dma_mask = DMA_BIT_MASK(64);
	fake->parent->dma_mask = &fake->dma_mask;
	fake->parent->coherent_dma_mask = DMA_BIT_MASK(64);

	vdev->id.device = VIRTIO_ID_NET;
	vdev->config = &fake_ops;
	INIT_LIST_HEAD(&vdev->vqs);
	spin_lock_init(&vdev->vqs_list_lock);
	spin_lock_init(&vdev->config_lock);
	device_initialize(&vdev->dev);
	vdev->dev.parent = fake->parent;
	vdev->dev.release = fake_release;
	dev_set_name(&vdev->dev, "cvmnet-kunit-virtio");
	KUNIT_ASSERT_EQ(test, device_add(&vdev->dev), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_stop, fake), 0);
	return fake;
}

static struct fake *fake_start(struct kunit *test, u64 features)
{
	struct fake *fake = fake_new(test, features);

	KUNIT_ASSERT_EQ(test, fake_bind(fake), 0);
	fake->tap.type = htons(PROTOCOL);
	fake->tap.dev = fake->netdev;
	fake->tap.func = fake_heard;
	dev_add_pack(&fake->tap);
	/* Nobody else has anything to say here. */
	fake->netdev->priv_flags |= IFF_NO_ADDRCONF;
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_open(fake->netdev, NULL), 0);
	rtnl_unlock();
	/* It may find a lie before the test's interrupt, or repeat a kick: see fake_watch(). */
	cancel_delayed_work_sync(&fake->dev->watch_work);
	fake_drain(&fake->queues[TX]);
	return fake;
}

/* Wherever finding the queues ends, the device can be bound the next time. */
static void probe_test(struct kunit *test)
{
	struct fake *fake = fake_new(test, DEFAULT | T(ACCESS_PLATFORM));

	for (fake->fail_queue = 1; fake->fail_queue < QUEUES; fake->fail_queue++)
		KUNIT_EXPECT_EQ(test, fake_bind(fake), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fake_bind(fake), 0);
}

#ifdef CONFIG_INTEL_TDX_GUEST
static void pretend_end(void *unused)
{
	clear_bit(X86_FEATURE_TDX_GUEST, (unsigned long *)boot_cpu_data.x86_capability);
}

/* A device that expects to read all memory is refused where it can't, and only there. */
static void confidential_test(struct kunit *test)
{
	struct fake *fake = fake_new(test, DEFAULT);
	struct virtio_device *vdev = &fake->vdev;

	vdev->dev.driver = &cvmnet_driver.driver;
	vdev->features = DEFAULT;
	KUNIT_EXPECT_EQ(test, cvmnet_driver.validate(vdev), 0);
	/* Only who asks for the guest's kind looks there this late. */
	set_bit(X86_FEATURE_TDX_GUEST, (unsigned long *)boot_cpu_data.x86_capability);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, pretend_end, NULL), 0);
	vdev->features = DEFAULT;
	KUNIT_EXPECT_EQ(test, cvmnet_driver.validate(vdev), -ENODEV);
	vdev->features |= T(ACCESS_PLATFORM);
	KUNIT_EXPECT_EQ(test, cvmnet_driver.validate(vdev), 0);
}
#endif

/* Pool or stream, as the harness's guest forces bounce buffers */
struct mode {
	const char *name;
	u64 features;
	enum cvmnet_dma dma;
};

static const struct mode modes[] = {
	{ "pool", T(ACCESS_PLATFORM), CVMNET_DMA_POOL },
	{ "stream", 0, CVMNET_DMA_STREAM },
};

static void mode_desc(const struct mode *mode, char *desc)
{
	strscpy(desc, mode->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(modes, modes, mode_desc);

static struct fake *fake_start_mode(struct kunit *test, u64 features)
{
	const struct mode *mode = test->param_value;
	struct fake *fake = fake_start(test, features | mode->features);

	if (fake->dev->dma != mode->dma)
		kunit_skip(test, "this machine has no %s mode", mode->name);
	return fake;
}

static struct cvmnet_rxq *rxq_of(struct fake *fake)
{
	return &fake->dev->rxq[0];
}

static struct cvmnet_txq *txq_of(struct fake *fake)
{
	return &fake->dev->txq[0];
}

static u64 sum_of(const u64 *counts, unsigned int n)
{
	u64 sum = 0;

	while (n--)
		sum += counts[n];
	return sum;
}

static u64 drops(struct fake *fake)
{
	return sum_of(rxq_of(fake)->stats.drops, CVMNET_RX_DROPS);
}

static u64 drops_tx(struct fake *fake)
{
	return sum_of(txq_of(fake)->stats.drops, CVMNET_TX_DROPS);
}

static void wait_for_reset(struct kunit *test, struct fake *fake, enum cvmnet_reset_cause cause)
{
	unsigned int tries = 3000;

	/* The net device is detached before the device is reset. */
	while (tries && (!READ_ONCE(fake->resets) || !netif_device_present(fake->netdev) ||
			 READ_ONCE(fake->dev->reset.down))) {
		msleep(20);
		tries--;
	}
	KUNIT_ASSERT_NE(test, tries, 0U);
	KUNIT_ASSERT_EQ(test, fake->dev->reset.count[cause], 1ULL);
	KUNIT_ASSERT_EQ(test, fake->dev->reset.failed, 0ULL);
	KUNIT_EXPECT_TRUE(test, fake->noio);
	fake_drain(&fake->queues[TX]);
}

/* The device asks for a reset, and gets it. */
static void fake_needs_reset(struct kunit *test, struct fake *fake)
{
	fake->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	cvmnet_driver.config_changed(&fake->vdev);
	wait_for_reset(test, fake, CVMNET_RESET_NEEDED);
}

/* No buffer is lost: each is free or the device's. */
static void expect_all_there(struct kunit *test, struct fake *fake)
{
	struct cvmnet_rxq *q = rxq_of(fake);

	KUNIT_EXPECT_EQ(test, q->lent + q->nr_free, q->nr_slots);
	KUNIT_EXPECT_EQ(test, q->vq->num_free + q->descs, q->ring_size);
}

/* --- receive --- */

static int fake_buffer(struct kunit *test, struct fake *fake)
{
	int id = fake_next(&fake->queues[RX]);

	KUNIT_ASSERT_GE(test, id, 0);
	return id;
}

static void fake_header(struct fake *fake, unsigned int id, u16 buffers)
{
	struct virtio_net_hdr_v1 *hdr = fake_memory(&fake->queues[RX], id);

	memset(hdr, 0, sizeof(*hdr));
	hdr->num_buffers = (__force __virtio16)cpu_to_le16(buffers);
}

static void fake_frame(struct fake *fake, u8 *frame, unsigned int len)
{
	struct ethhdr *eth = (struct ethhdr *)frame;

	ether_addr_copy(eth->h_dest, fake->netdev->dev_addr);
	eth_zero_addr(eth->h_source);
	eth->h_proto = htons(PROTOCOL);
	fill(frame + ETH_HLEN, len - ETH_HLEN, fake->seq++);
}

/* Write one frame to as many buffers as it needs; completed by the caller. */
static unsigned int fake_write(struct kunit *test, struct fake *fake, unsigned int len,
			       unsigned int *ids, u32 *lens)
{
	struct fake_queue *q = &fake->queues[RX];
	unsigned int n = 0, done = 0;
	u8 *frame = kunit_kzalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, frame);
	fake_frame(fake, frame, len);
	while (done < len) {
		unsigned int id = fake_buffer(test, fake), room = fake_length(q, id);
		unsigned int at = n ? 0 : HDR_LEN, part = min(len - done, room - at);

		memcpy(fake_memory(q, id) + at, frame + done, part);
		ids[n] = id;
		lens[n++] = at + part;
		done += part;
	}
	fake_header(fake, ids[0], n);
	kunit_kfree(test, frame);
	return n;
}

static void fake_receive(struct kunit *test, struct fake *fake, unsigned int len)
{
	unsigned int ids[4], i, n;
	u32 lens[4];

	n = fake_write(test, fake, len, ids, lens);
	for (i = 0; i < n; i++)
		fake_used(&fake->queues[RX], ids[i], lens[i]);
	fake_interrupt(&fake->queues[RX]);
}

static void rx_test(struct kunit *test)
{
	static const unsigned int lens[] = { 60, 64, 256, 257, 1514, 3500, 4000, FRAME_MAX };
	struct fake *fake = fake_start_mode(test, DEFAULT);
	unsigned int i, sent = 0, round;

	for (round = 0; round < 3 * RING / ARRAY_SIZE(lens); round++)
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			fake_receive(test, fake, lens[i]);
			KUNIT_ASSERT_EQ(test, fake->heard, ++sent);
		}
	KUNIT_EXPECT_EQ(test, fake->wrong, 0U);
	KUNIT_EXPECT_EQ(test, rxq_of(fake)->stats.packets, sent);
	KUNIT_EXPECT_EQ(test, drops(fake), 0ULL);
	expect_all_there(test, fake);
}

/* Each packet in the buffer that the device names, in any order. */
static void rx_order_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT);
	unsigned int ids[8], i;
	u32 lens[8];

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		KUNIT_ASSERT_EQ(test, fake_write(test, fake, 100 + 50 * i, &ids[i], &lens[i]), 1U);
	for (i = ARRAY_SIZE(ids); i--;)
		fake_used(&fake->queues[RX], ids[i], lens[i]);
	fake_interrupt(&fake->queues[RX]);
	KUNIT_EXPECT_EQ(test, fake->heard, ARRAY_SIZE(ids));
	KUNIT_EXPECT_EQ(test, fake->wrong, 0U);
	expect_all_there(test, fake);
}

static void rx_length_test(struct kunit *test)
{
	static const u32 runts[] = { 0, 1, HDR_LEN - 1, HDR_LEN, HDR_LEN + ETH_HLEN - 1 };
	static const u32 oversize[] = { 0, 1, PAGE_SIZE, BIT(31) - 1 };
	struct fake *fake = fake_start_mode(test, DEFAULT);
	unsigned int i, id;
	u32 len;

	for (i = 0; i < ARRAY_SIZE(runts); i++) {
		id = fake_buffer(test, fake);
		fake_header(fake, id, 1);
		fake_used(&fake->queues[RX], id, runts[i]);
		fake_interrupt(&fake->queues[RX]);
		KUNIT_EXPECT_EQ(test, rxq_of(fake)->stats.drops[CVMNET_RX_DROP_RUNT], i + 1);
	}
	for (i = 0; i < ARRAY_SIZE(oversize); i++) {
		id = fake_buffer(test, fake);
		fake_header(fake, id, 1);
		len = fake_length(&fake->queues[RX], id) + 1 + oversize[i];
		fake_used(&fake->queues[RX], id, len);
		fake_interrupt(&fake->queues[RX]);
		KUNIT_EXPECT_EQ(test, rxq_of(fake)->stats.drops[CVMNET_RX_DROP_OVERSIZE], i + 1);
	}
	KUNIT_EXPECT_EQ(test, fake->heard, 0U);
	KUNIT_EXPECT_EQ(test, fake->dev->reset.count[CVMNET_RESET_RX_RING], 0ULL);
	fake_receive(test, fake, 1514);
	KUNIT_EXPECT_EQ(test, fake->heard, 1U);
	expect_all_there(test, fake);
}

static void fake_watch(struct fake *fake)
{
	mod_delayed_work(cvmnet_wq, &fake->dev->watch_work, 0);
	flush_delayed_work(&fake->dev->watch_work);
}

/* A device that has missed that there are buffers is told again, once. */
static void rx_rekick_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT);
	struct fake_queue *q = &fake->queues[RX];
	unsigned int notified, i;

	for (i = 0; i < 3; i++)
		fake_watch(fake);
	KUNIT_EXPECT_EQ(test, rxq_of(fake)->stats.rekicks, 1ULL);
	notified = q->notified;
	/* Also where some are ours, but too few to be given to the device again. */
	fake_receive(test, fake, 100);
	KUNIT_EXPECT_GE(test, rxq_of(fake)->nr_free, 1U);
	for (i = 0; i < 3; i++)
		fake_watch(fake);
	KUNIT_EXPECT_EQ(test, q->notified, notified + 1);
	KUNIT_EXPECT_EQ(test, rxq_of(fake)->stats.rekicks, 2ULL);
	expect_all_there(test, fake);
}

/* Too few, too many, and announced ones that never come: reset when it goes on. */
static void rx_buffers_test(struct kunit *test)
{
	static const u16 impossible[] = { 0, 100, 65535 };
	struct fake *fake = fake_start_mode(test, DEFAULT);
	struct fake_queue *q = &fake->queues[RX];
	unsigned int i, id;

	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		id = fake_buffer(test, fake);
		fake_header(fake, id, impossible[i]);
		fake_used(q, id, 500);
		fake_interrupt(q);
		KUNIT_EXPECT_EQ(test, rxq_of(fake)->stats.drops[CVMNET_RX_DROP_BUFFERS], i + 1);
	}
	expect_all_there(test, fake);
	fake_receive(test, fake, 1514);
	KUNIT_EXPECT_EQ(test, fake->heard, 1U);
	for (i = 0; i < CVMNET_RX_MISSING_MAX; i++) {
		KUNIT_ASSERT_EQ(test, fake->resets, 0U);
		id = fake_buffer(test, fake);
		fake_header(fake, id, 3);
		fake_used(q, id, fake_length(q, id));
		fake_interrupt(q);
	}
	wait_for_reset(test, fake, CVMNET_RESET_RX_RING);
	KUNIT_EXPECT_EQ(test, fake->heard, 1U);
	fake_receive(test, fake, 1514);
	KUNIT_EXPECT_EQ(test, fake->heard, 2U);
	KUNIT_EXPECT_EQ(test, fake->wrong, 0U);
	expect_all_there(test, fake);
}

/* --- used rings that make no sense, in both directions --- */

struct lie {
	const char *name;
	void (*tell)(struct fake_queue *q, unsigned int id);
};

static void lie_large_id(struct fake_queue *q, unsigned int id)
{
	fake_used(q, RING, 100);
}

static void lie_huge_id(struct fake_queue *q, unsigned int id)
{
	fake_used(q, U32_MAX, 100);
}

static void lie_twice(struct fake_queue *q, unsigned int id)
{
	fake_used(q, id, 0);
	fake_used(q, id, 0);
}

static void lie_jump(struct fake_queue *q, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < RING; i++)
		fake_used(q, id, 0);
	q->used += 1000;
	fake_used(q, id, 0);
}

static void lie_back(struct fake_queue *q, unsigned int id)
{
	fake_used(q, id, 0);
	fake_interrupt(q);
	q->used -= 2;
	fake_used(q, id, 0);
}

/* The core follows what the device may rewrite. */
static void lie_next(struct fake_queue *q, unsigned int id)
{
	struct vring_desc *desc = fake_desc(q, id);

	desc->flags |= (__force __virtio16)cpu_to_le16(VRING_DESC_F_NEXT);
	fake_used(q, id, 0);
}

static const struct lie lies[] = {
	{ "an id of the ring's size", lie_large_id },
	{ "an id of 2^32 - 1", lie_huge_id },
	{ "the same buffer twice", lie_twice },
	{ "an index far ahead", lie_jump },
	{ "an index that goes back", lie_back },
	{ "a chain that was none", lie_next },
};

static void lie_desc(const struct lie *lie, char *desc)
{
	strscpy(desc, lie->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(lies, lies, lie_desc);

static void rx_lie_test(struct kunit *test)
{
	const struct lie *lie = test->param_value;
	struct fake *fake = fake_start(test, DEFAULT | T(ACCESS_PLATFORM));

	lie->tell(&fake->queues[RX], fake_buffer(test, fake));
	fake_interrupt(&fake->queues[RX]);
	wait_for_reset(test, fake, CVMNET_RESET_RX_RING);
	KUNIT_EXPECT_EQ(test, fake->heard, 0U);
	fake_receive(test, fake, 1514);
	KUNIT_EXPECT_EQ(test, fake->heard, 1U);
	expect_all_there(test, fake);
}

static void fake_up(struct kunit *test, struct fake *fake, bool up)
{
	rtnl_lock();
	if (up)
		KUNIT_EXPECT_EQ(test, dev_open(fake->netdev, NULL), 0);
	else
		dev_close(fake->netdev);
	rtnl_unlock();
}

/* Interrupts that nobody asked for, and packets for an interface that is down. */
static void closed_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT);
	unsigned int i, irqs;
	u64 buffers;

	fake_up(test, fake, false);
	fake_receive(test, fake, 100);
	fake_receive(test, fake, 5000);
	for (irqs = 0; irqs < 100; irqs++)
		for (i = 0; i < QUEUES; i++)
			fake->queues[i].vq->callback(fake->queues[i].vq);
	KUNIT_EXPECT_EQ(test, fake->heard, 0U);
	fake_up(test, fake, true);
	KUNIT_EXPECT_EQ(test, fake->heard, 0U);
	/* The second one took several buffers. */
	buffers = 1 + DIV_ROUND_UP(fake->dev->hdr_len + 5000, rxq_of(fake)->posted);
	KUNIT_EXPECT_GE(test, buffers, 3ULL);
	KUNIT_EXPECT_EQ(test, rxq_of(fake)->stats.drops[CVMNET_RX_DROP_INACTIVE], buffers);
	fake_receive(test, fake, 5000);
	KUNIT_EXPECT_EQ(test, fake->heard, 1U);
	KUNIT_EXPECT_EQ(test, fake->wrong, 0U);
	expect_all_there(test, fake);
}

/* Every register reads as all ones: no reset is tried, which would have no end. */
static void gone_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT | F(STATUS));

	flush_delayed_work(&fake->dev->ctrl.config_work);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(fake->netdev));
	fake->config.status = (__force __virtio16)cpu_to_le16(VIRTIO_NET_S_LINK_UP);
	cvmnet_driver.config_changed(&fake->vdev);
	flush_delayed_work(&fake->dev->ctrl.config_work);
	KUNIT_EXPECT_TRUE(test, netif_carrier_ok(fake->netdev));

	fake->status = 0xff;
	cvmnet_driver.config_changed(&fake->vdev);
	flush_delayed_work(&fake->dev->ctrl.config_work);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(fake->netdev));
	fake_up(test, fake, false);
	kunit_release_action(test, fake_stop, fake);
	KUNIT_EXPECT_EQ(test, fake->resets, 0U);
}

/* --- transmit --- */

static void fake_send(struct kunit *test, struct fake *fake, unsigned int len)
{
	struct sk_buff *skb = netdev_alloc_skb(fake->netdev, len);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	fake_frame(fake, skb_put(skb, len), len);
	skb->protocol = htons(PROTOCOL);
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	/* Past the queue discipline: a full queue is to be seen at once. */
	local_bh_disable();
	dev_direct_xmit(skb, 0);
	local_bh_enable();
}

/* The next frame that was sent by a test, or -1; gathered behind the header. */
static int fake_sent(struct fake *fake, unsigned int *len)
{
	struct fake_queue *q = &fake->queues[TX];
	u8 *to = fake->frame;
	int id = fake_next(q);
	unsigned int at = id, skip = HDR_LEN;

	*len = 0;
	for (; id >= 0; at = fake_follower(q, at)) {
		unsigned int part = fake_length(q, at) - skip;

		if (*len + part <= FRAME_MAX)
			memcpy(to + *len, fake_memory(q, at) + skip, part);
		*len += part;
		skip = 0;
		if (!fake_flag(q, at, VRING_DESC_F_NEXT))
			break;
	}
	return id;
}

static void tx_test(struct kunit *test)
{
	static const unsigned int lens[] = { 60, 256, 257, 1514 };
	struct fake *fake = fake_start_mode(test, DEFAULT);
	struct fake_queue *q = &fake->queues[TX];
	unsigned int i, n, len;
	int id;

	for (n = 0; n < 3 * RING; n++) {
		i = n % ARRAY_SIZE(lens);
		fake_send(test, fake, lens[i]);
		id = fake_sent(fake, &len);
		KUNIT_ASSERT_GE(test, id, 0);
		KUNIT_ASSERT_EQ(test, len, lens[i]);
		KUNIT_ASSERT_TRUE(test, right(fake->frame + ETH_HLEN, len - ETH_HLEN,
					      fake->frame[ETH_HLEN]));
		/* What it says that it wrote does not matter. */
		fake_used(q, id, n % 2 ? U32_MAX : 0);
		fake_interrupt(q);
	}
	KUNIT_EXPECT_EQ(test, fake_sent(fake, &len), -1);
	/* Those that nobody waits for are collected in passing. */
	fake_up(test, fake, false);
	KUNIT_EXPECT_EQ(test, cvmnet_txring_used(&txq_of(fake)->ring), 0U);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->descs, 0U);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->vq->num_free, RING);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.drops[CVMNET_TX_DROP_NOMEM], 0ULL);
}

/* A packet to be segmented into so many */
static struct sk_buff *fake_tcp(struct kunit *test, struct fake *fake, unsigned int segments)
{
	const unsigned int heads = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr);
	struct sk_buff *skb = netdev_alloc_skb(fake->netdev, heads + segments * SEGMENT);
	struct ethhdr *eth;
	struct iphdr *ip;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	eth = skb_put_zero(skb, heads + segments * SEGMENT);
	eth_broadcast_addr(eth->h_dest);
	eth->h_proto = htons(ETH_P_IP);
	skb->protocol = htons(ETH_P_IP);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb_set_transport_header(skb, ETH_HLEN + sizeof(*ip));
	ip = ip_hdr(skb);
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->protocol = IPPROTO_TCP;
	ip->tot_len = htons(skb->len - ETH_HLEN);
	tcp_hdr(skb)->doff = sizeof(struct tcphdr) / 4;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb_shinfo(skb)->gso_size = SEGMENT;
	skb_shinfo(skb)->gso_segs = segments;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	return skb;
}

/* Statistics of the kernel count packets, and what they become apart. */
static void tx_gso_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT | F(CSUM) | F(HOST_TSO4));
	struct sk_buff *skb = fake_tcp(test, fake, 4);
	u64 len = skb->len;

	local_bh_disable();
	dev_direct_xmit(skb, 0);
	local_bh_enable();

	KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.hw_gso_packets, 1ULL);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.hw_gso_bytes, len);
	KUNIT_EXPECT_EQ(test, drops_tx(fake), 0ULL);
	fake_drain(&fake->queues[TX]);
}

/* With a congestion mark */
static void fake_send_marked(struct kunit *test, struct fake *fake)
{
	struct sk_buff *skb = fake_tcp(test, fake, 2);

	tcp_hdr(skb)->cwr = 1;
	skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_ECN;
	/* The stack segments what the driver does not take. */
	dev_queue_xmit(skb);
}

/* How many packets become of it, all with this type */
static void expect_marked(struct kunit *test, u64 features, u8 gso_type, unsigned int packets)
{
	struct fake *fake = fake_start(test, DEFAULT | T(ACCESS_PLATFORM) | F(CSUM) |
				       F(HOST_TSO4) | features);
	struct fake_queue *q = &fake->queues[TX];
	unsigned int n, len;
	int id;

	fake_send_marked(test, fake);
	for (n = 0; (id = fake_sent(fake, &len)) >= 0; n++) {
		const struct virtio_net_hdr_v1 *hdr = fake_memory(q, id);

		KUNIT_EXPECT_EQ(test, hdr->gso_type, gso_type);
		fake_used(q, id, 0);
	}
	KUNIT_EXPECT_EQ(test, n, packets);
	fake_interrupt(q);
}

static void ecn_test(struct kunit *test)
{
	expect_marked(test, F(HOST_ECN), VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, 1);
}

static void no_ecn_test(struct kunit *test)
{
	expect_marked(test, 0, VIRTIO_NET_HDR_GSO_NONE, 2);
}

static void tx_lie_test(struct kunit *test)
{
	const struct lie *lie = test->param_value;
	struct fake *fake = fake_start(test, DEFAULT);
	unsigned int len;
	int id, other;

	/* Larger ones are kept until the device is done with them. */
	fake_send(test, fake, 1514);
	fake_send(test, fake, 1514);
	id = fake_sent(fake, &len);
	other = fake_sent(fake, &len);
	KUNIT_ASSERT_GE(test, id, 0);
	KUNIT_ASSERT_GE(test, other, 0);
	lie->tell(&fake->queues[TX], id);
	fake_interrupt(&fake->queues[TX]);
	wait_for_reset(test, fake, CVMNET_RESET_TX_RING);
	fake_send(test, fake, 1514);
	KUNIT_EXPECT_GE(test, fake_sent(fake, &len), 0);
	KUNIT_EXPECT_EQ(test, len, 1514U);
}

/* What the driver finds while it stops its queues is served by the reset that it does that for. */
static void one_reset_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | T(ACCESS_PLATFORM));
	unsigned int len;
	int id;

	fake_send(test, fake, 1514);
	id = fake_sent(fake, &len);
	KUNIT_ASSERT_GE(test, id, 0);
	/* Nobody looks there before. */
	lie_large_id(&fake->queues[TX], id);
	lie_large_id(&fake->queues[RX], fake_buffer(test, fake));
	fake_interrupt(&fake->queues[RX]);
	wait_for_reset(test, fake, CVMNET_RESET_RX_RING);
	KUNIT_EXPECT_EQ(test, fake->dev->reset.count[CVMNET_RESET_TX_RING], 1ULL);
	/* A next one would come after a second; this has it come at once. */
	flush_delayed_work(&fake->dev->reset.work);
	KUNIT_EXPECT_EQ(test, fake->resets, 1U);
	KUNIT_EXPECT_EQ(test, fake->dev->reset.in_row, 1U);
}

/* A device that was given up stays so, also where a reset had been asked for before. */
static void given_up_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | T(ACCESS_PLATFORM));

	WRITE_ONCE(fake->dev->reset.dead, true);
	set_bit(CVMNET_RESET_RX_RING, &fake->dev->reset.pending);
	mod_delayed_work(cvmnet_wq, &fake->dev->reset.work, 0);
	flush_delayed_work(&fake->dev->reset.work);
	KUNIT_EXPECT_EQ(test, fake->resets, 0U);
}

/* Full: the queue stops, nothing is dropped; it goes on when there is room. */
static void tx_full_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT);
	struct netdev_queue *nq = netdev_get_tx_queue(fake->netdev, 0);
	unsigned int n = 0, len;
	int id;

	while (!netif_tx_queue_stopped(nq) && n <= RING) {
		fake_send(test, fake, 60);
		n++;
	}
	KUNIT_EXPECT_LE(test, n, RING);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.packets, n);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.stops, 1ULL);
	while ((id = fake_sent(fake, &len)) >= 0)
		fake_used(&fake->queues[TX], id, 0);
	fake_interrupt(&fake->queues[TX]);
	KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(nq));
	KUNIT_EXPECT_EQ(test, cvmnet_txring_used(&txq_of(fake)->ring), 0U);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.drops[CVMNET_TX_DROP_NOMEM], 0ULL);
}

static void tx_timed_out(struct fake *fake, unsigned int queue)
{
	local_bh_disable();
	fake->netdev->netdev_ops->ndo_tx_timeout(fake->netdev, queue);
	local_bh_enable();
}

static u64 timeout_resets(struct fake *fake)
{
	return test_bit(CVMNET_RESET_TX_TIMEOUT, &fake->dev->reset.pending) +
	       fake->dev->reset.count[CVMNET_RESET_TX_TIMEOUT];
}

/*
 * The device is notified again first, and reset when that did not help; what was
 * sent in between makes the next time a first one, whoever noticed it.
 */
static void tx_timeout_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT);
	struct fake_queue *q = &fake->queues[TX];
	unsigned int notified, len, i;
	int id;

	for (i = 0; i < 4; i++)
		fake_send(test, fake, 60);
	notified = q->notified;
	tx_timed_out(fake, 0);
	KUNIT_EXPECT_EQ(test, q->notified, notified + 1);
	KUNIT_EXPECT_EQ(test, timeout_resets(fake), 0ULL);

	/* Without an interrupt: the next packets to be sent find it. */
	id = fake_sent(fake, &len);
	KUNIT_ASSERT_GE(test, id, 0);
	fake_used(q, id, 0);
	for (i = 0; i < 16; i++)
		fake_send(test, fake, 60);
	KUNIT_ASSERT_EQ(test, cvmnet_txring_used(&txq_of(fake)->ring), 19U);
	tx_timed_out(fake, 0);
	KUNIT_EXPECT_EQ(test, timeout_resets(fake), 0ULL);
	KUNIT_EXPECT_EQ(test, q->notified, notified + 18);

	tx_timed_out(fake, 0);
	wait_for_reset(test, fake, CVMNET_RESET_TX_TIMEOUT);
}

/* As the stack's watchdog, but sooner: a queue that is stopped and sends nothing */
static void tx_stuck_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT);
	struct netdev_queue *nq = netdev_get_tx_queue(fake->netdev, 0);
	unsigned int n = 0;

	while (!netif_tx_queue_stopped(nq) && n++ <= RING)
		fake_send(test, fake, 60);
	KUNIT_ASSERT_TRUE(test, netif_tx_queue_stopped(nq));
	fake_watch(fake);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.timeouts, 0ULL);
	for (n = 1; n <= 2; n++) {
		WRITE_ONCE(nq->trans_start, jiffies - 6 * HZ);
		fake_watch(fake);
		KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.timeouts, n);
		/* The stack finds nothing then. */
		KUNIT_EXPECT_LT(test, jiffies - READ_ONCE(nq->trans_start), 1UL * HZ);
	}
	wait_for_reset(test, fake, CVMNET_RESET_TX_TIMEOUT);
}

/* Queues that the device does not have: the stack's watchdog looks at them, too. */
static void tx_surplus_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(MQ) | T(ACCESS_PLATFORM));
	struct net_device *netdev = fake->netdev;
	unsigned int i;

	if (netdev->num_tx_queues == 1)
		kunit_skip(test, "this machine has one CPU");
	fake_up(test, fake, false);
	/* Stops all queues of the net device, and nobody but the driver starts them again. */
	fake_needs_reset(test, fake);
	fake_up(test, fake, true);
	for (i = fake->dev->max_pairs; i < netdev->num_tx_queues; i++)
		KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(netdev_get_tx_queue(netdev, i)));
	tx_timed_out(fake, netdev->num_tx_queues - 1);
	KUNIT_EXPECT_EQ(test, txq_of(fake)->stats.timeouts, 0ULL);
}

/* --- moderation, and commands --- */

static int get_coal(struct fake *fake, struct ethtool_coalesce *ec)
{
	int err;

	memset(ec, 0, sizeof(*ec));
	rtnl_lock();
	err = fake->netdev->ethtool_ops->get_coalesce(fake->netdev, ec, NULL, NULL);
	rtnl_unlock();
	return err;
}

static int set_coal(struct fake *fake, const struct cvmnet_coal *coal)
{
	struct ethtool_coalesce ec = {
		.rx_coalesce_usecs = coal->rx.usecs,
		.rx_max_coalesced_frames = coal->rx.frames,
		.tx_coalesce_usecs = coal->tx.usecs,
		.tx_max_coalesced_frames = coal->tx.frames,
	};
	int err;

	fake->coals = 0;
	rtnl_lock();
	err = fake->netdev->ethtool_ops->set_coalesce(fake->netdev, &ec, NULL, NULL);
	rtnl_unlock();
	return err;
}

static void expect_coal(struct kunit *test, struct fake *fake, const struct cvmnet_coal *want)
{
	struct ethtool_coalesce ec;

	KUNIT_ASSERT_EQ(test, get_coal(fake, &ec), 0);
	KUNIT_EXPECT_EQ(test, ec.rx_coalesce_usecs, want->rx.usecs);
	KUNIT_EXPECT_EQ(test, ec.rx_max_coalesced_frames, want->rx.frames);
	KUNIT_EXPECT_EQ(test, ec.tx_coalesce_usecs, want->tx.usecs);
	KUNIT_EXPECT_EQ(test, ec.tx_max_coalesced_frames, want->tx.frames);
}

static void expect_command(struct kunit *test, struct fake *fake, unsigned int i, bool tx,
			   const struct cvmnet_coal_dir *want)
{
	struct coal_command *c = &fake->coal[i];

	KUNIT_ASSERT_LT(test, i, fake->coals);
	KUNIT_EXPECT_EQ(test, c->hdr.cmd, tx ? VIRTIO_NET_CTRL_NOTF_COAL_TX_SET :
					       VIRTIO_NET_CTRL_NOTF_COAL_RX_SET);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(c->usecs), want->usecs);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(c->frames), want->frames);
}

static void coal_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(NOTF_COAL) | T(ACCESS_PLATFORM));
	struct cvmnet_coal was, want = {};

	expect_coal(test, fake, &want);
	/* Only the direction that changes is told. */
	want.rx = (struct cvmnet_coal_dir){ .usecs = 20, .frames = 8 };
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), 0);
	expect_command(test, fake, 0, false, &want.rx);
	KUNIT_EXPECT_EQ(test, fake->coals, 1U);
	want.tx = (struct cvmnet_coal_dir){ .usecs = U32_MAX, .frames = U32_MAX };
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), 0);
	expect_command(test, fake, 0, true, &want.tx);
	KUNIT_EXPECT_EQ(test, fake->coals, 1U);
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), 0);
	KUNIT_EXPECT_EQ(test, fake->coals, 0U);
	expect_coal(test, fake, &want);

	/* Refused: told again what is in force, as one direction may have been taken. */
	was = want;
	want.rx.usecs = 1;
	want.tx.usecs = 2;
	fake->ack = VIRTIO_NET_ERR;
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), -EREMOTEIO);
	fake->ack = VIRTIO_NET_OK;
	KUNIT_EXPECT_EQ(test, fake->coals, 4U);
	expect_command(test, fake, 2, true, &was.tx);
	expect_command(test, fake, 3, false, &was.rx);
	expect_coal(test, fake, &was);

	/* A reset makes the device forget it. */
	fake->coals = 0;
	fake_needs_reset(test, fake);
	KUNIT_EXPECT_EQ(test, fake->coals, 2U);
	expect_command(test, fake, 0, true, &was.tx);
	expect_command(test, fake, 1, false, &was.rx);
	expect_coal(test, fake, &was);
}

/* What a device does not take again after a reset it does in neither direction. */
static void coal_refused_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(NOTF_COAL) | T(ACCESS_PLATFORM));
	static const struct cvmnet_coal want = { .rx = { 20, 8 }, .tx = { 30, 9 } }, none;

	KUNIT_ASSERT_EQ(test, set_coal(fake, &want), 0);
	fake->refuses_rx = true;
	fake->coals = 0;
	fake_needs_reset(test, fake);
	KUNIT_ASSERT_EQ(test, fake->coals, 4U);
	expect_command(test, fake, 0, true, &want.tx);
	expect_command(test, fake, 1, false, &want.rx);
	expect_command(test, fake, 2, true, &none.tx);
	expect_command(test, fake, 3, false, &none.rx);
	expect_coal(test, fake, &none);
}

static void command_early(struct fake *fake)
{
	static const struct cvmnet_coal want = { .rx = { 20, 8 } };

	fake->early = set_coal(fake, &want);
	fake->early_kicks = fake->queues[CTRL].notified;
}

/* A device MUST NOT be notified before DRIVER_OK, whoever asks for something in a reset. */
static void early_command_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(NOTF_COAL) | T(ACCESS_PLATFORM));
	static const struct cvmnet_coal none;

	fake->almost = command_early;
	fake_needs_reset(test, fake);
	KUNIT_EXPECT_EQ(test, fake->early, -EIO);
	KUNIT_EXPECT_EQ(test, fake->early_kicks, 0U);
	expect_coal(test, fake, &none);
}

static void end_work(struct work_struct *work)
{
	struct fake *fake = container_of(work, struct fake, end_work);
	unsigned long began = jiffies;

	fake->end(fake);
	fake->end_took = jiffies - began;
	/* Nothing of the reset may follow. */
	fake->end_status = fake->status;
	fake->ended = true;
}

/* In the middle of a reset, which the device would draw out from here on */
static void begin_end(struct fake *fake)
{
	fake->silent = true;
	schedule_work(&fake->end_work);
	msleep(200);
}

static void freeze(struct fake *fake)
{
	cvmnet_driver.freeze(&fake->vdev);
}

static void reboot(struct fake *fake)
{
	struct notifier_block *nb = &fake->dev->reset.reboot;

	nb->notifier_call(nb, SYS_RESTART, NULL);
}

static const struct end {
	const char *name;
	void (*begin)(struct fake *fake);
} ends[] = {
	{ "freeze", freeze },
	{ "reboot", reboot },
};

static void end_desc(const struct end *end, char *desc)
{
	strscpy(desc, end->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ends, ends, end_desc);

/* A reset that is on its way is over when the machine sleeps or ends, and that soon. */
static void reset_ends_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(NOTF_COAL) | T(ACCESS_PLATFORM));
	static const struct cvmnet_coal want = { .rx = { 20, 8 } };
	const struct end *end = test->param_value;
	unsigned int tries = 1500;

	KUNIT_ASSERT_EQ(test, set_coal(fake, &want), 0);
	fake->end = end->begin;
	fake->almost = begin_end;
	fake->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	cvmnet_driver.config_changed(&fake->vdev);
	while (tries-- && !READ_ONCE(fake->ended))
		msleep(20);
	flush_work(&fake->end_work);
	KUNIT_ASSERT_TRUE(test, fake->ended);
	KUNIT_EXPECT_LT(test, fake->end_took, 4UL * HZ);
	KUNIT_EXPECT_EQ(test, fake->end_status, 0);
	KUNIT_EXPECT_TRUE(test, fake->dev->reset.down);
	/* Nor is there another one. */
	KUNIT_EXPECT_TRUE(test, fake->dev->reset.blocked);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&fake->dev->reset.work));
	KUNIT_EXPECT_EQ(test, fake->dev->reset.failed, 0ULL);
}

/* A link that goes is seen at once, also where an announcement is put off. */
static void announce_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(STATUS) | F(GUEST_ANNOUNCE));
	struct delayed_work *config_work = &fake->dev->ctrl.config_work;
	unsigned int i;

	flush_delayed_work(config_work);
	fake->config.status = (__force __virtio16)cpu_to_le16(VIRTIO_NET_S_LINK_UP |
							      VIRTIO_NET_S_ANNOUNCE);
	for (i = 0; i < 2; i++) {
		cvmnet_driver.config_changed(&fake->vdev);
		flush_delayed_work(config_work);
		/* However slow this machine is */
		fake->dev->ctrl.announce_last = jiffies;
	}
	KUNIT_ASSERT_TRUE(test, netif_carrier_ok(fake->netdev));
	KUNIT_ASSERT_TRUE(test, delayed_work_pending(config_work));
	fake->config.status = 0;
	cvmnet_driver.config_changed(&fake->vdev);
	/* Not where it is on its way already */
	if (timer_pending(&config_work->timer))
		KUNIT_EXPECT_LE(test, (long)(config_work->timer.expires - jiffies),
				HZ / 10 + 1L);
	flush_delayed_work(config_work);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(fake->netdev));
}

static void set_adaptive(struct kunit *test, struct fake *fake, bool on)
{
	const struct ethtool_ops *ops = fake->netdev->ethtool_ops;
	struct ethtool_coalesce ec = { .use_adaptive_tx_coalesce = on };

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, ops->set_coalesce(fake->netdev, &ec, NULL, NULL), 0);
	rtnl_unlock();
}

static void fake_send_and_drain(struct kunit *test, struct fake *fake)
{
	fake_send(test, fake, 60);
	fake_drain(&fake->queues[TX]);
}

/* What went on while nobody measured is no part of a sample. */
static void sample_anew_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(VQ_NOTF_COAL) | T(ACCESS_PLATFORM));
	struct cvmnet_dim *dim = &txq_of(fake)->dim;
	unsigned int i;
	u64 then;

	set_adaptive(test, fake, true);
	fake_send_and_drain(test, fake);
	fake_send_and_drain(test, fake);
	KUNIT_ASSERT_GT(test, dim->since, 0ULL);
	set_adaptive(test, fake, false);
	for (i = 0; i < 10; i++)
		fake_send_and_drain(test, fake);
	then = ktime_get_ns();
	set_adaptive(test, fake, true);
	fake_send_and_drain(test, fake);
	KUNIT_EXPECT_GE(test, dim->since, then);
	KUNIT_EXPECT_EQ(test, dim->now.packets, 0U);
}

static void no_coal_test(struct kunit *test)
{
	static const struct cvmnet_coal always = { .rx = { 0, 1 }, .tx = { 0, 1 } };
	struct fake *fake = fake_start(test, DEFAULT);
	struct cvmnet_coal want = always;

	expect_coal(test, fake, &always);
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), 0);
	want.tx.usecs = 1;
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), -EOPNOTSUPP);
	want = always;
	want.rx.frames = 0;
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), -EOPNOTSUPP);
	expect_coal(test, fake, &always);
	KUNIT_EXPECT_EQ(test, fake->coals, 0U);
}

/* ethtool's core changes profiles without asking: they are taken over, or put back. */
static void profile_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(NOTF_COAL) | F(VQ_NOTF_COAL) |
				       T(ACCESS_PLATFORM));
	const struct cvmnet_dim_level *level = &fake->dev->dims.profile[1].level[2];
	static const struct cvmnet_coal none;
	u16 usecs, frames;

	if (!cvm_irq_moder_get(fake->netdev, true, 2, &usecs, &frames))
		kunit_skip(test, "ethtool has no profiles");
	KUNIT_EXPECT_EQ(test, usecs, level->usecs);
	KUNIT_EXPECT_EQ(test, frames, level->frames);
	cvm_irq_moder_set(fake->netdev, true, 2, usecs + 1, frames + 2);
	KUNIT_EXPECT_EQ(test, set_coal(fake, &none), 0);
	KUNIT_EXPECT_EQ(test, level->usecs, usecs + 1);
	KUNIT_EXPECT_EQ(test, level->frames, frames + 2);
	/* Shorter than the level below */
	cvm_irq_moder_set(fake->netdev, true, 2, 0, frames);
	KUNIT_EXPECT_EQ(test, set_coal(fake, &none), -EINVAL);
	KUNIT_EXPECT_EQ(test, level->usecs, usecs + 1);
	KUNIT_EXPECT_TRUE(test, cvm_irq_moder_get(fake->netdev, true, 2, &usecs, &frames));
	KUNIT_EXPECT_EQ(test, usecs, level->usecs);
	KUNIT_EXPECT_EQ(test, frames, level->frames);
	KUNIT_EXPECT_EQ(test, fake->coals, 0U);
}

/* The kernel's algorithm is given running totals, with polls that were not the last ones. */
static void stock_sample_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(VQ_NOTF_COAL) | T(ACCESS_PLATFORM));
	struct cvmnet_dim *dim = &rxq_of(fake)->dim;
	int err;

	rtnl_lock();
	err = cvmnet_dims_set_stock(fake->dev, true);
	rtnl_unlock();
	if (err)
		kunit_skip(test, "this kernel has no net_dim");
	__cvmnet_dim_poll_end(dim, 1, 64, 6400, false);
	__cvmnet_dim_poll_end(dim, 1, 64, 6400, false);
	KUNIT_EXPECT_EQ(test, dim->events, 0U);
	__cvmnet_dim_poll_end(dim, 1, 10, 1000, true);
	KUNIT_EXPECT_EQ(test, dim->events, 1U);
	KUNIT_EXPECT_EQ(test, dim->packets, 138U);
	KUNIT_EXPECT_EQ(test, dim->bytes, 13800U);
}

/* It says nothing: five seconds, an error, and a reset that brings it back. */
static void silent_test(struct kunit *test)
{
	struct fake *fake = fake_start(test, DEFAULT | F(NOTF_COAL) | T(ACCESS_PLATFORM));
	static const struct cvmnet_coal want = { .rx = { 20, 8 } }, none;
	unsigned long began;

	/* Filters that are on their way would be the first to be missed. */
	flush_work(&fake->dev->ctrl.rx_mode_work);
	fake->silent = true;
	began = jiffies;
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, jiffies - began, 5UL * HZ - HZ / 10);
	KUNIT_EXPECT_LE(test, jiffies - began, 9UL * HZ);
	expect_coal(test, fake, &none);
	fake->silent = false;
	schedule_work(&fake->answer_work);
	wait_for_reset(test, fake, CVMNET_RESET_CVQ);
	KUNIT_EXPECT_EQ(test, set_coal(fake, &want), 0);
	expect_coal(test, fake, &want);
}

struct opening {
	struct work_struct work;
	struct fake *fake;
	int err;
	bool done;
};

static void open_work(struct work_struct *work)
{
	struct opening *opening = container_of(work, struct opening, work);

	rtnl_lock();
	opening->err = dev_open(opening->fake->netdev, NULL);
	rtnl_unlock();
	WRITE_ONCE(opening->done, true);
}

/* Queues that started before one failed may have left a decision to be made. */
static void open_failure_test(struct kunit *test)
{
	struct fake *fake = fake_new(test, DEFAULT | F(VQ_NOTF_COAL) | T(ACCESS_PLATFORM));
	struct opening opening = { .fake = fake };
	struct cvmnet_dims *dims;
	unsigned int tries = 20;

	KUNIT_ASSERT_EQ(test, fake_bind(fake), 0);
	if (fake->dev->dma != CVMNET_DMA_POOL)
		kunit_skip(test, "this machine has no pool mode");
	dims = &fake->dev->dims;
	fake->parent->coherent_dma_mask = DMA_BIT_MASK(PAGE_SHIFT);
	INIT_WORK_ONSTACK(&opening.work, open_work);

	/* The decision is in progress until the lock is free. */
	mutex_lock(&dims->lock);
	queue_work(cvmnet_dim_wq, &dims->work);
	schedule_work(&opening.work);
	while (tries-- && !READ_ONCE(opening.done))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(opening.done));
	mutex_unlock(&dims->lock);
	flush_work(&opening.work);
	destroy_work_on_stack(&opening.work);
	KUNIT_EXPECT_EQ(test, opening.err, -ENOMEM);

	fake->parent->coherent_dma_mask = DMA_BIT_MASK(64);
	fake_up(test, fake, true);
}

/* A resume that fails is tried again, with a reset, and the device works then. */
static void resume_failure_test(struct kunit *test)
{
	struct fake *fake = fake_start_mode(test, DEFAULT | F(STATUS));
	unsigned int tries = 3000;

	/* Those of some time ago do not count. */
	fake->dev->reset.in_row = CVMNET_RESET_MAX - 1;
	fake->dev->reset.last = jiffies - 2 * msecs_to_jiffies(CVMNET_RESET_QUIET_MS);
	KUNIT_ASSERT_EQ(test, cvmnet_driver.freeze(&fake->vdev), 0);
	/* As the core does it */
	fake_reset(&fake->vdev);
	fake->status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		       VIRTIO_CONFIG_S_FEATURES_OK;
	fake->fail_queue = 1;
	KUNIT_EXPECT_EQ(test, cvmnet_driver.restore(&fake->vdev), -ENOMEM);
	fake->fail_queue = 0;
	fake->status |= VIRTIO_CONFIG_S_FAILED;
	KUNIT_EXPECT_EQ(test, fake->dev->reset.failed, 1ULL);

	while (tries-- && !netif_device_present(fake->netdev))
		msleep(20);
	KUNIT_ASSERT_TRUE(test, netif_device_present(fake->netdev));
	/* The link is followed a little later. */
	flush_delayed_work(&fake->dev->reset.work);
	KUNIT_EXPECT_EQ(test, fake->dev->reset.failed, 1ULL);
	KUNIT_EXPECT_FALSE(test, fake->status & VIRTIO_CONFIG_S_FAILED);
	fake_drain(&fake->queues[TX]);
	fake_receive(test, fake, 1514);
	KUNIT_EXPECT_EQ(test, fake->heard, 1U);

	/* The core tells nothing of its configuration any more: it is looked at. */
	flush_delayed_work(&fake->dev->ctrl.config_work);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(fake->netdev));
	fake->config.status = (__force __virtio16)cpu_to_le16(VIRTIO_NET_S_LINK_UP);
	fake_watch(fake);
	flush_delayed_work(&fake->dev->ctrl.config_work);
	KUNIT_EXPECT_TRUE(test, netif_carrier_ok(fake->netdev));
}

/* --- back-off --- */

static void reset_delay_test(struct kunit *test)
{
	static const int want[] = { 0, 1000, 2000, 4000, 8000, 16000, 32000, 32000 };
	unsigned int i;

	static_assert(ARRAY_SIZE(want) == CVMNET_RESET_MAX);
	for (i = 0; i < ARRAY_SIZE(want); i++)
		KUNIT_EXPECT_EQ_MSG(test, cvmnet_reset_delay(i), want[i], "after %u", i);
	KUNIT_EXPECT_EQ(test, cvmnet_reset_delay(CVMNET_RESET_MAX), -ENODEV);
	KUNIT_EXPECT_EQ(test, cvmnet_reset_delay(UINT_MAX), -ENODEV);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(probe_test),
#ifdef CONFIG_INTEL_TDX_GUEST
	KUNIT_CASE(confidential_test),
#endif
	KUNIT_CASE_PARAM(rx_test, modes_gen_params),
	KUNIT_CASE_PARAM(rx_order_test, modes_gen_params),
	KUNIT_CASE_PARAM(rx_length_test, modes_gen_params),
	KUNIT_CASE_PARAM(rx_buffers_test, modes_gen_params),
	KUNIT_CASE_PARAM(rx_rekick_test, modes_gen_params),
	KUNIT_CASE_PARAM(rx_lie_test, lies_gen_params),
	KUNIT_CASE_PARAM(closed_test, modes_gen_params),
	KUNIT_CASE_PARAM(gone_test, modes_gen_params),
	KUNIT_CASE_PARAM(tx_test, modes_gen_params),
	KUNIT_CASE_PARAM(tx_gso_test, modes_gen_params),
	KUNIT_CASE(ecn_test),
	KUNIT_CASE(no_ecn_test),
	KUNIT_CASE_PARAM(tx_lie_test, lies_gen_params),
	KUNIT_CASE(one_reset_test),
	KUNIT_CASE(given_up_test),
	KUNIT_CASE_PARAM(tx_full_test, modes_gen_params),
	KUNIT_CASE_PARAM(tx_timeout_test, modes_gen_params),
	KUNIT_CASE_PARAM(tx_stuck_test, modes_gen_params),
	KUNIT_CASE(tx_surplus_test),
	KUNIT_CASE(coal_test),
	KUNIT_CASE(coal_refused_test),
	KUNIT_CASE(early_command_test),
	KUNIT_CASE_PARAM(reset_ends_test, ends_gen_params),
	KUNIT_CASE(announce_test),
	KUNIT_CASE(stock_sample_test),
	KUNIT_CASE(sample_anew_test),
	KUNIT_CASE(no_coal_test),
	KUNIT_CASE(profile_test),
	KUNIT_CASE_SLOW(silent_test),
	KUNIT_CASE(open_failure_test),
	KUNIT_CASE_PARAM(resume_failure_test, modes_gen_params),
	KUNIT_CASE(reset_delay_test),
	{ }
};

static struct kunit_suite device_suite = {
	.name = "virtio_net_cvm_device",
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);

MODULE_DESCRIPTION("KUnit tests of virtio_net_cvm on a device made of memory");
MODULE_LICENSE("GPL");
