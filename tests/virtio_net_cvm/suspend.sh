# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Suspend with connections open, as far as the kernel can rehearse it.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/power.sh
NET_MAY_DROP="drop_rx_inactive"

# rehearse STATE LEVEL
rehearse()
{
	rehearse_up_to "$2" "$1"
	net_flood_start
	usleep 500000
	for _ in 1 2; do
		suspend_to "$1" || fail "suspend to $1 up to $2 failed"
		net_reaches "after waking up"
	done
	net_flood_stop
	expect_eq virtio_net_cvm "$(net_driver)" "driver"
	net_stream send
	net_stream recv
}

# Settings that the device has forgotten meanwhile.
settings()
{
	rehearse_up_to devices freeze
	mac=$(cat /sys/class/net/eth0/address)
	defer ip link set eth0 address "$mac"
	ip link set eth0 address 52:54:00:aa:bb:dd
	max=$(net_queues)
	[ "${max:-1}" = 1 ] || {
		defer ethtool -L eth0 combined "$max"
		ethtool -L eth0 combined 1
	}
	suspend_to freeze || fail "suspend failed"
	net_reaches "after waking up"
	expect_eq 52:54:00:aa:bb:dd "$(cat /sys/class/net/eth0/address)" "MAC address"
	net_hear plain 52:54:00:aa:bb:dd - 10
	! net_feature 18 || net_hear plain "$mac" - 0
	net_stream recv
}

down()
{
	rehearse_up_to devices freeze
	ip link set eth0 down
	suspend_to freeze || fail "suspend failed"
	ip link set eth0 up || fail "does not come up"
	net_add6
	net_reaches "after waking up"
}

ktap_case "set-up" net_set_up
ktap_case "freeze, up to devices" rehearse freeze devices
ktap_case "mem, up to devices" rehearse mem devices
ktap_case "settings are there again" settings
ktap_case "while it is down" down
ktap_case "clean-up" net_clean_up
ktap_done
