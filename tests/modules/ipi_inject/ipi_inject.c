// SPDX-License-Identifier: GPL-2.0
/*
 * ipi_inject - a CPU is told to idle by a thread that ends afterwards
 *
 *	insmod ipi_inject.ko cpu=1 rounds=100 idle_us=1000
 *
 * As powerclamp does: the thread is the CPU's idle task for a while, by its flags, and
 * can go away, which real idle tasks can't. Loading takes until it has ended.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/time64.h>

static unsigned int cpu = 1;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "the CPU that idles");

static unsigned int rounds = 100;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "how often");

static unsigned int idle_us = 1000;
module_param(idle_us, uint, 0444);
MODULE_PARM_DESC(idle_us, "how long each time, in us");

static unsigned int injected;
module_param(injected, uint, 0444);
MODULE_PARM_DESC(injected, "how often the CPU has idled so far");

static DECLARE_COMPLETION(ipi_inject_done);

static int ipi_inject_thread(void *unused)
{
	/* play_idle_precise() takes no other: it stops the tick. */
	sched_set_fifo(current);
	while (injected < rounds) {
		play_idle_precise((u64)idle_us * NSEC_PER_USEC, U64_MAX);
		injected++;
	}
	kthread_complete_and_exit(&ipi_inject_done, 0);
}

static int __init ipi_inject_init(void)
{
	struct task_struct *task;
	int err = 0;

	if (!idle_us)
		return -EINVAL;
	/* A thread for a CPU that goes would run elsewhere. */
	cpus_read_lock();
	if (cpu < nr_cpu_ids && cpu_online(cpu))
		task = kthread_create_on_cpu(ipi_inject_thread, NULL, cpu, "ipi_inject/%u");
	else
		task = ERR_PTR(-ENXIO);
	if (IS_ERR(task)) {
		err = PTR_ERR(task);
	} else {
		wake_up_process(task);
		wait_for_completion(&ipi_inject_done);
	}
	cpus_read_unlock();
	return err;
}
module_init(ipi_inject_init);

/* The thread's last steps are the kernel's. */
static void __exit ipi_inject_exit(void)
{
}
module_exit(ipi_inject_exit);

MODULE_DESCRIPTION("Injects idle time from a thread that ends (test module)");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
