// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of an interface's queues by the kernel's standard interface (generic netlink,
 * family netdev): a line "rx0 name=value..." for each queue, and "all name=value..."; or which
 * NAPI instance each queue has: lines "rx0 napi=ID" (no napi= without one) and "napi ID" for
 * all that the interface has with a number.
 *
 *	qstats IFACE
 *	qstats -n IFACE
 *
 * Exit status 4 on kernels that do not have them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "prog.h"

/* Of linux/netdev.h, which older headers lack */
#define CMD_QUEUE_GET	10
#define CMD_NAPI_GET	11
#define CMD_QSTATS_GET	12
#define ATTR_IFINDEX	1
#define ATTR_TYPE	2
#define ATTR_ID		3
#define ATTR_SCOPE	4
#define SCOPE_QUEUE	1
#define QUEUE_ID	1
#define QUEUE_IFINDEX	2
#define QUEUE_TYPE	3
#define QUEUE_NAPI_ID	4
#define NAPI_IFINDEX	1
#define NAPI_ID		2

static const char * const names[] = {
	[8] = "rx_packets", [9] = "rx_bytes", [10] = "tx_packets", [11] = "tx_bytes",
	[12] = "rx_alloc_fail", [13] = "rx_hw_drops", [14] = "rx_hw_drop_overruns",
	[15] = "rx_csum_complete", [16] = "rx_csum_unnecessary", [17] = "rx_csum_none",
	[18] = "rx_csum_bad", [19] = "rx_hw_gro_packets", [20] = "rx_hw_gro_bytes",
	[21] = "rx_hw_gro_wire_packets", [22] = "rx_hw_gro_wire_bytes",
	[23] = "rx_hw_drop_ratelimits", [24] = "tx_hw_drops", [25] = "tx_hw_drop_errors",
	[26] = "tx_csum_none", [27] = "tx_needs_csum", [28] = "tx_hw_gso_packets",
	[29] = "tx_hw_gso_bytes", [30] = "tx_hw_gso_wire_packets",
	[31] = "tx_hw_gso_wire_bytes", [32] = "tx_hw_drop_ratelimits", [33] = "tx_stop",
	[34] = "tx_wake",
};

struct request {
	struct nlmsghdr hdr;
	struct genlmsghdr genl;
	char attrs[64];
};

static int fd;
static char reply[65536];

static void put(struct request *req, int type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)((char *)req + NLMSG_ALIGN(req->hdr.nlmsg_len));

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, data, len);
	req->hdr.nlmsg_len = NLMSG_ALIGN(req->hdr.nlmsg_len) + NLA_ALIGN(attr->nla_len);
}

static void start(struct request *req, int family, int cmd, int flags)
{
	memset(req, 0, sizeof(*req));
	req->hdr.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	req->hdr.nlmsg_type = family;
	req->hdr.nlmsg_flags = NLM_F_REQUEST | flags;
	req->genl.cmd = cmd;
	req->genl.version = 1;
}

static ssize_t ask(struct request *req)
{
	if (send(fd, req, req->hdr.nlmsg_len, 0) < 0)
		return -1;
	return recv(fd, reply, sizeof(reply), 0);
}

