/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/address.h"
#include "lemona/event/attributes.h"
#include "lemona/event/view.h"

/*
 * Writing JSON piece by piece. A comma goes before a member unless the object or array has just
 * been opened, which the last byte tells: no string, number or closed value ends in '{' or '['.
 * A key of NULL writes an element of an array. Foreign bytes are written as lm_buffer_append_json()
 * says.
 */
void put_open(struct lm_buffer *out, const char *key);
void put_close(struct lm_buffer *out);
void put_open_array(struct lm_buffer *out, const char *key);
void put_close_array(struct lm_buffer *out);

void put_str(struct lm_buffer *out, const char *key, struct lm_str value);
/** Left out where it is NULL or empty. */
void put_text(struct lm_buffer *out, const char *key, const char *value);
/** What has been escaped for a person before: only the quotes of JSON are added. */
void put_escaped(struct lm_buffer *out, const char *key, const struct lm_buffer *text);
void put_u64(struct lm_buffer *out, const char *key, uint64_t value);
void put_i64(struct lm_buffer *out, const char *key, int64_t value);
void put_bool(struct lm_buffer *out, const char *key, bool value);
/** As a string: what the other side takes for a word. */
void put_number_word(struct lm_buffer *out, const char *key, uint64_t value);
/** RFC 3339 with nine decimals; left out where it is 0. */
void put_time(struct lm_buffer *out, const char *key, uint64_t wall_ns);

/* What every format tells of an event. */

/** "sh[42] write /etc/passwd = 5", for a person. */
void put_message(struct lm_buffer *out, const char *key, const struct lm_event_view *view);
/** Of a message: `severity`, `tag` and `text`; nothing of what is none. */
void put_message_text(struct lm_buffer *out, const struct lm_event_view *view);
void put_gap_message(struct lm_buffer *out, const char *key, const struct lm_gap *gap);
void put_path(struct lm_buffer *out, const char *key, const struct lm_labels *labels,
	      lm_object_id id);
/** "10.0.0.1:22", or a unix path; left out where there is none. */
void put_address(struct lm_buffer *out, const char *key, const struct lm_address *address);
/** Only the IP address, without a port; left out of what is not inet. */
void put_ip(struct lm_buffer *out, const char *key, const struct lm_address *address);
/** An array of arguments. */
void put_args(struct lm_buffer *out, const char *key, struct lm_str argv);
/** All of them with a space between. */
void put_command_line(struct lm_buffer *out, const char *key, struct lm_str argv);
void put_flags(struct lm_buffer *out, const char *key, const struct lm_event *event);
/** "EACCES" or "errno 600"; left out of what did not fail. */
void put_error(struct lm_buffer *out, const char *key, const struct lm_event *event);
void put_device(struct lm_buffer *out, const char *key, uint32_t dev);
void put_sha256(struct lm_buffer *out, const char *key, const struct lm_content *content);

/** The process behind an object; NULL when it is none, or not known. */
const struct lm_process *export_process(const struct lm_labels *labels, lm_object_id id);
/** Which container a process is in. */
bool export_container(const struct lm_labels *labels, const struct lm_process *process,
		      struct lm_container *ret_container);
/** The object or name whose path an event's file has; 0 where it has none. */
lm_object_id export_named(const struct lm_event_view *view, bool second);
/** The socket that an event is about, or NULL. */
const struct lm_label *export_socket(const struct lm_event_view *view);
/** Which end began: a connect from here, an accept from there; else not known. */
bool export_is_outbound(const struct lm_event_view *view);
