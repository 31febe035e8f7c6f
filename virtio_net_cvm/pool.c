// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that the device may read and write: chunks shared once, when a queue
 * is set up.  In a confidential guest sharing a page costs a trip to the
 * monitor and a TLB flush on all CPUs, so nothing is shared per packet.
 *
 * Only payload lives there.  Contexts, lengths and free lists are private.
 */
#include <linux/cc_platform.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include <compat/guest.h>
#include <compat/virtio.h>

#include "cvmnet.h"
#include "tx.h"

/* Coherent memory from the bounce pool comes in pieces of 128 slots of 2 KiB. */
#define CVMNET_CHUNK_SWIOTLB	SZ_256K
/* A large page: sharing one whole does not split the kernel's own mapping. */
#define CVMNET_CHUNK_MAX	SZ_2M

enum cvmnet_mode {
	CVMNET_MODE_AUTO,
	CVMNET_MODE_POOL,
	CVMNET_MODE_STREAM,
};

static const char * const cvmnet_modes[] = {
	[CVMNET_MODE_AUTO] = "auto",
	[CVMNET_MODE_POOL] = "pool",
	[CVMNET_MODE_STREAM] = "stream",
};

static int cvmnet_mode;

static int cvmnet_mode_set(const char *val, const struct kernel_param *kp)
{
	int mode = sysfs_match_string(cvmnet_modes, val);

	if (mode < 0)
		return mode;
	*(int *)kp->arg = mode;
	return 0;
}

static int cvmnet_mode_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", cvmnet_modes[*(int *)kp->arg]);
}

static const struct kernel_param_ops cvmnet_mode_ops = {
	.set = cvmnet_mode_set,
	.get = cvmnet_mode_get,
};
module_param_cb(mode, &cvmnet_mode_ops, &cvmnet_mode, 0444);
MODULE_PARM_DESC(mode,
		 "how payload gets to the device: pool (copied through shared memory), stream (mapped), auto (default: pool where mappings would bounce)");

/**
 * cvmnet_dma_choose() - how payload gets to a device
 * @vdev: the device; its features are offered or negotiated
 *
 * A device without ACCESS_PLATFORM takes physical addresses: nothing can bounce.
 * Otherwise a guest with encrypted memory bounces every mapping, and so does one
 * booted with swiotlb=force; the DMA layer shows the latter per device.
 *
 * Context: any.
 * Return: the mode; the same at each call for one device.
 */
enum cvmnet_dma cvmnet_dma_choose(struct virtio_device *vdev)
{
	if (virtio_has_dma_quirk(vdev))
		return CVMNET_DMA_STREAM;
	switch (cvmnet_mode) {
	case CVMNET_MODE_POOL:
		return CVMNET_DMA_POOL;
	case CVMNET_MODE_STREAM:
		return CVMNET_DMA_STREAM;
	}
	if (cvm_guest_type() || is_swiotlb_force_bounce(vdev->dev.parent))
		return CVMNET_DMA_POOL;
	return CVMNET_DMA_STREAM;
}

static void *cvmnet_chunk_alloc(struct cvmnet_dev *dev, struct device *dma_dev, size_t size,
				dma_addr_t *dma)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	void *va;

	/* How much there is to be is for the device to say: nobody is killed for it. */
	gfp |= size > PAGE_SIZE ? __GFP_NORETRY : __GFP_RETRY_MAYFAIL;
	if (!dma_dev) {
		*dma = 0;
		return alloc_pages_exact(size, gfp | __GFP_ZERO);
	}
	va = dma_alloc_coherent(dma_dev, size, dma, gfp);
	if (va && !cvm_dma_bypass_works(&dev->bypass, va, *dma, size)) {
		dma_free_coherent(dma_dev, size, va, *dma);
		return NULL;
	}
	return va;
}

static void cvmnet_chunk_free(struct cvmnet_pool *pool, struct cvmnet_chunk *chunk)
{
	if (pool->dma_dev)
		dma_free_coherent(pool->dma_dev, pool->chunk_size, chunk->va, chunk->dma);
	else
		free_pages_exact(chunk->va, pool->chunk_size);
}

