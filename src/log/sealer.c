/* SPDX-License-Identifier: MIT */
#include "sealer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/error.h"
#include "lemona/base/time.h"

int lm_sealer_new(const struct lm_signer *signer, bool since_1970, struct lm_sealer **ret_sealer)
{
	struct lm_sealer *sealer = calloc(1, sizeof(*sealer));
	int r;

	if (!sealer)
		return -ENOMEM;
	r = lm_sha256_new(&sealer->hash);
	if (r < 0) {
		free(sealer);
		return r;
	}
	sealer->signer = signer;
	sealer->since_1970 = since_1970;
	sealer->asked_ns = lm_time_boot_ns();
	*ret_sealer = sealer;
	return 0;
}

struct lm_sealer *lm_sealer_free(struct lm_sealer *sealer)
{
	if (!sealer)
		return NULL;
	lm_sha256_free(sealer->hash);
	lm_buffer_release(&sealer->rows);
	lm_buffer_release(&sealer->note);
	free(sealer);
	return NULL;
}

bool lm_sealer_is_signing(const struct lm_sealer *sealer)
{
	return sealer && sealer->stopped == 0;
}

void lm_sealer_stop(struct lm_sealer *sealer, int code)
{
	if (sealer->stopped == 0)
		sealer->stopped = code;
}

static void add_leaf(struct lm_sealer *sealer, const struct lm_index_row *row)
{
	int r = lm_merkle_add(sealer->hash, &sealer->tree, &row->leaf);

	if (r == 0) {
		lm_index_append_row(&sealer->rows, row);
		r = lm_buffer_status(&sealer->rows);
	}
	if (r < 0) {
		lm_sealer_stop(sealer, r);
		return;
	}
	sealer->row_count++;
}

void lm_sealer_add_header(struct lm_sealer *sealer, const struct lm_segment_header *header)
{
	LM_BUFFER struct lm_buffer bytes = LM_BUFFER_INIT;
	struct lm_index_row row = { .first_event = header->first_event };
	int r = lm_segment_header_encode(header, &bytes);

	if (r == 0)
		r = lm_seal_header_leaf(sealer->hash, bytes.data, bytes.len, &row.leaf);
	if (r < 0) {
		lm_sealer_stop(sealer, r);
		return;
	}
	lm_buffer_reset(&sealer->rows);
	sealer->row_count = 0;
	sealer->index_offset = 0;
	add_leaf(sealer, &row);
}

bool lm_sealer_hash(struct lm_sealer *sealer, const uint8_t *frame, size_t len,
	struct lm_digest *ret_leaf)
{
	int r = lm_seal_stored_leaf(sealer->hash, frame, frame + LM_FRAME_HEADER_BYTES,
		len - LM_FRAME_HEADER_BYTES, ret_leaf);

	if (r < 0)
		lm_sealer_stop(sealer, r);
	return r == 0;
}

void lm_sealer_add_frame(struct lm_sealer *sealer, const struct lm_frame_header *header,
	uint64_t offset, const struct lm_digest *leaf)
{
	const struct lm_index_row row = { .leaf = *leaf, .offset = offset,
		.first_event = header->first_event, .min_ns = header->min_ns,
		.max_ns = header->max_ns };

	add_leaf(sealer, &row);
	/* Else each checkpoint would be the reason for the next. */
	if (header->type != LM_FRAME_CHECKPOINT && header->type != LM_FRAME_INDEX)
		sealer->news = true;
}

int64_t lm_sealer_index(const struct lm_sealer *sealer, struct lm_buffer *out)
{
	uint32_t count = sealer->row_count;
	int r;

	lm_index_append_head(out, sealer->index_offset, sealer->tree.size - count, count);
	lm_buffer_append(out, sealer->rows.data, sealer->rows.len);
	r = lm_buffer_status(out);
	return r < 0 ? r : (int64_t)count;
}

void lm_sealer_drop_rows(struct lm_sealer *sealer, uint32_t count, uint64_t offset)
{
	size_t bytes = (size_t)count * LM_INDEX_ROW_BYTES;

	sealer->rows.len -= bytes;
	memmove(sealer->rows.data, sealer->rows.data + bytes, sealer->rows.len);
	sealer->row_count -= count;
	sealer->index_offset = offset;
}

void lm_sealer_get_key(struct lm_sealer *sealer, uint32_t segment)
{
	const struct lm_signer *signer = sealer->signer;
	int r;

	lm_buffer_reset(&sealer->note);
	r = signer->segment_key(signer->data, segment, &sealer->note);
	if (r < 0)
		lm_sealer_stop(sealer, r);
	else
		sealer->owed = LM_SEALER_KEY;
}

void lm_sealer_ask(struct lm_sealer *sealer, const struct lm_segment_header *header,
	enum lm_checkpoint_state state)
{
	const struct lm_signer *signer = sealer->signer;
	struct lm_checkpoint *checkpoint = &sealer->checkpoint;
	int r;

	*checkpoint = (struct lm_checkpoint){
		.size = sealer->tree.size,
		.segment = header->number,
		.boot_ns = sealer->since_1970 ? lm_time_wall_ns() : lm_time_boot_ns(),
		.state = state,
	};
	memcpy(checkpoint->log_id, header->log_id, sizeof(checkpoint->log_id));
	checkpoint->wall_ns = checkpoint->boot_ns;
	if (!sealer->since_1970)
		checkpoint->wall_ns += (uint64_t)lm_time_wall_minus_boot_ns();
	r = lm_merkle_root(sealer->hash, &sealer->tree, &checkpoint->root);
	if (r == 0)
		r = signer->ask(signer->data, checkpoint);
	if (r < 0) {
		lm_sealer_stop(sealer, r);
		return;
	}
	sealer->asked = true;
	sealer->asked_ns = lm_time_boot_ns();
	sealer->news = false;
}

/* Is the note what was asked for? @return 0; -LM_E_DAMAGED */
static int check_note(struct lm_sealer *sealer)
{
	const struct lm_checkpoint *asked = &sealer->checkpoint;
	const struct lm_str bytes = { (const char *)sealer->note.data, sealer->note.len };
	struct lm_checkpoint is;
	struct lm_note note;
	int r = lm_checkpoint_parse(bytes, &is, &note);

	if (r < 0 || is.size != asked->size || is.segment != asked->segment ||
		is.state != asked->state ||
		memcmp(&is.root, &asked->root, sizeof(is.root)) != 0 ||
		memcmp(is.log_id, asked->log_id, sizeof(is.log_id)) != 0)
		return -LM_E_DAMAGED;
	sealer->checkpoint = is;
	return 0;
}

void lm_sealer_take(struct lm_sealer *sealer, int timeout_ms)
{
	const struct lm_signer *signer = sealer->signer;
	int r;

	if (!sealer->asked)
		return;
	lm_buffer_reset(&sealer->note);
	r = signer->take(signer->data, timeout_ms, &sealer->note);
	if (r == 0 && timeout_ms == 0)
		return;
	if (r == 0)
		r = -ETIMEDOUT; /* whoever waits cannot go on without */
	if (r > 0)
		r = check_note(sealer);
	if (r < 0) {
		lm_sealer_stop(sealer, r);
		return;
	}
	sealer->asked = false;
	sealer->owed = LM_SEALER_CHECKPOINT;
}
