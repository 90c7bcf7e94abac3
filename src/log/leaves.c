/* SPDX-License-Identifier: MIT */
#include "leaves.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "rest.h"
#include "seal.h"

/* @return 0; -LM_E_DAMAGED, ... ; the leaf of the header is hashed when wanted */
static int read_header(struct lm_leaves *leaves, int fd, struct lm_segment_header *ret_header,
	size_t *ret_bytes, struct lm_digest *ret_leaf)
{
	uint8_t data[LM_SEGMENT_HEADER_BYTES + LM_SEGMENT_META_MAX_BYTES];
	int64_t n = lm_file_read(fd, data, sizeof(data), 0);
	int r = n < 0 ? (int)n : lm_segment_header_decode(data, (size_t)n, ret_header, ret_bytes);

	return r < 0 || !ret_leaf ? r :
				    lm_seal_header_leaf(leaves->hash, data, *ret_bytes, ret_leaf);
}

static int add_segment(struct lm_leaves *leaves, uint32_t number)
{
	LM_CLOSE int fd = lm_file_open_segment(leaves->dir_fd, number);
	struct lm_segment_header header;
	struct lm_leaf_segment *moved;
	struct stat status;
	size_t bytes = 0;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_size == 0)
		return 0; /* is being made */
	r = read_header(leaves, fd, &header, &bytes, NULL);
	if (r == -LM_E_TRUNCATED)
		return 0;
	if (r < 0)
		return r;
	if (header.number != number || header.first_sequence == 0)
		return -LM_E_DAMAGED;
	moved = reallocarray(leaves->segments, leaves->segment_count + 1, sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	leaves->segments = moved;
	moved[leaves->segment_count++] = (struct lm_leaf_segment){ number, header.first_sequence,
		header.first_event, lm_seal_header_index(number, header.first_sequence) };
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct lm_leaf_segment *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int list_segments(struct lm_leaves *leaves)
{
	LM_CLEANUP(lm_file_list_close) DIR *dir = lm_file_list(leaves->dir_fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir))) {
		uint32_t number = lm_segment_number(entry->d_name);

		if (number)
			r = add_segment(leaves, number);
	}
	if (r < 0)
		return r;
	if (leaves->segment_count == 0)
		return -LM_E_EMPTY;
	qsort(leaves->segments, leaves->segment_count, sizeof(*leaves->segments), by_number);
	for (size_t i = 1; i < leaves->segment_count; i++)
		if (leaves->segments[i].first_leaf <= leaves->segments[i - 1].first_leaf)
			return -LM_E_DAMAGED;
	return 0;
}

/* What the file that stands for the last deleted segment says of the tree up to there. */
static int read_deleted(struct lm_leaves *leaves)
{
	char name[LM_SEGMENT_NAME_BYTES];
	struct lm_digest leaf;
	struct lm_rest rest;
	int64_t n;
	int r;

	if (leaves->segments[0].number == 1)
		return 0;
	lm_deleted_name(leaves->segments[0].number - 1, name);
	n = lm_file_load(leaves->dir_fd, name, LM_REST_MAX_BYTES, &leaves->payload);
	if (n < 0)
		return n == -ENOENT ? -ENODATA : n == -EFBIG ? -LM_E_DAMAGED : (int)n;
	r = lm_rest_decode(leaves->payload.data, leaves->payload.len, &rest);
	if (r < 0 || rest.tree.size + 1 != leaves->segments[0].first_leaf)
		return -LM_E_DAMAGED;
	r = lm_seal_stored_leaf(leaves->hash, rest.end.bytes, rest.end.payload.data,
		rest.end.payload.len, &leaf);
	if (r == 0)
		r = lm_merkle_add(leaves->hash, &rest.tree, &leaf);
	if (r == 0)
		leaves->deleted = rest.tree;
	return r;
}

int lm_leaves_open(struct lm_leaves *leaves, const char *path)
{
	int r;

	*leaves = (struct lm_leaves)LM_LEAVES_INIT;
	leaves->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leaves->dir_fd < 0)
		return -errno;
	r = lm_sha256_new(&leaves->hash);
	if (r == 0)
		r = list_segments(leaves);
	return r < 0 ? r : read_deleted(leaves);
}

void lm_leaves_release(struct lm_leaves *leaves)
{
	if (leaves->dir_fd >= 0)
		close(leaves->dir_fd);
	if (leaves->fd >= 0)
		close(leaves->fd);
	lm_sha256_free(leaves->hash);
	free(leaves->segments);
	free(leaves->leaves);
	lm_buffer_release(&leaves->payload);
	*leaves = (struct lm_leaves)LM_LEAVES_INIT;
}

