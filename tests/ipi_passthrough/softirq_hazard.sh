# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The softirq hazard of a polling idle CPU: a softirq on top of the idle loop
# spins on a lock whose holder waits for this CPU to run a function. With a soft
# IPI that only the idle loop sees, neither goes on. The module must not have
# it; the control, a kernel booted with idle=poll, must show it (or the test
# proves nothing). Which of the two runs depends on the kernel command line.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/ipi.sh

COUNT=${IPI_COUNT:-1000}
# So long that a kick which had to be rescued cannot be taken for a quick one.
RESCUE_US=1000000
LIMIT_US=500000
# A host that takes a vCPU's core away for that long: taken again, and each is printed.
TRIES=3

hazard()
{
	ipi_run "mode=hazard sender=0 targets=1 count=$1 gap_us=200 bail_ms=$2"
	on_idle=$(ipi_result softirq_on_idle)
	note "$1 rounds: $(ipi_result timeouts) given up, $on_idle softirqs on top of idle," \
		"call p50 $(ipi_result rtt_p50_ns) ns, longest $(ipi_result rtt_max_ns) ns"
	expect_eq "$1" "$(ipi_result "done")" "rounds done"
	expect_ge "$on_idle" $(($1 * 8 / 10)) "softirqs that hit an idle CPU"
}

set_up()
{
	ipi_load ipi_bench
	ipi_load ipi_passthrough rescue_us=$RESCUE_US
}

# A stock x86 kernel is not free of it either: its idle loop shows POLLING for a
# moment with interrupts on. That is seldom, and nothing that we could judge.
native()
{
	ipi_set_mask 0
	hazard $((COUNT / 10)) 200
	expect_le "$(ipi_result timeouts)" $((COUNT / 100)) "deadlocks without polling"
}

masked()
{
	ipi_set_mask 3
	for _ in $(seq $TRIES); do
		ipi_reset_stats
		hazard "$COUNT" 2000
		# Of every try: a deadlock makes a long call, too.
		expect_eq 0 "$(ipi_result timeouts)" "deadlocks"
		expect_eq 0 "$(ipi_stat rescued)" "rescued kicks"
		longest=$(($(ipi_result rtt_max_ns) / 1000))
		[ $longest -gt $LIMIT_US ] || break
	done
	expect_le $longest $LIMIT_US "longest call in us"
	expect_ge "$(ipi_stat polls 1)" "$COUNT" "polls of the target"
}

# Without the rescue timer nothing but the guard is left.
masked_no_rescue()
{
	echo 0 >/sys/module/ipi_passthrough/parameters/rescue_us
	masked
}

control()
{
	ipi_load ipi_bench
	expect_ge "$(ipi_idle_polls 1)" 50 "idle polls of the kernel"
	ipi_run "mode=hazard sender=0 targets=1 count=20 gap_us=200 bail_ms=100"
	note "control: $(ipi_result timeouts) of $(ipi_result "done") rounds given up"
	expect_ge "$(ipi_result timeouts)" 1 "deadlocks that the control should have shown"
}

ipi_stay_on_cpu0
if grep -qw idle=poll /proc/cmdline; then
	ktap_case "control: idle=poll has the hazard" control
else
	ktap_case "set-up" set_up
	ktap_case "native idle" native
	ktap_case "polling CPU" masked
	ktap_case "polling CPU, no rescue timer" masked_no_rescue
fi
ktap_case "clean-up" ipi_unload ipi_bench ipi_passthrough
ktap_done
