# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The least that every guest must do.
. /tests/lib/ktap.sh

kernel_is_up()
{
	expect_eq Linux "$(uname -s)" "kernel name"
	[ -d /sys/kernel/debug/tracing ] || [ -d /sys/kernel/tracing/events ] || fail "no tracefs"
}

all_cpus_online()
{
	expect_eq "$(cat /sys/devices/system/cpu/present)" \
		"$(cat /sys/devices/system/cpu/online)" "online CPUs"
}

bounce_buffers()
{
	grep -q 'swiotlb=[0-9,]*force' /proc/cmdline || skip "not a cvm guest"
	used=$(cat /sys/kernel/debug/swiotlb/io_tlb_used)
	expect_ge "$used" 1 "bounce buffer slots used by the devices"
}

virtio_features()
{
	# Bit 32 is VERSION_1, bit 33 ACCESS_PLATFORM; the file shows bit 0 first.
	for dev in /sys/bus/virtio/devices/*; do
		expect_eq 11 "$(cut -c33-34 "$dev/features")" "modern DMA-API device ${dev##*/}"
	done
}

network()
{
	grep -q -w cvm.net=1 /proc/cmdline || skip "run without --net tap"
	ping -c 3 -i 0.2 -W 5 10.77.0.1 || fail "no answer from the host side"
	ping -6 -c 1 -W 5 fd77::1 || fail "no answer over IPv6"
}

out_file()
{
	echo hello >/out/smoke.txt
}

ktap_plan 6
ktap_case "kernel is up" kernel_is_up
ktap_case "all CPUs are online" all_cpus_online
ktap_case "bounce buffers are forced" bounce_buffers
ktap_case "devices go through the DMA API" virtio_features
ktap_case "network reaches the host side" network
ktap_case "a file for the host" out_file
ktap_done
