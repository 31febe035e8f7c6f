/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the kernel that are not exported, found by name.
 */
#ifndef IPIPT_PROBE_H
#define IPIPT_PROBE_H

struct tracepoint;

/**
 * struct ipipt_probe - a function to be called from a tracepoint
 * @name: the tracepoint
 * @fn:   what to call, with the tracepoint's prototype
 * @tp:   the tracepoint once it is found
 */
struct ipipt_probe {
	const char *name;
	void *fn;
	struct tracepoint *tp;
};

int ipipt_probes_find(struct ipipt_probe *probes, unsigned int n);
int ipipt_probes_register(struct ipipt_probe *probes, unsigned int n);
void ipipt_probes_unregister(struct ipipt_probe *probes, unsigned int n);

#endif /* IPIPT_PROBE_H */
