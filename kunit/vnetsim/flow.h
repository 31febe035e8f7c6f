/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vnetsim: the headers that a hash is made of.
 */
#ifndef VNETSIM_FLOW_H
#define VNETSIM_FLOW_H

#include <linux/in6.h>
#include <linux/types.h>

struct sk_buff;

/**
 * struct vnetsim_flow - what was found in a packet
 * @v6:       IPv6
 * @fragment: of a larger packet: has no ports that count
 * @ext:      has extension headers
 * @proto:    what follows the network header
 * @l4:       where that is
 * @addr:     source and destination
 * @ex:       the same, as extension headers for mobility have them
 * @ports:    source and destination
 */
struct vnetsim_flow {
	bool v6;
	bool fragment;
	bool ext;
	u8 proto;
	int l4;
	union {
		__be32 v4[2];
		struct in6_addr in6[2];
	} addr;
	struct in6_addr ex[2];
	u8 ports[4];
};

bool vnetsim_flow_parse(const struct sk_buff *skb, u32 tunnels, struct vnetsim_flow *flow);

#endif /* VNETSIM_FLOW_H */
