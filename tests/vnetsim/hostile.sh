# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# A device that does everything wrong, one thing after the other, with traffic: the
# numbered list of Documentation/vnetsim.rst. For each the driver reacts as it should,
# traffic goes on afterwards, the interface goes down and up; the kernel complains of
# nothing. The device is unbound where it may have lost its place in a ring, and at the end
# of each table; it is unplugged after a reset, and where the next row wants another one.
#
# Parameters: SIM_RINGS (0 1: split, packed), SIM_MODES (pool stream), SIM_ONLY: names.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh
. /tests/lib/hostile.sh

RINGS=${SIM_RINGS:-0 1}
MODES=${SIM_MODES:-pool stream}
ONLY=${SIM_ONLY:-}

# --- the device, which rows share as long as it is sound ---

# plug RING WORDS: with load, which goes on until unplug
plug()
{
	# shellcheck disable=SC2086 # words
	sim_up sim0 pairs=2 packed="$1" $2
	net_flood_start
	plugged="$1 $2"
}

# Defers of this shell, which is no case, are for nobody; so all of it is undone here.
unplug()
{
	[ -n "$plugged" ] || return 0
	net_flood_kill
	expect_eq 0 "$(net_flooded tcp wrong)" "TCP chunks with wrong content"
	expect_eq 0 "$(net_flooded udp wrong)" "datagrams with wrong content"
	[ ! -d $SIM_DIR/sim0 ] || vnetsim.sh del sim0 || fail "sim0 can't be unplugged"
	kill "$sim_pid" "$sim_server"
	plugged=""
}

# How the device is afterwards: whether later rows can have it, too.
mark()
{
	echo "$1" >/tmp/sim.sound
}

# --- what is seen ---

counter()
{
	read -r sim_value <"$NET_CVM/$1" && echo "$sim_value"
}

# sim_remember REACTION [CAUSE]: what the counters of drops and resets say before.
sim_remember()
{
	sim_drops=$(net_drops) sim_resets=$(counter resets)
	[ "$1" != drop ] || sim_cause=$(counter "drop_$2")
}

# A packet at least is under way, whatever TCP thinks of its losses.
poke()
{
	ping -c 1 -W 1 -s 100 $NET_PEER >/dev/null 2>&1
}

inject()
{
	echo "$1" >$SIM_DIR/sim0/inject
}

# Each of these goes on until the case ends; nothing but the driver helps the device.

# rekicked rx|tx
rekicked()
{
	sim_kicks=$(net_stat "$1_rekicks")
	wait_for 30 'poke; [ "$(net_stat '"$1"'_rekicks)" -gt "$sim_kicks" ]' ||
		fail "the device was not told again"
	# Whose packets these are is up to chance: the load wants the few buffers, too.
	sim_packets=$(net_stat "$1_packets")
	wait_for 30 'poke; [ "$(net_stat '"$1"'_packets)" -gt $((sim_packets + 100)) ]' ||
		fail "no traffic meanwhile"
	expect_eq "$sim_resets" "$(counter resets)" "resets"
}

# What has been sent and not been taken back, in bytes.
inflight()
{
	cat /sys/class/net/eth0/queues/tx-*/byte_queue_limits/inflight |
		awk '{ n += $1 } END { print n }'
}

# traffic -STOP|-CONT: all of it, both sides and their children
traffic()
{
	for sim_proc in /proc/[0-9]*; do
		read -r sim_comm <"$sim_proc/comm" || continue
		[ "$sim_comm" != nettest ] || kill "$1" "${sim_proc#/proc/}"
	done 2>/dev/null
}

# A packet that is sent takes back those before it, so nothing is.
reclaimed()
{
	[ -d /sys/class/net/eth0/queues/tx-0/byte_queue_limits ] ||
		skip "this kernel does not tell what is in flight"
	poke
	defer "traffic -CONT"
	traffic -STOP
	wait_for 20 '[ "$(inflight)" = 0 ]' || fail "$(inflight) bytes are not taken back"
	expect_eq "$sim_resets" "$(counter resets)" "resets"
}

