// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: debugfs, see Documentation/vnetsim.rst.
 *
 *	vnetsim/create		words of key=value
 *	vnetsim/destroy		a name
 *	vnetsim/<name>/...	a device
 */
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vnetsim.h"

#define WORDS_MAX	1024

static struct dentry *top, *create_file, *destroy_file;

/**
 * vnetsim_get_words() - take what was written to a file
 * @from:  the user's memory
 * @count: bytes there
 *
 * Context: process.
 * Return: a string without white space at its ends, to be freed; or an ERR_PTR().
 */
char *vnetsim_get_words(const char __user *from, size_t count)
{
	char *words;

	if (!count || count > WORDS_MAX)
		return ERR_PTR(-EINVAL);
	words = memdup_user_nul(from, count);
	if (!IS_ERR(words))
		strim(words);
	return words;
}

/* --- files of a device --- */

static int device_show(struct seq_file *seq, void *v)
{
	struct vnetsim *sim = seq->private;

	seq_printf(seq, "%s\n", dev_name(&sim->vdev.dev));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(device);

static int peer_show(struct seq_file *seq, void *v)
{
	struct vnetsim *sim = seq->private;

	seq_printf(seq, "%s\n", sim->peer ? netdev_name(sim->peer) : "none");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(peer);

static int features_show(struct seq_file *seq, void *v)
{
	struct vnetsim *sim = seq->private;
	unsigned int bit;

	seq_puts(seq, "# feature bit offered negotiated\n");
	for (bit = 0; bit < 64; bit++) {
		const char *name = vnetsim_feature_name(bit);

		if (name)
			seq_printf(seq, "%s %u %d %d\n", name, bit,
				   !!(sim->offered & BIT_ULL(bit)), vnetsim_has(sim, bit));
	}
	return 0;
}

static int features_open(struct inode *inode, struct file *file)
{
	return single_open(file, features_show, inode->i_private);
}

/* +NAME and -NAME, for the next driver that probes or resets the device. */
static ssize_t features_write(struct file *file, const char __user *from, size_t count,
			      loff_t *pos)
{
	struct vnetsim *sim = ((struct seq_file *)file->private_data)->private;
	char *words = vnetsim_get_words(from, count), *rest = words, *word;
	u64 offered = sim->offered, bit;
	int err = 0;

	if (IS_ERR(words))
		return PTR_ERR(words);
	while (!err && (word = strsep(&rest, " \t\n"))) {
		bit = *word ? vnetsim_feature_parse(word + 1) : 0;
		if (!bit)
			err = -EINVAL;
		else if (*word == '+')
			offered |= bit;
		else if (*word == '-')
			offered &= ~bit;
		else
			err = -EINVAL;
	}
	kfree(words);
	if (err)
		return err;
	WRITE_ONCE(sim->offered, offered);
	return count;
}

static const struct file_operations features_fops = {
	.owner = THIS_MODULE,
	.open = features_open,
	.read = seq_read,
	.write = features_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int counters_show(struct seq_file *seq, void *v)
{
	struct vnetsim *sim = seq->private;
	unsigned int i;

	seq_puts(seq, "# queue ready kicks irqs packets bytes drops overruns needs_csum gso_packets max_packets max_usecs\n");
	for (i = 0; i < sim->nr_queues; i++) {
		const struct vnetsim_queue *q = &sim->queues[i];
		const struct vnetsim_stats *s = &q->stats;

		if (i == sim->nr_queues - 1)
			seq_puts(seq, "ctrl");
		else
			seq_printf(seq, "%s%u", i % 2 ? "tx" : "rx", i / 2);
		seq_printf(seq, " %d %lld %lld %llu %llu %llu %llu %llu %llu %u %u\n", q->ready,
			   atomic64_read(&q->kicks), atomic64_read(&q->irqs), s->packets,
			   s->bytes, s->drops, s->overruns, s->needs_csum, s->gso_packets,
			   q->max_packets, q->max_usecs);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int state_show(struct seq_file *seq, void *v)
{
	struct vnetsim *sim = seq->private;
	const struct vnetsim_state *state = &sim->state;
	const struct vnetsim_stats *ctrl = &sim->queues[sim->nr_queues - 1].stats;
	unsigned int i;

	seq_printf(seq, "status=%#x\n", sim->status);
	seq_printf(seq, "resets=%lld\n", atomic64_read(&sim->resets));
	seq_printf(seq, "commands=%llu\n", ctrl->commands);
	seq_printf(seq, "commands_ok=%llu\n", ctrl->commands_ok);
	seq_printf(seq, "commands_us=%llu\n", div_u64(sim->ctrl_busy, NSEC_PER_USEC));
	seq_printf(seq, "coal_twice=%llu\n", sim->coal_twice);
	seq_printf(seq, "announced=%llu\n", sim->announced);
	seq_printf(seq, "late=%llu\n", sim->late);
	seq_printf(seq, "stats_asked=%#llx\n", sim->stats_asked);
	seq_printf(seq, "pairs=%u\n", state->pairs);
	seq_printf(seq, "promisc=%d\n", state->promisc);
	seq_printf(seq, "allmulti=%d\n", state->allmulti);
	seq_printf(seq, "macs=%u\n", state->macs);
	seq_printf(seq, "mac=%pM\n", state->mac);
	seq_printf(seq, "vlans=%u\n", bitmap_weight(state->vlans, VLAN_N_VID));
	seq_printf(seq, "filtered=%llu\n", sim->queues[0].stats.filtered);
	seq_printf(seq, "offloads=%#llx\n", state->offloads);
	seq_printf(seq, "rss=%d\n", state->steer);
	seq_printf(seq, "hash_types=%#x\n", state->rss.types);
	seq_printf(seq, "tunnel_types=%#x\n", state->rss.tunnels);
	seq_printf(seq, "announce=%d\n", !!(le16_to_cpu((__force __le16)sim->config.net.status) &
					   VIRTIO_NET_S_ANNOUNCE));
	seq_puts(seq, "waiting=");
	for (i = 0; i < sim->max_pairs; i++)
		seq_printf(seq, "%s%u", i ? "," : "", skb_queue_len_lockless(&sim->workers[i].in));
	seq_putc(seq, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int violations_show(struct seq_file *seq, void *v)
{
	struct vnetsim *sim = seq->private;
	unsigned int i;

	for (i = 0; i < VNETSIM_VIOLATIONS; i++)
		seq_printf(seq, "%s %lld\n", vnetsim_violation_name(i),
			   atomic64_read(&sim->violations[i]));
	return 0;
}

static int violations_open(struct inode *inode, struct file *file)
{
	return single_open(file, violations_show, inode->i_private);
}

/* Writing anything starts the counts anew. */
static ssize_t violations_write(struct file *file, const char __user *from, size_t count,
				loff_t *pos)
{
	struct vnetsim *sim = ((struct seq_file *)file->private_data)->private;
	unsigned int i;

	for (i = 0; i < VNETSIM_VIOLATIONS; i++)
		atomic64_set(&sim->violations[i], 0);
	return count;
}

static const struct file_operations violations_fops = {
	.owner = THIS_MODULE,
	.open = violations_open,
	.read = seq_read,
	.write = violations_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* What happens to the device from outside. */
static ssize_t event_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct vnetsim *sim = file->private_data;
	char *words = vnetsim_get_words(from, count);
	int err = 0;

	if (IS_ERR(words))
		return PTR_ERR(words);
	if (!strcmp(words, "link up"))
		vnetsim_config_update(sim, VIRTIO_NET_S_LINK_UP, 0);
	else if (!strcmp(words, "link down"))
		vnetsim_config_update(sim, 0, VIRTIO_NET_S_LINK_UP);
	else if (!strcmp(words, "announce"))
		vnetsim_config_update(sim, VIRTIO_NET_S_ANNOUNCE, 0);
	else if (!strcmp(words, "needs_reset"))
		vnetsim_needs_reset(sim);
	else
		err = -EINVAL;
	kfree(words);
	return err ?: count;
}

static const struct file_operations event_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = event_write,
};

/* rx0, tx0, rx1...; NULL for any other name */
static struct vnetsim_queue *find_queue(struct vnetsim *sim, const char *name)
{
	char want[16];
	unsigned int i;

	for (i = 0; i < 2 * sim->max_pairs; i++) {
		snprintf(want, sizeof(want), "%s%u", i % 2 ? "tx" : "rx", i / 2);
		if (!strcmp(name, want))
			return &sim->queues[i];
	}
	return NULL;
}

/* A queue, and words of key=value: what it counts that never happens here. */
static ssize_t stats_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct vnetsim *sim = file->private_data;
	char *words = vnetsim_get_words(from, count), *rest = words, *word, *value;
	struct vnetsim_queue *q;
	int err = 0;
	u64 v;

	if (IS_ERR(words))
		return PTR_ERR(words);
	q = find_queue(sim, strsep(&rest, " "));
	if (!q)
		err = -EINVAL;
	while (!err && (word = strsep(&rest, " "))) {
		value = strchr(word, '=');
		if (value)
			*value++ = 0;
		err = value ? kstrtou64(value, 0, &v) : -EINVAL;
		if (!err)
			err = vnetsim_stats_tell(q, word, v);
	}
	kfree(words);
	return err ?: count;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = stats_write,
};

/**
 * vnetsim_debugfs_add() - the files of a device
 * @sim: the device
 *
 * Context: process.
 */
void vnetsim_debugfs_add(struct vnetsim *sim)
{
	struct dentry *dir = debugfs_create_dir(sim->name, top);

	sim->dir = dir;
	debugfs_create_file("device", 0400, dir, sim, &device_fops);
	debugfs_create_file("peer", 0400, dir, sim, &peer_fops);
	debugfs_create_file("features", 0600, dir, sim, &features_fops);
	debugfs_create_file("counters", 0400, dir, sim, &counters_fops);
	debugfs_create_file("state", 0400, dir, sim, &state_fops);
	debugfs_create_file("violations", 0600, dir, sim, &violations_fops);
	debugfs_create_file("event", 0200, dir, sim, &event_fops);
	debugfs_create_file("stats", 0200, dir, sim, &stats_fops);
	debugfs_create_file("inject", 0600, dir, sim, &vnetsim_inject_fops);
	debugfs_create_file("fuzz", 0600, dir, sim, &vnetsim_fuzz_fops);
	debugfs_create_file("config", 0200, dir, sim, &vnetsim_config_fops);
	debugfs_create_u32("latency_us", 0600, dir, &sim->latency_us);
	debugfs_create_u32("ctrl_wait_us", 0600, dir, &sim->ctrl_wait_us);
	debugfs_create_u32("ctrl_delay_ms", 0600, dir, &sim->ctrl_delay_ms);
	debugfs_create_u32("reset_delay_ms", 0600, dir, &sim->reset_delay_ms);
	debugfs_create_x32("ctrl_fail", 0600, dir, &sim->ctrl_fail);
}

/**
 * vnetsim_debugfs_del() - remove the files of a device
 * @sim: the device
 *
 * Context: process, may sleep until nobody is in them.
 */
void vnetsim_debugfs_del(struct vnetsim *sim)
{
	debugfs_remove(sim->dir);
}

/**
 * vnetsim_debugfs_init() - where devices are made
 *
 * Context: process.
 * Return: 0 or -errno.
 */
int vnetsim_debugfs_init(void)
{
	top = debugfs_create_dir("vnetsim", NULL);
	if (IS_ERR(top))
		return PTR_ERR(top);
	create_file = debugfs_create_file("create", 0200, top, NULL, &vnetsim_create_fops);
	destroy_file = debugfs_create_file("destroy", 0200, top, NULL, &vnetsim_destroy_fops);
	return 0;
}

/**
 * vnetsim_debugfs_close() - no more devices are made or unplugged here
 *
 * Context: process, may sleep until nobody is.
 */
void vnetsim_debugfs_close(void)
{
	debugfs_remove(create_file);
	debugfs_remove(destroy_file);
}

/**
 * vnetsim_debugfs_exit() - remove the rest, after the devices
 *
 * Context: process.
 */
void vnetsim_debugfs_exit(void)
{
	debugfs_remove(top);
}
