#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run tests in a guest: vm-run.sh --guest x86-cvm --kernel 6.12 TEST...
# See --help and Documentation/testing.rst.
set -euo pipefail
exec python3 -B "$(dirname "$0")/vm_run.py" "$@"
