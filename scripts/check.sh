#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything that CI runs: a table of steps, two at a time, one result line
# each, and one line of totals at the end.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/bench.sh"
cd "$CVM_TOP"

STOCK=$(kernel_ids K_KIND=debian)
LOGS=$CVM_BUILD/check
JOBS=${CVM_CHECK_JOBS:-2}
STEP_TIMEOUT=${CVM_CHECK_TIMEOUT:-3600}

# --- the table ---------------------------------------------------------------
#
# step  NAME 'NEEDED STEPS' COMMAND   runs beside others
# alone NAME 'NEEDED STEPS' COMMAND   runs with nothing beside it (figures)
# guest NAME KERNEL-ID ARGS           alone: vm-run.sh with ARGS, modules built before
#
# A step passes when its command exits 0. Where its output closes with a line
# "N passed, N failed, N skipped", or holds such lines after "name: ", these
# are what it adds to the totals; otherwise it counts as one.
table()
{
	local id

	step deps '' scripts/deps.sh
	step kernels 'deps' 'scripts/kernels.sh fetch && scripts/kernels.sh fetch tools'
	step kunit-kernel 'kernels' 'scripts/kernels.sh fetch kunit-amd64'
	step fio 'kernels' 'scripts/fio.sh amd64 arm64'
	step style 'kernels' scripts/style.sh
	for id in $STOCK; do
		step "probes-$id" 'kernels' "scripts/probe.sh --check $id"
		step "modules-$id" 'kernels' "scripts/build-modules.sh --sparse $id"
	done
	step dkms 'kernels' scripts/dkms-check.sh
	id=kunit-amd64
	step "probes-$id" 'kunit-kernel' "scripts/probe.sh --check $id"
	step "modules-$id" 'kunit-kernel' "scripts/build-modules.sh --sparse $id"
	step models 'deps' scripts/model-check.sh
	step selftest-reducers 'deps' 'scripts/selftest.sh reducers'
	for id in recorded errors net; do
		step "selftest-$id" 'modules-6.12-amd64' "scripts/selftest.sh $id"
	done
	step selftest-live 'modules-6.12-amd64' 'scripts/selftest.sh live'
	step kunit 'modules-kunit-amd64' scripts/kunit.sh
	small_guest net-x86 6.1-amd64 "--guest x86-plain --net tap tests/harness/smoke.sh"
	small_guest net-arm64 6.1-arm64 "--guest arm64-cvm --net tap tests/harness/smoke.sh"
	small_guest net-host 6.12-arm64 "--guest arm64-host --net tap tests/harness/smoke.sh"
	ipi_steps
	net_steps
	cq_steps
	host_steps
	sim_steps
}

NET_NAME=nic
NET_SERVE="--net tap --serve 'nettest serve 7777 tap0' --mod 8021q"
# Smaller receive buffers than virtio_net's usual ones: for what may be put together,
# and for single packets only.
declare -A NET_BUFFERS
NET_BUFFERS[mergeable]='mrg_rxbuf=on'
NET_BUFFERS[big]='mrg_rxbuf=off'
NET_BUFFERS[small]='mrg_rxbuf=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_uso4=off,guest_uso6=off'

# net SERIES MACHINE BUS RING MODE BUFFERS PAIRS [PROPERTIES] TESTS: one guest.
net()
{
	local series=$1 machine=$2 bus=$3 ring=$4 mode=$5 buffers=$6 pairs=$7 packed=off smp=2
	local guest=x86-cvm arch=amd64 test tests=''

	# By itself the driver maps packets there, as nothing bounces.
	[ "$machine" != plain ] || guest=x86-plain
	[ "$machine" != arm64 ] || guest=arm64-cvm arch=arm64
	[ "$ring" != packed ] || packed=on
	[ "$pairs" -le 2 ] || smp=$pairs
	for test in $9; do
		tests+=" tests/virtio_net_cvm/$test.sh"
	done
	small_guest "$NET_NAME-$series-$machine-$bus-$ring-$mode-$buffers-$pairs" "$series-$arch" \
		"--guest $guest --smp $smp $NET_SERVE --nic-bus $bus --queues $pairs --nic packed=$packed,${NET_BUFFERS[$buffers]}$8 --param NET_MODE=$mode$tests"
}

