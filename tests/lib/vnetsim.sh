# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Software virtio-net devices for tests, with the peer of tests/lib/net.sh in a network
# of its own. Needs ktap.sh, module.sh and net.sh; a run without --net tap.

SIM_DIR=/sys/kernel/debug/vnetsim
SIM_DRIVER=virtio_net_cvm

# sim_load [DRIVER]: freshly, with this driver for what is plugged in.
sim_load()
{
	SIM_DRIVER=${1:-$SIM_DRIVER}
	for sim_module in vnetsim virtio_net_cvm virtio_net; do
		! module_loaded $sim_module || unload_module $sim_module ||
			fail "$sim_module does not unload"
	done
	case $SIM_DRIVER in
	virtio_net_cvm) load_module virtio_net_cvm mode="$NET_MODE" ;;
	*) load_module "$SIM_DRIVER" ;;
	esac || fail "$SIM_DRIVER does not load"
	load_module vnetsim || fail "vnetsim does not load"
}

sim_unload()
{
	for sim_module in vnetsim "$SIM_DRIVER"; do
		! module_loaded "$sim_module" || unload_module "$sim_module" ||
			fail "$sim_module does not unload"
	done
}

# sim_net: a network for the other end; its process is sim_pid.
sim_net()
{
	unshare -n sleep 10000 &
	sim_pid=$!
	defer "kill $sim_pid 2>/dev/null"
	wait_for 30 '[ "$(readlink /proc/$sim_pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]' ||
		fail "no network namespace"
	sim_in ip link set lo up
}

sim_in()
{
	nsenter -t "$sim_pid" -n "$@"
}

# sim_plug NAME [KEY=VALUE...]: a device, its driver's interface called eth0.
sim_plug()
{
	sim_said=$(vnetsim.sh add "$@" 2>&1) || fail "$sim_said"
	sim_name=$1
	defer "! [ -d $SIM_DIR/$1 ] || vnetsim.sh del $1"
	sim_if=$(vnetsim.sh iface "$1" 2>&1) || fail "$sim_if"
	[ "$sim_if" = eth0 ] || ip link set "$sim_if" name eth0 || fail "no eth0"
}

# sim_peer: the other end, with addresses and the server (sim_server) of the network tests.
sim_peer()
{
	sim_net
	sim_end=$(cat "$SIM_DIR/$sim_name/peer")
	vnetsim.sh ns "$sim_name" "$sim_pid" || fail "the other end can't be moved"
	sim_in ip link set "$sim_end" address 52:54:00:c7:00:77
	net_address "$sim_end" $NET_PEER/24 $NET_PEER6/64 sim_in
	nsenter -t "$sim_pid" -n nettest serve $NET_PORT "$sim_end" >/dev/null 2>&1 &
	sim_server=$!
	defer "kill $sim_server 2>/dev/null"
	# Its port, in hexadecimal.
	wait_for 30 'sim_in cat /proc/net/tcp /proc/net/tcp6 | grep -q ":$(printf %04X $NET_PORT) "' ||
		fail "the server does not start"
}

# sim_up NAME [KEY=VALUE...]: all of that, and it can be reached.
sim_up()
{
	sim_plug "$@"
	sim_peer
	net_configure
	net_reaches "with $*"
}

# sim_cable NAME WORD [KEY=VALUE...]: a device that is eth0 here; at the other end of its
# cable a device "far" made with this word (- for none), eth0 of another network with addresses.
sim_cable()
{
	sim_near=$1
	sim_word=${2#-}
	shift 2
	# shellcheck disable=SC2086 # there may be none
	sim_plug far peer=0 $sim_word
	sim_net
	ip link set eth0 netns "$sim_pid"
	sim_plug "$sim_near" cable=far "$@"
	net_configure
	net_address eth0 $NET_PEER/24 $NET_PEER6/64 sim_in
	sim_in nettest serve $NET_PORT eth0 >/dev/null 2>&1 &
	defer "kill $! 2>/dev/null"
	net_reaches "over a cable"
}

# sim_expect_rules NAME: no rule was broken, but those named in SIM_MAY_BREAK.
sim_expect_rules()
{
	while read -r sim_rule sim_count; do
		case " ${SIM_MAY_BREAK:-} " in
		*" $sim_rule "*) continue ;;
		esac
		expect_eq 0 "$sim_count" "times that the driver broke the rule $sim_rule"
	done <"$SIM_DIR/$1/violations"
}

sim_down()
{
	sim_expect_rules "$sim_name"
	vnetsim.sh del "$sim_name" || fail "$sim_name can't be unplugged"
}

# sim_dma_debugged: does the kernel complain of what the core unmaps twice?
sim_dma_debugged()
{
	[ -d /sys/kernel/debug/dma-api ]
}

# sim_unmaps_twice: leave out what has the core do that (split rings, stream mode), where the
# kernel complains of it. No driver can help: Documentation/virtio_net_cvm.rst, "A hostile device".
sim_unmaps_twice()
{
	! sim_dma_debugged ||
		skip "the core unmaps one entry twice, and DMA debugging complains"
}

# bug_column NAME COLUMN: of what sim0 does wrong, 2 for how often it is still to happen,
# 3 for how often it did
bug_column()
{
	awk -v bug="$1" -v col="$2" '$1 == bug { print $col }' $SIM_DIR/sim0/inject
}

# sim_state KEY
sim_state()
{
	sed -n "s/^$1=//p" "$SIM_DIR/$sim_name/state"
}

# sim_negotiated NAME
sim_negotiated()
{
	grep -q "^$1 [0-9]* [01] 1\$" "$SIM_DIR/$sim_name/features"
}

# sim_counter QUEUES COLUMN: summed over queues whose name begins so.
sim_counter()
{
	awk -v queue="^$1" -v want="$2" '
		NR == 1 { for (i = 2; i <= NF; i++) if ($i == want) col = i - 1; next }
		$1 ~ queue { n += $col }
		END { if (!col) exit 1; print n + 0 }' "$SIM_DIR/$sim_name/counters" ||
		fail "there is no counter $2"
}
