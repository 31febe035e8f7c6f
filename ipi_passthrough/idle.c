// SPDX-License-Identifier: GPL-2.0
/*
 * Soft IPI passthrough: the way into the idle loop.
 *
 * cpuidle calls us either as a driver of our own with a single state, when the
 * guest has none, or through the states of the driver it has, whose enter() is
 * wrapped. In both cases a CPU outside the mask idles as it did before.
 *
 * A driver whose .owner is set takes a module reference per registered device
 * and could never be unloaded; ours has none, and main.c makes sure with
 * stop_machine() that no CPU is left in here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuidle.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/kernfs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>

#include <compat/idle.h>

#include "ipipt.h"
#include "trace.h"

typedef int (*ipipt_enter_fn)(struct cpuidle_device *dev,
			      struct cpuidle_driver *drv, int index);

/**
 * struct ipipt_wrap - a registered driver whose states go through us
 * @node:  in ipipt_wraps
 * @drv:   the driver; its module is held
 * @enter: what its states had
 * @flags: likewise
 */
struct ipipt_wrap {
	struct list_head node;
	struct cpuidle_driver *drv;
	ipipt_enter_fn enter[CPUIDLE_STATE_MAX];
	unsigned int flags[CPUIDLE_STATE_MAX];
};

/* Changed only while no CPU can be in ipipt_enter_wrapped(). */
static LIST_HEAD(ipipt_wraps);
static struct cpuidle_device __percpu *ipipt_devs;
static bool ipipt_own_driver;

static noinstr enum ipipt_end ipipt_spin(struct ipipt_cpu *c, u64 limit)
{
	enum ipipt_end end;

	instrumentation_begin();
	ct_cpuidle_enter();
	end = ipipt_arch_spin(c, limit);
	ct_cpuidle_exit();
	instrumentation_end();
	return end;
}

static noinstr void ipipt_idle_natively(void)
{
	instrumentation_begin();
	ct_cpuidle_enter();
	ipipt_arch_native_idle();
	ct_cpuidle_exit();
	instrumentation_end();
}

/* The wrapped state relied on the core to do this around its enter(). */
static noinstr int ipipt_enter_orig(ipipt_enter_fn enter,
				    struct cpuidle_device *dev,
				    struct cpuidle_driver *drv, int index)
{
	int ret;

	instrumentation_begin();
	ct_cpuidle_enter();
	ret = enter(dev, drv, index);
	/* Until 6.2 a state could return with interrupts on. */
	raw_local_irq_disable();
	ct_cpuidle_exit();
	instrumentation_end();
	return ret;
}

/*
 * True when the idle call is over, false when the CPU shall idle natively.
 *
 * Between the end of a poll and the drain every instruction counts: cpuidle
 * measures idle periods anyway, so the time of a poll is taken from there, later.
 */
static bool ipipt_poll(struct ipipt_cpu *c, struct cpuidle_device *dev)
{
	enum ipipt_end end;
	u64 limit_us, limit;

	if (c->timed)
		ipipt_count(IPIPT_STAT_NS, dev->last_residency_ns);
	c->timed = false;
	if (!READ_ONCE(c->enabled))
		return false;
	/*
	 * A thread that injects idle time (play_idle_precise()) wants the CPU to rest,
	 * and may end while senders look at c->idle. Only real idle tasks have pid 0.
	 */
	if (current->pid)
		return false;

	limit_us = READ_ONCE(ipipt_poll_limit_us);
	limit = limit_us * ipipt_khz() / USEC_PER_MSEC;
	WRITE_ONCE(c->idle, current);
	WRITE_ONCE(c->seq, c->seq + 1);
	trace_ipipt_poll_enter(smp_processor_id());

	end = ipipt_spin(c, limit);

	c->timed = end != IPIPT_END_LIMIT;
	ipipt_count(IPIPT_STAT_POLLS, 1);
	if (end == IPIPT_END_KICK) {
		ipipt_count(IPIPT_STAT_KICKED, 1);
	} else if (end == IPIPT_END_LIMIT) {
		ipipt_count(IPIPT_STAT_EXPIRED, 1);
		ipipt_count(IPIPT_STAT_NS, limit_us * NSEC_PER_USEC);
	}
	trace_ipipt_poll_exit(smp_processor_id(), end);
	return end != IPIPT_END_LIMIT;
}

static int ipipt_enter_own(struct cpuidle_device *dev,
			   struct cpuidle_driver *drv, int index)
{
	if (!ipipt_poll(this_cpu_ptr(&ipipt_cpu), dev))
		ipipt_idle_natively();
	return index;
}

static int ipipt_enter_wrapped(struct cpuidle_device *dev,
			       struct cpuidle_driver *drv, int index)
{
	struct ipipt_wrap *wrap;

