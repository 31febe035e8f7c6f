// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: the threads.
 *
 * A thread polls its queues as long as there is work, then for a while longer, then
 * has every queue make an event at its next completion and sleeps. With several
 * CPUs each thread has some of the queues. Who has what is only changed while all
 * threads are parked.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/stat.h>
#include <linux/slab.h>

#include "cqpoll.h"
#include "trace.h"

struct cpumask cqpoll_active;		/* CPUs with a thread; protected by cqpoll_lock */
static struct cqpoll_poller **cqpoll_pollers;	/* by CPU, made when first needed */
static unsigned int *cqpoll_load;	/* queues by CPU; protected by cqpoll_lock */
static unsigned int cqpoll_idle_us = 10000;
static bool cqpoll_adaptive = true;

/**
 * cqpoll_poller_kick() - have a thread look at its queues
 * @p: the thread, or NULL for nothing to do
 *
 * Context: any.
 */
void cqpoll_poller_kick(struct cqpoll_poller *p)
{
	if (!p)
		return;
	smp_mb(); /* pairs with cqpoll_poller_arm(): it sees what for, or leaves it kicked */
	WRITE_ONCE(p->kicked, true);
	wake_up(&p->wait);
}

/* A thread that sleeps goes by the new value, too. */
static void cqpoll_kick_all(void)
{
	unsigned int cpu;

	spin_lock(&cqpoll_lock);
	for_each_cpu(cpu, &cqpoll_active)
		cqpoll_poller_kick(cqpoll_pollers[cpu]);
	spin_unlock(&cqpoll_lock);
}

static int cqpoll_idle_us_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint(val, kp);

	if (!err)
		cqpoll_kick_all();
	return err;
}

static const struct kernel_param_ops cqpoll_idle_us_ops = {
	.set = cqpoll_idle_us_set,
	.get = param_get_uint,
};
module_param_cb(idle_us, &cqpoll_idle_us_ops, &cqpoll_idle_us, 0644);
MODULE_PARM_DESC(idle_us,
		 "sleep after polling for nothing for at most so long, in us (default 10000, 0: poll for ever)");

static int cqpoll_adaptive_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_bool(val, kp);

	if (!err)
		cqpoll_kick_all();
	return err;
}

static const struct kernel_param_ops cqpoll_adaptive_ops = {
	.set = cqpoll_adaptive_set,
	.get = param_get_bool,
};
module_param_cb(adaptive, &cqpoll_adaptive_ops, &cqpoll_adaptive, 0644);
MODULE_PARM_DESC(adaptive,
		 "poll shorter than idle_us where the traffic lets expect that it would be for nothing (default Y)");

/* The threads' share of a round depends on how many queues they have. */
static void cqpoll_poller_count(struct cqpoll_poller *p, unsigned int nr)
{
	p->nr = nr;
	p->budget[false] = cqpoll_budget(nr, false);
	p->budget[true] = cqpoll_budget(nr, true);
}

/* Queues that were given to the thread since it last looked. */
static void cqpoll_poller_adopt(struct cqpoll_poller *p)
{
	unsigned int nr = p->nr;
	struct cqpoll_cq *c;

	if (list_empty_careful(&p->inbox))
		return;
	spin_lock(&cqpoll_lock);
	list_for_each_entry(c, &p->inbox, node)
		nr++;
	list_splice_tail_init(&p->inbox, &p->queues);
	spin_unlock(&cqpoll_lock);
	cqpoll_poller_count(p, nr);
}

static int cqpoll_poller_pass(struct cqpoll_poller *p, struct cqpoll_cq *c)
{
	bool timed = READ_ONCE(cqpoll_timing);
	u64 begin = timed ? ktime_get_ns() : 0;
	int n;

	n = cqpoll_queue_pass(&c->q, p->wc, p->budget[c->bh]);
	cqpoll_stats_look(c);
	if (n > 0)
		cqpoll_stats_hit(c, n, timed ? ktime_get_ns() - begin : 0);
	return n;
}

static u64 cqpoll_limit_ns(void)
{
	return READ_ONCE(cqpoll_idle_us) * (u64)NSEC_PER_USEC;
}

