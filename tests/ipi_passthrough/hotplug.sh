# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# CPUs of the mask go away and come back: they poll again, the mask stays, and
# nothing is lost while that happens under load. Wants 4 CPUs.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh

COUNT=${IPI_COUNT:-500}
ROUNDS=${IPI_ROUNDS:-10}

online()
{
	echo "$2" >/sys/devices/system/cpu/cpu"$1"/online || fail "CPU $1 cannot be set to $2"
}

set_up()
{
	need_cpus 4
	ipi_load ipi_bench
	# It begins at once; x86 kernels have the softirq hazard while they idle natively.
	ipi_load ipi_torture hazard=N limit_ms=3000
	echo 0 >/sys/kernel/debug/ipi_torture/run
	ipi_load ipi_passthrough
}

# expect_soft CPU: calls to it are soft ones. Hardware IPIs do not tell: a CPU that has
# just come up takes many from others.
expect_soft()
{
	ipi_reset_stats
	soft_cpu=$1
	wait_for 30 '[ "$(ipi_stat polls "$soft_cpu")" -gt 0 ]' || fail "CPU $1 does not poll"
	ipi_count_hard "$1" "mode=single sender=0 targets=$1 count=$COUNT gap_us=200 polling=1"
	expect_eq 0 "$(ipi_result never_idle)" "calls for which CPU $1 did not poll"
	expect_ge "$(ipi_stat soft 0)" $((COUNT * 9 / 10)) "soft IPIs of CPU 0 in $COUNT calls to CPU $1"
}

# expect_native CPU: by the hardware IPIs that it takes.
expect_native()
{
	ipi_count_hard "$1" "mode=single sender=0 targets=$1 count=$COUNT gap_us=200"
	ipi_le 0.5 "$ipi_hard_per_call" || fail "CPU $1 took $ipi_hard_per_call hardware IPIs per call"
}

away_and_back()
{
	defer online 2 1
	ipi_set_mask 4
	expect_soft 2
	online 2 0
	expect_eq 4 "$(ipi_get_mask)" "mask while the CPU is away"
	online 2 1
	expect_soft 2
	expect_native 3
}

mask_while_away()
{
	defer online 1 1
	ipi_set_mask 0
	online 1 0
	ipi_set_mask 2
	online 1 1
	expect_soft 1
	online 1 0
	ipi_set_mask 0
	online 1 1
	expect_native 1
}

all_online()
{
	for c in 1 2 3; do online $c 1; done
}

# The first CPU of the mask, the last one, all but the boot CPU.
all_away()
{
	defer all_online
	ipi_set_mask f
	for c in 1 2 3; do online $c 0; done
	for c in 3 2 1; do online $c 1; done
	for c in 1 2 3; do expect_soft $c; done
}

under_load()
{
	defer 'echo 0 >/sys/kernel/debug/ipi_torture/run'
	defer all_online
	ipi_set_mask f
	echo Y >/sys/module/ipi_torture/parameters/hazard
	echo 1 >/sys/kernel/debug/ipi_torture/run
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		c=$((i % 3 + 1))
		online $c 0
		usleep 50000
		online $c 1
		usleep 50000
		i=$((i + 1))
	done
	echo 0 >/sys/kernel/debug/ipi_torture/run
	for key in late lost hazard_bailed outstanding; do
		expect_eq 0 "$(sed -n "s/^$key=//p" /sys/kernel/debug/ipi_torture/stats)" "$key"
	done
}

unload_while_away()
{
	defer online 3 1
	ipi_set_mask f
	online 3 0
	unload_module ipi_passthrough || fail "does not unload"
	online 3 1
	ipi_load ipi_passthrough
}

# The last thing that a dying CPU does is an IPI to the first CPU that is left, which
# polls. Nothing of that may wait for the dead one: switching off would never end. A
# short rescue_us makes sure that the timer does not run already.
off_while_away()
{
	rescue=/sys/module/ipi_passthrough/parameters/rescue_us
	defer online 2 1
	defer "echo $(cat $rescue) >$rescue"
	echo 1 >$rescue
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		ipi_set_mask f
		usleep 10000
		online 2 0
		ipi_set_mask 0
		online 2 1
		i=$((i + 1))
	done
}

ipi_stay_on_cpu0
ktap_case "set-up" set_up
ktap_case "a CPU goes and comes back" away_and_back
ktap_case "the mask changes while it is away" mask_while_away
ktap_case "all CPUs but one go and come back" all_away
ktap_case "under load" under_load
ktap_case "switching off while a CPU is away" off_while_away
ktap_case "unloading while a CPU is away" unload_while_away
ktap_case "clean-up" ipi_unload ipi_bench ipi_torture ipi_passthrough
ktap_done
