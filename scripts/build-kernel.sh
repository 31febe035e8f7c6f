#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a test kernel from Debian's linux-source package and our fragments, and
# keep in the cache what booting it and building modules for it need.
# usage: build-kernel.sh [--newest] ID
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/apt.sh"
. "$CVM_TOP/scripts/lib/source.sh"

# Raise it when what is built or kept changes although no fragment did.
RECIPE=1

NEWEST=''
if [ "${1:-}" = --newest ]; then
	NEWEST=1
	shift
fi
[ $# -eq 1 ] || usage_die "usage: build-kernel.sh [--newest] ID"
ID=$1
kernel_static "$ID"
[ "$K_KIND" = source ] || usage_die "kernel $ID is a Debian package; use scripts/kernels.sh fetch $ID"

FINAL=$CVM_KERNELS/$ID
WORK=$CVM_KERNELS/$ID.build
SRC=$WORK/src
LOG=$WORK/log

fragments()
{
	local f

	for f in $K_CONFIG; do
		cat "$CVM_TOP/scripts/config/$f"
	done
}

recipe_hash()
{
	{
		echo "$RECIPE $K_SOURCE $K_ARCH"
		fragments | grep -E '^(CONFIG_|# CONFIG_.* is not set)'
	} | sha256sum | cut -c1-16
}

kmake()
{
	nice -n 10 make -C "$SRC" ARCH="$K_ARCH" ${K_CROSS:+CROSS_COMPILE=$K_CROSS} \
		-j"$(nproc)" "$@"
}

logged()
{
	"$@" >>"$LOG" 2>&1 && return 0
	tail -n 30 "$LOG" >&2
	die "kernel $ID did not build; the whole output is in $LOG"
}

# Leaves a partly built tree of the same version alone: make continues it.
unpack_source()
{
	if [ -f "$WORK/source-$VERSION" ]; then
		return 0
	fi
	rm -rf "$WORK"
	# Register descriptions of one graphics driver are a third of the tree.
	source_unpack "$K_SOURCE" "$VERSION" "$SRC" \
		--exclude='*/drivers/gpu/drm/amd/include/asic_reg' \
		--exclude='*/tools/testing/selftests'
	rm -f "$APT_DEB"
	[ "$K_SOURCE" != "$TOOLS_SERIES" ] ||
		tools_install "$K_SOURCE" "$VERSION" "$SRC"
	touch "$WORK/source-$VERSION"
}

# A fragment line that Kconfig silently drops would be a test that silently
# does less.
check_config()
{
	local line want have lost=''

	while read -r line; do
		case $line in
		CONFIG_*=*) want=$line ;;
		'# CONFIG_'*' is not set') want=$line ;;
		*) continue ;;
		esac
		if [ "$want" = "${want#\#}" ]; then
			have=$(grep -x -F -- "$want" "$SRC/.config" || true)
			[ -n "$have" ] || lost+=" ${want}"
		else
			want=${want#\# }
			! grep -q "^${want% is not set}=" "$SRC/.config" ||
				lost+=" ${want% is not set}=n"
		fi
	done < <(fragments)
	[ -z "$lost" ] || die "Kconfig did not keep these lines of scripts/config:$lost"
}

configure()
{
	local f list=()

	for f in $K_CONFIG; do
		list+=("$CVM_TOP/scripts/config/$f")
	done
	: >"$LOG"
	(
		cd "$SRC"
		export ARCH=$K_ARCH CROSS_COMPILE=$K_CROSS
		logged scripts/kconfig/merge_config.sh -n "${list[@]}"
	)
	check_config
}

# The tree stays as KDIR: headers, Makefiles, built tools.  C sources and
# objects of the kernel itself are of no more use.
shrink()
{
	find "$SRC" -path "$SRC/scripts" -prune -o -path "$SRC/tools" -prune -o \
		-type f \( -name '*.[cSsoa]' -o -name '*.ko' -o -name '*.mod' -o \
		-name '*.cmd' -o -name '*.dts*' -o -name '*.order' -o \
		-name '*.rst' -o -name '*.mod.c' \) -print0 | xargs -0 rm -f
	rm -f "$SRC"/vmlinux* "$SRC/.tmp_vmlinux"* "$SRC/arch/"*/boot/compressed/vmlinux*
	find "$SRC" -type d -empty -delete
}

collect()
{
	local root=$WORK/root

	rm -rf "$root"
	mkdir -p "$root/boot"
	RELEASE=$(cat "$SRC/include/config/kernel.release")
	logged kmake modules_install INSTALL_MOD_PATH="$root" INSTALL_MOD_STRIP=1
	rm -f "$root/lib/modules/$RELEASE"/{build,source}
	cp "$SRC/$(kmake -s image_name | tail -n 1)" "$root/boot/vmlinuz-$RELEASE"
	cp "$SRC/System.map" "$root/boot/System.map-$RELEASE"
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$root" "$RELEASE"
}

build()
{
	local hash

	hash=$(recipe_hash)
	if [ -z "$NEWEST" ] && grep -q "^K_STAMP=.*:$hash\$" "$FINAL/ready" 2>/dev/null; then
		kernel_load "$ID"
		say "$ID: $K_RELEASE is in the cache"
		return 0
	fi
	need flex flex
	need bison bison
	need bc bc
	with_lock "$CVM_CACHE/apt.lock" choose_source
	if grep -q -x -F "K_STAMP=linux-source-$K_SOURCE=$VERSION:$hash" "$FINAL/ready" 2>/dev/null; then
		return 0
	fi
	configure
	say "$ID: building linux-source-$K_SOURCE $VERSION (minutes; output in $LOG)"
	logged kmake bzImage modules
	say "$ID: collecting"
	collect
	shrink
	cat >"$WORK/ready" <<-END
		K_RELEASE=$RELEASE
		K_KDIR=$FINAL/src
		K_IMAGE=$FINAL/root/boot/vmlinuz-$RELEASE
		K_MODDIR=$FINAL/root/lib/modules/$RELEASE
		K_STAMP=linux-source-$K_SOURCE=$VERSION:$hash
	END
	rm -rf "$FINAL"
	mv "$WORK" "$FINAL"
	say "$ID: ready ($RELEASE, $(du -sh "$FINAL" | cut -f1))"
}

# Sets VERSION and unpacks it.
choose_source()
{
	apt_refresh "${NEWEST:+now}"
	source_version "$K_SOURCE"
	VERSION=$SOURCE_VERSION
	unpack_source
}

with_lock "$CVM_CACHE/build-$ID.lock" build
