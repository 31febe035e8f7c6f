// SPDX-License-Identifier: GPL-2.0
/*
 * CQ polling: the one place where the tracepoints are created.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
