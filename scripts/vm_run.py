#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run tests in a guest and judge what happened (called by vm-run.sh)."""

import argparse
import contextlib
import fcntl
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from vm import guests, initramfs, judge, supervise, symbols  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
KERNEL_VARS = ("K_ID", "K_SERIES", "K_DEBARCH", "K_ARCH", "K_CROSS", "K_RELEASE",
               "K_KDIR", "K_IMAGE", "K_MODDIR")


class RunError(Exception):
    """The run cannot be made; the text is for the user."""


class UsageError(Exception):
    """The command line makes no sense."""


class Parser(argparse.ArgumentParser):
    """One sentence instead of a usage text, and no abbreviated options."""

    def error(self, message):
        raise UsageError(message)


def parse_args(argv):
    p = Parser(prog="vm-run.sh", allow_abbrev=False,
               description="Run tests in a guest; exit status 0 only if every case passed.")
    p.add_argument("--guest", default="", help=" ".join(guests.GUESTS))
    p.add_argument("--kernel", default="6.12", help="6.12 (default), 6.1, kunit")
    p.add_argument("--net", choices=("none", "tap"), default="none")
    p.add_argument("--nic", default="", metavar="PROPS",
                   help="more properties of the network card: packed=on,host_mtu=9000 ...")
    p.add_argument("--queues", type=int, default=1, metavar="N",
                   help="queue pairs of the network card (1)")
    p.add_argument("--nic-bus", choices=guests.NIC_BUSES, default="pci",
                   help="where the network card is; port: can be unplugged; mmio: arm64 only")
    p.add_argument("--tap-mtu", type=int, default=1500, metavar="BYTES",
                   help="MTU of the TAP device (1500)")
    p.add_argument("--smp", type=int, default=None,
                   help="virtual CPUs (2, with --icount 1)")
    p.add_argument("--mem", type=int, default=0, help="memory in MiB (1024, kunit kernel 2048)")
    p.add_argument("--timeout", type=float, default=None,
                   help="seconds for the whole run (120, kunit kernel 600)")
    p.add_argument("--accel", choices=("tcg", "kvm"), default="tcg",
                   help="kvm is tried first and used only if the guest really boots")
    p.add_argument("--append", default="", help="more words for the kernel command line")
    p.add_argument("--icount", action="store_true",
                   help="guest time counts instructions (repeatable)")
    p.add_argument("--trace", action="store_true",
                   help="log every instruction for a while after the line 'cvm: profile'")
    p.add_argument("--name", default="", help="folder under build/results")
    p.add_argument("--put", action="append", default=[], metavar="FILE",
                   help="copy to /put/ in the guest")
    p.add_argument("--fio", action="store_true", help="have fio in the guest")
    p.add_argument("--mod", action="append", default=[], metavar="NAME",
                   help="kernel module to have in the guest, with what it needs")
    p.add_argument("--param", action="append", default=[], metavar="K=V",
                   help="environment variable for the tests")
    p.add_argument("--get", action="append", default=[], metavar="FILE",
                   help="file of the guest's /out to keep")
    p.add_argument("--serve", action="append", default=[], metavar="CMD",
                   help="run CMD in the network namespace during the run (--net tap)")
    p.add_argument("--shell", action="store_true", help="interactive guest instead of tests")
    p.add_argument("--allow-stall", action="store_true", help="report stalls, do not fail")
    p.add_argument("--no-build", action="store_true", help="use the modules as they are")
    p.add_argument("--quiet", action="store_true", help="print the last line only")
    p.add_argument("--print-argv", action="store_true",
                   help="print QEMU's command line and end")
    p.add_argument("--initramfs-only", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("tests", nargs="*", metavar="TEST", help="file under tests/")
    return p.parse_args(argv)


def check_args(opt):
    """Reject what cannot be meant; returns the guest."""
    if not opt.guest:
        raise UsageError("no --guest given; known: " + " ".join(guests.GUESTS))
    if opt.guest not in guests.GUESTS:
        raise UsageError(f"unknown guest '{opt.guest}'; known: {' '.join(guests.GUESTS)}")
    if not opt.tests and not opt.shell and not opt.print_argv:
        raise UsageError("no test given (a path under tests/, or --shell)")
    if opt.tests and opt.shell:
        raise UsageError("--shell runs no tests")
    if opt.smp is None:
        opt.smp = 1 if opt.icount else 2
    if not 1 <= opt.smp <= 255:
        raise UsageError("--smp must be between 1 and 255")
    if opt.icount and opt.accel == "kvm":
        raise UsageError("--icount counts emulated instructions: not with --accel kvm")
    if opt.serve and opt.net != "tap":
        raise UsageError("--serve needs --net tap")
    check_nic(opt, guests.GUESTS[opt.guest])
    if opt.timeout is None:
        opt.timeout = 600 if opt.kernel == "kunit" else 120
    if opt.timeout <= 0 or opt.mem < 0:
        raise UsageError("--timeout and --mem must be positive")
    opt.tests = [check_test(t) for t in opt.tests]
    opt.params = {}
    for param in opt.param:
        key, sep, value = param.partition("=")
        if not sep or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            raise UsageError(f"--param {param}: must be NAME=VALUE")
        opt.params[key] = value
    for name in opt.get:
        if os.path.isabs(name) or ".." in name.split("/"):
            raise UsageError(f"--get {name}: must be a path below /out")
    return guests.GUESTS[opt.guest]


def check_nic(opt, guest):
    """Options of the network card; leaves the properties in opt.nic_props."""
    if opt.net != "tap":
        for name, default in (("nic", ""), ("queues", 1), ("nic_bus", "pci"), ("tap_mtu", 1500)):
            if getattr(opt, name) != default:
                raise UsageError(f"--{name.replace('_', '-')} needs --net tap")
    if not 1 <= opt.queues <= 16:
        raise UsageError("--queues must be between 1 and 16")
    # 65521 is the most that a TAP device takes.
    if not 68 <= opt.tap_mtu <= 65521:
        raise UsageError("--tap-mtu must be between 68 and 65521")
    if opt.nic_bus == "mmio" and guest.debarch != "arm64":
        raise UsageError("--nic-bus mmio: only arm64 guests have virtio-mmio")
    opt.nic_props = {}
    for prop in filter(None, opt.nic.split(",")):
        key, sep, value = prop.partition("=")
        if not sep or not re.fullmatch(r"[a-z0-9_.-]+", key) or not value:
            raise UsageError(f"--nic {prop}: must be PROPERTY=VALUE")
        if key in guests.NIC_OWN:
            raise UsageError(f"--nic {prop}: the harness sets {key} itself")
        opt.nic_props[key] = value


def check_nic_props(guest, setup):
    """Ask QEMU, which would otherwise die of a property that it does not know."""
    if not setup.nic:
        return
    kind = guests.nic_device(setup)["driver"]
    res = subprocess.run([guest.qemu, "-machine", "none", "-device", f"{kind},help"],
                         capture_output=True, text=True, check=False)
    known = set(re.findall(r"^  ([^=\s]+)=<", res.stdout, re.M))
    for key in setup.nic:
        if known and key not in known:
            raise UsageError(f"--nic {key}=...: {kind} has no such property")


def check_test(test):
    rel = test[len("tests/"):] if test.startswith("tests/") else test
    if not re.fullmatch(r"[A-Za-z0-9_.+/-]+", rel) or ".." in rel.split("/"):
        raise UsageError(f"'{test}' is not a path under tests/")
    if not os.path.isfile(os.path.join(TOP, "tests", rel)):
        raise UsageError(f"no test tests/{rel}")
    return rel


def kernel_load(ident):
    """What common.sh knows of a kernel, as a dictionary."""
    script = '. "$1/scripts/lib/common.sh"; kernel_load "$2"; shift 2; ' \
             'for v; do printf "%s=%s\\n" "$v" "${!v}"; done; ' \
             'printf "CVM_CACHE=%s\\n" "$CVM_CACHE"'
    res = subprocess.run(["bash", "-euc", script, os.path.join(TOP, "scripts", "x"), TOP,
                          ident, *KERNEL_VARS],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if res.returncode:
        raise RunError(res.stderr.strip().removeprefix("error: ") or f"no kernel {ident}")
    return dict(line.split("=", 1) for line in res.stdout.splitlines())


def run_tool(*argv):
    if subprocess.run(argv, stdout=sys.stderr, check=False).returncode:
        raise RunError(f"{os.path.basename(argv[0])} {' '.join(argv[1:])} failed")


def our_modules(ident, build):
    """Build our modules for that kernel if needed and list them."""
    script = os.path.join(TOP, "scripts", "build-modules.sh")
    if build and os.path.exists(script):
        run_tool(script, ident)
    folder = os.path.join(BUILD, "modules", ident)
    if not os.path.isdir(folder):
        return []
    return sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".ko"))


