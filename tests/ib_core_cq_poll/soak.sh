# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Everything that can happen to polled queues, all at the same time, under load with verified
# data on two mounts: no operation hangs, and nothing is lost or doubled.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/kmemleak.sh
. /tests/lib/rdma.sh

# Seconds of it
CQ_SOAK=${CQ_SOAK:-10}

set_up()
{
	load_module ib_core_cq_poll owners= || fail "ib_core_cq_poll does not load"
	nfs_up
	load_module cq_late || fail "cq_late does not load"
}

# Each of these may find that another has just taken away what it needs.

knob_changes()
{
	for cq_value in 1 0-1 0 -1; do
		echo $cq_value >$CQ_KNOB
		usleep 50000
	done
}

filters_change()
{
	echo '!ib_core,!cq_pool' >$CQ_PARAM/owners
	echo rxe1 >$CQ_PARAM/devices
	echo '' >$CQ_PARAM/devices
	echo Y >$CQ_PARAM/softirq
	echo '' >$CQ_PARAM/owners
	echo 0 >$CQ_PARAM/idle_us
	usleep 20000
	echo 10000 >$CQ_PARAM/idle_us
	cat $CQ_STAT
}

module_goes()
{
	usleep 700000
	rmmod ib_core_cq_poll
	usleep 20000
	insmod "$(module_file ib_core_cq_poll)"
}

cpu_goes()
{
	echo 0 >$cq_cpu_file
	usleep 100000
	echo 1 >$cq_cpu_file
	usleep 200000
}

queues_change()
{
	for cq_what in again qp nest nest; do
		echo 1 >$CQ_LATE/$cq_what
	done
}

# NFS takes seconds to connect again.
device_goes()
{
	sleep 3
	rdma_link del rxe1
	rdma_link add rxe1 veth1
	sleep 5
}

# soak_loop FUNCTION: over and over until /tmp/soak is gone; counts how often
soak_loop()
{
	while [ -e /tmp/soak ]; do
		"$1"
		echo >>"/tmp/soak.$1"
	done >/dev/null 2>&1
}

soak()
{
	cq_cpu_can_go
	cq_load 0 randwrite 2 1000
	cq_load 1 syncwrite 2 1000
	: >/tmp/soak
	defer 'rm -f /tmp/soak'
	soak_pids=
	for soak_what in knob_changes filters_change module_goes cpu_goes queues_change device_goes; do
		rm -f /tmp/soak.$soak_what
		soak_loop $soak_what &
		soak_pids="$soak_pids $!"
	done
	uverbs_cq /dev/infiniband/uverbs0 again >/dev/null 2>&1 &
	defer "kill $! 2>/dev/null"
	sleep "$CQ_SOAK"
	kill $!
	rm /tmp/soak
	for soak_pid in $soak_pids; do
		wait "$soak_pid"
	done
	cq_load_stop 0
	cq_load_stop 1
	for soak_what in knob_changes filters_change module_goes cpu_goes queues_change device_goes; do
		soak_times=$(wc -l <"/tmp/soak.$soak_what") || fail "$soak_what has never come to its end"
		note "$soak_what: $soak_times times"
	done
}

# What is left works, polled and natively.
works()
{
	rmmod ib_core_cq_poll 2>/dev/null
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load again"
	cq_on
	for soak_n in 0 1; do
		cq_load $soak_n randwrite 2 2
		cq_load_end $soak_n
	done
	expect_ge "$(cq_sum completions)" 100 "completions polled"
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
	unload_module cq_late || fail "cq_late does not unload"
	cq_load 0 randread 2 1
	cq_load_end 0
	nfs_down
	[ ! -e $KMEMLEAK ] || expect_no_leaks
}

ktap_plan 3
ktap_case "two mounts" set_up
ktap_case "everything at the same time" soak
ktap_case "everything works after that" works
ktap_done
