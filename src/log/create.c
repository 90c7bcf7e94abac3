/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "sync.h"
#include "writer_internal.h"

#define SEGMENT_BYTES_DEFAULT (64u << 20)
#define COMPRESSION_DEFAULT   1

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int check_empty(int dir_fd)
{
	LM_CLEANUP(close_dir) DIR *dir = NULL;
	LM_CLOSE int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;

	if (copy < 0)
		return -errno;
	dir = fdopendir(copy);
	if (!dir)
		return -errno;
	lm_take_fd(copy);
	errno = 0;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return -EEXIST;
	return -errno;
}

/* @param ret_made  whether the directory is new, and ours to remove */
static int open_directory(const char *path, int *ret_fd, bool *ret_made, struct lm_diag *diag)
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

static int take_lock(int dir_fd, int *ret_fd)
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

static int make_writer(const struct lm_log_meta *meta, const struct lm_log_options *options,
	struct lm_log_writer **ret_writer)
{
	struct lm_log_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	writer->dir_fd = writer->lock_fd = -1;
	writer->segment = (struct lm_segment)LM_SEGMENT_INIT;
	writer->segment_bytes = options && options->segment_bytes ? options->segment_bytes :
		SEGMENT_BYTES_DEFAULT;
	writer->next_sequence = writer->next_event = 1;
	writer->header.meta = *meta;
	writer->header.number = 1;
	writer->compressor = ZSTD_createCCtx();
	if (!writer->compressor ||
		ZSTD_isError(ZSTD_CCtx_setParameter(writer->compressor, ZSTD_c_compressionLevel,
			options && options->compression ? options->compression :
							  COMPRESSION_DEFAULT)) ||
		lm_batch_new(&writer->batch) < 0 ||
		lm_batch_new(&writer->repair) < 0) {
		lm_log_abandon(writer);
		return -ENOMEM;
	}
	*ret_writer = writer;
	return 0;
}

static int make_first_segment(struct lm_log_writer *writer)
{
	struct lm_segment_header *header = &writer->header;

	if (getrandom(header->log_id, sizeof(header->log_id), 0) != sizeof(header->log_id))
		return -EIO;
	header->first_sequence = writer->next_sequence;
	header->first_event = writer->next_event;
	header->created_ns = lm_time_boot_ns();
	header->wall_minus_boot_ns = lm_time_wall_minus_boot_ns();
	return lm_segment_create(writer->dir_fd, header, &writer->segment);
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
	r = open_directory(path, &writer->dir_fd, &made, diag);
	if (r < 0) {
		lm_log_abandon(writer);
		return r;
	}
	r = take_lock(writer->dir_fd, &writer->lock_fd);
	writer->made = made;
	if (r == 0)
		r = make_first_segment(writer);
	if (r == 0)
		r = sync_new_log(writer, path);
	if (r < 0) {
		lm_log_discard(writer, path);
		return lm_diag_errno(diag, r, "cannot start a log in %s", path);
	}
	*ret_writer = writer;
	return 0;
}

struct lm_log_writer *lm_log_discard(struct lm_log_writer *writer, const char *path)
{
	char name[LM_SEGMENT_NAME_BYTES];

	if (!writer)
		return NULL;
	/* Without the lock the files are another writer's, who was quicker. */
	for (uint32_t number = 1; writer->lock_fd >= 0 && number <= writer->header.number;
		number++) {
		lm_segment_name(number, name);
		unlinkat(writer->dir_fd, name, 0);
	}
	if (writer->lock_fd >= 0)
		unlinkat(writer->dir_fd, LM_LOG_LOCK_NAME, 0);
	if (writer->made)
		rmdir(path);
	return lm_log_abandon(writer);
}
