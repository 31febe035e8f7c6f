/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CQ polling: what users write, and which queues they mean.
 */
#ifndef CQPOLL_KNOB_H
#define CQPOLL_KNOB_H

#include <linux/types.h>

struct cpumask;

#define CQPOLL_FILTER_LEN	256

/**
 * struct cqpoll_filter - names that are meant, or are not
 * @text: names separated by commas, those with a ! in front are left out; all
 *        others are meant when no name stands without a !
 */
struct cqpoll_filter {
	char text[CQPOLL_FILTER_LEN];
};

int cqpoll_cpus_parse(const char *buf, const struct cpumask *possible,
		      struct cpumask *cpus);
int cqpoll_switch_parse(const char *buf, bool *on);
int cqpoll_filter_parse(const char *buf, struct cqpoll_filter *filter);
bool cqpoll_filter_match(const struct cqpoll_filter *filter, const char *name);

#endif /* CQPOLL_KNOB_H */
