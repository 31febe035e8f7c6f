# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Guest half of scripts/demo.sh: NFS over RDMA with slow completion events, before and
# after. Each command is shown before its output.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/demo.sh
. /tests/lib/rdma.sh

DELAY=/sys/kernel/debug/cq_delay

# demo_write LABEL: latency of writes while each event comes 100 us late
demo_write()
{
	echo 1 >$DELAY/on
	dio_verify /mnt/0/demo write 1 1 "$CQ_HANG" >/tmp/demo.io || fail "$(cat /tmp/demo.io)"
	demo_events=$(cat $DELAY/events)
	echo 0 >$DELAY/on
	note "  $(tr '\n' ' ' </tmp/demo.io)events=$demo_events"
	echo "when=$1 $(tr '\n' ' ' </tmp/demo.io)events=$demo_events" >>/out/demo.txt
}

before()
{
	say "NFS over RDMA as it comes, in a guest whose completion events come 100 us late."
	rdma_up
	nfs_server_up
	nfs_mount 0 4.2
	load_module cq_delay || fail "cq_delay does not load"
	echo 100 >$DELAY/delay_us
	show "grep /mnt/0 /proc/mounts | cut -c 1-60"
	: >/out/demo.txt
	note "\$ direct writes of 4 KiB, one at a time, for 1 s (latency in us)"
	demo_write before
}

after()
{
	say "Have CPU 1 poll. The queues that are in use are taken over."
	show "insmod /lib/cvm/ib_core_cq_poll.ko"
	show "echo 1 > /sys/kernel/ib_core_poll_cpu"
	note "\$ the same writes"
	demo_write after
	show "cut -c 1-70 /sys/kernel/ib_core_poll_stat"
}

back()
{
	say "And back: nothing was lost, every byte is compared."
	show "echo -1 > /sys/kernel/ib_core_poll_cpu"
	cq_load 0 randread 2 1
	cq_load_end 0
	show "rmmod ib_core_cq_poll"
	unload_module cq_delay || fail "cq_delay does not unload"
	nfs_umount 0
	nfs_server_down
}

ktap_case "before" before
ktap_case "after" after
ktap_case "go back" back
ktap_done
