# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Group cvm of the net device and the module's parameter: values, and what bad input
# does not change.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/trace.sh
. /tests/lib/net.sh

values()
{
	case $(cat $NET_CVM/mode) in
	pool | stream) ;;
	*) fail "mode '$(cat $NET_CVM/mode)'" ;;
	esac
	for file in "$NET_CVM"/*; do
		case ${file##*/} in mode | hash_tunnel_types | dim_algorithm | ?x_profile) continue ;; esac
		case $(cat "$file") in
		'' | *[!0-9]*) fail "${file##*/} is no number: '$(cat "$file")'" ;;
		esac
	done
	for file in pool_bytes pool_limit pool_used pool_exhausted resets drop_rx_runt drop_rx_oversize \
		drop_rx_buffers drop_rx_csum drop_rx_gso drop_rx_nomem drop_rx_inactive drop_tx_nomem \
		drop_tx_malformed drop_tx_broken; do
		[ -f $NET_CVM/$file ] || fail "there is no $file"
	done
}

read_only()
{
	for file in "$NET_CVM"/*; do
		wanted=444
		case ${file##*/} in
		pool_limit | hash_tunnel_types | sw_inner_hash | dim_algorithm | ?x_profile) wanted=644 ;;
		esac
		expect_eq $wanted "$(stat -c %a "$file")" "permissions of ${file##*/}"
	done
}

# No tunnel types of a device that hashes no inner headers, and none taken.
tunnel_types()
{
	! net_feature 51 || skip "the device has HASH_TUNNEL"
	expect_eq '' "$(cat $NET_CVM/hash_tunnel_types)" "hash_tunnel_types"
	expect_errno "echo vxlan >$NET_CVM/hash_tunnel_types" EOPNOTSUPP
	expect_errno "echo nonsense >$NET_CVM/hash_tunnel_types" EINVAL
	expect_eq '' "$(cat $NET_CVM/hash_tunnel_types)" "hash_tunnel_types after that"
}

# Nothing to choose for a device that moderates no single queues.
moderation()
{
	! net_feature 52 || skip "the device has VQ_NOTF_COAL"
	expect_eq '' "$(cat $NET_CVM/rx_profile $NET_CVM/tx_profile)" "profiles"
	expect_errno "echo 0,1 1,2 2,3 3,4 4,5 >$NET_CVM/rx_profile" EOPNOTSUPP
	expect_errno "echo 0,1 >$NET_CVM/tx_profile" EINVAL
	expect_errno "echo net_dim >$NET_CVM/dim_algorithm" EOPNOTSUPP
	expect_errno "echo other >$NET_CVM/dim_algorithm" EINVAL
	expect_eq cvm "$(cat $NET_CVM/dim_algorithm)" "dim_algorithm after that"
}

inner_hash()
{
	expect_eq 0 "$(cat $NET_CVM/sw_inner_hash)" "sw_inner_hash"
	expect_errno "echo 2 >$NET_CVM/sw_inner_hash" EINVAL
	expect_ok "echo 1 >$NET_CVM/sw_inner_hash"
	expect_eq 1 "$(cat $NET_CVM/sw_inner_hash)" "sw_inner_hash"
	net_reaches "with hashes of inner headers"
	echo 0 >$NET_CVM/sw_inner_hash
}

auto()
{
	want=stream
	! grep -q 'swiotlb=[0-9,]*force' /proc/cmdline || want=pool
	[ "$NET_MODE" = auto ] || skip "mode=$NET_MODE was given"
	expect_eq $want "$(cat $NET_CVM/mode)" "mode"
}

