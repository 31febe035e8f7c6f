// SPDX-License-Identifier: GPL-2.0
/*
 * The softirq hazard of a polling idle CPU, made on purpose.
 *
 *	sender				target (idle)
 *	spin_lock_bh(L)
 *					timer interrupt, its softirq spins on L, interrupts on
 *	smp_call_function_single(wait)
 *	  a hardware IPI breaks in here -> the call is done, L is released, the softirq goes on
 *	  a soft one is only seen by the idle loop, below the softirq -> nobody ever goes on
 *
 * The softirq gives up after a while, so that a kernel that does have the hazard survives the test.
 */
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include <compat/time.h>

#include "ipi_bench.h"

#define IPIB_HAZARD_DELAY_NS	(300 * NSEC_PER_USEC)	/* time for the target to go idle again */

enum ipib_hazard_state {
	IPIB_HZ_ARMED,
	IPIB_HZ_SPINNING,
	IPIB_HZ_DONE
};

struct ipib_hazard {
	struct hrtimer timer;
	spinlock_t lock;	/* guards nothing: it is what the softirq waits for */
	enum ipib_hazard_state state;
	u64 expiry;
	u64 bail;
	unsigned int bailed;
	unsigned int on_idle;
	struct ipib_result *res;
	u64 when;
};

/* One run at a time (the caller's mutex), so one instance. */
static struct ipib_hazard ipib_hz;

static enum hrtimer_restart ipib_hazard_softirq(struct hrtimer *timer)
{
	struct ipib_hazard *h = container_of(timer, struct ipib_hazard, timer);
	u64 from = ipib_clock();

	if (is_idle_task(current))
		h->on_idle++;
	/* Pairs with ipib_hazard_reached(). */
	smp_store_release(&h->state, IPIB_HZ_SPINNING);
	while (!spin_trylock(&h->lock)) {
		if (ipib_clock() - from > h->bail) {
			h->bailed++;
			goto done;
		}
		cpu_relax();
	}
	spin_unlock(&h->lock);
done:
	/* Pairs with ipib_hazard_reached(): the counts above are valid then. */
	smp_store_release(&h->state, IPIB_HZ_DONE);
	return HRTIMER_NORESTART;
}

static void ipib_hazard_arm(void *info)
{
	struct ipib_hazard *h = info;

	h->expiry = ipib_clock() + ipib_ns_to_clock(IPIB_HAZARD_DELAY_NS);
	hrtimer_start(&h->timer, ns_to_ktime(IPIB_HAZARD_DELAY_NS), HRTIMER_MODE_REL_PINNED_SOFT);
}

static void ipib_hazard_call(void *info)
{
	struct ipib_hazard *h = info;

	h->when = ipib_clock();
	ipib_note_context(h->res);
}

static bool ipib_hazard_reached(struct ipib_hazard *h, enum ipib_hazard_state state)
{
	u64 from = ipib_clock(), late = ipib_ns_to_clock(IPIB_LATE_NS) + h->bail;

	/* Pairs with the releases in ipib_hazard_softirq(). */
	while (smp_load_acquire(&h->state) < state) {
		if (ipib_clock() - from > late)
			return false;
		cpu_relax();
	}
	return true;
}

/*
 * Even rounds call when the softirq spins for sure. Odd rounds call around the moment of the timer
 * interrupt, each a little later than the one before, to meet a kick that is just on its way.
 */
static bool ipib_hazard_wait_moment(struct ipib_hazard *h, unsigned int i)
{
	s64 offset;

	if (i % 2 == 0)
		return ipib_hazard_reached(h, IPIB_HZ_SPINNING);
	offset = (s64)(i / 2 % 128) * 1000 - 40 * NSEC_PER_USEC;
	while ((s64)(ipib_clock() - h->expiry) < (s64)ipib_ns_to_clock(abs(offset)) *
						 (offset < 0 ? -1 : 1))
		cpu_relax();
	return true;
}

static bool ipib_hazard_round(struct ipib_hazard *h, unsigned int cpu, unsigned int i)
{
	bool reached;
	u64 from;

	WRITE_ONCE(h->state, IPIB_HZ_ARMED);
	if (smp_call_function_single(cpu, ipib_hazard_arm, h, 1))
		return false;
	spin_lock_bh(&h->lock);
	reached = ipib_hazard_wait_moment(h, i);
	from = ipib_clock();
	smp_call_function_single(cpu, ipib_hazard_call, h, 1);
	h->res->rtt[i] = ipib_clock() - from;
	h->res->entry[i] = h->when - from;
	spin_unlock_bh(&h->lock);
	return reached && ipib_hazard_reached(h, IPIB_HZ_DONE);
}

/**
 * ipib_hazard() - run the softirq hazard on the first target CPU
 * @req: count, gap and the softirq's patience (bail_ms)
 * @res: time-outs and the time that each synchronous call took
 *
 * Context: thread bound to the sending CPU; CPU hotplug is held off by the caller.
 * Return: 0, or -ETIMEDOUT when the softirq never ran.
 */
int ipib_hazard(const struct ipib_request *req, struct ipib_result *res)
{
	struct ipib_hazard *h = &ipib_hz;
	unsigned int i;
	int err = 0;

	spin_lock_init(&h->lock);
	hrtimer_setup(&h->timer, ipib_hazard_softirq, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_SOFT);
	h->bail = ipib_ns_to_clock((u64)req->bail_ms * NSEC_PER_MSEC);
	h->bailed = 0;
	h->on_idle = 0;
	h->res = res;

	for (i = 0; i < req->count && !READ_ONCE(res->abort); i++) {
		cond_resched();
		ipib_gap(req, res);
		if (!ipib_hazard_round(h, cpumask_first(&req->targets), i)) {
			err = -ETIMEDOUT;
			break;
		}
		res->done++;
	}
	hrtimer_cancel(&h->timer);
	res->timeouts = h->bailed;
	res->softirq_on_idle = h->on_idle;
	return err;
}
