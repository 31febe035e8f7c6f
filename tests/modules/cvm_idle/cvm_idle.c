// SPDX-License-Identifier: GPL-2.0
/*
 * A cpuidle driver for guests that have none, so that taking one over can be tested: two states,
 * one that leaves RCU to the core and one that cares for it itself. Neither halts; both count.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuidle.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include <compat/idle.h>

#define CVM_IDLE_LOOPS	2000

static unsigned long entered[2];
module_param_array(entered, ulong, NULL, 0444);
MODULE_PARM_DESC(entered, "how often each state was entered on CPUs that this driver idles");

static struct cpuidle_device __percpu *cvm_idle_devs;

static noinstr void cvm_idle_spin(void)
{
	unsigned int n = CVM_IDLE_LOOPS;

	raw_local_irq_enable();
	while (!tif_need_resched() && n--)
		cpu_relax();
	raw_local_irq_disable();
}

static noinstr int cvm_idle_plain(struct cpuidle_device *dev, struct cpuidle_driver *drv, int index)
{
	WRITE_ONCE(entered[index], entered[index] + 1);
	cvm_idle_spin();
	return index;
}

static noinstr int cvm_idle_rcu(struct cpuidle_device *dev, struct cpuidle_driver *drv, int index)
{
	instrumentation_begin();
	WRITE_ONCE(entered[index], entered[index] + 1);
	ct_cpuidle_enter();
	cvm_idle_spin();
	ct_cpuidle_exit();
	instrumentation_end();
	return index;
}

static struct cpuidle_driver cvm_idle_driver = {
	.name = "cvm_idle",
	.states = {
		{
			.name = "PLAIN",
			.enter = cvm_idle_plain,
			.exit_latency = 1,
			.target_residency = 1,
		},
		{
			.name = "RCU",
			.enter = cvm_idle_rcu,
			.exit_latency = 2,
			.target_residency = 100,
			.flags = CPUIDLE_FLAG_RCU_IDLE,
		},
	},
	.state_count = 2,
};

/* CPUs of this mask get a device; the others stay without one. */
static unsigned long devices = ~0UL;
module_param(devices, ulong, 0444);
MODULE_PARM_DESC(devices, "mask of the CPUs that get a device (default: all)");

static void cvm_idle_del_devices(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		cpuidle_unregister_device(per_cpu_ptr(cvm_idle_devs, cpu));
}

static int cvm_idle_add_devices(void)
{
	struct cpuidle_device *dev;
	unsigned int cpu;
	int err;

	for_each_online_cpu(cpu) {
		if (cpu < BITS_PER_LONG && !(devices & BIT(cpu)))
			continue;
		dev = per_cpu_ptr(cvm_idle_devs, cpu);
		dev->cpu = cpu;
		err = cpuidle_register_device(dev);
		if (err)
			return err;
	}
	return 0;
}

static int __init cvm_idle_init(void)
{
	int err;

	cvm_idle_devs = alloc_percpu(struct cpuidle_device);
	if (!cvm_idle_devs)
		return -ENOMEM;
	err = cpuidle_register_driver(&cvm_idle_driver);
	if (err)
		goto err_free;
	cpus_read_lock();
	err = cvm_idle_add_devices();
	cpus_read_unlock();
	if (!err)
		return 0;

	cvm_idle_del_devices();
	cpuidle_unregister_driver(&cvm_idle_driver);
err_free:
	free_percpu(cvm_idle_devs);
	return err;
}
module_init(cvm_idle_init);

/* No exit: a CPU may be inside a state, and the guest is thrown away anyway. */

MODULE_DESCRIPTION("A cpuidle driver to be taken over (test module)");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
