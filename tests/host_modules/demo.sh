# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Guest half of scripts/demo.sh: the modules for arm64 KVM hosts as an operator would
# try them. The guest is the host here, and runs a small VM. Each command is shown
# before its output. Figures go to /out/demo.txt.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/kvmguest.sh
. /tests/lib/wfx.sh
. /tests/lib/vtm.sh
. /tests/lib/demo.sh

TICKS=${DEMO_TICKS:-300}

# figure WHEN WHAT VALUE, per hundred ticks or in ns
figure()
{
	echo "when=$1 what=$2 value=$3" >>/out/demo.txt
}

# idle_vm WHEN: a VM that idles between its ticks.
idle_vm()
{
	note "\$ kvmguest --pin 1 --count $TICKS ticks_wfi"
	vm_run demo --pin 1 --count "$TICKS" ticks_wfi
	note "  $TICKS ticks, the VM was left for WFI $(vm_result demo wfi_exits 0) times, half of" \
		"the ticks within $(vm_result demo late_p50_ns 0) ns"
	figure "$1" wfi $((100 * $(vm_result demo wfi_exits 0) / TICKS))
	figure "$1" wake "$(vm_result demo late_p50_ns 0)"
}

# busy_vm WHEN: a VM that is left 30 times while a tick is pending.
busy_vm()
{
	note "\$ kvmguest --pin 1 --count $TICKS --period 8000 --exits 30 ticks_exits"
	vm_run demo --pin 1 --count "$TICKS" --period 8000 --exits 30 ticks_exits
	note "  $TICKS ticks, $(vm_result demo vtimer_irqs) hardware timer interrupts," \
		"$(vm_result demo lost 0) ticks lost, $(vm_result demo extra 0) extra"
	figure "$1" irqs $((100 * $(vm_result demo vtimer_irqs) / TICKS))
}

wfx_before()
{
	need_kvm
	say "wfx_trap. A VM waits for its timer: KVM traps each WFI and blocks the vCPU."
	show "insmod /lib/cvm/wfx_trap.ko"
	show "dmesg | grep wfx_trap: | tail -n 1"
	idle_vm before
}

wfx_after()
{
	say "Leave WFI of vCPU 0 to the guest."
	show "echo 1 >$WFX_KNOB"
	idle_vm after
	expect_le "$(vm_result demo wfi_exits 0)" $((TICKS / 10)) "WFI exits"
}

wfx_one_vm()
{
	say "For one VM only, while it runs, and with counters. It goes with the VM."
	show "echo 0 >$WFX_KNOB"
	vm_start demo --pin 1 --count 1000000 ticks_wfi
	wait_for 30 '[ -n "$(ls -d /sys/kernel/debug/kvm/"$vm_pid"-* 2>/dev/null)" ]' ||
		fail "the VM does not run"
	show "echo $vm_pid >$WFX_DIR/add"
	show "echo 1 >$WFX_DIR/$vm_pid/wfi"
	sleep 1
	show "cat $WFX_STATS"
	show "kill $vm_pid"
	{ wait "$vm_pid"; } 2>/dev/null
	wait_for 5 "[ ! -e $WFX_DIR/$vm_pid ]" || fail "its folder is still there"
	show "ls $WFX_DIR"
	show "rmmod wfx_trap"
}

vtm_before()
{
	say "vtimer_mask. A test module plays the firmware of a confidential VM: the hardware"
	say "timer interrupts again after each exit, as long as the VM has a tick pending."
	show "insmod /lib/cvm/vtm_storm.ko"
	busy_vm before
}

vtm_after()
{
	say "Mask the hardware timer while the VM has the tick."
	show "insmod /lib/cvm/vtimer_mask.ko"
	busy_vm after
	show "cat $VTM_STATS"
	expect_le "$(vm_result demo vtimer_irqs)" $((TICKS * 21 / 20)) "hardware timer interrupts"
	show "rmmod vtimer_mask vtm_storm"
}

ktap_case "trapped WFI" wfx_before
ktap_case "WFI left to the guest" wfx_after
ktap_case "one VM" wfx_one_vm
ktap_case "timer interrupts again and again" vtm_before
ktap_case "masked timer" vtm_after
ktap_done
