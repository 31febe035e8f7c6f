#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check Documentation/conformance.rst: each statement has a test, which exists, or a reason.

usage: conformance.py [TOP]
"""

import os
import re
import sys

PAGE = "Documentation/conformance.rst"
RULES = "kunit/vnetsim/main.c"


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()


def cases(text):
    """Names of the cases in a test's text: ktap_case and its kin, KUnit, rows of a table.

    A name that is put together where it is used stands for the words of its loop.
    """
    names = set(re.findall(r'(?:ktap_case|row) "([^"$]+)"', text))
    names.update(re.findall(r"KUNIT_CASE(?:_PARAM|_SLOW)?\((\w+)", text))
    names.update(re.findall(r"^(\d+ [\w-]+)\|", text, re.M))
    for words in re.findall(r'for words in ((?:"[^"]+"[\s\\]*)+); do', text):
        names.update(re.findall(r'"([^"]+)"', words))
    return names


def read_test(top, path):
    """A test's text, with that of the files that it reads."""
    text = read(top, path)
    return "\n".join([text, *(read(top, lib) for lib in
                              re.findall(r"^\. /(tests/lib/[\w.]+)$", text, re.M))])


def rules(text):
    return set(re.findall(r'\[VNETSIM_V_\w+\] = "(\w+)"', text))


def sections(text):
    """(statements announced, [(id, its lines)]) of each section."""
    for part in re.split(r"\n(?=[^\n]+\n===+\n\n)", text):
        count = re.search(r"; (\d+) statements?\.$", part, re.M)
        found = re.findall(r"^``([A-Z]+-\d+)``\n((?:    .*\n|\n)+)", part + "\n", re.M)
        if count or found:
            yield int(count.group(1)) if count else None, found


class Checker:
    def __init__(self, top):
        self.top, self.problems, self.known = top, [], {}
        self.rules = rules(read(top, RULES))
        self.statements = self.shown = 0

    def complain(self, where, what):
        self.problems.append(f"{PAGE}: {where}: {what}")

    def check_case(self, name, path, case):
        if path not in self.known:
            try:
                self.known[path] = cases(read_test(self.top, path))
            except OSError:
                self.known[path] = None
        if self.known[path] is None:
            self.complain(name, f"there is no {path}")
        elif case not in self.known[path]:
            self.complain(name, f"{path} has no case '{case}'")

    def check_statement(self, name, body):
        tests = re.findall(r"^    :Test: ``([^`]+)``: (.+)$", body, re.M)
        rule = re.findall(r"^    :Rule: ``(\w+)``$", body, re.M)
        reason = re.search(r"^    :Not here: \S", body, re.M)
        self.statements += 1
        self.shown += bool(tests)
        if not body.strip() or body.strip().startswith(":"):
            self.complain(name, "says nothing")
        if not tests and not reason:
            self.complain(name, "neither a test nor a reason")
        if tests and reason:
            self.complain(name, "both a test and a reason")
        if rule and not tests:
            self.complain(name, "a rule without a test during which it is watched")
        for path, case in tests:
            self.check_case(name, path, case)
        for r in rule:
            if r not in self.rules:
                self.complain(name, f"the device has no rule {r}")
        for line in re.findall(r"^    :.*$", body, re.M):
            if not re.match(r"    :(Test: ``[^`]+``: .|Rule: ``\w+``$|Not here: \S)", line):
                self.complain(name, f"not understood: {line.strip()}")

    def check(self):
        for count, found in sections(read(self.top, PAGE)):
            where = found[0][0] if found else "a section"
            if count != len(found):
                self.complain(where, f"{len(found)} statements, {count} announced")
            for i, (name, body) in enumerate(found, 1):
                if name.split("-") != [where.split("-")[0], str(i)]:
                    self.complain(name, f"expected number {i} of {where.split('-')[0]}")
                self.check_statement(name, body)
        if not self.statements:
            self.complain("the page", "no statement was found")


def main():
    checker = Checker(sys.argv[1] if len(sys.argv) > 1 else
                      os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    checker.check()
    for line in checker.problems:
        print(line)
    print(f"{checker.statements} statements, {checker.shown} with tests", file=sys.stderr)
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
