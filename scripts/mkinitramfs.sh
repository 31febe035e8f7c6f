#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make the initramfs of a test guest without running it:
#   mkinitramfs.sh KERNEL-ID OUTPUT [TEST...]
# vm-run.sh does the same for each run; this is for looking at one, or for
# booting it by hand.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

[ $# -ge 2 ] || usage_die "usage: mkinitramfs.sh KERNEL-ID OUTPUT [TEST...]"
exec python3 -B "$CVM_TOP/scripts/vm_run.py" --initramfs-only "$@"
