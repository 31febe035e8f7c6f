# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Traffic through virtio_net_cvm: content, offloads as the wire shows them, filters.
# See tests/lib/net.sh for parameters; NET_MTU=9000 with --nic host_mtu=9000 --tap-mtu
# 9000 for jumbo frames, --mod 8021q for VLAN.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh

SIZES=${NET_SIZES:-"1 2 17 63 64 511 1400 1472 1473 8000 65507"}

pings()
{
	for size in 0 1 56 1400 1472 8000 65000; do
		ping -c 2 -i 0.1 -W 3 -s $size $NET_PEER >/dev/null || fail "no answer to $size bytes"
		ping -6 -c 2 -i 0.1 -W 3 -s $size $NET_PEER6 >/dev/null ||
			fail "no answer to $size bytes over IPv6"
	done
}

tcp()
{
	for peer in $NET_PEER $NET_PEER6; do
		net_stream send "$peer" "$NET_BYTES" 3
		net_stream recv "$peer" "$NET_BYTES" 3
	done
}

udp()
{
	for peer in $NET_PEER $NET_PEER6; do
		for size in $SIZES; do
			# The largest that fits over IPv6 is the same: 65507 of 65527.
			net_udp 4 "$size" "$peer"
		done
	done
}

# sent_gso KEY PEER: TCP leaves in packets that the host has to segment.
sent_gso()
{
	before=$(net_stat tx_hw_gso_packets)
	net_wire_reset
	net_stream send "$2"
	net_wire_read
	expect_ge "$(net_wire "$1")" 1 "packets with $1 on the wire"
	# Two segments are enough: over a connection that is slow for a moment, TCP sends no more.
	expect_ge "$(net_wire in_max)" $(($(cat /sys/class/net/eth0/mtu) + 15)) "bytes of the largest one"
	expect_ge "$(net_wire in_csum)" 1 "packets whose checksum is left to the host"
	expect_ge $(($(net_stat tx_hw_gso_packets) - before)) 1 "tx_hw_gso_packets"
}

tso()
{
	net_on tx-tcp-segmentation || skip "the device does not segment"
	sent_gso in_gso4 $NET_PEER
}

tso6()
{
	net_on tx-tcp6-segmentation || skip "the device does not segment"
	sent_gso in_gso6 $NET_PEER6
}

tso_off()
{
	net_can tx-tcp-segmentation || skip "the device does not segment"
	defer net_set tso on
	net_set tso off
	net_wire_reset
	net_stream send
	net_stream send $NET_PEER6
	net_wire_read
	expect_eq 0 "$(net_wire in_gso4)" "packets to be segmented"
	expect_eq 0 "$(net_wire in_gso6)" "packets to be segmented (IPv6)"
	expect_le "$(net_wire in_max)" $(($(cat /sys/class/net/eth0/mtu) + 14)) "bytes of the largest packet"
}

tx_csum_off()
{
	net_can tx-checksum-ip-generic || skip "the device makes no checksums"
	defer 'ethtool -K eth0 tx on tso on'
	net_set tx off
	net_wire_reset
	net_stream send
	net_udp 3 1000
	net_wire_read
	expect_eq 0 "$(net_wire in_csum)" "packets whose checksum is left to the host"
}

uso()
{
	net_on tx-udp-segmentation || skip "the device does not segment UDP"
	net_wire_reset
	net_udp 3 14000 $NET_PEER 1400
	net_udp 3 14000 $NET_PEER6 1400
	net_wire_read
	expect_ge "$(net_wire in_gso_udp)" 1 "UDP packets to be segmented"
}

# Packets that the device has put together come in large buffers, single ones do not.
large_buffers()
{
	[ "$(cat $NET_CVM/mode)" = stream ] && net_feature 15 && net_on rx-gro-hw ||
		skip "not mergeable buffers in stream mode"
	before=$(net_stat rx_large_buffers)
	net_stream recv $NET_PEER 8000000
	expect_ge $(($(net_stat rx_large_buffers) - before)) 8 "large buffers under bulk traffic"
	# Enough single packets to use up those that are posted, on whichever queue they come.
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		before=$(net_stat rx_large_buffers)
		net_udp 300 1400
		now=$(net_stat rx_large_buffers)
		[ "$before" != "$now" ] || break
	done
	expect_eq "$before" "$now" "large buffers under single packets"
	net_stream recv
}

