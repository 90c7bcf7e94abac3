/* SPDX-License-Identifier: MIT */
#include "format.h"

#include <stdio.h>
#include <string.h>

/* Inlined: the state of the streaming form is only public this way. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

/* A byte above 127 and both line ends: a transfer as text shows (the idea is PNG's). */
static const uint8_t segment_magic[8] = { 0x89, 'L', 'M', 'S', '\r', '\n', 0x1a, '\n' };
const uint8_t lm_frame_magic[4] = { 'L', 'M', 'F', 'R' };

#define SEGMENT_SUM_OFFSET      88u
#define FRAME_SUM_OFFSET        80u
#define FRAME_HEADER_SUM_OFFSET 88u
#define META_STRINGS            7u

struct meta_string {
	char *text;
	size_t size; /* of the array, NUL included */
};

static void list_meta_strings(struct lm_log_meta *meta, struct meta_string out[META_STRINGS])
{
	const struct meta_string strings[META_STRINGS] = {
		{ meta->host, sizeof(meta->host) },
		{ meta->boot_id, sizeof(meta->boot_id) },
		{ meta->machine_id, sizeof(meta->machine_id) },
		{ meta->kernel, sizeof(meta->kernel) },
		{ meta->recorder, sizeof(meta->recorder) },
		{ meta->attach, sizeof(meta->attach) },
		{ meta->level, sizeof(meta->level) },
	};

	memcpy(out, strings, sizeof(strings));
}

static uint64_t sum_two(const void *first, size_t first_len, const void *second, size_t second_len)
{
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, first, first_len);
	if (second_len > 0)
		XXH3_64bits_update(&state, second, second_len);
	return XXH3_64bits_digest(&state);
}

static void put_u16(uint8_t *out, uint16_t v)
{
	out[0] = (uint8_t)v;
	out[1] = (uint8_t)(v >> 8);
}

static void put_u32(uint8_t *out, uint32_t v)
{
	put_u16(out, (uint16_t)v);
	put_u16(out + 2, (uint16_t)(v >> 16));
}

static void put_u64(uint8_t *out, uint64_t v)
{
	put_u32(out, (uint32_t)v);
	put_u32(out + 4, (uint32_t)(v >> 32));
}

static uint64_t get_u64(const uint8_t *data)
{
	struct lm_bytes b = lm_bytes_from(data, sizeof(uint64_t));

	return lm_bytes_u64(&b);
}

uint64_t lm_log_mark(const uint8_t log_id[LM_LOG_ID_BYTES])
{
	return get_u64(log_id);
}

static void append_meta(struct lm_buffer *out, const struct lm_log_meta *meta)
{
	struct lm_log_meta copy = *meta;
	struct meta_string strings[META_STRINGS];

	lm_buffer_append_u64(out, meta->start_ns);
	lm_buffer_append_u64(out, meta->start_wall_ns);
	list_meta_strings(&copy, strings);
	for (unsigned int i = 0; i < META_STRINGS; i++) {
		size_t len = strnlen(strings[i].text, strings[i].size - 1);

		lm_buffer_append_u16(out, (uint16_t)len);
		lm_buffer_append(out, strings[i].text, len);
	}
}

int lm_segment_header_encode(const struct lm_segment_header *header, struct lm_buffer *out)
{
	uint8_t fixed[LM_SEGMENT_HEADER_BYTES] = { 0 };
	LM_BUFFER struct lm_buffer meta = LM_BUFFER_INIT;

	append_meta(&meta, &header->meta);
	if (lm_buffer_status(&meta) < 0)
		return -ENOMEM;
	memcpy(fixed, segment_magic, sizeof(segment_magic));
	put_u16(fixed + 8, LM_LOG_VERSION);
	put_u16(fixed + 10, LM_SEGMENT_HEADER_BYTES);
	put_u32(fixed + 20, (uint32_t)meta.len);
	put_u32(fixed + 24, header->number);
	put_u64(fixed + 32, header->first_sequence);
	put_u64(fixed + 40, header->first_event);
	memcpy(fixed + 48, header->log_id, LM_LOG_ID_BYTES);
	put_u64(fixed + 64, header->created_ns);
	put_u64(fixed + 72, (uint64_t)header->wall_minus_boot_ns);
	put_u64(fixed + SEGMENT_SUM_OFFSET,
		sum_two(fixed, SEGMENT_SUM_OFFSET, meta.data, meta.len));
	lm_buffer_append(out, fixed, sizeof(fixed));
	lm_buffer_append(out, meta.data, meta.len);
	return lm_buffer_status(out);
}

