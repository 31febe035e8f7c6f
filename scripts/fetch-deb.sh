#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Download a Debian 12 package of either architecture and unpack it, without
# installing it: fetch-deb.sh ARCH PKG[=VERSION] DEST
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/apt.sh"

[ $# -eq 3 ] || usage_die "usage: fetch-deb.sh amd64|arm64 PACKAGE[=VERSION] DEST"
arch=$1 pkg=${2%%=*} dest=$3
case $arch in
amd64 | arm64 | all) ;;
*) usage_die "unknown architecture '$arch'; known: amd64 arm64" ;;
esac

version=''
[ "$pkg" = "$2" ] || version=${2#*=}

fetch()
{
	local stamp=$dest/.fetched-$pkg-$arch

	if [ -f "$stamp" ] && { [ -z "$version" ] || [ "$(cat "$stamp")" = "$version" ]; }; then
		return 0
	fi
	apt_refresh ''
	[ -n "$version" ] || version=$(apt_versions "$arch" "$pkg" | sed -n 1p)
	[ -n "$version" ] || die "no package $pkg for $arch in Debian 12"
	apt_fetch "$arch" "$pkg" "$version"
	mkdir -p "$dest"
	dpkg -x "$APT_DEB" "$dest"
	echo "$version" >"$stamp"
	say "unpacked $pkg $version ($arch)"
}

with_lock "$CVM_CACHE/apt.lock" fetch
