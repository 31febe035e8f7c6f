# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Moderation on the software device: none, fixed, the kernel's net_dim, ours, in turns
# (run by scripts/bench-dim.sh in a guest whose clock counts instructions; traffic:
# tests/progs/dim_load.c). Lines of key=value words go to /out/bench.txt. Parameters:
#   DIM_ROUNDS  rounds
#   DIM_SIZES   bytes of a message
#   DIM_MS      length of a measurement
#   DIM_ARMS    which of: none fixed stock ours
#   DIM_CASES   which of: see work()
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/turns.sh
. /tests/lib/vnetsim.sh

ROUNDS=${DIM_ROUNDS:-1}
SIZES=${DIM_SIZES:-14 1400}
MS=${DIM_MS:-200}
ARMS=${DIM_ARMS:-none fixed stock ours}
CASES=${DIM_CASES:-pingpong load10 load50 load90 full burst mixed settle}
# Long enough for every arm to have found its level
WARM_MS=100
TRACE=/sys/kernel/tracing

emit()
{
	echo "$*" >>/out/bench.txt
}

# plug NAME INTERFACE: a device with one queue pair, as there is one CPU
plug()
{
	vnetsim.sh add "$1" mtu=9000 || fail "no device"
	sim_if=$(vnetsim.sh iface "$1")
	[ "$sim_if" = "$2" ] || ip link set "$sim_if" name "$2" || fail "no $2"
	sim_end=$(cat "$SIM_DIR/$1/peer")
	for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do
		echo 1 >"$file"
	done
	for sim_if in "$sim_end" "$2"; do
		ip link set "$sim_if" mtu 9000
		ip link set "$sim_if" up
	done
	net_link "$sim_if" up 10
}

prepared()
{
	sim_load
	plug sim1 eth1
	plug sim0 eth0
	# What is outside of the guest does not wait for what is inside.
	# shellcheck disable=SC2046 # words
	expect_ok "dim_load fifo 60 $(ps -o pid,args | awk '$2 ~ "^.?sim[01]/" { print $1 }' | tr '\n' ' ')"
	echo mono >$TRACE/trace_clock
	echo 1 >$TRACE/events/virtio_net_cvm/cvmnet_dim_change/enable
}

# What each size's load is a share of: what is carried without moderation
capacities()
{
	enter_arm none
	for size in $SIZES; do
		out=$(dim_load capacity "$sim_end" eth0 "$size") || fail "capacity"
		note "$size bytes: $out"
		echo "${out#capacity=}" >"/tmp/dim.capacity.$size"
		emit "case=capacity arm=none round=1 size=$size $out"
	done
}

# arm_of INTERFACE ARM
arm_of()
{
	ethtool -C "$1" adaptive-rx off adaptive-tx off 2>/dev/null
	case $2 in
	none) ethtool -C "$1" rx-usecs 0 rx-frames 1 tx-usecs 0 tx-frames 1 2>/dev/null ;;
	fixed) ethtool -C "$1" rx-usecs 64 rx-frames 32 tx-usecs 64 tx-frames 32 ;;
	stock) echo net_dim >"/sys/class/net/$1/cvm/dim_algorithm" ;;
	ours) echo cvm >"/sys/class/net/$1/cvm/dim_algorithm" ;;
	esac
	case $2 in
	stock | ours) expect_ok "ethtool -C $1 adaptive-rx on adaptive-tx on" ;;
	esac
}

# enter_arm ARM
enter_arm()
{
	sim_name=sim0
	sim_end=$(cat $SIM_DIR/sim0/peer)
	arm_of eth0 "$1"
	arm_of eth1 "$1"
	case $1 in
	none) expect_le "$(sim_counter rx0 max_packets)" 1 "void: frames in force" ;;
	fixed) expect_eq "64 32" "$(sim_counter rx0 max_usecs) $(sim_counter rx0 max_packets)" \
		"void: moderation in force" ;;
	*) expect_ok "ethtool -c eth0 | grep -q 'Adaptive RX: on  TX: on'" ;;
	esac
}

