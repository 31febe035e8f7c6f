#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of a traced guest were: net_profile.py FOLDER CASE.

The folder has trace.log (QEMU's, one line per instruction, from vm-run.sh --trace)
and the guest's kallsyms. Counts are per call of the function that handles one
packet, where there is one, and in percent.
"""

import bisect
import collections
import os
import re
import sys

sys.dont_write_bytecode = True

_TRACE = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
# What is called once a packet; the first that occurs is what counts are divided by.
PER_PACKET = {
    "tx": ("start_xmit", "cvmnet_xmit"),
    "rx": ("eth_type_trans",),
    "rr": ("start_xmit", "cvmnet_xmit"),
}


def symbols(path):
    table = []
    with open(path, encoding="ascii", errors="replace") as f:
        for line in f:
            words = line.split()
            if words[1] in "tTwW":
                name = words[2] + (f" {words[3]}" if len(words) > 3 else "")
                table.append((int(words[0], 16), name))
    table.sort()
    return [a for a, _ in table], [n for _, n in table]


def count(path):
    hits = collections.Counter()
    with open(path, encoding="ascii", errors="replace") as f:
        for line in f:
            m = _TRACE.match(line)
            if m:
                hits[int(m.group(1), 16)] += 1
    return hits


def main():
    folder, what = sys.argv[1:3]
    addresses, names = symbols(os.path.join(folder, "kallsyms"))
    by_name, entered = collections.Counter(), collections.Counter()
    user = 0
    hits = count(os.path.join(folder, "trace.log"))
    for pc, n in hits.items():
        if pc < 1 << 47:
            user += n
            continue
        i = bisect.bisect_right(addresses, pc) - 1
        by_name[names[i]] += n
        if addresses[i] == pc:
            entered[names[i]] += n
    total = sum(hits.values())
    packets = 0
    for name in PER_PACKET.get(what[:2], ()):
        packets = packets or sum(n for k, n in entered.items() if k.split()[0] == name)
    print(f"{what}: {total} instructions, {packets} packets, "
          f"{total / packets if packets else 0:.0f} each; in user space {user}")
    print(f"{'each' if packets else 'all':>9} {'%':>6} {'calls':>8}  function")
    for name, n in by_name.most_common(60):
        print(f"{n / (packets or 1):9.1f} {100 * n / total:6.2f} "
              f"{entered[name] / (packets or 1):8.3f}  {name}")


if __name__ == "__main__":
    main()
