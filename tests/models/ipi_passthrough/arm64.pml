/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft IPI passthrough on arm64: a word per CPU, a spin with IRQs masked that
 * looks at ISR_EL1, the hooked SGI 0 (reschedule) and SGI 1 (call function), the
 * softirq guard. See Documentation/ipi_passthrough-model.rst; each M_... macro
 * makes one mutant, each H_... one that is harmless.
 */
#define NVAR	4
#define V_W	0	/* the word */
#define V_NR	1	/* TIF_NEED_RESCHED of the idle task */
#define V_Q1	2
#define V_Q2	3
#include "memory.pmh"

#define RUN	0
#define POLL	1
#define KICKED	2

#define NEED_RESCHED	(mem[V_NR])
#ifdef M_RESCUE_BLIND
#define KICK_PENDING	(mem[V_W] == KICKED)
#else
#define KICK_PENDING	(mem[V_W] == KICKED || mem[V_NR])
#endif

bool owed;	/* CPU 0 has consumed a kick and not yet drained its queue */

/* softirq_entry probe on CPU 0; SGI 1 to itself through the original chip */
inline softirq_guard()
{
#ifdef M_GUARD_NONE
	skip
#else
	if
	:: owed -> atomic { owed = 0; ipi_call = 1 }
	:: else
	fi
#endif
}

/*
 * The hook of both SGIs: smp_mb(), a look at the word, a cmpxchg that is ordered
 * when it succeeds. Its retry loop is one step here.
 */
inline kick(s, soft, polled)
{
#ifndef M_SENDER_NO_MB
	MB(s);
#endif
	atomic {
		if
		:: RD(s, V_W) == RUN ->
#ifdef M_SOFT_TO_RUNNING
			soft = 1
#else
			skip
#endif
		:: RD(s, V_W) == KICKED -> soft = 1; polled = 1
		:: RD(s, V_W) == POLL && BUF_EMPTY(s) ->
			mem[V_W] = KICKED;
			soft = 1; polled = 1
		fi
	}
}

/* a wake-up: a relaxed atomic, then SGI 0 whatever the target does */
inline wake(s, soft, polled)
{
	WR(s, V_NR, 1);
	kick(s, soft, polled);
	if
	:: !soft -> atomic { BUF_EMPTY(s); ipi_resched = 1 }
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

inline kicked(old)
{
#ifdef M_KICK_IGNORED
	skip
#else
	if
	:: old == KICKED -> atomic { mem[V_NR] = 1; owed = 1 }
	:: else
	fi
#endif
}

/*
 * ipipt_word_leave(). A word that says KICKED is changed by nobody else, so what
 * the kick asks for is recorded before the word is given up.
 */
inline leave_word(old)
{
#if defined(M_XCHG_PLAIN)
	old = RD(0, V_W);
	WR(0, V_W, RUN);
	kicked(old)
#elif defined(M_NO_XCHG)
	old = RD(0, V_W);
	kicked(old)
#elif defined(H_ONE_XCHG)
	atomic { BUF_EMPTY(0); old = mem[V_W]; mem[V_W] = RUN };
	kicked(old)
#else
	atomic { BUF_EMPTY(0); old = mem[V_W];
		 mem[V_W] = (old == POLL -> RUN : old) };
	kicked(old);
	atomic { BUF_EMPTY(0); mem[V_W] = RUN }
#endif
}

mtype = { LEAVE, NATIVE };

/* the idle task of CPU 0: do_idle(), cpuidle, the module's enter() */
active proctype idle() provided (!in_irq)
{
	mtype end;
	byte old;

loop:
	if
	:: RD(0, V_NR) -> goto tail
	:: else
	fi;
	irq_on = 0;
	if
	:: RD(0, V_NR) -> goto leave	/* call_cpuidle() */
	:: else
	fi;
	if
	:: !in_mask -> goto native
	:: else
	fi;
	/* poll */
	atomic { owed = 0; in_poll = 1; intr_seen = 0 };
	WR(0, V_W, POLL);
#ifndef H_RECEIVER_NO_MB
	MB(0);
#endif
#ifdef M_OPEN_WITH_POLL
	irq_on = 1;
#endif
	atomic {
		if
		:: RD(0, V_W) == KICKED -> end = LEAVE
#ifdef M_OPEN_WITH_POLL
		:: intr_seen -> end = LEAVE
#else
		:: IRQ_PENDING -> end = LEAVE
#endif
#ifndef M_SPIN_IGNORES_MASK
		:: !in_mask -> end = LEAVE
#endif
		:: limited -> end = NATIVE
#ifndef H_SPIN_IGNORES_RESCHED
		:: RD(0, V_NR) -> end = LEAVE
#endif
		fi
	};
#ifdef M_OPEN_WITH_POLL
	irq_on = 0;
#endif
#ifdef M_TEST_BEFORE_XCHG
	if
	:: RD(0, V_NR) -> end = LEAVE
	:: else
	fi;
#endif
#ifdef H_XCHG_RELAXED
	/* the test of NEED_RESCHED is satisfied before the exchange */
	if
	:: RD(0, V_NR) -> end = LEAVE
	:: else
	fi;
	atomic { !BUF_HAS(0, V_W); old = mem[V_W]; mem[V_W] = RUN };
	kicked(old);
	if
	:: old == KICKED -> end = LEAVE
	:: else
	fi;
#else
	leave_word(old);
#endif
	in_poll = 0;
#if !defined(M_TEST_BEFORE_XCHG) && !defined(H_XCHG_RELAXED)
	if
	:: RD(0, V_NR) -> end = LEAVE
	:: else
	fi;
#endif
	atomic {
		if
		:: end == LEAVE -> end = 0; old = 0; goto leave
		:: else -> end = 0; old = 0
		fi
	};
native:
	/* WFI with IRQs masked: a pending one ends it */
	IRQ_PENDING;
leave:
	irq_on = 1;			/* cpuidle_enter_state() */
	goto loop;
tail:
	MB(0);				/* smp_mb__after_atomic() of do_idle() */
	drain();
	atomic { BUF_EMPTY(0); mem[V_NR] = 0; task = 0 };	/* schedule_idle() */
	goto loop
}
