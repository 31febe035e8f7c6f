// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for the parts of a virtCCA host's kernel that our modules look for, under
 * the same names. What it is asked and told is seen in debugfs:
 *
 *	create		read: makes a VM; shows the arguments that got through
 *	update		write "CTL EXPIRED LINE LATCH": a vCPU's timer as the firmware
 *			reports it, and what its virtual interrupt was before; read:
 *			what became of it
 *
 * Parameters: version of the firmware's interface, and whether the host is enabled.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/sysreg.h>

#include <compat/kvm.h>
#include <cvm/virtcca.h>

#include "cvm_tmm.h"

static uint version = 2 << 16 | 2;
module_param(version, uint, 0444);
static bool enabled = true;
module_param(enabled, bool, 0444);

static DEFINE_MUTEX(tmm_lock);	/* protects the vCPU */
static struct kvm *tmm_kvm;
static struct kvm_vcpu *tmm_vcpu;
static struct vgic_irq *tmm_irq, *tmm_spare;
static struct dentry *tmm_dir;

bool is_virtcca_cvm_enable(void)
{
	return enabled;
}
EXPORT_SYMBOL_GPL(is_virtcca_cvm_enable);

noinline u64 tmi_version(void)
{
	return version;
}

noinline u64 tmi_cvm_create(u64 params_ptr, u64 numa_set)
{
	barrier();
	return params_ptr + numa_set;
}

/* As the kernel does it: IMASK keeps the line as it is, and it is only raised. */
noinline void kvm_cvm_timers_update(struct kvm_vcpu *vcpu)
{
	u64 ctl = ctxt_sys_reg(&vcpu->arch.ctxt, CNTV_CTL_EL0);
	u64 cval = ctxt_sys_reg(&vcpu->arch.ctxt, CNTV_CVAL_EL0);

	barrier();
	if ((ctl & 3) == 1 && cval <= read_sysreg(cntpct_el0) - cvm_vtimer_offset(vcpu))
		tmm_irq->line_level = true;
}

static int create_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%llx\n", tmi_cvm_create(0x1000, 0x20000));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(create);

static int update_show(struct seq_file *m, void *v)
{
	mutex_lock(&tmm_lock);
	seq_printf(m, "line=%d latch=%d\n", tmm_irq->line_level, tmm_irq->pending_latch);
	mutex_unlock(&tmm_lock);
	return 0;
}

static int update_open(struct inode *inode, struct file *file)
{
	return single_open(file, update_show, NULL);
}

static ssize_t update_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	unsigned int ctl, expired, line, latch;
	char text[32] = "";

	if (len >= sizeof(text) || copy_from_user(text, buf, len))
		return -EINVAL;
	if (sscanf(text, "%u %u %u %u", &ctl, &expired, &line, &latch) != 4)
		return -EINVAL;
	mutex_lock(&tmm_lock);
	ctxt_sys_reg(&tmm_vcpu->arch.ctxt, CNTV_CTL_EL0) = ctl;
	ctxt_sys_reg(&tmm_vcpu->arch.ctxt, CNTV_CVAL_EL0) = expired ? 0 : U64_MAX;
	tmm_irq->line_level = line;
	tmm_irq->pending_latch = latch;
	kvm_cvm_timers_update(tmm_vcpu);
	mutex_unlock(&tmm_lock);
	return len;
}

static const struct file_operations update_fops = {
	.owner = THIS_MODULE,
	.open = update_open,
	.read = seq_read,
	.write = update_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static void tmm_free(void)
{
	kfree(tmm_kvm);
	kfree(tmm_vcpu);
	kfree(tmm_spare);
}

static int __init tmm_init(void)
{
	tmm_kvm = kzalloc(sizeof(*tmm_kvm), GFP_KERNEL);
	tmm_vcpu = kzalloc(sizeof(*tmm_vcpu), GFP_KERNEL);
	tmm_spare = kcalloc(VGIC_NR_PRIVATE_IRQS, sizeof(*tmm_irq), GFP_KERNEL);
	if (!tmm_kvm || !tmm_vcpu || !tmm_spare) {
		tmm_free();
		return -ENOMEM;
	}
	tmm_vcpu->kvm = tmm_kvm;
	tmm_irq = cvm_fake_vtimer(tmm_vcpu, 27, tmm_spare);
	tmm_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("create", 0444, tmm_dir, NULL, &create_fops);
	debugfs_create_file("update", 0644, tmm_dir, NULL, &update_fops);
	return 0;
}
module_init(tmm_init);

static void __exit tmm_exit(void)
{
	debugfs_remove(tmm_dir);
	tmm_free();
}
module_exit(tmm_exit);

MODULE_DESCRIPTION("Stand-in for a virtCCA host, for tests");
MODULE_LICENSE("GPL");
