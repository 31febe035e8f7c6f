#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check Documentation/conformance.rst: each statement has a test, which exists, or a reason;
each section of the specification is there, with as many MUST, SHOULD and MAY as it has.

usage: conformance.py [TOP]
       conformance.py --spec CHECKOUT REVISION: scripts/conformance.tsv again, from a
                      checkout of https://github.com/oasis-tcs/virtio-spec, to the output
"""

import os
import re
import subprocess
import sys

PAGE = "Documentation/conformance.rst"
RULES = "kunit/vnetsim/main.c"
SPEC = "scripts/conformance.tsv"
SPEC_FILES = ["content.tex", "split-ring.tex", "packed-ring.tex",
              "device-types/net/description.tex"]
WORDS = ["MUST", "SHOULD", "MAY"]
# What a case calls that looks whether rules were broken
WATCH = ("sim_down", "sim_expect_rules")


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()


def cases(text):
    """The cases in a test's text, by name, with the shell function of each or None:
    ktap_case and its kin, KUnit, rows of a table.

    A name that is put together where it is used stands for the rows of the table: for one
    function, or each for its own.
    """
    found = dict.fromkeys(re.findall(r"KUNIT_CASE(?:_PARAM|_SLOW)?\((\w+)", text))
    table = re.search(r'ktap_case "[^\n]*" one ', text) and "one"
    for name, func in re.findall(r"^(\d+ [\w-]+)\|(\w*)", text, re.M):
        if table or func:
            found[name] = table or func
    found.update(re.findall(r'(?:ktap_case|row) "([^"$]+)" (\w+)', text))
    return found


def watches(text, func, seen=()):
    """Does a shell function, or one that it calls, look at the rules at its end?"""
    if func in WATCH:
        return True
    body = re.search(rf"^{func}\(\)\n{{\n(.*?)^}}", text, re.M | re.S) if func else None
    if not body or func in seen:
        return False
    return any(watches(text, name, (*seen, func))
               for name in re.findall(r"(?:^\t+|; |&& |\) )(\w+)", body[1], re.M))


def read_test(top, path):
    """A test's text, with that of the files that it reads."""
    text = read(top, path)
    return "\n".join([text, *(read(top, lib) for lib in
                              re.findall(r"^\. /(tests/lib/[\w.]+)$", text, re.M))])


def rules(text):
    return set(re.findall(r'\[VNETSIM_V_\w+\] = "(\w+)"', text))


def sections(text):
    """(statements announced, words announced, [(id, its lines)]) of each section."""
    for part in re.split(r"\n(?=[^\n]+\n===+\n\n)", text):
        count = re.search(r"; (\d+) statements?$", part, re.M)
        words = re.search(r"^\(MUST (\d+), SHOULD (\d+), MAY (\d+)\)\.$", part, re.M)
        found = re.findall(r"^``([A-Z]+-\d+)``\n((?:    .*\n|\n)+)", part + "\n", re.M)
        if count or found:
            yield (int(count.group(1)) if count else None,
                   [int(n) for n in words.groups()] if words else None, found)


