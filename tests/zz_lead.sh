. /tests/lib/ktap.sh
. /tests/lib/module.sh
. /tests/lib/ipi.sh
x() { load_module ipi_passthrough;
(sleep 15; cat $IPI_STATS; cat /proc/interrupts | head -40; echo t > /proc/sysrq-trigger;  sleep 5; for i in /proc/[0-9]*; do grep -q "D (disk" $i/status && { cat $i/comm; cat $i/stack; }; done ) &
i=0; while [ $i -lt 30 ]; do i=$((i+1)); for mask in 1 0x1 3 0x3 2 0; do echo "$mask" >$IPI_KNOB || fail; ipi_get_mask >/dev/null; done; echo round $i; done; }
ktap_case x x
ktap_done
