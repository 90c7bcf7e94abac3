/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/time.h"

/*
 * What is known is bounded: where a table of files, names or control groups is
 * full, one that was not used for long makes room. A hand goes around the table. An
 * entry has chances: those that it has when it is used, less one for each time
 * that the hand has come by since; one without any goes.
 *
 * The log forgets nothing. What comes back gets a new number, with the flag
 * LM_OBJECT_AGAIN where it may be what had another number before, and readers put the two together.
 * A number of what was forgotten may still stand in other entries: it is good to
 * name the object, and nothing is found behind it.
 *
 * Directories are told by the kernel side once only. Where one was forgotten it
 * is asked to tell them anew, at most once a second: until then a claimed path
 * below is asked of the running system, and a reader knows it anyway.
 */

/* Entries that the hand passes at one time: where none is without chances, the poorest goes. */
#define STEPS_MAX 32
#define TELL_AGAIN_NS LM_NS_PER_SEC
/* Fewer would make one record forget what the same record has just used. */
#define LIMIT_MIN 256u
/* What a name and a file take, with their texts and places in all tables: measured. */
#define ENTRY_BYTES 256u
#define CGROUPS_SHARE 16u
/* A place is kept in 31 bits, times two. */
#define LIMIT_MAX (1u << 29)

int new_object(struct lm_identify *id, lm_object_id *ret_object)
{
	if (id->last_object == UINT32_MAX)
		return -EOVERFLOW;
	*ret_object = ++id->last_object;
	return 0;
}

int know_inode(struct lm_identify *id, lm_object_id object, uint32_t at)
{
	return index_set_add(&id->object_set, hash_object(id, object), at << 1);
}

int know_name(struct lm_identify *id, lm_object_id object, uint32_t at)
{
	return index_set_add(&id->object_set, hash_object(id, object), at << 1 | 1);
}

void lm_identify_set_memory(struct lm_identify *id, uint64_t bytes)
{
	uint64_t limit = bytes / ENTRY_BYTES;

	if (limit < LIMIT_MIN)
		limit = LIMIT_MIN;
	if (limit > LIMIT_MAX)
		limit = LIMIT_MAX;
	id->inode_room.limit = id->name_room.limit = (uint32_t)limit;
	id->cgroup_room.limit = (uint32_t)limit / CGROUPS_SHARE;
}

/*
 * The entry that goes.
 *
 * @param chances  of the first entry; those of the next are `size` bytes on
 */
static uint32_t choose(struct room *room, uint8_t *chances, size_t size)
{
	uint32_t poorest = room->hand;
	uint8_t least = UINT8_MAX;

	for (int i = 0; i < STEPS_MAX && least; i++) {
		uint32_t at = room->hand;
		uint8_t *left = chances + at * size;

		room->hand = at + 1 == room->limit ? 0 : at + 1;
		if (*left < least) {
			least = *left;
			poorest = at;
		}
		*left -= *left != 0;
	}
	room->forgotten = true;
	return poorest;
}

/* A name that a directory in use is known by: without it there is no path to what is below. */
static bool is_name_in_use(const struct lm_identify *id, const struct name_entry *entry)
{
	const struct inode_entry *dir = entry->of_directory ? inode_of(id, entry->file) : NULL;

	return dir && dir->name == entry->object && dir->chances;
}

static void forget_inode(struct lm_identify *id, uint32_t at)
{
	struct inode_entry *entry = &id->inodes[at];

	keep_inode_definition(id, entry);
	if (entry->object)
		index_set_remove(&id->object_set, hash_object(id, entry->object), at << 1);
	/* Not there where a newer file has its number. */
	index_set_remove(&id->inode_set, hash_inode(entry->dev, entry->inode), at);
	id->directories_gone |= S_ISDIR(entry->mode);
	*entry = (struct inode_entry){ 0 };
}

static void free_name(struct name_entry *entry)
{
	free(entry->text);
	free(entry->link);
}

static void forget_name(struct lm_identify *id, uint32_t at)
{
	struct name_entry *entry = &id->names[at];

	keep_name_definition(id, entry);
	if (entry->object)
		index_set_remove(&id->object_set, hash_object(id, entry->object), at << 1 | 1);
	index_set_remove(&id->name_set, hash_name(entry->dir, text_of(entry)), at);
	id->directories_gone |= is_name_in_use(id, entry);
	free_name(entry);
	*entry = (struct name_entry){ 0 };
}

int room_for_inode(struct lm_identify *id, uint32_t *ret_at)
{
	int r;

	if (id->inode_count >= id->inode_room.limit) {
		*ret_at = choose(&id->inode_room, &id->inodes->chances, sizeof(*id->inodes));
		forget_inode(id, *ret_at);
		return 0;
	}
	r = grow(&id->inodes, id->inode_count, &id->inode_capacity, sizeof(*id->inodes));
	if (r < 0)
		return r;
	*ret_at = id->inode_count++;
	id->inodes[*ret_at] = (struct inode_entry){ 0 };
	return 0;
}

int room_for_name(struct lm_identify *id, uint32_t *ret_at)
{
	int r;

	if (id->name_count >= id->name_room.limit) {
		*ret_at = choose(&id->name_room, &id->names->chances, sizeof(*id->names));
		if (is_name_in_use(id, &id->names[*ret_at])) {
			id->names[*ret_at].chances = CHANCES_DIRECTORY;
			*ret_at = choose(&id->name_room, &id->names->chances, sizeof(*id->names));
		}
		forget_name(id, *ret_at);
		return 0;
	}
	r = grow(&id->names, id->name_count, &id->name_capacity, sizeof(*id->names));
	if (r < 0)
		return r;
	*ret_at = id->name_count++;
	id->names[*ret_at] = (struct name_entry){ 0 };
	return 0;
}

int room_for_cgroup(struct lm_identify *id, uint32_t *ret_at)
{
	struct cgroup_entry *entry;
	int r;

	if (id->cgroup_count >= id->cgroup_room.limit) {
		*ret_at = choose(&id->cgroup_room, &id->cgroups->chances, sizeof(*id->cgroups));
		entry = &id->cgroups[*ret_at];
		index_set_remove(&id->cgroup_set, hash_inode(entry->hierarchy, entry->cgroup),
			*ret_at);
		*entry = (struct cgroup_entry){ 0 };
		/* Its path is told like a directory's. */
		id->directories_gone = true;
		return 0;
	}
	r = grow(&id->cgroups, id->cgroup_count, &id->cgroup_capacity, sizeof(*id->cgroups));
	if (r < 0)
		return r;
	*ret_at = id->cgroup_count++;
	id->cgroups[*ret_at] = (struct cgroup_entry){ 0 };
	return 0;
}

void hasten_inode(struct lm_identify *id, lm_object_id object)
{
	struct inode_entry *entry = inode_of(id, object);

	if (entry)
		entry->chances = 0;
}

void free_names(struct lm_identify *id)
{
	for (uint32_t i = 0; i < id->name_count; i++)
		free_name(&id->names[i]);
	free(id->names);
}

void tell_forgotten(struct lm_identify *id, uint64_t now_ns)
{
	if (now_ns - id->directories_told_ns < TELL_AGAIN_NS)
		return;
	id->directories_gone = false;
	id->directories_told_ns = now_ns;
	if (id->sink.forget_directories)
		id->sink.forget_directories(id->sink.data);
}
