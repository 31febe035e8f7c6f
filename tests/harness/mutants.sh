# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Guest side of scripts/mutants.sh: lets a test judge each broken module of MUTANTS, and
# says in a note what became of it. A mutant whose test fails is killed; one whose test
# passes survives. What a mutant has done to this guest must not count against the next:
# where that is not sure the guest ends, and the others get a new one.
#
#   MUTANTS       NAME=MODULE ...: /put/NAME.ko takes the place of MODULE; just NAME: a
#                 KUnit suite
#   MUTANT_TESTS  files in tests/ that judge, in this order
#   MUTANT_LIMIT  seconds for each of them (300)
. /tests/lib/ktap.sh
. /tests/lib/module.sh

LOG=/tmp/mutant.log

# Print what a test says, in short; its requests to the harness have to get through.
listen()
{
	awk -v mark="$KTAP_MARK" -v file="$LOG" '
		{ print >file }
		/^# cvm: / { print mark $0; fflush() }
		END { close(file) }'
}

# The reason comes just before the result.
reason()
{
	awk '/^# (FAIL|kernel): / && why == "" { why = $0 }
		/^ok / { why = "" }
		/^not ok / { sub(/^not ok [0-9]+ /, ""); print $0 ": " substr(why, 3); exit }' $LOG
}

judge_by_tests()
{
	for test in $MUTANT_TESTS; do
		rm -f /tmp/mutant.rc
		{
			KTAP_MARK='' KTAP_STOP=1 setsid sh -c 'echo $$ >/tmp/mutant.group; exec "$@"' \
				sh timeout -s KILL "${MUTANT_LIMIT:-300}" sh "/$test" 2>&1
			echo $? >/tmp/mutant.rc
			# What it left in the background would be listened to for ever.
			kill -KILL -- "-$(cat /tmp/mutant.group)" 2>/dev/null
		} | listen
		[ "$(cat /tmp/mutant.rc)" != 0 ] || continue
		verdict="killed: $(reason)"
		[ "$verdict" != "killed: " ] || verdict="killed: ${test##*/} ended with $(cat /tmp/mutant.rc)"
		return
	done
}

judge_by_suite()
{
	dmesg -c >/dev/null
	load_module "$1" || fail "$1 does not load"
	# A suite that fails says much; it is read once.
	dmesg -c >$LOG
	grep -q -E '(not ok|ok) [0-9]+ [a-z0-9_]+$' $LOG || fail "the suite $1 did not run"
	! grep -q 'not ok [0-9]' $LOG ||
		verdict="killed: $(sed -n 's/.*not ok [0-9]* //p' $LOG | head -n 1)"
	! grep -q -E -f /tmp/ktap.splats $LOG || spoilt=1
}

# Only what was loaded at first.
clean()
{
	for _ in 1 2 3 4 5; do
		cut -d ' ' -f 1 /proc/modules | grep -v -x -F -f /tmp/modules |
			xargs -r -n 1 rmmod 2>/dev/null
		cut -d ' ' -f 1 /proc/modules | grep -q -v -x -F -f /tmp/modules || return 0
		sleep 1
	done
	return 1
}

judge()
{
	name=${1%%=*} module=${1#*=}
	verdict=survived spoilt=
	note "mutant $name begins"
	if [ "$name" = "$module" ]; then
		judge_by_suite "$name"
	else
		cp "/put/$name.ko" "/put/$module.ko"
		judge_by_tests
	fi
	note "mutant $name $verdict"
	[ -z "$spoilt" ] || fail "the kernel complained"
	clean || fail "modules are left"
}

cut -d ' ' -f 1 /proc/modules >/tmp/modules
KTAP_STOP=1
for mutant in $MUTANTS; do
	ktap_case "$mutant" judge "$mutant"
done
ktap_done
