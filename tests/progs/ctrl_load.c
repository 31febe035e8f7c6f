// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a network driver send commands to its device, through the kernel's own doors.
 *
 *	ctrl_load IFACE vlans COUNT		make COUNT VLANs, one after the other
 *	ctrl_load IFACE unvlan			remove them all with one request
 *	ctrl_load IFACE promisc COUNT USECS	switch promiscuity COUNT times, every USECS
 *	ctrl_load IFACE coalesce COUNT USECS	change moderation COUNT times, every USECS
 *	ctrl_load IFACE read COUNT USECS	read moderation, twice each time: no command
 *
 * Prints the us of CPU that it took, as the scheduler counted them.
 */
#define _GNU_SOURCE
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "prog.h"

#define GROUP	77
#define FIRST	100	/* VLAN */

struct request {
	struct nlmsghdr hdr;
	struct ifinfomsg ifi;
	char attrs[256];
};

static struct rtattr *put(struct request *req, int type, const void *data, size_t len)
{
	struct rtattr *attr = (void *)((char *)req + NLMSG_ALIGN(req->hdr.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	req->hdr.nlmsg_len = NLMSG_ALIGN(req->hdr.nlmsg_len) + RTA_ALIGN(attr->rta_len);
	return attr;
}

static void close_nest(struct request *req, struct rtattr *nest)
{
	nest->rta_len = (char *)req + req->hdr.nlmsg_len - (char *)nest;
}

static void start(struct request *req, int type, int flags)
{
	memset(req, 0, sizeof(*req));
	req->hdr.nlmsg_len = NLMSG_LENGTH(sizeof(req->ifi));
	req->hdr.nlmsg_type = type;
	req->hdr.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
}

static void ask(struct request *req)
{
	struct {
		struct nlmsghdr hdr;
		struct nlmsgerr err;
		char more[512];
	} reply;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || send(fd, req, req->hdr.nlmsg_len, 0) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) < 0)
		die("netlink");
	close(fd);
	if (reply.hdr.nlmsg_type != NLMSG_ERROR || reply.err.error) {
		errno = -reply.err.error;
		die("refused");
	}
}

static void make_vlans(const char *iface, int count)
{
	uint32_t link = if_nametoindex(iface), group = GROUP;
	struct rtattr *info, *data;
	struct request req;
	uint16_t id;

	for (id = FIRST; id < FIRST + count; id++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "v%u", id);
		start(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
		put(&req, IFLA_IFNAME, name, strlen(name) + 1);
		put(&req, IFLA_LINK, &link, sizeof(link));
		put(&req, IFLA_GROUP, &group, sizeof(group));
		info = put(&req, IFLA_LINKINFO, NULL, 0);
		put(&req, IFLA_INFO_KIND, "vlan", 4);
		data = put(&req, IFLA_INFO_DATA, NULL, 0);
		put(&req, IFLA_VLAN_ID, &id, sizeof(id));
		close_nest(&req, data);
		close_nest(&req, info);
		ask(&req);
	}
}

static void remove_vlans(void)
{
	uint32_t group = GROUP;
	struct request req;

	start(&req, RTM_DELLINK, 0);
	put(&req, IFLA_GROUP, &group, sizeof(group));
	ask(&req);
}

static void promisc(int fd, struct ifreq *ifr)
{
	if (ioctl(fd, SIOCGIFFLAGS, ifr))
		die("flags");
	ifr->ifr_flags ^= IFF_PROMISC;
	if (ioctl(fd, SIOCSIFFLAGS, ifr))
		die("promiscuity");
}

static void read_moderation(int fd, struct ifreq *ifr, struct ethtool_coalesce *ec)
{
	ec->cmd = ETHTOOL_GCOALESCE;
	ifr->ifr_data = (void *)ec;
	if (ioctl(fd, SIOCETHTOOL, ifr))
		die("moderation");
}

static void coalesce(int fd, struct ifreq *ifr, int i)
{
	struct ethtool_coalesce ec = {};

	read_moderation(fd, ifr, &ec);
	ec.cmd = ETHTOOL_SCOALESCE;
	ec.rx_coalesce_usecs = 8 + i % 2;
	ec.rx_max_coalesced_frames = 8 + i % 2;
	ec.tx_coalesce_usecs = 8 + i % 2;
	ec.tx_max_coalesced_frames = 8 + i % 2;
	if (ioctl(fd, SIOCETHTOOL, ifr))
		die("new moderation");
}

static void wait_until(struct timespec *when, long usecs)
{
	when->tv_nsec += usecs % 1000000 * 1000;
	when->tv_sec += usecs / 1000000 + when->tv_nsec / 1000000000;
	when->tv_nsec %= 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL) == EINTR)
		;
}

static void print_cpu(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	printf("%lld\n", used.tv_sec * 1000000LL + used.tv_nsec / 1000);
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i, count;
	struct ethtool_coalesce ec = {};
	struct ifreq ifr = {};
	struct timespec when;
	long usecs;

	if (argc < 3 || fd < 0)
		return 2;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", argv[1]);
	atexit(print_cpu);
	if (!strcmp(argv[2], "unvlan")) {
		remove_vlans();
		return 0;
	}
	if (argc < 4)
		return 2;
	count = atoi(argv[3]);
	if (!strcmp(argv[2], "vlans")) {
		make_vlans(argv[1], count);
		return 0;
	}
	if (argc < 5)
		return 2;
	usecs = atol(argv[4]);
	clock_gettime(CLOCK_MONOTONIC, &when);
	for (i = 0; i < count; i++) {
		if (!strcmp(argv[2], "promisc"))
			promisc(fd, &ifr);
		else if (!strcmp(argv[2], "coalesce"))
			coalesce(fd, &ifr, i);
		else if (!strcmp(argv[2], "read"))
			for (int twice = 0; twice < 2; twice++)
				read_moderation(fd, &ifr, &ec);
		else
			exit(2);
		wait_until(&when, usecs);
	}
	return 0;
}
