#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-wfx.sh to build/results/wfx.json and a table.

Reads on standard input which runs there must be (run|arms|append) and finds each
one's run.json and bench.txt below the given folder. A run that is missing or failed
is void, and void is failure. Ratios are compared with the project's bars.
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True

from bench_common import (ArmsRun, Rounds, judge_bars, load_runs, print_rows,  # noqa: E402
                          print_verdict, write_result)

BARS = [
    ("wfi_exits_ratio", "<=", 0),
    ("others_wfi_exits_ratio", ">=", 0.95),
    ("others_wfi_exits_ratio", "<=", 1.05),
    ("wake_p50_ratio", "<=", 0.5),
    ("vs_policy", "<=", 1.05),
]
CASES = ("timer", "ipi")


def worst(values):
    values = [v for v in values if v is not None]
    return max(values) if values else None


def summarise(fig):
    """Ratios; of several cases the worst."""
    out = {
        "wfi_exits_ratio": worst(fig.sum_ratio(c, "masked", "trapped", "wfi_exits")
                                 for c in CASES),
        "others_wfi_exits_ratio": fig.sum_ratio("other", "masked", "trapped", "wfi_exits"),
        "wake_p50_ratio": worst(fig.ratio(c, "masked", "trapped", "late_p50_ns")
                                for c in CASES),
        "vs_policy": worst(fig.ratio(c, "masked", "policy", "late_p50_ns") for c in CASES),
    }
    for case in CASES:
        for arm in ("trapped", "masked", "policy"):
            for key in ("late_p50_ns", "late_p99_ns", "late_mean_ns", "cpu_us", "exits",
                        "wfi_exits"):
                out[f"{case}.{arm}.{key}"] = fig.median(case, arm, key)
        out[f"{case}.wake_p50_ratio"] = fig.ratio(case, "masked", "trapped", "late_p50_ns")
        out[f"{case}.vs_policy"] = fig.ratio(case, "masked", "policy", "late_p50_ns")
        out[f"{case}.cpu_ratio"] = fig.ratio(case, "masked", "trapped", "cpu_us")
    return {k: v for k, v in out.items() if v is not None}


def table(fig):
    print("\nMedians of the rounds; us are of the emulator, exits per tick or round trip:\n")
    rows = [("case", "arm", "wake-up p50", "p99", "spread", "WFI exits", "host CPU us")]
    for case in CASES:
        for arm in ("trapped", "masked", "policy"):
            if not fig.of(case, arm, "done"):
                continue
            rows.append((case, arm, *(f"{fig.median(case, arm, k) / 1000:.1f}"
                                      for k in ("late_p50_ns", "late_p99_ns")),
                         f"{fig.spread(case, arm, 'late_p50_ns'):.2f}",
                         f"{fig.median(case, arm, 'wfi_exits') / fig.median(case, arm, 'done'):.3f}",
                         f"{fig.median(case, arm, 'cpu_us'):.0f}"))
    print_rows(rows)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    p.add_argument("folder")
    p.add_argument("--out", required=True)
    p.add_argument("--quick", action="store_true")
    opt = p.parse_args()

    good, void = load_runs([ArmsRun(line, os.path.abspath(opt.folder), ("timer", "ipi"))
                            for line in sys.stdin if line.strip()])
    fig = Rounds(good)
    summary = summarise(fig)
    bars = judge_bars(summary, [bar for bar in BARS
                                if bar[0] != "vs_policy" or "vs_policy" in summary or void])
    write_result(opt.out, {
        "summary": summary,
        "quick": opt.quick,
        "void": void,
        "bars": [{"text": text, "met": met} for text, met in bars],
        "host": {"cores": os.cpu_count(), "load": os.getloadavg()},
        "runs": [run.summary() for run in good],
        "rounds": fig.rounds,
    })
    table(fig)
    return print_verdict("bench-wfx", opt, good, bars, void)


if __name__ == "__main__":
    sys.exit(main())
