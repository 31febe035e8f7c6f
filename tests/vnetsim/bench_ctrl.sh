# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What commands to a device cost with both drivers, one arm after the other on the same
# software device, which looks at its control queue CTRL_LATENCY us after a
# notification. Every measurement becomes a line of key=value words in /out/bench.txt:
# commands, us that the device had commands to answer, us of CPU that the caller and the
# kernel's workers used (task_us), us that any CPU was not idle, the device's own threads
# left out (cpu_us), and wall time. Run by scripts/bench-ctrl.sh. Parameters:
#   CTRL_ROUNDS   rounds, in which the arms change places
#   CTRL_COUNT    repetitions of what is paced
#   CTRL_VLANS    VLANs
#   CTRL_LATENCY  us
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/turns.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

ROUNDS=${CTRL_ROUNDS:-2}
COUNT=${CTRL_COUNT:-100}
VLANS=${CTRL_VLANS:-48}
LATENCY=${CTRL_LATENCY:-1000}
PAUSE=20000

# us of a number of seconds with two decimals; without a process, as are the two that
# follow: what is measured must not be this.
to_us()
{
	us=${1%.*}${1#*.}
	us=${us#0}
	us=${us#0}
	us=$((us * 10000))
}

# look: wall time and CPU time that was not idle, but for the device's threads
look()
{
	read -r look_up look_idle </proc/uptime
	to_us "$look_up"
	look_wall=$us
	to_us "$look_idle"
	look_busy=$((look_wall * cpus - us))
	for look_pid in $threads; do
		read -r look_ns _ </proc/"$look_pid"/schedstat
		look_busy=$((look_busy - look_ns / 1000))
	done
}

# CPU time of the kernel's workers, in us
workers()
{
	workers_us=0
	for look_dir in /proc/[0-9]*; do
		read -r look_comm 2>/dev/null <"$look_dir"/comm || continue
		case $look_comm in
		kworker/*) ;;
		*) continue ;;
		esac
		read -r look_ns _ 2>/dev/null <"$look_dir"/schedstat || continue
		workers_us=$((workers_us + look_ns / 1000))
	done
}

find_threads()
{
	cpus=$(grep -c ^processor /proc/cpuinfo)
	threads=""
	for bench_dir in /proc/[0-9]*; do
		case $(cat "$bench_dir/comm" 2>/dev/null) in
		sim0/*) threads="$threads ${bench_dir#/proc/}" ;;
		esac
	done
	[ -n "$threads" ] || fail "the device has no threads"
}

# Until the device has answered whatever was asked: the count stands still.
settle()
{
	bench_seen=-1
	until [ "$bench_seen" = "$(sim_state commands)" ]; do
		bench_seen=$(sim_state commands)
		sleep 0.2
	done
}

# measure ROUND ARM CASE COMMANDS WORD...: at least so many commands, or it is void
measure()
{
	at_least=$4 words="case=$3 arm=$2 round=$1"
	shift 4
	settle
	b_commands=$(sim_state commands) b_us=$(sim_state commands_us)
	workers
	b_workers=$workers_us
	look
	b_busy=$look_busy b_wall=$look_wall
	ctrl_load eth0 "$@" >/tmp/bench.cpu || fail "ctrl_load $*"
	look
	wall_us=$((look_wall - b_wall)) cpu_us=$((look_busy - b_busy))
	settle
	workers
	task_us=$((workers_us - b_workers + $(cat /tmp/bench.cpu)))
	commands=$(($(sim_state commands) - b_commands)) us=$(($(sim_state commands_us) - b_us))
	expect_ge $commands "$at_least" "void: commands of '$*'"
	echo "$words commands=$commands device_us=$us task_us=$task_us cpu_us=$cpu_us wall_us=$wall_us" >>/out/bench.txt
}

arm()
{
	NET_MODE=pool
	sim_load "$2"
	defer sim_unload
	module_loaded 8021q || load_module 8021q
	sim_plug sim0 pairs=2
	expect_ok "ip link set eth0 up"
	find_threads
	vnetsim.sh set sim0 latency_us "$LATENCY"
	measure "$1" "$2" reading 0 read "$COUNT" $PAUSE
	measure "$1" "$2" moderation $((2 * COUNT)) coalesce "$COUNT" $PAUSE
	measure "$1" "$2" filter "$COUNT" promisc "$COUNT" $PAUSE
	measure "$1" "$2" vlan_add "$VLANS" vlans "$VLANS"
	measure "$1" "$2" vlan_del "$VLANS" unvlan
	vnetsim.sh del sim0 || fail "can't be unplugged"
}

rm -f /out/bench.txt
take_turns "$ROUNDS" "" arm virtio_net virtio_net_cvm
ktap_done
