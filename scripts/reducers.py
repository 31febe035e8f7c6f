#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the reducers of the benchmarks (scripts/bench_NAME.py) on recorded figures.

reducers.py check NAME            the recording gives the summary that stands beside it, and
                                  without any one of its figures the reducer fails
reducers.py record NAME FOLDER [OPTION...] <RUNS
                                  make that recording: of FOLDER below build/results, which
                                  the reducer was given with these options and that input
reducers.py update NAME           the recording stays; what the reducer makes of it is what
                                  must come out from now on

A recording is scripts/testdata/reducers/NAME: what the reducer reads, of the first rounds
only, its words (options), its input (runs), and the summary that must come out.
"""

import contextlib
import glob
import io
import json
import os
import re
import runpy
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
RECORDINGS = os.path.join(SCRIPTS, "testdata", "reducers")
ROUNDS = 2
# Of run.json what reducers look at.
KEPT = ("success", "guest", "params", "argv")
# What a row is of; rows that are alike in these go together. One without any has figures
# that nothing is derived from.
ROW = re.compile(r"\b(arm|case|mode|delay|size|writers)=(\S+)")
NOT_NEEDED = {("mode", "background")}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def write(text, *path):
    with open(os.path.join(*path), "w", encoding="utf-8") as f:
        f.write(text)


def reduce(name, folder, options, runs):
    """(exit status or exception, what the reducer wrote, what it said)"""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as tmp:
        out = os.path.join(tmp, "out.json")
        options = [o.replace("CHART", os.path.join(tmp, "chart.svg")) for o in options]
        old = sys.argv, sys.stdin
        sys.argv = [name, "--out", out, *options, "--", folder]
        sys.stdin = io.StringIO(runs)
        try:
            with contextlib.redirect_stdout(said):
                runpy.run_path(os.path.join(SCRIPTS, f"bench_{name}.py"), run_name="__main__")
            status = 0
        except SystemExit as err:
            status = err.code
        except Exception as err:  # pylint: disable=broad-except
            return f"{type(err).__name__} ({err})", {}, said.getvalue()
        finally:
            sys.argv, sys.stdin = old
        return status, json.loads(read(out)), said.getvalue()


def figure_files(folder):
    return sorted(os.path.join(where, file) for where, _, files in os.walk(folder)
                  for file in files if where != folder and file.endswith(".txt"))


def rows_of(path):
    """The rows of a file: lines, or blocks where each begins with '== '."""
    text = read(path)
    if text.startswith("== "):
        return re.split(r"(?m)^(?=== )", text)[1:]
    return text.splitlines(keepends=True)


def kind(row):
    return tuple(ROW.findall(row.split("\n", 1)[0]))


def differences(want, got):
    for key in sorted({*want, *got}):
        if want.get(key) != got.get(key):
            yield f"{key}: wanted {want.get(key, 'none')}, got {got.get(key, 'none')}"


def check(name):
    folder = os.path.join(RECORDINGS, name)
    if not os.path.isdir(folder):
        return [f"no recording of it: {os.path.relpath(folder)}"]
    options, runs = read(folder, "options").split(), read(folder, "runs")
    want = json.loads(read(folder, "summary.json"))
    status, result, said = reduce(name, folder, options, runs)
    problems = [f"ended with {status}: {said}"] if status else []
    problems += differences(want, result.get("summary", {}))
    problems += [bar["text"] for bar in result.get("bars", []) if " missing " in bar["text"]]
    return problems + list(unnoticed(name, folder, options, runs))


def unnoticed(name, folder, options, runs):
    """Drop each boot, and the rows of each kind, in turn: the reducer must end with status 1."""
    with tempfile.TemporaryDirectory() as tmp:
        status = reduce(name, tmp, options, runs)[0]
        if status != 1:
            yield f"without any boot: ended with {status}, not with 1"
        copy = os.path.join(tmp, "copy")
        shutil.copytree(folder, copy)
        for path in figure_files(copy):
            record = os.path.join(os.path.dirname(path), "run.json")
            os.rename(record, f"{record}.away")
            status = reduce(name, copy, options, runs)[0]
            if status != 1:
                yield f"without {os.path.relpath(record, copy)}: ended with {status}, not with 1"
            os.rename(f"{record}.away", record)
            rows = rows_of(path)
            for what in dict.fromkeys(map(kind, rows)):
                if not what or NOT_NEEDED & set(what):
                    continue
                write("".join(r for r in rows if kind(r) != what), path)
                status = reduce(name, copy, options, runs)[0]
                if status != 1:
                    yield (f"{os.path.relpath(path, copy)} without "
                           f"{' '.join(map('='.join, what))}: ended with {status}, not with 1")
            write("".join(rows), path)


def shorten(row):
    """Of a result of iperf3 its end, of anything else the lines with figures."""
    head, _, text = row.partition("\n")
    if not text:
        return row
    try:
        end = json.loads(text[text.index("{"):])["end"]
        kept = {k: end[k] for k in ("sum", "sum_sent", "sum_received") if k in end}
        return f"{head}\n{json.dumps({'end': kept})}\n"
    except ValueError:
        lines = [line for line in text.splitlines() if "percentile" in line]
        return "\n".join((head, *lines)) + "\n"


def early(row):
    number = re.search(r"\bround=(\d+)", row)
    return not number or int(number.group(1)) <= ROUNDS


def record_run(source, target):
    """One boot; its paths become RUN."""
    os.makedirs(target)
    run = json.loads(read(source, "run.json"))
    run = {key: run[key] for key in KEPT if key in run}
    argv = []
    for arg in run["argv"]:
        arg = arg.replace(os.path.abspath(source), "RUN")
        argv.append(re.sub(r"/\S*/(?=vmlinuz)", "", arg))
    run["argv"] = argv
    write(json.dumps(run, indent=1) + "\n", target, "run.json")
    for file in os.listdir(source):
        path = os.path.join(source, file)
        if file == "host_busy":
            shutil.copy(path, target)
        elif file in ("bench.txt", "cost.txt", "cq.txt", "net.txt"):
            write("".join(map(shorten, filter(early, rows_of(path)))), target, file)


def update(name):
    folder = os.path.join(RECORDINGS, name)
    options, runs = read(folder, "options").split(), read(folder, "runs")
    status, result, said = reduce(name, folder, options, runs)
    print(said)
    if status:
        return [f"ended with {status}; nothing was changed"]
    write(json.dumps(result["summary"], indent=1) + "\n", folder, "summary.json")
    return []


def record(name, folder, options, runs):
    target = os.path.join(RECORDINGS, name)
    found = glob.glob(os.path.join(folder, "*", "run.json"))
    if not found:
        return [f"no runs in {folder}; nothing was changed"]
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    write(" ".join(options) + "\n", target, "options")
    write(runs, target, "runs")
    for run in sorted(os.path.dirname(path) for path in found):
        record_run(run, os.path.join(target, os.path.basename(run)))
    return update(name)


def main(argv):
    match argv:
        case ["check", name]:
            problems = check(name)
        case ["update", name]:
            problems = update(name)
        case ["record", name, folder, *options]:
            problems = record(name, folder, options, sys.stdin.read())
        case _:
            print(__doc__.split("\n\n")[1], file=sys.stderr)
            return 2
    for text in problems:
        print(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
