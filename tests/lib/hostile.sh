# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What a hostile device does with rings and packets: rows of Documentation/vnetsim.rst.
#
# Number, name, what is injected ("bug [rx|tx|ctrl] [times]"), the reaction, and what
# else: split, packed or pool if it is only that; lost if the device may lose its place in
# the ring for good, which nobody but it can see; ahead if it also writes to buffers that it
# takes later (what it does wrong must not mislead itself then); unmapped if the core unmaps
# too much on split rings in stream mode; KEY=VALUE for the device.
#
# drop CAUSE	packets are dropped and counted as drop_CAUSE; no reset
# drops		the same, for any of several causes
# ignore	nothing is dropped, nobody resets
# kill		the device is reset once, and comes back
# any		dropped, reset or ignored, by what the driver happens to see of it
# rekick Q	of rx or tx: the device is told again what it does not hear, and goes on
# reclaim	what was sent is taken back although no interrupt says so
# stall Q	of rx or tx: the interface can go down and up meanwhile, and the watchdog sees to
#		packets that can't be sent; all is well afterwards
# storm		ten looks and one answer a second, at most
# inactive	what came while the queue was not in use is dropped as drop_rx_inactive
# shellcheck disable=SC2034 # for whoever reads this file
HOSTILE="
1 id-range-rx|used_id_range rx|kill
1 id-range-tx|used_id_range tx|kill
2 id-free-rx|used_id_free rx|kill
2 id-free-tx|used_id_free tx|kill
3 id-middle-rx|used_id_middle rx|any|lost
3 id-middle-tx|used_id_middle tx|any|lost
4 idx-next-rx|used_idx_next rx|any|lost
4 idx-next-tx|used_idx_next tx|any|lost
4 idx-jump-rx|used_idx_jump rx|any|lost
4 idx-jump-tx|used_idx_jump tx|any|lost
5 idx-back-rx|used_idx_back rx|any|split
5 idx-back-tx|used_idx_back tx|any|split
6 len-zero|len_zero rx 5|drop rx_runt
6 len-header|len_header rx 5|drop rx_runt
6 len-runt|len_runt rx 5|drop rx_runt
7 len-over|len_over rx 5|drop rx_oversize
7 len-page|len_page rx 5|drop rx_oversize
7 len-2g|len_2g rx 5|drop rx_oversize
7 len-max|len_max rx 5|drop rx_oversize
8 tx-len|len_over tx 20|ignore
8 tx-len-max|len_max tx 20|ignore
9 next-rx|desc_next rx 5|any|lost
9 next-tx|desc_next tx 5|any|lost unmapped
9 indirect-rx|desc_indirect rx -1|ignore|ahead
9 indirect-tx|desc_indirect tx -1|ignore
10 rewrite-rx|desc_rewrite rx -1|ignore|ahead
10 rewrite-tx|desc_rewrite tx -1|ignore
11 wrap-rx|packed_wrap rx|any|packed lost
11 wrap-tx|packed_wrap tx|any|packed lost
11 toggle-rx|packed_toggle rx 20|any|packed lost
11 toggle-tx|packed_toggle tx 20|any|packed lost
13 no-kicks-rx|kick_off rx -1|rekick rx
13 no-kicks-tx|kick_off tx -1|rekick tx
14 tx-never|stall tx -1|stall tx|ring=16
15 tx-early|early tx 20|any
16 rx-never|stall rx -1|stall rx
17 reorder-rx|reorder rx 50|ignore
17 reorder-tx|reorder tx 50|ignore
18 irq-storm|irq_storm -1|ignore
20 irq-lost-rx|irq_lost rx 10|ignore
20 irq-lost-tx|irq_lost tx -1|reclaim
21 config-storm|config_storm -1|storm
22 buffers-0|buffers_0 rx 5|drop rx_buffers
23 buffers-more|buffers_more rx 2|any
23 buffers-more-often|buffers_more rx 60|any
24 buffers-19|buffers_19 rx 2|any
24 buffers-max|buffers_max rx 5|drop rx_buffers
25 buffers-7|buffers_7 rx 10|ignore|off=MRG_RXBUF
26 flip-header|flip_header rx 60|any|pool
27 flip-payload|flip_payload rx 60|any|pool off=GUEST_CSUM
28 stray-write|stray_write rx 100|ignore
29 gso-unknown|gso_unknown rx 5|drop rx_gso
29 gso-mixed|gso_mixed rx 5|drop rx_gso
29 gso-ecn|gso_ecn rx 5|drop rx_gso
30 gso-not-agreed|gso_tcp rx 5|drop rx_gso|off=GUEST_TSO4,GUEST_TSO6,GUEST_ECN,GUEST_USO4,GUEST_USO6
31 gso-size-0|gso_size_0 rx 5|drop rx_gso
31 gso-size-1|gso_size_1 rx 5|any
31 gso-size-max|gso_size_max rx 5|drop rx_gso
32 csum-start-0|csum_start_0 rx 5|drop rx_csum
32 csum-start-max|csum_start_max rx 5|drop rx_csum
32 csum-end|csum_end rx 5|drop rx_csum
32 csum-wrap|csum_wrap rx 5|drop rx_csum
33 csum-not-agreed|csum_needed rx 5|drop rx_csum|off=GUEST_CSUM
34 csum-both|csum_both rx 20|any
34 csum-valid|csum_valid rx 20|any
35 hdr-len|hdr_len rx 20|ignore
36 tunnel|tunnel rx 5|drop rx_gso
37 hash-report|hash_report rx 20|ignore
37 hash-same|hash_same rx 50|ignore
38 queue-last|queue_last -1|inactive
39 frame-14|frame_14 rx 5|any
39 frame-vlan|frame_vlan rx 5|any
39 frame-full|frame_full rx 20|any|off=MRG_RXBUF,GUEST_TSO4,GUEST_TSO6,GUEST_ECN,GUEST_USO4,GUEST_USO6
40 pieces|pieces rx 20|any
40 piece-empty|piece_empty rx 10|drop rx_runt
"

# Words of a row that are for the device.
device_words()
{
	words=""
	for word in $1; do
		case $word in
		*=*) words="$words $word" ;;
		esac
	done
	echo "$words"
}
