# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Suspend, as deep as the kernel can rehearse it: CPUs of the mask poll again
# afterwards, and the mask is the same.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh
. /tests/lib/power.sh

set_up()
{
	ipi_load ipi_bench
	ipi_load ipi_passthrough
}

expect_soft()
{
	ipi_reset_stats
	ipi_run "mode=single sender=0 targets=1 count=500 gap_us=200 polling=1"
	expect_ge "$(ipi_stat soft)" 450 "$1: soft IPIs"
}

# rehearse STATE LEVEL
rehearse()
{
	# Without a deep state mem is another name of freeze, which stops before CPUs do.
	[ "$1" != mem ] || grep -qw deep /sys/power/mem_sleep || skip "this machine has no deep sleep"
	rehearse_up_to "$2" "$1"
	ipi_set_mask 3
	expect_soft "before"
	suspend_to "$1" || fail "suspend to $1 up to $2 failed"
	expect_eq 3 "$(ipi_get_mask)" "mask after suspend"
	expect_soft "after"
}

# A mask written while suspended cannot happen (user space is frozen), but one
# can be there that is off.
mask_off()
{
	rehearse_up_to freezer freeze
	ipi_set_mask 0
	suspend_to freeze || fail "suspend failed"
	ipi_count_hard 1 "mode=single sender=0 targets=1 count=500 gap_us=200"
	ipi_le 0.5 "$ipi_hard_per_call" || fail "$ipi_hard_per_call hardware IPIs per call"
}

ipi_stay_on_cpu0
ktap_case "set-up" set_up
ktap_case "freeze, up to freezer" rehearse freeze freezer
ktap_case "freeze, up to devices" rehearse freeze devices
ktap_case "mem, up to processors" rehearse mem processors
ktap_case "mask off" mask_off
ktap_case "clean-up" ipi_unload ipi_bench ipi_passthrough
ktap_done
