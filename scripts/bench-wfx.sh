#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# VMs that idle in WFI, trapped against left to the guest: bench-wfx.sh [--quick]
# [--kernel SERIES]
#
# Boots arm64 hosts in which KVM runs VMs, one at a time, and writes
# build/results/wfx.json. Exit status 1 when an arm is void or a case failed; ratios
# are reported, not judged. Let nothing else run meanwhile.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/bench.sh"

SERIES=6.12
ROUNDS=6
COUNT=500
NAME=bench-wfx

# What distinguishes the boots: run, arms, cases of which there must be figures, kernel
# command line. KVM has a policy of its own from 6.12 on, for the whole host and from boot
# to boot. The counted runs have one CPU whose time is the instructions that it executes. For
# the path of an IPI each instruction is logged: CPUs take turns there, so what counts is what
# each of them executes and not when.
runs()
{
	echo 'alternating|trapped masked|timer ipi other|'
	echo 'counted|trapped masked|counted|'
	echo 'path-trapped|trapped|path|'
	echo 'path-masked|masked|path|'
	[ "$SERIES" != 6.1 ] || return 0
	echo 'policy|policy|timer ipi|kvm-arm.wfi_trap_policy=notrap'
	echo 'counted-policy|policy|counted|kvm-arm.wfi_trap_policy=notrap'
	echo 'path-policy|policy|path|kvm-arm.wfi_trap_policy=notrap'
}

quick()
{
	ROUNDS=2
	COUNT=100
}

# one_run RUN ARMS CASES APPEND: a failed boot is reported by the reducer.
one_run()
{
	local machine=(--smp 2 --append "isolcpus=1 $4") rounds=$ROUNDS get=bench.txt

	case $1 in
	# The same work takes the same time there.
	counted*)
		machine=(--icount --allow-stall --append "$4")
		rounds=2
		;;
	path-*)
		machine=(--smp 2 --icount --trace --allow-stall --append "$4")
		rounds=1 get=kallsyms
		;;
	esac
	say "$1: $2"
	begin_run "$NAME/$1"
	"$CVM_TOP/scripts/vm-run.sh" --guest arm64-host --kernel "$SERIES" "${machine[@]}" \
		--timeout 600 --name "$NAME/$1" --param "WFX_ARMS=$2" --param "WFX_CASES=$3" \
		--param "WFX_ROUNDS=$rounds" --param "WFX_COUNT=$COUNT" \
		--get "$get" --quiet wfx_trap/bench.sh </dev/null || true
	[ "$get" = bench.txt ] || count_path "$CVM_BUILD/results/$NAME/$1" "$2"
}

# count_path FOLDER ARM: the log of a run is large and goes again.
count_path()
{
	rm -f "$1/bench.txt"
	if [ -f "$1/trace.log" ]; then
		python3 "$CVM_TOP/scripts/wfx_path.py" --arm "$2" --top 40 "$1" >"$1/bench.txt" \
			2>"$1/path.txt" || rm -f "$1/bench.txt"
		rm -f "$1/trace.log"
	fi
}

bench_options kernel "$@"
selected=$(runs)
while IFS='|' read -r run arms cases append; do
	one_run "$run" "$arms" "$cases" "$append"
done <<<"$selected"
python3 "$CVM_TOP/scripts/bench_wfx.py" "${QUICK[@]}" --out "$CVM_BUILD/results/wfx.json" \
	"$CVM_BUILD/results/$NAME" <<<"$selected"
