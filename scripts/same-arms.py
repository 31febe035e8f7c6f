#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check that two runs differ in nothing but what a comparison is about.

  same-arms.py RUN-A RUN-B [ALLOWED...]

RUN: a folder of build/results with a run.json. ALLOWED: words of the QEMU or
kernel command line that one run may have and the other not (swiotlb=force). The
argv, the guest's own view of its command line, QEMU, kernel, processor and the
virtio devices with their features must otherwise be the same. Prints each
difference; the exit status is 0 only if there is none that is not allowed.
"""

import json
import os
import sys

KEYS = ("qemu", "cpu", "accel", "icount", "kernel", "netns")
FACTS = ("release", "version", "cpus_online", "clocksource", "cpu_model", "guest_type")


def load(folder):
    with open(os.path.join(folder, "run.json"), encoding="utf-8") as f:
        return json.load(f)


def words(run):
    """The argv in words, without the names of the run and its folder."""
    folder = f"/results/{run['name']}/"
    text = " ".join(a.replace(folder, "/results/") for a in run["argv"])
    return text.replace(f"-name {run['guest']} ", "").split()


def devices(run):
    return {k: v for k, v in run["facts"].items() if k.startswith("virtio")}


def one_sided(a, b):
    """Words that one list has more often than the other."""
    rest = list(b)
    only_a = []
    for word in a:
        if word in rest:
            rest.remove(word)
        else:
            only_a.append(word)
    return only_a, rest


def compare(a, b, allowed):
    """Return the differences that are not allowed, as text."""
    found = []
    for what, left, right in (
            ("argv", words(a), words(b)),
            ("guest's command line", a["facts"].get("cmdline", "").split(),
             b["facts"].get("cmdline", "").split())):
        for side, extra in zip("AB", one_sided(left, right)):
            found += [f"{what}: only {side} has {w}" for w in extra if w not in allowed]
    for key in KEYS:
        if a.get(key) != b.get(key):
            found.append(f"{key}: {a.get(key)} and {b.get(key)}")
    for key in FACTS:
        if a["facts"].get(key) != b["facts"].get(key):
            found.append(f"{key}: {a['facts'].get(key)} and {b['facts'].get(key)}")
    if devices(a) != devices(b):
        found.append(f"virtio devices: {devices(a)} and {devices(b)}")
    return found


def main(argv):
    if len(argv) < 2 or argv[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    found = compare(load(argv[0]), load(argv[1]), set(argv[2:]))
    for line in found:
        print(line)
    return int(bool(found))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError, KeyError) as err:
        print(f"error: {err}", file=sys.stderr)
        sys.exit(2)
