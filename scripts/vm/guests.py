# SPDX-License-Identifier: GPL-2.0
"""The guests, and the one function that turns a guest into a QEMU command line.

Nothing else in the project starts QEMU: two arms of a comparison can then only
differ in what is visible in these records and in the options given.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Guest:
    """One kind of guest; everything that distinguishes it from the others."""

    name: str
    debarch: str
    qemu: str
    package: str
    machine: str
    cpu: str
    console: str
    cmdline: tuple = ()
    about: str = ""


# Repeated string instructions are counted one iteration at a time by TCG, and
# slow as well: without erms/fsrm/fsrs the kernel copies and clears by words. A TDX guest has no
# monitor/mwait and no nested virtualisation; five-level tables only cost time.
_X86 = {
    "debarch": "amd64",
    "qemu": "qemu-system-x86_64",
    "package": "qemu-system-x86",
    "machine": "q35,smm=off,usb=off,sata=off,smbus=off,i8042=off",
    "cpu": "max,-erms,-fsrm,-fsrs,-la57,-monitor,-svm",
    "console": "ttyS0",
}
_ARM = {
    "debarch": "arm64",
    "qemu": "qemu-system-aarch64",
    "package": "qemu-system-arm",
    "machine": "virt,gic-version=3",
    "cpu": "neoverse-n1",
    "console": "ttyAMA0",
}

GUESTS = {
    g.name: g
    for g in (
        Guest(name="x86-cvm", cmdline=("swiotlb=force",),
              about="DMA path of a confidential x86 guest", **_X86),
        Guest(name="x86-plain", about="the same without forced bounce buffers", **_X86),
        # With memory below 4 GiB the arm64 kernel makes only 1 MiB of bounce
        # buffers unless told how many (2 KiB each). The default number, given
        # explicitly, counts as not given: 64.5 MiB instead of the 64 of x86.
        Guest(name="arm64-cvm", cmdline=("swiotlb=33024,force",),
              about="DMA path of a confidential Arm guest", **_ARM),
        Guest(name="arm64-host", about="boots at EL2, offers /dev/kvm inside",
              **{**_ARM, "machine": "virt,virtualization=on,gic-version=3"}),
    )
}

# panic=-1 with -no-reboot ends QEMU at once when the guest panics. The markers
# that tests write to the log must not be rate limited. nokaslr makes program
# counters of a stalled guest readable.
BASE_CMDLINE = (
    "panic=-1", "printk.devkmsg=on", "log_buf_len=4M", "loglevel=6", "nokaslr",
)
X86_CMDLINE = ("tsc=reliable",)

GUEST_MAC = "52:54:00:c7:00:02"
# Where the network card is: beside the other devices, behind a port of its own from
# which it can be unplugged, or on arm64's virtio-mmio.
NIC_BUSES = ("pci", "port", "mmio")
NIC_ID = "nic0"
# Set by other options, or by the harness itself.
NIC_OWN = ("id", "netdev", "mac", "mq", "vectors", "bus", "addr", "romfile", "iommu_platform",
           "disable-legacy")
PORTS = ("verdict", "heartbeat", "out")


@dataclass
class Setup:
    """What one run adds to a guest: files, sizes, sockets."""

    image: str
    initrd: str
    smp: int = 2
    mem: int = 1024
    accel: str = "tcg"
    icount: bool = False
    tap: str = ""
    queues: int = 1
    nic_bus: str = "pci"
    nic: dict = field(default_factory=dict)
    append: str = ""
    shell: bool = False
    console_log: str = ""
    fds: dict = field(default_factory=dict)


def kernel_cmdline(guest, setup):
    """Return the guest kernel's command line."""
    words = [f"console={guest.console}", *BASE_CMDLINE]
    if guest.debarch == "amd64":
        words += X86_CMDLINE
    words += guest.cmdline
    if setup.tap:
        words.append("cvm.net=1")
    if setup.shell:
        words.append("cvm.shell=1")
    if setup.append:
        words.append(setup.append)
    return " ".join(words)


def _pci(kind, **props):
    """A virtio device as a confidential guest sees it: modern, DMA API only."""
    opts = {"disable-legacy": "on", "iommu_platform": "on", **props}
    return ["-device", ",".join([kind] + [f"{k}={v}" for k, v in opts.items()])]


def nic_device(setup):
    """The network card as {property: value}, for -device and for device_add."""
    props = {"netdev": "net0", "id": NIC_ID, "mac": GUEST_MAC}
    if setup.nic_bus == "mmio":
        kind = "virtio-net-device"
        props["iommu_platform"] = "on"
    else:
        kind = "virtio-net-pci"
        props.update({"disable-legacy": "on", "iommu_platform": "on", "romfile": ""})
    if setup.nic_bus == "port":
        props["bus"] = "nicport"
    if setup.queues > 1:
        props["mq"] = "on"
        if setup.nic_bus != "mmio":
            props["vectors"] = str(2 * setup.queues + 2)
    return {"driver": kind, **props, **setup.nic}


def _nic(setup):
    queues = f",queues={setup.queues}" if setup.queues > 1 else ""
    argv = ["-netdev", f"tap,id=net0,ifname={setup.tap},script=no,downscript=no,vhost=off{queues}"]
    if setup.nic_bus == "mmio":
        argv += ["-global", "virtio-mmio.force-legacy=false"]
    elif setup.nic_bus == "port":
        argv += ["-device", "pcie-root-port,id=nicport,chassis=1"]
    kind, *props = nic_device(setup).items()
    return argv + ["-device", ",".join([kind[1], *(f"{k}={v}" for k, v in props)])]


def _accel(setup):
    if setup.icount:
        return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]
    if setup.accel == "kvm":
        return ["-accel", "kvm"]
    return ["-accel", "tcg,thread=multi"]


def _console(setup):
    if setup.shell:
        return ["-chardev", "stdio,id=console,mux=on,signal=off",
                "-mon", "chardev=console,mode=readline", "-serial", "chardev:console"]
    # A file never blocks, so a guest that floods its console is not slowed
    # down by the reader, and what it said is there when it has died.
    return ["-chardev", f"file,id=console,path={setup.console_log}",
            "-serial", "chardev:console"]


def command_line(guest, setup):
    """Return the full argv of the QEMU process for this guest and setup."""
    argv = [
        guest.qemu, "-name", guest.name, "-nodefaults", "-no-user-config",
        "-display", "none", "-no-reboot",
        "-machine", guest.machine, "-cpu", guest.cpu,
        *_accel(setup),
        "-smp", str(setup.smp), "-m", str(setup.mem),
        "-kernel", setup.image, "-initrd", setup.initrd,
        "-append", kernel_cmdline(guest, setup),
        *_console(setup),
    ]
    if "qmp" in setup.fds:
        argv += ["-chardev", f"socket,id=qmp,fd={setup.fds['qmp']}",
                 "-mon", "chardev=qmp,mode=control"]
    argv += _pci("virtio-rng-pci")
    argv += _pci("virtio-serial-pci", id="ports")
    for port in PORTS:
        if port in setup.fds:
            argv += ["-chardev", f"socket,id={port},fd={setup.fds[port]}",
                     "-device", f"virtserialport,bus=ports.0,chardev={port},name=cvm.{port}"]
    if setup.tap:
        argv += _nic(setup)
    return argv
