// SPDX-License-Identifier: GPL-2.0
/*
 * Adaptive moderation: the poll functions measure, a work decides for all queues that
 * have been measured, the device is told by commands that nobody waits for.
 *
 * The work is not woken as long as there is nothing to decide.
 *
 * A queue's measurement and decision have one owner at a time (dim->owner): NAPI, then
 * the work, then the control queue until the device has answered or is dead, then NAPI
 * again. So there is at most one command on its way for a queue, without a lock, and a
 * device that is slow or refuses delays the next decision and nothing else.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/virtio.h>

#include <compat/virtio_net.h>
#include <cvm/kunit.h>

#include "cvmnet.h"
#include "cvq.h"
#include "dim.h"
#include "trace.h"

/* Shorter samples are noise: a time, and packets unless there are few of them. */
#define SAMPLE_NS	(4 * NSEC_PER_MSEC)
#define SAMPLE_NS_MAX	(16 * NSEC_PER_MSEC)
#define SAMPLE_PACKETS	128U

static_assert(CVMNET_DIM_LEVELS == CVM_DIM_LEVELS);

static struct virtqueue *vq_of(const struct cvmnet_dim *dim)
{
	return dim->tx ? dim->dev->txq[dim->index].vq : dim->dev->rxq[dim->index].vq;
}

static void hand_over(struct cvmnet_dim *dim, enum cvmnet_dim_owner owner)
{
	/* What this owner has written is for the next one to see. */
	smp_store_release(&dim->owner, owner);
}

static enum cvmnet_dim_owner owner_of(const struct cvmnet_dim *dim)
{
	/* Pairs with hand_over(). */
	return smp_load_acquire(&dim->owner);
}

/* --- measuring --- */

/* It is given running totals, and counts an interrupt when a poll function is done. */
static void stock_sample(struct cvmnet_dim *dim, u32 packets, u32 bytes, bool last)
{
	struct dim_sample sample = {};

	dim->packets += packets;
	dim->bytes += bytes;
	if (!packets || !last)
		return;
	dim_update_sample(++dim->events, dim->packets, dim->bytes, &sample);
	cvm_net_dim(&dim->stock, &sample);
}

static void begin_sample(struct cvmnet_dim *dim, u64 ns)
{
	dim->since = ns;
	dim->now = (struct cvmnet_dim_sample){};
}

/* A notification for every packet, however it is said */
static bool moderates(const struct cvmnet_coal_dir *coal)
{
	return coal->usecs && coal->frames > 1;
}

static bool same(const struct cvmnet_coal_dir *a, const struct cvmnet_coal_dir *b)
{
	if (!moderates(a) && !moderates(b))
		return true;
	return a->usecs == b->usecs && a->frames == b->frames;
}

/* Is what was decided last what the device does? */
static bool is_in_force(const struct cvmnet_dim *dim)
{
	return dim->known_in == READ_ONCE(dim->epoch) && same(&dim->asked, &dim->in_force);
}

/* Where all is as it should be, nobody is woken. */
static bool is_settled(struct cvmnet_dim *dim)
{
	return is_in_force(dim) && dim->changes == READ_ONCE(dim->dev->dims.changes) &&
	       cvmnet_dim_stays(&dim->decide, &dim->now);
}

/* A device that has refused is not asked at each sample; whoever sets something else is heard. */
static bool is_quiet(struct cvmnet_dim *dim)
{
	if (!dim->quiet || dim->asked_in != READ_ONCE(dim->epoch))
		return false;
	dim->quiet--;
	return true;
}

/**
 * __cvmnet_dim_poll_end() - a poll function ends, of a queue that is measured
 * @dim:     the queue's
 * @began:   when it began
 * @packets: done by it
 * @bytes:   of these
 * @last:    the next run comes with an interrupt
 *
 * Context: the queue's NAPI.
 */
