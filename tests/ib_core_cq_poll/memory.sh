# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Allocations that fail while queues are taken over, and memory that is not given back. On
# the test kernel: with fault injection and kmemleak=on.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/kmemleak.sh
. /tests/lib/rdma.sh

SLAB=/sys/kernel/debug/failslab

set_up()
{
	nfs_up
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load"
}

both()
{
	cq_load 0 randwrite 2 1
	cq_load 1 syncwrite 2 1
	cq_load_end 0
	cq_load_end 1
}

not_taken()
{
	sed -n 's/^# .*lack of memory \([0-9]*\),.*/\1/p' $CQ_STAT
}

can_fail()
{
	[ -d $SLAB ] && [ -e /proc/self/fail-nth ] || skip "this kernel has no fault injection"
	defer 'echo Y >$SLAB/ignore-gfp-wait'
	echo N >$SLAB/ignore-gfp-wait
	echo 0 >$SLAB/verbose
}

# write_failing N WHAT FILE: write to it while the Nth allocation of that fails. Prints 0
# once there are fewer. The files are open before, so that it is not theirs.
write_failing()
{
	sh -c 'exec 9>'"$3"' 8<>/proc/self/fail-nth
		echo '"$1"' >&8
		echo '"$2"' >&9
		read -r left </proc/self/fail-nth
		echo 0 >/proc/self/fail-nth
		[ "$left" -gt 0 ] && echo 0 || echo 1' 2>/dev/null
}

# Either there is an error and nothing is changed, or a queue that there is no memory for is
# left to the RDMA core.
existing()
{
	can_fail
	mem_errors=0 mem_native=0 mem_nth=1 mem_was=$(not_taken)
	while [ "$(write_failing $mem_nth "$CQ_CPU" $CQ_KNOB)" = 1 ]; do
		[ $mem_nth -lt 500 ] || fail "it never ends"
		if [ "$(cat $CQ_KNOB)" = -1 ]; then
			mem_errors=$((mem_errors + 1))
			expect_eq 0 "$(cq_queues)" "queues polled after an error"
		elif [ "$(not_taken)" -gt "$mem_was" ]; then
			mem_native=$((mem_native + 1)) mem_was=$(not_taken)
			expect_eq 7 "$(cq_queues)" "queues polled but for one"
			[ $mem_native -gt 2 ] || both
		fi
		cq_off
		mem_nth=$((mem_nth + 1))
	done
	note "$((mem_nth - 1)) allocations: $mem_errors errors, $mem_native times a queue left native"
	expect_ge "$mem_errors" 2 "errors"
	expect_ge "$mem_native" 4 "times that a queue was left native"
	cq_off
	cq_on
	both
	cq_off
}

# One that is made while there is none for us: it works as without us.
new()
{
	can_fail
	load_module cq_late || fail "cq_late does not load"
	defer "rmmod cq_late"
	cq_on
	mem_native=0 mem_nth=1 mem_was=$(not_taken)
	while [ "$(write_failing $mem_nth 1 $CQ_LATE/again)" = 1 ]; do
		[ $mem_nth -lt 500 ] || fail "it never ends"
		if [ "$(not_taken)" -gt "$mem_was" ]; then
			mem_native=$((mem_native + 1)) mem_was=$(not_taken)
			expect_eq 0 "$(grep -c cq_late $CQ_STAT)" "queues that there is no memory for"
			echo 1 >$CQ_LATE/qp || fail "no queue pair"
			echo 1 >$CQ_LATE/drain || fail "the queue pair can't be drained"
		fi
		mem_nth=$((mem_nth + 1))
	done
	note "$((mem_nth - 1)) allocations, $mem_native times the queue was left native"
	expect_ge "$mem_native" 1 "times that the queue was left native"
	echo 1 >$CQ_LATE/again || fail "no new queue"
	expect_eq 1 "$(grep -c cq_late $CQ_STAT)" "queues that there is memory for"
	echo 1 >$CQ_LATE/qp || fail "no queue pair"
	echo 1 >$CQ_LATE/drain || fail "the queue pair can't be drained"
	cq_off
}

# Loading fails, and leaves nothing.
loading()
{
	can_fail
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
	failalloc nth 3 insmod "$(module_file ib_core_cq_poll)" '' || fail "it is not as if nothing had been"
	[ ! -e $CQ_KNOB ] || fail "the knob is there"
	expect_threads 0 "threads"
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load"
}

clean_up()
{
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
	both
	nfs_down
	[ ! -e $KMEMLEAK ] || expect_no_leaks
}

ktap_plan 5
ktap_case "two mounts" set_up
ktap_case "no memory for queues in use" existing
ktap_case "no memory for a new queue" new
ktap_case "no memory for loading" loading
ktap_case "nothing is left behind" clean_up
ktap_done
