#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-vtimer.sh to build/results/vtimer.json and a table.

Reads on standard input which runs there must be (run|arms|cases|append) and finds each
one's run.json and bench.txt below the given folder. A run that is missing or failed
is void, and void is failure. Figures are compared with the project's bars.
"""

import sys

sys.dont_write_bytecode = True

from bench_common import bench_main, print_rows  # noqa: E402

ARMS = ("tied", "storm", "masked")


def per_tick(fig, arm, *keys):
    """Sum of such figures per tick, of all rounds."""
    ticks = sum(fig.of("exits", arm, "done"))
    if not ticks:
        return None
    return round(sum(sum(fig.of("exits", arm, key)) for key in keys) / ticks, 3)


def reduce_rounds(fig):
    out = {}
    for arm in ARMS:
        # Because of the timer's interrupt, and because of an EOI that does not reach it.
        out[f"{arm}.exits_per_tick"] = per_tick(fig, arm, "timer_exits", "eoi_exits")
        out[f"{arm}.eoi_exits_per_tick"] = per_tick(fig, arm, "eoi_exits")
        out[f"{arm}.interrupts_per_tick"] = per_tick(fig, arm, "vtimer_irqs")
        out[f"{arm}.all_exits_per_tick"] = per_tick(fig, arm, "exits")
        out[f"{arm}.delay_instructions"] = fig.median("counted", arm, "late_p50_ns")
        out[f"{arm}.delay_p50_ns"] = fig.median("delay", arm, "late_p50_ns")
    out["delay_ratio"] = fig.ratio("counted", "masked", "storm", "late_p50_ns")
    out["delay_vs_tied"] = fig.ratio("counted", "masked", "tied", "late_p50_ns")
    out["wall_delay_ratio"] = fig.ratio("delay", "masked", "storm", "late_p50_ns")
    for case in ("exits", "ticks"):
        for key in ("done", "lost", "extra"):
            name = f"{key}_ticks" if key != "done" else "ticks"
            out[name] = out.get(name, 0) + sum(fig.of(case, "masked", key))
    return out


def bars_of(summary, _void):
    most = summary.get("tied.exits_per_tick", 0) + 1.05
    return [
        ("storm.exits_per_tick", ">=", 20),
        ("masked.exits_per_tick", "<=", round(most, 3)),
        ("delay_ratio", "<=", 0.5),
        ("lost_ticks", "<=", 0),
        ("extra_ticks", "<=", 0),
    ]


def table(fig, summary):
    print("\nPer tick:\n")
    rows = [("arm", "timer exits", "of these EOI", "timer interrupts", "all exits")]
    for arm in ARMS:
        if fig.of("exits", arm, "done"):
            rows.append((arm, *(f"{summary[f'{arm}.{k}']:.3f}" for k in
                                ("exits_per_tick", "eoi_exits_per_tick",
                                 "interrupts_per_tick", "all_exits_per_tick"))))
    print_rows(rows)
    print("From a request to its answer, medians of the rounds:\n")
    rows = [("arm", "instructions", "spread", "us of the emulator, 2 CPUs", "spread")]
    for arm in ARMS:
        if fig.of("counted", arm, "done") and fig.of("delay", arm, "done"):
            rows.append((arm, f"{summary[f'{arm}.delay_instructions']:.0f}",
                         f"{fig.spread('counted', arm, 'late_p50_ns'):.3f}",
                         f"{summary[f'{arm}.delay_p50_ns'] / 1000:.1f}",
                         f"{fig.spread('delay', arm, 'late_p50_ns'):.2f}"))
    print_rows(rows)
    print(f"{summary['ticks']} ticks with the mask: {summary['lost_ticks']} lost, "
          f"{summary['extra_ticks']} extra")


if __name__ == "__main__":
    sys.exit(bench_main("bench-vtimer", __doc__, reduce_rounds, bars_of, table))
