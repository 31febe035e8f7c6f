# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Moderation of single queues, and adaptive moderation, on the software device: what was
# set reaches it, what is adaptive moves and comes back, and nothing sticks when commands
# are refused, slow or lost in a reset.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

PAIRS=2

# in_force QUEUE: "USECS FRAMES" as the device has it
in_force()
{
	echo "$(sim_counter "$1\$" max_usecs) $(sim_counter "$1\$" max_packets)"
}

# told QUEUE: the same as the driver has it
told()
{
	ethtool -S eth0 | awk -v usecs="${1}_coal_usecs:" -v frames="${1}_coal_frames:" '
		$1 == usecs { u = $2 } $1 == frames { f = $2 } END { print u, f }'
}

expect_in_force()
{
	expect_eq "$2" "$(in_force "$1")" "moderation of $1 on the device"
	expect_eq "$2" "$(told "$1")" "moderation of $1 that the driver tells"
}

# queue_set MASK WORDS...
queue_set()
{
	queue_mask=$1
	shift
	ethtool -Q eth0 queue_mask "$queue_mask" --coalesce "$@" 2>&1
}

# queue_errno ERRNO MASK WORDS...: ethtool says so, and ends with status 0.
queue_errno()
{
	queue_want=$(ktap_errno "$1")
	shift
	case $(queue_set "$@") in
	*"$queue_want"*) ;;
	*) fail "queues $*: wanted $queue_want" ;;
	esac
}

queue_shows()
{
	ethtool -Q eth0 queue_mask "$1" --show-coalesce | awk -v key="$2:" '$1 == key { print $2 }'
}

# load MILLISECONDS RATE: packets for the driver, on the queue that they belong to
load()
{
	dim_load load "$sim_end" eth0 100 "$1" "$2"
}

# The outer end stays here: dim_load needs both.
set_up()
{
	sim_plug sim0 pairs=$PAIRS "$@"
	sim_end=$(cat $SIM_DIR/sim0/peer)
	ip link set "$sim_end" up
	net_configure
	net_link eth0 up 10
	pairs=$(net_queues)
	[ "$pairs" != 1 ] || ethtool -L eth0 combined $PAIRS 2>/dev/null
	last=$(($(net_channels) - 1))
}

reset_device()
{
	resets=$(sim_state resets)
	vnetsim.sh set sim0 event needs_reset
	wait_for 20 '[ "$(sim_state resets)" -gt "$resets" ]' || fail "no reset"
	wait_for 20 '[ "$(cat /sys/class/net/eth0/carrier)" = 1 ] &&
		[ "$(($(sim_state status) & 0x4f))" = 15 ]' || fail "the device does not come back"
}

single_queues()
{
	set_up
	sim_negotiated VQ_NOTF_COAL || fail "VQ_NOTF_COAL was not taken"
	expect_ok "ethtool -C eth0 rx-usecs 10 rx-frames 4 tx-usecs 11 tx-frames 5"
	expect_in_force rx0 "10 4"
	expect_in_force tx$last "11 5"
	expect_ok "queue_set 0x1 rx-usecs 30 rx-frames 6"
	expect_in_force rx0 "30 6"
	expect_in_force tx0 "11 5"
	[ $last = 0 ] || expect_in_force rx1 "10 4"
	expect_eq 30 "$(queue_shows 0x1 rx-usecs)" "what is shown of queue 0"
	# One direction for all does not touch the other one.
	expect_ok "ethtool -C eth0 tx-usecs 12"
	expect_in_force rx0 "30 6"
	expect_in_force tx0 "12 5"
	reset_device
	wait_for 10 '[ "$(in_force rx0)" = "30 6" ]' || fail "lost with a reset: $(in_force rx0)"
	expect_in_force tx$last "12 5"
	# A ring that is set up anew begins with what holds for all.
	expect_ok "ethtool -G eth0 rx 128"
	expect_in_force rx0 "30 6"
	if [ $last = 1 ]; then
		expect_in_force rx1 "10 4"
		expect_ok "ethtool -L eth0 combined 1"
		queue_errno EINVAL 0x2 rx-usecs 1
		expect_ok "ethtool -L eth0 combined 2"
		expect_in_force rx0 "30 6"
	fi
	# The last word counts, whoever it is for.
	expect_ok "ethtool -C eth0 rx-usecs 13"
	expect_in_force rx0 "13 4"
	sim_down
}

