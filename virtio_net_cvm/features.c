// SPDX-License-Identifier: GPL-2.0
/*
 * What the driver can negotiate, in one table.
 *
 * Left out on purpose: STANDBY (Documentation/virtio_net_cvm.rst says why), UFO,
 * which the stack no longer makes, RSC_EXT and the tunnel offloads.
 */
#include <linux/bug.h>
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <uapi/linux/virtio_net.h>

#include "compat/guest.h"
#include "compat/virtio_net.h"
#include "cvm/kunit.h"

#include "cvmnet.h"
#include "features.h"
#include "netdev.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)
#define ROW(f)		.bit = VIRTIO_NET_F_##f, .name = #f
#define WINDOW(field)	offsetofend(struct virtio_net_config, field)

/* Sorted by what needs what: setup() runs from top to bottom. */
const struct cvmnet_feature cvmnet_features[] = {
	/* What the device tells in its configuration */
	{ ROW(MAC), .window = WINDOW(mac) },
	{ ROW(STATUS), .window = WINDOW(status) },
	{ ROW(MTU), .window = WINDOW(mtu), .setup = cvmnet_setup_mtu },
	{ ROW(SPEED_DUPLEX), .window = WINDOW(duplex) },

	/* Transmit */
	{ ROW(CSUM), .setup = cvmnet_setup_csum },
	{ ROW(HOST_TSO4), .all = F(CSUM), .setup = cvmnet_setup_host_tso4 },
	{ ROW(HOST_TSO6), .all = F(CSUM), .setup = cvmnet_setup_host_tso6 },
	{ ROW(HOST_ECN), .any = F(HOST_TSO4) | F(HOST_TSO6), .setup = cvmnet_setup_host_ecn },
	{ ROW(HOST_USO), .all = F(CSUM), .setup = cvmnet_setup_host_uso },
	{ ROW(GUEST_HDRLEN) },

	/* Receive */
	{ ROW(MRG_RXBUF) },
	{ ROW(GUEST_CSUM), .setup = cvmnet_setup_guest_csum },
	{ ROW(GUEST_TSO4), .all = F(GUEST_CSUM), .setup = cvmnet_setup_guest_gso },
	{ ROW(GUEST_TSO6), .all = F(GUEST_CSUM), .setup = cvmnet_setup_guest_gso },
	{ ROW(GUEST_ECN), .any = F(GUEST_TSO4) | F(GUEST_TSO6) },
	{ ROW(GUEST_USO4), .all = F(GUEST_CSUM), .setup = cvmnet_setup_guest_gso },
	{ ROW(GUEST_USO6), .all = F(GUEST_CSUM), .setup = cvmnet_setup_guest_gso },

	/* Control queue */
	{ ROW(CTRL_VQ) },
	{ ROW(CTRL_RX), .all = F(CTRL_VQ), .setup = cvmnet_setup_ctrl_rx },
	{ ROW(CTRL_RX_EXTRA), .all = F(CTRL_VQ) | F(CTRL_RX) },
	{ ROW(CTRL_VLAN), .all = F(CTRL_VQ), .setup = cvmnet_setup_ctrl_vlan },
	{ ROW(CTRL_MAC_ADDR), .all = F(CTRL_VQ) },
	{ ROW(CTRL_GUEST_OFFLOADS), .all = F(CTRL_VQ), .setup = cvmnet_setup_guest_offloads },
	{ ROW(GUEST_ANNOUNCE), .all = F(CTRL_VQ) | F(STATUS) },
	{ ROW(MQ), .all = F(CTRL_VQ), .window = WINDOW(max_virtqueue_pairs) },
	{ ROW(RSS), .all = F(CTRL_VQ), .window = WINDOW(supported_hash_types),
	  .setup = cvmnet_rss_setup },
	{ ROW(HASH_REPORT), .all = F(CTRL_VQ), .window = WINDOW(supported_hash_types),
	  .setup = cvmnet_rss_setup },
	{ ROW(HASH_TUNNEL), .all = F(CTRL_VQ), .any = F(RSS) | F(HASH_REPORT),
	  .window = CVMNET_CONFIG_SIZE },
	{ ROW(NOTF_COAL), .all = F(CTRL_VQ) },
	{ ROW(VQ_NOTF_COAL), .all = F(CTRL_VQ) },
	{ ROW(DEVICE_STATS), .all = F(CTRL_VQ), .setup = cvmnet_devstats_setup },
};
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_features);

const unsigned int cvmnet_features_count = ARRAY_SIZE(cvmnet_features);
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_features_count);

static unsigned int feature_bits[ARRAY_SIZE(cvmnet_features)];

/**
 * cvmnet_features_driver() - the table as virtio_driver.feature_table wants it
 * @count: where to put the number of bits
 *
 * Context: module init, before the driver is registered.
 * Return: the bits, one an element.
 */
const unsigned int *cvmnet_features_driver(unsigned int *count)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(feature_bits); i++)
		feature_bits[i] = cvmnet_features[i].bit;
	*count = ARRAY_SIZE(feature_bits);
	return feature_bits;
}

