#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernels that we build for and boot: Debian packages unpacked into a cache
# outside the checkout, and our own test kernel built from Debian's source.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/apt.sh"
. "$CVM_TOP/scripts/lib/source.sh"

usage()
{
	cat <<-END
		usage: kernels.sh ids                  list the kernel ids
		       kernels.sh fetch [--newest] [ID...]  fetch; without ID all Debian kernels
		       kernels.sh fetch tools          the kernel's own checkpatch, kernel-doc, kunit.py
		       kernels.sh info                 what is in the cache
		       kernels.sh clean [ID...]        remove from the cache (everything without ID)
		       kernels.sh path ID              show where a kernel's parts are
		A fetched kernel is kept until it is removed or --newest finds a newer one.
	END
}

# --- choosing versions -------------------------------------------------------

# Releases with a header package, as "version release", newest first.
list_releases()
{
	local pattern name

	pattern="^linux-headers-${K_SERIES//./\\.}\\.[0-9][^ ]*-$K_DEBARCH\$"
	apt_private apt-cache pkgnames "linux-headers-$K_SERIES." |
		grep -E "$pattern" | grep -v -E -- '-(rt|cloud|common)-' |
		while read -r name; do
			apt_versions "$K_DEBARCH" "$name" | sed -n 1p |
				sed "s|\$| ${name#linux-headers-}|"
		done | sort_pairs
}

sort_pairs()
{
	local pairs

	pairs=$(cat)
	[ -n "$pairs" ] || return 0
	cut -d' ' -f1 <<<"$pairs" | sort -u | sort_versions |
		while read -r version; do
			grep -F "$version " <<<"$pairs"
		done
}

# The exact kbuild package that a header package was built with.
kbuild_package()
{
	apt_private apt-cache show "linux-headers-$1:$K_DEBARCH=$2" |
		sed -n 's/^Depends: //p' | tr ',' '\n' |
		sed -n 's/^ *\(linux-kbuild-[^ ]*\).*/\1/p' | sed -n 1p
}

has_version()
{
	apt_versions "$1" "$2" | grep -x -F -- "$3" >/dev/null
}

# Sets WANT_*: the newest release all of whose packages are on offer.  (The
# image may lag behind the headers for some hours when it is being signed.)
choose_release()
{
	local version release kbuild image

	while read -r version release; do
		kbuild=$(kbuild_package "$release" "$version")
		[ -n "$kbuild" ] || continue
		image=linux-image-$release
		has_version "$K_DEBARCH" "$image" "$version" || image+=-unsigned
		has_version "$K_DEBARCH" "$image" "$version" || continue
		has_version "$(dpkg --print-architecture)" "$kbuild" "$version" || continue
		WANT_VERSION=$version WANT_RELEASE=$release
		WANT_KBUILD=$kbuild WANT_IMAGE=$image
		return 0
	done < <(list_releases)
	die "Debian 12 has no complete kernel $K_SERIES for $K_DEBARCH"
}

# --- unpacking ---------------------------------------------------------------

unpack()
{
	apt_fetch "$1" "$2" "$WANT_VERSION"
	dpkg -x "$APT_DEB" "$ROOT"
	rm -f "$APT_DEB"
}

# The headers are meant to lie under /usr/src: point them at the cache instead.
relocate_headers()
{
	local headers=$ROOT/usr/src/linux-headers-$WANT_RELEASE link target

	grep -q '^include /usr/src/' "$headers/Makefile" ||
		die "the Makefile of linux-headers-$WANT_RELEASE looks different than expected"
	sed -i "s|^include /usr/src/|include $FINAL/root/usr/src/|" "$headers/Makefile"
	# dpkg packages may hold absolute links too; make them relative.
	find "$ROOT/usr/src" "$ROOT/usr/lib" -type l -lname '/usr/*' |
		while read -r link; do
			target=$(readlink "$link")
			ln -sfnr "$ROOT$target" "$link"
		done
	for link in "$headers/scripts" "$headers/tools"; do
		[ ! -L "$link" ] || [ -e "$link" ] ||
			die "$(basename "$link") of linux-headers-$WANT_RELEASE points to nothing"
	done
}

write_ready()
{
	cat >"$ROOT/../ready" <<-END
		K_RELEASE=$WANT_RELEASE
		K_KDIR=$FINAL/root/usr/src/linux-headers-$WANT_RELEASE
		K_IMAGE=$FINAL/root/boot/vmlinuz-$WANT_RELEASE
		K_MODDIR=$FINAL/root/lib/modules/$WANT_RELEASE
		K_STAMP=$WANT_IMAGE=$WANT_VERSION
	END
}