# What the host sends has no checksum yet, and is put together where agreed.
received()
{
	net_feature 1 || skip "without GUEST_CSUM"
	before=$(net_stat rx_csum_unnecessary)
	net_wire_reset
	net_stream recv
	net_stream recv $NET_PEER6
	net_udp 5 1000
	net_wire_read
	expect_ge "$(net_wire out_csum)" 1 "packets with a partial checksum from the host"
	expect_ge $(($(net_stat rx_csum_unnecessary) - before)) 1 "rx_csum_unnecessary"
}

hw_gro()
{
	net_on rx-gro-hw || skip "the device does not put packets together"
	before=$(net_stat rx_hw_gro_packets)
	net_wire_reset
	net_stream recv
	net_wire_read
	expect_ge "$(net_wire out_gso)" 1 "packets put together on the wire"
	expect_ge $(($(net_stat rx_hw_gro_packets) - before)) 1 "rx_hw_gro_packets"
	net_can rx-gro-hw || return 0
	defer net_set rx-gro-hw on
	net_set rx-gro-hw off
	net_wire_reset
	net_stream recv
	net_wire_read
	expect_eq 0 "$(net_wire out_gso)" "packets put together, switched off"
}

rx_csum_off()
{
	net_can rx-checksumming || skip "cannot be changed"
	defer 'ethtool -K eth0 rx on; ethtool -K eth0 rx-gro-hw on 2>/dev/null'
	net_set rx off
	net_wire_reset
	net_stream recv
	net_udp 3 1000
	net_wire_read
	expect_eq 0 "$(net_wire out_csum)" "packets with a partial checksum, switched off"
}

jumbo()
{
	[ -n "${NET_MTU:-}" ] || skip "NET_MTU is not given"
	was=$(cat /sys/class/net/eth0/mtu)
	defer ip link set eth0 mtu "$was"
	expect_ok "ip link set eth0 mtu $NET_MTU"
	net_set tso off
	defer net_set tso on
	net_wire_reset
	net_stream send
	net_stream recv
	for size in 1473 4000 $((NET_MTU - 28)) $((NET_MTU - 27)) 65507; do
		net_udp 4 "$size"
	done
	net_wire_read
	expect_eq $((NET_MTU + 14)) "$(net_wire in_max)" "bytes of the largest packet sent"
	expect_ge "$(net_wire out_max)" $((NET_MTU + 14)) "bytes of the largest packet received"
}

vlan()
{
	mac=$(cat /sys/class/net/eth0/address)
	load_module 8021q || skip "no VLAN in this guest"
	defer 'ip link del eth0.5 2>/dev/null'
	commands=$(net_stat ctrl_commands)
	expect_ok "ip link add link eth0 name eth0.5 type vlan id 5"
	# Whether it really filters is the device's affair; QEMU does not.
	! net_on rx-vlan-filter ||
		expect_ge $(($(net_stat ctrl_commands) - commands)) 1 "commands for a new VLAN"
	net_hear plain "$mac" 5 10
	net_hear plain "$mac" - 10
	expect_ok "ip addr add 10.77.5.2/24 dev eth0.5"
	expect_ok "ip link set eth0.5 up"
	arp -i eth0.5 -s 10.77.5.1 52:54:00:c7:00:77
	net_wire_reset
	nettest udp 10.77.5.1 $NET_PORT 3 1472 >/dev/null 2>&1
	net_wire_read
	expect_ge "$(net_wire in_vlan)" 3 "tagged packets on the wire"
	expect_eq 1514 "$(net_wire in_max)" "bytes of the largest, without tag"
	arp -i eth0.5 -d 10.77.5.1
	if ! nettest ask $NET_PEER $NET_PORT vlan 5 >/dev/null 2>&1; then
		note "no traffic both ways: the host has no VLAN"
		return
	fi
	net_wire_reset
	net_stream send 10.77.5.1
	net_stream recv 10.77.5.1
	net_udp 5 1472 10.77.5.1
	net_wire_read
	expect_ge "$(net_wire in_vlan)" 5 "tagged packets on the wire"
}

filters()
{
	mac=$(cat /sys/class/net/eth0/address)
	net_hear plain "$mac" - 10
	net_hear plain ff:ff:ff:ff:ff:ff - 10
	net_hear plain "$mac" - 10 1514
	if net_feature 18; then
		net_hear plain 52:54:00:12:34:56 - 0
		net_hear plain 01:00:5e:01:02:03 - 0
	fi
	net_hear promisc 52:54:00:12:34:56 - 10
	net_hear 52:54:00:12:34:56 52:54:00:12:34:56 - 10
	net_hear 01:00:5e:01:02:03 01:00:5e:01:02:03 - 10
	net_hear allmulti 01:00:5e:01:02:04 - 10
	# All of that has ended with its listeners.
	if net_feature 18; then
		net_hear plain 52:54:00:12:34:56 - 0
		net_hear plain 01:00:5e:01:02:03 - 0
	fi
}

