// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: what the user wants, and what comes in between.
 *
 * On:  probes, threads, then the CQs that exist already.
 * Off: threads end and every CQ goes back, then the probes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "cqpoll.h"

/* Looks for CQs that were not used before are no further apart. */
#define CQPOLL_RESCAN_MAX	(32UL * HZ)

static DEFINE_MUTEX(cqpoll_config_lock);
static struct cpumask cqpoll_wanted_cpus;	/* what the user wrote */
static unsigned int cqpoll_noio;		/* protected by cqpoll_config_lock */
static bool cqpoll_probing;			/* protected by cqpoll_config_lock */
static enum cpuhp_state cqpoll_cpuhp;

/* Changed with both cqpoll_config_lock and cqpoll_lock held. */
LIST_HEAD(cqpoll_devices);
static struct cqpoll_filter cqpoll_device_filter;
static struct cqpoll_filter cqpoll_owner_filter = { "!ib_core,!cq_pool" };
static bool cqpoll_softirq;

/*
 * Memory that is asked for in between does not wait for I/O: a device that goes waits for this
 * lock, and CQs that are being destroyed for references held under it, while freeing memory
 * may wait for an NFS server to be reached again over just these.
 */
static void cqpoll_config_begin(void)
{
	mutex_lock(&cqpoll_config_lock);
	cqpoll_noio = memalloc_noio_save();
}

static void cqpoll_config_end(void)
{
	memalloc_noio_restore(cqpoll_noio);
	mutex_unlock(&cqpoll_config_lock);
}

/**
 * cqpoll_wanted() - shall a CQ be polled?
 * @device: name of its device
 * @owner:  name of the module that uses it
 * @bh:     its completions are handled in softirqs
 *
 * Context: cqpoll_lock or cqpoll_config_lock held. Return: true if so.
 */
bool cqpoll_wanted(const char *device, const char *owner, bool bh)
{
	return (!bh || cqpoll_softirq) &&
	       cqpoll_filter_match(&cqpoll_device_filter, device) &&
	       cqpoll_filter_match(&cqpoll_owner_filter, owner);
}

/**
 * cqpoll_device_find() - what we know of a device
 * @dev: the device
 *
 * Context: cqpoll_lock held. Return: it, NULL unless it is registered and about to stay.
 */
const struct cqpoll_device *cqpoll_device_find(const struct ib_device *dev)
{
	struct cqpoll_device *d;

	lockdep_assert_held(&cqpoll_lock);
	list_for_each_entry(d, &cqpoll_devices, node)
		if (d->dev == dev)
			return d;
	return NULL;
}

/* --- changes; the CPU hotplug lock comes from the caller of a hotplug callback --- */

/* Deal anew: the CPUs are the same, so it can't fail. */
static void cqpoll_deal_again(void)
{
	cpus_read_lock();
	cqpoll_poller_set(&cqpoll_active);
	cpus_read_unlock();
}

static void cqpoll_rescan_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(cqpoll_rescan, cqpoll_rescan_work);
static unsigned long cqpoll_rescan_delay;	/* protected by cqpoll_config_lock */

/*
 * CQs that are not used yet are left for another look: then they are, or are gone. Most
 * are within a second; those that take their time are looked at ever more rarely.
 */
static void cqpoll_take_existing(void)
{
	lockdep_assert_held(&cqpoll_config_lock);
	if (cqpoll_cq_take_existing()) {
		cqpoll_rescan_delay = HZ;
		mod_delayed_work(system_long_wq, &cqpoll_rescan, cqpoll_rescan_delay);
	}
}

static void cqpoll_rescan_work(struct work_struct *work)
{
	cqpoll_config_begin();
	if (!cpumask_empty(&cqpoll_wanted_cpus) && cqpoll_cq_take_existing()) {
		cqpoll_rescan_delay = min(2 * cqpoll_rescan_delay, CQPOLL_RESCAN_MAX);
		queue_delayed_work(system_long_wq, &cqpoll_rescan, cqpoll_rescan_delay);
	}
	cqpoll_config_end();
}

/* What of the wanted CPUs is online. Return: 0 or an error with nothing changed. */
static int cqpoll_apply(const struct cpumask *cpus)
{
	static struct cpumask online;	/* protected by cqpoll_config_lock */
	int err;

	lockdep_assert_held(&cqpoll_config_lock);
	cpus_read_lock();
	cpumask_and(&online, cpus, cpu_online_mask);
	err = cqpoll_poller_set(&online);
	cpus_read_unlock();
	if (!err && !cpumask_empty(cpus))
		cqpoll_take_existing();
	return err;
}

static int cqpoll_probes_on(void)
{
	int err;

	if (cqpoll_probing)
		return 0;
	err = cqpoll_probes_register();
	cqpoll_probing = !err;
	return err;
}

