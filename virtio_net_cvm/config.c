// SPDX-License-Identifier: GPL-2.0
/*
 * The device's configuration: read once within bounds, then sanitized.
 *
 * The core's readers wait for the configuration to stand still without a bound,
 * and its PCI transport ends in BUG() for an access outside the window. So the
 * window's length is looked up first and each field is read by its own access.
 */
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <uapi/linux/virtio_mmio.h>
#include <uapi/linux/virtio_net.h>
#include <uapi/linux/virtio_pci.h>

#include "compat/virtio_net.h"
#include "cvm/kunit.h"

#include "config.h"
#include "tunnel.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)

#define HASH_TYPES	(VIRTIO_NET_RSS_HASH_TYPE_IPv4 |	\
			 VIRTIO_NET_RSS_HASH_TYPE_TCPv4 |	\
			 VIRTIO_NET_RSS_HASH_TYPE_UDPv4 |	\
			 VIRTIO_NET_RSS_HASH_TYPE_IPv6 |	\
			 VIRTIO_NET_RSS_HASH_TYPE_TCPv6 |	\
			 VIRTIO_NET_RSS_HASH_TYPE_UDPv6 |	\
			 VIRTIO_NET_RSS_HASH_TYPE_IP_EX |	\
			 VIRTIO_NET_RSS_HASH_TYPE_TCP_EX |	\
			 VIRTIO_NET_RSS_HASH_TYPE_UDP_EX)

/* A device that is busy changing its configuration gets this many chances. */
#define READ_TRIES	16

static bool pairs_valid(const struct cvmnet_config_raw *raw)
{
	return raw->max_pairs >= VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN &&
	       raw->max_pairs <= CVMNET_PAIRS_MAX;
}

/**
 * cvmnet_config_unusable() - features whose fields make no sense
 * @raw:  what the device wrote
 * @feat: the features in question
 *
 * Without MQ and RSS there is one pair, whatever the field says, and the control
 * queue comes right after it; so both go together.
 *
 * Context: any.
 * Return: those of @feat that must not be used.
 */
u64 cvmnet_config_unusable(const struct cvmnet_config_raw *raw, u64 feat)
{
	u64 bad = 0;

	if (raw->mtu < ETH_MIN_MTU)
		bad |= F(MTU);
	if (!pairs_valid(raw))
		bad |= F(MQ) | F(RSS);
	if (raw->rss_key < CVMNET_RSS_KEY_LEN || !(raw->hash_types & HASH_TYPES))
		bad |= F(RSS) | F(HASH_REPORT);
	if (!raw->rss_table)
		bad |= F(RSS);
	if (!(raw->tunnel_types & CVMNET_TUNNEL_MASK))
		bad |= F(HASH_TUNNEL);
	return bad & feat;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_config_unusable);

/**
 * cvmnet_config_sanitize() - turn what the device wrote into what can be used
 * @raw:  what the device wrote, nothing of it trusted
 * @feat: features in use; fields of others are not looked at
 * @cpus: how many queue pairs are worth having
 * @cfg:  the result; every field is set
 *
 * Context: any.
 */
void cvmnet_config_sanitize(const struct cvmnet_config_raw *raw, u64 feat,
			    unsigned int cpus, struct cvmnet_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));

	if (feat & F(MAC) && is_valid_ether_addr(raw->mac))
		memcpy(cfg->mac, raw->mac, ETH_ALEN);

	cfg->status = VIRTIO_NET_S_LINK_UP;
	if (feat & F(STATUS))
		cfg->status = raw->status & (VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);

	cfg->device_pairs = 1;
	if (feat & (F(MQ) | F(RSS)) && pairs_valid(raw))
		cfg->device_pairs = raw->max_pairs;
	cfg->max_pairs = clamp(cpus, 1U, cfg->device_pairs);

	cfg->mtu = ETH_MAX_MTU;
	if (feat & F(MTU))
		cfg->mtu = max_t(unsigned int, raw->mtu, ETH_MIN_MTU);

	cfg->speed = SPEED_UNKNOWN;
	cfg->duplex = DUPLEX_UNKNOWN;
	if (feat & F(SPEED_DUPLEX)) {
		if (ethtool_validate_speed(raw->speed))
			cfg->speed = raw->speed;
		if (ethtool_validate_duplex(raw->duplex))
			cfg->duplex = raw->duplex;
	}

	if (feat & (F(RSS) | F(HASH_REPORT)) && raw->rss_key >= CVMNET_RSS_KEY_LEN) {
		cfg->rss_key = CVMNET_RSS_KEY_LEN;
		cfg->hash_types = raw->hash_types & HASH_TYPES;
	}
	if (feat & F(RSS) && raw->rss_table)
		cfg->rss_table = rounddown_pow_of_two(min_t(unsigned int, raw->rss_table,
							    CVMNET_RSS_TABLE_MAX));
	if (feat & F(HASH_TUNNEL))
		cfg->tunnel_types = raw->tunnel_types & CVMNET_TUNNEL_MASK;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_config_sanitize);

/*
 * Bytes of the device configuration of a modern PCI device, by its capability;
 * the shortest where there are several, as the core may have chosen any.
 */
static size_t pci_window(struct pci_dev *pdev)
{
	/* A capability takes four bytes at least, so a longer list is a loop. */
	unsigned int left = PCI_CFG_SPACE_SIZE / 4;
	size_t window = SIZE_MAX;
	u32 length;
	u8 pos, type;

	for (pos = pci_find_capability(pdev, PCI_CAP_ID_VNDR); pos && left;
	     pos = pci_find_next_capability(pdev, pos, PCI_CAP_ID_VNDR), left--) {
		if (pci_read_config_byte(pdev, pos + offsetof(struct virtio_pci_cap, cfg_type),
					 &type) ||
		    pci_read_config_dword(pdev, pos + offsetof(struct virtio_pci_cap, length),
					  &length))
			return 0;
		if (type == VIRTIO_PCI_CAP_DEVICE_CFG)
			window = min_t(size_t, window, length);
	}
	return window == SIZE_MAX ? 0 : window;
}

