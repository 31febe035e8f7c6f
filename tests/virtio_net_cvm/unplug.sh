# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The card is unplugged under traffic and plugged in again. Wants --nic-bus port.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh

has_port()
{
	dev=$(readlink -f "$NET_BUS/devices/$(net_device)")
	case $dev in
	*/pci*/0000:00:*/0000:0[1-9]:*) ;;
	*) skip "the card can't be unplugged (run with --nic-bus port)" ;;
	esac
}

gone()
{
	net_request unplug
	# Native PCIe hotplug gives the operator five seconds to change his mind.
	wait_for 30 '[ ! -e /sys/class/net/eth0 ]' || fail "eth0 is still there"
	wait_for 10 '! net_device >/dev/null' || fail "the device is still there"
}

back()
{
	net_request plug
	wait_for 30 '[ -e /sys/class/net/eth0 ]' || fail "no eth0"
	net_configure
	[ "$(net_driver)" = virtio_net_cvm ] || net_bind virtio_net_cvm
	net_reaches "after the card came back"
}

replug()
{
	has_port
	net_flood_start
	for _ in 1 2 3; do
		usleep 500000
		gone
		back
	done
	net_flood_stop
	net_stream send
	net_stream recv
}

# Nobody is listening when it is down, or when it has no driver.
replug_down()
{
	has_port
	ip link set eth0 down
	gone
	back
}

unload_while_away()
{
	has_port
	mode=$(cat $NET_CVM/mode)
	gone
	rmmod virtio_net_cvm || fail "does not unload"
	load_module virtio_net_cvm mode="$mode" || fail "does not load"
	back
}

# Someone has its files open, and asks on.
open_files()
{
	has_port
	(while :; do cat $NET_CVM/* /sys/class/net/eth0/statistics/*; ethtool -S eth0; done >/dev/null 2>&1) &
	defer kill $!
	gone
	back
}

ktap_case "set-up" net_set_up
ktap_case "unplugged and plugged under traffic" replug
ktap_case "while it is down" replug_down
ktap_case "while its files are read" open_files
ktap_case "the module is loaded again meanwhile" unload_while_away
ktap_case "clean-up" net_clean_up
ktap_done
