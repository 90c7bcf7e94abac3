/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include "lemona/base/time.h"
#include "writer_internal.h"

/* What the end of a segment, and of the log, waits for its signature. */
#define SIGN_WAIT_MS 1000
/*
 * Rows for an index frame: its payload is hashed between two others, and 128 KiB of it are
 * hashed in a tenth of a millisecond, or less than one where the CPU does not help.
 */
#define INDEX_ROWS   2048u

static struct lm_str note_of(const struct lm_sealer *sealer)
{
	return (struct lm_str){ (const char *)sealer->note.data, sealer->note.len };
}

/* What was owed is on the disk, or at least in the file. */
static void note_written(struct lm_log_writer *writer)
{
	struct lm_sealer *sealer = writer->sealer;

	if (sealer->owed != LM_SEALER_KEY)
		lm_syncer_ask(writer->syncer, writer->header.number, sealer->checkpoint.size,
			note_of(sealer));
	sealer->owed = LM_SEALER_NOTHING;
}

static int put_note(struct lm_log_writer *writer, enum lm_frame_type type)
{
	struct lm_frame_header header = {
		.type = (uint16_t)type, .flags = LM_FRAME_SKIPPABLE,
	};
	int r = lm_writer_put(writer, &header, note_of(writer->sealer));

	if (r == 0)
		note_written(writer);
	return r;
}

static int put_index(struct lm_log_writer *writer)
{
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_frame_header header = {
		.type = LM_FRAME_INDEX, .flags = LM_FRAME_SKIPPABLE,
	};
	uint64_t offset = writer->segment.end;
	int64_t count = lm_sealer_index(writer->sealer, &payload);
	int r;

	if (count < 0)
		return (int)count;
	r = lm_writer_put(writer, &header, (struct lm_str){ (char *)payload.data, payload.len });
	if (r == 0)
		lm_sealer_drop_rows(writer->sealer, (uint32_t)count, offset);
	return r;
}

void lm_writer_put_index_if_due(struct lm_log_writer *writer)
{
	if (lm_sealer_is_signing(writer->sealer) && writer->sealer->row_count >= INDEX_ROWS)
		(void)put_index(writer);
}

/* The checkpoint that was asked for while the segment was open stands before its last one. */
static int take_open(struct lm_log_writer *writer)
{
	struct lm_sealer *sealer = writer->sealer;

	if (lm_sealer_is_signing(sealer))
		lm_sealer_take(sealer, SIGN_WAIT_MS);
	return sealer && sealer->owed == LM_SEALER_CHECKPOINT ?
		put_note(writer, LM_FRAME_CHECKPOINT) : 0;
}

/* All that comes before the end frame, its note included. @return 0; the index was not written */
static int prepare_end(struct lm_log_writer *writer, enum lm_checkpoint_state state)
{
	struct lm_sealer *sealer = writer->sealer;
	int r;

	if (!lm_sealer_is_signing(sealer))
		return 0;
	r = put_index(writer);
	if (r < 0)
		return r;
	if (lm_sealer_is_signing(sealer))
		lm_sealer_ask(sealer, &writer->header, state);
	if (lm_sealer_is_signing(sealer))
		lm_sealer_take(sealer, SIGN_WAIT_MS);
	if (sealer->owed == LM_SEALER_CHECKPOINT)
		sealer->owed = LM_SEALER_END;
	return 0;
}

static int put_end(struct lm_log_writer *writer, enum lm_frame_type type)
{
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_frame_header header = { .type = (uint16_t)type };
	struct lm_sealer *sealer = writer->sealer;
	bool sealed = sealer && sealer->owed == LM_SEALER_END;
	int r;

	if (sealed) {
		const struct lm_checkpoint *checkpoint = &sealer->checkpoint;
		const struct lm_end end = { note_of(sealer), sealer->index_offset };

		lm_end_append(&payload, &end);
		if (lm_buffer_status(&payload) < 0)
			return -ENOMEM;
		header.base_ns = checkpoint->boot_ns;
		header.wall_minus_boot_ns = (int64_t)(checkpoint->wall_ns - checkpoint->boot_ns);
	}
	r = lm_writer_put(writer, &header, (struct lm_str){ (char *)payload.data, payload.len });
	if (r == 0 && sealed)
		note_written(writer);
	return r;
}

int lm_writer_begin_seal(struct lm_log_writer *writer)
{
	struct lm_sealer *sealer = writer->sealer;

	if (!lm_sealer_is_signing(sealer))
		return 0;
	lm_sealer_add_header(sealer, &writer->header);
	if (lm_sealer_is_signing(sealer))
		lm_sealer_get_key(sealer, writer->header.number);
	return sealer->owed == LM_SEALER_KEY ? put_note(writer, LM_FRAME_KEY) : 0;
}