/* The thread left the CPU at that time. Returns for how long. */
static u64 cqpoll_poller_away(struct cqpoll_poller *p, u64 begin)
{
	p->now = ktime_get_ns();
	p->idle_ns += p->now - begin;
	return p->now - begin;
}

/*
 * Whoever else wants this CPU may be what the next completion depends on, maybe woken by
 * the last one. It comes first, and at once: the scheduler alone would let us poll on for
 * milliseconds. One that keeps the CPU for long is not; then we had better sleep, because
 * an event gets the CPU back at once. False for that.
 */
static bool cqpoll_poller_relax(struct cqpoll_poller *p)
{
	u64 begin;

	if (single_task_running()) {
		p->crowded = false;
		cpu_relax();
		return true;
	}
	if (p->crowded && cqpoll_limit_ns())
		return false;
	begin = ktime_get_ns();
	yield();
	p->crowded = cqpoll_poller_away(p, begin) > CQPOLL_YIELD_MAX_NS;
	return true;
}

/* Look at every queue once; true when one of them had something. */
static bool cqpoll_poller_round(struct cqpoll_poller *p)
{
	struct cqpoll_cq *c, *next;
	bool found = false;
	int n;

	cqpoll_poller_adopt(p);
	list_for_each_entry_safe(c, next, &p->queues, node) {
		n = cqpoll_poller_pass(p, c);
		if (n < 0) {
			list_del(&c->node);
			cqpoll_poller_count(p, p->nr - 1);
			kfree_rcu(c, rcu);
		} else if (n) {
			found = true;
			if (!cqpoll_poller_relax(p))
				cond_resched();
		}
	}
	return found;
}

/* Ask for an event of every queue; false when one of them may have something. */
static bool cqpoll_poller_arm(struct cqpoll_poller *p)
{
	struct cqpoll_cq *c;
	bool quiet = true;

	WRITE_ONCE(p->kicked, false);
	smp_mb(); /* an event from here on kicks; what one before was for is seen below */
	list_for_each_entry(c, &p->queues, node) {
		c->stat.armed++;
		if (cqpoll_queue_arm(&c->q))
			quiet = false;
	}
	return quiet && list_empty_careful(&p->inbox);
}

static bool cqpoll_poller_called(struct cqpoll_poller *p)
{
	return READ_ONCE(p->kicked) || kthread_should_stop() || kthread_should_park();
}

/* Go on polling after so long without any completion? */
static bool cqpoll_poller_spin(const struct cqpoll_poller *p)
{
	u64 limit = cqpoll_limit_ns();

	if (list_empty(&p->queues))
		return false;
	return !limit || p->idle_ns < cqpoll_window_ns(&p->window, limit,
						       READ_ONCE(cqpoll_adaptive));
}

/* Asked again with all queues armed, as a change of the limits may have kicked before that. */
static bool cqpoll_poller_may_sleep(const struct cqpoll_poller *p)
{
	return !cqpoll_poller_spin(p) || (p->crowded && cqpoll_limit_ns());
}

static void cqpoll_poller_sleep(struct cqpoll_poller *p)
{
	u64 begin = ktime_get_ns();

	p->sleeps++;
	trace_cqpoll_sleep(p->cpu, p->nr, p->idle_ns);
	wait_event_idle(p->wait, cqpoll_poller_called(p));
	trace_cqpoll_wake(p->cpu);
	cqpoll_poller_away(p, begin);
}

/* How long there has been nothing, after a round that found nothing. */
static void cqpoll_poller_idle(struct cqpoll_poller *p)
{
	u64 now = ktime_get_ns();

	p->idle_ns += cqpoll_step_ns(now - p->now);
	p->now = now;
}

/* After one that found something. */
static void cqpoll_poller_busy(struct cqpoll_poller *p)
{
	if (p->idle_ns) {
		cqpoll_poller_idle(p);
		cqpoll_window_update(&p->window, p->idle_ns, cqpoll_limit_ns());
		p->idle_ns = 0;
	} else {
		p->now = ktime_get_ns();
	}
}

/*
 * A CPU that shall go offline pushes the thread away and has it run anywhere, before we
 * are told. Where that fails early nobody tells us ever; the thread may even be back by
 * then, but free to leave.
 */
