# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the network tests share: eth0 on virtio_net_cvm, the server on the other
# side of the wire, load in the background, counters. Needs ktap.sh and module.sh,
# and a run with: --net tap --serve 'nettest serve 7777 tap0'
#
# Parameters: NET_MODE=pool|stream|auto (auto), NET_BYTES of a stream (1 MiB),
# NET_ROUNDS of what is repeated (10), NET_GAP in ms that traffic may pause (2000).

NET_PEER=10.77.0.1
NET_PEER6=fd77::1
NET_ADDR=10.77.0.2/24
NET_ADDR6=fd77::2/64
NET_PORT=7777
NET_MODE=${NET_MODE:-auto}
NET_BYTES=${NET_BYTES:-1048576}
NET_ROUNDS=${NET_ROUNDS:-10}
NET_GAP=${NET_GAP:-2000}
NET_CVM=/sys/class/net/eth0/cvm
NET_BUS=/sys/bus/virtio

# net_device: name of the network card on the virtio bus, also when unbound.
net_device()
{
	for net_dev in $NET_BUS/devices/*; do
		[ "$(cat "$net_dev/device")" = 0x0001 ] && echo "${net_dev##*/}" && return
	done
	return 1
}

net_driver()
{
	basename "$(readlink "$NET_BUS/devices/$(net_device)/driver")"
}

# net_bind DRIVER
net_bind()
{
	net_said=$(cvmnet-bind.sh eth0 "$1" 2>&1) || fail "not bound to $1: $net_said"
	expect_eq "$1" "$(net_driver)" "driver"
}

# net_link INTERFACE up|down SECONDS: until its carrier is so, at most so long
net_link()
{
	case $2 in
	up) net_want=1 ;;
	*) net_want=0 ;;
	esac
	wait_for "$3" "[ \"\$(cat \"/sys/class/net/$1/carrier\")\" = $net_want ]" ||
		fail "the link of $1 does not go $2"
}

# First case of each test: the module freshly loaded, in the mode asked for.
net_set_up()
{
	grep -q -w cvm.net=1 /proc/cmdline || fail "run without --net tap"
	net_unload
	load_module virtio_net_cvm mode="$NET_MODE" || fail "virtio_net_cvm does not load"
	net_bind virtio_net_cvm
	# Debian's 6.1 has no way to pool behind some mappings; it says so.
	if [ "$NET_MODE" != auto ] && [ "$(cat $NET_CVM/mode)" != "$NET_MODE" ]; then
		fail "mode is $(cat $NET_CVM/mode), wanted $NET_MODE"
	fi
	note "mode $(cat $NET_CVM/mode), $(net_queues) queue pairs, features $(cat /sys/class/net/eth0/device/features)"
	net_reaches "after binding"
}

net_unload()
{
	module_loaded virtio_net_cvm || return 0
	[ "$(net_driver)" != virtio_net_cvm ] || net_bind virtio_net
	unload_module virtio_net_cvm || fail "virtio_net_cvm does not unload"
}

# Last case: back to the stock driver, and nothing was lost on the way.
net_clean_up()
{
	net_expect_no_drops
	net_unload
	net_reaches "with the stock driver"
}

net_reaches()
{
	wait_for 30 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no answer $1"
}

# net_settled6 DEVICE [COMMAND...]: wait until its IPv6 addresses can be used. A work of the
# kernel does that a little later, also where nobody looks for duplicates.
net_settled6()
{
	net_device6=$1
	shift
	net_look6="$* cat /proc/net/if_inet6"
	wait_for 10 '! $net_look6 | grep -qE " [4-7c-f][0-9a-f] +$net_device6\$"' ||
		note "IPv6 addresses of $net_device6 are tentative for 10 s"
}

# net_address DEVICE ADDRESS ADDRESS6 [COMMAND...]: up, with these, which can be used at once.
net_address()
{
	net_addressed=$1 net_first=$2 net_second=$3
	shift 3
	"$@" ip addr add "$net_first" dev "$net_addressed"
	"$@" sh -c "echo 0 >/proc/sys/net/ipv6/conf/$net_addressed/accept_dad"
	"$@" ip link set "$net_addressed" up
	"$@" ip -6 addr add "$net_second" dev "$net_addressed"
	net_settled6 "$net_addressed" "$@"
}

