/* SPDX-License-Identifier: MIT */
#include "lemona/log/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "verify_internal.h"

static void release(struct lm_verify *v)
{
	for (size_t i = 0; i < v->outside_count; i++)
		lm_buffer_release(&v->outside[i].bytes);
	free(v->outside);
	free(v->files);
	free(v->missing);
	free(v->strays);
	free(v->deleted);
	free(v->window.data);
	lm_buffer_release(&v->raw);
	lm_buffer_release(&v->note);
	lm_sha256_free(v->hash);
	ZSTD_freeDCtx(v->decompressor);
	lm_batch_reader_free(v->batch);
	lm_verify_report_release(&v->report);
	if (v->dir_fd >= 0)
		close(v->dir_fd);
}

static void release_segment(struct lm_verify_segment *segment)
{
	free(segment->found);
	free(segment->placed);
	free(segment->regions);
	free(segment->rows);
	free(segment->row_offsets);
	if (segment->fd >= 0)
		close(segment->fd);
}

static int open_log(struct lm_verify *v, const char *path)
{
	int r;

	v->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir_fd < 0)
		return lm_diag_errno(v->diag, -errno, "cannot read the log %s", path);
	v->decompressor = ZSTD_createDCtx();
	if (!v->decompressor)
		return lm_diag_errno(v->diag, -ENOMEM, "cannot verify the log %s", path);
	r = lm_sha256_new(&v->hash);
	if (r < 0)
		return lm_diag_errno(v->diag, r, "cannot verify the log %s", path);
	/* What grows meanwhile must not be older than what says how much there has to be. */
	v->report.state = lm_file_is_live(v->dir_fd) ? LM_VERIFY_LIVE : LM_VERIFY_UNFINISHED;
	r = lm_verify_read_anchors(v);
	return r < 0 ? r : lm_verify_list(v, path);
}

/* Where a segment's file says that it ends in an end frame. */
static void read_tail(struct lm_verify_segment *segment)
{
	uint8_t tail[LM_END_TAIL_BYTES];
	uint32_t bytes = 0;

	if (segment->size > sizeof(tail) &&
		lm_file_read(segment->fd, tail, sizeof(tail), segment->size - sizeof(tail)) ==
			(int64_t)sizeof(tail) &&
		lm_end_tail_decode(tail, &segment->tail_index, &bytes) == 0)
		segment->tail_bytes = bytes;
}

static int open_segment(struct lm_verify *v, const struct lm_segment_file *file,
	struct lm_verify_segment *segment)
{
	struct stat status;

	segment->file = file;
	lm_segment_name(file->named, segment->name);
	segment->fd = lm_file_open(v->dir_fd, segment->name);
	if (segment->fd < 0)
		return lm_diag_errno(v->diag, segment->fd, "cannot read %s", segment->name);
	if (fstat(segment->fd, &status) < 0)
		return lm_diag_errno(v->diag, -errno, "cannot read %s", segment->name);
	segment->size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
	read_tail(segment);
	return 0;
}

/* The file of the next segment is made before this one ends: then it has no frames yet. */
static bool is_prepared(const struct lm_verify *v, const struct lm_segment_file *file)
{
	return file + 1 == v->files + v->file_count && file->status == 0 && !file->deleted &&
		file->size <= file->header_bytes;
}

/* The next segment of the log behind this file; NULL without one. */
static const struct lm_segment_file *following(const struct lm_verify *v,
	const struct lm_segment_file *file)
{
	for (const struct lm_segment_file *next = file + 1; next < v->files + v->file_count; next++)
		if (!next->skipped)
			return is_prepared(v, next) ? NULL : next;
	return NULL;
}

/* Segments before this one that are not there. */
static int tell_hole(struct lm_verify *v, const struct lm_segment_file *file, uint32_t before)
{
	struct lm_missing missing = {
		.first = v->next_sequence,
		.last = file->header.first_sequence - 1,
		.segment = before + 1,
	};
	char name[LM_SEGMENT_NAME_BYTES];
	enum lm_verdict verdict = before ? LM_VERDICT_CUT_MIDDLE : LM_VERDICT_CUT_START;
	struct lm_place place = { name, before + 1, missing.first, missing.last, 0, 0, v->last_ns,
		file->header.created_ns };
	struct lm_missing *moved;

	lm_segment_name(before + 1, name);
	if (file->number == before + 2)
		missing.finding = lm_verify_tell_frames(v, verdict, &place,
			"segment %" PRIu32 " is not there", before + 1);
	else
		missing.finding = lm_verify_tell_frames(v, verdict, &place,
			"segments %" PRIu32 " to %" PRIu32 " are not there", before + 1,
			file->number - 1);
	v->whole = false;
	v->key_known = false;
	if (file->status < 0 || missing.first > missing.last)
		return 0;
	moved = reallocarray(v->missing, v->missing_count + 1, sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	v->missing = moved;
	v->missing[v->missing_count++] = missing;
	v->missing_capacity = v->missing_count;
	return 0;
}

/* With what number do its frames begin? */
static void choose_first(struct lm_verify *v, struct lm_verify_segment *segment)
{
	const struct lm_segment_file *file = segment->file;
	struct lm_place place = { segment->name, file->number, v->next_sequence, v->next_sequence,
		0, file->header_bytes, v->last_ns, file->header.created_ns };

	segment->first_sequence = file->status == 0 ? file->header.first_sequence :
						      v->next_sequence;
	if (file->status == 0 && (segment->first_sequence < v->next_sequence ||
		(v->whole && segment->first_sequence != v->next_sequence))) {
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"the header says that its first frame has number %" PRIu64,
			segment->first_sequence);
		segment->first_sequence = v->next_sequence;
	}
}

