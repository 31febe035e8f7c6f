# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# NVMe over RDMA, whose initiator has its completions handled in softirqs: left alone by
# default, polled with bottom halves off when wanted. One of its queues it polls itself;
# that one is never touched. Every byte is checked.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/rdma.sh

NVMET=/sys/kernel/config/nvmet

set_up()
{
	need_module nvme_rdma
	need_module nvmet_rdma
	rdma_up
	load_module brd rd_nr=1 rd_size=16384 || fail "no RAM disk"
	load_module nvmet_rdma || fail "nvmet_rdma does not load"
	load_module nvme_rdma || fail "nvme_rdma does not load"
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load"
	mount -t configfs configfs /sys/kernel/config 2>/dev/null
	mkdir -p $NVMET/subsystems/test/namespaces/1 $NVMET/ports/1
	echo 1 >$NVMET/subsystems/test/attr_allow_any_host
	echo /dev/ram0 >$NVMET/subsystems/test/namespaces/1/device_path
	echo 1 >$NVMET/subsystems/test/namespaces/1/enable
	echo rdma >$NVMET/ports/1/addr_trtype
	echo ipv4 >$NVMET/ports/1/addr_adrfam
	rdma_addr 0 >$NVMET/ports/1/addr_traddr
	echo 4420 >$NVMET/ports/1/addr_trsvcid
	ln -s $NVMET/subsystems/test $NVMET/ports/1/subsystems/test || fail "no NVMe target"
	nvme_connect || fail "no NVMe connection"
	wait_for 10 '[ -b /dev/nvme0n1 ]' || fail "no NVMe device"
	mkdir -p /mnt/nvme
	ln -s /dev/nvme0n1 /mnt/nvme/randwrite.0
}

nvme_connect()
{
	echo "transport=rdma,traddr=$(rdma_addr 0),trsvcid=4420,nqn=test,nr_io_queues=2,nr_poll_queues=1" \
		2>/dev/null >/dev/nvme-fabrics
}

nvme_load()
{
	cq_load nvme randwrite 1 "${1:-60}"
}

# Both sides have queues of the RDMA core's pool, which may sleep.
pool_left_alone()
{
	cq_on
	expect_eq 0 "$(cq_queues)" "queues with the defaults"
	cq_off
	echo '!ib_core' >$CQ_PARAM/owners
}

left_alone()
{
	cq_on
	cq_before=$(cq_queues)
	expect_ge "$cq_before" 1 "queues of the target"
	nvme_load 1
	cq_load_end nvme
	cq_off
}

# Have each call of the initiator's completion function noted.
probe_done()
{
	trace_find kprobe_events || return 1
	echo 'p:cq_done nvme_rdma:nvme_rdma_recv_done' >$TRACING/kprobe_events || return 1
	defer "echo >$TRACING/kprobe_events"
	trace_start kprobes/cq_done
}

# How many of them by our thread have flags (third column) that fit: b or s where bottom
# halves are off; D where interrupts are, too, which the exception of a probe does on arm64.
done_calls()
{
	awk -v flags="$1" '$1 ~ /^cqpoll/ && /cq_done/ && $3 ~ flags { n++ } END { print n + 0 }' \
		$TRACING/trace
}

taken()
{
	probe_done || skip "this kernel has no kprobe events"
	cq_on
	cq_before=$(cq_queues)
	echo Y >$CQ_PARAM/softirq
	cat $CQ_STAT
	expect_ge "$(cq_queues)" $((cq_before + 2)) "queues with those of softirqs"
	expect_eq 0 "$(grep -c nvme_rdma $CQ_STAT)" "queues that the initiator polls itself"
	nvme_load
	usleep 1500000
	cq_load_stop nvme
	expect_ge "$(cq_sum completions)" 100 "completions polled"
	expect_ge "$(done_calls '[bsD]')" 50 "calls with bottom halves off"
	expect_eq 0 "$(done_calls '^[^bsD]*$')" "calls with bottom halves on"
	echo N >$CQ_PARAM/softirq
	expect_eq "$cq_before" "$(cq_queues)" "queues after those of softirqs went back"
	cq_off
}

toggled()
{
	cq_on
	nvme_load
	for _ in 1 2 3 4 5; do
		echo Y >$CQ_PARAM/softirq
		usleep 50000
		echo N >$CQ_PARAM/softirq
		usleep 50000
	done
	echo Y >$CQ_PARAM/softirq
	echo -1 >$CQ_KNOB
	cq_load_stop nvme
	cq_off
}

# With the parameters of this test.
nvme_reload()
{
	cq_reload owners='!ib_core' softirq=Y
}

unloaded()
{
	nvme_load
	for_a_while 'cq_on; usleep 50000; nvme_reload'
	cq_load_stop nvme
	expect_eq -1 "$(cat $CQ_KNOB)" "CPU after loading"
}

cpu_offline()
{
	cq_cpu_can_go
	nvme_load
	cq_on 1
	cq_before=$(cq_queues)
	for_a_while 'cq_cpu_goes
		expect_eq 0 "$(cq_queues)" "queues without a thread"
		usleep 50000
		cq_cpu_comes $cq_before
		usleep 50000'
	cq_load_stop nvme
	cq_off
}

# What was under way may fail, but not hang.
device_removed()
{
	cq_on
	nvme_load
	usleep 300000
	rdma_link del rxe0 || fail "rxe0 can't be removed"
	expect_eq 0 "$(grep -c '^rxe0' $CQ_STAT)" "queues of a removed device"
	kill "$(cat /tmp/load.nvme.pid)"
	wait "$(cat /tmp/load.nvme.pid)"
	expect_ne 3 $? "status of the load, 3 for one that hung"
	expect_eq 0 "$(sed -n 's/^wrong=//p' /tmp/load.nvme)" "wrong blocks"
	wait_for 10 '[ ! -e /sys/class/nvme/nvme0 ]' || fail "the initiator stays"
	rdma_link_add 0
	# The target's port does not outlive its device.
	rm $NVMET/ports/1/subsystems/test
	ln -s $NVMET/subsystems/test $NVMET/ports/1/subsystems/test || fail "no NVMe target"
	wait_for 30 nvme_connect || fail "no NVMe connection to the device that came back"
	wait_for 10 '[ -b /dev/nvme0n1 ]' || fail "no NVMe device"
	expect_ge "$(grep -c '^rxe0' $CQ_STAT)" 2 "queues of the device that came back"
	nvme_load 1
	cq_load_end nvme
	cq_off
}

clean_up()
{
	cq_on
	echo 1 >/sys/class/nvme/nvme0/delete_controller || fail "it does not disconnect"
	rm $NVMET/ports/1/subsystems/test
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
	unload_module nvme_rdma || fail "nvme_rdma does not unload"
}

ktap_plan 9
ktap_case "an NVMe disk over RDMA" set_up
ktap_case "queues of the pool are left alone by default" pool_left_alone
ktap_case "queues of softirqs are left alone" left_alone
ktap_case "queues of softirqs are polled when wanted" taken
ktap_case "they are taken and given back under load" toggled
ktap_case "the module is unloaded and loaded under load" unloaded
ktap_case "the CPU that polls goes and comes under load" cpu_offline
ktap_case "the device is removed under load and comes back" device_removed
ktap_case "disconnecting while they are polled" clean_up
ktap_done
