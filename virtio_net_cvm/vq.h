/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtqueues of a device, and which queue pairs are in use.
 */
#ifndef CVMNET_VQ_H
#define CVMNET_VQ_H

#include <linux/types.h>
#include <linux/virtio.h>

struct cvmnet_dev;

int cvmnet_queues_alloc(struct cvmnet_dev *dev);
void cvmnet_queues_free(struct cvmnet_dev *dev);
int cvmnet_vqs_find(struct cvmnet_dev *dev);
int cvmnet_pairs_restore(struct cvmnet_dev *dev);
void cvmnet_rings_restore(struct cvmnet_dev *dev);
void cvmnet_vqs_delete(struct cvmnet_dev *dev);
int cvmnet_queues_start(struct cvmnet_dev *dev);
void cvmnet_queues_stop(struct cvmnet_dev *dev);
int cvmnet_renegotiate(struct cvmnet_dev *dev);
void cvmnet_device_reset(struct cvmnet_dev *dev);

void cvmnet_affinity_allow(struct cvmnet_dev *dev, bool allow);
void cvmnet_affinity_set(struct cvmnet_dev *dev, unsigned int from, unsigned int leaving);
int cvmnet_affinity_init(void);
void cvmnet_affinity_exit(void);
int cvmnet_affinity_add(struct cvmnet_dev *dev);
void cvmnet_affinity_del(struct cvmnet_dev *dev);

/**
 * cvmnet_vq_recycled() - virtqueue_resize() has taken a buffer back
 * @vq: the virtqueue
 *
 * On split rings the core counts the entries that it frees then by flags which the device
 * can write, and stops the machine unless there are as many as the ring has in the end.
 *
 * Context: the callback of virtqueue_resize().
 */
static inline void cvmnet_vq_recycled(struct virtqueue *vq)
{
	vq->num_free = virtqueue_get_vring_size(vq);
}

#endif /* CVMNET_VQ_H */
