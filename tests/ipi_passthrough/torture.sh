# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Everything at once on all CPUs: random IPIs of all kinds (ipi_torture), masks
# that change every 20-200 ms, masks that must be refused, CPUs that come and
# go, the module unloaded and loaded. At the end: every call was answered within
# its limit. Parameters: SECONDS_RUN (60), LIMIT_MS (3000). Wants 4 CPUs.
#
# The softirq hazard has a part of its own, with the hooks always in place: stock
# x86 kernels deadlock in it now and then, by themselves.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh

SECONDS_RUN=${SECONDS_RUN:-60}
LIMIT_MS=${LIMIT_MS:-3000}
TORTURE=/sys/kernel/debug/ipi_torture
HAZARD=/sys/module/ipi_torture/parameters/hazard
HAZARD_ALWAYS=Y
[ "$(uname -m)" = x86_64 ] && HAZARD_ALWAYS=N

# The loops below start no process that they can do without: on a kernel with
# all sanitizers that is most of their time.

# random N: sets rnd, 0 to N-1
random()
{
	read -r uuid </proc/sys/kernel/random/uuid
	rnd=$((0x${uuid%%-*} % $1))
}

# nap LEAST SPAN: sleeps that long plus a random part of SPAN, in ms
nap()
{
	random "$2"
	usleep $((($1 + rnd) * 1000))
}

# Sets now.
seconds()
{
	read -r now _ </proc/uptime
	now=${now%.*}
}

until_end()
{
	seconds
	[ "$now" -lt "$END" ] && [ ! -e /tmp/torture.stop ]
}

# The knob is gone while the module is unloaded: that is no error here.
write_mask()
{
	echo "$1" 2>/dev/null >$IPI_KNOB
}

toggle_masks()
{
	n=0
	while until_end; do
		random 80
		case $rnd in
		0 | [1-7] | 1[0-7]) mask=$LEAST_MASK ;;
		*) mask=$(printf %x $((1 + rnd % 15))) ;;
		esac
		write_mask "$mask" && n=$((n + 1))
		nap 20 180
	done
	echo "$n masks written"
}

# None of these may be taken, whatever else goes on.
bad_masks()
{
	n=0
	while until_end; do
		for bad in '' xyz 1,,1 fffff0000 -1 '1 2'; do
			[ -e $IPI_KNOB ] || continue
			if write_mask "$bad"; then
				echo "BAD: mask '$bad' was taken"
				touch /tmp/torture.stop
				return
			fi
			n=$((n + 1))
		done
		nap 100 200
	done
	echo "$n bad masks refused"
}

hotplug()
{
	n=0
	while until_end; do
		random 3
		cpu=$((1 + rnd))
		echo 0 2>/dev/null >/sys/devices/system/cpu/cpu$cpu/online
		nap 50 300
		echo 1 >/sys/devices/system/cpu/cpu$cpu/online && n=$((n + 1))
		nap 100 500
	done
	echo "$n CPUs unplugged and back"
}

# An open statistics file keeps the module, as any open file of a module does.
unload_soon()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmmod ipi_passthrough 2>/tmp/torture.rmmod && return
		grep -q "temporarily unavailable" /tmp/torture.rmmod || break
		nap 10 50
	done
	cat /tmp/torture.rmmod
	return 1
}

reload()
{
	n=0
	while until_end; do
		nap 500 1500
		unload_soon || echo "BAD: rmmod failed"
		random 2
		[ $rnd = 0 ] || nap 0 100
		if ! load_module ipi_passthrough; then
			echo "BAD: insmod failed"
			touch /tmp/torture.stop
			return
		fi
		n=$((n + 1))
	done
	echo "$n times unloaded and loaded"
}

stat_reader()
{
	n=0
	while until_end; do
		cat $IPI_STATS >/dev/null 2>&1
		random 10
		[ $rnd != 0 ] || echo 0 2>/dev/null >$IPI_STATS
		n=$((n + 1))
		nap 50 100
	done
	echo "$n times statistics read"
}

