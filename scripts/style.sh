#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Style of sources, scripts and documents: style.sh [CHECK...]
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
cd "$CVM_TOP"

CHECKS="checkpatch kernel_doc shell python spelling abi spdx compat_only probes_known places conformance"
# Words that codespell takes for other words.
WORDS=te,ans,hsi,ser,numer,sting,fo,msdos,fro,inflight

# Files of the project: what git knows, and what is new and not ignored.
files()
{
	git ls-files -z -c -o --exclude-standard -- "$@" |
		while IFS= read -r -d '' f; do
			[ ! -f "$f" ] || printf '%s\0' "$f"
		done
}

c_files()
{
	files '*.c' '*.h' ':!include/compat/probes/*'
}

checkpatch()
{
	xargs -0 -r -n 20 "$LINUX_TOOLS/scripts/checkpatch.pl" \
		--no-tree --strict --terse --show-types --no-summary "$@" -f
}

check_checkpatch()
{
	local bad=0

	files '*.c' '*.h' ':!include/compat/probes/*' ':!tests/*' ':!*/trace.h' \
		':!ib_core_cq_poll/poller.c' |
		checkpatch || bad=1
	# A thread that polls with nothing to do is what yield() is for.
	files ib_core_cq_poll/poller.c | checkpatch --ignore YIELD || bad=1
	# The TRACE_EVENT macros have a layout of their own.
	files '*/trace.h' |
		checkpatch --ignore PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE || bad=1
	# Test modules may crash the kernel, that is what some are for.
	files 'tests/modules/*.c' 'tests/modules/*.h' |
		checkpatch --ignore AVOID_BUG,MSLEEP || bad=1
	# The rest of tests/ is for user space.
	files 'tests/*.c' 'tests/*.h' ':!tests/modules/*' |
		checkpatch --ignore PREFER_KERNEL_TYPES,VOLATILE,EMBEDDED_FUNCTION_NAME || bad=1
	return $bad
}

check_kernel_doc()
{
	c_files | xargs -0 -r "$LINUX_TOOLS/scripts/kernel-doc" -none -Werror
}

check_shell()
{
	local f

	files '*.sh' '.ci/run' |
		while IFS= read -r -d '' f; do
			case $f in
			# Run by busybox in a guest.
			tests/*) shellcheck -s dash -S warning -e SC1010,SC1090,SC1091,SC2034,SC2258 "$f" || echo "$f" >&2 ;;
			*) shellcheck "$f" || echo "$f" >&2 ;;
			esac
		done 2>&1 | nothing
}

check_python()
{
	files '*.py' | xargs -0 -r python3 -c '
import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, encoding="utf-8").read(), name)'
}

check_spelling()
{
	files ':!COPYING' ':!*/testdata/*' |
		xargs -0 -r codespell --quiet-level=2 --ignore-words-list="$WORDS"
}

check_abi()
{
	[ ! -d Documentation/ABI ] ||
		"$LINUX_TOOLS/scripts/get_abi.pl" --dir Documentation/ABI validate 2>&1 | nothing
}

check_spdx()
{
	local f

	files ':!COPYING' ':!MAINTAINERS' ':!*.json' ':!Documentation/ABI/*' ':!*/testdata/*' ':!.gitattributes' |
		while IFS= read -r -d '' f; do
			head -n 5 "$f" | grep 'SPDX-License-Identifier: ' >/dev/null ||
				echo "$f: no SPDX line"
		done | nothing
}

# Differences between kernels are known to include/compat alone.
check_compat_only()
{
	files '*.c' '*.h' '*Kbuild' ':!include/compat/*' ':!tests/progs/*' ':!tests/init/*' |
		{ xargs -0 -r grep -n -E '\bHAVE_[A-Z]|LINUX_VERSION_CODE|KERNEL_VERSION' || true; } | nothing
}

check_probes_known()
{
	local name f

	{ grep -h -o -E '\bHAVE_[A-Za-z_0-9]+' include/compat/*.h || true; } | sort -u |
		while read -r name; do
			case $name in
			HAVE_SYM_ | HAVE_) continue ;;
			HAVE_SYM_*) grep -q -x -F "${name#HAVE_SYM_}" include/compat/probes/symbols && continue ;;
			*)
				f=$(tr '[:upper:]' '[:lower:]' <<<"$name")
				[ ! -f "include/compat/probes/$f.c" ] || continue
				;;
			esac
			echo "$name is read in include/compat, but nothing probes it"
		done | nothing
}

# No path and no mirror of the machine that something was written on.
check_places()
{
	files ':!COPYING' |
		{ xargs -0 -r grep -n -I -E \
			'(^|[^][A-Za-z0-9_$}/.)-])/(wor[k]|roo[t]|hom[e])(/|["'"'"' ]|$)|de[b]\.debian' || true; } |
		nothing
}

# Each demand of the virtio specification: shown by a test that exists, or a reason.
check_conformance()
{
	python3 scripts/conformance.py
}

# Passes its input on, and succeeds only where there was none.
nothing()
{
	! grep .
}

run()
{
	local out

	if out=$("check_$1" 2>&1); then
		echo "ok $1"
		PASSED=$((PASSED + 1))
	else
		printf '%s\n' "$out"
		echo "not ok $1"
		FAILED=$((FAILED + 1))
	fi
}

for check in "$@"; do
	case " $CHECKS " in
	*" $check "*) ;;
	*) usage_die "unknown check '$check'; known: $CHECKS" ;;
	esac
done
need git git
need shellcheck shellcheck
need codespell codespell
need perl perl
tools_load
PASSED=0 FAILED=0
# shellcheck disable=SC2086,SC2048
set -- ${*:-$CHECKS}
for check in "$@"; do
	run "$check"
done
echo "$PASSED passed, $FAILED failed, 0 skipped"
[ "$FAILED" -eq 0 ]
