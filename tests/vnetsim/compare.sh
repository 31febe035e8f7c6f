# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What a driver makes of a hostile device: each row of the list on a device of its own, with
# traffic; then the device behaves, and it is seen what it takes until packets pass again.
# Nothing is judged here. A line "compare|NAME|RESULT" for each row; one that does not
# end in a minute ends the guest. Run by scripts/hostile-compare.sh. Parameters:
#   SIM_ONLY      names of rows
#   CMP_DRIVER    virtio_net or virtio_net_cvm
#   CMP_PACKED    packed rings (0)
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh
. /tests/lib/hostile.sh

DRIVER=${CMP_DRIVER:-virtio_net}
ONLY=${SIM_ONLY:-}

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

again()
{
	dev=$(cat $SIM_DIR/sim0/device)
	echo "$dev" >/sys/bus/virtio/drivers/"$DRIVER"/unbind
	echo "$dev" >/sys/bus/virtio/drivers/"$DRIVER"/bind
	sim_if=$(vnetsim.sh iface sim0)
	[ "$sim_if" = eth0 ] || ip link set "$sim_if" name eth0
	net_configure
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

# one NAME BUG WORDS
one()
{
	rm -f /tmp/compare.said
	defer "[ -f /tmp/compare.said ] || say_result $1 'no traffic before it began'"
	(
		sleep 60
		say_result "$1" "hangs"
		echo b >/proc/sysrq-trigger
	) &
	watch=$!
	defer "kill $watch"
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
	vnetsim.sh del sim0
	said=$(complaint)
	[ -z "$said" ] || result="$result; kernel: $said"
	say_result "$1" "$result"
}

sim_load "$DRIVER" || exit 1
echo "$HOSTILE" >/tmp/sim.table
exec 6</tmp/sim.table
while IFS='|' read -r what bug _ extra <&6; do
	[ -n "$what" ] || continue
	case " $ONLY " in
	*" ${what#* } "*) ;;
	*) continue ;;
	esac
	ktap_case "$what" one "${what#* }" "$bug" "$(device_words "$extra")"
done
ktap_done
