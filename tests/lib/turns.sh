# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The arms of a comparison change places from round to round.

# in_turns ROUND ARM...: in the order of that round, from 1; who was first is last in
# the next.
in_turns()
{
	turns=$(($1 - 1))
	shift
	while [ $turns -gt 0 ]; do
		turn_first=$1
		shift
		set -- "$@" "$turn_first"
		turns=$((turns - 1))
	done
	echo "$*"
}
