// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>
struct vgic_irq **f(struct vgic_cpu *cpu) { return &cpu->private_irqs; }
