#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What both drivers make of a hostile device, row by row of tests/lib/hostile.sh and
# hostile_life.sh (all that can be done to the rings in question):
# hostile-compare.sh [--kernel SERIES] [--packed] [DRIVER [ROW...]]
#
# A row that ends the guest is noted as such, and the rest goes on in the next one; a CPU
# that is stuck for 20 s ends it. Results are in build/results/hostile-compare-SERIES:
# DRIVER.txt, and table.txt of both. Rows that are in there are not run again.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

SERIES=6.12
RING=0
BOTH='virtio_net virtio_net_cvm'
DRIVERS=$BOTH

# Number and name of each row of the list that applies to the ring
rows()
{
	local what words other='packed'

	[ "$RING" = 0 ] || other='split'
	while IFS='|' read -r what _ _ words; do
		[[ " ${words//|/ } " == *" $other "* ]] || echo "$what"
	done < <(grep -h '^[0-9]* [a-z0-9-]*|' "$CVM_TOP"/tests/lib/hostile{,_life}.sh)
}

# result DRIVER NAME
result()
{
	awk -F'|' -v name="$2" '$1 == name { r = $2 } END { print r == "" ? "not run" : r }' \
		"$DIR/$1.txt" 2>/dev/null || echo "not run"
}

table()
{
	local number name driver

	while read -r number name; do
		printf '%-3s %s\n' "$number" "$name"
		for driver in $BOTH; do
			printf '      %-15s %s\n' "$driver" "$(result "$driver" "$name")"
		done
	done < <(rows)
}

# Those rows of $@ that have no result yet.
left()
{
	local name

	for name in "$@"; do
		grep -q "^$name|" "$DIR/$DRIVER.txt" || printf '%s ' "$name"
	done
}

one_boot()
{
	local log=$DIR/$DRIVER.log todo=$1 died

	"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel "$SERIES" --timeout 900 \
		--append softlockup_panic=1 --allow-stall --name "${DIR#"$CVM_BUILD/results/"}/boot" \
		--param "CMP_DRIVER=$DRIVER" --param "CMP_PACKED=$RING" \
		--param "SIM_ONLY=$todo" tests/vnetsim/compare.sh </dev/null >"$log" 2>&1 || true
	# A guest that hangs says so in its log only.
	sed -n 's/.*compare|//p' "$DIR/boot/ktap.txt" "$DIR/boot/dmesg.txt" 2>/dev/null |
		tr -d '\r' | awk -F'|' '!seen[$1]++' >"$DIR/said"
	cat "$DIR/said" >>"$DIR/$DRIVER.txt"
	! grep -q 'hangs$' "$DIR/said" || return 0
	# The row at which it ended has said nothing.
	# shellcheck disable=SC2086 # words
	died=$(left $todo)
	died=${died%% *}
	if [ -n "$died" ]; then
		echo "$died|the guest ends: $(sed -n 's/^ *# problem: //p' "$log" |
			grep -v 'case failed' | head -n 1 | cut -c 1-120)" >>"$DIR/$DRIVER.txt"
	fi
}

while [ $# -gt 0 ]; do
	case $1 in
	--kernel) SERIES=$2; shift 2 ;;
	--packed) RING=1; shift ;;
	virtio_net | virtio_net_cvm) DRIVERS=$1; shift; break ;;
	*) usage_die "usage: hostile-compare.sh [--kernel SERIES] [--packed] [DRIVER [ROW...]]" ;;
	esac
done
[ $# -gt 0 ] || mapfile -t ROWS < <(rows | cut -d' ' -f2)
[ $# -gt 0 ] || set -- "${ROWS[@]}"
DIR=$CVM_BUILD/results/hostile-compare-$SERIES
[ "$RING" = 0 ] || DIR+=-packed
mkdir -p "$DIR"
for DRIVER in $DRIVERS; do
	touch "$DIR/$DRIVER.txt"
	while todo=$(left "$@") && [ -n "$todo" ]; do
		say "$DRIVER: $(wc -w <<<"$todo") rows left"
		one_boot "$todo"
	done
done
table >"$DIR/table.txt"
cat "$DIR/table.txt"
