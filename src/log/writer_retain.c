/* SPDX-License-Identifier: MIT */
#include "lemona/base/time.h"
#include "writer_internal.h"

/* Of these the writer looks at once: more are on their way out only where segments are tiny. */
#define LOOK_MAX 64u

void lm_writer_note_finished(struct lm_log_writer *writer, const struct lm_merkle_tree *tree,
	uint64_t end_offset)
{
	const struct lm_segment_header *header = &writer->header;
	struct lm_retained segment = {
		.tombstone = {
			.segment = header->number,
			.first_leaf = lm_seal_header_index(header->number, header->first_sequence),
			.first_event = header->first_event,
			.event_count = writer->next_event - header->first_event,
			.min_ns = writer->segment_min_ns, .max_ns = writer->segment_max_ns,
			.bytes = writer->segment.end,
		},
		.tree = *tree,
		.end_offset = end_offset,
		.ended_ns = lm_time_boot_ns(),
	};

	segment.tombstone.leaf_count = tree->size + 1 - segment.tombstone.first_leaf;
	lm_retainer_add(writer->retainer, &segment);
}

/* @param bytes  of all segments that shall stay, this one among them */
static bool is_due(const struct lm_log_writer *writer, const struct lm_retained *segment,
	uint64_t bytes)
{
	if (writer->keep_bytes > 0 && bytes > writer->keep_bytes)
		return true;
	return writer->keep_ns > 0 && lm_time_boot_ns() - segment->ended_ns > writer->keep_ns;
}

/* @return whether the frame was written */
static bool put_tombstone(struct lm_log_writer *writer, const struct lm_retained *segment)
{
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_frame_header header = {
		.type = LM_FRAME_TOMBSTONE, .flags = LM_FRAME_SKIPPABLE,
	};
	const struct lm_sealer *sealer = writer->sealer;

	/* The end of a segment, and the key of the next one, go first; unsigned it says nothing. */
	if (!lm_sealer_is_signing(sealer) || sealer->owed == LM_SEALER_END ||
		sealer->owed == LM_SEALER_KEY)
		return false;
	lm_tombstone_append(&payload, &segment->tombstone);
	return lm_buffer_status(&payload) == 0 &&
		lm_writer_put(writer, &header,
			(struct lm_str){ (const char *)payload.data, payload.len }) == 0;
}

/* What the writer does for a segment. @return whether a younger one may be looked at */
static bool advance(struct lm_log_writer *writer, size_t place, const struct lm_retained *segment,
	uint64_t bytes)
{
	struct lm_retainer *retainer = writer->retainer;

	switch (segment->state) {
	case LM_RETAINED_KEPT:
		if (!is_due(writer, segment, bytes))
			return false;
		lm_retainer_advance(retainer, place, LM_RETAINED_DUE, 0);
		return true;
	case LM_RETAINED_MADE:
		if (!put_tombstone(writer, segment))
			return false;
		lm_retainer_advance(retainer, place, LM_RETAINED_TOLD,
			lm_seal_frame_index(writer->header.number, writer->next_sequence - 1));
		return true;
	case LM_RETAINED_TOLD:
		if (lm_syncer_size(writer->syncer) <= segment->leaf)
			return false;
		lm_retainer_advance(retainer, place, LM_RETAINED_COVERED, segment->leaf);
		return true;
	case LM_RETAINED_DUE:
	case LM_RETAINED_COVERED:
	case LM_RETAINED_GONE:
		return true;
	}
	return false;
}

static void drop_gone(struct lm_log_writer *writer)
{
	struct lm_retained segment;

	while (lm_retainer_get(writer->retainer, 0, &segment) &&
		segment.state == LM_RETAINED_GONE) {
		writer->finished_bytes -= segment.tombstone.bytes;
		writer->first_segment = segment.tombstone.segment + 1;
		writer->first_event =
			segment.tombstone.first_event + segment.tombstone.event_count;
		lm_retainer_drop(writer->retainer);
	}
}

void lm_writer_end_retention(struct lm_log_writer *writer)
{
	if (!writer->retainer)
		return;
	lm_retainer_stop(writer->retainer);
	drop_gone(writer);
}

void lm_writer_retain(struct lm_log_writer *writer)
{
	struct lm_retained segment;
	uint64_t bytes;

	if (!writer->retainer)
		return;
	drop_gone(writer);
	bytes = writer->finished_bytes + writer->segment.end;
	for (size_t place = 0; place < LOOK_MAX; place++) {
		if (!lm_retainer_get(writer->retainer, place, &segment) ||
			!advance(writer, place, &segment, bytes))
			break;
		bytes -= segment.tombstone.bytes;
	}
}
