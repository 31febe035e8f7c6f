# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The software device: each ring, some numbers of pairs, with our driver in both modes
# and with the kernel's own, whose traffic shows that the device itself is right.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

BYTES=${SIM_BYTES:-262144}

# Traffic both ways, small and large, with what the wire shows of offloads.
exchange()
{
	ping -c 1 -W 3 -s 1400 $NET_PEER >/dev/null || fail "no answer to 1400 bytes"
	ping -6 -c 1 -W 3 -s 60000 $NET_PEER6 >/dev/null || fail "no answer to 60000 bytes"
	net_wire_reset
	for peer in $NET_PEER $NET_PEER6; do
		net_stream send $peer "$BYTES" "$1"
		net_stream recv $peer "$BYTES" "$1"
		net_udp 2 1000 $peer
	done
	net_udp 1 20000
	net_wire_read
	expect_ge "$(net_wire in_csum)" 1 "packets whose checksum was left to the device"
	expect_ge "$(net_wire in_gso4)" 1 "packets to be segmented"
	expect_ge "$(net_wire in_gso6)" 1 "packets to be segmented, IPv6"
	expect_ge "$(sim_counter rx gso_packets)" 1 "merged packets for the driver"
	expect_ge "$(sim_counter rx needs_csum)" 1 "packets without checksum for the driver"
}

# traffic DRIVER MODE PAIRS PACKED [MORE]
traffic()
{
	NET_MODE=$2
	# Padding in front of the hash key; devices ignore the byte at the end.
	[ "$1" != virtio_net ] || SIM_MAY_BREAK=ctrl_slack
	sim_load "$1"
	defer sim_unload
	sim_up sim0 pairs="$3" packed="$4" ${5:-}
	[ "$1" != virtio_net_cvm ] || expect_eq "$2" "$(cat $NET_CVM/mode)" "mode"
	if [ "$3" -gt 1 ]; then
		expect_ok "ethtool -L eth0 combined $(net_queues)"
	fi
	exchange "$3"
	expect_ge "$(sim_counter rx irqs)" 1 "receive interrupts"
	[ "$1" != virtio_net_cvm ] || net_expect_no_drops
	sim_down
}

# Two guests' worth of interfaces, wired to each other.
cable()
{
	sim_load
	defer sim_unload
	sim_cable b packed=1 pairs=2
	exchange 2
	sim_expect_rules far
	sim_expect_rules b
	vnetsim.sh del far || fail "one end can't be unplugged"
	ping -c 1 -W 1 $NET_PEER >/dev/null && fail "something answers"
	sim_down
}

bad_words()
{
	sim_load
	defer sim_unload
	for words in "pairs=0" "pairs=17" "ring=65536" "ring=-1" "mtu=67" "off=NONSENSE" "nonsense=1" \
		"nonsense" "name=a/b" "name=" "mac=1:2" "cable=none" "packed=x"; do
		sh -c "echo '$words' >$SIM_DIR/create" 2>/dev/null && fail "'$words' was taken"
	done
	expect_eq "" "$(vnetsim.sh list)" "devices"
	sh -c "echo nobody >$SIM_DIR/destroy" 2>/dev/null && fail "unplugged what was not there"
	vnetsim.sh add one || fail "no device"
	vnetsim.sh add one 2>/dev/null && fail "two devices of one name"
	vnetsim.sh set one features +NONSENSE 2>/dev/null && fail "a nonsense feature was taken"
	vnetsim.sh set one event nonsense 2>/dev/null && fail "a nonsense event was taken"
	expect_eq 1 "$(vnetsim.sh list | wc -l)" "devices"
	vnetsim.sh del one || fail "not unplugged"
}

# Unloading takes the devices along, bound or not, with traffic.
unload()
{
	sim_load
	sim_up sim0 pairs=2
	vnetsim.sh add other pairs=16 packed=1 || fail "no second device"
	net_flood_start
	unload_module vnetsim || fail "vnetsim does not unload"
	[ -e /sys/class/net/eth0 ] && fail "eth0 is still there"
	net_flood_kill
	sim_unload
}

ktap_case "bad words" bad_words
ktap_case "virtio_net, split, 1 pair" traffic virtio_net - 1 0
ktap_case "virtio_net, packed, 4 pairs" traffic virtio_net - 4 1
ktap_case "pool, split, 1 pair" traffic virtio_net_cvm pool 1 0
ktap_case "pool, packed, 4 pairs" traffic virtio_net_cvm pool 4 1
ktap_case "stream, split, 4 pairs" traffic virtio_net_cvm stream 4 0
ktap_case "stream, packed, 1 pair" traffic virtio_net_cvm stream 1 1
ktap_case "big buffers, packed" traffic virtio_net_cvm pool 2 1 off=MRG_RXBUF
ktap_case "big buffers, split" traffic virtio_net_cvm stream 2 0 off=MRG_RXBUF
ktap_case "cable" cable
ktap_case "unloading under traffic" unload
ktap_done
