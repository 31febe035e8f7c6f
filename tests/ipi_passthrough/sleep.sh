# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Sleep that takes its time: suspend to idle for real, woken by the real-time clock,
# and hibernation as far as it can be rehearsed. The mask is in force again afterwards
# and CPUs poll.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh
. /tests/lib/power.sh

ALARM=/sys/class/rtc/rtc0/wakealarm

polls()
{
	ipi_reset_stats
	wait_for 10 '[ "$(ipi_stat polls 1)" -gt 0 ]' || fail "CPU 1 does not poll $1"
}

asleep_with_mask()
{
	ipi_load ipi_passthrough
	ipi_set_mask 3
	polls "before"
	"$@"
	expect_eq 3 "$(ipi_get_mask)" "mask after waking up"
	polls "after waking up"
}

suspend_to_idle()
{
	[ "$(uname -m)" != x86_64 ] || skip "the clock of QEMU's PC does not end suspend to idle"
	[ -w $ALARM ] || skip "this machine has no clock that wakes it"
	asleep_with_mask until_alarm
}

until_alarm()
{
	echo 0 >$ALARM
	echo +6 >$ALARM || fail "the alarm was refused"
	began=$(cat /sys/class/rtc/rtc0/since_epoch)
	suspend_to freeze || fail "did not suspend"
	expect_ge $(($(cat /sys/class/rtc/rtc0/since_epoch) - began)) 1 "seconds asleep"
}

hibernate()
{
	rehearse_up_to processors disk
	asleep_with_mask to_disk
}

to_disk()
{
	suspend_to disk || fail "hibernation up to processors failed"
}

ktap_plan 3
ktap_case "suspends to idle and is woken by the clock" suspend_to_idle
ktap_case "hibernates, up to processors" hibernate
ktap_case "clean-up" ipi_unload ipi_passthrough
ktap_done
