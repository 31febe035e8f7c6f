// SPDX-License-Identifier: GPL-2.0
/*
 * The net device as the stack sees it: its operations but for the data path.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/virtio.h>
#include <uapi/linux/virtio_net.h>

#include "compat/virtio_net.h"

#include "cvmnet.h"
#include "ctrl.h"
#include "cvq.h"
#include "netdev.h"
#include "stats.h"
#include "tx.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)

/* Received packets that were put together by the device */
#define GUEST_GSO	(F(GUEST_TSO4) | F(GUEST_TSO6) | F(GUEST_ECN) |	\
			 F(GUEST_USO4) | F(GUEST_USO6))
#define GUEST_OFFLOADS	(F(GUEST_CSUM) | GUEST_GSO)

/* --- addresses and filters --- */

static int set_mac_address(struct net_device *netdev, void *p)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	struct sockaddr *addr = p;
	int err;

	err = eth_prepare_mac_addr_change(netdev, p);
	if (err)
		return err;
	if (cvmnet_has(dev, VIRTIO_NET_F_CTRL_MAC_ADDR)) {
		err = cvmnet_cmd_mac(dev, addr->sa_data);
		if (err)
			return err;
	}
	/* Without the command, the device lets through what it is told to anyway. */
	eth_commit_mac_addr_change(netdev, p);
	return 0;
}

static void set_rx_mode(struct net_device *netdev)
{
	cvmnet_ctrl_rx_mode(netdev_priv(netdev));
}

static int vlan_add(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	int err;

	if (!cvmnet_has(dev, VIRTIO_NET_F_CTRL_VLAN))
		return 0;
	__set_bit(vid, dev->vlans);
	err = cvmnet_cmd_vlan(dev, vid, true);
	/* A device that waits for its reset is told afterwards. */
	if (err != -EREMOTEIO)
		return 0;
	__clear_bit(vid, dev->vlans);
	return err;
}

static int vlan_kill(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);

	if (!cvmnet_has(dev, VIRTIO_NET_F_CTRL_VLAN))
		return 0;
	/*
	 * A device that keeps it lets through more than needed; the stack drops that. So
	 * the answer is of no interest, and only a full queue is waited for.
	 */
	__clear_bit(vid, dev->vlans);
	if (cvmnet_cmd_vlan_del_async(dev, vid) == -EBUSY)
		cvmnet_cmd_vlan(dev, vid, false);
	return 0;
}

/* --- offloads --- */

