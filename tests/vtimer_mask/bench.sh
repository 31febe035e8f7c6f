# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Measures VMs whose timer is pending while they leave the guest for other reasons:
# tied to the hardware interrupt; untied, with an interrupt that is brought back
# (storm); the same with vtimer_mask. The arms change places from round to round.
# Every measurement becomes a line of key=value words in /out/bench.txt. An arm that
# was not in force is void, and void is failed. Parameters:
#   VTM_CASES   of: exits, delay, ticks; counted instead of delay where there is one CPU
#   VTM_ROUNDS  rounds
#   VTM_COUNT   ticks or requests per measurement
#   VTM_TICKS   ticks, masked, of which none may be lost or come twice
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/turns.sh
. /tests/lib/kvmguest.sh
. /tests/lib/vtm.sh

CASES=${VTM_CASES:-exits delay ticks}
ARMS=${VTM_ARMS:-tied storm masked}
ROUNDS=${VTM_ROUNDS:-2}
COUNT=${VTM_COUNT:-100}
TICKS=${VTM_TICKS:-1000}
# Exits while a tick is pending, and before a request is answered
EXITS=30
REQUEST_EXITS=100

enter_arm()
{
	case $1 in
	tied | storm) vtm_modules vtm_storm ;;
	masked) vtm_modules vtm_storm vtimer_mask ;;
	*) fail "no arm $1" ;;
	esac
	case $1 in
	tied) vtm_untie 0 ;;
	*) vtm_untie 1 ;;
	esac
}

# emit CASE ARM ROUND VCPU
emit()
{
	echo "case=$1 arm=$2 round=$3 vcpu=$4 $(vm_words bench "$4")" \
		"timer_exits=$vtm_timer_exits eoi_exits=$vtm_eoi_exits" \
		"vtimer_irqs=$(vm_result bench vtimer_irqs)" \
		>>/out/bench.txt
}

# expect_effect ARM EXITS: was there a storm or not, as the arm says?
expect_effect()
{
	case $1 in
	storm) expect_ge "$vtm_timer_exits" $((COUNT * $2 / 2)) "void: timer exits of a storm" ;;
	*) expect_le "$vtm_timer_exits" $((COUNT * 2)) "void: timer exits without a storm" ;;
	esac
}

measure_exits()
{
	vtm_run bench --pin 1 --count "$COUNT" --period 8000 --exits "$EXITS" \
		ticks_exits
	expect_effect "$2" "$EXITS"
	emit exits "$2" "$1" 0
}

# request CASE ARM ROUND CPUS
request()
{
	extra=0
	# A storm may show the guest a tick that it has taken back.
	[ "$2" != storm ] || extra=1000000
	vtm_run bench --vcpus 2 --pin "$4" --count "$COUNT" --period 500 --extra $extra \
		--exits $REQUEST_EXITS ping_exits
	expect_effect "$2" $REQUEST_EXITS
	emit "$1" "$2" "$3" 0
}

measure_delay()
{
	request delay "$2" "$1" 0,1
}

measure_counted()
{
	request counted "$2" "$1" 0
}

measure_ticks()
{
	[ "$2" = masked ] || return 0
	suppressed=$(vtm_stat suppressed)
	vtm_run bench --pin 1 --count "$TICKS" --period 500 --hold 100 --exits 2 --timeout 300 \
		ticks_exits
	expect_ge $(($(vtm_stat suppressed) - suppressed)) "$TICKS" "void: suppressed interrupts"
	emit ticks "$2" "$1" 0
}

one_round()
{
	enter_arm "$2"
	for what in $CASES; do
		"measure_$what" "$1" "$2"
	done
}

rm -f /out/bench.txt
ktap_case "there is a KVM" need_kvm
# shellcheck disable=SC2086 # one argument per arm
take_turns "$ROUNDS" "" one_round $ARMS
ktap_done
