/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/base/diag.h"
#include "lemona/event/dependency.h"
#include "lemona/event/event.h"

struct lm_log;

/*
 * The index: one log's objects, events, names over time and dependencies,
 * adjacent by object and ordered by time. Filled once, then read only.
 * Everything that walks a graph asks through the functions below, so that an
 * index kept elsewhere can take this one's place.
 */
struct lm_index;

int lm_index_new(struct lm_index **ret_index);
struct lm_index *lm_index_free(struct lm_index *index);

/**
 * Take in one item. Strings are copied. Definitions precede use.
 *
 * @return 0; -ENOMEM; -LM_E_DAMAGED (an object number out of range, or used with another kind);
 *         -EBUSY (the index is finished)
 */
int lm_index_add(struct lm_index *index, const struct lm_item *item);

/** Name of the host, for answers. Copied; cut to 255 bytes. */
void lm_index_set_host(struct lm_index *index, const char *host);

/** Name of the tool that recorded what the log was imported from, for answers. As the host. */
void lm_index_set_imported(struct lm_index *index, const char *tool);

/** CLOCK_REALTIME minus CLOCK_BOOTTIME from boot time `from_ns` on. In time order. */
int lm_index_add_wall_offset(struct lm_index *index, uint64_t from_ns, int64_t offset_ns);

/** Build adjacency, names over time and socket pairs; nothing can be added then.
 *  @return 0; -ENOMEM */
int lm_index_finish(struct lm_index *index);

/**
 * The index of a log: from the files beside it where they tell all of it (lemona/index/make.h),
 * else made in memory.
 *
 * @param log  open log, at its start; may be gone afterwards
 * @return 0, also when the log holds no event yet; what lm_parts_open() and lm_parts_make() return.
 *         A sentence is in diag.
 */
int lm_index_load(struct lm_log *log, struct lm_index **ret_index, struct lm_diag *diag);

uint32_t lm_index_object_count(const struct lm_index *index); /* ids run from 1 to this */
uint64_t lm_index_event_count(const struct lm_index *index);

/**
 * The last definition of an object; strings are borrowed from the index.
 * @return 0; -ENOENT (no such object)
 */
int lm_index_object(const struct lm_index *index, lm_object_id id, struct lm_object *ret_object);
enum lm_object_kind lm_index_kind(const struct lm_index *index, lm_object_id id);

/**
 * By number in the log. What the event points to is borrowed until the next such question.
 * @return 0; -ENOENT (there is none); -LM_E_DAMAGED, -EIO (where it stood); -ENOMEM
 */
int lm_index_event(const struct lm_index *index, uint64_t event_id, struct lm_event *ret_event);

/** NULL, or one sentence about the first damage in the log. */
const char *lm_index_damage(const struct lm_index *index);

/** First and last moment at which anything in the log happened, boot time. */
void lm_index_span(const struct lm_index *index, uint64_t *ret_first_ns, uint64_t *ret_last_ns);

uint64_t lm_index_wall_ns(const struct lm_index *index, uint64_t boot_ns);
/** The other way; 0 when the wall time lies before the boot. */
uint64_t lm_index_boot_ns(const struct lm_index *index, uint64_t wall_ns);

/* The gaps of the log, in stored order. */
size_t lm_index_gap_count(const struct lm_index *index);
const struct lm_gap *lm_index_gap(const struct lm_index *index, size_t i);

/*
 * Adjacency. The influence of one event, or of several that are alike: by the same thread, a few
 * milliseconds after each other. What lasts ends where it was undone.
 */
struct lm_link {
	uint64_t begin_ns, end_ns; /* of the first, and of the last */
	lm_object_id source, sink;
	uint64_t event;  /* number of the first */
	uint64_t bytes;  /* that were moved */
	uint32_t count;  /* actions */
	uint32_t run;    /* where its events are told apart: the index's own business */
	uint16_t op;     /* enum lm_op */
	uint16_t event_flags; /* enum lm_event_flag */
	uint16_t error;  /* of a call that failed: ENOENT, ...; else 0 */
	uint8_t control; /* enum lm_control */
	uint8_t flags;   /* enum lm_dependency_flag */
	uint64_t key;    /* no other link has it; the same whatever part of the link is asked for */
};

/** A run of links of one object, as far as they lie before or after a moment. */
struct lm_links {
	const struct lm_index *index;
	const void *at;
	uint32_t count;
	uint64_t before_ns, after_ns;
};

/** Influences into an object that began before `before_ns`, in order of begin. */
struct lm_links lm_index_incoming(const struct lm_index *index, lm_object_id sink,
				  uint64_t before_ns);
/** Influences out of an object that ended after `after_ns`, in order of end. */
struct lm_links lm_index_outgoing(const struct lm_index *index, lm_object_id source,
				  uint64_t after_ns);
/** One of them; of several events in one, those on this side of the moment. */
struct lm_link lm_links_get(const struct lm_links *links, uint32_t i);

/**
 * What went wrong since the index was made, where a question could not say so: a run of links that
 * could not be read was passed over.
 * @return 0; -LM_E_DAMAGED, -EIO, -ENOMEM
 */
int lm_index_status(const struct lm_index *index);

/** The other end of a connection on this host. */
struct lm_peer {
	lm_object_id socket;
	uint64_t since_ns;  /* when both existed */
	bool same_namespace;
};
/** @return number of peers; *ret_peers borrowed */
uint32_t lm_index_peers(const struct lm_index *index, lm_object_id socket,
			const struct lm_peer **ret_peers);

/*
 * Names over time.
 */
struct lm_bound {
	lm_object_id name, file;
	uint64_t begin_ns, end_ns; /* end UINT64_MAX: to the end of the log */
	uint64_t event;            /* number of the event that bound it; 0: none did */
	bool claimed;              /* the name comes from user memory, unconfirmed */
};

/** What a name was bound to, or which names a file had, in order of begin. */
uint32_t lm_index_bounds_of_name(const struct lm_index *index, lm_object_id name,
				 const struct lm_bound **ret_bounds);
uint32_t lm_index_bounds_of_file(const struct lm_index *index, lm_object_id file,
				 const struct lm_bound **ret_bounds);
/** The binding at a time, or the last one before it, or the first after it; NULL if none. */
const struct lm_bound *lm_index_bound_of_name_at(const struct lm_index *index, lm_object_id name,
						 uint64_t t_ns);
const struct lm_bound *lm_index_bound_of_file_at(const struct lm_index *index, lm_object_id file,
						 uint64_t t_ns);

/** Names in a directory. @return count; *ret_names borrowed */
uint32_t lm_index_names_in(const struct lm_index *index, lm_object_id dir,
			   const lm_object_id **ret_names);
bool lm_index_is_root(const struct lm_index *index, lm_object_id file);

/**
 * Derive the path of a file or name as it was at a time.
 *
 * @param root  directory that counts as "/" (a process's root); 0: the nearest root above
 * @param out   the path is appended. It begins with "?/" when the log does not know where the
 *              topmost directory hangs; nothing is appended when the object has no name at all
 * @return 0; -ENOENT (no name at any time)
 */
int lm_index_path_at(const struct lm_index *index, lm_object_id file_or_name, uint64_t t_ns,
		     lm_object_id root, struct lm_buffer *out);

/**
 * A path for a reader: as seen by the process that last acted on the object before t_ns.
 * Same results as lm_index_path_at().
 */
int lm_index_path_seen(const struct lm_index *index, lm_object_id file_or_name, uint64_t t_ns,
		       struct lm_buffer *out);
