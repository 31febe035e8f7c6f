# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# After the other tests, on a kernel with kmemleak=on: nothing was leaked.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/kmemleak.sh

no_leaks()
{
	[ -e $KMEMLEAK ] || skip "this kernel has no kmemleak"
	net_unload
	expect_no_leaks
}

ktap_case "no leaked memory" no_leaks
ktap_done
