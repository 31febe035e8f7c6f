# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Guest side of scripts/kunit.sh: load and unload every KUnit suite (or those
# named in SUITES), then look for leaked memory. What the suites say is read from the log
# by the host; here only whether they said it, and that nothing failed.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/kmemleak.sh

# CPUs that run, timers, locks that are held, tasks that wait
tell_all()
{
	for what in l q d w; do
		echo $what >/proc/sysrq-trigger
	done
}

run_suite()
{
	echo "<5>cvm-kunit: begin $1" >/dev/kmsg
	# What a suite hangs in has to be seen before the guest's time is up.
	{ sleep 200 && tell_all; } >/dev/null 2>&1 &
	defer "kill $! 2>/dev/null"
	load_module "$1" || fail "$1 does not load"
	echo "<5>cvm-kunit: end $1" >/dev/kmsg
	unload_module "$1" || fail "$1 does not unload"
	said=$(dmesg | sed -n "/cvm-kunit: begin $1/,/cvm-kunit: end $1/p")
	echo "$said" | grep -q -E '\] ok [0-9]+ |not ok [0-9]+ ' || fail "$1 said nothing"
	! echo "$said" | grep -m 1 -E 'not ok [0-9]+ ' || fail "a case of $1 failed"
}

[ -e $KMEMLEAK ] && echo clear >$KMEMLEAK
for suite in ${SUITES:-$(cd /lib/cvm && ls | sed -n 's/\.ko$//p' | grep _kunit)}; do
	ktap_case "$suite" run_suite "$suite"
done
if [ -e $KMEMLEAK ]; then
	ktap_case "no leaked memory" expect_no_leaks
fi
ktap_done
