#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Break modules on purpose, one line at a time: for each mutant a test must fail.
#   mutants.sh [-l] TABLE [NAME...]
#
# scripts/mutants/TABLE.tsv says what is broken and which tests judge it. Several mutants
# share a guest as long as none of them harms it. Prints KTAP.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/bench.sh"

TABLES=$CVM_TOP/scripts/mutants
KUNIT_ID="kunit-amd64"

usage()
{
	cat <<-END
	usage: mutants.sh [-l] TABLE [NAME...]
	  TABLE  one of: $(basename -a -s .tsv "$TABLES"/*.tsv | tr "\n" " ")
	  NAME   only these mutants, or those of these judges
	  -l     list them
	END
}

# --- the table ---------------------------------------------------------------
#
# judge NAME KERNEL-ID OPTIONS   guest tests: options and tests for vm-run.sh
# judge NAME kunit SUITE         a suite of kunit/, without .c
# NAME JUDGE FILE EDIT WHAT      a mutant: FILE as sed leaves it after EDIT, and what is
#                                wrong then; without an EDIT nothing is, and tests pass

declare -a ORDER=() JUDGES=()
declare -A KERNEL=() OPTIONS=() JUDGE=() FILE=() EDIT=() WHAT=() VERDICT=()

read_table()
{
	local line fields

	while IFS= read -r line; do
		case $line in '' | '#'*) continue ;; esac
		# Not read: it takes two tabs for one.
		mapfile -t -d $'\t' fields < <(printf '%s' "$line")
		if [ "${fields[0]}" = judge ]; then
			[ ${#fields[@]} -eq 4 ] || die "$1: $line"
			JUDGES+=("${fields[1]}")
			KERNEL[${fields[1]}]=${fields[2]}
			OPTIONS[${fields[1]}]=${fields[3]}
			continue
		fi
		[ ${#fields[@]} -eq 5 ] || die "$1: a mutant has five fields: $line"
		[ -n "${KERNEL[${fields[1]}]:-}" ] || die "$1: no judge ${fields[1]}"
		[[ ${fields[0]} =~ ^[a-z0-9_]+$ ]] || die "$1: names are of a-z, 0-9, _: ${fields[0]}"
		[ -z "${JUDGE[${fields[0]}]:-}" ] || die "$1: two mutants ${fields[0]}"
		ORDER+=("${fields[0]}")
		JUDGE[${fields[0]}]=${fields[1]}
		FILE[${fields[0]}]=${fields[2]}
		EDIT[${fields[0]}]=${fields[3]}
		WHAT[${fields[0]}]=${fields[4]}
	done <"$1"
}

# Leaves in ORDER what the arguments name.
choose()
{
	local word name found chosen=()

	[ $# -gt 0 ] || return 0
	for word; do
		found=''
		for name in "${ORDER[@]}"; do
			[ "$word" = "$name" ] || [ "$word" = "${JUDGE[$name]}" ] || continue
			chosen+=("$name")
			found=1
		done
		[ -n "$found" ] || usage_die "there is no mutant '$word' (-l lists them)"
	done
	ORDER=("${chosen[@]}")
}

# --- building ----------------------------------------------------------------

# break_it NAME FILE: an edit that finds nothing proves nothing.
break_it()
{
	[ -n "${EDIT[$1]}" ] || return 0
	cp "$2" "$2.intact"
	sed -i "${EDIT[$1]}" "$2"
	if cmp -s "$2" "$2.intact"; then
		die "$1: nothing was changed in ${FILE[$1]}"
	fi
}

# build_external ID FOLDER: the modules of a folder, as build-modules.sh builds ours.
build_external()
{
	local include=$CVM_CACHE/tree/$1/include

	make -C "$K_KDIR" M="$2" -j"$(nproc)" ARCH="$K_ARCH" ${K_CROSS:+"CROSS_COMPILE=$K_CROSS"} \
		KCFLAGS="-I$include -include $include/compat/compat.h" modules >"$2.log" 2>&1 || {
		tail -n 30 "$2.log" >&2
		die "a mutant in ${2#"$CVM_TOP"/} does not build"
	}
}

# The module with one file broken: only that is compiled anew.
build_module()
{
	local name=$1 module dir file

	module=$(dirname "${FILE[$name]}")
	dir=$OUT/$module file=$OUT/${FILE[$name]}
	[ -d "$dir" ] || cp -r "$CVM_TOP/$module" "$dir"
	cp "$CVM_TOP/${FILE[$name]}" "$file"
	break_it "$name" "$file"
	build_external "${KERNEL[${JUDGE[$name]}]}" "$dir"
	cp "$dir/$module.ko" "$OUT/$name.ko"
	cp "$CVM_TOP/${FILE[$name]}" "$file"
}

# A suite of its own, with the broken file in place of the module's.
add_suite()
{
	local name=$1 dir=$OUT/suites module

	module=$(dirname "${FILE[$name]}")
	mkdir -p "$dir/$name/$module"
	cp "$CVM_TOP/$module"/*.[ch] "$dir/$name/$module/"
	break_it "$name" "$dir/$name/${FILE[$name]}"
	cp "$CVM_TOP/kunit/${OPTIONS[${JUDGE[$name]}]}.c" "$dir/$name.c"
	# shellcheck disable=SC2016 # $(src) is for make
	printf 'obj-m += %s.o\nCFLAGS_%s.o := -I$(src)/%s -I%s -I%s\n' "$name" "$name" "$name" \
		"$CVM_TOP" "$CVM_TOP/kunit" >>"$dir/Kbuild"
}

# build KERNEL-ID MUTANT...: all of them end up in OUT.
build()
{
	local id=$1 name

	shift
	"$CVM_TOP/scripts/build-modules.sh" "$id"
	kernel_load "$id"
	for name; do
		case ${KERNEL[${JUDGE[$name]}]} in
		kunit) add_suite "$name" ;;
		*) build_module "$name" ;;
		esac
	done
	if [ -d "$OUT/suites" ]; then
		build_external "$id" "$OUT/suites"
		mv "$OUT/suites"/*.ko "$OUT/"
	fi
}

# --- judging -----------------------------------------------------------------

# listen FILE: take down the verdicts of a guest. Who began and came to none is dead.
listen()
{
	local name what began=''

	[ -f "$1" ] || return 0
	while read -r name what; do
		case $what in
		begins) began=$name ;;
		*) VERDICT[$name]=$what began='' ;;
		esac
	done < <(sed -n 's/^ *# mutant //p' "$1")
	[ -z "$began" ] || VERDICT[$began]="killed: the guest did not live on"
}

# judge_in_guests JUDGE MUTANT...: as many guests as it takes.
judge_in_guests()
{
	local judge=$1 boot=0 name word left before args=() tests=() options=()

	shift
	left=("$@")
	if [ "${KERNEL[$judge]}" = kunit ]; then
		args=(--guest x86-cvm --kernel kunit --append "kunit.enable=1 kmemleak=on")
	else
		eval "options=(${OPTIONS[$judge]})"
		args=(--kernel "${KERNEL[$judge]%-*}")
		for word in "${options[@]}"; do
			case $word in
			tests/*.sh) tests+=("$word") ;;
			*) args+=("$word") ;;
			esac
		done
	fi
	while [ ${#left[@]} -gt 0 ]; do
		boot=$((boot + 1)) before=${#left[@]}
		judge_in_guest "$TABLE-$judge-$boot" "${left[@]}"
		left=()
		for name; do
			[ -n "${VERDICT[$name]:-}" ] || left+=("$name")
		done
		[ ${#left[@]} -lt "$before" ] || die "no mutant was judged; see $CVM_BUILD/results/mutants"
	done
}

# judge_in_guest FOLDER MUTANT...; args and tests are the caller's.
judge_in_guest()
{
	local folder=mutants/$1 name puts=() words=()

	shift
	for name; do
		puts+=(--put "$OUT/$name.ko")
		if [ ${#tests[@]} -gt 0 ]; then
			words+=("$name=$(dirname "${FILE[$name]}")")
		else
			words+=("$name")
		fi
	done
	rm -rf "$CVM_BUILD/results/$folder"
	say "a guest for $*"
	# Its own verdict says nothing: mutants make the kernel complain. A judge that takes its
	# time has a --timeout of its own.
	"$CVM_TOP/scripts/vm-run.sh" --timeout $((120 + 180 * $#)) "${args[@]}" --name "$folder" \
		--no-build --allow-stall --quiet --param "MUTANTS=${words[*]}" \
		--param "MUTANT_TESTS=${tests[*]}" "${puts[@]}" tests/harness/mutants.sh \
		</dev/null >"$OUT/guest.log" 2>&1 || true
	listen "$CVM_BUILD/results/$folder/ktap.txt"
}

# --- all of it ---------------------------------------------------------------

report()
{
	local name n=0 failed=0 want

	for name in "${ORDER[@]}"; do
		n=$((n + 1)) want=killed
		[ -n "${EDIT[$name]}" ] || want=survived
		echo "# ${VERDICT[$name]}"
		case ${VERDICT[$name]} in
		"$want"*) echo "ok $n $name: ${WHAT[$name]}" ;;
		*)
			failed=$((failed + 1))
			echo "not ok $n $name: ${WHAT[$name]}"
			;;
		esac
	done
	echo "# $((n - failed)) passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ]
}

main()
{
	local judge name id list=()

	rm -rf "$OUT"
	mkdir -p "$OUT"
	echo 'KTAP version 1'
	echo "1..${#ORDER[@]}"
	for judge in "${JUDGES[@]}"; do
		list=()
		for name in "${ORDER[@]}"; do
			[ "${JUDGE[$name]}" != "$judge" ] || list+=("$name")
		done
		[ ${#list[@]} -gt 0 ] || continue
		id=${KERNEL[$judge]}
		[ "$id" != kunit ] || id=$KUNIT_ID
		build "$id" "${list[@]}"
		judge_in_guests "$judge" "${list[@]}"
		rm -rf "${OUT:?}"/*
	done
	report
}

LIST=''
case ${1:-} in
-h | --help) usage; exit 0 ;;
-l) LIST=1; shift ;;
-*) usage >&2; exit 2 ;;
esac
[ $# -gt 0 ] || { usage >&2; exit 2; }
TABLE=$1
shift
[ -f "$TABLES/$TABLE.tsv" ] || usage_die "there is no table '$TABLE'"
read_table "$TABLES/$TABLE.tsv"
choose "$@"
if [ -n "$LIST" ]; then
	for name in "${ORDER[@]}"; do
		printf '%s\t%s\t%s\n' "$name" "${JUDGE[$name]}" "${WHAT[$name]}"
	done
	exit 0
fi
OUT=$CVM_BUILD/mutants/$TABLE
with_lock "$CVM_BUILD/mutants-$TABLE.lock" main
