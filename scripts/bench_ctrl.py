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
CASES = ("moderation", "filter", "vlan_add", "vlan_del", "quick_device")
BARS = [
    ("cpu_share_ratio", "<=", 0.1),
    ("cmd_rate_ratio", ">=", 4),
]


def derive_calls(line, base):
    """CPU beyond that of calls that only read, per command; commands a second.

    task: of the caller and of the kernel's workers; device: of the thread of the device's
    control queue, which is where the interrupts are that it raises.
    """
    us = max(line["task_us"] - base["task_us"] * line["wall_us"] / base["wall_us"], 0)
    line["task_share"] = us / line["wall_us"]
    line["task_us_per_command"] = us / line["commands"]
    line["device_us_per_command"] = line["device_task_us"] / line["commands"]
    line["commands_per_s"] = 1e6 * line["commands"] / line["device_us"]


def derive(fig):
    """Per round; adaptive moderation is compared with the same traffic without."""
    base = {(r["case"], r["arm"], r["round"]): r for r in fig.rounds}
    for r in fig.rounds:
        if r["case"] in CASES:
            derive_calls(r, base["reading", r["arm"], r["round"]])
        elif r["case"] == "adaptive":
            plain = base["traffic", r["arm"], r["round"]]
            for kind in ("task", "device_task"):
                share, other = (x[f"{kind}_us"] / x["wall_us"] for x in (r, plain))
                r[f"{kind}_share"] = max(share - other, 0)
            r["share"] = r["task_share"] + r["device_task_share"]
            r["commands_per_wall_s"] = 1e6 * r["commands"] / r["wall_us"]


def rounded(ratio):
    return None if ratio is None else round(ratio, 4)


def summarise(fig):
    derive(fig)
    out = {
        "cpu_share_ratio": fig.ratio("adaptive", OURS, THEIRS, "task_share"),
        "adaptive.with_device_ratio": fig.ratio("adaptive", OURS, THEIRS, "share"),
        "cmd_rate_ratio": fig.ratio("vlan_del", OURS, THEIRS, "commands_per_s"),
    }
    for case in CASES:
        for arm in (THEIRS, OURS):
            for key in ("task_share", "task_us_per_command", "device_us_per_command",
                        "commands_per_s", "wall_us"):
                out[f"{case}.{arm}.{key}"] = rounded(fig.median(case, arm, key))
        out[f"{case}.cmd_rate_ratio"] = fig.ratio(case, OURS, THEIRS, "commands_per_s")
        out[f"{case}.task_ratio"] = fig.ratio(case, OURS, THEIRS, "task_us_per_command")
    for arm in (THEIRS, OURS):
        for key in ("task_share", "device_task_share", "commands_per_wall_s"):
            out[f"adaptive.{arm}.{key}"] = rounded(fig.median("adaptive", arm, key))
    one, many = (fig.median(case, OURS, "commands_per_s") for case in ("vlan_add", "vlan_del"))
    out["own_batch_ratio"] = rounded(many / one) if one and many else None
    return out


def table(fig, _summary):
    print("\nMedians of the rounds; a us is a thousand instructions:\n")
    rows = [("case", "driver", "commands/s", "spread", "task us per command", "share",
             "device's us")]
    for case in CASES:
        for arm in (THEIRS, OURS):
            if not fig.of(case, arm, "task_share"):
                continue
            rows.append((case, arm, f"{fig.median(case, arm, 'commands_per_s'):.0f}",
                         f"{fig.spread(case, arm, 'commands_per_s'):.2f}",
                         f"{fig.median(case, arm, 'task_us_per_command'):.1f}",
                         f"{100 * fig.median(case, arm, 'task_share'):.1f} %",
                         f"{fig.median(case, arm, 'device_us_per_command'):.1f}"))
    print_rows(rows)
    print("Eight queues, adaptive:\n")
    rows = [("driver", "commands a second", "share", "spread", "device's")]
    for arm in (THEIRS, OURS):
        if fig.of("adaptive", arm, "task_share"):
            rows.append((arm, f"{fig.median('adaptive', arm, 'commands_per_wall_s'):.0f}",
                         f"{100 * fig.median('adaptive', arm, 'task_share'):.2f} %",
                         f"{fig.spread('adaptive', arm, 'task_share'):.2f}",
                         f"{100 * fig.median('adaptive', arm, 'device_task_share'):.2f} %"))
    print_rows(rows)


if __name__ == "__main__":
    sys.exit(bench_main("bench-ctrl", __doc__, summarise, lambda _summary, _void: BARS, table))
