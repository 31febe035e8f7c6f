#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Install what building and testing need, on Debian 12.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

# One line per purpose.
PACKAGES=(
	# modules and kernels
	gcc gcc-12 make bc bison flex libelf-dev libssl-dev kmod cpio rsync xz-utils zstd pahole perl python3 dpkg-dev
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross libc6-dev
	# guests
	qemu-system-x86 qemu-system-arm ipxe-qemu seabios busybox-static iproute2 iperf3 sockperf tcpdump util-linux
	# checks
	sparse spin shellcheck codespell dkms
)

missing()
{
	local p

	for p in "${PACKAGES[@]}"; do
		[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = 'ii ' ] ||
			printf '%s ' "$p"
	done
}

[ $# -eq 0 ] || usage_die "deps.sh takes no arguments"
need dpkg-query dpkg
list=$(missing)
if [ -z "$list" ]; then
	say "all packages are installed"
	exit 0
fi
[ "$(id -u)" = 0 ] || die "these Debian packages are missing; install them as root: apt-get install $list"
say "installing: $list"
apt-get update -q >&2
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $list >&2
say "installed"
