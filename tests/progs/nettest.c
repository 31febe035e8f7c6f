// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic whose content is checked byte for byte, for both ends of a network test.
 *
 *	nettest serve PORT [IFACE]		TCP and UDP, IPv4 and IPv6; with IFACE it also
 *						counts what passes on that wire
 *	nettest send|recv HOST PORT BYTES [STREAMS]
 *						the receiving end verifies
 *	nettest udp HOST PORT COUNT SIZE [SEGMENT]
 *						datagrams to be echoed; with SEGMENT each is sent
 *						as many of that size (UDP_SEGMENT)
 *	nettest flood HOST PORT STREAMS [SIZE]	until SIGTERM; TCP, or UDP of SIZE; reconnects
 *	nettest pour HOST PORT SIZE		datagrams that nobody has to answer, as fast as they
 *						are taken, until SIGTERM
 *	nettest ask HOST PORT WORD...		wire: what was counted since the last question;
 *						inject DST VLAN|- COUNT SIZE: frames onto IFACE;
 *						vlan N: have IFACE.N with address 10.77.N.1
 *	nettest hear IFACE LISTEN HOST PORT DST VLAN|- COUNT SIZE
 *						has frames injected and counts those that arrive;
 *						LISTEN: plain, promisc, allmulti, or a MAC address
 *
 * Content is a pseudo-random stream of a seed that the client chooses. Every command but
 * serve, flood and pour gives up after NETTEST_DEADLINE seconds (60).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prog.h"

#define CHUNK		65536
#define LINE		256
#define MAX_STREAMS	64
#define MAX_FRAME	65550
#define ECHO_CHUNK	16384
#define TEST_TYPE	0x88b5	/* for local experiments */
#define NO_VLAN		(-1)
#define FLOOD_WAIT_S	60	/* TCP itself waits long after a long pause */
#define SERVE_WAIT_S	300

#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif

static uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

static void too_late(int sig)
{
	static const char said[] = "nettest: not done by the deadline\n";

	(void)sig;
	if (write(2, said, sizeof(said) - 1) < 0)
		_exit(4);
	_exit(3);
}

static void deadline(void)
{
	const char *text = getenv("NETTEST_DEADLINE");

	signal(SIGALRM, too_late);
	alarm(text ? number(text, 1, 3600) : 300);
}

/* --- content --- */

