/* SPDX-License-Identifier: MIT */
#include "lemona/index/part.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/io.h"

/*
 * The container (docs/formats/index.md, "Parts"): a header of 64 bytes, a table of sections, and
 * the sections, each at a multiple of 8.
 */
#define VERSION      1u
#define HEADER_BYTES 64u
#define ENTRY_BYTES  24u
#define TABLE_BYTES  ((size_t)LM_PART_SECTIONS_MAX * ENTRY_BYTES)
#define FIRST_BYTE   (HEADER_BYTES + TABLE_BYTES)
#define PENDING_BYTES ((size_t)1 << 20)

static const uint8_t magic[8] = { 0x89, 'L', 'M', 'X', '\r', '\n', 0x1a, '\n' };

struct section {
	uint32_t number;
	uint64_t offset, len;
};

struct lm_part_writer {
	int fd;
	int failure;
	struct lm_part_info info;
	struct section sections[LM_PART_SECTIONS_MAX];
	uint32_t count;
	uint64_t written;         /* bytes of the file that are behind us, pending ones included */
	struct lm_buffer pending;
};

int lm_part_writer_new(int fd, const struct lm_part_info *info,
		       struct lm_part_writer **ret_writer)
{
	struct lm_part_writer *writer = calloc(1, sizeof(*writer));

	if (!writer || lm_buffer_reserve(&writer->pending, PENDING_BYTES) < 0) {
		lm_part_writer_free(writer);
		return -ENOMEM;
	}
	writer->fd = fd;
	writer->info = *info;
	writer->written = FIRST_BYTE;
	*ret_writer = writer;
	return 0;
}

struct lm_part_writer *lm_part_writer_free(struct lm_part_writer *writer)
{
	if (!writer)
		return NULL;
	lm_buffer_release(&writer->pending);
	free(writer);
	return NULL;
}

static int write_pending(struct lm_part_writer *writer)
{
	struct lm_buffer *pending = &writer->pending;

	if (writer->failure == 0)
		writer->failure = lm_write_at(writer->fd, pending->data, pending->len,
					   writer->written - pending->len);
	lm_buffer_reset(pending);
	return writer->failure;
}

static int append(struct lm_part_writer *writer, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0 && writer->failure == 0) {
		size_t room = PENDING_BYTES - writer->pending.len;
		size_t some = len < room ? len : room;

		lm_buffer_append(&writer->pending, at, some);
		writer->written += some;
		at += some;
		len -= some;
		if (writer->pending.len == PENDING_BYTES)
			write_pending(writer);
	}
	return writer->failure;
}

static void end_section(struct lm_part_writer *writer)
{
	struct section *last = writer->count ? &writer->sections[writer->count - 1] : NULL;
	static const uint8_t zeros[8];

	if (last)
		last->len = writer->written - last->offset;
	append(writer, zeros, -writer->written & 7);
}

int lm_part_begin(struct lm_part_writer *writer, uint32_t section)
{
	if (writer->count == LM_PART_SECTIONS_MAX || section == 0 ||
	    (writer->count > 0 && writer->sections[writer->count - 1].number >= section))
		return -EINVAL;
	end_section(writer);
	writer->sections[writer->count++] =
		(struct section){ .number = section, .offset = writer->written };
	return 0;
}

int lm_part_append(struct lm_part_writer *writer, const void *data, size_t len)
{
	return writer->count > 0 ? append(writer, data, len) : -EINVAL;
}

uint64_t lm_part_position(const struct lm_part_writer *writer)
{
	return writer->count > 0 ?
		       writer->written - writer->sections[writer->count - 1].offset : 0;
}

int lm_part_put(struct lm_part_writer *writer, uint32_t section, const void *data, size_t len)
{
	int r = lm_part_begin(writer, section);

	return r < 0 ? r : lm_part_append(writer, data, len);
}

int lm_part_finish(struct lm_part_writer *writer)
{
	struct lm_buffer head LM_BUFFER = LM_BUFFER_INIT;

	end_section(writer);
	if (write_pending(writer) < 0)
		return writer->failure;
	lm_buffer_append(&head, magic, sizeof(magic));
	lm_buffer_append_u16(&head, VERSION);
	lm_buffer_append_u16(&head, writer->info.kind);
	lm_buffer_append_u16(&head, writer->info.level);
	lm_buffer_append_u16(&head, 0);
	lm_buffer_append_u64(&head, writer->info.first_event);
	lm_buffer_append_u64(&head, writer->info.end_event);
	lm_buffer_append(&head, writer->info.log_id, sizeof(writer->info.log_id));
	lm_buffer_append_u64(&head, writer->written);
	lm_buffer_append_u32(&head, writer->count);
	lm_buffer_append_u32(&head, 0);
	for (uint32_t i = 0; i < LM_PART_SECTIONS_MAX; i++) {
		const struct section *section = &writer->sections[i];

		lm_buffer_append_u32(&head, section->number);
		lm_buffer_append_u32(&head, 0);
		lm_buffer_append_u64(&head, section->offset);
		lm_buffer_append_u64(&head, section->len);
	}
	if (lm_buffer_status(&head) < 0)
		writer->failure = -ENOMEM;
	else
		writer->failure = lm_write_at(writer->fd, head.data, head.len, 0);
	return writer->failure;
}

