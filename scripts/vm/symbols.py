# SPDX-License-Identifier: GPL-2.0
"""Names for the program counters of a guest that stalled.

Guests run with nokaslr, so the addresses of a kernel image never change: its
symbols are taken from System.map, or asked of a guest once and cached. Where a
module lies is what load_module (tests/lib/module.sh) wrote to the log.
"""

import bisect
import os
import re
import subprocess

_MODULE = re.compile(r"cvm-module: (\S+) (.*)$")
_COUNTER = re.compile(r"\b(?:RIP|EIP|PC)=([0-9a-f]{8,16})\b")


class Symbols:
    """Sorted addresses with their names."""

    def __init__(self):
        self._table = []
        self._sorted = True

    def add(self, address, name):
        self._table.append((address, name))
        self._sorted = False

    def read_map(self, path):
        """System.map or kallsyms: address, type, name."""
        with open(path, encoding="ascii", errors="replace") as f:
            for line in f:
                words = line.split()
                if len(words) == 3 and words[1] in "tTwW":
                    self.add(int(words[0], 16), words[2])

    def add_module(self, name, sections, ko):
        """sections: {name: address}; ko: the module file."""
        res = subprocess.run(["readelf", "-SsW", ko], capture_output=True, text=True, check=False)
        index = {}
        for line in res.stdout.splitlines():
            if (m := re.match(r"\s*\[\s*(\d+)\] (\S+)", line)):
                index[m.group(1)] = m.group(2)
                continue
            words = line.split()
            if len(words) == 8 and words[3] == "FUNC" and index.get(words[6]) in sections:
                self.add(sections[index[words[6]]] + int(words[1], 16), f"{name}:{words[7]}")

    def name(self, address):
        """symbol+offset, or '' when nothing is near."""
        if not self._sorted:
            self._table.sort()
            self._sorted = True
        i = bisect.bisect_right(self._table, (address, "\uffff")) - 1
        if i < 0 or address - self._table[i][0] > 0x10000:
            return ""
        return f"{self._table[i][1]}+{address - self._table[i][0]:#x}"

    def translate(self, line):
        """Put the name in place of each program counter in the line."""
        return _COUNTER.sub(lambda m: self.name(int(m.group(1), 16)) or m.group(0), line)


def module_sections(dmesg):
    """Return {module: {section: address}} as noted in the log, last load wins."""
    found = {}
    for line in dmesg.splitlines():
        if (m := _MODULE.search(line)):
            words = m.group(2).split()
            found[m.group(1)] = {s: int(a, 16) for s, a in zip(words[::2], words[1::2])}
    return found


def collect(map_path, dmesg, ours):
    """Symbols of the kernel (if there is a map) and of the modules in the log."""
    symbols = Symbols()
    if map_path:
        symbols.read_map(map_path)
    files = {os.path.basename(p).removesuffix(".ko").replace("-", "_"): p for p in ours}
    for name, sections in module_sections(dmesg).items():
        if name in files:
            symbols.add_module(name, sections, files[name])
    return symbols
