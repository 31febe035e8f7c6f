# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# A device that does everything wrong, one thing after the other, with traffic: the
# numbered list of Documentation/vnetsim.rst. For each the driver reacts as it should,
# traffic goes on afterwards, the interface goes down and up, the device can be unbound;
# the kernel complains of nothing.
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

# By how much the counters of drops and resets have grown since sim_remember.
sim_remember()
{
	sim_drops=$(net_drops) sim_resets=$(counter resets)
	[ -z "$1" ] || sim_cause=$(counter "drop_$1")
}

# bug_column NAME COLUMN: 2 for how often it is still to happen, 3 for how often it did
bug_column()
{
	awk -v bug="$1" -v col="$2" '$1 == bug { print $col }' $SIM_DIR/sim0/inject
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
	wait)
		sleep 1
		;;
	esac
	[ "$2" = wait ] || expect_ge "$(bug_column "$1" 3)" 1 "times that $1 happened"
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
	case "$(counter resets) $2 $1 " in
	"$sim_resets kill "* | "$sim_resets wait "* | *" lost "*) down_and_up ;;
	"$sim_resets "*) mark sound ;;
	*) down_and_up ;;
	esac
}

# one BUG "REACTION [CAUSE]" EXTRA: on the device that is there
one()
{
	mark broken
	bug=$1 extra=$3
	# shellcheck disable=SC2086 # words
	set -- $2
	sim_remember "${2:-}"
	inject "$bug" || fail "$bug is not known"
	react "${bug%% *}" "$1" "${2:-}"
	recover "$extra" "$1"
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

# row RING MODE WHAT BUG REACTION EXTRA
row()
{
	want="$1 $(device_words "$6")"
	if [ "$plugged" != "$want" ] || [ "$(cat /tmp/sim.sound)" != sound ]; then
		unplug
		plug "$1" "${want#* }"
	fi
	ktap_case "$2 $([ "$1" = 1 ] && echo packed || echo split) $3" one "$4" "$5" "$6"
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
