# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Measures notification latency, one arm after the other in one boot (native and
# soft change places from round to round) or the one arm that this boot is.
# Every measurement becomes a line of key=value words in /out/bench.txt. An arm
# whose knob had no effect is void, and void is failed. Parameters:
#   IPI_ARMS    "native soft", or one name: idle_poll haltpoll nohlt
#   IPI_MODES   of: single single_slow many many3 wakeup wakeup_slow resched pipe
#   IPI_ROUNDS  rounds, IPI_COUNT calls per measurement
#   IPI_GAP_US  pause before each call, in which the targets go idle. A host that polls
#               before it halts its own cores hides a part of what it costs to wake a
#               halted vCPU, for as long as it polls: hence also _slow, a call each
#               millisecond. What ends a poll is out of the host's caches by then.
#   IPI_RESCUE_US  the module's rescue_us
# Hardware IPIs are counted in a run of its own with short pauses, so that what
# else happens on the CPUs weighs little per call.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/turns.sh
. /tests/lib/ipi.sh

ARMS=${IPI_ARMS:-native soft}
MODES=${IPI_MODES:-single wakeup resched pipe}
ROUNDS=${IPI_ROUNDS:-2}
COUNT=${IPI_COUNT:-500}
GAP=${IPI_GAP_US:-200}
SLOW_GAP=1000
COUNT_GAP=200
RESCUE_US=${IPI_RESCUE_US:-10000}

targets_of()
{
	case $1 in
	many) echo 1-2 ;;
	many3) echo 1-3 ;;
	*) echo 1 ;;
	esac
}

# More pollers than host cores: each call needs them all to have had one.
count_gap()
{
	case $1 in
	many*) echo 8000 ;;
	*) echo $COUNT_GAP ;;
	esac
}

mask_of()
{
	case $1 in
	many) echo 6 ;;
	many3) echo e ;;
	*) echo 3 ;;
	esac
}

# The knob of the arm, before a measurement.
enter_arm()
{
	case $1 in
	native) ipi_set_mask 0 ;;
	soft)
		ipi_set_mask "$(mask_of "$2")"
		ipi_reset_stats
		;;
	esac
	# The CPUs have to arrive in their new idle loop.
	usleep 20000
}

# expect_effect ARM MODE HARD_PER_CALL CALLS: by counters, not by belief.
# A reschedule is not waited for, so many of them may be one for a slow target.
expect_effect()
{
	least=0.5
	[ "$2" = resched ] && least=0.02
	case $1 in
	native)
		ipi_le $least "$3" || fail "void: native $2 took only $3 hardware IPIs per call"
		;;
	soft)
		ipi_soft=$(ipi_stat soft)
		ipi_rescued=$(ipi_stat rescued)
		ipi_le $least "$(ipi_per_call "$ipi_soft" "$4")" ||
			fail "void: only $ipi_soft soft IPIs in $4 calls of $2"
		# Down to less than half. Whether it is next to none is for the report to say.
		ipi_le "$3" "$(ipi_per_call "$(ipi_cpus "$(targets_of "$2")" | wc -w)" 2)" ||
			fail "void: soft $2 took $3 hardware IPIs per call"
		;;
	esac
}

emit()
{
	echo "$*" >>/out/bench.txt
}

# With idle=poll the kernel spares single-target IPIs itself; haltpoll and nohlt
# are told by what the idle loop did.
boot_arm_in_force()
{
	ipi_load ipi_bench
	case $ARMS in
	idle_poll) grep -qw idle=poll /proc/cmdline || fail "void: not on the command line" ;;
	nohlt) grep -qw nohlt /proc/cmdline || fail "void: not on the command line" ;;
	haltpoll)
		# The driver asks for it, force or not; an emulated CPU says TCG.
		if ! dmesg | grep -q 'Hypervisor detected: KVM'; then
			emit unavailable=1 arm=haltpoll why=no_kvm_signature
			skip "haltpoll exists only in guests of KVM"
		fi
		expect_eq haltpoll "$(cat /sys/devices/system/cpu/cpuidle/current_driver)" \
			"void: idle driver"
		state=/sys/devices/system/cpu/cpu1/cpuidle/state0
		expect_eq POLL "$(cat $state/name)" "void: first idle state"
		polls=$(cat $state/usage)
		ipi_run "mode=single sender=0 targets=1 count=1000 gap_us=100"
		polls=$(($(cat $state/usage) - polls))
		note "haltpoll: CPU 1 polled $polls times in 1000 calls"
		expect_ge "$polls" 10 "void: polls of haltpoll"
		return
		;;
	*) fail "unknown arm $ARMS" ;;
	esac
	polls=$(ipi_idle_polls 1)
	note "$ARMS: the kernel's idle poll was entered $polls times in 100 wake-ups"
	expect_ge "$polls" 50 "void: idle polls"
}

