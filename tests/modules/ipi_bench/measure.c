// SPDX-License-Identifier: GPL-2.0
/*
 * The measurement loops. They run in a thread bound to the sending CPU.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "ipi_bench.h"

static DEFINE_PER_CPU(u64, ipib_entry_time);

/**
 * ipib_note_context() - record what the CPU was doing when the call reached it
 * @res: the run's result
 *
 * Context: the called function, on the target CPU.
 */
void ipib_note_context(struct ipib_result *res)
{
	if (!is_idle_task(current))
		return;
	atomic_inc(&res->target_idle);
	if (!in_hardirq())
		atomic_inc(&res->idle_loop);
}

static void ipib_handler(void *info)
{
	__this_cpu_write(ipib_entry_time, ipib_clock());
	ipib_note_context(info);
}

static void ipib_single(const struct ipib_request *req, struct ipib_result *res, unsigned int i)
{
	unsigned int cpu = cpumask_first(&req->targets);
	u64 from = ipib_clock();

	smp_call_function_single(cpu, ipib_handler, res, 1);
	res->rtt[i] = ipib_clock() - from;
	res->entry[i] = per_cpu(ipib_entry_time, cpu) - from;
}

static void ipib_many(const struct ipib_request *req, struct ipib_result *res, unsigned int i)
{
	u64 from, entry, last = 0;
	unsigned int cpu;

	preempt_disable();
	from = ipib_clock();
	smp_call_function_many(&req->targets, ipib_handler, res, true);
	res->rtt[i] = ipib_clock() - from;
	preempt_enable();

	for_each_cpu(cpu, &req->targets) {
		entry = per_cpu(ipib_entry_time, cpu) - from;
		if ((s64)entry > (s64)last)
			last = entry;
	}
	res->entry[i] = last;
}

static void ipib_resched(const struct ipib_request *req, struct ipib_result *res, unsigned int i)
{
	u64 from = ipib_clock();

	wake_up_all_idle_cpus();
	res->rtt[i] = ipib_clock() - from;
	res->entry[i] = 0;
}

static void ipib_none(const struct ipib_request *req, struct ipib_result *res, unsigned int i)
{
	res->rtt[i] = 0;
	res->entry[i] = 0;
}

typedef void (*ipib_call_t)(const struct ipib_request *req, struct ipib_result *res,
			    unsigned int i);

static int ipib_call_loop(const struct ipib_request *req, struct ipib_result *res, ipib_call_t call)
{
	unsigned int i;

	for (i = 0; i < req->count && !READ_ONCE(res->abort); i++) {
		cond_resched();
		ipib_gap(req, res);
		call(req, res, i);
		if (ipib_ns_between(0, res->rtt[i]) > IPIB_LATE_NS)
			res->timeouts++;
		res->done++;
	}
	return 0;
}

/**
 * struct ipib_sleeper - thread on the target that is woken up once per call
 * @posted: number of the last wake-up asked for; written by the sender
 * @seen: number of the last wake-up that ran; written by the thread
 * @when: clock of the thread's first look at @posted
 */
struct ipib_sleeper {
	unsigned int posted;
	unsigned int seen;
	u64 when;
};

static int ipib_sleeper_thread(void *data)
{
	struct ipib_sleeper *s = data;
	unsigned int posted;

	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		posted = READ_ONCE(s->posted);
		if (posted == s->seen) {
			schedule();
			continue;
		}
		s->when = ipib_clock();
		__set_current_state(TASK_RUNNING);
		/* Pairs with the acquire in ipib_wait_seen(): @when is valid once @seen is. */
		smp_store_release(&s->seen, posted);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static bool ipib_wait_seen(struct ipib_sleeper *s, unsigned int number)
{
	u64 from = ipib_clock(), late = ipib_ns_to_clock(IPIB_LATE_NS);

	/* Pairs with the release in ipib_sleeper_thread(). */
	while (smp_load_acquire(&s->seen) != number) {
		if (ipib_clock() - from > late)
			return false;
		cpu_relax();
	}
	return true;
}

static int ipib_wakeup_loop(const struct ipib_request *req, struct ipib_result *res)
{
	struct ipib_sleeper s = {};
	struct task_struct *task;
	unsigned int i;
	int err = 0;
	u64 from;

	task = kthread_create_on_cpu(ipib_sleeper_thread, &s, cpumask_first(&req->targets),
				     "ipib_sleep/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	wake_up_process(task);
	msleep(20);

	for (i = 0; i < req->count && !READ_ONCE(res->abort); i++) {
		cond_resched();
		ipib_gap(req, res);
		if (!READ_ONCE(task->on_cpu))
			atomic_inc(&res->target_idle);
		from = ipib_clock();
		WRITE_ONCE(s.posted, i + 1);
		wake_up_process(task);
		if (!ipib_wait_seen(&s, i + 1)) {
			res->timeouts++;
			err = -ETIMEDOUT;
			break;
		}
		res->rtt[i] = ipib_clock() - from;
		res->entry[i] = s.when - from;
		res->done++;
	}
	kthread_stop(task);
	return err;
}

/**
 * ipib_measure() - run one measurement
 * @req: what to do
 * @res: where the samples go
 *
 * Context: thread bound to the sending CPU; CPU hotplug is held off by the caller.
 * Return: 0 or -errno.
 */
int ipib_measure(const struct ipib_request *req, struct ipib_result *res)
{
	switch (req->mode) {
	case IPIB_SINGLE:
		return ipib_call_loop(req, res, ipib_single);
	case IPIB_MANY:
		return ipib_call_loop(req, res, ipib_many);
	case IPIB_RESCHED:
		return ipib_call_loop(req, res, ipib_resched);
	case IPIB_NONE:
		return ipib_call_loop(req, res, ipib_none);
	case IPIB_WAKEUP:
		return ipib_wakeup_loop(req, res);
	case IPIB_HAZARD:
		return ipib_hazard(req, res);
	default:
		return -EINVAL;
	}
}
