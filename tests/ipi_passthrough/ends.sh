# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Ends the guest while CPUs poll, by a panic, a reboot, or another kernel (IPI_END:
# panic, reboot, kexec). All stop the other CPUs by an IPI. What comes of it is for
# scripts/guest-ends.sh to judge, outside.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh

die_polling()
{
	ipi_load ipi_passthrough
	ipi_set_mask f
	wait_for 10 '[ "$(ipi_stat polls 1)" -gt 0 ] && [ "$(ipi_stat polls 3)" -gt 0 ]' ||
		fail "the CPUs do not poll"
	case $IPI_END in
	panic) echo c >/proc/sysrq-trigger ;;
	reboot) reboot -f ;;
	# Without a file system it ends by itself, after its CPUs have come up.
	kexec) kexec_file /put/vmlinuz* "console=ttyS0 nokaslr panic=-1" ;;
	*) fail "IPI_END must be panic, reboot or kexec" ;;
	esac
	sleep 30
	fail "the guest is still there"
}

ipi_stay_on_cpu0
ktap_plan 1
ktap_case "ends while CPUs poll" die_polling
ktap_done