int lm_leaves_frame(struct lm_leaves *leaves, uint64_t offset, uint8_t ret[LM_FRAME_HEADER_BYTES],
	struct lm_frame_header *ret_header, struct lm_buffer *ret_payload)
{
	int64_t n = lm_file_read(leaves->fd, ret, LM_FRAME_HEADER_BYTES, offset);

	if (n < 0)
		return (int)n;
	if (n < (int64_t)LM_FRAME_HEADER_BYTES || !lm_frame_header_is_sound(ret) ||
		lm_frame_header_decode(ret, ret_header) == -LM_E_DAMAGED)
		return -LM_E_DAMAGED;
	lm_buffer_reset(ret_payload);
	if (lm_buffer_reserve(ret_payload, ret_header->stored_bytes) < 0)
		return -ENOMEM;
	n = lm_file_read(leaves->fd, ret_payload->data, ret_header->stored_bytes,
		offset + LM_FRAME_HEADER_BYTES);
	if (n < 0)
		return (int)n;
	ret_payload->len = (size_t)n;
	return n < (int64_t)ret_header->stored_bytes ||
			!lm_frame_is_sound(ret, ret_payload->data, ret_payload->len) ?
		-LM_E_DAMAGED : 0;
}

/* The place of leaf number `at` of the segment, which is below leaves->limit. */
static struct lm_leaf *leaf_place(struct lm_leaves *leaves, uint64_t at)
{
	size_t capacity = leaves->capacity ? leaves->capacity : 256;
	struct lm_leaf *moved;

	while (capacity <= at)
		capacity *= 2;
	if (capacity > leaves->capacity) {
		moved = reallocarray(leaves->leaves, capacity, sizeof(*moved));
		if (!moved)
			return NULL;
		leaves->leaves = moved;
		leaves->capacity = capacity;
	}
	while (leaves->count <= at)
		leaves->leaves[leaves->count++] = (struct lm_leaf){ .known = false };
	return &leaves->leaves[at];
}

/* The rows of an index frame, whose payload was read. @return 0; -LM_E_DAMAGED; -ENOMEM */
static int take_rows(struct lm_leaves *leaves, uint64_t first_leaf, uint64_t *ret_previous)
{
	struct lm_index index;
	struct lm_index_row row;
	int r = lm_index_decode(leaves->payload.data, leaves->payload.len, &index);

	if (r < 0 || index.first_leaf < first_leaf ||
		index.first_leaf - first_leaf > leaves->limit ||
		index.first_leaf - first_leaf + index.count > leaves->limit)
		return -LM_E_DAMAGED;
	if (!leaf_place(leaves, index.first_leaf - first_leaf + index.count - 1))
		return -ENOMEM;
	for (uint32_t i = 0; i < index.count; i++) {
		lm_index_row_at(&index, i, &row);
		leaves->leaves[index.first_leaf - first_leaf + i] = (struct lm_leaf){ row.leaf,
			row.offset, row.first_event, true };
	}
	*ret_previous = index.previous;
	return 0;
}

/* The rows of all index frames, from the last one back. @return 1; 0: there is none; negative */
static int take_index(struct lm_leaves *leaves, uint64_t first_leaf, uint64_t size,
	uint64_t *ret_after)
{
	uint8_t tail[LM_END_TAIL_BYTES], data[LM_FRAME_HEADER_BYTES];
	struct lm_frame_header header;
	uint64_t offset = 0, previous = 0;
	uint32_t bytes = 0;
	int r;

	if (size < sizeof(tail) ||
		lm_file_read(leaves->fd, tail, sizeof(tail), size - sizeof(tail)) !=
			(int64_t)sizeof(tail) ||
		lm_end_tail_decode(tail, &offset, &bytes) < 0)
		return 0;
	*ret_after = offset;
	while (offset) {
		r = lm_leaves_frame(leaves, offset, data, &header, &leaves->payload);
		if (r == 0 && header.type != LM_FRAME_INDEX)
			r = -LM_E_DAMAGED;
		if (r == 0)
			r = take_rows(leaves, first_leaf, &previous);
		/* Each one stands before the next, or this would not end. */
		if (r == 0 && previous >= offset)
			r = -LM_E_DAMAGED;
		if (r < 0)
			return r;
		offset = previous;
	}
	return 1;
}

