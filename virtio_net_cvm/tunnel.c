// SPDX-License-Identifier: GPL-2.0
/*
 * Hashes of inner headers: types by name, and what the device is told.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>

#include "compat/virtio_net.h"
#include "cvm/kunit.h"

#include "cvmnet.h"
#include "cvq.h"
#include "tunnel.h"

static const char * const tunnel_names[CVMNET_TUNNEL_TYPES] = {
	"gre_2784", "gre_2890", "gre_7676", "gre_udp", "vxlan", "vxlan_gpe", "geneve",
	"ipip", "nvgre",
};

static int find_name(const char *name, size_t len)
{
	int i;

	for (i = 0; i < CVMNET_TUNNEL_TYPES; i++)
		if (strlen(tunnel_names[i]) == len && !strncmp(tunnel_names[i], name, len))
			return i;
	return -EINVAL;
}

/**
 * cvmnet_tunnel_parse() - types by their names
 * @text:  names with white space between them; "none" alone for none
 * @types: the result; untouched on errors
 *
 * Context: any.
 * Return: 0, or -EINVAL for a name that does not exist, or no name at all.
 */
int cvmnet_tunnel_parse(const char *text, u32 *types)
{
	unsigned int words = 0;
	bool none = false;
	u32 bits = 0;
	int i;

	for (text = skip_spaces(text); *text; text = skip_spaces(text)) {
		size_t len = strcspn(text, " \t\n");

		words++;
		if (len == 4 && !strncmp(text, "none", len)) {
			none = true;
		} else {
			i = find_name(text, len);
			if (i < 0)
				return i;
			bits |= BIT(i);
		}
		text += len;
	}
	if (!words || (none && words > 1))
		return -EINVAL;
	*types = bits;
	return 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_tunnel_parse);

/**
 * cvmnet_tunnel_format() - names of types
 * @enabled:   types that are shown in brackets
 * @supported: types that are shown
 * @buf:       receives a line
 * @size:      bytes there
 *
 * Context: any.
 * Return: bytes written.
 */
ssize_t cvmnet_tunnel_format(u32 enabled, u32 supported, char *buf, size_t size)
{
	ssize_t len = 0;
	int i;

	for (i = 0; i < CVMNET_TUNNEL_TYPES; i++) {
		bool on = enabled & BIT(i);

		if (!(supported & BIT(i)))
			continue;
		len += scnprintf(buf + len, size - len, "%s%s%s%s", len ? " " : "",
				 on ? "[" : "", tunnel_names[i], on ? "]" : "");
	}
	return len + scnprintf(buf + len, size - len, "\n");
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_tunnel_format);

/**
 * cvmnet_tunnel_set() - choose the encapsulations whose inner headers are hashed
 * @dev:   the device
 * @types: the types
 *
 * Context: rtnl; may sleep, at most 5 s.
 * Return: 0; -EOPNOTSUPP without the feature, or for a type that the device does not
 * have; or an error of cvmnet_batch_wait(), with nothing changed.
 */
int cvmnet_tunnel_set(struct cvmnet_dev *dev, u32 types)
{
	int err;

	ASSERT_RTNL();
	if (!cvmnet_has(dev, VIRTIO_NET_F_HASH_TUNNEL) || types & ~dev->cfg.tunnel_types)
		return -EOPNOTSUPP;
	err = cvmnet_cmd_hash_tunnel(dev, types);
	if (!err)
		dev->tunnel_types = types;
	return err;
}

/**
 * cvmnet_tunnel_restore() - hash inner headers again as before a reset
 * @dev: the device
 *
 * Context: rtnl; may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait(); none are hashed after a refusal.
 */
int cvmnet_tunnel_restore(struct cvmnet_dev *dev)
{
	int err;

	if (!dev->tunnel_types)
		return 0;
	err = cvmnet_cmd_hash_tunnel(dev, dev->tunnel_types);
	if (err == -EREMOTEIO)
		dev->tunnel_types = 0;
	return err;
}