def fetch_programs(kernel):
    """Programs of Debian that every guest has, unpacked in the cache."""
    for folder, packages in (("busybox", ("busybox-static",)),
                             ("tools", initramfs.TOOL_PACKAGES)):
        for package in packages:
            fetch_deb(kernel, package, kernel["K_DEBARCH"],
                      f"{folder}-{kernel['K_DEBARCH']}")


def fetch_deb(kernel, package, arch, folder):
    """Unpack a package in the cache unless it is there; returns the folder."""
    target = os.path.join(kernel["CVM_CACHE"], folder)
    if not os.path.exists(os.path.join(target, f".fetched-{package}-{arch}")):
        run_tool(os.path.join(TOP, "scripts", "fetch-deb.sh"), arch, package, target)
    return target


# QEMU before 8.1 translates guest code without locking its page, so that a CPU may
# go on with a breakpoint that another CPU has patched away ("Oops: int3" whenever
# jump labels change). Debian 12's own package serves for what it depends on.
QEMU_PACKAGES = ("qemu-system-data", "seabios", "qemu-system-common", "qemu-system-arm",
                 "qemu-system-x86")


def use_cached_qemu(kernel):
    """Find QEMU in the cache first; it looks for its files beside itself."""
    for package in QEMU_PACKAGES:
        target = fetch_deb(kernel, package, "amd64", "qemu")
    os.environ["PATH"] = os.path.join(target, "usr", "bin") + os.pathsep + os.environ["PATH"]