limit()
{
	[ "$(cat $NET_CVM/mode)" = pool ] || skip "not in pool mode"
	was=$(cat $NET_CVM/pool_limit)
	defer "echo $was >$NET_CVM/pool_limit"
	expect_eq 1048576 "$was" "pool_limit by default"
	bytes=$(cat $NET_CVM/pool_bytes)
	expect_ge "$bytes" "$was" "pool_bytes"
	net_flood_start
	for size in 2097152 1048576 4194304 786432; do
		net_pool_limit $size
		usleep 300000
	done
	for bad in nonsense '' -1 1x; do
		expect_errno "echo '$bad' >$NET_CVM/pool_limit" EINVAL
		expect_eq 786432 "$(cat $NET_CVM/pool_limit)" "pool_limit after '$bad'"
	done
	for bad in 0 1 4096 67108865; do
		expect_errno "echo $bad >$NET_CVM/pool_limit" ERANGE
		expect_eq 786432 "$(cat $NET_CVM/pool_limit)" "pool_limit after $bad"
	done
	net_flood_stop "$NET_GAP"
	# An exchanged pool is not one whose completions are late: the watch goes by once.
	rekicks=$(net_stat tx_rekicks)
	net_pool_limit 2097152
	sleep 2
	expect_eq "$rekicks" "$(net_stat tx_rekicks)" "kicks repeated because of a new pool"
	net_pool_limit 67108864
	net_pool_limit "$was"
	expect_eq "$bytes" "$(cat $NET_CVM/pool_bytes)" "pool_bytes at the end"
}

# A pool smaller than the ring: the queue waits, and nothing is dropped.
exhausted()
{
	[ "$(cat $NET_CVM/mode)" = pool ] || skip "not in pool mode"
	defer "echo 1048576 >$NET_CVM/pool_limit"
	echo 600000 >$NET_CVM/pool_limit || fail "pool_limit was refused"
	net_trace
	before=$(cat $NET_CVM/pool_exhausted)
	net_stream send $NET_PEER $((4 * NET_BYTES)) 8
	net_stream recv $NET_PEER "$NET_BYTES" 4
	note "pool_exhausted $(cat $NET_CVM/pool_exhausted), pool_used $(cat $NET_CVM/pool_used)"
	[ "$(cat $NET_CVM/pool_exhausted)" -eq "$before" ] ||
		net_expect_trace 'tx_full: dev=eth0 queue=[0-9]+ pool=1 packets=[1-9]'
	net_expect_no_drops
}

no_pool()
{
	[ "$(cat $NET_CVM/mode)" = stream ] || skip "not in stream mode"
	for file in pool_bytes pool_limit pool_used pool_exhausted; do
		expect_eq 0 "$(cat $NET_CVM/$file)" "$file"
	done
	expect_errno "echo 2097152 >$NET_CVM/pool_limit" EOPNOTSUPP
	expect_eq 0 "$(cat $NET_CVM/pool_limit)" "pool_limit after a write"
}

# Nothing is recorded unless somebody asks for it; drops and resets are elsewhere.
tracepoints()
{
	net_feature 18 || skip "without CTRL_RX"
	net_trace
	ifconfig eth0 allmulti || fail "allmulticast"
	# Class RX, ALLMULTI, and one byte that says on.
	wait_for 5 "net_traced 'cmd_done: dev=eth0 slot=[0-9]+ class=0 cmd=1 err=0'" ||
		fail "no answer to a command was recorded"
	net_expect_trace 'cmd_issue: dev=eth0 slot=[0-9]+ class=0 cmd=1 len=3'
	ifconfig eth0 -allmulti
}

parameter()
{
	case $(cat /sys/module/virtio_net_cvm/parameters/mode) in
	auto | pool | stream) ;;
	*) fail "parameter mode: $(cat /sys/module/virtio_net_cvm/parameters/mode)" ;;
	esac
	net_unload
	for bad in nonsense '' 'pool,stream'; do
		load_module virtio_net_cvm mode="$bad" >/tmp/said 2>&1 &&
			fail "mode '$bad' was taken"
		grep -q -i 'invalid' /tmp/said || fail "mode '$bad': $(cat /tmp/said)"
	done
	load_module virtio_net_cvm mode="$NET_MODE" || fail "does not load"
	net_bind virtio_net_cvm
}

ktap_case "set-up" net_set_up
ktap_case "values" values
ktap_case "permissions" read_only
ktap_case "tunnel types without a device for them" tunnel_types
ktap_case "moderation without a device for it" moderation
ktap_case "inner headers hashed by the driver" inner_hash
ktap_case "mode by itself" auto
ktap_case "limit of the pools, under traffic" limit
ktap_case "small pools" exhausted
ktap_case "stream mode has no pools" no_pool
ktap_case "tracepoints" tracepoints
ktap_case "module parameter" parameter
ktap_case "clean-up" net_clean_up
ktap_done
