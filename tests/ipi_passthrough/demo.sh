# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Guest half of scripts/demo.sh: soft IPI passthrough as a user would try it.
# Each command is shown before its output. Figures go to /out/demo.txt.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh
. /tests/lib/demo.sh

COUNT=${IPI_COUNT:-2000}
MASK=3

# figure WHEN WHAT P50 HARD CALLS
figure()
{
	echo "when=$1 what=$2 p50_ns=$3 hard=$4 calls=$5" >>/out/demo.txt
	note "  $2: half of them within $3 ns, $4 hardware IPIs for $5"
}

# Figures are taken with the commands shown, the counters are /proc/interrupts.
measure()
{
	for what in single wakeup; do
		note "\$ echo mode=$what sender=0 targets=1 count=$COUNT gap_us=200 timing=1 >$IPI_BENCH/run"
		ipi_count_hard 1 "mode=$what sender=0 targets=1 count=$COUNT gap_us=200 timing=1"
		expect_eq 0 "$(ipi_result timeouts)" "answers later than 1 s"
		figure "$1" $what "$(ipi_result rtt_p50_ns)" "$ipi_hards" "$COUNT"
	done
	note "\$ pipe_pingpong 0 1 $COUNT"
	before=$(ipi_hard 0 1)
	out=$(pipe_pingpong 0 1 "$COUNT") || fail "$out"
	figure "$1" pipe "$(echo "$out" | sed -n 's/^p50_ns=//p')" \
		$(($(ipi_hard 0 1) - before)) $((COUNT * 2))
}

load()
{
	ipi_unload ipi_bench ipi_passthrough
	say "Load the module. It changes nothing by itself."
	show "insmod /lib/cvm/ipi_passthrough.ko"
	show "dmesg | grep ipi_passthrough: | tail -n 1"
	show "cat $IPI_KNOB"
	load_module ipi_bench || fail "ipi_bench does not load"
}

before_mask()
{
	say "Without a mask: CPU 1 halts when idle, every notification is a hardware IPI."
	measure before
}

with_mask()
{
	say "Mark CPUs 0 and 1: their idle loop polls, senders wake it through memory."
	show "echo $MASK >$IPI_KNOB"
	show "cat $IPI_KNOB"
	show "echo 0 >$IPI_STATS"
	measure after
}

statistics()
{
	say "Does it pay? soft: IPIs spared, hard: IPIs still sent, poll_us: what it costs."
	show "cat $IPI_STATS"
	expect_ge "$(ipi_stat soft)" "$COUNT" "soft IPIs"
}

refused()
{
	say "A mask with CPUs that cannot exist is refused and changes nothing."
	note "\$ echo 3ff >$IPI_KNOB"
	if out=$(echo 3ff 2>&1 >$IPI_KNOB); then
		fail "it was taken"
	fi
	note "  ${out#sh: }"
	show "cat $IPI_KNOB"
	expect_eq $MASK "$(ipi_get_mask)" "mask"
}

off()
{
	say "Off again: the kernel's own idle loop and senders are back. Unload."
	show "echo 0 >$IPI_KNOB"
	show "rmmod ipi_passthrough"
}

ipi_stay_on_cpu0
ktap_case "load the module" load
ktap_case "measure before" before_mask
ktap_case "write the mask and measure" with_mask
ktap_case "statistics" statistics
ktap_case "a wrong mask" refused
ktap_case "switch off and unload" off
ktap_done
