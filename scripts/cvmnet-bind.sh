#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Move a live network interface from one virtio-net driver to the other:
#
#     cvmnet-bind.sh IFNAME virtio_net_cvm|virtio_net
#     cvmnet-bind.sh --new VIRTIO-DEVICE virtio_net_cvm|virtio_net
#
# Its names, MAC, MTU, queue length, bridge or bond, sysctls, addresses, routes,
# permanent neighbours and up/down state come along.  If the new driver does not
# take the device, the old one gets it back with all of that.  What is set with
# ethtool or tc does not come along; VLANs and the like on top of the interface
# would be lost, so such an interface is refused.
#
# --new is for udev rules: a device (virtio0) that has just come, before somebody uses
# its interface. Nothing comes along, and an interface that is up is left alone.
#
# Needs the ip of iproute2, or of busybox.
set -u

SYS=/sys/bus/virtio
LANG=C
export LANG

say()
{
	echo "cvmnet-bind: $*"
}

die()
{
	echo "error: $*" >&2
	exit 1
}

usage_die()
{
	echo "usage: cvmnet-bind.sh IFNAME|--new VIRTIO-DEVICE virtio_net_cvm|virtio_net" >&2
	echo "       (or --help)" >&2
	exit 2
}

# --- what the interface has ---------------------------------------------------

# One line per address, as arguments of "ip addr add", shortest form last.
save_addresses()
{
	ip -o addr show dev "$IF" | while read -r _ _ family addr rest; do
		case $family in
		inet | inet6) ;;
		*) continue ;;
		esac
		# shellcheck disable=SC2086 # words
		address_args "$family" "$addr" $rest
	done
}

# The address that the kernel makes of the MAC address
link_local()
{
	# shellcheck disable=SC2046 # words
	set -- $(printf '0x%s ' $(echo "$MAC" | tr ':' ' '))
	first=$(printf '%x:' $((($1 ^ 2) << 8 | $2)))
	[ "$first" != 0: ] || first=''
	printf 'fe80::%s%x:%x:%x/64\n' "$first" $(($3 << 8 | 0xff)) $((0xfe00 | $4)) $(($5 << 8 | $6))
}

# address_args FAMILY ADDR WORD...: nothing for what the kernel makes by itself
address_args()
{
	family=$1 args=$2 scope='' life='' made=''
	shift 2
	while [ $# -gt 0 ]; do
		case $1 in
		brd | peer | metric) args="$args $1 $2" && shift ;;
		noprefixroute | mngtmpaddr | home | autojoin) args="$args $1" ;;
		scope) scope=$2 && shift ;;
		# A busybox that prints them may still not know how to set them.
		valid_lft | preferred_lft) life="$life $1 ${2%sec}" && shift ;;
		"$IF":*) args="$args label ${1%\\}" ;;
		temporary) return 0 ;;
		stable-privacy) made=1 ;;
		proto) [ "$2" != kernel_ll ] || made=1 ;;
		esac
		shift
	done
	case "$family $scope" in
	"inet6 link")
		[ -z "$made" ] || return 0
		[ "${args%% *}" != "$(link_local)" ] || return 0
		;;
	esac
	[ -z "$scope" ] || args="$args scope $scope"
	case $life in
	*forever*forever*) life='' ;;
	esac
	echo "$family|$args|$life"
}

# One line per route, as arguments of "ip route add"; those without a gateway
# first, as the others are reached through them.  Routes with several ways out are
# not always shown when one interface is asked for, and take several lines by default.
save_routes()
{
	for family in 4 6; do
		{
			{
				ip -o "-$family" route show table all dev "$IF" 2>/dev/null ||
					ip "-$family" route show dev "$IF"
			} | grep -v nexthop
			ip -o "-$family" route show table all 2>/dev/null | sed 's/\\//g' |
				grep "nexthop.* dev $IF "
		} | route_args "$family"
	done | awk '/ via / { late[++n] = $0; next } { print } END { for (i = 1; i <= n; i++) print late[i] }'
}

# Those that come with addresses are there again already, but not where an address
# has noprefixroute: then somebody else has made them.
route_args()
{
	awk -v family="$1" '
	$1 ~ /^(local|broadcast|anycast|multicast|ff00::)/ { next }
	{
		line = ""
		several = / nexthop /
		for (i = 1; i <= NF; i++) {
			if ($i == "dev" && !several) { i++; continue }
			if ($i ~ /^(nhid|expires|error|users|age|pref)$/) { i++; continue }
			if ($i ~ /^(linkdown|dead|offload|trap|rt_offload|rt_trap)$/) continue
			line = line " " $i
		}
		if (line != "") print family "|" line
	}'
}

