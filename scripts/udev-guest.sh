#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The udev rule of Documentation/virtio_net_cvm.rst in a guest with the udev of Debian 12
# (not that of its backports), its rules and its names of interfaces: udev-guest.sh
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/apt.sh"

# With what libraries guests do not have anyway.
PACKAGES="udev libacl1 libblkid1 libkmod2 liblzma5 libssl3"
TREE=$CVM_CACHE/udev-amd64
TAR=$CVM_BUILD/udev-guest/udev.tar

[ $# -eq 0 ] || usage_die "usage: udev-guest.sh"

udev_version()
{
	with_lock "$CVM_CACHE/apt.lock" apt_refresh '' >&2
	apt_versions amd64 udev | grep -m 1 '^252\.' || die "Debian 12 has no udev 252"
}

if [ ! -f "$TREE/.fetched-udev-amd64" ]; then
	"$CVM_TOP/scripts/fetch-deb.sh" amd64 "udev=$(udev_version)" "$TREE"
fi
for package in $PACKAGES; do
	"$CVM_TOP/scripts/fetch-deb.sh" amd64 "$package" "$TREE"
done
mkdir -p "${TAR%/*}"
(cd "$TREE" && tar -cf "$TAR" bin lib/udev/rules.d lib/systemd/network lib/systemd/systemd-udevd \
	lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu/*.so.*)
# The rule itself, as people copy it.
awk '/90-cvmnet.rules$/ { on = 1 } on && !NF { exit } on { sub(/^\t/, ""); print }' \
	"$CVM_TOP/Documentation/virtio_net_cvm.rst" >"${TAR%/*}/90-cvmnet.rules"
"$CVM_TOP/scripts/vm-run.sh" --name udev --kernel 6.12 --guest x86-cvm --timeout 900 --net tap \
	--nic-bus port --serve 'nettest serve 7777 tap0' --put "$TAR" \
	--put "${TAR%/*}/90-cvmnet.rules" tests/virtio_net_cvm/udev.sh
