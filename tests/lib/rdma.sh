# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the tests of ib_core_cq_poll share: two software RDMA devices, an NFS server
# and its mounts over RDMA in the same guest, load with verified data. Needs ktap.sh
# and module.sh, and a run with the options of rdma_options in scripts/check.sh.

RDMA_MODULES="crc32_generic veth rdma_rxe rpcrdma nfsd nfsv3 nfsv4"
CQ_KNOB=/sys/kernel/ib_core_poll_cpu
CQ_STAT=/sys/kernel/ib_core_poll_stat
CQ_PARAM=/sys/module/ib_core_cq_poll/parameters
# The test module with a queue of its own
CQ_LATE=/sys/module/cq_late/parameters
# Parameters of the run: seconds of load in each case, CPU that polls, seconds after which
# an operation hangs: NFS connects again after 5, 10, 20 and then each 30.
CQ_SECONDS=${CQ_SECONDS:-2}
CQ_CPU=${CQ_CPU:-1}
CQ_HANG=${CQ_HANG:-60}

# rdma_addr N: address of device rxeN
rdma_addr()
{
	echo "10.99.$1.1"
}

# Two devices, each on its end of a veth pair: what is done to one must not matter to
# the other.
rdma_up()
{
	for rdma_mod in $RDMA_MODULES; do
		# Some of them are built in in some kernels.
		module_file $rdma_mod >/dev/null || continue
		module_loaded $rdma_mod || load_module $rdma_mod || fail "$rdma_mod does not load"
	done
	ip link set lo up
	[ -d /sys/class/net/veth0 ] || ip link add type veth || fail "no veth"
	for rdma_n in 0 1; do
		ip addr add "$(rdma_addr $rdma_n)/24" dev veth$rdma_n 2>/dev/null
		ip link set veth$rdma_n up
		rdma_link_add $rdma_n
	done
}

rdma_link_add()
{
	[ -d "/sys/class/infiniband/rxe$1" ] || rdma_link add "rxe$1" "veth$1" ||
		fail "no RDMA device rxe$1"
}

# An NFS server for /export, with what exportfs and mountd would have told the kernel.
nfs_server_up()
{
	[ ! -f /proc/fs/nfsd/threads ] || [ "$(cat /proc/fs/nfsd/threads)" = 0 ] || return 0
	mkdir -p /export
	mount -t tmpfs -o size=256m export /export
	# It outlives the case, but must not hold the test's output.
	nfs_peer serve >/dev/null 2>&1 3>&- 4>&- &
	echo $! >/tmp/nfs_peer.pid
	mount -t nfsd nfsd /proc/fs/nfsd
	nfs_forever=4000000000
	for nfs_n in 0 1; do
		echo "nfsd $(rdma_addr $nfs_n) $nfs_forever guest" >/proc/net/rpc/auth.unix.ip/channel
	done
	# insecure, no_subtree_check, fsid=
	echo "guest /export $nfs_forever 9218 65534 65534 0" >/proc/net/rpc/nfsd.export/channel
	printf 'guest 1 \\x00000000 %s /export\n' $nfs_forever >/proc/net/rpc/nfsd.fh/channel
	echo 10 >/proc/fs/nfsd/nfsv4gracetime
	echo "rdma 20049" >/proc/fs/nfsd/portlist || fail "no RDMA port of nfsd"
	echo "${NFS_THREADS:-8}" >/proc/fs/nfsd/threads || fail "nfsd does not start"
	echo Y >/proc/fs/nfsd/v4_end_grace 2>/dev/null
}

# nfs_mount N VERSION: mount over device N at /mnt/N
nfs_mount()
{
	nfs_try_mount "$1" "$2" || fail "no NFS $2 mount over rxe$1"
}

# The same where it may fail: only the status tells.
nfs_try_mount()
{
	mkdir -p "/mnt/$1"
	nfs_addr=$(rdma_addr "$1")
	case $2 in
	3) nfs_opts="vers=3,nolock,mountproto=udp,mountport=20048,mountvers=3"
		nfs_type=nfs nfs_root=/export ;;
	*) nfs_opts="vers=$2,clientaddr=$nfs_addr"
		nfs_type=nfs4 nfs_root=/ ;;
	esac
	nfs_peer mount $nfs_type "$nfs_addr:$nfs_root" "/mnt/$1" \
		"$nfs_opts,proto=rdma,port=20049,addr=$nfs_addr${NFS_OPTS:+,$NFS_OPTS}"
}

