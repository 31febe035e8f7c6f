// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: a software virtio-net device, for tests.
 *
 * It is to virtio-net drivers what netdevsim is to ethtool: it registers real
 * virtio devices, whose other side is this module.  See
 * Documentation/vnetsim.rst.
 */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/idr.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_ids.h>
#include <uapi/linux/virtio_mmio.h>

#include <compat/dma.h>
#include <cvm/kunit.h>

#include "vnetsim.h"

static DEFINE_MUTEX(vnetsim_lock);
static LIST_HEAD(vnetsim_list);
static DEFINE_IDA(vnetsim_ids);

static const char * const violations[VNETSIM_VIOLATIONS] = {
	[VNETSIM_V_BAD_ADDRESS] = "bad_address",
	[VNETSIM_V_CHAIN] = "chain",
	[VNETSIM_V_INDIRECT] = "indirect",
	[VNETSIM_V_ORDER] = "order",
	[VNETSIM_V_AVAIL_IDX] = "avail_idx",
	[VNETSIM_V_STATUS] = "status",
	[VNETSIM_V_KICK_EARLY] = "kick_early",
	[VNETSIM_V_CONFIG_RANGE] = "config_range",
	[VNETSIM_V_CONFIG_WRITE] = "config_write",
	[VNETSIM_V_FEATURES] = "features",
	[VNETSIM_V_REQUIRES] = "requires",
	[VNETSIM_V_RX_READABLE] = "rx_readable",
	[VNETSIM_V_RX_SMALL] = "rx_small",
	[VNETSIM_V_TX_WRITABLE] = "tx_writable",
	[VNETSIM_V_TX_SHORT] = "tx_short",
	[VNETSIM_V_TX_LONG] = "tx_long",
	[VNETSIM_V_TX_MTU] = "tx_mtu",
	[VNETSIM_V_TX_INACTIVE] = "tx_inactive",
	[VNETSIM_V_TX_NUM_BUFFERS] = "tx_num_buffers",
	[VNETSIM_V_TX_FLAGS] = "tx_flags",
	[VNETSIM_V_TX_CSUM] = "tx_csum",
	[VNETSIM_V_TX_PSEUDO] = "tx_pseudo",
	[VNETSIM_V_TX_GSO_TYPE] = "tx_gso_type",
	[VNETSIM_V_TX_GSO_SIZE] = "tx_gso_size",
	[VNETSIM_V_TX_GSO_CSUM] = "tx_gso_csum",
	[VNETSIM_V_TX_ECN] = "tx_ecn",
	[VNETSIM_V_TX_HDR_LEN] = "tx_hdr_len",
	[VNETSIM_V_CTRL_LAYOUT] = "ctrl_layout",
	[VNETSIM_V_CTRL_SLACK] = "ctrl_slack",
	[VNETSIM_V_CTRL_COMMAND] = "ctrl_command",
	[VNETSIM_V_CTRL_VALUE] = "ctrl_value",
};

/**
 * vnetsim_violation_name() - name what a driver must not do
 * @what: what
 *
 * Context: any.
 * Return: the name.
 */
const char *vnetsim_violation_name(enum vnetsim_violation what)
{
	return violations[what];
}

/**
 * vnetsim_violate() - the driver did what it must not
 * @sim:  the device
 * @what: what
 *
 * Context: any.
 */
void vnetsim_violate(struct vnetsim *sim, enum vnetsim_violation what)
{
	if (atomic64_inc_return(&sim->violations[what]) == 1)
		dev_notice(&sim->vdev.dev, "the driver breaks a rule: %s\n", violations[what]);
}

/* --- workers --- */

/**
 * vnetsim_wake() - there may be something to do
 * @worker: whose queue it is
 *
 * Context: any.
 */
void vnetsim_wake(struct vnetsim_worker *worker)
{
	set_bit(0, &worker->work);
	wake_up(&worker->wait);
}

/**
 * vnetsim_wake_all() - there may be something to do anywhere
 * @sim: the device
 *
 * Context: any.
 */
void vnetsim_wake_all(struct vnetsim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->nr_workers; i++)
		vnetsim_wake(&sim->workers[i]);
}

