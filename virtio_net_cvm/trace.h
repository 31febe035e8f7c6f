/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM virtio_net_cvm

#if !defined(CVMNET_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CVMNET_TRACE_H

#include <linux/netdevice.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "cvmnet.h"

TRACE_DEFINE_ENUM(CVMNET_RX_DROP_RUNT);
TRACE_DEFINE_ENUM(CVMNET_RX_DROP_OVERSIZE);
TRACE_DEFINE_ENUM(CVMNET_RX_DROP_BUFFERS);
TRACE_DEFINE_ENUM(CVMNET_RX_DROP_CSUM);
TRACE_DEFINE_ENUM(CVMNET_RX_DROP_GSO);
TRACE_DEFINE_ENUM(CVMNET_RX_DROP_NOMEM);
TRACE_DEFINE_ENUM(CVMNET_RX_DROP_INACTIVE);
TRACE_DEFINE_ENUM(CVMNET_TX_DROP_NOMEM);
TRACE_DEFINE_ENUM(CVMNET_TX_DROP_MALFORMED);
TRACE_DEFINE_ENUM(CVMNET_TX_DROP_BROKEN);
TRACE_DEFINE_ENUM(CVMNET_RESET_RX_RING);
TRACE_DEFINE_ENUM(CVMNET_RESET_TX_RING);
TRACE_DEFINE_ENUM(CVMNET_RESET_TX_TIMEOUT);
TRACE_DEFINE_ENUM(CVMNET_RESET_CVQ);
TRACE_DEFINE_ENUM(CVMNET_RESET_NEEDED);

#define cvmnet_show_rx_drop(cause)				\
	__print_symbolic(cause,					\
			 { CVMNET_RX_DROP_RUNT, "runt" },	\
			 { CVMNET_RX_DROP_OVERSIZE, "oversize" },	\
			 { CVMNET_RX_DROP_BUFFERS, "buffers" },	\
			 { CVMNET_RX_DROP_CSUM, "csum" },	\
			 { CVMNET_RX_DROP_GSO, "gso" },		\
			 { CVMNET_RX_DROP_NOMEM, "nomem" },	\
			 { CVMNET_RX_DROP_INACTIVE, "inactive" })

#define cvmnet_show_tx_drop(cause)				\
	__print_symbolic(cause,					\
			 { CVMNET_TX_DROP_NOMEM, "nomem" },	\
			 { CVMNET_TX_DROP_MALFORMED, "malformed" },	\
			 { CVMNET_TX_DROP_BROKEN, "broken" })

#define cvmnet_show_reset(cause)				\
	__print_symbolic(cause,					\
			 { CVMNET_RESET_RX_RING, "rx_ring" },	\
			 { CVMNET_RESET_TX_RING, "tx_ring" },	\
			 { CVMNET_RESET_TX_TIMEOUT, "tx_timeout" },	\
			 { CVMNET_RESET_CVQ, "ctrl" },		\
			 { CVMNET_RESET_NEEDED, "needed" })

/* Received packets were dropped in one run of the poll function. */
TRACE_EVENT(cvmnet_rx_drop,
	TP_PROTO(const struct cvmnet_rxq *q, enum cvmnet_rx_drop cause, u64 packets),
	TP_ARGS(q, cause, packets),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, queue)
		__field(unsigned int, cause)
		__field(unsigned int, packets)
	),
	TP_fast_assign(
		memcpy(__entry->name, q->dev->netdev->name, IFNAMSIZ);
		__entry->queue = q->index;
		__entry->cause = cause;
		__entry->packets = packets;
	),
	TP_printk("dev=%s queue=%u cause=%s packets=%u", __entry->name, __entry->queue,
		  cvmnet_show_rx_drop(__entry->cause), __entry->packets)
);

/* There was no memory for receive buffers; the device has this many left. */
TRACE_EVENT(cvmnet_rx_refill_failed,
	TP_PROTO(const struct cvmnet_rxq *q),
	TP_ARGS(q),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, queue)
		__field(unsigned int, posted)
	),
	TP_fast_assign(
		memcpy(__entry->name, q->dev->netdev->name, IFNAMSIZ);
		__entry->queue = q->index;
		__entry->posted = q->lent;
	),
	TP_printk("dev=%s queue=%u posted=%u", __entry->name, __entry->queue, __entry->posted)
);

/* A packet was not sent. */
TRACE_EVENT(cvmnet_tx_drop,
	TP_PROTO(const struct cvmnet_txq *q, enum cvmnet_tx_drop cause, unsigned int len),
	TP_ARGS(q, cause, len),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, queue)
		__field(unsigned int, cause)
		__field(unsigned int, len)
	),
	TP_fast_assign(
		memcpy(__entry->name, q->dev->netdev->name, IFNAMSIZ);
		__entry->queue = q->index;
		__entry->cause = cause;
		__entry->len = len;
	),
	TP_printk("dev=%s queue=%u cause=%s len=%u", __entry->name, __entry->queue,
		  cvmnet_show_tx_drop(__entry->cause), __entry->len)
);

