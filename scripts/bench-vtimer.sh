#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Hardware timer interrupts per tick of a VM, and how late it answers, with and
# without vtimer_mask: bench-vtimer.sh [--quick] [--kernel SERIES]
#
# Boots an arm64 host in which KVM runs VMs and writes build/results/vtimer.json. Exit
# status 1 when an arm is void or a case failed; figures are reported, not judged.
# Let nothing else run meanwhile.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/bench.sh"

SERIES=6.12
ROUNDS=6
COUNT=300
TICKS=17000
NAME=bench-vtimer
ARMS='tied storm masked'

quick()
{
	ROUNDS=2
	COUNT=100
	TICKS=1000
}

# What distinguishes the boots: run, arms, cases of which there must be figures (CASE:ARM: of
# that arm alone). The counted one has one CPU whose time is the instructions that it executes.
runs()
{
	echo "alternating|$ARMS|exits delay ticks:masked|"
	echo "counted|$ARMS|counted|"
}

# one_run RUN ARMS CASES: a failed boot is reported by the reducer.
one_run()
{
	local machine=(--smp 2 --append isolcpus=1) rounds=$ROUNDS

	# The same work takes the same time there.
	if [[ $1 = counted ]]; then
		machine=(--icount --allow-stall)
		rounds=2
	fi
	say "$1: $2"
	begin_run "$NAME/$1"
	"$CVM_TOP/scripts/vm-run.sh" --guest arm64-host --kernel "$SERIES" "${machine[@]}" \
		--timeout 900 --name "$NAME/$1" --param "VTM_ARMS=$2" --param "VTM_CASES=${3//:masked/}" \
		--param "VTM_ROUNDS=$rounds" --param "VTM_COUNT=$COUNT" --param "VTM_TICKS=$TICKS" \
		--get bench.txt --quiet vtimer_mask/bench.sh </dev/null || true
}

bench_options kernel "$@"
selected=$(runs)
while IFS='|' read -r run arms cases _; do
	one_run "$run" "$arms" "$cases"
done <<<"$selected"
python3 "$CVM_TOP/scripts/bench_vtimer.py" "${QUICK[@]}" --out "$CVM_BUILD/results/vtimer.json" \
	"$CVM_BUILD/results/$NAME" <<<"$selected"