def spec_rows(text):
    """Rows of the table: prefix of the page, file, section, how often each word."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            prefix, path, section, *counts = line.split("\t")
            yield prefix, path, section, [int(n) for n in counts]


def spec_read(checkout, revision):
    """(file, section, how often each word) of all that is demanded of a driver."""
    end = r"\\(?:drivernormative|devicenormative|(?:sub)*section|(?:sub)*paragraph|chapter)\b"
    for path in SPEC_FILES:
        text = subprocess.run(["git", "-C", checkout, "show", f"{revision}:{path}"],
                              capture_output=True, text=True, check=True).stdout
        text = re.sub(r"(?<!\\)%.*", "", text)
        for part in re.finditer(r"\\drivernormative\s*\{[^}]*\}\s*\{([^}]*)\}\s*\{[^}]*\}"
                                rf"(.*?)(?={end}|\Z)", text, re.S):
            yield (path, re.sub(r"\s+", " ", part[1]),
                   [len(re.findall(rf"\b{word}\b", part[2])) for word in WORDS])


def spec_table(top, checkout, revision):
    """The table again; a section that is new belongs to no prefix of the page."""
    known = {(path, section): prefix
             for prefix, path, section, _ in spec_rows(read(top, SPEC))}
    commit = subprocess.run(["git", "-C", checkout, "rev-parse", f"{revision}^{{commit}}"],
                            capture_output=True, text=True, check=True).stdout.strip()
    print("# SPDX-License-Identifier: GPL-2.0\n"
          "# What the virtio specification demands of a driver: scripts/conformance.py --spec\n"
          f"# {revision}, commit {commit}\n"
          "# page\tfile\tsection\tMUST\tSHOULD\tMAY")
    for path, section, counts in spec_read(checkout, revision):
        print(known.get((path, section), "?"), path, section, *counts, sep="\t")


class Checker:
    def __init__(self, top):
        self.top, self.problems, self.known = top, [], {}
        self.rules = rules(read(top, RULES))
        self.spec = {}
        for prefix, _, _, counts in spec_rows(read(top, SPEC)):
            old = self.spec.get(prefix, [0] * len(WORDS))
            self.spec[prefix] = [a + b for a, b in zip(old, counts)]
        self.statements = self.shown = 0

    def complain(self, where, what):
        self.problems.append(f"{PAGE}: {where}: {what}")

    def check_case(self, name, path, case):
        if path not in self.known:
            try:
                text = read_test(self.top, path)
                self.known[path] = text, cases(text)
            except OSError:
                self.known[path] = None
        if self.known[path] is None:
            self.complain(name, f"there is no {path}")
            return False
        text, known = self.known[path]
        if case not in known:
            self.complain(name, f"{path} has no case '{case}'")
            return False
        return watches(text, known[case])

    def check_statement(self, name, body):
        tests = re.findall(r"^    :Test: ``([^`]+)``: (.+)$", body, re.M)
        rule = re.findall(r"^    :Rule: ``(\w+)``$", body, re.M)
        reason = re.search(r"^    :(Not here|Deviation): \S", body, re.M)
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
        watched = [self.check_case(name, path, case) for path, case in tests]
        if rule and not any(watched):
            self.complain(name, "none of its tests watches its rule")
        for r in rule:
            if r not in self.rules:
                self.complain(name, f"the device has no rule {r}")
        for line in re.findall(r"^    :.*$", body, re.M):
            if not re.match(r"    :(Test: ``[^`]+``: .|Rule: ``\w+``$|(Not here|Deviation): \S)", line):
                self.complain(name, f"not understood: {line.strip()}")

    def check(self):
        seen = set()
        for count, words, found in sections(read(self.top, PAGE)):
            where = found[0][0] if found else "a section"
            prefix = where.split("-")[0]
            seen.add(prefix)
            if count != len(found):
                self.complain(where, f"{len(found)} statements, {count} announced")
            if words != self.spec.get(prefix):
                self.complain(where, f"{WORDS}: {words}, the specification: "
                                     f"{self.spec.get(prefix)}")
            for i, (name, body) in enumerate(found, 1):
                if name.split("-") != [where.split("-")[0], str(i)]:
                    self.complain(name, f"expected number {i} of {where.split('-')[0]}")
                self.check_statement(name, body)
        for prefix in sorted(set(self.spec) - seen):
            self.complain(prefix, "a section of the specification that is not here")
        if not self.statements:
            self.complain("the page", "no statement was found")


def main():
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    if len(sys.argv) == 4 and sys.argv[1] == "--spec":
        spec_table(top, *sys.argv[2:])
        return 0
    checker = Checker(sys.argv[1] if len(sys.argv) > 1 else top)
    checker.check()
    for line in checker.problems:
        print(line)
    print(f"{checker.statements} statements, {checker.shown} with tests", file=sys.stderr)
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
