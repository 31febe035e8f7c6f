# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Everything that can happen to a queue while it is polled, under load with verified
# data on two mounts: none may hang, lose or double anything. dio_verify knows what was
# written last to each block, also when it ends in the middle; fio is what others use.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/kmemleak.sh
. /tests/lib/rdma.sh

set_up()
{
	# Before the users of queues: these are told first then when a device goes.
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load"
	nfs_up
}

load_both()
{
	cq_load 0 randwrite 2 100
	cq_load 1 syncwrite 2 100
	cq_fio_load 1
}

end_both()
{
	cq_load_stop 0
	cq_load_stop 1
	cq_fio_stop 1
}

toggled()
{
	cq_idle=$(cat $CQ_PARAM/idle_us)
	defer 'echo $cq_idle >$CQ_PARAM/idle_us; echo Y >$CQ_PARAM/adaptive'
	load_both
	cq_polled=0
	for_a_while 'cq_on
		expect_ge "$(cq_queues)" 8 "queues"
		for cq_us in 0 100 $cq_idle; do
			echo $cq_us >$CQ_PARAM/idle_us
			echo N >$CQ_PARAM/adaptive
			usleep 10000
			echo Y >$CQ_PARAM/adaptive
		done
		usleep 20000
		cq_polled=$((cq_polled + $(cq_sum completions)))
		echo -1 >$CQ_KNOB
		usleep 50000' 20
	end_both
	expect_ge $cq_polled 100 "completions polled"
	cq_off
}

moved()
{
	load_both
	for_a_while 'cq_on 0; usleep 50000; cq_on 0-1; usleep 50000; cq_on 1; usleep 50000'
	expect_eq 1 "$(cat $CQ_KNOB)" "CPU"
	end_both
	cq_off
}

# Spread over both, none forgotten.
spread()
{
	cq_on 0-1
	cq_a=$(awk '!/^#/ && $4 == 0' $CQ_STAT | wc -l)
	cq_b=$(awk '!/^#/ && $4 == 1' $CQ_STAT | wc -l)
	expect_le $((cq_a - cq_b)) 1 "queues that CPU 0 has more than CPU 1"
	expect_le $((cq_b - cq_a)) 1 "queues that CPU 1 has more than CPU 0"
	load_both
	usleep 500000
	end_both
	# A connection that is on its way out may leave some behind.
	expect_ge "$(awk '!/^#/ && $4 == 0 && $6 > 0' $CQ_STAT | wc -l)" 4 "busy queues of CPU 0"
	expect_ge "$(awk '!/^#/ && $4 == 1 && $6 > 0' $CQ_STAT | wc -l)" 4 "busy queues of CPU 1"
	cq_off
}

unloaded()
{
	load_both
	for_a_while 'cq_on
		expect_ge "$(cq_queues)" 8 "queues"
		usleep 50000
		cq_reload'
	end_both
	expect_eq -1 "$(cat $CQ_KNOB)" "CPU after loading"
}

cpu_offline()
{
	cq_cpu_can_go
	load_module cq_late || fail "cq_late does not load"
	defer "rmmod cq_late"
	cq_trace
	load_both
	cq_on 1
	for_a_while 'cq_cpu_goes
		expect_eq 0 "$(cq_queues)" "queues without a thread"
		cq_backs=$(cq_traced give_back)
		echo "" >$CQ_PARAM/devices
		expect_eq "$cq_backs" "$(cq_traced give_back)" "queues taken without a thread"
		for cq_what in again qp nest; do
			echo 1 >$CQ_LATE/$cq_what || fail "$cq_what of a new queue without a thread"
		done
		usleep 50000
		cq_cpu_comes 8
		usleep 50000'
	cq_takes=$(cq_traced "take: .*owner=cq_late")
	echo 1 >$CQ_LATE/again || fail "no new queue"
	expect_eq $((cq_takes + 1)) "$(cq_traced "take: .*owner=cq_late")" "new queues taken with a thread"
	# With two threads the other one takes over.
	cq_on 0-1
	echo 0 >$cq_cpu_file
	expect_ge "$(cq_queues)" 8 "queues of the other thread"
	expect_eq 0-1 "$(cat $CQ_KNOB)" "CPUs asked for"
	expect_errno 'echo 1 >$CQ_KNOB' ENODEV
	expect_eq 0-1 "$(cat $CQ_KNOB)" "CPUs after a refused one"
	echo 1 >$cq_cpu_file
	end_both
	cq_off
}