/* splitmix64: any word of the stream can be had by its place. */
static uint64_t word(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Chunk number @chunk of a stream, or what of it is wanted. */
static void fill(unsigned char *buf, size_t len, uint64_t seed, uint64_t chunk)
{
	uint64_t index = chunk * (CHUNK / 8);
	size_t at;

	for (at = 0; at < len; at += 8) {
		uint64_t w = word(seed, index++);

		memcpy(buf + at, &w, len - at < 8 ? len - at : 8);
	}
}

/* Offset of the first wrong byte, or -1. */
static long differs(const unsigned char *buf, size_t len, uint64_t seed, uint64_t chunk)
{
	unsigned char want[CHUNK];
	size_t at;

	fill(want, len, seed, chunk);
	if (!memcmp(buf, want, len))
		return -1;
	for (at = 0; buf[at] == want[at]; at++)
		;
	return at;
}

static uint64_t new_seed(void)
{
	return now_ms() << 20 ^ (uint64_t)getpid() << 8;
}

/* --- sockets --- */

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

static int read_all(int fd, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = recv(fd, p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (!n)
			errno = ECONNRESET;
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

/* One line without its end; it comes alone, so byte by byte is good enough. */
static int read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n < size - 1) {
		if (read_all(fd, line + n, 1))
			return -1;
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = 0;
	return 0;
}

static int try_connect(const char *host, const char *port, int type)
{
	struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *ai;
	int fd, one = 1;

	if (getaddrinfo(host, port, &hints, &ai)) {
		fprintf(stderr, "nettest: '%s' is not an address\n", host);
		exit(2);
	}
	fd = socket(ai->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	if (fd >= 0 && type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int connect_to(const char *host, const char *port, int type)
{
	int fd = try_connect(host, port, type);

	if (fd < 0)
		die("cannot connect");
	return fd;
}

static void set_timeout(int fd, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/* --- a stream --- */

static int send_stream(int fd, uint64_t seed, uint64_t bytes)
{
	unsigned char buf[CHUNK];
	uint64_t chunk;

	for (chunk = 0; bytes; chunk++) {
		size_t len = bytes < CHUNK ? bytes : CHUNK;

		fill(buf, len, seed, chunk);
		if (write_all(fd, buf, len))
			return -1;
		bytes -= len;
	}
	return 0;
}

/* Returns 0, -1 when the connection fails; *bad is the offset of a wrong byte, or -1. */
static int recv_stream(int fd, uint64_t seed, uint64_t bytes, int64_t *bad)
{
	unsigned char buf[CHUNK];
	uint64_t chunk;

	*bad = -1;
	for (chunk = 0; bytes; chunk++) {
		size_t len = bytes < CHUNK ? bytes : CHUNK;
		long at;

		if (read_all(fd, buf, len))
			return -1;
		at = differs(buf, len, seed, chunk);
		if (at >= 0 && *bad < 0)
			*bad = chunk * CHUNK + at;
		bytes -= len;
	}
	return 0;
}

/* --- the wire --- */

struct wire {
	uint64_t in_frames, in_max, in_gso4, in_gso6, in_gso_udp, in_csum, in_vlan;
	uint64_t out_frames, out_max, out_gso, out_csum;
	unsigned char src[6];
};

static struct wire *wire;
static const char *wire_iface;

static int packet_socket(const char *iface)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd, one = 1, room = 8 << 20;

	addr.sll_ifindex = if_nametoindex(iface);
	if (!addr.sll_ifindex)
		die(iface);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)))
		die("packet socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("packet socket");
	return fd;
}

struct frame {
	struct virtio_net_hdr hdr;
	unsigned char data[64];
	size_t len;		/* on the wire */
	int vlan;
	int type;		/* of the packet socket: PACKET_OUTGOING... */
	int proto;
};

static int read_frame(int fd, struct frame *f)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct sockaddr_ll from;
	struct iovec iov[] = { { &f->hdr, sizeof(f->hdr) }, { f->data, sizeof(f->data) } };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = iov, .msg_iovlen = 2,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;

	n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_TRUNC);
	if (n < (ssize_t)sizeof(f->hdr) + ETH_HLEN)
		return -1;
	f->len = n - sizeof(f->hdr);
	f->type = from.sll_pkttype;
	f->vlan = NO_VLAN;
	f->proto = f->data[12] << 8 | f->data[13];
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			f->vlan = aux.tp_vlan_tci & 0xfff;
	}
	if (f->proto == ETHERTYPE_VLAN) {
		f->vlan = (f->data[14] << 8 | f->data[15]) & 0xfff;
		f->proto = f->data[16] << 8 | f->data[17];
	}
	return 0;
}

static void count_frame(const struct frame *f)
{
	int gso = f->hdr.gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	int csum = !!(f->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);

	if (f->type == PACKET_OUTGOING) {
		wire->out_frames++;
		wire->out_gso += !!gso;
		wire->out_csum += csum;
		if (f->len > wire->out_max)
			wire->out_max = f->len;
		return;
	}
	wire->in_frames++;
	wire->in_gso4 += gso == VIRTIO_NET_HDR_GSO_TCPV4;
	wire->in_gso6 += gso == VIRTIO_NET_HDR_GSO_TCPV6;
	wire->in_gso_udp += gso != 0 && gso != VIRTIO_NET_HDR_GSO_TCPV4 &&
			    gso != VIRTIO_NET_HDR_GSO_TCPV6;
	wire->in_csum += csum;
	wire->in_vlan += f->vlan != NO_VLAN;
	if (f->len > wire->in_max)
		wire->in_max = f->len;
	memcpy(wire->src, f->data + 6, 6);
}

static void answer_wire(int fd)
{
	struct wire w;
	const struct {
		const char *name;
		const uint64_t *value;
	} counts[] = {
		{ "in_frames", &w.in_frames }, { "in_max", &w.in_max },
		{ "in_gso4", &w.in_gso4 }, { "in_gso6", &w.in_gso6 },
		{ "in_gso_udp", &w.in_gso_udp }, { "in_csum", &w.in_csum },
		{ "in_vlan", &w.in_vlan }, { "out_frames", &w.out_frames },
		{ "out_max", &w.out_max }, { "out_gso", &w.out_gso },
		{ "out_csum", &w.out_csum },
	};
	char line[2 * LINE];
	unsigned int i;
	int n;

	/* What was sent just now is in the main process's socket yet. */
	usleep(100000);
	w = *wire;
	memset(wire, 0, sizeof(*wire));
	n = snprintf(line, sizeof(line), "src=%02x:%02x:%02x:%02x:%02x:%02x\n", w.src[0], w.src[1],
		     w.src[2], w.src[3], w.src[4], w.src[5]);
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		n += snprintf(line + n, sizeof(line) - n, "%s=%llu\n", counts[i].name,
			      (unsigned long long)*counts[i].value);
	write_all(fd, line, n);
}

