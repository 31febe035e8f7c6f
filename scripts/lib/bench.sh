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
