# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# 64 flows inside one tunnel: by the device's hash of inner headers they are spread over
# receive queues, by the driver's own (cvm/sw_inner_hash) over CPUs; by outer headers all
# are on one. For a run with as many CPUs as there are to be queues.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

FLOWS=64
FRAMES=8
PAIRS=$(grep -c ^processor /proc/cpuinfo)

# send TYPE SEED: the flows, and wait until the driver has them all
send()
{
	sent=$(($(sim_counter rx packets) + FLOWS * FRAMES))
	sim_in tunnel_flows "$sim_end" "$(cat /sys/class/net/eth0/address)" "$1" $FLOWS $FRAMES "$2" ||
		fail "the flows can't be sent"
	wait_for 10 '[ "$(sim_counter rx packets)" -ge $sent ]' || fail "frames were lost"
	sleep 0.3
}

by_queue()
{
	n=0
	while [ $n -lt "$PAIRS" ]; do
		sim_counter "rx$n" packets
		n=$((n + 1))
	done
}

# Packets that each CPU has handed to the stack
by_cpu()
{
	while read -r n _; do
		echo $((0x$n))
	done </proc/net/softnet_stat
}

# spread COUNT_BY TYPE SEED: packets of the busiest one, in percent of the mean
spread()
{
	"$1" >/tmp/inner.before
	send "$2" "$3"
	"$1" >/tmp/inner.after
	awk 'FNR == NR { before[FNR] = $1; next }
		{ n = $1 - before[FNR]; sum += n; if (n > most) most = n }
		END { printf "%d\n", 100 * most / (sum / FNR) }' /tmp/inner.before /tmp/inner.after
}

# even COUNT_BY TYPE: the busiest has twice the mean at most. Which flows go where is
# up to a random key: of three sets of flows, one has to be spread like that.
even()
{
	for seed in 1 2 3; do
		share=$(spread "$1" "$2" $seed)
		note "$2 $1: the busiest of $PAIRS has $share % of the mean"
		[ "$share" -gt 200 ] || return 0
	done
	fail "$2: the busiest has $share % of the mean"
}

# one COUNT_BY TYPE: nearly all on one
one()
{
	share=$(spread "$1" "$2" 1)
	note "$2 $1, outer headers: the busiest of $PAIRS has $share % of the mean"
	expect_ge "$share" $((90 * PAIRS)) "percent of the mean on the busiest"
}

device()
{
	sim_up sim0 pairs="$PAIRS"
	expect_ok "ethtool -L eth0 combined $PAIRS"
	for type in gre vxlan ipip geneve; do
		expect_ok "echo none >$NET_CVM/hash_tunnel_types"
		one by_queue $type
		expect_ok "echo gre_2784 vxlan ipip geneve >$NET_CVM/hash_tunnel_types"
		even by_queue $type
	done
	sim_down
}

# one_queue WORD...: whose packets are spread by RPS alone
one_queue()
{
	sim_up sim0 pairs=1 "$@"
	printf '%x\n' $(((1 << PAIRS) - 1)) >/sys/class/net/eth0/queues/rx-0/rps_cpus
	net_set receive-hashing on
}

software()
{
	one_queue off=HASH_TUNNEL
	expect_eq 0 "$(cat $NET_CVM/sw_inner_hash)" "sw_inner_hash at first"
	for bad in 2 x ""; do
		expect_errno "echo '$bad' >$NET_CVM/sw_inner_hash" EINVAL
	done
	for type in gre vxlan ipip geneve; do
		expect_ok "echo 0 >$NET_CVM/sw_inner_hash"
		# The stack looks into the other ones by itself.
		case $type in
		vxlan | geneve) one by_cpu $type ;;
		esac
		expect_ok "echo 1 >$NET_CVM/sw_inner_hash"
		even by_cpu $type
	done
	expect_eq 1 "$(cat $NET_CVM/sw_inner_hash)" "sw_inner_hash"
	net_stream recv
	net_stream send
	sim_down
}

# The driver does what the device is not asked for.
both()
{
	one_queue
	expect_ok "echo ipip >$NET_CVM/hash_tunnel_types"
	one by_cpu vxlan
	expect_ok "echo 1 >$NET_CVM/sw_inner_hash"
	even by_cpu vxlan
	sim_down
}

sim_load || exit 1
ktap_case "by the device, over $PAIRS queues" device
ktap_case "by the driver, over $PAIRS CPUs" software
ktap_case "by both, over $PAIRS CPUs" both
ktap_case "unloading" sim_unload
ktap_done
