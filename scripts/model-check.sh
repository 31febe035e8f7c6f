#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Check the Promela models of tests/models/ with spin: the models must hold, and
# each mutant must fail, for the reason that the table below names. Prints KTAP.
# Documentation/ipi_passthrough-model.rst and ib_core_cq_poll.rst explain them.
set -euo pipefail

. "$(dirname "$0")/lib/common.sh"

MODELS=$CVM_TOP/tests/models
OUT=$CVM_BUILD/models
JOBS=2
# One search: the largest takes under a minute and 500 MB on an idle machine.
SECONDS_MAX=600
MEMORY_MAX=1500

# name | model | spin flags | expected | what is checked
# Expected is "holds", the name of an assertion, or "non_progress".
# NO_SOFTIRQ takes the lock hazard out, so that a mutant fails without it, too.
read -r -d '' CASES <<'END' || true
x86|x86||holds|no kick is lost, lock holders get out, no needless IPI
x86.rescue|x86|-DM_GUARD_NONE -DRESCUE|holds|without the guard, the rescue timer gets the lock holder out
x86.no-guard|x86|-DM_GUARD_NONE|softirq_deadlock|no softirq guard
x86.guard-no-self-ipi|x86|-DM_GUARD_NO_SELF_IPI|softirq_deadlock|guard clears POLLING, but sends no IPI to itself
x86.guard-loop-only|x86|-DM_GUARD_LOOP_ONLY|softirq_deadlock|guard acts only while the poll loop is on the stack
x86.guard-mask-gate|x86|-DM_GUARD_GATE|softirq_deadlock|guard ignores CPUs that just left the mask
x86.guard-only-polling|x86|-DM_GUARD_ONLY_POLLING|softirq_deadlock|guard ignores kicks consumed but not drained
x86.guard-test-first|x86|-DM_GUARD_TEST_FIRST|softirq_deadlock|guard tests NEED_RESCHED before it clears POLLING
x86.rescue-blind|x86|-DM_GUARD_NONE -DRESCUE -DM_RESCUE_BLIND|softirq_deadlock|rescue forgets a kick when it is consumed
x86.clear-plain|x86|-DM_CLEAR_PLAIN -DNO_SOFTIRQ|lost_kick|POLLING cleared by load and store
x86.set-plain|x86|-DM_SET_PLAIN -DNO_SOFTIRQ|lost_kick|POLLING set by load and store
x86.no-retest|x86|-DM_NO_RETEST -DNO_SOFTIRQ|lost_kick|NEED_RESCHED not tested again before HLT
x86.test-before-clear|x86|-DM_HALT_POLLING -DNO_SOFTIRQ|lost_kick|NEED_RESCHED tested, then POLLING cleared, then HLT
x86.tail-polling|x86|-DM_TAIL_POLLING -DNO_SOFTIRQ|lost_kick|queue drained before POLLING is cleared
x86.publish-plain|x86|-DM_PUBLISH_PLAIN -DNO_SOFTIRQ|lost_kick|work published by a plain store
x86.kick-first|x86|-DM_KICK_FIRST -DNO_SOFTIRQ|lost_kick|kick before the work is published
x86.soft-to-running|x86|-DM_SOFT_TO_RUNNING -DNO_SOFTIRQ|lost_kick|no IPI to a target that does not poll
x86.many-drops-hard|x86|-DM_MANY_DROPS_HARD|lost_kick|no IPIs at all when one of several targets polled
x86.hard-always|x86|-DM_HARD_ALWAYS|hard_to_poller|IPI although the target was seen polling
x86.spin-ignores-mask|x86|-DM_SPIN_IGNORES_MASK|still_polling|poll loop does not look at the mask
arm64|arm64||holds|no kick is lost, lock holders get out, no needless IPI
arm64.rescue|arm64|-DM_GUARD_NONE -DRESCUE|holds|without the guard, the rescue timer gets the lock holder out
arm64.receiver-no-mb|arm64|-DH_RECEIVER_NO_MB|holds|harmless: no barrier after POLL
arm64.spin-ignores-resched|arm64|-DH_SPIN_IGNORES_RESCHED|holds|harmless: NEED_RESCHED not tested inside the spin
arm64.one-xchg|arm64|-DH_ONE_XCHG|holds|harmless to senders: the word left by a single exchange
arm64.xchg-relaxed|arm64|-DH_XCHG_RELAXED|holds|harmless: NEED_RESCHED read before the exchange
arm64.no-guard|arm64|-DM_GUARD_NONE|softirq_deadlock|no softirq guard: a kick consumed, but not drained
arm64.open-with-poll|arm64|-DM_OPEN_WITH_POLL|softirq_deadlock|IRQs opened while the word says POLL
arm64.rescue-blind|arm64|-DM_GUARD_NONE -DRESCUE -DM_RESCUE_BLIND|softirq_deadlock|rescue looks at the word only
arm64.sender-no-mb|arm64|-DM_SENDER_NO_MB -DNO_SOFTIRQ|lost_kick|no barrier before the sender reads the word
arm64.xchg-plain|arm64|-DM_XCHG_PLAIN -DNO_SOFTIRQ|lost_kick|the exchange is a load and a store
arm64.no-run|arm64|-DM_NO_XCHG -DNO_SOFTIRQ|lost_kick|the word never goes back to RUN
arm64.test-before-xchg|arm64|-DM_TEST_BEFORE_XCHG -DNO_SOFTIRQ|lost_kick|NEED_RESCHED not tested between exchange and WFI
arm64.kick-ignored|arm64|-DM_KICK_IGNORED -DNO_SOFTIRQ|lost_kick|KICKED does not set NEED_RESCHED
arm64.publish-plain|arm64|-DM_PUBLISH_PLAIN -DNO_SOFTIRQ|lost_kick|work published by a plain store
arm64.kick-first|arm64|-DM_KICK_FIRST -DNO_SOFTIRQ|lost_kick|kick before the work is published
arm64.soft-to-running|arm64|-DM_SOFT_TO_RUNNING -DNO_SOFTIRQ|lost_kick|no IPI to a target that does not poll
arm64.many-drops-hard|arm64|-DM_MANY_DROPS_HARD|lost_kick|no IPIs at all when one of several targets polled
arm64.hard-always|arm64|-DM_HARD_ALWAYS|hard_to_poller|IPI although the target was seen polling
arm64.spin-ignores-mask|arm64|-DM_SPIN_IGNORES_MASK|still_polling|poll loop does not look at the mask
rescue|rescue||holds|no kick is left unwatched, no false alarm
rescue.stops|rescue|-DPROGRESS -DKICKS=1|holds|the timer stops when no kicks flow
rescue.never-stops|rescue|-DPROGRESS -DKICKS=1 -DM_NEVER_STOPS|non_progress|the timer goes on for ever
rescue.no-recheck|rescue|-DM_NO_RECHECK|kick_unwatched|no second look after armed was cleared
rescue.timer-no-mb|rescue|-DM_TIMER_NO_MB|kick_unwatched|no barrier before the second look
rescue.kick-relaxed|rescue|-DM_KICK_RELAXED|kick_unwatched|armed is read before the kick is visible
rescue.no-restart|rescue|-DM_NO_RESTART|kick_unwatched|a kick found by the second look is left alone
rescue.word-only|rescue|-DM_RESCUE_WORD_ONLY|kick_unwatched|only the word is looked at, not NEED_RESCHED
rescue.consume-gap|rescue|-DM_CONSUME_GAP|kick_unwatched|the word goes to RUN before NEED_RESCHED is set
rescue.look-no-rmb|rescue|-DM_RESCUE_NO_RMB|kick_unwatched|NEED_RESCHED is read before the word
rescue.no-seq|rescue|-DM_NO_SEQ|false_alarm|a new kick is taken for an old one
rescue.seq-last|rescue|-DM_SEQ_LAST|false_alarm|the poll's number is read after the word
rescue.work-plain|rescue|-DM_WORK_PLAIN|timer_dead|armed set without cmpxchg
unload|unload||holds|nothing of the module runs after unload, no kick goes unguarded
unload.no-probe-sync|unload|-DH_NO_PROBE_SYNC|holds|harmless: the second stop_machine() waits for probes as well
unload.no-stop-idle|unload|-DM_NO_STOP_IDLE|use_after_free|no stop_machine() after the idle hooks
unload.no-stop-send|unload|-DM_NO_STOP_SEND|called_after_unload|no stop_machine() after the send hooks
unload.guard-off-first|unload|-DM_GUARD_OFF_FIRST|unguarded|guard unhooked before the idle hooks
unload.guard-on-last|unload|-DM_GUARD_ON_LAST|unguarded|guard hooked after the others
unload.on-no-sync|unload|-DM_ON_NO_SYNC|unguarded|no wait for softirqs that began before the guard was hooked
unload.cancel-before-sync|unload|-DM_CANCEL_BEFORE_SYNC|called_after_unload|hrtimer_cancel() before irq_work_sync()
unload.no-irq-work-sync|unload|-DM_NO_IRQ_WORK_SYNC|called_after_unload|no irq_work_sync()
unload.no-timer-cancel|unload|-DM_NO_TIMER_CANCEL|called_after_unload|no hrtimer_cancel()
handover|handover||holds|no completion is lost, one poller at a time, nothing is touched after free or unload
handover.no-grace|handover|-DM_NO_GRACE|two_pollers|no wait for drivers that have read the native handler
handover.no-quiesce|handover|-DM_NO_QUIESCE|two_pollers|no wait for the native worker
handover.quiesce-first|handover|-DM_QUIESCE_FIRST|two_pollers|native worker waited for while events still start it
handover.no-first-look|handover|-DM_NO_FIRST_LOOK|lost|a queue taken over is not polled before the thread sleeps
handover.no-park|handover|-DM_NO_PARK|two_pollers|given back while the thread polls it
handover.drop|handover|-DM_DROP|called_after_unload|dropped, the event handler stays ours
handover.no-arm|handover|-DM_NO_ARM|lost|given back without arming
handover.arm-first|handover|-DM_ARM_FIRST|lost|armed before events go the native way
handover.no-start|handover|-DM_NO_START|lost|native way not started for what had come before
handover.start-always|handover|-DM_START_ALWAYS|use_after_free|native way started for a queue that is being destroyed
handover.no-ref|handover|-DM_NO_REF|use_after_free|given back without keeping it from being destroyed
handover.arm-blind|handover|-DM_ARM_BLIND|lost|missed events ignored before sleeping
handover.kicked-late|handover|-DM_KICKED_LATE|lost|thread forgets an event that came while it armed
handover.sleep-blind|handover|-DM_SLEEP_BLIND|lost|events do not wake the thread
handover.poll-unlocked|handover|-DM_POLL_UNLOCKED|use_after_free|polled without the lock that destruction takes
handover.free-unlocked|handover|-DM_FREE_UNLOCKED|use_after_free|destroyed without that lock
handover.native-early|handover|-DM_NATIVE_EARLY|recursion|native handler read before the table is locked, while a CPU that goes gives the queue back
handover.no-unload-grace|handover|-DM_NO_UNLOAD_GRACE|called_after_unload|no wait for drivers that have read our handler
handover.take-unused|handover|-DM_TAKE_UNUSED|holds|harmless while references come first: a queue without a queue pair is taken over
refs-last|handover|-DREFS_LAST|holds|the same where the RDMA core waits for references last
refs-last.take-unused|handover|-DREFS_LAST -DM_TAKE_UNUSED|use_after_free|there a queue is taken over that is being destroyed
END

