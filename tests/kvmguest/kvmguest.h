/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest program and the VMM that runs it agree on: the layout of the
 * guest's memory, the test to run and what comes back.
 */
#ifndef KVMGUEST_H
#define KVMGUEST_H

#define KG_RAM		0x40000000UL	/* the guest's code and stacks */
#define KG_RAM_SIZE	0x00400000UL
#define KG_PARAMS	(KG_RAM + 0x00100000UL)
#define KG_RESULTS	(KG_RAM + 0x00101000UL)
#define KG_GICD		0x08000000UL
#define KG_GICR		0x080a0000UL
#define KG_GICR_STRIDE	0x20000UL
/* Nothing is there: a write leaves the guest for the VMM. */
#define KG_EXIT		0x09000000UL

#define KG_MAX_VCPUS	4
#define KG_SAMPLES	65536		/* the latest are kept */

#define KG_CHANCES	20000		/* exits in which an overdue tick may still come */

#define KG_VTIMER_PPI	27
#define KG_SGI_PING	1
#define KG_SGI_PONG	2

#ifndef __ASSEMBLER__
#include <stdint.h>

/* What the guest writes to KG_EXIT. */
enum {
	KG_EXIT_DONE = 1,
	KG_EXIT_PANIC = 2,
};

enum kg_test {
	KG_TICKS_WFI,		/* timer ticks, WFI in between */
	KG_TICKS_BUSY,		/* ... spinning in between */
	KG_TICKS_MASKED,	/* ... IRQs masked over each expiry */
	KG_TICKS_EXITS,		/* ... and leaving the guest many times meanwhile */
	KG_PING_WFI,		/* IPIs from even vCPUs to odd ones that sit in WFI */
	KG_PING_WFE,		/* events to odd ones that sit in WFE */
	KG_PING_EXITS,		/* IPIs, and many exits with a tick pending before the answer */
	KG_CTL,			/* ticks; does CNTV_CTL read as it was written? */
	KG_SPIN,		/* run until killed, leaving the guest at times */
};

/* Times are counts of the generic timer. */
struct kg_params {
	uint32_t test;
	uint32_t vcpus;
	uint32_t count;		/* ticks, or round trips */
	uint32_t exits;		/* exits per tick or per request */
	uint64_t period;	/* of ticks, or pause before each request */
	uint64_t hold;		/* how long IRQs stay masked after an expiry */
	uint64_t patience;	/* a tick this late is lost */
};

/* One per vCPU. late: from the expiry, or the sender's stamp, to the handler. */
struct kg_result {
	uint64_t done;		/* ticks or round trips */
	uint64_t extra;		/* timer interrupts without an expired timer */
	uint64_t lost;		/* expiries without an interrupt in time */
	uint64_t spurious;	/* acknowledged, but there was nothing */
	uint64_t bad_ctl;	/* reads of CNTV_CTL with other bits than written */
	uint64_t reads;		/* reads of CNTV_CTL that were compared */
	uint64_t late_sum;
	uint64_t late_max;
	uint64_t samples;	/* ever taken */
	/* Between the vCPUs of a pair, in the result of the odd one. */
	volatile uint64_t stamp;
	volatile uint64_t request;
	volatile uint64_t answer;
	uint64_t panic_esr;
	uint64_t panic_elr;
	uint32_t sample[KG_SAMPLES];
};

/* The guest program inside the VMM, blob.S. */
extern const char guest_start[], guest_end[];
#endif

#endif /* KVMGUEST_H */
