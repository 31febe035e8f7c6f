# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The rest of the list in Documentation/vnetsim.rst: a device whose control queue,
# configuration, status or interrupts are wrong, at any time of its life. Commands come
# back in bounded time, what makes no sense is not used, what can't work fails cleanly.
# What is one thing set and one command is in the table of tests/lib/hostile_life.sh.
#
# Parameters: SIM_PACKED (0), LIFE_ONLY: numbers of rows.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh
. /tests/lib/hostile_life.sh

PACKED=${SIM_PACKED:-0}
ONLY=${LIFE_ONLY:-}
BUS=/sys/bus/virtio/drivers/virtio_net_cvm

now()
{
	cut -d. -f1 /proc/uptime
}

inject()
{
	vnetsim.sh set sim0 inject "$*" || fail "$* is not known"
}

start()
{
	sim_up sim0 pairs=2 packed="$PACKED" "$@"
	sim_dev=$(cat $SIM_DIR/sim0/device)
	resets=$(cat $NET_CVM/resets)
}

unbind()
{
	echo "$sim_dev" >$BUS/unbind
	[ ! -e $NET_CVM ] || fail "eth0 is still there"
}

# bind ok|fails
bind()
{
	begun=$(now)
	if echo "$sim_dev" >$BUS/bind 2>/dev/null; then
		[ "$1" != fails ] || fail "the driver took it"
		sim_if=$(vnetsim.sh iface sim0)
		[ "$sim_if" = eth0 ] || ip link set "$sim_if" name eth0
		net_configure
	else
		[ "$1" != ok ] || fail "the driver did not take it"
	fi
	expect_le $(($(now) - begun)) 20 "seconds until it was decided"
}

# How often a bug happened
hits()
{
	bug_column "$1" 3
}

# All is well again, and the driver did nothing wrong meanwhile: traffic, down and up,
# unplugged with nothing left.
finish()
{
	inject none
	wait_for 20 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic afterwards"
	net_stream send
	net_stream recv
	expect_ok "ip link set eth0 down"
	expect_ok "ip link set eth0 up"
	wait_for 10 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic after down and up"
	sim_down
}

# --- control queue ---

# A command that gets no answer, in time or at all, and packets meanwhile.
unanswered()
{
	start
	net_flood_start
	inject "$@"
	# The device still waits for the notification of one command.
	[ "$1" != kick_off ] || ethtool -C eth0 rx-usecs 1 2>/dev/null
	begun=$(now)
	ip link set eth0 address 52:54:00:aa:bb:01 2>/dev/null && fail "the command succeeded"
	expect_le $(($(now) - begun)) 8 "seconds until it failed"
	wait_for 15 '[ "$(cat $NET_CVM/resets)" -gt "$resets" ]' || fail "the device was not reset"
	inject none
	wait_for 30 'ip link set eth0 address 52:54:00:aa:bb:02 2>/dev/null' ||
		fail "the control queue does not come back"
	expect_eq 52:54:00:aa:bb:02 "$(sim_state mac)" "address that the device knows"
	net_flood_stop
	finish
}

# An answer that is none: an error, and nothing has to be reset.
answered_badly()
{
	start
	inject "$@"
	ip link set eth0 address 52:54:00:aa:bb:03 2>/dev/null && fail "the command succeeded"
	expect_eq "$resets" "$(cat $NET_CVM/resets)" "resets"
	expect_ok "ip link set eth0 address 52:54:00:aa:bb:04"
	finish
}

# An answer that comes after the time-out, while the reset that follows is under way.
late()
{
	start
	net_flood_start
	resets_seen=$(sim_state resets)
	inject reset_slow 1
	inject ctrl_late 1
	ip link set eth0 address 52:54:00:aa:bb:01 2>/dev/null && fail "the command succeeded"
	wait_for 15 '[ "$(sim_state late)" = 1 ]' || fail "there was no late answer"
	expect_eq "$resets_seen" "$(sim_state resets)" "resets that were done before it came"
	if ip link set eth0 address 52:54:00:aa:bb:01 2>/dev/null; then
		expect_ne "$resets_seen" "$(sim_state resets)" "resets before the next command"
	fi
	wait_for 20 '[ "$(sim_state resets)" -gt "$resets_seen" ]' || fail "no reset"
	wait_for 30 'ip link set eth0 address 52:54:00:aa:bb:02 2>/dev/null' ||
		fail "the control queue does not come back"
	expect_eq 52:54:00:aa:bb:02 "$(sim_state mac)" "address that the device knows"
	expect_eq 1 "$(net_stat ctrl_timeouts)" "time-outs"
	net_flood_stop
	finish
}

