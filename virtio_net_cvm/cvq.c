// SPDX-License-Identifier: GPL-2.0
/*
 * Control queue: typed commands to the device.
 *
 * A command is copied into one of a few buffers that are shared with the device
 * for good, posted, and answered by interrupt. While commands are on their way a
 * work looks after them ten times a second: it picks up answers whose interrupt
 * was lost, and notices when time is up. A device that lets time run out, or
 * answers what was never asked, is not asked again before a reset. One that goes on
 * answering is slow; it is reset only where nobody would know what it does now.
 *
 * Whoever waits does so for 5 seconds at most, for everything it asked for
 * together, so that a silent device can't hold rtnl.
 */
#include <linux/etherdevice.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/netdevice.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/virtio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/virtio_net.h>

#include "compat/virtio.h"
#include "compat/virtio_net.h"

#include "cvmnet.h"
#include "cvq.h"
#include "cvq_slots.h"
#include "devstats.h"
#include "trace.h"

/* A command's share of the memory: what the device reads, then its reply. */
#define SLOT_SIZE	4096U
#define SLOT_OUT	3584U
#define SLOT_ACK	1U
#define SLOT_REPLY	(SLOT_SIZE - SLOT_OUT - SLOT_ACK)

/* Buffers that commands which nobody waits for leave to others */
#define SLOTS_SPARED	4U

/* How long one command may take a device that answers others meanwhile */
#define SLOW_TIMEOUT	(60 * HZ)

/* How often answers are looked for without an interrupt */
#define WATCH_PERIOD	(HZ / 10)

/* None of the specification's values: an answer that was not written fails. */
#define ACK_UNWRITTEN	0xff

static_assert(CVMNET_DEVSTATS_REPLY <= SLOT_REPLY);
static_assert(CVMNET_RSS_CMD_MAX + sizeof(struct virtio_net_ctrl_hdr) <= SLOT_OUT);
static_assert(CVMNET_MAC_TABLE_MAX * ETH_ALEN + 2 * sizeof(__le32) +
	      sizeof(struct virtio_net_ctrl_hdr) <= SLOT_OUT);

/* Data of NOTF_COAL_RX_SET and _TX_SET; kernels differ in what they call it. */
struct coal_data {
	__le32 max_packets;
	__le32 max_usecs;
};

static_assert(sizeof(struct coal_data) == 8);

/* Data of NOTF_COAL_VQ_SET */
struct coal_vq_data {
	__le16 vq_index;
	__le16 reserved;
	struct coal_data coal;
};

static_assert(sizeof(struct coal_vq_data) == 12);

/* Data of STATS_GET, for one queue */
struct stats_data {
	__le16 vq_index;
	__le16 reserved[3];
	__le64 types;
};

static_assert(sizeof(struct stats_data) == 16);

/**
 * struct cvmnet_cvq - the control queue
 * @dev:    the device
 * @mem:    the commands' buffers, shared with the device
 * @room:   woken when a buffer becomes free
 * @watch:  posts what nobody waits for, and looks after answers
 * @lock:   protects all that follows, and batches; taken in interrupts
 * @limit:  jiffies at which the time of all batches ends, or 0; rtnl
 * @vq:     the virtqueue; valid while not @dead
 * @slots:  who owns which buffer
 * @descs:  entries of the ring that the device has
 * @slot_descs: of each buffer: these
 * @answered: jiffies of the last answer
 * @batch:  of each buffer: who waits for it, or NULL
 * @async:  of each buffer: who is told of the answer, or NULL
 * @cmd:    of each buffer: what it asks for, where the device can't change it
 * @len:    of each buffer: bytes of the command
 * @reply:  of each buffer: where the rest of the answer goes, for @batch
 * @reply_len: of each buffer: bytes there
 * @dead:   the device is not asked again before a reset
 * @closed: nor after it
 * @report: a reset is to be requested when the lock is dropped
 * @stats:  counts
 */
struct cvmnet_cvq {
	struct cvmnet_dev *dev;
	struct cvmnet_shared mem;
	wait_queue_head_t room;
	struct delayed_work watch;
	unsigned long limit;

	spinlock_t lock; /* see above */
	struct virtqueue *vq;
	struct cvmnet_slots slots;
	unsigned int descs;
	unsigned int slot_descs[CVMNET_CVQ_SLOTS];
	unsigned long answered;
	struct cvmnet_batch *batch[CVMNET_CVQ_SLOTS];
	struct cvmnet_async *async[CVMNET_CVQ_SLOTS];
	struct virtio_net_ctrl_hdr cmd[CVMNET_CVQ_SLOTS];
	unsigned int len[CVMNET_CVQ_SLOTS];
	void *reply[CVMNET_CVQ_SLOTS];
	unsigned int reply_len[CVMNET_CVQ_SLOTS];
	bool dead;
	bool closed;
	bool report;
	struct cvmnet_cvq_stats stats;
};

static void *slot_out(struct cvmnet_cvq *cvq, unsigned int i)
{
	return cvq->mem.va + i * SLOT_SIZE;
}