torture_value()
{
	sed -n "s/^$1=//p" $TORTURE/stats
}

set_up()
{
	need_cpus 4
	ipi_load ipi_passthrough
	ipi_set_mask f
	ipi_load ipi_torture limit_ms="$LIMIT_MS" hazard="$HAZARD_ALWAYS"
}

# at_once SECONDS JOB...
at_once()
{
	seconds
	END=$((now + $1))
	shift
	rm -f /tmp/torture.stop /tmp/torture.*.log
	pids=
	for job; do
		$job >/tmp/torture."$job".log 2>&1 &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086 # one argument per process
	wait $pids
	for job; do
		while read -r line; do note "$job: $line"; done </tmp/torture."$job".log
	done
	! grep -q BAD /tmp/torture.*.log || fail "see BAD above"
}

everything()
{
	LEAST_MASK=0
	at_once $((SECONDS_RUN * 3 / 4)) toggle_masks bad_masks hotplug reload stat_reader
}

# Every CPU must have polled once before: then the guard knows its idle task.
hazard_under_load()
{
	LEAST_MASK=1
	ipi_set_mask f
	sleep 1
	echo Y >$HAZARD
	at_once $((SECONDS_RUN / 4)) toggle_masks bad_masks hotplug stat_reader
	echo N >$HAZARD
	wait_for 10 '[ "$(torture_value hazard_calls)" = "$(torture_value hazard_acked)" ]' ||
		fail "hazard calls that are not answered"
	echo $HAZARD_ALWAYS >$HAZARD
	expect_eq 0 "$(torture_value hazard_bailed)" "deadlocks"
}

# With the mask on and nothing else going on, for a moment: soft IPIs do happen.
calm()
{
	ipi_set_mask f
	ipi_reset_stats
	before=$(torture_value idle_loop)
	sleep 2
	soft=$(ipi_stat soft)
	note "2 s of calm: $soft soft IPIs," \
		"$(($(torture_value idle_loop) - before)) answers from the idle loop"
	expect_ge "$soft" 50 "soft IPIs"
	expect_ge "$(ipi_stat polls)" 50 "polls"
}

# Every kind was called, answered, and in time.
every_call_answered()
{
	# Polling CPUs would only be in the way now.
	ipi_set_mask 0
	# Returns when the last call is answered.
	echo 0 >$TORTURE/run
	cp $TORTURE/stats /out/torture.txt
	awk -F= '
		/^late_[0-9]/ { print "late: " substr($0, index($0, "=") + 1) }
		/^(late|lost|hazard_bailed|outstanding)=/ && $2 != 0 { print "BAD: " $0 }
		/_calls=/ { calls = $2; all += $2 }
		/_acked=/ && $2 != calls { print "BAD: " $0 " of " calls }
		/_acked=/ && $2 < 10 { print "BAD: only " $0 }
		/_worst_us=/ && $2 > worst { worst = $2; kind = $1 }
		END { print all " calls, slowest " worst " us (" kind ")" }' \
		$TORTURE/stats >/tmp/torture.verdict
	while read -r line; do note "$line"; done </tmp/torture.verdict
	! grep -q BAD /tmp/torture.verdict || fail "see BAD above"
}

clean_up()
{
	unload_module ipi_torture || fail "ipi_torture does not unload"
	unload_module ipi_passthrough || fail "ipi_passthrough does not unload"
	expect_eq "$(cat /sys/devices/system/cpu/present)" \
		"$(cat /sys/devices/system/cpu/online)" "online CPUs"
}

ktap_case "set-up" set_up
ktap_case "$((SECONDS_RUN * 3 / 4)) s of everything" everything
ktap_case "$((SECONDS_RUN / 4)) s with the softirq hazard" hazard_under_load
ktap_case "calm at the end" calm
ktap_case "every call was answered" every_call_answered
ktap_case "clean-up" clean_up
ktap_done