# Queues are looked for over and over meanwhile; that does not wait for a CPU's going.
looked_for()
{
	cq_cpu_can_go
	load_both
	cq_on 1
	while :; do echo '' >$CQ_PARAM/devices; done &
	defer "kill $! 2>/dev/null"
	for_a_while 'cq_cpu_goes; cq_cpu_comes 8'
	kill $!
	end_both
	cq_off
}

# Where the thread is, and where it may be
thread_cpus()
{
	echo "$(awk '{ print $39 }' "/proc/$(pidof cqpoll/1)/stat")" \
		"$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$(pidof cqpoll/1)/status")"
}

# The CPU fails to go after it has pushed all threads away, and before we hear of it.
stays_online()
{
	cq_cpu=/sys/devices/system/cpu/cpu1
	[ -f $cq_cpu/hotplug/fail ] || skip "this kernel can't have that fail"
	cq_state=$(sed -n 's/^ *\([0-9]*\): ib_core_cq_poll:online$/\1/p' \
		/sys/devices/system/cpu/hotplug/states)
	cq_idle=$(cat $CQ_PARAM/idle_us)
	defer 'echo $cq_idle >$CQ_PARAM/idle_us; echo 1 >$cq_cpu/online; echo -1 >$cq_cpu/hotplug/fail'
	echo 0 >$CQ_PARAM/idle_us
	load_both
	cq_on 1
	for_a_while 'echo "$cq_state" >$cq_cpu/hotplug/fail || fail "state $cq_state can not fail"
		echo 0 2>/dev/null >$cq_cpu/online && fail "CPU 1 goes offline"
		wait_for 5 "[ \"\$(thread_cpus)\" = \"1 1\" ]" ||
			fail "the thread is, and may be, on CPUs $(thread_cpus)"'
	end_both
	cq_off
}

# device_removed WHO: queues of a device that goes are drained, and the other goes on. Where
# the users of the device hear of it first they destroy them; else they are given back.
device_removed()
{
	cq_on
	load_both
	usleep 300000
	cq_trace
	rdma_link del rxe1 || fail "rxe1 can't be removed"
	trace_stop
	case $1 in
	users) cq_want=gone cq_other=give_back ;;
	*) cq_want=give_back cq_other=gone ;;
	esac
	expect_ge "$(cq_traced "$cq_want: device=rxe1 ")" 4 "$cq_want of queues of a removed device"
	expect_eq 0 "$(cq_traced "$cq_other: device=rxe1 ")" "$cq_other of them"
	expect_eq 0 "$(grep -c '^rxe1' $CQ_STAT)" "queues of a removed device"
	expect_ge "$(grep -c '^rxe0' $CQ_STAT)" 4 "queues of the other device"
	usleep 300000
	rdma_link_add 1
	wait_for 20 '[ "$(grep -c "^rxe1" $CQ_STAT)" -ge 4 ]' || fail "no new queues on rxe1"
	usleep 300000
	end_both
	cq_off
}

# One end of the pair is down, so the port at the other has no carrier: its traffic stays
# inside of the device and goes on. At the end that is down nothing is under way, because
# NFS over RDMA does not get over that, polled or not.
link_down()
{
	cq_on
	cq_load 0 randwrite 2 100
	ip link set veth1 down || fail "the link does not go down"
	for cq_n in 0 1; do
		cq_port=/sys/class/infiniband/rxe$cq_n/ports/1/state
		wait_for 10 'grep -q DOWN $cq_port' || fail "port of rxe$cq_n: $(cat $cq_port)"
	done
	for_a_while 'echo -1 >$CQ_KNOB
		cq_reload
		cq_on
		expect_ge "$(cq_queues)" 8 "queues"'
	ip link set veth1 up || fail "the link does not come up"
	cq_load_stop 0
	cq_load 1 syncwrite 2 1
	cq_load_end 1
	cq_off
}