static u8 *slot_ack(struct cvmnet_cvq *cvq, unsigned int i)
{
	return cvq->mem.va + i * SLOT_SIZE + SLOT_OUT;
}

/* Lock held. What the command is answered with goes to whoever waits for it. */
static void settle(struct cvmnet_cvq *cvq, unsigned int i, int err)
{
	struct cvmnet_batch *batch = cvq->batch[i];
	struct cvmnet_async *async = cvq->async[i];

	cvq->batch[i] = NULL;
	cvq->async[i] = NULL;
	if (async)
		async->done(async, err);
	if (!batch)
		return;
	if (err && !batch->err)
		batch->err = err;
	if (!--batch->left)
		complete(&batch->done);
}

/* Lock held. Buffers of the device stay its own; who waits for one gets the error. */
static void kill_queue(struct cvmnet_cvq *cvq, int err)
{
	unsigned int i;

	if (cvq->dead)
		return;
	cvq->dead = true;
	cvq->report = true;
	for (i = 0; i < CVMNET_CVQ_SLOTS; i++)
		settle(cvq, i, err);
	wake_up_all(&cvq->room);
}

static void unlock(struct cvmnet_cvq *cvq, unsigned long flags)
	__releases(&cvq->lock)
{
	bool report = cvq->report;

	cvq->report = false;
	spin_unlock_irqrestore(&cvq->lock, flags);
	if (!report)
		return;
	netdev_err_once(cvq->dev->netdev,
			"the control queue does not work: the device will be reset\n");
	cvmnet_reset_request(cvq->dev, CVMNET_RESET_CVQ);
}

/* Lock held. Once to private memory: whoever asked reads it there only. */
static void take_reply(struct cvmnet_cvq *cvq, unsigned int i, unsigned int len)
{
	if (cvq->batch[i] && cvq->reply_len[i])
		memcpy(cvq->reply[i], slot_ack(cvq, i) + SLOT_ACK,
		       min(len - SLOT_ACK, cvq->reply_len[i]));
}

/* Lock held. Take the answers that are there, never more than were asked for. */
static void reap(struct cvmnet_cvq *cvq)
{
	/* One look more, for an answer to nothing. */
	unsigned int left = cvq->slots.posted + 1;
	unsigned int len;
	void *cookie;
	int i, err;
	u8 ack;

	if (cvq->dead)
		return;
	while (left--) {
		cookie = virtqueue_get_buf(cvq->vq, &len);
		if (!cookie)
			break;
		i = cvmnet_slots_answer(&cvq->slots, (unsigned long)cookie);
		if (i < 0) {
			kill_queue(cvq, -EIO);
			return;
		}
		cvq->descs -= cvq->slot_descs[i];
		cvq->answered = jiffies;
		ack = READ_ONCE(*slot_ack(cvq, i));
		err = cvmnet_cvq_verdict(&ack, len);
		if (err)
			cvq->stats.failed++;
		else
			take_reply(cvq, i, len);
		trace_cvmnet_cmd_done(cvq->dev, i, cvq->cmd[i].class, cvq->cmd[i].cmd, err);
		settle(cvq, i, err);
		wake_up(&cvq->room);
	}
	/* On a split ring the device can make the core free what was never used. */
	if (virtqueue_is_broken(cvq->vq) ||
	    cvq->vq->num_free + cvq->descs != virtqueue_get_vring_size(cvq->vq))
		kill_queue(cvq, -EIO);
}

/* Lock held. */
static int post_one(struct cvmnet_cvq *cvq, unsigned int i)
{
	struct scatterlist out, in, *sgs[] = { &out, &in };
	unsigned int before = cvq->vq->num_free;
	unsigned long cookie;
	int err;

	*slot_ack(cvq, i) = ACK_UNWRITTEN;
	sg_init_table(&out, 1);
	sg_init_table(&in, 1);
	cvmnet_shared_sg(cvq->dev, &out, &cvq->mem, i * SLOT_SIZE, cvq->len[i]);
	cvmnet_shared_sg(cvq->dev, &in, &cvq->mem, i * SLOT_SIZE + SLOT_OUT,
			 SLOT_ACK + cvq->reply_len[i]);

	cookie = cvmnet_slots_post(&cvq->slots, jiffies + CVMNET_CMD_TIMEOUT);
	err = virtqueue_add_sgs(cvq->vq, sgs, 1, 1, (void *)cookie, GFP_ATOMIC);
	if (err) {
		cvmnet_slots_answer(&cvq->slots, cookie);
		return err;
	}
	cvq->slot_descs[i] = before - cvq->vq->num_free;
	cvq->descs += cvq->slot_descs[i];
	return 0;
}

