// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on demand, to show that the guest harness sees them. For tests only.
 *
 * A word written to /sys/kernel/debug/cvm_fault/do makes the fault; those that
 * last take a second word, the time in milliseconds:
 *
 *   warn oops bug panic lockdep kasan leak atomic
 *   irqsoff MS   spin with interrupts off on this CPU
 *   spin MS      spin with preemption off (RCU stall, soft lockup)
 *   sleep MS     uninterruptible sleep (hung task)
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

static struct dentry *cvm_fault_dir;
static DEFINE_MUTEX(cvm_fault_a);
static DEFINE_MUTEX(cvm_fault_b);
static DEFINE_SPINLOCK(cvm_fault_lock);

struct cvm_fault {
	const char *name;
	void (*make)(unsigned int ms);
};

static void cvm_fault_warn(unsigned int ms)
{
	WARN(1, "asked for a warning\n");
}

/* The address comes from outside, so that the compiler can't see through it. */
static void cvm_fault_oops(unsigned int ms)
{
	WRITE_ONCE(*(int *)(uintptr_t)ms, 1);
}

static void cvm_fault_bug(unsigned int ms)
{
	BUG();
}

static void cvm_fault_panic(unsigned int ms)
{
	panic("asked for a panic");
}

/* Two orders of the same two locks, one after the other: nobody has to wait. */
static void cvm_fault_lockdep(unsigned int ms)
{
	mutex_lock(&cvm_fault_a);
	mutex_lock(&cvm_fault_b);
	mutex_unlock(&cvm_fault_b);
	mutex_unlock(&cvm_fault_a);

	mutex_lock(&cvm_fault_b);
	mutex_lock(&cvm_fault_a);
	mutex_unlock(&cvm_fault_a);
	mutex_unlock(&cvm_fault_b);
}

static void cvm_fault_kasan(unsigned int ms)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	pr_info("read %d after free\n", READ_ONCE(p[ms % 64]));
}

static void cvm_fault_leak(unsigned int ms)
{
	int i;

	/* Several: a stale pointer on some stack may hide one of them. */
	for (i = 0; i < 8; i++) {
		void *p = kmalloc(192, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(p);
	}
}

static void cvm_fault_atomic(unsigned int ms)
{
	spin_lock(&cvm_fault_lock);
	msleep(1);
	spin_unlock(&cvm_fault_lock);
}

static void cvm_fault_wait(unsigned int ms)
{
	u64 end = ktime_get_mono_fast_ns() + (u64)ms * NSEC_PER_MSEC;

	while (ktime_get_mono_fast_ns() < end)
		cpu_relax();
}

static void cvm_fault_irqsoff(unsigned int ms)
{
	unsigned long flags;

	local_irq_save(flags);
	cvm_fault_wait(ms);
	local_irq_restore(flags);
}

static void cvm_fault_spin(unsigned int ms)
{
	preempt_disable();
	cvm_fault_wait(ms);
	preempt_enable();
}

static void cvm_fault_sleep(unsigned int ms)
{
	/* One long sleep: the hung task detector looks for no switch at all. */
	schedule_timeout_uninterruptible(msecs_to_jiffies(ms));
}

static const struct cvm_fault cvm_faults[] = {
	{ "warn", cvm_fault_warn },
	{ "oops", cvm_fault_oops },
	{ "bug", cvm_fault_bug },
	{ "panic", cvm_fault_panic },
	{ "lockdep", cvm_fault_lockdep },
	{ "kasan", cvm_fault_kasan },
	{ "leak", cvm_fault_leak },
	{ "atomic", cvm_fault_atomic },
	{ "irqsoff", cvm_fault_irqsoff },
	{ "spin", cvm_fault_spin },
	{ "sleep", cvm_fault_sleep },
};

static ssize_t cvm_fault_write(struct file *file, const char __user *ubuf,
			       size_t count, loff_t *ppos)
{
	char text[32], name[16];
	unsigned int ms = 0;
	size_t i;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, ubuf, count))
		return -EFAULT;
	text[count] = '\0';
	if (sscanf(text, "%15s %u", name, &ms) < 1)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(cvm_faults); i++) {
		if (!strcmp(name, cvm_faults[i].name)) {
			cvm_faults[i].make(ms);
			return count;
		}
	}
	return -EINVAL;
}

static const struct file_operations cvm_fault_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = cvm_fault_write,
};

static int __init cvm_fault_init(void)
{
	cvm_fault_dir = debugfs_create_dir("cvm_fault", NULL);
	debugfs_create_file("do", 0200, cvm_fault_dir, NULL, &cvm_fault_fops);
	return 0;
}
module_init(cvm_fault_init);

static void __exit cvm_fault_exit(void)
{
	debugfs_remove(cvm_fault_dir);
}
module_exit(cvm_fault_exit);

MODULE_DESCRIPTION("Faults on demand for the self-tests of the guest harness");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