# What is not possible changes nothing.
bad_input()
{
	set_up
	expect_ok "ethtool -C eth0 rx-usecs 10 rx-frames 4"
	queue_errno EINVAL 0x100 rx-usecs 1
	expect_ok "ethtool -C eth0 adaptive-rx on"
	expect_errno "ethtool -C eth0 rx-usecs 20" EINVAL
	queue_errno EINVAL 0x1 rx-usecs 20
	expect_ok "ethtool -C eth0 adaptive-rx off"
	expect_in_force rx0 "10 4"
	for file in rx_profile tx_profile; do
		before=$(cat $NET_CVM/$file)
		for bad in "" 1 "0,1 20,8 50,16 100,32" "0,1 20,8 50,16 100,32 200,64 1,1" \
			"0,1 50,8 20,16 100,32 200,64" nonsense; do
			expect_errno "echo '$bad' >$NET_CVM/$file" EINVAL
		done
		for bad in "0,0 20,8 50,16 100,32 200,64" "0,1 20,8 50,16 100,32 20000,64"; do
			expect_errno "echo '$bad' >$NET_CVM/$file" ERANGE
		done
		expect_eq "$before" "$(cat $NET_CVM/$file)" "$file"
		expect_ok "echo '0,1 1,2 2,3 3,4 4,5' >$NET_CVM/$file"
		expect_eq "0,1 1,2 2,3 3,4 4,5" "$(cat $NET_CVM/$file)" "$file"
	done
	expect_errno "echo both >$NET_CVM/dim_algorithm" EINVAL
	expect_eq cvm "$(cat $NET_CVM/dim_algorithm)" "algorithm"
	sim_down
}

# moves: under load a queue is moderated, by levels of the profile
moves()
{
	load 400 100000 >/dev/null || fail "no traffic"
	[ "$(net_stat rx_coal_usecs)" -gt 0 ]
}

# comes_back: with little to do it is not
comes_back()
{
	load 100 100 >/dev/null || fail "no traffic"
	[ "$(net_stat rx_coal_usecs)" = 0 ] && [ "$(sim_counter rx max_usecs)" = 0 ]
}

adaptive()
{
	set_up
	expect_ok "ethtool -C eth0 adaptive-rx on adaptive-tx on"
	wait_for 60 moves || fail "no moderation under load"
	expect_eq "$(sim_counter rx max_usecs)" "$(net_stat rx_coal_usecs)" "microseconds"
	# All of the kernel's own levels have more packets than ours, and half a ring at most.
	expect_ok "echo net_dim >$NET_CVM/dim_algorithm"
	wait_for 60 'load 400 100000 >/dev/null; sim_counter rx max_packets | grep -q "^1[2-9][0-9]$\|^256$"' ||
		fail "the kernel's algorithm does nothing: $(in_force rx0)"
	expect_ok "echo cvm >$NET_CVM/dim_algorithm"
	wait_for 60 comes_back || fail "still moderated with little to do: $(in_force rx0)"
	# With a profile of its own.
	expect_ok "echo '3,2 3,2 3,2 3,2 3,2' >$NET_CVM/rx_profile"
	wait_for 60 'load 400 100000 >/dev/null; sim_counter rx max_usecs | grep -q -x "[36]"' ||
		fail "the profile is not used: $(in_force rx0)"
	# What was set before comes back when nobody chooses any more.
	expect_ok "ethtool -C eth0 adaptive-rx off"
	expect_in_force rx0 "0 0"
	changes=$(net_stat rx_dim_changes)
	load 200 100000 >/dev/null
	expect_eq "$changes" "$(net_stat rx_dim_changes)" "changes after it was switched off"
	sim_down
}

# One queue alone, over resets and up and down
adaptive_single()
{
	set_up
	expect_ok "ethtool -C eth0 rx-usecs 10 rx-frames 4"
	expect_ok "queue_set 0x1 adaptive-rx on"
	expect_eq on "$(ethtool -Q eth0 queue_mask 0x1 --show-coalesce | awk '/^Adaptive RX/ { print $3 }')" \
		"what is shown of queue 0"
	reset_device
	expect_ok "ip link set eth0 down"
	expect_ok "ip link set eth0 up"
	net_link eth0 up 10
	if [ $last = 1 ]; then
		expect_in_force rx1 "10 4"
	fi
	# The queue that traffic takes is up to its hash.
	port=9000
	while told rx0 | grep -q -x -e '10 4' -e '0 [01]'; do
		dim_load load "$sim_end" eth0 100 200 100000 $port >/dev/null || fail "no traffic"
		port=$((port + 1))
		[ $port -lt 9100 ] || fail "no moderation after a reset"
	done
	if [ $last = 1 ]; then
		expect_in_force rx1 "10 4"
	fi
	sim_down
}