/* Lock held. Post all that waits, and notify the device once. */
static void post_ready(struct cvmnet_cvq *cvq)
{
	bool posted = false;
	int i;

	if (cvq->dead)
		return;
	while ((i = cvmnet_slots_next(&cvq->slots)) >= 0) {
		if (post_one(cvq, i)) {
			kill_queue(cvq, -EIO);
			return;
		}
		cvq->stats.commands++;
		trace_cvmnet_cmd_issue(cvq->dev, i, cvq->cmd[i].class, cvq->cmd[i].cmd,
				       cvq->len[i]);
		posted = true;
	}
	if (!posted)
		return;
	cvq->stats.kicks++;
	if (!virtqueue_kick(cvq->vq))
		kill_queue(cvq, -EIO);
	else
		queue_delayed_work(cvmnet_wq, &cvq->watch, WATCH_PERIOD);
}

/* Lock held. The device answers nobody: give up on it. */
static void timed_out(struct cvmnet_cvq *cvq)
{
	cvq->stats.timeouts++;
	trace_cvmnet_cmd_timeout(cvq->dev, cvq->slots.posted);
	kill_queue(cvq, -ETIMEDOUT);
}

/* Lock held. */
static bool answers(const struct cvmnet_cvq *cvq)
{
	return time_before(jiffies, cvq->answered + CVMNET_CMD_TIMEOUT);
}

/* Lock held. */
static bool is_overdue(const struct cvmnet_cvq *cvq)
{
	unsigned long slow = answers(cvq) ? SLOW_TIMEOUT - CVMNET_CMD_TIMEOUT : 0;

	return cvmnet_slots_overdue(&cvq->slots, jiffies - slow);
}

static void watch_work(struct work_struct *work)
{
	struct cvmnet_cvq *cvq = container_of(work, struct cvmnet_cvq, watch.work);
	unsigned long flags;

	spin_lock_irqsave(&cvq->lock, flags);
	reap(cvq);
	post_ready(cvq);
	if (!cvq->dead && is_overdue(cvq))
		timed_out(cvq);
	if (!cvq->dead && cvq->slots.posted)
		queue_delayed_work(cvmnet_wq, &cvq->watch, WATCH_PERIOD);
	unlock(cvq, flags);
}

/**
 * cvmnet_cvq_callback() - the device has answered
 * @vq: the control virtqueue
 *
 * Context: interrupt.
 */
void cvmnet_cvq_callback(struct virtqueue *vq)
{
	struct cvmnet_dev *dev = vq->vdev->priv;
	struct cvmnet_cvq *cvq = dev ? READ_ONCE(dev->cvq) : NULL;
	unsigned long flags;

	if (!cvq)
		return;
	spin_lock_irqsave(&cvq->lock, flags);
	reap(cvq);
	unlock(cvq, flags);
}

/* --- life --- */

static struct cvmnet_cvq *cvq_alloc(struct cvmnet_dev *dev)
{
	struct cvmnet_cvq *cvq = kzalloc(sizeof(*cvq), GFP_KERNEL);

	if (!cvq)
		return NULL;
	if (cvmnet_shared_alloc(dev, CVMNET_CVQ_SLOTS * SLOT_SIZE, &cvq->mem)) {
		kfree(cvq);
		return NULL;
	}
	/* The device may read all of it. */
	memset(cvq->mem.va, 0, CVMNET_CVQ_SLOTS * SLOT_SIZE);
	cvq->dev = dev;
	cvq->dead = true;
	spin_lock_init(&cvq->lock);
	init_waitqueue_head(&cvq->room);
	INIT_DELAYED_WORK(&cvq->watch, watch_work);
	return cvq;
}

/**
 * cvmnet_cvq_init() - take a control virtqueue
 * @dev: the device
 * @vq:  its control virtqueue, just found
 *
 * Called at probe, and again with the new virtqueue after each reset. Commands fail until
 * cvmnet_cvq_start().
 *
 * Context: process, may sleep; the device is not told to run yet.
 * Return: 0, -ENOMEM, or -EINVAL for a ring that can't hold a command.
 */
int cvmnet_cvq_init(struct cvmnet_dev *dev, struct virtqueue *vq)
{
	struct cvmnet_cvq *cvq = dev->cvq;
	unsigned long flags;
	int err;

	if (virtqueue_get_vring_size(vq) < 2)
		return -EINVAL;
	if (dev->premapped) {
		err = cvm_vq_set_premapped(vq);
		if (err)
			return err;
	}
	if (!cvq) {
		cvq = cvq_alloc(dev);
		if (!cvq)
			return -ENOMEM;
	}
	spin_lock_irqsave(&cvq->lock, flags);
	cvmnet_slots_reset(&cvq->slots, virtqueue_get_vring_size(vq));
	cvq->vq = vq;
	cvq->descs = 0;
	spin_unlock_irqrestore(&cvq->lock, flags);
	/* An interrupt that the device sends too early finds it whole, or not at all. */
	smp_store_release(&dev->cvq, cvq);
	return 0;
}

/**
 * cvmnet_cvq_start() - commands may be sent
 * @dev: the device; DRIVER_OK is set: it MUST NOT be notified before (virtio 1.3, 3.1.1)
 *
 * Context: process.
 */