static int take_meta(struct lm_bytes in, struct lm_log_meta *ret_meta)
{
	struct lm_log_meta meta = { 0 };
	struct meta_string strings[META_STRINGS];

	meta.start_ns = lm_bytes_u64(&in);
	meta.start_wall_ns = lm_bytes_u64(&in);
	list_meta_strings(&meta, strings);
	for (unsigned int i = 0; i < META_STRINGS; i++) {
		struct lm_str s = lm_bytes_str(&in, lm_bytes_u16(&in));

		if (in.bad || s.len >= strings[i].size)
			return -LM_E_DAMAGED;
		if (s.len > 0)
			memcpy(strings[i].text, s.data, s.len);
	}
	if (lm_bytes_left(&in) != 0)
		return -LM_E_DAMAGED;
	*ret_meta = meta;
	return 0;
}

/* Everything after the magic and before the meta. */
struct segment_fixed {
	uint16_t version, header_bytes;
	uint32_t incompatible, meta_bytes, reserved;
	uint64_t reserved_long, sum;
};

static struct segment_fixed take_segment_fixed(
	const uint8_t *data, struct lm_segment_header *header)
{
	struct lm_bytes in = lm_bytes_from(data, LM_SEGMENT_HEADER_BYTES);
	struct segment_fixed fixed;
	struct lm_str id;

	lm_bytes_str(&in, sizeof(segment_magic));
	fixed.version = lm_bytes_u16(&in);
	fixed.header_bytes = lm_bytes_u16(&in);
	lm_bytes_u32(&in); /* compatible flags: by definition nothing to do */
	fixed.incompatible = lm_bytes_u32(&in);
	fixed.meta_bytes = lm_bytes_u32(&in);
	header->number = lm_bytes_u32(&in);
	fixed.reserved = lm_bytes_u32(&in);
	header->first_sequence = lm_bytes_u64(&in);
	header->first_event = lm_bytes_u64(&in);
	id = lm_bytes_str(&in, LM_LOG_ID_BYTES);
	memcpy(header->log_id, id.data, LM_LOG_ID_BYTES);
	header->created_ns = lm_bytes_u64(&in);
	header->wall_minus_boot_ns = (int64_t)lm_bytes_u64(&in);
	fixed.reserved_long = lm_bytes_u64(&in);
	fixed.sum = lm_bytes_u64(&in);
	return fixed;
}

int lm_segment_header_decode(const uint8_t *data, size_t len, struct lm_segment_header *ret_header,
	size_t *ret_bytes)
{
	struct lm_segment_header header = { 0 };
	struct segment_fixed fixed;
	const uint8_t *meta = data + LM_SEGMENT_HEADER_BYTES;

	if (len < sizeof(segment_magic) || memcmp(data, segment_magic, sizeof(segment_magic)) != 0)
		return -LM_E_FORMAT;
	if (len < LM_SEGMENT_HEADER_BYTES)
		return -LM_E_TRUNCATED;
	fixed = take_segment_fixed(data, &header);
	/* Another version may lay out, and sum, the rest in another way. */
	if (fixed.version > LM_LOG_VERSION)
		return -LM_E_VERSION;
	if (fixed.meta_bytes > LM_SEGMENT_META_MAX_BYTES)
		return -LM_E_DAMAGED;
	if (len - LM_SEGMENT_HEADER_BYTES < fixed.meta_bytes)
		return -LM_E_TRUNCATED;
	if (fixed.sum != sum_two(data, SEGMENT_SUM_OFFSET, meta, fixed.meta_bytes))
		return -LM_E_DAMAGED;
	if (fixed.incompatible != 0)
		return -LM_E_VERSION;
	if (fixed.version != LM_LOG_VERSION || fixed.header_bytes != LM_SEGMENT_HEADER_BYTES ||
		fixed.reserved != 0 || fixed.reserved_long != 0)
		return -LM_E_DAMAGED;
	if (take_meta(lm_bytes_from(meta, fixed.meta_bytes), &header.meta) < 0)
		return -LM_E_DAMAGED;
	*ret_header = header;
	*ret_bytes = LM_SEGMENT_HEADER_BYTES + fixed.meta_bytes;
	return 0;
}