# file:value of each sysctl, by one process for all: giving them back takes time in
# which the interface is away.  (read gets only one digit of such a file.)
sysctls()
{
	grep -s -H . "/proc/sys/net/ipv4/conf/$IF"/* "/proc/sys/net/ipv6/conf/$IF"/*
}

save()
{
	MAC=$(cat "/sys/class/net/$IF/address")
	MTU=$(cat "/sys/class/net/$IF/mtu")
	TXQLEN=$(cat "/sys/class/net/$IF/tx_queue_len")
	# Not the flags in sysfs, which a tcpdump or a bridge changes too.
	LINK=$(ip link show dev "$IF" | head -n 1)
	MASTER=''
	[ ! -e "/sys/class/net/$IF/master" ] ||
		MASTER=$(basename "$(readlink -f "/sys/class/net/$IF/master")")
	ALTNAMES=$(ip link show dev "$IF" | sed -n 's/^ *altname //p')
	ADDRESSES=$(save_addresses)
	NEIGHBOURS=$(ip neigh show dev "$IF" nud permanent 2>/dev/null)
	ROUTES=$(save_routes)
	SYSCTLS=$(sysctls)
}

# --- giving it back -----------------------------------------------------------

# Wait for the device to have an interface; its name is in NEW.
find_new()
{
	tries=50
	NEW=''
	while [ $tries -gt 0 ]; do
		for dir in "$SYS/devices/$DEV/net"/*; do
			[ -d "$dir" ] && NEW=$(basename "$dir")
		done
		[ -z "$NEW" ] || return 0
		tries=$((tries - 1))
		sleep 0.1
	done
	return 1
}

# udev may be about to rename it, and then to the name that it had before.
rename_new()
{
	if command -v udevadm >/dev/null 2>&1; then
		udevadm settle -t 2 2>/dev/null || true
	fi
	find_new || return 1
	[ "$NEW" != "$IF" ] || return 0
	ip link set dev "$NEW" down && ip link set dev "$NEW" name "$IF"
}

restore_sysctls()
{
	now=$(sysctls)
	[ -n "$now" ] || return 0
	echo "$SYSCTLS" | grep -v -x -F -e "$now" | while IFS=: read -r file value; do
		[ ! -w "$file" ] || { echo "$value" >"$file"; } 2>/dev/null || true
	done
}

restore_addresses()
{
	echo "$ADDRESSES" | while IFS='|' read -r family args life; do
		[ -n "$args" ] || continue
		flags=''
		[ "$family" = inet ] || flags=nodad
		# shellcheck disable=SC2086 # words
		ip addr add $args dev "$IF" $life $flags 2>/dev/null ||
			ip addr add $args dev "$IF" $life 2>/dev/null ||
			ip addr add $args dev "$IF" 2>/dev/null ||
			ip addr show dev "$IF" | grep -q -F " ${args%% *}" ||
			echo "warning: address $args was not restored" >&2
	done
}

first()
{
	echo "$1"
}

restore_routes()
{
	echo "$ROUTES" | while IFS='|' read -r family args; do
		case $args in
		'') continue ;;
		*nexthop*) dev='' ;;
		*) dev="dev $IF" ;;
		esac
		# shellcheck disable=SC2086 # words
		ip "-$family" route add $args $dev 2>/dev/null ||
			ip "-$family" route show $dev | grep -q -F "$(first $args) " ||
			echo "warning: route $args was not restored" >&2
	done
}

# Lines as ip shows them: ADDRESS lladdr MAC [router] PERMANENT. Only iproute2 sets them.
restore_neighbours()
{
	echo "$NEIGHBOURS" | while read -r addr rest; do
		[ -n "$addr" ] || continue
		rest=${rest%PERMANENT*}
		# shellcheck disable=SC2086 # words
		ip neigh replace "$addr" ${rest#dev "$IF"} nud permanent dev "$IF" 2>/dev/null ||
			echo "warning: neighbour $addr was not restored" >&2
	done
}

restore_altnames()
{
	for altname in $ALTNAMES; do
		ip link show dev "$IF" | grep -q -x " *altname $altname" ||
			ip link property add dev "$IF" altname "$altname" 2>/dev/null ||
			echo "warning: the name $altname was not restored" >&2
	done
}

# was FLAG: as in <BROADCAST,MULTICAST,UP>
was()
{
	case $LINK in
	*[\<,]"$1"[,\>]*) return 0 ;;
	esac
	return 1
}

# Fails only for what makes the interface useless.
restore()
{
	rename_new || return 1
	[ "$(cat "/sys/class/net/$IF/address")" = "$MAC" ] ||
		ip link set dev "$IF" address "$MAC" ||
		echo "warning: the interface keeps its new MAC" >&2
	[ "$(cat "/sys/class/net/$IF/mtu")" = "$MTU" ] ||
		ip link set dev "$IF" mtu "$MTU" || return 1
	echo "$TXQLEN" >"/sys/class/net/$IF/tx_queue_len" 2>/dev/null || true
	restore_altnames
	restore_sysctls
	[ -z "$MASTER" ] || ip link set dev "$IF" master "$MASTER" ||
		echo "warning: the interface is no longer part of $MASTER" >&2
	! was PROMISC || ip link set dev "$IF" promisc on
	! was ALLMULTI || ip link set dev "$IF" allmulticast on
	if was UP; then
		ip link set dev "$IF" up || return 1
	fi
	restore_addresses
	if was UP; then
		restore_routes
		restore_neighbours
	fi
}

# --- moving it ----------------------------------------------------------------

# The write fails where the driver refuses the device.
bind_to()
{
	{ echo "$DEV" >"$SYS/drivers/$1/bind"; } 2>/dev/null
}

unbind()
{
	[ ! -e "$SYS/devices/$DEV/driver" ] ||
		{ echo "$DEV" >"$SYS/devices/$DEV/driver/unbind"; } 2>/dev/null
}

# Another rule may have bound it at once: then only the driver's name counts.
driver_of()
{
	[ ! -e "$SYS/devices/$DEV/driver" ] ||
		basename "$(readlink -f "$SYS/devices/$DEV/driver")"
}

give_to()
{
	unbind || return 1
	bind_to "$1"
	[ "$(driver_of)" = "$1" ]
}

load()
{
	[ -d "$SYS/drivers/$1" ] || modprobe "$1" 2>/dev/null || true
	[ -d "$SYS/drivers/$1" ] ||
		die "driver $1 is not loaded and modprobe does not find it; load it with insmod first"
}

check()
{
	command -v ip >/dev/null 2>&1 || die "the command ip is missing (package iproute2)"
	[ -d "/sys/class/net/$IF" ] || die "there is no interface $IF"
	[ -e "/sys/class/net/$IF/device" ] || die "$IF is not a device of the virtio bus"
	DEV=$(basename "$(readlink -f "/sys/class/net/$IF/device")")
	[ -d "$SYS/devices/$DEV" ] || die "$IF is not a device of the virtio bus"
	OLD=$(driver_of)
	for upper in "/sys/class/net/$IF"/upper_*; do
		[ -e "$upper" ] || continue
		[ -e "/sys/class/net/$IF/master" ] &&
			[ "$(readlink -f "$upper")" = "$(readlink -f "/sys/class/net/$IF/master")" ] &&
			continue
		die "${upper##*/upper_} is on top of $IF and would be lost; remove it first"
	done
}

