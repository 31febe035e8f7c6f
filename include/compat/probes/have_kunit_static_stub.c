// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <kunit/static_stub.h>
int probe(void);
int probe(void) { KUNIT_STATIC_STUB_REDIRECT(probe); return 0; }
