# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The knob as its ABI entry describes it: what it takes, what it refuses, and
# that it does what it says. Wants at least two CPUs.
. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh

idle_driver()
{
	cat /sys/devices/system/cpu/cpuidle/current_driver 2>/dev/null || echo none
}

polling()
{
	[ "$(ipi_stat polls "$1")" -gt 0 ]
}

# A mask with the first bit set that no CPU can have.
possible_cpus_plus_one()
{
	last=$(sed 's/.*[-,]//' /sys/devices/system/cpu/possible)
	printf '%x' $((1 << (last + 1)))
}

loads_switched_off()
{
	before=$(idle_driver)
	load_module ipi_passthrough
	expect_eq 0 "$(ipi_get_mask)" "mask after insmod"
	expect_eq "$before" "$(idle_driver)" "idle driver after insmod"
	expect_eq 644 "$(stat -c %a $IPI_KNOB)" "mode of the knob"
}

takes_masks()
{
	for mask in 1 0x1 0X1 3 0x3 00000002 2; do
		echo "$mask" >$IPI_KNOB || fail "'$mask' was refused"
		expect_eq "$((0x${mask#0[xX]}))" "$((0x$(ipi_get_mask)))" "mask after writing '$mask'"
	done
	printf 3 >$IPI_KNOB || fail "a mask without a new line was refused"
	expect_eq 3 "$(ipi_get_mask)"
	echo 0 >$IPI_KNOB
	expect_eq 0 "$(ipi_get_mask)" "mask after writing 0"
}

refuses()
{
	echo 1 >$IPI_KNOB
	expect_errno "echo '$2' >$IPI_KNOB" "$1"
	expect_eq 1 "$(ipi_get_mask)" "mask after writing '$2'"
	# A lock that the refusal kept would stop this writer for ever.
	timeout 10 sh -c "echo 2 >$IPI_KNOB" || fail "the next writer hangs"
	expect_eq 2 "$(ipi_get_mask)"
}

refuses_bad_masks()
{
	defer "echo 0 >$IPI_KNOB"
	for text in "" " " 0x "0x 1" g 1g -1 1.5 0x0x1 , 0x, "0 1" 1, 1,,2; do
		refuses EINVAL "$text"
	done
	# More bits than this machine can have CPUs: the kernel's parser says so.
	for text in "$(possible_cpus_plus_one)" 100000000 1,00000000 \
		"$(awk 'BEGIN { for (i = 0; i < 400; i++) printf "ffffffff,"; print "ffffffff" }')"; do
		refuses EOVERFLOW "$text"
	done
}

write_nothing()
{
	echo 1 >$IPI_KNOB
	: >$IPI_KNOB
	expect_eq 1 "$(ipi_get_mask)" "mask after writing nothing at all"
	echo 0 >$IPI_KNOB
}

polls_and_stops()
{
	defer "echo 0 >$IPI_KNOB"
	echo >$IPI_STATS
	echo 2 >$IPI_KNOB
	wait_for 10 "polling 1" || fail "CPU 1 does not poll"
	expect_eq 0 "$(ipi_stat polls 0)" "polls of CPU 0, which is not in the mask"
	echo 0 >$IPI_KNOB
	before=$(ipi_stat polls 1)
	sleep 1
	expect_eq "$before" "$(ipi_stat polls 1)" "polls after the mask was cleared"
}

kicks_are_counted()
{
	defer "echo 0 >$IPI_KNOB"
	echo 2 >$IPI_KNOB
	wait_for 10 "polling 1" || fail "CPU 1 does not poll"
	echo >$IPI_STATS
	# One that was on its way when the statistics were cleared may count on one side only.
	wait_for 20 'taskset 2 true; [ "$(ipi_stat kicked 1)" -ge 20 ] && [ "$(ipi_stat soft)" -ge 20 ]' ||
		fail "$(ipi_stat soft) soft kicks sent, $(ipi_stat kicked 1) polls of CPU 1 ended by one"
}

poll_limit()
{
	param=/sys/module/ipi_passthrough/parameters/poll_limit_us
	defer "echo 0 >$param; echo 0 >$IPI_KNOB"
	expect_eq 0 "$(cat $param)" "default of poll_limit_us"
	! echo -1 >$param || fail "-1 was accepted"
	! echo x >$param || fail "x was accepted"
	echo 200 >$param
	echo 2 >$IPI_KNOB
	echo >$IPI_STATS
	sleep 2
	expect_ge "$(ipi_stat expired 1)" 1 "polls that ended by the limit"
	# Idle all the time, so nearly all of it was native idle.
	expect_le "$(ipi_stat poll_us 1)" 1000000 "us polled in 2 s with a limit of 200 us per idle period"
}

