#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Moderation of notifications on a software device: none, fixed, the kernel's net_dim,
# ours: bench-dim.sh [--quick] [--kernel 6.12|6.1] [--rounds N]
#
# Boots one guest whose clock counts instructions, so that what else runs on the host does
# not matter, and writes build/results/dim.json (dim-6.1.json). Exit status 1 when the
# boot is void; the bars are reported, not judged.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/bench.sh"

SERIES=6.12
ROUNDS=2
MS=400
SIZES='14 500 1400 4096'
CASES='pingpong load10 load50 load90 full burst mixed settle'
ARMS='none fixed stock ours'

quick()
{
	ROUNDS=1
	MS=100
	SIZES='14 1400'
}

measure()
{
	local suffix='' folder=bench-dim/$SERIES

	[ "$SERIES" = 6.12 ] || suffix=-$SERIES
	say "$SERIES: $ROUNDS rounds"
	begin_run "$folder/sim"
	# A failed boot is reported by the reducer.
	"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel "$SERIES" --icount \
		--allow-stall --timeout 3000 --name "$folder/sim" \
		--param "DIM_ROUNDS=$ROUNDS" --param "DIM_MS=$MS" --param "DIM_SIZES=$SIZES" \
		--param "DIM_CASES=$CASES" --param "DIM_ARMS=$ARMS" --get bench.txt --quiet \
		vnetsim/bench_dim.sh </dev/null || true
	# shellcheck disable=SC2086 # sizes are words
	python3 "$CVM_TOP/scripts/bench_dim.py" "${QUICK[@]}" \
		--out "$CVM_BUILD/results/dim$suffix.json" --sizes $SIZES \
		-- "$CVM_BUILD/results/$folder" <<<"sim|$ARMS|$CASES|"
}

bench_options "kernel rounds" "$@"
measure
