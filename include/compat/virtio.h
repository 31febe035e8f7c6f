/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtqueues.
 */
#ifndef CVM_COMPAT_VIRTIO_H
#define CVM_COMPAT_VIRTIO_H

#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#ifndef HAVE_STRUCT_VIRTQUEUE_INFO
struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};

static inline int cvm_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
			       struct virtqueue *vqs[], struct virtqueue_info infos[])
{
	vq_callback_t **callbacks;
	const char **names;
	unsigned int i;
	int err = -ENOMEM;

	callbacks = kcalloc(nvqs, sizeof(*callbacks), GFP_KERNEL);
	names = kcalloc(nvqs, sizeof(*names), GFP_KERNEL);
	if (callbacks && names) {
		for (i = 0; i < nvqs; i++) {
			callbacks[i] = infos[i].callback;
			names[i] = infos[i].name;
		}
		err = virtio_find_vqs(vdev, nvqs, vqs, callbacks, names, NULL);
	}
	kfree(names);
	kfree(callbacks);
	return err;
}
#else
static inline int cvm_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
			       struct virtqueue *vqs[], struct virtqueue_info infos[])
{
	return virtio_find_vqs(vdev, nvqs, vqs, infos, NULL);
}
#endif

#ifdef HAVE_VIRTQUEUE_RESIZE_DONE
static inline int cvm_vq_resize(struct virtqueue *vq, u32 num,
				void (*recycle)(struct virtqueue *vq, void *buf))
{
	return virtqueue_resize(vq, num, recycle, NULL);
}
#else
#define cvm_vq_resize virtqueue_resize
#endif

/*
 * Debian's 6.1 exports virtqueue_set_dma_premapped(), but its ring code never
 * reads what that sets and maps every buffer.  The series that made it work also
 * brought virtqueue_dma_dev(), so that is what tells.
 */
#ifdef HAVE_SYM_virtqueue_dma_dev
#define CVM_VQ_PREMAPPED	true

static inline int cvm_vq_set_premapped(struct virtqueue *vq)
{
	return virtqueue_set_dma_premapped(vq);
}

static inline struct device *cvm_vq_dma_dev(struct virtqueue *vq)
{
	return virtqueue_dma_dev(vq);
}

/* One entry of shared memory, for a queue that is set to premapped. */
static inline void cvm_sg_shared(struct scatterlist *sg, void *va, dma_addr_t dma,
				 unsigned int len)
{
	sg->dma_address = dma;
	sg->length = len;
}
#else
#define CVM_VQ_PREMAPPED	false

static inline int cvm_vq_set_premapped(struct virtqueue *vq)
{
	return 0;
}

static inline struct device *cvm_vq_dma_dev(struct virtqueue *vq)
{
	return virtio_has_dma_quirk(vq->vdev) ? NULL : vq->vdev->dev.parent;
}

static inline void cvm_sg_shared(struct scatterlist *sg, void *va, dma_addr_t dma,
				 unsigned int len)
{
	/* The core maps it: see compat/dma.h for why that gives dma. */
	sg_set_buf(sg, va, len);
}
#endif

/*
 * virtio_device_ready() warns when the device says that it runs already; only the
 * device can have done that. Returns 0 or -EIO.
 */
static inline int cvm_virtio_ready(struct virtio_device *vdev)
{
	u8 status = vdev->config->get_status(vdev);

	if (status & VIRTIO_CONFIG_S_DRIVER_OK)
		return -EIO;
#ifdef CONFIG_VIRTIO_HARDEN_NOTIFICATION
	virtio_synchronize_cbs(vdev);
	__virtio_unbreak_device(vdev);
#endif
	vdev->config->set_status(vdev, status | VIRTIO_CONFIG_S_DRIVER_OK);
	return 0;
}

/*
 * Where virtio_net keeps changes of the configuration from itself while its
 * interface is down, the core remembers that for the next driver, too.
 */
static inline void cvm_hear_config_changes(struct virtio_device *vdev)
{
#ifdef HAVE_SYM_virtio_config_driver_enable
	virtio_config_driver_enable(vdev);
#endif
}

#endif /* CVM_COMPAT_VIRTIO_H */
