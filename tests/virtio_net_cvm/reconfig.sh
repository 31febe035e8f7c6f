# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What can be changed while packets flow: rings, channels, MTU, up and down, offloads,
# moderation, hashing. TCP connections live through all of it, and bad input changes
# nothing. See tests/lib/net.sh.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
NET_MAY_DROP="drop_rx_inactive drop_rx_gso"
# Times that the interface is taken down and brought up
NET_UPS=${NET_UPS:-$NET_ROUNDS}

# ring WHAT: current size, TX or RX
ring()
{
	ethtool -g eth0 | awk -v want="$1:" '/^Current/ { on = 1 } on && $1 == want { print $2 }'
}

rings()
{
	net_feature 40 || skip "without RING_RESET"
	was_rx=$(ring RX) was_tx=$(ring TX)
	if ! ethtool -G eth0 rx 128 2>/tmp/said && grep -q 'not supported' /tmp/said; then
		skip "this kernel can't reset a queue"
	fi
	defer ethtool -G eth0 rx "$was_rx" tx "$was_tx"
	net_flood_start
	for size in 64 "$was_rx" 128; do
		expect_ok "ethtool -G eth0 rx $size tx $size"
		expect_eq "$size $size" "$(ring RX) $(ring TX)" "ring sizes"
		usleep 200000
	done
	expect_ok "ethtool -G eth0 rx 64"
	expect_ok "ethtool -G eth0 tx 256"
	expect_eq "64 256" "$(ring RX) $(ring TX)" "ring sizes"
	for bad in "rx 0" "tx 100" "rx 1048576"; do
		ethtool -G eth0 $bad >/dev/null 2>&1 && fail "ring size '$bad' was taken"
		expect_eq "64 256" "$(ring RX) $(ring TX)" "ring sizes after '$bad'"
	done
	net_flood_stop "$NET_GAP"
}

# A device may raise its interrupts while a ring is being replaced.
rings_and_interrupts()
{
	net_feature 40 || skip "without RING_RESET"
	irqs=$(ls "$(readlink -f "$NET_BUS/devices/$(net_device)/..")/msi_irqs" 2>/dev/null |
		tr '\n' ',')
	[ -n "$irqs" ] || skip "without MSI"
	was_rx=$(ring RX) was_tx=$(ring TX)
	if ! ethtool -G eth0 rx 128 2>/tmp/said && grep -q 'not supported' /tmp/said; then
		skip "this kernel can't reset a queue"
	fi
	defer ethtool -G eth0 rx "$was_rx" tx "$was_tx"
	load_module irq_burst irqs="${irqs%,}" 2>/dev/null || skip "what frees rings can't be probed"
	defer unload_module irq_burst
	net_flood_start
	round=0
	while [ $round -lt "$NET_ROUNDS" ]; do
		round=$((round + 1))
		expect_ok "ethtool -G eth0 rx 64 tx 64"
		expect_ok "ethtool -G eth0 rx 128 tx 128"
	done
	net_flood_stop "$NET_GAP"
	note "interrupts raised: $(cat /sys/module/irq_burst/parameters/fired)"
	expect_ge "$(cat /sys/module/irq_burst/parameters/fired)" 4 "interrupts raised"
}

channels()
{
	max=$(net_queues)
	[ "${max:-1}" -gt 1 ] || skip "one queue pair"
	defer ethtool -L eth0 combined "$max"
	# So that the stack looks up which queue each packet comes from; the test kernel does not.
	for file in /sys/class/net/eth0/queues/rx-*/rps_cpus; do
		[ ! -e "$file" ] || echo f >"$file"
	done
	net_flood_start
	for n in 1 "$max" 2 "$max" $((max - 1)) 2 1 "$max"; do
		expect_ok "ethtool -L eth0 combined $n"
		expect_eq "$n" "$(net_channels)" "channels"
		usleep 200000
	done
	for bad in 0 $((max + 1)) 65536; do
		ethtool -L eth0 combined $bad >/dev/null 2>&1 && fail "$bad channels were taken"
		expect_eq "$max" "$(net_channels)" "channels after $bad"
	done
	net_flood_stop "$NET_GAP"
}

mtu()
{
	was=$(cat /sys/class/net/eth0/mtu)
	# Below 1280 there is no IPv6, and its addresses go.
	defer ip link set eth0 mtu "$was"
	net_flood_start
	for size in 1280 1400 "$was" 1300 "$was"; do
		expect_ok "ip link set eth0 mtu $size"
		expect_eq "$size" "$(cat /sys/class/net/eth0/mtu)" "MTU"
		usleep 200000
	done
	for bad in 67 70000; do
		ip link set eth0 mtu $bad 2>/dev/null && fail "MTU $bad was taken"
		expect_eq "$was" "$(cat /sys/class/net/eth0/mtu)" "MTU after $bad"
	done
	net_flood_stop "$NET_GAP"
}

up_and_down()
{
	net_flood_start
	i=0
	while [ $i -lt "$NET_UPS" ]; do
		ip link set eth0 down || fail "does not go down"
		ip link set eth0 up || fail "does not come up"
		# Not always long enough for what is under way to come to an end
		usleep $((i % 4 * 10000))
		i=$((i + 1))
	done
	net_flood_stop
	# They go when the interface does.
	net_add6 2>/dev/null
	net_reaches "after $NET_UPS times down and up"
}

