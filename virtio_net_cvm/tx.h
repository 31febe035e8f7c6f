/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Transmit queues.
 */
#ifndef CVMNET_TX_H
#define CVMNET_TX_H

#include <linux/jiffies.h>
#include <linux/types.h>

struct cvmnet_dev;
struct cvmnet_pool;
struct cvmnet_txq;
struct virtqueue;

/* What each queue's pool holds at least: so many packets of the largest size. */
#define CVMNET_TX_POOL_PACKETS	8
/* What is chosen by ring and MTU lies between these. */
#define CVMNET_TX_POOL_LEAST	0x100000
#define CVMNET_TX_POOL_MOST	0x400000
#define CVMNET_TX_POOL_MAX	0x4000000

/* A queue that could not send for so long is looked into. */
#define CVMNET_TX_STUCK		(5 * HZ)

int cvmnet_txq_alloc(struct cvmnet_txq *q);
void cvmnet_txq_free(struct cvmnet_txq *q);
void cvmnet_txq_init(struct cvmnet_txq *q);
void cvmnet_txq_exit(struct cvmnet_txq *q);
int cvmnet_txq_start(struct cvmnet_txq *q);
void cvmnet_txq_stop(struct cvmnet_txq *q);
bool cvmnet_txq_drained(struct cvmnet_txq *q, unsigned long end);
unsigned int cvmnet_txq_sent(const struct cvmnet_txq *q);
void cvmnet_txq_forget(struct cvmnet_txq *q);
int cvmnet_txq_resize(struct cvmnet_txq *q, u32 num);
void cvmnet_txq_hold(struct cvmnet_txq *q);
void cvmnet_txq_release(struct cvmnet_txq *q);
void cvmnet_txq_set_pool(struct cvmnet_txq *q, struct cvmnet_pool *pool);
void cvmnet_tx_watch(struct cvmnet_txq *q);
void cvmnet_tx_watch_idle(struct cvmnet_txq *q);
void cvmnet_tx_watch_stopped(struct cvmnet_txq *q);
void cvmnet_tx_link_up(struct cvmnet_dev *dev);
void cvmnet_tx_callback(struct virtqueue *vq);
u32 cvmnet_tx_unit(const struct cvmnet_dev *dev);
size_t cvmnet_tx_pool_choose(const struct cvmnet_dev *dev);

#endif /* CVMNET_TX_H */
