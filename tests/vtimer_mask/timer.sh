# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What vtimer_mask does for VMs on a real KVM whose timer vtm_storm has untied from
# the hardware interrupt: no redundant interrupts, no tick lost or doubled, whatever
# happens meanwhile. Wants two CPUs and /dev/kvm.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/kvmguest.sh
. /tests/lib/vtm.sh

EXITS=40

loads_switched_on()
{
	need_kvm
	vtm_modules
	vtm_modules vtimer_mask
	expect_eq 1 "$(cat $VTM_KNOB)" "the knob after insmod"
	expect_eq 644 "$(stat -c %a $VTM_KNOB)" "mode of the knob"
	dmesg | grep -q 'vtimer_mask: on, not a virtCCA host' || fail "the log does not say so"
}

switches()
{
	for text in 0 n off; do
		echo $text >$VTM_KNOB || fail "'$text' was refused"
		expect_eq 0 "$(cat $VTM_KNOB)"
	done
	for text in "" x 2 -1; do
		expect_errno "echo '$text' >$VTM_KNOB" EINVAL
		expect_eq 0 "$(cat $VTM_KNOB)" "the knob after '$text'"
	done
	timeout 10 sh -c "echo 1 >$VTM_KNOB" || fail "the next writer hangs"
	expect_eq 1 "$(cat $VTM_KNOB)"
}

all_stats()
{
	grep -v '^#' $VTM_STATS | tr '\n' ' '
}

# many_exits NAME: a VM with ticks that are pending through EXITS exits.
many_exits()
{
	vtm_run "$1" --pin 1 --count 100 --period 8000 --exits $EXITS ticks_exits
	note "$1: $vtm_per_tick exits per 100 ticks for the timer, $vtm_eoi_exits of 100 for an EOI," \
		"$(vm_result "$1" vtimer_irqs) hardware timer interrupts"
}

leaves_tied_timers_alone()
{
	vtm_modules vtm_storm vtimer_mask
	vtm_untie 0
	before=$(all_stats)
	many_exits tied
	expect_eq "$before" "$(all_stats)" "the statistics"
	expect_le "$vtm_per_tick" 105 "exits per 100 ticks"
	echo "$vtm_per_tick" >/tmp/vtm.tied
}

# Without the module: the storm is there, and the ticks are right. Where the host is
# busy, late ticks come at once, with fewer exits each: bench.sh says how many there are.
storm()
{
	vtm_modules vtm_storm
	vtm_untie 1
	many_exits storm
	expect_ge "$vtm_per_tick" 800 "exits per 100 ticks"
}

no_storm()
{
	vtm_modules vtm_storm vtimer_mask
	suppressed=$(vtm_stat suppressed)
	unmasked=$(vtm_stat unmasked)
	redundant=$(vtm_stat redundant)
	many_exits masked
	# One more: the guest's EOI leaves the guest, as it does not reach the hardware.
	expect_le "$vtm_per_tick" $(($(cat /tmp/vtm.tied) + 105)) "exits per 100 ticks"
	expect_le "$(vm_result masked vtimer_irqs)" 105 "hardware timer interrupts of 100 ticks"
	expect_ge $(($(vtm_stat suppressed) - suppressed)) 800 "suppressed interrupts"
	expect_ge $(($(vtm_stat unmasked) - unmasked)) 95 "times the interrupt was unmasked"
	expect_le $(($(vtm_stat redundant) - redundant)) 5 "redundant interrupts"
	echo 0 >$VTM_KNOB
	defer "echo 1 >$VTM_KNOB"
	many_exits off
	expect_ge "$vtm_per_tick" 800 "exits per 100 ticks, switched off"
}

# vtm_traced EVENT: how often
vtm_traced()
{
	trace_count "vtm_$1: vcpu=0"
}

traces()
{
	vtm_modules vtm_storm vtimer_mask
	trace_start vtimer_mask
	echo 2000 >$TRACING/buffer_size_kb
	lowered=$(vtm_stat lowered)
	unmasked=$(vtm_stat unmasked)
	vm_run a --pin 1 --count 20 --period 8000 --exits 10 ticks_exits
	# The monitor brings the interrupt back, and it is masked again.
	expect_ge "$(vtm_traced mask)" 20 "traces of a masked timer"
	expect_eq $(($(vtm_stat unmasked) - unmasked)) "$(vtm_traced unmask)" "traces of an unmasked timer"
	expect_eq $(($(vtm_stat lowered) - lowered)) "$(vtm_traced lower)" "traces of a lowered line"
}

# What kvmguest itself finds wrong: a tick that is lost or comes twice, CNTV_CTL that
# reads otherwise than it was written.
guests_see_no_difference()
{
	vtm_modules vtm_storm vtimer_mask
	vm_run a --pin 1 --count 300 --period 1000 ticks_wfi
	vm_run a --pin 1 --count 300 --period 1000 ticks_busy
	vm_run a --pin 1 --count 300 --period 1000 --hold 300 ticks_masked
	vm_run a --pin 1 --count 300 --period 1000 --hold 1500 ticks_masked
	vm_run a --pin 1 --count 300 --period 1000 ctl
	expect_ge "$(vm_result a reads 0)" 1000 "reads of CNTV_CTL"
	vm_run a --vcpus 2 --pin 0,1 --count 100 --period 500 ping_wfi
	vm_run a --vcpus 2 --pin 0,1 --count 100 --period 500 --exits 20 ping_exits
}

