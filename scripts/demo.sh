#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Shows what the modules do, step by step, in guests of both architectures:
# demo.sh [PART...]. Prepares everything that it needs. Parts: ipi_passthrough
# virtio_net_cvm ib_core_cq_poll kvm_host; all of them when none is named.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$CVM_TOP/scripts/lib/bench.sh"

# One line per part: name, kernels it needs. The function part_NAME shows it.
parts()
{
	cat <<-'EOF'
	ipi_passthrough|6.12-amd64 6.12-arm64
	virtio_net_cvm|6.12-amd64
	ib_core_cq_poll|6.12-amd64
	kvm_host|6.12-arm64
	EOF
}

prepare()
{
	local id

	say "tools"
	"$CVM_TOP/scripts/deps.sh"
	for id in "$@"; do
		say "kernel $id"
		"$CVM_TOP/scripts/kernels.sh" fetch "$id"
		"$CVM_TOP/scripts/build-modules.sh" "$id"
	done
}

banner()
{
	printf '\n######## %s\n\n' "$*"
}

# The guest prints KTAP; people want the commands and what they said.
readable()
{
	sed -u -n -e 's/^ *# FAIL/FAILED/p' -e 's/^ *# problem/problem/p' -e 's/^    # Subtest.*//' \
		-e 's/^    # \{0,1\}//p' -e '/^ *not ok [0-9]* /p' -e '/^# problem/p' -e '/^vm-run:/p'
}

# guest_demo GUEST RESULT TEST
guest_demo()
{
	"$CVM_TOP/scripts/vm-run.sh" --guest "$1" --kernel 6.12 --smp 2 --timeout 600 \
		--name "$2" --get demo.txt "$3" | readable
}

# A polling vCPU that does not get its host core is slower than one that halts.
warn_if_busy()
{
	local load

	read -r load _ </proc/loadavg
	awk -v load="$load" -v cores="$(nproc)" 'BEGIN { exit !(load > cores / 2) }' || return 0
	printf 'note: other things run on this host (load %s); latencies will be off\n' "$load"
}

part_ipi_passthrough()
{
	local guest failed=0

	warn_if_busy
	for guest in x86-cvm arm64-cvm; do
		banner "Soft IPI passthrough in a guest with 2 CPUs: $guest"
		guest_demo "$guest" "demo/ipi-$guest" ipi_passthrough/demo.sh || failed=1
	done
	banner "Before and after (round trips, emulated CPUs: only the ratio means something)"
	ipi_table x86-cvm arm64-cvm || failed=1
	return $failed
}

# ipi_table GUEST...: one line per guest and figure.
ipi_table()
{
	local guest

	printf '%-10s %-28s %12s %12s %8s %22s\n' guest what 'before (us)' 'after (us)' \
		ratio 'hardware IPIs/call'
	for guest; do
		awk -v guest="$guest" '
			function field(key,  i) {
				for (i = 1; i <= NF; i++)
					if (index($i, key "=") == 1)
						return substr($i, length(key) + 2)
			}
			BEGIN {
				label["single"] = "function call, half within"
				label["wakeup"] = "wake-up, half within"
				label["pipe"] = "pipe ping-pong, half within"
			}
			{
				k = field("when") " " field("what")
				p50[k] = field("p50_ns") / 1000
				hard[k] = field("hard") / field("calls")
				n++
			}
			END {
				if (n != 6)
					exit 1
				for (i = 1; i <= split("single wakeup pipe", w, " "); i++) {
					b = "before " w[i]
					a = "after " w[i]
					printf "%-10s %-28s %12.1f %12.1f %7.1fx %9.3f -> %9.3f\n",
						guest, label[w[i]], p50[b], p50[a], p50[b] / p50[a],
						hard[b], hard[a]
				}
			}' "$CVM_BUILD/results/demo/ipi-$guest/demo.txt"
	done
}

# net_guest RESULT OPTION...
net_guest()
{
	local name=$1

	shift
	"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel 6.12 --net tap --timeout 600 \
		--serve "$CVM_TOP/scripts/net_peer.py" --put "$CVM_TOP/scripts/cvmnet-bind.sh" \
		--mod pktgen --mod dummy --name "$name" "$@"
}

part_virtio_net_cvm()
{
	local failed=0

	banner "Another driver for a running network interface: x86-cvm"
	net_guest demo/net --smp 2 virtio_net_cvm/demo.sh | readable || failed=1
	banner "Before and after (instructions of the guest, counted by the emulator)"
	net_guest demo/net-cost --icount --allow-stall --quiet --get cost.txt \
		--param COST_ROUNDS=1 --param COST_PACKETS=4000 --param COST_KIB=4096 \
		virtio_net_cvm/cost.sh >&2 && net_table || failed=1
	return $failed
}

