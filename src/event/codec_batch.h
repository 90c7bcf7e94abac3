/* SPDX-License-Identifier: MIT */
#pragma once

#include "codec_internal.h"

/* A batch: collected by codec_batch.c, written by codec_write.c. */

struct thread_group {
	uint32_t start, count; /* in order */
	uint16_t cpu;          /* of the first event */
};

struct lm_batch {
	struct lm_event *events; /* as added */
	uint64_t (*args)[LM_EVENT_ARGS]; /* of the calls among them, in order */
	struct lm_event_content *contents; /* likewise */
	struct lm_buffer bytes;            /* of contents, in order */
	uint32_t event_count, call_count, content_count, object_count, binding_count, gap_count;
	struct object_memory objects;
	uint64_t object_times[LM_BATCH_MAX_OBJECTS];
	size_t object_bytes; /* in columns and fields */
	struct lm_binding last_binding;
	struct lm_buffer columns[COLUMN_COUNT]; /* of definitions while adding, others at encode */
	struct lm_buffer fields[FIELD_COLUMN_COUNT];

	/* Used while encoding. */
	struct dictionary threads, kinds, shapes;
	struct thread_group groups[LM_BATCH_MAX_EVENTS];
	struct kind_memory memories[LM_BATCH_MAX_EVENTS];
	struct call_memory calls[LM_BATCH_MAX_EVENTS]; /* by kind, as memories */
	uint16_t thread_of[LM_BATCH_MAX_EVENTS];
	uint32_t order[LM_BATCH_MAX_EVENTS];
	struct sort_entry entries[LM_BATCH_MAX_EVENTS], spare[LM_BATCH_MAX_EVENTS];
	uint32_t runs[LM_BATCH_MAX_EVENTS + 1];
	lm_object_id last_id; /* that near or far gave */
};
