#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build everything for one cached kernel, in a copy of the sources of its own:
# build-modules.sh [--sparse] ID
#
# The copy is in the cache, so that another checkout compiles only what differs.
# The .ko files end up in build/modules/ID. With W=1, and any warning about our
# files is an error; with --sparse, so is what sparse says about any of them.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

USAGE='usage: build-modules.sh [--sparse] ID'
SPARSE=()
if [ "${1:-}" = --sparse ]; then
	SPARSE=(C=2)
	shift
fi
[ $# -eq 1 ] || usage_die "$USAGE"
case $1 in -*) usage_die "unknown option '$1'; $USAGE" ;; esac
ID=$1
kernel_load "$ID"

OUT=$CVM_BUILD/modules/$ID
TREE=$CVM_CACHE/tree/$ID

source_hash()
{
	(
		cd "$CVM_TOP"
		list_sources | xargs -0 sha256sum
		cat "$CVM_KERNELS/$ID/ready"
	) | sha256sum | cut -c1-32
}

# Files that take part in the build: of all top folders with a Kbuild, and the
# few around them.
list_sources()
{
	local dir

	for dir in Kbuild Makefile dkms.conf include scripts/probe.sh scripts/lib */Kbuild tests/modules; do
		[ -e "$dir" ] || continue
		[ "$(basename "$dir")" != Kbuild ] || [ "$dir" = Kbuild ] || dir=$(dirname "$dir")
		find "$dir" -path include/compat/generated -prune -o -type f \
			! -name '*.o' ! -name '*.ko' ! -name '*.cmd' ! -name '*.mod' \
			! -name '*.mod.c' ! -name modules.order ! -name '*.pyc' -print0
	done | sort -zu
}

copy_sources()
{
	local made_with

	made_with=$(cat "$CVM_KERNELS/$ID/ready" && "${K_CROSS}gcc" --version)
	[ "$(cat "$TREE.made-with" 2>/dev/null)" = "$made_with" ] || rm -rf "$TREE"
	mkdir -p "$TREE"
	echo "$made_with" >"$TREE.made-with"
	(cd "$CVM_TOP" && list_sources) | sort -z >"$TREE.files"
	# Remove what is gone from the sources; leave what make has built.
	if [ -f "$TREE.files.old" ]; then
		comm -z -23 "$TREE.files.old" "$TREE.files" |
			(cd "$TREE" && xargs -0 -r rm -f)
	fi
	# What differs gets the time of now, as this checkout's may be older than the last one's.
	rsync -rlp --checksum --from0 --files-from="$TREE.files" "$CVM_TOP/" "$TREE/"
	cp "$TREE.files" "$TREE.files.old"
}

run_make()
{
	nice -n 5 make -C "$TREE" -j"$(nproc)" KDIR="$K_KDIR" ARCH="$K_ARCH" \
		${K_CROSS:+"CROSS_COMPILE=$K_CROSS"} CVM_TESTS=1 W=1 "${SPARSE[@]}" modules
}

# Warnings of the kernel's own headers are not ours to fix.
our_warnings()
{
	grep -E 'warning:|error:|^WARNING:|^ERROR:' "$1" |
		grep -E "^(${TREE//./\\.}/|WARNING:|ERROR:|\\.?[a-z_]+/)" |
		grep -v -E "^(\\./)?(include|arch)/" |
		grep -v -F "$K_KDIR/" || true
}

collect()
{
	local line

	rm -rf "$OUT.new"
	mkdir -p "$OUT.new"
	while read -r line; do
		line=${line%.*}.ko
		case $line in
		/*) cp "$line" "$OUT.new/" ;;
		*) cp "$TREE/$line" "$OUT.new/" ;;
		esac
	done <"$TREE/modules.order"
	echo "$HASH${SPARSE:+ sparse}" >"$OUT.new/.stamp"
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
}

build()
{
	local found

	copy_sources
	if ! run_make >"$TREE.log" 2>&1; then
		tail -n 60 "$TREE.log" >&2
		die "the modules do not build for $ID"
	fi
	found=$(our_warnings "$TREE.log")
	if [ -n "$found" ]; then
		printf '%s\n' "$found" >&2
		# What is compiled already would not be warned about again.
		rm -rf "$TREE"
		die "$ID: warnings"
	fi
	collect
	say "$ID: $(find "$OUT" -name '*.ko' | wc -l) modules in ${OUT#"$CVM_TOP"/}, no warnings${SPARSE:+, sparse included}"
}

main()
{
	HASH=$(source_hash)
	# Modules are as good with sparse as without, but not the other way round.
	case $(cat "$OUT/.stamp" 2>/dev/null) in
	"$HASH sparse") ;;
	"$HASH") [ ${#SPARSE[@]} -eq 0 ] || build ;;
	*) build ;;
	esac
}

need rsync rsync
with_lock "$TREE.lock" main
