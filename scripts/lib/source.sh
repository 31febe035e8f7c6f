# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153 # read by, and set by, the scripts that source this
#
# Debian's linux-source packages: what we build test kernels from, and where
# checkpatch, kernel-doc, get_abi and kunit.py come from.

TOOLS_SERIES=6.12
TOOLS_MEMBERS=(
	scripts/checkpatch.pl
	scripts/spelling.txt
	scripts/const_structs.checkpatch
	scripts/get_abi.pl
	scripts/get_maintainer.pl
	scripts/kernel-doc
	tools/testing/kunit
)

# source_version SERIES: sets SOURCE_VERSION to the newest on offer.
source_version()
{
	SOURCE_VERSION=$(apt_versions "$(dpkg --print-architecture)" "linux-source-$1" | sed -n 1p)
	[ -n "$SOURCE_VERSION" ] || die "no package linux-source-$1 in Debian 12"
	say "newest source is linux-source-$1 $SOURCE_VERSION"
}

# source_unpack SERIES VERSION DEST TAR_ARG...
source_unpack()
{
	local series=$1 version=$2 dest=$3

	shift 3
	apt_fetch all "linux-source-$series" "$version"
	say "unpacking linux-source-$series $version"
	mkdir -p "$dest"
	dpkg --fsys-tarfile "$APT_DEB" |
		tar -xO "./usr/src/linux-source-$series.tar.xz" |
		tar -xJ --strip-components=1 -C "$dest" "$@"
}

# tools_install SERIES VERSION [TREE]: from an unpacked tree, or the package.
tools_install()
{
	local dir=$CVM_CACHE/tools/linux-$2 m

	if [ ! -d "$dir" ]; then
		rm -rf "$dir.new"
		mkdir -p "$dir.new"
		if [ -n "${3:-}" ]; then
			(cd "$3" && tar -c "${TOOLS_MEMBERS[@]}") | tar -x -C "$dir.new"
		else
			source_unpack "$1" "$2" "$dir.new" \
				"${TOOLS_MEMBERS[@]/#/linux-source-$1/}"
		fi
		for m in "${TOOLS_MEMBERS[@]}"; do
			[ -e "$dir.new/$m" ] || die "linux-source-$1 $2 has no $m"
		done
		mv "$dir.new" "$dir"
	fi
	ln -sfn "linux-$2" "$CVM_CACHE/tools/linux"
}
