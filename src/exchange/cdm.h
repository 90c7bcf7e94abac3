/* SPDX-License-Identifier: MIT */
#pragma once

#include <jansson.h>

#include "lemona/base/buffer.h"
#include "world.h"

/*
 * The Common Data Model of DARPA's Transparent Computing, versions 18 to 20, as Avro writes it in
 * JSON: one record a line, of an entity (subject, object, principal, host) or of an event.
 *
 * Entities have no time. They are kept until an event needs them, and only then are they objects
 * of the log. Numbers of entities are from 1; 0 is none.
 */
struct cdm_uuid {
	uint64_t high, low;
};

enum cdm_kind {
	CDM_REFERRED = 0, /* something has named it; its own record was not seen */
	CDM_SUBJECT,
	CDM_PRINCIPAL,
	CDM_FILE,
	CDM_SOCKET,
	CDM_PIPE,
	CDM_OTHER, /* memory, sources and sinks that are none of the others */
};

struct cdm_entity {
	struct cdm_uuid uuid;
	uint32_t next; /* number of the next one of the same hash */
	uint32_t same; /* it is another name of that entity; 0: of its own */
	uint8_t kind;  /* enum cdm_kind */
	lm_object_id object; /* 0: no event has needed it yet */
	struct lm_str text;  /* owned. File: path; subject: command line; other: what it is */
	struct lm_str name;  /* owned. Subject: its program's name, or path */
	union {
		struct {
			uint32_t pid, parent, owner; /* parent, owner: entities */
			bool part;    /* a thread or unit: what it does its parent does */
			uint64_t start_ns;
			struct lm_process *is; /* owned. What the log was told last */
		} subject;
		struct {
			uint32_t uid, euid, gid, egid;
		} principal;
		struct {
			uint32_t mode;
		} file;
		struct lm_socket *socket; /* owned, with the paths in it */
		uint16_t memory;          /* enum lm_memory_type */
	};
};

struct cdm_run {
	uint32_t users; /* sources */
	struct cdm_entity *entities;
	size_t count, capacity; /* the first one is nobody */
	struct lm_map by_uuid;  /* hash: entity */
	bool has_host;
	struct cdm_uuid host;   /* that this log is of */
	struct lm_buffer path;  /* that is being taken apart */
};

/* cdm_json.c: records, with the wrappers that Avro puts around what may be absent. */

/** A member; NULL: there is none, or it is null. Borrowed. */
json_t *cdm_get(const json_t *record, const char *key);
/** A member that is a string, at most LM_NAME_MAX_BYTES of it; borrowed. */
struct lm_str cdm_text(const json_t *record, const char *key);
/** Of the map `properties`, the first of the keys (NULL ends them) that has a text. */
struct lm_str cdm_property(const json_t *record, const char *const *keys);
/** @return false: it is absent, or no number of that range; *ret_number is untouched */
bool cdm_number(const json_t *record, const char *key, int64_t low, int64_t high,
	int64_t *ret_number);
/** @return 1; 0: it is absent; -EBADMSG: it is no UUID */
int cdm_uuid(const json_t *record, const char *key, struct cdm_uuid *ret_uuid);

/* cdm_entity.c: the entities. */

/** @return its number, made up where it is new; 0: no memory */
uint32_t cdm_entity_number(struct cdm_run *run, struct cdm_uuid uuid);
/** The entity that a member names. @return 0; -EBADMSG; -ENOMEM. *ret_number 0: absent */
int cdm_entity_of(struct cdm_run *run, const json_t *record, const char *key,
	uint32_t *ret_number);

static inline struct cdm_entity *cdm_entity(const struct cdm_run *run, uint32_t number)
{
	return &run->entities[number];
}

/**
 * Take in the record of an entity.
 *
 * @param type  "Subject", "FileObject", ...
 * @return 1; 0: the type is none of an entity; -EBADMSG: it is malformed; -ENOMEM
 */
int cdm_entity_read(struct cdm_run *run, const char *type, const json_t *record);
/** The entity itself where a number is another name of it. */
uint32_t cdm_entity_itself(const struct cdm_run *run, uint32_t number);
/** Replace an owned string; at most `most` bytes of it. @return 0; -ENOMEM */
int cdm_entity_set(struct lm_str *text, struct lm_str value, uint32_t most);
void cdm_release(struct cdm_run *run);

/* cdm_object.c: what entities are in the log. */

/**
 * The process that a subject is, or belongs to; told as forked by its parent, at the latest now,
 * if it is new and the parent is known.
 *
 * @param ret_number  the entity of the process
 * @return its object; 0: the entity is no subject, or world_status()
 */
lm_object_id cdm_process(struct cdm_run *run, struct world *world, uint32_t number,
	uint32_t *ret_number);
/** What was only referred to, and now acts, is a process; its own number is not known. */
void cdm_assume_subject(struct cdm_run *run, uint32_t number, uint32_t tid);
/** The same of one that an event says was forked: nothing else is told of that. */
lm_object_id cdm_child(struct cdm_run *run, struct world *world, uint32_t number);
/** Tell what the entity and its `is` say of the process now. */
void cdm_tell_process(struct cdm_run *run, struct world *world, uint32_t number);
/** Its next version: the program has changed. @return its object */
lm_object_id cdm_new_version(struct cdm_run *run, struct world *world, uint32_t number);
/** The next version under another entity, of which no event has told yet. @return its object */
lm_object_id cdm_succeed(struct cdm_run *run, struct world *world, uint32_t number,
	uint32_t before);
/** Take the ids of its owner over. @return whether they are others */
bool cdm_set_owner(struct cdm_run *run, uint32_t number, uint32_t owner);
/**
 * The object that an entity is. One that was only referred to is taken to be a socket, or a file.
 *
 * @return 0: none (0, a principal), or world_status()
 */
lm_object_id cdm_object(struct cdm_run *run, struct world *world, uint32_t number, bool socket);
/** Where a path stands: Windows' ones too, whose separators are turned around. 0: no path */
lm_object_id cdm_name(struct cdm_run *run, struct world *world, struct lm_str path);

/* cdm_event.c */
struct cdm_event_kind;

struct cdm_event {
	const struct cdm_event_kind *kind; /* NULL: none that is known */
	struct lm_str type;   /* borrowed */
	const json_t *record; /* borrowed: what else it says */
	uint64_t time_ns, sequence;
	uint32_t subject, object, object2; /* entities */
	uint32_t tid;
	int64_t size;
	struct lm_str path, path2; /* borrowed */
};

/** @return 0; -EBADMSG: it is malformed; -ENOMEM */
int cdm_event_read(struct cdm_run *run, const json_t *record, struct cdm_event *ret_event);
/** @return 1; 0: it has no meaning here; world_status() */
int cdm_event_apply(struct cdm_run *run, struct world *world, const struct cdm_event *event);
