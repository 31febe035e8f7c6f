# SPDX-License-Identifier: GPL-2.0
"""Initramfs of a test guest: a cached base and a small overlay for each run.

The base (busybox, Debian's driver modules, static programs) depends on the
kernel and on tests/progs only; the overlay holds our modules, the tests and
the files of this run. The kernel unpacks both archives one after the other.
Nothing is compressed: loading is quicker than unpacking under emulation.
"""

import hashlib
import lzma
import os
import subprocess
import tempfile
import time

# Scripts of ours that tests call by name.
SCRIPTS = ("cvmnet-bind.sh", "vnetsim.sh")

# What a guest needs to talk to the harness, and its network card. Kernels that
# have one of these built in just have no such module.
BOOT_MODULES = ("virtio_pci", "virtio_console", "virtio_rng", "virtio_net")


class InitramfsError(Exception):
    """A module, program or file that was asked for is not there."""


class Cpio:
    """Writer of the newc format; same input, same bytes."""

    def __init__(self):
        self._parts = []
        self._ino = 0
        self._dirs = {""}

    def _entry(self, name, mode, data=b""):
        self._ino += 1
        path = name.encode() + b"\0"
        head = b"070701" + b"".join(b"%08X" % v for v in (
            self._ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0))
        self._parts.append(head + path + b"\0" * (-(len(head) + len(path)) % 4))
        self._parts.append(data + b"\0" * (-len(data) % 4))

    def mkdir(self, path):
        path = path.strip("/")
        if path not in self._dirs:
            self.mkdir(os.path.dirname(path))
            self._dirs.add(path)
            self._entry(path, 0o040755)

    def file(self, path, data, mode=0o644):
        path = path.strip("/")
        self.mkdir(os.path.dirname(path))
        self._entry(path, 0o100000 | mode, data)

    def link(self, path, target):
        path = path.strip("/")
        self.mkdir(os.path.dirname(path))
        self._entry(path, 0o120777, target.encode())

    def bytes(self):
        self._entry("TRAILER!!!", 0)
        data = b"".join(self._parts)
        # The next archive must start on a multiple of four; 512 is customary.
        return data + b"\0" * (-len(data) % 512)


def _read(path):
    with open(path, "rb") as f:
        return f.read()


def _module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


