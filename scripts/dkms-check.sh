#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the modules the way DKMS would, for a cached kernel, without touching
# the machine's own DKMS tree: dkms-check.sh [ID]
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

[ $# -le 1 ] || usage_die "usage: dkms-check.sh [ID]"
kernel_load "${1:-6.12-amd64}"
need dkms dkms

# Every folder of Kbuild that is not for tests has to be named; kernels and architectures
# may be without some of them.
wanted=$(sed -n 's|^obj-m += \([a-z_]*\)/$|\1|p' "$CVM_TOP/Kbuild" | grep -v -x kunit | sort | xargs)
named=$(arch=aarch64 kernel_source_dir='' bash -c \
	'. "$1" && printf "%s\n" "${BUILT_MODULE_NAME[@]}"' bash "$CVM_TOP/dkms.conf" | sort | xargs)
[ "$named" = "$wanted" ] || die "dkms.conf names '$named', Kbuild builds '$wanted'"

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$CVM_TOP/dkms.conf")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
src=$work/src/cvm-modules-$version
mkdir -p "$src" "$work/tree"
tar -c -C "$CVM_TOP" --exclude=./.git --exclude=./build \
	--exclude=./include/compat/generated . | tar -x -C "$src"

# dkms is run as a package manager's hook would run it: no HOME, no terminal.
if ! env -i PATH="$PATH" dkms build cvm-modules/"$version" \
	-k "$K_RELEASE" -a "$K_ARCH" --kernelsourcedir "$K_KDIR" \
	--dkmstree "$work/tree" --sourcetree "$work/src" >"$work/log" 2>&1; then
	cat "$work/log" >&2
	find "$work/tree" -name make.log -exec tail -n 40 {} + >&2
	die "dkms could not build the modules for $K_RELEASE"
fi
built=$(find "$work/tree" -path '*/module/*.ko*' | wc -l)
# Which ones it names depends on the kernel.
named=$(arch=$K_ARCH kernel_source_dir=$K_KDIR bash -c \
	'. "$1" && echo ${#BUILT_MODULE_NAME[@]}' bash "$CVM_TOP/dkms.conf")
[ "$built" -eq "$named" ] ||
	die "dkms.conf names $named modules, dkms built $built"
say "dkms builds $built modules for $K_RELEASE"
