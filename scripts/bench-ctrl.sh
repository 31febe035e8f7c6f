#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What commands to a network device cost, in-tree driver against ours: bench-ctrl.sh
# [--quick]
#
# Boots one guest, whose clock counts instructions, in which both drivers take turns on the
# same software device (kunit/vnetsim), and writes build/results/ctrl.json. On 6.12 only:
# before, the in-tree driver has no adaptive moderation. Exit status 1 when an arm is void or a case failed; ratios are reported, not judged.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/bench.sh"

SERIES=6.12
ROUNDS=4
COUNT=100
CYCLES=3
NAME=bench-ctrl
ARMS='virtio_net virtio_net_cvm'
CASES='reading moderation filter vlan_add vlan_del quick_device traffic adaptive'

quick()
{
	ROUNDS=2
	COUNT=30
	CYCLES=1
}

bench_options '' "$@"
begin_run "$NAME/alternating"
# A failed boot is reported by the reducer.
"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel "$SERIES" --icount --smp 8 \
	--allow-stall --mod 8021q --timeout 1500 --name "$NAME/alternating" --param "CTRL_ROUNDS=$ROUNDS" \
	--param "CTRL_COUNT=$COUNT" --param "CTRL_CYCLES=$CYCLES" \
	--get bench.txt --quiet tests/vnetsim/bench_ctrl.sh </dev/null || true
python3 "$CVM_TOP/scripts/bench_ctrl.py" "${QUICK[@]}" --out "$CVM_BUILD/results/ctrl.json" \
	"$CVM_BUILD/results/$NAME" <<<"alternating|$ARMS|$CASES|"
