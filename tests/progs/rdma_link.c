// SPDX-License-Identifier: GPL-2.0
/*
 * Software RDMA devices:
 *
 *   rdma_link add NAME NETDEV    an rxe device on a network interface
 *   rdma_link del NAME           remove it
 *   rdma_link rename NAME NEW    give it another name
 *
 * What "rdma" of iproute2 does, for guests that have no room for that.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr head;
	char attrs[512];
};

static void fail(const char *what, int err)
{
	fprintf(stderr, "rdma_link: %s: %s\n", what, strerror(err));
	exit(1);
}

static void put(struct request *req, unsigned short type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)((char *)req + NLMSG_ALIGN(req->head.nlmsg_len));

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, data, len);
	req->head.nlmsg_len = NLMSG_ALIGN(req->head.nlmsg_len) + NLA_ALIGN(attr->nla_len);
}

static void put_text(struct request *req, unsigned short type, const char *text)
{
	put(req, type, text, strlen(text) + 1);
}

/* Send, and receive into the same place. */
static void ask(int fd, struct request *req, int op, int flags)
{
	struct nlmsgerr *err;
	ssize_t n;

	req->head.nlmsg_type = RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, op);
	req->head.nlmsg_flags = NLM_F_REQUEST | flags;
	req->head.nlmsg_seq = 1;
	if (send(fd, req, req->head.nlmsg_len, 0) < 0)
		fail("send", errno);
	n = recv(fd, req, sizeof(*req), 0);
	if (n < (ssize_t)sizeof(req->head))
		fail("receive", n < 0 ? errno : EIO);
	if (req->head.nlmsg_type != NLMSG_ERROR)
		return;
	err = NLMSG_DATA(&req->head);
	if (err->error)
		fail("the kernel says", -err->error);
}

static void clear(struct request *req)
{
	memset(req, 0, sizeof(*req));
	req->head.nlmsg_len = NLMSG_HDRLEN;
}

static void add(int fd, const char *name, const char *netdev)
{
	struct request req;

	clear(&req);
	put_text(&req, RDMA_NLDEV_ATTR_DEV_NAME, name);
	put_text(&req, RDMA_NLDEV_ATTR_LINK_TYPE, "rxe");
	put_text(&req, RDMA_NLDEV_ATTR_NDEV_NAME, netdev);
	ask(fd, &req, RDMA_NLDEV_CMD_NEWLINK, NLM_F_ACK);
}

/* All devices come as a dump; the number of the one with that name. */
static unsigned int find(int fd, const char *wanted)
{
	static char buf[65536];
	struct nlmsghdr *msg;
	struct request req;
	struct nlattr *attr;
	const char *name;
	unsigned int index;
	int len, left;

	clear(&req);
	req.head.nlmsg_type = RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_GET);
	req.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (send(fd, &req, req.head.nlmsg_len, 0) < 0)
		fail("send", errno);
	for (;;) {
		len = recv(fd, buf, sizeof(buf), 0);
		if (len <= 0)
			fail("receive", len ? errno : EIO);
		msg = (void *)buf;
		for (; NLMSG_OK(msg, (unsigned int)len); msg = NLMSG_NEXT(msg, len)) {
			if (msg->nlmsg_type == NLMSG_DONE || msg->nlmsg_type == NLMSG_ERROR)
				fail(wanted, ENODEV);
			name = "";
			index = 0;
			attr = NLMSG_DATA(msg);
			left = msg->nlmsg_len - NLMSG_HDRLEN;
			while (left >= NLA_HDRLEN) {
				if ((attr->nla_type & NLA_TYPE_MASK) == RDMA_NLDEV_ATTR_DEV_NAME)
					name = (char *)attr + NLA_HDRLEN;
				if ((attr->nla_type & NLA_TYPE_MASK) == RDMA_NLDEV_ATTR_DEV_INDEX)
					memcpy(&index, (char *)attr + NLA_HDRLEN, sizeof(index));
				left -= NLA_ALIGN(attr->nla_len);
				attr = (void *)((char *)attr + NLA_ALIGN(attr->nla_len));
			}
			if (!strcmp(name, wanted))
				return index;
		}
	}
}

static int nl_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_RDMA);

	if (fd < 0)
		fail("no RDMA netlink", errno);
	return fd;
}

/* Begin a request about a device; returns a socket for it. */
static int about(struct request *req, const char *name)
{
	int fd = nl_open();
	unsigned int index = find(fd, name);

	/* The rest of the dump is not for us. */
	close(fd);
	clear(req);
	put(req, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	return nl_open();
}

static void del(const char *name)
{
	struct request req;
	int fd = about(&req, name);

	ask(fd, &req, RDMA_NLDEV_CMD_DELLINK, NLM_F_ACK);
}

static void rename_to(const char *name, const char *new)
{
	struct request req;
	int fd = about(&req, name);

	put_text(&req, RDMA_NLDEV_ATTR_DEV_NAME, new);
	ask(fd, &req, RDMA_NLDEV_CMD_SET, NLM_F_ACK);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "add")) {
		add(nl_open(), argv[2], argv[3]);
	} else if (argc == 3 && !strcmp(argv[1], "del")) {
		del(argv[2]);
	} else if (argc == 4 && !strcmp(argv[1], "rename")) {
		rename_to(argv[2], argv[3]);
	} else {
		fprintf(stderr, "usage: rdma_link add NAME NETDEV | del NAME | rename NAME NEW\n");
		return 2;
	}
	return 0;
}