# Address and routes of a card that has just come.
net_configure()
{
	net_address eth0 $NET_ADDR $NET_ADDR6
}

# net_add6: the IPv6 address went when eth0 did.
net_add6()
{
	ip -6 addr add $NET_ADDR6 dev eth0
	net_settled6 eth0
}

# net_feature BIT: was it negotiated?
net_feature()
{
	[ "$(cut -c$(($1 + 1)) /sys/class/net/eth0/device/features)" = 1 ]
}

# net_queues: how many can be used.
net_queues()
{
	ethtool -l eth0 2>/dev/null | awk '/^Combined:/ { print $2; exit }'
}

# net_channels: queue pairs in use
net_channels()
{
	ethtool -l eth0 | awk '/^Combined:/ { n = $2 } END { print n }'
}

# net_stat NAME: rx_packets is the sum of rx0_packets, rx1_packets...
net_stat()
{
	ethtool -S eth0 | awk -v want="$1" '
		{
			name = $1
			sub(/:$/, "", name)
			sub(/^rx[0-9]+_/, "rx_", name)
			sub(/^tx[0-9]+_/, "tx_", name)
		}
		name == want { n += $2; found = 1 }
		END { if (!found) exit 1; print n }' || fail "there is no counter $1"
}

# net_on FEATURE: is it on? net_can FEATURE: can it be changed?
net_on()
{
	ethtool -k eth0 | grep -q "^[[:space:]]*$1: on"
}

net_can()
{
	ethtool -k eth0 | grep "^[[:space:]]*$1: " | grep -q -v -F '[fixed]'
}

# net_set FEATURE on|off
net_set()
{
	expect_ok "ethtool -K eth0 $1 $2"
}

# The wire, as the host sees it: net_wire_reset, then after the traffic
# net_wire_read, then net_wire KEY.
net_wire_reset()
{
	nettest ask $NET_PEER $NET_PORT wire >/dev/null || fail "the other side does not count"
}

net_wire_read()
{
	nettest ask $NET_PEER $NET_PORT wire >/tmp/net.wire || fail "the other side does not count"
}

net_wire()
{
	sed -n "s/^$1=//p" /tmp/net.wire
}

# net_stream send|recv [PEER [BYTES [STREAMS]]]
net_stream()
{
	nettest "$1" "${2:-$NET_PEER}" $NET_PORT "${3:-$NET_BYTES}" "${4:-1}" ||
		fail "TCP: $*"
}

# net_udp COUNT SIZE [PEER [SEGMENT]]
net_udp()
{
	# shellcheck disable=SC2086 # the last one may be missing
	net_said=$(nettest udp "${3:-$NET_PEER}" $NET_PORT "$1" "$2" ${4:-} 2>&1) ||
		fail "UDP of $2 bytes: $net_said"
}

# Load in the background until the case ends: two TCP connections, which must not
# break, and datagrams.
net_flood_start()
{
	nettest flood $NET_PEER $NET_PORT 2 >/tmp/net.tcp 2>/tmp/net.tcp.err &
	echo $! >/tmp/net.flood
	nettest flood $NET_PEER $NET_PORT 1 700 >/tmp/net.udp 2>/dev/null &
	echo $! >>/tmp/net.flood
	defer net_flood_kill
	wait_for 60 'grep -q flowing /tmp/net.tcp && grep -q flowing /tmp/net.udp' ||
		fail "no traffic in the background (TCP '$(cat /tmp/net.tcp)', UDP '$(cat /tmp/net.udp)'): $(
			cat /tmp/net.tcp.err)
$(ethtool -S eth0 | grep -E 'reset_|tx[0-9]+_(packets|stops|wakes|kicks|timeouts)' | tr -s ' \n' ' ')"
}

net_flood_kill()
{
	[ -f /tmp/net.flood ] || return 0
	while read -r net_pid; do
		kill "$net_pid" 2>/dev/null
	done </tmp/net.flood
	# Their words come after the signal.
	while read -r net_pid; do
		while kill -0 "$net_pid" 2>/dev/null; do
			usleep 20000
			wait "$net_pid" 2>/dev/null
		done
	done </tmp/net.flood
	rm -f /tmp/net.flood
}

