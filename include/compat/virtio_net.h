/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Feature bits and header values of virtio-net that older kernels lack. They are
 * the specification's numbers, so the names alone are tested for.
 */
#ifndef CVM_COMPAT_VIRTIO_NET_H
#define CVM_COMPAT_VIRTIO_NET_H

#include <uapi/linux/virtio_net.h>

/* Can virtio_net_hdr_from_skb() and virtio_net_hdr_to_skb() do UDP segmentation? */
#ifdef VIRTIO_NET_F_GUEST_USO4
#define CVM_VIRTIO_NET_USO	true
#else
#define CVM_VIRTIO_NET_USO	false
#define VIRTIO_NET_F_GUEST_USO4		54
#define VIRTIO_NET_F_GUEST_USO6		55
#define VIRTIO_NET_F_HOST_USO		56
#endif

#ifndef VIRTIO_NET_F_DEVICE_STATS
#define VIRTIO_NET_F_DEVICE_STATS	50
#define VIRTIO_NET_CTRL_STATS		8
#define VIRTIO_NET_CTRL_STATS_QUERY	0
#define VIRTIO_NET_CTRL_STATS_GET	1
#endif

#ifndef VIRTIO_NET_F_HASH_TUNNEL
#define VIRTIO_NET_F_HASH_TUNNEL	51
#define VIRTIO_NET_CTRL_HASH_TUNNEL	7
#define VIRTIO_NET_CTRL_HASH_TUNNEL_SET	0
#endif

#ifndef VIRTIO_NET_F_VQ_NOTF_COAL
#define VIRTIO_NET_F_VQ_NOTF_COAL	52
#define VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET	2
#define VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET	3
#endif

#ifndef VIRTIO_NET_F_GUEST_HDRLEN
#define VIRTIO_NET_F_GUEST_HDRLEN	59
#endif

/* Where the header does not know the type, virtio_net_hdr_from_skb() refuses it. */
#ifdef VIRTIO_NET_HDR_GSO_UDP_L4
#define CVM_NET_HDR_USO			true
#else
#define CVM_NET_HDR_USO			false
#endif

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4	5
#endif

#endif /* CVM_COMPAT_VIRTIO_NET_H */
