#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the run of bench-dim.sh to build/results/dim.json and a table.

Reads the run (name|arms|cases|) on standard input and finds its run.json and bench.txt below
the given folder. What is missing or failed is void, and void is failure. Figures are
medians of the rounds; the project's figures are those of the size for which they are
worst.
"""

import statistics
import sys

sys.dont_write_bytecode = True

from bench_common import (ArmsRun, Void, judge_bars, load_runs, parse_options,  # noqa: E402
                          print_rows, print_verdict, write_result)

BARS = [
    ("high.irq_ratio", "<=", 0.15),
    ("high.tput_ratio", ">=", 1.0),
    ("low.p50_ratio", "<=", 1.05),
    ("mid.p99_vs_stock", "<=", 0.9),
    ("settle_ms", "<=", 50),
]
SHOWN = ("irqs_per_packet", "p50_us", "p99_us", "pps", "usecs")


class DimRun(ArmsRun):
    """The boot; each line has a size, too."""

    def __init__(self, spec, folder, sizes):
        super().__init__(spec, folder)
        self.sizes, self.capacity = sizes, {}

    def check_complete(self):
        super().check_complete()
        # What the loads are a share of.
        self.capacity = {r["size"]: r["capacity"] for r in self.rounds
                         if r["case"] == "capacity"}
        for r in self.rounds:
            if r.get("packets"):
                r["irqs_per_packet"] = r["irqs"] / r["packets"]
        for size in self.sizes:
            if not self.capacity.get(size):
                raise Void(f"the capacity for {size} bytes is missing")
            for arm in self.arms:
                for case in self.cases:
                    self._check(case, arm, size)

    def _check(self, case, arm, size):
        lines = self.of(case, arm, size)
        if not lines:
            raise Void(f"figures of {arm} {case} {size} are missing")
        for line in lines:
            if case.startswith("load") and line["got"] < 0.99 * line["sent"]:
                raise Void(f"{arm} {case} {size}: {line['sent'] - line['got']} messages lost")

    def of(self, case, arm, size):
        return [r for r in self.rounds
                if (r["case"], r["arm"], r["size"]) == (case, arm, size)]

    def median(self, case, arm, size, key):
        return statistics.median(r[key] for r in self.of(case, arm, size))

    def ratio(self, case, above, below, size, key):
        return self.median(case, above, size, key) / self.median(case, below, size, key)

    def figures(self):
        """The project's figures: of the worst size; and by case and size."""
        worst = {
            "high.irq_ratio": (max, "load90", "ours", "none", "irqs_per_packet"),
            "high.tput_ratio": (min, "full", "ours", "none", "pps"),
            "low.p50_ratio": (max, "pingpong", "ours", "none", "p50_us"),
            "low.load10_p50_ratio": (max, "load10", "ours", "none", "p50_us"),
            "mid.p99_vs_stock": (max, "load50", "ours", "stock", "p99_us"),
            "high.p99_vs_stock": (max, "load90", "ours", "stock", "p99_us"),
            "burst.p99_vs_stock": (max, "burst", "ours", "stock", "p99_us"),
            "mixed.p50_ratio": (max, "mixed", "ours", "none", "p50_us"),
        }
        out = {}
        for name, (choose, *what, key) in worst.items():
            case, above, below = what
            if case not in self.cases:
                continue
            values = [self.ratio(case, above, below, size, key) for size in self.sizes]
            out[name] = round(choose(values), 4)
            out[f"{name}.median"] = round(statistics.median(values), 4)
        if "settle" in self.cases:
            for arm in ("ours", "stock"):
                times = [r[key] for r in self.rounds for key in ("up_ms", "down_ms")
                         if r["case"] == "settle" and r["arm"] == arm]
                out["settle_ms" if arm == "ours" else "settle_ms.stock"] = max(times)
        return out


def table(run):
    print("\nMedians of the rounds; latencies in us, usecs as set at the end:\n")
    rows = [("case", "size", "arm", *SHOWN)]
    for case in run.cases:
        if case == "settle":
            continue
        for size in run.sizes:
            for arm in run.arms:
                rows.append((case, str(size), arm,
                             *(f"{run.median(case, arm, size, key):.{3 if 'per' in key else 1}f}"
                               if key in run.of(case, arm, size)[0] else "-" for key in SHOWN)))
    print_rows(rows)


def main():
    opt = parse_options(__doc__, ("--sizes", {"type": int, "nargs": "+", "required": True}))
    good, void = load_runs([DimRun(spec, opt.folder, opt.sizes) for spec in sys.stdin])
    summary = good[0].figures() if good else {}
    bars = judge_bars(summary, BARS)
    write_result(opt, good, void, bars, summary, **summary,
                 capacity=good[0].capacity if good else {},
                 rounds=[line for run in good for line in run.rounds])
    for run in good:
        table(run)
    return print_verdict("bench-dim", opt, good, bars, void)


if __name__ == "__main__":
    sys.exit(main())
