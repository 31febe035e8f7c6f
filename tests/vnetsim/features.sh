# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Features of the software device: each one taken away, and each one offered without
# what it requires. virtio_net_cvm loads and works with what is left.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/net.sh
. /tests/lib/vnetsim.sh

# What the driver takes; the test of it being there is that it can be taken away.
TAKEN="CSUM GUEST_CSUM CTRL_GUEST_OFFLOADS MTU MAC GUEST_TSO4 GUEST_TSO6 GUEST_ECN HOST_TSO4
HOST_TSO6 HOST_ECN MRG_RXBUF STATUS CTRL_VQ CTRL_RX CTRL_VLAN CTRL_RX_EXTRA GUEST_ANNOUNCE MQ
CTRL_MAC_ADDR NOTF_COAL HASH_REPORT GUEST_HDRLEN RSS SPEED_DUPLEX EVENT_IDX INDIRECT_DESC
ACCESS_PLATFORM RING_RESET DEVICE_STATS HASH_TUNNEL VQ_NOTF_COAL"

# Not known to it, or of no interest.
OTHERS="STANDBY"

USO="GUEST_USO4 GUEST_USO6 HOST_USO"

short_exchange()
{
	net_stream send $NET_PEER 65536
	net_stream recv $NET_PEER 65536
	net_udp 1 1472
	net_udp 1 3000 $NET_PEER6
}

all_taken()
{
	sim_up all pairs=2
	for feature in $TAKEN; do
		# In pool mode there is no table of descriptors.
		[ "$feature" != INDIRECT_DESC ] || [ "$(cat $NET_CVM/mode)" != pool ] || continue
		sim_negotiated "$feature" || fail "$feature is not taken"
	done
	if ! net_can tx-udp-segmentation; then
		note "this kernel does not segment UDP"
	fi
	short_exchange
	sim_down
}

# without FEATURES...: one device for each
without()
{
	for feature; do
		note "without $feature"
		sim_up "no-$feature" pairs=2 packed=$((packed = !packed)) off="$feature"
		! sim_negotiated "$feature" || fail "$feature was taken and not offered"
		short_exchange
		case $feature in
		VERSION_1) ;;
		HASH_TUNNEL) expect_errno "echo vxlan >$NET_CVM/hash_tunnel_types" EOPNOTSUPP ;;
		CTRL_VQ)
			# All that needs it goes with it.
			for gone in $CTRL; do
				! sim_negotiated "$gone" || fail "$gone was taken without CTRL_VQ"
			done
			;;
		esac
		net_expect_no_drops
		sim_down
		kill "$sim_pid"
	done
}

CTRL="CTRL_RX CTRL_VLAN CTRL_RX_EXTRA GUEST_ANNOUNCE MQ CTRL_MAC_ADDR CTRL_GUEST_OFFLOADS RSS
HASH_REPORT NOTF_COAL VQ_NOTF_COAL DEVICE_STATS HASH_TUNNEL"

# broken FEATURE[,FEATURE] DEPENDENT...: what depends on a feature is offered without it
broken()
{
	missing=$1
	shift
	note "offered without $missing: $*"
	sim_up broken pairs=2 off="$missing"
	for feature; do
		! sim_negotiated "$feature" || fail "$feature was taken without $missing"
	done
	short_exchange
	net_expect_no_drops
	sim_down
	kill "$sim_pid"
}

dependencies()
{
	# shellcheck disable=SC2086 # words
	broken CTRL_VQ $CTRL
	broken CSUM HOST_TSO4 HOST_TSO6 HOST_ECN HOST_USO
	broken GUEST_CSUM GUEST_TSO4 GUEST_TSO6 GUEST_ECN GUEST_USO4 GUEST_USO6
	broken HOST_TSO4,HOST_TSO6 HOST_ECN
	broken GUEST_TSO4,GUEST_TSO6 GUEST_ECN
	broken RSS,HASH_REPORT HASH_TUNNEL
}

# A device that is too old is left alone; nothing hangs.
legacy()
{
	vnetsim.sh add old off=VERSION_1,RING_PACKED || fail "no device"
	defer vnetsim.sh del old
	vnetsim.sh list | grep -q '^old .*driver=none$' || fail "a legacy device was taken"
}

# Features change while a device is away from its driver, as with a new host.
change()
{
	sim_up sim0 pairs=2
	vnetsim.sh set sim0 features -MRG_RXBUF -MQ -RSS || fail "not changed"
	sim_negotiated MRG_RXBUF || fail "a running device lost a feature"
	dev=$(cat $SIM_DIR/sim0/device)
	echo "$dev" >/sys/bus/virtio/drivers/virtio_net_cvm/unbind
	echo "$dev" >/sys/bus/virtio/drivers/virtio_net_cvm/bind
	! sim_negotiated MRG_RXBUF || fail "MRG_RXBUF was taken and is not offered"
	sim_if=$(vnetsim.sh iface sim0)
	[ "$sim_if" = eth0 ] || ip link set "$sim_if" name eth0
	net_configure
	net_reaches "with fewer features"
	short_exchange
	sim_down
}

packed=0
sim_load || exit 1
ktap_case "everything is taken" all_taken
# shellcheck disable=SC2086 # words
ktap_case "each feature away" without $TAKEN $OTHERS $USO
ktap_case "each feature without what it requires" dependencies
ktap_case "a legacy device" legacy
ktap_case "features that change" change
ktap_case "unloading" sim_unload
ktap_done