int lm_writer_first_checkpoint(struct lm_log_writer *writer)
{
	struct lm_sealer *sealer = writer->sealer;
	int r;

	if (lm_sealer_is_signing(sealer))
		lm_sealer_ask(sealer, &writer->header, LM_CHECKPOINT_OPEN);
	r = take_open(writer);
	return r < 0 ? r : sealer->stopped;
}

/*
 * Make the file of the next segment. It is there before this one points to it, so that a
 * reader who follows never finds nothing.
 */
static int make_next(struct lm_log_writer *writer)
{
	/* What is written until then: an index frame where the log is sealed, the end mark. */
	uint64_t frames = lm_sealer_is_signing(writer->sealer) ? 2 : 1;
	struct lm_segment_header *header = &writer->next_header;

	*header = writer->header;
	header->number++;
	header->first_sequence = writer->next_sequence + frames;
	header->first_event = writer->next_event;
	header->created_ns = lm_writer_now_ns(writer);
	header->wall_minus_boot_ns = lm_writer_offset_ns(writer);
	return lm_segment_create(writer->dir_fd, header, &writer->next_segment);
}

static void drop_next(struct lm_log_writer *writer)
{
	char name[LM_SEGMENT_NAME_BYTES];

	lm_segment_name(writer->next_header.number, name);
	unlinkat(writer->dir_fd, name, 0);
	lm_segment_release(&writer->next_segment);
}

/* The end mark of this segment, and on to the next. */
static int enter_next(struct lm_log_writer *writer)
{
	const struct lm_sealer *sealer = writer->sealer;
	bool sealed = sealer && sealer->owed == LM_SEALER_END;
	struct lm_merkle_tree tree = { 0 };
	uint64_t end_offset = writer->segment.end;
	int r;

	if (sealed)
		tree = sealer->tree;
	r = put_end(writer, LM_FRAME_SEGMENT_END);
	if (r < 0)
		return r;
	if (sealed)
		lm_writer_note_finished(writer, &tree, end_offset);
	writer->segment_min_ns = writer->segment_max_ns = 0;
	writer->finished_bytes += writer->segment.end;
	lm_segment_release(&writer->segment);
	writer->segment = writer->next_segment;
	writer->next_segment = (struct lm_segment)LM_SEGMENT_INIT;
	writer->header = writer->next_header;
	return lm_writer_begin_seal(writer);
}

int lm_writer_settle(struct lm_log_writer *writer)
{
	const struct lm_sealer *sealer = writer->sealer;

	if (sealer && sealer->owed == LM_SEALER_END)
		return enter_next(writer);
	if (sealer && sealer->owed == LM_SEALER_KEY)
		return put_note(writer, LM_FRAME_KEY);
	return 0;
}

void lm_writer_rotate(struct lm_log_writer *writer)
{
	int r;

	if (writer->header.number == LM_SEGMENT_NUMBER_MAX || take_open(writer) < 0 ||
		make_next(writer) < 0)
		return;
	r = prepare_end(writer, LM_CHECKPOINT_SEGMENT_END);
	if (r == 0)
		r = enter_next(writer);
	/*
	 * What was signed as the end of this segment is its end: nothing else is written
	 * before that frame. Without a signature nothing has happened yet.
	 */
	if (r < 0 && writer->next_segment.fd >= 0 &&
		(!writer->sealer || writer->sealer->owed != LM_SEALER_END))
		drop_next(writer);
}

int lm_writer_end(struct lm_log_writer *writer)
{
	int r = take_open(writer);

	if (r == 0)
		r = prepare_end(writer, LM_CHECKPOINT_END);
	return r < 0 ? r : put_end(writer, LM_FRAME_END);
}

int lm_writer_checkpoint(struct lm_log_writer *writer)
{
	struct lm_sealer *sealer = writer->sealer;
	int r = 0;

	if (!sealer)
		return 0;
	if (sealer->owed == LM_SEALER_NOTHING && lm_sealer_is_signing(sealer))
		lm_sealer_take(sealer, 0);
	if (sealer->owed == LM_SEALER_CHECKPOINT)
		r = put_note(writer, LM_FRAME_CHECKPOINT);
	if (sealer->owed == LM_SEALER_NOTHING && lm_sealer_is_signing(sealer) &&
		!sealer->asked && sealer->news &&
		lm_time_boot_ns() - sealer->asked_ns >= writer->checkpoint_ns)
		lm_sealer_ask(sealer, &writer->header, LM_CHECKPOINT_OPEN);
	return r;
}