nfs_server_down()
{
	echo 0 >/proc/fs/nfsd/threads
	kill "$(cat /tmp/nfs_peer.pid)"
}

nfs_umount()
{
	umount "/mnt/$1" || fail "/mnt/$1 can't be unmounted"
}

# Two mounts, each over its own device: NFS 4.2 over the first, 3 over the second.
nfs_up()
{
	rdma_up
	nfs_server_up
	nfs_mount 0 4.2
	nfs_mount 1 3
}

nfs_down()
{
	nfs_umount 0
	nfs_umount 1
	nfs_server_down
}

# cq_reload [PARAM...]: unload the module and load it again
cq_reload()
{
	unload_module ib_core_cq_poll || fail "it does not unload"
	load_module ib_core_cq_poll "$@" || fail "it does not load again"
}

# cq_load N MODE [THREADS [SECONDS]]: start load on mount N, and wait until it runs: a
# server that has just started lets nobody open files for a while.
cq_load()
{
	dio_verify "/mnt/$1/$2" "$2" "${3:-2}" "${4:-$CQ_SECONDS}" "$CQ_HANG" \
		>"/tmp/load.$1" 2>&1 &
	echo $! >"/tmp/load.$1.pid"
	# Not for the next case, when this one fails.
	defer "kill -9 $! 2>/dev/null"
	wait_for 60 "grep -q begun= /tmp/load.$1 || ! kill -0 $!" || fail "no load on mount $1"
}

# cq_load_end N: wait for it; all data was right and nothing hung
cq_load_end()
{
	wait "$(cat "/tmp/load.$1.pid")"
	cq_rc=$?
	note "mount $1: $(tr '\n' ' ' <"/tmp/load.$1")"
	[ $cq_rc = 0 ] || fail "load on mount $1 ended with status $cq_rc"
	grep -q samples= "/tmp/load.$1" || fail "load on mount $1 did nothing"
}

cq_load_stop()
{
	kill "$(cat "/tmp/load.$1.pid")"
	cq_load_end "$1"
}

# rdma_fio N RW OPTION...: become fio on mount N, with one line of results
rdma_fio()
{
	cq_mount=/mnt/$1 cq_rw=$2
	shift 2
	exec /put/fio --directory="$cq_mount" --rw="$cq_rw" --direct=1 --ioengine=psync --bs=4k \
		--thread --group_reporting --output-format=terse --terse-version=3 "$@"
}

# cq_fio N RW OPTION...: the same where what it reads is what it wrote, and nothing
# takes CQ_HANG seconds. What is lost as a whole it finds only while it still knows in which
# order it wrote, so not with --time_based, and not with reads alone.
cq_fio()
{
	rdma_fio "$@" --name=fio --size=64k --numjobs=2 --verify=crc32c --verify_fatal=1 \
		--max_latency="${CQ_HANG}s"
}

# cq_fio_figures FILE: what fio says: error, reads and writes in KiB and their longest in us
cq_fio_figures()
{
	awk -F';' '/^3;/ { print "error=" $5 " read=" $6 " max=" $15 " written=" $47 " max=" $56
		exit }' "$1"
}

# cq_fio_run N RW OPTION...: the same until its end
cq_fio_run()
{
	(cq_fio "$@") >/tmp/fio 2>&1 || fail "fio $2 on mount $1: $(grep -v '^3;' /tmp/fio)"
	note "mount $1: fio $2: $(cq_fio_figures /tmp/fio)"
	awk -F';' '/^3;/ { n = $6 + $47 } END { exit n == 0 }' /tmp/fio || fail "fio did nothing"
}

# cq_fio_load N: writes on stable storage, each read again a little later, until
# cq_fio_stop
cq_fio_load()
{
	cq_fio_run "$1" write
	cq_fio_was=$(stat -c %y /export/fio.0.0)
	cq_fio "$1" randwrite --sync=1 --verify_backlog=16 --loops=1000000 \
		>"/tmp/fio.$1" 2>&1 &
	echo $! >"/tmp/fio.$1.pid"
	defer "kill -9 $! 2>/dev/null"
	wait_for 20 '[ "$(stat -c %y /export/fio.0.0)" != "$cq_fio_was" ]' ||
		fail "no fio on mount $1: $(cat "/tmp/fio.$1")"
}

