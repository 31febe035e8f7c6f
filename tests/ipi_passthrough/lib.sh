# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the guest tests of ipi_passthrough share.

KNOB=/sys/kernel/soft_ipi_passthrough
STATS=/sys/kernel/debug/ipi_passthrough/stats

mask_now()
{
	cat $KNOB
}

idle_driver()
{
	cat /sys/devices/system/cpu/cpuidle/current_driver 2>/dev/null || echo none
}

# stat_of CPU COLUMN
stat_of()
{
	awk -v cpu="$1" -v col="$2" '
		/^#/ { for (i = 2; i <= NF; i++) at[$i] = i - 1; next }
		$1 == cpu { print $(at[col]) }' $STATS
}

# stat_sum COLUMN: over all CPUs
stat_sum()
{
	awk -v col="$1" '
		/^#/ { for (i = 2; i <= NF; i++) at[$i] = i - 1; next }
		{ sum += $(at[col]) }
		END { print sum + 0 }' $STATS
}

# polling CPU: it polled and was woken from that at least once
polling()
{
	[ "$(stat_of "$1" polls)" -gt 0 ]
}

# A mask with the first bit set that no CPU can have.
possible_cpus_plus_one()
{
	last=$(sed 's/.*[-,]//' /sys/devices/system/cpu/possible)
	printf '%x' $((1 << (last + 1)))
}
