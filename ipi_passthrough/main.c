// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough: which CPUs poll, and the order in which things are
 * hooked and unhooked.
 *
 * On:  send hooks, idle hooks, then the CPUs' enabled flags.
 * Off: the reverse, and after each kind of hook stop_machine(): the idle task is
 * never preempted inside enter() and senders run with preemption off, so when
 * every CPU has run its stopper thread nobody is left in either.
 *
 * Locks: ipipt_config_lock, then the CPU hotplug lock, then what cpuidle takes.
 * The hotplug callbacks hold the hotplug lock for writing and therefore see
 * ipipt_active unchanging without the first.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/stop_machine.h>
#include <linux/suspend.h>

#include <compat/guest.h>

#include "ipipt.h"
#include "send.h"

DEFINE_PER_CPU_ALIGNED(struct ipipt_cpu, ipipt_cpu);

unsigned int ipipt_poll_limit_us;

static int ipipt_poll_limit_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint(val, kp);

	if (!err)
		ipipt_idle_retain_tick(!ipipt_poll_limit_us);
	return err;
}

static const struct kernel_param_ops ipipt_poll_limit_ops = {
	.set = ipipt_poll_limit_set,
	.get = param_get_uint,
};
module_param_cb(poll_limit_us, &ipipt_poll_limit_ops, &ipipt_poll_limit_us, 0644);
MODULE_PARM_DESC(poll_limit_us,
		 "idle natively after polling this long, in us (default 0: poll until kicked)");
module_param_named(rescue_us, ipipt_rescue_us, uint, 0644);
MODULE_PARM_DESC(rescue_us,
		 "send a hardware IPI when a kick is not consumed in this time, in us (default 10000, 0: never)");

static DEFINE_MUTEX(ipipt_config_lock);
static struct cpumask ipipt_wanted;	/* what the user wrote */
static struct cpumask ipipt_active;	/* what is in force: nothing during suspend */
static bool ipipt_suspended;		/* protected by ipipt_config_lock */
static enum cpuhp_state ipipt_cpuhp;

static int ipipt_nop(void *data)
{
	return 0;
}

/* Every CPU has left our idle code, and every sender our hook, if it was in it. */
static void ipipt_wait_for_all_cpus(void)
{
	stop_machine(ipipt_nop, NULL, cpu_online_mask);
}

static void ipipt_hooks_remove(void)
{
	unsigned int cpu;

	ipipt_idle_remove();
	ipipt_wait_for_all_cpus();
	ipipt_idle_forget();
	/* Every idle task was switched out meanwhile: no kick is undrained. */
	ipipt_arch_unhook();
	ipipt_wait_for_all_cpus();
	ipipt_rescue_stop();
	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu_ptr(&ipipt_cpu, cpu)->idle, NULL);
}

static int ipipt_hooks_install(void)
{
	int err;

	err = ipipt_arch_hook();
	if (err)
		return err;
	/* No CPU may poll while another one still runs past the guard unaware. */
	ipipt_wait_for_all_cpus();
	err = ipipt_idle_install();
	if (err) {
		ipipt_hooks_remove();
		return err;
	}
	pr_info_once("idle driver: %s; soft IPIs: %s\n", ipipt_idle_name(),
		     ipipt_arch_ipis());
	return 0;
}

static int ipipt_cpus_change(const struct cpumask *mask)
{
	unsigned int cpu, undo;
	int err;

	for_each_cpu(cpu, mask) {
		if (cpumask_test_cpu(cpu, &ipipt_active) || !cpu_online(cpu))
			continue;
		err = ipipt_idle_add_cpu(cpu);
		if (err)
			goto err_del_added;
	}

	/* Nothing can fail past this point. */
	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu_ptr(&ipipt_cpu, cpu)->enabled,
			   cpumask_test_cpu(cpu, mask));
	for_each_cpu(cpu, &ipipt_active)
		if (!cpumask_test_cpu(cpu, mask))
			ipipt_idle_del_cpu(cpu);
	cpumask_copy(&ipipt_active, mask);
	/* Those that halt shall poll, and the other way round, at once. */
	wake_up_all_idle_cpus();
	return 0;

err_del_added:
	for_each_cpu(undo, mask) {
		if (undo == cpu)
			break;
		if (!cpumask_test_cpu(undo, &ipipt_active))
			ipipt_idle_del_cpu(undo);
	}
	return err;
}

