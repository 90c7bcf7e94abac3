/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/base/cleanup.h"
#include "world.h"

/* What is known of an object, by its number. */
struct world_object {
	uint8_t kind; /* enum lm_object_kind */
	bool unknown; /* file: nothing but its name */
	bool is_root; /* file: "/" of some process */
	bool absent;  /* name: known to mean nothing */
	/* file: the name it was bound to last; name: the file it is bound to */
	lm_object_id other;
	uint32_t at; /* name: its entry; socket: its entry; file: its entry */
};

struct name_entry {
	lm_object_id object, dir;
	uint32_t next; /* entry + 1 of the same hash */
	uint32_t len;
	size_t text;   /* where its component begins in `texts` */
};

struct world {
	struct world_sink sink;
	int status;
	uint64_t now_ns;
	lm_object_id last; /* number given last */
	lm_object_id root;

	struct world_object *objects; /* by number */
	size_t object_capacity;
	struct name_entry *names;
	size_t name_count, name_capacity;
	struct lm_buffer texts;
	struct lm_map by_text; /* hash of directory and component: entry + 1 */
	uint64_t seed;
	struct world_file *files;
	size_t file_count, file_capacity;
	struct lm_map by_inode; /* hash of device and inode: file object */
	struct lm_socket *sockets; /* paths are owned */
	size_t socket_count, socket_capacity;

	struct lm_map threads; /* tid: struct world_process */
};

/** Remember a failure; the first one stays. @return it */
int world_fail(struct world *world, int code);
void world_hand_on(struct world *world, const struct lm_item *item);
/** NULL: no such object. */
struct world_object *world_object(const struct world *world, lm_object_id object);
/** Room for one more. @return the array, moved perhaps; NULL: world_fail() was called */
void *world_grow(struct world *world, void *at, size_t count, size_t *capacity, size_t size);

void world_free_processes(struct world *world);
void world_free_sockets(struct world *world);
