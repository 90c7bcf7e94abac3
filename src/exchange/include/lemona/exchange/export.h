/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/view.h"
#include "lemona/log/writer.h"

/*
 * A log's events in the formats of other tools (docs/formats/export.md), one after the other as
 * they are read: memory does not grow with the log.
 */
enum lm_export_format {
	LM_EXPORT_TIMESKETCH = 0, /* JSON lines for Timesketch */
	LM_EXPORT_ECS = 1,        /* JSON lines, Elastic Common Schema */
	LM_EXPORT_OCSF = 2,       /* JSON lines, Open Cybersecurity Schema Framework */
	LM_EXPORT_PERFETTO = 3,   /* trace events, for ui.perfetto.dev */
	LM_EXPORT_FORMATS = 4,
};

/** "timesketch", ...; NULL outside the enum. Static. */
const char *lm_export_format_name(enum lm_export_format format);
/** @return 0; -EINVAL (no format has that name) */
int lm_export_format_from_name(const char *name, enum lm_export_format *ret_format);