static unsigned int work_once(struct vnetsim_worker *worker)
{
	unsigned int done = 0;

	mutex_lock(&worker->lock);
	if (READ_ONCE(worker->sim->live)) {
		if (worker->rx)
			done = vnetsim_tx_run(worker) + vnetsim_rx_run(worker);
		else
			done = vnetsim_ctrl_run(worker);
	}
	mutex_unlock(&worker->lock);
	return done;
}

static int worker_thread(void *data)
{
	struct vnetsim_worker *worker = data;

	for (;;) {
		u32 latency;

		wait_event_idle(worker->wait, kthread_should_stop() ||
				test_and_clear_bit(0, &worker->work));
		if (kthread_should_stop())
			return 0;
		latency = READ_ONCE(worker->sim->latency_us);
		if (!worker->rx)
			latency = max(latency, READ_ONCE(worker->sim->ctrl_wait_us));
		if (latency)
			usleep_range(latency, latency + latency / 8 + 1);
		while (!kthread_should_stop() && work_once(worker))
			cond_resched();
	}
}

static int workers_start(struct vnetsim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->nr_workers; i++) {
		struct vnetsim_worker *worker = &sim->workers[i];
		struct task_struct *task;

		task = kthread_run(worker_thread, worker, "%s/%u", sim->name, i);
		if (IS_ERR(task))
			return PTR_ERR(task);
		worker->task = task;
	}
	return 0;
}

static void workers_stop(struct vnetsim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->nr_workers; i++) {
		if (sim->workers[i].task)
			kthread_stop(sim->workers[i].task);
		skb_queue_purge(&sim->workers[i].in);
	}
}

/* --- life --- */

static void vnetsim_release(struct device *dev)
{
	struct vnetsim *sim = vdev_to_vnetsim(dev_to_virtio(dev));

	kvfree(sim->workers);
	kvfree(sim->queues);
	ida_free(&vnetsim_ids, sim->id);
	kvfree(sim);
}

/* The device's configuration, as its other side wants it. */
static void config_init(struct vnetsim *sim, const struct vnetsim_params *params)
{
	struct virtio_net_config *net = &sim->config.net;

	if (is_zero_ether_addr(params->mac))
		eth_random_addr(net->mac);
	else
		ether_addr_copy(net->mac, params->mac);
	net->status = (__force __virtio16)cpu_to_le16(VIRTIO_NET_S_LINK_UP);
	net->max_virtqueue_pairs = (__force __virtio16)cpu_to_le16(sim->max_pairs);
	net->mtu = (__force __virtio16)cpu_to_le16(params->mtu);
	net->speed = cpu_to_le32(SPEED_10000);
	net->duplex = DUPLEX_FULL;
	net->rss_max_key_size = VNETSIM_RSS_KEY_MAX;
	net->rss_max_indirection_table_length = cpu_to_le16(VNETSIM_RSS_TABLE_MAX);
	net->supported_hash_types = cpu_to_le32(VNETSIM_HASH_TYPES);
	sim->config.supported_tunnel_types = cpu_to_le32(BIT(VNETSIM_TUNNELS) - 1);
}

/**
 * vnetsim_tell_config() - tell the driver that the configuration changed
 * @sim: the device
 *
 * Context: any.
 */
void vnetsim_tell_config(struct vnetsim *sim)
{
	unsigned long flags;

	/* As if from an interrupt. */
	local_irq_save(flags);
	virtio_config_changed(&sim->vdev);
	local_irq_restore(flags);
}

/**
 * vnetsim_config_update() - change the status and tell the driver
 * @sim:   the device
 * @set:   VIRTIO_NET_S_* to set
 * @clear: to clear
 *
 * Context: process.
 */
void vnetsim_config_update(struct vnetsim *sim, u16 set, u16 clear)
{
	struct virtio_net_config *net = &sim->config.net;
	u16 status = le16_to_cpu((__force __le16)net->status);

	status = (status & ~clear) | set;
	WRITE_ONCE(net->status, (__force __virtio16)cpu_to_le16(status));
	WRITE_ONCE(sim->generation, sim->generation + 1);
	vnetsim_tell_config(sim);
}

/**
 * vnetsim_needs_reset() - say that the device can't go on without a reset
 * @sim: the device
 *
 * Context: process.
 */
