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
# to boot. The counted runs have one CPU whose time is the instructions that it executes.
runs()
{
	echo 'alternating|trapped masked|timer ipi other|'
	echo 'counted|trapped masked|counted|'
	[ "$SERIES" != 6.1 ] || return 0
	echo 'policy|policy|timer ipi|kvm-arm.wfi_trap_policy=notrap'
	echo 'counted-policy|policy|counted|kvm-arm.wfi_trap_policy=notrap'
}

quick()
{
	ROUNDS=2
	COUNT=100
}

# one_run RUN ARMS CASES APPEND: a failed boot is reported by the reducer.
one_run()
{
	local machine=(--smp 2 --append "isolcpus=1 $4") rounds=$ROUNDS

	# The same work takes the same time there.
	if [[ $1 = counted* ]]; then
		machine=(--icount --allow-stall --append "$4")
		rounds=2
	fi
	say "$1: $2"
	begin_run "$NAME/$1"
	"$CVM_TOP/scripts/vm-run.sh" --guest arm64-host --kernel "$SERIES" "${machine[@]}" \
		--timeout 600 --name "$NAME/$1" --param "WFX_ARMS=$2" --param "WFX_CASES=$3" \
		--param "WFX_ROUNDS=$rounds" --param "WFX_COUNT=$COUNT" \
		--get bench.txt --quiet wfx_trap/bench.sh </dev/null || true
}

bench_options kernel "$@"
selected=$(runs)
while IFS='|' read -r run arms cases append; do
	one_run "$run" "$arms" "$cases" "$append"
done <<<"$selected"
python3 "$CVM_TOP/scripts/bench_wfx.py" "${QUICK[@]}" --out "$CVM_BUILD/results/wfx.json" \
	"$CVM_BUILD/results/$NAME" <<<"$selected"
