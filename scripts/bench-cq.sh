#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Latency and number of writes over NFS and RDMA, with and without ib_core_cq_poll, while
# completion events come late: bench-cq.sh [--quick|--sweep] [--kernel 6.12|6.1]
# [--rounds N] [--seconds N]
#
# Boots a guest with four CPUs and one with two, and writes build/results/cq.json. Exit
# status 1 when a boot is void; the bars are reported, not judged. The guest's time counts
# instructions: a busy host makes it take longer, and that is all.
#
# --sweep measures with several values of idle_us instead, and with pauses between the
# writes: what the default was chosen by. It writes build/results/cq-sweep.json.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/bench.sh"

SERIES=6.12
ROUNDS=2
SECS=1
DELAYS='0 50 100 200'
SIZES='4 2'
ARMS='native hybrid always fixed'
PAUSES=0
MANY='0 100'
FOLDER=bench-cq

quick()
{
	ROUNDS=1
	SECS=1
	DELAYS='0 100'
	SIZES=2
}

own_option()
{
	[ "$1" = --sweep ] || return
	SWEEP=(--sweep)
	ROUNDS=1
	DELAYS=100
	MANY=''
	SIZES=2
	ARMS='native idle100 idle1000 idle10000 idle100000'
	PAUSES='0 500 5000 20000'
	FOLDER=bench-cq-sweep
	# shellcheck disable=SC2034 # for the caller
	TAKEN=1
}

measure()
{
	local smp folder=$FOLDER/$SERIES suffix=${SWEEP:+-sweep}

	[ "$SERIES" = 6.12 ] || suffix+=-$SERIES
	for smp in $SIZES; do
		say "$SERIES, $smp CPUs: $ROUNDS rounds"
		begin_run "$folder/$smp"
		# A failed boot is reported by the reducer.
		# shellcheck disable=SC2046 # options are words
		"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel "$SERIES" --smp "$smp" \
			--icount --fio $(rdma_options) --allow-stall \
			--timeout $((200 + ROUNDS * SECS * 24 * 30)) \
			--name "$folder/$smp" --param "BENCH_ROUNDS=$ROUNDS" \
			--param "BENCH_SECONDS=$SECS" --param "BENCH_DELAYS=$DELAYS" \
			--param "BENCH_ARMS=$ARMS" --param "BENCH_PAUSES=$PAUSES" \
			--param "BENCH_MANY=${MANY:- }" \
			--param "CQ_CPU=$((smp - 1))" --get cq.txt --quiet \
			ib_core_cq_poll/bench.sh </dev/null || true
	done
	# shellcheck disable=SC2086 # lists are words
	python3 "$CVM_TOP/scripts/bench_cq.py" "${QUICK[@]}" "${SWEEP[@]}" \
		--out "$CVM_BUILD/results/cq$suffix.json" --delays $DELAYS --sizes $SIZES \
		--many $MANY --rounds "$ROUNDS" --arms $ARMS --pauses $PAUSES -- "$CVM_BUILD/results/$folder"
}

SWEEP=()
bench_options "kernel rounds seconds" "$@"
measure
