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
QUICK=()
NAME=bench-wfx

# What distinguishes the boots: run, arms, kernel command line. KVM has a policy of
# its own from 6.12 on, for the whole host and from boot to boot.
runs()
{
	echo 'alternating|trapped masked|'
	[ "$SERIES" = 6.1 ] || echo 'policy|policy|kvm-arm.wfi_trap_policy=notrap'
}

parse_options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--quick)
			ROUNDS=2
			COUNT=100
			QUICK=(--quick)
			;;
		--kernel)
			SERIES=${2:-}
			shift
			;;
		*) usage_die "unknown option '$1'; usage: bench-wfx.sh [--quick] [--kernel SERIES]" ;;
		esac
		shift
	done
}

# one_run RUN ARMS APPEND: a failed boot is reported by the reducer.
one_run()
{
	say "$1: $2"
	mkdir -p "$CVM_BUILD/results/$NAME/$1"
	host_busy >"$CVM_BUILD/results/$NAME/$1/host_busy"
	"$CVM_TOP/scripts/vm-run.sh" --guest arm64-host --kernel "$SERIES" --smp 2 \
		--append "isolcpus=1 $3" --timeout 600 --name "$NAME/$1" \
		--param "WFX_ARMS=$2" --param "WFX_ROUNDS=$ROUNDS" --param "WFX_COUNT=$COUNT" \
		--get bench.txt --quiet wfx_trap/bench.sh </dev/null || true
}

parse_options "$@"
selected=$(runs)
while IFS='|' read -r run arms append; do
	one_run "$run" "$arms" "$append"
done <<<"$selected"
python3 "$CVM_TOP/scripts/bench_wfx.py" "${QUICK[@]}" --out "$CVM_BUILD/results/wfx.json" \
	"$CVM_BUILD/results/$NAME" <<<"$selected"