# bounded COMMAND...: it ends, however long the device stands still.
bounded()
{
	"$@" &
	sim_bounded=$!
	wait_for 30 '! kill -0 $sim_bounded 2>/dev/null' || fail "'$*' does not end"
	wait "$sim_bounded" || fail "'$*' failed"
}

# stalled rx|tx
stalled()
{
	poke
	if [ "$1" = tx ]; then
		wait_for 30 'poke; [ "$(net_stat tx_timeouts)" -gt 0 ]' ||
			fail "the watchdog does not see it"
		wait_for 30 'poke; [ "$(counter resets)" -gt "$sim_resets" ]' ||
			fail "the device was not reset"
	fi
	bounded ip link set eth0 down
	bounded ip link set eth0 up
}

hundredths()
{
	sed 's/ .*//; s/\.//' /proc/uptime
}

# stormed BUG: looks and answers are bounded, whatever time the machine takes for it.
stormed()
{
	sim_began=$(hundredths)
	sim_looks=$(net_stat config_changes) sim_answers=$(sim_state announced)
	sim_hits=$(bug_column "$1" 3)
	sleep 3
	sim_looks=$(($(net_stat config_changes) - sim_looks))
	sim_answers=$(($(sim_state announced) - sim_answers))
	sim_hits=$(($(bug_column "$1" 3) - sim_hits))
	sim_took=$(($(hundredths) - sim_began))
	note "$sim_hits changes in $sim_took hundredths of a second: $sim_looks looks, $sim_answers answers"
	expect_le "$sim_looks" $((sim_took / 10 + 2)) "looks at the configuration"
	expect_le "$sim_answers" $((sim_took / 100 + 2)) "announcements"
	expect_ge "$sim_looks" 1 "looks at the configuration"
	expect_ge "$sim_hits" $((sim_took * 2)) "changes of the configuration"
	expect_eq "$sim_resets" "$(counter resets)" "resets"
	expect_eq "$sim_drops" "$(net_drops)" "drops"
}

# inactive BUG
inactive()
{
	expect_ok "ethtool -L eth0 combined 1"
	sim_hits=$(bug_column "$1" 3) sim_cause=$(counter drop_rx_inactive)
	wait_for 30 'poke; [ "$(bug_column '"$1"' 3)" -gt $((sim_hits + 3)) ]' ||
		fail "$1 did not happen often enough"
	inject none
	expect_ok "ethtool -L eth0 combined 2"
	expect_ge "$(counter drop_rx_inactive)" $((sim_cause + 1)) "packets dropped as rx_inactive"
	expect_eq "$sim_resets" "$(counter resets)" "resets"
}

# react BUG REACTION [CAUSE]
react()
{
	case $2 in
	drop)
		wait_for 30 'poke; [ "$(counter drop_'"$3"')" -gt "$sim_cause" ]' ||
			fail "nothing was dropped as $3, in all $(($(net_drops) - sim_drops))"
		expect_eq "$sim_resets" "$(counter resets)" "resets"
		;;
	kill)
		wait_for 30 'poke; [ "$(counter resets)" -gt "$sim_resets" ]' ||
			fail "the device was not reset"
		;;
	ignore)
		[ "$(bug_column "$1" 2)" -ge 0 ] || sleep 1
		wait_for 30 'poke; [ "$(bug_column '"$1"' 2)" -le 0 ]' ||
			fail "$1 did not happen often enough"
		expect_eq "$sim_resets" "$(counter resets)" "resets"
		expect_eq "$sim_drops" "$(net_drops)" "drops"
		;;
	any)
		wait_for 30 'poke; [ "$(bug_column '"$1"' 2)" = 0 ]' ||
			[ "$(counter resets)" -gt "$sim_resets" ] ||
			fail "$1 did not happen often enough"
		;;
	rekick) rekicked "$3" ;;
	reclaim) reclaimed ;;
	stall) stalled "$3" ;;
	storm) stormed "$1" ;;
	inactive) inactive "$1" ;;
	esac
	# Of what is sent the driver mostly does not want to hear; the rest is lost. And kicks
	# that the device does not wait for were seen to be missing.
	case $2 in
	reclaim | rekick) ;;
	*) expect_ge "$(bug_column "$1" 3)" 1 "times that $1 happened" ;;
	esac
}

