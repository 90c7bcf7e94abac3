/* SPDX-License-Identifier: MIT */
#pragma once

#include "export_put.h"
#include "lemona/base/map.h"
#include "lemona/exchange/export.h"

struct lm_export {
	enum lm_export_format format;
	struct lm_log_meta meta;
	/* Trace events: processes that were named, objects whose last writer's arrow waits for a
	 * reader, and processes that one waits for. */
	struct lm_map named, written, awaited;
	bool began; /* an element was written */
};

/* One format each: append what the view says. */
struct export_writer {
	void (*event)(struct lm_export *export, const struct lm_event_view *view,
		      struct lm_buffer *out);
	void (*gap)(struct lm_export *export, const struct lm_gap_view *view,
		    struct lm_buffer *out);
	void (*content)(struct lm_export *export, const struct lm_content_view *view,
			struct lm_buffer *out);
	void (*begin)(struct lm_export *export, struct lm_buffer *out); /* or NULL, like end */
	void (*end)(struct lm_export *export, struct lm_buffer *out);
};

extern const struct export_writer export_timesketch, export_ecs, export_ocsf, export_perfetto;

/**
 * One process version among all hosts and boots: "BOOT-PID-START-VERSION", each from the kernel.
 */
void put_entity(struct lm_buffer *out, const char *key, const struct lm_export *export,
		const struct lm_process *process);
/** When it began, as wall time by the clock at the log's start. */
uint64_t export_start_wall_ns(const struct lm_export *export, const struct lm_process *process);