	if (ipipt_poll(this_cpu_ptr(&ipipt_cpu), dev))
		return index;

	/* A device of ours means that the driver knows nothing of this CPU. */
	if (dev != this_cpu_ptr(ipipt_devs)) {
		list_for_each_entry(wrap, &ipipt_wraps, node) {
			if (wrap->drv != drv)
				continue;
			if (wrap->flags[index] & CPUIDLE_FLAG_RCU_IDLE)
				return wrap->enter[index](dev, drv, index);
			return ipipt_enter_orig(wrap->enter[index], dev, drv, index);
		}
	}
	ipipt_idle_natively();
	return index;
}

/*
 * Is it worth to keep the tick while CPUs poll? Programming a timer is an exit of
 * most x86 guests, also in the middle between a kick and its drain; on arm64 it is
 * a write to a register, and each tick would only be a moment without polling.
 */
#define IPIPT_KEEP_TICK	IS_ENABLED(CONFIG_X86_64)

/*
 * One state is used: what happens depends on nothing but the mask. The second is
 * there because some kernels ask no governor about a single state, and then stop
 * the tick; see ipipt_idle_retain_tick().
 */
static struct cpuidle_driver ipipt_driver = {
	.name = "ipi_passthrough",
	.states[0] = {
		.name = "SOFT-IPI",
		.desc = "poll for soft IPIs",
		.enter = ipipt_enter_own,
		/* POLLING as long as poll_limit_us is 0. */
		.flags = CPUIDLE_FLAG_RCU_IDLE |
			 (IPIPT_KEEP_TICK ? CPUIDLE_FLAG_POLLING : 0),
	},
	.states[1] = {
		.name = "UNUSED",
		.desc = "never entered",
		.enter = ipipt_enter_own,
		.flags = CPUIDLE_FLAG_RCU_IDLE | CPUIDLE_FLAG_UNUSABLE,
		.exit_latency = UINT_MAX,
		.target_residency = UINT_MAX,
	},
	.state_count = IPIPT_KEEP_TICK ? 2 : 1,
};

/**
 * ipipt_idle_retain_tick() - may the tick go on while a CPU polls?
 * @retain: true when polls have no limit
 *
 * A CPU that polls all the time saves nothing by stopping its tick. One that halts
 * in the end does: it would be woken at every tick.
 *
 * Governors stop the tick unless the state is said to be a polling one. They
 * read the flag each time, so it may change while CPUs idle.
 *
 * Context: process.
 */
void ipipt_idle_retain_tick(bool retain)
{
	unsigned int flags = CPUIDLE_FLAG_RCU_IDLE;

	if (retain && IPIPT_KEEP_TICK)
		flags |= CPUIDLE_FLAG_POLLING;
	WRITE_ONCE(ipipt_driver.states[0].flags, flags);
}

static struct cpuidle_driver *ipipt_driver_of(unsigned int cpu)
{
	struct cpuidle_device *dev = per_cpu_ptr(ipipt_devs, cpu);

	/* cpuidle_get_cpu_driver() looks at nothing else of the device. */
	dev->cpu = cpu;
	return cpuidle_get_cpu_driver(dev);
}

static bool ipipt_is_wrapped(struct cpuidle_driver *drv)
{
	struct ipipt_wrap *wrap;

	list_for_each_entry(wrap, &ipipt_wraps, node)
		if (wrap->drv == drv)
			return true;
	return false;
}

/*
 * The next two run under stop_machine(): the core looks at a state's flags before
 * and after its enter(), so both may only change while no CPU is in between.
 */
static int ipipt_swap_in(void *data)
{
	struct ipipt_wrap *wrap = data;
	struct cpuidle_state *state;
	int i;

	for (i = 0; i < wrap->drv->state_count; i++) {
		state = &wrap->drv->states[i];
		wrap->enter[i] = state->enter;
		wrap->flags[i] = state->flags;
		state->enter = ipipt_enter_wrapped;
		state->flags |= CPUIDLE_FLAG_RCU_IDLE;
	}
	return 0;
}

static int ipipt_swap_out(void *data)
{
	struct cpuidle_state *state;
	struct ipipt_wrap *wrap;
	int i;

	list_for_each_entry(wrap, &ipipt_wraps, node) {
		for (i = 0; i < CPUIDLE_STATE_MAX; i++) {
			state = &wrap->drv->states[i];
			/* The driver may have rebuilt its states meanwhile. */
			if (state->enter != ipipt_enter_wrapped)
				continue;
			state->enter = wrap->enter[i];
			state->flags = wrap->flags[i];
		}
	}
	return 0;
}

