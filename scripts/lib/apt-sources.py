#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print deb822 sources for Debian 12, derived from this machine's own.

The machine knows which mirror and which keys it may use; only the suites and
architectures are ours.  Third-party archives are left out, bookworm-backports
is added at the URI that serves bookworm.
"""
import glob
import re
import sys

SUITES = ("bookworm", "bookworm-updates", "bookworm-security",
          "bookworm-backports", "bookworm-proposed-updates")
DROP = ("types", "uris", "suites", "components", "architectures", "enabled")


def from_deb822(path):
    """Yield one dict per stanza of a .sources file."""
    text = open(path, encoding="utf-8").read()
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields, last = {}, None
        for line in stanza.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t" and last:
                fields[last] += "\n" + line
            elif ":" in line:
                key, value = line.split(":", 1)
                last = key.strip()
                fields[last] = value.strip()
        low = {k.lower(): v for k, v in fields.items()}
        if low.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in low.get("types", "").split():
            continue
        yield {"uris": [u.rstrip("/") for u in low.get("uris", "").split()],
               "suites": low.get("suites", "").split(),
               "components": low.get("components", "").split(),
               "options": {k: v for k, v in fields.items()
                           if k.lower() not in DROP}}


def from_list(path):
    """Yield one dict per "deb" line of a one-line-style file."""
    for line in open(path, encoding="utf-8"):
        found = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)",
                         line)
        if not found:
            continue
        options = {}
        for word in (found.group(1) or "").split():
            key, _, value = word.partition("=")
            key = key.rstrip("+-").lower()
            if key not in ("arch", "lang", "target"):
                options[key.title()] = value.replace(",", " ")
        yield {"uris": [found.group(2).rstrip("/")], "suites": [found.group(3)],
               "components": found.group(4).split(), "options": options}


def read_all(etc):
    """All usable entries, only Debian suites and only component main."""
    entries = []
    for path in sorted(glob.glob(etc + "/sources.list.d/*.sources")):
        entries += from_deb822(path)
    for path in ([etc + "/sources.list"] if glob.glob(etc + "/sources.list")
                 else []) + sorted(glob.glob(etc + "/sources.list.d/*.list")):
        entries += from_list(path)
    kept = []
    for entry in entries:
        entry["suites"] = [s.rstrip("/") for s in entry["suites"]
                           if s.rstrip("/") in SUITES]
        if entry["suites"] and "main" in entry["components"]:
            kept.append(entry)
    return kept


def with_backports(entries):
    """Add bookworm-backports where bookworm comes from."""
    if any("bookworm-backports" in e["suites"] for e in entries):
        return entries
    have = {}
    for entry in entries:
        for uri in entry["uris"]:
            have.setdefault(uri, set()).update(entry["suites"])
    mains = [e for e in entries if "bookworm" in e["suites"]]
    # A third-party archive may call its suite bookworm too; Debian's own
    # mirror has bookworm-updates beside it.
    mains.sort(key=lambda e: "bookworm-updates" not in have[e["uris"][0]])
    if not mains:
        return []
    best = mains[0]
    return entries + [{"uris": best["uris"][:1], "components": ["main"],
                       "suites": ["bookworm-backports"],
                       "options": best["options"]}]


def main():
    """Print the stanzas, or explain why there are none."""
    etc = sys.argv[1] if len(sys.argv) > 1 else "/etc/apt"
    entries = with_backports(read_all(etc))
    if not entries:
        sys.exit("error: no Debian 12 (bookworm) entry in the apt sources of "
                 "this machine")
    for entry in entries:
        print("Types: deb")
        print("URIs:", " ".join(entry["uris"]))
        print("Suites:", " ".join(entry["suites"]))
        print("Components: main")
        print("Architectures: amd64 arm64")
        for key, value in entry["options"].items():
            print(f"{key}: {value}")
        print()


if __name__ == "__main__":
    main()
