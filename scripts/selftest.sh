#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Self-tests of the guest harness and of the benchmarks' reducers; prints KTAP.
#
#   selftest.sh              everything
#   selftest.sh recorded     the recorded logs of scripts/testdata, judged by
#                            the code that judges real runs (a second)
#   selftest.sh reducers     recorded figures of each benchmark, reduced again (seconds)
#   selftest.sh errors       wrong options, guests, kernels (seconds)
#   selftest.sh net          network namespaces, also when interrupted
#   selftest.sh live         guests that fail in known ways (about two minutes)
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

SUM=$CVM_TOP/scripts/ktap-sum.py
RUN=$CVM_TOP/scripts/vm-run.sh
NETNS=$CVM_TOP/scripts/netns.sh
SAME_ARMS=$CVM_TOP/scripts/same-arms.py
RESULTS=$CVM_BUILD/results
NAME=selftest-$$
WORK=$(mktemp -d)
N=0
FAILED=0
trap 'rm -rf "$WORK" "$RESULTS/$NAME"' EXIT

# check NAME CMD...: one result; what CMD printed is shown when it fails.
check()
{
	local name=$1 rc

	shift
	N=$((N + 1))
	# Not as a condition: that would switch off set -e inside.
	set +e
	(
		set -e
		"$@"
	) >"$WORK/output" 2>&1
	rc=$?
	set -e
	if [ $rc = 0 ]; then
		echo "ok $N $name"
	else
		FAILED=$((FAILED + 1))
		sed 's/^/# /' "$WORK/output"
		echo "not ok $N $name"
	fi
}

# says STATUS TEXT CMD...: CMD ends with STATUS and one line holds TEXT.
says()
{
	local want=$1 text=$2 rc=0

	shift 2
	"$@" >"$WORK/said" 2>&1 || rc=$?
	cat "$WORK/said"
	if [ "$rc" != "$want" ]; then
		echo "exit status $rc, wanted $want"
		return 1
	fi
	grep -q -F -- "$text" "$WORK/said" || {
		echo "nothing said about: $text"
		return 1
	}
}

