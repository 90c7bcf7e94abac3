/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/exchange/import.h"
#include "lines.h"
#include "world.h"

/*
 * What importers share. A source is one file and the importer that reads it: it gets its next
 * record ready, says of which time that is, and applies it to the world when it is its turn.
 */
struct import;
struct source;

struct source_kind {
	enum lm_import_format format;
	const char *tool;
	/** Does this look like it? `begin` is the first bytes of the file. */
	bool (*guess)(struct lm_str begin);
	/** @return 0; -ENOMEM */
	int (*open)(struct source *source);
	/**
	 * Read on until a record is ready, and set source->time_ns.
	 *
	 * @return 1; 0 at the end; a negative code
	 */
	int (*next)(struct source *source);
	/** Apply the record that is ready. @return 0; a negative code */
	int (*apply)(struct source *source);
	void (*close)(struct source *source);
};

struct source {
	struct import *import;
	const struct source_kind *kind;
	const char *name;
	struct lines lines;
	int fd;
	uint64_t time_ns; /* of the record that is ready */
	uint64_t serial;  /* which of two at the same time comes first; 0 where nobody says */
	uint64_t read_ns; /* of the record that was read last; later than time_ns perhaps */
	bool ready;
	void *state;      /* the importer's own */
};

struct import {
	struct world *world;
	struct lm_import_summary count;
	char host[256];   /* as a source names it, or empty */
	char boot_id[37];
	char machine_id[33];
	void *shared[LM_IMPORT_FORMAT_COUNT]; /* what sources of one format have in common */
	const struct lm_import_options *options;
	uint64_t gap_count, gap_begin_ns;     /* skipped records that are to be told as a gap */
	uint64_t shown;
};

/**
 * A record is malformed: count it, show it if it is one of the first, and let the log say that
 * something is missing here.
 */
void import_skip(struct source *source, uint64_t number, const char *why, struct lm_str line);

/** A record is sound, and of a kind (borrowed, foreign) that says nothing here: count it. */
void import_unknown(struct import *import, struct lm_str kind);

/** The next line. Lines that are too long are skipped. @return as lines_next() */
int import_line(struct source *source, struct lm_str *ret_line);

/**
 * Apply all records of all sources to the world, the oldest first.
 *
 * @return 0; a negative code, with a sentence in diag
 */
int import_sources(struct import *import, struct source *sources, size_t count,
	struct lm_diag *diag);

/** Remember the first name that is given. */
void import_set_name(char *to, size_t size, struct lm_str name);

extern const struct source_kind auditd_kind, strace_kind, cdm_kind, syslog_kind, journal_kind;
