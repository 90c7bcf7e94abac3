/* SPDX-License-Identifier: MIT */
#pragma once

#include "make_log.h"
#include "seal.h"

/*
 * Checks a sealed log as docs/formats/log.md says it, from its bytes: all leaves are hashed
 * again, the tree by the recursion of RFC 6962 itself, and each note has to be signed with the key
 * that the one before named.
 */
#define CHECK_LEAVES_MAX 70000u

struct sealed {
	struct lm_sha256 *hash;
	struct lm_public_key segment_key, checkpoint_key; /* who signs next */
	uint64_t number;      /* of the last checkpoint in the segment */
	struct lm_digest *leaves;
	uint64_t leaf_count;
	uint64_t sequence;    /* of the next frame */
	uint64_t row_leaf;    /* the next leaf that an index frame has to give */
	uint64_t index_offset;
	uint64_t offsets[CHECK_LEAVES_MAX]; /* of each leaf in its segment */
	/* What was found. */
	struct lm_checkpoint last;
	uint32_t keys, checkpoints, indexes, ends;
	bool unsealed;        /* from some place on */
};

static inline struct lm_digest check_root(struct lm_sha256 *hash, const struct lm_digest *leaves,
	uint64_t count)
{
	uint8_t node[1 + 2 * LM_SHA256_BYTES] = { 1 };
	struct lm_digest left, right, root;
	uint64_t k = 1;

	if (count == 1)
		return leaves[0];
	while (k * 2 < count)
		k *= 2;
	left = check_root(hash, leaves, k);
	right = check_root(hash, leaves + k, count - k);
	memcpy(node + 1, left.bytes, LM_SHA256_BYTES);
	memcpy(node + 1 + LM_SHA256_BYTES, right.bytes, LM_SHA256_BYTES);
	assert_int_equal(lm_seal_digest(hash, node, sizeof(node), &root), 0);
	return root;
}

static inline void check_add_leaf(struct sealed *sealed, const uint8_t *data, size_t len,
	uint64_t offset)
{
	LM_BUFFER struct lm_buffer leaf = LM_BUFFER_INIT;

	assert_true(sealed->leaf_count < CHECK_LEAVES_MAX);
	lm_buffer_append_byte(&leaf, 0);
	lm_buffer_append(&leaf, data, len);
	sealed->offsets[sealed->leaf_count] = offset;
	assert_int_equal(lm_seal_digest(sealed->hash, leaf.data, leaf.len,
		&sealed->leaves[sealed->leaf_count++]), 0);
}

static inline void check_key_note(struct sealed *sealed, struct lm_str text, uint32_t segment)
{
	struct lm_segment_key key;
	struct lm_note note;

	assert_int_equal(lm_segment_key_parse(text, &key, &note), 0);
	assert_int_equal(lm_note_check(&note, &sealed->segment_key), 0);
	assert_int_equal(key.segment, segment);
	sealed->segment_key = key.next_segment_key;
	sealed->checkpoint_key = key.checkpoint_key;
	sealed->number = 0;
	sealed->keys++;
}

static inline void check_checkpoint(struct sealed *sealed, struct lm_str text, uint32_t segment)
{
	struct lm_checkpoint checkpoint;
	struct lm_digest root;
	struct lm_note note;

	assert_int_equal(lm_checkpoint_parse(text, &checkpoint, &note), 0);
	assert_int_equal(lm_note_check(&note, &sealed->checkpoint_key), 0);
	assert_int_equal(checkpoint.segment, segment);
	assert_int_equal(checkpoint.number, ++sealed->number);
	assert_in_range(checkpoint.size, sealed->last.size + 1, sealed->leaf_count);
	root = check_root(sealed->hash, sealed->leaves, checkpoint.size);
	assert_memory_equal(&root, &checkpoint.root, sizeof(root));
	sealed->checkpoint_key = checkpoint.next_key;
	sealed->last = checkpoint;
	sealed->checkpoints++;
}

static inline void check_index(struct sealed *sealed, const uint8_t *payload, size_t len,
	uint64_t offset)
{
	struct lm_index index;

	assert_int_equal(lm_index_decode(payload, len, &index), 0);
	assert_int_equal(index.previous, sealed->index_offset);
	assert_int_equal(index.first_leaf, sealed->row_leaf);
	assert_int_equal(index.first_leaf + index.count, sealed->leaf_count);
	for (uint32_t i = 0; i < index.count; i++) {
		struct lm_index_row row;

		lm_index_row_at(&index, i, &row);
		assert_memory_equal(&row.leaf, &sealed->leaves[sealed->row_leaf],
			sizeof(row.leaf));
		assert_int_equal(row.offset, sealed->offsets[sealed->row_leaf]);
		sealed->row_leaf++;
	}
	sealed->index_offset = offset;
	sealed->indexes++;
}

static inline void check_end(struct sealed *sealed, const struct lm_frame_header *header,
	const uint8_t *payload, uint32_t segment)
{
	struct lm_end end;

	sealed->ends++;
	if (header->stored_bytes == 0) {
		sealed->unsealed = true;
		return;
	}
	assert_int_equal(lm_end_decode(payload, header->stored_bytes, &end), 0);
	assert_int_equal(end.index_offset, sealed->index_offset);
	/* Nothing between the last index frame and the end. */
	assert_int_equal(sealed->row_leaf + 1, sealed->leaf_count);
	check_checkpoint(sealed, end.note, segment);
	assert_int_equal(sealed->last.size, sealed->leaf_count);
	assert_int_equal(sealed->last.state, header->type == LM_FRAME_END ?
		LM_CHECKPOINT_END : LM_CHECKPOINT_SEGMENT_END);
	assert_int_equal(header->base_ns, sealed->last.boot_ns);
	assert_int_equal(header->wall_minus_boot_ns,
		(int64_t)(sealed->last.wall_ns - sealed->last.boot_ns));
	assert_int_equal(header->raw_bytes, header->stored_bytes);
	assert_int_equal(header->flags | header->event_count | header->min_ns | header->max_ns, 0);
}