modules_ready()
{
	ipi_load ipi_bench
	ipi_load ipi_passthrough rescue_us="$RESCUE_US"
}

measure_pipe()
{
	out=$(pipe_pingpong 0 1 "$COUNT") || fail "pipe_pingpong: $out"
	# shellcheck disable=SC2086 # words on one line
	emit mode=pipe "$1" $out
}

# call_run MODE GAP [WORDS]
call_run()
{
	name=$1
	case $1 in
	many3) name=many ;;
	*_slow) name=${1%_slow} ;;
	esac
	ipi_run "mode=$name sender=0 targets=$(targets_of "$1") count=$COUNT gap_us=$2 ${3:-}"
	expect_eq "$COUNT" "$(ipi_result "done")" "calls done"
	expect_eq 0 "$(ipi_result timeouts)" "answers later than 1 s"
}

measure_call()
{
	case $1 in
	*_slow) call_run "$1" "$SLOW_GAP" timing=1 ;;
	*) call_run "$1" "$GAP" timing=1 ;;
	esac
	# shellcheck disable=SC2046 # words on one line
	emit mode="$1" "$2" $(grep -v ^mode= $IPI_BENCH/result)
}

# measure MODE ARM ROUND
measure()
{
	enter_arm "$2" "$1"
	where="arm=$2 round=$3"
	watched=$(ipi_cpus "$(targets_of "$1")")
	calls=$COUNT
	if [ "$1" = pipe ]; then
		watched="0 1"
		calls=$((COUNT * 2))
	else
		measure_call "$1" "$where"
		ipi_prime
		enter_arm "$2" "$1"
	fi
	# shellcheck disable=SC2086 # one argument per CPU
	before=$(ipi_hard $watched)
	if [ "$1" = pipe ]; then
		measure_pipe "$where"
	else
		polling=0
		[ "$2" = soft ] && polling=1
		call_run "$1" "$(count_gap "$1")" polling=$polling
	fi
	# shellcheck disable=SC2086
	hard=$(($(ipi_hard $watched) - before))
	per_call=$(ipi_per_call $hard "$calls")
	ipi_soft=0
	ipi_rescued=0
	expect_effect "$2" "$1" "$per_call" "$calls"
	emit mode="$1" "$where" counters=1 hard=$hard soft="$ipi_soft" rescued="$ipi_rescued" \
		hard_per_call="$per_call"
}

background()
{
	enter_arm "$1" single
	# The mode fits as many CPUs as there are.
	last=$(($(grep -c '^processor' /proc/cpuinfo) - 1))
	ipi_count_hard 1-$last "mode=none sender=0 count=$COUNT gap_us=$COUNT_GAP"
	emit mode=background arm="$1" hard="$ipi_hards" hard_per_call="$ipi_hard_per_call"
	note "$1: background $ipi_hard_per_call hardware IPIs per call"
}

one_round()
{
	for m in $MODES; do
		measure "$m" "$2" "$1"
	done
}

ipi_stay_on_cpu0
rm -f /out/bench.txt
case $ARMS in
*soft*) ktap_case "modules load" modules_ready ;;
*) ktap_case "$ARMS is in force" boot_arm_in_force ;;
esac
# Nothing to measure in an arm that does not exist here.
if grep -q ^unavailable= /out/bench.txt 2>/dev/null; then
	ktap_done
fi
for arm in $ARMS; do
	ktap_case "background, $arm" background "$arm"
done
# shellcheck disable=SC2086 # one argument per arm
take_turns "$ROUNDS" ": $MODES" one_round $ARMS
ktap_done
