# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Queues that are full, and a device that is late, while the number of queues or the pools
# change: senders wait, none of them for ever, and nothing is dropped.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

# pour CPU...: a sender on each, as fast as its packets are taken, until the case ends.
pour()
{
	for cpu; do
		taskset $((1 << cpu)) nettest pour $NET_PEER 9 1400 2>/dev/null &
		defer "kill $! 2>/dev/null"
	done
}

# Not by ethtool, which asks the device for more.
sent()
{
	cat /sys/class/net/eth0/statistics/tx_packets
}

# What "nothing more can be sent" looks like, whatever it is that is full
stands_still()
{
	before=$(sent)
	usleep 300000
	[ "$before" = "$(sent)" ] && [ "$before" -gt 20 ]
}

goes_on()
{
	before=$(sent)
	wait_for 20 '[ "$(sent)" -gt $((before + 2000)) ]' || fail "nothing is sent $1"
}

# Ring, pool and queue discipline are full, and the device does nothing.
full()
{
	sim_up sim0 pairs=2 ring=64
	[ "$(net_queues)" = 2 ] || skip "one CPU"
	expect_ok "ethtool -L eth0 combined 1"
	pour 0 1
	goes_on "at first"
	vnetsim.sh set sim0 inject stall tx -1
	wait_for 10 stands_still || fail "it sends and sends"
	expect_ok "ethtool -L eth0 combined 2"
	usleep 500000
	expect_eq 0 "$(cat $NET_CVM/drop_tx_nomem)" "packets dropped, more channels"
	if [ "$(cat $NET_CVM/mode)" = pool ]; then
		expect_errno "echo 600000 >$NET_CVM/pool_limit" EBUSY
		usleep 500000
		expect_eq 0 "$(cat $NET_CVM/drop_tx_nomem)" "packets dropped, another pool"
	fi
	vnetsim.sh set sim0 inject none
	goes_on "afterwards"
	expect_eq 0 "$(cat $NET_CVM/drop_tx_nomem)" "packets dropped"
	expect_eq 0 "$(cat $NET_CVM/resets)" "resets"
	sim_down
}

# The device sends what the queue that goes has left, but after it was stopped: whoever
# waits for that to be done is not left behind.
fewer()
{
	sim_up sim0 pairs=2
	[ "$(net_queues)" = 2 ] || skip "one CPU"
	expect_ok "ethtool -L eth0 combined 2"
	vnetsim.sh set sim0 latency_us 2500000
	pour 1
	wait_for 10 stands_still || fail "it sends and sends"
	before=$(sim_counter tx0 packets)
	expect_ok "ethtool -L eth0 combined 1"
	vnetsim.sh set sim0 latency_us 0
	wait_for 20 '[ "$(sim_counter tx0 packets)" -gt $((before + 2000)) ]' ||
		fail "the sender of the queue that went waits for ever"
	expect_ok "ethtool -L eth0 combined 2"
	goes_on "with two queues again"
	expect_eq 0 "$(cat $NET_CVM/drop_tx_nomem)" "packets dropped"
	expect_eq 0 "$(cat $NET_CVM/resets)" "resets"
	sim_down
}

# All pools or none are exchanged, while the device takes its time, or keeps some.
pools()
{
	[ "$NET_MODE" = pool ] || skip "not in pool mode"
	sim_up sim0 pairs=2
	[ "$(net_queues)" = 2 ] || skip "one CPU"
	expect_ok "ethtool -L eth0 combined 2"
	vnetsim.sh set sim0 latency_us 200000
	pour 0 1
	goes_on "at first"
	{
		while :; do
			used=$(cat $NET_CVM/pool_used) all=$(cat $NET_CVM/pool_bytes)
			[ "$used" -le $((all + 67108864)) ] || echo "$used of $all" >>/tmp/sim.used
		done
	} 2>/dev/null &
	reader=$!
	defer "kill $reader 2>/dev/null"
	for size in 600000 2097152 1048576 600000 1048576; do
		net_pool_limit $size
	done
	kill "$reader"
	[ ! -e /tmp/sim.used ] || fail "pool_used said $(head -n 1 /tmp/sim.used)"
	bytes=$(cat $NET_CVM/pool_bytes)
	vnetsim.sh set sim0 inject stall tx -1
	wait_for 10 stands_still || fail "it sends and sends"
	expect_errno "echo 8388608 >$NET_CVM/pool_limit" EBUSY
	expect_eq 1048576 "$(cat $NET_CVM/pool_limit)" "pool_limit that was refused"
	expect_eq "$bytes" "$(cat $NET_CVM/pool_bytes)" "pool_bytes after that"
	vnetsim.sh set sim0 inject none
	vnetsim.sh set sim0 latency_us 0
	goes_on "afterwards"
	expect_ok "echo 8388608 >$NET_CVM/pool_limit"
	goes_on "with larger pools"
	expect_eq 0 "$(cat $NET_CVM/drop_tx_nomem)" "packets dropped"
	expect_eq 0 "$(cat $NET_CVM/resets)" "resets"
	sim_down
}