void __cvmnet_dim_poll_end(struct cvmnet_dim *dim, u64 began, u32 packets, u32 bytes, bool last)
{
	struct cvmnet_dim_sample *now = &dim->now;
	u64 ns;

	if (READ_ONCE(dim->dev->dims.stock)) {
		stock_sample(dim, packets, bytes, last);
		return;
	}
	ns = ktime_get_ns();
	switch (owner_of(dim)) {
	case CVMNET_DIM_IDLE:
		WRITE_ONCE(dim->anew, false);
		begin_sample(dim, ns);
		hand_over(dim, CVMNET_DIM_MEASURE);
		return;
	case CVMNET_DIM_MEASURE:
		if (likely(!READ_ONCE(dim->anew)))
			break;
		/* What was begun before is of hours ago. */
		WRITE_ONCE(dim->anew, false);
		begin_sample(dim, ns);
		return;
	default:
		return;
	}
	now->packets += packets;
	now->irqs += last;
	now->busy_ns += ns - began;
	now->ns = ns - dim->since;
	if (now->ns < SAMPLE_NS ||
	    (now->packets < SAMPLE_PACKETS && now->ns < SAMPLE_NS_MAX))
		return;
	if (is_quiet(dim) || is_settled(dim)) {
		begin_sample(dim, ns);
		return;
	}
	dim->sample = *now;
	hand_over(dim, CVMNET_DIM_DECIDE);
	queue_work(cvmnet_dim_wq, &dim->dev->dims.work);
}
EXPORT_SYMBOL_IF_CVM_KUNIT(__cvmnet_dim_poll_end);

/* --- deciding --- */

/* What was asked for is not in force, and is not asked for again for a while. */
static void refused(struct cvmnet_dim *dim)
{
	cvmnet_dim_refused(&dim->decide);
	dim->quiet = dim->decide.hold;
}

/* The control queue's lock is held. */
static void answered(struct cvmnet_async *command, int err)
{
	struct cvmnet_dim *dim = container_of(command, struct cvmnet_dim, command);

	if (err) {
		refused(dim);
		dim->stats.failed++;
	} else {
		dim->in_force = dim->asked;
		dim->known_in = dim->asked_in;
		WRITE_ONCE(dim->stats.usecs, dim->asked.usecs);
		WRITE_ONCE(dim->stats.frames, dim->asked.frames);
		dim->stats.changes++;
	}
	dim->stock.state = DIM_START_MEASURE;
	hand_over(dim, CVMNET_DIM_IDLE);
	wake_up(&dim->dev->dims.idle);
}

/*
 * Returns true if a command is to be sent; it belongs to the control queue then. Where that
 * has no room, the decision is as before: the device has refused nothing.
 */
static bool ask(struct cvmnet_dim *dim, u32 usecs, u32 frames,
		const struct cvmnet_dim_state *before)
{
	struct virtqueue *vq = vq_of(dim);
	int err = -EIO;

	dim->asked.usecs = usecs;
	/* The device needs some of them back before it has used all. */
	dim->asked.frames = vq ? min(frames, virtqueue_get_vring_size(vq) / 2) : frames;
	dim->asked_in = dim->epoch;
	dim->quiet = 0;
	if (!is_in_force(dim)) {
		trace_cvmnet_dim_change(dim);
		hand_over(dim, CVMNET_DIM_ASKED);
		if (vq)
			err = cvmnet_cmd_vq_notf_coal_async(dim->dev, &dim->command, vq->index,
							    dim->asked.frames, dim->asked.usecs);
		if (!err)
			return true;
		if (err == -EBUSY)
			dim->decide = *before;
		else
			refused(dim);
	}
	dim->stock.state = DIM_START_MEASURE;
	hand_over(dim, CVMNET_DIM_IDLE);
	return false;
}

static bool decide(struct cvmnet_dim *dim)
{
	const struct cvmnet_dim_profile *profile;
	const struct cvmnet_dim_level *level;
	struct cvmnet_dim_state before;

	if (owner_of(dim) != CVMNET_DIM_DECIDE)
		return false;
	if (!dim->adaptive || dim->dev->dims.stock || dim->dev->dims.paused) {
		hand_over(dim, CVMNET_DIM_IDLE);
		return false;
	}
	if (dim->begun_in != dim->epoch) {
		dim->decide = (struct cvmnet_dim_state){};
		dim->begun_in = dim->epoch;
	}
	dim->changes = dim->dev->dims.changes;
	profile = &dim->dev->dims.profile[dim->tx];
	before = dim->decide;
	level = &profile->level[cvmnet_dim_decide(&dim->decide, profile, &dim->sample)];
	return ask(dim, level->usecs, level->frames, &before);
}