static int ipipt_apply(const struct cpumask *mask)
{
	bool was_on, on;
	int err;

	lockdep_assert_held(&ipipt_config_lock);

	was_on = !cpumask_empty(&ipipt_active);
	if (!was_on && !cpumask_empty(mask)) {
		err = ipipt_hooks_install();
		if (err)
			return err;
	}

	cpus_read_lock();
	err = ipipt_cpus_change(mask);
	cpus_read_unlock();

	on = !cpumask_empty(&ipipt_active);
	if (!on && (was_on || err))
		ipipt_hooks_remove();
	return err;
}

/**
 * ipipt_set_mask() - choose the CPUs that poll when idle
 * @mask: possible CPUs, online or not; empty for none
 *
 * Context: process, may sleep; writers are serialised.
 * Return: 0; -ENODEV, -ENOMEM or another error of the hooked subsystems with
 * nothing changed.
 */
int ipipt_set_mask(const struct cpumask *mask)
{
	int err = 0;

	mutex_lock(&ipipt_config_lock);
	if (!ipipt_suspended)
		err = ipipt_apply(mask);
	if (!err)
		cpumask_copy(&ipipt_wanted, mask);
	mutex_unlock(&ipipt_config_lock);
	return err;
}

/**
 * ipipt_get_mask() - what the user chose
 * @mask: receives it
 *
 * Context: process, may sleep.
 */
void ipipt_get_mask(struct cpumask *mask)
{
	mutex_lock(&ipipt_config_lock);
	cpumask_copy(mask, &ipipt_wanted);
	mutex_unlock(&ipipt_config_lock);
}

static int ipipt_cpu_online(unsigned int cpu)
{
	int err;

	if (!cpumask_test_cpu(cpu, &ipipt_active))
		return 0;
	err = ipipt_idle_add_cpu(cpu);
	/* The CPU works, only slower: no reason to keep it from coming up. */
	if (err)
		pr_warn("CPU%u idles natively: %d\n", cpu, err);
	return 0;
}

static int ipipt_cpu_offline(unsigned int cpu)
{
	ipipt_idle_del_cpu(cpu);
	return 0;
}

/* Polling would keep a suspended guest's CPUs busy and the hooks off the resume path. */
static int ipipt_pm_event(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	int err;

	mutex_lock(&ipipt_config_lock);
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		ipipt_suspended = true;
		ipipt_apply(cpu_none_mask);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		ipipt_suspended = false;
		err = ipipt_apply(&ipipt_wanted);
		if (err) {
			pr_warn("soft IPIs stay off after suspend: %d\n", err);
			cpumask_clear(&ipipt_wanted);
		}
		break;
	}
	mutex_unlock(&ipipt_config_lock);
	return NOTIFY_OK;
}

static struct notifier_block ipipt_pm_notifier = {
	.notifier_call = ipipt_pm_event,
};

static int __init ipipt_init(void)
{
	const char *type = cvm_guest_type();
	int err;

	if (num_possible_cpus() < 2) {
		pr_err("there is only one CPU, so there are no IPIs\n");
		return -ENODEV;
	}

	err = ipipt_arch_init();
	if (err)
		return err;
	err = ipipt_send_init();
	if (err)
		return err;
	err = ipipt_idle_init();
	if (err)
		goto err_send_exit;
	ipipt_rescue_init();
	err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "ipi_passthrough:online",
					ipipt_cpu_online, ipipt_cpu_offline);
	if (err < 0)
		goto err_idle_exit;
	ipipt_cpuhp = err;
	err = register_pm_notifier(&ipipt_pm_notifier);
	if (err)
		goto err_cpuhp_remove;
	ipipt_debugfs_init();
	err = ipipt_sysfs_init();
	if (err)
		goto err_debugfs_exit;

	pr_info("%s; off until a mask is written\n",
		type ? type : "not a confidential guest");
	return 0;

err_debugfs_exit:
	ipipt_debugfs_exit();
	unregister_pm_notifier(&ipipt_pm_notifier);
err_cpuhp_remove:
	cpuhp_remove_state_nocalls(ipipt_cpuhp);
err_idle_exit:
	ipipt_idle_exit();
err_send_exit:
	ipipt_send_exit();
	return err;
}
module_init(ipipt_init);

static void __exit ipipt_exit(void)
{
	ipipt_sysfs_exit();
	ipipt_debugfs_exit();
	unregister_pm_notifier(&ipipt_pm_notifier);
	ipipt_set_mask(cpu_none_mask);
	cpuhp_remove_state_nocalls(ipipt_cpuhp);
	ipipt_idle_exit();
	ipipt_send_exit();
}
module_exit(ipipt_exit);

MODULE_DESCRIPTION("Soft IPI passthrough: wake polling idle vCPUs through memory instead of an IPI");
MODULE_LICENSE("GPL");
