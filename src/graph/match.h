/* SPDX-License-Identifier: MIT */
#pragma once

#include "index-private.h"
#include "lemona/graph/spec.h"

/*
 * Finding objects by what a person calls them (match-*.c). Each adds what it
 * finds and returns how much that was, or -ENOMEM; the near_ functions append
 * the closest things that exist, for the sentence about a miss.
 */

/* A moment, or all of the log. */
struct when {
	uint64_t begin_ns, end_ns;
};

int match_path(const struct lm_index *index, struct lm_str path, struct when when,
	       struct lm_detections *out);
int match_program(const struct lm_index *index, struct lm_str path, struct lm_detections *out);
int match_process(const struct lm_index *index, uint32_t tgid, struct when when,
		  struct lm_detections *out);
int match_address(const struct lm_index *index, const struct lm_address *address, bool any_port,
		  struct lm_detections *out);

/* Whether an end of a socket has an address; IPv4 inside IPv6 is the same. */
bool match_same_address(const struct lm_address *have, const struct lm_address *want,
			bool any_port);

void near_paths(const struct lm_index *index, struct lm_str path, bool programs,
		struct lm_buffer *out);
void near_processes(const struct lm_index *index, uint32_t tgid, struct lm_buffer *out);
void near_addresses(const struct lm_index *index, const struct lm_address *address,
		    struct lm_buffer *out);

/** How many of the closest things a sentence names. */
#define NEAR_MAX 3

/** The last object that is looked at for it: a sentence is not worth a look at a whole long log. */
static inline lm_object_id near_end(const struct lm_index *index)
{
	uint32_t count = lm_index_object_count(index);

	return count < 200000 ? count : 200000;
}