# ctrl_ring kill|lost BUG: the driver sees it at once, not when its time is up
ctrl_ring()
{
	want=$1
	shift
	start
	net_flood_start
	inject "$@"
	if ! ip link set eth0 address 52:54:00:aa:bb:05 2>/dev/null; then
		[ "$want" = kill ] || fail "the command failed"
	fi
	expect_eq 1 "$(hits "$1")" "times that $1 happened"
	[ "$want" != kill ] || wait_for 15 '[ "$(cat $NET_CVM/resets)" -gt "$resets" ]' ||
		fail "the device was not reset"
	wait_for 15 'ip link set eth0 address 52:54:00:aa:bb:06 2>/dev/null' ||
		fail "the control queue does not come back"
	net_flood_stop
	expect_eq 0 "$(net_stat ctrl_timeouts)" "time-outs of commands"
	[ "$want" = kill ] || expect_eq "$resets" "$(cat $NET_CVM/resets)" "resets"
	expect_le $(($(cat $NET_CVM/resets) - resets)) 3 "resets"
	finish
}

# Refused from the beginning: what is left passes packets.
refused_at_probe()
{
	start
	unbind
	vnetsim.sh set sim0 ctrl_fail 0xffffffff
	bind ok
	net_stream send
	net_stream recv
	unbind
	vnetsim.sh set sim0 ctrl_fail 0
	bind ok
	finish
}

# not_held SECONDS: the interface can be changed in that time
not_held()
{
	begun=$(now)
	expect_ok "ip link set eth0 mtu 1400"
	expect_ok "ip link set eth0 mtu 1500"
	expect_le $(($(now) - begun)) "$1" "seconds that a new MTU took"
}

# Moderation that takes the device long: at most one command a queue at a time, packets
# flow, and nobody who wants something else from the interface waits for it.
slow_moderation()
{
	# Nothing but moderation is to be asked for; dim_load needs both ends here.
	sim_plug sim0 pairs=2 packed="$PACKED" off=DEVICE_STATS
	sim_negotiated VQ_NOTF_COAL || skip "the driver does not moderate single queues"
	sim_end=$(cat $SIM_DIR/sim0/peer)
	expect_ok "ip link set $sim_end up"
	net_configure
	net_link eth0 up 10
	vnetsim.sh set sim0 ctrl_delay_ms 100
	expect_ok "ethtool -C eth0 adaptive-rx on"
	while :; do
		dim_load load "$sim_end" eth0 100 20 50000
	done >/tmp/sim.load &
	load=$!
	defer "kill $load 2>/dev/null"
	for us in 1 2 3 4 5; do
		# Whatever level a queue is at, it has to be told anew.
		commands=$(sim_state commands)
		expect_ok "echo '$us,2 $us,2 $us,2 $us,2 $us,2' >$NET_CVM/rx_profile"
		wait_for 60 'not_held 5; [ "$(sim_state commands)" -gt $commands ]' ||
			fail "no command for a new profile"
	done
	kill $load
	wait $load 2>/dev/null
	expect_eq 0 "$(sim_state coal_twice)" "commands for a queue that has one in flight"
	expect_ge "$(tr ' ' '\n' </tmp/sim.load | awk -F= '$1 == "got" { n += $2 } END { print n + 0 }')" \
		100 "packets received meanwhile"
	vnetsim.sh set sim0 ctrl_delay_ms 0
	sim_down
}

# Statistics that make no sense: ethtool -S comes back, its counters are numbers.
stats()
{
	start
	sim_negotiated DEVICE_STATS || skip "the driver does not ask for statistics"
	inject "$@"
	begun=$(now)
	for _ in 1 2 3; do
		expect_ok "ethtool -S eth0"
	done
	expect_le $(($(now) - begun)) 6 "seconds that three looks took"
	expect_eq "$resets" "$(cat $NET_CVM/resets)" "resets"
	expect_ge "$(hits "$1")" 1 "times that $1 happened"
	finish
}

# More types than there are: none but known ones is asked for.
stats_capable()
{
	start off=GUEST_CSUM
	sim_negotiated DEVICE_STATS || skip "the driver does not ask for statistics"
	unbind
	inject stats_capable -1
	bind ok
	expect_ok "ethtool -S eth0"
	# The device has no checksums to count, and said it had.
	expect_ge "$(net_stat ctrl_failed)" 1 "requests that the device refused"
	# Types 0 to 3, 16 to 19 and 32 are all that there are.
	expect_eq 0 $(($(sim_state stats_asked) & ~0x1000f000f)) "types that nobody knows"
	expect_ne 0 $(($(sim_state stats_asked))) "types asked for"
	SIM_MAY_BREAK=ctrl_value
	finish
}

