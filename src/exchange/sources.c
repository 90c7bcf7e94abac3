/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "import.h"

#define SHOWN_MAX 5

void import_set_name(char *to, size_t size, struct lm_str name)
{
	if (*to || !name.len || name.len >= size)
		return;
	memcpy(to, name.data, name.len);
	to[name.len] = '\0';
}

void import_skip(struct source *source, uint64_t number, const char *why, struct lm_str line)
{
	struct import *import = source->import;
	const struct lm_import_options *options = import->options;

	if (import->gap_count++ == 0)
		import->gap_begin_ns = source->read_ns;
	import->count.skipped++;
	if (import->shown++ < SHOWN_MAX && options->skipped)
		options->skipped(options->data, source->name, number, why, line);
}

void import_unknown(struct import *import, struct lm_str kind)
{
	struct lm_import_summary *count = &import->count;
	size_t at = 0;

	count->unknown++;
	if (kind.len >= sizeof(count->kinds[0].name))
		kind.len = sizeof(count->kinds[0].name) - 1;
	while (at < count->kind_count && !lm_str_equal(lm_str_from(count->kinds[at].name), kind))
		at++;
	if (at == LM_IMPORT_KINDS_MAX || !kind.len)
		return;
	if (at == count->kind_count) {
		memcpy(count->kinds[at].name, kind.data, kind.len);
		count->kind_count++;
	}
	count->kinds[at].count++;
}

int import_line(struct source *source, struct lm_str *ret_line)
{
	int r;

	while ((r = lines_next(&source->lines, ret_line)) == -EMSGSIZE)
		import_skip(source, source->lines.number, "longer than any line that is read",
			LM_STR_NONE);
	if (r > 0)
		source->import->count.lines++;
	return r;
}

static int prepare(struct source *source, struct lm_diag *diag)
{
	int r = source->kind->next(source);

	source->ready = r > 0;
	return r < 0 ? lm_diag_errno(diag, r, "cannot read %s", source->name) : 0;
}

static bool is_before(const struct source *a, const struct source *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->serial < b->serial;
}

/* The source whose next record is the oldest; NULL: all have ended. */
static struct source *choose_source(struct source *sources, size_t count)
{
	struct source *first = NULL;

	for (size_t i = 0; i < count; i++) {
		struct source *source = &sources[i];

		if (source->ready && (!first || is_before(source, first)))
			first = source;
	}
	return first;
}

/* What was skipped stood between what came before, which may be still to come, and what follows. */
static void tell_gap(struct import *import, bool at_end)
{
	uint64_t now_ns = world_now(import->world);
	const struct lm_gap gap = {
		.begin_ns = import->gap_begin_ns ? import->gap_begin_ns : now_ns, .end_ns = now_ns,
		.count = import->gap_count, .cpu = LM_GAP_CPU_NONE, .reason = LM_GAP_DAMAGED,
	};

	if (import->gap_count == 0 || world_numbers(import->world) == 0 ||
		(now_ns <= import->gap_begin_ns && !at_end))
		return;
	world_gap(import->world, &gap);
	import->gap_count = 0;
}

int import_sources(struct import *import, struct source *sources, size_t count,
	struct lm_diag *diag)
{
	struct source *source;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = prepare(&sources[i], diag);
	while (r == 0 && (source = choose_source(sources, count))) {
		r = source->kind->apply(source);
		if (r < 0)
			return lm_diag_errno(diag, r, "cannot import %s", source->name);
		tell_gap(import, false);
		r = prepare(source, diag);
	}
	if (r < 0)
		return r;
	tell_gap(import, true);
	return world_status(import->world);
}