# virtio_net_cvm: each value of each property with (nearly) each of every other one;
# check.sh --full has all of them together.
net_steps()
{
	local jumbo="--tap-mtu 9000 --param NET_MTU=9000"
	local debug="--guest x86-cvm --timeout 2400 $NET_SERVE --queues 2 --append kmemleak=on --param NET_GAP=10000 --param NET_ROUNDS=3"

	# With several queues QEMU's own RSS loses packets, whatever the driver.
	net 6.12 x86 pci split pool mergeable 1 ',rss=on,hash=on --param NET_UPS=200' 'traffic sysfs reconfig'
	net 6.12 plain pci split auto mergeable 2 '' 'traffic reconfig'
	net 6.12 plain port packed auto big 2 '' 'sysfs unplug'
	net 6.12 arm64 pci packed pool small 4 ' --append isolcpus=managed_irq,1' 'traffic affinity reconfig'
	net 6.12 arm64 mmio split stream mergeable 4 '' 'traffic rebind'
	net 6.1 x86 pci packed pool big 4 ",host_mtu=9000 $jumbo" 'traffic affinity reconfig'
	net 6.1 x86 port split stream small 1 '' 'traffic unplug suspend'
	net 6.1 arm64 pci split stream mergeable 2 '' 'rebind suspend sysfs'
	net 6.1 arm64 mmio packed pool big 2 '' 'traffic reconfig'
	net 6.12 x86 pci split pool mergeable 2 ",host_mtu=9000 $jumbo" 'rebind suspend reset'
	small_guest nic-kunit kunit-amd64 "$debug --param NET_MODES=pool tests/virtio_net_cvm/{traffic,reconfig,nomem,leaks}.sh"
	step guest-nic-udev 'modules-6.12-amd64' scripts/udev-guest.sh
	[ -n "$FULL" ] || return 0
	net 6.12 arm64 port split pool mergeable 2 '' 'unplug reset'
	small_guest nic-kunit-life kunit-amd64 "$debug --smp 4 --nic-bus port tests/virtio_net_cvm/{affinity,unplug,suspend,reset,leaks}.sh"
	small_guest every-nic-kunit kunit-amd64 "$debug tests/virtio_net_cvm/{rebind,nomem,leaks}.sh"
	net_full
}

net_full()
{
	local series machine ring modes mode buffers pairs NET_NAME=every

	for series in 6.12 6.1; do for machine in x86-pci plain-pci arm64-pci arm64-mmio; do
		modes="pool stream"
		[ "$machine" != plain-pci ] || modes=auto
		for ring in split packed; do for mode in $modes; do
			for buffers in mergeable small big; do for pairs in 1 2 4; do
				net "$series" "${machine%-*}" "${machine#*-}" $ring "$mode" $buffers $pairs '' \
					'traffic reconfig rebind suspend sysfs'
			done; done
		done; done
	done; done
}

# ib_core_cq_poll: software RDMA and NFS over it, all in one guest.
cq_steps()
{
	local rdma nvme dir=tests/ib_core_cq_poll

	rdma=$(rdma_options)
	nvme="$rdma --mod nvme_rdma --mod nvmet_rdma --mod brd"
	small_guest cq-x86 6.12-amd64 "--guest x86-cvm $nvme $dir/knob.sh $dir/softirq.sh"
	small_guest cq-arm64 6.1-arm64 "--guest arm64-cvm --fio $rdma $dir/nfs.sh"
	small_guest cq-kunit kunit-amd64 "--guest x86-cvm --append kmemleak=on $rdma --param CQ_SECONDS=1 $dir/memory.sh"
	small_guest cq-faults-x86 6.12-amd64 "--guest x86-cvm --fio $rdma $dir/{faults,soak}.sh"
	[ -n "$FULL" ] || return 0
	small_guest cq-cpus 6.12-amd64 "--guest x86-cvm --smp 4 $rdma $dir/knob.sh"
	guest cq-every-x86 6.1-amd64 "--guest x86-cvm --fio $nvme $dir/{knob,softirq,nfs}.sh"
	guest cq-every-arm64 6.12-arm64 "--guest arm64-cvm --fio $nvme $dir/{knob,softirq,nfs}.sh"
	guest cq-soak-kunit kunit-amd64 "--guest x86-cvm --append kmemleak=on $rdma --param CQ_SOAK=60 --param CQ_HANG=120 $dir/{knob,soak}.sh"
	guest cq-soak-6.1-arm64 6.1-arm64 "--guest arm64-cvm $rdma --param CQ_SOAK=60 $dir/soak.sh"
	guest cq-softirq-kunit kunit-amd64 "--guest x86-cvm $nvme $dir/softirq.sh"
	guest cq-faults-6.1-x86 6.1-amd64 "--guest x86-cvm --fio $rdma $dir/faults.sh"
	guest cq-faults-arm64 6.12-arm64 "--guest arm64-cvm --fio $rdma $dir/faults.sh"
	guest cq-faults-6.1-arm64 6.1-arm64 "--guest arm64-cvm --fio $rdma $dir/{knob,faults}.sh"
	guest cq-faults-kunit kunit-amd64 "--guest x86-cvm --append kmemleak=on --fio $rdma --param CQ_SECONDS=6 --param CQ_HANG=120 $dir/faults.sh"
	step bench-cq 'modules-6.12-amd64' 'scripts/bench-cq.sh --quick'
	step mutants-cq 'modules-6.12-amd64 modules-kunit-amd64' 'scripts/mutants.sh cq'
}