void vnetsim_needs_reset(struct vnetsim *sim)
{
	WRITE_ONCE(sim->status, sim->status | VIRTIO_CONFIG_S_NEEDS_RESET);
	vnetsim_tell_config(sim);
}

static struct vnetsim *vnetsim_find(const char *name)
{
	struct vnetsim *sim;

	list_for_each_entry(sim, &vnetsim_list, node)
		if (!strcmp(sim->name, name))
			return sim;
	return NULL;
}

static int queues_init(struct vnetsim *sim)
{
	unsigned int i;

	sim->nr_workers = sim->max_pairs + 1;
	sim->nr_queues = 2 * sim->max_pairs + 1;
	sim->workers = kvcalloc(sim->nr_workers, sizeof(*sim->workers), GFP_KERNEL);
	sim->queues = kvcalloc(sim->nr_queues, sizeof(*sim->queues), GFP_KERNEL);
	if (!sim->workers || !sim->queues) {
		kvfree(sim->workers);
		kvfree(sim->queues);
		return -ENOMEM;
	}
	for (i = 0; i < sim->nr_workers; i++) {
		struct vnetsim_worker *worker = &sim->workers[i];

		worker->sim = sim;
		init_waitqueue_head(&worker->wait);
		mutex_init(&worker->lock);
		skb_queue_head_init(&worker->in);
		if (i < sim->max_pairs) {
			worker->rx = &sim->queues[2 * i];
			worker->tx = &sim->queues[2 * i + 1];
		}
	}
	for (i = 0; i < sim->nr_queues; i++)
		vnetsim_queue_init(&sim->queues[i], sim, i);
	return 0;
}

static struct vnetsim *vnetsim_alloc(const struct vnetsim_params *params)
{
	struct vnetsim *sim = kvzalloc(sizeof(*sim), GFP_KERNEL);

	if (!sim)
		return NULL;
	sim->max_pairs = params->pairs;
	sim->ring = params->ring;
	sim->window = params->window;
	spin_lock_init(&sim->state_lock);
	sim->offered = ((vnetsim_features_all() & ~params->off) | params->on);
	if (params->packed)
		sim->offered |= BIT_ULL(VIRTIO_F_RING_PACKED);
	if (queues_init(sim)) {
		kvfree(sim);
		return NULL;
	}
	vnetsim_inject_init(sim);
	sim->id = ida_alloc(&vnetsim_ids, GFP_KERNEL);
	if (sim->id < 0) {
		kvfree(sim->workers);
		kvfree(sim->queues);
		kvfree(sim);
		return NULL;
	}
	if (*params->name)
		strscpy(sim->name, params->name, sizeof(sim->name));
	else
		snprintf(sim->name, sizeof(sim->name), "sim%d", sim->id);
	config_init(sim, params);
	sim->vdev.dev.release = vnetsim_release;
	sim->vdev.id.device = VIRTIO_ID_NET;
	sim->vdev.id.vendor = 0;
	sim->vdev.config = &vnetsim_config_ops;
	return sim;
}

/*
 * What the driver maps is mapped for this device, and how much configuration there is
 * to be read can be seen by its memory, as if by virtio over MMIO.
 */
static int parent_create(struct vnetsim *sim)
{
	struct platform_device *pdev = platform_device_alloc("vnetsim", sim->id);
	struct resource mem = DEFINE_RES_MEM(0, VIRTIO_MMIO_CONFIG + sim->window);
	int err;

	if (!pdev)
		return -ENOMEM;
	err = platform_device_add(pdev);
	if (err) {
		platform_device_put(pdev);
		return err;
	}
	sim->parent = pdev;
	/* Later than the device, so that nobody else is kept from these addresses. */
	err = platform_device_add_resources(pdev, &mem, 1);
	if (err)
		return err;
	sim->vdev.dev.parent = &pdev->dev;
	cvm_dma_set_coherent(&pdev->dev);
	return dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
}

static void cable_join(struct vnetsim *a, struct vnetsim *b)
{
	rcu_assign_pointer(a->cable, b);
	rcu_assign_pointer(b->cable, a);
}

