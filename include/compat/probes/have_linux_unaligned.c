// SPDX-License-Identifier: GPL-2.0
#include <linux/unaligned.h>
unsigned int probe(void *p);
unsigned int probe(void *p) { return get_unaligned_le32(p); }
