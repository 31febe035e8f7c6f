/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CQ polling: what the files of the module share.
 *
 * Locks, outermost first: cqpoll_config_lock (main.c), the CPU hotplug lock,
 * cqpoll_lock, a queue's own (queue.h).
 */
#ifndef CQPOLL_H
#define CQPOLL_H

#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <rdma/ib_verbs.h>

#include "budget.h"
#include "knob.h"
#include "queue.h"

#define CQPOLL_OWNER_LEN	24

struct task_struct;

/**
 * struct cqpoll_stat - counters of a queue, written by its thread only
 * @reset:       number of the last reset that this queue has seen
 * @polls:       times it was looked at
 * @hits:        times that something was found
 * @completions: what was found
 * @armed:       times that an event was asked for
 * @timed:       hits that were timed
 * @ns:          time that these took
 * @max_ns:      the longest of them
 */
struct cqpoll_stat {
	unsigned int reset;
	u64 polls;
	u64 hits;
	u64 completions;
	u64 armed;
	u64 timed;
	u64 ns;
	u64 max_ns;
};

/**
 * struct cqpoll_cq - a CQ that was taken over
 * @q:      its state
 * @cq:     the CQ; only to be touched as queue.h says
 * @native: the event handler of the RDMA core
 * @bh:     completions are handled with bottom halves off
 * @poller: its thread, NULL as long as it has none; written under cqpoll_lock
 * @stat:   counters
 * @node:   in a list of its thread
 * @all:    in cqpoll_cqs; protected by cqpoll_lock
 * @hash:   found by @cq; written under cqpoll_lock, unhashed when it is gone
 * @device: for comparison only
 * @id:     its number on the device
 * @name:   name of the device
 * @owner:  name of the module that uses it
 * @rcu:    event handlers may still look at it
 */
struct cqpoll_cq {
	struct cqpoll_queue q;
	struct ib_cq *cq;
	ib_comp_handler native;
	bool bh;
	struct cqpoll_poller *poller;
	struct cqpoll_stat stat;
	struct list_head node;
	/* Slow path fields follow */
	struct list_head all;
	struct hlist_node hash;
	const struct ib_device *device;
	u32 id;
	char name[IB_DEVICE_NAME_MAX];
	char owner[CQPOLL_OWNER_LEN];
	struct rcu_head rcu;
};

/**
 * struct cqpoll_device - an RDMA device that is registered
 * @node: in cqpoll_devices
 * @dev:  the device
 * @name: its name; changed with cqpoll_config_lock (main.c) and cqpoll_lock held
 */
struct cqpoll_device {
	struct list_head node;
	struct ib_device *dev;
	char name[IB_DEVICE_NAME_MAX];
};

/**
 * struct cqpoll_poller - a thread that polls
 * @cpu:    where it runs
 * @task:   the thread, NULL when there is none
 * @runs:   @task was started; it may be parked
 * @wait:   where it sleeps
 * @kicked: there is something to look at
 * @nr:     number of @queues
 * @budget: completions that each may have in a round, by whether bottom halves are off
 * @queues: what it polls; the thread's own while it is not parked
 * @inbox:  what it shall poll from now on; protected by cqpoll_lock
 * @window: how long to poll before sleeping
 * @idle_ns: time without completions, as far as it counts
 * @now:    until when that was counted
 * @crowded: others keep the CPU for long
 * @sleeps: times that it slept
 * @wc:     completions being handled
 */
struct cqpoll_poller {
	unsigned int cpu;
	struct task_struct *task;
	bool runs;
	wait_queue_head_t wait;
	bool kicked;
	unsigned int nr;
	unsigned int budget[2];
	struct list_head queues;
	struct list_head inbox;
	struct cqpoll_window window;
	u64 idle_ns;
	u64 now;
	bool crowded;
	u64 sleeps;
	struct ib_wc wc[CQPOLL_BATCH];
};

/* cq.c: */
extern spinlock_t cqpoll_lock;
extern struct list_head cqpoll_cqs;
extern unsigned long cqpoll_not_taken;
bool cqpoll_cq_take_existing(void);
void cqpoll_drivers_wait(void);
void cqpoll_cq_drop(struct cqpoll_cq *c);
void cqpoll_cq_rename(const struct cqpoll_device *d);
void cqpoll_cq_complete(struct cqpoll_cq *c, struct ib_wc *wc, int n);
void cqpoll_quiesce_softirq(struct cqpoll_queue *q, struct irq_poll *iop);
void cqpoll_cq_probe_alloc(void *data, const struct ib_cq *cq, int nr_cqe,
			   int comp_vector, enum ib_poll_context poll_ctx);
void cqpoll_cq_probe_free(void *data, const struct ib_cq *cq);

/* main.c: */
extern struct list_head cqpoll_devices;
int cqpoll_set_cpus(const struct cpumask *cpus);
void cqpoll_get_cpus(struct cpumask *cpus);
const struct cqpoll_device *cqpoll_device_find(const struct ib_device *dev);
bool cqpoll_wanted(const char *device, const char *owner, bool bh);

/* poller.c: */
extern struct cpumask cqpoll_active;
int cqpoll_poller_init(void);
void cqpoll_poller_exit(void);
int cqpoll_poller_set(const struct cpumask *cpus);
bool cqpoll_poller_assign(struct cqpoll_cq *c);
void cqpoll_poller_forget(struct cqpoll_cq *c);
void cqpoll_poller_kick(struct cqpoll_poller *p);
const struct cqpoll_poller *cqpoll_poller_get(unsigned int cpu);

/* probe.c: */
int cqpoll_probes_find(void);
int cqpoll_probes_register(void);
void cqpoll_probes_unregister(void);

/* stats.c: */
extern bool cqpoll_timing;
extern unsigned int cqpoll_resets;
void cqpoll_stats_timing(bool on);
void cqpoll_stats_reset(struct cqpoll_cq *c, unsigned int resets);
void cqpoll_stats_hit(struct cqpoll_cq *c, unsigned int n, u64 ns);
ssize_t cqpoll_stats_show(char *buf);

/**
 * cqpoll_stats_look() - count a look at a queue, whatever it found
 * @c: the queue
 *
 * Context: the queue's thread.
 */
static inline void cqpoll_stats_look(struct cqpoll_cq *c)
{
	unsigned int resets = READ_ONCE(cqpoll_resets);

	if (unlikely(c->stat.reset != resets))
		cqpoll_stats_reset(c, resets);
	c->stat.polls++;
}

/* sysfs.c: */
int cqpoll_sysfs_init(void);
void cqpoll_sysfs_exit(void);

#endif /* CQPOLL_H */
