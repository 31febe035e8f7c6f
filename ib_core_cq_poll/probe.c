// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: tracepoints of the RDMA core, which tell when CQs come and go. They
 * are not exported, but every module's can be looked up.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "cqpoll.h"

static struct cqpoll_probe {
	const char *name;
	void *fn;
	struct tracepoint *tp;
} cqpoll_probes[] = {
	{ "cq_free", cqpoll_cq_probe_free },
	{ "cq_alloc", cqpoll_cq_probe_alloc },
};

static void cqpoll_probe_match(struct tracepoint *tp, void *data)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cqpoll_probes); i++)
		if (!strcmp(tp->name, cqpoll_probes[i].name))
			cqpoll_probes[i].tp = tp;
}

/* Called for each module that is loaded already, too. */
static int cqpoll_probe_module(struct notifier_block *nb, unsigned long action, void *data)
{
	struct tp_module *tp_mod = data;
	struct module *mod = tp_mod->mod;
	unsigned int i;

	if (action == MODULE_STATE_COMING && !strcmp(mod->name, "ib_core"))
		for (i = 0; i < mod->num_tracepoints; i++)
			cqpoll_probe_match(tracepoint_ptr_deref(&mod->tracepoints_ptrs[i]), NULL);
	return NOTIFY_OK;
}

/**
 * cqpoll_probes_find() - look the tracepoints up
 *
 * Context: process, may sleep. The RDMA core can't go, because we use its symbols.
 * Return: 0, or -EOPNOTSUPP when this kernel's RDMA core lacks one.
 */
int cqpoll_probes_find(void)
{
	struct notifier_block nb = { .notifier_call = cqpoll_probe_module };
	unsigned int i;
	int err;

	for_each_kernel_tracepoint(cqpoll_probe_match, NULL);
	err = register_tracepoint_module_notifier(&nb);
	if (err)
		return err;
	unregister_tracepoint_module_notifier(&nb);
	for (i = 0; i < ARRAY_SIZE(cqpoll_probes); i++) {
		if (!cqpoll_probes[i].tp) {
			pr_err("the RDMA core has no tracepoint %s\n", cqpoll_probes[i].name);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static void cqpoll_probes_remove(unsigned int n)
{
	while (n--)
		tracepoint_probe_unregister(cqpoll_probes[n].tp, cqpoll_probes[n].fn, NULL);
	tracepoint_synchronize_unregister();
}

/**
 * cqpoll_probes_register() - hear of CQs that come and go
 *
 * Context: process, may sleep; not with the CPU hotplug lock held.
 * Return: 0 or a tracepoint error.
 */
int cqpoll_probes_register(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cqpoll_probes); i++) {
		err = tracepoint_probe_register(cqpoll_probes[i].tp, cqpoll_probes[i].fn, NULL);
		if (err) {
			cqpoll_probes_remove(i);
			return err;
		}
	}
	return 0;
}

/**
 * cqpoll_probes_unregister() - hear of them no more
 *
 * Context: process, may sleep; not with the CPU hotplug lock held. No CQ is
 * taken over any more.
 */
void cqpoll_probes_unregister(void)
{
	cqpoll_probes_remove(ARRAY_SIZE(cqpoll_probes));
}