static void dims_work(struct work_struct *work)
{
	struct cvmnet_dev *dev = container_of(work, struct cvmnet_dev, dims.work);
	bool asked = false;
	unsigned int i;

	mutex_lock(&dev->dims.lock);
	for (i = 0; i < dev->max_pairs; i++) {
		asked |= decide(&dev->rxq[i].dim);
		asked |= decide(&dev->txq[i].dim);
	}
	mutex_unlock(&dev->dims.lock);
	if (asked)
		cvmnet_cvq_post(dev);
}

/* The kernel's algorithm has come to another level. */
static void stock_work(struct work_struct *work)
{
	struct dim *stock = container_of(work, struct dim, work);
	struct cvmnet_dim *dim = container_of(stock, struct cvmnet_dim, stock);
	struct cvmnet_dev *dev = dim->dev;
	struct dim_cq_moder moder;
	bool asked = false;

	mutex_lock(&dev->dims.lock);
	/* Measured by ours before, it may be waiting for an answer; or its queue was stopped. */
	if (!READ_ONCE(dev->running) || !dim->adaptive || !dev->dims.stock || dev->dims.paused ||
	    owner_of(dim) == CVMNET_DIM_ASKED) {
		stock->state = DIM_START_MEASURE;
	} else {
		moder = cvm_net_dim_level(dim->tx, stock->profile_ix);
		/* Ours has decided nothing. */
		asked = ask(dim, moder.usec, moder.pkts, &dim->decide);
	}
	mutex_unlock(&dev->dims.lock);
	if (asked)
		cvmnet_cvq_post(dev);
}

/* --- settings --- */

static void set_paused(struct cvmnet_dims *dims, bool paused)
{
	mutex_lock(&dims->lock);
	dims->paused = paused;
	mutex_unlock(&dims->lock);
}

/**
 * cvmnet_dim_set_adaptive() - let us choose, or not
 * @dim: the queue's
 * @on:  choose
 *
 * Nothing is sent: a setting changes with the next measurement. When this returns,
 * commands that were decided on before are with the control queue.
 *
 * Context: process, may sleep.
 */
void cvmnet_dim_set_adaptive(struct cvmnet_dim *dim, bool on)
{
	struct cvmnet_dims *dims = &dim->dev->dims;

	mutex_lock(&dims->lock);
	if (on && !dim->adaptive)
		WRITE_ONCE(dim->anew, true);
	/* Whoever measures from here on finds that it is to begin anew. */
	smp_store_release(&dim->adaptive, on && dims->there);
	mutex_unlock(&dims->lock);
}

/**
 * cvmnet_dims_set_profile() - choose the levels of one direction
 * @dev:     the device
 * @tx:      the direction
 * @profile: the levels
 *
 * Context: rtnl.
 * Return: 0; -EOPNOTSUPP without VQ_NOTF_COAL; or cvmnet_dim_profile_check()'s error.
 */
int cvmnet_dims_set_profile(struct cvmnet_dev *dev, bool tx,
			    const struct cvmnet_dim_profile *profile)
{
	struct cvmnet_dims *dims = &dev->dims;
	unsigned int i;
	int err;

	ASSERT_RTNL();
	if (!dims->there)
		return -EOPNOTSUPP;
	err = cvmnet_dim_profile_check(profile);
	if (err)
		return err;
	mutex_lock(&dims->lock);
	dims->profile[tx] = *profile;
	WRITE_ONCE(dims->changes, dims->changes + 1);
	mutex_unlock(&dims->lock);
	for (i = 0; i < CVMNET_DIM_LEVELS; i++)
		cvm_irq_moder_set(dev->netdev, tx, i, profile->level[i].usecs,
				  profile->level[i].frames);
	return 0;
}