# udev names the interface when this is over, as it named the old one.
new_device()
{
	[ -d "$SYS/devices/$DEV" ] || die "there is no device $DEV on the virtio bus"
	[ "$(cat "$SYS/devices/$DEV/device")" = 0x0001 ] || die "$DEV is no network device"
	load "$TO"
	# This waits for a driver that is taking it at this moment.
	[ -n "$(driver_of)" ] || bind_to virtio_net
	OLD=$(driver_of)
	[ "$OLD" != "$TO" ] || return 0
	for flags in "$SYS/devices/$DEV/net"/*/flags; do
		[ ! -e "$flags" ] || [ $(($(cat "$flags") & 1)) = 0 ] ||
			die "$DEV has an interface that is up; move that one"
	done
	if give_to "$TO"; then
		say "$DEV: ${OLD:-no driver} -> $TO"
		return 0
	fi
	echo "error: $TO did not take over $DEV; see dmesg" >&2
	[ -z "$OLD" ] || give_to "$OLD" || die "$OLD did not take $DEV back"
	return 1
}

case ${1:-} in
-h | --help)
	sed -n '4,/^[^#]/s/^# \{0,1\}//p' "$0"
	exit 0
	;;
esac
NEW_DEVICE=''
if [ "${1:-}" = --new ]; then
	NEW_DEVICE=1
	shift
fi
[ $# -eq 2 ] || usage_die
IF=$1 TO=$2
case $TO in
virtio_net_cvm | virtio_net) ;;
*) usage_die ;;
esac
[ "$(id -u)" = 0 ] || die "this needs root"
if [ -n "$NEW_DEVICE" ]; then
	DEV=$1
	new_device
	exit
fi
check
if [ "$OLD" = "$TO" ]; then
	say "$IF has driver $TO already"
	exit 0
fi
case $OLD in
virtio_net_cvm | virtio_net) ;;
*) die "$IF has driver $OLD, which is not a virtio-net driver" ;;
esac
load "$TO"

# The terminal may be reached through this interface: go through with it.
trap '' HUP INT TERM PIPE
save
if give_to "$TO" && restore; then
	say "$IF ($DEV): $OLD -> $TO"
	exit 0
fi
echo "error: $TO did not take over $IF ($DEV); see dmesg. Giving it back to $OLD" >&2
if ! { give_to "$OLD" && restore; }; then
	die "$OLD did not take $DEV back; by hand: echo $DEV >$SYS/drivers/$OLD/bind"
fi
exit 1