/* The note of an end frame says which number that frame has. */
static void limit_by_note(struct lm_verify_segment *segment, const struct lm_checkpoint *checkpoint)
{
	uint32_t number = segment->file->number;

	if (checkpoint->state != LM_CHECKPOINT_OPEN && checkpoint->segment == number &&
		checkpoint->size >= number + segment->first_sequence - 1 &&
		checkpoint->size + 1 - number < segment->limit)
		segment->limit = checkpoint->size + 1 - number;
}

/* No frame has a number above what the next header, or the note in the end frame, says. */
static int choose_limit(struct lm_verify *v, struct lm_verify_segment *segment,
	const struct lm_segment_file *next)
{
	const struct lm_found *last = segment->found_count ?
		&segment->found[segment->found_count - 1] : NULL;
	struct lm_checkpoint checkpoint;
	struct lm_note note;
	struct lm_end end;
	int r;

	segment->limit = UINT64_MAX;
	for (size_t i = 0; i < v->outside_count; i++)
		if (v->outside[i].usable)
			limit_by_note(segment, &v->outside[i].checkpoint);
	if (next && next->status == 0 && next->number == segment->file->number + 1 &&
		next->header.first_sequence > segment->first_sequence)
		segment->limit = next->header.first_sequence - 1;
	if (!last || (last->type != LM_FRAME_END && last->type != LM_FRAME_SEGMENT_END) ||
		last->bytes == LM_FRAME_HEADER_BYTES)
		return 0;
	r = lm_verify_payload(v, segment, last);
	if (r < 0 || lm_end_decode(v->raw.data, v->raw.len, &end) < 0 ||
		lm_checkpoint_parse(end.note, &checkpoint, &note) < 0)
		return r;
	limit_by_note(segment, &checkpoint);
	return 0;
}

static int check_segment(struct lm_verify *v, const struct lm_segment_file *file)
{
	LM_CLEANUP(release_segment) struct lm_verify_segment segment = { .fd = -1 };
	const struct lm_segment_file *next = following(v, file);
	const struct lm_found *last;
	int r = open_segment(v, file, &segment);

	if (r < 0)
		return r;
	segment.last = !next;
	choose_first(v, &segment);
	r = lm_verify_walk(v, &segment);
	if (r == 0)
		r = choose_limit(v, &segment, next);
	if (r == 0)
		r = lm_verify_rows(v, &segment);
	if (r == 0)
		r = lm_verify_order(v, &segment);
	if (r == 0 && v->report.sealed)
		r = lm_verify_notes(v, &segment);
	if (r == 0)
		r = lm_verify_unread(v, &segment);
	if (r < 0)
		return lm_diag_errno(v->diag, r, "cannot verify %s", segment.name);
	last = segment.placed_count ? segment.placed[segment.placed_count - 1] : NULL;
	v->report.segments++;
	v->whole = last && last->type == LM_FRAME_SEGMENT_END;
	v->log_ended = last && last->type == LM_FRAME_END;
	v->leaves = lm_seal_header_index(file->number, segment.first_sequence) + 1;
	if (last)
		v->leaves = lm_seal_frame_index(file->number, last->sequence) + 1;
	/* An end that is still there, if not whole, was not cut off. */
	if (segment.last && segment.tail_bytes && segment.limit != UINT64_MAX)
		v->leaves = lm_seal_frame_index(file->number, segment.limit) + 1;
	return 0;
}

static int check_segments(struct lm_verify *v)
{
	uint32_t before = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->file_count; i++) {
		const struct lm_segment_file *file = &v->files[i];

		if (file->skipped)
			continue;
		if (i > 0 && !v->whole && !v->log_ended && is_prepared(v, file))
			break;
		if (v->log_ended)
			lm_verify_tell(v, LM_VERDICT_ALTERED,
				&(struct lm_place){ .file = "", .segment = file->number },
				"segments stand behind the end mark of the log");
		if (file->number != before + 1)
			r = tell_hole(v, file, before);
		if (r == 0)
			r = file->deleted ? lm_verify_deleted(v, file) : check_segment(v, file);
		before = file->number;
	}
	return r;
}

