/* SPDX-License-Identifier: MIT */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/log/writer.h"

#define GUESS_BYTES (16u << 10)
#define FILES_MAX   4096

static const struct source_kind *const kinds[] = {
	&auditd_kind,
	&strace_kind,
	&cdm_kind,
	&journal_kind,
	&syslog_kind,
};

/* One import, and the log that it makes once there is something to write. */
struct run {
	struct import import;
	struct source *sources;
	size_t source_count;
	struct lm_log_writer *writer;
	struct lm_diag *diag;
};

const char *lm_import_format_name(enum lm_import_format format)
{
	for (size_t i = 0; i < LM_ARRAY_SIZE(kinds); i++)
		if (kinds[i]->format == format)
			return kinds[i]->tool;
	return NULL;
}

/* Which tools the log comes from: "auditd, journal". */
static void name_tools(const struct run *run, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < LM_ARRAY_SIZE(kinds); i++) {
		bool used = false;

		for (size_t k = 0; k < run->source_count; k++)
			used |= run->sources[k].kind == kinds[i];
		if (used && at < size)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "",
				kinds[i]->tool);
	}
}

static int start_log(struct run *run)
{
	const struct lm_import_options *options = run->import.options;
	const struct lm_log_options log_options = {
		.signer = options->signer, .log_id = options->log_id, .since_1970 = true,
	};
	struct lm_log_meta meta = {
		.attach = "imported", .level = "partial", .kernel = "",
		.start_ns = world_now(run->import.world),
		.start_wall_ns = world_now(run->import.world),
	};
	char tools[48];

	name_tools(run, tools, sizeof(tools));
	snprintf(meta.recorder, sizeof(meta.recorder), "%s (lemona %s)", tools, LEMONA_VERSION);
	memcpy(meta.host, run->import.host, sizeof(meta.host));
	memcpy(meta.boot_id, run->import.boot_id, sizeof(meta.boot_id));
	memcpy(meta.machine_id, run->import.machine_id, sizeof(meta.machine_id));
	return lm_log_create(options->log_path, &meta, &log_options, &run->writer, run->diag);
}

static int take_item(void *data, const struct lm_item *item)
{
	struct run *run = data;
	int r = run->writer ? 0 : start_log(run);

	if (r < 0)
		return r;
	r = lm_log_add(run->writer, item);
	return r < 0 ? lm_diag_errno(run->diag, r, "the log cannot be written") : 0;
}

static int open_file(struct source *source, struct lm_diag *diag)
{
	if (strcmp(source->name, "-") == 0)
		source->fd = dup(STDIN_FILENO);
	else
		source->fd = open(source->name, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0)
		return lm_diag_errno(diag, -errno, "cannot read %s", source->name);
	source->lines = (struct lines)LINES_INIT(source->fd);
	return 0;
}

static int choose_kind(struct source *source, struct lm_diag *diag)
{
	enum lm_import_format format = source->import->options->format;
	struct lm_str begin;
	int r = lines_peek(&source->lines, GUESS_BYTES, &begin);

	if (r < 0)
		return lm_diag_errno(diag, r, "cannot read %s", source->name);
	for (size_t i = 0; i < LM_ARRAY_SIZE(kinds) && !source->kind; i++)
		if (format ? kinds[i]->format == format : kinds[i]->guess(begin))
			source->kind = kinds[i];
	if (!source->kind)
		return lm_diag_set(diag, -LM_E_FORMAT,
			"%s is in no format that is known here; if it is, say which with --format",
			source->name);
	r = source->kind->open(source);
	return r < 0 ? lm_diag_errno(diag, r, "cannot read %s", source->name) : 0;
}

static int open_sources(struct run *run)
{
	const struct lm_import_options *options = run->import.options;
	int r = 0;

	if (options->file_count > FILES_MAX)
		return lm_diag_set(run->diag, -EINVAL, "more than %d files at once", FILES_MAX);
	run->sources = calloc(options->file_count ? options->file_count : 1,
		sizeof(*run->sources));
	if (!run->sources)
		return lm_diag_errno(run->diag, -ENOMEM, "cannot import");
	for (size_t i = 0; i < options->file_count && r == 0; i++) {
		struct source *source = &run->sources[run->source_count++];

		source->import = &run->import;
		source->name = options->files[i];
		r = open_file(source, run->diag);
		if (r == 0)
			r = choose_kind(source, run->diag);
	}
	return r;
}

static void release_run(struct run *run)
{
	for (size_t i = 0; i < run->source_count; i++) {
		struct source *source = &run->sources[i];

		if (source->kind)
			source->kind->close(source);
		lines_release(&source->lines);
		if (source->fd >= 0)
			close(source->fd);
	}
	free(run->sources);
	world_free(run->import.world);
	lm_log_abandon(run->writer);
}

static int finish(struct run *run)
{
	struct lm_log_counts counts;
	int r;

	if (!run->writer)
		return lm_diag_set(run->diag, -LM_E_FORMAT,
			"nothing in it could be used: no log was made");
	r = lm_log_close(lm_take_ptr(run->writer), &counts, run->diag);
	run->import.count.events = counts.events;
	run->import.count.bytes = counts.bytes;
	return r;
}

int lm_import_run(const struct lm_import_options *options, struct lm_import_summary *ret_summary,
	struct lm_diag *diag)
{
	LM_CLEANUP(release_run) struct run run = { .import = { .options = options }, .diag = diag };
	const struct world_sink sink = { .item = take_item, .data = &run };
	int r = world_new(&sink, &run.import.world);

	*ret_summary = (struct lm_import_summary){ 0 };
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot import");
	r = open_sources(&run);
	if (r == 0)
		r = import_sources(&run.import, run.sources, run.source_count, diag);
	if (r == 0)
		r = finish(&run);
	*ret_summary = run.import.count;
	return r;
}