struct lm_part {
	struct lm_part_info info;
	const uint8_t *data;
	size_t len;
	struct section sections[LM_PART_SECTIONS_MAX];
	uint32_t count;
};

struct lm_part *lm_part_free(struct lm_part *part)
{
	if (!part)
		return NULL;
	if (part->data)
		munmap((void *)(uintptr_t)part->data, part->len);
	free(part);
	return NULL;
}

static void free_part(struct lm_part **part)
{
	lm_part_free(*part);
}

static int map_file(struct lm_part *part, int fd)
{
	struct stat st;
	void *data;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < FIRST_BYTE)
		return -LM_E_FORMAT;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	part->data = data;
	part->len = (size_t)st.st_size;
	/* Questions jump about: what lies beside the answer is of no use. */
	madvise(data, part->len, MADV_RANDOM);
	return 0;
}

static int read_sections(struct lm_part *part, struct lm_bytes *head)
{
	uint64_t end = FIRST_BYTE;

	for (uint32_t i = 0; i < part->count; i++) {
		struct section *section = &part->sections[i];
		bool in_order = i == 0;

		section->number = lm_bytes_u32(head);
		lm_bytes_u32(head);
		section->offset = lm_bytes_u64(head);
		section->len = lm_bytes_u64(head);
		in_order = in_order || part->sections[i - 1].number < section->number;
		if (!in_order || section->offset & 7 || section->offset < end ||
		    section->offset > part->len || section->len > part->len - section->offset)
			return -LM_E_DAMAGED;
		end = section->offset + section->len;
	}
	return 0;
}

static int read_head(struct lm_part *part)
{
	struct lm_bytes head = lm_bytes_from(part->data, FIRST_BYTE);
	struct lm_str id;

	if (memcmp(part->data, magic, sizeof(magic)) != 0)
		return -LM_E_FORMAT;
	lm_bytes_u64(&head);
	if (lm_bytes_u16(&head) != VERSION)
		return -LM_E_VERSION;
	part->info.kind = lm_bytes_u16(&head);
	part->info.level = lm_bytes_u16(&head);
	lm_bytes_u16(&head);
	part->info.first_event = lm_bytes_u64(&head);
	part->info.end_event = lm_bytes_u64(&head);
	id = lm_bytes_str(&head, sizeof(part->info.log_id));
	memcpy(part->info.log_id, id.data, sizeof(part->info.log_id));
	if (lm_bytes_u64(&head) != part->len || part->info.end_event < part->info.first_event)
		return -LM_E_DAMAGED;
	part->count = lm_bytes_u32(&head);
	lm_bytes_u32(&head);
	return part->count <= LM_PART_SECTIONS_MAX ? read_sections(part, &head) : -LM_E_DAMAGED;
}

int lm_part_open(int fd, struct lm_part **ret_part, struct lm_diag *diag)
{
	struct lm_part *part LM_CLEANUP(free_part) = calloc(1, sizeof(*part));
	int r = part ? map_file(part, fd) : -ENOMEM;

	if (r == 0)
		r = read_head(part);
	if (r == -LM_E_FORMAT)
		return lm_diag_set(diag, r, "It is not a part of an index");
	if (r == -LM_E_VERSION)
		return lm_diag_set(diag, r, "The index was made by a newer version");
	if (r < 0)
		return lm_diag_errno(diag, r, "The index cannot be read");
	*ret_part = lm_take_ptr(part);
	return 0;
}

const struct lm_part_info *lm_part_info(const struct lm_part *part)
{
	return &part->info;
}

const uint8_t *lm_part_section(const struct lm_part *part, uint32_t section, size_t *ret_len)
{
	for (uint32_t i = 0; i < part->count; i++) {
		if (part->sections[i].number == section) {
			*ret_len = part->sections[i].len;
			return part->data + part->sections[i].offset;
		}
	}
	*ret_len = 0;
	return NULL;
}

struct lm_bytes lm_part_bytes(const struct lm_part *part, uint32_t section)
{
	size_t len;
	const uint8_t *data = lm_part_section(part, section, &len);

	return lm_bytes_from(data, len);
}
