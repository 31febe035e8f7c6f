# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# From driver to driver and back while connections are open: they stay, and so does
# what the interface has. See tests/lib/net.sh.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh

# What must come along, as text.
state()
{
	cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu /sys/class/net/eth0/tx_queue_len
	cat /proc/sys/net/ipv4/conf/eth0/rp_filter
	# Of those that are link-local, the kernel's follows the MAC address.
	ip addr show dev eth0 | awk '$1 ~ /^inet/ && ($2 !~ /^fe80/ || $2 == "fe80::1/64") {
		print $1, $2 }' | sort
	ip route show dev eth0 | sort
	ip -6 route show dev eth0 | awk '{ print $1, $2, $3 }' | grep -v '^f[ef]' | sort
	ip link show dev eth0 | grep -o '[<,]UP[,>]'
}

carried()
{
	mac=$(cat /sys/class/net/eth0/address)
	defer "ip link set eth0 address $mac; ip link set eth0 mtu 1500"
	defer 'ip addr del 10.99.0.1/16 dev eth0; ip addr del fd99::1/64 dev eth0'
	ip link set eth0 address 52:54:00:c7:00:99 || fail "MAC"
	ip link set eth0 mtu 1400
	echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter
	ip addr add 10.99.0.1/16 dev eth0
	ip -6 addr add fd99::1/64 dev eth0
	ip -6 addr add fe80::1/64 dev eth0 || fail "a link-local address"
	defer 'ip addr del fe80::1/64 dev eth0'
	ip route add 10.98.0.0/16 via 10.77.0.1
	ip route add 10.97.0.0/16 dev eth0 metric 50
	ip route add default via 10.77.0.1
	ip -6 route add fd98::/64 via fd77::1
	defer 'ip route del default'
	state >/tmp/before
	for driver in virtio_net virtio_net_cvm; do
		net_bind $driver
		state >/tmp/after
		diff /tmp/before /tmp/after || fail "the interface is not the same with $driver"
	done
	net_reaches "afterwards"
}

# What only iproute2 knows, before and after; link-local addresses follow the MAC address.
full_state()
{
	{
		ip -o addr show dev eth0 | grep -v fe80
		ip -o addr show dev eth0 | grep -w fe80::2
		ip neigh show dev eth0 nud permanent | sed 's/^/eth0 /'
		ip link show dev eth0 | sed -n 's/^ *altname/eth0 &/p'
		ip -o -4 route show table all
		ip -o -6 route show table all | grep -v 'fe80\|ff00'
	} | grep -w eth0 | sed 's/^[0-9]*: //; s/valid_lft.*//; s/ linkdown//g; s/ nodad//' | sort
}

# An address that brings no route along, and the routes that somebody made for it, as
# NetworkManager does; routes with several ways out.
carried_by_iproute2()
{
	ip()
	{
		/lib/iproute2/ip "$@"
	}
	defer 'ip addr del 10.96.0.1/16 dev eth0; ip addr del fd96::1/64 dev eth0'
	expect_ok 'ip addr add 10.96.0.1/16 dev eth0 noprefixroute'
	expect_ok 'ip addr add fd96::1/64 dev eth0 noprefixroute nodad'
	expect_ok 'ip addr add 10.95.0.1/16 dev eth0 metric 70'
	defer 'ip addr del 10.95.0.1/16 dev eth0'
	expect_ok 'ip addr add fe80::2/64 dev eth0 nodad'
	expect_ok 'ip neigh add 10.77.0.8 lladdr 52:54:00:00:00:08 nud permanent dev eth0'
	expect_ok 'ip neigh add fd77::8 lladdr 52:54:00:00:00:08 nud permanent dev eth0'
	expect_ok 'ip link property add dev eth0 altname cvmnet-other-name'
	defer 'ip addr del fe80::2/64 dev eth0; ip neigh del 10.77.0.8 dev eth0'
	defer 'ip neigh del fd77::8 dev eth0; ip link property del dev eth0 altname cvmnet-other-name'
	expect_ok 'ip route add 10.96.0.0/16 dev eth0 proto kernel scope link src 10.96.0.1 metric 100'
	expect_ok 'ip -6 route add fd96::/64 dev eth0 proto kernel metric 100'
	expect_ok 'ip route add 10.92.0.0/16 via 10.77.0.1 table 99'
	defer 'ip route flush table 99'
	if ip route add 10.94.0.0/16 proto static metric 5 \
			nexthop via 10.77.0.1 dev eth0 weight 1 nexthop via 10.77.0.9 dev eth0 weight 3; then
		defer 'ip route del 10.94.0.0/16; ip -6 route del fd94::/64'
		expect_ok 'ip -6 route add fd94::/64 metric 7 nexthop via fd77::1 dev eth0 nexthop via fd77::9 dev eth0'
	else
		note "this kernel has no routes with several ways out"
	fi
	full_state >/tmp/before
	for driver in virtio_net virtio_net_cvm; do
		net_said=$(PATH=/lib/iproute2:$PATH dash /bin/cvmnet-bind.sh eth0 $driver 2>&1) ||
			fail "not bound to $driver: $net_said"
		full_state >/tmp/after
		diff /tmp/before /tmp/after || fail "the interface is not the same with $driver"
	done
	expect_ge "$(wc -l </tmp/before)" 13 "addresses and routes that were compared"
	net_reaches "afterwards"
}

