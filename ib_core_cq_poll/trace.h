/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ib_core_cq_poll

#if !defined(CQPOLL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CQPOLL_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>

#include "cqpoll.h"

DECLARE_EVENT_CLASS(cqpoll_queue_class,
	TP_PROTO(const struct cqpoll_cq *c, int cpu),
	TP_ARGS(c, cpu),
	TP_STRUCT__entry(
		__array(char, device, IB_DEVICE_NAME_MAX)
		__array(char, owner, CQPOLL_OWNER_LEN)
		__field(u32, queue)
		__field(int, cpu)
	),
	TP_fast_assign(
		strscpy(__entry->device, c->name, IB_DEVICE_NAME_MAX);
		strscpy(__entry->owner, c->owner, CQPOLL_OWNER_LEN);
		__entry->queue = c->id;
		__entry->cpu = cpu;
	),
	TP_printk("device=%s queue=%u owner=%s cpu=%d", __entry->device,
		  __entry->queue, __entry->owner, __entry->cpu)
);

/* A queue was taken over, or moved: this CPU polls it from now on. */
DEFINE_EVENT(cqpoll_queue_class, cqpoll_take,
	TP_PROTO(const struct cqpoll_cq *c, int cpu),
	TP_ARGS(c, cpu)
);

/* It was given back to the RDMA core. */
DEFINE_EVENT(cqpoll_queue_class, cqpoll_give_back,
	TP_PROTO(const struct cqpoll_cq *c, int cpu),
	TP_ARGS(c, cpu)
);

/* It is being destroyed. */
DEFINE_EVENT(cqpoll_queue_class, cqpoll_gone,
	TP_PROTO(const struct cqpoll_cq *c, int cpu),
	TP_ARGS(c, cpu)
);

/* All queues of a thread are armed, and it sleeps. */
TRACE_EVENT(cqpoll_sleep,
	TP_PROTO(unsigned int cpu, unsigned int queues, u64 idle_ns),
	TP_ARGS(cpu, queues, idle_ns),
	TP_STRUCT__entry(
		__field(unsigned int, cpu)
		__field(unsigned int, queues)
		__field(u64, idle_ns)
	),
	TP_fast_assign(
		__entry->cpu = cpu;
		__entry->queues = queues;
		__entry->idle_ns = idle_ns;
	),
	TP_printk("cpu=%u queues=%u idle_ns=%llu", __entry->cpu, __entry->queues,
		  __entry->idle_ns)
);

/* It was woken, by an event or to be stopped. */
TRACE_EVENT(cqpoll_wake,
	TP_PROTO(unsigned int cpu),
	TP_ARGS(cpu),
	TP_STRUCT__entry(
		__field(unsigned int, cpu)
	),
	TP_fast_assign(
		__entry->cpu = cpu;
	),
	TP_printk("cpu=%u", __entry->cpu)
);

#endif /* CQPOLL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