# --- configuration ---

# nonsense WORDS: as from a device that always said so; on the device that is there
nonsense()
{
	set -- "$*"
	[ ! -e $NET_CVM ] || unbind
	vnetsim.sh set sim0 config "$SANE $1" || fail "'$1' was not taken"
	echo >$SIM_DIR/sim0/violations
	bind either
	[ ! -e $NET_CVM ] || {
		net_reaches "with $1"
		net_udp 2 1000
		net_udp 2 5000 $NET_PEER6
		# The device can't do what it says, and refuses a table that long.
		[ "$1" != rss_table=65535 ] || SIM_MAY_BREAK=ctrl_value
		sim_expect_rules sim0
	}
	case $1 in
	mac=*)
		case $(cat /sys/class/net/eth0/address) in
		00:00:00:00:00:00 | ?[13579bdf]:*) fail "a bad address is used" ;;
		esac
		;;
	esac
}

sane()
{
	[ ! -e $NET_CVM ] || unbind
	vnetsim.sh set sim0 config "$SANE"
	echo >$SIM_DIR/sim0/violations
	bind ok
	finish
}

# What was valid at probe is not any more when the device is reset.
changes()
{
	start
	vnetsim.sh set sim0 config "$1"
	vnetsim.sh set sim0 event needs_reset
	wait_for 10 '[ "$(cat $NET_CVM/resets)" -gt "$resets" ]' || fail "no reset"
	sleep 1
	unbind
	vnetsim.sh set sim0 config pairs=2 mtu=1500
	# Longer packets than it said suddenly, before the driver has heard of it.
	echo >$SIM_DIR/sim0/violations
	bind ok
	finish
}

# at_probe ok|fails|either BUG
at_probe()
{
	want=$1
	shift
	start
	unbind
	inject "$@"
	bind "$want"
	[ ! -e $NET_CVM ] || unbind
	inject none
	# The core writes what it read of the status, without bits that the device hides.
	echo >$SIM_DIR/sim0/violations
	bind ok
	finish
}

# while_resetting BUG: the reset fails or takes long, and it is tried again
while_resetting()
{
	start
	inject "$@"
	vnetsim.sh set sim0 event needs_reset
	wait_for 10 '[ "$(cat $NET_CVM/resets)" -gt "$resets" ]' || fail "no reset"
	sleep 1
	inject none
	finish
}

# Nobody but the driver holds rtnl while it waits for a device that takes its time.
slow_reset()
{
	start
	done_before=$(sim_state resets)
	inject reset_slow 1
	vnetsim.sh set sim0 event needs_reset
	wait_for 10 '[ "$(hits reset_slow)" = 1 ]' || fail "no reset"
	meanwhile=0
	while [ "$(sim_state resets)" = "$done_before" ]; do
		expect_ok "ip link set lo mtu $((60000 + meanwhile))"
		[ "$(sim_state resets)" != "$done_before" ] || meanwhile=$((meanwhile + 1))
	done
	note "$meanwhile times rtnl was free in a reset"
	expect_ge "$meanwhile" 1 "times that rtnl was free in a reset"
	wait_for 10 '[ "$(cat $NET_CVM/resets)" -gt "$resets" ]' || fail "no reset"
	sleep 1
	finish
}

# Sizes that the driver, or the core, refuses cleanly; of packed rings any can be offered.
rings()
{
	defer "for name in tiny huge; do [ ! -d $SIM_DIR/\$name ] || vnetsim.sh del \$name; done"
	for size in 0 1 2 3; do
		vnetsim.sh add tiny ring=$size packed="$PACKED" || fail "no device"
		vnetsim.sh list | grep -q '^tiny .*driver=none$' ||
			fail "rings of $size entries were taken"
		vnetsim.sh del tiny || fail "can't be unplugged"
	done
	vnetsim.sh add huge ring=65535 packed="$PACKED" || fail "no device"
	note "$(vnetsim.sh list)"
	vnetsim.sh del huge || fail "can't be unplugged"
	for size in 4 4096; do
		sim_up "ring$size" ring=$size packed="$PACKED"
		net_stream send
		net_stream recv
		vnetsim.sh del "ring$size" || fail "can't be unplugged"
		kill "$sim_pid"
	done
}

