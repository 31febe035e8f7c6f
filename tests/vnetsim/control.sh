# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the software device does at the driver's command: filters, steering, offloads,
# moderation with real timers, announcements; slow answers and refusals.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

# A key with which ports that follow each other go to different queues
SIM_KEY=$(printf "55:%.0s" $(seq 39))55

filters()
{
	sim_up sim0
	mac=$(cat /sys/class/net/eth0/address)
	expect_eq "$mac" "$(sim_state mac)" "address that the device knows"
	net_hear plain "$mac" - 10
	net_hear plain 52:54:00:12:34:56 - 0
	net_hear plain 01:00:5e:01:02:03 - 0
	net_hear promisc 52:54:00:12:34:56 - 10
	net_hear 01:00:5e:01:02:03 01:00:5e:01:02:03 - 10
	net_hear allmulti 01:00:5e:01:02:04 - 10
	expect_ge "$(sim_state filtered)" 20 "packets that the device kept to itself"
	expect_ok "ip link set eth0 address 52:54:00:aa:bb:cc"
	expect_eq 52:54:00:aa:bb:cc "$(sim_state mac)" "address that the device knows"
	net_reaches "with another address"
	sim_down
}

# moderation USECS FRAMES: interrupts for a flood of small packets
irqs_for()
{
	expect_ok "ethtool -C eth0 rx-usecs $1 rx-frames $2"
	expect_eq "$2 $1" "$(sim_counter rx0 max_packets) $(sim_counter rx0 max_usecs)" \
		"moderation in force"
	before=$(sim_counter rx irqs)
	net_hear plain "$mac" - 10
	net_hear plain "$mac" - 10
	irqs=$(($(sim_counter rx irqs) - before))
}

moderation()
{
	sim_up sim0
	mac=$(cat /sys/class/net/eth0/address)
	irqs_for 0 1
	without=$irqs
	# Longer than anything takes here: the packets' number decides, then the timer.
	irqs_for 200000 64
	note "interrupts: $without without moderation, $irqs with"
	expect_ge "$irqs" 1 "interrupts by the timer"
	expect_le "$irqs" $((without / 2)) "interrupts with moderation"
	net_reaches "by the timer"
	expect_ok "ethtool -C eth0 rx-usecs 0 rx-frames 1"
	sim_down
}

steering()
{
	sim_up sim0 pairs=4
	expect_ok "ethtool -L eth0 combined $(net_queues)"
	expect_eq 1 "$(sim_state rss)" "RSS in force"
	# That of the boot may happen to make nothing of ports that follow each other.
	expect_ok "ethtool -X eth0 hkey $SIM_KEY"
	net_stream recv $NET_PEER 65536 16
	used=0
	for pair in 0 1 2 3; do
		[ "$(sim_counter rx$pair packets)" -le 10 ] || used=$((used + 1))
	done
	expect_ge $used 2 "receive queues that sixteen flows use"
	expect_ok "ethtool -X eth0 start 1 equal 1"
	before=$(sim_counter rx0 packets)
	net_stream recv $NET_PEER 65536 8
	expect_eq "$before" "$(sim_counter rx0 packets)" "packets of the queue left out"
	ethtool -X eth0 default
	expect_ok "ethtool -L eth0 combined 1"
	expect_eq 1 "$(sim_state pairs)" "pairs that the device uses"
	net_stream recv $NET_PEER 65536 4
	sim_down
}

offloads()
{
	sim_up sim0
	net_set rx-gro-hw off
	merged=$(sim_counter rx gso_packets)
	net_stream recv
	expect_eq "$merged" "$(sim_counter rx gso_packets)" "merged packets, switched off"
	net_set rx off
	partial=$(sim_counter rx needs_csum)
	net_stream recv
	expect_eq "$partial" "$(sim_counter rx needs_csum)" "partial checksums, switched off"
	expect_ok "ethtool -K eth0 rx on"
	expect_ok "ethtool -K eth0 rx-gro-hw on"
	net_stream recv
	expect_ge "$(sim_counter rx gso_packets)" $((merged + 1)) "merged packets, switched on again"
	sim_down
}

events()
{
	sim_up sim0
	vnetsim.sh set sim0 event link down
	net_link eth0 down 20
	vnetsim.sh set sim0 event link up
	net_link eth0 up 20
	vnetsim.sh set sim0 event announce
	wait_for 20 '[ "$(sim_state announce)" = 0 ]' || fail "the announcement was not acknowledged"
	sim_reset
	expect_eq 1 "$(cat $NET_CVM/resets)" "resets that the driver counts"
	sim_down
}

