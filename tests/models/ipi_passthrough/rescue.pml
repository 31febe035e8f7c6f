/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rescue timer: started by senders through an irq_work, stops by itself,
 * never leaves a kick unwatched. CPU 0 runs the timer, 1 and 2 send; the target
 * consumes a kick or is stuck until a hardware IPI comes. See
 * Documentation/ipi_passthrough-model.rst; each M_... macro makes one mutant.
 */
#define NVAR	2
#define V_K	0	/* a kick of the target is outstanding */
#define V_ARMED	1	/* ipipt_rescue_armed */
#include "memory.pmh"

bool timer_on;		/* the hrtimer is queued */
bool hard;		/* the IPI that the timer sends */
byte seq;		/* number of the target's poll */
byte kick_id;		/* ghost: number of the outstanding kick */

/* struct ipipt_watch, and the ghost that goes with it */
bool w_kicked;
byte w_seq, w_id;

/* what the judge says; the names are what model-check.sh looks for */
bool kick_unwatched, timer_dead, false_alarm;

/* ipipt_watch_step() and its caller */
inline look(k)
{
	atomic {
		k = RD(0, V_K);
		if
#ifdef M_NO_SEQ
		:: k && w_kicked ->
#else
		:: k && w_kicked && w_seq == seq ->
#endif
			false_alarm = (w_id != kick_id);
			assert(!false_alarm);
			hard = 1
		:: else
		fi;
		w_kicked = k;
		w_seq = seq;
		w_id = kick_id
	}
}

active proctype timer()
{
	bool k;

	do
	:: timer_on ->
		timer_on = 0;
		look(k);
		if
		:: k -> timer_on = 1
		:: !k ->
#ifdef M_NEVER_STOPS
			timer_on = 1
#else
			WR(0, V_ARMED, 0);
#ifndef M_TIMER_NO_MB
			MB(0);
#endif
#ifdef M_NO_RECHECK
			skip
#else
			look(k);
			if
			:: !k
			:: k ->
#ifdef M_NO_RESTART
				skip
#else
				/* cmpxchg(armed, 0, 1) */
				if
				:: atomic { BUF_EMPTY(0) && !mem[V_ARMED] ->
					   mem[V_ARMED] = 1; timer_on = 1 }
				:: atomic { BUF_EMPTY(0) && mem[V_ARMED] }
				fi
#endif
			fi
#endif
#endif
		fi;
		k = 0
	od
}

/* the kick, then ipipt_rescue_note(); n of them */
inline sender(s, a)
{
	do
	:: n < 2 ->
		n++;
#ifdef M_KICK_RELAXED
		/* the load is satisfied before the cmpxchg */
		a = RD(s, V_ARMED);
#endif
progress_kick:
		atomic {
			BUF_EMPTY(s);
			if
			:: !mem[V_K] -> mem[V_K] = 1; kick_id++
			:: else
			fi
		};
#ifndef M_KICK_RELAXED
		a = RD(s, V_ARMED);
#endif
		if
		:: !a ->
			/* the irq_work on the sender's own CPU */
#ifdef M_WORK_PLAIN
			WR(s, V_ARMED, 1);
			timer_on = 1
#else
			if
			:: atomic { BUF_EMPTY(s) && !mem[V_ARMED] ->
				   mem[V_ARMED] = 1 } -> timer_on = 1
			:: atomic { BUF_EMPTY(s) && mem[V_ARMED] }
			fi
#endif
		:: else
		fi;
		a = 0
	:: n == 2 -> break
	od
}

active proctype sender1()
{
	bool a;
	byte n;

	sender(1, a)
}

active proctype sender2()
{
	bool a;
	byte n;

	sender(2, a)
}

/* drains by itself, or is stuck under a softirq until the IPI comes */
active proctype target()
{
	do
	:: mem[V_K] ->
		if
		:: skip
		:: skip -> hard
		fi;
progress_drain:
		atomic { hard = 0; mem[V_K] = 0; seq++ }
	od
}

active proctype judge()
{
	timeout ->
	kick_unwatched = mem[V_K];
	assert(!kick_unwatched);
	timer_dead = mem[V_ARMED] && !timer_on;
	assert(!timer_dead)
}
