# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# vtimer_mask and wfx_trap on a virtCCA host, for which the module cvm_tmm stands in
# with entry points of the same names.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/kvmguest.sh
. /tests/lib/vtm.sh

TMM=/sys/kernel/debug/cvm_tmm

tmm_gone()
{
	for m in vtimer_mask wfx_trap cvm_tmm; do
		! module_loaded $m || unload_module $m || fail "$m does not unload"
	done
}

# tmm PARAMETERS: the stand-in, and vtimer_mask on top of it.
tmm()
{
	tmm_gone
	load_module cvm_tmm "$@" || fail "cvm_tmm does not load"
	load_module vtimer_mask || fail "vtimer_mask does not load"
}

# update CTL EXPIRED LINE LATCH: prints what became of the interrupt.
update()
{
	echo "$*" >$TMM/update
	cat $TMM/update
}

# Columns: ENABLE 1, IMASK 2, ISTATUS 4; expired; line and latch before; after.
LINES='0 1 0 0 line=0 latch=0
0 1 1 0 line=0 latch=0
2 1 1 0 line=0 latch=0
1 0 0 0 line=0 latch=0
1 0 1 0 line=0 latch=0
1 1 0 0 line=1 latch=0
3 1 0 0 line=1 latch=0
3 0 0 0 line=0 latch=0
3 0 1 0 line=0 latch=0
7 1 0 0 line=1 latch=0
7 1 1 0 line=1 latch=0
1 0 1 1 line=0 latch=1'

follows_the_timer()
{
	tmm
	dmesg | grep -q 'vtimer_mask: on, virtCCA host' || fail "the log does not name the host"
	echo "$LINES" | while read -r ctl expired line latch want; do
		expect_eq "$want" "$(update "$ctl" "$expired" "$line" "$latch")" \
			"CTL $ctl, expired $expired, line $line, latch $latch"
	done || exit 1
	expect_eq 12 "$(vtm_stat tec)" "timers looked at"
	expect_ge "$(vtm_stat lowered)" 4 "lines lowered"
}

# The stand-in alone is wrong, or it would show nothing.
differs_without()
{
	tmm
	echo 0 >$VTM_KNOB
	expect_eq "line=0 latch=0" "$(update 3 1 0 0)" "an expired timer that the firmware masked"
	expect_eq "line=1 latch=0" "$(update 0 1 1 0)" "a timer that was switched off"
	echo 1 >$VTM_KNOB
	expect_eq "line=1 latch=0" "$(update 3 1 0 0)" "an expired timer that the firmware masked"
}

asks_the_firmware()
{
	# Two arguments that were added: the request is bit 0 of the first.
	tmm version=$((2 << 16 | 2))
	expect_eq 21001 "$(cat $TMM/create)" "interface 2.2"
	echo 0 >$VTM_KNOB
	expect_eq 21000 "$(cat $TMM/create)" "switched off"
	echo 1 >$VTM_KNOB
	expect_eq 21001 "$(cat $TMM/create)" "switched on again"
	tmm version=$((2 << 16 | 5))
	expect_eq 21001 "$(cat $TMM/create)" "interface 2.5"
	tmm version=$((2 << 16 | 1))
	expect_eq 21000 "$(cat $TMM/create)" "interface 2.1"
	tmm version=$((3 << 16 | 2))
	expect_eq 21000 "$(cat $TMM/create)" "interface 3.2"
}

host_not_enabled()
{
	tmm enabled=0
	dmesg | grep 'vtimer_mask: on' | tail -n 1 | grep -q 'not a virtCCA host' ||
		fail "the log names the wrong host"
	expect_eq 21000 "$(cat $TMM/create)"
	expect_eq "line=0 latch=0" "$(update 3 1 0 0)"
}

wfx_trap_says_so()
{
	tmm
	load_module wfx_trap || fail "wfx_trap does not load"
	dmesg | grep 'wfx_trap:' | tail -n 1 | grep -q 'virtCCA host, masks hold' ||
		fail "the log does not name the host"
}

unloads()
{
	tmm_gone
}

ktap_plan 6
ktap_case "the line follows the timer, not the firmware's mask" follows_the_timer
ktap_case "without the module it does not" differs_without
ktap_case "asks the firmware to mask, where it offers that" asks_the_firmware
ktap_case "a host that was not enabled" host_not_enabled
ktap_case "wfx_trap names the host" wfx_trap_says_so
ktap_case "unloads" unloads
ktap_done
