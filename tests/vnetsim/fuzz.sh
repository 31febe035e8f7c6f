# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# A device that does things wrong at random, with traffic: rings, headers, answers,
# configuration, interrupts. The kernel complains of nothing, all that is asked of the
# interface ends in time, and a fresh device works. Split and packed rings, buffers that
# are put together or not: by the seed.
#
# Parameters: NET_MODE, FUZZ_MODES (NET_MODE: one after the other), FUZZ_SECONDS of each (45),
# FUZZ_SEED (1), FUZZ_ROUND in seconds (4), FUZZ_RATE (60: one of so many chances is taken),
# FUZZ_RARE (256: what needs a reset is rarer by that), FUZZ_MEDDLE in ms (300: what a user does
# pauses for that), FUZZ_MUTATIONS (0: go on until so many, at least). A round that fails says
# its seed: FUZZ_SEED=that FUZZ_SECONDS=1. So does the kernel log, before each round:
# "fuzz: FUZZ_SEED=..."
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

MODES=${FUZZ_MODES:-$NET_MODE}
SECS=${FUZZ_SECONDS:-45}
SEED=${FUZZ_SEED:-1}
ROUND=${FUZZ_ROUND:-4}
RATE=${FUZZ_RATE:-60}
RARE=${FUZZ_RARE:-256}
MEDDLE=${FUZZ_MEDDLE:-300}
MUTATIONS=${FUZZ_MUTATIONS:-0}

mutations()
{
	sed -n 's/^mutations=//p' $SIM_DIR/sim0/fuzz
}

# What a user may do meanwhile; it may fail, not hang.
meddle()
{
	n=0
	while :; do
		n=$(((n + 1) % 10))
		ip link set eth0 address "52:54:00:0$n:bb:07"
		ethtool -L eth0 combined $((1 + n % 2))
		ethtool -S eth0
		ethtool -G eth0 rx 128
		ip link set eth0 promisc on
		ip link set eth0 promisc off
		ethtool -C eth0 rx-usecs 10
		ip link set eth0 down
		ip link set eth0 up
		vnetsim.sh set sim0 event announce
		usleep $((MEDDLE * 1000))
	done >/dev/null 2>&1
}

# What comes in does not depend on what got through before.
frames()
{
	while sim_in nettest ask $NET_PEER $NET_PORT inject ff:ff:ff:ff:ff:ff - 1000 300; do
		:
	done
}

# round SEED: a device for a while, then unplugged in the middle of it
round()
{
	packed=$(($1 % 2)) buffers=
	[ $(($1 / 2 % 2)) = 0 ] || buffers=off=MRG_RXBUF
	# Of split rings the core unmaps what says NEXT twice: see sim_unmaps_twice.
	[ "$NET_MODE" != stream ] || ! sim_dma_debugged || packed=1
	# For whoever finds a guest that did not live to say which seed it was.
	echo "<5>fuzz: FUZZ_SEED=$1 FUZZ_RATE=$RATE FUZZ_RARE=$RARE FUZZ_ROUND=$ROUND" \
		"FUZZ_MEDDLE=$MEDDLE NET_MODE=$NET_MODE, packed=$packed${buffers:+ $buffers}" >/dev/kmsg
	# shellcheck disable=SC2086 # it may be empty
	sim_up sim0 pairs=2 packed="$packed" $buffers
	net_flood_start
	echo "$1 $RATE $RARE" >$SIM_DIR/sim0/fuzz || fail "no fuzz"
	# The configuration is looked at in every round, however slow the rest of it is.
	vnetsim.sh set sim0 event announce
	meddle &
	defer "kill $! 2>/dev/null"
	frames >/dev/null 2>&1 &
	defer "kill $! 2>/dev/null"
	sleep "$ROUND"
	mutations >/tmp/fuzz.mutations
	cat $SIM_DIR/sim0/fuzz >>/tmp/fuzz.drawn
	vnetsim.sh del sim0 || fail "can't be unplugged"
	net_flood_kill
}

# drawn WHO: how many random numbers it has drawn in all rounds
drawn()
{
	awk -v who="$1" '$1 == who { sum += $2 } END { print sum + 0 }' /tmp/fuzz.drawn
}

rounds()
{
	total=0 seed=$SEED
	: >/tmp/fuzz.drawn
	until=$(($(cut -d. -f1 /proc/uptime) + SECS))
	while :; do
		(
			ktap_defers=
			trap ktap_run_defers EXIT
			round $seed
		) || fail "seed $seed"
		total=$((total + $(cat /tmp/fuzz.mutations)))
		note "seed $seed: $(cat /tmp/fuzz.mutations) mutations, $total in all"
		! ktap_splats "$ktap_id" >/dev/null || fail "the kernel complains: seed $seed"
		seed=$((seed + 1))
		[ "$(cut -d. -f1 /proc/uptime)" -lt $until ] || [ $total -lt "$MUTATIONS" ] || break
	done
	note "$total mutations, seeds $SEED to $((seed - 1))"
	expect_ge $total 100 "mutations"
	# All parts of the device have their share in it.
	for who in device wire queue0 queue1 queue4; do
		expect_ge "$(drawn $who)" 1 "numbers drawn by $who"
	done
}

sound()
{
	sim_up sim0 pairs=2
	net_stream send
	net_stream recv
	sim_down
}

for mode in $MODES; do
	NET_MODE=$mode
	sim_load || exit 1
	ktap_case "$mode, mutations" rounds
	ktap_case "$mode, a device that does nothing wrong" sound
	ktap_case "$mode, unloading" sim_unload
done
ktap_done
