# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Suspend to idle for real, woken by the real-time clock: the mask is in force again
# afterwards and CPUs poll. The guest is silent meanwhile: run with --allow-stall.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh

ALARM=/sys/class/rtc/rtc0/wakealarm

polls_again()
{
	ipi_reset_stats
	wait_for 10 '[ "$(ipi_stat polls 1)" -gt 0 ]' || fail "CPU 1 does not poll $1"
}

sleeps_and_wakes()
{
	[ -w $ALARM ] || skip "this machine has no clock that wakes it"
	grep -qw freeze /sys/power/state || skip "this kernel cannot suspend to idle"
	ipi_load ipi_passthrough
	ipi_set_mask 3
	polls_again "before"
	echo 0 >$ALARM
	echo +2 >$ALARM || fail "the alarm was refused"
	began=$(cat /sys/class/rtc/rtc0/since_epoch)
	echo freeze >/sys/power/state || fail "did not suspend"
	expect_ge $(($(cat /sys/class/rtc/rtc0/since_epoch) - began)) 1 "seconds asleep"
	expect_eq 3 "$(ipi_get_mask)" "mask after waking up"
	polls_again "after waking up"
}

ktap_plan 2
ktap_case "sleeps and wakes up" sleeps_and_wakes
ktap_case "clean-up" ipi_unload ipi_passthrough
ktap_done
