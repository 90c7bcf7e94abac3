/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/cleanup.h"
#include "lemona/graph/index.h"

/*
 * Questions for lists, where a trace asks for influence: which events fit some bounds, and which
 * objects are called something. What a question does not need is not looked at, as far as the
 * index can tell; answers may hold more than was asked for only where that is said.
 */

/** Which events. All bounds hold at once. */
struct lm_select {
	uint64_t first_event, last_event; /* numbers, both included */
	uint64_t since_ns, until_ns;      /* boot time; the event ended within, both included */
	/* Sorted, without repeats, borrowed until the cursor is closed. NULL: no bound. */
	const lm_object_id *actors;       /* processes, one of which acted */
	size_t actor_count;
	const lm_object_id *touching;     /* of which one is object, object2, name or name2 */
	size_t touching_count;
	uint64_t ops[2];                  /* bits of enum lm_op; all zero: no bound */
};

/** Every event of an index. */
#define LM_SELECT_INIT { .last_event = UINT64_MAX, .until_ns = UINT64_MAX }

/** Let events of an operation in, beside those that were let in before. */
static inline void lm_select_add_op(struct lm_select *select, enum lm_op op)
{
	select->ops[(unsigned int)op / 64 % 2] |= UINT64_C(1) << ((unsigned int)op % 64);
}

struct lm_select_cursor;

/**
 * Begin to answer.
 *
 * @param index   finished; borrowed until the cursor is closed
 * @param select  copied; its arrays are borrowed
 * @return 0; -ENOMEM
 */
int lm_select_open(const struct lm_index *index, const struct lm_select *select,
		   struct lm_select_cursor **ret_cursor);

/**
 * The next event, in order of number: whole, but for the arguments and the content that it may
 * carry in the log.
 *
 * @return 1 with an event; 0: there are no more; -ENOMEM; -EIO; -LM_E_DAMAGED
 */
int lm_select_next(struct lm_select_cursor *cursor, struct lm_event *ret_event);

/** @return NULL */
struct lm_select_cursor *lm_select_close(struct lm_select_cursor *cursor);

/* Numbers of objects, as many as an answer has. */
struct lm_object_ids {
	lm_object_id *at;
	size_t count, capacity;
};

#define LM_OBJECT_IDS_INIT { .at = NULL }
void lm_object_ids_release(struct lm_object_ids *ids);
#define LM_OBJECT_IDS LM_CLEANUP(lm_object_ids_release)

/** @return 0; -ENOMEM (ids as they were) */
int lm_object_ids_add(struct lm_object_ids *ids, lm_object_id id);
/** Sort, and keep one of each. */
void lm_object_ids_sort(struct lm_object_ids *ids);

/** The first object of a kind with number `from` or above; LM_OBJECT_NONE: there is none. */
lm_object_id lm_index_next_of_kind(const struct lm_index *index, enum lm_object_kind kind,
				   lm_object_id from);

/**
 * The versions of all processes that had a number in the initial pid namespace, added in order.
 * @return 0; -ENOMEM
 */
int lm_index_processes_by_pid(const struct lm_index *index, uint32_t pid,
			      struct lm_object_ids *ids);

/**
 * The processes that a process version started, and the version that it became by exec; added in
 * order.
 * @return 0; -ENOMEM
 */
int lm_index_children(const struct lm_index *index, lm_object_id process,
		      struct lm_object_ids *ids);

/**
 * The event with which a process version ended: its exit, or the exec that made it the next.
 *
 * @return 0; -ENOENT (it was alive at the end of the log, or the event is missing); what
 *         lm_select_next() returns. ret_event is untouched then
 */
int lm_index_process_end(const struct lm_index *index, lm_object_id process,
			 struct lm_event *ret_event);

/**
 * Sockets that have an address at either end; added in order.
 *
 * @param any_port  whatever the port; that of `address` is not looked at
 * @return 0; -ENOMEM
 */
int lm_index_sockets_by_address(const struct lm_index *index, const struct lm_address *address,
				bool any_port, struct lm_object_ids *ids);

/**
 * Names whose path, under any root and at any time, was `path` or, without `exact`, began with its
 * bytes. More may be added, since a path's directories need not have had their names at one time.
 * In no order, each once.
 *
 * @param path  begins with "/"; the bytes as they are
 * @return 0; -ENOMEM
 */
int lm_index_names_below(const struct lm_index *index, struct lm_str path, bool exact,
			 struct lm_object_ids *ids);

/**
 * What a file held at a time, as far as it was read since.
 *
 * @param ret_sure  false: it may have been changed between then and the reading
 * @return 0; -ENOENT (never read, and never missed)
 */
int lm_index_content_at(const struct lm_index *index, lm_object_id file, uint64_t at_ns,
			struct lm_content *ret_content, bool *ret_sure);

/** The path of a control group; LM_STR_NONE where it is not known. Borrowed from the index. */
struct lm_str lm_index_cgroup_path(const struct lm_index *index, lm_object_id cgroup);

/**
 * The shortest stretch of boot time that holds whatever happened from one wall time to another.
 * A clock that was set back makes it longer than both are apart.
 *
 * @return false: nothing did; ret_ are untouched
 */
bool lm_index_boot_window(const struct lm_index *index, uint64_t since_wall_ns,
			  uint64_t until_wall_ns, uint64_t *ret_since_ns, uint64_t *ret_until_ns);

/** Append what a person calls an object at a time; the bytes of names as they are. */
void lm_index_label(const struct lm_index *index, lm_object_id object, uint64_t at_ns,
		    struct lm_buffer *out);

/** Append "10.0.0.1:22", "[2001:db8::1]:22", "/run/x", "@abstract"; nothing where there is none. */
void lm_index_label_address(const struct lm_address *address, struct lm_buffer *out);
