#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the KUnit suites in a guest with the kunit kernel (KASAN, lockdep,
# kmemleak; a warning is a panic there) and read their results with kunit.py:
#   kunit.sh [SUITE...]        e.g. kunit.sh ipi_passthrough_core_kunit
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

KUNIT_PY=$CVM_CACHE/tools/linux/tools/testing/kunit/kunit.py
OUT=$CVM_BUILD/results/kunit
PASSED=0 FAILED=0 SKIPPED=0

# What the log says between the marks of suite $1, without console noise. Read to its
# end: who writes into a pipe that nobody reads any more is killed.
suite_log()
{
	tr -d '\r' <"$OUT/dmesg.txt" | awk -v name="$1" '
		index($0, "cvm-kunit: begin " name) { on = 1; next }
		index($0, "cvm-kunit: end " name) { on = 0 }
		on { print }'
}

# number WORD LINE: the count that kunit.py gives for WORD, 0 if it gives none.
number()
{
	local n

	n=$(sed -n "s/.*$1: \([0-9]*\).*/\1/p" <<<"$2")
	echo "${n:-0}"
}

# Add kunit.py's counts of one suite to the totals.
count()
{
	PASSED=$((PASSED + $(number passed "$1")))
	FAILED=$((FAILED + $(number failed "$1") + $(number crashed "$1")))
	SKIPPED=$((SKIPPED + $(number skipped "$1")))
}

parse_suite()
{
	local name=$1 rc=0 text

	suite_log "$name" >"$OUT/$name.log"
	text=$OUT/$name.txt
	python3 -B "$KUNIT_PY" parse "$OUT/$name.log" >"$text.new" 2>&1 || rc=$?
	sed 's/\x1b\[[0-9;]*m//g' "$text.new" >"$text"
	rm "$text.new"
	sed 's/^/# /' "$text"
	count "$(grep -E 'Ran [0-9]+ tests' "$text" || true)"
	# A suite that says nothing, or less than its plan, is no success.
	if [ $rc != 0 ] && ! grep -q -E '(failed|crashed): [1-9]' "$text"; then
		FAILED=$((FAILED + 1))
	fi
}

# Where the last thing that a suite did hangs, if the guest said so.
stuck()
{
	tr -d '\r' <"$OUT/dmesg.txt" | awk '
		/sysrq: Show Blocked State/ { blocked = 1 }
		/task:/ { on = blocked && /kunit_try_catch/ }
		on && lines++ < 20 { sub(/^\[ *[0-9.]*\] */, "# "); print }'
}

main()
{
	local guest_rc=0 suite suites

	# Eight CPUs make masks worth parsing; they idle.
	"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel kunit --smp 8 --timeout 1800 --name kunit \
		--append "kunit.enable=1 panic_on_warn=1 kmemleak=on" --param "SUITES=$*" \
		--allow-stall tests/harness/kunit.sh || guest_rc=$?
	mapfile -t suites < <(sed -n 's/.*cvm-kunit: begin \([A-Za-z0-9_]*\).*/\1/p' "$OUT/dmesg.txt")
	[ ${#suites[@]} -gt 0 ] || die "no KUnit suite ran in the guest"
	for suite in "${suites[@]}"; do
		parse_suite "$suite"
	done
	[ $guest_rc = 0 ] || FAILED=$((FAILED + 1))
	stuck
	echo "kunit: $PASSED passed, $FAILED failed, $SKIPPED skipped"
	[ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
}

names_only "$@"
need python3 python3
[ -f "$KUNIT_PY" ] || die "kunit.py is not in the cache; run: scripts/kernels.sh fetch tools"
with_lock "$CVM_BUILD/kunit.lock" main "$@"
