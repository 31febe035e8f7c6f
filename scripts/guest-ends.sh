#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest whose CPUs poll panics, another one reboots, a third one goes on with another
# kernel (x86: Debian's for arm64 has no kexec_file_load): guest-ends.sh. They must end
# at once with every CPU stopped; the next kernel must find all CPUs.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

# More than it takes to stop polling CPUs, less than the kernel's own time-outs.
LIMIT_MS=900
# A host without a core for one of the CPUs takes part of that; each try is printed.
TRIES=3
PASSED=0 FAILED=0

# What the log must say before, and as the last thing after the CPUs are stopped.
declare -A BEFORE=(
	[panic]='Kernel panic - not syncing: sysrq triggered crash'
	[reboot]='cvm-case: begin'
	[kexec]='cvm-case: begin'
)
declare -A AFTER=(
	[panic]='Rebooting in|end Kernel panic|Kernel Offset|reboot:'
	[reboot]='reboot: (Restarting system|machine restart)'
	[kexec]='kexec_core: Starting new kernel'
)

# stamp_ms LOG REGEX: time of the last such line.
stamp_ms()
{
	grep -E "$2" "$1" | tail -n 1 | sed -n 's/^\[ *\([0-9]*\)\.\([0-9]\{3\}\).*/\1\2/p'
}

# judge NAME END: prints what is wrong.
judge()
{
	local folder=$CVM_BUILD/results/$1 begun ended

	python3 - "$folder/run.json" <<-'EOP'
		import json, sys
		kinds = {p["kind"] for p in json.load(open(sys.argv[1], encoding="utf-8"))["problems"]}
		# The guest did not finish its test, on purpose.
		for kind in sorted(kinds - {"guest died", "truncated KTAP", "kernel panic"}):
		    print(kind)
		if "guest died" not in kinds:
		    print("the guest did not die")
	EOP
	[ "$2" != kexec ] || awk '
		/Linux version/ { kernels++ }
		kernels == 2 && /smp: Brought up 1 node, 4 CPUs/ { found = 1 }
		END { exit !found }' "$folder/dmesg.txt" ||
		echo "the next kernel does not have four CPUs"
	grep -E 'failed to stop|CPUs? .* (did not|not) stop' "$folder/dmesg.txt" || true
	begun=$(stamp_ms "$folder/dmesg.txt" "${BEFORE[$2]}")
	ended=$(stamp_ms "$folder/dmesg.txt" "${AFTER[$2]}")
	if [ -z "$begun" ] || [ -z "$ended" ]; then
		echo "the log does not show the $2 from begin to end"
	elif [ "$2" = panic ] && [ $((10#$ended - 10#$begun)) -gt $LIMIT_MS ]; then
		echo "took $((10#$ended - 10#$begun)) ms"
	fi
}

one()
{
	local name=ends-$1-$2 problems try more=()

	[ "$2" != kexec ] || more=(--put "$K_IMAGE" --allow-stall)
	for try in $(seq $TRIES); do
		"$CVM_TOP/scripts/vm-run.sh" --guest "$1" --kernel "$SERIES" --smp 4 --timeout 300 \
			"${more[@]}" --name "$name" --param "IPI_END=$2" --quiet \
			ipi_passthrough/ends.sh </dev/null >/dev/null 2>&1 || true
		problems=$(judge "$name" "$2")
		[[ $problems == took* ]] || break
		say "$1 ends by $2, try $try: $problems"
	done
	if [ -z "$problems" ]; then
		PASSED=$((PASSED + 1))
		say "ok: $1 ends by $2 while its CPUs poll"
	else
		FAILED=$((FAILED + 1))
		say "FAILED: $1, $2: $problems"
	fi
}

SERIES=6.12
[ $# -eq 0 ] || usage_die "usage: guest-ends.sh"
kernel_load "$SERIES-amd64"
one x86-cvm kexec
for guest in x86-cvm arm64-cvm; do
	for end in panic reboot; do
		one "$guest" "$end"
	done
done
echo "guest-ends: $PASSED passed, $FAILED failed, 0 skipped"
[ "$FAILED" -eq 0 ]
