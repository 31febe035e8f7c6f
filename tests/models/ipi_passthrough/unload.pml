/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turning on, turning off, unloading: the order in which hooks come and go, and
 * what has to be waited for. CPU 0 idles, CPU 1 sends, a third one writes the
 * mask and then removes the module. See Documentation/ipi_passthrough-model.rst;
 * each M_... macro makes one mutant, each H_... one that is harmless.
 */
bool idle_ours;		/* enter() of the idle driver */
bool send_ours;		/* smp_ops or irq_chip */
bool probe_ours;	/* the softirq guard */
bool in_mask;

bool polling = 1;	/* CPU 0 looks kickable: TIF_POLLING_NRFLAG or the word */
bool in_poll;
bool undrained;		/* a soft kick was sent and its work not yet done */
bool in_softirq;	/* on top of the idle task of CPU 0 */
bool in_probe, in_handler;
bool softirq_left = 1;	/* bounds the runs */
bool irq_work_queued, timer_on, in_timer;

/* stop_machine(): both CPUs have run their stopper thread */
bool stop_req;
bool stopped[2];

bool wraps_freed;	/* what enter() looks at */
bool text_gone;		/* nothing of the module may run any more */

/* the names are what model-check.sh looks for */
bool called_after_unload, use_after_free, unguarded, stuck;

inline in_module()
{
	called_after_unload = text_gone;
	assert(!called_after_unload)
}

inline stopper(c)
{
	if
	:: atomic { stop_req -> stopped[c] = 1 };
	   atomic { !stop_req -> stopped[c] = 0 }
	:: !stop_req
	fi
}

active proctype idle() provided (!in_softirq)
{
	bool ptr;

	do
	:: polling = 1;			/* do_idle() */
	   /* the pointer is loaded, then called: no preemption in between */
	   ptr = idle_ours;
	   if
	   :: ptr ->
		in_module();
		if
		:: in_mask ->
			in_poll = 1;
			if
			:: undrained
			:: !in_mask
			:: stop_req	/* somebody wakes the stopper thread */
			fi;
			in_poll = 0
		:: else
		fi;
		use_after_free = wraps_freed;
		assert(!use_after_free);
		in_module();
		ptr = 0
	   :: else ->
		/* native: until anything happens */
		(undrained || stop_req || idle_ours)
	   fi;
	   polling = 0;
	   undrained = 0;		/* the tail of do_idle() */
	   stopper(0)
	od
}

/* once, any time that CPU 0 is in its idle task */
active proctype softirq()
{
	bool ptr;

	atomic { softirq_left && !stopped[0] -> softirq_left = 0; in_softirq = 1 };
	/* the probe runs with preemption off, synchronize waits for it */
	atomic { ptr = probe_ours; in_probe = ptr };
	if
	:: ptr ->
		in_module();
		atomic { polling = 0; undrained = 0 };
		in_module();
		in_probe = 0
	:: else
	fi;
	/* the handler runs: who was or is kicked softly now waits for ever */
	atomic { in_handler = 1; unguarded = undrained; assert(!unguarded) };
	atomic { in_handler = 0; in_softirq = 0 }
}

active proctype sender()
{
	bool ptr;
	byte n;

	do
	:: n < 3 ->
		n++;
		/* preemption is off from here */
		ptr = send_ours;
		if
		:: ptr ->
			in_module();
			if
			:: atomic { in_mask && polling ->
				   undrained = 1;
				   unguarded = in_handler;
				   assert(!unguarded) };
			   if
			   :: !timer_on -> irq_work_queued = 1
			   :: timer_on
			   fi
			:: else
			fi;
			in_module();
			ptr = 0
		:: else
		fi;
		/* and on again */
		stopper(1)
	:: n == 3 -> break
	od;
	do
	:: stop_req -> stopper(1)
	od
}

/* hard interrupts somewhere */
active proctype rescue()
{
	do
	:: irq_work_queued ->
		in_module();
		timer_on = 1;
		in_module();
		irq_work_queued = 0
	:: atomic { timer_on -> timer_on = 0; in_timer = 1 };
		in_module();
		if
		:: undrained -> timer_on = 1
		:: else
		fi;
		in_timer = 0
	od
}

inline stop_machine()
{
	stop_req = 1;
	stopped[0] && stopped[1];
	stop_req = 0;
	!stopped[0] && !stopped[1]
}

active proctype writer()
{
	/* on */
#ifdef M_GUARD_ON_LAST
	send_ours = 1;
	idle_ours = 1;
	in_mask = 1;
	probe_ours = 1;
#else
	probe_ours = 1;
	send_ours = 1;
#ifndef M_ON_NO_SYNC
	!in_softirq;			/* stop_machine() waits for them, too */
#endif
	idle_ours = 1;
	in_mask = 1;
#endif
	/* off */
	in_mask = 0;
#ifdef M_GUARD_OFF_FIRST
	probe_ours = 0;
	!in_probe;
#endif
	idle_ours = 0;
#ifndef M_NO_STOP_IDLE
	stop_machine();
#endif
	wraps_freed = 1;
	send_ours = 0;
#ifndef M_GUARD_OFF_FIRST
	probe_ours = 0;
#ifndef H_NO_PROBE_SYNC
	!in_probe;			/* tracepoint_synchronize_unregister() */
#endif
#endif
#ifndef M_NO_STOP_SEND
	stop_machine();
#endif
#ifdef M_CANCEL_BEFORE_SYNC
	atomic { !in_timer -> timer_on = 0 };
	!irq_work_queued;
#else
#ifndef M_NO_IRQ_WORK_SYNC
	!irq_work_queued;
#endif
#ifndef M_NO_TIMER_CANCEL
	/* hrtimer_cancel() */
	atomic { !in_timer -> timer_on = 0 };
#endif
#endif
	text_gone = 1
}

active proctype judge()
{
	timeout ->
	stuck = !text_gone;
	assert(!stuck)
}