static int parse_mac(const char *text, unsigned char *mac)
{
	char more;

	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%c", mac, mac + 1, mac + 2, mac + 3,
		      mac + 4, mac + 5, &more) == 6 ? 0 : -1;
}

/* "DST VLAN|- COUNT SIZE" */
static int inject(const char *what)
{
	static unsigned char frame[sizeof(struct virtio_net_hdr) + MAX_FRAME];
	unsigned char *eth = frame + sizeof(struct virtio_net_hdr), *p = eth + 12;
	static const unsigned char src[] = { 0x52, 0x54, 0, 0xc7, 0, 0x77 };
	char mac[32], vlan[16];
	int count, size, fd, i;

	if (!wire_iface || sscanf(what, "%31s %15s %d %d", mac, vlan, &count, &size) != 4 ||
	    size < 60 || size > MAX_FRAME || parse_mac(mac, eth))
		return -1;
	memcpy(eth + 6, src, 6);
	if (strcmp(vlan, "-")) {
		*p++ = 0x81;
		*p++ = 0;
		*p++ = atoi(vlan) >> 8;
		*p++ = atoi(vlan);
	}
	*p++ = TEST_TYPE >> 8;
	*p++ = TEST_TYPE & 0xff;
	fd = packet_socket(wire_iface);
	for (i = 0; i < count; i++)
		if (write(fd, frame, sizeof(struct virtio_net_hdr) + size) < 0)
			break;
	close(fd);
	return i == count ? 0 : -1;
}

/* VLAN N of the wire: interface IFACE.N with address 10.77.N.1/24, as root can make it. */
static int make_vlan(int id)
{
	char text[16];

	if (!wire_iface || id < 1 || id > 254)
		return -1;
	signal(SIGCHLD, SIG_DFL);
	snprintf(text, sizeof(text), "%d", id);
	setenv("N", text, 1);
	setenv("I", wire_iface, 1);
	return system("ip link show $I.$N || ip link add link $I name $I.$N type vlan id $N") ||
	       system("ip addr replace 10.77.$N.1/24 dev $I.$N && ip link set $I.$N up");
}

/* --- the server --- */

static void serve_echo(int fd)
{
	char buf[CHUNK];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		if (write_all(fd, buf, n))
			return;
}

static void serve_connection(int fd)
{
	unsigned long long seed, bytes;
	char line[LINE], answer[LINE];
	int64_t bad;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	set_timeout(fd, SERVE_WAIT_S * 1000);
	if (read_line(fd, line, sizeof(line)))
		return;
	if (sscanf(line, "recv %llu %llu", &seed, &bytes) == 2) {
		send_stream(fd, seed, bytes);
		/* The end of the connection says that all has arrived. */
		read_line(fd, line, sizeof(line));
	} else if (sscanf(line, "send %llu %llu", &seed, &bytes) == 2) {
		if (recv_stream(fd, seed, bytes, &bad))
			return;
		snprintf(answer, sizeof(answer), bad < 0 ? "ok\n" : "bad %lld\n", (long long)bad);
		write_all(fd, answer, strlen(answer));
	} else if (!strcmp(line, "echo")) {
		serve_echo(fd);
	} else if (!strcmp(line, "wire") && wire_iface) {
		answer_wire(fd);
	} else if ((!strncmp(line, "inject ", 7) && !inject(line + 7)) ||
		   (!strncmp(line, "vlan ", 5) && !make_vlan(atoi(line + 5)))) {
		write_all(fd, "ok\n", 3);
	} else {
		write_all(fd, "refused\n", 8);
	}
}

static int bound(int type, const char *port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT };
	int fd, off = 0, on = 1, room = 4 << 20;

	addr.sin6_port = htons(number(port, 1, 65535));
	fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("bind");
	return fd;
}

static void echo_datagram(int fd)
{
	static char buf[CHUNK];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n;

	n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	if (n >= 0)
		sendto(fd, buf, n, 0, (struct sockaddr *)&from, len);
}

