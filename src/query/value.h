/* SPDX-License-Identifier: MIT */
#pragma once

#include "table.h"

/*
 * Values of columns. Text that comes from the log is escaped as in `lemona events`: it is always
 * printable UTF-8, so no reader of an answer has to be careful, and what one sees is what one may
 * compare with. All return 0 or -ENOMEM.
 */
int value_str(sqlite3_context *context, struct lm_str s);
int value_buffer(sqlite3_context *context, struct lm_buffer *raw);
/** Text of our own, as it is. */
int value_plain(sqlite3_context *context, const struct lm_buffer *text);
/** Append a string of JSON, with its quotes; malformed UTF-8 byte by byte as \\xHH. */
void value_append_json(struct lm_buffer *out, struct lm_str s);
/** NULL for 0. */
int value_id(sqlite3_context *context, uint64_t id);

/** Boot time as ns since 1970, or as RFC 3339; NULL for UINT64_MAX. */
int value_time_ns(sqlite3_context *context, const struct lm_query *query, uint64_t boot_ns);
int value_time(sqlite3_context *context, const struct lm_query *query, uint64_t boot_ns);

/** The path of a file or name as a process with that root sees it; NULL where there is none. */
int value_path(sqlite3_context *context, const struct lm_query *query, lm_object_id id,
	       uint64_t at_ns, lm_object_id root);
/** As whoever acted on it last before saw it. */
int value_path_seen(sqlite3_context *context, const struct lm_query *query, lm_object_id id,
		    uint64_t at_ns);
int value_label(sqlite3_context *context, const struct lm_query *query, lm_object_id id,
		uint64_t at_ns);
/** The program of a process, when this version of it began; NULL where it is not known. */
int value_exe(sqlite3_context *context, const struct lm_query *query,
	      const struct lm_object *process);
/** "8:1" */
int value_device(sqlite3_context *context, uint32_t dev);

/**
 * A time as people give them: ns since 1970, or a text as ns() reads it.
 * @return 1; 0: NULL; -EINVAL with a sentence in query->diag; -ENOMEM
 */
int value_read_time(struct lm_query *query, sqlite3_value *value, uint64_t *ret_wall_ns);

/** The process with that number. @return false: there is none */
bool find_process(const struct lm_query *query, lm_object_id id, struct lm_object *ret_object);
