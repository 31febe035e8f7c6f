# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What a driver makes of a hostile device: each row of the list on a device of its own, with
# traffic; then the device behaves, and it is seen what it takes until packets pass again.
# Commands, configuration and the rest of its life likewise: what it does is set, a command
# given. Nothing is judged here. A line "compare|NAME|RESULT" for each row; one that does not
# end in a minute, or a command in half of one, ends the guest. Run by
# scripts/hostile-compare.sh. Parameters:
#   SIM_ONLY      names of rows
#   CMP_DRIVER    virtio_net or virtio_net_cvm
#   CMP_PACKED    packed rings (0)
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh
. /tests/lib/hostile.sh
. /tests/lib/hostile_life.sh

DRIVER=${CMP_DRIVER:-virtio_net}
ONLY=${SIM_ONLY:-}
BUS=/sys/bus/virtio/drivers/$DRIVER

# Also where a guest that is about to end is heard
say_result()
{
	echo "compare|$1|$2" | tee /dev/kmsg
	: >/tmp/compare.said
}

answers()
{
	wait_for "$1" 'ping -c 1 -W 1 $NET_PEER >/dev/null 2>&1'
}

unbind()
{
	cat $SIM_DIR/sim0/device >$BUS/unbind
}

bind()
{
	cat $SIM_DIR/sim0/device >$BUS/bind
}

rebind()
{
	unbind
	bind
}

# Is there an interface, and called eth0?
found()
{
	sim_if=$(vnetsim.sh iface sim0 2>/dev/null) || return 1
	[ "$sim_if" = eth0 ] || ip link set "$sim_if" name eth0
	net_configure
}

again()
{
	rebind
	found
}

recovery()
{
	answers 8 && echo "goes on" && return
	ip link set eth0 down
	ip link set eth0 up
	answers 5 && echo "after down and up" && return
	again >/dev/null 2>&1
	answers 5 && echo "after rebinding" && return
	echo "stays dead"
}

complaint()
{
	ktap_splats "$ktap_id" | head -n 1 | sed 's/^\[[^]]*\] *//; s/|/ /g' | cut -c1-70
}

# watched NAME SECONDS: from here to the end of the case
watched()
{
	rm -f /tmp/compare.said
	defer "[ -f /tmp/compare.said ] || say_result $1 'no traffic before it began'"
	(
		sleep "$2"
		say_result "$1" "hangs"
		echo b >/proc/sysrq-trigger
	) &
	watch=$!
	defer "kill $watch"
}

# over NAME RESULT: the row's last word
over()
{
	vnetsim.sh del sim0
	said=$(complaint)
	say_result "$1" "$2${said:+; kernel: $said}"
}

# one NAME BUG WORDS
one()
{
	watched "$1" 60
	# shellcheck disable=SC2086 # words
	sim_up sim0 pairs=2 packed="${CMP_PACKED:-0}" $3
	net_flood_start
	echo "$2" >$SIM_DIR/sim0/inject
	for _ in 1 2 3; do
		ping -c 1 -W 1 -s 100 $NET_PEER >/dev/null 2>&1
	done
	hits=$(bug_column "${2%% *}" 3)
	echo none >$SIM_DIR/sim0/inject
	result=$(recovery)
	net_flood_kill
	wrong=$(($(net_flooded tcp wrong) + $(net_flooded udp wrong)))
	[ "${hits:-0}" -gt 0 ] || result="did not happen"
	[ "$wrong" = 0 ] || result="$result, wrong data passed on"
	over "$1" "$result"
}

# --- commands of tests/lib/hostile_life.sh ---

address()
{
	ip link set eth0 address 52:54:00:aa:bb:01
}

statistics()
{
	ethtool -S eth0
}

ring()
{
	ethtool -G eth0 rx 64
}

link()
{
	vnetsim.sh set sim0 event "link up"
	sleep 1
}