static u64 wanted_offloads(const struct cvmnet_dev *dev, netdev_features_t features)
{
	u64 want = dev->offloads.capable;

	if (!cvmnet_has(dev, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		return want;
	if (!(features & NETIF_F_RXCSUM))
		return 0;
	if (!(features & NETIF_F_GRO_HW))
		want &= ~GUEST_GSO;
	return want;
}

static int set_features(struct net_device *netdev, netdev_features_t features)
{
	struct cvmnet_dev *dev = netdev_priv(netdev);
	u64 want = wanted_offloads(dev, features);
	u64 active = dev->offloads.active;
	int err;

	if (want == active)
		return 0;
	/* Packets may come either way until the device has answered. */
	WRITE_ONCE(dev->offloads.active, active | want);
	err = cvmnet_cmd_guest_offloads(dev, want);
	WRITE_ONCE(dev->offloads.active, err ? active : want);
	return err;
}

/**
 * cvmnet_offloads_restore() - choose the receive offloads again after a reset
 * @dev: the device; all that was negotiated is on
 *
 * Context: rtnl; may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait(); after a refusal all is accepted.
 */
int cvmnet_offloads_restore(struct cvmnet_dev *dev)
{
	/* Not what is active: that is all of them where the device refused it last time. */
	u64 want = wanted_offloads(dev, dev->netdev->features);
	int err;

	if (want == dev->offloads.capable) {
		WRITE_ONCE(dev->offloads.active, want);
		return 0;
	}
	WRITE_ONCE(dev->offloads.active, dev->offloads.capable);
	err = cvmnet_cmd_guest_offloads(dev, want);
	if (err != -EREMOTEIO)
		WRITE_ONCE(dev->offloads.active, want);
	return err;
}

/* --- the rest --- */

static int change_mtu(struct net_device *netdev, int mtu)
{
	/* Within min_mtu and max_mtu, and receive buffers are made for the latter. */
	WRITE_ONCE(netdev->mtu, mtu);
	return 0;
}

const struct net_device_ops cvmnet_netdev_ops = {
	.ndo_open		= cvmnet_open,
	.ndo_stop		= cvmnet_close,
	.ndo_start_xmit		= cvmnet_xmit,
	.ndo_features_check	= cvmnet_features_check,
	.ndo_tx_timeout		= cvmnet_tx_timeout,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_set_mac_address	= set_mac_address,
	.ndo_set_rx_mode	= set_rx_mode,
	.ndo_vlan_rx_add_vid	= vlan_add,
	.ndo_vlan_rx_kill_vid	= vlan_kill,
	.ndo_set_features	= set_features,
	.ndo_change_mtu		= change_mtu,
	.ndo_get_stats64	= cvmnet_get_stats64,
};

static void set_address(struct cvmnet_dev *dev)
{
	struct net_device *netdev = dev->netdev;

	if (is_valid_ether_addr(dev->cfg.mac)) {
		eth_hw_addr_set(netdev, dev->cfg.mac);
		return;
	}
	eth_hw_addr_random(netdev);
	if (cvmnet_has(dev, VIRTIO_NET_F_MAC))
		dev_warn(&dev->vdev->dev, "the device's address is not valid, using %pM\n",
			 netdev->dev_addr);
}

/**
 * cvmnet_netdev_init() - fill in a net device before features are set up
 * @dev: the device; features, configuration and receive mode are known
 *
 * Context: process, before the net device is registered.
 */
void cvmnet_netdev_init(struct cvmnet_dev *dev)
{
	struct net_device *netdev = dev->netdev;

	netdev->netdev_ops = &cvmnet_netdev_ops;
	netdev->ethtool_ops = &cvmnet_ethtool_ops;
	netdev->sysfs_groups[0] = &cvmnet_sysfs_group;
	cvmnet_stats_attach(netdev);

	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	netdev->features |= NETIF_F_HIGHDMA;
	netdev->vlan_features |= NETIF_F_HIGHDMA;
	netdev->watchdog_timeo = 2 * CVMNET_TX_STUCK;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = min_t(int, dev->cfg.mtu, cvmnet_mtu_max(dev));
	set_address(dev);

	dev->speed = dev->cfg.speed;
	dev->duplex = dev->cfg.duplex;
	netif_carrier_off(netdev);

	dev->offloads.capable = dev->feat & GUEST_OFFLOADS;
	dev->offloads.active = dev->offloads.capable;
}

/* --- setup() of features.c's table --- */

static int offer(struct cvmnet_dev *dev, netdev_features_t features)
{
	dev->netdev->hw_features |= features;
	dev->netdev->features |= features;
	dev->netdev->vlan_features |= features;
	return 0;
}

/**
 * cvmnet_setup_csum() - the device finishes checksums
 * @dev: the device
 *
 * Context: process, before the net device is registered; so for all that follow.
 * Return: 0.
 */
int cvmnet_setup_csum(struct cvmnet_dev *dev)
{
	/* Those who receive a packet verify it; unverified ones of others may pass. */
	dev->netdev->features |= NETIF_F_GSO_ROBUST;
	return offer(dev, NETIF_F_HW_CSUM | NETIF_F_SG);
}

/**
 * cvmnet_setup_host_tso4() - the device segments TCP over IPv4
 * @dev: the device
 *
 * Return: 0.
 */
int cvmnet_setup_host_tso4(struct cvmnet_dev *dev)
{
	return offer(dev, NETIF_F_TSO);
}

/**
 * cvmnet_setup_host_tso6() - the device segments TCP over IPv6
 * @dev: the device
 *
 * Return: 0.
 */
int cvmnet_setup_host_tso6(struct cvmnet_dev *dev)
{
	return offer(dev, NETIF_F_TSO6);
}

/**
 * cvmnet_setup_host_ecn() - the device segments TCP with congestion marks
 * @dev: the device
 *
 * Return: 0.
 */
int cvmnet_setup_host_ecn(struct cvmnet_dev *dev)
{
	return offer(dev, NETIF_F_TSO_ECN);
}

/**
 * cvmnet_setup_host_uso() - the device segments UDP
 * @dev: the device
 *
 * Return: 0.
 */
int cvmnet_setup_host_uso(struct cvmnet_dev *dev)
{
	return CVM_NET_HDR_USO ? offer(dev, NETIF_F_GSO_UDP_L4) : 0;
}

/**
 * cvmnet_setup_guest_csum() - the device vouches for checksums of what it delivers
 * @dev: the device
 *
 * Return: 0.
 */
int cvmnet_setup_guest_csum(struct cvmnet_dev *dev)
{
	dev->netdev->features |= NETIF_F_RXCSUM;
	return 0;
}

/**
 * cvmnet_setup_guest_gso() - the device delivers packets put together
 * @dev: the device
 *
 * They carry what it takes to segment them again: that is GRO, not LRO.
 *
 * Return: 0.
 */
int cvmnet_setup_guest_gso(struct cvmnet_dev *dev)
{
	dev->netdev->features |= NETIF_F_GRO_HW;
	return 0;
}

/**
 * cvmnet_setup_guest_offloads() - receive offloads can be switched
 * @dev: the device; comes after those offloads in the table
 *
 * Return: 0.
 */
int cvmnet_setup_guest_offloads(struct cvmnet_dev *dev)
{
	dev->netdev->hw_features |= dev->netdev->features & (NETIF_F_RXCSUM | NETIF_F_GRO_HW);
	return 0;
}

/**
 * cvmnet_setup_ctrl_rx() - the device filters addresses
 * @dev: the device
 *
 * Return: 0.
 */
int cvmnet_setup_ctrl_rx(struct cvmnet_dev *dev)
{
	dev->netdev->priv_flags |= IFF_UNICAST_FLT;
	return 0;
}

/**
 * cvmnet_setup_ctrl_vlan() - the device filters VLANs
 * @dev: the device
 *
 * Return: 0.
 */
int cvmnet_setup_ctrl_vlan(struct cvmnet_dev *dev)
{
	dev->netdev->features |= NETIF_F_HW_VLAN_CTAG_FILTER;
	return 0;
}

/**
 * cvmnet_setup_mtu() - the device says what it can carry, and is taken by its word
 * @dev: the device
 *
 * Return: 0.
 */
int cvmnet_setup_mtu(struct cvmnet_dev *dev)
{
	dev->netdev->mtu = dev->netdev->max_mtu;
	return 0;
}
