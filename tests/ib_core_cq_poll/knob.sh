# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The knobs: what they take, what they refuse, and that a refusal changes nothing.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/rdma.sh

set_up()
{
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load"
	expect_eq -1 "$(cat $CQ_KNOB)" "CPU after loading"
	expect_eq "# timing 0" "$(head -n 1 $CQ_STAT | cut -d, -f1)" "timing after loading"
	expect_threads 0 "threads after loading"
}

# knob_refuses VALUE ERRNO: and nothing is changed, whether polling is on or off
knob_refuses()
{
	for knob_now in -1 1; do
		echo $knob_now >$CQ_KNOB
		expect_errno "echo '$1' >$CQ_KNOB" "$2"
		expect_eq "$knob_now" "$(cat $CQ_KNOB)" "CPU after '$1' was refused"
		expect_threads $((knob_now > 0)) "threads after '$1' was refused"
	done
}

bad_cpus()
{
	for knob_bad in '' ' ' x 1x 0x1 -2 -1,1 1- 1-0 , 1, 1.0 4096 99999999999999999999; do
		knob_refuses "$knob_bad" EINVAL
	done
	# Possible or not, such a CPU is not there.
	knob_refuses 9999 EINVAL
}

good_cpus()
{
	for knob_good in 0 1 0-1 -1 0,1 1; do
		echo $knob_good >$CQ_KNOB || fail "'$knob_good' is refused"
		[ $knob_good != 0,1 ] || knob_good=0-1
		expect_eq $knob_good "$(cat $CQ_KNOB)" "CPU"
	done
	expect_threads 1 "threads of one CPU"
	cq_off
	expect_threads 0 "threads after stopping"
}

# Not the first ones, and not all in a row
some_cpus()
{
	[ "$(nproc)" -ge 4 ] || skip "needs 4 CPUs"
	for knob_good in 2-3 1,3 0,2-3; do
		echo $knob_good >$CQ_KNOB || fail "'$knob_good' is refused"
		expect_eq $knob_good "$(cat $CQ_KNOB)" "CPUs"
		case $knob_good in
		2-3) knob_want="2 3" ;;
		1,3) knob_want="1 3" ;;
		*) knob_want="0 2 3" ;;
		esac
		# shellcheck disable=SC2086 # words
		expect_threads "$(echo $knob_want | wc -w)" "threads of '$knob_good'"
		for knob_cpu in $knob_want; do
			pidof "cqpoll/$knob_cpu" >/dev/null || fail "no thread for CPU $knob_cpu of '$knob_good'"
		done
	done
	cq_off
}

# With no more threads to be had: only builtins of the shell from there on.
no_thread()
{
	knob_max=$(cat /proc/sys/kernel/threads-max)
	defer 'echo $knob_max >/proc/sys/kernel/threads-max'
	cq_on 0
	echo 20 >/proc/sys/kernel/threads-max || fail "threads-max can't be set"
	{ echo 0-1 >$CQ_KNOB; } 2>/tmp/knob.error && fail "a thread starts without any to be had"
	read -r knob_now <$CQ_KNOB
	echo "$knob_max" >/proc/sys/kernel/threads-max
	grep -q "$(ktap_errno EAGAIN)" /tmp/knob.error ||
		fail "without a thread to be had: $(cat /tmp/knob.error)"
	expect_eq 0 "$knob_now" "CPU after that"
	expect_threads 1 "threads after that"
	cq_on 0-1
	expect_threads 2 "threads when there are some"
	cq_off
}