usage()
{
	cat <<-END
	usage: model-check.sh [-a] [-l] [-j JOBS] [NAME...]
	  -a       search again what was searched before with the same models and tools
	  -l       list the cases
	  -j JOBS  searches at once (default $JOBS)
	  NAME     only these cases; a model's name means it and all its mutants
	END
}

# The cases that the arguments name, all without arguments.
select_cases()
{
	local name line found

	if [ $# -eq 0 ]; then
		printf '%s\n' "$CASES"
		return
	fi
	for name; do
		found=
		while IFS= read -r line; do
			case $line in
			"$name|"* | "$name."*)
				printf '%s\n' "$line"
				found=1
				;;
			esac
		done <<<"$CASES"
		[ -n "$found" ] || usage_die "there is no case '$name' (-l lists them)"
	done
}

# What became of a search: holds, the violated assertion, non_progress, or words
# that match no expectation. $1 is its folder.
verdict()
{
	local out=$1/pan.txt name

	# Anything that cut the search short says nothing about the model.
	if grep -qE 'out of memory|MEMLIM|max search depth too small|resource' "$out"; then
		echo 'search cut short (memory or depth)'
		return
	fi
	name=$(sed -n 's/.*assertion violated *!(*(*\([a-z_]*\))*.*/\1/p' "$out" | head -n 1)
	if [ -n "$name" ]; then
		echo "$name"
	elif grep -q 'non-progress cycle (at' "$out"; then
		echo non_progress
	elif ! grep -q 'errors: 0$' "$out" || grep -q 'Search not completed' "$out"; then
		echo 'search failed, see pan.txt'
	elif sed -n '/unreached in proctype judge/,/^unreached\|^$/p' "$out" | grep -q assert; then
		# Nothing ever came to rest: the assertions were not looked at.
		echo 'judge never reached'
	else
		echo holds
	fi
}