# What the device counts is what it has counted.
statistics()
{
	sim_up sim0 pairs=2
	sim_negotiated DEVICE_STATS || skip "the driver does not ask for statistics"
	net_stream send
	net_stream recv
	sleep 1
	for queue in rx tx; do
		for what in packets bytes kicks irqs; do
			case $what in
			kicks) name=notifications ;;
			irqs) name=interrupts ;;
			*) name=$what ;;
			esac
			# A packet or two may be on their way between the two looks.
			before=$(sim_counter $queue $what)
			shown=$(net_stat ${queue}_device_$name)
			expect_ge "$shown" "$before" "$queue $name shown"
			expect_le "$shown" "$(sim_counter $queue $what)" "$queue $name shown"
		done
	done
	expect_ge "$(net_stat rx_device_needs_csum)" 1 "partial checksums"
	left=$(net_stat tx_device_gso_packets)
	expect_ge "$left" 1 "packets to be segmented"
	# The other end takes them as they are.
	expect_eq "$left" "$(net_stat tx_device_gso_packets_noseg)" "packets that are not segmented"
	expect_eq "$(net_stat tx_device_gso_bytes)" "$(net_stat tx_device_gso_bytes_noseg)" \
		"bytes of them"
	expect_eq 0 "$(net_stat tx_device_gso_segments)" "segments"
	expect_ge "$(net_stat ctrl_device_commands)" 3 "commands"
	# One that is refused says nothing, and all else is shown.
	vnetsim.sh set sim0 ctrl_fail 0x100
	expect_ok "ethtool -S eth0"
	expect_ge "$(net_stat device_stats_failed)" 1 "times that the device did not tell"
	sim_down
}

# What is segmented for another device, whose driver does not want it merged.
segments()
{
	sim_cable sim0 off=GUEST_TSO4,GUEST_TSO6,GUEST_ECN,GUEST_USO4,GUEST_USO6
	sim_negotiated DEVICE_STATS || skip "the driver does not ask for statistics"
	net_stream send
	sleep 1
	packets=$(net_stat tx_device_gso_packets)
	bytes=$(net_stat tx_device_gso_bytes)
	note "$packets packets of $bytes bytes made $(net_stat tx_device_gso_segments) segments"
	expect_ge "$packets" 1 "packets to be segmented"
	expect_eq 0 "$(net_stat tx_device_gso_packets_noseg)" "packets that are not"
	expect_eq 0 "$(net_stat tx_device_gso_bytes_noseg)" "bytes of them"
	more=$(($(net_stat tx_device_gso_segments) - packets))
	expect_ge $more 1 "segments beyond the first ones"
	# Each of them repeats the headers: Ethernet, IPv4 and TCP with time stamps.
	expect_eq $((bytes + more * 66)) "$(net_stat tx_device_gso_segments_bytes)" "bytes of segments"
	sim_down
	sim_expect_rules far
}

# device_stat QUEUE NAME: of one queue, as shown
device_stat()
{
	sed -n "s/^ *$1_device_$2: //p" /tmp/sim.stats
}

# What vnetsim does not do by itself is told for each queue, so that no two have the same.
told()
{
	sim_up sim0 pairs=2
	sim_negotiated DEVICE_STATS || skip "the driver does not ask for statistics"
	for bad in "rx2 csum_bad=1" "rx csum_bad=1" "tx0 csum_bad=1" "rx0 csum_bad" "rx0 nonsense=1" \
		"ctrl packets_allowance_exceeded=1"; do
		sh -c "echo '$bad' >$SIM_DIR/sim0/stats" 2>/dev/null && fail "'$bad' was taken"
	done
	for n in 1 2; do
		expect_ok "vnetsim.sh set sim0 stats rx$((n - 1)) csum_bad=${n}01 \
			gso_packets_coalesced=${n}02 gso_bytes_coalesced=${n}03 \
			packets_allowance_exceeded=${n}04 bytes_allowance_exceeded=${n}05"
		expect_ok "vnetsim.sh set sim0 stats tx$((n - 1)) \
			packets_allowance_exceeded=${n}06 bytes_allowance_exceeded=${n}07"
	done
	ethtool -S eth0 >/tmp/sim.stats
	for n in 1 2; do
		rx=rx$((n - 1)) tx=tx$((n - 1))
		expect_eq ${n}01 "$(device_stat $rx csum_bad)" "bad checksums of $rx"
		expect_eq ${n}02 "$(device_stat $rx gso_packets_coal)" "merged packets of $rx"
		expect_eq ${n}03 "$(device_stat $rx gso_bytes_coal)" "merged bytes of $rx"
		expect_eq ${n}04 "$(device_stat $rx ratelimit_packets)" "packets too fast on $rx"
		expect_eq ${n}05 "$(device_stat $rx ratelimit_bytes)" "bytes too fast on $rx"
		expect_eq ${n}06 "$(device_stat $tx ratelimit_packets)" "packets too fast on $tx"
		expect_eq ${n}07 "$(device_stat $tx ratelimit_bytes)" "bytes too fast on $tx"
	done
	sleep 0.3
	qstats eth0 >/tmp/sim.qstats && {
		for n in 1 2; do
			expect_eq ${n}04 "$(qstat rx$((n - 1)) rx_hw_drop_ratelimits)" "dropped on receive"
			expect_eq ${n}06 "$(qstat tx$((n - 1)) tx_hw_drop_ratelimits)" "dropped on transmit"
		done
		expect_eq 308 "$(qstat all rx_hw_drop_ratelimits)" "dropped on receive by the interface"
		expect_eq 312 "$(qstat all tx_hw_drop_ratelimits)" "dropped on transmit by the interface"
	}
	sim_down
}

