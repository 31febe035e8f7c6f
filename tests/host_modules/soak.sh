# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# wfx_trap and vtimer_mask under everything at once, for SOAK_SECONDS (10): VMs of every
# kind come, go, move and are killed, knobs change, modules are loaded and unloaded; and
# again with a CPU that goes and comes, for half of that time. No VM may lose a tick, and
# nothing may be left. (While the storm is on and the mask is not, a tick may come twice:
# that is the storm.) Wants two CPUs and /dev/kvm.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/kvmguest.sh
. /tests/lib/wfx.sh
. /tests/lib/vtm.sh

SECONDS_WANTED=${SOAK_SECONDS:-10}
FAILED=/tmp/soak.failed
GOES_ON=/tmp/soak.goes_on
TESTS='ticks_wfi ticks_busy ticks_masked ticks_exits ctl'

goes_on()
{
	[ -e $GOES_ON ] && [ ! -e $FAILED ]
}

soak_failed()
{
	echo "$*" >>$FAILED
}

# vms NAME ARGUMENTS: one test after the other.
vms()
{
	soak_name=$1
	shift
	while goes_on; do
		for t in $TESTS; do
			kvmguest "$@" --count 60 --exits 5 --extra 100 --patience 5000 $t \
				>/tmp/soak."$soak_name" 2>&1 ||
				soak_failed "$soak_name, $t: $(cat /tmp/soak."$soak_name")"
		done
	done
}

# vms_that_die ARGUMENTS
vms_that_die()
{
	n=0
	while goes_on; do
		kvmguest --vcpus 2 "$@" --period 500 --hold 300 --exits 5 spin >/dev/null 2>&1 &
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
	while goes_on; do
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

# Only this one loads and unloads. The soak ends when the time is over and each module
# came and went twice, which may take longer on a busy machine.
modules_that_change()
{
	rounds=0
	while goes_on; do
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
		[ $rounds -lt 2 ] || [ "$(cut -d. -f1 /proc/uptime)" -lt "$soak_end" ] || rm $GOES_ON
	done
	note "$rounds rounds of the modules"
}

cpus_that_go()
{
	while goes_on; do
		echo 0 >/sys/devices/system/cpu/cpu1/online || soak_failed "CPU 1 stays"
		usleep 200000
		echo 1 >/sys/devices/system/cpu/cpu1/online || soak_failed "CPU 1 does not come back"
		usleep 300000
	done
}

# soak SECONDS PART...: all of these at once.
soak()
{
	need_kvm
	rm -f $FAILED
	touch $GOES_ON
	for m in wfx_trap vtm_storm vtimer_mask; do
		module_loaded $m || load_module $m || fail "$m does not load"
	done
	soak_end=$(($(cut -d. -f1 /proc/uptime) + $1))
	shift
	pids=
	for part; do
		$part &
		pids="$pids $!"
	done
	modules_that_change
	# shellcheck disable=SC2086 # one argument per process
	wait $pids
	[ ! -e $FAILED ] || fail "$(head -n 5 $FAILED)"
}

soak_with_cpus()
{
	cpu_may_go 1
	defer "echo 1 >/sys/devices/system/cpu/cpu1/online"
	soak "$@"
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

ktap_plan 3
ktap_case "soak" soak "$SECONDS_WANTED" "vms cpu0 --pin 0" "vms cpu1 --pin 1" \
	"vms moving --vcpus 2 --pin 0,1 --migrate 7" "vms_that_die --pin 0,1" knobs_that_change
ktap_case "soak while a CPU goes and comes" soak_with_cpus $((SECONDS_WANTED / 2 + 3)) \
	"vms one" "vms two --vcpus 2" vms_that_die knobs_that_change cpus_that_go
ktap_case "nothing is left" nothing_is_left
ktap_done
