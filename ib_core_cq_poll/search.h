/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CQ polling: finding the CQs that a device has, by their numbers. No RDMA.
 */
#ifndef CQPOLL_SEARCH_H
#define CQPOLL_SEARCH_H

#include <linux/types.h>

/* Numbers after which the CQs are counted anew. */
#define CQPOLL_SEARCH_STEP	4096

/**
 * struct cqpoll_search_ops - a device's CQs
 * @count: how many there are now
 * @look:  look at the one with this number; false when there is none
 */
struct cqpoll_search_ops {
	unsigned int (*count)(void *data);
	bool (*look)(void *data, u32 id);
};

/**
 * enum cqpoll_found - how a search ended
 * @CQPOLL_FOUND_ALL:    each CQ that was there all the time was looked at
 * @CQPOLL_FOUND_SOME:   perhaps not, because others were destroyed meanwhile
 * @CQPOLL_FOUND_BEYOND: all but those whose number is too high
 */
enum cqpoll_found {
	CQPOLL_FOUND_ALL,
	CQPOLL_FOUND_SOME,
	CQPOLL_FOUND_BEYOND,
};

enum cqpoll_found cqpoll_search(const struct cqpoll_search_ops *ops, void *data, u32 ids);

#endif /* CQPOLL_SEARCH_H */
