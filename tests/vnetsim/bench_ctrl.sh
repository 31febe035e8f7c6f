# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What commands to a device cost with both drivers, one arm after the other on the same
# software device with eight queue pairs, in a guest whose clock counts instructions (run
# by scripts/bench-ctrl.sh). The device's threads have real-time priority, as the world
# outside does not wait. The device looks at its control queue CTRL_LATENCY us after a
# notification. Every measurement becomes a line of key=value words in /out/bench.txt:
# commands, us that the device had commands to answer, us of CPU that the caller and the
# kernel's workers used (task_us), the thread of the device's control queue with the
# interrupts that it raises (device_task_us), and wall time. Parameters:
#   CTRL_ROUNDS   rounds, in which the arms change places
#   CTRL_COUNT    repetitions of what is paced
#   CTRL_VLANS    VLANs
#   CTRL_LATENCY  us
#   CTRL_CYCLES   times that each of eight flows sends much, then little
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/turns.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

ROUNDS=${CTRL_ROUNDS:-2}
COUNT=${CTRL_COUNT:-100}
VLANS=${CTRL_VLANS:-48}
LATENCY=${CTRL_LATENCY:-1000}
CYCLES=${CTRL_CYCLES:-1}
PAUSE=20000
PAIRS=8
# Packets a second of a flow, and how long it lasts: about 70 and 10 % of a CPU
HIGH=20000
LOW=3000
FLOW_MS=60

# Wall time in us, of a clock of hundredths of a second; without a process, as is what
# follows: what is measured must not be this.
look()
{
	read -r look_up _ </proc/uptime
	us=${look_up%.*}${look_up#*.}
	us=${us#0}
	us=${us#0}
	look_wall=$((us * 10000))
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

# threads_of NAME: processes called so, or NAME/...
threads_of()
{
	for bench_dir in /proc/[0-9]*; do
		case $(cat "$bench_dir/comm" 2>/dev/null) in
		"$1" | "$1"/*) echo "${bench_dir#/proc/}" ;;
		esac
	done
}

# CPU time of the thread of the device's control queue
device_thread()
{
	read -r look_ns _ </proc/"$ctrl_thread"/schedstat || fail "the device has no thread"
	thread_us=$((look_ns / 1000))
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
	device_thread
	b_thread=$thread_us
	look
	b_wall=$look_wall
	"$@" >/tmp/bench.cpu || fail "$*"
	look
	wall_us=$((look_wall - b_wall))
	settle
	device_thread
	workers
	task_us=$((workers_us - b_workers + $(cat /tmp/bench.cpu)))
	commands=$(($(sim_state commands) - b_commands)) us=$(($(sim_state commands_us) - b_us))
	expect_ge $commands "$at_least" "void: commands of '$*'"
	echo "$words commands=$commands device_us=$us task_us=$task_us device_task_us=$((thread_us - b_thread)) wall_us=$wall_us" >>/out/bench.txt
}

ask()
{
	ctrl_load eth0 "$@"
}

# Eight flows take turns, with much and with little to send: the load of each queue changes
# all the time. Says that it took no CPU: what it takes is traffic's.
flows()
{
	flow_cycle=0
	while [ $flow_cycle -lt "$CYCLES" ]; do
		for flow_rate in $HIGH $LOW; do
			for flow_port in 9001 9002 9003 9004 9005 9006 9007 9008; do
				dim_load load "$sim_end" eth0 100 $FLOW_MS $flow_rate $flow_port \
					>/tmp/bench.flow || return 1
			done
		done
		flow_cycle=$((flow_cycle + 1))
	done
	echo 0
}

# With adaptive moderation of all queues, and the same traffic without. Packets are polled
# for by threads, so that none are in the time of the workers.
adaptive()
{
	expect_ok "ethtool -L eth0 combined $PAIRS"
	expect_ok "echo 1 >/sys/class/net/eth0/threaded"
	expect_ok "dim_load fifo 40 $(threads_of napi | xargs)"
	vnetsim.sh set sim0 ctrl_wait_us "$LATENCY"
	measure "$1" "$2" traffic 0 flows
	expect_ok "ethtool -C eth0 adaptive-rx on"
	# The in-tree driver does that for receiving only.
	[ "$2" = virtio_net ] || expect_ok "ethtool -C eth0 adaptive-tx on"
	measure "$1" "$2" adaptive 20 flows
	queues=$(awk '$1 ~ /^rx[0-9]/ && $5 > 100' $SIM_DIR/sim0/counters | wc -l)
	expect_ge "$queues" 4 "void: queues with traffic"
}

arm()
{
	NET_MODE=pool
	sim_load "$2"
	defer sim_unload
	module_loaded 8021q || load_module 8021q
	sim_plug sim0 pairs=$PAIRS
	sim_end=$(cat $SIM_DIR/sim0/peer)
	expect_ok "ip link set $sim_end up"
	expect_ok "ip link set eth0 up"
	expect_ok "dim_load fifo 60 $(threads_of sim0 | xargs)"
	ctrl_thread=$(threads_of "sim0/$PAIRS")
	vnetsim.sh set sim0 ctrl_wait_us "$LATENCY"
	measure "$1" "$2" reading 0 ask read "$COUNT" $PAUSE
	measure "$1" "$2" moderation $((2 * COUNT)) ask coalesce "$COUNT" $PAUSE
	measure "$1" "$2" filter "$COUNT" ask promisc "$COUNT" $PAUSE
	measure "$1" "$2" vlan_add "$VLANS" ask vlans "$VLANS"
	measure "$1" "$2" vlan_del "$VLANS" ask unvlan
	vnetsim.sh set sim0 ctrl_wait_us 100
	measure "$1" "$2" quick_device $((2 * COUNT)) ask coalesce "$COUNT" $PAUSE
	adaptive "$1" "$2"
	vnetsim.sh del sim0 || fail "can't be unplugged"
}

rm -f /out/bench.txt
take_turns "$ROUNDS" "" arm virtio_net virtio_net_cvm
ktap_done
