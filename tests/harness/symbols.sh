# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Hands the kernel's symbols to the host, which caches them (scripts/vm/symbols.py).
. /tests/lib/ktap.sh

symbols()
{
	grep -i ' [tw] ' /proc/kallsyms | grep -v '\[' >/out/kallsyms
}

ktap_case "kernel symbols" symbols
ktap_done
