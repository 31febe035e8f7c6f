# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# 4 KiB writes over NFS and RDMA, with completion events that come late (cq_delay), polled
# and not: latency of one at a time, and how many four writers do a second (fio). Figures go
# to /out/cq.txt; scripts/bench_cq.py reads them. Parameters: BENCH_ROUNDS, BENCH_SECONDS,
# BENCH_DELAYS, BENCH_MANY (delays that four writers are measured with), BENCH_ARMS,
# BENCH_PAUSES (us before each write), CQ_CPU. Rounds are short, so that whatever the host
# does in between meets all arms alike.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/rdma.sh

BENCH_ROUNDS=${BENCH_ROUNDS:-4}
BENCH_SECONDS=${BENCH_SECONDS:-1}
BENCH_ARMS=${BENCH_ARMS:-native hybrid always fixed}
BENCH_PAUSES=${BENCH_PAUSES:-0}
BENCH_DELAYS=${BENCH_DELAYS:-0 50 100 200}
BENCH_MANY=${BENCH_MANY:-0 100}
DELAY=/sys/kernel/debug/cq_delay

set_up()
{
	rdma_up
	nfs_server_up
	nfs_mount 0 "${NFS_VERSION:-4.2}"
	load_module ib_core_cq_poll || fail "ib_core_cq_poll does not load"
	load_module cq_delay || fail "cq_delay does not load"
	: >/out/cq.txt
	cat $CQ_PARAM/idle_us >/tmp/idle_us
	bench_one native 0 0 warm
	bench_one hybrid 0 0 warm
}

# bench_arm ARM: how the queues are handled from now on. "fixed" is what the reference
# does: it polls for ever, and only queues that were made after it was switched on.
# "idleN" is hybrid with N for idle_us.
bench_arm()
{
	case $1 in
	idle*) bench_idle "${1#idle}" ;;
	always | fixed) bench_idle 0 ;;
	esac
	[ "$1" != fixed ] || nfs_umount 0
	[ "$1" = native ] || cq_on
	[ "$1" != fixed ] || nfs_mount 0 "${NFS_VERSION:-4.2}"
}

bench_idle()
{
	echo "$1" >$CQ_PARAM/idle_us || fail "idle_us is not taken"
}

# bench_begin ARM DELAY: with late events from now on
bench_begin()
{
	bench_arm "$1"
	echo "$2" >$DELAY/delay_us
	echo 1 >$DELAY/on
}

# bench_arm_end ARM: the end of both. Counts of an arm go on in its row, so that a knob
# without an effect shows.
bench_arm_end()
{
	bench_counts="events=$(cat $DELAY/events) polled=$(cq_sum completions)"
	echo 0 >$DELAY/on
	[ "$1" = native ] || cq_off
	bench_idle "$(cat /tmp/idle_us)"
}

bench_busy()
{
	awk '/^cpu / { print $2 + $3 + $4 + $6 + $7 + $8 }' /proc/stat
}

bench_poller()
{
	bench_pid=$(pidof "cqpoll/$CQ_CPU")
	[ -z "$bench_pid" ] && echo 0 && return
	awk '{ print $14 + $15 }' "/proc/$bench_pid/stat"
}

# bench_one ARM DELAY PAUSE ROUND
bench_one()
{
	bench_begin "$1" "$2"
	bench_c0=$(bench_busy)
	bench_p0=$(bench_poller)
	bench_t0=$(cut -d' ' -f1 /proc/uptime)
	dio_verify /mnt/0/bench write 1 "$BENCH_SECONDS" "$CQ_HANG" "$3" \
		>/tmp/bench.out 2>&1 || bench_failed=1
	bench_t1=$(cut -d' ' -f1 /proc/uptime)
	bench_c1=$(bench_busy)
	bench_p1=$(bench_poller)
	bench_arm_end "$1"
	[ -z "$bench_failed" ] || fail "$1, $2 us: $(cat /tmp/bench.out)"
	[ "$4" = warm ] || echo "arm=$1 delay=$2 pause=$3 round=$4 $(tr '\n' ' ' </tmp/bench.out)$bench_counts wall=$(
		awk "BEGIN { print $bench_t1 - $bench_t0 }") busy=$((bench_c1 - bench_c0)) poller=$((bench_p1 - bench_p0))" \
		>>/out/cq.txt
}

# bench_rounds CMD: for each round, with the arms in bench_order: in every other one they
# come the other way round
bench_rounds()
{
	bench_n=0
	while [ $bench_n -lt "$BENCH_ROUNDS" ]; do
		bench_order=$BENCH_ARMS
		[ $((bench_n % 2)) = 0 ] ||
			bench_order=$(printf '%s\n' $BENCH_ARMS | tac | tr '\n' ' ')
		"$1"
		bench_n=$((bench_n + 1))
	done
}

# bench_many ARM DELAY ROUND: writes a second of four writers
bench_many()
{
	bench_begin "$1" "$2"
	(rdma_fio 0 randwrite --name=many --size=128k --numjobs=4 --time_based \
		--runtime="$BENCH_SECONDS") >/tmp/bench.out 2>&1 || bench_failed=1
	bench_arm_end "$1"
	[ -z "$bench_failed" ] || fail "$1, $2 us, four writers: $(cat /tmp/bench.out)"
	# KiB written, and milliseconds
	awk -F';' -v head="arm=$1 delay=$2 writers=4 round=$3 $bench_counts" \
		'/^3;/ { print head, "ops=" $47 / 4, "iops=" $47 / 4 * 1000 / $50 }' \
		/tmp/bench.out >>/out/cq.txt
}

round_many()
{
	for bench_delay in $BENCH_MANY; do
		for bench_a in $bench_order; do
			bench_many "$bench_a" "$bench_delay" $bench_n
		done
	done
}

round_one()
{
	for bench_delay in $BENCH_DELAYS; do for bench_pause in $BENCH_PAUSES; do
		for bench_a in $bench_order; do
			bench_one "$bench_a" "$bench_delay" "$bench_pause" $bench_n
		done
	done; done
}

# A mount that nobody uses.
idle()
{
	bench_arm hybrid
	sleep 1
	bench_p0=$(bench_poller)
	sleep 5
	bench_p1=$(bench_poller)
	pidof "cqpoll/$CQ_CPU" >/dev/null || fail "nobody polls"
	echo "case=idle idle_ticks=$((bench_p1 - bench_p0)) of=500" >>/out/cq.txt
	bench_arm_end hybrid
}

clean_up()
{
	unload_module cq_delay || fail "cq_delay does not unload"
	unload_module ib_core_cq_poll || fail "ib_core_cq_poll does not unload"
	nfs_umount 0
	nfs_server_down
}

ktap_plan 5
ktap_case "NFS over RDMA" set_up
ktap_case "latency of writes" bench_rounds round_one
ktap_case "writes a second" bench_rounds round_many
ktap_case "an idle mount" idle
ktap_case "unloading" clean_up
ktap_done