/* The leaves of the frames from `offset` on, as far as they are whole. */
static int take_frames(struct lm_leaves *leaves, const struct lm_leaf_segment *segment,
	uint64_t offset)
{
	uint8_t data[LM_FRAME_HEADER_BYTES];
	struct lm_frame_header header;
	struct lm_leaf *leaf;
	int r;

	for (;;) {
		r = lm_leaves_frame(leaves, offset, data, &header, &leaves->payload);
		if (r == -LM_E_DAMAGED)
			return 0; /* what is missing will not have the root */
		if (r == 0 && (header.sequence < segment->first_sequence ||
				      header.sequence - segment->first_sequence + 1 >=
					      leaves->limit))
			r = -LM_E_DAMAGED;
		if (r < 0)
			return r;
		leaf = leaf_place(leaves, header.sequence - segment->first_sequence + 1);
		if (!leaf)
			return -ENOMEM;
		*leaf = (struct lm_leaf){ .offset = offset, .first_event = header.first_event,
			.known = true };
		r = lm_seal_stored_leaf(leaves->hash, data, leaves->payload.data,
			leaves->payload.len, &leaf->hash);
		if (r < 0)
			return r;
		offset += LM_FRAME_HEADER_BYTES + header.stored_bytes;
	}
}

int lm_leaves_load(struct lm_leaves *leaves, size_t segment)
{
	const struct lm_leaf_segment *at = &leaves->segments[segment];
	struct lm_segment_header header;
	struct lm_leaf *leaf;
	struct stat status;
	size_t bytes = 0;
	uint64_t after;
	int r;

	if (leaves->loaded == segment)
		return 0;
	leaves->loaded = SIZE_MAX;
	leaves->count = 0;
	if (leaves->fd >= 0)
		close(leaves->fd);
	leaves->fd = lm_file_open_segment(leaves->dir_fd, at->number);
	if (leaves->fd < 0 || fstat(leaves->fd, &status) < 0)
		return -EIO;
	leaves->limit = (uint64_t)status.st_size / LM_FRAME_HEADER_BYTES + 1;
	leaf = leaf_place(leaves, 0);
	if (!leaf)
		return -ENOMEM;
	r = read_header(leaves, leaves->fd, &header, &bytes, &leaf->hash);
	if (r < 0)
		return r;
	leaf->known = true;
	leaf->first_event = header.first_event;
	after = bytes;
	r = take_index(leaves, at->first_leaf, (uint64_t)status.st_size, &after);
	if (r >= 0)
		r = take_frames(leaves, at, after);
	if (r == 0)
		leaves->loaded = segment;
	return r;
}

int lm_leaves_at(struct lm_leaves *leaves, uint64_t index, const struct lm_leaf **ret_leaf)
{
	size_t low = 0, high = leaves->segment_count;
	uint64_t at;
	int r;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (leaves->segments[middle].first_leaf <= index)
			low = middle;
		else
			high = middle;
	}
	if (index < leaves->segments[low].first_leaf)
		return -ENODATA;
	r = lm_leaves_load(leaves, low);
	if (r < 0)
		return r;
	at = index - leaves->segments[low].first_leaf;
	if (at >= leaves->count || !leaves->leaves[at].known)
		return -ENODATA;
	*ret_leaf = &leaves->leaves[at];
	return 0;
}

int lm_leaves_root(struct lm_leaves *leaves, uint64_t start, uint64_t end, struct lm_digest *ret)
{
	const struct lm_merkle_tree *deleted = &leaves->deleted;
	struct lm_merkle_tree tree = { 0 };
	const struct lm_leaf *leaf;
	uint32_t all = (uint32_t)__builtin_popcountll(deleted->size), kept;
	int r = 0;

	/* A subtree that begins among the deleted ones ends with some of the full subtrees. */
	if (start < deleted->size) {
		tree.size = deleted->size - start;
		kept = (uint32_t)__builtin_popcountll(tree.size);
		if (end < deleted->size) {
			/* One that ends there as well is one of them. */
			uint64_t at = 0;

			for (uint32_t i = 0; i < all; i++) {
				uint64_t width = UINT64_C(1)
					<< (63 - __builtin_clzll(deleted->size - at));

				if (at == start && at + width == end) {
					*ret = deleted->full[i];
					return 0;
				}
				at += width;
			}
			return -ENODATA;
		}
		memcpy(tree.full, deleted->full + all - kept, kept * sizeof(tree.full[0]));
	}
	for (uint64_t i = start + tree.size; r == 0 && i < end; i++) {
		r = lm_leaves_at(leaves, i, &leaf);
		if (r == 0)
			r = lm_merkle_add(leaves->hash, &tree, &leaf->hash);
	}
	return r < 0 ? r : lm_merkle_root(leaves->hash, &tree, ret);
}
