/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * An index of single items in memory, kept as simple as can be: what parts say is held against it.
 */

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "lemona/event/address.h"
#include "lemona/graph/index.h"
#include "lemona/index/row.h"

/* One object: where its last definition is kept, by kind. */
struct entry {
	uint64_t first_ns;
	uint64_t used_ns; /* end of the last event that it was an object of */
	uint32_t slot; /* into the table of its kind */
	uint8_t kind;
	uint8_t flags;
	bool root; /* "/" of some process */
};

#define TABLE(type, name) struct { type *at; size_t count, capacity; } name

/* Adjacency in compressed rows: at[start[id]..start[id + 1]). */
struct rows {
	uint32_t *start;
	uint32_t *at;
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[];
};

struct lm_index {
	bool finished;
	struct chunk *strings;

	TABLE(struct entry, objects); /* [0] is nobody */
	TABLE(struct lm_process, processes);
	TABLE(struct lm_file, files);
	TABLE(struct lm_name, names);
	TABLE(struct lm_socket, sockets);
	TABLE(struct lm_pipe, pipes);
	TABLE(struct lm_memory, memories);
	TABLE(struct lm_cgroup, cgroups);
	TABLE(struct lm_content, contents);

	TABLE(struct lm_event, events);
	TABLE(struct lm_binding, bindings);

	TABLE(struct lm_bound, bounds);
	struct rows by_name, by_file; /* into bounds, then gathered: */
	struct lm_bound *name_bounds, *file_bounds;
	struct rows in_dir; /* names by directory */

	struct lm_peer *peers;
	uint32_t *peer_start;
};

/**
 * Rows from a key a piece.
 * @param key_of  row of element i; 0: in none
 */
int rows_build(struct rows *rows, size_t row_count, size_t element_count,
	       lm_object_id (*key_of)(const struct lm_index *index, size_t i),
	       const struct lm_index *index);
void rows_release(struct rows *rows);

/* The parts of lm_index_finish(), in this order. 0 or -ENOMEM. */
int index_build_names(struct lm_index *index);
int index_build_peers(struct lm_index *index);

const struct lm_name *index_name(const struct lm_index *index, lm_object_id id);
const struct lm_socket *index_socket(const struct lm_index *index, lm_object_id id);
