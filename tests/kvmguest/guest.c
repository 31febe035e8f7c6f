// SPDX-License-Identifier: GPL-2.0
/*
 * Bare-metal guest: no MMU, one program for every test, the same on each vCPU.
 * Nothing here writes CNTV_CTL but ENABLE, so that a host which meddles with it
 * is seen.
 */
#include <stdbool.h>

#include "kvmguest.h"

#define CTL_ENABLE	1u
#define CTL_IMASK	2u
#define CTL_ISTATUS	4u

#define stringify_1(x)	#x
#define stringify(x)	stringify_1(x)
#define read_reg(reg)							\
({									\
	uint64_t _v;							\
	asm volatile("mrs %0, " stringify(reg) : "=r" (_v) : : "memory"); \
	_v;								\
})
#define write_reg(reg, v)						\
({									\
	uint64_t _v = (v);						\
	asm volatile("msr " stringify(reg) ", %0\n\tisb" : : "r" (_v) : "memory"); \
})

#define ICC_PMR		S3_0_C4_C6_0
#define ICC_SGI1R	S3_0_C12_C11_5
#define ICC_IAR1	S3_0_C12_C12_0
#define ICC_EOIR1	S3_0_C12_C12_1
#define ICC_SRE		S3_0_C12_C12_5
#define ICC_IGRPEN1	S3_0_C12_C12_7

static void irqs_off(void)
{
	asm volatile("msr daifset, #2" : : : "memory");
}

static void irqs_on(void)
{
	asm volatile("msr daifclr, #2\n\tisb" : : : "memory");
}

static void dsb(void)
{
	asm volatile("dsb sy" : : : "memory");
}

static void wfi(void)
{
	dsb();
	asm volatile("wfi" : : : "memory");
}

static void wfe(void)
{
	asm volatile("wfe" : : : "memory");
}

static void sev(void)
{
	dsb();
	asm volatile("sev" : : : "memory");
}

static const struct kg_params *const params = (void *)KG_PARAMS;
static struct kg_result *const results = (void *)KG_RESULTS;

/* The expiry that each vCPU waits for, and what it last wrote to CNTV_CTL. */
static struct {
	uint64_t due;
	uint32_t ctl;
	volatile uint64_t pings;
} cpus[KG_MAX_VCPUS];

/* KVM forgets a level that rises while the distributor is off. */
static volatile uint32_t distributor_on;

static void mmio_write32(uint64_t addr, uint32_t v)
{
	asm volatile("str %w0, [%1]" : : "r" (v), "r" (addr) : "memory");
}

static uint32_t mmio_read32(uint64_t addr)
{
	uint32_t v;

	asm volatile("ldr %w0, [%1]" : "=r" (v) : "r" (addr) : "memory");
	return v;
}

static unsigned int me(void)
{
	return read_reg(mpidr_el1) & 0xff;
}

static uint64_t now(void)
{
	asm volatile("isb" : : : "memory");
	return read_reg(cntvct_el0);
}

/* Leave the guest; the kernel answers by itself. */
static void leave(void)
{
	(void)mmio_read32(KG_GICD + 0x4);
}

/* The same in the shortest way that there is: PSCI_VERSION. */
static void leave_by_hvc(void)
{
	register uint64_t x0 asm("x0") = 0x84000000;

	asm volatile("hvc #0" : "+r" (x0) : : "x1", "x2", "x3", "memory");
}

static void leave_for_good(unsigned int how)
{
	dsb();
	mmio_write32(KG_EXIT, how);
	for (;;)
		wfi();
}

void guest_panic(uint64_t esr, uint64_t elr)
{
	results[me()].panic_esr = esr;
	results[me()].panic_elr = elr;
	leave_for_good(KG_EXIT_PANIC);
}

static void sample(struct kg_result *r, uint64_t late)
{
	r->late_sum += late;
	if (late > r->late_max)
		r->late_max = late;
	r->sample[r->samples++ % KG_SAMPLES] = late > UINT32_MAX ? UINT32_MAX : late;
}

static void timer_ctl(unsigned int cpu, uint32_t ctl)
{
	cpus[cpu].ctl = ctl;
	write_reg(cntv_ctl_el0, ctl);
}