# wfx_trap and vtimer_mask on arm64 hosts, for KVM with and without VHE. Exits are
# counted there and no time is measured, so that they may run beside others.
host_steps()
{
	local knob=tests/wfx_trap/knob.sh timer=tests/vtimer_mask/timer.sh
	local tec=tests/vtimer_mask/tec.sh soak=tests/host_modules/soak.sh nvhe='--append kvm-arm.mode=nvhe'

	small_guest host-wfx-6.12 6.12-arm64 "--guest arm64-host $knob $tec"
	small_guest host-wfx-6.1 6.1-arm64 "--guest arm64-host $nvhe $knob"
	[ -n "$FULL" ] || return 0
	small_guest host-vtimer-6.12 6.12-arm64 "--guest arm64-host --param SOAK_SECONDS=5 $timer $soak"
	small_guest host-vtimer-6.1 6.1-arm64 "--guest arm64-host $nvhe $timer $tec"
	guest host-soak-6.12 6.12-arm64 "--guest arm64-host $nvhe --param SOAK_SECONDS=60 $knob $timer $soak"
	guest host-soak-6.1 6.1-arm64 "--guest arm64-host --param SOAK_SECONDS=60 $knob $timer $soak"
	step mutants-host 'modules-6.12-arm64 modules-kunit-amd64' 'scripts/mutants.sh host'
	alone bench-wfx 'modules-6.12-arm64' 'scripts/bench-wfx.sh --quick'
	alone bench-vtimer 'modules-6.12-arm64' 'scripts/bench-vtimer.sh --quick'
}

