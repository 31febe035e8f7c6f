#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-net-cost.sh to build/results/net-cost.json and a table.

Reads on standard input which runs there must be (mode|guest|dma) and finds each
one's run.json and cost.txt below the given folder. What is missing or failed is
void, and void is failure. Figures are compared with the project's bars.

A cost is (busy instructions - what the idle guest needs in that time) / units,
the median of the rounds.
"""

import argparse
import os
import statistics
import sys

sys.dont_write_bytecode = True

from bench_common import (Void, load_record, load_runs, print_rows, print_verdict,  # noqa: E402
                          read_figures, write_result)

OURS, STOCK = "virtio_net_cvm", "virtio_net"
# case, unit, pktgen's own share
CASES = {
    "tx60": ("packet", "empty60"),
    "tx1514": ("packet", "empty1514"),
    "rx60": ("packet", None),
    "rx1514": ("packet", None),
    "tcp_tx": ("KiB", None),
    "tcp_rx": ("KiB", None),
}
BARS = [
    ("cvm.tx60_ratio", 0.65),
    ("cvm.rx60_ratio", 0.65),
    ("cvm.tx1514_ratio", 0.75),
    ("cvm.rx1514_ratio", 0.75),
    ("cvm.tcp_tx_ratio", 0.90),
    ("cvm.tcp_rx_ratio", 0.90),
    *((f"plain.{case}_ratio", 1.00) for case in CASES),
    ("tax.tx60", 1.00),
    ("tax.rx60", 1.00),
    ("floor.tcp_tx", 1.05),
    ("floor.tcp_rx", 1.05),
]


class Run:
    """One boot."""

    def __init__(self, spec, folder):
        self.mode, self.guest, self.dma = spec.strip().split("|")
        self.folder = os.path.join(folder, self.mode)
        self.record, self.lines, self.memcpy = {}, [], None

    def title(self):
        return self.mode

    def load(self):
        self.record = load_record(self.folder)
        self._add(read_figures(self.folder, "cost.txt").splitlines())
        for arm in (OURS, STOCK):
            for case in CASES:
                if not self.costs(arm, case):
                    raise Void(f"figures of {arm} {case} are missing")
        if not self.memcpy:
            raise Void("the cost of a copy is missing")

    def _add(self, lines):
        for line in lines:
            words = dict(word.split("=", 1) for word in line.split())
            for key in ("round", "all", "soaked", "busy", "units"):
                if key in words:
                    words[key] = int(words[key])
            if words["case"] == "memcpy":
                self.memcpy = int(words["ns_per_mib"]) / 1024
            else:
                self.lines.append(words)

    def idle_share(self):
        """Busy instructions per instruction of a guest that does nothing, of all arms."""
        return statistics.median(w["busy"] / w["all"] for w in self.lines
                                 if w["case"] == "idle")

    def costs(self, arm, case):
        return [(w["busy"] - self.idle_share() * w["all"]) / w["units"] for w in self.lines
                if w["arm"] == arm and w["case"] == case]

    def cost(self, arm, case):
        return statistics.median(self.costs(arm, case))

    def net(self, arm, case):
        """Without pktgen's own share."""
        empty = CASES[case][1]
        return self.cost(arm, case) - (self.cost("none", empty) if empty else 0)

    def spread(self, arm, case):
        values = self.costs(arm, case)
        return (max(values) - min(values)) / statistics.median(values)

    def summary(self):
        keys = ("guest", "params", "argv", "qemu", "cpu", "kernel", "facts", "host",
                "duration_s")
        out = {k: self.record.get(k) for k in keys}
        out.update(mode=self.mode, memcpy_per_kib=round(self.memcpy, 1))
        return out


def summarise(runs):
    out = {}
    for mode, run in runs.items():
        for case in CASES:
            out[f"{mode}.{case}_ratio"] = run.cost(OURS, case) / run.cost(STOCK, case)
            if CASES[case][1]:
                out[f"{mode}.{case}_net_ratio"] = run.net(OURS, case) / run.net(STOCK, case)
            out[f"{mode}.{case}_ours"] = run.cost(OURS, case)
            out[f"{mode}.{case}_stock"] = run.cost(STOCK, case)
    if "cvm" in runs and "plain" in runs:
        cvm, plain = runs["cvm"], runs["plain"]
        for case in ("tx60", "rx60", "tx1514", "rx1514"):
            out[f"tax.{case}"] = cvm.cost(OURS, case) / plain.cost(STOCK, case)
        for case in ("tcp_tx", "tcp_rx"):
            out[f"floor.{case}"] = (cvm.cost(OURS, case)
                                    / (plain.cost(STOCK, case) + plain.memcpy))
        out["memcpy_per_kib"] = plain.memcpy
    return {k: round(v, 4 if v < 100 else 1) for k, v in out.items()}


def judge(summary, modes):
    lines = []
    for key, bar in BARS:
        first = key.split(".")[0]
        if first in ("cvm", "plain") and first not in modes:
            continue
        if first in ("tax", "floor") and len(modes) < 2:
            continue
        value = summary.get(key)
        met = value is not None and value <= bar
        shown = "missing" if value is None else f"{value:.3f}"
        lines.append((f"{'PASS' if met else 'FAIL'} {key} {shown} (bar: <= {bar:g})", met))
    return lines


def table(runs):
    print("\nGuest instructions, medians of the rounds; spread is (highest - lowest) / median:\n")
    rows = [("mode", "case", "per", STOCK, OURS, "ratio", "without pktgen", "spread")]
    for mode, run in runs.items():
        for case, (unit, empty) in CASES.items():
            stock, ours = run.cost(STOCK, case), run.cost(OURS, case)
            net = f"{run.net(OURS, case) / run.net(STOCK, case):.3f}" if empty else "-"
            rows.append((mode, case, unit, f"{stock:.0f}", f"{ours:.0f}", f"{ours / stock:.3f}",
                         net, f"{run.spread(STOCK, case):.3f}/{run.spread(OURS, case):.3f}"))
    print_rows(rows)
    for mode, run in runs.items():
        print(f"{mode}: memcpy {run.memcpy:.0f} per KiB, "
              f"pktgen alone {run.cost('none', 'empty60'):.0f} per packet of 60 bytes, "
              f"an idle guest {1000 * run.idle_share():.1f} of 1000 instructions")
    print("The CPU model has no erms, fsrm and fsrs: TCG counts each iteration of a repeated string "
          "instruction, which would overstate copies.")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    p.add_argument("folder")
    p.add_argument("--out", required=True)
    p.add_argument("--quick", action="store_true")
    opt = p.parse_args()

    good, void = load_runs([Run(spec, os.path.abspath(opt.folder)) for spec in sys.stdin])
    runs = {run.mode: run for run in good}
    summary = summarise(runs)
    bars = judge(summary, runs)
    write_result(opt.out, {
        "summary": summary,
        "quick": opt.quick,
        "void": void,
        "bars": [{"text": text, "met": met} for text, met in bars],
        "host": {"cores": os.cpu_count(), "load": os.getloadavg()},
        "runs": [run.summary() for run in runs.values()],
        "lines": {mode: run.lines for mode, run in runs.items()},
    })
    table(runs)
    return print_verdict("bench-net-cost", opt, runs, bars, void)


if __name__ == "__main__":
    sys.exit(main())
