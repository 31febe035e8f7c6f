# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Injected idle time (powerclamp and the like): a CPU of the mask idles natively when a
# thread tells it to, and the thread is forgotten when it ends. The function for it is
# exported whether or not the kernel has CONFIG_IDLE_INJECT. Wants 3 CPUs.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh
. /tests/lib/trace.sh

ROUNDS=100

set_up()
{
	need_cpus 3
	ipi_load ipi_bench
	ipi_load ipi_passthrough
	ipi_set_mask 6
}

# Returns when the thread has ended.
inject()
{
	ipi_load ipi_inject cpu=1 rounds=$ROUNDS
	expect_eq $ROUNDS "$(cat /sys/module/ipi_inject/parameters/injected)" "times CPU 1 was told to idle"
}

# polls_of PIDS: polls of CPU 1 by tasks whose number matches
polls_of()
{
	trace_count "^ *[^ ]+-$1 .* ipipt_poll_enter: cpu=1\$"
}

not_polled()
{
	trace_start ipi_passthrough/ipipt_poll_enter
	inject
	wait_for 10 '[ "$(polls_of 0)" -gt 0 ]' || fail "the idle task of CPU 1 does not poll"
	trace_stop
	expect_eq 0 "$(polls_of '[1-9][0-9]*')" "polls by the thread"
}

# Its idle task would make the module forget the thread: there is always something else to
# run. The calls go on until the thread's memory has been given back.
gone()
{
	taskset 2 sh -c 'while :; do :; done' &
	defer "kill $!"
	inject
	ipi_run "mode=many sender=0 targets=1-2 count=200 gap_us=10000 timing=1"
	expect_eq 200 "$(ipi_result "done")" "calls done"
	expect_eq 0 "$(ipi_result timeouts)" "late answers"
}

polls_again()
{
	ipi_reset_stats
	ipi_run "mode=single sender=0 targets=1 count=100 polling=1"
	expect_eq 0 "$(ipi_result never_idle)" "calls for which CPU 1 did not poll"
	expect_ge "$(ipi_stat soft 0)" 90 "soft IPIs of 100"
}

ipi_stay_on_cpu0
ktap_plan 5
ktap_case "set-up" set_up
ktap_case "injected idle time is not polled" not_polled
ktap_case "the thread is gone, its CPU is called" gone
ktap_case "polls again" polls_again
ktap_case "clean-up" ipi_unload ipi_bench ipi_inject ipi_passthrough
ktap_done