static void cqpoll_poller_home(const struct cqpoll_poller *p)
{
	if (unlikely(raw_smp_processor_id() != p->cpu || !is_percpu_thread()) &&
	    cpu_active(p->cpu))
		set_cpus_allowed_ptr(current, cpumask_of(p->cpu));
}

static int cqpoll_poller_main(void *data)
{
	struct cqpoll_poller *p = data;

	/*
	 * For good. Memory that functions for completions ask for may wait for I/O, and the
	 * completion of that may be ours to find.
	 */
	memalloc_noio_save();
	p->now = ktime_get_ns();
	while (!kthread_should_stop()) {
		if (kthread_should_park())
			kthread_parkme();
		cqpoll_poller_home(p);
		cond_resched_tasks_rcu_qs();
		if (cqpoll_poller_round(p)) {
			cqpoll_poller_busy(p);
			continue;
		}
		cqpoll_poller_idle(p);
		if (cqpoll_poller_spin(p) && cqpoll_poller_relax(p))
			continue;
		if (cqpoll_poller_arm(p) && cqpoll_poller_may_sleep(p))
			cqpoll_poller_sleep(p);
	}
	return 0;
}

static struct cqpoll_poller *cqpoll_poller_alloc(unsigned int cpu)
{
	struct cqpoll_poller *p = kzalloc_node(sizeof(*p), GFP_KERNEL, cpu_to_node(cpu));

	if (!p)
		return NULL;
	p->cpu = cpu;
	init_waitqueue_head(&p->wait);
	INIT_LIST_HEAD(&p->queues);
	INIT_LIST_HEAD(&p->inbox);
	return p;
}

/* A thread that has not begun to run. */
static int cqpoll_poller_create(unsigned int cpu)
{
	struct cqpoll_poller *p = cqpoll_pollers[cpu];
	struct task_struct *task;

	if (!p) {
		p = cqpoll_poller_alloc(cpu);
		if (!p)
			return -ENOMEM;
		cqpoll_pollers[cpu] = p;
	}
	if (p->task)
		return 0;
	task = kthread_create_on_node(cqpoll_poller_main, p, cpu_to_node(cpu), "cqpoll/%u", cpu);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpu);
	p->task = task;
	return 0;
}

static void cqpoll_poller_stop(struct cqpoll_poller *p)
{
	if (!p->task)
		return;
	kthread_stop(p->task);
	p->task = NULL;
	p->runs = false;
}

/**
 * cqpoll_poller_assign() - give a CQ to one of the threads
 * @c: the CQ, in no list of a thread
 *
 * Context: cqpoll_lock held.
 * Return: false when there is no thread.
 */
bool cqpoll_poller_assign(struct cqpoll_cq *c)
{
	struct cqpoll_poller *p;
	unsigned int cpu;

	lockdep_assert_held(&cqpoll_lock);
	cpu = cqpoll_spread(cqpoll_load, &cqpoll_active);
	if (cpu >= nr_cpu_ids)
		return false;
	p = cqpoll_pollers[cpu];
	cqpoll_load[cpu]++;
	WRITE_ONCE(c->poller, p);
	list_add_tail(&c->node, &p->inbox);
	trace_cqpoll_take(c, cpu);
	cqpoll_poller_kick(p);
	return true;
}

/**
 * cqpoll_poller_forget() - a CQ is polled no more
 * @c: the CQ; its thread may still have it in a list
 *
 * Context: cqpoll_lock held.
 */
void cqpoll_poller_forget(struct cqpoll_cq *c)
{
	lockdep_assert_held(&cqpoll_lock);
	if (c->poller)
		cqpoll_load[c->poller->cpu]--;
}

/* Everything that the threads have; those that were destroyed are forgotten. */
static void cqpoll_collect(struct list_head *all)
{
	struct cqpoll_cq *c, *n;
	unsigned int cpu;

	lockdep_assert_held(&cqpoll_lock);
	for_each_cpu(cpu, &cqpoll_active) {
		struct cqpoll_poller *p = cqpoll_pollers[cpu];

		list_splice_tail_init(&p->queues, all);
		list_splice_tail_init(&p->inbox, all);
		cqpoll_load[cpu] = 0;
		cqpoll_poller_count(p, 0);
	}
	list_for_each_entry_safe(c, n, all, node) {
		WRITE_ONCE(c->poller, NULL);
		if (hlist_unhashed(&c->hash)) {
			list_del(&c->node);
			kfree_rcu(c, rcu);
		}
	}
}

