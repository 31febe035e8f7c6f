# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The arms of a comparison change places from round to round. Needs ktap.sh.

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

# take_turns ROUNDS TEXT CMD ARM...: a case for each round and arm, that is CMD ROUND ARM.
take_turns()
{
	turn_rounds=$1 turn_text=$2 turn_cmd=$3
	shift 3
	turn_round=0
	while [ $turn_round -lt "$turn_rounds" ]; do
		turn_round=$((turn_round + 1))
		for turn_arm in $(in_turns $turn_round "$@"); do
			ktap_case "round $turn_round, $turn_arm$turn_text" "$turn_cmd" $turn_round \
				"$turn_arm"
		done
	done
}
