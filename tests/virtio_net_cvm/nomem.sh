# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Memory that is not there: what is asked for fails with ENOMEM and changes nothing, or
# works all the same; packets are dropped and counted, or wait; traffic goes on. Needs
# the test kernel, whose allocations can be made to fail. See tests/progs/failalloc.c.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/net.sh
NET_MAY_DROP="drop_rx_inactive drop_rx_nomem drop_tx_nomem"
FAULTS="/sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc"

# fails HOW OP...: see failalloc
fails()
{
	[ -e /proc/self/fail-nth ] || skip "this kernel can't make allocations fail"
	defer no_faults
	failalloc "$@" || fail "failalloc $*"
}

# faults FILE VALUE
faults()
{
	for fault in $FAULTS; do
		echo "$2" >"$fault/$1"
	done
}

no_faults()
{
	faults probability 0
	faults task-filter N
}

# Without the script, which would hide an error.
bind_again()
{
	module_loaded virtio_net_cvm || load_module virtio_net_cvm mode="$NET_MODE" ||
		fail "does not load any more"
	[ -e "$NET_BUS/devices/$1/driver" ] || echo "$1" >$NET_BUS/drivers/virtio_net_cvm/bind ||
		fail "does not bind any more"
	wait_for 5 '[ -e /sys/class/net/eth0 ]' || fail "eth0 does not come back"
	net_configure
	net_reaches "after failures"
}

open_up()
{
	device=$(net_device)
	defer "bind_again $device"
	echo "$device" >$NET_BUS/drivers/virtio_net_cvm/unbind
	echo "$device" >$NET_BUS/drivers/virtio_net_cvm/bind
	fails nth 5 up eth0 virtio_net_cvm "$device"
	fails dry up eth0 virtio_net_cvm "$device"
}

rings()
{
	net_feature 40 || skip "without RING_RESET"
	net_flood_start
	fails nth 1 rings eth0 64 128
	fails dry rings eth0 128 64
	net_flood_stop
}

channels()
{
	[ "$(net_queues)" -gt 1 ] || skip "one queue pair"
	defer ethtool -L eth0 combined "$(net_queues)"
	net_flood_start
	fails nth 1 channels eth0 1
	fails dry channels eth0 1
	ethtool -L eth0 combined 1
	fails nth 1 channels eth0 "$(net_queues)"
	fails dry channels eth0 "$(net_queues)"
	net_flood_stop
}

pool_limit()
{
	net_flood_start
	fails nth 1 write $NET_CVM/pool_limit 2097152
	fails dry write $NET_CVM/pool_limit 2097152
	net_flood_stop
}

starved()
{
	echo $(($(cat $NET_CVM/drop_rx_nomem) + $(net_stat rx_alloc_fail)))
}

# What the driver asks for in interrupts: pages for buffers, skbs, descriptor tables.
packets()
{
	[ -e /proc/self/fail-nth ] || skip "this kernel can't make allocations fail"
	defer no_faults
	before=$(starved)
	resets=$(cat $NET_CVM/resets)
	net_trace
	net_flood_start
	for fault in $FAULTS; do
		echo Y >"$fault/ignore-gfp-wait"
		echo N >"$fault/task-filter"
		echo -1 >"$fault/times"
		echo 0 >"$fault/verbose"
		echo 0 >"$fault/space"
	done
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
	echo N >/sys/kernel/debug/failslab/cache-filter
	# None at all for a while, then every fifth.
	faults probability 100
	sleep 1
	faults probability 20
	sleep 2
	no_faults
	note "allocations that failed while packets came: $(($(starved) - before))"
	net_reaches "after failures"
	net_flood_stop
	expect_ge $(($(starved) - before)) 1 "failed allocations that were counted"
	net_expect_trace 'rx_(drop: dev=eth0 queue=[01] cause=nomem|refill_failed: dev=eth0 queue=[01])'
	expect_eq "$resets" "$(cat $NET_CVM/resets)" "resets"
	net_stream send
	net_stream recv
}

binding()
{
	device=$(net_device)
	defer "bind_again $device"
	echo "$device" >$NET_BUS/drivers/virtio_net_cvm/unbind
	fails nth 7 bind virtio_net_cvm "$device"
}

# With a device that waits for a driver.
loading()
{
	device=$(net_device)
	defer "bind_again $device"
	echo "$device" >$NET_BUS/drivers/virtio_net_cvm/unbind
	rmmod virtio_net_cvm || fail "does not unload"
	fails nth 41 insmod /lib/cvm/virtio_net_cvm.ko mode="$NET_MODE"
}

for NET_MODE in ${NET_MODES:-pool stream}; do
	ktap_case "$NET_MODE: set-up" net_set_up
	ktap_case "$NET_MODE: open" open_up
	ktap_case "$NET_MODE: ring sizes" rings
	ktap_case "$NET_MODE: packets" packets
	ktap_case "$NET_MODE: bind" binding
	# The same in both modes
	if [ "$NET_MODE" = pool ]; then
		ktap_case "channels" channels
		ktap_case "limit of the pools" pool_limit
		ktap_case "load" loading
	fi
	ktap_case "$NET_MODE: clean-up" net_clean_up
done
ktap_done
