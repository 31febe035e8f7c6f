#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# IPI notification latency, native against soft: bench-ipi.sh [--quick]
# [--arch x86_64|arm64] [--kernel SERIES]
#
# Boots a few guests, one at a time, and writes build/results/ipi.json. Exit
# status 1 when an arm is void or a case failed; ratios are reported, not judged.
# Let nothing else run meanwhile.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/bench.sh"

ARCHES='x86_64 arm64'
ARCH=
SERIES=6.12
ROUNDS=6
COUNT=3000
NAME=bench-ipi

# What distinguishes the boots: arch, run, CPUs, arms, modes, kernel command
# line. "native soft" alternate within one boot. Polling by the kernel itself is
# idle=poll and haltpoll on x86; arm64 has nohlt.
runs()
{
	cat <<-'EOF'
	x86_64|alternating|2|native soft|single single_slow wakeup wakeup_slow resched pipe|
	x86_64|many|4|native soft|many many3|
	x86_64|idle_poll|2|idle_poll|single single_slow wakeup wakeup_slow pipe|idle=poll
	x86_64|haltpoll|2|haltpoll|single single_slow wakeup wakeup_slow pipe|cpuidle_haltpoll.force=1
	arm64|alternating|2|native soft|single single_slow wakeup wakeup_slow resched pipe|
	arm64|many|4|native soft|many many3|
	arm64|nohlt|2|nohlt|single single_slow wakeup wakeup_slow pipe|nohlt
	EOF
}

quick()
{
	ROUNDS=2
	COUNT=200
}

guest_of()
{
	case $1 in
	x86_64) echo x86-cvm ;;
	arm64) echo arm64-cvm ;;
	esac
}

# With more spinning vCPUs than host cores one of them waits for its core longer
# than the module waits for a kick to be consumed; the hardware IPI that it sends
# then is no cost of soft IPIs. The value is recorded with the run.
rescue_us()
{
	if [ "$1" -gt "$(nproc)" ]; then
		echo 1000000
	else
		echo 10000
	fi
}

# Where vCPUs wait for host cores a call takes milliseconds, and only the hardware IPIs
# count: fewer calls will do.
calls()
{
	if [ "$1" -gt "$(nproc)" ] && [ "$COUNT" -gt 600 ]; then
		echo 600
	else
		echo "$COUNT"
	fi
}

# The targets are isolated, so that the kernel's load balancing, which sends its
# own IPIs at every tick, does not count as ours. The same in every arm.
#
# one_run ARCH RUN CPUS ARMS MODES APPEND: a failed boot is reported by the
# reducer; the others are still worth having.
one_run()
{
	say "$1 $2: $4 ($5)"
	begin_run "$NAME/$1-$2"
	"$CVM_TOP/scripts/vm-run.sh" --guest "$(guest_of "$1")" --kernel "$SERIES" \
		--smp "$3" --append "isolcpus=1-$(($3 - 1)) $6" --timeout 900 --name "$NAME/$1-$2" \
		--param "IPI_ARMS=$4" --param "IPI_MODES=$5" \
		--param "IPI_ROUNDS=$ROUNDS" --param "IPI_COUNT=$(calls "$3")" \
		--param "IPI_RESCUE_US=$(rescue_us "$3")" \
		--get bench.txt --quiet ipi_passthrough/bench.sh </dev/null || true
}

bench_options 'kernel arch' "$@"
case $ARCH in
'') ;;
x86_64 | arm64) ARCHES=$ARCH ;;
*) usage_die "--arch must be x86_64 or arm64" ;;
esac
selected=$(runs | grep -E "^(${ARCHES// /|})\\|")
while IFS='|' read -r arch run cpus arms modes append; do
	one_run "$arch" "$run" "$cpus" "$arms" "$modes" "$append"
done <<<"$selected"
python3 "$CVM_TOP/scripts/bench_ipi.py" "${QUICK[@]}" --out "$CVM_BUILD/results/ipi.json" \
	"$CVM_BUILD/results/$NAME" <<<"$selected"