# Created and destroyed again and again while polling goes on and off.
remounted()
{
	cq_load 0 randwrite 2 60
	nfs_umount 1
	for_a_while 'cq_on; nfs_mount 1 3; : >/mnt/1/new; nfs_umount 1
		nfs_mount 1 3; : >/mnt/1/new; echo -1 >$CQ_KNOB; nfs_umount 1'
	nfs_mount 1 3
	cq_load_stop 0
	cq_off
}

filtered()
{
	defer "echo '!ib_core,!cq_pool' >$CQ_PARAM/owners; echo '' >$CQ_PARAM/devices"
	load_both
	cq_on
	expect_ge "$(cq_queues)" 8 "queues"
	echo rxe1 >$CQ_PARAM/devices
	expect_eq 0 "$(grep -c '^rxe0' $CQ_STAT)" "queues of a device that is not wanted"
	expect_ge "$(grep -c '^rxe1' $CQ_STAT)" 4 "queues of the one that is"
	echo '' >$CQ_PARAM/devices
	expect_ge "$(cq_queues)" 8 "queues of all devices"
	expect_eq 0 "$(grep -c ib_core $CQ_STAT)" "management queues"
	# Names of devices can change.
	echo '!nic1' >$CQ_PARAM/devices
	expect_ge "$(grep -c '^rxe1 ' $CQ_STAT)" 4 "queues of the device with the old name"
	rdma_link rename rxe1 nic1 || fail "rxe1 can't be renamed"
	defer 'rdma_link rename nic1 rxe1 2>/dev/null'
	expect_eq 0 "$(grep -c 'rxe1\|nic1' $CQ_STAT)" "queues of the device with the new name"
	echo '' >$CQ_PARAM/devices
	expect_ge "$(grep -c '^nic1 ' $CQ_STAT)" 4 "queues of the device with the new name"
	rdma_link rename nic1 rxe1 || fail "nic1 can't be renamed"
	expect_ge "$(grep -c '^rxe1 ' $CQ_STAT)" 4 "queues of the device with the old name again"
	echo '!rpcrdma' >$CQ_PARAM/owners
	expect_eq 0 "$(grep -c rpcrdma $CQ_STAT)" "queues of an owner that is not wanted"
	expect_errno 'echo "a,,b" >$CQ_PARAM/owners' EINVAL
	expect_eq '!rpcrdma' "$(cat $CQ_PARAM/owners)" "owners after a bad list"
	echo rpcrdma >$CQ_PARAM/owners
	load_module cq_late || fail "cq_late does not load"
	defer "rmmod cq_late"
	expect_eq 0 "$(grep -c cq_late $CQ_STAT)" "new queues of an owner that is not wanted"
	expect_ge "$(cq_queues)" 8 "queues of the wanted owner"
	echo '!ib_core,!cq_pool' >$CQ_PARAM/owners
	echo 1 >$CQ_LATE/again || fail "no new queue"
	expect_eq 1 "$(grep -c cq_late $CQ_STAT)" "new queues of one that is"
	end_both
	cq_off
}

for_ever()
{
	cq_idle=$(cat $CQ_PARAM/idle_us)
	defer 'echo $cq_idle >$CQ_PARAM/idle_us'
	cq_on
	cq_asleep
	# In force at once: nothing comes, and still it is awake.
	echo 0 >$CQ_PARAM/idle_us
	cq_polls=$(cq_sum polls)
	wait_for 10 '[ $(cq_sum polls) -gt $((cq_polls + 10000)) ]' ||
		fail "the thread goes on sleeping"
	cq_slept=$(awk '/^# cpu 1 / { print $5 }' $CQ_STAT)
	load_both
	usleep 500000
	end_both
	expect_eq "$cq_slept" "$(awk '/^# cpu 1 / { print $5 }' $CQ_STAT)" "sleeps"
	cq_off
}