static void cable_cut(struct vnetsim *sim)
{
	struct vnetsim *other = rcu_dereference_protected(sim->cable,
							  lockdep_is_held(&vnetsim_lock));

	if (!other)
		return;
	RCU_INIT_POINTER(other->cable, NULL);
	RCU_INIT_POINTER(sim->cable, NULL);
	synchronize_rcu();
}

static int create_locked(const struct vnetsim_params *params)
{
	struct vnetsim *sim, *other = NULL;
	int err;

	if (*params->name && vnetsim_find(params->name))
		return -EEXIST;
	if (*params->cable) {
		other = vnetsim_find(params->cable);
		if (!other)
			return -ENODEV;
		if (other->peer || rcu_access_pointer(other->cable))
			return -EBUSY;
	}
	sim = vnetsim_alloc(params);
	if (!sim)
		return -ENOMEM;
	err = parent_create(sim);
	if (err)
		goto err_release;
	err = workers_start(sim);
	if (err)
		goto err_stop;
	if (other)
		cable_join(sim, other);
	if (params->peer) {
		err = vnetsim_peer_create(sim);
		if (err)
			goto err_stop;
	}
	vnetsim_debugfs_add(sim);
	list_add_tail(&sim->node, &vnetsim_list);
	err = register_virtio_device(&sim->vdev);
	if (err)
		goto err_list;
	return 0;

err_list:
	list_del(&sim->node);
	vnetsim_debugfs_del(sim);
	cable_cut(sim);
	vnetsim_peer_destroy(sim);
	workers_stop(sim);
	platform_device_unregister(sim->parent);
	put_device(&sim->vdev.dev);
	return err;

err_stop:
	cable_cut(sim);
	vnetsim_peer_destroy(sim);
	workers_stop(sim);
err_release:
	platform_device_unregister(sim->parent);
	vnetsim_release(&sim->vdev.dev);
	return err;
}

/**
 * vnetsim_create() - make a device
 * @params: checked by the caller
 *
 * A driver that is loaded gets it at once.
 *
 * Context: process, may sleep.
 * Return: 0; -EEXIST for a name in use; -ENODEV or -EBUSY for the other end of a
 * cable; -ENOMEM.
 */
int vnetsim_create(const struct vnetsim_params *params)
{
	int err;

	mutex_lock(&vnetsim_lock);
	err = create_locked(params);
	mutex_unlock(&vnetsim_lock);
	return err;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(vnetsim_create);

static void destroy(struct vnetsim *sim)
{
	struct platform_device *parent = sim->parent;

	list_del(&sim->node);
	vnetsim_debugfs_del(sim);
	get_device(&sim->vdev.dev);
	unregister_virtio_device(&sim->vdev);
	vnetsim_inject_exit(sim);
	cable_cut(sim);
	vnetsim_peer_destroy(sim);
	workers_stop(sim);
	put_device(&sim->vdev.dev);
	platform_device_unregister(parent);
}

/**
 * vnetsim_destroy() - unplug a device
 * @name: its name
 *
 * Context: process, may sleep.
 * Return: 0 or -ENODEV.
 */
int vnetsim_destroy(const char *name)
{
	struct vnetsim *sim;

	mutex_lock(&vnetsim_lock);
	sim = vnetsim_find(name);
	if (sim)
		destroy(sim);
	mutex_unlock(&vnetsim_lock);
	return sim ? 0 : -ENODEV;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(vnetsim_destroy);

/**
 * vnetsim_destroy_all() - unplug what there is
 *
 * Context: process, may sleep.
 */
void vnetsim_destroy_all(void)
{
	mutex_lock(&vnetsim_lock);
	while (!list_empty(&vnetsim_list))
		destroy(list_first_entry(&vnetsim_list, struct vnetsim, node));
	mutex_unlock(&vnetsim_lock);
}

static int __init vnetsim_init(void)
{
	return vnetsim_debugfs_init();
}
module_init(vnetsim_init);

static void __exit vnetsim_exit(void)
{
	vnetsim_debugfs_close();
	vnetsim_destroy_all();
	vnetsim_debugfs_exit();
	ida_destroy(&vnetsim_ids);
}
module_exit(vnetsim_exit);

MODULE_DESCRIPTION("Software virtio-net device for tests");
MODULE_LICENSE("GPL");