offloads()
{
	net_flood_start
	for feature in tso gso gro tx rx rx-gro-hw tx-udp-segmentation receive-hashing sg; do
		long=$feature
		case $feature in
		tso) long=tcp-segmentation-offload ;;
		gso) long=generic-segmentation-offload ;;
		gro) long=generic-receive-offload ;;
		tx) long=tx-checksumming ;;
		rx) long=rx-checksumming ;;
		sg) long=scatter-gather ;;
		esac
		net_can $long && net_on $long || continue
		expect_ok "ethtool -K eth0 $feature off"
		! net_on $long || fail "$long is still on"
		usleep 200000
		expect_ok "ethtool -K eth0 $feature on"
		# What depended on it has gone with it.
		ethtool -K eth0 tx on sg on tso on gso on gro on rx on >/dev/null 2>&1
		net_on $long || fail "$long is still off"
	done
	net_flood_stop "$NET_GAP"
	net_stream send
	net_stream recv
}

moderation()
{
	net_feature 53 || skip "without NOTF_COAL"
	expect_ok "ethtool -C eth0 rx-usecs 20 rx-frames 8 tx-usecs 30 tx-frames 16"
	expect_eq "20 8 30 16" "$(ethtool -c eth0 | awk '/^(rx|tx)-(usecs|frames):/ { print $2 }' |
		tr '\n' ' ' | sed 's/ $//')" "moderation"
	net_stream recv
	expect_ok "ethtool -C eth0 rx-usecs 0 rx-frames 1 tx-usecs 0 tx-frames 1"
	expect_errno "ethtool -C eth0 rx-usecs-irq 5" EOPNOTSUPP
}

hashing()
{
	net_feature 60 || skip "without RSS"
	expect_ok "ethtool -x eth0"
	key=$(ethtool -x eth0 | grep -A 1 'hash key' | tail -n 1)
	defer ethtool -X eth0 default
	net_flood_start
	expect_ok "ethtool -X eth0 equal 1"
	expect_eq 0 "$(queues_in_table | tr '\n' ' ' | sed 's/ $//')" "queues of the table"
	if [ "$(net_channels)" -gt 1 ]; then
		ethtool -X eth0 equal $(($(net_channels) + 1)) 2>/dev/null &&
			fail "a queue that is not there was taken"
		expect_ok "ethtool -X eth0 weight 1 3"
		expect_eq "0 1" "$(queues_in_table | tr '\n' ' ' | sed 's/ $//')" "queues of the table"
		expect_ok "ethtool -X eth0 start 1 equal 1"
		# Not while the table uses what would go.
		ethtool -L eth0 combined 1 2>/dev/null && fail "a queue in the table went away"
	fi
	new=$(echo "$key" | sed 's/^../5a/')
	expect_ok "ethtool -X eth0 hkey $new"
	expect_eq "$new" "$(ethtool -x eth0 | grep -A 1 'hash key' | tail -n 1)" "key"
	expect_ok "ethtool -X eth0 default"
	expect_ok "ethtool -N eth0 rx-flow-hash udp4 sd"
	expect_ok "ethtool -N eth0 rx-flow-hash udp4 sdfn"
	# This ethtool does not fail with it.
	ethtool -N eth0 rx-flow-hash tcp4 m 2>&1 | grep -q 'Invalid argument' ||
		fail "a hash of MAC addresses was taken"
	net_flood_stop "$NET_GAP"
}

queues_in_table()
{
	ethtool -x eth0 | awk '/^ *[0-9]+:( +[0-9]+)+ *$/ { for (i = 2; i <= NF; i++) print $i }' |
		sort -n | uniq
}

# Flows spread over the queues, and what they sent is counted there.
spread()
{
	[ "$(net_channels)" -gt 1 ] || skip "one queue pair"
	net_stream recv $NET_PEER "$NET_BYTES" 8
	net_stream send $NET_PEER "$NET_BYTES" 8
	used=$(ethtool -S eth0 | awk '/^ *rx[0-9]+_packets:/ && $2 > 0' | wc -l)
	expect_ge "$used" 2 "receive queues that have had packets"
}

link_settings()
{
	expect_ok "ethtool eth0"
	expect_ok "ethtool -i eth0"
	expect_eq virtio_net_cvm "$(ethtool -i eth0 | sed -n 's/^driver: //p')" "driver"
	expect_ok "ethtool -T eth0"
	expect_ok "ethtool -s eth0 speed 1000 duplex full"
	expect_eq 1000 "$(cat /sys/class/net/eth0/speed)" "speed"
	ethtool -s eth0 port tp 2>/dev/null
	net_reaches "after link settings"
}

ktap_case "set-up" net_set_up
ktap_case "ring sizes" rings
ktap_case "ring sizes, with interrupts meanwhile" rings_and_interrupts
ktap_case "channels" channels
ktap_case "MTU" mtu
ktap_case "up and down" up_and_down
ktap_case "offloads" offloads
ktap_case "moderation" moderation
ktap_case "hashing" hashing
ktap_case "flows spread over queues" spread
ktap_case "link settings" link_settings
ktap_case "clean-up" net_clean_up
ktap_done
