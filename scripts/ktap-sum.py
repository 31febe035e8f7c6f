#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge saved runs again, or count the results of KTAP files.

  ktap-sum.py FOLDER...         folders with ktap.txt, dmesg.txt and run.json or
                                events.json, as vm-run.sh and testdata have them
  ktap-sum.py FILE...           KTAP files
  ktap-sum.py --expect FOLDER   check the judgement against FOLDER/expect: one
                                kind of problem per line, empty for a success

Prints the problems and "N passed, N failed, N skipped"; the exit status is 0
only if there is no problem (with --expect: if it is as expected).
"""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from vm import judge  # noqa: E402


def read(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def events_of(folder):
    text = read(folder, "events.json")
    if text:
        return json.loads(text)
    text = read(folder, "run.json")
    return json.loads(text).get("events", {}) if text else {}


def judge_path(path):
    """Return (Ktap, problems) of a folder or of a KTAP file."""
    if os.path.isdir(path):
        return judge.judge(read(path, "ktap.txt"), read(path, "dmesg.txt"), events_of(path))
    with open(path, encoding="utf-8", errors="replace") as f:
        ktap = judge.parse_ktap(f.read())
    return ktap, ktap.problems + [judge.Problem("case failed", c.name)
                                  for c in ktap.cases if c.result == "failed"]


def as_expected(folder):
    """Compare the kinds of problems, in any order, with the expect file."""
    want = sorted(set(read(folder, "expect").split("\n")) - {""})
    got = sorted({p.kind for p in judge_path(folder)[1]})
    if want != got:
        print(f"{folder}: expected {want or 'success'}, judged {got or 'success'}")
    return want == got


def main(argv):
    if not argv or argv[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if argv else 2
    if argv[0] == "--expect":
        return 0 if all([as_expected(folder) for folder in argv[1:]]) else 1
    if argv[0].startswith("-"):
        print(f"error: unknown option '{argv[0]}'", file=sys.stderr)
        return 2
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    bad = False
    for path in argv:
        ktap, problems = judge_path(path)
        for problem in problems:
            print(f"# problem: {problem}")
        for result in counts:
            counts[result] += ktap.count(result)
        counts["failed"] += int(bool(problems) and not ktap.count("failed"))
        bad = bad or bool(problems)
    print(", ".join(f"{n} {result}" for result, n in counts.items()))
    return int(bad)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError) as err:
        print(f"error: {err}", file=sys.stderr)
        sys.exit(2)
