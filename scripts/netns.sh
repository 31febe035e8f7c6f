#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A network namespace with a TAP device for one guest run:
#
#     namespace cvm-<owner pid>-<owner start time>          guest
#     +------------------------------------+       +--------------------+
#     | servers (iperf3 -s ...)      tap0 -+-------+- eth0              |
#     |   10.77.0.1/24, fd77::1/64         |       |  10.77.0.2/24      |
#     +------------------------------------+       |  fd77::2/64        |
#                                                  +--------------------+
#
# The name says who owns it. A namespace whose owner is gone (killed, machine
# in trouble) is removed when the next one is made, or by "netns.sh sweep".
#
#   netns.sh create [PID [QUEUES [MTU]]]
#                              make one owned by PID (default: the caller), print its name;
#                              the TAP device takes QUEUES pairs (1) and has this MTU (1500)
#   netns.sh delete NAME       remove it
#   netns.sh sweep             remove those whose owner is gone
#   netns.sh list
#   netns.sh exec NAME CMD...  run CMD in it
#   netns.sh run CMD...        make one, run CMD in it, remove it; the name is in $CVM_NETNS
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
PATH=$PATH:/usr/sbin:/sbin

# Start time of a process: a pid alone may be someone else's by now.
start_time()
{
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

owner_lives()
{
	local pid=${1#cvm-} when

	when=${pid#*-}
	pid=${pid%%-*}
	[ "$(start_time "$pid")" = "$when" ]
}

list()
{
	ip netns list | awk '$1 ~ /^cvm-[0-9]+-[0-9]+$/ { print $1 }'
}

delete()
{
	local pid

	[ -e "/run/netns/$1" ] || return 0
	# Servers started in it would keep it alive without a name.
	for pid in $(ip netns pids "$1"); do
		[ "$pid" = $$ ] || kill -KILL "$pid" 2>/dev/null || true
	done
	ip netns delete "$1"
}

sweep()
{
	local ns

	for ns in $(list); do
		owner_lives "$ns" || delete "$ns" || true
	done
}

create()
{
	local pid=$1 queues=$2 mtu=$3 when ns

	[ "$queues" -ge 1 ] 2>/dev/null || die "'$queues' is not a number of queues"
	[ "$mtu" -ge 68 ] 2>/dev/null || die "'$mtu' is not an MTU"
	[ "$(id -u)" = 0 ] || die "making a network namespace needs root"
	[ -c /dev/net/tun ] || die "no /dev/net/tun on this machine: no TAP device can be made"
	when=$(start_time "$pid")
	[ -n "$when" ] || die "no process $pid"
	ns=cvm-$pid-$when
	sweep
	ip netns add "$ns" || die "cannot make network namespace $ns"
	if ! setup "$ns" "$queues" "$mtu"; then
		delete "$ns"
		die "cannot make the TAP device in network namespace $ns"
	fi
	echo "$ns"
}

setup()
{
	local multi=''

	# QEMU must open it the way it was made.
	[ "$2" = 1 ] || multi=multi_queue
	# No duplicate address detection: the address must work at once.
	# shellcheck disable=SC2016
	ip netns exec "$1" sh -e -c '
		ip link set lo up
		# shellcheck disable=SC2086
		ip tuntap add dev tap0 mode tap $1
		ip link set tap0 mtu "$2"
		echo 0 >/proc/sys/net/ipv6/conf/tap0/accept_dad
		ip addr add 10.77.0.1/24 dev tap0
		ip -6 addr add fd77::1/64 dev tap0 nodad
		ip link set tap0 up' sh "$multi" "$3"
}

run()
{
	local ns rc=0

	# $$ and not the command: the trap below belongs to this process.
	ns=$(create $$ 1 1500)
	trap 'delete "$ns"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	export CVM_NETNS=$ns
	# In the background, so that a signal is not held up by the command.
	ip netns exec "$ns" "$@" <&0 &
	wait $! || rc=$?
	exit $rc
}

need ip iproute2
cmd=${1:-}
shift || true
case $cmd in
create) create "${1:-$PPID}" "${2:-1}" "${3:-1500}" ;;
delete) [ $# = 1 ] || usage_die "usage: netns.sh delete NAME"; delete "$1" ;;
sweep) sweep ;;
list) list ;;
exec) [ $# -ge 2 ] || usage_die "usage: netns.sh exec NAME CMD..."; exec ip netns exec "$@" ;;
run) [ $# -ge 1 ] || usage_die "usage: netns.sh run CMD..."; run "$@" ;;
*) usage_die "usage: netns.sh create|delete|sweep|list|exec|run ..." ;;
esac
