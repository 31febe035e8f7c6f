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

RINGS=${SIM_RINGS:-0 1}
MODES=${SIM_MODES:-pool stream}
ONLY=${SIM_ONLY:-}

# Number, name, what is injected ("bug [rx|tx|ctrl] [times]"), the reaction, and what
# else: split, packed or pool if it is only that; lost if the device may lose its place in
# the ring for good, which nobody but it can see; KEY=VALUE for the device.
#
# drop CAUSE	packets are dropped and counted as drop_CAUSE; no reset
# drops		the same, for any of several causes
# ignore	nothing is dropped, nobody resets
# kill		the device is reset once, and comes back
# any		dropped, reset or ignored, by what the driver happens to see of it
# wait		the device stands still as long as that lasts; all is well afterwards
TABLE="
1 id-range-rx|used_id_range rx|kill
1 id-range-tx|used_id_range tx|kill
2 id-free-rx|used_id_free rx|kill
2 id-free-tx|used_id_free tx|kill
3 id-middle-rx|used_id_middle rx|any|lost
3 id-middle-tx|used_id_middle tx|any|lost
4 idx-next-rx|used_idx_next rx|any|lost
4 idx-next-tx|used_idx_next tx|any|lost
4 idx-jump-rx|used_idx_jump rx|any|lost
4 idx-jump-tx|used_idx_jump tx|any|lost
5 idx-back-rx|used_idx_back rx|any|split
5 idx-back-tx|used_idx_back tx|any|split
6 len-zero|len_zero rx 5|drop rx_runt
6 len-header|len_header rx 5|drop rx_runt
6 len-runt|len_runt rx 5|drop rx_runt
7 len-over|len_over rx 5|drop rx_oversize
7 len-page|len_page rx 5|drop rx_oversize
7 len-2g|len_2g rx 5|drop rx_oversize
7 len-max|len_max rx 5|drop rx_oversize
8 tx-len|len_over tx 20|ignore
8 tx-len-max|len_max tx 20|ignore
9 next-rx|desc_next rx 5|any|lost
9 next-tx|desc_next tx 5|any|lost
9 indirect-rx|desc_indirect rx 5|any|lost
9 indirect-tx|desc_indirect tx 5|any|lost
10 rewrite-rx|desc_rewrite rx 5|ignore
10 rewrite-tx|desc_rewrite tx 5|ignore
11 wrap-rx|packed_wrap rx|any|packed lost
11 wrap-tx|packed_wrap tx|any|packed lost
11 toggle-rx|packed_toggle rx 20|any|packed lost
11 toggle-tx|packed_toggle tx 20|any|packed lost
13 no-kicks-rx|kick_off rx -1|wait
13 no-kicks-tx|kick_off tx -1|wait
14 tx-never|stall tx -1|wait
15 tx-early|early tx 20|any
16 rx-never|stall rx -1|wait
17 reorder-rx|reorder rx 50|ignore
17 reorder-tx|reorder tx 50|ignore
18 irq-storm|irq_storm -1|ignore
20 irq-lost-rx|irq_lost rx 10|ignore
20 irq-lost-tx|irq_lost tx -1|wait
21 config-storm|config_storm -1|ignore
22 buffers-0|buffers_0 rx 5|drop rx_buffers
23 buffers-more|buffers_more rx 2|any
23 buffers-more-often|buffers_more rx 60|any
24 buffers-19|buffers_19 rx 2|any
24 buffers-max|buffers_max rx 5|drop rx_buffers
25 buffers-7|buffers_7 rx 10|ignore|off=MRG_RXBUF
26 flip-header|flip_header rx 60|any|pool
27 flip-payload|flip_payload rx 60|any|pool off=GUEST_CSUM
28 stray-write|stray_write rx 100|ignore
29 gso-unknown|gso_unknown rx 5|drop rx_gso
29 gso-mixed|gso_mixed rx 5|drop rx_gso
29 gso-ecn|gso_ecn rx 5|drop rx_gso
30 gso-not-agreed|gso_tcp rx 5|drop rx_gso|off=GUEST_TSO4,GUEST_TSO6,GUEST_ECN,GUEST_USO4,GUEST_USO6
31 gso-size-0|gso_size_0 rx 5|drop rx_gso
31 gso-size-1|gso_size_1 rx 5|any
31 gso-size-max|gso_size_max rx 5|drop rx_gso
32 csum-start-0|csum_start_0 rx 5|drop rx_csum
32 csum-start-max|csum_start_max rx 5|drop rx_csum
32 csum-end|csum_end rx 5|drop rx_csum
32 csum-wrap|csum_wrap rx 5|drop rx_csum
33 csum-not-agreed|csum_needed rx 5|drop rx_csum|off=GUEST_CSUM
34 csum-both|csum_both rx 20|any
34 csum-valid|csum_valid rx 20|any
35 hdr-len|hdr_len rx 20|ignore
36 tunnel|tunnel rx 5|drop rx_gso
37 hash-report|hash_report rx 20|ignore
37 hash-same|hash_same rx 50|ignore
38 queue-last|queue_last 50|any
39 frame-14|frame_14 rx 5|any
39 frame-vlan|frame_vlan rx 5|any
39 frame-full|frame_full rx 20|any|off=MRG_RXBUF,GUEST_TSO4,GUEST_TSO6,GUEST_ECN,GUEST_USO4,GUEST_USO6
40 pieces|pieces rx 20|any
40 piece-empty|piece_empty rx 10|drop rx_runt
"

# --- the device, which rows share as long as it is sound ---

# Words of a row that are for the device.
device_words()
{
	words=""
	for word in $1; do
		case $word in
		*=*) words="$words $word" ;;
		esac
	done
	echo "$words"
}

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
	echo "$TABLE" >/tmp/sim.table
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
