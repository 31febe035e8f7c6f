# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# NFS over RDMA with and without polling: every byte is checked.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/rdma.sh

set_up()
{
	nfs_up
	cq_load 0 randwrite 2 1
	cq_load_end 0
}

nothing_changes()
{
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load"
	expect_eq -1 "$(cat $CQ_KNOB)" "CPU after loading"
	expect_eq 0 "$(cq_queues)" "queues taken over after loading"
	cq_load 0 syncwrite 2 1
	cq_load_end 0
	expect_eq 0 "$(cq_queues)" "queues taken over without being asked"
}

existing()
{
	cq_on
	cat $CQ_STAT
	expect_ge "$(cq_queues)" 4 "queues of the mounts"
	cq_load 0 randwrite
	cq_load 1 syncwrite
	cq_load_end 0
	cq_load_end 1
	cat $CQ_STAT
	expect_ge "$(cq_sum completions)" 100 "completions polled"
	cq_off
	cq_load 0 randread 2 1
	cq_load_end 0
}

# fio's patterns, on both versions of NFS: polled, and then again without.
patterns()
{
	cq_on
	for cq_n in 0 1; do
		cq_fio_run $cq_n randwrite --verify_backlog=16 --loops=1000000 \
			--runtime="$CQ_SECONDS"
		cq_fio_run $cq_n randwrite --sync=1 --verify_backlog=16 --loops=1000000 \
			--runtime="$CQ_SECONDS"
		cq_done=$(cq_sum completions)
		cq_fio_run $cq_n randread --time_based --runtime="$CQ_SECONDS"
		expect_ge $(($(cq_sum completions) - cq_done)) 10 "completions polled of reads"
	done
	cq_off
	cq_fio_run 0 randread
	cq_fio_run 1 randread
}

# Read and started anew while the threads count: nothing runs backwards or wild.
read_meanwhile()
{
	cq_on
	cq_load 0 randwrite
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		echo 1 >$CQ_STAT
		usleep 50000
		awk '!/^#/ { for (i = 5; i <= NF; i++) if ($i < 0 || $i > 1e12) exit 1
			if ($6 > 0 && ($7 < 1 || $9 < $8)) exit 1 }' $CQ_STAT ||
			fail "impossible counts: $(cat $CQ_STAT)"
	done
	cq_load_end 0
	expect_ge "$(cq_sum mean_ns)" 1 "time of polls"
	# Also where the thread sleeps: a moment without any completion is enough.
	cq_asleep
	wait_for 10 'echo 1 >$CQ_STAT; awk "!/^#/ { for (i = 5; i <= NF; i++) n += \$i }
		END { exit n > 0 }" $CQ_STAT' || fail "old counts: $(cat $CQ_STAT)"
	echo 0 >$CQ_STAT
	cq_off
}

# Each queue shows when it comes, when it goes and when it is destroyed.
traced()
{
	cq_trace
	cq_on
	cq_n=$(cq_queues)
	expect_ge "$(cq_traced "take: device=rxe[01] queue=[0-9]+ owner=[a-z_]* cpu=$CQ_CPU\$")" \
		"$cq_n" "queues that a thread was given"
	cq_load 0 randwrite 2 1
	cq_load_end 0
	wait_for 10 '[ $(cq_traced "sleep: cpu=$CQ_CPU queues=$cq_n ") -ge 1 ]' ||
		fail "the thread does not sleep"
	nfs_umount 1
	wait_for 10 '[ $(cq_traced "gone: device=rxe1 .*owner=rpcrdma") -ge 1 ]' ||
		fail "no queue was destroyed"
	nfs_mount 1 3
	cq_off
	expect_ge "$(cq_traced 'give_back: device=rxe0 .* cpu=-1$')" 4 "queues given back"
	expect_ge "$(cq_traced "wake: cpu=$CQ_CPU\$")" 1 "times that the thread was woken"
}

new()
{
	nfs_umount 0
	cq_on
	nfs_mount 0 4.2
	cq_load 0 randwrite
	cq_load_end 0
	cat $CQ_STAT
	expect_ge "$(grep -c '^rxe0 .*rpcrdma' $CQ_STAT)" 4 "queues of the new mount"
	expect_ge "$(awk '/^rxe0/ { n += $6 } END { print n + 0 }' $CQ_STAT)" 100 \
		"completions polled of the new mount"
	cq_off
}

clean_up()
{
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
	cq_load 0 randwrite 2 1
	cq_load_end 0
	nfs_down
}

ktap_plan 8
ktap_case "NFS over RDMA works" set_up
ktap_case "nothing changes when the module is loaded" nothing_changes
ktap_case "queues in use are taken over and given back" existing
ktap_case "random writes, writes on stable storage, random reads" patterns
ktap_case "statistics are read meanwhile" read_meanwhile
ktap_case "tracepoints" traced
ktap_case "new queues are taken over" new
ktap_case "NFS over RDMA works after unloading" clean_up
ktap_done
