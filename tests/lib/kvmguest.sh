# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Running VMs in an arm64-host guest, and reading what they report.
# Needs ktap.sh.

# need_kvm: skip the case where this guest offers no /dev/kvm.
need_kvm()
{
	[ -c /dev/kvm ] || skip "no /dev/kvm"
	command -v kvmguest >/dev/null || skip "no kvmguest"
}

# vm_run NAME ARGUMENTS: run a VM to its end; its report stays readable.
vm_run()
{
	vm_name=$1
	shift
	kvmguest "$@" >"/tmp/vm.$vm_name" 2>&1 && return 0
	while read -r vm_line; do note "$vm_line"; done <"/tmp/vm.$vm_name"
	fail "kvmguest $* failed"
}

# vm_start NAME ARGUMENTS: run it in the background; vm_pid is its process.
vm_start()
{
	vm_name=$1
	shift
	kvmguest "$@" >"/tmp/vm.$vm_name" 2>&1 &
	vm_pid=$!
	defer "kill -9 $vm_pid 2>/dev/null; wait $vm_pid 2>/dev/null"
}

# vm_kill PID: at once, and wait until it is gone.
vm_kill()
{
	kill -9 "$1"
	{ wait "$1"; } 2>/dev/null
}

# vm_wait NAME PID: until a VM that was started has ended well.
vm_wait()
{
	wait "$2" && return 0
	while read -r vm_line; do note "$vm_line"; done <"/tmp/vm.$1"
	fail "the VM $1 failed"
}

# vm_result NAME KEY [VCPU]: a figure of one vCPU (or of the VM, without one).
vm_result()
{
	awk -v key="$2" -v vcpu="${3:-}" '
		{
			delete w
			for (i = 1; i <= NF; i++) {
				p = index($i, "=")
				w[substr($i, 1, p - 1)] = substr($i, p + 1)
			}
		}
		(vcpu == "" && "vm" in w) || (vcpu != "" && w["vcpu"] == vcpu) {
			print w[key]
		}' "/tmp/vm.$1"
}

# kvm_stat PID COUNTER: one of KVM's own counters of a VM that runs, of all its vCPUs.
kvm_stat()
{
	cat /sys/kernel/debug/kvm/"$1"-*/"$2"
}

# vm_burn CPU: something else to run there; burn_pid is its process.
vm_burn()
{
	taskset $((1 << $1)) sh -c 'while :; do :; done' &
	burn_pid=$!
	defer "kill -9 $burn_pid 2>/dev/null; wait $burn_pid 2>/dev/null"
}

# vm_words NAME VCPU: all that a VM reported of one vCPU, without its number.
vm_words()
{
	sed -n "s/^vcpu=$2 //p" "/tmp/vm.$1"
}

# cpu_may_go CPU: before it is taken offline. Linux 6.12 counts the scheduler's fair server
# among the tasks of a dying CPU, and warns of a task that is none.
cpu_may_go()
{
	fair_server=/sys/kernel/debug/sched/fair_server/cpu$1/runtime
	[ ! -e "$fair_server" ] || echo 0 >"$fair_server" || fail "the fair server of CPU $1 stays"
}
