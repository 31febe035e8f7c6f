# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# A guest whose kernel has an idle driver: its states are taken over, CPUs outside
# the mask go on using them, and they are given back. The driver is cvm_idle, which
# stays loaded, so run this alone in a guest. Wants three CPUs, the last without a
# cpuidle device.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh

disable_state()
{
	for attr in /sys/devices/system/cpu/cpu*/cpuidle/state"$1"/disable; do
		echo "$2" >"$attr"
	done
}

# entered_again STATE: left no choice, the governor takes that state.
entered_again()
{
	other=$((1 - $1))
	disable_state $other 1
	before=$(cut -d, -f$(($1 + 1)) /sys/module/cvm_idle/parameters/entered)
	wait_for 10 "[ \"\$(cut -d, -f$(($1 + 1)) /sys/module/cvm_idle/parameters/entered)\" -gt $before ]" ||
		fail "state $1 is not entered any more"
	disable_state $other 0
}

both_states_entered()
{
	entered_again 0
	entered_again 1
}

idle_driver()
{
	cat /sys/devices/system/cpu/cpuidle/current_driver
}

setup()
{
	need_cpus 3
	load_module cvm_idle devices=3 || fail "cvm_idle does not load"
	expect_eq cvm_idle "$(idle_driver)" "idle driver"
	[ ! -e /sys/devices/system/cpu/cpu2/cpuidle ] || fail "CPU 2 has a cpuidle device"
	both_states_entered
	ipi_load ipi_passthrough
}

polls()
{
	ipi_reset_stats
	wait_for 10 "[ \"\$(ipi_stat polls $1)\" -gt 0 ]" || fail "CPU $1 does not poll"
}

taken_over()
{
	ipi_set_mask 2
	polls 1
	expect_eq cvm_idle "$(idle_driver)" "idle driver while its states are wrapped"
	dmesg | grep -q "idle driver: cvm_idle" || fail "the log does not name the driver"
	expect_eq 0 "$(ipi_stat polls 0)" "polls of CPU 0, which is not in the mask"
	both_states_entered
}

device_of_our_own()
{
	ipi_set_mask 4
	polls 2
	[ -e /sys/devices/system/cpu/cpu2/cpuidle ] || fail "CPU 2 got no device"
	ipi_set_mask 0
	[ ! -e /sys/devices/system/cpu/cpu2/cpuidle ] || fail "CPU 2 kept its device"
}

# Past the limit a CPU goes on to the state that the governor chose.
limit_leads_to_the_driver()
{
	echo 100 >/sys/module/ipi_passthrough/parameters/poll_limit_us
	defer "echo 0 >/sys/module/ipi_passthrough/parameters/poll_limit_us"
	ipi_set_mask 7
	both_states_entered
	ipi_set_mask 0
}

given_back()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		ipi_set_mask 3
		ipi_set_mask 0
	done
	ipi_set_mask 3
	ipi_unload ipi_passthrough
	expect_eq cvm_idle "$(idle_driver)" "idle driver after unloading"
	both_states_entered
	ipi_load ipi_passthrough
	ipi_set_mask 7
	polls 1
	ipi_unload ipi_passthrough
	both_states_entered
}

ktap_plan 5
ktap_case "set-up" setup
ktap_case "states are taken over" taken_over
ktap_case "a CPU without a device gets one" device_of_our_own
ktap_case "poll_limit_us leads to the driver's state" limit_leads_to_the_driver
ktap_case "states are given back" given_back
ktap_done
