#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fio for the guests: fio.sh amd64|arm64...
#
# Debian's own package needs fifty others, for engines that nobody uses here: so it is
# built from Debian's source, static, into the cache. Prints where each is.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/apt.sh"

# What a machine may happen to have.
WITHOUT=(numa rdma rados rbd http gfapi libnfs pmem xnvme libzbc tcmalloc dfs lex native)
# Another way to build it is another one.
DIR=$CVM_CACHE/fio-$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-12)

# Lists of source packages only, and of no use to anybody else.
source_fetch()
{
	local own=(-o "Dir::Etc::sourceparts=$DIR/etc" -o "Dir::State::lists=$DIR/lists"
		-o "Dir::Cache::srcpkgcache=" -o "Dir::Cache::pkgcache=")

	apt_configure
	rm -rf "$DIR"
	mkdir -p "$DIR"/{etc,lists/partial,src}
	sed 's/^Types: .*/Types: deb-src/' "$APT_DIR/etc/cvm.sources" >"$DIR/etc/src.sources"
	say "reading Debian's list of sources"
	apt_private apt-get "${own[@]}" update --error-on=any -q >&2 ||
		die "apt-get update failed; does the Debian mirror have sources?"
	need dpkg-source dpkg-dev
	(cd "$DIR/src" && apt_private apt-get "${own[@]}" source -q fio >&2) ||
		die "Debian's source of fio can't be fetched"
	rm -rf "$DIR/lists"
	touch "$DIR/ready"
}

# build ARCH: unless the cache has it
build()
{
	local cc=${CPU[$1]}-linux-gnu-gcc src=$DIR/build-$1 log=$DIR/build-$1.log

	[ ! -x "$DIR/$1/fio" ] || return 0
	[ -f "$DIR/ready" ] || with_lock "$CVM_CACHE/apt.lock" source_fetch
	need "$cc" "gcc-${CPU[$1]/_/-}-linux-gnu"
	say "building fio for $1"
	rm -rf "$src"
	cp -a "$DIR"/src/fio-*/ "$src"
	(cd "$src" &&
		./configure --build-static --cc="$cc" --cpu="${CPU[$1]}" "${WITHOUT[@]/#/--disable-}" &&
		make -j"$(nproc)" fio) >"$log" 2>&1 ||
		die "fio can't be built for $1; see $log"
	mkdir -p "$DIR/$1"
	"${cc%gcc}strip" -o "$DIR/$1/fio.new" "$src/fio"
	mv "$DIR/$1/fio.new" "$DIR/$1/fio"
	rm -rf "$src"
}

declare -A CPU=([amd64]=x86_64 [arm64]=aarch64)
names_only "$@"
[ $# -gt 0 ] || usage_die "usage: fio.sh amd64|arm64..."
for arch; do
	[ -n "${CPU[$arch]:-}" ] || usage_die "unknown architecture '$arch'; known: ${!CPU[*]}"
	with_lock "$CVM_CACHE/fio.lock" build "$arch"
	echo "$DIR/$arch/fio"
done
