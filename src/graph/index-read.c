/* SPDX-License-Identifier: MIT */
#include "index-private.h"

uint32_t lm_index_object_count(const struct lm_index *index)
{
	return lm_catalog_object_count(index->parts.catalog);
}

uint64_t lm_index_event_count(const struct lm_index *index)
{
	return index->parts.summary.event_count;
}

enum lm_object_kind lm_index_kind(const struct lm_index *index, lm_object_id id)
{
	const struct lm_object *object = index_object(index, id);

	return object ? object->kind : LM_OBJECT_KIND_NONE;
}

int lm_index_object(const struct lm_index *index, lm_object_id id, struct lm_object *ret_object)
{
	return id == LM_OBJECT_NONE ? -ENOENT :
				      lm_catalog_object(index->parts.catalog, id, ret_object);
}

uint8_t index_flags(const struct lm_index *index, lm_object_id id)
{
	const struct lm_object *object = index_object(index, id);

	return object ? object->flags : 0;
}

uint64_t index_first_ns(const struct lm_index *index, lm_object_id id)
{
	const struct lm_object *object = index_object(index, id);

	return object ? object->time_ns : 0;
}

const struct lm_name *index_name(const struct lm_index *index, lm_object_id id)
{
	const struct lm_object *object = index_object(index, id);

	return object && object->kind == LM_OBJECT_KIND_NAME ? &object->name : NULL;
}

const struct lm_process *index_process(const struct lm_index *index, lm_object_id id)
{
	const struct lm_object *object = index_object(index, id);

	return object && object->kind == LM_OBJECT_KIND_PROCESS ? &object->process : NULL;
}

const struct lm_socket *index_socket(const struct lm_index *index, lm_object_id id)
{
	const struct lm_object *object = index_object(index, id);

	return object && object->kind == LM_OBJECT_KIND_SOCKET ? &object->socket : NULL;
}

const struct lm_file *index_file(const struct lm_index *index, lm_object_id id)
{
	const struct lm_object *object = index_object(index, id);

	return object && object->kind == LM_OBJECT_KIND_FILE ? &object->file : NULL;
}

struct lm_str index_cgroup_path(const struct lm_index *index, lm_object_id id)
{
	const struct lm_object *object = index_object(index, id);

	return object && object->kind == LM_OBJECT_KIND_CGROUP ? object->cgroup.path : LM_STR_NONE;
}

/* Change times are those of the last tick, which is 10 ms at most. */
#define TICK_NS UINT64_C(10000000)

const struct lm_content *index_content(const struct lm_index *index, lm_object_id file,
				       uint64_t at_ns, bool *ret_sure)
{
	struct lm_catalog_ids ids LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	const struct lm_content *before = NULL, *missed = NULL;

	if (lm_catalog_contents(index->parts.catalog, file, &ids) < 0)
		index_fail(index, -ENOMEM);
	/* In the order of their times. Whatever ran was looked at again; news alone were told. */
	for (size_t i = 0; i < ids.count; i++) {
		const struct lm_object *object = index_object(index, ids.at[i]);
		const struct lm_content *content = object ? &object->content : NULL;

		if (!content)
			continue;
		if (content->state != LM_CONTENT_HASHED) {
			missed = content;
			continue;
		}
		if (object->time_ns < at_ns) {
			before = content;
			missed = NULL;
			continue;
		}
		*ret_sure = content->changed_ns + TICK_NS < at_ns;
		return *ret_sure || !before ? content : before;
	}
	*ret_sure = before && !missed;
	return before ? before : missed;
}

bool lm_index_is_root(const struct lm_index *index, lm_object_id file)
{
	return lm_catalog_is_root(index->parts.catalog, file);
}

int lm_index_event(const struct lm_index *index, uint64_t event_id, struct lm_event *ret_event)
{
	return lm_store_event(index->parts.store, event_id, ret_event);
}

void index_fail(const struct lm_index *index, int code)
{
	if (index->status == 0)
		((struct lm_index *)(uintptr_t)index)->status = code;
}

int lm_index_status(const struct lm_index *index)
{
	return index->status ? index->status : lm_catalog_status(index->parts.catalog);
}

const char *lm_index_damage(const struct lm_index *index)
{
	return index->parts.summary.damage[0] ? index->parts.summary.damage : NULL;
}

void lm_index_span(const struct lm_index *index, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	const struct lm_summary *summary = &index->parts.summary;

	*ret_first_ns = summary->first_ns == UINT64_MAX ? 0 : summary->first_ns;
	*ret_last_ns = summary->last_ns;
}

size_t index_offsets(const struct lm_index *index, const struct lm_summary_offset **ret_at)
{
	static const struct lm_summary_offset none = { 0, 0 };
	const struct lm_summary *summary = &index->parts.summary;

	*ret_at = summary->offsets.count ? summary->offsets.at : &none;
	return summary->offsets.count ? summary->offsets.count : 1;
}

static int64_t offset_at(const struct lm_index *index, uint64_t boot_ns)
{
	const struct lm_summary_offset *at;
	size_t count = index_offsets(index, &at), i = 1;

	while (i < count && at[i].from_ns <= boot_ns)
		i++;
	return at[i - 1].offset_ns;
}

uint64_t lm_index_wall_ns(const struct lm_index *index, uint64_t boot_ns)
{
	uint64_t wall_ns;

	/* An offset before 1970 or a time past the end of time: the clock itself was wrong. */
	if (__builtin_add_overflow(boot_ns, offset_at(index, boot_ns), &wall_ns))
		return boot_ns;
	return wall_ns;
}

uint64_t lm_index_boot_ns(const struct lm_index *index, uint64_t wall_ns)
{
	const struct lm_summary_offset *at;
	size_t count = index_offsets(index, &at);
	uint64_t boot_ns = 0;

	/* The last stretch of the clock that reaches this wall time. */
	for (size_t i = 0; i < count; i++) {
		uint64_t t;

		if (__builtin_sub_overflow(wall_ns, at[i].offset_ns, &t))
			continue;
		if (i == 0 || t >= at[i].from_ns)
			boot_ns = t;
	}
	return boot_ns;
}

size_t lm_index_gap_count(const struct lm_index *index)
{
	return index->parts.summary.gaps.count;
}

const struct lm_gap *lm_index_gap(const struct lm_index *index, size_t i)
{
	return i < index->parts.summary.gaps.count ? &index->parts.summary.gaps.at[i] : NULL;
}

struct lm_link lm_links_get(const struct lm_links *links, uint32_t i)
{
	return link_of_store(links, i);
}

struct lm_links lm_index_incoming(const struct lm_index *index, lm_object_id sink,
				  uint64_t before_ns)
{
	return links_of_store(index, sink, true, before_ns, 0);
}

struct lm_links lm_index_outgoing(const struct lm_index *index, lm_object_id source,
				  uint64_t after_ns)
{
	return links_of_store(index, source, false, UINT64_MAX, after_ns);
}
