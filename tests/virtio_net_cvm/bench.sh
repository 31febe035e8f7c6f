# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Throughput and latency of both drivers, in turns (run by scripts/bench-net.sh).
# What iperf3 and sockperf say goes to /out/net.txt as it is, each behind a line
# that says what it is of. Parameters:
#   NET_ROUNDS   rounds
#   NET_SECONDS  length of a measurement
#   NET_CASES    which: see work()
#   NET_DMA      the DMA mode that our driver must have chosen: pool or stream
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/turns.sh

ROUNDS=${NET_ROUNDS:-1}
SECS=${NET_SECONDS:-1}
CASES=${NET_CASES:-tcp1_tx tcp1_rx tcp4_tx tcp4_rx udp64_tx udp64_rx lat_pingpong lat_load}
IF=eth0
HOST=10.77.0.1
LD=$(echo /put/ld-linux-*.so.*)

# Programs of Debian, with the libraries that were put beside them
tool()
{
	tool_name=$1
	shift
	"$LD" --library-path /put "/put/$tool_name" "$@"
}

driver_of()
{
	basename "$(readlink -f /sys/class/net/$IF/device/driver)"
}

prepared()
{
	load_module virtio_net_cvm
	tool iperf3 --version | head -n 1
}

enter_arm()
{
	out=$(sh /put/cvmnet-bind.sh $IF "$1" 2>&1) || fail "rebinding: $out"
	expect_eq "$1" "$(driver_of)" "driver of $IF"
	if [ "$1" = virtio_net_cvm ]; then
		expect_eq "${NET_DMA:-pool}" "$(cat /sys/class/net/$IF/cvm/mode)" "void: DMA mode"
	fi
	wait_for 10 "ping -c 1 -w 2 $HOST" >/dev/null || fail "no answer through $1"
}

work()
{
	set -- "$1" -c $HOST -J -i 0 -t "$SECS"
	case $1 in
	tcp1_tx) shift && tool iperf3 "$@" ;;
	tcp1_rx) shift && tool iperf3 "$@" -R ;;
	tcp4_tx) shift && tool iperf3 "$@" -P 4 ;;
	tcp4_rx) shift && tool iperf3 "$@" -P 4 -R ;;
	udp64_tx) shift && tool iperf3 "$@" -u -l 64 -b 0 ;;
	udp64_rx) shift && tool iperf3 "$@" -u -l 64 -b 0 -R ;;
	lat_pingpong) tool sockperf ping-pong -i $HOST -p 11111 -t "$SECS" ;;
	lat_load) tool sockperf under-load -i $HOST -p 11111 -t "$SECS" --mps 1000 ;;
	*) fail "unknown case $1" ;;
	esac
}

measure()
{
	# A server that is still busy with the last client says so.
	for _ in 1 2 3 4 5; do
		work "$3" >/tmp/out 2>&1 && break
		sleep 0.5
	done || fail "$3: $(tail -n 3 /tmp/out)"
	{
		echo "== arm=$2 round=$1 case=$3"
		cat /tmp/out
	} >>/out/net.txt
}

arm_round()
{
	enter_arm "$2"
	for c in $CASES; do
		measure "$1" "$2" "$c"
	done
}

rm -f /out/net.txt
ktap_case "modules and programs" prepared
take_turns "$ROUNDS" ": $CASES" arm_round virtio_net virtio_net_cvm
ktap_done