# search DIR MODEL FLAG...: generate, compile and run one search in DIR.
search()
{
	local dir=$1 model=$2 cflags=(-DSAFETY) pflags=(-E)
	shift 2

	cp "$MODELS"/*/*.pml "$MODELS"/*/*.pmh "$dir"
	cd "$dir"
	case " $* " in
	*' -DPROGRESS '*)
		cflags=(-DNP -DNFAIR=3)
		pflags=(-E -l -f)
		;;
	esac
	spin -a "$@" "$model.pml" >spin.txt 2>&1 || return 1
	# Partial order reduction is not sound with timeout and provided.
	gcc -O1 -w -DNOREDUCE -DCOLLAPSE -DMEMLIM=$MEMORY_MAX "${cflags[@]}" \
		-o pan pan.c >gcc.txt 2>&1 || return 1
	timeout "$SECONDS_MAX" ./pan -m100000 "${pflags[@]}" >pan.txt 2>&1 ||
		echo "pan: exit status $?" >>pan.txt
	rm -f pan pan.? pan.h
}

# What a verdict depends on, all of it: one changed model has all of them searched again.
known_dir()
{
	(
		cat "$MODELS"/*/*.pml "$MODELS"/*/*.pmh "$CVM_TOP/scripts/model-check.sh"
		spin -V
		gcc --version
	) | sha256sum | cut -c 1-32
}