/**
 * cvmnet_dims_adopt_profiles() - take over what ethtool has changed
 * @dev: the device
 *
 * ethtool's core changes the profiles that it keeps without asking; they are ours only
 * after this.
 *
 * Context: rtnl.
 * Return: 0; or cvmnet_dim_profile_check()'s error, with ethtool's profile as before.
 */
int cvmnet_dims_adopt_profiles(struct cvmnet_dev *dev)
{
	struct cvmnet_dims *dims = &dev->dims;
	struct cvmnet_dim_profile new;
	unsigned int tx, i;
	int err = 0, this;

	ASSERT_RTNL();
	for (tx = 0; tx < 2 && dims->there; tx++) {
		for (i = 0; i < CVMNET_DIM_LEVELS; i++)
			if (!cvm_irq_moder_get(dev->netdev, tx, i, &new.level[i].usecs,
					       &new.level[i].frames))
				return 0;
		this = cvmnet_dims_set_profile(dev, tx, &new);
		if (this)
			cvmnet_dims_set_profile(dev, tx, &dims->profile[tx]);
		err = err ?: this;
	}
	return err;
}

/**
 * cvmnet_dims_set_stock() - choose the algorithm
 * @dev:   the device
 * @stock: the kernel's, with its own profile
 *
 * Context: rtnl.
 * Return: 0; -EOPNOTSUPP without VQ_NOTF_COAL, or in kernels without the library.
 */
int cvmnet_dims_set_stock(struct cvmnet_dev *dev, bool stock)
{
	ASSERT_RTNL();
	if (!dev->dims.there || (stock && !CVM_DIMLIB))
		return -EOPNOTSUPP;
	mutex_lock(&dev->dims.lock);
	WRITE_ONCE(dev->dims.stock, stock);
	WRITE_ONCE(dev->dims.changes, dev->dims.changes + 1);
	dev->dims.paused = true;
	mutex_unlock(&dev->dims.lock);
	/* A poll function that goes by the old one may hand over as if nobody had asked. */
	synchronize_net();
	set_paused(&dev->dims, false);
	return 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cvmnet_dims_set_stock);

/* --- life --- */

/**
 * cvmnet_dim_init() - what a queue's moderation needs once
 * @dim:   the queue's, all 0
 * @dev:   the device
 * @index: of the queue among those of its direction
 * @tx:    its direction
 *
 * Context: process.
 */
void cvmnet_dim_init(struct cvmnet_dim *dim, struct cvmnet_dev *dev, unsigned int index, bool tx)
{
	dim->dev = dev;
	dim->index = index;
	dim->tx = tx;
	dim->command.done = answered;
	INIT_WORK(&dim->stock.work, stock_work);
}

/**
 * cvmnet_dim_reset() - the device has forgotten, or was told something else
 * @dim:      the queue's
 * @in_force: what the device moderates by now
 *
 * Whatever is decided next is told to the device.
 *
 * Context: process, may sleep.
 */
void cvmnet_dim_reset(struct cvmnet_dim *dim, const struct cvmnet_coal_dir *in_force)
{
	struct cvmnet_dims *dims = &dim->dev->dims;

	mutex_lock(&dims->lock);
	/* The decision begins anew with the next sample. */
	WRITE_ONCE(dim->epoch, dim->epoch + 1);
	/* Otherwise it is not ours; it is right soon enough. */
	if (owner_of(dim) != CVMNET_DIM_ASKED) {
		dim->stock.state = DIM_START_MEASURE;
		dim->stock.tune_state = DIM_PARKING_ON_TOP;
		dim->stock.profile_ix = 0;
	}
	WRITE_ONCE(dim->stats.usecs, in_force->usecs);
	WRITE_ONCE(dim->stats.frames, in_force->frames);
	mutex_unlock(&dims->lock);
}

/**
 * cvmnet_dims_init() - prepare adaptive moderation
 * @dev: the device; features are negotiated, its queues are allocated
 *
 * Context: process; the net device is not registered.
 * Return: 0 or -ENOMEM.
 */