# qstat QUEUE NAME: of what the kernel's own interface shows
qstat()
{
	awk -v queue="$1" -v want="$2" '$1 == queue {
		for (i = 2; i <= NF; i++)
			if (split($i, word, "=") == 2 && word[1] == want) {
				print word[2]
				found = 1
			}
	} END { exit !found }' /tmp/sim.qstats || fail "there is no $2 of $1"
}

# What does not fit into any buffer is dropped by the device, which the standard statistics
# show, too.
queue_statistics()
{
	sim_up sim0 pairs=2 off=MRG_RXBUF,GUEST_TSO4,GUEST_TSO6,GUEST_ECN,GUEST_USO4,GUEST_USO6
	qstats eth0 >/tmp/sim.qstats
	case $? in
	0) ;;
	4) skip "this kernel has no statistics of queues" ;;
	*) fail "no statistics of queues" ;;
	esac
	expect_eq 0 "$(qstat rx0 rx_hw_drops)" "drops at first"
	sim_in ip link set "$sim_end" mtu 9000
	expect_ok "sim_in nettest ask $NET_PEER $NET_PORT inject ff:ff:ff:ff:ff:ff - 50 4000"
	wait_for 10 '[ "$(sim_counter rx drops)" -ge 50 ]' || fail "the device drops nothing"
	# They are asked for ten times a second at most.
	sleep 0.3
	qstats eth0 >/tmp/sim.qstats || fail "no statistics of queues any more"
	for queue in rx0 rx1; do
		expect_eq "$(sim_counter $queue drops)" "$(qstat $queue rx_hw_drops)" "drops of $queue"
		expect_eq "$(sim_counter $queue overruns)" "$(qstat $queue rx_hw_drop_overruns)" \
			"overruns of $queue"
	done
	expect_eq 50 "$(qstat all rx_hw_drops)" "drops of the interface"
	expect_eq 0 "$(qstat all tx_hw_drop_errors)" "malformed packets"
	expect_ge "$(qstat all rx_packets)" 1 "packets of the driver's own count"
	# Queues that are not in use count on for the interface.
	expect_ok "ethtool -L eth0 combined 1"
	sleep 0.3
	qstats eth0 >/tmp/sim.qstats || fail "no statistics of queues any more"
	expect_eq 50 "$(qstat all rx_hw_drops)" "drops with fewer queues"
	# A device that does not tell leaves what was told last.
	vnetsim.sh set sim0 ctrl_fail 0x100
	sleep 0.3
	qstats eth0 >/tmp/sim.qstats || fail "no statistics of queues any more"
	expect_eq 50 "$(qstat all rx_hw_drops)" "drops that were told last"
	vnetsim.sh set sim0 ctrl_fail 0
	sim_down
}