/* Is it sealed? Then its first frame is a key frame, and there is a file `key`. */
static int find_seal(struct lm_verify *v)
{
	uint8_t data[LM_FRAME_HEADER_BYTES];
	struct lm_frame_header header;

	v->report.sealed = v->has_anchor || v->has_key_file || v->has_checkpoint_file;
	for (size_t i = 0; i < v->file_count && !v->report.sealed; i++) {
		const struct lm_segment_file *file = &v->files[i];
		LM_CLOSE int fd = -1;

		if (file->status < 0 || file->skipped)
			continue;
		fd = lm_file_open_segment(v->dir_fd, file->named);
		v->report.sealed = file->deleted || (fd >= 0 &&
			lm_file_read(fd, data, sizeof(data), file->header_bytes) ==
				(int64_t)sizeof(data) &&
			lm_frame_header_is_sound(data) &&
			lm_frame_header_decode(data, &header) == 0 &&
			header.type == LM_FRAME_KEY);
	}
	return 0;
}

/* The end of the log, and files that must be there. */
static void tell_ends(struct lm_verify *v)
{
	struct lm_verify_report *report = &v->report;
	char name[LM_SEGMENT_NAME_BYTES];
	const struct lm_segment_file *last = NULL;

	for (size_t i = 0; i < v->file_count; i++)
		if (!v->files[i].skipped)
			last = &v->files[i];
	if (v->log_ended)
		report->state = LM_VERIFY_ENDED;
	if (v->whole && last && report->state != LM_VERIFY_LIVE) {
		lm_segment_name(last->number + 1, name);
		lm_verify_tell_frames(v, LM_VERDICT_CUT_END,
			&(struct lm_place){ name, last->number + 1, v->next_sequence, 0, 0, 0,
				v->last_ns, 0 },
			"the log goes on in segment %" PRIu32 ", which is not there",
			last->number + 1);
	}
	if (report->sealed && v->key_frames == 0 && report->sound)
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY,
			&(struct lm_place){ .file = LM_LOG_KEY_NAME },
			"there is a key, and nothing in the log is sealed with it");
	if (report->sealed && !v->has_key_file && v->checkpoint_frames > 0)
		lm_verify_tell(v, LM_VERDICT_ALTERED, &(struct lm_place){ .file = LM_LOG_KEY_NAME },
			"the file is not there, though the log is sealed");
	if (report->sealed && !v->has_checkpoint_file && v->checkpoint_frames > 0)
		lm_verify_tell(v, LM_VERDICT_CUT_END,
			&(struct lm_place){ .file = LM_LOG_CHECKPOINT_NAME },
			"the file is not there: nothing says how far the log went");
}

int lm_verify_keep_root(struct lm_verify *v, const struct lm_digest *root)
{
	struct lm_digest *moved = reallocarray(
		v->report.roots, v->report.root_count + 1, sizeof(*moved));

	if (!moved)
		return -ENOMEM;
	v->report.roots = moved;
	moved[v->report.root_count++] = *root;
	return 0;
}

static int verify(struct lm_verify *v, const char *path)
{
	int r = open_log(v, path);

	if (r < 0)
		return r;
	r = find_seal(v);
	lm_verify_names(v);
	v->report.sound = v->report.count == 0;
	for (size_t i = 0; i < v->report.count; i++)
		v->report.sound &= v->report.findings[i].verdict == LM_VERDICT_NOTE;
	v->next_sequence = v->next_event = 1;
	v->tree_known = true;
	v->key = v->anchor;
	v->key_known = v->has_anchor;
	v->whole = true;
	if (r == 0)
		r = check_segments(v);
	if (r == 0)
		r = lm_verify_settle(v);
	if (r < 0)
		return lm_diag_errno(v->diag, r, "cannot verify the log %s", path);
	tell_ends(v);
	lm_verify_judge_deleted(v);
	lm_verify_judge_host(v);
	lm_verify_judge_outside(v, v->leaves);
	if (v->unfit && v->report.sound && v->report.signed_leaves < v->sure_signed)
		lm_verify_tell(v, LM_VERDICT_ALTERED,
			&(struct lm_place){ .file = "", .begin_ns = v->report.signed_boot_ns,
				.first_frame = v->signed_frame + 1,
				.last_frame = v->next_sequence - 1 },
			"a checkpoint does not fit the frames");
	v->report.leaves = v->leaves;
	memcpy(v->report.log_id, v->log_id, sizeof(v->report.log_id));
	v->report.has_first_key = v->has_anchor;
	v->report.first_key = v->anchor;
	if (v->next_sequence > v->signed_frame + 1)
		v->report.unsigned_frames = v->next_sequence - 1 - v->signed_frame;
	return 0;
}

int lm_verify(const char *path, const struct lm_verify_options *options,
	struct lm_verify_report *ret_report, struct lm_diag *diag)
{
	LM_CLEANUP(release) struct lm_verify v = {
		.options = options,
		.diag = diag,
		.dir_fd = -1,
		.report = { .sound = true },
	};
	int r = verify(&v, path);

	if (r < 0)
		return r;
	*ret_report = v.report;
	v.report = (struct lm_verify_report){ 0 };
	return 0;
}
