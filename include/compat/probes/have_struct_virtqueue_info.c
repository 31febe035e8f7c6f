// SPDX-License-Identifier: GPL-2.0
#include <linux/virtio_config.h>
int probe(struct virtio_device *d, struct virtqueue **v, struct virtqueue_info *i)
{ return virtio_find_vqs(d, 1, v, i, NULL); }
