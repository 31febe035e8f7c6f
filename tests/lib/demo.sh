# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# How the guest halves of scripts/demo.sh show what they do. Needs ktap.sh.

say()
{
	note ""
	note "== $*"
}

# Show a command, run it, show what it printed.
show()
{
	note "\$ $1"
	eval "$1" >/tmp/demo.out 2>&1
	rc=$?
	while read -r line; do note "  $line"; done </tmp/demo.out
	[ $rc = 0 ] || fail "that ended with status $rc"
}
