# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Which CPUs send on a queue and take its interrupts, as CPUs come and go, also with
# isolcpus=managed_irq,...; the kernel's view of which NAPI instance polls it.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
CPUS=/sys/devices/system/cpu

online()
{
	echo "$2" >$CPUS/cpu"$1"/online || fail "CPU $1 cannot be set to $2"
}

# cpu_list FILE: words instead of 0,2-3
cpu_list()
{
	tr ',' '\n' <"$1" | awk -F- 'NF { for (i = $1; i <= $NF; i++) printf "%d ", i }'
}

# mask CPU...
mask()
{
	cpu_mask=0
	for cpu; do
		cpu_mask=$((cpu_mask | 1 << cpu))
	done
	printf '%x\n' $cpu_mask
}

# The mask of CPUs that interrupts are to leave alone
isolated()
{
	tr ' ' '\n' </proc/cmdline | sed -n 's/^isolcpus=managed_irq,//p' >/tmp/isolated
	# shellcheck disable=SC2046 # words
	mask $(cpu_list /tmp/isolated)
}

# irq QUEUE: of a queue by the core's name, as far as it has one of its own
irq()
{
	awk -v want="$(net_device)-$1" '$NF == want { sub(/:$/, "", $1); print $1 }' /proc/interrupts
}

# What a file says, without leading zeros and commas
mask_of()
{
	printf '%x\n' "0x$(tr -d ',' <"$1")"
}

# spread WHEN: every CPU belongs to one pair, in turns
spread()
{
	quiet=$(isolated)
	# shellcheck disable=SC2046 # words
	all=$(mask $(cpu_list $CPUS/online))
	pairs=$(net_channels)
	pair=0
	while [ "$pair" -lt "$pairs" ]; do
		# shellcheck disable=SC2046 # words
		want=$(mask $(cpu_list $CPUS/online |
			awk -v n="$pairs" -v i="$pair" '{ for (c = i + 1; c <= NF; c += n) print $c }'))
		expect_eq "$want" "$(mask_of /sys/class/net/eth0/queues/tx-$pair/xps_cpus)" \
			"CPUs that send on queue $pair $1"
		want=$(printf '%x' $((0x$want & ~0x$quiet)))
		[ "$want" != 0 ] || want=$(printf '%x' $((0x$all & ~0x$quiet)))
		for queue in input output; do
			expect_eq "$want" "$(mask_of "/proc/irq/$(irq $queue.$pair)/smp_affinity")" \
				"CPUs that $queue.$pair interrupts $1"
		done
		pair=$((pair + 1))
	done
}

has_vectors()
{
	[ "$(net_queues)" -gt 1 ] || skip "one queue pair"
	[ -n "$(irq input.0)" ] || skip "no interrupt of its own for each queue"
}

at_rest()
{
	has_vectors
	note "CPUs $(cat $CPUS/online), isolated $(isolated)"
	spread "at first"
	max=$(net_queues)
	defer ethtool -L eth0 combined "$max"
	expect_ok "ethtool -L eth0 combined $((max - 1))"
	spread "with a pair less"
	expect_ok "ethtool -L eth0 combined $max"
	spread "with all pairs again"
}

hotplug()
{
	has_vectors
	defer online 1 1
	net_flood_start
	for _ in 1 2 3; do
		online 1 0
		spread "without CPU 1"
		online 1 1
		spread "with CPU 1 again"
	done
	net_flood_stop "$NET_GAP"
	# As many pairs as before for fewer CPUs
	online 1 0
	spread "without CPU 1"
	expect_ok "ip link set eth0 down"
	expect_ok "ip link set eth0 up"
	net_add6
	net_reaches "with a CPU away"
	net_stream send
	net_stream recv
	spread "after down and up"
}

# A driver that comes while a CPU is away
late()
{
	has_vectors
	defer online 1 1
	online 1 0
	net_bind virtio_net
	net_bind virtio_net_cvm
	spread "bound without CPU 1"
	online 1 1
	spread "with CPU 1 again"
	net_reaches "afterwards"
}

# napi QUEUE: its number, 0 where the kernel gives none to an instance that only sends
napi()
{
	sed -n "s/^$1 napi=//p" /tmp/napi
}

napis()
{
	qstats -n eth0 >/tmp/napi
	case $? in
	0) ;;
	4) skip "this kernel does not tell" ;;
	*) fail "the kernel does not tell which queue has which NAPI instance" ;;
	esac
	# Fewer than there could be, where there were fewer CPUs when the driver came
	pairs=$(net_channels)
	expect_eq $((2 * pairs)) "$(grep -c '^[rt]x' /tmp/napi)" "queues that the kernel knows"
	pair=0
	while [ "$pair" -lt "$pairs" ]; do
		grep -q -x "napi $(napi rx$pair)" /tmp/napi ||
			fail "rx$pair has no NAPI instance of the interface: $(cat /tmp/napi)"
		[ -n "$(napi tx$pair)" ] || fail "tx$pair has no NAPI instance: $(cat /tmp/napi)"
		pair=$((pair + 1))
	done
	expect_eq "$pairs" "$(sed -n 's/^rx.* //p' /tmp/napi | sort -u | wc -l)" \
		"different NAPI instances"
	[ "$pairs" -gt 1 ] || return 0
	defer ethtool -L eth0 combined "$pairs"
	expect_ok "ethtool -L eth0 combined 1"
	expect_ok "ethtool -L eth0 combined $pairs"
	cp /tmp/napi /tmp/napi.before
	qstats -n eth0 >/tmp/napi
	diff /tmp/napi.before /tmp/napi || fail "other NAPI instances after other channels"
}

ktap_case "set-up" net_set_up
ktap_case "spread over CPUs" at_rest
ktap_case "a CPU goes and comes under traffic" hotplug
ktap_case "bound while a CPU is away" late
ktap_case "NAPI instances of queues" napis
ktap_case "clean-up" net_clean_up
ktap_done
