/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft IPI passthrough on x86: TIF_POLLING_NRFLAG and TIF_NEED_RESCHED in the
 * flags of the idle task, the kernel's own sender for one target, the module's
 * for several, the softirq guard. See Documentation/ipi_passthrough-model.rst;
 * each M_... macro makes one mutant.
 */
#define TSO
#define NVAR	3
#define V_F	0	/* thread flags of the idle task, one word */
#define V_Q1	1
#define V_Q2	2
#include "memory.pmh"

#define POLLING		1
#define NR		2
#define NEED_RESCHED	(mem[V_F] & NR)
#ifdef M_RESCUE_BLIND
#define KICK_PENDING	(mem[V_F] == (POLLING | NR))
#else
#define KICK_PENDING	(mem[V_F] & NR)
#endif

byte gf;

/* softirq_entry probe; the probe's CPU is 0 */
inline softirq_guard()
{
#ifdef M_GUARD_NONE
	skip
#else
#if defined(M_GUARD_GATE)
#define GUARDED (in_poll || in_mask)
#elif defined(M_GUARD_LOOP_ONLY)
#define GUARDED in_poll
#else
#define GUARDED true	/* since the module has first seen this idle task */
#endif
	if
	:: GUARDED ->
#ifdef M_GUARD_TEST_FIRST
		gf = mem[V_F];
		atomic { BUF_EMPTY(0); mem[V_F] = mem[V_F] & NR };
#else
		atomic { BUF_EMPTY(0); gf = mem[V_F]; mem[V_F] = mem[V_F] & NR };
#ifdef M_GUARD_ONLY_POLLING
		if
		:: !(gf & POLLING) -> gf = 0
		:: else -> gf = mem[V_F]
		fi;
#else
		gf = mem[V_F];
#endif
#endif
#ifndef M_GUARD_NO_SELF_IPI
		if
		:: gf & NR -> ipi_call = 1
		:: else
		fi;
#endif
		gf = 0
	:: else
	fi
#endif
}

/*
 * set_nr_if_polling() and the module's copy of it. Its retry loop is one step
 * here: a cmpxchg that fails has changed nothing.
 */
inline kick(s, soft, polled)
{
	atomic {
		if
		:: !(RD(s, V_F) & POLLING) ->
#ifdef M_SOFT_TO_RUNNING
			soft = 1
#else
			skip
#endif
		:: (RD(s, V_F) & POLLING) && (RD(s, V_F) & NR) ->
			soft = 1; polled = 1
		:: RD(s, V_F) == POLLING && BUF_EMPTY(s) ->
			mem[V_F] = POLLING | NR;
			soft = 1; polled = 1
		fi
	}
}

/* resched_curr(): set_nr_and_not_polling(), the kernel's own */
inline wake(s, soft, polled)
{
	atomic { BUF_EMPTY(s); polled = mem[V_F] & POLLING;
		 mem[V_F] = mem[V_F] | NR };
	if
	:: !polled -> ipi_resched = 1
	:: else
	fi
}

#include "cpu.pmh"

init
{
	atomic {
		if
		:: limited = 0
		:: limited = 1
		fi
	}
}

/* the idle task of CPU 0: do_idle(), cpuidle, the module's enter() */
byte plain;	/* scratch of mutants */

inline set_polling()
{
#ifdef M_SET_PLAIN
	atomic { plain = RD(0, V_F) | POLLING; WR(0, V_F, plain) }
#else
	atomic { BUF_EMPTY(0); mem[V_F] = mem[V_F] | POLLING }
#endif
}

inline clear_polling()
{
#ifdef M_CLEAR_PLAIN
	atomic { plain = RD(0, V_F) & NR; WR(0, V_F, plain) }
#else
	atomic { BUF_EMPTY(0); mem[V_F] = mem[V_F] & NR }
#endif
}

mtype = { LEAVE, HALT };

active proctype idle() provided (!in_irq)
{
	mtype end;

do_idle:
	set_polling();
loop:
	if
	:: RD(0, V_F) & NR -> goto tail
	:: else
	fi;
	atomic { irq_on = 0; clear_polling() };	/* call_cpuidle() */
	if
	:: RD(0, V_F) & NR -> goto leave
	:: else
	fi;
	if
	:: !in_mask -> goto halt
	:: else
	fi;
	/* poll */
	atomic { set_polling(); intr_seen = 0; in_poll = 1; irq_on = 1 };
	atomic {
		if
		:: intr_seen -> end = LEAVE
		:: RD(0, V_F) & NR -> end = LEAVE
#ifndef M_SPIN_IGNORES_MASK
		:: !in_mask -> end = LEAVE
#endif
		:: limited -> end = HALT
		fi
	};
	atomic {
		irq_on = 0;
		in_poll = 0;
		if
		:: end == LEAVE -> end = 0; goto leave
		:: else -> end = 0
		fi
	};
#ifndef M_HALT_POLLING
	clear_polling();
#endif
halt:
#ifndef M_NO_RETEST
	if
	:: RD(0, V_F) & NR -> goto leave
	:: else
	fi;
#endif
#ifdef M_HALT_POLLING
	clear_polling();
#endif
	/* sti; hlt: no interrupt gets between the two */
	atomic { halted = 1; irq_on = 1 };
	atomic { !halted -> irq_on = 0 };
leave:
	irq_on = 1;			/* cpuidle_enter_state() */
	set_polling();			/* cpuidle_idle_call() */
	goto loop;
tail:
#ifndef M_TAIL_POLLING
	clear_polling();
#endif
	drain();
	atomic { mem[V_F] = mem[V_F] & POLLING; task = 0 };	/* schedule_idle() */
#ifdef M_TAIL_POLLING
	clear_polling();
#endif
	goto do_idle
}

