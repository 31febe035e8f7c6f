#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What commands to a network device cost, in-tree driver against ours: bench-ctrl.sh
# [--quick] [--kernel SERIES]
#
# Boots one guest in which both drivers take turns on the same software device
# (kunit/vnetsim), and writes build/results/ctrl.json. Exit status 1 when an arm is
# void or a case failed; ratios are reported, not judged.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/bench.sh"

SERIES=6.12
ROUNDS=6
COUNT=100
NAME=bench-ctrl
ARMS='virtio_net virtio_net_cvm'
CASES='reading moderation filter vlan_add vlan_del'

quick()
{
	ROUNDS=2
	COUNT=50
}

bench_options kernel "$@"
begin_run "$NAME/alternating"
# A failed boot is reported by the reducer.
"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel "$SERIES" --mod 8021q --timeout 600 \
	--name "$NAME/alternating" --param "CTRL_ROUNDS=$ROUNDS" --param "CTRL_COUNT=$COUNT" \
	--get bench.txt --quiet tests/vnetsim/bench_ctrl.sh </dev/null || true
python3 "$CVM_TOP/scripts/bench_ctrl.py" "${QUICK[@]}" --out "$CVM_BUILD/results/ctrl.json" \
	"$CVM_BUILD/results/$NAME" <<<"alternating|$ARMS|$CASES|"
