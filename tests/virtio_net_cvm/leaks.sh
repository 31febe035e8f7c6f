# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# After the other tests, on a kernel with kmemleak=on: nothing was leaked.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh

KMEMLEAK=/sys/kernel/debug/kmemleak

no_leaks()
{
	[ -e $KMEMLEAK ] || skip "this kernel has no kmemleak"
	net_unload
	# Objects younger than five seconds are not reported, and what a first
	# scan finds may only be on its way somewhere.
	sleep 6
	echo scan >$KMEMLEAK || fail "kmemleak is switched off: boot with kmemleak=on"
	echo scan >$KMEMLEAK
	cat $KMEMLEAK >/tmp/leaks
	[ -s /tmp/leaks ] || return 0
	cat /tmp/leaks
	fail "leaked memory"
}

ktap_case "no leaked memory" no_leaks
ktap_done