# Types of encapsulation whose inner headers are hashed: set, kept over a reset, refused.
tunnels()
{
	sim_up sim0 pairs=2
	sim_negotiated HASH_TUNNEL || skip "the driver does not take HASH_TUNNEL"
	file=$NET_CVM/hash_tunnel_types
	all="gre_2784 gre_2890 gre_7676 gre_udp vxlan vxlan_gpe geneve ipip nvgre"
	expect_eq "$all" "$(cat $file)" "types at first"
	expect_ok "echo vxlan gre_2784 >$file"
	expect_eq "[gre_2784]" "$(cut -d' ' -f1 $file)" "the first type"
	expect_eq 0x11 "$(sim_state tunnel_types)" "types that the device knows"
	for bad in nonsense "vxlan none" "" "vxlan,geneve"; do
		expect_errno "echo '$bad' >$file" EINVAL
		expect_eq 0x11 "$(sim_state tunnel_types)" "types after '$bad'"
	done
	resets=$(sim_state resets)
	vnetsim.sh set sim0 event needs_reset
	wait_for 30 '[ "$(sim_state resets)" -gt "$resets" ]' || fail "no reset"
	wait_for 10 '[ "$(sim_state tunnel_types)" = 0x11 ]' || fail "types are lost with a reset"
	net_reaches "after a reset"
	vnetsim.sh set sim0 ctrl_fail 0x80
	expect_errno "echo ipip >$file" "Remote I/O error"
	expect_eq "[gre_2784]" "$(cut -d' ' -f1 $file)" "the first type after a refusal"
	vnetsim.sh set sim0 ctrl_fail 0
	expect_ok "echo none >$file"
	expect_eq 0 "$(($(sim_state tunnel_types)))" "types that the device knows"
	sim_down
	kill "$sim_pid"

	# A device that lacks some of them, and says more than we know.
	vnetsim.sh add sim1 pairs=2 || fail "no device"
	echo "$(cat $SIM_DIR/sim1/device)" >/sys/bus/virtio/drivers/virtio_net_cvm/unbind
	vnetsim.sh set sim1 config tunnel_types=0xf0000090
	echo "$(cat $SIM_DIR/sim1/device)" >/sys/bus/virtio/drivers/virtio_net_cvm/bind
	file=/sys/class/net/$(vnetsim.sh iface sim1)/cvm/hash_tunnel_types
	expect_eq "vxlan ipip" "$(cat "$file")" "types of a device with two of them"
	expect_errno "echo geneve >$file" EOPNOTSUPP
	expect_ok "echo vxlan ipip >$file"
	vnetsim.sh del sim1 || fail "can't be unplugged"
}

# While a command takes long, packets flow.
slow()
{
	sim_up sim0 pairs=2
	expect_ok "ethtool -L eth0 combined 2"
	vnetsim.sh set sim0 ctrl_delay_ms 300
	net_flood_start
	expect_ok "ip link set eth0 address 52:54:00:aa:bb:cd"
	expect_ok "ethtool -L eth0 combined 1"
	vnetsim.sh set sim0 ctrl_delay_ms 0
	net_flood_stop "$NET_GAP"
	sim_down
}

# By CPU or by flow: the load alone may happen to be all on the first pair.
second_pair_sends()
{
	sent=$(sim_counter tx1 packets)
	wait_for 20 'taskset 2 ping -c 1 -W 1 $NET_PEER >/dev/null
		[ "$(sim_counter tx1 packets)" -gt "$sent" ]' || fail "nothing is sent on pair 1"
}

# channels [off=FEATURES]: from when the device sees the command for fewer pairs, nothing
# is queued on the others, and packets flow; a refusal leaves all as it was.
channels()
{
	sim_up sim0 pairs=2 "$@"
	[ "$(net_queues)" = 2 ] || skip "one CPU"
	vnetsim.sh set sim0 ctrl_delay_ms 200
	net_flood_start
	for _ in 1 2 3 4 5; do
		second_pair_sends
		expect_ok "ethtool -L eth0 combined 1"
		expect_ok "ethtool -L eth0 combined 2"
	done
	vnetsim.sh set sim0 ctrl_fail 0x10
	second_pair_sends
	echo 0 >/sys/class/net/eth0/queues/tx-0/xps_cpus
	sim_xps=$(cat /sys/class/net/eth0/queues/tx-*/xps_cpus)
	ethtool -L eth0 combined 1 2>/dev/null && fail "refused channels"
	expect_eq 2 "$(net_channels)" "channels after a refusal"
	expect_eq "$sim_xps" "$(cat /sys/class/net/eth0/queues/tx-*/xps_cpus)" "CPUs of transmit queues"
	second_pair_sends
	net_flood_stop
	sim_down
}