/* A queue stops: its ring, or with pool=1 its pool, has no room for another packet. */
TRACE_EVENT(cvmnet_tx_full,
	TP_PROTO(const struct cvmnet_txq *q, bool pool),
	TP_ARGS(q, pool),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, queue)
		__field(bool, pool)
		__field(unsigned int, packets)
		__field(unsigned int, pool_free)
	),
	TP_fast_assign(
		memcpy(__entry->name, q->dev->netdev->name, IFNAMSIZ);
		__entry->queue = q->index;
		__entry->pool = pool;
		__entry->packets = cvmnet_txring_used(&q->ring);
		__entry->pool_free = q->ring.free;
	),
	TP_printk("dev=%s queue=%u pool=%d packets=%u pool_free=%u", __entry->name,
		  __entry->queue, __entry->pool, __entry->packets, __entry->pool_free)
);

/* The stack's watchdog found a queue stopped for too long. */
TRACE_EVENT(cvmnet_tx_timeout,
	TP_PROTO(const struct cvmnet_txq *q, unsigned int done),
	TP_ARGS(q, done),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, queue)
		__field(unsigned int, done)
		__field(unsigned int, left)
	),
	TP_fast_assign(
		memcpy(__entry->name, q->dev->netdev->name, IFNAMSIZ);
		__entry->queue = q->index;
		__entry->done = done;
		__entry->left = cvmnet_txring_used(&q->ring);
	),
	TP_printk("dev=%s queue=%u done=%u left=%u", __entry->name, __entry->queue,
		  __entry->done, __entry->left)
);

/* Somebody found that the device has to be reset. */
TRACE_EVENT(cvmnet_reset_request,
	TP_PROTO(const struct cvmnet_dev *dev, enum cvmnet_reset_cause cause),
	TP_ARGS(dev, cause),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, cause)
	),
	TP_fast_assign(
		memcpy(__entry->name, dev->netdev->name, IFNAMSIZ);
		__entry->cause = cause;
	),
	TP_printk("dev=%s cause=%s", __entry->name, cvmnet_show_reset(__entry->cause))
);

/* The reset is over; err is not 0 where the device did not come back. */
TRACE_EVENT(cvmnet_reset_done,
	TP_PROTO(const struct cvmnet_dev *dev, int err),
	TP_ARGS(dev, err),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, in_row)
		__field(int, err)
	),
	TP_fast_assign(
		memcpy(__entry->name, dev->netdev->name, IFNAMSIZ);
		__entry->in_row = dev->reset.in_row;
		__entry->err = err;
	),
	TP_printk("dev=%s in_row=%u err=%d", __entry->name, __entry->in_row, __entry->err)
);

/* A control command was posted. */
TRACE_EVENT(cvmnet_cmd_issue,
	TP_PROTO(const struct cvmnet_dev *dev, unsigned int slot, u8 class, u8 cmd,
		 unsigned int len),
	TP_ARGS(dev, slot, class, cmd, len),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, slot)
		__field(u8, class)
		__field(u8, cmd)
		__field(unsigned int, len)
	),
	TP_fast_assign(
		memcpy(__entry->name, dev->netdev->name, IFNAMSIZ);
		__entry->slot = slot;
		__entry->class = class;
		__entry->cmd = cmd;
		__entry->len = len;
	),
	TP_printk("dev=%s slot=%u class=%u cmd=%u len=%u", __entry->name, __entry->slot,
		  __entry->class, __entry->cmd, __entry->len)
);

/* The device has answered a control command. */
TRACE_EVENT(cvmnet_cmd_done,
	TP_PROTO(const struct cvmnet_dev *dev, unsigned int slot, u8 class, u8 cmd, int err),
	TP_ARGS(dev, slot, class, cmd, err),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, slot)
		__field(u8, class)
		__field(u8, cmd)
		__field(int, err)
	),
	TP_fast_assign(
		memcpy(__entry->name, dev->netdev->name, IFNAMSIZ);
		__entry->slot = slot;
		__entry->class = class;
		__entry->cmd = cmd;
		__entry->err = err;
	),
	TP_printk("dev=%s slot=%u class=%u cmd=%u err=%d", __entry->name, __entry->slot,
		  __entry->class, __entry->cmd, __entry->err)
);

/* The device did not answer in time; this many commands are open. */
TRACE_EVENT(cvmnet_cmd_timeout,
	TP_PROTO(const struct cvmnet_dev *dev, unsigned int open),
	TP_ARGS(dev, open),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(unsigned int, open)
	),
	TP_fast_assign(
		memcpy(__entry->name, dev->netdev->name, IFNAMSIZ);
		__entry->open = open;
	),
	TP_printk("dev=%s open=%u", __entry->name, __entry->open)
);

/* The device is asked to moderate a queue otherwise. */
TRACE_EVENT(cvmnet_dim_change,
	TP_PROTO(const struct cvmnet_dim *dim),
	TP_ARGS(dim),
	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(bool, tx)
		__field(unsigned int, queue)
		__field(u32, usecs)
		__field(u32, frames)
		__field(unsigned int, load)
	),
	TP_fast_assign(
		memcpy(__entry->name, dim->dev->netdev->name, IFNAMSIZ);
		__entry->tx = dim->tx;
		__entry->queue = dim->index;
		__entry->usecs = dim->asked.usecs;
		__entry->frames = dim->asked.frames;
		__entry->load = cvmnet_dim_load(&dim->sample);
	),
	TP_printk("dev=%s dir=%s queue=%u usecs=%u frames=%u load=%u", __entry->name,
		  __entry->tx ? "tx" : "rx", __entry->queue, __entry->usecs,
		  __entry->frames, __entry->load)
);

#endif /* CVMNET_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