static const void *find(const struct nlmsghdr *hdr, int type)
{
	const char *p = (const char *)NLMSG_DATA(hdr) + GENL_HDRLEN;
	const char *end = (const char *)hdr + hdr->nlmsg_len;

	while (p + NLA_HDRLEN <= end) {
		const struct nlattr *attr = (const void *)p;

		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return p + NLA_HDRLEN;
		if (attr->nla_len < NLA_HDRLEN)
			break;
		p += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

static int family(void)
{
	const struct nlmsghdr *hdr = (void *)reply;
	struct request req;
	const uint16_t *id;

	start(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put(&req, CTRL_ATTR_FAMILY_NAME, "netdev", 7);
	if (ask(&req) <= 0 || hdr->nlmsg_type == NLMSG_ERROR)
		return -1;
	id = find(hdr, CTRL_ATTR_FAMILY_ID);
	return id ? *id : -1;
}

static void print(const struct nlmsghdr *hdr)
{
	const uint32_t *type = find(hdr, ATTR_TYPE), *id = find(hdr, ATTR_ID);
	unsigned int i;

	if (id)
		printf("%s%u", type && *type ? "tx" : "rx", *id);
	else
		printf("all");
	for (i = 8; i < ARRAY_SIZE(names); i++) {
		const char *value = find(hdr, i);
		uint64_t v = 0;
		size_t len;

		if (!value)
			continue;
		/* A number of as many bytes as it needs, four or eight. */
		len = ((const struct nlattr *)(value - NLA_HDRLEN))->nla_len - NLA_HDRLEN;
		memcpy(&v, value, len < sizeof(v) ? len : sizeof(v));
		printf(" %s=%llu", names[i], (unsigned long long)v);
	}
	printf("\n");
}

static void print_queue(const struct nlmsghdr *hdr)
{
	const uint32_t *id = find(hdr, QUEUE_ID), *type = find(hdr, QUEUE_TYPE);
	const uint32_t *napi = find(hdr, QUEUE_NAPI_ID);

	if (!id || !type)
		return;
	printf("%s%u", *type ? "tx" : "rx", *id);
	if (napi)
		printf(" napi=%u", *napi);
	printf("\n");
}

static void print_napi(const struct nlmsghdr *hdr)
{
	const uint32_t *id = find(hdr, NAPI_ID);

	if (id)
		printf("napi %u\n", *id);
}

static int dump(struct request *req, void (*show)(const struct nlmsghdr *hdr))
{
	ssize_t len;

	for (len = ask(req); len > 0; len = recv(fd, reply, sizeof(reply), 0)) {
		struct nlmsghdr *hdr = (void *)reply;

		for (; NLMSG_OK(hdr, len); hdr = NLMSG_NEXT(hdr, len)) {
			/* With the dump's own error, which is not a message of its own. */
			if (hdr->nlmsg_type == NLMSG_DONE)
				return *(int *)NLMSG_DATA(hdr);
			if (hdr->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(hdr))->error;
			show(hdr);
		}
	}
	return -EIO;
}

static int stats(int id, uint32_t ifindex, uint32_t scope)
{
	struct request req;

	start(&req, id, CMD_QSTATS_GET, NLM_F_DUMP);
	put(&req, ATTR_IFINDEX, &ifindex, sizeof(ifindex));
	if (scope)
		put(&req, ATTR_SCOPE, &scope, sizeof(scope));
	return dump(&req, print);
}

static int napis(int id, uint32_t ifindex)
{
	struct request req;
	int err;

	start(&req, id, CMD_QUEUE_GET, NLM_F_DUMP);
	put(&req, QUEUE_IFINDEX, &ifindex, sizeof(ifindex));
	err = dump(&req, print_queue);
	if (err)
		return err;
	start(&req, id, CMD_NAPI_GET, NLM_F_DUMP);
	put(&req, NAPI_IFINDEX, &ifindex, sizeof(ifindex));
	return dump(&req, print_napi);
}

int main(int argc, char **argv)
{
	bool links = argc == 3 && !strcmp(argv[1], "-n");
	uint32_t ifindex;
	int id, err;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (argc != 2 + links || fd < 0)
		return 2;
	id = family();
	if (id < 0)
		return 4;
	ifindex = if_nametoindex(argv[1 + links]);
	if (links) {
		err = napis(id, ifindex);
	} else {
		err = stats(id, ifindex, SCOPE_QUEUE);
		if (!err)
			err = stats(id, ifindex, 0);
	}
	if (err == -EOPNOTSUPP)
		return 4;
	if (err)
		fprintf(stderr, "qstats: %s\n", strerror(-err));
	return !!err;
}
