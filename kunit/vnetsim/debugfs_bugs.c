// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: files that make it do wrong: inject, fuzz, config.
 */
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "vnetsim.h"

static int inject_show(struct seq_file *seq, void *v)
{
	struct vnetsim *sim = seq->private;
	unsigned int i;

	seq_puts(seq, "# bug left hits\n");
	for (i = 0; i < VNETSIM_BUG_COUNT; i++)
		seq_printf(seq, "%s %d %lld\n", vnetsim_bug_names[i],
			   atomic_read(&sim->inject.bug[i].left),
			   atomic64_read(&sim->inject.bug[i].hits));
	return 0;
}

static int inject_open(struct inode *inode, struct file *file)
{
	return single_open(file, inject_show, inode->i_private);
}

static int parse_on(const char *word, unsigned int *on)
{
	if (!strcmp(word, "rx"))
		*on = VNETSIM_ON_RX;
	else if (!strcmp(word, "tx"))
		*on = VNETSIM_ON_TX;
	else if (!strcmp(word, "ctrl"))
		*on = VNETSIM_ON_CTRL;
	else
		return -EINVAL;
	return 0;
}

/* "none", or a bug with rx, tx or ctrl (all) and how often (1; negative: always). */
static ssize_t inject_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct vnetsim *sim = ((struct seq_file *)file->private_data)->private;
	unsigned int on = VNETSIM_ON_RX | VNETSIM_ON_TX | VNETSIM_ON_CTRL;
	char *words = vnetsim_get_words(from, count), *rest = words, *name, *word;
	int err = 0, times = 1;

	if (IS_ERR(words))
		return PTR_ERR(words);
	name = strsep(&rest, " ");
	while (!err && (word = strsep(&rest, " ")))
		if (parse_on(word, &on))
			err = kstrtoint(word, 0, &times);
	if (!err && !strcmp(name, "none"))
		vnetsim_inject_clear(sim);
	else if (!err)
		err = vnetsim_inject_arm(sim, name, on, times);
	kfree(words);
	return err ?: count;
}

const struct file_operations vnetsim_inject_fops = {
	.owner = THIS_MODULE,
	.open = inject_open,
	.read = seq_read,
	.write = inject_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static void dice_show(struct seq_file *seq, const char *who, const struct vnetsim_dice *dice)
{
	seq_printf(seq, "%s %llu %#x\n", who, dice->draws, dice->hash);
}

static int fuzz_show(struct seq_file *seq, void *v)
{
	struct vnetsim *sim = seq->private;
	unsigned int i;

	seq_printf(seq, "seed=%llu\nrate=%u\nrare=%u\nmutations=%lld\n", sim->inject.seed,
		   sim->inject.rate, sim->inject.rare, atomic64_read(&sim->inject.mutations));
	seq_puts(seq, "# who draws hash\n");
	dice_show(seq, "device", &sim->dice);
	dice_show(seq, "wire", &sim->wire_dice);
	for (i = 0; i < sim->nr_queues; i++) {
		char name[16];

		snprintf(name, sizeof(name), "queue%u", i);
		dice_show(seq, name, &sim->queues[i].dice);
	}
	return 0;
}

static int fuzz_open(struct inode *inode, struct file *file)
{
	return single_open(file, fuzz_show, inode->i_private);
}

/*
 * A seed, one of how many chances is taken, and one of how many of these again where it is
 * fatal; "0 0" ends it.
 */
static ssize_t fuzz_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct vnetsim *sim = ((struct seq_file *)file->private_data)->private;
	char *words = vnetsim_get_words(from, count);
	u32 rate, rare = VNETSIM_FUZZ_RARE;
	u64 seed;
	int n;

	if (IS_ERR(words))
		return PTR_ERR(words);
	n = sscanf(words, "%llu %u %u", &seed, &rate, &rare);
	kfree(words);
	/* Their product is one of 32 bits. */
	if (n < 2 || !rare || rate > U32_MAX / max_t(u32, rare, VNETSIM_FUZZ_PAUSE))
		return -EINVAL;
	if (rate)
		vnetsim_fuzz_start(sim, seed, rate, rare);
	else
		vnetsim_inject_clear(sim);
	return count;
}

const struct file_operations vnetsim_fuzz_fops = {
	.owner = THIS_MODULE,
	.open = fuzz_open,
	.read = seq_read,
	.write = fuzz_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* Fields of the configuration as they are, however little sense they make. */
static int set_field(struct vnetsim *sim, const char *key, u64 value)
{
	struct virtio_net_config *net = &sim->config.net;

	if (!strcmp(key, "mtu"))
		net->mtu = (__force __virtio16)cpu_to_le16(value);
	else if (!strcmp(key, "pairs"))
		net->max_virtqueue_pairs = (__force __virtio16)cpu_to_le16(value);
	else if (!strcmp(key, "speed"))
		net->speed = cpu_to_le32(value);
	else if (!strcmp(key, "duplex"))
		net->duplex = value;
	else if (!strcmp(key, "rss_key"))
		net->rss_max_key_size = value;
	else if (!strcmp(key, "rss_table"))
		net->rss_max_indirection_table_length = cpu_to_le16(value);
	else if (!strcmp(key, "hash_types"))
		net->supported_hash_types = cpu_to_le32(value);
	else if (!strcmp(key, "tunnel_types"))
		sim->config.supported_tunnel_types = cpu_to_le32(value);
	else
		return -EINVAL;
	return 0;
}

static ssize_t config_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct vnetsim *sim = file->private_data;
	char *words = vnetsim_get_words(from, count), *rest = words, *word, *value;
	int err = 0;
	u64 v;

	if (IS_ERR(words))
		return PTR_ERR(words);
	while (!err && (word = strsep(&rest, " \t\n"))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value) {
			err = -EINVAL;
			break;
		}
		*value++ = 0;
		if (!strcmp(word, "mac"))
			err = mac_pton(value, sim->config.net.mac) ? 0 : -EINVAL;
		else
			err = kstrtou64(value, 0, &v) ?: set_field(sim, word, v);
	}
	kfree(words);
	return err ?: count;
}

const struct file_operations vnetsim_config_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = config_write,
};