down_stays_down()
{
	defer 'ip link set eth0 up; ip -6 addr add $NET_ADDR6 dev eth0 2>/dev/null'
	ip link set eth0 down
	net_bind virtio_net
	ip link show dev eth0 | grep -q '[<,]UP[,>]' && fail "the interface came up"
	net_bind virtio_net_cvm
	ip link show dev eth0 | grep -q '[<,]UP[,>]' && fail "the interface came up"
	return 0
}

under_traffic()
{
	net_flood_start
	i=0
	while [ $i -lt "$NET_ROUNDS" ]; do
		net_bind virtio_net
		usleep 500000
		net_bind virtio_net_cvm
		usleep 500000
		i=$((i + 4))
	done
	net_flood_stop "$NET_GAP"
}

# Without the script: the module goes with its interface, and takes it back.
reload()
{
	mode=$(cat $NET_CVM/mode)
	net_flood_start
	for _ in 1 2 3; do
		rmmod virtio_net_cvm || fail "does not unload under traffic"
		[ ! -e /sys/class/net/eth0 ] || fail "eth0 is still there"
		load_module virtio_net_cvm mode="$mode" || fail "does not load"
		wait_for 5 '[ -e /sys/class/net/eth0 ]' || fail "eth0 does not come back"
		net_configure
		usleep 500000
	done
	net_flood_stop
	net_reaches "after loading the module again"
}

# The old driver gets the device back, with everything, where the new one fails.
# A file over "bind" keeps the device from the driver.
refused()
{
	bind=$NET_BUS/drivers/virtio_net_cvm/bind
	net_bind virtio_net
	state >/tmp/before
	: >/tmp/fake
	mount --bind /tmp/fake $bind || skip "no bind mounts in sysfs"
	defer "umount $bind 2>/dev/null"
	net_flood_start
	cvmnet-bind.sh eth0 virtio_net_cvm >/tmp/said 2>&1 && fail "it says that it worked"
	grep -q 'Giving it back to virtio_net' /tmp/said || fail "it does not say what it did: $(cat /tmp/said)"
	expect_eq virtio_net "$(net_driver)" "driver"
	state >/tmp/after
	diff /tmp/before /tmp/after || fail "the interface is not the same"
	net_flood_stop "$NET_GAP"
	umount $bind
	net_bind virtio_net_cvm
}

bad_use()
{
	cvmnet-bind.sh eth0 e1000 >/dev/null 2>&1 && fail "another driver was taken"
	cvmnet-bind.sh eth9 virtio_net >/dev/null 2>&1 && fail "an interface that is not there was taken"
	cvmnet-bind.sh lo virtio_net >/dev/null 2>&1 && fail "lo was taken"
	expect_ok "cvmnet-bind.sh eth0 virtio_net_cvm"
	expect_eq virtio_net_cvm "$(net_driver)" "driver"
}

ktap_case "set-up" net_set_up
ktap_case "everything comes along" carried
ktap_case "what iproute2 adds comes along" carried_by_iproute2
ktap_case "an interface that is down stays down" down_stays_down
ktap_case "under traffic" under_traffic
ktap_case "the module is unloaded and loaded under traffic" reload
ktap_case "the old driver gets it back where the new one fails" refused
ktap_case "bad use of the script" bad_use
ktap_case "clean-up" net_clean_up
ktap_done
