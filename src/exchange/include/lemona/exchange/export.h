/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/view.h"
#include "lemona/log/writer.h"

/*
 * A log's events in the formats of other tools (docs/formats/export.md), one after the other as
 * they are read: memory does not grow with their number. All text is valid UTF-8 whatever the log
 * holds.
 */
enum lm_export_format {
	LM_EXPORT_TIMESKETCH = 0, /* JSON lines for Timesketch */
	LM_EXPORT_ECS = 1,        /* JSON lines, Elastic Common Schema 8.11 */
	LM_EXPORT_OCSF = 2,       /* JSON lines, Open Cybersecurity Schema Framework 1.1.0 */
	LM_EXPORT_PERFETTO = 3,   /* trace events in JSON, for ui.perfetto.dev */
	LM_EXPORT_FORMATS = 4,
};

/** "timesketch", ...; NULL outside the enum. Static. */
const char *lm_export_format_name(enum lm_export_format format);
/** @return 0; -EINVAL (no format has that name) */
int lm_export_format_from_name(const char *name, enum lm_export_format *ret_format);

struct lm_export;

/**
 * @param meta  of the log; copied
 * @return 0; -ENOMEM; -EINVAL (outside the enum)
 */
int lm_export_new(enum lm_export_format format, const struct lm_log_meta *meta,
		  struct lm_export **ret_export);
struct lm_export *lm_export_free(struct lm_export *export);

/*
 * What goes out, in this order: the begin, anything of the log, the end. Each call appends; a
 * format that has no place for something appends nothing. Without memory the buffer says so
 * (lm_buffer_status()).
 */
void lm_export_begin(struct lm_export *export, struct lm_buffer *out);
void lm_export_event(struct lm_export *export, const struct lm_event_view *view,
		     struct lm_buffer *out);
void lm_export_gap(struct lm_export *export, const struct lm_gap_view *view, struct lm_buffer *out);
void lm_export_content(struct lm_export *export, const struct lm_content_view *view,
		       struct lm_buffer *out);
void lm_export_end(struct lm_export *export, struct lm_buffer *out);