# A CPU that went on to native idle is woken by hardware, at once: not by the rescue
# timer, which is set so high that it would be seen.
reached_when_halted()
{
	folder=/sys/module/ipi_passthrough/parameters
	defer "echo 0 >$folder/poll_limit_us; echo 10000 >$folder/rescue_us; echo 0 >$IPI_KNOB"
	echo 100 >$folder/poll_limit_us
	echo 3000000 >$folder/rescue_us
	echo 2 >$IPI_KNOB
	echo >$IPI_STATS
	began=$(cut -d. -f1 /proc/uptime)
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		usleep 20000
		taskset 2 true
	done
	expect_le $(($(cut -d. -f1 /proc/uptime) - began)) 15 "seconds for ten wake-ups"
	expect_eq 0 "$(ipi_stat rescued 1)" "rescued wake-ups"
}

# ticks CPU: timer interrupts that it takes in two seconds.
ticks()
{
	timer_lines='/Local timer interrupts|arch_timer/'
	before=$(awk -v col=$(($1 + 2)) "$timer_lines"' { n += $col } END { print n + 0 }' /proc/interrupts)
	sleep 2
	after=$(awk -v col=$(($1 + 2)) "$timer_lines"' { n += $col } END { print n + 0 }' /proc/interrupts)
	echo $((after - before))
}

# A CPU that polls without limit keeps its tick on x86, one that halts in the end does not.
tick_while_polling()
{
	param=/sys/module/ipi_passthrough/parameters/poll_limit_us
	defer "echo 0 >$param; echo 0 >$IPI_KNOB"
	[ "$(idle_driver)" = none ] || skip "the guest has an idle driver"
	echo 2 >$IPI_KNOB
	# CONFIG_HZ is 250 at least here. A host without a core for it loses some of them.
	for _ in 1 2 3 4 5; do
		echo 0 >$param
		polling_ticks=$(ticks 1)
		echo 100 >$param
		halting_ticks=$(ticks 1)
		note "timer interrupts in 2 s: polling $polling_ticks, halting $halting_ticks"
		[ "$halting_ticks" -le 150 ] || continue
		case $(uname -m) in
		x86_64) [ "$polling_ticks" -lt 300 ] || return 0 ;;
		*) [ "$polling_ticks" -gt 150 ] || return 0 ;;
		esac
	done
	fail "wanted at least 300 (arm64: at most 150) while polling, and at most 150 while halting"
}

native_again()
{
	before=$(idle_driver)
	echo 3 >$IPI_KNOB || fail "mask 3 was refused"
	wait_for 10 "polling 1" || fail "CPU 1 does not poll"
	# A driver that was there stays, with its states wrapped.
	[ "$before" = none ] || expect_eq "$before" "$(idle_driver)" "idle driver in use"
	dmesg | grep -q "idle driver: $before" || fail "the log does not name the driver ($before)"
	echo 0 >$IPI_KNOB
	expect_eq "$before" "$(idle_driver)" "idle driver after use"
}

unloads()
{
	unload_module ipi_passthrough || fail "rmmod"
	[ ! -e $IPI_KNOB ] || fail "the knob is still there"
	[ ! -e ${IPI_STATS%/*} ] || fail "the debugfs folder is still there"
}

unloads_while_polling()
{
	for _ in 1 2 3 4 5; do
		load_module ipi_passthrough
		echo 3 >$IPI_KNOB
		wait_for 10 "polling 1" || fail "CPU 1 does not poll"
		unload_module ipi_passthrough || fail "rmmod with a mask in force"
		taskset 2 true
	done
}

ktap_plan 12
ktap_case "loads switched off" loads_switched_off
ktap_case "takes masks in the kernel's format" takes_masks
ktap_case "refuses everything else and keeps the old mask" refuses_bad_masks
ktap_case "an empty write changes nothing" write_nothing
ktap_case "CPUs of the mask poll, until it is cleared" polls_and_stops
ktap_case "kicks are counted" kicks_are_counted
ktap_case "poll_limit_us ends a poll" poll_limit
ktap_case "a CPU past its limit is reached" reached_when_halted
ktap_case "the tick goes on while polling only" tick_while_polling
ktap_case "native idle is restored" native_again
ktap_case "unloads" unloads
ktap_case "unloads while CPUs poll" unloads_while_polling
ktap_done
