/* SPDX-License-Identifier: MIT */
#include "lemona/index/summary.h"

#include <errno.h>

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/event/dependency.h"
#include "load.h"

enum summary_section {
	SUMMARY_NUMBERS = 1,
	SUMMARY_GAPS = 2,
	SUMMARY_OFFSETS = 3,
	SUMMARY_SEGMENTS = 4,
	SUMMARY_PARTS = 5,
	SUMMARY_ALIASES = 6,
	SUMMARY_DAMAGE = 7,
};

enum { NUMBERS_BYTES = 32, GAP_BYTES = 40, OFFSET_BYTES = 16, SEGMENT_BYTES = 16, PART_BYTES = 8,
       ALIAS_BYTES = 8 };

void lm_summary_release(struct lm_summary *summary)
{
	free(summary->gaps.at);
	free(summary->offsets.at);
	free(summary->segments.at);
	free(summary->parts.at);
	free(summary->aliases.at);
	*summary = (struct lm_summary)LM_SUMMARY_INIT;
}

static void widen(struct lm_summary *summary, uint64_t begin_ns, uint64_t end_ns)
{
	if (begin_ns < summary->first_ns)
		summary->first_ns = begin_ns;
	if (end_ns > summary->last_ns)
		summary->last_ns = end_ns;
}

/* A log begins with the first thing that may have influenced something. */
void lm_summary_event(struct lm_summary *summary, const struct lm_event *event)
{
	struct lm_dependency dependencies[LM_DEPENDENCIES_MAX];

	widen(summary, event->end_ns, event->end_ns);
	if (lm_op_is_aside(event->op))
		return;
	summary->event_count++;
	if (event->begin_ns < summary->first_ns && lm_event_dependencies(event, dependencies) > 0)
		summary->first_ns = event->begin_ns;
}

/* Room for one more at the end of a list. */
#define ROOM_IN(list) \
	(lm_array_reserve((list).at, (list).capacity, (list).count + 1) < 0 ? -ENOMEM : 0)

int lm_summary_gap(struct lm_summary *summary, const struct lm_gap *gap)
{
	if (ROOM_IN(summary->gaps) < 0)
		return -ENOMEM;
	summary->gaps.at[summary->gaps.count++] = *gap;
	return 0;
}

int lm_summary_segment(struct lm_summary *summary, uint32_t number, uint64_t bytes)
{
	if (ROOM_IN(summary->segments) < 0)
		return -ENOMEM;
	summary->segments.at[summary->segments.count++] =
		(struct lm_log_segment){ .bytes = bytes, .number = number };
	return 0;
}

int lm_summary_offset(struct lm_summary *summary, uint64_t from_ns, int64_t offset_ns)
{
	size_t count = summary->offsets.count;

	if (count > 0 && summary->offsets.at[count - 1].offset_ns == offset_ns)
		return 0;
	if (ROOM_IN(summary->offsets) < 0)
		return -ENOMEM;
	summary->offsets.at[summary->offsets.count++] =
		(struct lm_summary_offset){ from_ns, offset_ns };
	return 0;
}

static void append_numbers(const struct lm_summary *summary, struct lm_buffer *out)
{
	lm_buffer_append_u64(out, summary->event_count);
	lm_buffer_append_u64(out, summary->first_ns);
	lm_buffer_append_u64(out, summary->last_ns);
	lm_buffer_append_u64(out, summary->cut);
}

static void append_gaps(const struct lm_summary *summary, struct lm_buffer *out)
{
	for (size_t i = 0; i < summary->gaps.count; i++) {
		const struct lm_gap *gap = &summary->gaps.at[i];

		lm_buffer_append_u64(out, gap->begin_ns);
		lm_buffer_append_u64(out, gap->end_ns);
		lm_buffer_append_u64(out, gap->count);
		lm_buffer_append_u64(out, gap->kinds);
		lm_buffer_append_u32(out, gap->tgid);
		lm_buffer_append_u16(out, gap->cpu);
		lm_buffer_append_u16(out, gap->reason);
	}
}