# cq_fio_stop N: all data was right, is so at the end, and nothing hung
cq_fio_stop()
{
	cq_pid=$(cat "/tmp/fio.$1.pid")
	kill "$cq_pid"
	# The shell may have heard of its end meanwhile: then it is no longer there.
	wait_for $((CQ_HANG + 10)) '! grep -q "^State:.[^Z]" /proc/$cq_pid/status' ||
		fail "fio on mount $1 hangs"
	wait "$cq_pid"
	cq_rc=$?
	note "mount $1: fio: $(cq_fio_figures "/tmp/fio.$1")"
	# 128: it was told to end.
	[ $cq_rc = 128 ] || fail "fio on mount $1 ended with status $cq_rc: $(grep -v '^3;' "/tmp/fio.$1")"
	grep -q '^3;' "/tmp/fio.$1" || fail "fio on mount $1 did nothing"
	cq_fio_run "$1" randread
}

# cq_cpu_can_go: CPU 1, in this case; it is back when the case ends
cq_cpu_can_go()
{
	cq_cpu_file=/sys/devices/system/cpu/cpu1/online
	[ -f $cq_cpu_file ] || skip "CPU 1 can't go offline"
	defer 'echo 1 >$cq_cpu_file'
}

cq_cpu_goes()
{
	echo 0 >$cq_cpu_file || fail "CPU 1 does not go offline"
}

# cq_cpu_comes QUEUES: and so many at least are polled again
cq_cpu_comes()
{
	echo 1 >$cq_cpu_file || fail "CPU 1 does not come online"
	wait_for 20 "[ \$(cq_queues) -ge $1 ]" || fail "no queues after CPU 1 came back"
}

# for_a_while CMD [TIMES]: again and again for CQ_SECONDS, and no less than TIMES (3)
for_a_while()
{
	cq_begin=$(date +%s)
	cq_times=0
	while [ $(($(date +%s) - cq_begin)) -lt "$CQ_SECONDS" ] || [ $cq_times -lt "${2:-3}" ]; do
		eval "$1"
		cq_times=$((cq_times + 1))
	done
	note "$cq_times times in $(($(date +%s) - cq_begin)) s"
}

# cq_sum COLUMN [OWNER]: sum of a column of the table
cq_sum()
{
	awk -v want="$1" -v owner="${2:-}" '
		/^# device/ { for (i = 2; i <= NF; i++) col[$i] = i - 1; next }
		/^#/ { next }
		owner == "" || $3 == owner { n += $col[want] }
		END { print n + 0 }' $CQ_STAT
}

cq_threads()
{
	cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^cqpoll/'
}

# expect_threads N WHAT: one that has ended may be seen for a moment still.
expect_threads()
{
	cq_wanted=$1
	wait_for 20 '[ "$(cq_threads)" = "$cq_wanted" ]' || expect_eq "$1" "$(cq_threads)" "$2"
}

cq_queues()
{
	grep -c -v '^#' $CQ_STAT
}

cq_on()
{
	echo "${1:-$CQ_CPU}" >$CQ_KNOB || fail "polling does not start"
}

cq_off()
{
	echo -1 >$CQ_KNOB || fail "polling does not stop"
	expect_eq 0 "$(cq_queues)" "queues kept after polling stopped"
	expect_eq 0 "$(sed -n 's/^# timing .* changing hands //p' $CQ_STAT)" "queues not given back"
}

# cq_asleep: wait until the threads sleep: nothing is looked at for a while
cq_asleep()
{
	wait_for 20 'cq_polls=$(cq_sum polls); usleep 200000
		[ "$(cq_sum polls)" = "$cq_polls" ]' || fail "the thread does not sleep"
}

# cq_trace: record the module's tracepoints until the case ends. Needs trace.sh.
cq_trace()
{
	trace_start ib_core_cq_poll
}

# cq_traced REGEX: how many such events were recorded
cq_traced()
{
	trace_count "cqpoll_$1"
}
