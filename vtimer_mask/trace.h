/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vtimer_mask

#if !defined(VTM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VTM_TRACE_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(vtm_vcpu_class,
	TP_PROTO(unsigned int vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
	),
	TP_printk("vcpu=%u", __entry->vcpu)
);

/* The hardware interrupt of a vCPU's expired timer was masked. */
DEFINE_EVENT(vtm_vcpu_class, vtm_mask,
	TP_PROTO(unsigned int vcpu),
	TP_ARGS(vcpu)
);

/* It may come again. */
DEFINE_EVENT(vtm_vcpu_class, vtm_unmask,
	TP_PROTO(unsigned int vcpu),
	TP_ARGS(vcpu)
);

/* The virtual line was lowered, because the timer no longer asks. */
DEFINE_EVENT(vtm_vcpu_class, vtm_lower,
	TP_PROTO(unsigned int vcpu),
	TP_ARGS(vcpu)
);

#endif /* VTM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