static void cqpoll_probes_off(void)
{
	if (cqpoll_probing)
		cqpoll_probes_unregister();
	cqpoll_probing = false;
}

static int cqpoll_set_cpus_locked(const struct cpumask *cpus)
{
	int err;

	lockdep_assert_held(&cqpoll_config_lock);
	if (!cpumask_subset(cpus, cpu_online_mask))
		return -ENODEV;
	err = cpumask_empty(cpus) ? 0 : cqpoll_probes_on();
	if (!err)
		err = cqpoll_apply(cpus);
	if (!err)
		cpumask_copy(&cqpoll_wanted_cpus, cpus);
	if (cpumask_empty(&cqpoll_wanted_cpus))
		cqpoll_probes_off();
	return err;
}

/**
 * cqpoll_set_cpus() - choose the CPUs that poll
 * @cpus: possible CPUs; empty for none
 *
 * Context: process, sleeps; writers are serialised.
 * Return: 0; -ENODEV when one is offline, -ENOMEM, -EAGAIN, -EINTR or another error of a
 * thread or tracepoint with nothing changed.
 */
int cqpoll_set_cpus(const struct cpumask *cpus)
{
	int err;

	cqpoll_config_begin();
	err = cqpoll_set_cpus_locked(cpus);
	cqpoll_config_end();
	return err;
}

/**
 * cqpoll_get_cpus() - what the user chose
 * @cpus: receives it
 *
 * Context: process, sleeps.
 */
void cqpoll_get_cpus(struct cpumask *cpus)
{
	cqpoll_config_begin();
	cpumask_copy(cpus, &cqpoll_wanted_cpus);
	cqpoll_config_end();
}

/* --- parameters that say which CQs --- */

static void cqpoll_filter_changed(void)
{
	lockdep_assert_held(&cqpoll_config_lock);
	if (cpumask_empty(&cqpoll_wanted_cpus))
		return;
	cqpoll_deal_again();
	cqpoll_take_existing();
}

static int cqpoll_filter_set(const char *val, const struct kernel_param *kp)
{
	struct cqpoll_filter filter;
	int err;

	err = cqpoll_filter_parse(val, &filter);
	if (err)
		return err;
	cqpoll_config_begin();
	spin_lock(&cqpoll_lock);
	*(struct cqpoll_filter *)kp->arg = filter;
	spin_unlock(&cqpoll_lock);
	cqpoll_filter_changed();
	cqpoll_config_end();
	return 0;
}

static int cqpoll_filter_get(char *buf, const struct kernel_param *kp)
{
	const struct cqpoll_filter *filter = kp->arg;
	int len;

	cqpoll_config_begin();
	len = sysfs_emit(buf, "%s\n", filter->text);
	cqpoll_config_end();
	return len;
}

static const struct kernel_param_ops cqpoll_filter_ops = {
	.set = cqpoll_filter_set,
	.get = cqpoll_filter_get,
};
module_param_cb(devices, &cqpoll_filter_ops, &cqpoll_device_filter, 0644);
MODULE_PARM_DESC(devices, "RDMA devices by name, !name leaves one out (default: all)");
module_param_cb(owners, &cqpoll_filter_ops, &cqpoll_owner_filter, 0644);
MODULE_PARM_DESC(owners,
		 "modules that use the queues, !name leaves one out (default !ib_core,!cq_pool: neither its management nor its shared queues)");

static int cqpoll_softirq_set(const char *val, const struct kernel_param *kp)
{
	bool on;
	int err;

	err = kstrtobool(val, &on);
	if (err)
		return err;
	cqpoll_config_begin();
	spin_lock(&cqpoll_lock);
	cqpoll_softirq = on;
	spin_unlock(&cqpoll_lock);
	cqpoll_filter_changed();
	cqpoll_config_end();
	return 0;
}

static const struct kernel_param_ops cqpoll_softirq_ops = {
	.set = cqpoll_softirq_set,
	.get = param_get_bool,
};
module_param_cb(softirq, &cqpoll_softirq_ops, &cqpoll_softirq, 0644);
MODULE_PARM_DESC(softirq,
		 "also queues whose completions are handled in softirqs, with bottom halves off (default N)");

/* --- devices --- */

static int cqpoll_client_add(struct ib_device *dev)
{
	struct cqpoll_device *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d) {
		/* The core goes on without us. */
		pr_warn("%s: no memory, so its queues are not polled\n", dev_name(&dev->dev));
		return -ENOMEM;
	}
	d->dev = dev;
	strscpy(d->name, dev_name(&dev->dev), sizeof(d->name));
	cqpoll_config_begin();
	spin_lock(&cqpoll_lock);
	list_add_tail(&d->node, &cqpoll_devices);
	spin_unlock(&cqpoll_lock);
	/* Others were told of the device before us and may have made some. */
	if (!cpumask_empty(&cqpoll_wanted_cpus))
		cqpoll_take_existing();
	cqpoll_config_end();
	return 0;
}