# Room for one more thread, where two are wanted: the one that was made goes again. Threads
# of the kernel come and go meanwhile, so it may be room for none or two.
one_thread()
{
	knob_max=$(cat /proc/sys/kernel/threads-max)
	defer 'echo $knob_max >/proc/sys/kernel/threads-max'
	knob_made=0
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		read -r _ _ _ knob_all knob_pid </proc/loadavg
		echo $((${knob_all#*/} + 1)) >/proc/sys/kernel/threads-max
		{ echo 0-1 >$CQ_KNOB; } 2>/tmp/knob.error
		read -r knob_now <$CQ_KNOB
		read -r _ _ _ _ knob_last </proc/loadavg
		echo "$knob_max" >/proc/sys/kernel/threads-max
		[ "$knob_now" != 0-1 ] || { cq_off; continue; }
		grep -q "$(ktap_errno EAGAIN)" /tmp/knob.error ||
			fail "with room for one thread: $(cat /tmp/knob.error)"
		expect_eq -1 "$knob_now" "CPU after that"
		expect_threads 0 "threads after that"
		[ "$knob_last" = "$knob_pid" ] || knob_made=$((knob_made + 1))
		[ $knob_made -lt 3 ] || return 0
	done
	fail "one thread was made and the next not: $knob_made times"
}

# Does the memory that the thread asks for not wait for I/O? (PF_MEMALLOC_NOIO)
knob_noio()
{
	knob_flags=$(awk '{ print $9 }' "/proc/$(pidof "cqpoll/$CQ_CPU")/stat")
	[ $((knob_flags & 0x80000)) != 0 ]
}

no_io()
{
	cq_on
	wait_for 20 knob_noio || fail "flags of the thread: $knob_flags"
	cq_off
}

# Queues that nothing ever came to: no division by 0, and the table is not in the log.
stat()
{
	rdma_up
	knob_owners=$(cat $CQ_PARAM/owners)
	defer 'echo 0 >$CQ_STAT; echo "$knob_owners" >$CQ_PARAM/owners; echo -1 >$CQ_KNOB'
	echo 1 >$CQ_STAT || fail "timing does not start"
	expect_eq "# timing 1" "$(head -n 1 $CQ_STAT | cut -d, -f1)" "timing"
	echo '' >$CQ_PARAM/owners
	cq_on
	expect_ge "$(cq_queues)" 1 "queues in the table"
	expect_eq 0 "$(cq_sum per_hit)" "completions per poll of queues without any"
	expect_eq 0 "$(cq_sum mean_ns)" "mean time of no polls"
	for knob_now in 1 0; do
		echo $knob_now >$CQ_STAT || fail "timing can't be set to $knob_now"
		for knob_bad in '' x 2 10 01 1x 0x0 -1 y n yes on off '1 0'; do
			expect_errno "echo '$knob_bad' >$CQ_STAT" EINVAL
			expect_eq "# timing $knob_now" "$(head -n 1 $CQ_STAT | cut -d, -f1)" "timing"
		done
	done
	expect_eq 0 "$(dmesg | grep -c '# device queue')" "tables in the log"
	cq_off
}

parameters()
{
	expect_errno "echo x >$CQ_PARAM/idle_us" EINVAL
	expect_errno "echo 4294967296 >$CQ_PARAM/idle_us" ERANGE
	expect_errno "echo x >$CQ_PARAM/adaptive" EINVAL
	expect_errno "echo x >$CQ_PARAM/softirq" EINVAL
	expect_errno "echo ',' >$CQ_PARAM/devices" EINVAL
	expect_eq "" "$(cat $CQ_PARAM/devices)" "devices"
	expect_eq "!ib_core,!cq_pool" "$(cat $CQ_PARAM/owners)" "owners"
	expect_errno "load_module_again owners=," EINVAL
}

load_module_again()
{
	rmmod ib_core_cq_poll
	insmod "$(module_file ib_core_cq_poll)" "$@"
}

# The management queues of the devices, which are there without any user.
management()
{
	load_module ib_core_cq_poll owners= || fail "it does not load without a filter"
	rdma_up
	cq_on
	expect_ge "$(cq_sum armed ib_core)" 1 "management queues armed"
	# Those of a new device were made before we were told of it.
	rdma_link del rxe1 || fail "rxe1 can't be removed"
	expect_eq 0 "$(grep -c '^rxe1 ' $CQ_STAT)" "queues of a removed device"
	rdma_link_add 1
	expect_ge "$(grep -c '^rxe1 ' $CQ_STAT)" 1 "queues of a new device"
	echo '!ib_core' >$CQ_PARAM/owners
	expect_eq 0 "$(cq_queues)" "queues"
	cq_off
	echo '' >$CQ_PARAM/owners
}

# More than the table has room for: a page. It says how many are left out.
many()
{
	load_module_again owners= || fail "it does not load without a filter"
	knob_n=2
	while [ $knob_n -lt 50 ]; do
		ip link add type veth || fail "no veth$knob_n"
		defer "ip link del veth$knob_n"
		for knob_now in $knob_n $((knob_n + 1)); do
			ip link set veth$knob_now up
			rdma_link_add $knob_now
		done
		knob_n=$((knob_n + 2))
	done
	knob_devices=$(find /sys/class/infiniband/ -mindepth 1 | wc -l)
	cq_on
	wait_for 20 'grep -q "^# .* more$" $CQ_STAT' || fail "nothing is left out: $(cat $CQ_STAT)"
	knob_left=$(sed -n 's/^# \(.*\) more$/\1/p' $CQ_STAT)
	expect_ge "$(cq_queues)" 20 "queues in the table"
	expect_eq "$knob_devices" $(($(cq_queues) + knob_left)) "queues in the table and left out"
	expect_eq "# $knob_left more" "$(tail -n 1 $CQ_STAT)" "last line"
	cq_off
}

# Two queues of a thread: a function for a completion of one destroys the other, and makes
# another one.
nested()
{
	load_module cq_late || fail "cq_late does not load"
	defer "rmmod cq_late"
	cq_on
	echo 1 >$CQ_LATE/again
	echo 1 >$CQ_LATE/qp || fail "no queue pair"
	expect_eq 1 "$(grep -c cq_late $CQ_STAT)" "queues"
	for _ in 1 2 3; do
		echo 1 >$CQ_LATE/nest || fail "the function does not return"
	done
	expect_eq 2 "$(grep -c cq_late $CQ_STAT)" "queues with the one that was made last"
	wait_for 20 '[ "$(cq_sum completions cq_late)" -ge 3 ]' ||
		fail "completions polled: $(cq_sum completions cq_late)"
	cq_off
}

# A queue that gets its queue pair when we had looked for it more than once.
late()
{
	load_module cq_late || fail "cq_late does not load"
	defer "rmmod cq_late"
	cq_on
	sleep 4
	expect_eq 0 "$(grep -c cq_late $CQ_STAT)" "queues without a queue pair"
	echo 1 >$CQ_LATE/qp || fail "no queue pair"
	wait_for 20 'grep -q cq_late $CQ_STAT' || fail "the queue is not found"
	cq_off
}

# A program's queue, which has no queue pair: left alone for more than one reason.
user_space()
{
	uverbs_cq /dev/infiniband/uverbs0 >/tmp/uverbs_cq 2>&1 &
	defer "kill $! 2>/dev/null"
	wait_for 10 'grep -q made /tmp/uverbs_cq' || fail "no queue: $(cat /tmp/uverbs_cq)"
	echo Y >$CQ_PARAM/softirq
	cq_on
	cat $CQ_STAT
	expect_ge "$(cq_queues)" 1 "management queues"
	expect_eq 0 "$(awk '!/^#/ && $3 != "ib_core"' $CQ_STAT | wc -l)" "other queues"
	cq_off
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
}

# How many queues the program has made
knob_made()
{
	tail -n 1 /tmp/uverbs_cq
}

# A queue that exists is found while a program's come and go, beyond the first step of the
# search; and that ends, and does not look for numbers that nobody has.
destroyed_meanwhile()
{
	rdma_up
	uverbs_cq /dev/infiniband/uverbs0 again >/tmp/uverbs_cq 2>&1 &
	defer "kill $! 2>/dev/null"
	wait_for 60 '[ "$(knob_made)" -ge 5000 ]' || fail "no queues: $(cat /tmp/uverbs_cq)"
	load_module cq_late || fail "cq_late does not load"
	defer "rmmod cq_late"
	echo 1 >$CQ_LATE/qp || fail "no queue pair"
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load"
	knob_before=$(knob_made)
	for _ in 1 2 3 4 5; do
		cq_on
		expect_eq 1 "$(grep -c cq_late $CQ_STAT)" "queues that exist"
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			echo '' >$CQ_PARAM/devices || fail "queues are not looked for"
			expect_eq 0 "$(dmesg | grep -c 'queues beyond')" "warnings of too many queues"
		done
		cq_off
	done
	wait_for 60 '[ "$(knob_made)" -gt "$knob_before" ]' ||
		fail "the program has ended: $(cat /tmp/uverbs_cq)"
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
}

ktap_plan 15
ktap_case "off after loading" set_up
ktap_case "bad CPUs are refused" bad_cpus
ktap_case "good CPUs are taken" good_cpus
ktap_case "some of four CPUs" some_cpus
ktap_case "no thread" no_thread
ktap_case "one thread where two are wanted" one_thread
ktap_case "the thread's memory does not wait for I/O" no_io
ktap_case "statistics of nothing" stat
ktap_case "bad parameters are refused" parameters
ktap_case "management queues only when wanted" management
ktap_case "more queues than the table has room for" many
ktap_case "queues that get a queue pair later" late
ktap_case "queues come and go in functions for completions" nested
ktap_case "queues of user space are left alone" user_space
ktap_case "queues of user space come and go" destroyed_meanwhile
ktap_done
