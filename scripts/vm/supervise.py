# SPDX-License-Identifier: GPL-2.0
"""Run one guest and watch it: verdict, heartbeat, time-out, end.

Everything that the guest sends arrives on socket pairs handed to QEMU by
number, so there is no path to clean up, and QEMU dies with this process.
"""

import contextlib
import ctypes
import fcntl
import os
import selectors
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field

from vm.qmp import QMP, QMPError

TICK = 0.1
STALL = 4.0
POWEROFF_TIME = 20.0
START_TIME = float(os.environ.get("CVM_START_TIME", 300))
OUT_LIMIT = 256 << 20
NIC_TIME = 20.0
NIC_REQUEST = "# cvm: nic "
FROZEN = "# cvm: frozen "
FROZEN_MAX = 15.0
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_CLONE_NEWNET = 0x40000000


def die_with_parent(netns=""):
    """Return a function for the child: join the namespace, die with the parent."""
    ns_fd = os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC) if netns else -1
    parent = os.getpid()

    def prepare():
        if ns_fd >= 0 and _LIBC.setns(ns_fd, _CLONE_NEWNET):
            os._exit(126)
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(126)
    return prepare


def host_load():
    """Return the host's load averages and number of processors."""
    return {"load": list(os.getloadavg()), "cpus": os.cpu_count()}


def _run_delay(pid, tid):
    """Seconds that a thread was ready to run but had no processor."""
    try:
        with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _stolen():
    """Seconds for which a hypervisor below us had the processors, on the worst of them."""
    try:
        with open("/proc/stat", encoding="ascii") as f:
            stolen = [line.split()[8] for line in f if line[:3] == "cpu" and line[3].isdigit()]
        return max(map(int, stolen)) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0


def _state(pid):
    """Scheduler state letter of a process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(") ")[2][:1]
    except OSError:
        return "?"


@dataclass
class Gap:
    """A silence of the guest or of one of its CPUs."""

    who: str
    start: float
    delays: dict
    registers: list = field(default_factory=list)
    seconds: float = 0.0
    starved: float = 0.0
    frozen: float = 0.0
    over: bool = False

    def record(self):
        return {"who": self.who, "at_s": round(self.start, 2), "seconds": round(self.seconds, 2),
                "host_starved_s": round(self.starved, 2), "frozen_s": round(self.frozen, 2),
                "is_stall": self.is_stall(), "over": self.over, "registers": self.registers}

    def is_stall(self):
        """Would it have been too long on a host that gave us every processor?"""
        return self.seconds - self.frozen - self.starved > STALL


class Heartbeat:
    """Find silences in the stream of beats.

    A silence counts against the guest only for the part in which the host did
    let it run: time that a vCPU or QEMU's main loop spent waiting for a
    processor, and time by which we ourselves came too late, is taken off. So
    is time in which a test has the guest frozen on purpose (suspend).
    """

    def __init__(self, supervisor):
        self._sup = supervisor
        self._buf = b""
        self._last = None           # host time of the last beat
        self._last_guest = 0
        self._silent = {}           # cpu -> Gap
        self._quiet = None          # Gap of the whole guest
        self._base = {}             # what the host had withheld at the last beat
        self._frozen = []           # (begin, end) of each suspend
        self.gaps = []
        self.beats = 0
        self.max_gap = 0.0

    def data(self, data, now):
        self._buf += data
        *lines, self._buf = self._buf.split(b"\n")
        for line in lines:
            words = line.decode("ascii", "replace").split()
            if len(words) >= 3 and words[0] == "beat":
                self._beat(int(words[2]), words[3:], now)

    def _beat(self, guest_ms, ages, now):
        self.beats += 1
        if self._last is not None:
            # Beats that waited for us in the socket have their own times.
            gap = min(now - self._last, (guest_ms - self._last_guest) / 1000)
            self.max_gap = max(self.max_gap, gap)
            if gap > STALL:
                if not self._quiet:
                    self._quiet = self._open("guest", self._last)
                self._finish(self._quiet, gap)
                self._quiet = None
            elif self._quiet:
                # What looked like silence was our own sleep.
                self.gaps.remove(self._quiet)
                self._quiet = None
        self._last, self._last_guest = now, guest_ms
        self._base = self._sup.withheld()
        self._cpus(ages, now)

    def _cpus(self, ages, now):
        for cpu, age in enumerate(ages):
            seconds = 0.0 if age == "-" else int(age) / 1000
            gap = self._silent.get(cpu)
            if seconds > STALL:
                if not gap:
                    gap = self._silent[cpu] = self._open(
                        f"cpu {cpu}", now - seconds)
                    gap.delays = self._sup.withheld_before(seconds)
                self._finish(gap, seconds, over=False)
            elif gap:
                gap.over = True
                del self._silent[cpu]

    def _open(self, who, start):
        gap = Gap(who, start - self._sup.started, dict(self._base))
        gap.registers.append(self._sup.registers())
        self.gaps.append(gap)
        return gap

    def _finish(self, gap, seconds, over=True):
        now = self._sup.withheld()
        gap.seconds = seconds
        # Any vCPU: the one that is waited for may hold a lock.
        gap.starved = max(now[key] - gap.delays.get(key, now[key]) for key in now)
        gap.over = over

    def frozen(self, seconds, now):
        """A test says that the guest was frozen until now, and for how long."""
        # The word took its time; no suspend may take for ever.
        self._frozen.append((now - min(seconds, FROZEN_MAX) - TICK, now))

    def settle(self):
        """At the end: the tests' word on a silence comes after it."""
        for gap in self.gaps:
            start = self._sup.started + gap.start
            gap.frozen = sum(max(0.0, min(start + gap.seconds, until) - max(start, since))
                             for since, until in self._frozen)

    def check(self, now):
        """Called on each tick, after the sockets have been read."""
        if self._last is None:
            return
        silence = now - self._last
        if silence <= STALL:
            return
        if not self._quiet:
            self._quiet = self._open("guest", self._last)
        elif len(self._quiet.registers) < 3 and silence > STALL * (len(self._quiet.registers) + 1):
            self._quiet.registers.append(self._sup.registers())
        self._finish(self._quiet, silence, over=False)