int cvmnet_dims_init(struct cvmnet_dev *dev)
{
	struct cvmnet_dims *dims = &dev->dims;
	int err;

	mutex_init(&dims->lock);
	init_waitqueue_head(&dims->idle);
	INIT_WORK(&dims->work, dims_work);
	if (!cvmnet_has(dev, VIRTIO_NET_F_VQ_NOTF_COAL))
		return 0;
	err = cvm_irq_moder_init(dev->netdev);
	if (err)
		return err;
	dims->there = true;
	rtnl_lock();
	cvmnet_dims_set_profile(dev, false, &cvmnet_dim_profile_default);
	cvmnet_dims_set_profile(dev, true, &cvmnet_dim_profile_default);
	rtnl_unlock();
	return 0;
}

/**
 * cvmnet_dims_exit() - undo cvmnet_dims_init()
 * @dev: the device, without virtqueues; its net device is not registered any more
 *
 * Context: process, may sleep; not under rtnl.
 */
void cvmnet_dims_exit(struct cvmnet_dev *dev)
{
	unsigned int i;

	if (!dev->dims.there)
		return;
	for (i = 0; i < dev->max_pairs; i++) {
		cancel_work_sync(&dev->rxq[i].dim.stock.work);
		cancel_work_sync(&dev->txq[i].dim.stock.work);
	}
	rtnl_lock();
	cvm_irq_moder_exit(dev->netdev);
	rtnl_unlock();
}

static void dim_stop(struct cvmnet_dim *dim)
{
	/*
	 * The library's is on system_wq, for which a reset, on a queue with a rescuer, must not
	 * wait.  One that runs by now finds that nothing runs, before or after it has the lock.
	 */
	if (cancel_work(&dim->stock.work))
		dim->stock.state = DIM_START_MEASURE;
	/* Queues that go on may have queued the work again. */
	mutex_lock(&dim->dev->dims.lock);
	if (owner_of(dim) == CVMNET_DIM_DECIDE)
		hand_over(dim, CVMNET_DIM_IDLE);
	mutex_unlock(&dim->dev->dims.lock);
}

/**
 * cvmnet_dims_stop() - nothing more is decided, for queues that are stopped
 * @dev: the device; it does not run
 *
 * A command that is on its way stays so until it is answered or the device is reset.
 *
 * Context: process, may sleep; may be under rtnl, which the works do not take.
 */
void cvmnet_dims_stop(struct cvmnet_dev *dev)
{
	unsigned int i;

	if (!dev->dims.there)
		return;
	cancel_work_sync(&dev->dims.work);
	for (i = 0; i < dev->max_pairs; i++) {
		dim_stop(&dev->rxq[i].dim);
		dim_stop(&dev->txq[i].dim);
	}
}

static bool is_asked(struct cvmnet_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->max_pairs; i++)
		if (owner_of(&dev->rxq[i].dim) == CVMNET_DIM_ASKED ||
		    owner_of(&dev->txq[i].dim) == CVMNET_DIM_ASKED)
			return true;
	return false;
}

/**
 * cvmnet_dims_pause() - no command of ours is on its way, and none will be
 * @dev: the device; its queues may run
 *
 * cvmnet_dims_resume() must follow if this succeeds.
 *
 * Context: rtnl; may sleep, at most 5 s for all queues together.
 * Return: 0; -EBUSY if the device has not answered in that time, and nothing is paused.
 */
int cvmnet_dims_pause(struct cvmnet_dev *dev)
{
	struct cvmnet_dims *dims = &dev->dims;

	ASSERT_RTNL();
	set_paused(dims, true);
	if (wait_event_timeout(dims->idle, !is_asked(dev), CVMNET_CMD_TIMEOUT))
		return 0;
	set_paused(dims, false);
	return -EBUSY;
}

/**
 * cvmnet_dims_resume() - queues are moderated again
 * @dev: the device
 *
 * Context: rtnl; may sleep.
 */
void cvmnet_dims_resume(struct cvmnet_dev *dev)
{
	ASSERT_RTNL();
	set_paused(&dev->dims, false);
}
