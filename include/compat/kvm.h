/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM on arm64, of which modules see little.
 */
#ifndef CVM_COMPAT_KVM_H
#define CVM_COMPAT_KVM_H

#include <linux/fs.h>
#include <linux/kvm_host.h>
#include <linux/magic.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>

/**
 * cvm_running_vcpu() - the vCPU that is loaded on this CPU
 *
 * Context: preemption off, between vcpu_load() and vcpu_put() of that vCPU.
 * Return: it, or NULL where there is none.
 */
static inline struct kvm_vcpu *cvm_running_vcpu(void)
{
#ifdef HAVE_SYM_kvm_get_running_vcpu
	return kvm_get_running_vcpu();
#else
	/* KVM is the only user of preempt notifiers; each vCPU thread has one. */
	struct preempt_notifier *pn;

	pn = hlist_entry_safe(READ_ONCE(current->preempt_notifiers.first),
			      struct preempt_notifier, link);
	return pn ? container_of(pn, struct kvm_vcpu, preempt_notifier) : NULL;
#endif
}

/**
 * cvm_file_kvm() - the VM that an open file stands for
 * @file: any file
 *
 * Context: any.
 * Return: the VM, which lives as long as @file, or NULL.
 */
static inline struct kvm *cvm_file_kvm(struct file *file)
{
#ifdef HAVE_SYM_file_is_kvm
	return file_is_kvm(file) ? file->private_data : NULL;
#else
	/* No user can make an anonymous inode of that name. */
	if (file_inode(file)->i_sb->s_magic != ANON_INODE_FS_MAGIC ||
	    strcmp(file->f_path.dentry->d_name.name, "kvm-vm"))
		return NULL;
	return file->private_data;
#endif
}

/**
 * cvm_vtimer_intid() - the interrupt that a vCPU's virtual timer is
 * @vcpu: a vCPU that ran
 *
 * Context: any. Return: the PPI as the guest sees it.
 */
static inline unsigned int cvm_vtimer_intid(struct kvm_vcpu *vcpu)
{
#ifdef HAVE_ARCH_TIMER_VM_DATA
	return timer_irq(vcpu_vtimer(vcpu));
#else
	return vcpu_vtimer(vcpu)->irq.irq;
#endif
}

/**
 * cvm_vtimer_offset() - what a vCPU's virtual counter is behind the physical one
 * @vcpu: a vCPU that ran
 *
 * Context: any. Return: the offset.
 */
static inline u64 cvm_vtimer_offset(struct kvm_vcpu *vcpu)
{
#ifdef HAVE_ARCH_TIMER_VM_DATA
	return vcpu->kvm->arch.timer_data.voffset;
#else
	return __vcpu_sys_reg(vcpu, CNTVOFF_EL2);
#endif
}

/**
 * cvm_fake_vtimer() - give a vCPU of a test's own making a virtual timer's interrupt
 * @vcpu:  the vCPU, zeroed, with its VM
 * @intid: the interrupt
 * @spare: VGIC_NR_PRIVATE_IRQS interrupts for kernels that do not have them in the vCPU
 *
 * Context: any. Return: the interrupt.
 */
static inline struct vgic_irq *cvm_fake_vtimer(struct kvm_vcpu *vcpu, unsigned int intid,
					       struct vgic_irq *spare)
{
#ifdef HAVE_VGIC_PRIVATE_IRQS_POINTER
	vcpu->arch.vgic_cpu.private_irqs = spare;
#endif
#ifdef HAVE_ARCH_TIMER_VM_DATA
	vcpu->kvm->arch.timer_data.ppi[TIMER_VTIMER] = intid;
#else
	vcpu_vtimer(vcpu)->irq.irq = intid;
#endif
	vcpu_vtimer(vcpu)->vcpu = vcpu;
	raw_spin_lock_init(&vcpu->arch.vgic_cpu.private_irqs[intid].irq_lock);
	return &vcpu->arch.vgic_cpu.private_irqs[intid];
}

#endif /* CVM_COMPAT_KVM_H */