# Not the same in each commit, so that CI sees more, and the same again in that commit.
commit_seed()
{
	local commit

	commit=$(git rev-parse HEAD 2>/dev/null) || commit=1
	echo $((16#${commit:0:7}))
}

# The software device of kunit/vnetsim. Of what a hostile one does, one row of each kind in
# each mode, and a minute at random; all of it, and longer at random, by check.sh --full.
sim_steps()
{
	local slow="--param NET_GAP=10000" leaks=tests/virtio_net_cvm/leaks.sh
	local debug="--append kmemleak=on $slow"
	local slice="id-range-rx len-over csum-end"
	local mode ring kernel

	small_guest vnetsim-6.12 6.12-amd64 "--guest x86-cvm --mod 8021q tests/vnetsim/{control,queues,slow_device}.sh"
	small_guest vnetsim-6.1 6.1-amd64 "--guest x86-plain tests/vnetsim/basic.sh"
	small_guest vnetsim-moderation 6.12-amd64 "--guest x86-cvm tests/vnetsim/moderation.sh"
	small_guest hostile kunit-amd64 "--guest x86-cvm $slow --param SIM_ONLY='$slice' tests/vnetsim/hostile.sh"
	small_guest fuzz kunit-amd64 "--guest x86-cvm $slow --param FUZZ_MODES='pool stream' --param FUZZ_SEED=$(commit_seed) --param FUZZ_SECONDS=30 --param FUZZ_MUTATIONS=100 tests/vnetsim/fuzz.sh"
	[ -n "$FULL" ] || return 0
	for mode in pool stream; do
		small_guest "fuzz-$mode" kunit-amd64 "--guest x86-cvm $debug --param NET_MODE=$mode --param FUZZ_SEED=$RANDOM --param FUZZ_SECONDS=60 tests/vnetsim/fuzz.sh $leaks"
	done
	step mutants-net 'modules-6.12-amd64 modules-kunit-amd64' 'scripts/mutants.sh net'
	small_guest inner-hash 6.12-amd64 "--guest x86-cvm --smp 8 tests/vnetsim/inner_hash.sh"
	alone bench-ctrl 'modules-6.12-amd64' 'scripts/bench-ctrl.sh --quick'
	small_guest vnetsim-features 6.12-amd64 "--guest x86-cvm tests/vnetsim/features.sh"
	small_guest vnetsim-features-6.1 6.1-amd64 "--guest x86-plain tests/vnetsim/features.sh"
	small_guest vnetsim-features-kunit kunit-amd64 "--guest x86-cvm $debug tests/vnetsim/features.sh $leaks"
	small_guest vnetsim-control-6.1 6.1-amd64 "--guest x86-plain tests/vnetsim/control.sh"
	small_guest vnetsim-control-kunit kunit-amd64 "--guest x86-cvm $debug tests/vnetsim/control.sh $leaks"
	small_guest vnetsim-kunit kunit-amd64 "--guest x86-cvm $debug tests/vnetsim/{basic,queues}.sh $leaks"
	small_guest vnetsim-moderation-6.1 6.1-amd64 "--guest x86-plain tests/vnetsim/moderation.sh"
	small_guest vnetsim-moderation-kunit kunit-amd64 "--guest x86-cvm $debug tests/vnetsim/moderation.sh $leaks"
	step bench-dim 'modules-6.12-amd64' 'scripts/bench-dim.sh --quick'
	for kernel in 6.12 kunit; do for mode in pool stream; do for ring in 0 1; do
		guest "hostile-$kernel-$mode-$ring" "$kernel-amd64" "--guest x86-cvm $slow --param SIM_RINGS=$ring --param SIM_MODES=$mode tests/vnetsim/hostile{,_life}.sh --param SIM_PACKED=$ring --param NET_MODE=$mode"
	done; done; done
}

# ipi_passthrough in guests. The isolated CPUs are spared the kernel's own load
# balancing IPIs, which come at every tick and are not what is counted.
ipi_steps()
{
	local dir=tests/ipi_passthrough id
	local four="--smp 4 --append isolcpus=1-3 --param IPI_COUNT=500"
	local common="$dir/{knob,inject,softirq_hazard,hotplug,suspend}.sh"

	guest ipi-x86-6.12 6.12-amd64 "--guest x86-cvm $four $dir/hard_ipi.sh $common"
	guest ipi-arm64-6.1 6.1-arm64 "--guest arm64-cvm $four $dir/hard_ipi.sh $common"
	guest ipi-x86-6.1 6.1-amd64 "--guest x86-cvm $four $dir/{hard_ipi,knob,inject,hotplug}.sh"
	guest ipi-arm64-6.12 6.12-arm64 "--guest arm64-cvm $four $dir/{hard_ipi,knob,inject,softirq_hazard}.sh"
	for id in 6.12 6.1; do
		small_guest "wrap-x86-$id" "$id-amd64" "--guest x86-cvm --smp 3 tests/ipi_passthrough/wrap.sh"
		small_guest "wrap-arm64-$id" "$id-arm64" "--guest arm64-cvm --smp 3 tests/ipi_passthrough/wrap.sh"
	done
	small_guest ipi-plain 6.12-amd64 "--guest x86-plain tests/ipi_passthrough/knob.sh"
	small_guest refuses-poll 6.12-amd64 "--guest x86-cvm --append idle=poll tests/ipi_passthrough/refuses.sh tests/ipi_passthrough/softirq_hazard.sh"
	small_guest refuses-off 6.12-amd64 "--guest x86-cvm --append cpuidle.off=1 tests/ipi_passthrough/refuses.sh"
	small_guest refuses-single 6.12-amd64 "--guest x86-cvm --smp 1 tests/ipi_passthrough/refuses.sh"
	small_guest refuses-nohlt 6.12-arm64 "--guest arm64-cvm --append nohlt tests/ipi_passthrough/refuses.sh"
	small_guest sleep-x86 6.12-amd64 "--guest x86-cvm tests/ipi_passthrough/sleep.sh"
	small_guest sleep-arm64 6.12-arm64 "--guest arm64-cvm tests/ipi_passthrough/sleep.sh"
	alone guest-ends 'modules-6.12-amd64 modules-6.12-arm64' scripts/guest-ends.sh
	guest ipi-kunit kunit-amd64 "--guest x86-cvm --smp 4 --append isolcpus=1-3 $common"
	guest wrap-kunit kunit-amd64 "--guest x86-cvm --smp 3 tests/ipi_passthrough/wrap.sh"
	guest torture-kunit kunit-amd64 "--guest x86-cvm --smp 4 tests/ipi_passthrough/torture.sh"
	guest torture-arm64 6.12-arm64 "--guest arm64-cvm --smp 4 tests/ipi_passthrough/torture.sh"
	alone demo 'modules-6.12-amd64 modules-6.12-arm64' scripts/demo.sh
	[ -n "$FULL" ] || return 0
	guest ipi-every-x86 6.1-amd64 "--guest x86-cvm $four $dir/{softirq_hazard,suspend}.sh"
	guest ipi-every-arm64 6.12-arm64 "--guest arm64-cvm $four $dir/{hotplug,suspend}.sh"
	alone bench-ipi 'modules-6.12-amd64 modules-6.12-arm64' 'scripts/bench-ipi.sh --quick'
	alone bench-net-cost 'modules-6.12-amd64' 'scripts/bench-net-cost.sh --quick'
}

# --- running it --------------------------------------------------------------

declare -a ORDER=()
declare -A NEEDS=() COMMAND=() ALONE=() STATE=() BEGAN=() WANTED=() PIDS=()
PASSED=0 FAILED=0 SKIPPED=0

step()
{
	[ $# -eq 3 ] || die "check.sh: step needs a name, the needed steps and one command"
	[ -z "${COMMAND[$1]:-}" ] || die "check.sh: two steps are named $1"
	ORDER+=("$1")
	NEEDS[$1]=$2
	COMMAND[$1]=$3
	STATE[$1]=waiting
}

alone()
{
	step "$@"
	ALONE[$1]=1
}

# Polling vCPUs take all that the host has; beside them nothing is on time.
guest()
{
	small_guest "$@"
	ALONE[guest-$1]=1
}

# A guest that is short, or in which nothing is measured: beside others.
small_guest()
{
	step "guest-$1" "modules-$2" \
		"scripts/vm-run.sh --name check-$1 --kernel ${2%-*} --timeout 1800 $3"
}

usage()
{
	cat <<-END
		usage: check.sh [--full] [--list] [STEP...]
		  --full adds the benchmarks in short, what takes minutes, and every combination
		  of network card, kernel and driver mode (hours).
		  STEP may hold * and ?; the steps it needs are run first.
		  CVM_CHECK_JOBS (2) steps run at once; each may take CVM_CHECK_TIMEOUT (3600) s.
	END
}

want()
{
	local need

	[ -n "${COMMAND[$1]:-}" ] || die "check.sh: no step is named $1"
	[ -z "${WANTED[$1]:-}" ] || return 0
	WANTED[$1]=1
	for need in ${NEEDS[$1]}; do
		want "$need"
	done
}

choose()
{
	local pattern name found

	for pattern in "$@"; do
		found=''
		for name in "${ORDER[@]}"; do
			# shellcheck disable=SC2053
			[[ $name == $pattern ]] || continue
			want "$name"
			found=1
		done
		[ -n "$found" ] || usage_die "no step matches '$pattern'; see check.sh --list"
	done
}

# Prints ready, waiting or blocked.
readiness()
{
	local need result=ready

	for need in ${NEEDS[$1]}; do
		case ${STATE[$need]} in
		ok) ;;
		failed | blocked) echo blocked; return ;;
		*) result=waiting ;;
		esac
	done
	echo "$result"
}

