/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Probes on tracepoints of the kernel that are not exported, found by name.
 */
#ifndef CVM_TRACEPOINT_H
#define CVM_TRACEPOINT_H

#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

/**
 * struct cvm_probe - a function to be called from a tracepoint
 * @name: the tracepoint
 * @fn:   what to call, with the tracepoint's prototype
 * @last: after everybody else's
 * @tp:   the tracepoint once it is found
 */
struct cvm_probe {
	const char *name;
	void *fn;
	bool last;
	struct tracepoint *tp;
};

/* A table of probes that is looked for. */
struct cvm_probe_search {
	struct cvm_probe *probes;
	unsigned int n;
};

static inline void cvm_probe_match(struct tracepoint *tp, void *data)
{
	struct cvm_probe_search *search = data;
	unsigned int i;

	for (i = 0; i < search->n; i++)
		if (!strcmp(tp->name, search->probes[i].name))
			search->probes[i].tp = tp;
}

/**
 * cvm_probes_find() - look up tracepoints by name
 * @probes: the table; .tp is filled in
 * @n:      its rows
 *
 * Context: process.
 * Return: 0, or -EOPNOTSUPP when the kernel lacks one of them.
 */
static inline int cvm_probes_find(struct cvm_probe *probes, unsigned int n)
{
	struct cvm_probe_search search = { .probes = probes, .n = n };
	unsigned int i;

	for_each_kernel_tracepoint(cvm_probe_match, &search);
	for (i = 0; i < n; i++) {
		if (!probes[i].tp) {
			pr_err("this kernel has no tracepoint %s\n", probes[i].name);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

/**
 * cvm_probes_unregister() - take probes back and wait for their callers
 * @probes: the table
 * @n:      rows that were registered
 *
 * Context: process, may sleep.
 */
static inline void cvm_probes_unregister(struct cvm_probe *probes, unsigned int n)
{
	while (n--)
		tracepoint_probe_unregister(probes[n].tp, probes[n].fn, NULL);
	tracepoint_synchronize_unregister();
}

/**
 * cvm_probes_register() - register all probes or none
 * @probes: the table, after cvm_probes_find()
 * @n:      its rows
 *
 * Context: process, may sleep.
 * Return: 0 or a tracepoint error.
 */
static inline int cvm_probes_register(struct cvm_probe *probes, unsigned int n)
{
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		err = tracepoint_probe_register_prio(probes[i].tp, probes[i].fn, NULL,
						     probes[i].last ? 0 : TRACEPOINT_DEFAULT_PRIO);
		if (err) {
			cvm_probes_unregister(probes, i);
			return err;
		}
	}
	return 0;
}

#endif /* CVM_TRACEPOINT_H */