static void timer_at(unsigned int cpu, uint64_t due)
{
	cpus[cpu].due = due;
	write_reg(cntv_cval_el0, due);
}

static void gic_init(unsigned int cpu)
{
	uint64_t rd = KG_GICR + cpu * KG_GICR_STRIDE, sgi = rd + 0x10000;

	write_reg(ICC_SRE, 7);
	if (cpu == 0) {
		mmio_write32(KG_GICD, 0x12);		/* group 1, affinity routing */
		distributor_on = 1;
	}
	while (!distributor_on)
		;
	mmio_write32(rd + 0x14, 0);			/* awake */
	mmio_write32(sgi + 0x80, 0xffffffff);		/* group 1 */
	mmio_write32(sgi + 0x100, 1u << KG_VTIMER_PPI | 0xffff);
	write_reg(ICC_PMR, 0xff);
	write_reg(ICC_IGRPEN1, 1);
}

static void send_sgi(unsigned int cpu, unsigned int sgi)
{
	dsb();
	write_reg(ICC_SGI1R, (uint64_t)sgi << 24 | 1u << cpu);
}

/* --- interrupts --- */

/*
 * Ticks come at a fixed rate. Where each is to be left over many times they do not: after a
 * pause of the emulator several would come at once, with no exits in between.
 */
static uint64_t tick_base(unsigned int cpu, uint64_t t)
{
	return params->test == KG_TICKS_EXITS ? t : cpus[cpu].due;
}

static void tick(unsigned int cpu, struct kg_result *r)
{
	uint64_t t = now();

	if (!(read_reg(cntv_ctl_el0) & CTL_ISTATUS) || !cpus[cpu].ctl) {
		r->extra++;
		return;
	}
	sample(r, t - cpus[cpu].due);
	if (++r->done == params->count)
		timer_ctl(cpu, 0);
	else
		timer_at(cpu, tick_base(cpu, t) + params->period);
}

void guest_irq(void)
{
	unsigned int cpu = me(), irq = read_reg(ICC_IAR1);
	struct kg_result *r = &results[cpu];

	switch (irq) {
	case KG_VTIMER_PPI:
		tick(cpu, r);
		break;
	case KG_SGI_PING:
		sample(r, now() - r->stamp);
		cpus[cpu].pings++;
		break;
	case KG_SGI_PONG:
		cpus[cpu].pings++;
		break;
	default:
		r->spurious++;
		return;
	}
	write_reg(ICC_EOIR1, irq);
}

/* --- ticks --- */

static void check_ctl(unsigned int cpu, struct kg_result *r)
{
	irqs_off();
	r->reads++;
	if ((read_reg(cntv_ctl_el0) ^ cpus[cpu].ctl) & (CTL_ENABLE | CTL_IMASK))
		r->bad_ctl++;
	irqs_on();
}

/* IRQs are off: stay so until the timer has been pending for a while. */
static void sit_over_expiry(unsigned int cpu, unsigned int exits)
{
	uint64_t until = cpus[cpu].due + params->hold;

	/* The hardware interrupt comes for sure before we leave by ourselves. */
	while (now() < cpus[cpu].due + params->hold / 2)
		;
	while (exits--)
		leave();
	while (now() < until)
		;
}

static void wait_for_tick(unsigned int cpu, struct kg_result *r)
{
	switch (params->test) {
	case KG_TICKS_WFI:
		irqs_off();
		if (r->done < params->count)
			wfi();
		irqs_on();
		break;
	case KG_TICKS_MASKED:
	case KG_TICKS_EXITS:
		irqs_off();
		if (r->done < params->count)
			sit_over_expiry(cpu, params->exits);
		irqs_on();
		break;
	case KG_CTL:
		check_ctl(cpu, r);
		break;
	}
}

/*
 * Is the tick that is waited for lost? A late one is not: where the emulator of this
 * machine was not run for a while the clock went on, and the interrupt is still on its
 * way. So it gets many chances after it is overdue.
 */
