#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Latency of writes over NFS and RDMA, with and without ib_core_cq_poll, while completion
# events come late: bench-cq.sh [--quick] [--kernel 6.12|6.1] [--rounds N] [--seconds N]
#
# Boots a guest with four CPUs and one with two, and writes build/results/cq.json. Exit
# status 1 when a boot is void; the bars are reported, not judged. The guest's time counts
# instructions: a busy host makes it take longer, and that is all.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/bench.sh"

SERIES=6.12
ROUNDS=2
SECS=1
DELAYS='0 50 100 200'
SIZES='4 2'

quick()
{
	ROUNDS=1
	SECS=1
	DELAYS='0 100'
	SIZES=2
}

measure()
{
	local smp folder=bench-cq/$SERIES suffix=''

	[ "$SERIES" = 6.12 ] || suffix=-$SERIES
	for smp in $SIZES; do
		say "$SERIES, $smp CPUs: $ROUNDS rounds"
		begin_run "$folder/$smp"
		# A failed boot is reported by the reducer.
		# shellcheck disable=SC2046 # options are words
		"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel "$SERIES" --smp "$smp" \
			--icount $(rdma_options) --allow-stall \
			--timeout $((200 + ROUNDS * SECS * 16 * 30)) \
			--name "$folder/$smp" --param "BENCH_ROUNDS=$ROUNDS" \
			--param "BENCH_SECONDS=$SECS" --param "BENCH_DELAYS=$DELAYS" \
			--param "CQ_CPU=$((smp - 1))" --get cq.txt --quiet \
			ib_core_cq_poll/bench.sh </dev/null || true
	done
	# shellcheck disable=SC2086 # sizes and delays are words
	python3 "$CVM_TOP/scripts/bench_cq.py" "${QUICK[@]}" \
		--out "$CVM_BUILD/results/cq$suffix.json" --delays $DELAYS --sizes $SIZES \
		-- "$CVM_BUILD/results/$folder"
}

bench_options "kernel rounds seconds" "$@"
measure
