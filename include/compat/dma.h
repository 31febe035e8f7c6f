/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bouncing: whether a device's mappings do, and how memory that is shared
 * already gets around it.
 */
#ifndef CVM_COMPAT_DMA_H
#define CVM_COMPAT_DMA_H

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/swiotlb.h>

/* Does coherent memory come from the bounce pool, with its limit on one piece? */
static inline bool cvm_dma_alloc_is_swiotlb(struct device *dev)
{
#ifdef CONFIG_SWIOTLB
	return dev->dma_io_tlb_mem && is_swiotlb_for_alloc(dev);
#else
	return false;
#endif
}

/* For a device that is made of software: its memory accesses are the CPU's. */
static inline void cvm_dma_set_coherent(struct device *dev)
{
#ifdef CONFIG_ARM64
	dev->dma_coherent = true;
#endif
}

/**
 * struct cvm_dma_bypass - what to put back
 * @dev:   the device, or NULL
 * @saved: its bounce pool
 */
struct cvm_dma_bypass {
	struct device *dev;
	struct io_tlb_mem *saved;
};

#if defined(HAVE_SYM_virtqueue_dma_dev) || !defined(CONFIG_SWIOTLB)
/* The rings take our addresses, or nothing bounces: nothing has to be bypassed. */
static inline int cvm_dma_bypass_begin(struct cvm_dma_bypass *bypass, struct device *dev)
{
	bypass->dev = NULL;
	return 0;
}

static inline void cvm_dma_bypass_end(struct cvm_dma_bypass *bypass)
{
}

static inline bool cvm_dma_bypass_works(struct cvm_dma_bypass *bypass, void *va,
					dma_addr_t dma, size_t size)
{
	return true;
}
#else
/*
 * On kernels whose virtio core maps every buffer, the device gets a bounce pool
 * that forces nothing, for as long as it is only ever given shared memory.  With
 * that, mapping a coherent chunk gives the chunk's own address; a try on each
 * chunk proves it (it would not behind an IOMMU, or where the address carries an
 * encryption bit).
 */
static inline int cvm_dma_bypass_begin(struct cvm_dma_bypass *bypass, struct device *dev)
{
	static struct io_tlb_mem no_bounce;

	if (cvm_dma_alloc_is_swiotlb(dev))
		return -EOPNOTSUPP;
	bypass->dev = dev;
	bypass->saved = dev->dma_io_tlb_mem;
	dev->dma_io_tlb_mem = &no_bounce;
	return 0;
}

static inline void cvm_dma_bypass_end(struct cvm_dma_bypass *bypass)
{
	if (bypass->dev)
		bypass->dev->dma_io_tlb_mem = bypass->saved;
	bypass->dev = NULL;
}

static inline bool cvm_dma_bypass_works(struct cvm_dma_bypass *bypass, void *va,
					dma_addr_t dma, size_t size)
{
	dma_addr_t addr;

	if (!bypass->dev)
		return true;
	if (!virt_addr_valid(va))
		return false;
	addr = dma_map_page(bypass->dev, virt_to_page(va), offset_in_page(va), size,
			    DMA_BIDIRECTIONAL);
	if (dma_mapping_error(bypass->dev, addr))
		return false;
	dma_unmap_page(bypass->dev, addr, size, DMA_BIDIRECTIONAL);
	return addr == dma;
}
#endif

#endif /* CVM_COMPAT_DMA_H */