static void append_offsets(const struct lm_summary *summary, struct lm_buffer *out)
{
	for (size_t i = 0; i < summary->offsets.count; i++) {
		lm_buffer_append_u64(out, summary->offsets.at[i].from_ns);
		lm_buffer_append_u64(out, (uint64_t)summary->offsets.at[i].offset_ns);
	}
}

static void append_segments(const struct lm_summary *summary, struct lm_buffer *out)
{
	for (size_t i = 0; i < summary->segments.count; i++) {
		lm_buffer_append_u64(out, summary->segments.at[i].bytes);
		lm_buffer_append_u32(out, summary->segments.at[i].number);
		lm_buffer_append_u32(out, 0);
	}
}

static void append_parts(const struct lm_summary *summary, struct lm_buffer *out)
{
	for (size_t i = 0; i < summary->parts.count; i++) {
		lm_buffer_append_u32(out, summary->parts.at[i].number);
		lm_buffer_append_u32(out, summary->parts.at[i].kind);
	}
}

static void append_aliases(const struct lm_summary *summary, struct lm_buffer *out)
{
	for (size_t i = 0; i < summary->aliases.count; i++) {
		lm_buffer_append_u32(out, summary->aliases.at[i].later);
		lm_buffer_append_u32(out, summary->aliases.at[i].first);
	}
}

static void append_damage(const struct lm_summary *summary, struct lm_buffer *out)
{
	lm_buffer_append(out, summary->damage, strlen(summary->damage));
}

static void free_writer(struct lm_part_writer **writer)
{
	lm_part_writer_free(*writer);
}

int lm_summary_write(const struct lm_summary *summary,
		     const uint8_t log_id[LM_PART_IDENTITY_BYTES], uint64_t end_event, int fd)
{
	static void (*const appends[])(const struct lm_summary *, struct lm_buffer *) = {
		append_numbers, append_gaps, append_offsets, append_segments, append_parts,
		append_aliases, append_damage,
	};
	struct lm_part_info info = { .kind = LM_PART_SUMMARY, .first_event = 1,
				     .end_event = end_event };
	LM_CLEANUP(free_writer) struct lm_part_writer *writer = NULL;
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;
	int r;

	memcpy(info.log_id, log_id, sizeof(info.log_id));
	r = lm_part_writer_new(fd, &info, &writer);
	for (uint32_t i = 0; r == 0 && i < LM_ARRAY_SIZE(appends); i++) {
		lm_buffer_reset(&out);
		appends[i](summary, &out);
		r = lm_buffer_status(&out);
		if (r == 0)
			r = lm_part_put(writer, SUMMARY_NUMBERS + i, out.data, out.len);
	}
	return r < 0 ? r : lm_part_finish(writer);
}

/*
 * Entries of a section, all of one size, and room for them in a list.
 * @return 0; -LM_E_DAMAGED; -ENOMEM
 */
#define READ_LIST(part, section, entry_bytes, list, ret_at) \
	read_list(part, section, entry_bytes, sizeof(*(list).at), (void **)&(list).at, \
		  &(list).count, ret_at)

static int read_list(const struct lm_part *part, uint32_t section, size_t entry_bytes, size_t size,
		     void **ret_list, size_t *ret_count, const uint8_t **ret_at)
{
	size_t len;

	*ret_at = lm_part_section(part, section, &len);
	if (len % entry_bytes != 0)
		return -LM_E_DAMAGED;
	*ret_list = lm_array_new(len / entry_bytes, size);
	if (!*ret_list)
		return -ENOMEM;
	*ret_count = len / entry_bytes;
	return 0;
}

static int read_numbers(const struct lm_part *part, struct lm_summary *summary)
{
	size_t len;
	const uint8_t *at = lm_part_section(part, SUMMARY_NUMBERS, &len);

	if (len != NUMBERS_BYTES || load_u64(at + 24) > 1)
		return -LM_E_DAMAGED;
	summary->event_count = load_u64(at);
	summary->first_ns = load_u64(at + 8);
	summary->last_ns = load_u64(at + 16);
	summary->cut = load_u64(at + 24);
	return 0;
}