/*
 * Users of its queues that were registered before us are told later, and drain them
 * natively. The others have been told: what they destroy is forgotten as always.
 */
static void cqpoll_client_remove(struct ib_device *dev, void *data)
{
	struct cqpoll_device *d, *n;

	cqpoll_config_begin();
	list_for_each_entry_safe(d, n, &cqpoll_devices, node) {
		if (d->dev != dev)
			continue;
		spin_lock(&cqpoll_lock);
		list_del(&d->node);
		spin_unlock(&cqpoll_lock);
		kfree(d);
	}
	cqpoll_deal_again();
	cqpoll_config_end();
}

/* The parameter devices goes by names. Elsewhere the RDMA core may free the old one any time. */
static void cqpoll_client_rename(struct ib_device *dev, void *data)
{
	struct cqpoll_device *d;

	cqpoll_config_begin();
	spin_lock(&cqpoll_lock);
	list_for_each_entry(d, &cqpoll_devices, node) {
		if (d->dev != dev)
			continue;
		strscpy(d->name, dev_name(&dev->dev), sizeof(d->name));
		cqpoll_cq_rename(d);
	}
	spin_unlock(&cqpoll_lock);
	cqpoll_filter_changed();
	cqpoll_config_end();
}

static struct ib_client cqpoll_client = {
	.name = KBUILD_MODNAME,
	.add = cqpoll_client_add,
	.remove = cqpoll_client_remove,
	.rename = cqpoll_client_rename,
};

/* --- CPU hotplug --- */

static void cqpoll_online_work(struct work_struct *work)
{
	cqpoll_config_begin();
	if (!cpumask_empty(&cqpoll_wanted_cpus) && cqpoll_apply(&cqpoll_wanted_cpus))
		pr_warn("no thread for a CPU that came online\n");
	cqpoll_config_end();
}

static DECLARE_WORK(cqpoll_online, cqpoll_online_work);

static int cqpoll_cpu_online(unsigned int cpu)
{
	/* It takes locks that are taken before the hotplug lock. */
	schedule_work(&cqpoll_online);
	return 0;
}

static int cqpoll_cpu_offline(unsigned int cpu)
{
	static struct cpumask left;

	if (!cpumask_test_cpu(cpu, &cqpoll_active))
		return 0;
	cpumask_copy(&left, &cqpoll_active);
	cpumask_clear_cpu(cpu, &left);
	/* The others take over its queues, or the RDMA core does. */
	return cqpoll_poller_set(&left);
}

static int __init cqpoll_init(void)
{
	int err;

	/* Tracepoints have preemption off, and ours take locks that sleep there. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		pr_err("not for kernels with PREEMPT_RT\n");
		return -EOPNOTSUPP;
	}
	err = cqpoll_probes_find();
	if (err)
		return err;
	err = cqpoll_poller_init();
	if (err)
		return err;
	err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "ib_core_cq_poll:online",
					cqpoll_cpu_online, cqpoll_cpu_offline);
	if (err < 0)
		goto err_poller_exit;
	cqpoll_cpuhp = err;
	err = ib_register_client(&cqpoll_client);
	if (err)
		goto err_cpuhp_remove;
	err = cqpoll_sysfs_init();
	if (err)
		goto err_switch_off;
	pr_info("off until a CPU is written to /sys/kernel/ib_core_poll_cpu\n");
	return 0;

err_switch_off:
	/* One of the files was there for a moment, and may have been written. */
	cqpoll_set_cpus(cpu_none_mask);
	ib_unregister_client(&cqpoll_client);
err_cpuhp_remove:
	cpuhp_remove_state_nocalls(cqpoll_cpuhp);
	cancel_work_sync(&cqpoll_online);
	cancel_delayed_work_sync(&cqpoll_rescan);
	cqpoll_drivers_wait();
err_poller_exit:
	cqpoll_poller_exit();
	return err;
}
module_init(cqpoll_init);

static void __exit cqpoll_exit(void)
{
	cqpoll_sysfs_exit();
	cqpoll_set_cpus(cpu_none_mask);
	ib_unregister_client(&cqpoll_client);
	cpuhp_remove_state_nocalls(cqpoll_cpuhp);
	cancel_work_sync(&cqpoll_online);
	cancel_delayed_work_sync(&cqpoll_rescan);
	/* Drivers that had read our pointer before it was taken back. */
	cqpoll_drivers_wait();
	cqpoll_poller_exit();
}
module_exit(cqpoll_exit);

MODULE_DESCRIPTION("Poll RDMA completion queues instead of waiting for interrupts");
MODULE_LICENSE("GPL");