def fio(kernel):
    """Where fio for that kernel's architecture is, built if need be."""
    res = subprocess.run([os.path.join(TOP, "scripts", "fio.sh"), kernel["K_DEBARCH"]],
                         stdout=subprocess.PIPE, text=True, check=False)
    if res.returncode:
        raise RunError("there is no fio")
    return res.stdout.strip()


def make_initramfs(kernel, opt, target):
    fetch_programs(kernel)
    boot = ["virtio_mmio"] if opt.nic_bus == "mmio" else []
    put = [*opt.put, fio(kernel)] if opt.fio else opt.put
    run = {"tests": opt.tests, "params": opt.params, "put": put, "boot": boot}
    try:
        initramfs.build(kernel, TOP, kernel["CVM_CACHE"],
                        our_modules(kernel["K_ID"], not opt.no_build), opt.mod, run, target)
    except initramfs.InitramfsError as err:
        raise RunError(str(err)) from err


def kernel_hz(kernel):
    with contextlib.suppress(OSError):
        path = os.path.join(kernel["K_KDIR"], "include", "config", "auto.conf")
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.startswith("CONFIG_HZ="):
                    return int(line.split("=")[1])
    return None


def result_dir(opt):
    """Make the empty results folder; two runs never share one."""
    name = opt.name
    if not name:
        tests = "-".join(os.path.splitext(t)[0].replace("/", "_") for t in opt.tests)
        name = f"{opt.guest}-{opt.kernel}-{tests or 'shell'}"[:150]
    if not re.fullmatch(r"[A-Za-z0-9_.+/-]+", name) or ".." in name.split("/"):
        raise UsageError(f"--name {name}: not a folder name")
    path = os.path.join(BUILD, "results", name)
    os.makedirs(path, exist_ok=True)
    lock = open(os.path.join(path, ".lock"), "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        raise RunError(f"another run is writing to build/results/{name}; "
                       "give this one a --name") from err
    for old in ("ktap.txt", "dmesg.txt", "run.json", "qemu.log", "initrd.cpio", *opt.get):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(path, old))
    return name, path, lock


