#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guest instructions per packet and KiB, virtio_net against virtio_net_cvm:
#
#   bench-net-cost.sh [--quick] [--kernel 6.12|6.1] [--arch x86_64|arm64]
#   bench-net-cost.sh --profile cvm|plain DRIVER CASE [--kernel SERIES]
#
# Boots one guest with forced bounce buffers and one without, counting
# instructions, and writes build/results/net-cost.json (net-cost-6.1.json ...).
# Exit status 1 when a boot is void; the bars are reported, not judged.
# The second form traces every instruction of CASE (tx60 tx1514 rx60 rx1514
# tcp_tx tcp_rx rr) and says in which functions they were.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/bench.sh"

SERIES=6.12
ARCH=x86_64
ROUNDS=4
PACKETS=5000
SENT=1024
KIB=16384
TRIPS=4000
PROFILE=()

quick()
{
	ROUNDS=1
	PACKETS=4000
	SENT=512
	KIB=4096
	TRIPS=1000
}

own_option()
{
	[ "$1" = --profile ] || return
	[ $# -ge 4 ] || usage_die "--profile needs cvm|plain DRIVER CASE"
	PROFILE=("$2" "$3" "$4")
	TAKEN=4
}

# vm NAME GUEST DMA OPTION...
vm()
{
	local name=$1 guest=$2 dma=$3

	shift 3
	"$CVM_TOP/scripts/vm-run.sh" --guest "$guest" --kernel "$SERIES" --icount --net tap \
		--serve "$CVM_TOP/scripts/net_peer.py" --put "$CVM_TOP/scripts/cvmnet-bind.sh" \
		--mod pktgen --mod dummy --timeout 1500 --allow-stall --name "$name" \
		--param "COST_ROUNDS=$ROUNDS" --param "COST_PACKETS=$PACKETS" \
		--param "COST_SENT=$SENT" --param "COST_KIB=$KIB" --param "COST_TRIPS=$TRIPS" \
		--param "COST_DMA=$dma" --quiet "$@" \
		virtio_net_cvm/cost.sh </dev/null
}

profile()
{
	local mode=$1 driver=$2 what=$3 guest dma name

	IFS='|' read -r _ guest dma < <(net_runs "$ARCH" | grep "^$mode|") || usage_die "unknown mode '$mode'"
	name=bench-net-cost/profile-$mode-$driver-$what-$SERIES
	PACKETS=60000 KIB=65536 SENT=400000 TRIPS=60000
	rm -f "$CVM_BUILD/results/$name/trace.log"
	vm "$name" "$guest" "$dma" --trace --get kallsyms --param "COST_PROFILE=$driver $what"
	python3 "$CVM_TOP/scripts/net_profile.py" "$CVM_BUILD/results/$name" "$what" |
		tee "$CVM_BUILD/results/$name/profile.txt"
	rm -f "$CVM_BUILD/results/$name/trace.log"
}

measure()
{
	local mode guest dma suffix='' folder=bench-net-cost/$SERIES-$ARCH

	[ "$SERIES-$ARCH" = 6.12-x86_64 ] || suffix=-$SERIES-$ARCH
	while IFS='|' read -r mode guest dma; do
		say "$SERIES $guest: $ROUNDS rounds"
		begin_run "$folder/$mode"
		# A failed boot is reported by the reducer.
		vm "$folder/$mode" "$guest" "$dma" --get cost.txt || true
	done < <(net_runs "$ARCH")
	python3 "$CVM_TOP/scripts/bench_net_cost.py" "${QUICK[@]}" \
		--out "$CVM_BUILD/results/net-cost$suffix.json" "$CVM_BUILD/results/$folder" \
		< <(net_runs "$ARCH")
}

bench_options 'kernel arch rounds' "$@"
net_runs "$ARCH" >/dev/null
if [ ${#PROFILE[@]} -gt 0 ]; then
	profile "${PROFILE[@]}"
else
	measure
fi