# A driver that begins anew gets a ring that begins anew.
find_again()
{
	dev=$(cat $SIM_DIR/sim0/device)
	expect_ok "ip link set eth0 down"
	expect_ok "echo $dev >/sys/bus/virtio/drivers/$SIM_DRIVER/unbind"
	expect_ok "echo $dev >/sys/bus/virtio/drivers/$SIM_DRIVER/bind"
	sim_if=$(vnetsim.sh iface sim0)
	[ "$sim_if" = eth0 ] || ip link set "$sim_if" name eth0
	net_configure
	sim_resets=0
}

down_and_up()
{
	expect_ok "ip link set eth0 down"
	expect_ok "ip link set eth0 up"
	wait_for 10 'poke' || fail "no traffic after down and up"
}

# recover EXTRA REACTION: the end of each: no more wrong, and all as before.
recover()
{
	inject none
	case " $1 " in
	*" lost "*) find_again ;;
	esac
	wait_for 20 'poke' ||
		fail "no traffic afterwards: resets $(counter resets), drops $(net_drops)
$(cat $SIM_DIR/sim0/counters; ethtool -S eth0 | grep -v ' 0$')"
	expect_le $(($(counter resets) - sim_resets)) 4 "resets"
	# What a device reads that lost its place, changed the ring or reads too late is its
	# own doing.
	case " $1 $bug " in
	*" lost "* | *" desc_"* | *" early "* | *" used_idx_"*) ;;
	*) sim_expect_rules sim0 ;;
	esac
	down_and_up
	case "$(counter resets) $2 $1 " in
	"$sim_resets kill "* | *" lost "*) ;;
	"$sim_resets "*) mark sound ;;
	esac
}

# one BUG "REACTION [CAUSE]" EXTRA: on the device that is there
one()
{
	bug=$1 extra=$3
	case "$NET_MODE ${plugged%% *} $extra " in
	"stream 0 "*" unmapped "*) sim_unmaps_twice ;;
	esac
	mark broken
	# shellcheck disable=SC2086 # words
	set -- $2
	sim_remember "$1" "${2:-}"
	inject "$bug" || fail "$bug is not known"
	case " $extra " in
	*" ahead "*) inject "stray_write rx -1" || fail "stray_write is not known" ;;
	esac
	react "${bug%% *}" "$1" "${2:-}"
	recover "$extra" "$1"
}

# Of a driver that has seen all of it
bound_anew()
{
	find_again
	down_and_up
}

# What is wanted of a row for a ring and a mode; 1 to leave it out.
applies()
{
	case " $3 " in
	*" split "*) [ "$1" = 0 ] || return 1 ;;
	*" packed "*) [ "$1" = 1 ] || return 1 ;;
	*" pool "*) [ "$2" = pool ] || return 1 ;;
	esac
}

ring_name()
{
	[ "$1" = 1 ] && echo packed || echo split
}

# row RING MODE WHAT BUG REACTION EXTRA
row()
{
	want="$1 $(device_words "$6")"
	if [ "$plugged" != "$want" ] || [ "$(cat /tmp/sim.sound)" != sound ]; then
		unplug
		plug "$1" "${want#* }"
	fi
	ktap_case "$2 $(ring_name "$1") $3" one "$4" "$5" "$6"
}

run_table()
{
	echo "$HOSTILE" >/tmp/sim.table
	exec 6</tmp/sim.table
	while IFS='|' read -r what bug reaction extra <&6; do
		[ -n "$what" ] || continue
		name=${what#* }
		[ -z "$ONLY" ] || case " $ONLY " in
		*" $name "*) ;;
		*) continue ;;
		esac
		applies "$1" "$2" "$extra" || continue
		row "$1" "$2" "$what" "$bug" "$reaction" "$extra"
	done
	exec 6<&-
	[ -z "$plugged" ] || ktap_case "$2 $(ring_name "$1"), bound anew" bound_anew
	unplug
}

plugged=""
for mode in $MODES; do
	NET_MODE=$mode
	for ring in $RINGS; do
		sim_load || exit 1
		run_table "$ring" "$mode"
		ktap_case "$mode, unloading" sim_unload
	done
done
ktap_done
