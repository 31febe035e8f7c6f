# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the wfx_trap tests share. Needs ktap.sh, module.sh and kvmguest.sh.

WFX_KNOB=/sys/kernel/cvm_wfx_trap_config
WFX_DIR=/sys/kernel/cvm_wfx_trap
WFX_STATS=/sys/kernel/debug/wfx_trap/vcpus

# Nothing set, whatever an earlier case left.
wfx_off()
{
	echo 0 >$WFX_KNOB
	echo 0 >$WFX_DIR/force
}

# wfx_stat COLUMN PID VCPU
wfx_stat()
{
	stat_sum $WFX_STATS "$@"
}