# net_flood_stop [GAP]: content was right, no connection was lost, no pause was longer than
# GAP ms (any, if not given). That is what datagrams tell: TCP tries again after twice the
# time each, so it may be silent for as long again.
net_flood_stop()
{
	sleep 1
	net_flood_kill
	note "TCP: $(tr '\n' ' ' </tmp/net.tcp)"
	note "UDP: $(tr '\n' ' ' </tmp/net.udp)"
	expect_eq 0 "$(net_flooded tcp wrong)" "TCP chunks with wrong content"
	expect_eq 0 "$(net_flooded udp wrong)" "datagrams with wrong content"
	expect_eq 0 "$(net_flooded tcp errors)" "TCP connections that broke ($(cat /tmp/net.tcp.err))"
	expect_ge "$(net_flooded tcp rounds)" 5 "TCP chunks echoed"
	expect_ge "$(net_flooded udp rounds)" 5 "datagrams echoed"
	[ -n "${1:-}" ] || return 0
	expect_le "$(net_flooded udp gap_ms)" "$1" "longest pause in ms"
	expect_le "$(net_flooded tcp gap_ms)" $((2 * $1 + 1000)) "longest pause of TCP in ms"
}

net_flooded()
{
	sed -n "s/^$2=//p" "/tmp/net.$1"
}

# net_hear LISTEN DST VLAN|- WANT [SIZE]: of ten frames that the host sends to DST,
# WANT arrive. The device hears of filters in the driver's own time, and frames may take
# theirs: tried again a few times.
net_hear()
{
	for _ in 1 2 3 4 5; do
		net_heard=$(nettest hear eth0 "$1" $NET_PEER $NET_PORT "$2" "$3" 10 "${5:-100}") ||
			fail "frames to $2 could not be sent"
		[ "$net_heard" != "$4" ] || return 0
		note "frames to $2 (VLAN $3): $net_heard heard when listening '$1', wanted $4"
	done
	expect_eq "$4" "$net_heard" "frames to $2 (VLAN $3) heard when listening '$1'"
}

# net_pool_limit BYTES: on a slow host what is under way may not be done within the second
# that the driver waits for it.
net_pool_limit()
{
	net_limit=$1
	wait_for 20 'echo "$net_limit" >$NET_CVM/pool_limit' || fail "no pools of $1 bytes"
	expect_eq "$1" "$(cat $NET_CVM/pool_limit)" "pool_limit"
}

net_drops()
{
	cat $NET_CVM/drop_* | awk '{ n += $1 } END { print n }'
}

# NET_MAY_DROP: counters of what a test makes the driver drop, such as packets that
# arrive while an interface is down, or that were merged before that was switched off.
net_expect_no_drops()
{
	[ -d $NET_CVM ] || return 0
	for net_file in "$NET_CVM"/drop_*; do
		case " ${NET_MAY_DROP:-} " in
		*" ${net_file##*/} "*) continue ;;
		esac
		expect_eq 0 "$(cat "$net_file")" "${net_file##*/}"
	done
	expect_eq "${NET_RESETS:-0}" "$(cat $NET_CVM/resets)" "resets"
}

# net_settle: wait until a second has passed in which the device was sent no command.
# New addresses are told to it in the background.
net_settle()
{
	net_sent=''
	wait_for 20 'net_settled' || fail "the device is sent commands all the time"
}

net_settled()
{
	net_before=$net_sent
	net_sent=$(net_stat ctrl_commands)
	[ "$net_before" != "$net_sent" ] || return 0
	sleep 1
	return 1
}

# net_request WHAT: have the supervisor do something to the card: unplug, plug,
# link on, link off, announce.
net_request()
{
	note "cvm: nic $1"
}

# net_trace: record the driver's tracepoints until the case ends. Needs trace.sh.
net_trace()
{
	trace_start virtio_net_cvm
}

# net_traced REGEX: was such an event recorded?
net_traced()
{
	trace_count "cvmnet_$1" >/dev/null
}

# net_expect_trace REGEX...
net_expect_trace()
{
	for net_event; do
		net_traced "$net_event" || fail "no event $net_event in: $(
			grep cvmnet_ $TRACING/trace | tail -n 5)"
	done
}

# net_slots: bounce buffer slots in use at this moment.
net_slots()
{
	cat /sys/kernel/debug/swiotlb/io_tlb_used
}