static int read_gaps(const struct lm_part *part, struct lm_summary *summary)
{
	const uint8_t *at;
	int r = READ_LIST(part, SUMMARY_GAPS, GAP_BYTES, summary->gaps, &at);

	for (size_t i = 0; i < summary->gaps.count; i++, at += GAP_BYTES)
		summary->gaps.at[i] = (struct lm_gap){
			.begin_ns = load_u64(at), .end_ns = load_u64(at + 8),
			.count = load_u64(at + 16), .kinds = load_u64(at + 24),
			.tgid = load_u32(at + 32), .cpu = (uint16_t)load_u32(at + 36),
			.reason = (uint16_t)(load_u32(at + 36) >> 16),
		};
	return r;
}

static int read_offsets(const struct lm_part *part, struct lm_summary *summary)
{
	const uint8_t *at;
	int r = READ_LIST(part, SUMMARY_OFFSETS, OFFSET_BYTES, summary->offsets, &at);

	for (size_t i = 0; i < summary->offsets.count; i++, at += OFFSET_BYTES) {
		summary->offsets.at[i] = (struct lm_summary_offset){
			load_u64(at), (int64_t)load_u64(at + 8) };
		if (i > 0 && summary->offsets.at[i].from_ns < summary->offsets.at[i - 1].from_ns)
			return -LM_E_DAMAGED;
	}
	return r;
}

static int read_segments(const struct lm_part *part, struct lm_summary *summary)
{
	const uint8_t *at;
	int r = READ_LIST(part, SUMMARY_SEGMENTS, SEGMENT_BYTES, summary->segments, &at);

	for (size_t i = 0; i < summary->segments.count; i++, at += SEGMENT_BYTES)
		summary->segments.at[i] = (struct lm_log_segment){ load_u64(at),
								   load_u32(at + 8) };
	return r;
}

static int read_parts(const struct lm_part *part, struct lm_summary *summary)
{
	const uint8_t *at;
	int r = READ_LIST(part, SUMMARY_PARTS, PART_BYTES, summary->parts, &at);

	for (size_t i = 0; i < summary->parts.count; i++, at += PART_BYTES) {
		uint32_t kind = load_u32(at + 4);

		if (kind < LM_PART_ROWS || kind > LM_PART_CATALOG)
			return -LM_E_DAMAGED;
		summary->parts.at[i] = (struct lm_summary_part){ load_u32(at), (uint16_t)kind };
	}
	return r;
}

static int read_aliases(const struct lm_part *part, struct lm_summary *summary)
{
	const uint8_t *at;
	int r = READ_LIST(part, SUMMARY_ALIASES, ALIAS_BYTES, summary->aliases, &at);

	for (size_t i = 0; i < summary->aliases.count; i++, at += ALIAS_BYTES)
		summary->aliases.at[i] = (struct lm_summary_alias){ load_u32(at),
								    load_u32(at + 4) };
	return r;
}

static int read_damage(const struct lm_part *part, struct lm_summary *summary)
{
	size_t len;
	const uint8_t *at = lm_part_section(part, SUMMARY_DAMAGE, &len);

	if (len >= sizeof(summary->damage) || (len > 0 && memchr(at, '\0', len)))
		return -LM_E_DAMAGED;
	if (len > 0)
		memcpy(summary->damage, at, len);
	summary->damage[len] = '\0';
	return 0;
}

int lm_summary_read(const struct lm_part *part, struct lm_summary *ret_summary)
{
	static int (*const reads[])(const struct lm_part *, struct lm_summary *) = {
		read_numbers, read_gaps, read_offsets, read_segments, read_parts, read_aliases,
		read_damage,
	};
	int r = lm_part_info(part)->kind == LM_PART_SUMMARY ? 0 : -LM_E_FORMAT;

	*ret_summary = (struct lm_summary)LM_SUMMARY_INIT;
	for (size_t i = 0; r == 0 && i < LM_ARRAY_SIZE(reads); i++)
		r = reads[i](part, ret_summary);
	return r;
}
