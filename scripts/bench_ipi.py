#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the runs of bench-ipi.sh to build/results/ipi.json and a table.

Reads on standard input which runs there must be (arch|run|cpus|arms|modes|append)
and finds each one's run.json and bench.txt below the given folder. A run that is
missing, failed, or whose guest was not built like the others is void, and void is
failure. Ratios are compared with the project's bars and reported as lines.
"""

import os
import shlex
import statistics
import sys

sys.dont_write_bytecode = True

from bench_common import (Run, Void, judge_bars, load_runs, parse_options,  # noqa: E402
                          parse_words, print_rows, print_verdict, write_result)

# name in "summary", how it compares, bar
BARS = [
    ("{arch}.single.hard_per_call", "<=", 0.01),
    ("{arch}.many.hard_per_call", "<=", 0.01),
    ("{arch}.many3.hard_per_call", "<=", 0.01),
    ("{arch}.single.p50_ratio", ">=", 10),
    ("{arch}.wakeup.p50_ratio", ">=", 5),
    ("{arch}.single_slow.p50_ratio", ">=", 10),
    ("{arch}.wakeup_slow.p50_ratio", ">=", 5),
    ("x86_64.single.vs_idle_poll", "<=", 1.3),
]
MODES = ("single", "single_slow", "many", "many3", "wakeup", "wakeup_slow", "resched", "pipe")
TARGETS = {"many": 2, "many3": 3}
SPINNING = {"single": 2, "single_slow": 2, "wakeup": 2, "wakeup_slow": 2, "resched": 2, "pipe": 2, "many": 3, "many3": 4}
# With more than this going on beside them, polling vCPUs wait for the host's cores.
BUSY_PERCENT = 10
# A call's figure is its round trip; a pipe has only one.
PREFIX = {"pipe": ""}


class IpiRun(Run):
    """A boot: arch|run|cpus|arms|modes|append."""

    def __init__(self, spec, folder):
        self.arch, self.run, cpus, arms, modes, self.append = spec.rstrip("\n").split("|")
        super().__init__(f"{self.arch}-{self.run}", folder)
        self.cpus, self.arms, self.modes = int(cpus), arms.split(), modes.split()
        self.rounds, self.background, self.unavailable = [], [], ""

    def title(self):
        return f"{self.arch} {self.run}"

    def add_figures(self, text):
        merged = {}
        for line in text.splitlines():
            words = parse_words(line)
            if "unavailable" in words:
                self.unavailable = words["why"]
                continue
            if words.get("mode") == "background":
                self.background.append(words)
                continue
            key = (words["round"], words["arm"], words["mode"])
            merged.setdefault(key, {}).update(words)
        for entry in merged.values():
            entry.pop("counters", None)
            entry.update(arch=self.arch, run=self.run)
            self.rounds.append(entry)

    def check_complete(self):
        if self.unavailable:
            return
        for arm in self.arms:
            for mode in self.modes:
                got = [r for r in self.rounds if r["arm"] == arm and r["mode"] == mode]
                if not got or any("hard" not in r or p50(r) is None for r in got):
                    raise Void(f"figures of {arm} {mode} are missing")

    def normal_argv(self):
        """QEMU's arguments without this run's own paths and kernel words."""
        argv, words = [], []
        skip = iter(self.record["argv"])
        for arg in skip:
            if arg == "-append":
                words = shlex.split(next(skip))
                continue
            argv.append(arg.replace(self.folder, "RUN").replace(self.name, "RUN"))
        return argv, sorted(w for w in words if w not in self.append.split())

    def own_summary(self):
        return {"arch": self.arch, "run": self.run, "cpus": self.cpus, "append": self.append}


def p50(entry):
    return entry.get(PREFIX.get(entry["mode"], "rtt_") + "p50_ns")


def check_same_guest(runs):
    """Boots that are compared may differ only in the words asked for."""
    groups = {}
    for run in runs:
        groups.setdefault((run.arch, run.cpus), []).append(run)
    for group in groups.values():
        base = group[0].normal_argv()
        for run in group[1:]:
            got = run.normal_argv()
            if got != base:
                odd = set(map(str, got[0] + got[1])) ^ set(map(str, base[0] + base[1]))
                raise Void(f"{run.title()} was not built like {group[0].title()}: "
                           + " ".join(sorted(odd)))


class Figures:
    """All rounds of all runs, reduced on demand."""

    def __init__(self, runs):
        self.rounds = [r for run in runs for r in run.rounds]

    def of(self, arch, mode, arm, what=None):
        out = []
        for r in self.rounds:
            if (r["arch"], r["mode"], r["arm"]) == (arch, mode, arm):
                value = p50(r) if what is None else r.get(what)
                if value is not None:
                    out.append(value)
        return out

    def median(self, arch, mode, arm, what=None):
        values = self.of(arch, mode, arm, what)
        return statistics.median(values) if values else None

    def tail(self, arch, mode, arm, percent):
        return self.median(arch, mode, arm, PREFIX.get(mode, "rtt_") + f"p{percent}_ns")

    def ratio(self, arch, mode, above, below, what=None):
        a, b = self.median(arch, mode, above, what), self.median(arch, mode, below, what)
        return round(a / b, 3) if a and b else None

    def hard_per_call(self, arch, mode, arm):
        """Per call and target."""
        hard = sum(self.of(arch, mode, arm, "hard"))
        calls = sum(self.of(arch, mode, arm, "count")) * (2 if mode == "pipe" else 1)
        calls *= TARGETS.get(mode, 1)
        return round(hard / calls, 5) if calls else None

    def spread(self, arch, mode, arm):
        """(highest - lowest) / median of the rounds."""
        values = self.of(arch, mode, arm)
        return round((max(values) - min(values)) / statistics.median(values), 3) if values else None

    def separated(self, arch, mode):
        """Did every native round take longer than every soft one?"""
        native, soft = self.of(arch, mode, "native"), self.of(arch, mode, "soft")
        return min(native) > max(soft) if native and soft else None


def summarise(fig, arches):
    out = {}
    for arch in arches:
        for mode in MODES:
            if not fig.of(arch, mode, "soft"):
                continue
            if mode == "pipe":
                out[f"{arch}.pipe_ratio"] = fig.ratio(arch, mode, "native", "soft")
                out[f"{arch}.pipe.hard_per_call"] = fig.hard_per_call(arch, mode, "soft")
                continue
            base = f"{arch}.{mode}"
            # A reschedule has no answer: what its sender saves is no notification latency.
            if mode != "resched":
                out[f"{base}.p50_ratio"] = fig.ratio(arch, mode, "native", "soft")
                out[f"{base}.entry_p50_ratio"] = fig.ratio(arch, mode, "native", "soft",
                                                           "entry_p50_ns")
                out[f"{base}.soft_p50_ns"] = fig.median(arch, mode, "soft")
                out[f"{base}.native_p50_ns"] = fig.median(arch, mode, "native")
            out[f"{base}.hard_per_call"] = fig.hard_per_call(arch, mode, "soft")
            out[f"{base}.native_hard_per_call"] = fig.hard_per_call(arch, mode, "native")
        for arm in ("idle_poll", "haltpoll", "nohlt"):
            for mode in MODES:
                ratio = fig.ratio(arch, mode, "soft", arm)
                if ratio:
                    out[f"{arch}.{mode}.vs_{arm}"] = ratio
                    # What the kernel's own poll, which never needs an IPI, comes to.
                    out[f"{arch}.{mode}.{arm}_p50_ratio"] = fig.ratio(arch, mode, "native", arm)
    return out


def bars_of(arches):
    for name, how, bar in BARS:
        for arch in arches:
            if name.startswith(("{arch}.", f"{arch}.")):
                yield name.format(arch=arch), how, bar


def us(value):
    return "-" if value is None else f"{value / 1000:.1f}"


def table(fig, arches, runs):
    print("\nRound trip in us (p50/p99), hardware IPIs per call and target, medians of the rounds:\n")
    head = ("arch", "mode", "native", "soft", "ratio", "polling", "IPIs native", "IPIs soft",
            "spread")
    rows = [head]
    for arch in arches:
        polls = [a for a in ("idle_poll", "haltpoll", "nohlt") if fig.of(arch, "single", a)]
        for mode in MODES:
            if not fig.of(arch, mode, "native"):
                continue
            both = [f"{us(fig.median(arch, mode, a))}/{us(fig.tail(arch, mode, a, 99))}"
                    for a in ("native", "soft")]
            ratio = "-" if mode == "resched" else fig.ratio(arch, mode, "native", "soft")
            others = " ".join(f"{a}:{us(fig.median(arch, mode, a))}" for a in polls
                              if fig.of(arch, mode, a))
            rows.append((arch, mode, *both, str(ratio), others or "-",
                         str(fig.hard_per_call(arch, mode, "native")),
                         str(fig.hard_per_call(arch, mode, "soft")),
                         f"{fig.spread(arch, mode, 'native')}/{fig.spread(arch, mode, 'soft')}"))
    print_rows(rows)
    for run in runs:
        for b in run.background:
            print(f"background {run.title()} {b['arm']}: {b['hard_per_call']} hardware IPIs in the "
                  "time of a call")


def oversubscribed(arches):
    cores = os.cpu_count()
    return [f"{arch}.{mode}" for arch in arches for mode, n in SPINNING.items() if n > cores]


def main():
    opt = parse_options(__doc__)
    runs = [IpiRun(line, opt.folder) for line in sys.stdin if line.strip()]
    good, void = load_runs(runs)
    try:
        check_same_guest(good)
    except Void as err:
        void.append(str(err))

    arches = sorted({run.arch for run in runs}, reverse=True)
    fig = Figures(good)
    summary = summarise(fig, arches)
    bars = judge_bars(summary, bars_of(arches))
    missing = {f"{run.arch}.{run.run}": run.unavailable for run in good if run.unavailable}
    crowded = oversubscribed(arches)
    mixed = [f"{a}.{m}" for a in arches for m in MODES
             if fig.separated(a, m) is False]
    write_result(opt, good, void, bars, summary, unavailable=missing, oversubscribed=crowded,
                 spread_exceeds_effect=mixed,
                 background=[dict(b, arch=run.arch, run=run.run) for run in good
                             for b in run.background],
                 rounds=fig.rounds)
    table(fig, arches, good)
    if crowded:
        print("more spinning vCPUs than host cores, latency is no claim: " + " ".join(crowded))
    if mixed:
        print("spread exceeds the effect, no claim: " + " ".join(mixed))
    for run in good:
        if run.host_busy is not None and run.host_busy > BUSY_PERCENT:
            print(f"the host was {run.host_busy} % busy before {run.title()}: latency is no claim")
    for name, why in missing.items():
        print(f"not available here: {name} ({why})")
    return print_verdict("bench-ipi", opt, good, bars, void)


if __name__ == "__main__":
    sys.exit(main())