class ModuleSet:
    """Modules of the kernel package and ours, with what each of them needs."""

    def __init__(self, moddir, ours):
        self._dep, self._path = {}, {}
        with open(os.path.join(moddir, "modules.dep"), encoding="utf-8") as f:
            for line in f:
                path, _, deps = line.partition(":")
                name = _module_name(path)
                self._path[name] = os.path.join(moddir, path)
                # modules.dep names the nearest need first.
                self._dep[name] = [_module_name(d) for d in reversed(deps.split())]
        with open(os.path.join(moddir, "modules.builtin"), encoding="utf-8") as f:
            self._builtin = {_module_name(line.strip()) for line in f}
        self._ours = {_module_name(p): p for p in ours}
        self._our_needs = {n: self._modinfo_depends(p) for n, p in self._ours.items()}

    @staticmethod
    def _modinfo_depends(path):
        out = subprocess.run(["modinfo", "-F", "depends", path], check=True,
                             capture_output=True, text=True,
                             env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        return [d.replace("-", "_") for d in out.stdout.strip().split(",") if d]

    def known(self, name):
        return name in self._path or name in self._builtin

    def is_module(self, name):
        return name in self._path

    def kernel_order(self, names):
        """Load order of kernel modules with their needs."""
        order = []
        for name in names:
            for each in [*self._dep.get(name, ()), name]:
                if each in self._path and each not in order:
                    order.append(each)
        return order

    def data(self, name):
        path = self._path[name]
        raw = _read(path)
        if path.endswith(".xz"):
            return lzma.decompress(raw)
        if path.endswith(".zst"):
            return subprocess.run(["zstd", "-dcq"], input=raw, check=True,
                                  capture_output=True).stdout
        return raw

    def needs_of_ours(self):
        """{our module: all that must be loaded first, in order}."""
        return {name: self._needs(name, ()) for name in self._ours}

    def _needs(self, name, path):
        order = []
        for dep in self._our_needs[name]:
            if dep in path:
                raise InitramfsError(f"module {name} and {dep} need each other")
            if dep in self._ours:
                order += self._needs(dep, (*path, name)) + [dep]
            elif dep in self._path:
                order += self.kernel_order([dep])
            elif dep not in self._builtin:
                raise InitramfsError(f"module {name} needs {dep}, which this kernel does not have")
        return list(dict.fromkeys(order))


def _static_programs(sources, cross, cache):
    """Compile tests/progs/*.c for the guest; returns {name: file}."""
    compiler = f"{cross}gcc"
    folder = os.path.dirname(sources[0])
    shared = b"".join(_read(os.path.join(folder, f)) for f in sorted(os.listdir(folder))
                      if f.endswith(".h"))
    built = {}
    os.makedirs(cache, exist_ok=True)
    for source in sources:
        name = os.path.basename(source)[:-2]
        key = hashlib.sha256(b"\0".join((compiler.encode(), shared, _read(source)))).hexdigest()[:16]
        target = os.path.join(cache, f"{name}-{cross}{key}")
        if not os.path.exists(target):
            part = f"{target}.{os.getpid()}"
            res = subprocess.run(
                [compiler, "-static", "-O2", "-s", "-Wall", "-Werror", "-pthread",
                 "-o", part, source],
                capture_output=True, text=True, check=False)
            if res.returncode:
                raise InitramfsError(f"cannot compile tests/progs/{name}.c: {res.stderr.strip()}")
            os.rename(part, target)
        built[name] = target
    return built


def _kvmguest(top, cross, cache):
    """Build tests/kvmguest, the VMM for guests that offer /dev/kvm."""
    folder = os.path.join(top, "tests", "kvmguest")
    files = sorted(os.listdir(folder))
    text = b"\0".join(_read(os.path.join(folder, f)) for f in files)
    target = os.path.join(cache, "kvmguest-" + hashlib.sha256(text).hexdigest()[:16])
    if not os.path.exists(target):
        with tempfile.TemporaryDirectory(dir=cache) as part:
            res = subprocess.run(["make", "-C", folder, f"O={part}", f"CROSS_COMPILE={cross}"],
                                 env={k: v for k, v in os.environ.items() if "MAKE" not in k},
                                 capture_output=True, text=True, check=False)
            if res.returncode:
                raise InitramfsError(f"cannot build tests/kvmguest: {res.stderr.strip()}")
            os.rename(os.path.join(part, "kvmguest"), target)
    return target


# Debian's ethtool, iproute2 and a shell that runs the latter (that of busybox prefers its
# own ip, whatever the path), with what they are linked to.
TOOL_PACKAGES = ("dash", "ethtool", "iproute2", "libbpf1", "libbsd0", "libc6", "libcap2",
                 "libelf1", "libmd0", "libmnl0", "libpcre2-8-0", "libselinux1", "libzstd1",
                 "zlib1g")
_TRIPLETS = {
    "amd64": ("x86_64-linux-gnu", "lib64/ld-linux-x86-64.so.2"),
    "arm64": ("aarch64-linux-gnu", "lib/ld-linux-aarch64.so.1"),
}
_LIBRARIES = ("libbpf.so.1", "libbsd.so.0", "libc.so.6", "libcap.so.2", "libelf.so.1",
              "libm.so.6", "libmd.so.0", "libmnl.so.0", "libpcre2-8.so.0", "libselinux.so.1",
              "libz.so.1", "libzstd.so.1")


def _tool_files(debarch, tree):
    """{path in the guest: path in the packages}"""
    triplet, loader = _TRIPLETS[debarch]
    files = {
        "bin/dash": f"{tree}/bin/dash",
        "bin/ethtool": f"{tree}/sbin/ethtool",
        "lib/iproute2/ip": f"{tree}/bin/ip",
        loader: f"{tree}/lib/{triplet}/{os.path.basename(loader)}",
    }
    for name in _LIBRARIES:
        path = f"{tree}/lib/{triplet}/{name}"
        files[f"lib/{name}"] = path if os.path.exists(path) else f"{tree}/usr/lib/{triplet}/{name}"
    return files


def _base(kernel, modules, order, busybox, programs):
    cpio = Cpio()
    for path in ("dev", "proc", "sys", "tmp", "run", "out", "put", "bin", "lib/modules", "etc"):
        cpio.mkdir(path)
    cpio.file("bin/busybox", _read(busybox), 0o755)
    cpio.link("bin/sh", "busybox")
    cpio.link("sbin", "bin")
    for name, path in programs.items():
        cpio.file(name, _read(path), 0o755)
    for name in order:
        cpio.file(f"lib/modules/{name}.ko", modules.data(name))
    cpio.file("etc/kernel", kernel["K_ID"].encode() + b"\n")
    return cpio.bytes()


def base_image(kernel, modules, order, busybox, programs, cache):
    """Return the path of the cached base archive."""
    key = hashlib.sha256()
    for item in (kernel["K_ID"], kernel["K_RELEASE"], *order,
                 *(f"{n}={os.path.basename(p)}" for n, p in sorted(programs.items()))):
        key.update(item.encode() + b"\0")
    for path in (busybox, kernel["K_MODDIR"] + "/modules.dep", os.path.abspath(__file__)):
        key.update(_read(path))
    os.makedirs(cache, exist_ok=True)
    path = os.path.join(cache, f"base-{kernel['K_ID']}-{key.hexdigest()[:16]}.cpio")
    if not os.path.exists(path):
        _remove_old(cache, f"base-{kernel['K_ID']}-")
        data = _base(kernel, modules, order, busybox, programs)
        with tempfile.NamedTemporaryFile(dir=cache, delete=False) as tmp:
            tmp.write(data)
        os.rename(tmp.name, path)
    return path


def _remove_old(folder, prefix, days=7):
    """Forget archives that nobody made lately; another run may use a young one."""
    limit = time.time() - days * 86400
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith(prefix) and os.stat(path).st_mtime < limit:
            os.unlink(path)


def overlay(tests_dir, ours, needs, boot, run):
    """The part that changes from run to run, as bytes.

    run: {"tests": [...], "params": {...}, "put": [...]}
    """
    cpio = Cpio()
    cpio.file("init", _read(os.path.join(tests_dir, "init")), 0o755)
    for root, dirs, files in os.walk(tests_dir):
        rel = os.path.relpath(root, tests_dir)
        if rel == ".":
            dirs[:] = [d for d in dirs if d not in ("progs", "modules", "kvmguest")]
        dirs.sort()
        for name in sorted(files):
            cpio.file(os.path.normpath(f"tests/{rel}/{name}"), _read(os.path.join(root, name)))
    for path in sorted(ours):
        cpio.file(f"lib/cvm/{_module_name(path)}.ko", _read(path))
    for path in run["put"]:
        if not os.path.isfile(path):
            raise InitramfsError(f"no file {path} to put into the guest")
        cpio.file(f"put/{os.path.basename(path)}", _read(path), os.stat(path).st_mode & 0o777)
    for script in SCRIPTS:
        cpio.file(f"bin/{script}", _read(os.path.join(tests_dir, "..", "scripts", script)), 0o755)
    cpio.file("lib/modules.dep", "".join(
        f"{n}: {' '.join(d)}\n" for n, d in sorted(needs.items())).encode())
    cpio.file("etc/cvm.boot", "".join(f"{m}\n" for m in boot).encode())
    cpio.file("etc/cvm.tests", "".join(f"{t}\n" for t in run["tests"]).encode())
    cpio.file("etc/cvm.env", "".join(
        f"{k}={_quote(v)}\n" for k, v in run["params"].items()).encode())
    return cpio.bytes()


def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def host_programs(top, cache, folder):
    """Compile tests/progs/*.c for the host too and link them into a folder."""
    os.makedirs(folder, exist_ok=True)
    for name, path in _static_programs(_sources(top), "", os.path.join(cache, "progs")).items():
        link = os.path.join(folder, name)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(path, link)


def _sources(top):
    progs_dir = os.path.join(top, "tests", "progs")
    return sorted(os.path.join(progs_dir, f) for f in os.listdir(progs_dir) if f.endswith(".c"))


def build(kernel, top, cache, ours, mods, run, target):
    """Write the initramfs of one run to target.

    kernel: the K_ variables; ours: our module files; mods: names of further
    kernel modules wanted; run: see overlay(), and "boot": modules to load at boot
    besides those that every guest has.
    """
    tests_dir = os.path.join(top, "tests")
    modules = ModuleSet(kernel["K_MODDIR"], ours)
    for name in mods:
        if not modules.known(name.replace("-", "_")):
            raise InitramfsError(f"kernel {kernel['K_ID']} has no module {name}")
    wanted = [m.replace("-", "_") for m in mods]
    needs = modules.needs_of_ours()
    boot = modules.kernel_order([*BOOT_MODULES, *run["boot"]])
    needs.update({m: modules.kernel_order([m])[:-1] for m in wanted if modules.is_module(m)})
    order = boot + [m for m in modules.kernel_order(
        [*wanted, *(d for deps in needs.values() for d in deps)]) if m not in boot]

    programs = _static_programs(_sources(top), kernel["K_CROSS"], os.path.join(cache, "progs"))
    programs = {f"bin/{name}": path for name, path in programs.items()}
    if kernel["K_DEBARCH"] == "arm64":
        programs["bin/kvmguest"] = _kvmguest(top, kernel["K_CROSS"], os.path.join(cache, "progs"))
    programs.update(_tool_files(kernel["K_DEBARCH"],
                                os.path.join(cache, f"tools-{kernel['K_DEBARCH']}")))
    busybox = os.path.join(cache, f"busybox-{kernel['K_DEBARCH']}", "bin", "busybox")
    base = base_image(kernel, modules, order, busybox, programs,
                      os.path.join(cache, "initramfs"))
    with open(target, "wb") as out:
        out.write(_read(base))
        out.write(overlay(tests_dir, ours, needs, boot, run))
