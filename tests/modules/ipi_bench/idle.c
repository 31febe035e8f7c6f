// SPDX-License-Identifier: GPL-2.0
/*
 * Which CPUs are in their idle loop, from the tracepoint that the kernel passes on the way in and
 * out. A call measured as one to an idle CPU has to find it idle, also on a host that is so short
 * of cores that a vCPU needs milliseconds to get there. Where hardware IPIs to pollers are counted,
 * the tracepoints of ipi_passthrough tell more closely when a CPU polls.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <trace/events/power.h>

#include "ipi_bench.h"

#define IPIB_IDLE_PATIENCE_NS	NSEC_PER_SEC
#define IPIB_SETTLE_NS		(50 * NSEC_PER_USEC)

static DEFINE_PER_CPU(bool, ipib_idle);
static DEFINE_PER_CPU(bool, ipib_polls);

static void ipib_probe_cpu_idle(void *data, unsigned int state, unsigned int cpu)
{
	WRITE_ONCE(*per_cpu_ptr(&ipib_idle, cpu), state != PWR_EVENT_EXIT);
}

static void ipib_probe_poll_enter(void *data, unsigned int cpu)
{
	WRITE_ONCE(*per_cpu_ptr(&ipib_polls, cpu), true);
}

static void ipib_probe_poll_exit(void *data, unsigned int cpu, unsigned int end)
{
	WRITE_ONCE(*per_cpu_ptr(&ipib_polls, cpu), false);
}

static const struct {
	const char *name;
	void *probe;
} ipib_poll_probes[] = {
	{ "ipipt_poll_enter", ipib_probe_poll_enter },
	{ "ipipt_poll_exit", ipib_probe_poll_exit },
};

/* Modules that come and go with tracepoints, those already loaded included. */
static int ipib_module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct tp_module *tp_mod = data;
	struct tracepoint *tp;
	unsigned int i, j;

	for (i = 0; i < tp_mod->mod->num_tracepoints; i++) {
		tp = tracepoint_ptr_deref(&tp_mod->mod->tracepoints_ptrs[i]);
		for (j = 0; j < ARRAY_SIZE(ipib_poll_probes); j++) {
			if (strcmp(tp->name, ipib_poll_probes[j].name))
				continue;
			if (event == MODULE_STATE_COMING)
				tracepoint_probe_register(tp, ipib_poll_probes[j].probe, NULL);
			else
				tracepoint_probe_unregister(tp, ipib_poll_probes[j].probe, NULL);
		}
	}
	return NOTIFY_OK;
}

static struct notifier_block ipib_module_notifier = {
	.notifier_call = ipib_module_event,
};

static bool ipib_all_ready(const struct ipib_request *req)
{
	unsigned int cpu;

	for_each_cpu(cpu, &req->targets) {
		if (!READ_ONCE(*per_cpu_ptr(&ipib_idle, cpu)))
			return false;
		if (req->polling && !READ_ONCE(*per_cpu_ptr(&ipib_polls, cpu)))
			return false;
	}
	return true;
}

/*
 * No cpu_relax(): an emulated x86 CPU leaves its loop for each PAUSE and takes the emulator's big
 * lock, for which the polling targets would have to queue.
 */
static void ipib_spin(u64 ticks)
{
	u64 begin = ipib_clock();

	while (ipib_clock() - begin < ticks)
		barrier();
}

/**
 * ipib_gap() - pause until all targets have been idle for a while
 * @req: the targets and the time to sleep, gap_us
 * @res: counts the times that a target did not become idle
 *
 * The sender sleeps, so that targets which poll have the host's cores for themselves and arrive
 * where they poll. Then it spins until none of them has moved for IPIB_SETTLE_NS, by which time its
 * own way out of idle is no longer part of what is measured. For timing it only spins: what it
 * would look at is on the path that is timed.
 *
 * Context: thread bound to the sending CPU, may sleep.
 */
void ipib_gap(const struct ipib_request *req, struct ipib_result *res)
{
	const u64 patience = ipib_ns_to_clock(IPIB_IDLE_PATIENCE_NS);
	const u64 settle = ipib_ns_to_clock(IPIB_SETTLE_NS);
	u64 begin, now, since;

	if (req->timing) {
		ipib_spin(ipib_ns_to_clock((u64)req->gap_us * NSEC_PER_USEC));
		return;
	}
	usleep_range(req->gap_us, req->gap_us + req->gap_us / 4);
	begin = ipib_clock();
	since = begin;
	do {
		now = ipib_clock();
		if (!ipib_all_ready(req))
			since = now;
		if (now - begin > patience) {
			res->never_idle++;
			return;
		}
	} while (now - since < settle);
}

/**
 * ipib_idle_watch() - begin to follow the CPUs
 *
 * Context: process, may sleep. Return: 0 or a tracepoint error.
 */
int ipib_idle_watch(void)
{
	int err = register_trace_cpu_idle(ipib_probe_cpu_idle, NULL);

	if (err)
		return err;
	err = register_tracepoint_module_notifier(&ipib_module_notifier);
	if (err) {
		unregister_trace_cpu_idle(ipib_probe_cpu_idle, NULL);
		tracepoint_synchronize_unregister();
		return err;
	}
	/* Who is idle already says so when it goes back. */
	wake_up_all_idle_cpus();
	return 0;
}

/**
 * ipib_idle_unwatch() - undo ipib_idle_watch()
 *
 * Context: process, may sleep.
 */
void ipib_idle_unwatch(void)
{
	/* Takes the probes of loaded modules back, as if these went away. */
	unregister_tracepoint_module_notifier(&ipib_module_notifier);
	unregister_trace_cpu_idle(ipib_probe_cpu_idle, NULL);
	tracepoint_synchronize_unregister();
}