static bool tick_is_lost(unsigned int cpu, struct kg_result *r)
{
	volatile uint64_t *done = &r->done;
	uint64_t before = *done;
	unsigned int i;

	for (i = 0; i < KG_CHANCES; i++) {
		if (*done != before || now() <= cpus[cpu].due + params->patience)
			return false;
		leave();
	}
	return true;
}

static void test_ticks(unsigned int cpu, struct kg_result *r)
{
	volatile uint64_t *done = &r->done;

	irqs_on();
	timer_at(cpu, now() + params->period);
	timer_ctl(cpu, CTL_ENABLE);
	while (*done < params->count) {
		wait_for_tick(cpu, r);
		if (*done >= params->count || !tick_is_lost(cpu, r))
			continue;
		irqs_off();
		r->lost++;
		(*done)++;
		timer_at(cpu, now() + params->period);
		irqs_on();
	}
	/* One more that nobody asked for would come now. */
	for (uint64_t until = now() + params->period; now() < until;)
		leave();
	irqs_off();
	timer_ctl(cpu, 0);
}

/* --- pairs: the even vCPU asks, the odd one answers --- */

static void pause_for(uint64_t period)
{
	for (uint64_t until = now() + period; now() < until;)
		;
}

/* Idle until the i-th SGI; IRQs are on afterwards. */
static void wait_for_ping(unsigned int cpu, uint64_t i)
{
	irqs_off();
	while (cpus[cpu].pings < i) {
		wfi();
		irqs_on();
		irqs_off();
	}
	irqs_on();
}

static void ask(unsigned int cpu, struct kg_result *r)
{
	struct kg_result *peer = &results[cpu + 1];
	uint64_t i, began;

	/* The peer is there when it has answered once. */
	while (!peer->answer)
		sev();
	for (i = 1; i <= params->count; i++) {
		pause_for(params->period);
		began = now();
		peer->stamp = began;
		dsb();
		peer->request = i;
		if (params->test == KG_PING_WFE) {
			sev();
			while (peer->answer < i + 1)
				;
		} else {
			send_sgi(cpu + 1, KG_SGI_PING);
			wait_for_ping(cpu, i);
		}
		sample(r, now() - began);
		r->done++;
	}
}

/* What has to be done before the answer, with a tick pending: IRQs stay masked. */
static void leave_with_tick(unsigned int cpu)
{
	unsigned int n;

	irqs_off();
	timer_at(cpu, now());
	timer_ctl(cpu, CTL_ENABLE);
	for (n = params->exits; n; n--)
		leave_by_hvc();
	timer_ctl(cpu, 0);
	/* The host takes the tick back. */
	leave_by_hvc();
	irqs_on();
}

static void answer(unsigned int cpu, struct kg_result *r)
{
	uint64_t i;

	r->answer = 1;
	for (i = 1; i <= params->count; i++) {
		if (params->test == KG_PING_WFE) {
			while (r->request < i)
				wfe();
			sample(r, now() - r->stamp);
		} else {
			wait_for_ping(cpu, i);
			if (params->test == KG_PING_EXITS)
				leave_with_tick(cpu);
			send_sgi(cpu - 1, KG_SGI_PONG);
		}
		dsb();
		r->answer = i + 1;
		r->done++;
	}
}

static void test_ping(unsigned int cpu, struct kg_result *r)
{
	irqs_on();
	if ((cpu & 1) == 0 && cpu + 1 < params->vcpus)
		ask(cpu, r);
	else if (cpu & 1)
		answer(cpu, r);
}

static void test_spin(unsigned int cpu, struct kg_result *r)
{
	irqs_on();
	timer_at(cpu, now() + params->period);
	timer_ctl(cpu, CTL_ENABLE);
	for (;;) {
		irqs_off();
		sit_over_expiry(cpu, params->exits);
		irqs_on();
		wfi();
	}
}

void guest_main(unsigned int cpu)
{
	struct kg_result *r = &results[cpu];

	gic_init(cpu);
	switch (params->test) {
	case KG_PING_WFI:
	case KG_PING_WFE:
	case KG_PING_EXITS:
		test_ping(cpu, r);
		break;
	case KG_SPIN:
		test_spin(cpu, r);
		break;
	default:
		test_ticks(cpu, r);
		break;
	}
	leave_for_good(KG_EXIT_DONE);
}
