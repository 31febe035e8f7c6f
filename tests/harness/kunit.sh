# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Guest side of scripts/kunit.sh: load and unload every KUnit suite (or those
# named in SUITES), then look for leaked memory. The suites' own results are
# read from the log by the host.
. /tests/lib/ktap.sh
. /tests/lib/module.sh

KMEMLEAK=/sys/kernel/debug/kmemleak

run_suite()
{
	echo "<5>cvm-kunit: begin $1" >/dev/kmsg
	load_module "$1" || fail "$1 does not load"
	echo "<5>cvm-kunit: end $1" >/dev/kmsg
	unload_module "$1" || fail "$1 does not unload"
}

no_leaks()
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

[ -e $KMEMLEAK ] && echo clear >$KMEMLEAK
for suite in ${SUITES:-$(cd /lib/cvm && ls | sed -n 's/\.ko$//p' | grep _kunit)}; do
	ktap_case "$suite" run_suite "$suite"
done
if [ -e $KMEMLEAK ]; then
	ktap_case "no leaked memory" no_leaks
fi
ktap_done
