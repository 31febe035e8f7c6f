// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's memcpy() costs, page by page, in guest time: with --icount, instructions.
 * Measured when loaded; the result is the parameter ns_per_mib.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#define CVM_COPY_ROUNDS	16

static unsigned int ns_per_mib;
module_param(ns_per_mib, uint, 0444);
MODULE_PARM_DESC(ns_per_mib, "guest time of copying a MiB");

/* A constant length would become other code than what copies packets. */
static noinline u64 cvm_copy_once(void *to, const void *from, size_t piece)
{
	unsigned long flags;
	u64 begun, ended;
	size_t at;

	local_irq_save(flags);
	begun = ktime_get_raw_ns();
	for (at = 0; at < SZ_1M; at += piece) {
		memcpy(to + at, from + at, piece);
		/* The compiler must not see that nobody reads it. */
		barrier_data(to + at);
	}
	ended = ktime_get_raw_ns();
	local_irq_restore(flags);
	return ended - begun;
}

static int __init cvm_copy_init(void)
{
	void *from = kvzalloc(SZ_1M, GFP_KERNEL);
	void *to = kvzalloc(SZ_1M, GFP_KERNEL);
	size_t piece = PAGE_SIZE;
	u64 best = U64_MAX;
	unsigned int i;

	OPTIMIZER_HIDE_VAR(piece);
	if (from && to) {
		for (i = 0; i < CVM_COPY_ROUNDS; i++)
			best = min(best, cvm_copy_once(to, from, piece));
		ns_per_mib = best;
	}
	kvfree(to);
	kvfree(from);
	return ns_per_mib ? 0 : -ENOMEM;
}
module_init(cvm_copy_init);

static void __exit cvm_copy_exit(void)
{
}
module_exit(cvm_copy_exit);

MODULE_DESCRIPTION("Cost of memcpy() (test module)");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