fetch_debian()
{
	local id=$1 native

	FINAL=$CVM_KERNELS/$id
	native=$(dpkg --print-architecture)
	if [ -f "$FINAL/ready" ] && [ -z "$NEWEST" ]; then
		kernel_load "$id"
		say "$id: $K_RELEASE is in the cache"
		return 0
	fi
	kernel_static "$id"
	apt_refresh "${NEWEST:+now}"
	choose_release
	say "$id: newest is $WANT_RELEASE (${WANT_VERSION})"
	if grep -q -x -F "K_STAMP=$WANT_IMAGE=$WANT_VERSION" "$FINAL/ready" 2>/dev/null; then
		return 0
	fi
	rm -rf "$FINAL.new"
	ROOT=$FINAL.new/root
	mkdir -p "$ROOT"
	unpack "$K_DEBARCH" "linux-headers-$WANT_RELEASE"
	unpack all "linux-headers-${WANT_RELEASE%-"$K_DEBARCH"}-common"
	unpack "$native" "$WANT_KBUILD"
	unpack "$K_DEBARCH" "$WANT_IMAGE"
	relocate_headers
	need depmod kmod
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$ROOT" "$WANT_RELEASE"
	write_ready
	rm -rf "$FINAL"
	mv "$FINAL.new" "$FINAL"
	say "$id: ready"
}

# --- commands ----------------------------------------------------------------

fetch_tools()
{
	[ -z "$NEWEST" ] && [ -e "$LINUX_TOOLS" ] && return 0
	apt_refresh "${NEWEST:+now}"
	source_version "$TOOLS_SERIES"
	tools_install "$TOOLS_SERIES" "$SOURCE_VERSION"
	rm -f "$CVM_CACHE/debs/linux-source-"*
}

fetch_one()
{
	if [ "$1" = tools ]; then
		with_lock "$CVM_CACHE/apt.lock" fetch_tools
		return
	fi
	kernel_static "$1"
	case $K_KIND in
	debian) with_lock "$CVM_CACHE/apt.lock" fetch_debian "$1" ;;
	source) "$CVM_TOP/scripts/build-kernel.sh" ${NEWEST:+--newest} "$1" ;;
	*) die "scripts/kernels/$1.env: unknown K_KIND '$K_KIND'" ;;
	esac
}

cmd_fetch()
{
	local id

	NEWEST=''
	if [ "${1:-}" = --newest ]; then
		NEWEST=1
		shift
	fi
	[ $# -gt 0 ] || mapfile -t ids < <(kernel_ids K_KIND=debian)
	[ $# -eq 0 ] || ids=("$@")
	for id in "${ids[@]}"; do
		[ "$id" = tools ] || kernel_static "$id"
	done
	for id in "${ids[@]}"; do
		fetch_one "$id"
	done
}

cmd_info()
{
	local id size

	echo "cache: $CVM_CACHE ($(du -sh "$CVM_CACHE" 2>/dev/null | cut -f1))"
	for id in $(kernel_ids K_); do
		if [ -f "$CVM_KERNELS/$id/ready" ]; then
			kernel_load "$id"
			size=$(du -sh "$CVM_KERNELS/$id" | cut -f1)
			printf '%-14s %-26s %-6s %s\n' "$id" "$K_RELEASE" "$size" "$K_STAMP"
		else
			printf '%-14s not fetched\n' "$id"
		fi
	done
}

cmd_clean()
{
	local id

	if [ $# -eq 0 ]; then
		[ -e "$CVM_CACHE" ] || return 0
		# The place is the user's to choose: not everything there need be ours.
		[ -d "$CVM_KERNELS" ] || die "$CVM_CACHE is no cache of ours; it is left alone"
		say "removing $CVM_CACHE"
		rm -rf "$CVM_CACHE"
		return
	fi
	for id in "$@"; do
		kernel_static "$id"
		say "removing $id"
		rm -rf "${CVM_KERNELS:?}/$id" "$CVM_KERNELS/$id.new"
	done
}

cmd_path()
{
	[ $# -eq 1 ] || usage_die "usage: kernels.sh path ID"
	kernel_load "$1"
	printf 'K_ID=%s\nK_RELEASE=%s\nK_ARCH=%s\nK_CROSS=%s\n' \
		"$K_ID" "$K_RELEASE" "$K_ARCH" "$K_CROSS"
	printf 'K_KDIR=%s\nK_IMAGE=%s\nK_MODDIR=%s\n' "$K_KDIR" "$K_IMAGE" "$K_MODDIR"
}

case ${1:-} in
ids) kernel_ids K_ ;;
fetch) shift; cmd_fetch "$@" ;;
info) cmd_info ;;
clean) shift; cmd_clean "$@" ;;
path) shift; cmd_path "$@" ;;
-h | --help) usage ;;
*) usage >&2; exit 2 ;;
esac
