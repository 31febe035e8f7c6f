/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft IPI passthrough on x86: TIF_POLLING_NRFLAG and TIF_NEED_RESCHED in the
 * flags of the idle task, the kernel's own sender for one target, the module's
 * for several, the softirq guard. See Documentation/ipi_passthrough-model.rst;
 * each M_... macro makes one mutant.
 */
#define TSO
#define NCPU	4
#define NVAR	3
#define V_F	0	/* thread flags of the idle task, one word */
#define V_Q	1
#define V_EN	2
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
bool has_polled;	/* the module has seen the CPU's idle task */

/* softirq_entry probe; the probe's CPU is 0 */
inline softirq_guard()
{
#ifndef M_GUARD_NONE
#if defined(M_GUARD_GATE)
#define GUARDED (in_poll || RD(0, V_EN))
#elif defined(M_GUARD_LOOP_ONLY)
#define GUARDED in_poll
#else
#define GUARDED has_polled
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

#include "cpu.pmh"

init
{
	atomic {
		mem[V_EN] = 1;
		if
		:: limited = 0
		:: limited = 1
		fi
	}
}

/* the idle task of CPU 0: do_idle(), cpuidle, the module's enter() */
#define SET_POLLING	atomic { BUF_EMPTY(0); mem[V_F] = mem[V_F] | POLLING }
#ifdef M_CLEAR_PLAIN
#define CLEAR_POLLING	WR(0, V_F, RD(0, V_F) & NR)
#else
#define CLEAR_POLLING	atomic { BUF_EMPTY(0); mem[V_F] = mem[V_F] & NR }
#endif

active proctype idle() provided (!in_irq)
{
do_idle:
	SET_POLLING;
loop:
	if
	:: RD(0, V_F) & NR -> goto tail
	:: else
	fi;
	irq_on = 0;
	CLEAR_POLLING;			/* call_cpuidle() */
	if
	:: RD(0, V_F) & NR -> goto leave
	:: else
	fi;
	if
	:: !RD(0, V_EN) -> goto halt
	:: else
	fi;
	/* poll */
	atomic { intr_seen = 0; in_poll = 1; has_polled = 1 };
	SET_POLLING;
	irq_on = 1;
	if
	:: intr_seen -> irq_on = 0; CLEAR_POLLING; in_poll = 0; goto leave
	:: RD(0, V_F) & NR -> irq_on = 0; CLEAR_POLLING; in_poll = 0; goto leave
#ifndef M_SPIN_IGNORES_MASK
	:: !RD(0, V_EN) -> irq_on = 0; CLEAR_POLLING; in_poll = 0
#endif
	:: limited -> irq_on = 0;
#ifdef M_HALT_POLLING
		skip
#else
		CLEAR_POLLING
#endif
		; in_poll = 0
	fi;
#ifndef M_NO_RETEST
	if
	:: RD(0, V_F) & NR -> goto leave
	:: else
	fi;
#endif
#ifdef M_HALT_POLLING
	CLEAR_POLLING;
#endif
halt:	/* sti; hlt: no interrupt gets between the two */
	atomic { halted = 1; irq_on = 1 };
	!halted;
	irq_on = 0;
leave:
	irq_on = 1;			/* cpuidle_enter_state() */
	SET_POLLING;			/* cpuidle_idle_call() */
	goto loop;
tail:
#ifndef M_TAIL_POLLING
	CLEAR_POLLING;
#endif
	drain();
	atomic { mem[V_F] = mem[V_F] & POLLING; task = 0 };	/* schedule_idle() */
#ifdef M_TAIL_POLLING
	CLEAR_POLLING;
#endif
	goto do_idle
}

/* senders */
byte f[3];
bool soft[3];

inline publish(s, qbit, first)
{
#ifdef M_PUBLISH_PLAIN
	atomic { csd[s] = 1; first = (RD(s, V_Q) == 0) };
	WR(s, V_Q, RD(s, V_Q) | qbit);
#else
	/* llist_add() */
	atomic { BUF_EMPTY(s); csd[s] = 1; first = (mem[V_Q] == 0);
		 mem[V_Q] = mem[V_Q] | qbit };
#endif
}

/* set_nr_if_polling() and the module's copy of it */
inline kick(s)
{
	f[s] = RD(s, V_F);
	do
	:: !(f[s] & POLLING) ->
#ifdef M_SOFT_TO_RUNNING
		soft[s] = 1;
#endif
		break
	:: (f[s] & POLLING) && (f[s] & NR) -> soft[s] = 1; break
	:: else ->
		atomic {
			BUF_EMPTY(s);
			if
			:: mem[V_F] == f[s] ->
				mem[V_F] = f[s] | NR; soft[s] = 1; break
			:: else -> f[s] = mem[V_F]
			fi
		}
	od
}

inline send_hard(s)
{
#ifdef M_HARD_ALWAYS
	atomic { ipi_call = 1; assert(!soft[s]) };
#else
	if
	:: !soft[s] -> atomic { ipi_call = 1; assert(!soft[s]) }
	:: else
	fi;
#endif
	atomic { soft[s] = 0; f[s] = 0 }
}

/* one call to CPU 0 and the wait for it */
inline call(s, qbit, first)
{
#ifdef M_KICK_FIRST
	kick(s);
	send_hard(s);
	publish(s, qbit, first);
#else
	publish(s, qbit, first);
	if
	:: first -> kick(s); send_hard(s)
	:: else	/* somebody's entry is there: his kick counts for ours */
	fi;
#endif
	!csd[s]
}

active proctype sender1()
{
	bool first;

	atomic { !lock -> lock = 1 };
	call(1, 2, first);
	lock = 0;
	call(1, 2, first)
}

active proctype sender2()
{
	bool first;

	call(2, 4, first);
	/* ttwu: the task, then resched_curr() of the idle task */
	task = 1;
	atomic { BUF_EMPTY(2); f[2] = mem[V_F]; mem[V_F] = f[2] | NR };
	if
	:: !(f[2] & POLLING) -> ipi_resched = 1
	:: else
	fi;
	f[2] = 0;
	call(2, 4, first)
}
