/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/event/event.h"

/*
 * Readable names for the objects of one log, built up while its items pass by
 * in stored order: what a list of events needs, and no more. A path is derived
 * from names, directory by directory, as they are bound when it is asked for.
 */
struct lm_labels;

int lm_labels_new(struct lm_labels **ret_labels);
struct lm_labels *lm_labels_free(struct lm_labels *labels);

/**
 * Take in an object or a binding (copied); events and gaps are ignored.
 * A definition that repeats a complete one, and a binding of a file that has a
 * name, wait until lm_labels_advance() reaches their time: a frame holds them
 * before events that happened earlier.
 *
 * @return 0; -ENOMEM
 */
int lm_labels_add(struct lm_labels *labels, const struct lm_item *item);

/** Let what held up to this boot time take effect. @return 0; -ENOMEM */
int lm_labels_advance(struct lm_labels *labels, uint64_t time_ns);

/** What an event did to names; call after its own labels have been taken. @return 0; -ENOMEM */
int lm_labels_apply(struct lm_labels *labels, const struct lm_event *event);

/** What is known of an object. Strings live as long as the labels. */
struct lm_label {
	uint8_t kind;  /* enum lm_object_kind; NONE when never defined */
	uint8_t flags; /* enum lm_object_flag */
	union {
		struct {
			uint32_t tgid, uid;
			lm_object_id parent, exe, exe_name;
			struct lm_str comm;
			struct lm_process *all; /* belongs to the label */
		} process;
		struct {
			uint64_t inode;
			uint32_t dev, mode;
			lm_object_id name; /* bound last, 0 none */
			bool root;         /* "/" of a mount namespace or a process */
		} file;
		struct {
			lm_object_id dir, file; /* file bound last, 0 none */
			struct lm_str component;
		} name;
		struct {
			uint64_t inode;
			uint16_t family, type, protocol;
			struct lm_address local, remote;
		} socket;
		struct {
			uint64_t inode;
			uint32_t dev;
		} pipe;
		struct {
			uint64_t inode;
			uint32_t dev;
			uint16_t type;
			struct lm_str label;
		} memory;
		struct {
			struct lm_str path;
		} cgroup;
	};
};

/** Never NULL: an undefined object has kind NONE. Borrowed until labels change. */
const struct lm_label *lm_labels_get(const struct lm_labels *labels, lm_object_id id);

/**
 * Append the path of a name or of a file, unescaped. A directory that no name
 * is known for is written as [MAJOR:MINOR INODE].
 *
 * @return true when it is whole, from a "/" or as claimed by a process
 */
bool lm_labels_append_path(const struct lm_labels *labels, lm_object_id id, struct lm_buffer *out);

/** Append a short word for any object: a path, "bash[12]", "tcp 10.0.0.1:22 > 10.0.0.2:99", ... */
void lm_labels_append(const struct lm_labels *labels, lm_object_id id, struct lm_buffer *out);

/** The same for a terminal: foreign bytes are escaped. */
void lm_labels_append_escaped(const struct lm_labels *labels, lm_object_id id,
			      struct lm_buffer *out);

/** Append "10.0.0.1:22", "[::1]:22", "@abstract", "/run/x"; nothing for family NONE. */
void lm_address_append(const struct lm_address *address, struct lm_buffer *out);
