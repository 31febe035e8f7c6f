/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For a transport: how its find_vqs() is called. Who includes this defines
 * cvm_transport_find_vqs(), which takes what is to be found as the newest kernels
 * pass it, and puts cvm_op_find_vqs into its struct virtio_config_ops.
 */
#ifndef CVM_COMPAT_VIRTIO_TRANSPORT_H
#define CVM_COMPAT_VIRTIO_TRANSPORT_H

#include <compat/virtio.h>

static int cvm_transport_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
				  struct virtqueue *vqs[], struct virtqueue_info infos[]);

#ifdef HAVE_STRUCT_VIRTQUEUE_INFO
static int cvm_op_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
			   struct virtqueue *vqs[], struct virtqueue_info infos[],
			   struct irq_affinity *desc)
{
	return cvm_transport_find_vqs(vdev, nvqs, vqs, infos);
}
#else
static int cvm_op_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
			   struct virtqueue *vqs[], vq_callback_t *callbacks[],
			   const char * const names[], const bool *ctx,
			   struct irq_affinity *desc)
{
	struct virtqueue_info *infos = kcalloc(nvqs, sizeof(*infos), GFP_KERNEL);
	unsigned int i;
	int err;

	if (!infos)
		return -ENOMEM;
	for (i = 0; i < nvqs; i++) {
		infos[i].name = names[i];
		infos[i].callback = callbacks[i];
		infos[i].ctx = ctx && ctx[i];
	}
	err = cvm_transport_find_vqs(vdev, nvqs, vqs, infos);
	kfree(infos);
	return err;
}
#endif

#endif /* CVM_COMPAT_VIRTIO_TRANSPORT_H */
