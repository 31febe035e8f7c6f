// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's NFS server and client need of user space, as little as will do:
 *
 *   nfs_peer serve                    answer as rpcbind (TCP port 111) and as mountd
 *                                     (UDP port 20048) until killed
 *   nfs_peer mount TYPE SRC DIR OPTS  mount without a helper of its own
 *
 * Everything that registers is welcome, and each NFSv3 mount gets the file handle of
 * the export with fsid 0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "prog.h"

#define RPCBIND_PORT	111
#define RPCBIND_PROG	100000
#define MOUNTD_PORT	20048
#define MOUNT_PROG	100005
#define MOUNT_MNT	1
#define CLIENTS		16

/* Words 0 to 5 of a call: xid, direction, RPC version, program, version, procedure. */
#define CALL_WORDS	6

/* Returns the number of words of the answer; calls are small. */
static size_t answer(const uint32_t *call, size_t words, uint32_t *reply)
{
	static const unsigned char root[8] = { 1, 0, 1, 0 };	/* fsid number 0, root */
	uint32_t prog, proc;
	size_t n = 0;

	if (words < CALL_WORDS || ntohl(call[1]))
		return 0;
	prog = ntohl(call[3]);
	proc = ntohl(call[5]);
	reply[n++] = call[0];
	reply[n++] = htonl(1);		/* a reply */
	reply[n++] = 0;			/* accepted */
	reply[n++] = 0;			/* no credentials */
	reply[n++] = 0;
	reply[n++] = 0;			/* success */
	if (prog == RPCBIND_PROG && proc) {
		reply[n++] = htonl(1);	/* true */
	} else if (prog == MOUNT_PROG && proc == MOUNT_MNT) {
		reply[n++] = 0;		/* OK */
		reply[n++] = htonl(sizeof(root));
		memcpy(&reply[n], root, sizeof(root));
		n += sizeof(root) / 4;
		reply[n++] = htonl(1);	/* one flavour: */
		reply[n++] = htonl(1);	/* AUTH_UNIX */
	}
	return n;
}

static int open_port(int type, uint32_t addr, int port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(addr),
	};
	int on = 1, fd = socket(AF_INET, type, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&sin, sizeof(sin)) || (type == SOCK_STREAM && listen(fd, 8)))
		die("port");
	return fd;
}

static void serve_udp(int fd)
{
	uint32_t call[512], reply[32];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t got;
	size_t n;

	got = recvfrom(fd, call, sizeof(call), 0, (void *)&from, &len);
	if (got <= 0)
		return;
	n = answer(call, got / 4, reply);
	if (n)
		sendto(fd, reply, n * 4, 0, (void *)&from, len);
}

static int read_all(int fd, void *data, size_t len)
{
	return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

/* One record; false when the other side is gone. */
static int serve_tcp(int fd)
{
	uint32_t mark, call[512], reply[33];
	size_t len, n;

	if (!read_all(fd, &mark, sizeof(mark)))
		return 0;
	len = ntohl(mark) & 0x7fffffff;
	if (len > sizeof(call) || !read_all(fd, call, len))
		return 0;
	n = answer(call, len / 4, reply + 1);
	if (!n)
		return 0;
	reply[0] = htonl(0x80000000 | n * 4);
	return send(fd, reply, (n + 1) * 4, MSG_NOSIGNAL) == (ssize_t)((n + 1) * 4);
}

static void serve(void)
{
	struct pollfd fds[2 + CLIENTS];
	int i, n = 2;

	fds[0].fd = open_port(SOCK_STREAM, INADDR_LOOPBACK, RPCBIND_PORT);
	fds[1].fd = open_port(SOCK_DGRAM, INADDR_ANY, MOUNTD_PORT);
	for (;;) {
		for (i = 0; i < n; i++)
			fds[i].events = POLLIN;
		if (poll(fds, n, -1) < 0)
			die("poll");
		if (fds[1].revents)
			serve_udp(fds[1].fd);
		for (i = n - 1; i >= 2; i--) {
			if (!fds[i].revents || serve_tcp(fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i] = fds[--n];
		}
		if (fds[0].revents && n < 2 + CLIENTS) {
			fds[n].fd = accept(fds[0].fd, NULL, NULL);
			if (fds[n].fd >= 0)
				n++;
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "serve"))
		serve();
	if (argc == 6 && !strcmp(argv[1], "mount")) {
		if (mount(argv[3], argv[4], argv[2], 0, argv[5]))
			die(argv[3]);
		return 0;
	}
	fprintf(stderr, "usage: nfs_peer serve | nfs_peer mount TYPE SRC DIR OPTS\n");
	return 2;
}
