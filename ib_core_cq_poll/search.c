// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: finding the CQs that a device has.
 *
 * The RDMA core lets nobody walk over them, but knows how many there are, and finds one by
 * its number. Numbers are given out in turn, so the search ends when as many were found.
 */
#include <linux/export.h>
#include <linux/sched.h>

#include <cvm/kunit.h>

#include "search.h"

/**
 * cqpoll_search() - look at all CQs of a device
 * @ops:  how to
 * @data: for them
 * @ids:  CQs with this number or a higher one are not looked for
 *
 * CQs come and go meanwhile. Those that come have higher numbers than a CQ that was there
 * at first, so what was found before it are fewer than there were at first. The search ends
 * before it only if the count has dropped below that, which is seen and told: when one that
 * had been found was destroyed.
 *
 * Context: process, sleeps.
 * Return: whether all were looked at.
 */
enum cqpoll_found cqpoll_search(const struct cqpoll_search_ops *ops, void *data, u32 ids)
{
	unsigned int first = ops->count(data), all = first, found = 0;
	bool dropped = false;
	u32 id;

	for (id = 0; id < ids && found < all; id++) {
		if (id && id % CQPOLL_SEARCH_STEP == 0) {
			cond_resched();
			/* Those that went before they were found are not waited for. */
			all = ops->count(data);
			dropped = dropped || all < first;
		}
		found += ops->look(data, id);
	}
	if (id < ids)
		return dropped ? CQPOLL_FOUND_SOME : CQPOLL_FOUND_ALL;
	return found < ops->count(data) ? CQPOLL_FOUND_BEYOND : CQPOLL_FOUND_ALL;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_search);
