// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough: probes on the kernel's tracepoints.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "probe.h"

struct ipipt_search {
	struct ipipt_probe *probes;
	unsigned int n;
};

static void ipipt_probe_match(struct tracepoint *tp, void *data)
{
	struct ipipt_search *search = data;
	unsigned int i;

	for (i = 0; i < search->n; i++)
		if (!strcmp(tp->name, search->probes[i].name))
			search->probes[i].tp = tp;
}

/**
 * ipipt_probes_find() - look up tracepoints by name
 * @probes: the table; .tp is filled in
 * @n:      its rows
 *
 * Context: process.
 * Return: 0, or -EOPNOTSUPP when the kernel lacks one of them.
 */
int ipipt_probes_find(struct ipipt_probe *probes, unsigned int n)
{
	struct ipipt_search search = { .probes = probes, .n = n };
	unsigned int i;

	for_each_kernel_tracepoint(ipipt_probe_match, &search);
	for (i = 0; i < n; i++) {
		if (!probes[i].tp) {
			pr_err("this kernel has no tracepoint %s\n", probes[i].name);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

/**
 * ipipt_probes_unregister() - take the probes back and wait for their callers
 * @probes: the table
 * @n:      rows that were registered
 *
 * Context: process, may sleep.
 */
void ipipt_probes_unregister(struct ipipt_probe *probes, unsigned int n)
{
	while (n--)
		tracepoint_probe_unregister(probes[n].tp, probes[n].fn, NULL);
	tracepoint_synchronize_unregister();
}

/**
 * ipipt_probes_register() - register all probes or none
 * @probes: the table, after ipipt_probes_find()
 * @n:      its rows
 *
 * Context: process, may sleep.
 * Return: 0 or a tracepoint error.
 */
int ipipt_probes_register(struct ipipt_probe *probes, unsigned int n)
{
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		err = tracepoint_probe_register(probes[i].tp, probes[i].fn, NULL);
		if (err) {
			ipipt_probes_unregister(probes, i);
			return err;
		}
	}
	return 0;
}
