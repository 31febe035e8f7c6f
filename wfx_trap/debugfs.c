// SPDX-License-Identifier: GPL-2.0
/*
 * Dynamic WFx trap: /sys/kernel/debug/wfx_trap/vcpus.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "wfxt.h"

static struct dentry *wfxt_debugfs_dir;

static int vcpus_show(struct seq_file *m, void *v)
{
	seq_puts(m, "# pid vcpu entries wfi wfe guarded wfi_exits wfe_exits\n");
	wfxt_vcpus_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcpus);

/**
 * wfxt_debugfs_init() - create the file of counters
 *
 * Context: process. Failures are not errors, as debugfs wants it.
 */
void wfxt_debugfs_init(void)
{
	wfxt_debugfs_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("vcpus", 0444, wfxt_debugfs_dir, NULL, &vcpus_fops);
}

/**
 * wfxt_debugfs_exit() - remove it and wait for its readers
 *
 * Context: process, may sleep.
 */
void wfxt_debugfs_exit(void)
{
	debugfs_remove(wfxt_debugfs_dir);
}
