# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the benchmarks have in common. Needs common.sh.

# How busy the host is by itself, in percent of all cores, looked at for a second.
host_busy()
{
	{
		head -n 1 /proc/stat
		sleep 1
		head -n 1 /proc/stat
	} | awk '{
		total = 0
		for (i = 2; i <= 9; i++)
			total += $i
		idle = $5 + $6
		if (NR == 2)
			printf "%d\n", 100 * (1 - (idle - i0) / (total - t0))
		t0 = total
		i0 = idle
	}'
}

# begin_run NAME: the folder of a boot's results. What an earlier boot left there must not be
# taken for this one's, should it not even begin.
begin_run()
{
	local folder=$CVM_BUILD/results/$1

	mkdir -p "$folder"
	rm -f "$folder/run.json"
	host_busy >"$folder/host_busy"
}

# net_runs ARCH: the boots of a network benchmark: mode, guest, DMA mode that the
# driver must choose. Of arm64 there is no guest without bounce buffers.
net_runs()
{
	case $1 in
	x86_64)
		echo 'cvm|x86-cvm|pool'
		echo 'plain|x86-plain|stream'
		;;
	arm64)
		echo 'cvm|arm64-cvm|pool'
		;;
	*) usage_die "--arch must be x86_64 or arm64" ;;
	esac
}

# rdma_options: what vm-run.sh needs for NFS over software RDMA in a guest.
rdma_options()
{
	printf -- '--mod %s ' crc32_generic veth rdma_rxe rpcrdma nfsd nfsv3 nfsv4
}

# bench_options NAMES ARGUMENT...: the command line of a benchmark. Of the options with a
# value NAMES has those that it takes: kernel sets SERIES, arch ARCH, rounds ROUNDS, seconds
# SECS. --quick sets QUICK, for the reducer, and calls quick(). Where there is a function
# own_option() it is asked for others: it sets TAKEN to their number of words.
bench_options()
{
	local names=" $1 "

	shift
	QUICK=()
	while [ $# -gt 0 ]; do
		TAKEN=2
		case $1 in
		--help | -h)
			script_help
			exit 0
			;;
		--quick)
			# shellcheck disable=SC2034 # for the caller
			QUICK=(--quick)
			quick
			TAKEN=1
			;;
		--kernel | --arch | --rounds | --seconds) bench_option "$names" "$@" ;;
		*)
			if ! declare -F own_option >/dev/null || ! own_option "$@"; then
				bench_usage "$1"
			fi
			;;
		esac
		shift "$TAKEN"
	done
}

# bench_option NAMES OPTION [VALUE]...
bench_option()
{
	[[ $1 = *" ${2#--} "* ]] || bench_usage "$2"
	[ $# -ge 3 ] || usage_die "$2 needs a value"
	# shellcheck disable=SC2034 # for the caller
	case $2 in
	--kernel) SERIES=$3 ;;
	--arch) ARCH=$3 ;;
	--rounds) ROUNDS=$3 ;;
	--seconds) SECS=$3 ;;
	esac
}

bench_usage()
{
	usage_die "unknown option '$1'; see $(basename "$0") --help"
}
