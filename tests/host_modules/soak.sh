# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# wfx_trap and vtimer_mask under everything at once, for SOAK_SECONDS (10): VMs of every
# kind come, go, move and are killed, knobs change, modules are loaded and unloaded. No
# VM may lose a tick, and nothing may be left. (While the storm is on and the mask is
# not, a tick may come twice: that is the storm.) Wants two CPUs and /dev/kvm.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/kvmguest.sh
. /tests/lib/wfx.sh
. /tests/lib/vtm.sh

SECONDS_WANTED=${SOAK_SECONDS:-10}
FAILED=/tmp/soak.failed
TESTS='ticks_wfi ticks_busy ticks_masked ticks_exits ctl'

time_left()
{
	[ "$(cut -d. -f1 /proc/uptime)" -lt "$soak_end" ] && [ ! -e $FAILED ]
}

soak_failed()
{
	echo "$*" >>$FAILED
}

# VMs with one vCPU that stays, one test after the other.
vms_that_stay()
{
	while time_left; do
		for t in $TESTS; do
			kvmguest --pin "$1" --count 60 --exits 5 --extra 100 --patience 5000 $t >/tmp/soak.stay"$1" 2>&1 ||
				soak_failed "$t on CPU $1: $(cat /tmp/soak.stay"$1")"
		done
	done
}

vms_that_move()
{
	while time_left; do
		for t in $TESTS; do
			kvmguest --vcpus 2 --pin 0,1 --migrate 7 --count 60 --exits 5 --extra 100 --patience 5000 $t \
				>/tmp/soak.move 2>&1 || soak_failed "moving $t: $(cat /tmp/soak.move)"
		done
	done
}

vms_that_die()
{
	n=0
	while time_left; do
		kvmguest --vcpus 2 --pin 0,1 --period 500 --hold 300 --exits 5 spin >/dev/null 2>&1 &
		pid=$!
		echo $pid >$WFX_DIR/add
		echo 3 >$WFX_DIR/$pid/wfi
		usleep $((n * 13000 % 200000))
		kill -9 $pid
		wait $pid
		n=$((n + 1))
	done 2>/dev/null
}

knobs_that_change()
{
	while time_left; do
		for mask in 1 3 0 2; do
			echo $mask >$WFX_KNOB
			echo $mask >$WFX_DIR/wfe
			echo 1 >$WFX_DIR/force
			usleep 30000
			echo 0 >$WFX_DIR/force
			echo 0 >$VTM_KNOB
			usleep 30000
			echo 1 >$VTM_KNOB
			echo $((mask & 1)) >/sys/module/vtm_storm/parameters/monitor
			cat $WFX_STATS $VTM_STATS >/dev/null
		done
	done 2>/dev/null
}

# Only this one loads and unloads.
modules_that_change()
{
	rounds=0
	while time_left; do
		for m in wfx_trap vtm_storm vtimer_mask; do
			if module_loaded $m; then
				# Somebody may be writing to a file of it.
				unload_module $m 2>/dev/null || usleep 1000
			fi
			usleep 50000
			module_loaded $m || load_module $m || soak_failed "$m does not load"
			usleep 100000
		done
		rounds=$((rounds + 1))
	done
	echo $rounds >/tmp/soak.rounds
}

soak()
{
	need_kvm
	rm -f $FAILED
	for m in wfx_trap vtm_storm vtimer_mask; do
		module_loaded $m || load_module $m || fail "$m does not load"
	done
	soak_end=$(($(cut -d. -f1 /proc/uptime) + SECONDS_WANTED))
	pids=
	for part in "vms_that_stay 0" "vms_that_stay 1" vms_that_move vms_that_die knobs_that_change; do
		$part &
		pids="$pids $!"
	done
	modules_that_change
	# shellcheck disable=SC2086 # one argument per process
	wait $pids
	[ ! -e $FAILED ] || fail "$(head -n 5 $FAILED)"
	note "$(cat /tmp/soak.rounds) rounds of the modules"
	expect_ge "$(cat /tmp/soak.rounds)" 2 "rounds of the modules"
}

nothing_is_left()
{
	for m in wfx_trap vtm_storm vtimer_mask; do
		! module_loaded $m || unload_module $m || fail "$m does not unload"
	done
	expect_eq 0 "$(ls -d /sys/kernel/debug/kvm/[0-9]* 2>/dev/null | wc -l)" "VMs"
	# KVM as it was: traps WFI, one interrupt per tick, on each CPU.
	for cpu in 0 1; do
		vm_run a --pin $cpu --count 100 ticks_wfi
		expect_ge "$(vm_result a wfi_exits 0)" 20 "WFI exits on CPU $cpu"
		vm_run a --pin $cpu --count 100 --exits 10 ticks_exits
		expect_le "$(vm_result a vtimer_irqs)" 105 "timer interrupts of 100 ticks on CPU $cpu"
	done
}

ktap_plan 2
ktap_case "soak" soak
ktap_case "nothing is left" nothing_is_left
ktap_done
