/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lemona/base/diag.h"
#include "lemona/base/str.h"
#include "lemona/log/signer.h"

/*
 * Other tools' logs in, an ordinary log out (docs/formats/import.md).
 */
enum lm_import_format {
	LM_IMPORT_GUESS = 0, /* by what the file begins with */
	LM_IMPORT_AUDITD = 1,
	LM_IMPORT_STRACE = 2,
	LM_IMPORT_CDM = 3,
	LM_IMPORT_SYSLOG = 4,
	LM_IMPORT_JOURNAL = 5,
	LM_IMPORT_FORMAT_COUNT,
};

/** "auditd", ...; NULL for LM_IMPORT_GUESS and outside the enum. Static. */
const char *lm_import_format_name(enum lm_import_format format);

/** A line that is not what it should be; `line` is foreign. Called for the first few only. */
typedef void (*lm_import_skipped)(void *data, const char *file, uint64_t number, const char *why,
	struct lm_str line);

struct lm_import_options {
	const char *log_path;    /* new directory, as lm_log_create() takes it */
	const char *const *files;/* "-": standard input */
	size_t file_count;
	enum lm_import_format format;
	const struct lm_signer *signer; /* NULL: the log is not sealed */
	const uint8_t *log_id;          /* that the signer signs for */
	lm_import_skipped skipped;      /* or NULL */
	void *data;
};

#define LM_IMPORT_KINDS_MAX 64u

/* What a source calls a kind of its records; foreign. */
struct lm_import_kind {
	char name[40];
	uint64_t count;
};

struct lm_import_summary {
	uint64_t lines;   /* read */
	uint64_t events;  /* in the log */
	uint64_t skipped; /* lines, or records, that are malformed */
	uint64_t unknown; /* records that are sound, and of a kind that says nothing here */
	uint64_t late;    /* records whose time lies before one that was taken already */
	uint64_t bytes;   /* of the log */
	/* Which of the unknown ones the source has a name for; further names are only counted. */
	struct lm_import_kind kinds[LM_IMPORT_KINDS_MAX];
	size_t kind_count;
};

/**
 * Read all files, in the order of the times in them, into a new log. There is no log when nothing
 * in them can be used.
 *
 * @param ret_summary  set in any case
 * @return 0; -LM_E_FORMAT (no file of a known format, or nothing of use in any); -ENOENT, -EACCES,
 *         -EISDIR, -EIO (a file cannot be read); -ENOMEM; what lm_log_create(), lm_log_add() and
 *         lm_log_close() return. A sentence is in diag.
 */
int lm_import_run(const struct lm_import_options *options, struct lm_import_summary *ret_summary,
	struct lm_diag *diag);