static void accept_one(int fd, pid_t server)
{
	int conn = accept(fd, NULL, NULL);

	if (conn >= 0 && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == server)
			serve_connection(conn);
		_exit(0);
	}
	close(conn);
}

static void serve(const char *port, const char *iface)
{
	struct pollfd fds[3] = { { .events = POLLIN }, { .events = POLLIN }, { .events = POLLIN } };
	pid_t server = getpid();
	struct frame f;

	signal(SIGCHLD, SIG_IGN);
	fds[0].fd = bound(SOCK_STREAM, port);
	fds[1].fd = bound(SOCK_DGRAM, port);
	fds[2].fd = iface ? packet_socket(iface) : -1;
	wire_iface = iface;
	if (listen(fds[0].fd, 128))
		die("listen");
	for (;;) {
		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[0].revents)
			accept_one(fds[0].fd, server);
		if (fds[1].revents)
			echo_datagram(fds[1].fd);
		if (fds[2].revents)
			while (!read_frame(fds[2].fd, &f))
				count_frame(&f);
	}
}

/* --- the clients --- */

static int one_stream(int sending, const char *host, const char *port, uint64_t bytes)
{
	uint64_t seed = new_seed();
	char line[LINE];
	int64_t bad;
	int fd;

	fd = connect_to(host, port, SOCK_STREAM);
	snprintf(line, sizeof(line), "%s %llu %llu\n", sending ? "send" : "recv",
		 (unsigned long long)seed, (unsigned long long)bytes);
	if (write_all(fd, line, strlen(line)))
		die("send");
	if (sending) {
		if (send_stream(fd, seed, bytes) || read_line(fd, line, sizeof(line)))
			die("send");
		if (strcmp(line, "ok")) {
			fprintf(stderr, "nettest: the other side says: %s\n", line);
			return 1;
		}
		return 0;
	}
	if (recv_stream(fd, seed, bytes, &bad))
		die("recv");
	if (bad >= 0)
		fprintf(stderr, "nettest: wrong content at byte %lld\n", (long long)bad);
	return bad >= 0;
}

static int streams(int sending, const char *host, const char *port, uint64_t bytes, int n)
{
	uint64_t since = now_ms();
	int i, status, failed = 0;

	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			deadline();
			exit(one_stream(sending, host, port, bytes));
		}
	}
	while (wait(&status) > 0)
		failed += status != 0;
	printf("streams=%d failed=%d bytes=%llu ms=%llu\n", n, failed,
	       (unsigned long long)bytes * n, (unsigned long long)(now_ms() - since));
	return failed != 0;
}

/* Is it the answer to one that was given up?  Their seeds are the ones before. */
static int is_late(const unsigned char *got, size_t len, uint64_t seed)
{
	unsigned char old[8];
	int i;

	len = len < sizeof(old) ? len : sizeof(old);
	for (i = 1; i <= 4096; i++) {
		fill(old, len, seed - i, 0);
		if (!memcmp(got, old, len))
			return 1;
	}
	return 0;
}

/* A datagram that comes back in one or several parts: 0, 1 lost, 2 wrong. */
static int udp_round(int fd, size_t size, size_t segment, uint64_t seed)
{
	unsigned char buf[CHUNK], got[CHUNK];
	size_t have = 0;
	ssize_t n;

	fill(buf, size, seed, 0);
	if (send(fd, buf, size, 0) != (ssize_t)size)
		return 1;
	while (have < size || !size) {
		n = recv(fd, got + have, sizeof(got) - have, 0);
		if (n < 0)
			return 1;
		if ((size_t)n > size - have || memcmp(got + have, buf + have, n)) {
			if (is_late(got + have, n, seed))
				continue;
			return 2;
		}
		have += n;
		if (!segment)
			break;
	}
	return have == size ? 0 : 2;
}