net_table()
{
	printf '%-32s %12s %12s %8s\n' what virtio_net virtio_net_cvm ratio
	awk '
		function field(key,  i) {
			for (i = 1; i <= NF; i++)
				if (index($i, key "=") == 1)
					return substr($i, length(key) + 2)
		}
		{
			k = field("arm") " " field("case")
			units[k] = field("units")
			busy[k] = field("busy")
			all[k] = field("all")
		}
		function cost(arm, what,  k, idle) {
			k = arm " " what
			idle = "virtio_net_cvm idle"
			return (busy[k] - all[k] * busy[idle] / all[idle]) / units[k]
		}
		BEGIN {
			label["tx60"] = "a packet of 60 bytes sent"
			label["rx60"] = "a packet of 60 bytes received"
			label["tx1514"] = "a packet of 1514 bytes sent"
			label["rx1514"] = "a packet of 1514 bytes received"
			label["tcp_tx"] = "a KiB sent over TCP"
			label["tcp_rx"] = "a KiB received over TCP"
			label["rr"] = "a request and its answer, UDP"
		}
		END {
			n = split("tx60 rx60 tx1514 rx1514 tcp_tx tcp_rx rr", w, " ")
			for (i = 1; i <= n; i++) {
				before = cost("virtio_net", w[i])
				after = cost("virtio_net_cvm", w[i])
				printf "%-32s %12.0f %12.0f %7.2fx\n", label[w[i]], before,
					after, before ? after / before : 0
			}
		}' "$CVM_BUILD/results/demo/net-cost/cost.txt"
}

part_ib_core_cq_poll()
{
	banner "NFS over RDMA without waiting for interrupts: x86-cvm, whose time counts instructions"
	# shellcheck disable=SC2046 # options are words
	"$CVM_TOP/scripts/vm-run.sh" --guest x86-cvm --kernel 6.12 --smp 2 --timeout 900 \
		--icount --allow-stall $(rdma_options) --name demo/cq --get demo.txt ib_core_cq_poll/demo.sh |
		readable || return
	banner "Before and after (microseconds; one instruction is a nanosecond)"
	cq_table
}

cq_table()
{
	printf '%-32s %12s %12s %8s\n' what before after ratio
	awk '
		function field(key,  i) {
			for (i = 1; i <= NF; i++)
				if (index($i, key "=") == 1)
					return substr($i, length(key) + 2)
		}
		{
			k = field("when")
			value[k, 1] = field("mean")
			value[k, 2] = field("p99")
			value[k, 3] = field("events") / field("ops")
			n++
		}
		END {
			if (n != 2)
				exit 1
			split("a write, mean|a write, 99 of 100 within|events per write", label, "|")
			for (i = 1; i <= 3; i++)
				printf "%-32s %12.2f %12.2f %7.2fx\n", label[i], value["before", i],
					value["after", i], value["after", i] / value["before", i]
		}' "$CVM_BUILD/results/demo/cq/demo.txt"
}

part_kvm_host()
{
	local failed=0

	banner "Modules for KVM hosts: arm64-host, which runs a VM itself"
	guest_demo arm64-host demo/kvm-host host_modules/demo.sh || failed=1
	banner "Before and after (emulated CPUs: only ratios mean something)"
	host_table || failed=1
	return $failed
}

host_table()
{
	printf '%-48s %12s %12s\n' 'a VM' before after
	awk '
		function field(key,  i) {
			for (i = 1; i <= NF; i++)
				if (index($i, key "=") == 1)
					return substr($i, length(key) + 2)
		}
		{
			v[field("when") " " field("what")] = field("value")
			n++
		}
		function row(label, what, unit) {
			printf "%-48s %12.2f %12.2f\n", label, v["before " what] / unit,
				v["after " what] / unit
		}
		END {
			if (n != 6)
				exit 1
			row("exits for WFI per tick", "wfi", 100)
			row("from tick to handler, half within (us)", "wake", 1000)
			row("hardware timer interrupts per tick", "irqs", 100)
		}' "$CVM_BUILD/results/demo/kvm-host/demo.txt"
}

# Without names: all parts.
chosen_parts()
{
	local name

	if [ $# -eq 0 ]; then
		parts | cut -d'|' -f1
		return
	fi
	for name; do
		parts | grep -q "^$name|" ||
			usage_die "unknown part '$name'; known: $(parts | cut -d'|' -f1 | tr '\n' ' ')"
		echo "$name"
	done
}

main()
{
	local chosen kernels name failed=''

	chosen=$(chosen_parts "$@")
	kernels=$(for name in $chosen; do
		parts | sed -n "s/^$name|//p"
	done | tr ' ' '\n' | sort -u)
	# shellcheck disable=SC2086 # one argument per kernel
	prepare $kernels
	for name in $chosen; do
		"part_$name" || failed="$failed $name"
	done
	banner "$SECONDS s in all"
	[ -z "$failed" ] || die "this part of the demo failed:$failed"
	echo "demo: everything shown above worked"
}

names_only "$@"
main "$@"
