#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-cq.sh to build/results/cq.json and a table.

Finds run.json and cq.txt of each size of guest below the given folder. What is missing
or failed is void, and void is failure. Figures are medians of the rounds; ratios are
ours / native at the same delay of events, lower is better (iops4_ratio, writes a second
of four writers: higher is better). "recovered" is the share of what the delay costs that
polling wins back. With --sweep the arms are values of idle_us, and there are several
pauses between the writes: a table, without bars.
"""

import itertools
import statistics
import sys

sys.dont_write_bytecode = True

from bench_common import (Run, Void, judge_bars, load_runs, parse_options,  # noqa: E402
                          parse_words, print_rows, print_verdict, write_result)

FIGURES = ("mean", "p50", "p99", "iops", "events_per_io", "busy", "poller")
DIGITS = {"events_per_io": 3, "busy": 2, "poller": 2}
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


class CqRun(Run):
    """One boot."""

    FIGURES = "cq.txt"

    def __init__(self, size, opt):
        super().__init__(str(size), opt.folder)
        self.size, self.delays = size, opt.delays
        self.arms, self.pauses = opt.arms, opt.pauses
        self.values, self.many, self.idle = {}, {}, None
        self.many_delays, self.rounds = opt.many, opt.rounds

    def title(self):
        return f"{self.size} CPUs"

    def add_figures(self, text):
        for line in text.splitlines():
            words = parse_words(line)
            if "idle_ticks" in words:
                self.idle = words["idle_ticks"] / words["of"]
                continue
            self._check_arm(words)
            if "writers" in words:
                self.many.setdefault((words["arm"], words["delay"]), []).append(words["iops"])
            else:
                self._add(words)

    def check_complete(self):
        for arm, delay, pause in itertools.product(self.arms, self.delays, self.pauses):
            if len(self.values.get((arm, delay, pause, "mean"), [])) != self.rounds:
                raise Void(f"figures of {arm} with {delay} us, pause {pause} us, are missing")
        for arm, delay in itertools.product(self.arms, self.many_delays):
            iops = self.many.get((arm, delay), [])
            if len(iops) != self.rounds or not all(iops):
                raise Void(f"writes a second of {arm} with {delay} us are missing")
        if self.idle is None:
            raise Void("the idle mount was not measured")
        # A knob counts only if a counter shows that it took effect.
        for delay in self.delays:
            if min(self.median("native", delay, "events_per_io", p) for p in self.pauses) < 0.5:
                raise Void(f"hardly any events without polling ({delay} us)")
            if delay and 0 in self.delays and any(
                    self.median("native", delay, "mean", p) <= self.median("native", 0, "mean", p)
                    for p in self.pauses):
                raise Void(f"events that come {delay} us late cost nothing")

    @staticmethod
    def _check_arm(words):
        """Who polls finds completions, and nobody else does."""
        arm, polled = words["arm"], words["polled"]
        if (polled > 0) if arm == "native" else (polled < words["ops"]):
            raise Void(f"{arm} with {words['delay']} us: {polled:.0f} completions polled, "
                       f"{words['ops']:.0f} writes")

    def _add(self, words):
        values = {
            "mean": words["mean"], "p50": words["p50"], "p99": words["p99"],
            "iops": 1e6 / words["mean"],
            "events_per_io": words["events"] / (words["ops"] + PREPARED),
            "busy": words["busy"] / TICKS / words["wall"],
            "poller": words["poller"] / TICKS / words["wall"],
        }
        for figure, value in values.items():
            key = words["arm"], words["delay"], words.get("pause", 0), figure
            self.values.setdefault(key, []).append(value)

    def median(self, arm, delay, figure, pause=0):
        return statistics.median(self.values[arm, delay, pause, figure])

    def figures(self):
        """The project's figures of this boot."""
        out = {}
        base = self.median("native", 0, "mean")
        for delay in self.delays:
            native, ours = (self.median(arm, delay, "mean") for arm in ("native", "hybrid"))
            out[f"d{delay}.mean_ratio"] = ours / native
            out[f"d{delay}.p99_ratio"] = (self.median("hybrid", delay, "p99") /
                                          self.median("native", delay, "p99"))
            for arm in self.arms[2:]:
                out[f"d{delay}.{arm}_ratio"] = self.median(arm, delay, "mean") / native
            if delay:
                out[f"d{delay}.recovered"] = (native - ours) / (native - base)
        for delay in self.many_delays:
            out[f"d{delay}.iops4_ratio"] = (statistics.median(self.many["hybrid", delay]) /
                                            statistics.median(self.many["native", delay]))
        out["events_per_io"] = max(self.median("hybrid", d, "events_per_io")
                                   for d in self.delays)
        out["idle_cpu"] = self.idle
        return {k: round(v, 3) for k, v in out.items()}

    def own_summary(self):
        return {"size": self.size}


def bars_of(summary):
    """Of each size; --quick has fewer delays."""
    for key in summary:
        size, _, name = key.partition(".")
        if size.startswith("cpus") and name in BARS:
            yield key, *BARS[name]


def spread(values):
    """Of the rounds."""
    return f"{(max(values) - min(values)) / statistics.median(values):.2f}"


def table(runs):
    print("\nMedians of the rounds; latency of a write in us, busy and poller in CPUs of the "
          "guest:\n")
    rows = [("CPUs", "delay", "pause", "arm", *FIGURES, "spread")]
    for run in runs:
        for delay, pause, arm in itertools.product(run.delays, run.pauses, run.arms):
            means = run.values[arm, delay, pause, "mean"]
            rows.append((str(run.size), str(delay), str(pause), arm,
                         *(f"{run.median(arm, delay, f, pause):.{DIGITS.get(f, 1)}f}"
                           for f in FIGURES),
                         spread(means)))
    print_rows(rows)
    rows = [("CPUs", "delay", "arm", "iops", "spread")]
    for run in runs:
        for delay, arm in itertools.product(run.many_delays, run.arms):
            iops = run.many[arm, delay]
            rows.append((str(run.size), str(delay), arm, f"{statistics.median(iops):.0f}",
                         spread(iops)))
    if len(rows) > 1:
        print("\nWrites a second of four writers:\n")
        print_rows(rows)


def main():
    numbers = {"type": int, "nargs": "+", "required": True}
    opt = parse_options(__doc__, ("--delays", numbers), ("--sizes", numbers),
                        ("--pauses", numbers), ("--arms", {"nargs": "+", "required": True}),
                        ("--many", {"type": int, "nargs": "*", "default": []}),
                        ("--rounds", {"type": int, "required": True}),
                        ("--sweep", {"action": "store_true"}))
    good, void = load_runs([CqRun(size, opt) for size in opt.sizes])
    figures = {} if opt.sweep else {run.size: run.figures() for run in good}
    # The first size is the one that the project's figures are of.
    summary = dict(figures.get(opt.sizes[0], {}))
    for size, values in figures.items():
        summary.update({f"cpus{size}.{k}": v for k, v in values.items()})
    bars = judge_bars(summary, bars_of(summary))
    write_result(opt, good, void, bars, summary, **summary,
                 values={run.size: {f"{arm}.d{delay}.p{pause}.{figure}": values
                                    for (arm, delay, pause, figure), values
                                    in run.values.items()}
                         for run in good},
                 writers4={run.size: {f"{arm}.d{delay}.iops": values
                                      for (arm, delay), values in run.many.items()}
                           for run in good})
    if good:
        table(good)
    return print_verdict("bench-cq", opt, good, bars, void)


if __name__ == "__main__":
    sys.exit(main())