static inline void check_frame(struct sealed *sealed, const uint8_t *data, uint64_t offset,
	uint32_t segment)
{
	const uint8_t *payload = data + LM_FRAME_HEADER_BYTES;
	uint8_t leaf[LM_FRAME_HEADER_BYTES + LM_SHA256_BYTES];
	struct lm_frame_header header;
	struct lm_digest digest;
	struct lm_str text;

	assert_int_equal(lm_frame_header_decode(data, &header), 0);
	assert_int_equal(header.sequence, sealed->sequence++);
	assert_int_equal(lm_seal_frame_index(segment, header.sequence), sealed->leaf_count);
	assert_true(lm_frame_is_sound(data, payload, header.stored_bytes));
	text = (struct lm_str){ (const char *)payload, header.stored_bytes };
	if (header.type == LM_FRAME_KEY)
		check_key_note(sealed, text, segment);
	if (header.type == LM_FRAME_CHECKPOINT)
		check_checkpoint(sealed, text, segment);
	if (header.type == LM_FRAME_INDEX)
		check_index(sealed, payload, header.stored_bytes, offset);
	if (header.type == LM_FRAME_END || header.type == LM_FRAME_SEGMENT_END)
		check_end(sealed, &header, payload, segment);
	assert_int_equal(header.flags & LM_FRAME_SKIPPABLE,
		header.type >= LM_FRAME_KEY ? LM_FRAME_SKIPPABLE : 0);
	memcpy(leaf, data, LM_FRAME_HEADER_BYTES);
	assert_int_equal(lm_seal_digest(sealed->hash, payload, header.stored_bytes, &digest), 0);
	memcpy(leaf + LM_FRAME_HEADER_BYTES, digest.bytes, LM_SHA256_BYTES);
	check_add_leaf(sealed, leaf, sizeof(leaf), offset);
}

static inline uint8_t *check_load(const char *path, size_t *ret_len)
{
	uint8_t *data;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return NULL;
	*ret_len = (size_t)file_size(path);
	data = malloc(*ret_len + 1);
	assert_non_null(data);
	assert_int_equal(read(fd, data, *ret_len), *ret_len);
	close(fd);
	return data;
}

static inline bool check_segment(struct sealed *sealed, const char *log,
	uint32_t segment)
{
	struct lm_segment_header header;
	size_t len = 0, offset = 0;
	char path[4096];
	uint8_t *data;

	snprintf(path, sizeof(path), "%s/%08u.lms", log, segment);
	data = check_load(path, &len);
	if (!data)
		return false;
	assert_int_equal(lm_segment_header_decode(data, len, &header, &offset), 0);
	assert_int_equal(header.first_sequence, sealed->sequence);
	assert_int_equal(
		lm_seal_header_index(segment, header.first_sequence), sealed->leaf_count);
	sealed->row_leaf = sealed->leaf_count;
	sealed->index_offset = 0;
	check_add_leaf(sealed, data, offset, 0);
	while (offset < len) {
		struct lm_frame_header frame;

		assert_int_equal(lm_frame_header_decode(data + offset, &frame), 0);
		check_frame(sealed, data + offset, offset, segment);
		offset += LM_FRAME_HEADER_BYTES + frame.stored_bytes;
	}
	assert_int_equal(offset, len);
	free(data);
	return true;
}

/* The files beside the segments. */
static inline void check_files(const char *log, struct sealed *sealed)
{
	uint8_t log_id[LM_LOG_ID_BYTES];
	struct lm_checkpoint newest;
	struct lm_note note;
	char path[4096];
	uint8_t *data;
	size_t len = 0;

	snprintf(path, sizeof(path), "%s/key", log);
	data = check_load(path, &len);
	assert_non_null(data);
	assert_int_equal(lm_verifier_key_parse((struct lm_str){ (char *)data, len }, log_id,
		&sealed->segment_key), 0);
	free(data);
	for (uint32_t segment = 1; check_segment(sealed, log, segment); segment++)
		;
	snprintf(path, sizeof(path), "%s/checkpoint", log);
	data = check_load(path, &len);
	if (data) {
		assert_int_equal(lm_checkpoint_parse((struct lm_str){ (char *)data, len },
			&newest, &note), 0);
		assert_int_equal(newest.size, sealed->last.size);
		free(data);
	} else {
		assert_int_equal(sealed->checkpoints, 0);
	}
}

/* A log that its writer has closed. All is checked; what was found is in the result. */
static inline struct sealed *check_sealed(const char *log)
{
	struct sealed *sealed = calloc(1, sizeof(*sealed));

	assert_non_null(sealed);
	sealed->leaves = calloc(CHECK_LEAVES_MAX, sizeof(*sealed->leaves));
	sealed->sequence = 1;
	assert_non_null(sealed->leaves);
	assert_int_equal(lm_sha256_new(&sealed->hash), 0);
	check_files(log, sealed);
	free(sealed->leaves);
	lm_sha256_free(sealed->hash);
	return sealed;
}