class Trace:
    """Every instruction of a guest for a short while, in a file of QEMU's log.

    Begins when the guest prints the mark: one instruction becomes one
    translation block, and each is logged. Such a guest is slow, so keep it short.
    """

    MARK = "cvm: profile"
    DELAY, SECONDS = 1.0, 2.0

    def __init__(self, path):
        self._path, self._begin, self._end = path, None, None

    def line(self, text):
        if self._begin is None and self.MARK in text:
            self._begin = time.monotonic() + self.DELAY

    def tick(self, now, qmp):
        """Called on each turn of the supervisor."""
        if self._end is None:
            if self._begin is not None and now >= self._begin:
                self._end = now + self.SECONDS
                qmp.hmp(f"logfile {self._path}")
                qmp.hmp("one-insn-per-tb on")
                qmp.hmp("log nochain,exec", 30.0)
        elif now >= self._end:
            qmp.hmp("log none", 60.0)
            qmp.hmp("one-insn-per-tb off")
            self._end = float("inf")


class Supervisor:
    """One QEMU process from start to end."""

    def __init__(self, timeout, on_line, heartbeat=True, nic=None):
        self.timeout = timeout
        self._nic = nic             # properties for device_add
        self._requests = []         # (words, time) that the guest has asked for
        self.on_line = on_line
        self.started = 0.0
        self.lateness = 0.0
        self.lines = []
        self.out = bytearray()
        self.proc = None
        self.argv_seen = []
        self.stderr = b""
        self.timed_out = False
        self.began = False          # the tests did
        self.done = False
        self.no_poweroff = False
        self.end_registers = None
        self._want_beat = heartbeat
        self._ours, self._theirs = {}, {}
        self._threads = {}
        self._history = []
        self._partial = b""
        self.heartbeat = Heartbeat(self)
        self.qmp = None
        self.trace = None

    def open_ports(self):
        """Make the socket pairs; returns {name: number for the command line}."""
        numbers = {}
        names = ["qmp", "verdict", "out"] + (["heartbeat"] if self._want_beat else [])
        for i, name in enumerate(names):
            ours, theirs = socket.socketpair()
            # Fixed numbers keep the command lines of two runs comparable.
            fd = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD, 40 + i)
            theirs.close()
            self._ours[name], self._theirs[name] = ours, fd
            numbers[name] = fd
        return numbers

    def start(self, argv, netns=""):
        """Start QEMU."""
        self.started = time.monotonic()
        self.proc = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            pass_fds=tuple(self._theirs.values()), preexec_fn=die_with_parent(netns))
        for fd in self._theirs.values():
            os.close(fd)
        self.qmp = QMP(self._ours["qmp"])
        with open(f"/proc/{self.proc.pid}/cmdline", "rb") as f:
            self.argv_seen = [a.decode() for a in f.read().split(b"\0")[:-1]]

    def query(self):
        """Ask QEMU who it is; returns a dictionary, empty if it does not answer."""
        facts = {}
        try:
            version = self.qmp.command("query-version", 30.0)
            facts["qemu"] = version["package"] or "{major}.{minor}.{micro}".format(**version["qemu"])
            self._threads = self.qmp.vcpu_threads()
            facts["accel_kvm"] = self.qmp.command("query-kvm")["enabled"]
        except (QMPError, OSError, KeyError):
            pass
        return facts

    def withheld(self):
        """Seconds that the host has kept from QEMU's threads and from us so far."""
        pid = self.proc.pid
        seconds = {cpu: _run_delay(pid, tid) for cpu, tid in self._threads.items()}
        seconds["main"] = _run_delay(pid, pid)
        seconds["late"] = self.lateness
        seconds["stolen"] = _stolen()
        return seconds

    def withheld_before(self, ago):
        """The same as it was that many seconds ago."""
        then = time.monotonic() - ago
        best = self._history[0][1] if self._history else self.withheld()
        for when, seconds in self._history:
            if when <= then:
                best = seconds
        return best

    def _note_lateness(self, wake, last, now):
        """Count time in which we did not come round, or QEMU was stopped."""
        late = max(0.0, now - wake - TICK)
        if _state(self.proc.pid) in "Tt":
            late = now - last
        self.lateness += late
        self._history.append((now, self.withheld()))
        del self._history[:-600]

    def registers(self):
        """Program counters of all vCPUs as text lines."""
        try:
            text = self.qmp.hmp("info registers -a", 3.0)
        except (QMPError, OSError) as err:
            return [f"not available: {err}"]
        keep, cpu = [], "CPU#0"
        for line in text.splitlines():
            if line.startswith("CPU#"):
                cpu = line.strip()
            for word in line.replace("= ", "=").split():
                if word.startswith(("RIP=", "PC=", "EIP=")):
                    keep.append(f"{cpu} {word}" + (" halted" if "HLT=1" in line else ""))
        return keep

    def run(self):
        """Watch until the guest has ended, or has had its time."""
        sel = selectors.DefaultSelector()
        for name, sock in self._ours.items():
            if name != "qmp":
                sock.setblocking(False)
                sel.register(sock, selectors.EVENT_READ, name)
        sel.register(self.proc.stdout, selectors.EVENT_READ, "stderr")
        done_at = None
        last = time.monotonic()
        while True:
            # Sleep a tick and not until the next byte: lateness can be told.
            wake = last + TICK
            while True:
                left = wake - time.monotonic()
                if left <= 0 or not sel.get_map():
                    break
                for key, _ in sel.select(left):
                    self._read(sel, key)
            now = time.monotonic()
            self._note_lateness(wake, last, now)
            last = now
            for key, _ in sel.select(0):
                self._read(sel, key)
            if self.trace:
                self.trace.tick(now, self.qmp)
            if self.proc.poll() is not None:
                for key, _ in sel.select(0):
                    self._read(sel, key)
                break
            if self.done:
                done_at = done_at or now
                if now - done_at > POWEROFF_TIME:
                    self.no_poweroff = True
                    break
            else:
                self._nic_work(now)
                self.heartbeat.check(now)
                if now - self.started > self.limit():
                    self.timed_out = True
                    break
            if not sel.get_map():
                time.sleep(TICK)
        self.heartbeat.settle()
        if self.timed_out or self.no_poweroff:
            self.end_registers = self.registers()
        self.stop()

    def _read(self, sel, key):
        try:
            data = os.read(key.fd, 1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            sel.unregister(key.fileobj)
        elif key.data == "verdict":
            self._partial += data
            *lines, self._partial = self._partial.split(b"\n")
            for raw in lines:
                self._line(raw.decode("utf-8", "replace"))
        elif key.data == "heartbeat":
            if not self.done:
                self.heartbeat.data(data, time.monotonic())
        elif key.data == "out":
            if len(self.out) < OUT_LIMIT:
                self.out += data
        elif len(self.stderr) < 65536:
            self.stderr += data

    def _line(self, line):
        self.lines.append(line)
        self.on_line(line)
        if self.trace:
            self.trace.line(line)
        if line == "# cvm: done":
            self.done = True
        elif line.startswith("KTAP"):
            self.began = True
        elif line.lstrip().startswith(FROZEN):
            with contextlib.suppress(ValueError):
                self.heartbeat.frozen(float(line.strip()[len(FROZEN):]), time.monotonic())
        elif line.lstrip().startswith(NIC_REQUEST):
            self._requests.append((line.strip()[len(NIC_REQUEST):], time.monotonic()))

    def _nic_work(self, now):
        """Do to the network card what tests have asked for, in that order."""
        while self._requests:
            what, since = self._requests[0]
            try:
                self._nic_request(what)
            except (QMPError, OSError) as err:
                # A card that is being unplugged is there until the guest lets it go.
                if what == "plug" and now - since < NIC_TIME:
                    return
                self.lines.append(f"# cvm: nic {what} failed: {err}")
                self.on_line(f"# nic {what} failed: {err}")
            self._requests.pop(0)

    def _nic_request(self, what):
        if not self._nic:
            raise QMPError("this guest has no network card")
        name = self._nic["id"]
        if what == "unplug":
            self.qmp.command("device_del", id=name)
        elif what == "plug":
            # QMP would want each property in its own type.
            driver, *props = self._nic.items()
            said = self.qmp.hmp(",".join(
                [f"device_add {driver[1]}", *(f"{k}={v}" for k, v in props)]))
            if said.strip():
                raise QMPError(said.strip())
        elif what in ("link on", "link off"):
            self.qmp.command("set_link", name=name, up=what == "link on")
        elif what == "announce":
            self.qmp.command("announce-self", initial=50, max=100, rounds=2, step=50)
        else:
            raise QMPError("unknown request")

    def stop(self):
        """End QEMU, whatever it is doing."""
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
        if self.proc:
            self.proc.wait()

    def limit(self):
        """Seconds that the guest has from its start, as far as it has come."""
        return self.timeout if self.began else min(self.timeout, START_TIME)

    def boot_failure(self):
        """Why no test began though nothing of a test can be the cause; "" if that is not so.

        QEMU may crash while a guest boots, or lose the timer of a CPU for good.
        """
        if self.began:
            return ""
        if self.proc.returncode in (-signal.SIGABRT, -signal.SIGSEGV):
            said = self.stderr.decode("utf-8", "replace").strip() or "no message"
            return f"QEMU crashed: {said}"
        if self.timed_out:
            return f"nothing in {self.limit():.0f} s; {', '.join(self.end_registers)}"
        return ""

    @property
    def stalls(self):
        return [g for g in self.heartbeat.gaps if g.is_stall()]


def kvm_boots(argv, seconds=20):
    """Does this guest really come up under KVM?  (On some hosts it hangs.)

    argv is the command line of the run itself; any word on the verdict port
    before the time is over counts as a boot.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    seen = []
    sup = Supervisor(seconds, seen.append, heartbeat=False)
    numbers = sup.open_ports()
    try:
        sup.start(argv(numbers))
        end = time.monotonic() + seconds
        sock = sup._ours["verdict"]
        sock.settimeout(0.2)
        while time.monotonic() < end and sup.proc.poll() is None:
            try:
                if sock.recv(4096):
                    return True
            except TimeoutError:
                pass
    except OSError:
        pass
    finally:
        sup.stop()
    return False
