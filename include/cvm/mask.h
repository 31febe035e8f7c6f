/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Masks as users write them to our knobs.
 */
#ifndef CVM_MASK_H
#define CVM_MASK_H

#include <linux/bitmap.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>

/**
 * cvm_mask_parse() - read a mask
 * @buf:   text: hexadecimal words separated by commas, most significant first,
 *         optionally with one leading 0x, with or without new line
 * @mask:  receives the mask; undefined on error
 * @nbits: bits that @mask can hold
 *
 * Context: any.
 * Return: 0; -EINVAL for an empty string and anything that is not such a mask;
 * -EOVERFLOW for more than @nbits.
 */
static inline int cvm_mask_parse(const char *buf, unsigned long *mask, unsigned int nbits)
{
	const char *end;

	buf = skip_spaces(buf);
	if (buf[0] == '0' && (buf[1] == 'x' || buf[1] == 'X'))
		buf += 2;
	/*
	 * bitmap_parse() takes "", "," and white space for 0, a space for a comma, and
	 * stops at a new line: "0 1" would be CPU 0. Too easy to write by mistake.
	 */
	if (!isxdigit(*buf))
		return -EINVAL;
	for (end = buf; isxdigit(*end) || (*end == ',' && isxdigit(end[1])); end++)
		;
	if (*skip_spaces(end))
		return -EINVAL;
	return bitmap_parse(buf, UINT_MAX, mask, nbits);
}

#endif /* CVM_MASK_H */
