/* SPDX-License-Identifier: MIT */
#pragma once

#include "call.h"
#include "lemona/base/buffer.h"

/* A line of strace, taken apart. */
#define STRACE_ARGS_MAX 12

struct strace_args {
	struct lm_str at[STRACE_ARGS_MAX]; /* without the blanks around them */
	uint32_t count;
	struct lm_str result; /* what stands behind "= " */
};

/**
 * Split "ARG, ARG) = RESULT", as it stands behind the name and the "(".
 *
 * @return false: it has no end, or more arguments than any call
 */
bool strace_split(struct lm_str text, struct strace_args *ret_args);

/** A number, or words such as O_RDONLY|O_CLOEXEC: those that are not known count as 0. */
uint64_t strace_number(struct lm_str text);
/** The value that stands behind `name`, such as "flags=", anywhere in the text; none if not. */
struct lm_str strace_field(struct lm_str text, const char *name);
/**
 * A result: a number, "-1 ENOENT (...)", "?".
 *
 * @return false: it says nothing of what came of the call
 */
bool strace_result(struct lm_str text, int64_t *ret_result);

/**
 * Append what a string in quotes says.
 *
 * @param ret_rest  what follows it
 * @return 1; 0: it was cut by strace; -1: it is no string
 */
int strace_unquote(struct lm_str text, struct lm_buffer *to, struct lm_str *ret_rest);

/** A sockaddr in braces; the path is appended to `to`. @return whether it is of a known family */
bool strace_address(struct lm_str text, struct lm_buffer *to, struct lm_address *ret_address);

/* strace_fd.c: what -y and -yy say of descriptors. */
struct strace_objects {
	struct lm_map by_inode; /* of pipes and sockets: object */
};

/** "3</etc/passwd>": the part in < >, and whether the file was removed. */
bool strace_annotation(struct lm_str text, struct lm_str *ret_inside, bool *ret_deleted);

/**
 * The object that a descriptor with an annotation leads to: the tracked one where the
 * annotation does not contradict it, and tracked from here on. 0 where nothing is said.
 */
lm_object_id strace_descriptor(struct world *world, struct strace_objects *objects,
	struct world_process *process, struct lm_str text);
/** The same of a descriptor that the call has given: nothing is tracked yet. */
lm_object_id strace_returned(struct world *world, struct strace_objects *objects,
	struct world_process *process, struct lm_str text);

/**
 * Apply a call.
 *
 * @param rest  what stands behind the name and the "("
 * @return 1; 0: a call that tells of no influence, or has no number here; -EBADMSG: it cannot be
 *         taken apart; another negative code
 */
int strace_apply_call(struct world *world, struct strace_objects *objects,
	struct world_process *process, struct lm_str name, struct lm_str rest, struct call *call);

/** x86-64 number of a call by its name, or LM_CALL_NONE. */
uint16_t strace_call_number(struct lm_str name);