# A configuration that ends in the middle of its fields: what would lie behind is not
# read, and the features that need it are left alone.
short_window()
{
	for size in 0 5 6 8 10 12 16 17 18 22 24 27; do
		sim_up sim0 pairs=2 window=$size packed="$PACKED"
		expect_eq 0 "$(awk '$1 == "config_range" { print $2 }' $SIM_DIR/sim0/violations)" \
			"times that more than $size bytes were read"
		net_stream send
		net_stream recv
		sim_down
		kill "$sim_pid" "$sim_server"
	done
}

in_order()
{
	start on=IN_ORDER,STANDBY
	! sim_negotiated IN_ORDER || fail "IN_ORDER was taken"
	! sim_negotiated STANDBY || fail "STANDBY was taken"
	finish
}

# --- life ---

early_irqs()
{
	start
	inject irq_early -1
	net_flood_start
	vnetsim.sh set sim0 event needs_reset
	wait_for 10 '[ "$(cat $NET_CVM/resets)" -gt "$resets" ]' || fail "no reset"
	net_flood_stop
	unbind
	bind ok
	net_reaches "with early interrupts"
	finish
}

# The device is gone, or says so; the driver lets go of it.
gone()
{
	start
	net_flood_start
	inject status_ones -1
	inject config_ones -1
	vnetsim.sh set sim0 event "link up"
	net_link eth0 down 5
	net_flood_kill
	# The core itself warns when a device that is let go of says that it runs.
	inject none
	inject config_ones -1
	unbind
	inject none
	bind ok
	finish
}

# Says that it runs before it was told to.
runs_already()
{
	start
	unbind
	inject status_ones -1
	bind fails
	inject none
	bind ok
	finish
}

# Resets that are asked for at once, under load, until the driver is patient.
asks_often()
{
	start
	net_flood_start
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		vnetsim.sh set sim0 event needs_reset
		usleep 100000
	done
	net_flood_stop
	expect_le $(($(cat $NET_CVM/resets) - resets)) 8 "resets"
	finish
}

ring_reset_fails()
{
	start
	inject vq_reset_fails rx 1
	ethtool -G eth0 rx 64 2>/dev/null
	wait_for 20 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic afterwards"
	finish
}

# The core takes buffers back from a ring that was reset, and looks into its descriptors.
ring_reset_next()
{
	[ "$NET_MODE $PACKED" != "stream 0" ] || sim_unmaps_twice
	start
	for ring in rx tx; do
		inject vq_reset_next $ring 1
		expect_ok "ethtool -G eth0 $ring 64"
		expect_eq 1 "$(bug_column vq_reset_next 3)" "times that a descriptor was changed"
		inject none
		wait_for 20 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic afterwards"
	done
	finish
}

ends()
{
	sim_unload
}

# row "NUMBER WHAT" FUNCTION WORD...
row()
{
	case " ${ONLY:-${1%% *}} " in
	*" ${1%% *} "*) ktap_case "$@" ;;
	esac
}

# rows FUNCTION: those of the table that are for it
rows()
{
	echo "$LIFE" >/tmp/sim.table
	exec 6</tmp/sim.table
	while IFS='|' read -r what judge _ setting extra <&6; do
		[ "${judge%% *}" = "$1" ] || continue
		[ "$extra" != split ] || [ "$PACKED" = 0 ] || continue
		# shellcheck disable=SC2086 # words
		row "$what" $judge ${setting#* }
	done
	exec 6<&-
}

sim_load || exit 1
rows unanswered
row "42 late answer" late
rows answered_badly
rows ctrl_ring
row "45 all refused" refused_at_probe
row "46 slow moderation" slow_moderation
rows stats
row "48 statistics that are not there" stats_capable
# Undone by the last of these cases, as this shell is no case.
start
rows nonsense
ktap_case "a sane configuration" sane
kill "$sim_pid" "$sim_server"
row "52 an MTU that was valid" changes mtu=67
row "49 pairs that were valid" changes pairs=0
row "56 short configuration" short_window
row "59 ring sizes" rings
row "12 IN_ORDER and STANDBY" in_order
rows at_probe
row "60 slow reset" slow_reset
row "60 queue reset fails" ring_reset_fails
row "9 next while a queue is reset" ring_reset_next
row "62 no vectors any more" while_resetting no_vectors 1
row "19 early interrupts" early_irqs
row "61 gone" gone
row "61 runs already" runs_already
row "61 asks for resets" asks_often
ktap_case "unloading" ends
ktap_done
