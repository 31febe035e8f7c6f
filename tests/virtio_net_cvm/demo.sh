# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Guest half of scripts/demo.sh: eth0 moves to the new driver and back, as a user
# would do it. Each command is shown before its output.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/demo.sh

TLB=/sys/kernel/debug/swiotlb/io_tlb_used
PG=/proc/net/pktgen

# Bounce buffer slots in use, by all devices, and at most while packets are sent.
slots_in_flight()
{
	rest=$(cat $TLB)
	echo rem_device_all >$PG/kpktgend_0
	echo add_device eth0 >$PG/kpktgend_0
	for word in "count 20000" "pkt_size 1514" "dst 10.77.0.9" "dst_mac 52:54:00:c7:00:99"; do
		echo "$word" >$PG/eth0
	done
	echo start >$PG/pgctrl &
	most=0
	while kill -0 $! 2>/dev/null; do
		used=$(cat $TLB)
		[ "$used" -le $most ] || most=$used
	done
	echo rem_device_all >$PG/kpktgend_0
}

in_tree()
{
	say "As it comes: eth0 has the in-tree driver, and packets go through bounce buffers."
	load_module pktgen || fail "no pktgen"
	show "readlink /sys/class/net/eth0/device/driver"
	show "ip addr show eth0 | grep inet"
	slots_in_flight
	note "  bounce buffer slots in use by all devices: $rest, while 20000 packets were sent $most"
}

load()
{
	say "Load the new driver. It takes no device by itself that has a driver."
	show "insmod /lib/cvm/virtio_net_cvm.ko"
}

move()
{
	say "Move eth0, while data flows over a TCP connection."
	net_cost tcp_tx 262144 >/tmp/transfer 2>&1 &
	transfer=$!
	usleep 300000
	kill -0 $transfer || fail "the transfer was too short: $(cat /tmp/transfer)"
	show "sh cvmnet-bind.sh eth0 virtio_net_cvm"
	wait $transfer || fail "the connection broke: $(cat /tmp/transfer)"
	note "  the 256 MiB that were on their way have arrived"
	show "ip addr show eth0 | grep inet"
	show "ping -c 2 10.77.0.1 | tail -n 3"
}

look()
{
	say "Which way do packets go now? Through memory shared once, not bounce buffers."
	show "cat /sys/class/net/eth0/cvm/mode"
	expect_eq pool "$(cat /sys/class/net/eth0/cvm/mode)" "mode"
	show "cat /sys/class/net/eth0/cvm/pool_bytes"
	slots_in_flight
	note "  bounce buffer slots in use by all devices: $rest, while 20000 packets were sent $most"
}

back()
{
	say "And back."
	show "sh cvmnet-bind.sh eth0 virtio_net"
	show "ping -c 2 10.77.0.1 | tail -n 3"
	show "rmmod virtio_net_cvm"
}

cd /put || exit 1
ktap_case "the in-tree driver" in_tree
ktap_case "load the module" load
ktap_case "move the interface" move
ktap_case "look at it" look
ktap_case "go back" back
ktap_done