static int ipipt_wrap(struct cpuidle_driver *drv)
{
	struct ipipt_wrap *wrap;

	wrap = kzalloc(sizeof(*wrap), GFP_KERNEL);
	if (!wrap)
		return -ENOMEM;
	if (!try_module_get(drv->owner)) {
		kfree(wrap);
		return -ENODEV;
	}
	wrap->drv = drv;
	list_add_tail(&wrap->node, &ipipt_wraps);
	stop_machine(ipipt_swap_in, wrap, NULL);
	return 0;
}

/**
 * ipipt_idle_install() - take over the idle drivers
 *
 * Changes nothing by itself: no CPU is enabled yet.
 *
 * Context: process, may sleep; serialised by the caller.
 * Return: 0; -ENODEV where cpuidle is off; -ENOMEM; nothing is changed then
 * except that ipipt_idle_remove() and ipipt_idle_forget() must still be called
 * for drivers wrapped before the failure.
 */
int ipipt_idle_install(void)
{
	struct cpuidle_driver *drv;
	unsigned int cpu;
	int err;

	for_each_possible_cpu(cpu) {
		drv = ipipt_driver_of(cpu);
		if (!drv || ipipt_is_wrapped(drv))
			continue;
		err = ipipt_wrap(drv);
		if (err)
			return err;
	}
	if (!list_empty(&ipipt_wraps))
		return 0;

	err = cpuidle_register_driver(&ipipt_driver);
	if (err) {
		pr_err("no idle driver can be registered (cpuidle.off?): %d\n", err);
		return err;
	}
	ipipt_own_driver = true;
	return 0;
}

/**
 * ipipt_idle_remove() - give the idle drivers back
 *
 * A CPU may still be inside our enter(): the caller waits with stop_machine(),
 * then calls ipipt_idle_forget().
 *
 * Context: process, may sleep; every CPU was deleted before.
 */
void ipipt_idle_remove(void)
{
	if (ipipt_own_driver)
		cpuidle_unregister_driver(&ipipt_driver);
	ipipt_own_driver = false;
	if (!list_empty(&ipipt_wraps))
		stop_machine(ipipt_swap_out, NULL, NULL);
}

/**
 * ipipt_idle_forget() - free what a CPU inside enter() could still have needed
 *
 * Context: process, after ipipt_idle_remove() and stop_machine().
 */
void ipipt_idle_forget(void)
{
	struct ipipt_wrap *wrap, *next;

	list_for_each_entry_safe(wrap, next, &ipipt_wraps, node) {
		list_del(&wrap->node);
		module_put(wrap->drv->owner);
		kfree(wrap);
	}
}

/* cpuidle's own table of devices is not exported; its sysfs folder tells. */
static bool ipipt_has_device(unsigned int cpu)
{
	struct device *dev = get_cpu_device(cpu);
	struct kernfs_node *node;

	node = dev ? kernfs_find_and_get(dev->kobj.sd, "cpuidle") : NULL;
	kernfs_put(node);
	return node;
}

/**
 * ipipt_idle_add_cpu() - make a CPU's idle loop come to us
 * @cpu: an online CPU
 *
 * Context: process, may sleep, CPU hotplug locked.
 * Return: 0 or the error of cpuidle.
 */
int ipipt_idle_add_cpu(unsigned int cpu)
{
	struct cpuidle_device *dev = per_cpu_ptr(ipipt_devs, cpu);

	if (ipipt_has_device(cpu))
		return 0;
	if (!ipipt_driver_of(cpu))
		return -ENODEV;
	return cpuidle_register_device(dev);
}

/**
 * ipipt_idle_del_cpu() - undo ipipt_idle_add_cpu()
 * @cpu: the CPU, online or not
 *
 * Context: process, may sleep, CPU hotplug locked.
 */
void ipipt_idle_del_cpu(unsigned int cpu)
{
	/* Does nothing for a device that was not registered. */
	cpuidle_unregister_device(per_cpu_ptr(ipipt_devs, cpu));
}

/**
 * ipipt_idle_name() - which driver carries us, for the log
 *
 * Context: process, between install and remove.
 */
const char *ipipt_idle_name(void)
{
	struct ipipt_wrap *wrap;

	wrap = list_first_entry_or_null(&ipipt_wraps, struct ipipt_wrap, node);
	return wrap ? wrap->drv->name : "none, own one registered";
}

/**
 * ipipt_idle_init() - allocate what cpuidle wants per CPU
 *
 * Context: process, once.
 * Return: 0 or -ENOMEM.
 */
int ipipt_idle_init(void)
{
	ipipt_devs = alloc_percpu(struct cpuidle_device);
	return ipipt_devs ? 0 : -ENOMEM;
}

/**
 * ipipt_idle_exit() - undo ipipt_idle_init()
 *
 * Context: process, nothing is installed.
 */
void ipipt_idle_exit(void)
{
	free_percpu(ipipt_devs);
}