# given NAME COMMAND...: what became of it, in words; nothing if it was done at once
given()
{
	given_name=$1
	shift
	given_at=$(now)
	"$@" >/dev/null 2>&1 &
	given_pid=$!
	if ! wait_for 30 '! kill -0 $given_pid 2>/dev/null'; then
		say_result "$given_name" "the command hangs"
		echo b >/proc/sysrq-trigger
	fi
	wait $given_pid && given_end= || given_end="the command fails"
	given_at=$(($(now) - given_at))
	[ $given_at -lt 3 ] || given_end="${given_end:-the command is done} after $given_at s"
	echo "${given_end:+$given_end; }"
}

now()
{
	cut -d. -f1 /proc/uptime
}

# As it is found: a driver that begins
begins()
{
	if ! found; then
		echo "not taken"
	elif answers 8; then
		echo "goes on"
	else
		echo "taken, no packets"
	fi
}

# behave: whatever was set
behave()
{
	vnetsim.sh set sim0 inject none
	vnetsim.sh set sim0 ctrl_fail 0
	vnetsim.sh set sim0 ctrl_delay_ms 0
	# shellcheck disable=SC2086 # words
	vnetsim.sh set sim0 config $SANE
}

misbehave()
{
	echo "$1" | sed 's/; */\n/g' >/tmp/compare.set
	while read -r setting; do
		# shellcheck disable=SC2086 # words
		vnetsim.sh set sim0 $setting
	done </tmp/compare.set
}

# How often it happened, of what is injected
happened()
{
	case $1 in
	"inject "*)
		bug=${1#inject }
		bug_column "${bug%%[ ;]*}" 3
		;;
	*) echo 1 ;;
	esac
}

# plugged NAME WORDS: a device that is like that from the beginning
plugged()
{
	sim_name=sim0
	# shellcheck disable=SC2086 # words
	result=$(given "$1" vnetsim.sh add sim0 pairs=2 packed="${CMP_PACKED:-0}" $2)
	sim_peer
	result=$result$(begins)
	beyond=$(awk '$1 == "config_range" { print $2 }' $SIM_DIR/sim0/violations)
	[ "$beyond" = 0 ] || result="$result; reads beyond the configuration"
	over "$1" "$result"
}

# life NAME COMMAND SETTING
life()
{
	watched "$1" 90
	[ "$2" != plug ] || {
		plugged "$1" "$3"
		return
	}
	sim_up sim0 pairs=2 packed="${CMP_PACKED:-0}"
	case $2 in
	*bind)
		[ "$2" = rebind ] || unbind
		misbehave "$3"
		result=$(given "$1" "$2")
		result=$result$(begins)
		hits=$(happened "$3")
		behave
		case $result in
		*"goes on") ;;
		*)
			again >/dev/null 2>&1
			answers 5 || result="$result; stays dead when it behaves and is bound anew"
			;;
		esac
		;;
	*)
		net_flood_start
		misbehave "$3"
		result=$(given "$1" "$2")
		hits=$(happened "$3")
		behave
		# Also where a command was obeyed and refused, both sides agree again.
		wait_for 15 "$2 >/dev/null" || result="${result}also without all that; "
		result=$result$(recovery)
		net_flood_kill
		;;
	esac
	[ "${hits:-0}" -gt 0 ] || result="did not happen"
	over "$1" "$result"
}

wanted()
{
	[ -n "$1" ] || return 1
	case " $ONLY " in
	*" ${1#* } "*) ;;
	*) return 1 ;;
	esac
}

sim_load "$DRIVER" || exit 1
echo "$HOSTILE" >/tmp/sim.table
exec 6</tmp/sim.table
while IFS='|' read -r what bug _ extra <&6; do
	! wanted "$what" || ktap_case "$what" one "${what#* }" "$bug" "$(device_words "$extra")"
done
echo "$LIFE" >/tmp/sim.table
exec 6</tmp/sim.table
while IFS='|' read -r what _ command setting _ <&6; do
	! wanted "$what" || ktap_case "$what" life "${what#* }" "$command" "$setting"
done
ktap_done
