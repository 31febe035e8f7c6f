// SPDX-License-Identifier: GPL-2.0
/*
 * ipi_torture - everything that sends an IPI, at random, on all CPUs, and a clock on each call
 *
 * Starts when loaded. `echo 0 > /sys/kernel/debug/ipi_torture/run` stops it and waits for the last
 * answers, `cat stats` shows the counts, `echo 1 > run` starts anew. The senders sleep most of the
 * time, so that the CPUs go idle. Test module: not meant for a machine in use.
 */
#include <linux/cpuhotplug.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "ipi_torture.h"

#define IPIT_MONITOR_MS		100

unsigned int ipit_limit_ms = 1000;
module_param_named(limit_ms, ipit_limit_ms, uint, 0644);
MODULE_PARM_DESC(limit_ms, "a call that is not answered after this time is reported (default 1000)");

static unsigned int ipit_nap_us = 2000;
module_param_named(nap_us, ipit_nap_us, uint, 0644);
MODULE_PARM_DESC(nap_us, "longest pause of a sender between two calls (default 2000)");

bool ipit_hazard_on = true;
module_param_named(hazard, ipit_hazard_on, bool, 0644);
MODULE_PARM_DESC(hazard, "include the softirq hazard, which stock x86 kernels have now and then");

DEFINE_PER_CPU(struct ipit_worker, ipit_workers);

/* Protects ipit_hp_state and starting and stopping. */
static DEFINE_MUTEX(ipit_mutex);
static int ipit_hp_state;
static struct task_struct *ipit_monitor;
static struct dentry *ipit_dir;

static int ipit_sender_thread(void *data)
{
	unsigned int nap;

	while (!kthread_should_stop()) {
		ipit_call_random(data);
		nap = 20 + get_random_u32() % (READ_ONCE(ipit_nap_us) + 1);
		usleep_range(nap, nap + 50);
	}
	return 0;
}

static int ipit_monitor_thread(void *unused)
{
	while (!kthread_should_stop()) {
		ipit_check_late();
		msleep_interruptible(IPIT_MONITOR_MS);
	}
	return 0;
}

static int ipit_cpu_online(unsigned int cpu)
{
	struct ipit_worker *w = per_cpu_ptr(&ipit_workers, cpu);
	struct task_struct *task;

	task = kthread_create_on_cpu(ipit_sleeper_thread, w, cpu, "ipit_sleep/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	w->sleeper = task;
	wake_up_process(task);
	/* Senders may use w->sleeper from here on. */
	smp_store_release(&w->sleeper_alive, true);

	task = kthread_create_on_cpu(ipit_sender_thread, w, cpu, "ipit_send/%u");
	if (IS_ERR(task)) {
		WRITE_ONCE(w->sleeper_alive, false);
		synchronize_rcu();
		kthread_stop(w->sleeper);
		ipit_sleeper_drain(w);
		return PTR_ERR(task);
	}
	w->task = task;
	wake_up_process(task);
	return 0;
}

static int ipit_cpu_offline(unsigned int cpu)
{
	struct ipit_worker *w = per_cpu_ptr(&ipit_workers, cpu);

	kthread_stop(w->task);
	WRITE_ONCE(w->sleeper_alive, false);
	/* Senders look at sleeper_alive and use the sleeper with preemption off. */
	synchronize_rcu();
	kthread_stop(w->sleeper);
	ipit_sleeper_drain(w);
	return 0;
}

/* Context: ipit_mutex held. */
static int ipit_start(void)
{
	int state;

	if (ipit_hp_state)
		return 0;
	ipit_reset();
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "ipi_torture:online", ipit_cpu_online,
				  ipit_cpu_offline);
	if (state < 0)
		return state;
	ipit_hp_state = state;
	return 0;
}

/* Context: ipit_mutex held. Returns when every call is answered: before, nothing may be freed. */
static void ipit_stop(void)
{
	unsigned int cpu, waited = 0;

	if (!ipit_hp_state)
		return;
	cpuhp_remove_state(ipit_hp_state);
	ipit_hp_state = 0;
	while (ipit_outstanding()) {
		msleep(20);
		if (++waited % 500 == 0)
			pr_err("ipi_torture: %u calls are still not answered\n",
			       ipit_outstanding());
	}
	for_each_possible_cpu(cpu)
		ipit_calls_flush(per_cpu_ptr(&ipit_workers, cpu));
	/* A handler that freed its slot may not have returned yet, in an interrupt or a softirq. */
	synchronize_rcu();
}

static int ipit_run_get(void *data, u64 *value)
{
	*value = READ_ONCE(ipit_hp_state) != 0;
	return 0;
}

static int ipit_run_set(void *data, u64 value)
{
	int err;

	if (value > 1)
		return -EINVAL;
	err = mutex_lock_interruptible(&ipit_mutex);
	if (err)
		return err;
	if (value)
		err = ipit_start();
	else
		ipit_stop();
	mutex_unlock(&ipit_mutex);
	return err;
}
DEFINE_DEBUGFS_ATTRIBUTE(ipit_run_fops, ipit_run_get, ipit_run_set, "%llu\n");

static int ipit_stats_show(struct seq_file *m, void *unused)
{
	ipit_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ipit_stats);

static int __init ipit_init(void)
{
	unsigned int cpu;
	int err;

	for_each_possible_cpu(cpu)
		ipit_calls_init(per_cpu_ptr(&ipit_workers, cpu));
	ipit_monitor = kthread_run(ipit_monitor_thread, NULL, "ipit_monitor");
	if (IS_ERR(ipit_monitor))
		return PTR_ERR(ipit_monitor);
	ipit_dir = debugfs_create_dir("ipi_torture", NULL);
	if (IS_ERR(ipit_dir)) {
		err = PTR_ERR(ipit_dir);
		goto stop_monitor;
	}
	debugfs_create_file_unsafe("run", 0600, ipit_dir, NULL, &ipit_run_fops);
	debugfs_create_file("stats", 0400, ipit_dir, NULL, &ipit_stats_fops);

	mutex_lock(&ipit_mutex);
	err = ipit_start();
	mutex_unlock(&ipit_mutex);
	if (err)
		goto remove_dir;
	return 0;

remove_dir:
	debugfs_remove_recursive(ipit_dir);
stop_monitor:
	kthread_stop(ipit_monitor);
	return err;
}

static void __exit ipit_exit(void)
{
	debugfs_remove_recursive(ipit_dir);
	mutex_lock(&ipit_mutex);
	ipit_stop();
	mutex_unlock(&ipit_mutex);
	kthread_stop(ipit_monitor);
}

module_init(ipit_init);
module_exit(ipit_exit);

MODULE_DESCRIPTION("Random IPIs of all kinds with a deadline on each (test module)");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
