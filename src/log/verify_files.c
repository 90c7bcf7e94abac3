/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "verify_internal.h"

static int add_file(struct lm_verify *v, uint32_t named, bool deleted)
{
	struct lm_segment_file *moved =
		reallocarray(v->files, v->file_count + 1, sizeof(*moved));

	if (!moved)
		return -ENOMEM;
	v->files = moved;
	v->files[v->file_count++] = (struct lm_segment_file){
		.named = named,
		.number = named,
		.deleted = deleted,
	};
	return 0;
}

static int list_names(struct lm_verify *v)
{
	LM_CLEANUP(lm_file_list_close) DIR *dir = lm_file_list(v->dir_fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	errno = 0;
	while (r == 0 && (entry = readdir(dir))) {
		uint32_t number = lm_segment_number(entry->d_name);

		if (number)
			r = add_file(v, number, false);
		else if ((number = lm_deleted_number(entry->d_name)))
			r = add_file(v, number, true);
	}
	return r < 0 ? r : -errno;
}

/* A header of this version whose version number alone was altered is no newer one. */
static int decode_header(uint8_t *data, size_t len, struct lm_segment_header *ret_header,
	size_t *ret_bytes)
{
	int r = lm_segment_header_decode(data, len, ret_header, ret_bytes);

	if (r != -LM_E_VERSION || len < LM_SEGMENT_HEADER_BYTES)
		return r;
	data[8] = LM_LOG_VERSION;
	data[9] = 0;
	return lm_segment_header_decode(data, len, ret_header, ret_bytes) == 0 ? -LM_E_DAMAGED : r;
}

static void name_file(const struct lm_segment_file *file, char out[LM_SEGMENT_NAME_BYTES])
{
	if (file->deleted)
		lm_deleted_name(file->named, out);
	else
		lm_segment_name(file->named, out);
}

static int read_header(struct lm_verify *v, struct lm_segment_file *file)
{
	uint8_t data[LM_SEGMENT_HEADER_BYTES + LM_SEGMENT_META_MAX_BYTES];
	char name[LM_SEGMENT_NAME_BYTES];
	LM_CLOSE int fd = -1;
	struct stat status;
	size_t bytes = 0;
	int64_t n;

	name_file(file, name);
	fd = lm_file_open(v->dir_fd, name);
	if (fd < 0)
		return lm_diag_errno(v->diag, fd, "cannot read %s", name);
	if (fstat(fd, &status) < 0)
		return lm_diag_errno(v->diag, -errno, "cannot read %s", name);
	file->status = -LM_E_FORMAT;
	if (!S_ISREG(status.st_mode))
		return 0;
	file->size = (uint64_t)status.st_size;
	n = lm_file_read(fd, data, sizeof(data), 0);
	if (n < 0)
		return lm_diag_errno(v->diag, -EIO, "cannot read %s", name);
	file->status = n == 0 ? -LM_E_EMPTY :
				decode_header(data, (size_t)n, &file->header, &bytes);
	if (file->status < 0)
		return 0;
	file->header_bytes = (uint32_t)bytes;
	v->report.wall_minus_boot_ns = file->header.wall_minus_boot_ns;
	return lm_seal_header_leaf(v->hash, data, bytes, &file->leaf);
}

static int by_first_sequence(const void *a, const void *b)
{
	const struct lm_segment_file *x = a, *y = b;

	if (x->header.first_sequence != y->header.first_sequence)
		return x->header.first_sequence < y->header.first_sequence ? -1 : 1;
	/* The one that is where it belongs first. */
	if ((x->named == x->header.number) != (y->named == y->header.number))
		return x->named == x->header.number ? -1 : 1;
	return x->named < y->named ? -1 : x->named > y->named;
}

static int by_number(const void *a, const void *b)
{
	const struct lm_segment_file *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->deleted != y->deleted) /* a segment counts more than what stands for it */
		return x->deleted ? 1 : -1;
	return x->skipped - y->skipped;
}

static struct lm_place file_place(const struct lm_segment_file *file,
	char name[LM_SEGMENT_NAME_BYTES])
{
	name_file(file, name);
	return (struct lm_place){ .file = name, .segment = file->named, .end = file->size };
}

/* How many headers have that identity; of two equals the one that the anchor names is more. */
static size_t votes_for(const struct lm_verify *v, const uint8_t id[LM_LOG_ID_BYTES])
{
	size_t votes = v->has_anchor && memcmp(id, v->log_id, LM_LOG_ID_BYTES) == 0;

	for (size_t i = 0; i < v->file_count; i++)
		votes += 2 * (v->files[i].status == 0 &&
			memcmp(id, v->files[i].header.log_id, LM_LOG_ID_BYTES) == 0);
	return votes;
}

/*
 * The log's identity: of the anchor that was asked for, else of most headers. If one has more than
 * half of them, it is left over when each header strikes out one with another identity (Boyer and
 * Moore); otherwise the first header's has to do.
 */
