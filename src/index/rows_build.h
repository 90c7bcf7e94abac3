/* SPDX-License-Identifier: MIT */
#pragma once

#include "rows_internal.h"

/* A row of the frame that is being read. */
struct row_slot {
	uint32_t generation; /* of another frame: the slot is free */
	uint32_t row;
	uint32_t turn; /* how many other channels its actor had read from before; 0: no matter */
};

struct lm_rows_builder {
	struct { struct lm_row *at; size_t count, capacity; } rows;
	struct { struct lm_row_frame *at; size_t count, capacity; } frames;
	struct { lm_object_id *at; size_t count, capacity; } sinks; /* of the whole log */
	struct lm_map is_sink;
	struct lm_map is_channel; /* sockets and pipes */
	struct lm_map heard;      /* actor -> last channel it read from << 32 | how many before */
	struct lasting lasting;
	struct row_slot *slots;
	uint32_t generation, slots_used;
	uint64_t events, first_event, last_event;
};

/** The part (rows_write.c). @return as lm_rows_builder_write() */
int rows_write(const struct lm_rows_builder *builder, int fd,
	       const uint8_t log_id[LM_PART_IDENTITY_BYTES]);