recorded()
{
	local dir

	for dir in "$CVM_TOP"/scripts/testdata/*/; do
		[ "$dir" != "$CVM_TOP/scripts/testdata/reducers/" ] || continue
		check "recorded: $(basename "$dir")" "$SUM" --expect "${dir%/}"
	done
	check "silence of three seconds" silence 3 0 0
	check "silence of five seconds, of all CPUs" silence 5 0 2
	check "silence while frozen" silence 6 5.5 0
	check "silence that began long before" silence 8 3 2
	check "silence while frozen, for too long" silence 25 25 2
}

# silence SECONDS FROZEN STALLS: a guest that is silent for that long and then says how
# long it was frozen on purpose is a stall, or not.
silence()
{
	PYTHONPATH=$CVM_TOP/scripts python3 -B - "$@" <<-'EOF'
		import sys
		from vm import supervise

		class Sup:
		    started = 100.0
		    def registers(self): return []
		    def withheld(self): return {"main": 0.0, 0: 0.0, 1: 0.0, "late": 0.0}
		    def withheld_before(self, ago): return self.withheld()

		silent, frozen, stalls = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
		beat = supervise.Heartbeat(Sup())
		beat.data(b"beat 1 5000 0 100\n", 105.0)
		beat.check(105.0 + silent - 0.1)
		now = 105.0 + silent
		beat.data(f"beat 2 {5000 + silent * 1000:.0f} 0 {silent * 1000:.0f}\n".encode(), now)
		beat.frozen(frozen, now + 0.1)
		beat.settle()
		found = sum(gap.is_stall() for gap in beat.gaps)
		sys.exit(f"{found} stalls in {beat.gaps}" if found != stalls else 0)
	EOF
}

reducers()
{
	local file name data=testdata/reducers/ctrl

	for file in "$CVM_TOP"/scripts/bench_*.py; do
		name=$(basename "$file" .py)
		[ "$name" != bench_common ] || continue
		check "reducers: ${name#bench_}" python3 "$CVM_TOP/scripts/reducers.py" check "${name#bench_}"
	done
	# That this would be noticed:
	broken_reducer "a result is renamed" "cmd_rate_ratio: wanted" \
		bench_ctrl.py 's/"cmd_rate_ratio"/"rate_ratio"/'
	broken_reducer "an argument is forgotten" "TypeError" bench_ctrl.py 's/, table))$/))/'
	broken_reducer "a bar has no figure" "ended with 1: " bench_ctrl.py 's/("cpu_share_ratio"/("share_ratio"/'
	broken_reducer "a row is not looked for" "ended with 0, not with 1" \
		bench_common.py 's/if not any(/if not self.rounds and not any(/'
	broken_reducer "a figure is renamed" "KeyError" $data/alternating/bench.txt 's/device_us/us/'
	broken_reducer "a row is missing" "figures of virtio_net filter are missing" \
		$data/alternating/bench.txt '/case=filter arm=virtio_net /d'
}

# broken_reducer NAME TEXT FILE SED: the check fails with TEXT when FILE is changed like that.
broken_reducer()
{
	local copy=$WORK/reducers

	rm -rf "$copy"
	mkdir -p "$copy/testdata/reducers"
	cp "$CVM_TOP"/scripts/{reducers,bench_common,bench_ctrl}.py "$copy/"
	cp -r "$CVM_TOP/scripts/testdata/reducers/ctrl" "$copy/testdata/reducers/"
	sed -i "$4" "$copy/$3"
	check "reducers: noticed when $1" says 1 "$2" python3 "$copy/reducers.py" check ctrl
}

# error NAME TEXT OPTIONS...: a usage error: status 2 and one sentence.
error()
{
	local name=$1 text=$2

	shift 2
	check "error: $name" says 2 "$text" "$RUN" "$@"
}

# conformance SED WANT: the page, changed like that, is not accepted, for that reason.
conformance()
{
	local top=$WORK/conformance page=Documentation/conformance.rst

	rm -rf "$top"
	mkdir -p "$top/Documentation" "$top/kunit/vnetsim" "$top/tests" "$top/scripts"
	ln -s "$CVM_TOP/scripts/conformance.tsv" "$top/scripts/"
	ln -s "$CVM_TOP"/tests/{vnetsim,virtio_net_cvm,lib} "$top/tests/"
	ln -s "$CVM_TOP"/kunit/*.c "$top/kunit/"
	ln -s "$CVM_TOP/kunit/vnetsim/main.c" "$top/kunit/vnetsim/"
	sed "$1" "$CVM_TOP/$page" >"$top/$page"
	! cmp -s "$CVM_TOP/$page" "$top/$page" || [ -z "$1" ]
	if [ -z "$2" ]; then
		python3 "$CVM_TOP/scripts/conformance.py" "$top"
	else
		says 1 "$2" python3 "$CVM_TOP/scripts/conformance.py" "$top"
	fi
}

errors()
{
	local smoke=tests/harness/smoke.sh

	error "no guest" "no --guest given" "$smoke"
	error "unknown guest" "unknown guest 'x86-tdx'" --guest x86-tdx "$smoke"
	error "unknown option" "--frobnicate" --guest x86-cvm --frobnicate "$smoke"
	error "abbreviated option" "--time" --guest x86-cvm --time 5 "$smoke"
	error "no user-mode network" "invalid choice: 'user'" --guest x86-cvm --net user "$smoke"
	error "no test" "no test given" --guest x86-cvm
	error "unknown test" "no test tests/harness/none.sh" --guest x86-cvm harness/none.sh
	error "test outside tests/" "not a path under tests/" --guest x86-cvm ../Makefile
	error "bad parameter" "must be NAME=VALUE" --guest x86-cvm --param 1x "$smoke"
	error "file outside /out" "must be a path below /out" --guest x86-cvm --get ../x "$smoke"
	error "server without network" "--serve needs --net tap" --guest x86-cvm --serve true "$smoke"
	error "card without network" "--queues needs --net tap" --guest x86-cvm --queues 2 "$smoke"
	error "property of the harness" "the harness sets mq itself" \
		--guest x86-cvm --net tap --nic mq=on "$smoke"
	error "unknown property" "has no such property" --guest x86-cvm --net tap --nic x=on "$smoke"
	error "too many queues" "--queues must be" --guest x86-cvm --net tap --queues 17 "$smoke"
	error "MMIO on x86" "only arm64 guests" --guest x86-cvm --net tap --nic-bus mmio "$smoke"
	error "unknown bus" "invalid choice: 'isa'" --guest x86-cvm --net tap --nic-bus isa "$smoke"
	error "tiny MTU" "--tap-mtu must be" --guest x86-cvm --net tap --tap-mtu 9 "$smoke"
	error "bad time-out" "must be positive" --guest x86-cvm --timeout 0 "$smoke"
	error "icount and KVM" "--icount counts emulated" --guest x86-cvm --icount --accel kvm "$smoke"
	check "error: unknown kernel" says 1 "unknown kernel '5.4-amd64'" \
		"$RUN" --guest x86-cvm --kernel 5.4 "$smoke"
	check "error: kernel not fetched" says 1 "not in the cache" \
		env CVM_CACHE="$WORK/empty" "$RUN" --guest x86-cvm "$smoke"
	check "error: unknown kernel module" says 1 "has no module no_such" \
		"$RUN" --guest x86-cvm --no-build --name "$NAME/mod" --mod no_such "$smoke"
	mkdir "$WORK/other"
	check "error: a cache that is none is not removed" says 1 "is no cache of ours" \
		env CVM_CACHE="$WORK/other" "$CVM_TOP/scripts/kernels.sh" clean
	check "help: what moves an interface says how" says 0 "IFNAME virtio_net_cvm|virtio_net" \
		"$CVM_TOP/scripts/cvmnet-bind.sh" --help
	check "help: of a benchmark" says 0 "bench-cq.sh [--quick|" \
		"$CVM_TOP/scripts/bench-cq.sh" --help
	check "a benchmark takes no figures of an earlier boot" stale_record
	check "no user-mode networking anywhere" no_user_net
	check "the same options, the same command line" same_argv
	check "guests differ in what they should differ in" arms_differ
	check "shell scripts of the guest are valid" guest_syntax
	check "conformance: the page" conformance '' ''
	check "conformance: no test, no reason" conformance '/^..STATUS-1../,/^$/{n;/Test/d};/:Not here: Status/d' 'neither a test nor a reason'
	check "conformance: no such case" conformance 's/each feature away/each feature/' "has no case 'each feature'"
	check "conformance: no such file" conformance 's,vnetsim/basic,vnetsim/basics,' 'there is no tests/vnetsim/basics.sh'
	check "conformance: no such rule" conformance 's/tx_mtu/tx_mut/' 'has no rule tx_mut'
	check "conformance: a rule that nobody looks at" conformance '/hostile.sh``: 39 frame-full/d' 'RXBUF-2: none of its tests watches its rule'
	check "conformance: another specification" conformance 's/MUST 35/MUST 34/' 'the specification: [35'
	check "conformance: a section missing" conformance '/^..QRESET-/,/^====/d' 'QRESET: a section of the specification that is not here'
	check "conformance: a number missing" conformance 's/^\(..TX-\)3/\14/' 'expected number 3'
	check "conformance: a statement missing" conformance '/^..RSS-5../,/^$/d' '4 statements, 5 announced'
}

stale_record()
{
	local script

	for script in "$CVM_TOP"/scripts/bench-*.sh; do
		grep -q 'begin_run "' "$script" || {
			echo "$script does not begin its runs with begin_run"
			return 1
		}
	done
	. "$CVM_TOP/scripts/lib/bench.sh"
	mkdir -p "$RESULTS/$NAME/stale"
	echo '{"success": true}' >"$RESULTS/$NAME/stale/run.json"
	begin_run "$NAME/stale"
	[ ! -e "$RESULTS/$NAME/stale/run.json" ]
	grep -x '[0-9]*' "$RESULTS/$NAME/stale/host_busy"
}

no_user_net()
{
	! grep -rnE -- '-netdev[" ,]+user|[^-]-nic |slirp|hostfwd' "$CVM_TOP/scripts/vm" \
		"$CVM_TOP/scripts/vm_run.py"
}

argv_of()
{
	"$RUN" --print-argv --name "$NAME/argv" "$@" | tr ' ' '\n'
}

same_argv()
{
	argv_of --guest x86-cvm --net tap >"$WORK/a"
	argv_of --guest x86-cvm --net tap >"$WORK/b"
	diff "$WORK/a" "$WORK/b"
}

# The only difference between the two arms is the word on the kernel's line.
arms_differ()
{
	argv_of --guest x86-cvm --net tap >"$WORK/a"
	argv_of --guest x86-plain --net tap >"$WORK/b"
	diff <(sed 's/x86-plain/x86-cvm/' "$WORK/b" | tr -d "'") \
		<(tr -d "'" <"$WORK/a") >"$WORK/d" || true
	cat "$WORK/d"
	[ "$(grep -c '^[<>]' "$WORK/d")" = 1 ]
	grep -q '^> swiotlb=force$' "$WORK/d"
}

guest_syntax()
{
	local file rc=0

	while read -r file; do
		busybox sh -n "$file" || rc=1
	done < <(find "$CVM_TOP/tests" -name '*.sh' -o -name init)
	return $rc
}

net_ns()
{
	check "net: made and removed" net_run
	check "net: removed when terminated" net_signal TERM
	check "net: removed when interrupted" net_signal INT
	check "net: swept after a kill" net_kill
}

net_run()
{
	# shellcheck disable=SC2016
	"$NETNS" run sh -c 'ip -o addr show tap0 | grep -q 10.77.0.1 && echo $CVM_NETNS' >"$WORK/ns"
	cat "$WORK/ns"
	! "$NETNS" list | grep -q -x "$(cat "$WORK/ns")"
}

# Start a run in its own namespace; sets HOLDER (its pid) and NS.
net_hold()
{
	local try

	rm -f "$WORK/ns"
	# A background job ignores SIGINT, and so would its children: python
	# undoes that.
	# shellcheck disable=SC2016
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$NETNS" run sh -c \
		'echo $CVM_NETNS >"$1"; exec sleep 60' sh "$WORK/ns" &
	HOLDER=$!
	for try in $(seq 100); do
		[ -s "$WORK/ns" ] && break
		sleep 0.1
	done
	NS=$(cat "$WORK/ns")
	"$NETNS" list | grep -q -x "$NS" || return "$try"
}

net_signal()
{
	net_hold
	kill -"$1" "$HOLDER"
	wait "$HOLDER" || true
	! "$NETNS" list | grep -x "$NS"
}

net_kill()
{
	net_hold
	kill -KILL "$HOLDER"
	wait "$HOLDER" || true
	"$NETNS" list | grep -q -x "$NS"
	"$NETNS" sweep
	! "$NETNS" list | grep -x "$NS"
}

# guest NAME OPTIONS...: the common part of the live runs.
guest()
{
	local name=$1

	shift
	"$RUN" --guest x86-cvm --name "$NAME/$name" --timeout 90 "$@"
}

# fault NAME TEXT OPTIONS...: the run fails and says TEXT.
fault()
{
	local name=$1 text=$2

	shift 2
	says 1 "$text" guest "$name" "$@" tests/harness/fault.sh
}

live()
{
	check "live: a good run with network" says 0 " 0 failed," guest good \
		--net tap --smp 4 --get smoke.txt tests/harness/smoke.sh
	check "live: the record of that run" good_record
	check "live: guest that dies at once" says 1 "problem: guest died" guest dead \
		--append rdinit=/bin/busybox tests/harness/smoke.sh
	check "live: QEMU that does not start" says 1 "problem: guest died" guest noqemu \
		--mem 3 tests/harness/smoke.sh
	check "live: WARN in a case" fault warn "problem: WARN:" --param FAULT=warn
	check "live: oops in a case" fault oops "problem: kernel oops:" --param FAULT=oops
	check "live: panic" fault panic "problem: kernel panic:" --param FAULT=panic
	check "live: hang" fault hang "problem: timeout: no end after 45 s in case 2 the fault" \
		--timeout 45 --param FAULT=hang
	check "live: script that is killed" fault truncated "problem: truncated KTAP:" \
		--param FAULT=kill
	# shellcheck disable=SC2016
	check "live: stall of one CPU" fault stall "problem: stall: cpu 1 silent" \
		--param "FAULT=irqsoff 9000" --param 'SETUP=taskset -p 2 $$'
	check "live: arms of a comparison that are the same" \
		"$SAME_ARMS" "$RESULTS/$NAME/warn" "$RESULTS/$NAME/oops"
	check "live: arms of a comparison that are not" says 1 "argv: only A has" \
		"$SAME_ARMS" "$RESULTS/$NAME/good" "$RESULTS/$NAME/oops"
	check "live: stall of the only CPU" fault stall1 "problem: stall: guest silent" --smp 1 \
		--param "FAULT=irqsoff 9000"
	check "live: allowed stall is reported" says 0 "note: stall: guest silent" guest allowed \
		--smp 1 --allow-stall --param "FAULT=irqsoff 9000" tests/harness/fault.sh
	check "live: host that is busy is not a stall" stopped_qemu
	check "live: QEMU that crashes while the guest boots" \
		crashed_qemu reboot skip 'Linux version' 0 "note: no test began, started again: QEMU crashed"
	check "live: guest that does not begin" says 1 "problem: timeout: no end after 20 s" \
		env CVM_START_TIME=20 "$RUN" --guest x86-cvm --name "$NAME/stuck" \
		--append cvm.stuck=1 tests/harness/smoke.sh
	check "live: it was started again" grep -q "note: no test began, started again: nothing in 20 s" \
		"$WORK/said"
	check "live: QEMU that crashes in a test" \
		crashed_qemu crash nap 'begin 2 the fault' 1 "problem: guest died"
	check "live: file that the guest does not deliver" says 1 "problem: missing file: none" \
		guest missing --get none tests/harness/smoke.sh
	check "live: terminated run leaves nothing" ended_run TERM
	check "live: killed run leaves no QEMU" ended_run KILL
	"$NETNS" sweep
}

good_record()
{
	python3 - "$RESULTS/$NAME/good" <<-'EOF'
		import json, os, sys
		run = json.load(open(os.path.join(sys.argv[1], "run.json")))
		assert run["success"] and run["failed"] == 0, "verdict"
		assert "iommu_platform=on" in " ".join(run["argv"]), "argv"
		assert "swiotlb=force" in run["facts"]["cmdline"], "cmdline as the guest saw it"
		assert run["facts"]["release"] == run["kernel"]["release"], "kernel release"
		assert run["facts"]["cpus_online"] == "0-3", "CPUs"
		for key in ("clocksource", "cpu_model", "idle_driver", "guest_type"): assert run["facts"][key], key
		assert any("driver=virtio_net" in v for v in run["facts"].values()), "features"
		assert run["kernel"]["hz"] and run["qemu"] and run["duration_s"], "kernel, QEMU"
		assert run["heartbeat"]["beats"], "heartbeat"
		assert open(os.path.join(sys.argv[1], "smoke.txt")).read() == "hello\n", "file"
	EOF
}

# printed RUN MARK: wait until the guest has printed that.
printed()
{
	local try

	for try in $(seq 600); do
		! grep -q "$2" "$RESULTS/$NAME/$1/dmesg.txt" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "the guest did not print '$2' ($try tries)"
	return 1
}

# pid of the QEMU of run $1, once its test is in the case that hangs
qemu_of()
{
	printed "$1" 'begin 2 the fault' || return
	sleep 2
	pgrep -f "^qemu-system-x86_64 .*/$NAME/$1/initrd"
}

