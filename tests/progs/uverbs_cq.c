// SPDX-License-Identifier: GPL-2.0
/*
 * A completion queue of user space:
 *
 *   uverbs_cq /dev/infiniband/uverbsN          make one, say "made", keep it until killed
 *   uverbs_cq /dev/infiniband/uverbsN again    destroy it and make a new one until killed;
 *                                              says how often
 *
 * By the commands that are written to the device file, for guests without libibverbs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/rdma_user_rxe.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"

struct get_context {
	struct ib_uverbs_cmd_hdr head;
	struct ib_uverbs_get_context cmd;
};

struct create_cq {
	struct ib_uverbs_cmd_hdr head;
	struct ib_uverbs_create_cq cmd;
};

struct destroy_cq {
	struct ib_uverbs_cmd_hdr head;
	struct ib_uverbs_destroy_cq cmd;
};

struct create_cq_answer {
	struct ib_uverbs_create_cq_resp resp;
	struct rxe_create_cq_resp rxe;
};

/* Sizes are in words of 32 bits. */
static struct ib_uverbs_cmd_hdr head(unsigned int command, size_t in, size_t out)
{
	return (struct ib_uverbs_cmd_hdr) {
		.command = command,
		.in_words = in / 4,
		.out_words = out / 4,
	};
}

static void command(int fd, const void *cmd, size_t len)
{
	if (write(fd, cmd, len) != (ssize_t)len)
		die("write");
}

static void destroy(int fd, const struct create_cq_answer *answer)
{
	struct ib_uverbs_destroy_cq_resp resp;
	struct destroy_cq cmd = {
		.head = head(IB_USER_VERBS_CMD_DESTROY_CQ, sizeof(cmd), sizeof(resp)),
		.cmd = {
			.response = (uintptr_t)&resp,
			.cq_handle = answer->resp.cq_handle,
		},
	};

	command(fd, &cmd, sizeof(cmd));
}

int main(int argc, char **argv)
{
	struct ib_uverbs_get_context_resp context;
	struct create_cq_answer answer;
	struct get_context get = {
		.head = head(IB_USER_VERBS_CMD_GET_CONTEXT, sizeof(get), sizeof(context)),
		.cmd.response = (uintptr_t)&context,
	};
	struct create_cq create = {
		.head = head(IB_USER_VERBS_CMD_CREATE_CQ, sizeof(create), sizeof(answer)),
		.cmd = {
			.response = (uintptr_t)&answer,
			.cqe = 16,
			.comp_channel = -1,
		},
	};
	bool again = argc == 3 && !strcmp(argv[2], "again");
	unsigned long n = 0;
	int fd;

	if (argc != 2 && !again) {
		fprintf(stderr, "usage: uverbs_cq DEVICE [again]\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(argv[1]);
	command(fd, &get, sizeof(get));
	command(fd, &create, sizeof(create));
	printf("made\n");
	fflush(stdout);
	while (again) {
		destroy(fd, &answer);
		command(fd, &create, sizeof(create));
		if (++n % 1000)
			continue;
		printf("%lu\n", n);
		fflush(stdout);
	}
	pause();
	return 0;
}
