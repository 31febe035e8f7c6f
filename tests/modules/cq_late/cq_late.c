// SPDX-License-Identifier: GPL-2.0
/*
 * Test module: a completion queue that gets its queue pair later, when "qp" is written. Is
 * "drain" written the queue pair is drained, and "again" has all made anew. With "nest" a
 * completion comes whose function destroys another queue and makes it anew.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <rdma/ib_verbs.h>

static char *cq_late_device = "rxe0";
module_param_named(device, cq_late_device, charp, 0444);
MODULE_PARM_DESC(device, "RDMA device");

static struct ib_device *cq_late_dev;
static struct ib_pd *cq_late_pd;
static struct ib_cq *cq_late_cq;
static struct ib_qp *cq_late_qp;

static int cq_late_qp_set(const char *val, const struct kernel_param *kp)
{
	struct ib_qp_init_attr attr = {
		.send_cq = cq_late_cq,
		.recv_cq = cq_late_cq,
		.cap = { .max_send_wr = 1, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1 },
		.sq_sig_type = IB_SIGNAL_ALL_WR,
		.qp_type = IB_QPT_RC,
	};
	struct ib_qp *qp;

	if (!cq_late_cq || cq_late_qp)
		return -EBUSY;
	qp = ib_create_qp(cq_late_pd, &attr);
	if (IS_ERR(qp))
		return PTR_ERR(qp);
	cq_late_qp = qp;
	return 0;
}

static const struct kernel_param_ops cq_late_qp_ops = {
	.set = cq_late_qp_set,
};
module_param_cb(qp, &cq_late_qp_ops, NULL, 0200);
MODULE_PARM_DESC(qp, "write anything to make the queue pair");

static int cq_late_qp_state(enum ib_qp_state state)
{
	struct ib_qp_attr attr = { .qp_state = state, .port_num = 1 };
	int mask = IB_QP_STATE;

	if (state == IB_QPS_INIT)
		mask |= IB_QP_PKEY_INDEX | IB_QP_PORT | IB_QP_ACCESS_FLAGS;
	return ib_modify_qp(cq_late_qp, &attr, mask);
}

/* What is posted to such a queue pair comes back at once, as an error. */
static int cq_late_qp_fail(void)
{
	static const enum ib_qp_state states[] = { IB_QPS_RESET, IB_QPS_INIT, IB_QPS_ERR };
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(states); i++)
		err = cq_late_qp_state(states[i]);
	return err;
}

static struct ib_cq *cq_late_nested;
static struct completion cq_late_done;

static void cq_late_nest_done(struct ib_cq *cq, struct ib_wc *wc)
{
	if (cq_late_nested)
		ib_free_cq(cq_late_nested);
	cq_late_nested = ib_alloc_cq(cq_late_dev, NULL, 16, 0, IB_POLL_WORKQUEUE);
	if (IS_ERR(cq_late_nested))
		cq_late_nested = NULL;
	complete(&cq_late_done);
}

static int cq_late_nest_set(const char *val, const struct kernel_param *kp)
{
	static struct ib_cqe cqe = { .done = cq_late_nest_done };
	struct ib_recv_wr wr = { .wr_cqe = &cqe };
	int err;

	if (!cq_late_qp)
		return -ENOENT;
	err = cq_late_qp_fail();
	if (err)
		return err;
	init_completion(&cq_late_done);
	err = ib_post_recv(cq_late_qp, &wr, NULL);
	if (err)
		return err;
	if (!wait_for_completion_timeout(&cq_late_done, 20 * HZ))
		return -ETIMEDOUT;
	return cq_late_nested ? 0 : -ENOMEM;
}

static const struct kernel_param_ops cq_late_nest_ops = {
	.set = cq_late_nest_set,
};
module_param_cb(nest, &cq_late_nest_ops, NULL, 0200);
MODULE_PARM_DESC(nest, "write anything to have another queue destroyed and made when one completes");

static int cq_late_drain_set(const char *val, const struct kernel_param *kp)
{
	int err;

	if (!cq_late_qp)
		return -ENOENT;
	/* One that was never set up can't fail. */
	err = cq_late_qp_state(IB_QPS_INIT);
	if (!err)
		ib_drain_qp(cq_late_qp);
	return err;
}

static const struct kernel_param_ops cq_late_drain_ops = {
	.set = cq_late_drain_set,
};
module_param_cb(drain, &cq_late_drain_ops, NULL, 0200);
MODULE_PARM_DESC(drain, "write anything to have the queue pair drained");

static void cq_late_destroy(void)
{
	if (cq_late_qp)
		ib_destroy_qp(cq_late_qp);
	cq_late_qp = NULL;
	if (cq_late_nested)
		ib_free_cq(cq_late_nested);
	cq_late_nested = NULL;
	if (cq_late_cq)
		ib_free_cq(cq_late_cq);
	cq_late_cq = NULL;
}

static int cq_late_create(void)
{
	struct ib_cq *cq = ib_alloc_cq(cq_late_dev, NULL, 16, 0, IB_POLL_WORKQUEUE);

	if (IS_ERR(cq))
		return PTR_ERR(cq);
	cq_late_cq = cq;
	return 0;
}

static int cq_late_again_set(const char *val, const struct kernel_param *kp)
{
	if (!cq_late_pd)
		return -EAGAIN;
	cq_late_destroy();
	return cq_late_create();
}

static const struct kernel_param_ops cq_late_again_ops = {
	.set = cq_late_again_set,
};
module_param_cb(again, &cq_late_again_ops, NULL, 0200);
MODULE_PARM_DESC(again, "write anything to have the queue made anew");

static int __init cq_late_init(void)
{
	int err;

	cq_late_dev = ib_device_get_by_name(cq_late_device, RDMA_DRIVER_UNKNOWN);
	if (!cq_late_dev)
		return -ENODEV;
	cq_late_pd = ib_alloc_pd(cq_late_dev, 0);
	if (IS_ERR(cq_late_pd)) {
		err = PTR_ERR(cq_late_pd);
		goto err_put_device;
	}
	err = cq_late_create();
	if (err)
		goto err_dealloc_pd;
	return 0;

err_dealloc_pd:
	ib_dealloc_pd(cq_late_pd);
err_put_device:
	ib_device_put(cq_late_dev);
	return err;
}
module_init(cq_late_init);

static void __exit cq_late_exit(void)
{
	cq_late_destroy();
	ib_dealloc_pd(cq_late_pd);
	ib_device_put(cq_late_dev);
}
module_exit(cq_late_exit);

MODULE_DESCRIPTION("A completion queue that gets its queue pair later");
MODULE_LICENSE("GPL");
