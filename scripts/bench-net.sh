#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Throughput and latency over a TAP device, virtio_net against virtio_net_cvm:
# bench-net.sh [--quick] [--kernel 6.12|6.1] [--arch x86_64|arm64]
# [--rounds N] [--seconds N]
#
# Boots one guest with forced bounce buffers and one without, and writes
# build/results/net.json and net.svg. Exit status 1 when a boot is void; the bars
# are reported, not judged. Let nothing else run meanwhile.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/bench.sh"

SERIES=6.12
ARCH=x86_64
ROUNDS=6
SECS=3
TOOLS=(iperf3 libiperf0 libsctp1 libssl3 sockperf libstdc++6 libgcc-s1 libc6)
# What is put into the guest: programs, then libraries by their names for the linker
FILES=(iperf3 sockperf 'ld-linux-*.so.?' libc.so.6 libm.so.6 libpthread.so.0 librt.so.1
	libdl.so.2 libiperf.so.0 libsctp.so.1 libssl.so.3 libcrypto.so.3 libstdc++.so.6
	libgcc_s.so.1)

quick()
{
	ROUNDS=1
	SECS=1
}

# Sets PUT to options that take the programs of the guest's architecture along.
guest_programs()
{
	local debarch=amd64 dir name file

	[ "$ARCH" = x86_64 ] || debarch=arm64
	dir=$CVM_CACHE/nettools-$debarch
	for name in "${TOOLS[@]}"; do
		"$CVM_TOP/scripts/fetch-deb.sh" "$debarch" "$name" "$dir"
	done
	PUT=()
	for name in "${FILES[@]}"; do
		file=$(find "$dir/lib" "$dir/usr/lib" "$dir/usr/bin" -name "$name" ! -type d |
			head -n 1)
		[ -n "$file" ] || die "no $name in the packages ${TOOLS[*]}"
		PUT+=(--put "$file")
	done
}

measure()
{
	local mode guest dma suffix='' folder=bench-net/$SERIES-$ARCH

	[ "$SERIES-$ARCH" = 6.12-x86_64 ] || suffix=-$SERIES-$ARCH
	while IFS='|' read -r mode guest dma; do
		say "$SERIES $guest: $ROUNDS rounds"
		begin_run "$folder/$mode"
		# A failed boot is reported by the reducer.
		"$CVM_TOP/scripts/vm-run.sh" --guest "$guest" --kernel "$SERIES" --smp 2 --net tap \
			--serve 'iperf3 -s' --serve 'sockperf server -i 10.77.0.1 -p 11111' \
			--put "$CVM_TOP/scripts/cvmnet-bind.sh" "${PUT[@]}" --allow-stall \
			--timeout $((120 + ROUNDS * (SECS + 4) * 20)) --name "$folder/$mode" \
			--param "NET_ROUNDS=$ROUNDS" --param "NET_SECONDS=$SECS" \
			--param "NET_DMA=$dma" --get net.txt --quiet \
			virtio_net_cvm/bench.sh </dev/null || true
	done < <(net_runs "$ARCH")
	python3 "$CVM_TOP/scripts/bench_net.py" "${QUICK[@]}" \
		--out "$CVM_BUILD/results/net$suffix.json" \
		--chart "$CVM_BUILD/results/net$suffix.svg" \
		"$CVM_BUILD/results/$folder" < <(net_runs "$ARCH")
}

bench_options 'kernel arch rounds seconds' "$@"
net_runs "$ARCH" >/dev/null
need iperf3 iperf3
need sockperf sockperf
guest_programs
measure
