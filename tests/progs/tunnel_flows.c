// SPDX-License-Identifier: GPL-2.0
/*
 * Frames of many flows inside one tunnel, whose outer headers are all the same.
 *
 *	tunnel_flows IFACE DSTMAC gre|vxlan|ipip|geneve FLOWS FRAMES SEED
 *
 * Sends FRAMES frames of each of FLOWS flows, in turns, a millisecond after every 32.
 * The flows of another SEED are other ones. Nobody answers to the addresses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAYLOAD		64
#define OUTER_PORT	40000

struct frame {
	unsigned char data[512];
	size_t len;
};

static void put(struct frame *f, const void *data, size_t len)
{
	memcpy(f->data + f->len, data, len);
	f->len += len;
}

static void put_ethernet(struct frame *f, const struct ether_addr *dst, uint16_t proto)
{
	struct ether_header eth = { .ether_type = htons(proto) };

	memcpy(eth.ether_dhost, dst, ETH_ALEN);
	memcpy(eth.ether_shost, "\x52\x54\x00\xc7\x00\x77", ETH_ALEN);
	put(f, &eth, sizeof(eth));
}

static void put_ip(struct frame *f, uint32_t from, uint32_t to, uint8_t proto, size_t len)
{
	struct iphdr ip = {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = proto,
		.tot_len = htons(sizeof(ip) + len), .saddr = htonl(from), .daddr = htonl(to),
	};
	const uint16_t *word = (void *)&ip;
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < sizeof(ip) / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip.check = ~(sum + (sum >> 16));
	put(f, &ip, sizeof(ip));
}

static void put_udp(struct frame *f, uint16_t from, uint16_t to, size_t len)
{
	struct udphdr udp = {
		.source = htons(from), .dest = htons(to), .len = htons(sizeof(udp) + len),
	};

	put(f, &udp, sizeof(udp));
}

static void put_flow(struct frame *f, unsigned int flow)
{
	static const unsigned char payload[PAYLOAD];

	put_ip(f, 0xc6120001 + flow / 16, 0xc6130001, IPPROTO_UDP,
	       sizeof(struct udphdr) + PAYLOAD);
	put_udp(f, 1024 + flow, 5001, PAYLOAD);
	put(f, payload, PAYLOAD);
}

/* The encapsulation, in front of what is inside. */
static int put_tunnel(struct frame *f, const char *type, const struct ether_addr *dst, size_t inner)
{
	static const unsigned char gre[4] = { 0, 0, 8, 0 };
	static const unsigned char vxlan[8] = { 8, 0, 0, 0, 0, 0, 7, 0 };
	static const unsigned char geneve[8] = { 0, 0, 8, 0, 0, 0, 7, 0 };
	const uint32_t from = 0xc0000201, to = 0xc0000202;

	if (!strcmp(type, "ipip")) {
		put_ip(f, from, to, IPPROTO_IPIP, inner);
	} else if (!strcmp(type, "gre")) {
		put_ip(f, from, to, IPPROTO_GRE, inner + sizeof(gre));
		put(f, gre, sizeof(gre));
	} else if (!strcmp(type, "vxlan")) {
		inner += sizeof(vxlan) + ETH_HLEN;
		put_ip(f, from, to, IPPROTO_UDP, inner + sizeof(struct udphdr));
		put_udp(f, OUTER_PORT, 4789, inner);
		put(f, vxlan, sizeof(vxlan));
		put_ethernet(f, dst, ETHERTYPE_IP);
	} else if (!strcmp(type, "geneve")) {
		inner += sizeof(geneve);
		put_ip(f, from, to, IPPROTO_UDP, inner + sizeof(struct udphdr));
		put_udp(f, OUTER_PORT, 6081, inner);
		put(f, geneve, sizeof(geneve));
	} else {
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const size_t inner = sizeof(struct iphdr) + sizeof(struct udphdr) + PAYLOAD;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = ETH_ALEN };
	unsigned int flows, frames, seed, i;
	struct ether_addr dst;
	int fd;

	if (argc != 7 || !ether_aton_r(argv[2], &dst))
		return 2;
	flows = atoi(argv[4]);
	frames = atoi(argv[5]);
	seed = atoi(argv[6]);
	to.sll_ifindex = if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	for (i = 0; i < flows * frames; i++) {
		struct frame f = {};

		put_ethernet(&f, &dst, ETHERTYPE_IP);
		if (put_tunnel(&f, argv[3], &dst, inner))
			return 2;
		put_flow(&f, seed * flows + i % flows);
		if (sendto(fd, f.data, f.len, 0, (void *)&to, sizeof(to)) < 0) {
			fprintf(stderr, "tunnel_flows: %s\n", strerror(errno));
			return 1;
		}
		if (i % 32 == 31)
			usleep(1000);
	}
	return 0;
}
