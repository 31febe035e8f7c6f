// SPDX-License-Identifier: GPL-2.0
/*
 * vnetsim: how a device is asked for: the files create and destroy.
 */
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vnetsim.h"

#define MTU_DEFAULT	1500

static int parse_features(char *list, u64 *bits)
{
	char *name;

	while ((name = strsep(&list, ","))) {
		u64 bit = vnetsim_feature_parse(name);

		if (!bit)
			return -EINVAL;
		*bits |= bit;
	}
	return 0;
}

static int parse_name(const char *value, char *name, size_t size)
{
	const char *p;

	for (p = value; *p; p++)
		if (!isalnum(*p) && *p != '-' && *p != '_')
			return -EINVAL;
	return p == value || strscpy(name, value, size) < 0 ? -EINVAL : 0;
}

static int parse_word(const char *key, char *value, struct vnetsim_params *params)
{
	if (!strcmp(key, "name"))
		return parse_name(value, params->name, sizeof(params->name));
	if (!strcmp(key, "cable"))
		return parse_name(value, params->cable, sizeof(params->cable));
	if (!strcmp(key, "pairs"))
		return kstrtouint(value, 0, &params->pairs);
	if (!strcmp(key, "ring"))
		return kstrtouint(value, 0, &params->ring);
	if (!strcmp(key, "mtu"))
		return kstrtouint(value, 0, &params->mtu);
	if (!strcmp(key, "window"))
		return kstrtouint(value, 0, &params->window);
	if (!strcmp(key, "packed"))
		return kstrtobool(value, &params->packed);
	if (!strcmp(key, "peer"))
		return kstrtobool(value, &params->peer);
	if (!strcmp(key, "mac"))
		return mac_pton(value, params->mac) ? 0 : -EINVAL;
	if (!strcmp(key, "off"))
		return parse_features(value, &params->off);
	if (!strcmp(key, "on"))
		return parse_features(value, &params->on);
	return -EINVAL;
}

static int parse_params(char *words, struct vnetsim_params *params)
{
	char *word, *value;
	int err;

	while ((word = strsep(&words, " \t\n"))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = 0;
		err = parse_word(word, value, params);
		if (err)
			return err;
	}
	if (!params->pairs || params->pairs > VNETSIM_PAIRS_MAX ||
	    params->ring > VNETSIM_RING_MAX ||
	    params->window > sizeof(struct vnetsim_config) ||
	    params->mtu < ETH_MIN_MTU || params->mtu > ETH_MAX_MTU)
		return -EINVAL;
	/* A cable has two ends. */
	if (*params->cable)
		params->peer = false;
	return 0;
}

static ssize_t create_write(struct file *file, const char __user *from, size_t count,
			    loff_t *pos)
{
	struct vnetsim_params params = {
		.pairs = 1, .ring = 256, .mtu = MTU_DEFAULT, .peer = true,
		.window = sizeof(struct vnetsim_config),
	};
	char *words = vnetsim_get_words(from, count);
	int err;

	if (IS_ERR(words))
		return PTR_ERR(words);
	err = parse_params(words, &params);
	if (!err)
		err = vnetsim_create(&params);
	kfree(words);
	return err ?: count;
}

const struct file_operations vnetsim_create_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = create_write,
};

static ssize_t destroy_write(struct file *file, const char __user *from, size_t count,
			     loff_t *pos)
{
	char *words = vnetsim_get_words(from, count);
	int err;

	if (IS_ERR(words))
		return PTR_ERR(words);
	err = vnetsim_destroy(words);
	kfree(words);
	return err ?: count;
}

const struct file_operations vnetsim_destroy_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = destroy_write,
};
