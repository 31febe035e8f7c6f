# SPDX-License-Identifier: GPL-2.0
"""Judge a guest run: KTAP stream, kernel log and what the supervisor saw.

Real runs and the recorded logs of scripts/testdata go through judge().
"""

import os
import re
from dataclasses import dataclass, field

_SPLATS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "..", "..", "tests", "lib", "splats.tsv")
_RESULT = re.compile(r"^(ok|not ok)\s+(\d+)\s*(?:-\s*)?(.*)$")
_PLAN = re.compile(r"^1\.\.(\d+)(?:\s+#\s*SKIP\s*(.*))?$", re.I)
_SKIP = re.compile(r"#\s*skip\b\s*(.*)$", re.I)
_STAMP = re.compile(r"^(?:<\d+>)?\[\s*\d+\.\d+\](?:\[[^\]]*\])?\s?")
DONE = "# cvm: done"


def load_splats(path=_SPLATS):
    """Return [(name, compiled expression)] from the table shared with the guest."""
    table = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("#") or not line.strip():
                continue
            name, expr = line.rstrip("\n").split("\t", 1)
            table.append((name, re.compile(expr)))
    return table


@dataclass
class Problem:
    """One reason why a run is not a success."""

    kind: str
    detail: str = ""

    def __str__(self):
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


@dataclass
class Case:
    """One result line of a leaf test."""

    name: str
    result: str
    reason: str = ""
    notes: list = field(default_factory=list)


@dataclass
class _Level:
    plan: int | None = None
    seen: int = 0
    failed: int = 0
    name: str = ""


@dataclass
class Ktap:
    """What a KTAP stream said."""

    cases: list = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    done: bool = False

    def count(self, result):
        return sum(c.result == result for c in self.cases)


class KtapParser:
    """Line by line parser, so that a stream that breaks off is judged too.

    Only leaves count as cases: a parent line repeats what its subtests said.
    """

    def __init__(self):
        self.out = Ktap()
        self._levels = {}
        self._notes = []
        self._any = False

    def _close(self, depth, parent):
        """A result line ends everything nested deeper; return the subtest's level."""
        nested = None
        for deeper in sorted((d for d in self._levels if d > depth), reverse=True):
            nested = self._levels.pop(deeper)
            self._check(nested, nested.name or parent)
        return nested

    def _check(self, level, name):
        where = f" in {name}" if name else ""
        if level.plan is None:
            self.out.problems.append(Problem("truncated KTAP", f"no plan{where}"))
        elif level.seen < level.plan:
            self.out.problems.append(Problem(
                "truncated KTAP", f"{level.seen} of {level.plan} results{where}"))
        elif level.seen > level.plan:
            self.out.problems.append(Problem(
                "bad KTAP", f"{level.seen} results, {level.plan} planned{where}"))

    def feed(self, line):
        """Take one line without its newline."""
        text = line.rstrip("\r")
        body = text.lstrip(" ")
        depth = (len(text) - len(body)) // 2
        if body == DONE:
            self.out.done = True
        elif body.startswith("# cvm: fact "):
            key, _, value = body[len("# cvm: fact "):].partition("=")
            self.out.facts[key] = value
        elif body.startswith("KTAP version"):
            self._any = True
            self._levels[depth] = _Level()
        elif body.startswith("# Subtest:"):
            self._level(depth).name = body.split(":", 1)[1].strip()
        elif body.startswith("Bail out!"):
            self.out.problems.append(Problem("bailed out", body[9:].strip()))
        elif (m := _PLAN.match(body)):
            self._level(depth).plan = int(m.group(1))
        elif (m := _RESULT.match(body)):
            self._result(depth, m)
        elif body.startswith("#"):
            self._notes.append(body[1:].strip())

    def _level(self, depth):
        self._any = True
        return self._levels.setdefault(depth, _Level())

    def _result(self, depth, m):
        level = self._level(depth)
        level.seen += 1
        name = m.group(3).strip()
        if int(m.group(2)) != level.seen:
            self.out.problems.append(Problem(
                "bad KTAP", f"result {m.group(2)} where {level.seen} was due ({name})"))
        nested = self._close(depth, name)
        skip = _SKIP.search(name)
        result = "failed" if m.group(1) == "not ok" else "skipped" if skip else "passed"
        name = name.split(" # ")[0].strip()
        notes, self._notes = self._notes, []
        if result == "failed":
            level.failed += 1
        if nested is None:
            path = [self._levels[d].name for d in sorted(self._levels)
                    if d <= depth and self._levels[d].name]
            self.out.cases.append(Case("/".join(path + [name]), result,
                                       skip.group(1) if skip else "", notes))
        elif result == "failed" and not nested.failed:
            # The parent failed for a reason of its own, e.g. the script died.
            self.out.cases.append(Case(name, result, "", notes))

    def finish(self):
        """Return the summary; a level still open is judged as it stands."""
        for depth in sorted(self._levels, reverse=True):
            level = self._levels.pop(depth)
            self._check(level, level.name)
        if not self._any:
            self.out.problems.append(Problem("no verdict", "the guest reported no test result"))
        return self.out


def parse_ktap(text):
    """Parse a whole stream."""
    parser = KtapParser()
    for line in text.splitlines():
        parser.feed(line)
    return parser.finish()


def scan_dmesg(text, table=None):
    """Return the kernel's complaints, each once per report and test case."""
    table = table or load_splats()
    found, seen, case = [], set(), ""
    for raw in text.splitlines():
        line = _STAMP.sub("", raw.rstrip("\r"))
        if line.startswith("cvm-case: begin "):
            case = line[len("cvm-case: begin "):]
            continue
        if line.startswith("cvm-case: end"):
            case = ""
            continue
        for name, expr in table:
            if expr.search(line):
                if (name, case) not in seen:
                    seen.add((name, case))
                    where = f" (in {case})" if case else ""
                    found.append(Problem(name, line.strip()[:200] + where))
                break
    return found


def last_case(text):
    """Return the case that had begun and not ended when the log stops, or ''."""
    case = ""
    for raw in text.splitlines():
        line = _STAMP.sub("", raw.rstrip("\r"))
        if line.startswith("cvm-case: begin "):
            case = line[len("cvm-case: begin "):]
        elif line.startswith("cvm-case: end"):
            case = ""
    return case


def judge(ktap_text, dmesg_text, events):
    """Return (Ktap, [Problem]) of one run.

    events: what the supervisor knows: timeout (seconds) or None, exited (QEMU's
    status, None while it was still running when the run was ended), stalls
    (list of text), allow_stall, missing (files that the guest did not deliver),
    error (the run could not be made at all).
    """
    ktap = parse_ktap(ktap_text)
    problems = []
    case = last_case(dmesg_text)
    where = f" in case {case}" if case else ""
    if events.get("error"):
        problems.append(Problem("not run", events["error"]))
    if events.get("timeout"):
        problems.append(Problem("timeout", f"no end after {events['timeout']:g} s{where}"))
    elif not ktap.done and not events.get("error"):
        problems.append(Problem(
            "guest died", f"before the end of the tests{where} "
            f"(QEMU exit status {events.get('exited')})"))
    elif events.get("no_poweroff"):
        problems.append(Problem("no power off", "the guest finished but did not power off"))
    if not events.get("allow_stall"):
        problems += [Problem("stall", s) for s in events.get("stalls", ())]
    problems += [Problem("missing file", f) for f in events.get("missing", ())]
    problems += scan_dmesg(dmesg_text)
    problems += ktap.problems
    problems += [Problem("case failed", c.name) for c in ktap.cases if c.result == "failed"]
    return ktap, problems
