# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# A device that takes its time with commands, but answers each: it is not reset for that, and
# what could not be said at once is said later.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

VLANS="2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"

resets()
{
	cat $NET_CVM/resets
}

vlans_add()
{
	module_loaded 8021q || load_module 8021q
	for vid in $VLANS; do
		expect_ok "ip link add link eth0 name eth0.$vid type vlan id $vid"
	done
	expect_ge "$(sim_state vlans)" 16 "VLANs that the device lets through"
}

vlans_del()
{
	for vid in $VLANS; do
		expect_ok "ip link del eth0.$vid"
	done
}

# More time than anybody waits for, but never that long for one answer.
statistics()
{
	sim_up sim0 pairs=2
	sim_negotiated DEVICE_STATS || skip "the driver does not ask for statistics"
	queues=$(net_queues)
	vnetsim.sh set sim0 ctrl_delay_ms $((12000 / (2 * queues + 1)))
	begun=$(cut -d. -f1 /proc/uptime)
	ethtool -S eth0 >/tmp/sim.stats || fail "no statistics"
	took=$(($(cut -d. -f1 /proc/uptime) - begun))
	expect_ge $took 4 "seconds that the statistics took"
	expect_le $took 9 "seconds that the statistics took"
	sleep 9
	expect_eq 0 "$(resets)" "resets"
	vnetsim.sh set sim0 ctrl_delay_ms 0
	expect_ok "ip link set eth0 address 52:54:00:aa:bb:d0"
	expect_eq 52:54:00:aa:bb:d0 "$(sim_state mac)" "address that the device knows"
	net_stream send
	expect_eq 0 "$(resets)" "resets"
	sim_down
}

# A change that may come true after its caller was told that it failed
change()
{
	sim_up sim0 pairs=2
	vnetsim.sh set sim0 ctrl_delay_ms 6000
	ip link set eth0 address 52:54:00:aa:bb:d1 2>/dev/null && fail "the command succeeded"
	wait_for 20 '[ "$(resets)" = 1 ]' || fail "the device was not reset"
	vnetsim.sh set sim0 ctrl_delay_ms 0
	wait_for 30 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic afterwards"
	expect_eq "$(cat /sys/class/net/eth0/address)" "$(sim_state mac)" "address of the device"
	sim_down
}

# The acknowledgement finds no room among commands that nobody waits for.
announce()
{
	sim_up sim0
	vlans_add
	vnetsim.sh set sim0 ctrl_wait_us 2000000
	vlans_del
	vnetsim.sh set sim0 event announce
	expect_eq 1 "$(sim_state announce)" "announcements that are asked for"
	wait_for 15 '[ "$(sim_state announce)" = 0 ]' || fail "the announcement was not acknowledged"
	expect_eq 0 "$(resets)" "resets"
	vnetsim.sh set sim0 ctrl_wait_us 0
	sim_down
}

# The stack does not say that a VLAN goes while the device is away.
vlan_gone()
{
	sim_up sim0
	before=$(sim_state vlans)
	vlans_add
	vnetsim.sh set sim0 inject reset_slow
	vnetsim.sh set sim0 event needs_reset
	wait_for 10 '! ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "the device is not away"
	vlans_del
	wait_for 30 'ping -c 1 -W 1 $NET_PEER >/dev/null' || fail "no traffic afterwards"
	expect_eq 1 "$(resets)" "resets"
	expect_eq "$before" "$(sim_state vlans)" "VLANs that the device lets through"
	sim_down
}

sim_load || exit 1
ktap_case "statistics" statistics
ktap_case "a change" change
ktap_case "an announcement" announce
ktap_case "a VLAN that goes during a reset" vlan_gone
ktap_case "unloading" sim_unload
ktap_done
