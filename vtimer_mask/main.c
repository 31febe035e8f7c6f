// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual timer mask: on and off.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include <cvm/virtcca.h>

#include "vtm.h"

static DEFINE_MUTEX(vtm_lock);	/* protects the hooks and the flag */
static bool vtm_on;

static int vtm_switch_on(void)
{
	int err = vtm_tec_hook();

	if (err)
		return err;
	err = vtm_hook();
	if (err)
		vtm_tec_unhook();
	return err;
}

static void vtm_switch_off(void)
{
	vtm_unhook();
	vtm_tec_unhook();
}

/**
 * vtm_set() - switch the mask on or off
 * @on: which
 *
 * Context: process, may sleep; takes effect for each vCPU at its next entry, and is
 * in effect for all when it returns.
 * Return: 0, or an error of the hooks with nothing changed.
 */
int vtm_set(bool on)
{
	int err = 0;

	mutex_lock(&vtm_lock);
	if (on != vtm_on) {
		if (on)
			err = vtm_switch_on();
		else
			vtm_switch_off();
		if (!err)
			vtm_on = on;
	}
	mutex_unlock(&vtm_lock);
	return err;
}

/**
 * vtm_get() - is it on?
 *
 * Context: process, may sleep. Return: true when it is.
 */
bool vtm_get(void)
{
	bool on;

	mutex_lock(&vtm_lock);
	on = vtm_on;
	mutex_unlock(&vtm_lock);
	return on;
}

static int __init vtm_init(void)
{
	int err;

	err = vtm_hook_init();
	if (err)
		return err;
	err = vtm_set(true);
	if (err)
		return err;
	err = vtm_sysfs_init();
	if (err) {
		vtm_set(false);
		return err;
	}
	vtm_debugfs_init();
	pr_info("on, %s\n", cvm_virtcca_host() ? "virtCCA host" : "not a virtCCA host");
	return 0;
}
module_init(vtm_init);

static void __exit vtm_exit(void)
{
	vtm_debugfs_exit();
	vtm_sysfs_exit();
	vtm_set(false);
}
module_exit(vtm_exit);

MODULE_DESCRIPTION("Virtual timer mask: no second hardware interrupt for a tick that the guest has");
MODULE_LICENSE("GPL");
