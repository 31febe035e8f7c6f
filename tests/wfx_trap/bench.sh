# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Measures VMs that idle in WFI, one arm after the other in one boot (trapped and
# masked change places from round to round) or the one arm that this boot is. Every
# measurement becomes a line of key=value words in /out/bench.txt. An arm that was not
# in force is void, and void is failed. Parameters:
#   WFX_ARMS    "trapped masked", or "policy" for kvm-arm.wfi_trap_policy=notrap
#   WFX_CASES   of: timer, ipi, other; counted instead of timer where there is one CPU;
#               path: one arm's IPIs for the host to log each instruction, without figures
#   WFX_ROUNDS  rounds, WFX_COUNT ticks or round trips per measurement
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/turns.sh
. /tests/lib/kvmguest.sh
. /tests/lib/wfx.sh

ARMS=${WFX_ARMS:-trapped masked}
CASES=${WFX_CASES:-timer ipi other}
ROUNDS=${WFX_ROUNDS:-2}
COUNT=${WFX_COUNT:-200}
PERIOD=4000

ready()
{
	need_kvm
	case $ARMS in
	policy) grep -q kvm-arm.wfi_trap_policy=notrap /proc/cmdline || fail "void: no such policy" ;;
	*)
		load_module wfx_trap || fail "wfx_trap does not load"
		# The harness's own processes want these CPUs at times.
		echo 1 >$WFX_DIR/force
		;;
	esac
}

# enter_arm ARM MASK
enter_arm()
{
	case $1 in
	trapped) echo 0 >$WFX_KNOB ;;
	masked) echo "$2" >$WFX_KNOB ;;
	esac
}

# emit CASE ARM ROUND VCPU
emit()
{
	echo "case=$1 arm=$2 round=$3 vcpu=$4 $(vm_words bench "$4")" >>/out/bench.txt
}

# Were WFI trapped or not, as the arm says?
expect_effect()
{
	exits=$(vm_result bench wfi_exits "$2")
	case $1 in
	trapped) expect_ge "$exits" $((COUNT / 2)) "void: WFI exits of an arm that traps" ;;
	*) expect_le "$exits" $((COUNT / 10)) "void: WFI exits of an arm that does not trap" ;;
	esac
}

# ticks CASE ARM ROUND CPU
ticks()
{
	enter_arm "$2" 1
	vm_run bench --pin "$4" --count "$COUNT" --period $PERIOD ticks_wfi
	expect_effect "$2" 0
	emit "$1" "$2" "$3" 0
}

measure_timer()
{
	ticks timer "$2" "$1" 1
}

measure_counted()
{
	ticks counted "$2" "$1" 0
}

measure_ipi()
{
	enter_arm "$2" 3
	vm_run bench --vcpus 2 --pin 0,1 --count "$COUNT" --period $PERIOD ping_wfi
	expect_effect "$2" 1
	emit ipi "$2" "$1" 1
}

measure_other()
{
	enter_arm "$2" 1
	vm_run bench --vcpus 2 --pin 1,0 --count "$COUNT" --period $PERIOD ticks_wfi
	emit other "$2" "$1" 1
}

measure_path()
{
	enter_arm "$2" 3
	# Pauses are short here. In longer ones KVM does not poll either: it has given up.
	echo 0 >/sys/module/kvm/parameters/halt_poll_ns
	cat /proc/kallsyms >/out/kallsyms
	vm_start bench --vcpus 2 --pin 0,1 --count 1000000 --period 20 ping_wfi
	echo "cvm: profile"
	sleep 1
	exits=$(kvm_stat "$vm_pid" wfi_exit_stat)
	kill -0 "$vm_pid" || fail "void: the VM has ended"
	case $2 in
	trapped) expect_ge "$exits" "$COUNT" "void: WFI exits of an arm that traps" ;;
	*) expect_le "$exits" 10 "void: WFI exits of an arm that does not trap" ;;
	esac
}

one_round()
{
	for what in $CASES; do
		"measure_$what" "$1" "$2"
	done
}

rm -f /out/bench.txt
ktap_case "$ARMS" ready
# shellcheck disable=SC2086 # one argument per arm
take_turns "$ROUNDS" "" one_round $ARMS
ktap_done
