/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ipi_passthrough

#if !defined(IPIPT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IPIPT_TRACE_H

#include <linux/tracepoint.h>

#include "core.h"

TRACE_DEFINE_ENUM(IPIPT_END_KICK);
TRACE_DEFINE_ENUM(IPIPT_END_INTERRUPT);
TRACE_DEFINE_ENUM(IPIPT_END_DISABLED);
TRACE_DEFINE_ENUM(IPIPT_END_LIMIT);

DECLARE_EVENT_CLASS(ipipt_cpu_class,
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

/* A sender woke a polling CPU through memory. */
DEFINE_EVENT(ipipt_cpu_class, ipipt_kick,
	TP_PROTO(unsigned int cpu),
	TP_ARGS(cpu)
);

/* A CPU begins to poll. */
DEFINE_EVENT(ipipt_cpu_class, ipipt_poll_enter,
	TP_PROTO(unsigned int cpu),
	TP_ARGS(cpu)
);

/* A kick was not consumed in time: a hardware IPI follows. */
DEFINE_EVENT(ipipt_cpu_class, ipipt_rescue,
	TP_PROTO(unsigned int cpu),
	TP_ARGS(cpu)
);

TRACE_EVENT(ipipt_poll_exit,
	TP_PROTO(unsigned int cpu, enum ipipt_end end),
	TP_ARGS(cpu, end),
	TP_STRUCT__entry(
		__field(unsigned int, cpu)
		__field(unsigned int, end)
	),
	TP_fast_assign(
		__entry->cpu = cpu;
		__entry->end = end;
	),
	TP_printk("cpu=%u end=%s", __entry->cpu,
		  __print_symbolic(__entry->end,
				   { IPIPT_END_KICK, "kick" },
				   { IPIPT_END_INTERRUPT, "interrupt" },
				   { IPIPT_END_DISABLED, "disabled" },
				   { IPIPT_END_LIMIT, "limit" }))
);

#endif /* IPIPT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
