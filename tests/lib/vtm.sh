# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the vtimer_mask tests share. Needs ktap.sh, module.sh and kvmguest.sh.

VTM_KNOB=/sys/kernel/cvm_vtimer_mask
VTM_STATS=/sys/kernel/debug/vtimer_mask/stats

# vtm_stat COLUMN: of all CPUs.
vtm_stat()
{
	stat_sum $VTM_STATS "$1"
}

# vtm_modules NAME...: exactly these are loaded.
vtm_modules()
{
	for vtm_module in vtimer_mask vtm_storm; do
		case " $* " in
		*" $vtm_module "*)
			module_loaded $vtm_module || load_module $vtm_module ||
				fail "$vtm_module does not load"
			;;
		*)
			! module_loaded $vtm_module || unload_module $vtm_module ||
				fail "$vtm_module does not unload"
			;;
		esac
	done
}

# vtm_untie 0|1: shall timers be untied from the hardware interrupt?
vtm_untie()
{
	echo "$1" >/sys/module/vtm_storm/parameters/untie || fail "untie=$1"
}

# vtm_exits KIND: exits that vtm_storm has counted, timer or eoi.
vtm_exits()
{
	awk -v want="$1_exits" '$1 == want { print $2 }' /sys/kernel/debug/vtm_storm/stats
}

# vtm_run NAME ARGUMENTS: as vm_run; sets vtm_timer_exits and vtm_eoi_exits, which the VM
# took meanwhile, and vtm_per_tick, both per tick of its only vCPU in hundredths.
vtm_run()
{
	vtm_timer_exits=$(vtm_exits timer)
	vtm_eoi_exits=$(vtm_exits eoi)
	vm_run "$@"
	vtm_timer_exits=$(($(vtm_exits timer) - vtm_timer_exits))
	vtm_eoi_exits=$(($(vtm_exits eoi) - vtm_eoi_exits))
	# shellcheck disable=SC2034 # for the caller
	vtm_per_tick=$((100 * (vtm_timer_exits + vtm_eoi_exits) / $(vm_result "$1" "done" 0)))
}
