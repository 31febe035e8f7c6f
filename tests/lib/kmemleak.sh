# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Leaked memory, on kernels with kmemleak=on. Needs ktap.sh.

KMEMLEAK=/sys/kernel/debug/kmemleak

# expect_no_leaks: what is not referred to any more was freed.
expect_no_leaks()
{
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