static int udp(const char *host, const char *port, long count, long size, int segment)
{
	uint64_t seed = new_seed();
	long i, lost = 0, wrong = 0;
	int fd, room = 1 << 20;

	fd = connect_to(host, port, SOCK_DGRAM);
	set_timeout(fd, 10000);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (segment && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		die("UDP_SEGMENT");
	for (i = 0; i < count; i++) {
		int res = udp_round(fd, size, segment, seed + i);

		lost += res == 1;
		wrong += res == 2;
	}
	printf("sent=%ld lost=%ld wrong=%ld\n", count, lost, wrong);
	return lost || wrong;
}

/* --- load in the background --- */

struct flood {
	uint64_t rounds, connects, errors, lost, wrong, last, gap;
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void progress(struct flood *f)
{
	uint64_t now = now_ms();

	if (f->last && now - f->last > f->gap)
		f->gap = now - f->last;
	f->last = now;
	f->rounds++;
}

/* Rounds on one connection, until it fails. */
static void flood_tcp(struct flood *f, int fd)
{
	unsigned char buf[ECHO_CHUNK];
	uint64_t seed = new_seed(), chunk;

	set_timeout(fd, FLOOD_WAIT_S * 1000);
	if (write_all(fd, "echo\n", 5))
		return;
	for (chunk = 0;; chunk++) {
		fill(buf, sizeof(buf), seed, chunk);
		if (write_all(fd, buf, sizeof(buf)) || read_all(fd, buf, sizeof(buf)))
			return;
		f->wrong += differs(buf, sizeof(buf), seed, chunk) >= 0;
		progress(f);
	}
}

static void flood_udp(struct flood *f, int fd, size_t size)
{
	uint64_t seed = new_seed();

	set_timeout(fd, 200);
	for (;;) {
		int res = udp_round(fd, size, 0, seed++);

		if (!res) {
			progress(f);
			continue;
		}
		f->lost += res == 1;
		f->wrong += res == 2;
		/* Without an interface each attempt fails at once. */
		usleep(20000);
	}
}

static void pour(const char *host, const char *port, size_t size)
{
	unsigned char buf[65507] = { 0 };
	int fd = connect_to(host, port, SOCK_DGRAM);

	for (;;)
		if (send(fd, buf, size, 0) < 0)
			usleep(1000);
}

static void flood_one(struct flood *f, const char *host, const char *port, long size)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	/* In the background: what is tested meanwhile comes first. */
	if (nice(19) < 0)
		die("nice");
	for (;;) {
		int fd = try_connect(host, port, size ? SOCK_DGRAM : SOCK_STREAM);

		if (fd >= 0) {
			f->connects++;
			if (size)
				flood_udp(f, fd, size);
			else
				flood_tcp(f, fd);
			close(fd);
			fprintf(stderr, "nettest: flood: %s\n", strerror(errno));
		}
		f->errors++;
		usleep(50000);
	}
}

static int flood(const char *host, const char *port, int n, long size)
{
	struct flood *all, sum = { 0 };
	pid_t pids[MAX_STREAMS];
	int i, told = 0;

	all = mmap(NULL, n * sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		   0);
	if (all == MAP_FAILED)
		die("mmap");
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	for (i = 0; i < n; i++) {
		pids[i] = fork();
		if (!pids[i])
			flood_one(&all[i], host, port, size);
	}
	while (!stopped) {
		usleep(20000);
		for (i = 0; !told && i < n && all[i].rounds; i++)
			;
		if (!told && i == n)
			told = printf("flowing=1\n");
	}
	for (i = 0; i < n; i++) {
		uint64_t silent;

		/* What a living one writes meanwhile can be later than our own time. */
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		silent = all[i].last ? now_ms() - all[i].last : 0;
		sum.rounds += all[i].rounds;
		sum.connects += all[i].connects;
		sum.errors += all[i].errors;
		sum.lost += all[i].lost;
		sum.wrong += all[i].wrong;
		if (all[i].gap > sum.gap)
			sum.gap = all[i].gap;
		if (silent > sum.gap)
			sum.gap = silent;
	}
	printf("rounds=%llu\nconnects=%llu\nerrors=%llu\nlost=%llu\nwrong=%llu\ngap_ms=%llu\n",
	       (unsigned long long)sum.rounds, (unsigned long long)sum.connects,
	       (unsigned long long)sum.errors, (unsigned long long)sum.lost,
	       (unsigned long long)sum.wrong, (unsigned long long)sum.gap);
	return 0;
}

/* --- questions --- */

static int ask(const char *host, const char *port, const char *question, FILE *out)
{
	char line[LINE];
	ssize_t n;
	int fd;

	fd = connect_to(host, port, SOCK_STREAM);
	if (write_all(fd, question, strlen(question)) || write_all(fd, "\n", 1))
		die("ask");
	while ((n = recv(fd, line, sizeof(line) - 1, 0)) > 0) {
		line[n] = 0;
		if (!strcmp(line, "refused\n")) {
			fprintf(stderr, "nettest: the other side refused '%s'\n", question);
			return 1;
		}
		if (out)
			fputs(line, out);
	}
	close(fd);
	return 0;
}

static void join(int fd, const char *iface, const char *how)
{
	struct packet_mreq req = { .mr_ifindex = if_nametoindex(iface), .mr_alen = 6 };

	if (!strcmp(how, "plain"))
		return;
	if (!strcmp(how, "promisc")) {
		req.mr_type = PACKET_MR_PROMISC;
	} else if (!strcmp(how, "allmulti")) {
		req.mr_type = PACKET_MR_ALLMULTI;
	} else if (!parse_mac(how, req.mr_address)) {
		req.mr_type = req.mr_address[0] & 1 ? PACKET_MR_MULTICAST : PACKET_MR_UNICAST;
	} else {
		fprintf(stderr, "nettest: '%s' is no way to listen\n", how);
		exit(2);
	}
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &req, sizeof(req)))
		die("membership");
}

