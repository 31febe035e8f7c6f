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
QUICK=()
NAME=bench-vtimer
ARMS='tied storm masked'

parse_options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--quick)
			ROUNDS=2
			COUNT=100
			TICKS=1000
			QUICK=(--quick)
			;;
		--kernel)
			SERIES=${2:-}
			shift
			;;
		*) usage_die "unknown option '$1'; usage: bench-vtimer.sh [--quick] [--kernel SERIES]" ;;
		esac
		shift
	done
}

parse_options "$@"
mkdir -p "$CVM_BUILD/results/$NAME/alternating"
host_busy >"$CVM_BUILD/results/$NAME/alternating/host_busy"
# A failed boot is reported by the reducer.
"$CVM_TOP/scripts/vm-run.sh" --guest arm64-host --kernel "$SERIES" --smp 2 \
	--append "isolcpus=1" --timeout 900 --name "$NAME/alternating" \
	--param "VTM_ARMS=$ARMS" --param "VTM_ROUNDS=$ROUNDS" --param "VTM_COUNT=$COUNT" \
	--param "VTM_TICKS=$TICKS" --get bench.txt --quiet vtimer_mask/bench.sh </dev/null || true
python3 "$CVM_TOP/scripts/bench_vtimer.py" "${QUICK[@]}" \
	--out "$CVM_BUILD/results/vtimer.json" "$CVM_BUILD/results/$NAME" <<<"alternating|$ARMS|"
