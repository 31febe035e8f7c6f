# SPDX-License-Identifier: GPL-2.0
# For users and developers; the kernel's build reads Kbuild. See "make help".

KDIR ?= /lib/modules/$(shell uname -r)/build
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
GENERATED := include/compat/generated/probes.h
SRC_DKMS := /usr/src/cvm-modules-$(VERSION)
SBIN := /usr/local/sbin

# Compiler choices of the caller, also for the compile probes.
KARGS := $(foreach v,ARCH CROSS_COMPILE LLVM CC,$(if $(filter command% environment,$(origin $(v))),'$(v)=$($(v))'))

# Kbuild needs an absolute path, and this Makefile may be read with -C.
TOP := $(CURDIR)

all: modules

help:
	@echo 'Modules:'
	@echo '  make [KDIR=tree]         build all modules for a header or build tree'
	@echo '                           (default: the headers of the running kernel)'
	@echo '    ARCH= CROSS_COMPILE=   for another architecture'
	@echo '    CVM_TESTS=1            also the modules that only tests load'
	@echo '  make install             install them for that kernel, and cvmnet-bind.sh (root)'
	@echo '  make dkms                hand them to DKMS, for this and later kernels, the same'
	@echo '  make clean               remove what was built here'
	@echo 'Kernels in the cache:'
	@echo '  make kernels             fetch the Debian kernels that we build for and boot'
	@echo '  make kunit-kernel        build the test kernel (KUnit, KASAN, lockdep ...)'
	@echo '  make cache-info          what the cache holds'
	@echo '  make cache-clean         empty it'
	@echo '  make matrix              build the modules for every kernel in the cache'
	@echo 'Tests and figures:'
	@echo '  make demo                see it work, step by step'
	@echo '  make check               everything CI runs'
	@echo '  make check-full          the same, mutants, all hostile rows, every kind of network card (hours)'
	@echo '  make kunit               the KUnit suites'
	@echo '  make mutants             modules broken on purpose: each must be noticed (TABLE=)'
	@echo '  make fuzz                a virtio device that does wrong at random, a million times (over half an hour)'
	@echo '  make style               checkpatch, shellcheck, documents'
	@echo '  make bench-ipi           IPI latency, native against soft'
	@echo '  make bench-cq            latency of NFS over RDMA, completions polled or not'
	@echo '  make bench-dim           moderation of notifications on a software device'
	@echo '  make bench-net-cost      instructions per packet and KiB, in-tree driver against ours'
	@echo '  make bench-ctrl          what commands to a network device cost, both drivers'
	@echo '  make bench-wfx           VMs that idle in WFI, trapped against left to the guest'
	@echo '  make bench-vtimer        timer interrupts of a VM, with and without vtimer_mask'
	@echo '  make bench-net           throughput and latency of both drivers'
	@echo '  make shell               a guest with the modules inside (GUEST=, KERNEL=)'

prepare:
	@scripts/probe.sh --kdir '$(KDIR)' --out $(GENERATED) $(KARGS)

modules: prepare
	$(MAKE) -C '$(KDIR)' M='$(TOP)' $(KARGS) modules

clean:
	@if [ -f '$(KDIR)/Makefile' ] && [ -f $(GENERATED) ]; then \
		$(MAKE) -C '$(KDIR)' M='$(TOP)' $(KARGS) CVM_TESTS=1 clean; fi
	rm -rf include/compat/generated build/modules build/probes build/check

install: modules install-bin
	$(MAKE) -C '$(KDIR)' M='$(TOP)' $(KARGS) modules_install
	@echo 'Installed. If modprobe does not find them: depmod -a (for that kernel release).'

# Beside the modules, wherever they go (INSTALL_MOD_PATH).
install-bin:
	install -D -m 755 scripts/cvmnet-bind.sh '$(INSTALL_MOD_PATH)$(SBIN)/cvmnet-bind.sh'

dkms: install-bin
	rm -rf '$(SRC_DKMS)'
	mkdir -p '$(SRC_DKMS)'
	tar -c --exclude=./.git --exclude=./build --exclude=./include/compat/generated \
		--exclude='*.o' --exclude='*.ko' . | tar -x -C '$(SRC_DKMS)'
	dkms install --force cvm-modules/$(VERSION)

kernels:
	scripts/deps.sh
	scripts/kernels.sh fetch

kunit-kernel:
	scripts/deps.sh
	scripts/kernels.sh fetch kunit-amd64

matrix: kernels
	@for id in $$(scripts/kernels.sh ids); do \
		case $$id in kunit-*) continue ;; esac; \
		scripts/build-modules.sh $$id || exit 1; done

cache-info:
	@scripts/kernels.sh info

cache-clean:
	scripts/kernels.sh clean

GUEST ?= x86-cvm
KERNEL ?= 6.12
shell:
	scripts/vm-run.sh --guest $(GUEST) --kernel $(KERNEL) --shell

check:
	scripts/check.sh

check-full:
	scripts/check.sh --full

kunit:
	scripts/kunit.sh

TABLE ?= $(basename $(notdir $(wildcard scripts/mutants/*.tsv)))
mutants:
	@for table in $(TABLE); do scripts/mutants.sh $$table || exit 1; done

fuzz:
	scripts/fuzz.sh $(or $(FUZZ_SEED),1)

style:
	scripts/style.sh

demo:
	scripts/demo.sh

bench-net-cost:
	scripts/bench-net-cost.sh

bench-net:
	scripts/bench-net.sh

bench-ipi:
	scripts/bench-ipi.sh

bench-cq:
	scripts/bench-cq.sh

bench-dim:
	scripts/bench-dim.sh

bench-ctrl:
	scripts/bench-ctrl.sh

bench-wfx:
	scripts/bench-wfx.sh

bench-vtimer:
	scripts/bench-vtimer.sh

.PHONY: all help prepare modules clean install install-bin dkms kernels kunit-kernel matrix
.PHONY: cache-info cache-clean shell check check-full fuzz kunit mutants style demo
.PHONY: bench-cq bench-ctrl bench-dim bench-ipi bench-net bench-net-cost bench-vtimer bench-wfx
