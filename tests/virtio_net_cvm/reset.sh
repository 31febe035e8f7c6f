# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# A device that stands still is reset, and traffic goes on afterwards. It stands still
# when it may no longer touch memory: QEMU looks at no queue of a PCI device whose bus
# master bit is off.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/net.sh
NET_MAY_DROP="drop_rx_inactive"

# master on|off
master()
{
	config=$(readlink -f "$NET_BUS/devices/$(net_device)/..")/config
	# Command register: memory access, bus master, no INTx.
	case $1 in
	on) printf '\006\004' ;;
	off) printf '\002\004' ;;
	esac | dd of="$config" bs=2 seek=2 count=1 conv=notrunc 2>/dev/null
}

is_pci()
{
	case $(readlink -f "$NET_BUS/devices/$(net_device)/..") in
	*/pci*) ;;
	*) skip "nothing stops a device on virtio-mmio" ;;
	esac
}

stand_still()
{
	is_pci
	before=$(cat $NET_CVM/resets)
	defer master on
	# A command without an answer would have it reset sooner.
	net_settle
	net_trace
	net_flood_start
	master off
	# Time-outs are for queues that are full, and TCP alone fills none.
	nettest flood $NET_PEER $NET_PORT 4 60000 >/dev/null 2>&1 &
	defer kill $!
	wait_for 40 '[ "$(cat $NET_CVM/resets)" -gt "$before" ]' || fail "the device was not reset"
	master on
	wait_for 60 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic after the reset"
	net_flood_stop
	note "timeouts $(net_stat tx_timeouts), resets $(net_stat reset_tx_timeout), failed $(net_stat reset_failed)"
	net_expect_trace 'tx_timeout: dev=eth0 queue=[01] done=0 left=[1-9]' \
		'reset_request: dev=eth0 cause=tx_timeout' 'reset_done: dev=eth0 in_row=[1-9] err=0'
	net_stream send
	net_stream recv
}

# The interface is taken down and brought up while the device stands still.
down_meanwhile()
{
	is_pci
	defer master on
	net_flood_start
	usleep 500000
	master off
	usleep 500000
	ip link set eth0 down || fail "does not go down"
	master on
	ip link set eth0 up || fail "does not come up"
	net_add6
	wait_for 60 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic afterwards"
	net_flood_stop
}

unbind_meanwhile()
{
	is_pci
	defer master on
	net_flood_start
	usleep 500000
	master off
	usleep 500000
	device=$(net_device)
	# The stock driver would wait for such a device without end.
	echo "$device" >$NET_BUS/drivers/virtio_net_cvm/unbind
	master on
	echo "$device" >$NET_BUS/drivers/virtio_net_cvm/bind || fail "not bound again"
	wait_for 5 '[ -e /sys/class/net/eth0 ]' || fail "eth0 does not come back"
	net_configure
	wait_for 60 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic afterwards"
	net_flood_stop
}

clean_up()
{
	net_unload
	net_reaches "with the stock driver"
}

ktap_case "set-up" net_set_up
ktap_case "a device that stands still is reset" stand_still
ktap_case "down and up meanwhile" down_meanwhile
ktap_case "unbound meanwhile" unbind_meanwhile
ktap_case "clean-up" clean_up
ktap_done
