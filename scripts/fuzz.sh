#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A virtio-net device that does wrong at random, a million times, on the test kernel:
# fuzz.sh [SEED [HUNDREDTHS]]
#
# In each DMA mode half of them, both at once: 2 in 100 as in `make check`, where what needs a
# reset comes every few seconds, and the others in long rounds of what the device can live with.
# About 35 minutes; HUNDREDTHS (100) of it for less.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

names_only "$@"
SEED=${1:-1}
PART=${2:-100}
[[ $SEED$PART =~ ^[0-9]+$ ]] || usage_die "usage: fuzz.sh [SEED [HUNDREDTHS]]"

# rounds MODE NAME MUTATIONS RATE RARE SECONDS MEDDLE: SECONDS are those of a round
rounds()
{
	say "$1, $2: $(($3 * PART / 100)) mutations"
	"$CVM_TOP/scripts/vm-run.sh" --name "fuzz-$1-$2" --kernel kunit --guest x86-cvm \
		--timeout 36000 --param NET_MODE="$1" --param FUZZ_SEED="$SEED" \
		--param FUZZ_SECONDS=1 --param FUZZ_MUTATIONS=$(($3 * PART / 100)) \
		--param FUZZ_RATE="$4" --param FUZZ_RARE="$5" --param FUZZ_ROUND="$6" \
		--param FUZZ_MEDDLE="$7" \
		tests/vnetsim/fuzz.sh
}

# fuzz MODE
fuzz()
{
	rounds "$1" mixed 10000 60 256 30 300
	rounds "$1" dense 490000 12 20000 60 3000
}

# Both at once. What runs in the background does not hear of Ctrl-C.
trap 'trap - TERM; kill 0' INT TERM
fuzz pool > >(sed -u 's/^/pool: /') 2>&1 &
pool=$!
fuzz stream > >(sed -u 's/^/stream: /') 2>&1 &
rc=0
wait $! || rc=1
wait $pool || rc=1
exit $rc
