/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rescue timer: started by senders through an irq_work, stops by itself,
 * never leaves a kick unwatched. CPU 0 runs the timer, 1 and 2 send; the target
 * drains after a kick or is stuck until a hardware IPI comes. See
 * Documentation/ipi_passthrough-model.rst; each M_... macro makes one mutant.
 */
#ifndef KICKS
#define KICKS	2	/* by sender 1; sender 2 does one */
#endif
#define NVAR	3
#define V_W	0	/* the word; x86 sets NEED_RESCHED where this says KICKED */
#define V_NR	1	/* TIF_NEED_RESCHED of the idle task */
#define V_ARMED	2	/* ipipt_rescue_armed */
#include "memory.pmh"

#define RUN	0
#define POLL	1
#define KICKED	2

bool timer_on;		/* the hrtimer is queued */
bool hard;		/* the IPI that the timer sends */
byte seq;		/* number of the target's poll */
byte kick_id;		/* ghost: number of the outstanding kick */

/* struct ipipt_watch, and the ghost that goes with it */
bool w_kicked;
byte w_seq, w_id;

/* what the judge says; the names are what model-check.sh looks for */
bool kick_unwatched, timer_dead, false_alarm;

/*
 * ipipt_watch_step() and its caller: number, word and flag are three loads. The
 * alarm is false when the kick recorded last time was over before this look.
 */
#define LOOK_AT_SEQ	atomic { s = seq; id = kick_id }

inline look(k, s, id)
{
#ifndef M_SEQ_LAST
	LOOK_AT_SEQ;
#endif
#ifdef M_RESCUE_NO_RMB
	k = RD(0, V_NR);
	k = k || RD(0, V_W) == KICKED;
#else
	k = (RD(0, V_W) == KICKED);
#ifndef M_RESCUE_WORD_ONLY
	k = k || RD(0, V_NR);
#endif
#endif
#ifdef M_SEQ_LAST
	LOOK_AT_SEQ;
#endif
	atomic {
		if
#ifdef M_NO_SEQ
		:: k && w_kicked ->
#else
		:: k && w_kicked && w_seq == s ->
#endif
			false_alarm = (w_id != id);
			assert(!false_alarm);
			hard = 1
		:: else
		fi;
		/* when nothing was outstanding the rest is never looked at */
		w_kicked = k;
		w_seq = (k -> s : 0);
		w_id = (k -> kick_id : 0)
	}
}

active proctype timer()
{
	bool k;
	byte s, id;

	do
	:: timer_on ->
		timer_on = 0;
		look(k, s, id);
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
			look(k, s, id);
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
		atomic { k = 0; s = 0; id = 0 }
	od
}

/* the kick, then ipipt_note_soft(); n counts them */
inline sender(s, a, kicks)
{
	do
	:: n < kicks ->
		n++;
#ifdef M_KICK_RELAXED
		/* the load is satisfied before the cmpxchg */
		a = RD(s, V_ARMED);
#endif
progress_kick:
		atomic {
			BUF_EMPTY(s);
			if
			:: mem[V_W] == POLL -> mem[V_W] = KICKED; kick_id++
			:: else	/* kicked already, or an IPI is sent */
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
	:: n == kicks -> break
	od
}

active proctype sender1()
{
	bool a;
	byte n;

	sender(1, a, KICKS)
}

active proctype sender2()
{
	bool a;
	byte n;

	sender(2, a, 1)
}

/* leaves the poll, then drains by itself or is stuck until the IPI comes */
active proctype target()
{
	do
	:: mem[V_W] == RUN ->
		atomic { seq++; mem[V_W] = POLL }
	:: mem[V_W] == KICKED ->
#ifdef M_CONSUME_GAP
		mem[V_W] = RUN;
		mem[V_NR] = 1;
#else
		mem[V_NR] = 1;
		mem[V_W] = RUN;
#endif
		if
		:: skip
		:: skip -> hard
		fi;
progress_drain:
		atomic { hard = 0; mem[V_NR] = 0 }
	od
}

active proctype judge()
{
	timeout ->
	kick_unwatched = (mem[V_W] == KICKED || mem[V_NR]);
	assert(!kick_unwatched);
	timer_dead = mem[V_ARMED] && !timer_on;
	assert(!timer_dead)
}