/**
 * cvmnet_features_known() - every bit that the table has a row for
 *
 * Context: any.
 * Return: the bits.
 */
u64 cvmnet_features_known(void)
{
	u64 known = 0;
	unsigned int i;

	for (i = 0; i < cvmnet_features_count; i++)
		known |= BIT_ULL(cvmnet_features[i].bit);
	return known;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_features_known);

static bool feature_fits(const struct cvmnet_feature *f, u64 bits, size_t window)
{
	return (bits & f->all) == f->all && (!f->any || bits & f->any) &&
	       f->window <= window;
}

/**
 * cvmnet_features_resolve() - drop what can't work without what is not there
 * @bits:   features offered, or negotiated
 * @window: bytes of device configuration that can be read
 *
 * Bits that the table does not know pass unchanged: those of the transport.
 *
 * Context: any.
 * Return: @bits without those whose requirements are not in the result.
 */
u64 cvmnet_features_resolve(u64 bits, size_t window)
{
	unsigned int i;
	u64 before;

	/* Each round drops a bit or is the last: never more rounds than rows. */
	do {
		before = bits;
		for (i = 0; i < cvmnet_features_count; i++)
			if (!feature_fits(&cvmnet_features[i], bits, window))
				bits &= ~BIT_ULL(cvmnet_features[i].bit);
	} while (bits != before);
	return bits;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_features_resolve);

/* arm64 has no virtio_check_mem_acc_cb(): the core asks only on x86 and s390. */
static int check_confidential(struct virtio_device *vdev)
{
	const char *guest = cvm_guest_type();

	if (!guest || virtio_has_feature(vdev, VIRTIO_F_ACCESS_PLATFORM))
		return 0;
	dev_err(&vdev->dev,
		"a device without ACCESS_PLATFORM expects to read all memory: not in a %s\n",
		guest);
	return -ENODEV;
}

static void drop(struct virtio_device *vdev, u64 bits)
{
	unsigned int i;

	for (i = 0; i < cvmnet_features_count; i++) {
		const struct cvmnet_feature *f = &cvmnet_features[i];

		if (!(bits & BIT_ULL(f->bit)) || !virtio_has_feature(vdev, f->bit))
			continue;
		dev_info(&vdev->dev, "not using %s: %s\n", f->name,
			 f->window ? "its requirements or its configuration are not valid" :
				     "its requirements are not met");
		__virtio_clear_bit(vdev, f->bit);
	}
}

/**
 * cvmnet_features_validate() - virtio_driver.validate
 * @vdev: the device, its features offered and not yet accepted
 *
 * Afterwards every feature that is left has its requirements, a configuration
 * that can be read without leaving the device's window, and valid fields there.
 *
 * Context: process, may sleep. Not under rtnl.
 * Return: 0, or -ENODEV for a device that is refused, or -EIO for one whose
 * configuration never stands still.
 */
int cvmnet_features_validate(struct virtio_device *vdev)
{
	struct cvmnet_config_raw raw;
	u64 bits, keep;
	int err;

	if (!vdev->config->get) {
		dev_err(&vdev->dev, "the transport offers no device configuration\n");
		return -ENODEV;
	}
	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1)) {
		dev_err(&vdev->dev, "legacy devices are left to virtio_net\n");
		return -ENODEV;
	}
	err = check_confidential(vdev);
	if (err)
		return err;

	bits = vdev->features & cvmnet_features_known();
	keep = cvmnet_features_resolve(bits, cvmnet_config_window(vdev));
	/* Older kernels' helpers refuse such packets: all of them would be dropped. */
	if (!CVM_VIRTIO_NET_USO)
		keep &= ~(F(HOST_USO) | F(GUEST_USO4) | F(GUEST_USO6));
	err = cvmnet_config_read_raw(vdev, keep, &raw);
	if (err)
		return err;
	keep &= ~cvmnet_config_unusable(&raw, keep);
	keep = cvmnet_features_resolve(keep, SIZE_MAX);
	drop(vdev, bits & ~keep);

	/* A table of descriptors would take a bounce buffer for each command. */
	if (cvmnet_dma_choose(vdev) == CVMNET_DMA_POOL)
		__virtio_clear_bit(vdev, VIRTIO_RING_F_INDIRECT_DESC);
	return 0;
}

/**
 * cvmnet_features_setup() - make the negotiated features work
 * @dev: the device, after cvmnet_netdev_init(); its net device is not registered
 *
 * What has to be told to the device is told by cvmnet_restore_state() later.
 *
 * Context: process, may sleep.
 * Return: 0 or the first error of a row's setup().
 */
int cvmnet_features_setup(struct cvmnet_dev *dev)
{
	unsigned int i;
	int err;

	for (i = 0; i < cvmnet_features_count; i++) {
		const struct cvmnet_feature *f = &cvmnet_features[i];

		if (!cvmnet_has(dev, f->bit) || !f->setup)
			continue;
		err = f->setup(dev);
		if (err) {
			dev_err(&dev->vdev->dev, "%s cannot be set up: %d\n", f->name, err);
			return err;
		}
	}
	return 0;
}
