/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One completion queue: ib_core_cq_poll/queue.c and what poller.c, cq.c and main.c do
 * around it. The steps of a driver, of which it keeps others out with a lock of its
 * own, are one step here. See Documentation/ib_core_cq_poll.rst; each M_... macro
 * makes one mutant. With REFS_LAST ib_free_cq() waits for references after it has
 * destroyed the CQ, not before anything else.
 */
#ifndef SENT
#define SENT 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif

mtype = { NATIVE, HOOKED, OURS, GONE };

/* the CQ */
byte pending, handled;
bool armed = 1;
bool hooked;		/* comp_handler is ours */
bool attached = 1;	/* there is a queue pair */
bool dying;		/* no more references */
byte refs;
bool destroyed;		/* its device's part */
bool freed;

/* the native worker */
bool work_queued, work_runs, cancelling;

/* the driver: on its way to an event handler, and which one it has read */
bool in_event, in_old, in_ours;

/* ours */
bool known;		/* in our table of CQs */
mtype state = NATIVE;
bool lock, event_lock;
bool forward = 1;
bool native_ours;	/* what we take for the native handler is our own */
bool hotplug;		/* the CPU hotplug lock */
bool online = 1;	/* the CPU that polls */
bool unplugged;		/* its coming and going is over */
bool listed, park, parked;
bool kicked;
bool text_gone;
bool native_has, we_have;	/* completions in hand */

/* the names are what model-check.sh looks for */
bool two_pollers, use_after_free, called_after_unload, recursion, lost, stuck;

inline touch()
{
	use_after_free = freed;
	assert(!use_after_free)
}

inline touch_device()
{
	use_after_free = destroyed;
	assert(!use_after_free)
}

inline LOCK()
{
	atomic { !lock -> lock = 1 }
}

inline UNLOCK()
{
	lock = 0
}

/* A device that can tell of a completion need not have armed the CQ. */
inline arm()
{
	touch_device();
	missed = pending > 0;
	armed = armed || !missed
}

inline queue_work()
{
	if
	:: cancelling
	:: else -> work_queued = 1
	fi
}

inline cancel_work_sync()
{
	atomic { cancelling = 1; work_queued = 0 };
	!work_runs;
	cancelling = 0
}

active proctype device()
{
	byte n;
	bool event, ptr;

	do
	:: n < SENT ->
		atomic {
			n++;
			pending++;
			event = armed;
			in_event = armed;
			armed = 0
		};
		if
		:: event ->
			atomic { ptr = hooked; in_old = !ptr; in_ours = ptr };
			if
			:: !ptr -> atomic { queue_work(); in_old = 0 }
			:: ptr ->
				called_after_unload = text_gone;
				assert(!called_after_unload);
				atomic { !event_lock -> event_lock = 1 };
				if
				:: forward ->
					recursion = native_ours;
					assert(!recursion);
					atomic { queue_work() }
				:: else -> kicked = 1
				fi;
				event_lock = 0;
				in_ours = 0
			fi;
			in_event = 0
		:: else
		fi
	:: n == SENT -> break
	od
}

active proctype worker()
{
	bool missed;

end:	do
	:: atomic { work_queued -> work_queued = 0; work_runs = 1 };
		do
		:: atomic { pending > 0 ->
			touch_device();
			two_pollers = we_have;
			assert(!two_pollers);
			pending--;
			native_has = 1 };
		   atomic { handled++; native_has = 0 }
		:: pending == 0 -> break
		od;
		atomic {
			arm();
			if
			:: missed -> queue_work()
			:: else
			fi
		};
		work_runs = 0
	od
}

/*
 * cqpoll_queue_pass(), one completion at a time. The first one is taken without a
 * reference; without one to be had it is for nobody.
 */
inline pass()
{
	got = 0;
	do
	:: true ->
#ifndef M_POLL_UNLOCKED
		LOCK();
#endif
		if
		:: state == OURS ->
			atomic {
				touch_device();
				if
				:: pending > 0 ->
					two_pollers = native_has;
					assert(!two_pollers);
					pending--;
					we_have = 1
				:: else
				fi
			}
		:: else
		fi;
		if
		:: we_have && !got && !dying -> touch(); refs++; got = 1
		:: we_have && !got && dying -> we_have = 0
		:: else
		fi;
#ifndef M_POLL_UNLOCKED
		UNLOCK();
#endif
		if
		:: we_have ->
			/* its user may look at the CQ */
			touch();
			found = 1;
			atomic { handled++; we_have = 0 }
		:: else -> break
		fi
	od;
	if
	:: got -> refs--
	:: else
	fi
}

active proctype poller()
{
	bool got, found, missed;

end:	do
	:: park ->
		parked = 1;
		!park;
		parked = 0
	:: !park && (listed || kicked) ->
		found = 0;
		if
		:: listed -> pass()
		:: else
		fi;
		if
		:: found
		:: else ->
#ifndef M_KICKED_LATE
			kicked = 0;
#endif
			missed = 0;
			if
			:: listed ->
				LOCK();
				if
				:: state == OURS && !dying ->
					atomic {
						arm();
#ifdef M_ARM_BLIND
						missed = 0
#endif
					}
				:: else
				fi;
				UNLOCK()
			:: else
			fi;
#ifdef M_KICKED_LATE
			kicked = 0;
#endif
			if
			:: missed
			:: else ->
#ifdef M_SLEEP_BLIND
				park
#else
				(kicked || park)
#endif
			fi
		fi
	od
}

/*
 * cqpoll_cq_hook(): only where the cq_free tracepoint can still find it. The native handler
 * is what is there when it enters the table.
 */