void lm_frame_header_encode(const struct lm_frame_header *header, const uint8_t *stored,
	uint8_t out[LM_FRAME_HEADER_BYTES])
{
	memset(out, 0, LM_FRAME_HEADER_BYTES);
	memcpy(out, lm_frame_magic, sizeof(lm_frame_magic));
	put_u16(out + 4, LM_FRAME_HEADER_BYTES);
	put_u16(out + 6, header->type);
	put_u16(out + 8, header->flags);
	put_u16(out + 10, header->gap_count);
	put_u32(out + 12, header->stored_bytes);
	put_u32(out + 16, header->raw_bytes);
	put_u32(out + 20, header->event_count);
	put_u64(out + 24, header->sequence);
	put_u64(out + 32, header->first_event);
	put_u64(out + 40, header->base_ns);
	put_u64(out + 48, header->min_ns);
	put_u64(out + 56, header->max_ns);
	put_u64(out + 64, (uint64_t)header->wall_minus_boot_ns);
	put_u64(out + 72, header->log_mark);
	put_u64(out + FRAME_SUM_OFFSET,
		sum_two(out, FRAME_SUM_OFFSET, stored, header->stored_bytes));
	put_u64(out + FRAME_HEADER_SUM_OFFSET, XXH3_64bits(out, FRAME_HEADER_SUM_OFFSET));
}

bool lm_frame_header_is_sound(const uint8_t data[LM_FRAME_HEADER_BYTES])
{
	return memcmp(data, lm_frame_magic, sizeof(lm_frame_magic)) == 0 &&
		get_u64(data + FRAME_HEADER_SUM_OFFSET) ==
		XXH3_64bits(data, FRAME_HEADER_SUM_OFFSET);
}

int lm_frame_header_decode(const uint8_t data[LM_FRAME_HEADER_BYTES],
	struct lm_frame_header *ret_header)
{
	struct lm_bytes in = lm_bytes_from(data, LM_FRAME_HEADER_BYTES);
	struct lm_frame_header header;
	uint16_t header_bytes;

	lm_bytes_str(&in, sizeof(lm_frame_magic));
	header_bytes = lm_bytes_u16(&in);
	header.type = lm_bytes_u16(&in);
	header.flags = lm_bytes_u16(&in);
	header.gap_count = lm_bytes_u16(&in);
	header.stored_bytes = lm_bytes_u32(&in);
	header.raw_bytes = lm_bytes_u32(&in);
	header.event_count = lm_bytes_u32(&in);
	header.sequence = lm_bytes_u64(&in);
	header.first_event = lm_bytes_u64(&in);
	header.base_ns = lm_bytes_u64(&in);
	header.min_ns = lm_bytes_u64(&in);
	header.max_ns = lm_bytes_u64(&in);
	header.wall_minus_boot_ns = (int64_t)lm_bytes_u64(&in);
	header.log_mark = lm_bytes_u64(&in);
	if (header_bytes != LM_FRAME_HEADER_BYTES ||
		(header.gap_count != 0 && header.type != LM_FRAME_BATCH) ||
		header.stored_bytes > LM_FRAME_PAYLOAD_MAX_BYTES ||
		header.raw_bytes > LM_FRAME_PAYLOAD_MAX_BYTES ||
		header.event_count > LM_BATCH_MAX_EVENTS || header.sequence == 0 ||
		header.first_event == 0)
		return -LM_E_DAMAGED;
	*ret_header = header;
	if (header.flags & ~(unsigned int)LM_FRAME_FLAGS_KNOWN)
		return -LM_E_VERSION;
	if ((header.type == 0 || header.type > LM_FRAME_SEGMENT_END) &&
		!(header.flags & LM_FRAME_SKIPPABLE))
		return -LM_E_VERSION;
	return 0;
}

bool lm_frame_is_sound(const uint8_t data[LM_FRAME_HEADER_BYTES], const uint8_t *stored,
	size_t stored_bytes)
{
	return get_u64(data + FRAME_SUM_OFFSET) ==
		sum_two(data, FRAME_SUM_OFFSET, stored, stored_bytes);
}

void lm_segment_name(uint32_t number, char out[LM_SEGMENT_NAME_BYTES])
{
	snprintf(out, LM_SEGMENT_NAME_BYTES, "%08u.lms", number % (LM_SEGMENT_NUMBER_MAX + 1));
}

void lm_deleted_name(uint32_t number, char out[LM_SEGMENT_NAME_BYTES])
{
	snprintf(out, LM_SEGMENT_NAME_BYTES, "%08u.lmt", number % (LM_SEGMENT_NUMBER_MAX + 1));
}

/* Eight digits, and what the kind of file is known by. */
static uint32_t number_of(const char *name, const char *ending)
{
	uint32_t number = 0;

	for (unsigned int i = 0; i < 8; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = number * 10 + (uint32_t)(name[i] - '0');
	}
	return strcmp(name + 8, ending) == 0 ? number : 0;
}

uint32_t lm_segment_number(const char *name)
{
	return number_of(name, ".lms");
}

uint32_t lm_deleted_number(const char *name)
{
	return number_of(name, ".lmt");
}
