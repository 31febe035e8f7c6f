#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-net.sh to build/results/net.json, a chart and a table.

Reads on standard input which runs there must be (mode|guest|dma) and finds each
one's run.json and net.txt below the given folder. What is missing or failed is
void, and void is failure. Ratios (ours / in-tree, of the medians) are compared
with the project's bars.
"""

import json
import re
import statistics
import sys

sys.dont_write_bytecode = True

from bench_common import (Run, Void, judge_bars, load_runs, parse_options,  # noqa: E402
                          print_rows, print_verdict, write_result)

OURS, STOCK = "virtio_net_cvm", "virtio_net"
# Figures and their units; those with "lat" in the name are better when lower.
FIGURES = {
    "tcp1_tx": "Mbit/s",
    "tcp1_rx": "Mbit/s",
    "tcp4_tx": "Mbit/s",
    "tcp4_rx": "Mbit/s",
    "udp64_tx": "packets/s",
    "udp64_rx": "packets/s",
    "lat_pingpong_p50": "us",
    "lat_pingpong_p99": "us",
    "lat_load_p50": "us",
    "lat_load_p99": "us",
}
LEAST, MOST_LATENCY = 0.97, 1.03
LEAST_CVM_UDP_TX = 1.15
BUSY_PERCENT = 10


def iperf_figure(case, text):
    """What the receiver got, in the unit of the case."""
    try:
        end = json.loads(text[text.index("{"):])["end"]
        if case.startswith("udp"):
            total = end["sum"]
            return (total["packets"] - total["lost_packets"]) / total["seconds"]
        return end["sum_received"]["bits_per_second"] / 1e6
    except (ValueError, KeyError, ZeroDivisionError) as err:
        raise Void(f"{case}: iperf3 gave no result ({err})") from err


def sockperf_figures(case, text):
    out = {}
    for percent in (50, 99):
        m = re.search(rf"percentile {percent}\.0+ *= *([0-9.]+)", text)
        if not m:
            raise Void(f"{case}: sockperf gave no percentile {percent}")
        out[f"{case}_p{percent}"] = float(m.group(1))
    return out


class NetRun(Run):
    """A boot: mode|guest|dma."""

    FIGURES = "net.txt"

    def __init__(self, spec, folder):
        self.mode, self.guest, self.dma = spec.strip().split("|")
        super().__init__(self.mode, folder)
        self.values = {}

    def add_figures(self, text):
        for block in text.split("== arm=")[1:]:
            head, _, output = block.partition("\n")
            words = dict(word.split("=", 1) for word in f"arm={head}".split())
            self._add(words["arm"], words["case"], output)

    def check_complete(self):
        for arm in (OURS, STOCK):
            for figure in FIGURES:
                if not self.values.get((arm, figure)):
                    raise Void(f"figures of {arm} {figure} are missing")

    def _add(self, arm, case, text):
        if case.startswith("lat"):
            figures = sockperf_figures(case, text)
        else:
            figures = {case: iperf_figure(case, text)}
        for figure, value in figures.items():
            self.values.setdefault((arm, figure), []).append(value)

    def median(self, arm, figure):
        return statistics.median(self.values[arm, figure])

    def ratio(self, figure):
        return self.median(OURS, figure) / self.median(STOCK, figure)

    def spread(self, arm, figure):
        values = self.values[arm, figure]
        return (max(values) - min(values)) / statistics.median(values)

    def separated(self, figure):
        """Do the rounds of the two drivers not overlap?"""
        a, b = self.values[OURS, figure], self.values[STOCK, figure]
        return min(a) > max(b) or max(a) < min(b)

    def own_summary(self):
        return {"mode": self.mode}


def summarise(runs):
    out = {}
    for mode, run in runs.items():
        for figure in FIGURES:
            out[f"{mode}.{figure}_ratio"] = round(run.ratio(figure), 3)
    return out


def bar_of(key):
    if "lat" in key.split(".")[1]:
        return key, "<=", MOST_LATENCY
    return key, ">=", LEAST_CVM_UDP_TX if key == "cvm.udp64_tx_ratio" else LEAST


def table(runs):
    print("\nMedians of the rounds; spread is (highest - lowest) / median:\n")
    rows = [("mode", "figure", "unit", STOCK, OURS, "ratio", "spread")]
    for mode, run in runs.items():
        for figure, unit in FIGURES.items():
            rows.append((mode, figure, unit,
                         f"{run.median(STOCK, figure):.1f}", f"{run.median(OURS, figure):.1f}",
                         f"{run.ratio(figure):.3f}",
                         f"{run.spread(STOCK, figure):.2f}/{run.spread(OURS, figure):.2f}"
                         + ("" if run.separated(figure) else "  rounds overlap")))
    print_rows(rows)


def chart(runs, path):
    """Horizontal bars of the ratios, a whisker from lowest to highest round."""
    left, width, step, top = 190, 420, 22, 46
    rows = [(mode, figure) for mode in runs for figure in FIGURES]
    scale = max([2.0] + [max(runs[m].values[OURS, f]) / runs[m].median(STOCK, f)
                         for m, f in rows])

    def x(value):
        return left + width * min(value, scale) / scale

    height = top + step * len(rows) + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" '
           f'height="{height}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="10" y="18" font-size="14">{OURS} / {STOCK}</text>',
           '<text x="10" y="35" fill="#555">green: throughput, longer is better; '
           'blue: latency, shorter is better</text>']
    for i, (mode, figure) in enumerate(rows):
        run, y = runs[mode], top + step * i
        base = run.median(STOCK, figure)
        low, high = (f(run.values[OURS, figure]) / base for f in (min, max))
        colour = "#4a7fb5" if "lat" in figure else "#5a9e5a"
        out += [f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{mode} {figure}</text>',
                f'<rect x="{left}" y="{y + 3}" width="{x(run.ratio(figure)) - left:.1f}" '
                f'height="{step - 8}" fill="{colour}"/>',
                f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y + 10}" y2="{y + 10}" '
                'stroke="black"/>',
                f'<text x="{x(high) + 6:.1f}" y="{y + 14}">{run.ratio(figure):.2f}</text>']
    out += [f'<line x1="{x(1):.1f}" x2="{x(1):.1f}" y1="{top}" y2="{height - 20}" '
            'stroke="#c33" stroke-dasharray="4 3"/>',
            f'<text x="{x(1):.1f}" y="{height - 6}" text-anchor="middle">1</text>', '</svg>']
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


def main():
    opt = parse_options(__doc__, ("--chart", {"required": True}))
    good, void = load_runs([NetRun(spec, opt.folder) for spec in sys.stdin])
    runs = {run.mode: run for run in good}
    summary = summarise(runs)
    bars = judge_bars(summary, map(bar_of, summary))
    write_result(opt, good, void, bars, summary,
                 rounds_overlap=[f"{m}.{f}" for m, run in runs.items() for f in FIGURES
                                 if not run.separated(f)],
                 values={mode: {f"{arm}.{figure}": values
                                for (arm, figure), values in run.values.items()}
                         for mode, run in runs.items()})
    if runs:
        chart(runs, opt.chart)
        table(runs)
    for run in runs.values():
        if run.host_busy is not None and run.host_busy > BUSY_PERCENT:
            print(f"the host was {run.host_busy} % busy before {run.mode}: these are no claims")
    return print_verdict("bench-net", opt, runs, bars, void)


if __name__ == "__main__":
    sys.exit(main())