# New rings begin anew, and no command names one that is away.
rings()
{
	set_up
	expect_ok "ethtool -C eth0 adaptive-rx on adaptive-tx on"
	for size in 128 256 128; do
		load 500 50000 >/dev/null &
		load=$!
		usleep 200000
		expect_ok "ethtool -G eth0 rx $size tx $size"
		wait $load || fail "no traffic"
	done
	wait_for 60 moves || fail "no moderation after new rings"
	sim_down
}

refused()
{
	set_up
	expect_ok "ethtool -C eth0 adaptive-rx on"
	vnetsim.sh set sim0 ctrl_fail 0x40
	wait_for 60 'load 400 100000 >/dev/null; [ "$(net_stat rx_dim_failed)" -ge 2 ]' ||
		fail "nothing was refused"
	expect_eq "0 0" "$(told rx0)" "moderation that the driver tells"
	# Not with each measurement
	asked=$(net_stat ctrl_commands)
	load 3000 100000 >/dev/null
	expect_le $(($(net_stat ctrl_commands) - asked)) 40 "commands to a device that refuses"
	expect_errno "ethtool -C eth0 adaptive-rx off" "Remote I/O error"
	expect_ok "ethtool -c eth0 | grep -q 'Adaptive RX: on'"
	queue_errno "Remote I/O error" 0x1 tx-usecs 9 tx-frames 9
	expect_eq "0 0" "$(in_force tx0)" "moderation after a refusal"
	vnetsim.sh set sim0 ctrl_fail 0
	wait_for 60 moves || fail "it stuck after refusals"
	expect_ok "ethtool -C eth0 adaptive-rx off"
	sim_down
}

# calm: the queue in use has its first level, and the driver knows it
calm()
{
	load 100 100 >/dev/null || fail "no traffic"
	[ "$(in_force rx0)" = "0 1" ] && [ "$(told rx0)" = "0 1" ]
}

# Refused once: what was chosen before is not in force any more, and is asked for again.
refused_once()
{
	set_up
	[ $last = 0 ] || expect_ok "ethtool -L eth0 combined 1"
	expect_ok "ethtool -C eth0 rx-usecs 1000 rx-frames 64"
	expect_ok "ethtool -C eth0 adaptive-rx on"
	wait_for 60 calm || fail "moderated with little to do: $(in_force rx0)"
	vnetsim.sh set sim0 inject "ctrl_ack ctrl 1"
	expect_errno "ethtool -C eth0 adaptive-rx off" "Remote I/O error"
	wait_for 20 calm ||
		fail "it stuck: $(in_force rx0), and the driver tells $(told rx0)"
	vnetsim.sh set sim0 inject "ctrl_ack ctrl 1"
	queue_errno "Remote I/O error" 0x1 adaptive-rx off
	wait_for 20 calm ||
		fail "one queue stuck: $(in_force rx0), and the driver tells $(told rx0)"
	sim_down

	# One queue after the other is told, and what was told goes back.
	set_up off=NOTF_COAL
	vnetsim.sh set sim0 inject "ctrl_ack ctrl 1"
	expect_errno "ethtool -C eth0 rx-usecs 100 rx-frames 9" "Remote I/O error"
	expect_in_force rx0 "0 0"
	expect_in_force rx$last "0 0"
	sim_down
}

# No ring is reset under a command for its queue, and nobody is kept waiting for long.
rings_wait()
{
	# Nothing but moderation is to be asked for.
	set_up off=DEVICE_STATS
	expect_ok "ethtool -C eth0 adaptive-rx on"
	posted=$(net_stat ctrl_commands)
	vnetsim.sh set sim0 ctrl_delay_ms 3000
	wait_for 20 'load 200 100000 >/dev/null; [ "$(net_stat ctrl_commands)" -gt "$posted" ]' ||
		fail "moderation asks for nothing"
	begun=$(cut -d. -f1 /proc/uptime)
	expect_ok "ethtool -G eth0 rx 128 tx 128"
	took=$(($(cut -d. -f1 /proc/uptime) - begun))
	expect_le $took 11 "seconds that it took"
	expect_eq "0 0" "$(in_force rx0)" "moderation of a new ring"
	vnetsim.sh set sim0 ctrl_delay_ms 0
	wait_for 60 moves || fail "it stuck after rings were changed"
	expect_eq 0 "$(cat $NET_CVM/resets)" "resets"
	sim_down
}

