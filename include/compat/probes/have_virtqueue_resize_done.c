// SPDX-License-Identifier: GPL-2.0
#include <linux/virtio.h>
int (*probe)(struct virtqueue *, u32, void (*)(struct virtqueue *, void *),
	     void (*)(struct virtqueue *)) = virtqueue_resize;