mac_change()
{
	was=$(cat /sys/class/net/eth0/address)
	defer ip link set eth0 address "$was"
	expect_ok "ip link set eth0 address 52:54:00:aa:bb:cc"
	ping -c 2 -i 0.2 -W 3 $NET_PEER >/dev/null || fail "no answer with the new address"
	net_wire_reset
	net_stream send
	net_wire_read
	expect_eq 52:54:00:aa:bb:cc "$(net_wire src)" "source address on the wire"
	net_hear plain 52:54:00:aa:bb:cc - 10
	! net_feature 18 || net_hear plain "$was" - 0
	expect_errno 'ip link set eth0 address 01:00:5e:00:00:01' EADDRNOTAVAIL
	expect_eq 52:54:00:aa:bb:cc "$(cat /sys/class/net/eth0/address)" "address after a bad one"
}

# each_cpu_reaches: XPS gives each CPU a transmit queue of its own.
each_cpu_reaches()
{
	cpu=1
	for _ in $(grep '^processor' /proc/cpuinfo); do
		[ $cpu -lt $((1 << $(net_queues))) ] || break
		wait_for 20 'taskset $(printf %x $cpu) ping -c 1 -W 1 $NET_PEER >/dev/null' ||
			fail "no answer to CPU mask $cpu $1"
		cpu=$((cpu << 1))
	done
}

# Some packets are sent when the host knows already that the link is down, and the guest
# not yet. QEMU drops them and loses count of a packed ring in doing so: it asks for no
# more kicks, and breaks the device at the next one. The driver brings it back.
carrier()
{
	net_feature 16 || skip "without STATUS"
	defer 'net_request "link on"'
	net_flood_start
	for _ in 1 2 3 4; do
		net_request "link off"
		net_link eth0 down 10
		net_request "link on"
		net_link eth0 up 10
	done
	net_flood_stop
	each_cpu_reaches "after the link came back"
	note "$(net_stat tx_rekicks) notifications repeated, $(cat $NET_CVM/resets) resets"
	net_feature 34 || return 0
	expect_eq "$(net_stat reset_needed)" "$(cat $NET_CVM/resets)" "resets, as the device asked for"
	# With counters that start from 0.
	net_bind virtio_net
	net_bind virtio_net_cvm
}

announce()
{
	net_feature 21 || skip "without GUEST_ANNOUNCE"
	before=$(net_stat config_changes)
	net_request announce
	wait_for 10 '[ "$(net_stat config_changes)" -gt "$before" ]' || fail "the device was not heard"
	net_reaches "after an announcement"
}

# Nothing of the data path is in the bounce pool: neither at rest nor under load.
no_slots()
{
	[ "$(cat $NET_CVM/mode)" = pool ] || skip "not in pool mode"
	[ -r /sys/kernel/debug/swiotlb/io_tlb_used ] || skip "no bounce pool"
	ip link set eth0 down
	sleep 1
	rest=$(net_slots)
	ip link set eth0 up
	net_add6
	net_reaches "after it was down"
	net_flood_start
	most=0
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		usleep 50000
		now=$(net_slots)
		[ "$now" -le $most ] || most=$now
	done
	net_flood_stop
	note "bounce slots: $rest with the interface down, $most under load"
	# A few belong to the ports that this test talks through.
	expect_le "$most" $((rest + 8)) "bounce buffer slots under load"
}

nothing_dropped()
{
	net_expect_no_drops
}

ktap_case "set-up" net_set_up
ktap_case "ping" pings
ktap_case "TCP both ways" tcp
ktap_case "UDP of many sizes" udp
ktap_case "TCP segmentation on the wire" tso
ktap_case "TCP segmentation on the wire, IPv6" tso6
ktap_case "without TCP segmentation" tso_off
ktap_case "without transmit checksums" tx_csum_off
ktap_case "UDP segmentation on the wire" uso
ktap_case "partial checksums from the host" received
ktap_case "large receive buffers" large_buffers
ktap_case "hardware GRO, on and off" hw_gro
ktap_case "without receive checksums" rx_csum_off
ktap_case "jumbo frames" jumbo
ktap_case "VLAN" vlan
ktap_case "receive filters" filters
ktap_case "MAC change" mac_change
ktap_case "carrier" carrier
ktap_case "announcement" announce
ktap_case "no bounce buffers in pool mode" no_slots
ktap_case "nothing was dropped" nothing_dropped
ktap_case "clean-up" net_clean_up
ktap_done
