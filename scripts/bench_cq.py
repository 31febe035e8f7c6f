#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-cq.sh to build/results/cq.json and a table.

Finds run.json and cq.txt of each size of guest below the given folder. What is missing
or failed is void, and void is failure. Figures are medians of the rounds; ratios are
ours / native at the same delay of events, lower is better. "recovered" is the share of
what the delay costs that polling wins back.
"""

import argparse
import os
import statistics
import sys

sys.dont_write_bytecode = True

from bench_common import (Void, load_record, load_runs, print_rows, print_verdict,  # noqa: E402
                          read_figures, write_result)

ARMS = ("native", "hybrid", "always", "fixed")
FIGURES = ("mean", "p50", "p99", "iops", "events_per_io", "busy")
# Writes and reads around those that are timed: dio_verify prepares 32 blocks.
PREPARED = 32
TICKS = 100
BARS = {
    "d0.mean_ratio": ("<=", 1.05),
    "d100.p99_ratio": ("<=", 0.9),
    "d100.recovered": (">=", 0.9),
    "d200.recovered": (">=", 0.9),
    "events_per_io": ("<=", 0.05),
    "idle_cpu": ("<=", 0.02),
}


class Run:
    """One boot."""

    def __init__(self, size, delays, folder):
        self.size, self.delays = size, delays
        self.folder = os.path.join(folder, str(size))
        self.record, self.values = {}, {}
        self.idle = None

    def title(self):
        return f"{self.size} CPUs"

    def load(self):
        self.record = load_record(self.folder)
        for line in read_figures(self.folder, "cq.txt").splitlines():
            words = dict(word.split("=", 1) for word in line.split())
            if "idle_ticks" in words:
                self.idle = int(words["idle_ticks"]) / int(words["of"])
            else:
                self._add(words)
        for delay in self.delays:
            for arm in ARMS:
                if not self.values.get((arm, delay, "mean")):
                    raise Void(f"figures of {arm} with {delay} us are missing")
        if self.idle is None:
            raise Void("the idle mount was not measured")
        # A knob counts only if a counter shows that it took effect.
        for delay in self.delays:
            if self.median("native", delay, "events_per_io") < 0.5:
                raise Void(f"hardly any events without polling ({delay} us)")

    def _add(self, words):
        wall = float(words["wall"])
        values = {
            "mean": float(words["mean"]), "p50": float(words["p50"]),
            "p99": float(words["p99"]), "iops": 1e6 / float(words["mean"]),
            "events_per_io": int(words["events"]) / (int(words["ops"]) + PREPARED),
            "busy": int(words["busy"]) / TICKS / wall,
        }
        for figure, value in values.items():
            self.values.setdefault((words["arm"], int(words["delay"]), figure), []).append(value)

    def median(self, arm, delay, figure):
        return statistics.median(self.values[arm, delay, figure])

    def figures(self):
        """The project's figures of this boot."""
        out = {}
        base = self.median("native", 0, "mean")
        for delay in self.delays:
            native, ours = (self.median(arm, delay, "mean") for arm in ("native", "hybrid"))
            out[f"d{delay}.mean_ratio"] = ours / native
            out[f"d{delay}.p99_ratio"] = (self.median("hybrid", delay, "p99") /
                                          self.median("native", delay, "p99"))
            for arm in ARMS[2:]:
                out[f"d{delay}.{arm}_ratio"] = self.median(arm, delay, "mean") / native
            # Where the delay costs nothing there is nothing to win back.
            if delay and native > base:
                out[f"d{delay}.recovered"] = (native - ours) / (native - base)
        out["events_per_io"] = max(self.median("hybrid", d, "events_per_io")
                                   for d in self.delays)
        out["idle_cpu"] = self.idle
        return {k: round(v, 3) for k, v in out.items()}

    def summary(self):
        keys = ("guest", "params", "argv", "qemu", "cpu", "kernel", "facts", "host",
                "duration_s")
        out = {k: self.record.get(k) for k in keys}
        out.update(size=self.size)
        return out


def judge(size, figures):
    lines = []
    for key, (how, bar) in BARS.items():
        if key not in figures:
            continue
        met = figures[key] <= bar if how == "<=" else figures[key] >= bar
        lines.append((f"{'PASS' if met else 'FAIL'} {size} CPUs {key} {figures[key]:.3f} "
                      f"(bar: {how} {bar:g})", met))
    return lines


def table(runs):
    print("\nMedians of the rounds; latency of a write in us, busy in CPUs of the guest:\n")
    rows = [("CPUs", "delay", "arm", *FIGURES, "spread")]
    for run in runs:
        for delay in run.delays:
            for arm in ARMS:
                means = run.values[arm, delay, "mean"]
                rows.append((str(run.size), str(delay), arm,
                             *(f"{run.median(arm, delay, f):.{3 if 'per' in f else 1}f}"
                               for f in FIGURES),
                             f"{(max(means) - min(means)) / statistics.median(means):.2f}"))
    print_rows(rows)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    p.add_argument("folder")
    p.add_argument("--out", required=True)
    p.add_argument("--delays", type=int, nargs="+", required=True)
    p.add_argument("--sizes", type=int, nargs="+", required=True)
    p.add_argument("--quick", action="store_true")
    opt = p.parse_args()

    good, void = load_runs([Run(size, opt.delays, os.path.abspath(opt.folder))
                            for size in opt.sizes])
    figures = {run.size: run.figures() for run in good}
    bars = [bar for size, f in figures.items() for bar in judge(size, f)]
    # The first size is the one that the project's figures are of.
    summary = dict(figures.get(opt.sizes[0], {}))
    for size, values in figures.items():
        summary.update({f"cpus{size}.{k}": v for k, v in values.items()})
    write_result(opt.out, {
        "summary": summary,
        **summary,
        "quick": opt.quick,
        "void": void,
        "bars": [{"text": text, "met": met} for text, met in bars],
        "host": {"cores": os.cpu_count(), "load": os.getloadavg()},
        "runs": [run.summary() for run in good],
        "values": {run.size: {f"{arm}.d{delay}.{figure}": values
                              for (arm, delay, figure), values in run.values.items()}
                   for run in good},
    })
    if good:
        table(good)
    return print_verdict("bench-cq", opt, good, bars, void)


if __name__ == "__main__":
    sys.exit(main())
