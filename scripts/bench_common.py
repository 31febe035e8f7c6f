# SPDX-License-Identifier: GPL-2.0
"""What the reducers of the benchmarks have in common."""

import argparse
import contextlib
import json
import os
import statistics
import sys


class Void(Exception):
    """This run proves nothing; the text says why."""


def load_record(folder):
    """What vm-run recorded of a run; Void unless the run was a success."""
    try:
        with open(os.path.join(folder, "run.json"), encoding="utf-8") as f:
            record = json.load(f)
    except (OSError, ValueError) as err:
        raise Void(f"there is no record of it ({err})") from err
    if not record.get("success"):
        raise Void("; ".join(f"{p['kind']}: {p['detail']}"
                             for p in record.get("problems", [])) or "it failed")
    return record


def read_figures(folder, name):
    """Text of the file that the guest handed over."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            return f.read()
    except OSError as err:
        raise Void("the guest handed over no figures") from err


def read_host_busy(folder):
    """Percent that the host was busy before the run, or None."""
    with contextlib.suppress(OSError, ValueError):
        with open(os.path.join(folder, "host_busy"), encoding="utf-8") as f:
            return int(f.read())
    return None


def number(text):
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def parse_words(line):
    """The key=value words of a line, numbers as numbers."""
    return {k: number(v) for k, v in
            (word.split("=", 1) for word in line.split() if "=" in word)}


def judge_bars(summary, bars):
    """The bars (key, "<=" or ">=", value) as (text, met); met is None without a figure."""
    lines = []
    for key, how, bar in bars:
        value, met = summary.get(key), None
        if value is not None:
            met = value <= bar if how == "<=" else value >= bar
        shown = "missing" if value is None else f"{value:g}"
        lines.append((f"{'PASS' if met else 'FAIL'} {key} {shown} (bar: {how} {bar:g})", met))
    return lines


class Run:
    """One boot: what vm-run recorded of it, and what the guest handed over."""

    FIGURES = "bench.txt"

    def __init__(self, name, folder):
        self.name, self.folder = name, os.path.join(folder, name)
        self.record, self.host_busy = {}, None

    def title(self):
        return self.name

    def load(self):
        """Read it; Void where it proves nothing."""
        self.record = load_record(self.folder)
        self.host_busy = read_host_busy(self.folder)
        self.add_figures(read_figures(self.folder, self.FIGURES))
        self.check_complete()

    def add_figures(self, text):
        raise NotImplementedError

    def check_complete(self):
        raise NotImplementedError

    def own_summary(self):
        """What is told of this kind of run alone."""
        return {"run": self.name}

    def summary(self):
        keys = ("guest", "params", "argv", "qemu", "cpu", "kernel", "accel", "facts", "host",
                "heartbeat", "duration_s")
        return {**{k: self.record.get(k) for k in keys}, "host_busy_percent": self.host_busy,
                **self.own_summary()}


class ArmsRun(Run):
    """A boot in which arms were measured round by round: name|arms|cases|kernel words.

    Each line of its bench.txt has case=, arm= and round=, and figures. Of each of the cases
    there must be some for every arm; of CASE:ARM for that arm alone.
    """

    def __init__(self, spec, folder):
        name, arms, cases, self.append = spec.rstrip("\n").split("|")
        super().__init__(name, folder)
        self.arms, self.rounds = arms.split(), []
        self.needed = [(case, arm) for case, _, only in
                       (word.partition(":") for word in cases.split())
                       for arm in (only.split() or self.arms)]
        self.cases = list(dict.fromkeys(case for case, _ in self.needed))

    def add_figures(self, text):
        self.rounds = [dict(parse_words(line), run=self.name) for line in text.splitlines()]

    def check_complete(self):
        for case, arm in self.needed:
            if not any(r["arm"] == arm and r["case"] == case for r in self.rounds):
                raise Void(f"figures of {arm} {case} are missing")

    def own_summary(self):
        return {"run": self.name, "append": self.append}


class Rounds:
    """All rounds of some ArmsRuns, reduced on demand."""

    def __init__(self, runs):
        self.rounds = [r for run in runs for r in run.rounds]

    def of(self, case, arm, key):
        return [r[key] for r in self.rounds
                if r["case"] == case and r["arm"] == arm and key in r]

    def median(self, case, arm, key):
        values = self.of(case, arm, key)
        return statistics.median(values) if values else None

    def spread(self, case, arm, key):
        """(highest - lowest) / median of the rounds."""
        values = self.of(case, arm, key)
        return (max(values) - min(values)) / statistics.median(values)

    def ratio(self, case, above, below, key):
        a, b = self.median(case, above, key), self.median(case, below, key)
        return round(a / b, 4) if a is not None and b else None

    def sum_ratio(self, case, above, below, key):
        a, b = sum(self.of(case, above, key)), sum(self.of(case, below, key))
        return round(a / b, 4) if b else None


def load_runs(runs):
    """(those that prove something, why the others do not); a run has load() and title()."""
    good, void = [], []
    for run in runs:
        try:
            run.load()
            good.append(run)
        except Void as err:
            void.append(f"{run.title()}: {err}")
    return good, void


def print_rows(rows):
    """Columns as wide as they need to be, and an empty line."""
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())
    print()


def parse_options(doc, *more):
    """The words of a reducer; more: (name, what add_argument() takes) of its own.

    The folder becomes absolute.
    """
    p = argparse.ArgumentParser(description=doc.splitlines()[0], allow_abbrev=False)
    p.add_argument("folder", type=os.path.abspath)
    p.add_argument("--out", required=True)
    p.add_argument("--quick", action="store_true")
    for name, how in more:
        p.add_argument(name, **how)
    return p.parse_args()


def write_result(opt, good, void, bars, summary, **more):
    with open(opt.out, "w", encoding="utf-8") as f:
        json.dump({
            "summary": summary,
            "quick": opt.quick,
            "void": void,
            "bars": [{"text": text, "met": met} for text, met in bars],
            "host": {"cores": os.cpu_count(), "load": os.getloadavg()},
            "runs": [run.summary() for run in good],
            **more,
        }, f, indent=1)
        f.write("\n")


def print_verdict(name, opt, good, bars, void):
    """The last lines of every reducer; returns its exit status.

    A missing figure is failure, a bar that is not met is not.
    """
    if opt.quick:
        print("quick run: too few rounds for a claim")
    for text, _ in bars:
        print(text)
    for text in void:
        print(f"VOID {text}")
    print(f"{name}: {len(good)} runs, {len(void)} void; figures in {os.path.relpath(opt.out)}")
    return 1 if void or any(met is None for _, met in bars) else 0


def bench_main(name, doc, reduce_rounds, bars_of, table):
    """What a reducer of ArmsRuns does; returns its exit status.

    reduce_rounds(fig) makes the summary of all Rounds, bars_of(summary, void) the bars,
    table(fig, summary) prints what people read.
    """
    opt = parse_options(doc)
    good, void = load_runs([ArmsRun(line, opt.folder) for line in sys.stdin if line.strip()])
    fig = Rounds(good)
    summary = {k: v for k, v in reduce_rounds(fig).items() if v is not None}
    bars = judge_bars(summary, bars_of(summary, void))
    write_result(opt, good, void, bars, summary, rounds=fig.rounds)
    table(fig, summary)
    return print_verdict(name, opt, good, bars, void)
