# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the IPI tests share: the knob, the counters, and the ipi_bench module.
# Needs ktap.sh and module.sh.

IPI_KNOB=/sys/kernel/soft_ipi_passthrough
IPI_STATS=/sys/kernel/debug/ipi_passthrough/stats
IPI_BENCH=/sys/kernel/debug/ipi_bench

# This shell and what it starts stay on the sender's CPU: a command that runs on
# a target would keep it from being idle.
ipi_stay_on_cpu0()
{
	taskset -p 1 $$ >/dev/null
}

# ipi_load NAME [parameters]: freshly, whatever an earlier test left behind.
ipi_load()
{
	! module_loaded "$1" || unload_module "$1" || fail "$1 does not unload"
	load_module "$@" || fail "$1 does not load"
}

ipi_unload()
{
	for ipi_module; do
		! module_loaded "$ipi_module" || unload_module "$ipi_module" ||
			fail "$ipi_module does not unload"
	done
}

# need_cpus N: skip the case on a smaller guest. (nproc would count the CPUs
# that this shell may use.)
need_cpus()
{
	[ "$(grep -c '^processor' /proc/cpuinfo)" -ge "$1" ] || skip "needs $1 CPUs"
}

# ipi_set_mask HEX: write the knob and read it back.
ipi_set_mask()
{
	echo "$1" >$IPI_KNOB || fail "the knob refused mask $1"
	expect_eq "$1" "$(ipi_get_mask)" "mask read back"
}

# The mask without leading zeros and commas.
ipi_get_mask()
{
	tr -d ',' <$IPI_KNOB | sed 's/^0*\([0-9a-f]\)/\1/'
}

# ipi_hard CPU...: hardware IPIs (reschedule and call function) that these CPUs
# have taken since boot, from the kernel's own counters.
ipi_hard()
{
	awk -v cpus=" $* " '
		NR == 1 {
			for (i = 1; i <= NF; i++)
				if (index(cpus, " " substr($i, 4) " "))
					col[i + 1] = 1
			next
		}
		/Rescheduling interrupts|Function call interrupts/ {
			for (c in col)
				n += $c
		}
		END { print n + 0 }' /proc/interrupts
}

# ipi_stat COLUMN [CPU]: a column of the module's statistics, summed over all CPUs
# or of one.
ipi_stat()
{
	stat_sum $IPI_STATS "$@"
}

ipi_reset_stats()
{
	echo 0 >$IPI_STATS
}

# ipi_run WORDS: one measurement of ipi_bench; the result stays readable.
ipi_run()
{
	echo "$*" >$IPI_BENCH/run || fail "ipi_bench could not do '$*'"
}

# ipi_prime WORDS: have ipi_bench ready for runs with or without timing=1. Its
# change from one to the other sends IPIs that must not be counted.
ipi_prime()
{
	case " $* " in
	*" timing=1 "*) ipi_run "mode=none sender=0 count=1 gap_us=1 timing=1" ;;
	*) ipi_run "mode=none sender=0 count=1 gap_us=1" ;;
	esac
}

# ipi_result KEY
ipi_result()
{
	sed -n "s/^$1=//p" $IPI_BENCH/result
}

# ipi_per_call N CALLS: N/CALLS with four digits.
ipi_per_call()
{
	awk -v n="$1" -v calls="$2" 'BEGIN { printf "%.4f", calls ? n / calls : 0 }'
}

# ipi_le A B: numbers with a fraction.
ipi_le()
{
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'
}

# ipi_cpus LIST: 1-3 becomes 1 2 3.
ipi_cpus()
{
	echo "$1" | tr ',' '\n' | awk -F- '{ for (i = $1; i <= (NF > 1 ? $2 : $1); i++) print i }' |
		tr '\n' ' '
}

# ipi_count_hard LIST WORDS: like ipi_run; sets ipi_hards (taken by those CPUs
# meanwhile) and ipi_hard_per_call.
ipi_count_hard()
{
	ipi_targets=$(ipi_cpus "$1")
	shift
	ipi_prime "$@"
	# shellcheck disable=SC2086 # one argument per CPU
	ipi_before=$(ipi_hard $ipi_targets)
	ipi_run "$@"
	# shellcheck disable=SC2086
	ipi_hards=$(($(ipi_hard $ipi_targets) - ipi_before))
	# shellcheck disable=SC2034 # for the caller
	ipi_hard_per_call=$(ipi_per_call "$ipi_hards" "$(ipi_result "done")")
}

# ipi_idle_polls CPU: how often the kernel's own idle poll (state 0) was entered
# on that CPU while it was woken up 100 times; tells whether idle=poll or nohlt work.
# Needs trace.sh.
ipi_idle_polls()
{
	trace_start power/cpu_idle
	ipi_run "mode=wakeup sender=0 targets=$1 count=100 gap_us=500"
	trace_stop
	trace_count "cpu_idle: state=0 cpu_id=$1\$"
}