# crashed_qemu RUN FAULT MARK RC TEXT: QEMU aborts once its guest has printed MARK.
crashed_qemu()
{
	local runner

	rm -f "$RESULTS/$NAME/$1/dmesg.txt"
	says "$4" "$5" guest "$1" --param "FAULT=$2" tests/harness/fault.sh &
	runner=$!
	printed "$1" "$3" || true
	pkill -ABRT -f "^qemu-system-x86_64 .*/$NAME/$1/initrd" || echo "no QEMU"
	wait $runner
}

# QEMU gets no processor for a while: the guest is silent and not to blame.
stopped_qemu()
{
	local pid runner

	guest stopped --param FAULT=nap tests/harness/fault.sh >"$WORK/stopped" 2>&1 &
	runner=$!
	pid=$(qemu_of stopped)
	kill -STOP "$pid"
	sleep 8
	kill -CONT "$pid"
	wait $runner || {
		cat "$WORK/stopped"
		return 1
	}
	cat "$WORK/stopped"
	grep -q 'note: guest silent for .* the host was busy' "$WORK/stopped"
}

ended_run()
{
	local pid runner ns try

	python3 -B "$CVM_TOP/scripts/vm_run.py" --guest x86-cvm --name "$NAME/ended" --net tap \
		--param FAULT=hang tests/harness/fault.sh >"$WORK/ended" 2>&1 &
	runner=$!
	pid=$(qemu_of ended)
	ns=$("$NETNS" list | grep "^cvm-$runner-")
	kill -"$1" $runner
	wait $runner || true
	for try in $(seq 50); do
		[ -d "/proc/$pid" ] || break
		sleep 0.1
	done
	cat "$WORK/ended"
	[ ! -d "/proc/$pid" ] || {
		echo "QEMU lives on ($try tries)"
		return 1
	}
	[ "$1" = KILL ] || ! "$NETNS" list | grep -x "$ns"
}

case ${1:-all} in
all) recorded; reducers; errors; net_ns; live ;;
recorded | reducers | errors | live) "$1" ;;
-h | --help)
	script_help
	exit 0
	;;
net) net_ns ;;
*) usage_die "unknown part '$1'; known: recorded reducers errors net live" ;;
esac
echo "1..$N"
echo "selftest: $((N - FAILED)) passed, $FAILED failed, 0 skipped"
[ $FAILED = 0 ]