# run_case NUMBER LINE: leaves its KTAP lines in OUT/NUMBER.ktap.
run_case()
{
	local n=$1 name model flags expected what got states dir start=$SECONDS

	IFS='|' read -r name model flags expected what <<<"$2"
	dir=$OUT/$name
	if [ -f "$KNOWN/$name" ]; then
		{
			echo "# $name: $what"
			echo "# searched before: $(cat "$KNOWN/$name")"
			echo "ok $n $name"
		} >"$OUT/$n.part"
		mv "$OUT/$n.part" "$OUT/$n.ktap"
		return
	fi
	rm -rf "$dir"
	mkdir -p "$dir"
	# shellcheck disable=SC2086 # flags are words
	if (search "$dir" "$model" $flags); then
		got=$(verdict "$dir")
	else
		got='spin or gcc failed, see spin.txt and gcc.txt'
	fi
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$dir/pan.txt" 2>/dev/null || true)
	{
		echo "# $name: $what"
		echo "# states: ${states:-none}, seconds: $((SECONDS - start)), expected: $expected, found: $got"
		if [ "$got" = "$expected" ]; then
			echo "states: ${states:-none}, found: $got" >"$KNOWN/$name"
			echo "ok $n $name"
		else
			[ -f "$dir/$model.pml.trail" ] &&
				echo "# the way there: cd build/models/$name && spin -t -p -g $flags $model.pml"
			echo "not ok $n $name"
		fi
	} >"$OUT/$n.part"
	mv "$OUT/$n.part" "$OUT/$n.ktap"
}

# Print results in order, as far as they are there.
print_ready()
{
	while [ -f "$OUT/$printed.ktap" ]; do
		cat "$OUT/$printed.ktap"
		grep -q '^ok ' "$OUT/$printed.ktap" || failed=$((failed + 1))
		printed=$((printed + 1))
	done
}

main()
{
	local opt line lines n=0 printed=1 failed=0 again=''

	while getopts ahlj: opt; do
		case $opt in
		a)	again=1 ;;
		h)
			usage
			exit 0
			;;
		l)
			cut -d '|' -f 1,5 <<<"$CASES" | sed 's/|/: /'
			exit 0
			;;
		j)	JOBS=$OPTARG ;;
		*)
			usage >&2
			exit 2
			;;
		esac
	done
	shift $((OPTIND - 1))
	case $JOBS in
	'' | *[!0-9]* | 0) usage_die "-j wants a number, not '$JOBS'" ;;
	esac
	need spin spin
	need gcc gcc

	# Not in a process substitution: its usage error has to end this script.
	line=$(select_cases "$@")
	mapfile -t lines <<<"$line"

	KNOWN=$CVM_CACHE/models/$(known_dir)
	[ -z "$again" ] || rm -rf "$KNOWN"
	if [ ! -d "$KNOWN" ]; then
		rm -rf "$CVM_CACHE/models"
		mkdir -p "$KNOWN"
	fi
	mkdir -p "$OUT"
	rm -f "$OUT"/*.ktap "$OUT"/*.part
	echo 'KTAP version 1'
	echo "1..${#lines[@]}"
	for line in "${lines[@]}"; do
		while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
			wait -n || true
		done
		print_ready
		n=$((n + 1))
		run_case "$n" "$line" &
	done
	wait
	print_ready

	echo "# $((n - failed)) passed, $failed failed, 0 skipped"
	[ "$printed" -gt "$n" ] || die "some searches left no result"
	[ "$failed" -eq 0 ]
}

main "$@"
