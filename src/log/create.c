/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "seal.h"
#include "sync.h"
#include "writer_internal.h"

#define SEGMENT_BYTES_DEFAULT (64u << 20)
#define COMPRESSION_DEFAULT   1

static int check_empty(int dir_fd)
{
	LM_CLEANUP(lm_file_list_close) DIR *dir = lm_file_list(dir_fd);
	const struct dirent *entry;

	if (!dir)
		return -errno;
	errno = 0;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return -EEXIST;
	return -errno;
}

int lm_log_open_directory(const char *path, int *ret_fd, bool *ret_made, struct lm_diag *diag)
{
	LM_CLOSE int fd = -1;
	bool made = mkdir(path, 0700) == 0;
	int r;

	if (!made && errno != EEXIST)
		return lm_diag_errno(diag, -errno, "cannot make the log directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		r = errno == ENOTDIR ? -EEXIST : -errno;
		return lm_diag_errno(diag, r, "cannot use %s as a log directory", path);
	}
	if (!made) {
		r = check_empty(fd);
		if (r == -EEXIST)
			return lm_diag_set(diag, r,
				"%s already holds something: give the name of a new directory",
				path);
		if (r < 0)
			return lm_diag_errno(diag, r, "cannot read the directory %s", path);
		if (fchmod(fd, 0700) < 0)
			return lm_diag_errno(diag, -errno, "cannot protect the directory %s", path);
	}
	*ret_fd = lm_take_fd(fd);
	*ret_made = made;
	return 0;
}

int lm_log_take_lock(int dir_fd, int *ret_fd)
{
	LM_CLOSE int fd = openat(dir_fd, LM_LOG_LOCK_NAME,
		O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	*ret_fd = lm_take_fd(fd);
	return 0;
}

static int start_compressor(struct lm_log_writer *writer, int level)
{
	writer->compressor = ZSTD_createCCtx();
	if (!writer->compressor || ZSTD_isError(ZSTD_CCtx_setParameter(writer->compressor,
					   ZSTD_c_compressionLevel, level)))
		return -ENOMEM;
	return 0;
}

static int choose_identity(const uint8_t *given, uint8_t log_id[LM_LOG_ID_BYTES])
{
	if (given)
		memcpy(log_id, given, LM_LOG_ID_BYTES);
	else if (getrandom(log_id, LM_LOG_ID_BYTES, 0) != LM_LOG_ID_BYTES)
		return -EIO;
	return 0;
}

static int make_writer(const struct lm_log_meta *meta, const struct lm_log_options *options,
	struct lm_log_writer **ret_writer)
{
	static const struct lm_log_options defaults = { 0 };
	struct lm_log_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return -ENOMEM;
	if (!options)
		options = &defaults;
	writer->dir_fd = writer->lock_fd = -1;
	writer->segment = writer->next_segment = (struct lm_segment)LM_SEGMENT_INIT;
	writer->segment_bytes = options->segment_bytes ? options->segment_bytes :
		SEGMENT_BYTES_DEFAULT;
	writer->since_1970 = options->since_1970;
	writer->keep_bytes = options->keep_bytes;
	writer->keep_ns = options->keep_ns;
	writer->checkpoint_ns = options->checkpoint_ns ? options->checkpoint_ns : LM_NS_PER_SEC;
	writer->next_sequence = writer->next_event = 1;
	writer->first_segment = 1;
	writer->first_event = 1;
	writer->header.meta = *meta;
	writer->header.number = 1;
	r = choose_identity(options->log_id, writer->header.log_id);
	if (r == 0)
		r = start_compressor(writer,
			options->compression ? options->compression : COMPRESSION_DEFAULT);
	if (r == 0)
		r = lm_batch_new(&writer->batch);
	if (r == 0)
		r = lm_batch_new(&writer->repair);
	if (r == 0 && options->signer)
		r = lm_sealer_new(options->signer, options->since_1970, &writer->sealer);
	if (r < 0) {
		lm_log_abandon(writer);
		return r;
	}
	*ret_writer = writer;
	return 0;
}

static int make_first_segment(struct lm_log_writer *writer)
{
	struct lm_segment_header *header = &writer->header;

	header->first_sequence = writer->next_sequence;
	header->first_event = writer->next_event;
	header->created_ns = lm_writer_now_ns(writer);
	header->wall_minus_boot_ns = lm_writer_offset_ns(writer);
	return lm_segment_create(writer->dir_fd, header, &writer->segment);
}

int lm_log_write_key(const struct lm_log_writer *writer)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	int r = lm_verifier_key_encode(
		writer->header.log_id, writer->sealer->signer->first_key, &text);

	if (r < 0)
		return r;
	lm_buffer_append_byte(&text, '\n');
	if (lm_buffer_status(&text) < 0)
		return -ENOMEM;
	return lm_sync_replace(writer->dir_fd, LM_LOG_KEY_NAME, text.data, text.len);
}

