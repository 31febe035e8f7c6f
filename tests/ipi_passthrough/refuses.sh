# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Kernels that the module can not work on: it has to say so, and change nothing.
# The kernel command line of the guest decides which case this is.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh

booted_with()
{
	grep -q -w -- "$1" /proc/cmdline
}

# not_loaded ERRNO REASON
not_loaded()
{
	expect_errno "load_module ipi_passthrough" "$1"
	dmesg | grep -q "ipi_passthrough: .*$2" || fail "the log gives no reason '$2'"
	[ ! -e $IPI_KNOB ] || fail "the knob exists"
}

no_driver_allowed()
{
	load_module ipi_passthrough || fail "insmod"
	expect_errno "echo 3 >$IPI_KNOB" ENODEV
	expect_eq 0 "$(ipi_get_mask)" "mask after the refusal"
	dmesg | grep -q "cpuidle.off" || fail "the log gives no reason"
	unload_module ipi_passthrough || fail "rmmod"
}

ktap_plan 1
if booted_with idle=poll; then
	ktap_case "idle=poll: not loaded" not_loaded EBUSY "idle=poll"
elif booted_with nohlt; then
	ktap_case "nohlt: not loaded" not_loaded EBUSY "nohlt"
elif booted_with cpuidle.off=1; then
	ktap_case "cpuidle.off: every mask is refused" no_driver_allowed
elif [ "$(cat /sys/devices/system/cpu/possible)" = 0 ]; then
	ktap_case "one CPU: not loaded" not_loaded ENODEV "only one CPU"
else
	ktap_case "a guest that can not work" skip "boot with idle=poll, nohlt, cpuidle.off=1 or one CPU"
fi
ktap_done
