# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What a hostile device does to commands, to its configuration and at other times of its life:
# rows of Documentation/vnetsim.rst.
#
# Number, name, the function of tests/vnetsim/hostile_life.sh that expects something of it
# (none: this one is part of another case there), the command that a driver is given then,
# and what is set before: FILE VALUE of scripts/vnetsim.sh, with semicolons; for "plug",
# KEY=VALUE of the device. What else: split if it is only that.
#
# address	a new address
# statistics	ethtool -S
# ring		another size of the receive rings
# link		the device says that its link has changed
# bind		the driver is bound to it
# rebind	unbound while it does that, and bound
# plug		such a device appears
# shellcheck disable=SC2034 # for whoever reads this file
LIFE="
12 in-order||plug|on=IN_ORDER,STANDBY
13 ctrl-no-kicks|unanswered|address|inject kick_off ctrl -1
19 irq-early||rebind|inject irq_early -1
20 ctrl-irq-lost|ctrl_ring lost|address|inject irq_lost ctrl 1
41 no-answer|unanswered|address|inject ctrl_silent 1
42 late-answer||address|inject ctrl_late 1
43 ack-255|answered_badly|address|inject ctrl_ack 1
43 ack-none|answered_badly|address|inject ctrl_ack_none 1
44 ctrl-id-range|ctrl_ring kill|address|inject used_id_range ctrl 1
44 ctrl-id-free|ctrl_ring kill|address|inject used_id_free ctrl 1
44 ctrl-idx-next|ctrl_ring kill|address|inject used_idx_next ctrl 1
44 ctrl-next|ctrl_ring kill|address|inject desc_next ctrl 1|split
45 all-refused||bind|ctrl_fail 0xffffffff
46 slow-commands||address|ctrl_delay_ms 2000
47 stats-size-0|stats|statistics|inject stats_size_0 -1
47 stats-size-max|stats|statistics|inject stats_size_max -1
47 stats-type|stats|statistics|inject stats_type -1
47 stats-queue|stats|statistics|inject stats_queue -1
47 stats-twice|stats|statistics|inject stats_twice -1
47 stats-unanswered|stats|statistics|inject ctrl_ack_none -1
48 stats-capable||bind|inject stats_capable -1
49 pairs-0|nonsense|bind|config pairs=0
49 pairs-32769|nonsense|bind|config pairs=32769
49 pairs-65535|nonsense|bind|config pairs=65535
49 pairs-change|at_probe either|bind|inject config_pairs -1
50 rss-key-0|nonsense|bind|config rss_key=0
50 rss-key-39|nonsense|bind|config rss_key=39
50 rss-key-255|nonsense|bind|config rss_key=255
50 rss-table-0|nonsense|bind|config rss_table=0
50 rss-table-3|nonsense|bind|config rss_table=3
50 rss-table-65535|nonsense|bind|config rss_table=65535
50 hash-types-none|nonsense|bind|config hash_types=0
50 hash-types-all|nonsense|bind|config hash_types=0xffffffff
51 tunnel-types-all|nonsense|bind|config tunnel_types=0xffffffff
51 tunnel-types-none|nonsense|bind|config tunnel_types=0
52 mtu-0|nonsense|bind|config mtu=0
52 mtu-67|nonsense|bind|config mtu=67
52 mtu-65535|nonsense|bind|config mtu=65535
53 mac-zero|nonsense|bind|config mac=00:00:00:00:00:00
53 mac-multicast|nonsense|bind|config mac=01:00:5e:00:00:01
53 speed|nonsense|bind|config speed=0xfffffffe duplex=77
55 generation|at_probe fails|bind|inject config_generation -1
56 window-0||plug|window=0
56 window-6||plug|window=6
56 window-12||plug|window=12
59 ring-1||plug|ring=1
59 ring-65535||plug|ring=65535
60 features-not-ok|at_probe fails|bind|inject features_not_ok -1
60 reset-slow||rebind|inject reset_slow 1
60 ring-reset-fails||ring|inject vq_reset_fails rx 1
61 config-ones|at_probe either|bind|inject config_ones -1
61 gone||link|inject status_ones -1; inject config_ones -1
61 runs-already||bind|inject status_ones -1
61 asks-for-reset||address|event needs_reset
62 no-vectors|at_probe fails|bind|inject no_vectors -1
"

# A configuration that makes sense
# shellcheck disable=SC2034
SANE="pairs=2 mtu=1500 rss_key=40 rss_table=128 hash_types=0x1ff tunnel_types=0x1ff speed=10000
duplex=1 mac=52:54:00:01:02:03"