static int seal_new_log(struct lm_log_writer *writer)
{
	int r;

	if (!writer->sealer)
		return writer->keep_bytes || writer->keep_ns ? -EINVAL : 0;
	r = lm_log_write_key(writer);
	if (r == 0)
		r = lm_writer_begin_seal(writer);
	if (r == 0)
		r = writer->sealer->stopped;
	if (r == 0)
		r = lm_syncer_new(writer->dir_fd, writer->header.number, &writer->syncer);
	if (r == 0)
		r = lm_writer_first_checkpoint(writer);
	if (r == 0)
		r = lm_syncer_wait(writer->syncer);
	if (r == 0 && (writer->keep_bytes || writer->keep_ns))
		r = lm_retainer_new(writer->dir_fd, &writer->retainer);
	return r;
}

/* From here on a power cut leaves a log that opens. */
static int sync_new_log(const struct lm_log_writer *writer, const char *path)
{
	int r = lm_sync_segment(writer->dir_fd, writer->header.number);

	if (r == 0)
		r = lm_sync_directory(writer->dir_fd);
	return r < 0 ? r : lm_sync_parent(path);
}

int lm_log_create(const char *path, const struct lm_log_meta *meta,
	const struct lm_log_options *options, struct lm_log_writer **ret_writer,
	struct lm_diag *diag)
{
	struct lm_log_writer *writer = NULL;
	bool made = false;
	int r;

	r = make_writer(meta, options, &writer);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot start a log");
	r = lm_log_open_directory(path, &writer->dir_fd, &made, diag);
	if (r < 0) {
		lm_log_abandon(writer);
		return r;
	}
	writer->made = made;
	writer->path = realpath(path, NULL);
	r = writer->path ? lm_log_take_lock(writer->dir_fd, &writer->lock_fd) : -errno;
	if (r == 0)
		r = make_first_segment(writer);
	if (r == 0)
		r = seal_new_log(writer);
	if (r == 0)
		r = sync_new_log(writer, path);
	if (r < 0) {
		lm_log_discard(writer, path);
		return lm_diag_errno(diag, r, "cannot start a log in %s", path);
	}
	*ret_writer = writer;
	return 0;
}

static void remove_files(const struct lm_log_writer *writer)
{
	char name[LM_SEGMENT_NAME_BYTES];

	for (uint32_t number = 1; number <= writer->header.number; number++) {
		lm_segment_name(number, name);
		unlinkat(writer->dir_fd, name, 0);
	}
	unlinkat(writer->dir_fd, LM_LOG_CHECKPOINT_NAME, 0);
	unlinkat(writer->dir_fd, LM_LOG_KEY_NAME, 0);
	unlinkat(writer->dir_fd, LM_LOG_LOCK_NAME, 0);
}

struct lm_log_writer *lm_log_discard(struct lm_log_writer *writer, const char *path)
{
	if (!writer)
		return NULL;
	writer->retainer = lm_retainer_free(writer->retainer);
	lm_syncer_free(writer->syncer, false);
	writer->syncer = NULL;
	/* Without the lock the files are another writer's, who was quicker. */
	if (writer->lock_fd >= 0)
		remove_files(writer);
	if (writer->made)
		rmdir(path);
	return lm_log_abandon(writer);
}
