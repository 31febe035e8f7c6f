// SPDX-License-Identifier: GPL-2.0
/*
 * irq_burst - interrupts of a virtio PCI device just when one of its rings was freed
 *
 *	insmod irq_burst.ko irqs=25,26,27
 *	cat /sys/module/irq_burst/parameters/fired
 *
 * A device may raise them whenever it likes. Where the kernel has inlined what frees a
 * ring the module does not load. Test module: not meant for a machine in use.
 */
#include <linux/delay.h>
#include <linux/irq.h>
#include <linux/kprobes.h>
#include <linux/module.h>

/* For the other CPUs to take them */
#define IRQ_BURST_US	500

static int irqs[16];
static int nr_irqs_given;
module_param_array_named(irqs, irqs, int, &nr_irqs_given, 0444);
MODULE_PARM_DESC(irqs, "numbers of the interrupts");

static unsigned int fired;
module_param(fired, uint, 0444);
MODULE_PARM_DESC(fired, "how many were raised so far");

static void irq_burst_raise(unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

	for (; data; data = data->parent_data) {
		if (!data->chip || !data->chip->irq_retrigger)
			continue;
		if (data->chip->irq_retrigger(data) > 0)
			fired++;
		return;
	}
}

static int irq_burst_freed(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	int i;

	for (i = 0; i < nr_irqs_given; i++)
		irq_burst_raise(irqs[i]);
	udelay(IRQ_BURST_US);
	return 0;
}

static struct kretprobe irq_burst_probe = {
	.kp.symbol_name = "vring_free",
	.handler = irq_burst_freed,
};

static int __init irq_burst_init(void)
{
	return register_kretprobe(&irq_burst_probe);
}
module_init(irq_burst_init);

static void __exit irq_burst_exit(void)
{
	unregister_kretprobe(&irq_burst_probe);
}
module_exit(irq_burst_exit);

MODULE_DESCRIPTION("interrupts while a virtio ring is replaced, for tests");
MODULE_LICENSE("GPL");
