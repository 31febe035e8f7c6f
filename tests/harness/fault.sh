# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# For the self-tests of the harness: make the fault named by FAULT (a command of
# cvm_fault, or one of: fail skip hang nap kill die) between two good cases.
# SETUP is evaluated first, AFTER right after the fault.
. /tests/lib/ktap.sh
. /tests/lib/module.sh

nothing()
{
	:
}

fault()
{
	case $FAULT in
	fail) expect_eq 1 2 "asked to fail" ;;
	skip) skip "asked to skip" ;;
	nap) sleep 12 ;;
	hang) while :; do sleep 1; done ;;
	kill) kill -9 $$ ;;
	die) poweroff -f; sleep 60 ;;
	*) echo "$FAULT" >/sys/kernel/debug/cvm_fault/do ;;
	esac
	# Some complaints are printed by someone else, a little later.
	eval "${AFTER:-:}"
}

eval "${SETUP:-:}"
case $FAULT in
fail | skip | hang | nap | kill | die) ;;
*) load_module cvm_fault || exit 1 ;;
esac

ktap_plan 3
ktap_case "before" nothing
ktap_case "the fault" fault
ktap_case "after" nothing
ktap_done
