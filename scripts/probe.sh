#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Find out what a kernel has, by compiling include/compat/probes/have_*.c
# against it and by looking up exports in its Module.symvers.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

PROBES=$CVM_TOP/include/compat/probes
EXPECT=$CVM_TOP/scripts/compat-expect.tsv

usage()
{
	cat <<-END
		usage: probe.sh --kdir KDIR --out HEADER [MAKE_ARG...]
		           write HEADER for that header or build tree, unless it is current
		       probe.sh --show ID    print the answers for a cached kernel
		       probe.sh --check ID   compare them with scripts/compat-expect.tsv
		       probe.sh --table      print a new table from all cached kernels
	END
}

# What the answers depend on.
fingerprint()
{
	local kdir=$1

	shift
	{
		printf '%s\n' "$kdir" "$@"
		cat "$kdir/include/config/kernel.release" "$kdir/.kernelvariables" \
			"$kdir/include/config/auto.conf" "$kdir/Module.symvers" 2>/dev/null || true
		stat -c '%Y %s' "$kdir/Makefile" "$kdir/Module.symvers" 2>/dev/null || true
		cat "$PROBES"/*.c "$PROBES/symbols" "$CVM_TOP/scripts/probe.sh"
	} | sha256sum | cut -c1-32
}

list_names()
{
	local f

	for f in "$PROBES"/have_*.c; do
		basename "$f" .c | tr '[:lower:]' '[:upper:]'
	done
	grep -v '^#' "$PROBES/symbols" | sed '/^$/d; s/^/HAVE_SYM_/'
}

# Compile every probe in a private copy, so that no source tree is touched.
compile_probes()
{
	local kdir=$1 dir=$2 f objs=()

	shift 2
	cp "$PROBES"/*.c "$dir/"
	for f in "$dir"/*.c; do
		objs+=("$(basename "$f" .c).o")
	done
	{
		echo "obj-m := ${objs[*]}"
		echo 'ccflags-y := -Wno-missing-prototypes -Wno-missing-declarations'
	} >"$dir/Kbuild"
	# What the caller's make was told (W=1, C=2, -j) is not for the probes.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u W -u C -u CF -u M \
		make -k -j"$(nproc)" -C "$kdir" M="$dir" "$@" "${objs[@]}" \
		>"$dir/log" 2>&1 || true
	if [ ! -f "$dir/canary_good.o" ]; then
		tail -n 20 "$dir/log" >&2
		die "a module cannot be compiled against $kdir (see the lines above)"
	fi
	[ ! -f "$dir/canary_bad.o" ] ||
		die "the compiler accepts a call to a function that does not exist with $kdir; its answers cannot be trusted"
}

has_symbol()
{
	awk -F'\t' -v want="$1" '$2 == want { found = 1 } END { exit !found }' \
		"$2/Module.symvers"
}

# write_header KDIR HEADER FINGERPRINT [MAKE_ARG...]
write_header()
{
	local kdir=$1 out=$2 print=$3 dir name f

	shift 3
	dir=$(mktemp -d)
	# shellcheck disable=SC2064
	trap "rm -rf '$dir'" EXIT
	[ -s "$kdir/Module.symvers" ] ||
		die "$kdir has no Module.symvers; is it a complete header package or a built tree?"
	compile_probes "$kdir" "$dir" "$@"
	mkdir -p "$(dirname "$out")"
	{
		echo '/* SPDX-License-Identifier: GPL-2.0 */'
		echo '/* Written by scripts/probe.sh; do not edit. */'
		echo "/* $print */"
		for name in $(list_names); do
			f=$(tr '[:upper:]' '[:lower:]' <<<"$name")
			if [ "${name#HAVE_SYM_}" != "$name" ]; then
				has_symbol "${name#HAVE_SYM_}" "$kdir"
			else
				[ -f "$dir/$f.o" ]
			fi && echo "#define $name 1" || echo "/* $name is not there */"
		done
	} >"$out.new"
	mv "$out.new" "$out"
	rm -rf "$dir"
	trap - EXIT
}

# make_header KDIR HEADER [MAKE_ARG...]: only when something changed
make_header()
{
	local kdir=$1 out=$2 print

	shift 2
	[ -f "$kdir/Makefile" ] ||
		die "there are no kernel headers at $kdir; install linux-headers-<release>, or name a tree with KDIR="
	print=$(fingerprint "$kdir" "$@")
	grep -q -F "$print" "$out" 2>/dev/null ||
		write_header "$kdir" "$out" "$print" "$@"
}

# --- cached kernels ----------------------------------------------------------

header_of()
{
	kernel_load "$1"
	HEADER=$CVM_BUILD/probes/$1.h
	make_header "$K_KDIR" "$HEADER" ARCH="$K_ARCH" ${K_CROSS:+"CROSS_COMPILE=$K_CROSS"}
}

answer()
{
	grep -q "^#define $1 1\$" "$2" && echo y || echo n
}

expected()
{
	awk -F'\t' -v name="$1" -v id="$2" '
		/^#/ { next }
		!header { for (i = 2; i <= NF; i++) if ($i == id) col = i; header = 1; next }
		$1 == name { print (col ? $col : "") }' "$EXPECT"
}

check()
{
	local id=$1 name have want bad=0 n=0

	header_of "$id"
	for name in $(list_names); do
		have=$(answer "$name" "$HEADER")
		want=$(expected "$name" "$id")
		n=$((n + 1))
		if [ -z "$want" ]; then
			echo "$id: $name is '$have' but scripts/compat-expect.tsv has no answer for it" >&2
		elif [ "$want" != "$have" ]; then
			echo "$id: $name is '$have', expected '$want'" >&2
		else
			continue
		fi
		bad=$((bad + 1))
	done
	while read -r name _; do
		case $name in '' | \#* | probe) continue ;; esac
		list_names | grep -x -F "$name" >/dev/null && continue
		echo "scripts/compat-expect.tsv has $name, but no probe of that name exists" >&2
		bad=$((bad + 1))
	done <"$EXPECT"
	[ $bad -eq 0 ] || die "$id: $bad of $n answers differ from scripts/compat-expect.tsv"
	say "$id: $n answers as expected"
}

table()
{
	local ids=() id name

	for id in $(kernel_ids K_); do
		if [ -f "$CVM_KERNELS/$id/ready" ]; then
			ids+=("$id")
			header_of "$id"
		fi
	done
	echo '# SPDX-License-Identifier: GPL-2.0'
	echo '# What each kernel has, checked by scripts/probe.sh --check ID.'
	printf 'probe'
	printf '\t%s' "${ids[@]}"
	for name in $(list_names); do
		printf '\n%s' "$name"
		for id in "${ids[@]}"; do
			printf '\t%s' "$(answer "$name" "$CVM_BUILD/probes/$id.h")"
		done
	done
	echo
}

case ${1:-} in
--kdir)
	if [ $# -lt 4 ] || [ "$3" != --out ]; then
		usage_die "probe.sh: --kdir KDIR --out HEADER [MAKE_ARG...]"
	fi
	kdir=$2 out=$4
	shift 4
	make_header "$kdir" "$out" "$@"
	;;
--show)
	[ $# -eq 2 ] || usage_die "probe.sh: --show needs a kernel id"
	header_of "$2"
	cat "$HEADER"
	;;
--check)
	[ $# -eq 2 ] || usage_die "probe.sh: --check needs a kernel id"
	check "$2"
	;;
--table) table ;;
-h | --help) usage ;;
*) usage >&2; exit 2 ;;
esac