# ticks NAME...: these tests at once, all on one CPU.
side_by_side()
{
	side_pids=
	for side_test; do
		vm_start $side_test --pin 1 --count 150 --exits 5 $side_test
		side_pids="$side_pids $side_test:$vm_pid"
	done
	for side_vm in $side_pids; do
		vm_wait "${side_vm%:*}" "${side_vm#*:}"
	done
}

on_one_cpu()
{
	vtm_modules vtm_storm vtimer_mask
	side_by_side ticks_wfi ticks_exits ticks_masked
	# Four vCPUs of one VM on two CPUs
	vm_run a --vcpus 4 --pin 0,1,0,1 --count 100 ticks_wfi
	vm_run a --vcpus 4 --pin 0,1,0,1 --count 100 --exits 5 ticks_exits
}

on_the_move()
{
	vtm_modules vtm_storm vtimer_mask
	vm_run a --vcpus 2 --pin 0,1 --migrate 3 --count 200 --exits 5 ticks_exits
	vm_run a --vcpus 2 --pin 0,1 --migrate 3 --count 200 ticks_wfi
}

# Modules and the knob change all the time: no tick may be lost. While the storm is on
# and the mask is not, one may come twice: that is the storm.
change_once()
{
	echo 0 >$VTM_KNOB
	echo 1 >$VTM_KNOB
	unload_module vtm_storm || fail "vtm_storm does not unload"
	unload_module vtimer_mask || fail "vtimer_mask does not unload"
	vtm_modules vtm_storm
	vtm_modules vtm_storm vtimer_mask
}

while_vms_run()
{
	vtm_modules vtm_storm vtimer_mask
	rounds=0
	# On a busy machine the VMs may come to their end after one.
	while [ $rounds -lt 3 ]; do
		vm_start a --vcpus 2 --pin 0,1 --migrate 20 --count 500 --exits 5 --extra 1000 ticks_exits
		a=$vm_pid
		vm_start b --pin 1 --count 500 --extra 1000 ticks_wfi
		b=$vm_pid
		while kill -0 "$a" 2>/dev/null && kill -0 "$b" 2>/dev/null; do
			change_once
			rounds=$((rounds + 1))
		done
		vm_wait a "$a"
		vm_wait b "$b"
	done
	note "$rounds rounds"
}

cpu_goes()
{
	vtm_modules vtm_storm vtimer_mask
	defer "echo 1 >/sys/devices/system/cpu/cpu1/online"
	cpu_may_go 1
	rounds=0
	while [ $rounds -lt 2 ]; do
		vm_start a --vcpus 2 --count 400 --exits 5 ticks_exits
		while kill -0 "$vm_pid" 2>/dev/null; do
			echo 0 >/sys/devices/system/cpu/cpu1/online || fail "CPU 1 stays"
			usleep 100000
			echo 1 >/sys/devices/system/cpu/cpu1/online || fail "CPU 1 does not come back"
			usleep 100000
			rounds=$((rounds + 1))
		done
		vm_wait a "$vm_pid"
	done
	# A tied timer works on the CPU that went and came.
	vtm_modules
	vm_run a --pin 1 --count 100 ticks_busy
}

killed()
{
	vtm_modules vtm_storm vtimer_mask
	i=0
	while [ $i -lt 12 ]; do
		vm_start a --vcpus 2 --pin 0,1 --period 500 --hold 400 --exits 10 spin
		usleep $((20000 + i * 9000))
		vm_kill "$vm_pid"
		i=$((i + 1))
	done
	# Nothing stays masked on either CPU.
	vtm_modules
	vm_run a --vcpus 2 --pin 0,1 --count 100 ticks_busy
}

beside_wfx_trap()
{
	vtm_modules vtm_storm vtimer_mask
	load_module wfx_trap || fail "wfx_trap does not load"
	defer "rmmod wfx_trap"
	echo 1 >/sys/kernel/cvm_wfx_trap/force
	echo 1 >/sys/kernel/cvm_wfx_trap_config
	vm_run a --pin 1 --count 200 ticks_wfi
	expect_eq 0 "$(vm_result a wfi_exits 0)" "WFI exits"
}

unloads()
{
	vtm_modules
	[ ! -e $VTM_KNOB ] && [ ! -e $VTM_STATS ] || fail "files are left"
}

ktap_plan 14
ktap_case "loads switched on" loads_switched_on
ktap_case "switches at run time, refuses what is no switch" switches
ktap_case "leaves tied timers alone" leaves_tied_timers_alone
ktap_case "without it: redundant interrupts" storm
ktap_case "with it: none" no_storm
ktap_case "tracepoints say what the counters say" traces
ktap_case "guests see no difference" guests_see_no_difference
ktap_case "VMs and vCPUs that share a CPU" on_one_cpu
ktap_case "vCPUs that move" on_the_move
ktap_case "knob and modules change while VMs run" while_vms_run
ktap_case "a CPU goes and comes" cpu_goes
ktap_case "VMs are killed" killed
ktap_case "together with wfx_trap" beside_wfx_trap
ktap_case "unloads" unloads
ktap_done
