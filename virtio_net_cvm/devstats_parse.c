// SPDX-License-Identifier: GPL-2.0
/*
 * Device statistics: what each type holds, and replies taken apart: pure.
 *
 * A reply is a private copy. Nothing in it is used as an index or for an allocation.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "compat/unaligned.h"
#include "cvm/kunit.h"

#include "devstats.h"

/* In front of each record: type, a reserved byte, queue, two reserved bytes, length. */
#define HDR_LEN		8
#define HDR_TYPE	0
#define HDR_QUEUE	2
#define HDR_SIZE	6

/**
 * struct stats_type - a type of statistics
 * @type:  its number, in requests and in replies
 * @first: place of its first counter among those of the queue
 * @count: how many counters it has
 */
struct stats_type {
	u8 type;
	u8 first;
	u8 count;
};

/**
 * struct stats_kind - types that a kind of queue has
 * @types: the types
 * @count: how many there are
 */
struct stats_kind {
	const struct stats_type *types;
	unsigned int count;
};

static const struct stats_type rx_types[] = {
	{ 0, 0, 6 },			/* basic */
	{ 1, 6, 4 },			/* checksums */
	{ 2, 10, 4 },			/* merged packets */
	{ 3, 14, 2 },			/* speed */
};

static const struct stats_type tx_types[] = {
	{ 16, 0, 6 },
	{ 17, 6, 2 },
	{ 18, 8, 6 },
	{ 19, 14, 2 },
};

static const struct stats_type ctrl_types[] = {
	{ 32, 0, 2 },
};

static const struct stats_kind kinds[CVMNET_DEVSTATS_KINDS] = {
	[CVMNET_DEVSTATS_KIND_RX] = { rx_types, ARRAY_SIZE(rx_types) },
	[CVMNET_DEVSTATS_KIND_TX] = { tx_types, ARRAY_SIZE(tx_types) },
	[CVMNET_DEVSTATS_KIND_CTRL] = { ctrl_types, ARRAY_SIZE(ctrl_types) },
};

/* With the queue's name before them they must fit into ETH_GSTRING_LEN. */
const char * const cvmnet_devstats_rx_names[CVMNET_DEVSTATS_RX] = {
	"notifications", "packets", "bytes", "interrupts", "drops", "drop_overruns",
	"csum_valid", "needs_csum", "csum_none", "csum_bad",
	"gso_packets", "gso_bytes", "gso_packets_coal", "gso_bytes_coal",
	"ratelimit_packets", "ratelimit_bytes",
};
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_devstats_rx_names);

const char * const cvmnet_devstats_tx_names[CVMNET_DEVSTATS_TX] = {
	"notifications", "packets", "bytes", "interrupts", "drops", "drop_malformed",
	"csum_none", "needs_csum",
	"gso_packets", "gso_bytes", "gso_segments", "gso_segments_bytes",
	"gso_packets_noseg", "gso_bytes_noseg",
	"ratelimit_packets", "ratelimit_bytes",
};
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_devstats_tx_names);

const char * const cvmnet_devstats_ctrl_names[CVMNET_DEVSTATS_CTRL] = {
	"commands", "commands_ok",
};
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_devstats_ctrl_names);

/**
 * cvmnet_devstats_known() - types of a kind of queue
 * @kind: the kind
 *
 * Context: any.
 * Return: their bits.
 */
u64 cvmnet_devstats_known(enum cvmnet_devstats_kind kind)
{
	u64 bits = 0;
	unsigned int i;

	for (i = 0; i < kinds[kind].count; i++)
		bits |= BIT_ULL(kinds[kind].types[i].type);
	return bits;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_devstats_known);

static const struct stats_type *find_type(enum cvmnet_devstats_kind kind, u8 type)
{
	unsigned int i;

	for (i = 0; i < kinds[kind].count; i++)
		if (kinds[kind].types[i].type == type)
			return &kinds[kind].types[i];
	return NULL;
}

/**
 * cvmnet_devstats_parse() - take the counters of a queue out of a reply
 * @reply:    the reply, a private copy
 * @len:      its length
 * @vq_index: the queue that was asked for
 * @kind:     its kind
 * @values:   its counters; those that the reply does not have are left alone
 *
 * Records of other queues and of unknown types are skipped. One that is shorter than
 * its type gives what it has, and one that is longer comes from a device that counts
 * more. A length that makes no sense ends the reply.
 *
 * Context: any.
 * Return: how many counters were set.
 */
unsigned int cvmnet_devstats_parse(const void *reply, size_t len, u16 vq_index,
				   enum cvmnet_devstats_kind kind, u64 *values)
{
	const u8 *p = reply;
	unsigned int set = 0;

	while (len >= HDR_LEN) {
		u16 size = get_unaligned_le16(p + HDR_SIZE);
		const struct stats_type *t = find_type(kind, p[HDR_TYPE]);
		unsigned int i, n;

		if (size < HDR_LEN || size > len)
			break;
		if (t && get_unaligned_le16(p + HDR_QUEUE) == vq_index) {
			n = min_t(unsigned int, t->count, (size - HDR_LEN) / sizeof(__le64));
			for (i = 0; i < n; i++)
				values[t->first + i] =
					get_unaligned_le64(p + HDR_LEN + i * sizeof(__le64));
			set += n;
		}
		p += size;
		len -= size;
	}
	return set;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_devstats_parse);
