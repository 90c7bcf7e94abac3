/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/cleanup.h"

#include <string.h>

static uint32_t hash_cgroup(uint32_t hierarchy, uint64_t cgroup)
{
	return hash_inode(hierarchy, cgroup);
}

static int define_cgroup(struct lm_identify *id, uint64_t time_ns,
	const struct cgroup_entry *entry, struct lm_str path, uint8_t flags)
{
	struct lm_object object = {
		.id = entry->object, .kind = LM_OBJECT_KIND_CGROUP, .time_ns = time_ns,
		.flags = flags | (entry->again ? LM_OBJECT_AGAIN : 0),
		.cgroup = {
			.hierarchy = entry->hierarchy, .cgroup = entry->cgroup, .path = path,
		},
	};

	return emit_object(id, &object);
}

static struct cgroup_entry *look_up_cgroup(struct lm_identify *id, uint32_t hierarchy,
	uint64_t cgroup)
{
	struct index_walk walk = index_walk_from(hash_cgroup(hierarchy, cgroup));
	int64_t i;

	while ((i = index_set_next(&id->cgroup_set, &walk)) >= 0) {
		if (id->cgroups[i].cgroup != cgroup || id->cgroups[i].hierarchy != hierarchy)
			continue;
		id->cgroups[i].chances = CHANCES;
		return &id->cgroups[i];
	}
	return NULL;
}

static int add_cgroup(struct lm_identify *id, uint32_t hierarchy, uint64_t cgroup,
	struct cgroup_entry **ret_entry)
{
	struct cgroup_entry entry = {
		.cgroup = cgroup, .hierarchy = hierarchy, .chances = CHANCES,
	};
	uint32_t at;
	int r = room_for_cgroup(id, &at);

	if (r == 0)
		r = new_object(id, &entry.object);
	if (r == 0)
		r = index_set_add(&id->cgroup_set, hash_cgroup(hierarchy, cgroup), at);
	if (r < 0)
		return r;
	entry.again = id->cgroup_room.forgotten;
	id->cgroups[at] = entry;
	*ret_entry = &id->cgroups[at];
	return 0;
}

int find_cgroup(struct lm_identify *id, uint64_t time_ns, uint32_t hierarchy, uint64_t cgroup,
	lm_object_id *ret_object)
{
	struct cgroup_entry *entry = look_up_cgroup(id, hierarchy, cgroup);
	int r = 0;

	*ret_object = LM_OBJECT_NONE;
	if (!cgroup)
		return 0; /* a kernel without control groups */
	if (!entry) {
		/* Its path was lost: it will be told again, after the gap that says so. */
		r = add_cgroup(id, hierarchy, cgroup, &entry);
		if (r == 0)
			r = define_cgroup(id, time_ns, entry, LM_STR_NONE, LM_OBJECT_PARTIAL);
	}
	if (r == 0)
		*ret_object = entry->object;
	return r;
}

/* The kernel side tells names from the group upwards. */
static int make_path(const struct lm_raw_cgroup *raw, struct lm_buffer *out)
{
	uint32_t end = raw->names_len;

	if (raw->raw.flags & (LM_RAW_CUT | LM_RAW_PARTIAL))
		lm_buffer_append_text(out, "...");
	if (!end)
		lm_buffer_append_byte(out, '/');
	while (end) {
		uint32_t start = --end; /* of the NUL */

		while (start && raw->names[start - 1])
			start--;
		lm_buffer_append_byte(out, '/');
		lm_buffer_append(out, raw->names + start, end - start);
		end = start;
	}
	return lm_buffer_status(out);
}

int take_cgroup(struct lm_identify *id, const struct lm_raw_cgroup *raw)
{
	uint8_t flags = raw->raw.flags & LM_RAW_FOUND ? LM_OBJECT_FOUND : 0;
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	struct cgroup_entry *entry;
	int r;

	if (!raw->cgroup || raw->names_len > raw->raw.len - sizeof(*raw) ||
		raw->names_len > LM_RAW_CGROUP_BYTES ||
		(raw->names_len && raw->names[raw->names_len - 1]))
		return -LM_E_FORMAT;
	entry = look_up_cgroup(id, raw->hierarchy, raw->cgroup);
	if (entry && entry->told)
		return 0;
	if (!entry) {
		r = add_cgroup(id, raw->hierarchy, raw->cgroup, &entry);
		if (r < 0)
			return r;
	}
	r = make_path(raw, &path);
	if (r < 0)
		return r;
	entry->told = true;
	if (path.len > LM_CGROUP_PATH_MAX_BYTES)
		path.len = LM_CGROUP_PATH_MAX_BYTES;
	return define_cgroup(id, raw->raw.time_ns, entry,
		(struct lm_str){ (const char *)path.data, (uint32_t)path.len }, flags);
}