/* argv: IFACE LISTEN HOST PORT DST VLAN|- COUNT SIZE */
static int hear(char **argv)
{
	int vlan = strcmp(argv[5], "-") ? atoi(argv[5]) : NO_VLAN;
	unsigned char dst[6];
	char question[LINE];
	struct pollfd p = { .events = POLLIN };
	long heard = 0, want = number(argv[6], 1, 100000);
	struct frame f;

	if (parse_mac(argv[4], dst))
		die("not a MAC address");
	p.fd = packet_socket(argv[0]);
	join(p.fd, argv[0], argv[1]);
	/* Drivers tell the device in their own time. */
	usleep(300000);
	snprintf(question, sizeof(question), "inject %s %s %s %s", argv[4], argv[5], argv[6],
		 argv[7]);
	if (ask(argv[2], argv[3], question, NULL))
		return 1;
	while (heard < want && poll(&p, 1, 700) > 0)
		while (!read_frame(p.fd, &f))
			heard += f.proto == TEST_TYPE && f.type != PACKET_OUTGOING &&
				 f.vlan == vlan && !memcmp(f.data, dst, 6);
	printf("%ld\n", heard);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: nettest serve PORT [IFACE]\n"
		"       nettest send|recv HOST PORT BYTES [STREAMS]\n"
		"       nettest udp HOST PORT COUNT SIZE [SEGMENT]\n"
		"       nettest flood HOST PORT STREAMS [SIZE]\n"
		"       nettest pour HOST PORT SIZE\n"
		"       nettest ask HOST PORT WORD...\n"
		"       nettest hear IFACE LISTEN HOST PORT DST VLAN|- COUNT SIZE\n");
	return 2;
}

static int ask_words(int argc, char **argv)
{
	char question[LINE] = "";
	int i;

	for (i = 4; i < argc; i++) {
		strncat(question, argv[i], sizeof(question) - strlen(question) - 2);
		if (i < argc - 1)
			strcat(question, " ");
	}
	return ask(argv[2], argv[3], question, stdout);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	wire = mmap(NULL, sizeof(*wire), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	if (wire == MAP_FAILED)
		die("mmap");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "serve") && (argc == 3 || argc == 4))
		serve(argv[2], argv[3]);
	if (!strcmp(what, "flood") && (argc == 5 || argc == 6))
		return flood(argv[2], argv[3], number(argv[4], 1, MAX_STREAMS),
			     argc == 6 ? number(argv[5], 1, 65507) : 0);
	if (!strcmp(what, "pour") && argc == 5)
		pour(argv[2], argv[3], number(argv[4], 1, 65507));
	deadline();
	if ((!strcmp(what, "send") || !strcmp(what, "recv")) && (argc == 5 || argc == 6))
		return streams(what[0] == 's', argv[2], argv[3],
			       number(argv[4], 0, 1L << 40),
			       argc == 6 ? number(argv[5], 1, MAX_STREAMS) : 1);
	if (!strcmp(what, "udp") && (argc == 6 || argc == 7))
		return udp(argv[2], argv[3], number(argv[4], 1, 10000000),
			   number(argv[5], 0, 65507), argc == 7 ? number(argv[6], 1, 65507) : 0);
	if (!strcmp(what, "ask") && argc > 4)
		return ask_words(argc, argv);
	if (!strcmp(what, "hear") && argc == 10)
		return hear(argv + 2);
	return usage();
}
