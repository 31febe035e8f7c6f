# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The udev rule of Documentation/virtio_net_cvm.rst, with Debian's udev and rules
# (scripts/udev-guest.sh): as at boot, and when a card is plugged in.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
RULES=/etc/udev/rules.d/90-cvmnet.rules

# The interface, whatever its name
iface()
{
	net_iface=$(echo "$NET_BUS/devices/$(net_device)/net"/*)
	[ -d "$net_iface" ] && echo "${net_iface##*/}"
}

# As systemd-udev-trigger.service of Debian 12
coldplug()
{
	udevadm trigger --type=all --action=add --prioritized-subsystem=net || fail "no events"
	expect_ok "udevadm settle -t 60"
}

# bound DRIVER: with the name that udev gives
bound()
{
	bound_want="$1 $(cat /tmp/udev.name)"
	wait_for 30 '[ "$(net_driver) $(iface)" = "$bound_want" ]' ||
		fail "driver and interface: wanted $bound_want, got $(net_driver) $(iface)"
}

# back: to the stock driver, and down as after a boot
back()
{
	expect_ok "cvmnet-bind.sh $(iface) virtio_net"
	ip link set "$(iface)" down
}

set_up()
{
	[ -f /put/udev.tar ] || skip "run by scripts/udev-guest.sh"
	grep -q '^ACTION' /put/90-cvmnet.rules || fail "no rule"
	tar -C / -xf /put/udev.tar || fail "no udev"
	mkdir -p /usr/local/sbin /etc/udev/rules.d
	ln -s /bin/cvmnet-bind.sh /usr/local/sbin/
	load_module virtio_net_cvm mode="$NET_MODE" || fail "virtio_net_cvm does not load"
	expect_eq virtio_net "$(net_driver)" "driver"
	ip link set eth0 down
	/lib/systemd/systemd-udevd --daemon >/dev/null 2>&1 </dev/null || fail "udev does not start"
	note "udev $(udevadm --version)"
	coldplug
	iface >/tmp/udev.name
	expect_ne eth0 "$(iface)" "name of the interface"
	note "udev calls it $(iface)"
}

# Only the address is another one.
boot()
{
	address=$(basename "$(readlink -f "$NET_BUS/devices/$(net_device)/..")")
	sed "s/0000:00:03.0/$address/" /put/90-cvmnet.rules >$RULES
	grep -q "$address" $RULES || fail "no address in the rule: $(cat $RULES)"
	expect_ok "udevadm control --reload"
	note "$(udevadm test -a add "$NET_BUS/devices/$(net_device)" 2>&1 | grep cvmnet-bind)"
	coldplug
	bound virtio_net_cvm
	# Nothing is left of the old one.
	expect_ok "udevadm settle -t 60"
	bound virtio_net_cvm
}

plugged()
{
	net_request unplug
	wait_for 30 '! net_device >/dev/null' || fail "the device is still there"
	net_request plug
	wait_for 30 'net_device >/dev/null' || fail "the device does not come"
	bound virtio_net_cvm
}

in_use()
{
	back
	ip link set "$(iface)" up
	defer 'ip link set "$(iface)" down'
	coldplug
	bound virtio_net
}

# The old driver keeps it; a file over "bind" keeps the device from the new one.
refused()
{
	: >/tmp/fake
	mount --bind /tmp/fake $NET_BUS/drivers/virtio_net_cvm/bind || skip "no bind mounts in sysfs"
	defer "umount $NET_BUS/drivers/virtio_net_cvm/bind"
	back
	coldplug
	bound virtio_net
	changes=$(cat /sys/kernel/uevent_seqnum)
	sleep 3
	expect_eq "$changes" "$(cat /sys/kernel/uevent_seqnum)" "events, as it is not tried for ever"
}

# What must be the device's own
bad_use()
{
	for dev in "$NET_BUS"/devices/*; do
		[ "$(cat "$dev/device")" = 0x0001 ] ||
			! cvmnet-bind.sh --new "${dev##*/}" virtio_net_cvm 2>/dev/null ||
			fail "${dev##*/} was taken"
	done
	! cvmnet-bind.sh --new virtio99 virtio_net_cvm 2>/dev/null || fail "virtio99 was taken"
	! cvmnet-bind.sh --new 2>/dev/null || fail "nothing was taken"
}

clean_up()
{
	rm $RULES
	expect_ok "udevadm control --exit"
	[ "$(net_driver)" = virtio_net ] || back
	unload_module virtio_net_cvm || fail "virtio_net_cvm does not unload"
	ip link set "$(iface)" down
	ip link set "$(iface)" name eth0
	net_configure
	net_reaches "with the stock driver"
}

ktap_case "set-up" set_up
ktap_case "as at boot" boot
ktap_case "plugged in" plugged
ktap_case "an interface in use is left alone" in_use
ktap_case "the old driver keeps it where the new one fails" refused
ktap_case "bad use of the script" bad_use
ktap_case "clean-up" clean_up
ktap_done