void cvmnet_cvq_start(struct cvmnet_dev *dev)
{
	struct cvmnet_cvq *cvq = dev->cvq;
	unsigned long flags;

	if (!cvq)
		return;
	spin_lock_irqsave(&cvq->lock, flags);
	cvq->answered = jiffies;
	cvq->dead = cvq->closed;
	spin_unlock_irqrestore(&cvq->lock, flags);
}

static void set_closed(struct cvmnet_dev *dev, bool closed)
{
	struct cvmnet_cvq *cvq = dev->cvq;
	unsigned long flags;

	if (!cvq)
		return;
	spin_lock_irqsave(&cvq->lock, flags);
	cvq->closed = closed;
	spin_unlock_irqrestore(&cvq->lock, flags);
}

/**
 * cvmnet_cvq_close() - cvmnet_cvq_fail_all(), also for a reset that is on its way
 * @dev: the device
 *
 * Context: process, may sleep.
 */
void cvmnet_cvq_close(struct cvmnet_dev *dev)
{
	set_closed(dev, true);
	cvmnet_cvq_fail_all(dev);
}

/**
 * cvmnet_cvq_open() - let cvmnet_cvq_start() work again
 * @dev: the device
 *
 * Context: process.
 */
void cvmnet_cvq_open(struct cvmnet_dev *dev)
{
	set_closed(dev, false);
}

/**
 * cvmnet_cvq_fail_all() - let go of the virtqueue and of all who wait
 * @dev: the device
 *
 * Commands fail from here on, until cvmnet_cvq_start(). To be called first when
 * the device is to be reset or removed, since others may wait under rtnl. The
 * virtqueue is not used again but by cvmnet_cvq_detach(); its buffers count as the
 * device's until the reset.
 *
 * Context: process, may sleep.
 */
void cvmnet_cvq_fail_all(struct cvmnet_dev *dev)
{
	struct cvmnet_cvq *cvq = dev->cvq;
	unsigned long flags;

	if (!cvq)
		return;
	spin_lock_irqsave(&cvq->lock, flags);
	kill_queue(cvq, -EIO);
	cvq->report = false;
	spin_unlock_irqrestore(&cvq->lock, flags);
	cancel_delayed_work_sync(&cvq->watch);
}

/**
 * cvmnet_cvq_detach() - let the ring unmap what the device did not answer
 * @dev: the device, after cvmnet_cvq_fail_all() and its reset; its virtqueues still
 *       exist
 *
 * Context: process.
 */
void cvmnet_cvq_detach(struct cvmnet_dev *dev)
{
	struct cvmnet_cvq *cvq = dev->cvq;

	if (!cvq || !cvq->vq)
		return;
	/* Not once more than there are: the core would look for lost entries and stop. */
	while (!dev->premapped && cvq->slots.posted && virtqueue_detach_unused_buf(cvq->vq))
		cvq->slots.posted--;
	cvq->vq = NULL;
}

/**
 * cvmnet_cvq_exit() - free the control queue
 * @dev: the device; it has been reset, and its virtqueues are deleted
 *
 * Context: process, may sleep; nobody sends commands any more.
 */
void cvmnet_cvq_exit(struct cvmnet_dev *dev)
{
	struct cvmnet_cvq *cvq = dev->cvq;

	if (!cvq)
		return;
	cvmnet_cvq_fail_all(dev);
	WRITE_ONCE(dev->cvq, NULL);
	cvmnet_shared_free(dev, &cvq->mem);
	kfree(cvq);
}

/**
 * cvmnet_cvq_get_stats() - counts of the control queue
 * @dev:   the device
 * @stats: the copy; all 0 without a control queue
 *
 * Context: any.
 */
void cvmnet_cvq_get_stats(struct cvmnet_dev *dev, struct cvmnet_cvq_stats *stats)
{
	struct cvmnet_cvq *cvq = dev->cvq;
	unsigned long flags;

	memset(stats, 0, sizeof(*stats));
	if (!cvq)
		return;
	spin_lock_irqsave(&cvq->lock, flags);
	*stats = cvq->stats;
	spin_unlock_irqrestore(&cvq->lock, flags);
}

/* --- batches --- */

static long time_left(const struct cvmnet_batch *batch)
{
	return max_t(long, batch->deadline - jiffies, 0);
}

/**
 * cvmnet_cvq_limit() - bound what several batches take together
 * @dev:     the device
 * @timeout: jiffies from now; 0: each has its own time again
 *
 * A device that answers each batch just in time would otherwise hold rtnl for all of them.
 *
 * Context: rtnl.
 */
void cvmnet_cvq_limit(struct cvmnet_dev *dev, unsigned long timeout)
{
	ASSERT_RTNL();
	if (dev->cvq)
		WRITE_ONCE(dev->cvq->limit, timeout ? (jiffies + timeout) | 1 : 0);
}

/**
 * cvmnet_batch_begin() - begin to collect commands
 * @batch: on the caller's stack; cvmnet_batch_wait() must follow
 * @dev:   the device
 *
 * Context: process.
 */
