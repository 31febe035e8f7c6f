// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: what users write, and which queues they mean.
 */
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/string.h>

#include <cvm/kunit.h>

#include "knob.h"

/* Digits, commas and ranges; cpulist_parse() knows more words than users expect. */
static bool cqpoll_is_list(const char *buf)
{
	size_t len = strspn(buf, "0123456789,-");

	if (!len || !isdigit(buf[0]) || !isdigit(buf[len - 1]))
		return false;
	return *skip_spaces(buf + len) == '\0';
}

/**
 * cqpoll_cpus_parse() - read the CPUs that shall poll
 * @buf:      text: CPU numbers and ranges separated by commas, or -1 for none;
 *            white space around it does not matter
 * @possible: the CPUs that may be named
 * @cpus:     receives them; undefined on error
 *
 * Context: any.
 * Return: 0, or -EINVAL for anything else and for CPUs outside @possible.
 */
int cqpoll_cpus_parse(const char *buf, const struct cpumask *possible,
		      struct cpumask *cpus)
{
	buf = skip_spaces(buf);
	if (!strncmp(buf, "-1", 2) && *skip_spaces(buf + 2) == '\0') {
		cpumask_clear(cpus);
		return 0;
	}
	if (!cqpoll_is_list(buf) || cpulist_parse(buf, cpus) || cpumask_empty(cpus))
		return -EINVAL;
	return cpumask_subset(cpus, possible) ? 0 : -EINVAL;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_cpus_parse);

/**
 * cqpoll_switch_parse() - read 0 or 1
 * @buf: text; white space around it does not matter
 * @on:  receives which; untouched on error
 *
 * kstrtobool() looks at the first letters only, and knows more words.
 *
 * Context: any. Return: 0, or -EINVAL for anything else.
 */
int cqpoll_switch_parse(const char *buf, bool *on)
{
	buf = skip_spaces(buf);
	if ((*buf != '0' && *buf != '1') || *skip_spaces(buf + 1) != '\0')
		return -EINVAL;
	*on = *buf == '1';
	return 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_switch_parse);

/* One name of a list; returns what follows its comma, or NULL after the last one. */
static const char *cqpoll_filter_next(const char *p, const char **name, size_t *len,
				      bool *not)
{
	const char *end = strchrnul(p, ',');

	*not = *p == '!';
	if (*not)
		p++;
	*name = p;
	*len = end - p;
	return *end ? end + 1 : NULL;
}

/**
 * cqpoll_filter_parse() - read a list of names
 * @buf:    text: names separated by commas, each with an optional ! in front;
 *          empty for everything; white space around it does not matter
 * @filter: receives the list; untouched on error
 *
 * Context: any.
 * Return: 0; -EINVAL for an empty name, -ENOSPC for a text that is too long.
 */
int cqpoll_filter_parse(const char *buf, struct cqpoll_filter *filter)
{
	char text[CQPOLL_FILTER_LEN];
	const char *p, *name;
	size_t len;
	bool not;

	buf = skip_spaces(buf);
	len = strlen(buf);
	while (len && isspace(buf[len - 1]))
		len--;
	if (len >= sizeof(text))
		return -ENOSPC;
	strscpy(text, buf, len + 1);
	for (p = *text ? text : NULL; p; ) {
		p = cqpoll_filter_next(p, &name, &len, &not);
		if (!len || strcspn(name, "! \t\n") < len)
			return -EINVAL;
	}
	strscpy(filter->text, text, sizeof(filter->text));
	return 0;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_filter_parse);

/**
 * cqpoll_filter_match() - is a name meant?
 * @filter: the list
 * @name:   the name
 *
 * Context: any. Return: true if so.
 */
bool cqpoll_filter_match(const struct cqpoll_filter *filter, const char *name)
{
	const char *p = *filter->text ? filter->text : NULL;
	bool not, all = true;
	const char *word;
	size_t len;

	while (p) {
		p = cqpoll_filter_next(p, &word, &len, &not);
		if (strlen(name) == len && !strncmp(name, word, len))
			return !not;
		if (!not)
			all = false;
	}
	return all;
}
EXPORT_SYMBOL_IF_CVM_KUNIT(cqpoll_filter_match);
