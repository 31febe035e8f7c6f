// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: the plain net device at the other end of the wire, vnsim<id>.
 */
#include <linux/etherdevice.h>
#include <linux/netdevice.h>

#include "vnetsim.h"

#define PEER_FEATURES	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HW_CSUM | NETIF_F_TSO |	\
			 NETIF_F_TSO6 | NETIF_F_TSO_ECN | NETIF_F_GSO_UDP_L4 | NETIF_F_HIGHDMA)

struct vnetsim_peer {
	struct vnetsim *sim;
};

static netdev_tx_t peer_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct vnetsim_peer *peer = netdev_priv(dev);

	skb_tx_timestamp(skb);
	dev_sw_netstats_tx_add(dev, 1, skb->len);
	/* Who sent it need not wait for the guest. */
	skb_orphan(skb);
	nf_reset_ct(skb);
	if (!vnetsim_receive(peer->sim, skb, NULL)) {
		netif_stop_queue(dev);
		/* The worker may have been done before it could see that. */
		smp_mb();
		if (vnetsim_backlog(peer->sim) < VNETSIM_QUEUE_MAX / 2)
			netif_wake_queue(dev);
	}
	return NETDEV_TX_OK;
}

static int peer_open(struct net_device *dev)
{
	netif_start_queue(dev);
	return 0;
}

static int peer_stop(struct net_device *dev)
{
	netif_stop_queue(dev);
	return 0;
}

static const struct net_device_ops peer_ops = {
	.ndo_open = peer_open,
	.ndo_stop = peer_stop,
	.ndo_start_xmit = peer_xmit,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void peer_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &peer_ops;
	dev->features |= PEER_FEATURES;
	dev->hw_features |= PEER_FEATURES;
	dev->vlan_features |= PEER_FEATURES;
	dev->max_mtu = ETH_MAX_MTU;
	eth_hw_addr_random(dev);
}

/**
 * vnetsim_peer_create() - make the other end
 * @sim: the device
 *
 * Context: process, may sleep; not under rtnl.
 * Return: 0 or -errno.
 */
int vnetsim_peer_create(struct vnetsim *sim)
{
	struct vnetsim_peer *peer;
	struct net_device *dev;
	char name[IFNAMSIZ];
	int err;

	snprintf(name, sizeof(name), "vnsim%d", sim->id);
	dev = alloc_netdev(sizeof(*peer), name, NET_NAME_ENUM, peer_setup);
	if (!dev)
		return -ENOMEM;
	peer = netdev_priv(dev);
	peer->sim = sim;
	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	err = dev->tstats ? register_netdev(dev) : -ENOMEM;
	if (err) {
		free_percpu(dev->tstats);
		free_netdev(dev);
		return err;
	}
	WRITE_ONCE(sim->peer, dev);
	return 0;
}

/**
 * vnetsim_peer_destroy() - remove the other end, if there is one
 * @sim: the device; its driver is gone
 *
 * Context: process, may sleep; not under rtnl.
 */
void vnetsim_peer_destroy(struct vnetsim *sim)
{
	struct net_device *dev = sim->peer;

	if (!dev)
		return;
	unregister_netdev(dev);
	WRITE_ONCE(sim->peer, NULL);
	free_percpu(dev->tstats);
	free_netdev(dev);
}

/**
 * vnetsim_peer_deliver() - a packet that the driver sent arrives
 * @sim: the device
 * @skb: the packet; consumed
 *
 * Context: the worker's lock.
 */
void vnetsim_peer_deliver(struct vnetsim *sim, struct sk_buff *skb)
{
	struct net_device *dev = sim->peer;

	if (!netif_running(dev)) {
		kfree_skb(skb);
		return;
	}
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	dev_sw_netstats_rx_add(dev, skb->len + ETH_HLEN);
	netif_receive_skb(skb);
	local_bh_enable();
}

/**
 * vnetsim_peer_wake() - there is room for more packets
 * @sim: the device
 *
 * Context: process.
 */
void vnetsim_peer_wake(struct vnetsim *sim)
{
	struct net_device *dev = READ_ONCE(sim->peer);

	if (dev && netif_queue_stopped(dev) && netif_running(dev))
		netif_wake_queue(dev);
}