# Each class of commands refused: an error, nothing changed, packets flow.
refused()
{
	sim_up sim0 pairs=2
	vnetsim.sh set sim0 ctrl_fail 0xffffffff
	mac=$(cat /sys/class/net/eth0/address)
	ip link set eth0 address 52:54:00:aa:bb:ce 2>/dev/null && fail "a refused address was set"
	expect_eq "$mac" "$(cat /sys/class/net/eth0/address)" "address"
	ethtool -L eth0 combined $((3 - $(net_channels))) 2>/dev/null && fail "refused channels"
	ethtool -C eth0 rx-usecs 7 2>/dev/null && fail "refused moderation was set"
	ethtool -X eth0 equal 1 2>/dev/null && fail "a refused table was set"
	net_stream send
	net_stream recv
	vnetsim.sh set sim0 ctrl_fail 0
	expect_ok "ethtool -C eth0 rx-usecs 7"
	sim_down
}

# sim_reset: the device asks for a reset, and gets it
sim_reset()
{
	resets=$(sim_state resets)
	vnetsim.sh set sim0 event needs_reset
	wait_for 30 '[ "$(sim_state resets)" -gt "$resets" ]' || fail "no reset"
	net_reaches "after a reset"
}

# What the device refuses at a reset is asked for again at the next one, and what depends on
# the number of pairs goes with that.
refused_at_reset()
{
	sim_up sim0 pairs=2
	[ "$(net_queues)" = 2 ] || skip "one CPU"
	net_set rx-gro-hw off
	wanted=$(sim_state offloads)
	vnetsim.sh set sim0 ctrl_fail 0x30
	sim_reset
	expect_ne "$wanted" "$(sim_state offloads)" "offloads that could not be chosen"
	expect_eq 1 "$(net_channels)" "channels that could not be chosen"
	vnetsim.sh set sim0 ctrl_fail 0
	expect_ok "ethtool -X eth0 hkey $SIM_KEY"
	net_stream recv $NET_PEER 65536 8
	sim_reset
	expect_eq "$wanted" "$(sim_state offloads)" "offloads chosen again"
	net_stream recv $NET_PEER 65536 8
	sim_down
}

latency()
{
	sim_up sim0 packed=1
	vnetsim.sh set sim0 latency_us 3000
	ping -c 5 -i 0.1 -W 3 $NET_PEER >/tmp/sim.ping || fail "no answer"
	# The answer waits at least.
	least=$(sed -n 's|^round-trip min/avg/max = \([0-9]*\).*|\1|p' /tmp/sim.ping)
	expect_ge "${least:-0}" 3 "milliseconds of the fastest round"
	vnetsim.sh set sim0 latency_us 0
	vnetsim.sh set sim0 ctrl_wait_us 200000
	us=$(sim_state commands_us)
	expect_ok "ip link set eth0 address 52:54:00:aa:bb:cf"
	expect_ge $(($(sim_state commands_us) - us)) 200000 "microseconds until a command is answered"
	sim_down
}

# pool_of WORDS...: bytes of its transmit pool, and of all that it has when it is up
pool_of()
{
	sim_plug sim0 "$@"
	[ "$(cat $NET_CVM/mode)" = pool ] || skip "no pools in this mode"
	sim_limit=$(cat $NET_CVM/pool_limit)
	expect_ok "ip link set eth0 up"
	sim_bytes=$(cat $NET_CVM/pool_bytes)
	sim_down
}

pools()
{
	pool_of ring=256 mtu=1500
	expect_eq 1048576 "$sim_limit" "bytes of a transmit pool"
	merged=$sim_bytes
	pool_of ring=512 mtu=4000
	expect_eq $((512 * 4096)) "$sim_limit" "bytes of a transmit pool"
	pool_of ring=1024 mtu=9000
	expect_eq 4194304 "$sim_limit" "bytes of a transmit pool"
	# Without packets that are put together, a receive buffer holds just one.
	pool_of ring=256 mtu=1500 off=GUEST_TSO4,GUEST_TSO6,GUEST_USO4,GUEST_USO6
	expect_ge $((merged - sim_bytes)) 500000 "bytes less for receive buffers"
}

sim_load || exit 1
ktap_case "sizes of pools" pools
ktap_case "receive filters" filters
ktap_case "moderation by number and time" moderation
ktap_case "steering" steering
ktap_case "receive offloads" offloads
ktap_case "link, announcement, request for a reset" events
ktap_case "hashes of inner headers" tunnels
ktap_case "device statistics" statistics
ktap_case "device statistics, segments" segments
ktap_case "device statistics of what never happens here" told
ktap_case "statistics of queues" queue_statistics
ktap_case "slow commands" slow
ktap_case "refused commands" refused
ktap_case "commands refused at a reset" refused_at_reset
ktap_case "fewer pairs and more, MQ" channels off=RSS,HASH_REPORT
ktap_case "fewer pairs and more, RSS" channels
ktap_case "latency" latency
ktap_case "unloading" sim_unload
ktap_done
