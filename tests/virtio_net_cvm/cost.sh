# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Instructions per packet and KiB of both drivers, in turns (run by
# scripts/bench-net-cost.sh, needs --icount; how: tests/progs/net_cost.c). Every
# measurement becomes a line of key=value words in /out/cost.txt. Parameters:
#   COST_ROUNDS   rounds
#   COST_PACKETS  packets to receive per measurement
#   COST_SENT     packets to send; pktgen takes an eighth of a second for each 128
#   COST_KIB      KiB per TCP measurement
#   COST_TRIPS    requests, each with its answer
#   COST_DMA      the DMA mode that our driver must have chosen: pool or stream
#   COST_PROFILE  ARM CASE: this alone, many times over, while the host traces
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/turns.sh

ROUNDS=${COST_ROUNDS:-2}
PACKETS=${COST_PACKETS:-5000}
SENT=${COST_SENT:-1024}
KIB=${COST_KIB:-8192}
TRIPS=${COST_TRIPS:-2000}
CASES='tx60 tx1514 rx60 rx1514 tcp_tx tcp_rx rr'
IF=eth0
at_once=''
RECEIVED=/sys/class/net/$IF/statistics/rx_packets

emit()
{
	echo "$*" >>/out/cost.txt
}

prepared()
{
	load_module virtio_net_cvm
	load_module pktgen
	load_module dummy
	load_module cvm_copy
	expect_ok "ip link set dummy0 up"
	emit case=memcpy ns_per_mib="$(cat /sys/module/cvm_copy/parameters/ns_per_mib)"
	# Neighbours are looked for now and then; that is not what is counted.
	for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do
		echo 1 >"$file"
	done
}

driver_of()
{
	basename "$(readlink -f /sys/class/net/$IF/device/driver)"
}

enter_arm()
{
	out=$(sh /put/cvmnet-bind.sh $IF "$1" 2>&1) || fail "rebinding: $out"
	expect_eq "$1" "$(driver_of)" "driver of $IF"
	if [ "$1" = virtio_net_cvm ]; then
		expect_eq "${COST_DMA:-pool}" "$(cat /sys/class/net/$IF/cvm/mode)" "void: DMA mode"
	fi
}

# work CASE: what net_cost is asked
work()
{
	case $1 in
	idle) echo idle 200 ;;
	tx60) echo pktgen $IF 60 "$SENT" $at_once ;;
	tx1514) echo pktgen $IF 1514 "$SENT" $at_once ;;
	empty60) echo pktgen dummy0 60 "$SENT" ;;
	empty1514) echo pktgen dummy0 1514 "$SENT" ;;
	rx60) echo rx $IF 60 "$PACKETS" ;;
	rx1514) echo rx $IF 1514 "$PACKETS" ;;
	tcp_tx) echo tcp_tx "$KIB" ;;
	tcp_rx) echo tcp_rx "$KIB" ;;
	rr) echo rr "$TRIPS" ;;
	esac
}

measure()
{
	received=$(cat $RECEIVED)
	# shellcheck disable=SC2046 # words
	out=$(net_cost $(work "$3") 2>&1) || fail "net_cost: $out"
	emit arm="$2" round="$1" case="$3" "$out" received=$(($(cat $RECEIVED) - received))
}

arm_round()
{
	enter_arm "$2"
	# The first traffic after a change of drivers fills caches and sizes windows.
	for w in "rx $IF 1514 500" "tcp_tx 1024" "tcp_rx 1024" "rr 100"; do
		# shellcheck disable=SC2086 # words
		out=$(net_cost $w 2>&1) || fail "warming up: $out"
	done
	for c in idle $CASES; do
		measure "$1" "$2" "$c"
	done
}

# pktgen without a driver: its own share
empty_round()
{
	for c in idle empty60 empty1514; do
		measure "$1" none $c
	done
}

# The host traces when it reads the mark; the traffic has to last until then.
profile()
{
	enter_arm "$1"
	# While it traces the guest is too slow to fill a ring, but would wait most of the time.
	at_once=$SENT
	cat /proc/kallsyms >/out/kallsyms
	echo "cvm: profile"
	i=0
	while [ $i -lt 5 ]; do
		i=$((i + 1))
		# shellcheck disable=SC2046
		out=$(net_cost $(work "$2") 2>&1) || fail "net_cost: $out"
	done
}

rm -f /out/cost.txt
ktap_case "modules load" prepared
if [ -n "${COST_PROFILE:-}" ]; then
	# shellcheck disable=SC2086
	ktap_case "profile: $COST_PROFILE" profile $COST_PROFILE
	ktap_done
fi
r=0
while [ $r -lt "$ROUNDS" ]; do
	r=$((r + 1))
	ktap_case "round $r, pktgen alone" empty_round $r
	for arm in $(in_turns $r virtio_net virtio_net_cvm); do
		ktap_case "round $r, $arm" arm_round $r "$arm"
	done
done
ktap_done