start()
{
	BEGAN[$1]=$SECONDS
	STATE[$1]=running
	timeout -k 10 "$STEP_TIMEOUT" bash -c "${COMMAND[$1]}" \
		</dev/null >"$LOGS/$1.log" 2>&1 &
	PIDS[$!]=$1
}

# Add what a log says to the totals: count LOG EXIT_CODE
count()
{
	local p f s

	read -r p f s < <(awk '
		match($0, /[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
			split(substr($0, RSTART), w, /[ ,]+/)
			if (RSTART == 1) { tp = w[1]; tf = w[3]; ts = w[5] + 0; total = 1 }
			else if ($0 ~ /^[^ ]+: /) { p += w[1]; f += w[3]; s += w[5] }
		}
		END { if (total) print tp, tf, ts; else print p + 0, f + 0, s + 0 }' "$1")
	if [ "$2" -eq 0 ] && [ $((p + f + s)) -eq 0 ]; then
		p=1
	elif [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	fi
	PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) SKIPPED=$((SKIPPED + s))
	# Failed cases in a step that says it passed: believe the cases.
	[ "$2" -ne 0 ] || [ "$f" -eq 0 ]
}

finish()
{
	local name=$1 code=$2 took log=$LOGS/$1.log

	took=$((SECONDS - BEGAN[$name]))
	if count "$log" "$code" && [ "$code" -eq 0 ]; then
		STATE[$name]=ok
		printf 'ok     %s (%ds)\n' "$name" "$took"
		return
	fi
	STATE[$name]=failed
	[ "$code" -ne 124 ] || echo "check.sh: stopped after $STEP_TIMEOUT s" >>"$log"
	printf 'FAILED %s (%ds), exit code %d, %s:\n' "$name" "$took" \
		"$code" "${log#"$CVM_TOP"/}"
	# The verdict first, then what failed with its reason just before it, then the end.
	grep '^# problem:' "$log" | cut -c 1-400 | head -n 10 | sed 's/^/    /' || true
	grep -E -B 3 '^ *(not ok|# FAIL:)' "$log" | head -n 60 | sed 's/^/    | /' || true
	echo "    the end:"
	tail -n 25 "$log" | sed 's/^/    /'
}

block()
{
	STATE[$1]=blocked
	FAILED=$((FAILED + 1))
	printf 'FAILED %s: not run, because a step that it needs failed\n' "$1"
}

# Start what can start; sets LEFT while something is left to do, and BLOCKED
# where a step was given up.
schedule()
{
	local name

	LEFT='' BLOCKED=''
	for name in "${ORDER[@]}"; do
		[[ -n ${WANTED[$name]:-} && ${STATE[$name]} = waiting ]] || continue
		case $(readiness "$name") in
		blocked)
			block "$name"
			BLOCKED=1
			;;
		waiting) LEFT=1 ;;
		ready)
			LEFT=1
			if [ -n "${ALONE[$name]:-}" ] && [ ${#PIDS[@]} -gt 0 ]; then
				continue
			fi
			[[ ${#PIDS[@]} -lt $JOBS && -z $RUNNING_ALONE ]] || continue
			start "$name"
			RUNNING_ALONE=${ALONE[$name]:-}
			;;
		esac
	done
}

# What runs, when nothing was said for a minute.
still()
{
	local name

	[ $((SECONDS - SAID)) -ge 60 ] || return 0
	for name in "${PIDS[@]}"; do
		printf '...    %s (%ds): %s\n' "$name" $((SECONDS - BEGAN[$name])) \
			"$(tail -n 1 "$LOGS/$name.log" | tr -d '\r' | cut -c 1-100)"
	done
	SAID=$SECONDS
}

stop_all()
{
	local pid

	for pid in "${!PIDS[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	echo "check.sh: interrupted" >&2
	exit 130
}

run()
{
	local pid code ticker=''

	RUNNING_ALONE='' SAID=$SECONDS
	trap stop_all INT TERM
	while :; do
		schedule
		if [ ${#PIDS[@]} -eq 0 ]; then
			[ -n "$LEFT$BLOCKED" ] || break
			[ -n "$BLOCKED" ] || die "check.sh: these steps need each other"
			continue
		fi
		[ -n "$ticker" ] || { sleep 20 >/dev/null 2>&1 & ticker=$!; }
		code=0
		wait -n -p pid "${!PIDS[@]}" "$ticker" || code=$?
		if [ "$pid" = "$ticker" ]; then
			ticker=''
			still
			continue
		fi
		finish "${PIDS[$pid]}" "$code"
		unset "PIDS[$pid]"
		RUNNING_ALONE='' SAID=$SECONDS
	done
	trap - INT TERM
}

FULL=''
if [ "${1:-}" = --full ]; then
	FULL=1
	shift
fi
table
case ${1:-} in
-h | --help) usage; exit 0 ;;
--list) printf '%s\n' "${ORDER[@]}"; exit 0 ;;
-*) usage_die "unknown option '$1'; see check.sh --help" ;;
esac
if [ $# -gt 0 ]; then
	choose "$@"
else
	choose '*'
fi
mkdir -p "$LOGS"
run
echo "took $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
[ "$FAILED" -eq 0 ]
