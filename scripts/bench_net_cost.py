#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-net-cost.sh to build/results/net-cost.json and a table.

Reads on standard input which runs there must be (mode|guest|dma) and finds each
one's run.json and cost.txt below the given folder. What is missing or failed is
void, and void is failure. Figures are compared with the project's bars.

A cost is (busy instructions - what the idle guest needs in that time) / units,
the median of the rounds.
"""

import statistics
import sys

sys.dont_write_bytecode = True

from bench_common import (Run, Void, judge_bars, load_runs, parse_options,  # noqa: E402
                          parse_words, print_rows, print_verdict, write_result)

OURS, STOCK = "virtio_net_cvm", "virtio_net"
# case and unit
CASES = {
    "tx60": "packet",
    "tx1514": "packet",
    "rx60": "packet",
    "rx1514": "packet",
    "tcp_tx": "KiB",
    "tcp_rx": "KiB",
    "rr": "round trip",
}
# pktgen's own share of a case
PKTGEN = {"tx60": "empty60", "tx1514": "empty1514"}
BARS = [
    ("cvm.tx60_ratio", 0.65),
    ("cvm.rx60_ratio", 0.65),
    ("cvm.tx1514_ratio", 0.75),
    ("cvm.rx1514_ratio", 0.75),
    ("cvm.tcp_tx_ratio", 0.90),
    ("cvm.tcp_rx_ratio", 0.90),
    *((f"plain.{case}_ratio", 1.00) for case in CASES if case != "rr"),
    # Of a latency what does not depend on the host
    ("cvm.rr_ratio", 1.03),
    ("plain.rr_ratio", 1.03),
    ("tax.tx60", 1.00),
    ("tax.rx60", 1.00),
    ("floor.tcp_tx", 1.05),
    ("floor.tcp_rx", 1.05),
]


class CostRun(Run):
    """A boot: mode|guest|dma."""

    FIGURES = "cost.txt"

    def __init__(self, spec, folder):
        self.mode, self.guest, self.dma = spec.strip().split("|")
        super().__init__(self.mode, folder)
        self.lines, self.memcpy = [], None

    def check_complete(self):
        needed = [(arm, case) for arm in (OURS, STOCK) for case in ("idle", *CASES)]
        needed += [("none", case) for case in ("idle", *PKTGEN.values())]
        for arm, case in needed:
            if not any((w["arm"], w["case"]) == (arm, case) for w in self.lines):
                raise Void(f"figures of {arm} {case} are missing")
        if not self.memcpy:
            raise Void("the cost of a copy is missing")

    def add_figures(self, text):
        for line in text.splitlines():
            words = parse_words(line)
            if words["case"] == "memcpy":
                self.memcpy = words["ns_per_mib"] / 1024
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
        return self.cost(arm, case) - self.cost("none", PKTGEN[case])

    def spread(self, arm, case):
        values = self.costs(arm, case)
        return (max(values) - min(values)) / statistics.median(values)

    def own_summary(self):
        return {"mode": self.mode, "memcpy_per_kib": round(self.memcpy, 1)}


def summarise(runs):
    out = {}
    for mode, run in runs.items():
        for case in CASES:
            out[f"{mode}.{case}_ratio"] = run.cost(OURS, case) / run.cost(STOCK, case)
            if case in PKTGEN:
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


def bars_of(modes):
    """Those for which there are boots: tax and floor compare two."""
    for key, bar in BARS:
        first = key.split(".")[0]
        if first in modes or (first in ("tax", "floor") and len(modes) > 1):
            yield key, "<=", bar


def table(runs):
    print("\nGuest instructions, medians of the rounds; spread is (highest - lowest) / median:\n")
    rows = [("mode", "case", "per", STOCK, OURS, "ratio", "without pktgen", "spread")]
    for mode, run in runs.items():
        for case, unit in CASES.items():
            stock, ours = run.cost(STOCK, case), run.cost(OURS, case)
            net = f"{run.net(OURS, case) / run.net(STOCK, case):.3f}" if case in PKTGEN \
                else "-"
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
    opt = parse_options(__doc__)
    good, void = load_runs([CostRun(spec, opt.folder) for spec in sys.stdin])
    runs = {run.mode: run for run in good}
    summary = summarise(runs)
    bars = judge_bars(summary, bars_of(runs))
    write_result(opt, good, void, bars, summary,
                 lines={mode: run.lines for mode, run in runs.items()})
    table(runs)
    return print_verdict("bench-net-cost", opt, runs, bars, void)


if __name__ == "__main__":
    sys.exit(main())