# After the next completions, how long the thread polls for nothing: waits for that, and adds
# it in ms to cq_all. It is much less when somebody else wants the CPU.
cq_window()
{
	echo >$TRACING/trace
	: >/mnt/0/new
	usleep 800000
	cq_all="$cq_all $(awk '/cqpoll_sleep/ { n = $0 } END { sub(/.*idle_ns=/, "", n)
		print n == "" ? "-" : int(n / 1000000) }' $TRACING/trace)"
}

# How many of them are 300 or more
cq_long()
{
	for cq_ms in $cq_all; do
		[ "$cq_ms" = - ] || echo "$cq_ms"
	done | awk '$1 >= 300 { n++ } END { print n + 0 }'
}

# expect_short WHAT: it never polls for long.
expect_short()
{
	cq_all=
	for _ in 1 2 3 4 5 6 7 8; do
		cq_window
	done
	expect_eq 0 "$(cq_long)" "times that it polls for long with $1:$cq_all"
	expect_ge "$(echo "$cq_all" | grep -o '[0-9][0-9]*' | wc -l)" 4 "times that it slept with $1:$cq_all"
}

# The thread polls for idle_us, or for what the traffic lets expect, but not if told not to.
window()
{
	cq_idle=$(cat $CQ_PARAM/idle_us)
	defer 'echo $cq_idle >$CQ_PARAM/idle_us; echo Y >$CQ_PARAM/adaptive'
	echo 300000 >$CQ_PARAM/idle_us
	cq_on
	load_both
	usleep 500000
	end_both
	cq_trace
	# It comes down by halves.
	for _ in 1 2 3 4; do
		cq_window
	done
	expect_short adaptive=Y
	echo N >$CQ_PARAM/adaptive
	cq_all=
	wait_for 60 'cq_window; [ "$(cq_long)" -ge 3 ]' || fail "adaptive=N: it sleeps after these ms:$cq_all"
	echo 1000 >$CQ_PARAM/idle_us
	expect_short idle_us=1000
	cq_off
}

# Somebody else computes on the CPU that polls: then the thread sleeps and is woken.
crowded()
{
	taskset 2 sh -c 'while :; do :; done' &
	defer "kill -9 $! 2>/dev/null"
	cq_on
	cq_slept=$(awk '/^# cpu 1 / { print $5 }' $CQ_STAT)
	load_both
	sleep "$CQ_SECONDS"
	end_both
	expect_ge "$(($(awk '/^# cpu 1 / { print $5 }' $CQ_STAT) - cq_slept))" 10 "sleeps"
	cq_off
}

# Nothing to do: the thread sleeps.
idle()
{
	cq_on
	cq_asleep
	cq_pid=$(pidof cqpoll/1) || fail "no thread"
	cq_before=$(awk '{ print $14 + $15 }' "/proc/$cq_pid/stat")
	sleep 2
	cq_after=$(awk '{ print $14 + $15 }' "/proc/$cq_pid/stat")
	note "ticks of 10 ms in 2 s: $((cq_after - cq_before))"
	expect_le $((cq_after - cq_before)) 4 "ticks of CPU with an idle mount"
	cq_off
}

clean_up()
{
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
	cq_load 0 randread 2 1
	cq_load 1 randread 2 1
	cq_load_end 0
	cq_load_end 1
	nfs_down
	[ ! -e $KMEMLEAK ] || expect_no_leaks
}

ktap_plan 18
ktap_case "two mounts" set_up
ktap_case "a device is removed, its users hear of it first" device_removed users
ktap_case "polling starts and stops every 50 ms" toggled
ktap_case "polling moves between CPUs" moved
ktap_case "queues are spread over two CPUs" spread
ktap_case "the module is unloaded and loaded" unloaded
ktap_case "the CPU that polls goes and comes" cpu_offline
ktap_case "queues are looked for while it goes and comes" looked_for
ktap_case "the CPU that polls fails to go" stays_online
ktap_case "a device is removed and comes back" device_removed us
ktap_case "a link goes down" link_down
ktap_case "queues are made and destroyed" remounted
ktap_case "only some queues are wanted" filtered
ktap_case "polling for ever" for_ever
ktap_case "how long it polls for nothing" window
ktap_case "the CPU that polls computes" crowded
ktap_case "an idle mount costs nothing" idle
ktap_case "everything works after unloading" clean_up
ktap_done
