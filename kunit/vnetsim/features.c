// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: the features that it offers, by name, and what each requires.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ring.h>

#include "vnetsim.h"

#define F(name)		BIT_ULL(VIRTIO_NET_F_##name)
#define NET(f)		.name = #f, .bit = VIRTIO_NET_F_##f

/**
 * struct vnetsim_feature - a row of the table
 * @name: as the specification spells it, without prefix
 * @bit:  its number
 * @all:  bits without which it must not be accepted
 * @any:  bits of which one must be accepted with it; 0 for none
 * @off:  not offered unless asked for
 */
struct vnetsim_feature {
	const char *name;
	unsigned int bit;
	u64 all;
	u64 any;
	bool off;
};

static const struct vnetsim_feature features[] = {
	{ NET(CSUM) },
	{ NET(GUEST_CSUM) },
	{ NET(CTRL_GUEST_OFFLOADS), .all = F(CTRL_VQ) },
	{ NET(MTU) },
	{ NET(MAC) },
	{ NET(GUEST_TSO4), .all = F(GUEST_CSUM) },
	{ NET(GUEST_TSO6), .all = F(GUEST_CSUM) },
	{ NET(GUEST_ECN), .any = F(GUEST_TSO4) | F(GUEST_TSO6) },
	{ NET(HOST_TSO4), .all = F(CSUM) },
	{ NET(HOST_TSO6), .all = F(CSUM) },
	{ NET(HOST_ECN), .any = F(HOST_TSO4) | F(HOST_TSO6) },
	{ NET(MRG_RXBUF) },
	{ NET(STATUS) },
	{ NET(CTRL_VQ) },
	{ NET(CTRL_RX), .all = F(CTRL_VQ) },
	{ NET(CTRL_VLAN), .all = F(CTRL_VQ) },
	{ NET(CTRL_RX_EXTRA), .all = F(CTRL_VQ) },
	{ NET(GUEST_ANNOUNCE), .all = F(CTRL_VQ) },
	{ NET(MQ), .all = F(CTRL_VQ) },
	{ NET(CTRL_MAC_ADDR), .all = F(CTRL_VQ) },
	{ NET(DEVICE_STATS), .all = F(CTRL_VQ) },
	{ NET(HASH_TUNNEL), .all = F(CTRL_VQ), .any = F(RSS) | F(HASH_REPORT) },
	{ NET(VQ_NOTF_COAL), .all = F(CTRL_VQ) },
	{ NET(NOTF_COAL), .all = F(CTRL_VQ) },
	{ NET(GUEST_USO4), .all = F(GUEST_CSUM) },
	{ NET(GUEST_USO6), .all = F(GUEST_CSUM) },
	{ NET(HOST_USO), .all = F(CSUM) },
	{ NET(HASH_REPORT), .all = F(CTRL_VQ) },
	{ NET(GUEST_HDRLEN) },
	{ NET(RSS), .all = F(CTRL_VQ) },
	{ NET(SPEED_DUPLEX) },
	{ NET(STANDBY), .off = true },

	{ "INDIRECT_DESC", VIRTIO_RING_F_INDIRECT_DESC },
	{ "EVENT_IDX", VIRTIO_RING_F_EVENT_IDX },
	{ "VERSION_1", VIRTIO_F_VERSION_1 },
	{ "ACCESS_PLATFORM", VIRTIO_F_ACCESS_PLATFORM },
	{ "RING_PACKED", VIRTIO_F_RING_PACKED, .off = true },
	{ "IN_ORDER", VIRTIO_F_IN_ORDER, .off = true },
	{ "RING_RESET", VIRTIO_F_RING_RESET },
};

/**
 * vnetsim_features_all() - what is offered unless asked otherwise
 *
 * Context: any.
 * Return: the bits.
 */
u64 vnetsim_features_all(void)
{
	u64 bits = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (!features[i].off)
			bits |= BIT_ULL(features[i].bit);
	return bits;
}

/**
 * vnetsim_feature_parse() - a feature by its name
 * @name: the name
 *
 * Context: any.
 * Return: its bit, or 0 for an unknown name.
 */
u64 vnetsim_feature_parse(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (!strcmp(features[i].name, name))
			return BIT_ULL(features[i].bit);
	return 0;
}

/**
 * vnetsim_feature_name() - the name of a feature
 * @bit: its number
 *
 * Context: any.
 * Return: the name, or NULL.
 */
const char *vnetsim_feature_name(unsigned int bit)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (features[i].bit == bit)
			return features[i].name;
	return NULL;
}

/**
 * vnetsim_features_unmet() - features accepted without what they require
 * @bits: what was accepted
 *
 * Context: any.
 * Return: those of @bits.
 */
u64 vnetsim_features_unmet(u64 bits)
{
	u64 unmet = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		const struct vnetsim_feature *f = &features[i];

		if (bits & BIT_ULL(f->bit) &&
		    ((bits & f->all) != f->all || (f->any && !(bits & f->any))))
			unmet |= BIT_ULL(f->bit);
	}
	return unmet;
}