void cvmnet_batch_begin(struct cvmnet_batch *batch, struct cvmnet_dev *dev)
{
	unsigned long limit = dev->cvq ? READ_ONCE(dev->cvq->limit) : 0;

	batch->dev = dev;
	batch->deadline = jiffies + CVMNET_CMD_TIMEOUT;
	if (limit && time_before(limit, batch->deadline))
		batch->deadline = limit;
	batch->changes = false;
	batch->left = 1;
	batch->err = 0;
	init_completion(&batch->done);
}

/* Lock held. Returns the buffer, or an error. */
static int fill_slot(struct cvmnet_cvq *cvq, struct cvmnet_batch *batch, u8 class,
		     u8 command, const void *data, size_t len)
{
	struct virtio_net_ctrl_hdr hdr = { .class = class, .cmd = command };
	int i;

	if (cvq->dead)
		return -EIO;
	i = cvmnet_slots_take(&cvq->slots);
	if (i < 0)
		return i;
	memcpy(slot_out(cvq, i), &hdr, sizeof(hdr));
	if (len)
		memcpy(slot_out(cvq, i) + sizeof(hdr), data, len);
	cvq->cmd[i] = hdr;
	cvq->len[i] = sizeof(hdr) + len;
	cvq->batch[i] = batch;
	cvq->async[i] = NULL;
	cvq->reply[i] = NULL;
	cvq->reply_len[i] = 0;
	return i;
}

/* Is it worth another try to get a buffer? */
static bool may_have_room(struct cvmnet_cvq *cvq)
{
	return READ_ONCE(cvq->dead) ||
	       READ_ONCE(cvq->slots.posted) + READ_ONCE(cvq->slots.ready) <
	       READ_ONCE(cvq->slots.count);
}

/* Lock held. Its commands go on; nobody waits for the answers. */
static void let_go(struct cvmnet_cvq *cvq, struct cvmnet_batch *batch)
{
	unsigned int i;

	cvq->stats.timeouts++;
	for (i = 0; i < CVMNET_CVQ_SLOTS; i++)
		if (cvq->batch[i] == batch)
			cvq->batch[i] = NULL;
}

/*
 * For whoever waits. Errors are kept in the batch. After a change that may come true
 * later only a reset tells what the device does.
 */
static void time_is_up(struct cvmnet_cvq *cvq, struct cvmnet_batch *batch)
{
	unsigned long flags;

	spin_lock_irqsave(&cvq->lock, flags);
	/* It may have got no buffer yet. */
	if (!batch->err)
		batch->err = -ETIMEDOUT;
	if (answers(cvq) && !batch->changes)
		let_go(cvq, batch);
	else
		timed_out(cvq);
	unlock(cvq, flags);
}

static void batch_fail(struct cvmnet_batch *batch, int err)
{
	struct cvmnet_cvq *cvq = batch->dev->cvq;
	unsigned long flags;

	if (!cvq) {
		batch->err = batch->err ?: err;
		return;
	}
	/* Answers to earlier commands of the batch may come in meanwhile. */
	spin_lock_irqsave(&cvq->lock, flags);
	batch->err = batch->err ?: err;
	spin_unlock_irqrestore(&cvq->lock, flags);
}

/* A reply's memory is the caller's, and must outlive cvmnet_batch_wait(). */
static void batch_ask(struct cvmnet_batch *batch, u8 feature, u8 class, u8 command,
		      const void *data, size_t len, void *reply, size_t room)
{
	struct cvmnet_cvq *cvq = batch->dev->cvq;
	unsigned long flags;
	int err;

	if (!cvq || !cvmnet_has(batch->dev, feature)) {
		batch_fail(batch, -EOPNOTSUPP);
		return;
	}
	if (len > SLOT_OUT - sizeof(struct virtio_net_ctrl_hdr) || room > SLOT_REPLY) {
		batch_fail(batch, -EMSGSIZE);
		return;
	}
	for (;;) {
		spin_lock_irqsave(&cvq->lock, flags);
		err = fill_slot(cvq, batch, class, command, data, len);
		if (err >= 0) {
			batch->left++;
			cvq->reply[err] = reply;
			cvq->reply_len[err] = room;
			err = 0;
		} else if (err == -EBUSY) {
			post_ready(cvq);
		}
		unlock(cvq, flags);
		if (err != -EBUSY)
			break;
		if (!wait_event_timeout(cvq->room, may_have_room(cvq), time_left(batch))) {
			time_is_up(cvq, batch);
			return;
		}
	}
	if (err)
		batch_fail(batch, err);
}

static void batch_add(struct cvmnet_batch *batch, u8 feature, u8 class, u8 command,
		      const void *data, size_t len)
{
	batch->changes = true;
	batch_ask(batch, feature, class, command, data, len, NULL, 0);
}

/**
 * cvmnet_batch_wait() - post the commands of a batch and wait for their answers
 * @batch: the batch
 *
 * Context: process, may sleep, at most until 5 s after cvmnet_batch_begin(); may
 * be called under rtnl.
 * Return: 0 when the device did everything; -EREMOTEIO when it refused a command;
 * -ETIMEDOUT when it did not answer in time, which asks for a reset, unless nothing was to
 * change and it is just slow; -EIO when it waits for its reset; -EOPNOTSUPP for a command
 * that was not negotiated.
 */
