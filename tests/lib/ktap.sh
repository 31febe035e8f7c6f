# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# KTAP for guest tests (busybox sh). Each case runs in a subshell between two
# marks in the kernel log; what the kernel complained about in between makes
# the case fail, whatever the case itself thinks.
#
#   . /tests/lib/ktap.sh
#   ktap_plan 2                  (optional)
#   ktap_case "name" function [arguments]
#   ktap_done
#
# With KTAP_STOP set the first case that fails is the last.
# In a case: fail MSG, skip MSG, note MSG, defer CMD, expect_*, wait_for.

KTAP_MARK=${KTAP_MARK:-}
KTAP_LIB=${KTAP_LIB:-/tests/lib}
ktap_n=0
ktap_planned=
ktap_failed=0
ktap_passed=0
ktap_skipped=0

ktap_line()
{
	printf '%s%s\n' "$KTAP_MARK" "$*"
}

note()
{
	ktap_line "# $*"
}

fail()
{
	ktap_line "# FAIL: $*"
	exit 1
}

skip()
{
	printf '%s' "$*" >"$ktap_why"
	exit 4
}

ktap_plan()
{
	ktap_planned=$1
	ktap_line "1..$1"
}

# Undo steps of the running case, last one first, also when the case fails.
defer()
{
	ktap_defers="$*
$ktap_defers"
}

ktap_run_defers()
{
	ktap_rc=$?
	trap - EXIT
	set +eu
	eval "$ktap_defers"
	exit $ktap_rc
}

# Complaints of the kernel since the mark of this case, which is the last: an earlier
# test may have had a case of that number whose name only begins so.
ktap_splats()
{
	dmesg | awk -v mark="cvm-case: begin $1" '
		index($0, mark) { on = 1; text = ""; next }
		on { text = text $0 "\n" }
		END { printf "%s", text }' | grep -E -f /tmp/ktap.splats
}

ktap_kmsg()
{
	# Notice level, which the console shows.
	echo "<5>cvm-case: $*" >/dev/kmsg
}

ktap_case()
{
	ktap_name=$1
	shift
	ktap_n=$((ktap_n + 1))
	ktap_id="$ktap_n $ktap_name"
	ktap_why=/tmp/ktap.why
	rm -f $ktap_why
	[ -f /tmp/ktap.splats ] || awk -F'\t' '!/^#/ && NF == 2 { print $2 }' \
		"$KTAP_LIB/splats.tsv" >/tmp/ktap.splats
	ktap_kmsg "begin $ktap_id"
	(
		ktap_defers=
		trap ktap_run_defers EXIT
		"$@"
	)
	ktap_rc=$?
	ktap_splats "$ktap_id" >/tmp/ktap.found && ktap_rc=splat
	ktap_kmsg "end $ktap_id"
	case $ktap_rc in
	0)
		ktap_passed=$((ktap_passed + 1))
		ktap_line "ok $ktap_id"
		;;
	4)
		ktap_skipped=$((ktap_skipped + 1))
		ktap_line "ok $ktap_id # SKIP $(cat $ktap_why 2>/dev/null)"
		;;
	*)
		ktap_failed=$((ktap_failed + 1))
		if [ "$ktap_rc" = splat ]; then
			head -n 5 /tmp/ktap.found | while IFS= read -r l; do
				note "kernel: $l"
			done
		elif [ "$ktap_rc" != 1 ]; then
			note "the case ended with status $ktap_rc"
		fi
		ktap_line "not ok $ktap_id"
		[ -z "${KTAP_STOP:-}" ] || exit 1
		;;
	esac
}

ktap_done()
{
	[ -n "$ktap_planned" ] || ktap_line "1..$ktap_n"
	[ $ktap_failed = 0 ] || exit 1
	[ $((ktap_passed + ktap_skipped)) = "${ktap_planned:-$ktap_n}" ] || exit 1
	[ $ktap_passed -gt 0 ] || exit 4
	exit 0
}

# expect_eq WANT GOT MSG
expect_eq()
{
	[ "$1" = "$2" ] || fail "${3:-values differ}: wanted '$1', got '$2'"
}

# expect_ne UNWANTED GOT MSG
expect_ne()
{
	[ "$1" != "$2" ] || fail "${3:-values are the same}: '$2'"
}

# expect_le GOT LIMIT MSG, expect_ge GOT LIMIT MSG (integers)
expect_le()
{
	[ "$1" -le "$2" ] || fail "${3:-too much}: $1, at most $2 allowed"
}

expect_ge()
{
	[ "$1" -ge "$2" ] || fail "${3:-too little}: $1, at least $2 needed"
}

# expect_ok CMD: the command (text for the shell) succeeds.
expect_ok()
{
	ktap_out=$(eval "$1" 2>&1) || fail "'$1' failed: $ktap_out"
}

# The text that busybox prints for an errno name.
ktap_errno()
{
	case $1 in
	EPERM) echo "Operation not permitted" ;;
	ENOENT) echo "No such file or directory" ;;
	ESRCH) echo "No such process" ;;
	EIO) echo "Input/output error" ;;
	E2BIG) echo "Argument list too long" ;;
	EAGAIN) echo "Resource temporarily unavailable" ;;
	ENOMEM) echo "Cannot allocate memory" ;;
	EACCES) echo "Permission denied" ;;
	EBUSY) echo "Device or resource busy" ;;
	EEXIST) echo "File exists" ;;
	ENODEV) echo "No such device" ;;
	EINVAL) echo "Invalid argument" ;;
	ENOSPC) echo "No space left on device" ;;
	ERANGE) echo "result out of range" ;;
	EADDRNOTAVAIL) echo "assign requested address" ;;
	EOVERFLOW) echo "Value too large" ;;
	EOPNOTSUPP) echo "not supported" ;;
	ENOTUNIQ) echo "not unique" ;;
	*) echo "$1" ;;
	esac
}

# expect_errno CMD ERRNO: the command fails and says so (EINVAL or its text).
expect_errno()
{
	ktap_want=$(ktap_errno "$2")
	ktap_out=$(eval "$1" 2>&1) && fail "'$1' succeeded, wanted $2"
	case $ktap_out in
	*"$ktap_want"*) ;;
	*) fail "'$1': wanted $2 ($ktap_want), got: $ktap_out" ;;
	esac
}

# wait_for SECONDS CMD: poll until the command (text for the shell) succeeds.
wait_for()
{
	# Its own also where the command waits for something, too.
	set -- "$2" $(($(cut -d. -f1 /proc/uptime) + $1))
	until eval "$1" 2>/dev/null; do
		[ "$(cut -d. -f1 /proc/uptime)" -le "$2" ] || return 1
		usleep 50000
	done
}
