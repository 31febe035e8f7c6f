#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How many instructions it takes to wake a vCPU out of WFI by an IPI: wfx_path.py FOLDER.

The folder has trace.log (QEMU's, one line per instruction, from vm-run.sh --trace) of
tests/wfx_trap/bench.sh and the host's kallsyms. Counted is what nothing can run beside:
on the sender's CPU from where its guest is left to the hardware IPI, on the other CPU from
there to the first instruction of the guest that is woken. Prints one line per wake-up for
bench_wfx.py, and to standard error where the instructions are.
"""

import argparse
import bisect
import collections
import os
import re
import statistics
import sys

sys.dont_write_bytecode = True

from net_profile import symbols  # noqa: E402

_TRACE = re.compile(r"^Trace (\d+): \S+ \[[0-9a-f]+/([0-9a-f]+)/")
# Where the guest program is, tests/kvmguest/kvmguest.h.
GUEST = range(0x40000000, 0x40400000)
USER_END = 1 << 47


class Cpu:
    """What one of the two executed since its guest was left."""

    def __init__(self):
        self.path = []
        self.sends = False      # ... on behalf of a guest that sends an IPI
        self.sent = None        # the other one's part of an IPI that is on its way here


class Wakes:
    """The wake-ups of a log, as (sender's part, woken CPU's part)."""

    def __init__(self, folder):
        self._addresses, self._names = symbols(os.path.join(folder, "kallsyms"))
        self._dispatch = {f.start for f in self._functions("vgic_v3_dispatch_sgi")}
        # There is one of that name in each of the GICs' drivers.
        self._send = {pc for f in self._functions("gic_ipi_send_mask") for pc in f}
        self._cpus = collections.defaultdict(Cpu)
        self.found = []
        with open(os.path.join(folder, "trace.log"), encoding="ascii", errors="replace") as f:
            for line in f:
                m = _TRACE.match(line)
                if m:
                    self._step(int(m.group(1)), int(m.group(2), 16))
        # The log may begin and end in the middle of one.
        self.found = self.found[2:-1]

    def _functions(self, name):
        for start, known in zip(self._addresses, self._names):
            if known == name:
                yield range(start, self._addresses[bisect.bisect_right(self._addresses, start)])

    def _step(self, number, pc):
        cpu = self._cpus[number]
        if pc in GUEST:
            if cpu.sent is not None:
                self.found.append((cpu.sent, cpu.path))
            cpu.sent, cpu.path, cpu.sends = None, [], False
            return
        cpu.path.append(pc)
        if pc in self._dispatch:
            cpu.sends = True
        elif cpu.sends and pc in self._send:
            other = self._cpus[1 - number]
            if other.sent is None:
                other.path = []
            # Its last instruction there counts.
            other.sent = list(cpu.path)

    def name(self, pc):
        if pc < USER_END:
            return "user space"
        return self._names[bisect.bisect_right(self._addresses, pc) - 1]

    def profile(self, side, top):
        names = collections.Counter(self.name(pc) for wake in self.found for pc in wake[side])
        return [(n / len(self.found), name) for name, n in names.most_common(top)]


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    p.add_argument("folder")
    p.add_argument("--arm", required=True)
    p.add_argument("--top", type=int, default=30, help="functions to name")
    opt = p.parse_args()

    wakes = Wakes(opt.folder)
    if not wakes.found:
        sys.exit("no wake-up is in the log")
    for n, (sender, woken) in enumerate(wakes.found):
        print(f"case=path arm={opt.arm} round={n} done=1 late_p50_ns={len(sender) + len(woken)} "
              f"sender={len(sender)} woken={len(woken)}")
    for side, title in enumerate(("sender", "woken")):
        print(f"{title}, {statistics.median(len(w[side]) for w in wakes.found):.0f} instructions:",
              file=sys.stderr)
        for n, name in wakes.profile(side, opt.top):
            print(f"{n:9.1f}  {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