int cvmnet_batch_wait(struct cvmnet_batch *batch)
{
	struct cvmnet_cvq *cvq = batch->dev->cvq;
	unsigned long flags;
	bool wait;
	int err;

	might_sleep();
	if (!cvq)
		return batch->err;
	spin_lock_irqsave(&cvq->lock, flags);
	post_ready(cvq);
	wait = --batch->left;
	unlock(cvq, flags);
	if (!wait)
		return batch->err;

	if (!wait_for_completion_timeout(&batch->done, time_left(batch))) {
		/* The last look: the interrupt may just be late. */
		spin_lock_irqsave(&cvq->lock, flags);
		reap(cvq);
		wait = batch->left;
		unlock(cvq, flags);
		if (wait)
			time_is_up(cvq, batch);
	}
	/* Whoever completed the batch does not hold the lock any more after this. */
	spin_lock_irqsave(&cvq->lock, flags);
	err = batch->err;
	spin_unlock_irqrestore(&cvq->lock, flags);
	return err;
}

/* --- commands --- */

/**
 * cvmnet_batch_rx_mode() - switch a receive mode
 * @batch:   the batch
 * @command: VIRTIO_NET_CTRL_RX_*
 * @on:      on or off
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_rx_mode(struct cvmnet_batch *batch, u8 command, bool on)
{
	u8 feature = command <= VIRTIO_NET_CTRL_RX_ALLMULTI ? VIRTIO_NET_F_CTRL_RX :
							      VIRTIO_NET_F_CTRL_RX_EXTRA;
	u8 data = on;

	batch_add(batch, feature, VIRTIO_NET_CTRL_RX, command, &data, sizeof(data));
}

/**
 * cvmnet_batch_mac_table() - set the address filter
 * @batch: the batch
 * @table: as the specification lays it out
 * @len:   its length
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_mac_table(struct cvmnet_batch *batch, const void *table,
			    size_t len)
{
	batch_add(batch, VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_CTRL_MAC,
		  VIRTIO_NET_CTRL_MAC_TABLE_SET, table, len);
}

/**
 * cvmnet_batch_mac() - set the device's own address
 * @batch: the batch
 * @addr:  the address
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_mac(struct cvmnet_batch *batch, const u8 *addr)
{
	batch_add(batch, VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_NET_CTRL_MAC,
		  VIRTIO_NET_CTRL_MAC_ADDR_SET, addr, ETH_ALEN);
}

/**
 * cvmnet_batch_vlan() - let a VLAN through, or no longer
 * @batch: the batch
 * @vid:   the VLAN
 * @add:   through or not
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_vlan(struct cvmnet_batch *batch, u16 vid, bool add)
{
	__le16 data = cpu_to_le16(vid);

	batch_add(batch, VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN,
		  add ? VIRTIO_NET_CTRL_VLAN_ADD : VIRTIO_NET_CTRL_VLAN_DEL,
		  &data, sizeof(data));
}

/**
 * cvmnet_batch_guest_offloads() - choose the receive offloads
 * @batch:    the batch
 * @offloads: VIRTIO_NET_F_GUEST_* bits
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_guest_offloads(struct cvmnet_batch *batch, u64 offloads)
{
	__le64 data = cpu_to_le64(offloads);

	batch_add(batch, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
		  VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &data, sizeof(data));
}

/**
 * cvmnet_batch_notf_coal() - moderate notifications of one direction
 * @batch:  the batch
 * @tx:     transmit or receive queues
 * @frames: packets until a notification
 * @usecs:  longest delay
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_notf_coal(struct cvmnet_batch *batch, bool tx, u32 frames,
			    u32 usecs)
{
	struct coal_data data = {
		.max_packets = cpu_to_le32(frames),
		.max_usecs = cpu_to_le32(usecs),
	};

	batch_add(batch, VIRTIO_NET_F_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL,
		  tx ? VIRTIO_NET_CTRL_NOTF_COAL_TX_SET : VIRTIO_NET_CTRL_NOTF_COAL_RX_SET,
		  &data, sizeof(data));
}

static struct coal_vq_data coal_vq(u16 vq_index, u32 frames, u32 usecs)
{
	return (struct coal_vq_data) {
		.vq_index = cpu_to_le16(vq_index),
		.coal.max_packets = cpu_to_le32(frames),
		.coal.max_usecs = cpu_to_le32(usecs),
	};
}

/**
 * cvmnet_batch_vq_notf_coal() - moderate notifications of one queue
 * @batch:    the batch
 * @vq_index: the queue
 * @frames:   packets until a notification
 * @usecs:    longest delay
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_vq_notf_coal(struct cvmnet_batch *batch, u16 vq_index, u32 frames, u32 usecs)
{
	struct coal_vq_data data = coal_vq(vq_index, frames, usecs);

	batch_add(batch, VIRTIO_NET_F_VQ_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL,
		  VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET, &data, sizeof(data));
}

/**
 * cvmnet_batch_stats_query() - ask what the device counts
 * @batch: the batch
 * @reply: where the answer goes, valid until cvmnet_batch_wait() returns
 * @room:  bytes there
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_stats_query(struct cvmnet_batch *batch, void *reply, size_t room)
{
	batch_ask(batch, VIRTIO_NET_F_DEVICE_STATS, VIRTIO_NET_CTRL_STATS,
		  VIRTIO_NET_CTRL_STATS_QUERY, NULL, 0, reply, room);
}

/**
 * cvmnet_batch_stats_get() - ask for what the device counted
 * @batch:    the batch
 * @vq_index: the queue
 * @types:    types of statistics, which that queue has
 * @reply:    where the answer goes, valid until cvmnet_batch_wait() returns
 * @room:     bytes there
 *
 * Context: process, may sleep while no buffer is free.
 */
