#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-wfx.sh to build/results/wfx.json and a table.

Reads on standard input which runs there must be (run|arms|cases|append) and finds each
one's run.json and bench.txt below the given folder. A run that is missing or failed
is void, and void is failure. Ratios are compared with the project's bars.
"""

import statistics
import sys

sys.dont_write_bytecode = True

from bench_common import bench_main, print_rows  # noqa: E402

BARS = [
    ("wfi_exits_ratio", "<=", 0),
    ("others_wfi_exits_ratio", ">=", 0.95),
    ("others_wfi_exits_ratio", "<=", 1.05),
    ("wake_p50_ratio", "<=", 0.5),
    ("vs_policy", "<=", 1.05),
]
ARMS = ("trapped", "masked", "policy")
WALL = ("timer", "ipi")
COUNTED = ("counted", "path")
CASES = (*WALL, *COUNTED)
# Instructions of one and the same way repeat: so many must be that near to their median, or
# something else was counted.
STEADY, NEAR = 0.75, 0.5


def worst(values):
    values = [v for v in values if v is not None]
    return max(values) if values else None


def steady(values):
    mid = statistics.median(values)
    return sum(abs(v - mid) <= NEAR * mid for v in values) >= STEADY * len(values)


def counted_ratio(fig, above, below):
    """Of wake-ups in instructions, of the worst case; None where one of them does not repeat."""
    ratios = []
    for case in COUNTED:
        ratio = fig.ratio(case, above, below, "late_p50_ns")
        if ratio is None:
            continue
        if not all(steady(fig.of(case, arm, "late_p50_ns")) for arm in (above, below)):
            return None
        ratios.append(ratio)
    return worst(ratios)


def reduce_rounds(fig):
    """Ratios; of several cases the worst."""
    out = {
        "wfi_exits_ratio": worst(fig.sum_ratio(c, "masked", "trapped", "wfi_exits")
                                 for c in (*WALL, "counted")),
        "others_wfi_exits_ratio": fig.sum_ratio("other", "masked", "trapped", "wfi_exits"),
        # Of a timer and of an IPI, in instructions, which are the same in each run.
        "wake_p50_ratio": counted_ratio(fig, "masked", "trapped"),
        "wall_wake_p50_ratio": worst(fig.ratio(c, "masked", "trapped", "late_p50_ns")
                                     for c in WALL),
        # Boots are compared here.
        "vs_policy": counted_ratio(fig, "masked", "policy"),
        "wall_vs_policy": worst(fig.ratio(c, "masked", "policy", "late_p50_ns") for c in WALL),
    }
    for case in CASES:
        for arm in ARMS:
            for key in ("late_p50_ns", "late_p99_ns", "late_mean_ns", "cpu_us", "exits",
                        "wfi_exits", "sender", "woken"):
                out[f"{case}.{arm}.{key}"] = fig.median(case, arm, key)
        out[f"{case}.wake_p50_ratio"] = fig.ratio(case, "masked", "trapped", "late_p50_ns")
        out[f"{case}.vs_policy"] = fig.ratio(case, "masked", "policy", "late_p50_ns")
        out[f"{case}.cpu_ratio"] = fig.ratio(case, "masked", "trapped", "cpu_us")
    return out


def bars_of(summary, void):
    # A kernel without that policy has none to be compared with.
    there = "counted.policy.late_p50_ns" in summary
    return [bar for bar in BARS if bar[0] != "vs_policy" or there or void]


def table(fig, _summary):
    print("\nMedians of the rounds; us are of the emulator, of counted and path thousands of\n"
          "instructions; exits per tick or round trip:\n")
    rows = [("case", "arm", "wake-up p50", "p99", "spread", "WFI exits", "host CPU us")]
    for case in (*WALL, "counted"):
        for arm in ARMS:
            if not fig.of(case, arm, "done"):
                continue
            rows.append((case, arm, *(f"{fig.median(case, arm, k) / 1000:.1f}"
                                      for k in ("late_p50_ns", "late_p99_ns")),
                         f"{fig.spread(case, arm, 'late_p50_ns'):.2f}",
                         f"{sum(fig.of(case, arm, 'wfi_exits')) / sum(fig.of(case, arm, 'done')):.4f}",
                         f"{fig.median(case, arm, 'cpu_us'):.0f}"))
    print_rows(rows)
    rows = [("path of an IPI", "wake-ups", "sender", "woken", "together", "spread")]
    for arm in ARMS:
        if fig.of("path", arm, "done"):
            rows.append((arm, str(len(fig.of("path", arm, "done"))),
                         *(f"{fig.median('path', arm, k):.0f}"
                           for k in ("sender", "woken", "late_p50_ns")),
                         f"{fig.spread('path', arm, 'late_p50_ns'):.2f}"))
    print_rows(rows)


if __name__ == "__main__":
    sys.exit(bench_main("bench-wfx", __doc__, reduce_rounds, bars_of, table))
