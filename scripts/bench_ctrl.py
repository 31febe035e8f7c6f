#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reduce the run of bench-ctrl.sh to build/results/ctrl.json and a table.

Reads on standard input which run there must be (run|arms|cases|append) and finds its
run.json and bench.txt below the given folder. A run that is missing or failed is
void, and void is failure. Ratios are compared with the project's bars.
"""

import sys

sys.dont_write_bytecode = True

from bench_common import bench_main, print_rows  # noqa: E402

OURS, THEIRS = "virtio_net_cvm", "virtio_net"
CASES = ("moderation", "filter", "vlan_add", "vlan_del")
BARS = [
    ("cpu_share_ratio", "<=", 0.1),
    ("cmd_rate_ratio", ">=", 4),
]


def derive(fig):
    """Per round: CPU beyond that of calls that only read, per command; commands a second.

    task: of the caller and of the kernel's workers; all: of whatever kept a CPU from
    being idle, which in an emulator is mostly going to sleep and waking up.
    """
    reading = {(r["arm"], r["round"]): r for r in fig.rounds if r["case"] == "reading"}
    for r in fig.rounds:
        if r["case"] not in CASES:
            continue
        base = reading[r["arm"], r["round"]]
        for kind, key in (("task", "task_us"), ("all", "cpu_us")):
            us = max(r[key] - base[key] * r["wall_us"] / base["wall_us"], 0)
            r[f"{kind}_share"] = us / r["wall_us"]
            r[f"{kind}_us_per_command"] = us / r["commands"]
        r["commands_per_s"] = 1e6 * r["commands"] / r["device_us"]


def rounded(ratio):
    return None if ratio is None else round(ratio, 4)


def summarise(fig):
    derive(fig)
    out = {
        "cpu_share_ratio": fig.ratio("moderation", OURS, THEIRS, "task_us_per_command"),
        "cmd_rate_ratio": fig.ratio("vlan_del", OURS, THEIRS, "commands_per_s"),
    }
    for case in CASES:
        for arm in (THEIRS, OURS):
            for key in ("task_share", "all_share", "task_us_per_command",
                        "all_us_per_command", "commands_per_s", "wall_us"):
                out[f"{case}.{arm}.{key}"] = rounded(fig.median(case, arm, key))
        out[f"{case}.cmd_rate_ratio"] = fig.ratio(case, OURS, THEIRS, "commands_per_s")
        out[f"{case}.task_ratio"] = fig.ratio(case, OURS, THEIRS, "task_us_per_command")
        out[f"{case}.all_ratio"] = fig.ratio(case, OURS, THEIRS, "all_us_per_command")
    one, many = (fig.median(case, OURS, "commands_per_s") for case in ("vlan_add", "vlan_del"))
    out["own_batch_ratio"] = rounded(many / one) if one and many else None
    return out


def table(fig, _summary):
    print("\nMedians of the rounds; us are of the emulator:\n")
    rows = [("case", "driver", "commands/s", "spread", "task us per command", "share",
             "all CPU us per command")]
    for case in CASES:
        for arm in (THEIRS, OURS):
            if not fig.of(case, arm, "task_share"):
                continue
            rows.append((case, arm, f"{fig.median(case, arm, 'commands_per_s'):.0f}",
                         f"{fig.spread(case, arm, 'commands_per_s'):.2f}",
                         f"{fig.median(case, arm, 'task_us_per_command'):.0f}",
                         f"{100 * fig.median(case, arm, 'task_share'):.1f} %",
                         f"{fig.median(case, arm, 'all_us_per_command'):.0f}"))
    print_rows(rows)


if __name__ == "__main__":
    sys.exit(bench_main("bench-ctrl", __doc__, summarise, lambda _summary, _void: BARS, table))
