/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Adaptive moderation: which level a queue should have, and lists of levels. Pure.
 */
#ifndef CVMNET_DIM_DECIDE_H
#define CVMNET_DIM_DECIDE_H

#include <linux/types.h>

/* As many as the kernel's own profiles have: ethtool shows and changes them. */
#define CVMNET_DIM_LEVELS	5
#define CVMNET_DIM_USECS_MAX	10000U
#define CVMNET_DIM_FRAMES_MAX	4096U

/**
 * struct cvmnet_dim_level - moderation of a queue at one level
 * @usecs:  longest delay of a notification
 * @frames: packets that cause one
 */
struct cvmnet_dim_level {
	u16 usecs;
	u16 frames;
};

/**
 * struct cvmnet_dim_profile - all levels, by rising delay
 * @level: each one
 */
struct cvmnet_dim_profile {
	struct cvmnet_dim_level level[CVMNET_DIM_LEVELS];
};

/**
 * struct cvmnet_dim_sample - what a queue did for a while
 * @ns:      how long
 * @busy_ns: of that, in the poll function
 * @packets: received, or sent
 * @irqs:    times that the poll function came to an end, and waited for an interrupt
 */
struct cvmnet_dim_sample {
	u64 ns;
	u64 busy_ns;
	u32 packets;
	u32 irqs;
};

/**
 * struct cvmnet_dim_state - what is remembered between two decisions
 * @level:   chosen last
 * @old:     the one before, for when the device refuses
 * @from:    the one before the trial
 * @trial:   samples that @level has to prove itself with, as it is higher than before
 * @low:     samples in a row that ask for less
 * @hold:    samples until the next trial
 * @backoff: @hold after the next trial that fails
 * @before:  packets a second, the most since the level has been rising
 * @failed:  the same, when the last trial failed
 */
struct cvmnet_dim_state {
	u8 level;
	u8 old;
	u8 from;
	u8 trial;
	u8 low;
	u16 hold;
	u16 backoff;
	u32 before;
	u32 failed;
};

unsigned int cvmnet_dim_load(const struct cvmnet_dim_sample *sample);
bool cvmnet_dim_stays(struct cvmnet_dim_state *state, const struct cvmnet_dim_sample *sample);
unsigned int cvmnet_dim_decide(struct cvmnet_dim_state *state,
			       const struct cvmnet_dim_profile *profile,
			       const struct cvmnet_dim_sample *sample);
void cvmnet_dim_refused(struct cvmnet_dim_state *state);

extern const struct cvmnet_dim_profile cvmnet_dim_profile_default;

int cvmnet_dim_profile_check(const struct cvmnet_dim_profile *profile);
int cvmnet_dim_profile_parse(const char *text, struct cvmnet_dim_profile *profile);
ssize_t cvmnet_dim_profile_format(const struct cvmnet_dim_profile *profile, char *buf,
				  size_t size);

#endif /* CVMNET_DIM_DECIDE_H */