static size_t mmio_window(struct platform_device *pdev)
{
	struct resource *mem = platform_get_resource(pdev, IORESOURCE_MEM, 0);

	if (!mem || resource_size(mem) <= VIRTIO_MMIO_CONFIG)
		return 0;
	return resource_size(mem) - VIRTIO_MMIO_CONFIG;
}

/**
 * cvmnet_config_window() - how much device configuration can be read
 * @vdev: the device
 *
 * A host that changes the PCI capability after the core has mapped it can still
 * make the core stop the guest, which it can do anyway; it gains nothing else.
 * Other transports (vDPA, test devices) check each access themselves.
 *
 * Context: process, may sleep.
 * Return: the length in bytes, at most CVMNET_CONFIG_SIZE.
 */
size_t cvmnet_config_window(struct virtio_device *vdev)
{
	struct device *parent = vdev->dev.parent;
	size_t window = CVMNET_CONFIG_SIZE;

	if (parent && dev_is_pci(parent))
		window = min(window, pci_window(to_pci_dev(parent)));
	else if (parent && parent->bus == &platform_bus_type)
		window = min(window, mmio_window(to_platform_device(parent)));
	return window;
}

static u32 generation(struct virtio_device *vdev)
{
	return vdev->config->generation ? vdev->config->generation(vdev) : 0;
}

static u8 get8(struct virtio_device *vdev, unsigned int offset)
{
	u8 v;

	vdev->config->get(vdev, offset, &v, sizeof(v));
	return v;
}

static u16 get16(struct virtio_device *vdev, unsigned int offset)
{
	__le16 v;

	vdev->config->get(vdev, offset, &v, sizeof(v));
	return le16_to_cpu(v);
}

static u32 get32(struct virtio_device *vdev, unsigned int offset)
{
	__le32 v;

	vdev->config->get(vdev, offset, &v, sizeof(v));
	return le32_to_cpu(v);
}

/* Fields exist only with their features. */
static void read_fields(struct virtio_device *vdev, u64 feat, struct cvmnet_config_raw *raw)
{
	unsigned int i;

	memset(raw, 0, sizeof(*raw));
	if (feat & F(MAC))
		for (i = 0; i < ETH_ALEN; i++)
			raw->mac[i] = get8(vdev, offsetof(struct virtio_net_config, mac) + i);
	if (feat & F(STATUS))
		raw->status = get16(vdev, offsetof(struct virtio_net_config, status));
	if (feat & (F(MQ) | F(RSS)))
		raw->max_pairs = get16(vdev, offsetof(struct virtio_net_config,
						      max_virtqueue_pairs));
	if (feat & F(MTU))
		raw->mtu = get16(vdev, offsetof(struct virtio_net_config, mtu));
	if (feat & F(SPEED_DUPLEX)) {
		raw->speed = get32(vdev, offsetof(struct virtio_net_config, speed));
		raw->duplex = get8(vdev, offsetof(struct virtio_net_config, duplex));
	}
	if (feat & (F(RSS) | F(HASH_REPORT))) {
		raw->rss_key = get8(vdev, offsetof(struct virtio_net_config, rss_max_key_size));
		raw->hash_types = get32(vdev, offsetof(struct virtio_net_config,
						       supported_hash_types));
	}
	if (feat & F(RSS))
		raw->rss_table = get16(vdev, offsetof(struct virtio_net_config,
						      rss_max_indirection_table_length));
	if (feat & F(HASH_TUNNEL))
		raw->tunnel_types = get32(vdev, CVMNET_CONFIG_TUNNEL_TYPES);
}

/**
 * cvmnet_config_read_raw() - take a consistent copy of the configuration
 * @vdev: the device
 * @feat: features whose fields are read; all must lie in the window, as
 *        cvmnet_features_resolve() makes sure
 * @raw:  the copy; fields of other features are 0
 *
 * Context: process, may sleep.
 * Return: 0, or -EIO when the configuration changes with every look.
 */
int cvmnet_config_read_raw(struct virtio_device *vdev, u64 feat,
			   struct cvmnet_config_raw *raw)
{
	unsigned int tries;
	u32 before;

	for (tries = 0; tries < READ_TRIES; tries++) {
		before = generation(vdev);
		read_fields(vdev, feat, raw);
		if (generation(vdev) == before)
			return 0;
	}
	dev_err_ratelimited(&vdev->dev, "the configuration never stands still\n");
	return -EIO;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_config_read_raw);

/**
 * cvmnet_config_read() - a sanitized copy of the configuration
 * @vdev: the device
 * @feat: negotiated features
 * @cfg:  the copy; untouched on errors
 *
 * Context: process, may sleep. Not under rtnl: each look leaves the guest.
 * Return: 0, -EIO as cvmnet_config_read_raw(), or -EINVAL when a field that was
 * valid when features were negotiated no longer is.
 */
int cvmnet_config_read(struct virtio_device *vdev, u64 feat,
		       struct cvmnet_config *cfg)
{
	struct cvmnet_config_raw raw;
	int err;

	err = cvmnet_config_read_raw(vdev, feat, &raw);
	if (err)
		return err;
	if (cvmnet_config_unusable(&raw, feat)) {
		dev_err_ratelimited(&vdev->dev,
				    "the configuration changed to something invalid\n");
		return -EINVAL;
	}
	cvmnet_config_sanitize(&raw, feat, num_possible_cpus(), cfg);
	return 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_config_read);
