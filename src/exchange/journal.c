/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/*
 * systemd's journal, as journalctl writes it: -o export (entries end with an empty line; a field
 * is NAME=VALUE, or a name, 64 bits of size, and bytes), or -o json (an entry a line).
 */
#define SKIP_BYTES (64u << 10)

struct journal {
	struct message_run *run;
	struct journal_entry entry;
	struct message message; /* borrows from entry */
};

/* Bytes of a value that nobody uses, or that is longer than any. @return as lines_take() */
static int skip_bytes(struct lines *lines, uint64_t count)
{
	while (count > 0) {
		struct lm_str bytes;
		int r = lines_take(lines, count < SKIP_BYTES ? count : SKIP_BYTES, &bytes);

		if (r <= 0)
			return r;
		count -= bytes.len;
	}
	return 1;
}

/* What stands behind the name of a field without "=". @return 1; 0: it ends before; a code */
static int take_sized(struct source *source, enum journal_field field)
{
	struct journal *journal = source->state;
	struct lm_str bytes;
	uint64_t size;
	int r = lines_take(&source->lines, sizeof(size), &bytes);

	if (r <= 0)
		return r;
	memcpy(&size, bytes.data, sizeof(size));
	size = le64toh(size);
	if (field == JOURNAL_FIELDS || size > LINES_MAX_BYTES) {
		r = skip_bytes(&source->lines, size);
	} else if (size > 0) {
		r = lines_take(&source->lines, size, &bytes);
		if (r > 0)
			journal_set(&journal->entry, field, bytes);
	}
	if (r <= 0)
		return r;
	r = lines_take(&source->lines, 1, &bytes);
	if (r > 0 && *bytes.data != '\n') {
		import_skip(source, source->lines.number, "a field longer than its size",
			LM_STR_NONE);
		journal->entry.broken = true;
	}
	return r;
}

/* One line, and what belongs to it. @return 1; 0: the file ends in it; a negative code */
static int take_field(struct source *source, struct lm_str line)
{
	struct journal *journal = source->state;
	struct lm_str name = line, value = line;
	bool sized = !text_take_until(&value, '=', &name);
	int r = 1;

	journal->entry.begun = true;
	if (!journal_is_name(name)) {
		import_skip(source, source->lines.number, "no field of a journal", line);
		journal->entry.broken = true;
	} else if (sized) {
		r = take_sized(source, journal_field_of(name));
	} else {
		journal_set(&journal->entry, journal_field_of(name), value);
	}
	return lm_buffer_status(&journal->entry.text) < 0 ? -ENOMEM : r;
}

/* Read an entry's fields up to the empty line. @return 1; 0 at the end; a negative code */
static int read_export(struct source *source, struct lm_str line)
{
	struct journal *journal = source->state;
	int r;

	do {
		if (!line.len && journal->entry.begun)
			return 1;
		r = line.len ? take_field(source, line) : 1;
		if (r == 0)
			import_skip(source, source->lines.number, "a field that is cut short",
				LM_STR_NONE);
		if (r <= 0)
			return r;
	} while ((r = import_line(source, &line)) > 0);
	/* The last one need not have its empty line. */
	return r == 0 && journal->entry.begun ? 1 : r;
}

/* @return 1: the entry is complete; 0 at the end; -EBADMSG: it is malformed, and was told so */
static int read_entry(struct source *source)
{
	struct journal *journal = source->state;
	struct lm_str line;
	int r = import_line(source, &line);

	journal_reset(&journal->entry);
	if (r <= 0)
		return r;
	if (line.len && *line.data == '{') {
		r = journal_read_json(&journal->entry, line);
		if (r == -EBADMSG)
			import_skip(source, source->lines.number, "no entry of a journal", line);
		return r < 0 ? r : 1;
	}
	r = read_export(source, line);
	return r > 0 && journal->entry.broken ? -EBADMSG : r;
}

static int journal_next(struct source *source)
{
	struct journal *journal = source->state;
	int r;

	while ((r = read_entry(source)) != 0) {
		if (r == -EBADMSG)
			continue;
		if (r < 0)
			return r;
		if (journal_message(&journal->entry, &journal->message) < 0) {
			import_skip(source, source->lines.number,
				"an entry without __REALTIME_TIMESTAMP", LM_STR_NONE);
			continue;
		}
		source->time_ns = source->read_ns = journal->message.time_ns;
		return 1;
	}
	return 0;
}

/* "0123...": 32 digits, as the kernel writes them. */
static void set_boot(struct import *import, struct lm_str boot)
{
	static const uint8_t dashes[] = { 8, 12, 16, 20 };
	char text[37];
	size_t len = 0, dash = 0;

	if (boot.len != 32)
		return;
	for (uint32_t i = 0; i < boot.len; i++) {
		if (dash < sizeof(dashes) && dashes[dash] == i) {
			text[len++] = '-';
			dash++;
		}
		text[len++] = boot.data[i];
	}
	import_set_name(import->boot_id, sizeof(import->boot_id),
		(struct lm_str){ text, (uint32_t)len });
}

static int journal_apply(struct source *source)
{
	struct journal *journal = source->state;
	struct import *import = source->import;
	const struct journal_entry *entry = &journal->entry;
	int r;

	if (source->time_ns < world_now(import->world))
		import->count.late++;
	import_set_name(import->host, sizeof(import->host), journal_value(entry, JOURNAL_HOST));
	import_set_name(import->machine_id, sizeof(import->machine_id),
		journal_value(entry, JOURNAL_MACHINE));
	set_boot(import, journal_value(entry, JOURNAL_BOOT));
	message_boot(import->world, journal->run, journal_value(entry, JOURNAL_BOOT));
	r = message_apply(import, journal->run, &journal->message);
	return r < 0 ? r : 0;
}

static int journal_open(struct source *source)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	source->state = journal;
	return journal ? message_join(source->import, &journal->run) : -ENOMEM;
}

static void journal_close(struct source *source)
{
	struct journal *journal = source->state;

	if (!journal)
		return;
	message_leave(source->import, journal->run);
	lm_buffer_release(&journal->entry.text);
	free(journal);
}

/* Fields of which each entry has the first ones. */
static bool journal_guess(struct lm_str begin)
{
	return (begin.len && *begin.data == '{' && text_has(begin, "\"__REALTIME_TIMESTAMP\"")) ||
		(text_has(begin, "__REALTIME_TIMESTAMP=") && text_has(begin, "__CURSOR="));
}

const struct source_kind journal_kind = {
	.format = LM_IMPORT_JOURNAL, .tool = "journal", .guess = journal_guess,
	.open = journal_open, .next = journal_next, .apply = journal_apply, .close = journal_close,
};