class Net:
    """Network namespace of the run and the servers in it."""

    def __init__(self, opt, folder, cache):
        self.name, self._procs = "", []
        self._script = os.path.join(TOP, "scripts", "netns.sh")
        if opt.net != "tap":
            return
        res = subprocess.run([self._script, "create", str(os.getpid()), str(opt.queues),
                              str(opt.tap_mtu)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if res.returncode:
            raise RunError("no TAP network: " + res.stderr.strip().removeprefix("error: "))
        self.name = res.stdout.strip()
        programs = os.path.join(folder, "bin")
        if opt.serve:
            initramfs.host_programs(TOP, cache, programs)
        env = {**os.environ, "PATH": programs + os.pathsep + os.environ["PATH"] + ":/usr/sbin"}
        for i, cmd in enumerate(opt.serve):
            with open(os.path.join(folder, f"serve{i}.log"), "wb") as log:
                self._procs.append((cmd, subprocess.Popen(
                    shlex.split(cmd), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=folder, env=env,
                    preexec_fn=supervise.die_with_parent(self.name))))
        if self._procs:
            time.sleep(0.3)
            for cmd, proc in self._procs:
                if proc.poll():
                    self.close()
                    raise RunError(f"'{cmd}' ended at once with status {proc.returncode}")

    def close(self):
        for _, proc in self._procs:
            proc.kill()
            proc.wait()
        self._procs = []
        if self.name:
            subprocess.run([self._script, "delete", self.name], check=False)
            self.name = ""


def save_out(data, wanted, folder):
    """Keep the files asked for; returns what is not there."""
    missing = list(wanted)
    with contextlib.suppress(tarfile.TarError, EOFError):
        with tarfile.open(fileobj=io.BytesIO(bytes(data)), mode="r:") as tar:
            for member in tar:
                name = os.path.normpath(member.name)
                if name in missing and member.isfile():
                    target = os.path.join(folder, name)
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with open(target, "wb") as f:
                        f.write(tar.extractfile(member).read())
                    missing.remove(name)
    return missing


def shell(guest, setup, net):
    """Interactive guest; the terminal is QEMU's until it ends."""
    argv = guests.command_line(guest, setup)
    return subprocess.run(argv, check=False,
                          preexec_fn=supervise.die_with_parent(net.name)).returncode


def report(opt, line):
    if not opt.quiet and not line.startswith("# cvm: "):
        print(line, flush=True)


def choose_accel(guest, setup, opt):
    """KVM only when asked for, and only if this very guest boots with it."""
    if opt.accel != "kvm":
        return
    setup.accel = "kvm"

    def argv(numbers):
        setup.fds = numbers
        return guests.command_line(guest, setup)
    if not supervise.kvm_boots(argv):
        print("KVM does not boot this guest here; using TCG", file=sys.stderr)
        setup.accel = "tcg"


def kernel_map(guest, kernel, opt):
    """Path of the kernel's symbols; asks a guest for them the first time."""
    path = os.path.join(kernel["K_KDIR"], "System.map")
    if os.path.exists(path):
        return path
    path = os.path.join(kernel["CVM_CACHE"], "symbols", kernel["K_RELEASE"])
    if not os.path.exists(path) and opt.tests != ["harness/symbols.sh"]:
        name = f"symbols-{kernel['K_ID']}-{os.getpid()}"
        subprocess.run([sys.executable, "-B", os.path.abspath(__file__), "--guest", guest.name,
                        "--kernel", opt.kernel, "--no-build", "--name", name, "--get", "kallsyms",
                        "--timeout", "60", "--smp", "1", "--allow-stall", "harness/symbols.sh"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        folder = os.path.join(BUILD, "results", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with contextlib.suppress(OSError):
            os.replace(os.path.join(folder, "kallsyms"), path)
        shutil.rmtree(folder, ignore_errors=True)
    return path if os.path.exists(path) else ""


def name_counters(sup, guest, kernel, opt, dmesg):
    """Replace the program counters noted in this run by symbols."""
    noted = [gap.registers[i] for gap in sup.heartbeat.gaps for i in range(len(gap.registers))]
    if sup.end_registers:
        noted.append(sup.end_registers)
    if not noted:
        return
    table = symbols.collect(kernel_map(guest, kernel, opt), dmesg,
                            [*our_modules(kernel["K_ID"], False), *opt.put])
    for lines in noted:
        lines[:] = [table.translate(line) for line in lines]


def watch_guest(guest, setup, opt, net, folder):
    """Start a guest and watch it to its end; returns (supervisor, what QEMU says of itself)."""
    sup = supervise.Supervisor(opt.timeout, lambda line: report(opt, line),
                               nic=guests.nic_device(setup) if setup.tap else None)
    if opt.trace:
        sup.trace = supervise.Trace(os.path.join(folder, "trace.log"))
    setup.fds = sup.open_ports()
    sup.start(guests.command_line(guest, setup), net.name)
    try:
        qemu = sup.query()
        sup.run()
    finally:
        sup.stop()
    return sup, qemu


def run_guest(guest, kernel, setup, opt, net, folder, name):
    """Start, watch, judge, write the results; returns the exit status."""
    choose_accel(guest, setup, opt)
    load = supervise.host_load()
    begun = time.time()
    first_log = os.path.join(folder, "dmesg-first.txt")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(first_log)
    sup, qemu = watch_guest(guest, setup, opt, net, folder)
    restarted = sup.boot_failure()
    if restarted:
        # An emulator that trips over itself while the guest boots says nothing about it.
        print(f"# note: no test began, started again: {restarted}", flush=True)
        shutil.copy(setup.console_log, first_log)
        sup, qemu = watch_guest(guest, setup, opt, net, folder)
    duration = time.monotonic() - sup.started
    ktap_text = "".join(f"{line}\n" for line in sup.lines)
    with open(os.path.join(folder, "ktap.txt"), "w", encoding="utf-8") as f:
        f.write(ktap_text)
    with open(os.path.join(folder, "qemu.log"), "wb") as f:
        f.write(sup.stderr)
    with open(setup.console_log, encoding="utf-8", errors="replace") as f:
        dmesg = f.read()
    name_counters(sup, guest, kernel, opt, dmesg)
    events = {
        "timeout": sup.limit() if sup.timed_out else None,
        "exited": sup.proc.returncode,
        "no_poweroff": sup.no_poweroff,
        "stalls": [stall_text(g) for g in sup.stalls],
        "allow_stall": opt.allow_stall,
        "missing": save_out(sup.out, opt.get, folder),
    }
    ktap, problems = judge.judge(ktap_text, dmesg, events)
    result = {
        "name": name, "guest": guest.name, "tests": opt.tests, "params": opt.params,
        "argv": sup.argv_seen, "netns": bool(net.name), "accel": setup.accel,
        "nic": {"bus": opt.nic_bus, "props": opt.nic_props, "queues": opt.queues,
                "tap_mtu": opt.tap_mtu, "serve": opt.serve} if net.name else None,
        "icount": opt.icount, "qemu": qemu.get("qemu"), "cpu": guest.cpu,
        "kernel": {"id": kernel["K_ID"], "release": kernel["K_RELEASE"],
                   "hz": kernel_hz(kernel)},
        "facts": ktap.facts, "begun": begun, "duration_s": round(duration, 2),
        "host": {"before": load, "after": supervise.host_load(),
                 "supervisor_late_s": round(sup.lateness, 2)},
        "heartbeat": {"beats": sup.heartbeat.beats, "max_gap_s": round(sup.heartbeat.max_gap, 2)},
        "gaps": [g.record() for g in sup.heartbeat.gaps],
        "stalls": len(sup.stalls), "allow_stall": opt.allow_stall,
        "end_registers": sup.end_registers, "qemu_exit": sup.proc.returncode,
        "qemu_restarted": restarted,
        "passed": ktap.count("passed"), "failed": ktap.count("failed"),
        "skipped": ktap.count("skipped"),
        "cases": [{"name": c.name, "result": c.result, "reason": c.reason} for c in ktap.cases],
        "problems": [{"kind": p.kind, "detail": p.detail} for p in problems],
        "success": not problems, "events": events,
    }
    if sup.stderr and (problems or sup.proc.returncode):
        sys.stderr.write(sup.stderr.decode("utf-8", "replace"))
    return finish(opt, folder, name, result, sup.heartbeat.gaps)


def stall_text(gap):
    pcs = "; ".join(gap.registers[0]) if gap.registers else "no registers"
    return f"{gap.who} silent for {gap.seconds:.1f} s ({pcs})"


def finish(opt, folder, name, result, gaps):
    with open(os.path.join(folder, "run.json"), "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    if result["end_registers"]:
        print(f"# note: at the end: {'; '.join(result['end_registers'])}", flush=True)
    for gap in gaps:
        if not gap.is_stall():
            why = f"frozen by the test for {gap.frozen:.1f} s, " if gap.frozen else ""
            print(f"# note: {gap.who} silent for {gap.seconds:.1f} s, {why}"
                  f"the host was busy for {gap.starved:.1f} s of it", flush=True)
        elif opt.allow_stall:
            print(f"# note: stall: {stall_text(gap)}", flush=True)
    for problem in result["problems"]:
        print(f"# problem: {problem['kind']}: {problem['detail']}", flush=True)
    # A problem that no case shows must not hide behind "0 failed".
    failed = result["failed"] or int(not result["success"])
    print(f"vm-run: {name}: {result['passed']} passed, {failed} failed, "
          f"{result['skipped']} skipped", flush=True)
    return 0 if result["success"] else 1


def main(argv):
    opt = parse_args(argv)
    if opt.initramfs_only:
        if len(opt.tests) < 2:
            raise UsageError("usage: mkinitramfs.sh KERNEL-ID OUTPUT [TEST...]")
        ident, target, *tests = opt.tests
        opt.tests, opt.params = [check_test(t) for t in tests], {}
        make_initramfs(kernel_load(ident), opt, target)
        return 0
    guest = check_args(opt)
    kernel = kernel_load(f"{opt.kernel}-{guest.debarch}")
    use_cached_qemu(kernel)
    name, folder, _lock = result_dir(opt)
    initrd = os.path.join(folder, "initrd.cpio")
    setup = guests.Setup(
        image=kernel["K_IMAGE"], initrd=initrd, smp=opt.smp,
        mem=opt.mem or (2048 if opt.kernel == "kunit" else 1024),
        icount=opt.icount, tap="tap0" if opt.net == "tap" else "", queues=opt.queues,
        nic_bus=opt.nic_bus, nic=opt.nic_props,
        append=opt.append, shell=opt.shell, console_log=os.path.join(folder, "dmesg.txt"))
    check_nic_props(guest, setup)
    if opt.print_argv:
        print(shlex.join(guests.command_line(guest, setup)))
        return 0
    net = None
    try:
        make_initramfs(kernel, opt, initrd)
        net = Net(opt, folder, kernel["CVM_CACHE"])
        if opt.shell:
            return shell(guest, setup, net)
        return run_guest(guest, kernel, setup, opt, net, folder, name)
    finally:
        # The clean-up itself must not be interrupted.
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, signal.SIG_IGN)
        if net:
            net.close()
        with contextlib.suppress(OSError):
            os.unlink(initrd)


def interrupted(signum, _frame):
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    for _sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(_sig, interrupted)
    try:
        sys.exit(main(sys.argv[1:]))
    except UsageError as err:
        print(f"error: {err}", file=sys.stderr)
        sys.exit(2)
    except RunError as err:
        print(f"error: {err}", file=sys.stderr)
        sys.exit(1)
    except FileNotFoundError as err:
        print(f"error: {err.filename} is missing; run scripts/deps.sh", file=sys.stderr)
        sys.exit(1)
