# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The knobs as their ABI entry describes them: what they take, what they refuse, and
# that VMs on a real KVM do what they say. Wants two CPUs and /dev/kvm.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/kvmguest.sh
. /tests/lib/wfx.sh

# A mask whose only bit is 512, one more than the largest vCPU id.
BIT_512=1$(printf ',00000000%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
BIT_511=80000000$(printf ',00000000%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
TICKS=100

# more_exits PID: WFI exits of that VM go on.
more_exits()
{
	exits_pid=$1 exits=$(kvm_stat "$1" wfi_exit_stat)
	wait_for 30 '[ "$(kvm_stat "$exits_pid" wfi_exit_stat)" -gt $((exits + 10)) ]'
}

loads_and_changes_nothing()
{
	need_kvm
	load_module wfx_trap || fail "it does not load"
	expect_eq 0 "$(cat $WFX_KNOB)" "mask after insmod"
	expect_eq 644 "$(stat -c %a $WFX_KNOB)" "mode of the knob"
	dmesg | grep -q 'wfx_trap: not a virtCCA host' || fail "the log does not name the host"
	vm_run a --pin 1 --count $TICKS ticks_wfi
	expect_ge "$(vm_result a wfi_exits 0)" $((TICKS / 10)) "WFI exits without a mask"
	# Nothing is hooked, so nothing was counted.
	expect_eq 1 "$(wc -l <$WFX_STATS)" "lines of counters"
}

takes_masks()
{
	defer wfx_off
	for text in 1 0x1 0X3 3 00000002 "$BIT_511"; do
		echo "$text" >$WFX_KNOB || fail "'$text' was refused"
		for file in $WFX_KNOB $WFX_DIR/wfi $WFX_DIR/wfe; do
			expect_eq "$(echo "$text" | sed 's/^0[xX]//; s/^0*//')" "$(cat $file)" "$file"
		done
	done
	echo 5 >$WFX_DIR/wfi
	echo 6 >$WFX_DIR/wfe
	expect_eq 4 "$(cat $WFX_KNOB)" "vCPUs for which neither is trapped"
	echo 1 >$WFX_DIR/force
	expect_eq 1 "$(cat $WFX_DIR/force)"
	echo 0 >$WFX_KNOB
	expect_eq "0 0 0" "$(cat $WFX_KNOB $WFX_DIR/wfi $WFX_DIR/wfe | tr '\n' ' ' | sed 's/ $//')"
}

refuses_masks()
{
	defer wfx_off
	for file in $WFX_KNOB $WFX_DIR/wfi $WFX_DIR/wfe; do
		for text in "" " " 0x "0x 1" g 1g -1 1.5 0x0x1 , 0x, 0-3 "0 1" 1,; do
			echo 1 >$file
			expect_errno "echo '$text' >$file" EINVAL
			expect_eq 1 "$(cat $file)" "$file after '$text'"
		done
		for text in $BIT_512 123456789; do
			expect_errno "echo '$text' >$file" EOVERFLOW
			expect_eq 1 "$(cat $file)" "$file after '$text'"
		done
		# A lock that a refusal kept would stop this writer for ever.
		timeout 10 sh -c "echo 2 >$file" || fail "the next writer hangs"
	done
	for text in "" x 2; do
		expect_errno "echo '$text' >$WFX_DIR/force" EINVAL
	done
	expect_eq 0 "$(cat $WFX_DIR/force)" "force"
}

masked_vcpus_only()
{
	defer wfx_off
	echo 1 >$WFX_DIR/force
	echo 1 >$WFX_KNOB
	vm_run a --vcpus 2 --pin 0,1 --count $TICKS ticks_wfi
	expect_eq 0 "$(vm_result a wfi_exits 0)" "WFI exits of the vCPU in the mask"
	# A tick that is late finds no WFI before it; on a busy host many are.
	expect_ge "$(vm_result a wfi_exits 1)" $((TICKS / 10)) "WFI exits of the other"
	# IPIs and events reach a vCPU that waits inside.
	echo 3 >$WFX_KNOB
	vm_run a --vcpus 2 --pin 0,1 --count $TICKS --period 500 ping_wfi
	expect_eq "0 0" "$(vm_result a wfi_exits 0) $(vm_result a wfi_exits 1)" "WFI exits of both"
	vm_run a --vcpus 2 --pin 0,1 --count $TICKS --period 500 ping_wfe
	expect_eq $TICKS "$(vm_result a "done" 1)" "events that were answered"
}

one_by_one()
{
	defer wfx_off
	echo 1 >$WFX_DIR/force
	echo 1 >$WFX_DIR/wfe
	vm_start a --pin 1 --count 1000000 ticks_wfi
	wait_for 10 '[ "$(wfx_stat wfe "$vm_pid" 0)" -gt 20 ]' || fail "WFE stays trapped"
	expect_eq 0 "$(wfx_stat wfi "$vm_pid" 0)" "entries without a trap of WFI"
	expect_ge "$(wfx_stat wfi_exits "$vm_pid" 0)" 10 "WFI exits"
	echo 0 >$WFX_DIR/wfe
	echo 1 >$WFX_DIR/wfi
	wait_for 10 '[ "$(wfx_stat wfi "$vm_pid" 0)" -gt 20 ]' || fail "WFI stays trapped"
	before=$(wfx_stat wfe "$vm_pid" 0)
	sleep 1
	expect_eq "$before" "$(wfx_stat wfe "$vm_pid" 0)" "entries without a trap of WFE"
}

# A running VM feels each change at its next entry. With another mask than 0 for the
# time without, the hooks stay where they are.
while_it_runs()
{
	defer wfx_off
	echo 1 >$WFX_DIR/force
	vm_start a --pin 1 --count 1000000 ticks_wfi
	wait_for 10 '[ "$(kvm_stat "$vm_pid" wfi_exit_stat)" -gt 20 ]' || fail "the VM does not run"
	for other in 2 0 2; do
		echo 1 >$WFX_KNOB
		before=$(kvm_stat "$vm_pid" wfi_exit_stat)
		usleep 300000
		# It may have been on its way in when the mask was written.
		expect_le $(($(kvm_stat "$vm_pid" wfi_exit_stat) - before)) 1 "WFI exits in the mask"
		echo $other >$WFX_KNOB
		more_exits "$vm_pid" || fail "WFI is not trapped again with mask $other"
	done
}

# While another task wants the CPU WFI is trapped, unless forced.
guard()
{
	defer wfx_off
	echo 1 >$WFX_KNOB
	vm_start a --pin 1 --count 1000000 ticks_wfi
	wait_for 10 '[ "$(wfx_stat wfi "$vm_pid" 0)" -gt 20 ]' || fail "WFI stays trapped"
	vm_burn 1
	wait_for 10 '[ "$(wfx_stat guarded "$vm_pid" 0)" -gt 0 ]' || fail "no entry was guarded"
	more_exits "$vm_pid" || fail "WFI is not trapped beside a busy task"
	echo 1 >$WFX_DIR/force
	before=$(kvm_stat "$vm_pid" wfi_exit_stat)
	sleep 1
	expect_le $(($(kvm_stat "$vm_pid" wfi_exit_stat) - before)) 1 "WFI exits when forced"
}

own_setting()
{
	defer wfx_off
	echo 1 >$WFX_DIR/force
	vm_start a --pin 0 --count 1000000 ticks_wfi
	a=$vm_pid
	vm_start b --pin 1 --count 1000000 ticks_wfi
	b=$vm_pid
	wait_for 10 '[ "$(kvm_stat "$b" wfi_exit_stat)" -gt 20 ]' || fail "the VM does not run"
	echo "$a" >$WFX_DIR/add || fail "the VM was refused"
	expect_errno "echo $a >$WFX_DIR/add" EEXIST
	expect_eq "0 0 1" "$(cat $WFX_DIR/"$a"/wfi $WFX_DIR/"$a"/wfe $WFX_DIR/"$a"/force | tr '\n' ' ' |
		sed 's/ $//')" "its setting at first"
	echo 1 >$WFX_DIR/"$a"/wfi
	expect_errno "echo x >$WFX_DIR/$a/wfi" EINVAL
	expect_errno "echo $BIT_512 >$WFX_DIR/$a/wfi" EOVERFLOW
	expect_eq 1 "$(cat $WFX_DIR/"$a"/wfi)"
	expect_eq 0 "$(cat $WFX_KNOB)" "the mask for all VMs"
	before_a=$(kvm_stat "$a" wfi_exit_stat)
	more_exits "$b" || fail "WFI of the other VM is not trapped"
	expect_le $(($(kvm_stat "$a" wfi_exit_stat) - before_a)) 1 "WFI exits of the VM"

	# The other way round: all but this one.
	echo 1 >$WFX_KNOB
	echo 0 >$WFX_DIR/"$a"/wfi
	before_b=$(kvm_stat "$b" wfi_exit_stat)
	more_exits "$a" || fail "WFI of the VM is not trapped"
	expect_le $(($(kvm_stat "$b" wfi_exit_stat) - before_b)) 1 "WFI exits of the other VM"

	echo "$a" >$WFX_DIR/remove || fail "it can not be removed"
	[ ! -e $WFX_DIR/"$a" ] || fail "its folder is still there"
	before_a=$(kvm_stat "$a" wfi_exit_stat)
	usleep 300000
	expect_le $(($(kvm_stat "$a" wfi_exit_stat) - before_a)) 1 "WFI exits after removal"
	expect_errno "echo $a >$WFX_DIR/remove" ESRCH
}

refuses_vms()
{
	for text in "" x 0 -1 1.5 "1 2"; do
		expect_errno "echo '$text' >$WFX_DIR/add" EINVAL
		expect_errno "echo '$text' >$WFX_DIR/remove" EINVAL
	done
	expect_errno "echo 4000000 >$WFX_DIR/add" ESRCH
	expect_errno "echo 4000000 >$WFX_DIR/remove" ESRCH
	expect_errno "echo 1 >$WFX_DIR/add" ENODEV
	expect_errno "echo 99999999999 >$WFX_DIR/add" ERANGE
	vm_start a --pin 1 --empty-vms 1 --count 1000000 ticks_wfi
	wait_for 10 '[ "$(ls -d /sys/kernel/debug/kvm/"$vm_pid"-* | wc -l)" = 2 ]' || fail "no two VMs"
	expect_errno "echo $vm_pid >$WFX_DIR/add" ENOTUNIQ
	expect_eq 0 "$(ls -d $WFX_DIR/[0-9]* 2>/dev/null | wc -l)" "folders of VMs"
}

# Whatever ends the VM, its setting and its counters end with it.
gone_with_the_vm()
{
	defer wfx_off
	for end in exit kill; do
		count=1000000
		# Long enough for all of this to be seen
		[ $end = kill ] || count=1500
		vm_start a --pin 1 --count $count ticks_wfi
		wait_for 5 'echo "$vm_pid" >$WFX_DIR/add' || fail "the VM was refused"
		echo 1 >$WFX_DIR/"$vm_pid"/wfi
		wait_for 10 '[ "$(wfx_stat entries "$vm_pid" 0)" -gt 0 ]' || fail "no counters"
		if [ $end = exit ]; then vm_wait a "$vm_pid"; else vm_kill "$vm_pid"; fi
		wait_for 5 "[ ! -e $WFX_DIR/$vm_pid ]" || fail "the folder outlives the VM ($end)"
		expect_eq 1 "$(wc -l <$WFX_STATS)" "lines of counters"
	done
}

# A process that is killed at any moment, while its setting is written.
killed_any_time()
{
	defer wfx_off
	i=0
	while [ $i -lt 15 ]; do
		vm_start a --vcpus 2 --pin 0,1 --count 1000000 ticks_wfi
		usleep $((i * 6000))
		echo "$vm_pid" 2>/dev/null >$WFX_DIR/add && echo 3 2>/dev/null >$WFX_DIR/"$vm_pid"/wfi &
		usleep $((i * 500))
		vm_kill "$vm_pid"
		i=$((i + 1))
	done
	wait
	wait_for 5 '[ "$(ls -d $WFX_DIR/[0-9]* 2>/dev/null | wc -l)" = 0 ]' || fail "a folder is left"
	wait_for 5 '[ "$(wc -l <$WFX_STATS)" = 1 ]' || fail "counters are left"
}

unloads_beside_vms()
{
	vm_start a --pin 1 --count 1000000 ticks_wfi
	for _ in 1 2 3; do
		module_loaded wfx_trap || load_module wfx_trap || fail "it does not load"
		echo 1 >$WFX_DIR/force
		echo 1 >$WFX_KNOB
		wait_for 5 'echo "$vm_pid" >$WFX_DIR/add' || fail "the VM was refused"
		usleep 200000
		before=$(kvm_stat "$vm_pid" wfi_exit_stat)
		usleep 200000
		expect_le $(($(kvm_stat "$vm_pid" wfi_exit_stat) - before)) 1 "WFI exits in the mask"
		unload_module wfx_trap || fail "rmmod"
		more_exits "$vm_pid" || fail "WFI is not trapped after rmmod"
	done
	[ ! -e $WFX_KNOB ] && [ ! -e $WFX_DIR ] && [ ! -e $WFX_STATS ] || fail "files are left"
}

ktap_plan 12
ktap_case "loads and changes nothing" loads_and_changes_nothing
ktap_case "takes masks in the kernel's format" takes_masks
ktap_case "refuses everything else and keeps the old mask" refuses_masks
ktap_case "vCPUs of the mask never exit for WFI, others always" masked_vcpus_only
ktap_case "WFI and WFE one by one" one_by_one
ktap_case "a running VM feels the change" while_it_runs
ktap_case "traps while another task wants the CPU, unless forced" guard
ktap_case "a VM with a setting of its own" own_setting
ktap_case "refuses what is no VM" refuses_vms
ktap_case "settings and counters go with the VM" gone_with_the_vm
ktap_case "VMs are killed at any moment" killed_any_time
ktap_case "unloads beside a running VM" unloads_beside_vms
ktap_done