/* Deal the queues out anew; what nobody shall poll any more goes to the list. */
static void cqpoll_deal(const struct cpumask *cpus, struct list_head *back)
{
	struct cqpoll_cq *c, *n;
	LIST_HEAD(all);

	spin_lock(&cqpoll_lock);
	cqpoll_collect(&all);
	cpumask_copy(&cqpoll_active, cpus);
	list_for_each_entry_safe(c, n, &all, node) {
		list_del_init(&c->node);
		if (!cqpoll_device_find(c->device) ||
		    !cqpoll_wanted(c->name, c->owner, c->bh) || !cqpoll_poller_assign(c))
			list_add_tail(&c->node, back);
	}
	spin_unlock(&cqpoll_lock);
}

/* After a change: those that were parked and the new ones run, the others end. */
static void cqpoll_pollers_go(const struct cpumask *cpus)
{
	struct cqpoll_poller *p;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		p = cqpoll_pollers[cpu];
		if (!p || !p->task)
			continue;
		if (!cpumask_test_cpu(cpu, cpus)) {
			cqpoll_poller_stop(p);
		} else if (p->runs) {
			kthread_unpark(p->task);
		} else {
			p->runs = true;
			wake_up_process(p->task);
		}
	}
}

/**
 * cqpoll_poller_set() - have threads on these CPUs, and let them have what is wanted
 * @cpus: online CPUs
 *
 * Completions wait while queues change hands. So nothing here may wait for memory
 * once a thread is parked: memory may wait for a completion.
 *
 * Context: process, sleeps; CPU hotplug lock held, callers serialised.
 * Return: 0, or an error with nothing changed. It can't fail when each of the CPUs
 * has a thread already.
 */
int cqpoll_poller_set(const struct cpumask *cpus)
{
	struct cqpoll_cq *c, *n;
	unsigned int cpu;
	LIST_HEAD(back);
	int err;

	for_each_cpu(cpu, cpus) {
		err = cqpoll_poller_create(cpu);
		if (err)
			goto err_stop_new;
	}

	/* Nothing can fail past this point. */
	for_each_cpu(cpu, &cqpoll_active)
		kthread_park(cqpoll_pollers[cpu]->task);
	cqpoll_deal(cpus, &back);
	cqpoll_pollers_go(cpus);
	list_for_each_entry_safe(c, n, &back, node) {
		list_del_init(&c->node);
		cqpoll_cq_drop(c);
	}
	return 0;

err_stop_new:
	for_each_cpu(cpu, cpus)
		if (cqpoll_pollers[cpu] && !cpumask_test_cpu(cpu, &cqpoll_active))
			cqpoll_poller_stop(cqpoll_pollers[cpu]);
	return err;
}

/**
 * cqpoll_poller_get() - the thread of a CPU
 * @cpu: a possible CPU
 *
 * Context: cqpoll_lock held.
 * Return: the thread, NULL when there is none.
 */
const struct cqpoll_poller *cqpoll_poller_get(unsigned int cpu)
{
	lockdep_assert_held(&cqpoll_lock);
	return cpumask_test_cpu(cpu, &cqpoll_active) ? cqpoll_pollers[cpu] : NULL;
}

/**
 * cqpoll_poller_init() - room for the threads
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int cqpoll_poller_init(void)
{
	cqpoll_pollers = kcalloc(nr_cpu_ids, sizeof(*cqpoll_pollers), GFP_KERNEL);
	cqpoll_load = kcalloc(nr_cpu_ids, sizeof(*cqpoll_load), GFP_KERNEL);
	if (cqpoll_pollers && cqpoll_load)
		return 0;
	kfree(cqpoll_load);
	kfree(cqpoll_pollers);
	return -ENOMEM;
}

/**
 * cqpoll_poller_exit() - free it again; all threads have ended
 *
 * Context: process; no event handler runs any more.
 */
void cqpoll_poller_exit(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		kfree(cqpoll_pollers[cpu]);
	kfree(cqpoll_load);
	kfree(cqpoll_pollers);
}