void cvmnet_batch_stats_get(struct cvmnet_batch *batch, u16 vq_index, u64 types, void *reply,
			    size_t room)
{
	struct stats_data data = {
		.vq_index = cpu_to_le16(vq_index),
		.types = cpu_to_le64(types),
	};

	batch_ask(batch, VIRTIO_NET_F_DEVICE_STATS, VIRTIO_NET_CTRL_STATS,
		  VIRTIO_NET_CTRL_STATS_GET, &data, sizeof(data), reply, room);
}

/**
 * cvmnet_cmd_mq() - use so many queue pairs
 * @dev:   the device
 * @pairs: how many
 *
 * With RSS this also spreads the packets over them.
 *
 * Context: rtnl; may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait().
 */
int cvmnet_cmd_mq(struct cvmnet_dev *dev, unsigned int pairs)
{
	__le16 data = cpu_to_le16(pairs);
	struct cvmnet_batch batch;

	if (cvmnet_has(dev, VIRTIO_NET_F_RSS))
		return cvmnet_rss_set_pairs(dev, pairs);
	if (!cvmnet_has(dev, VIRTIO_NET_F_MQ))
		return pairs == 1 ? 0 : -EOPNOTSUPP;
	cvmnet_batch_begin(&batch, dev);
	batch_add(&batch, VIRTIO_NET_F_MQ, VIRTIO_NET_CTRL_MQ,
		  VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &data, sizeof(data));
	return cvmnet_batch_wait(&batch);
}

/**
 * cvmnet_cmd_mac() - set the device's own address
 * @dev:  the device
 * @addr: the address
 *
 * Context: process, may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait().
 */
int cvmnet_cmd_mac(struct cvmnet_dev *dev, const u8 *addr)
{
	struct cvmnet_batch batch;

	cvmnet_batch_begin(&batch, dev);
	cvmnet_batch_mac(&batch, addr);
	return cvmnet_batch_wait(&batch);
}

/**
 * cvmnet_cmd_vlan() - let a VLAN through, or no longer
 * @dev: the device
 * @vid: the VLAN
 * @add: through or not
 *
 * Context: process, may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait().
 */
int cvmnet_cmd_vlan(struct cvmnet_dev *dev, u16 vid, bool add)
{
	struct cvmnet_batch batch;

	cvmnet_batch_begin(&batch, dev);
	cvmnet_batch_vlan(&batch, vid, add);
	return cvmnet_batch_wait(&batch);
}

/**
 * cvmnet_cmd_guest_offloads() - choose the receive offloads
 * @dev:      the device
 * @offloads: VIRTIO_NET_F_GUEST_* bits
 *
 * Context: process, may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait().
 */
int cvmnet_cmd_guest_offloads(struct cvmnet_dev *dev, u64 offloads)
{
	struct cvmnet_batch batch;

	cvmnet_batch_begin(&batch, dev);
	cvmnet_batch_guest_offloads(&batch, offloads);
	return cvmnet_batch_wait(&batch);
}

/**
 * cvmnet_cmd_rss() - spread packets over queues by their hash
 * @dev:    the device
 * @config: by cvmnet_rss_encode()
 * @len:    its length
 *
 * Context: process, may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait().
 */
int cvmnet_cmd_rss(struct cvmnet_dev *dev, const void *config, size_t len)
{
	struct cvmnet_batch batch;

	cvmnet_batch_begin(&batch, dev);
	batch_add(&batch, VIRTIO_NET_F_RSS, VIRTIO_NET_CTRL_MQ,
		  VIRTIO_NET_CTRL_MQ_RSS_CONFIG, config, len);
	return cvmnet_batch_wait(&batch);
}

/**
 * cvmnet_cmd_hash() - choose what is hashed where packets are not spread by it
 * @dev:    the device
 * @config: by cvmnet_hash_encode()
 * @len:    its length
 *
 * Context: process, may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait().
 */
int cvmnet_cmd_hash(struct cvmnet_dev *dev, const void *config, size_t len)
{
	struct cvmnet_batch batch;

	cvmnet_batch_begin(&batch, dev);
	batch_add(&batch, VIRTIO_NET_F_HASH_REPORT, VIRTIO_NET_CTRL_MQ,
		  VIRTIO_NET_CTRL_MQ_HASH_CONFIG, config, len);
	return cvmnet_batch_wait(&batch);
}

