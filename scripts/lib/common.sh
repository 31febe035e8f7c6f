# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # read by the scripts that source this
#
# Sourced by every script: places, messages, and what is known of a kernel id.
# A kernel id is <series>-<debian arch>: 6.12-amd64, 6.1-arm64, kunit-amd64.

[ -n "${CVM_COMMON_LOADED:-}" ] && return 0
CVM_COMMON_LOADED=1

CVM_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CVM_CACHE=${CVM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/cache}/.cache}/cvm-modules}
CVM_BUILD=$CVM_TOP/build
CVM_KERNELS=$CVM_CACHE/kernels
# checkpatch.pl, kernel-doc, get_abi.pl, kunit.py (kernels.sh fetch tools)
LINUX_TOOLS=$CVM_CACHE/tools/linux
export CVM_TOP CVM_CACHE CVM_BUILD CVM_KERNELS LINUX_TOOLS

say()
{
	printf '[%4ds] %s\n' "$SECONDS" "$*" >&2
}

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

usage_die()
{
	printf 'error: %s\n' "$*" >&2
	exit 2
}

# The comment at the head of the script that runs is its help.
script_help()
{
	sed -n '4,/^[^#]/s/^# \{0,1\}//p' "$0"
}

# names_only ARG...: for scripts without options.
names_only()
{
	case ${1:-} in
	-h | --help)
		script_help
		exit 0
		;;
	-*) usage_die "unknown option '$1'; see $(basename "$0") --help" ;;
	esac
}

# need CMD PKG: PKG is the Debian package that holds CMD.
need()
{
	PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 ||
		die "$1 is missing (Debian package $2); run scripts/deps.sh"
}

# with_lock FILE CMD...: one process at a time; says so when it has to wait.
with_lock()
{
	local file=$1 fd

	shift
	mkdir -p "$(dirname "$file")"
	exec {fd}>"$file"
	if ! flock -n "$fd"; then
		say "waiting for another run ($(basename "$file"))"
		flock "$fd"
	fi
	"$@"
	exec {fd}>&-
}

# kernel_ids TEXT: those whose env file has that text; K_ for all.
kernel_ids()
{
	local f

	for f in "$CVM_TOP"/scripts/kernels/*.env; do
		if grep -q -F -- "$1" "$f"; then
			basename "$f" .env
		fi
	done
}

# kernel_static ID: what scripts/kernels/ID.env says, without a fetched kernel.
kernel_static()
{
	local env=$CVM_TOP/scripts/kernels/$1.env

	[ -f "$env" ] ||
		die "unknown kernel '$1'; known: $(kernel_ids K_ | tr '\n' ' ')"
	K_ID=$1 K_SERIES='' K_DEBARCH='' K_ARCH='' K_CROSS='' K_KIND=''
	# shellcheck disable=SC1090
	. "$env"
	# No cross compiler is wanted on a machine of that architecture.
	if [ -n "$K_CROSS" ] && [ "$(uname -m)" = aarch64 ]; then
		K_CROSS=''
	fi
}

# kernel_load ID: also K_RELEASE K_KDIR K_IMAGE K_MODDIR of the cached kernel.
kernel_load()
{
	kernel_static "$1"
	K_RELEASE='' K_KDIR='' K_IMAGE='' K_MODDIR='' K_STAMP=''
	[ -f "$CVM_KERNELS/$1/ready" ] ||
		die "kernel $1 is not in the cache; run: scripts/kernels.sh fetch $1"
	# shellcheck disable=SC1090,SC1091
	. "$CVM_KERNELS/$1/ready"
	if ! [[ -f $K_KDIR/Makefile && -f $K_IMAGE && -f $K_MODDIR/modules.dep ]]; then
		die "kernel $1 in the cache is incomplete or was moved; run: scripts/kernels.sh clean $1 && scripts/kernels.sh fetch $1"
	fi
}

# tools_load: the scripts of the kernel's source must be there.
tools_load()
{
	[ -f "$LINUX_TOOLS/scripts/checkpatch.pl" ] ||
		die "the kernel's own scripts are not in the cache; run: scripts/kernels.sh fetch tools"
}
