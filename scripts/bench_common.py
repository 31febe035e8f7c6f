# SPDX-License-Identifier: GPL-2.0
"""What the reducers of the benchmarks have in common."""

import contextlib
import json
import os


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


def write_result(path, result):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


def print_verdict(name, opt, good, bars, void):
    """The last lines of every reducer; returns its exit status."""
    if opt.quick:
        print("quick run: too few rounds for a claim")
    for text, _ in bars:
        print(text)
    for text in void:
        print(f"VOID {text}")
    print(f"{name}: {len(good)} runs, {len(void)} void; figures in {os.path.relpath(opt.out)}")
    return 1 if void else 0
