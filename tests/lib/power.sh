# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Suspend, for real or rehearsed (CONFIG_PM_DEBUG).

# rehearse_up_to LEVEL STATE: what the next suspend to STATE ends at, until the case is
# over; skips what this kernel or machine does not have.
rehearse_up_to()
{
	[ -w /sys/power/pm_test ] || skip "this kernel cannot rehearse suspend (PM_DEBUG)"
	grep -qw "$2" /sys/power/state || skip "this machine has no $2"
	grep -qw "$1" /sys/power/pm_test || skip "this kernel cannot rehearse up to $1"
	# Rehearsals end by themselves, after 5 s unless told otherwise.
	[ ! -w /sys/module/suspend/parameters/pm_test_delay ] ||
		echo 1 >/sys/module/suspend/parameters/pm_test_delay
	defer 'echo none >/sys/power/pm_test'
	echo "$1" >/sys/power/pm_test
}

# suspend_to STATE: and tell the harness how long the guest was silent on purpose.
suspend_to()
{
	read -r suspend_began _ </proc/uptime
	suspend_rc=0
	echo "$1" >/sys/power/state || suspend_rc=1
	read -r suspend_ended _ </proc/uptime
	note "cvm: frozen $(awk -v a="$suspend_began" -v b="$suspend_ended" 'BEGIN { print b - a }')"
	return $suspend_rc
}
