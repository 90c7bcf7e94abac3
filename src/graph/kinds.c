/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "walk.h"

/* Majors of Documentation/admin-guide/devices.txt, in the kernel's own encoding of numbers. */
#define KERNEL_MINOR_BITS 20
#define MAJOR_TTY 4          /* virtual consoles and serial lines */
#define MAJOR_TTY_AUX 5      /* tty, console, ptmx */
#define MAJOR_PTS_FIRST 136
#define MAJOR_PTS_LAST 143

bool object_is_terminal(const struct lm_index *index, lm_object_id id)
{
	const struct lm_file *file = index_file(index, id);
	uint32_t major;

	if (!file || !S_ISCHR(file->mode))
		return false;
	major = file->rdev >> KERNEL_MINOR_BITS;
	return major == MAJOR_TTY || major == MAJOR_TTY_AUX ||
	       (major >= MAJOR_PTS_FIRST && major <= MAJOR_PTS_LAST);
}

bool object_is_two_way(const struct lm_index *index, lm_object_id id)
{
	return lm_index_kind(index, id) == LM_OBJECT_KIND_SOCKET || object_is_terminal(index, id);
}

bool object_is_entry(const struct lm_index *index, lm_object_id id)
{
	const struct lm_socket *socket = index_socket(index, id);
	const struct lm_peer *peers = NULL;
	uint32_t count;

	if (!socket)
		return object_is_terminal(index, id);
	if (socket->remote.family != LM_AF_INET && socket->remote.family != LM_AF_INET6)
		return false;
	/* A connection whose other end is in sight, in the same network, came from here. */
	count = lm_index_peers(index, id, &peers);
	for (uint32_t i = 0; i < count; i++) {
		if (peers[i].same_namespace)
			return false;
	}
	return true;
}

lm_object_id object_process_root(const struct lm_index *index, lm_object_id id)
{
	const struct lm_process *process = index_process(index, id);

	/* Earlier versions have smaller numbers: a hostile log cannot make this a circle. */
	while (process && process->previous && process->previous < id) {
		id = process->previous;
		process = index_process(index, id);
	}
	return id;
}