# in_flight QUEUE: bytes that the stack takes to be with the device (BQL)
in_flight()
{
	cat /sys/class/net/eth0/queues/tx-"$1"/byte_queue_limits/inflight
}

# barked QUEUE: how often the stack's watchdog took it for stuck, with a WARNING in older kernels
barked()
{
	cat /sys/class/net/eth0/queues/tx-"$1"/tx_timeout
}

# Queues that nobody looks after: one that is not in use any more, and all while a ring is
# changed, for as long as the device likes.
watchdog()
{
	sim_up sim0 pairs=2
	[ "$(net_queues)" = 2 ] || skip "one CPU"
	sim_negotiated RING_RESET || skip "the kernel resets no single queue"
	expect_ok "ethtool -L eth0 combined 2"
	vnetsim.sh set sim0 inject stall tx -1
	pour 0 1
	wait_for 10 '[ "$(in_flight 0)" -gt 0 ] && [ "$(in_flight 1)" -gt 0 ]' ||
		fail "$(in_flight 0) and $(in_flight 1) bytes are in flight"
	expect_ok "ethtool -L eth0 combined 1"
	# It looks every 10 s. One long change, and many in a row; a reset may come between.
	vnetsim.sh set sim0 reset_delay_ms 22000
	expect_ok "ethtool -G eth0 tx 128"
	vnetsim.sh set sim0 reset_delay_ms 900
	until=$(($(cut -d. -f1 /proc/uptime) + 22))
	while [ "$(cut -d. -f1 /proc/uptime)" -lt $until ]; do
		ethtool -G eth0 rx 128 2>/dev/null || sleep 1
		ethtool -G eth0 rx 256 2>/dev/null
	done
	vnetsim.sh set sim0 reset_delay_ms 0
	vnetsim.sh set sim0 inject none
	wait_for 60 'ethtool -L eth0 combined 2 2>/dev/null' || fail "no second queue"
	expect_eq 0 "$(barked 0)" "times that the queue in use seemed stuck"
	expect_eq 0 "$(barked 1)" "times that the queue not in use seemed stuck"
	goes_on "afterwards"
	# What the queue had left, if the device looked before the reset.
	SIM_MAY_BREAK=tx_inactive
	sim_down
}

# What is sent and not yet done is counted, by its queue, until the device is done with it or
# was reset.
bql()
{
	sim_up sim0 pairs=2
	[ "$(net_queues)" = 2 ] || skip "one CPU"
	expect_ok "ethtool -L eth0 combined 2"
	wait_for 10 '[ "$(in_flight 0) $(in_flight 1)" = "0 0" ]' ||
		fail "at rest $(in_flight 0) and $(in_flight 1) bytes are in flight"
	pour 0
	goes_on "at first"
	vnetsim.sh set sim0 inject stall tx -1
	wait_for 10 stands_still || fail "it sends and sends"
	expect_ge "$(in_flight 0)" 1400 "bytes in flight of a device that stands still"
	expect_le "$(in_flight 1)" 2000 "bytes in flight of the other queue"
	vnetsim.sh set sim0 inject none
	goes_on "afterwards"
	kill "$!"
	wait_for 10 '[ "$(in_flight 0) $(in_flight 1)" = "0 0" ]' ||
		fail "afterwards $(in_flight 0) and $(in_flight 1) bytes are in flight"
	vnetsim.sh set sim0 inject stall tx -1
	ping -c 3 -W 1 $NET_PEER >/dev/null
	expect_ge $(($(in_flight 0) + $(in_flight 1))) 40 "bytes in flight before a reset"
	resets=$(cat $NET_CVM/resets)
	vnetsim.sh set sim0 event needs_reset
	wait_for 10 '[ "$(cat $NET_CVM/resets)" -gt "$resets" ]' || fail "no reset"
	vnetsim.sh set sim0 inject none
	net_reaches "after the reset"
	wait_for 10 '[ "$(in_flight 0) $(in_flight 1)" = "0 0" ]' ||
		fail "after the reset $(in_flight 0) and $(in_flight 1) bytes are in flight"
	sim_down
}

for NET_MODE in ${SIM_MODES:-pool stream}; do
	sim_load || exit 1
	ktap_case "$NET_MODE: full queues" full
	ktap_case "$NET_MODE: fewer queues, a late device" fewer
	ktap_case "$NET_MODE: other pools, a late device" pools
	ktap_case "$NET_MODE: bytes in flight" bql
	[ "$NET_MODE" != pool ] || ktap_case "the watchdog of the stack" watchdog
done
ktap_case "unloading" sim_unload
ktap_done