/**
 * cvmnet_cmd_hash_tunnel() - choose the encapsulations whose inner headers are hashed
 * @dev:   the device
 * @types: the types, all of them supported
 *
 * Context: process, may sleep, at most 5 s.
 * Return: 0, or an error of cvmnet_batch_wait().
 */
int cvmnet_cmd_hash_tunnel(struct cvmnet_dev *dev, u32 types)
{
	__le32 data = cpu_to_le32(types);
	struct cvmnet_batch batch;

	cvmnet_batch_begin(&batch, dev);
	batch_add(&batch, VIRTIO_NET_F_HASH_TUNNEL, VIRTIO_NET_CTRL_HASH_TUNNEL,
		  VIRTIO_NET_CTRL_HASH_TUNNEL_SET, &data, sizeof(data));
	return cvmnet_batch_wait(&batch);
}

/* Posted by the watch, with whatever else comes until then; any context. */
static int cmd_async(struct cvmnet_dev *dev, u8 feature, u8 class, u8 command,
		     const void *data, size_t len)
{
	struct cvmnet_cvq *cvq = dev->cvq;
	unsigned long flags;
	int err;

	if (!cvq || !cvmnet_has(dev, feature))
		return -EOPNOTSUPP;
	spin_lock_irqsave(&cvq->lock, flags);
	err = fill_slot(cvq, NULL, class, command, data, len);
	if (err >= 0)
		mod_delayed_work(cvmnet_wq, &cvq->watch, 0);
	spin_unlock_irqrestore(&cvq->lock, flags);
	return min(err, 0);
}

/**
 * cvmnet_cmd_announce_ack_async() - tell the device that the guest announced itself
 * @dev: the device
 *
 * Context: any; does not wait for an answer.
 * Return: 0 when it is on its way, -EBUSY, -EIO or -EOPNOTSUPP when not.
 */
int cvmnet_cmd_announce_ack_async(struct cvmnet_dev *dev)
{
	return cmd_async(dev, VIRTIO_NET_F_GUEST_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE,
			 VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0);
}

/**
 * cvmnet_cmd_vlan_del_async() - let a VLAN through no longer, soon
 * @dev: the device
 * @vid: the VLAN
 *
 * Context: any; does not wait for an answer. Commands that follow are answered later
 * than this one.
 * Return: 0 when it is on its way, -EBUSY, -EIO or -EOPNOTSUPP when not.
 */
int cvmnet_cmd_vlan_del_async(struct cvmnet_dev *dev, u16 vid)
{
	__le16 data = cpu_to_le16(vid);

	return cmd_async(dev, VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN,
			 VIRTIO_NET_CTRL_VLAN_DEL, &data, sizeof(data));
}

/* Lock held. */
static bool has_spare_room(const struct cvmnet_slots *slots)
{
	unsigned int used = slots->posted + slots->ready;

	return !used || used + SLOTS_SPARED < slots->count;
}

/**
 * cvmnet_cmd_vq_notf_coal_async() - moderate notifications of one queue
 * @dev:      the device
 * @async:    is told of the answer, also if the device is reset before it comes; not
 *            when this fails
 * @vq_index: the queue
 * @frames:   packets until a notification
 * @usecs:    longest delay
 *
 * It is posted by cvmnet_cvq_post(), or with what is posted earlier.
 *
 * Context: any; does not wait for an answer.
 * Return: 0 when it is accepted, -EBUSY, -EIO or -EOPNOTSUPP when not.
 */
int cvmnet_cmd_vq_notf_coal_async(struct cvmnet_dev *dev, struct cvmnet_async *async,
				  u16 vq_index, u32 frames, u32 usecs)
{
	struct coal_vq_data data = coal_vq(vq_index, frames, usecs);
	struct cvmnet_cvq *cvq = dev->cvq;
	unsigned long flags;
	int i;

	if (!cvq || !cvmnet_has(dev, VIRTIO_NET_F_VQ_NOTF_COAL))
		return -EOPNOTSUPP;
	spin_lock_irqsave(&cvq->lock, flags);
	if (has_spare_room(&cvq->slots))
		i = fill_slot(cvq, NULL, VIRTIO_NET_CTRL_NOTF_COAL,
			      VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET, &data, sizeof(data));
	else
		i = cvq->dead ? -EIO : -EBUSY;
	if (i >= 0)
		cvq->async[i] = async;
	spin_unlock_irqrestore(&cvq->lock, flags);
	return min(i, 0);
}

/**
 * cvmnet_cvq_post() - post commands that nobody waits for, with one notification
 * @dev: the device
 *
 * Context: any.
 */
void cvmnet_cvq_post(struct cvmnet_dev *dev)
{
	struct cvmnet_cvq *cvq = dev->cvq;
	unsigned long flags;

	if (!cvq)
		return;
	spin_lock_irqsave(&cvq->lock, flags);
	post_ready(cvq);
	unlock(cvq, flags);
}
