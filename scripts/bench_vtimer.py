#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the run of bench-vtimer.sh to build/results/vtimer.json and a table.

Reads on standard input which runs there must be (run|arms|append) and finds each
one's run.json and bench.txt below the given folder. A run that is missing or failed
is void, and void is failure. Figures are compared with the project's bars.
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True

from bench_common import (ArmsRun, Rounds, judge_bars, load_runs, print_rows,  # noqa: E402
                          print_verdict, write_result)

ARMS = ("tied", "storm", "masked")


def per_tick(fig, arm, *keys):
    """Sum of such figures per tick, of all rounds."""
    ticks = sum(fig.of("exits", arm, "done"))
    if not ticks:
        return None
    return round(sum(sum(fig.of("exits", arm, key)) for key in keys) / ticks, 3)


def summarise(fig):
    out = {}
    for arm in ARMS:
        # Because of the timer's interrupt, and because of an EOI that does not reach it.
        out[f"{arm}.exits_per_tick"] = per_tick(fig, arm, "timer_exits", "eoi_exits")
        out[f"{arm}.eoi_exits_per_tick"] = per_tick(fig, arm, "eoi_exits")
        out[f"{arm}.interrupts_per_tick"] = per_tick(fig, arm, "vtimer_irqs")
        out[f"{arm}.all_exits_per_tick"] = per_tick(fig, arm, "exits")
        out[f"{arm}.delay_p50_ns"] = fig.median("delay", arm, "late_p50_ns")
        out[f"{arm}.late_p50_ns"] = fig.median("exits", arm, "late_p50_ns")
    out["delay_ratio"] = fig.ratio("delay", "masked", "storm", "late_p50_ns")
    out["delay_vs_tied"] = fig.ratio("delay", "masked", "tied", "late_p50_ns")
    for case in ("exits", "ticks"):
        for key in ("done", "lost", "extra"):
            name = f"{key}_ticks" if key != "done" else "ticks"
            out[name] = out.get(name, 0) + sum(fig.of(case, "masked", key))
    return {k: v for k, v in out.items() if v is not None}


def bars_of(summary):
    most = summary.get("tied.exits_per_tick", 0) + 1.05
    return [
        ("storm.exits_per_tick", ">=", 20),
        ("masked.exits_per_tick", "<=", round(most, 3)),
        ("delay_ratio", "<=", 0.5),
        ("lost_ticks", "<=", 0),
        ("extra_ticks", "<=", 0),
    ]


def table(fig, summary):
    print("\nPer tick, and from a request to its answer (us of the emulator):\n")
    rows = [("arm", "timer exits", "of these EOI", "timer interrupts", "all exits", "delay p50",
             "spread")]
    for arm in ARMS:
        if not fig.of("exits", arm, "done") or not fig.of("delay", arm, "done"):
            continue
        rows.append((arm, *(f"{summary[f'{arm}.{k}']:.3f}" for k in
                            ("exits_per_tick", "eoi_exits_per_tick", "interrupts_per_tick",
                             "all_exits_per_tick")),
                     f"{summary[f'{arm}.delay_p50_ns'] / 1000:.1f}",
                     f"{fig.spread('delay', arm, 'late_p50_ns'):.2f}"))
    print_rows(rows)
    print(f"{summary['ticks']} ticks with the mask: {summary['lost_ticks']} lost, "
          f"{summary['extra_ticks']} extra")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    p.add_argument("folder")
    p.add_argument("--out", required=True)
    p.add_argument("--quick", action="store_true")
    opt = p.parse_args()

    good, void = load_runs([ArmsRun(line, os.path.abspath(opt.folder), ("exits", "delay"))
                            for line in sys.stdin if line.strip()])
    fig = Rounds(good)
    summary = summarise(fig)
    bars = judge_bars(summary, bars_of(summary))
    write_result(opt.out, {
        "summary": summary,
        "quick": opt.quick,
        "void": void,
        "bars": [{"text": text, "met": met} for text, met in bars],
        "host": {"cores": os.cpu_count(), "load": os.getloadavg()},
        "runs": [run.summary() for run in good],
        "rounds": fig.rounds,
    })
    table(fig, summary)
    return print_verdict("bench-vtimer", opt, good, bars, void)


if __name__ == "__main__":
    sys.exit(main())