inline hook()
{
	got = 0;
	mine = 0;
	atomic {
		if
		:: !dying -> touch(); refs++; got = 1
		:: else
		fi
	};
#ifdef M_NATIVE_EARLY
	was_ours = hooked;
#endif
	atomic {
		if
#ifdef M_TAKE_UNUSED
		:: got && !known ->
#else
		:: got && !known && attached ->
#endif
			known = 1;
			mine = 1;
			state = NATIVE;
#ifdef M_NATIVE_EARLY
			native_ours = was_ours
#else
			native_ours = hooked
#endif
		:: else
		fi
	};
	if
	:: mine ->
		LOCK();
		if
		:: state == NATIVE -> touch(); hooked = 1; state = HOOKED
		:: else
		fi;
		UNLOCK()
	:: else
	fi;
	if
	:: got -> refs--
	:: else
	fi
}

/* cqpoll_queue_own(), cqpoll_cq_own(); without a thread it goes back at once */
inline own()
{
	got = 0;
	LOCK();
	if
	:: state == HOOKED && !dying -> refs++; got = 1
	:: else
	fi;
	UNLOCK();
	if
	:: got ->
#ifdef M_QUIESCE_FIRST
		cancel_work_sync();
#endif
		atomic { !event_lock -> forward = 0 };
#if !defined(M_QUIESCE_FIRST) && !defined(M_NO_QUIESCE)
		cancel_work_sync();
#endif
		LOCK();
		if
		:: state == HOOKED -> state = OURS
		:: else -> got = 0
		fi;
		UNLOCK();
		refs--
	:: else
	fi;
	atomic {
		if
		:: got && online ->
			listed = 1;
#ifndef M_NO_FIRST_LOOK
			kicked = 1;
#endif
			mine = 0
		:: else
		fi
	};
	if
	:: mine -> drop()
	:: else
	fi
}

inline take()
{
	hook();
	if
	:: mine ->
#ifndef M_NO_GRACE
		!in_old;
#endif
		own()
	:: else
	fi
}

inline release()
{
	LOCK();
	if
	:: state == HOOKED || state == OURS ->
		got = 0;
#ifdef M_NO_REF
		got = 1;
#else
		if
		:: !dying -> touch(); refs++; got = 1
		:: else
		fi;
#endif
#ifdef M_ARM_FIRST
		atomic { arm() };
#endif
#ifndef M_DROP
		atomic { !event_lock -> forward = 1 };
		touch();
		hooked = 0;
#endif
#if !defined(M_ARM_FIRST) && !defined(M_NO_ARM)
		if
		:: got -> atomic { arm() }
		:: else -> missed = 0
		fi;
#endif
#if !defined(M_NO_START)
		if
#if defined(M_START_ALWAYS)
		:: true -> atomic { queue_work() }
#elif defined(REFS_LAST)
		/* what can happen in between is not closed, see the document */
		:: atomic { missed && attached -> queue_work() }
		:: else
#else
		:: missed && attached -> atomic { queue_work() }
		:: else
#endif
		fi;
#endif
		state = NATIVE;
#ifndef M_NO_REF
		if
		:: got -> refs--
		:: else
		fi
#endif
	:: else
	fi;
	UNLOCK()
}

inline drop()
{
	release();
	atomic { known = 0; forward = 1 }
}

/* cqpoll_poller_set() without this CPU; one at a time, because of the hotplug lock */
inline give_back(cpu)
{
	atomic { !hotplug -> hotplug = 1 };
#ifndef M_NO_PARK
	park = 1;
	parked;
#endif
	atomic { had = listed; listed = 0; online = cpu };
	if
	:: had -> drop()
	:: else
	fi;
	park = 0;
	hotplug = 0
}

active proctype control()
{
	bool got, missed, stay, mine, had;
#ifdef M_NATIVE_EARLY
	bool was_ours;
#endif
	byte n;

	do
	:: n < ROUNDS ->
		n++;
		take();
		/* until anything, or until the queue is destroyed, or look for more */
		if
		:: stay = 0
		:: stay = 1
		:: n < ROUNDS -> goto next
		fi;
		(!stay || freed);
		give_back(online);
next:		skip
	:: n == ROUNDS -> break
	od;
	/* the hotplug callbacks are removed */
	unplugged;
#ifndef M_NO_UNLOAD_GRACE
	!in_ours;
#endif
	text_gone = 1
}

/* The CPU that polls goes and comes; nothing serialises that with control. */
active proctype cpu()
{
	bool got, missed, had;

	if
	:: give_back(0); online = 1
	:: skip
	fi;
	unplugged = 1
}

inline wait_for_refs()
{
	dying = 1;
	refs == 0
}

/* ib_free_cq(), when all was handled: the user has drained its queue pair */
active proctype user()
{
	bool found;

	/* a driver lets no event handler of a queue pair run beyond its end */
	handled == SENT && !in_event;
	attached = 0;
#ifndef REFS_LAST
	wait_for_refs();
#endif
	cancel_work_sync();
	/* the tracepoint */
	atomic { found = known; known = 0 };
	if
	:: found ->
#ifndef M_FREE_UNLOCKED
		LOCK();
#endif
		if
		:: state == HOOKED || state == OURS -> hooked = 0
		:: else
		fi;
		state = GONE;
#ifndef M_FREE_UNLOCKED
		UNLOCK();
#endif
	:: else
	fi;
	destroyed = 1;
#ifdef REFS_LAST
	wait_for_refs();
#endif
	freed = 1;
	use_after_free = work_queued || work_runs;
	assert(!use_after_free)
}

active proctype judge()
{
	timeout ->
	lost = handled < SENT;
	assert(!lost);
	stuck = !freed || !text_gone;
	assert(!stuck)
}
