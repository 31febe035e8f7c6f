# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Tracepoints that are recorded while a case runs. Needs ktap.sh.

# trace_find FILE: sets TRACING; is there that file of it?
trace_find()
{
	TRACING=/sys/kernel/tracing
	[ -e "$TRACING/$1" ] || TRACING=/sys/kernel/debug/tracing
	[ -e "$TRACING/$1" ]
}

# trace_start EVENTS: record these, a system or SYSTEM/EVENT, until the case ends.
trace_start()
{
	trace_find "events/$1/enable" || fail "there are no tracepoints $1"
	trace_on=$TRACING/events/$1/enable
	echo >$TRACING/trace
	defer "trace_stop; echo >$TRACING/trace"
	echo 1 >"$trace_on"
}

# trace_stop: what was recorded stays until the case ends.
trace_stop()
{
	# The module may be gone, and its events with it.
	[ ! -e "$trace_on" ] || echo 0 >"$trace_on"
}

# trace_count REGEX: how many such events were recorded
trace_count()
{
	grep -c -E "$1" $TRACING/trace
}