static int cvmnet_pool_try(struct cvmnet_dev *dev, struct cvmnet_pool *pool, size_t unit,
			   unsigned int count, size_t chunk_size)
{
	unsigned int nr = DIV_ROUND_UP(count, (unsigned int)(chunk_size / unit));

	pool->chunks = kcalloc(nr, sizeof(*pool->chunks), GFP_KERNEL);
	if (!pool->chunks)
		return -ENOMEM;
	pool->chunk_size = chunk_size;
	for (pool->nr_chunks = 0; pool->nr_chunks < nr; pool->nr_chunks++) {
		struct cvmnet_chunk *chunk = &pool->chunks[pool->nr_chunks];

		chunk->va = cvmnet_chunk_alloc(dev, pool->dma_dev, chunk_size, &chunk->dma);
		if (!chunk->va) {
			cvmnet_pool_exit(pool);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * cvmnet_pool_init() - allocate a pool
 * @dev: the device
 * @pool: the pool
 * @unit: bytes that must lie in one chunk
 * @count: how many of them, at least
 *
 * In pool mode it is memory shared with the device; in stream mode ordinary
 * memory, which the virtio core maps.  Chunks are a power of two in size; where
 * memory is fragmented, they are made smaller.
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cvmnet_pool_init(struct cvmnet_dev *dev, struct cvmnet_pool *pool, size_t unit,
		     unsigned int count)
{
	size_t least = max_t(size_t, roundup_pow_of_two(unit), PAGE_SIZE);
	struct device *dma_dev = dev->dma == CVMNET_DMA_POOL ? dev->dma_dev : NULL;
	size_t size = CVMNET_CHUNK_MAX;

	if (dma_dev && cvm_dma_alloc_is_swiotlb(dma_dev))
		size = CVMNET_CHUNK_SWIOTLB;
	size = clamp_t(size_t, roundup_pow_of_two(unit * count), least, size);
	memset(pool, 0, sizeof(*pool));
	for (; size >= least; size /= 2) {
		pool->dma_dev = dma_dev;
		if (!cvmnet_pool_try(dev, pool, unit, count, size))
			return 0;
	}
	return -ENOMEM;
}

/**
 * cvmnet_pool_exit() - free a pool
 * @pool: the pool, which the device does not use any more; may be empty
 *
 * Context: process, may sleep.
 */
void cvmnet_pool_exit(struct cvmnet_pool *pool)
{
	while (pool->nr_chunks)
		cvmnet_chunk_free(pool, &pool->chunks[--pool->nr_chunks]);
	kfree(pool->chunks);
	memset(pool, 0, sizeof(*pool));
}

/**
 * cvmnet_shared_alloc() - allocate a buffer of the slow path
 * @dev: the device
 * @size: bytes
 * @buf: receives it, zeroed
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cvmnet_shared_alloc(struct cvmnet_dev *dev, size_t size, struct cvmnet_shared *buf)
{
	buf->size = size;
	buf->dma = 0;
	if (dev->dma == CVMNET_DMA_POOL) {
		buf->size = PAGE_ALIGN(size);
		buf->va = cvmnet_chunk_alloc(dev, dev->dma_dev, buf->size, &buf->dma);
	} else {
		buf->va = kzalloc(size, GFP_KERNEL);
	}
	return buf->va ? 0 : -ENOMEM;
}

/**
 * cvmnet_shared_free() - free a buffer of the slow path
 * @dev: the device, which does not use it any more
 * @buf: the buffer; may be one that was never allocated, zeroed
 *
 * Context: process, may sleep.
 */
void cvmnet_shared_free(struct cvmnet_dev *dev, struct cvmnet_shared *buf)
{
	if (!buf->va)
		return;
	if (dev->dma == CVMNET_DMA_POOL)
		dma_free_coherent(dev->dma_dev, buf->size, buf->va, buf->dma);
	else
		kfree(buf->va);
	buf->va = NULL;
}

/**
 * cvmnet_shared_sg() - make a list of one entry for the control queue
 * @dev: the device
 * @sg: the entry; initialised here
 * @buf: the buffer
 * @offset: where in it
 * @len: bytes
 *
 * Context: any.
 */
void cvmnet_shared_sg(struct cvmnet_dev *dev, struct scatterlist *sg,
		      const struct cvmnet_shared *buf, size_t offset, size_t len)
{
	sg_init_table(sg, 1);
	if (dev->dma == CVMNET_DMA_POOL)
		cvm_sg_shared(sg, buf->va + offset, buf->dma + offset, len);
	else
		sg_set_buf(sg, buf->va + offset, len);
}

static size_t cvmnet_pool_size(const struct cvmnet_pool *pool)
{
	return pool->nr_chunks * pool->chunk_size;
}

/**
 * cvmnet_pool_bytes() - size of all pools of a device
 * @dev: the device
 *
 * Context: any; a snapshot.
 * Return: bytes.
 */
size_t cvmnet_pool_bytes(const struct cvmnet_dev *dev)
{
	size_t bytes = 0;
	unsigned int i;

	/* What stream mode copies small packets to is memory like any other. */
	if (dev->dma != CVMNET_DMA_POOL)
		return 0;
	for (i = 0; i < dev->max_pairs; i++)
		bytes += cvmnet_pool_size(&dev->rxq[i].pool) + cvmnet_pool_size(&dev->txq[i].pool);
	return bytes;
}

/**
 * cvmnet_pool_used() - what of the pools the device owns now
 * @dev: the device
 *
 * Context: any; a snapshot.
 * Return: bytes.
 */
size_t cvmnet_pool_used(const struct cvmnet_dev *dev)
{
	size_t bytes = 0;
	unsigned int i;

	if (dev->dma != CVMNET_DMA_POOL)
		return 0;
	for (i = 0; i < dev->max_pairs; i++) {
		u32 size = READ_ONCE(dev->txq[i].ring.size);

		if (dev->rxq[i].pool.nr_chunks)
			bytes += (size_t)READ_ONCE(dev->rxq[i].lent) * dev->rxq[i].slot_size;
		/* The two are of different pools while these are exchanged. */
		bytes += size - min(size, READ_ONCE(dev->txq[i].ring.free));
	}
	return bytes;
}

/**
 * cvmnet_pool_exhausted() - how often a queue had to wait for pool memory
 * @dev: the device
 *
 * Context: any.
 * Return: events since probe.
 */
u64 cvmnet_pool_exhausted(const struct cvmnet_dev *dev)
{
	unsigned int i, start;
	u64 events = 0, n;

	for (i = 0; i < dev->max_pairs; i++) {
		const struct cvmnet_txq *q = &dev->txq[i];

		do {
			start = u64_stats_fetch_begin(&q->syncp);
			n = q->stats.pool_full;
		} while (u64_stats_fetch_retry(&q->syncp, start));
		events += n;
	}
	return events;
}

/**
 * cvmnet_pool_limit() - size of each transmit queue's pool
 * @dev: the device
 *
 * Context: any.
 * Return: bytes; 0 in stream mode, which has none that could be set.
 */
size_t cvmnet_pool_limit(const struct cvmnet_dev *dev)
{
	return dev->dma == CVMNET_DMA_POOL ? dev->tx_pool_size : 0;
}

/*
 * One pool after the other would have each queue wait for those before it, and leave
 * some exchanged where a later one can't be.
 */
static int cvmnet_pool_exchange(struct cvmnet_dev *dev, struct cvmnet_pool *pools)
{
	unsigned long end = jiffies + HZ;
	unsigned int i;
	int err = 0;

	for (i = 0; i < dev->max_pairs; i++)
		if (dev->txq[i].recs)
			cvmnet_txq_hold(&dev->txq[i]);
	for (i = 0; i < dev->max_pairs && !err; i++)
		if (dev->txq[i].recs && !cvmnet_txq_drained(&dev->txq[i], end))
			err = -EBUSY;
	for (i = 0; i < dev->max_pairs; i++) {
		if (!dev->txq[i].recs)
			continue;
		if (!err)
			cvmnet_txq_set_pool(&dev->txq[i], &pools[i]);
		cvmnet_txq_release(&dev->txq[i]);
	}
	return err;
}

/**
 * cvmnet_pool_set_limit() - set the size of each transmit queue's pool
 * @dev: the device
 * @bytes: the size, 8 of the largest packets to 64 MiB
 *
 * Sending pauses, on all queues at once, until the device is done with what is in the
 * old pools.
 *
 * Context: process, under rtnl; may sleep for a second.
 * Return: 0; -EOPNOTSUPP in stream mode, -ERANGE, -ENOMEM or -EBUSY, with the
 * old size in force.
 */
int cvmnet_pool_set_limit(struct cvmnet_dev *dev, size_t bytes)
{
	u32 unit = cvmnet_tx_unit(dev);
	struct cvmnet_pool *pools;
	unsigned int i, nr = dev->max_pairs;
	int err = 0;

	ASSERT_RTNL();
	if (dev->dma != CVMNET_DMA_POOL)
		return -EOPNOTSUPP;
	if (bytes < (size_t)CVMNET_TX_POOL_PACKETS * unit || bytes > CVMNET_TX_POOL_MAX)
		return -ERANGE;

	pools = kcalloc(nr, sizeof(*pools), GFP_KERNEL);
	if (!pools)
		return -ENOMEM;
	for (i = 0; i < nr && !err; i++)
		if (dev->txq[i].recs)
			err = cvmnet_pool_init(dev, &pools[i], unit, bytes / unit);
	if (err)
		goto out_free_pools;

	err = cvmnet_pool_exchange(dev, pools);
	if (!err)
		dev->tx_pool_size = bytes;

out_free_pools:
	for (i = 0; i < nr; i++)
		cvmnet_pool_exit(&pools[i]);
	kfree(pools);
	return err;
}