# A third of a second for a command: one at a time for a queue, packets flow meanwhile.
slow()
{
	# Nothing but moderation is to be asked for.
	set_up off=DEVICE_STATS
	expect_ok "ethtool -C eth0 adaptive-rx on adaptive-tx on"
	vnetsim.sh set sim0 ctrl_delay_ms 300
	load 1500 50000 >/tmp/sim.load &
	load=$!
	open=0
	while kill -0 $load 2>/dev/null; do
		posted=$(net_stat ctrl_commands)
		now=$((posted - $(sim_state commands)))
		[ $now -le $open ] || open=$now
		usleep 20000
	done
	wait $load || fail "no traffic"
	note "commands on their way: $open at most"
	expect_ge $open 1 "commands on their way"
	expect_le $open $((2 * PAIRS)) "commands on their way"
	expect_ge "$(tr ' ' '\n' </tmp/sim.load | sed -n 's/^got=//p')" 1000 \
		"packets received meanwhile"
	vnetsim.sh set sim0 ctrl_delay_ms 0
	wait_for 60 moves || fail "it stuck after slow commands"
	wait_for 60 comes_back || fail "still moderated with little to do: $(in_force rx0)"
	sim_down
}

# A command that is never answered ends in a reset, and the reset in a new beginning.
silent()
{
	set_up
	expect_ok "ethtool -C eth0 adaptive-rx on"
	resets=$(sim_state resets)
	vnetsim.sh set sim0 inject ctrl_silent
	wait_for 60 'load 400 100000 >/dev/null 2>&1; [ "$(sim_state resets)" -gt "$resets" ]' ||
		fail "no reset"
	net_link eth0 up 20
	wait_for 60 moves || fail "it stuck after a command that was not answered"
	expect_eq 1 "$(cat $NET_CVM/resets)" "resets"
	sim_down
}

# Without one, or both, of the features
features()
{
	set_up off=VQ_NOTF_COAL
	expect_ok "ethtool -C eth0 rx-usecs 10 rx-frames 4"
	expect_eq "10 4" "$(in_force rx0)" "moderation of rx0"
	expect_errno "ethtool -C eth0 adaptive-rx on" EOPNOTSUPP
	queue_errno EOPNOTSUPP 0x1 rx-usecs 10
	expect_errno "echo '0,1 1,2 2,3 3,4 4,5' >$NET_CVM/rx_profile" EOPNOTSUPP
	expect_errno "echo net_dim >$NET_CVM/dim_algorithm" EOPNOTSUPP
	expect_eq "10 4" "$(in_force rx0)" "moderation of rx0"
	sim_down

	set_up off=NOTF_COAL
	expect_ok "ethtool -C eth0 rx-usecs 10 rx-frames 4"
	expect_in_force rx0 "10 4"
	expect_in_force rx$last "10 4"
	reset_device
	wait_for 10 '[ "$(in_force rx0)" = "10 4" ]' || fail "lost with a reset: $(in_force rx0)"
	expect_ok "ethtool -C eth0 adaptive-rx on"
	wait_for 60 moves || fail "no moderation under load"
	sim_down

	# Offered, without what they need.
	set_up off=CTRL_VQ
	! sim_negotiated VQ_NOTF_COAL || fail "VQ_NOTF_COAL was taken without CTRL_VQ"
	expect_errno "ethtool -C eth0 rx-usecs 10" EOPNOTSUPP
	expect_errno "ethtool -C eth0 adaptive-rx on" EOPNOTSUPP
	sim_down
}

# The device: by number, and by time from the first packet that was not told
device()
{
	set_up
	expect_ok "ethtool -C eth0 rx-usecs 4000000 rx-frames 8"
	before=$(sim_counter rx irqs)
	packets=$(sim_counter rx packets)
	load 20 8000 >/dev/null
	number=$(($(sim_counter rx irqs) - before))
	expect_ge $number 1 "interrupts by number"
	expect_le $number $((($(sim_counter rx packets) - packets) / 8)) "interrupts by number"
	# Left over are fewer than the number: told when that changes.
	before=$(sim_counter rx irqs)
	expect_ok "ethtool -C eth0 rx-usecs 1000000 rx-frames 200"
	load 20 2000 >/dev/null
	expect_le $(($(sim_counter rx irqs) - before)) 2 "interrupts before their time"
	expect_ok "ethtool -C eth0 rx-usecs 0 rx-frames 1"
	sim_down
}

sim_load || exit 1
ktap_case "the device's numbers and times" device
ktap_case "features" features
ktap_case "single queues" single_queues
ktap_case "bad input" bad_input
ktap_case "adaptive" adaptive
ktap_case "one adaptive queue, resets" adaptive_single
ktap_case "new rings" rings
ktap_case "refused commands" refused
ktap_case "one refusal" refused_once
ktap_case "rings while commands wait" rings_wait
ktap_case "slow commands" slow
ktap_case "a command without an answer" silent
ktap_case "unloading" sim_unload
ktap_done
