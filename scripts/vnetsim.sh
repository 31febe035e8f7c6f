#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Make, look at and unplug software virtio-net devices (kunit/vnetsim, loaded):
#
#     vnetsim.sh add NAME [KEY=VALUE...]	pairs=4 packed=1 off=MQ,RSS cable=OTHER ...
#     vnetsim.sh del NAME
#     vnetsim.sh list
#     vnetsim.sh show NAME			features, state, counters, broken rules
#     vnetsim.sh set NAME FILE VALUE...		latency_us, ctrl_delay_ms, features, event ...
#     vnetsim.sh iface NAME			the interface that a driver made of it
#     vnetsim.sh ns NAME PID			move its other end to a process's network
set -u

DIR=/sys/kernel/debug/vnetsim

die()
{
	echo "vnetsim.sh: $*" >&2
	exit 1
}

usage()
{
	sed -n '5,12s/^# *//p' "$0" >&2
	exit 2
}

need()
{
	[ -d "$DIR/$1" ] || die "there is no device '$1'"
}

iface()
{
	for net in /sys/bus/virtio/devices/"$(cat "$DIR/$1/device")"/net/*; do
		[ -e "$net" ] && echo "${net##*/}" && return
	done
	die "no driver has made an interface of '$1'"
}

list()
{
	for dir in "$DIR"/*/; do
		[ -f "$dir/device" ] || continue
		dev=$(cat "$dir/device")
		drv=$(readlink "/sys/bus/virtio/devices/$dev/driver") || drv=none
		name=${dir%/}
		echo "${name##*/} $dev driver=${drv##*/}"
	done
}

show()
{
	for file in features state counters violations; do
		echo "== $file"
		case $file in
		violations) grep -v ' 0$' "$DIR/$1/$file" ;;
		*) cat "$DIR/$1/$file" ;;
		esac
	done
}

[ -d "$DIR" ] || die "$DIR is not there: is the module loaded, and debugfs mounted?"
[ $# -ge 1 ] || usage
what=$1
shift
case $what in
list) list ;;
add)
	[ $# -ge 1 ] || usage
	name=$1
	shift
	echo "name=$name $*" >"$DIR/create" || die "cannot make '$name' with '$*'"
	;;
del | show | iface)
	[ $# -eq 1 ] || usage
	need "$1"
	case $what in
	del) echo "$1" >"$DIR/destroy" || die "cannot unplug '$1'" ;;
	*) $what "$1" ;;
	esac
	;;
set)
	[ $# -ge 3 ] || usage
	need "$1"
	file=$DIR/$1/$2
	[ -f "$file" ] || die "'$1' has no file $2"
	shift 2
	echo "$*" >"$file" || die "'$*' was not taken"
	;;
ns)
	[ $# -eq 2 ] || usage
	need "$1"
	peer=$(cat "$DIR/$1/peer")
	[ "$peer" != none ] || die "'$1' has no other end: it is cabled"
	ip link set "$peer" netns "$2"
	;;
*) usage ;;
esac