static void choose_identity(struct lm_verify *v)
{
	const uint8_t *first = NULL, *left = NULL;
	size_t count = 0;

	if (v->has_anchor && v->options && v->options->key.len > 0)
		return;
	for (size_t i = 0; i < v->file_count; i++) {
		const uint8_t *id = v->files[i].header.log_id;

		if (v->files[i].status < 0)
			continue;
		if (!first)
			first = id;
		if (count == 0)
			left = id;
		count += memcmp(id, left, LM_LOG_ID_BYTES) == 0 ? 1 : (size_t)-1;
	}
	if (!first)
		return;
	if (votes_for(v, left) < votes_for(v, first))
		left = first;
	if (!v->has_anchor || votes_for(v, left) > votes_for(v, v->log_id))
		memcpy(v->log_id, left, LM_LOG_ID_BYTES);
}

static void drop_foreign(struct lm_verify *v)
{
	char name[LM_SEGMENT_NAME_BYTES];

	for (size_t i = 0; i < v->file_count; i++) {
		struct lm_segment_file *file = &v->files[i];
		struct lm_place place = file_place(file, name);

		if (file->status < 0 ||
			memcmp(file->header.log_id, v->log_id, LM_LOG_ID_BYTES) == 0)
			continue;
		file->skipped = true;
		lm_verify_tell(v, LM_VERDICT_MIXED, &place, "the segment is of another log");
	}
}

/*
 * Which segment is which? Their frames' numbers say in what order they belong; a header's number
 * and the file's name must fit in there, or it is one of the two that is wrong.
 */
static void number_files(struct lm_verify *v)
{
	const struct lm_segment_file *before = NULL;
	char name[LM_SEGMENT_NAME_BYTES];
	uint32_t last = 0;

	qsort(v->files, v->file_count, sizeof(*v->files), by_first_sequence);
	for (size_t i = 0; i < v->file_count; i++) {
		struct lm_segment_file *file = &v->files[i];
		uint32_t header = file->header.number, named = file->named;
		struct lm_place place = file_place(file, name);

		if (file->skipped || file->deleted || file->status < 0)
			continue;
		if (before && header != named &&
			memcmp(&before->leaf, &file->leaf, sizeof(file->leaf)) == 0) {
			file->skipped = true;
			lm_verify_tell(v, LM_VERDICT_DUPLICATED, &place,
				"the file is a copy of segment %" PRIu32, header);
			continue;
		}
		file->number = named;
		if (header != named && header > last && (header < named || named <= last)) {
			file->number = header;
			lm_verify_tell(v, LM_VERDICT_REORDERED, &place,
				"the file is segment %" PRIu32, header);
		} else if (header != named) {
			place.end = file->header_bytes;
			lm_verify_tell(v, LM_VERDICT_ALTERED, &place,
				"the header says that it is segment %" PRIu32, header);
		}
		last = file->number;
		before = file;
	}
	qsort(v->files, v->file_count, sizeof(*v->files), by_number);
}

/* Of two that are the same segment one counts; one that ends in its header is not there. */
static void tell_headers(struct lm_verify *v)
{
	char name[LM_SEGMENT_NAME_BYTES];

	for (size_t i = 0; i < v->file_count; i++) {
		struct lm_segment_file *file = &v->files[i];
		struct lm_place place = file_place(file, name);
		bool partial = file->status == -LM_E_TRUNCATED ||
			(file->status < 0 && file->size < LM_SEGMENT_HEADER_BYTES);

		if (i > 0 && v->files[i - 1].number == file->number && !file->skipped) {
			file->skipped = true;
			if (!file->deleted)
				lm_verify_tell(v, LM_VERDICT_DUPLICATED, &place,
					"segment %" PRIu32 " is there twice", file->number);
			continue;
		}
		if (!partial || file->skipped)
			continue;
		file->skipped = true;
	}
}

static int judge_versions(const struct lm_verify *v, const char *path)
{
	size_t newer = 0, headers = 0;

	for (size_t i = 0; i < v->file_count; i++) {
		newer += v->files[i].status == -LM_E_VERSION;
		headers += v->files[i].status == 0;
	}
	if (v->file_count == 0)
		return lm_diag_set(v->diag, -LM_E_EMPTY, "%s holds no log", path);
	if (newer > 0 && headers == 0)
		return lm_diag_set(v->diag, -LM_E_VERSION,
			"%s was written by a newer version of Lemona: verify it with that", path);
	return 0;
}

int lm_verify_list(struct lm_verify *v, const char *path)
{
	int r = list_names(v);

	if (r < 0)
		return lm_diag_errno(v->diag, r, "cannot read the log %s", path);
	for (size_t i = 0; r == 0 && i < v->file_count; i++) {
		r = read_header(v, &v->files[i]);
		v->total_bytes += v->files[i].size;
	}
	if (r == 0)
		r = judge_versions(v, path);
	if (r < 0)
		return r;
	qsort(v->files, v->file_count, sizeof(*v->files), by_number);
	choose_identity(v);
	v->mark = lm_log_mark(v->log_id);
	drop_foreign(v);
	number_files(v);
	tell_headers(v);
	return 0;
}