# share SIZE PERCENT
share()
{
	echo $(($(cat "/tmp/dim.capacity.$1") * $2 / 100))
}

# work CASE SIZE MS: what dim_load is asked
work()
{
	case $1 in
	pingpong) echo pingpong "$sim_end" eth0 "$2" "$3" ;;
	load10) echo load "$sim_end" eth0 "$2" "$3" "$(share "$2" 10)" ;;
	load50) echo load "$sim_end" eth0 "$2" "$3" "$(share "$2" 50)" ;;
	load90) echo load "$sim_end" eth0 "$2" "$3" "$(share "$2" 90)" ;;
	burst) echo load "$sim_end" eth0 "$2" "$3" "$(share "$2" 40)" 9000 64 ;;
	full) echo full "$sim_end" eth0 "$2" "$3" ;;
	esac
}

# run CASE SIZE MS
run()
{
	# shellcheck disable=SC2046 # words
	out=$(dim_load $(work "$1" "$2" "$3") 2>&1) || fail "$1: $out"
}

# measure ROUND ARM SIZE CASE
measure()
{
	run "$4" "$3" $WARM_MS
	irqs=$(sim_counter rx irqs)
	packets=$(sim_counter rx packets)
	run "$4" "$3" "$MS"
	emit "case=$4 arm=$2 round=$1 size=$3 $out irqs=$(($(sim_counter rx irqs) - irqs)) packets=$(($(sim_counter rx packets) - packets)) usecs=$(sim_counter rx0 max_usecs) frames=$(sim_counter rx0 max_packets)"
}

# A load of 50 % on one queue, ping-pong on another one's: what is told is the latter's.
mixed()
{
	dim_load load "$(cat $SIM_DIR/sim1/peer)" eth1 "$3" $((WARM_MS + MS)) "$(share "$3" 50)" \
		>/tmp/dim.bulk &
	bulk=$!
	run pingpong "$3" $WARM_MS
	irqs=$(sim_counter rx irqs)
	packets=$(sim_counter rx packets)
	run pingpong "$3" $((MS / 2))
	wait $bulk || fail "mixed: no load"
	emit "case=mixed arm=$2 round=$1 size=$3 $out irqs=$(($(sim_counter rx irqs) - irqs)) packets=$(($(sim_counter rx packets) - packets)) usecs=$(sim_counter rx0 max_usecs) bulk_$(tr ' ' '\n' </tmp/dim.bulk | grep '^p99_us=')"
}

# settled BEGAN MS: milliseconds until the last change since then
settled()
{
	awk -v began="$1" -v ms="$2" '
		/cvmnet_dim_change/ {
			for (i = 1; i <= NF; i++)
				if ($i ~ /^[0-9]+\.[0-9]+:$/) at = $i + 0
			if (at >= began && at <= began + ms / 1000) last = at
		}
		END { printf "%.2f", last ? (last - began) * 1000 : 0 }' $TRACE/trace
}

began_of()
{
	echo "$1" | tr ' ' '\n' | sed -n 's/^began=//p'
}

# From idle to high load and back: how long the moderation keeps changing
settle()
{
	run pingpong "$3" $WARM_MS
	echo >$TRACE/trace
	run load90 "$3" "$MS"
	up=$(settled "$(began_of "$out")" "$MS")
	echo >$TRACE/trace
	run pingpong "$3" "$MS"
	down=$(settled "$(began_of "$out")" "$MS")
	emit "case=settle arm=$2 round=$1 size=$3 up_ms=$up down_ms=$down"
}

arm_round()
{
	enter_arm "$2"
	for size in $SIZES; do
		for c in $CASES; do
			case $c in
			mixed | settle) $c "$1" "$2" "$size" ;;
			*) measure "$1" "$2" "$size" "$c" ;;
			esac
		done
	done
	sim_expect_rules sim0
	sim_expect_rules sim1
}

rm -f /out/bench.txt
ktap_case "device" prepared
ktap_case "capacity" capacities
# shellcheck disable=SC2086 # one argument per arm
take_turns "$ROUNDS" ": $CASES" arm_round $ARMS
ktap_done
