/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that the device may read and write: chunks shared once, when a queue
 * is set up, and never per packet.
 */
#ifndef CVMNET_POOL_H
#define CVMNET_POOL_H

#include <linux/types.h>

struct cvmnet_dev;
struct device;
struct scatterlist;
struct virtio_device;

/* How the payload gets to the device; constant once probed. */
enum cvmnet_dma {
	CVMNET_DMA_POOL,	/* copied through chunks that are shared for good */
	CVMNET_DMA_STREAM,	/* mapped where it lies */
};

struct cvmnet_chunk {
	void *va;
	dma_addr_t dma;		/* only where the rings take our addresses */
};

struct cvmnet_pool {
	struct cvmnet_chunk *chunks;
	unsigned int nr_chunks;
	size_t chunk_size;
	struct device *dma_dev;	/* NULL: ordinary pages, mapped by the virtio core */
};

/* A shared buffer of the slow path: a control command, a reply. */
struct cvmnet_shared {
	void *va;
	dma_addr_t dma;
	size_t size;
};

enum cvmnet_dma cvmnet_dma_choose(struct virtio_device *vdev);

int cvmnet_pool_init(struct cvmnet_dev *dev, struct cvmnet_pool *pool, size_t unit,
		     unsigned int count);
void cvmnet_pool_exit(struct cvmnet_pool *pool);

int cvmnet_shared_alloc(struct cvmnet_dev *dev, size_t size, struct cvmnet_shared *buf);
void cvmnet_shared_free(struct cvmnet_dev *dev, struct cvmnet_shared *buf);
void cvmnet_shared_sg(struct cvmnet_dev *dev, struct scatterlist *sg,
		      const struct cvmnet_shared *buf, size_t offset, size_t len);

/* For sysfs, over all queues, in bytes and events. */
size_t cvmnet_pool_bytes(const struct cvmnet_dev *dev);
size_t cvmnet_pool_used(const struct cvmnet_dev *dev);
u64 cvmnet_pool_exhausted(const struct cvmnet_dev *dev);
size_t cvmnet_pool_limit(const struct cvmnet_dev *dev);
int cvmnet_pool_set_limit(struct cvmnet_dev *dev, size_t bytes);

#endif /* CVMNET_POOL_H */
