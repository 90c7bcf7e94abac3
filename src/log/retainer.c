/* SPDX-License-Identifier: MIT */
#include "retainer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/thread.h"
#include "rest.h"
#include "sync.h"

/* What fails (a full disk, mostly) is tried again. */
#define RETRY_SECONDS 1
#define START_BYTES   (LM_SEGMENT_HEADER_BYTES + LM_SEGMENT_META_MAX_BYTES + \
			LM_FRAME_HEADER_BYTES + LM_NOTE_MAX_BYTES)
#define END_MAX_BYTES (LM_FRAME_HEADER_BYTES + LM_NOTE_MAX_BYTES + LM_END_TAIL_BYTES)

struct lm_retainer {
	int dir_fd;
	pthread_t thread;
	struct lm_sha256 *hash;       /* the thread's */
	struct lm_digest last_rest;   /* likewise: of the .lmt file that was made last; 0 */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* All below under the lock. */
	struct lm_retained *segments;
	size_t count, capacity;
	bool stop;
};

/* The header and the key frame, as stored. */
static int append_start(int fd, struct lm_buffer *out)
{
	LM_FREE uint8_t *data = malloc(START_BYTES);
	struct lm_segment_header segment;
	struct lm_frame_header key;
	size_t bytes = 0;
	int64_t n;
	int r;

	if (!data)
		return -ENOMEM;
	n = lm_file_read(fd, data, START_BYTES, 0);
	if (n < 0)
		return (int)n;
	r = lm_segment_header_decode(data, (size_t)n, &segment, &bytes);
	if (r < 0 || (size_t)n < bytes + LM_FRAME_HEADER_BYTES)
		return -LM_E_DAMAGED;
	r = lm_frame_header_decode(data + bytes, &key);
	bytes += LM_FRAME_HEADER_BYTES;
	if (r < 0 || key.type != LM_FRAME_KEY || (size_t)n - bytes < key.stored_bytes)
		return -LM_E_DAMAGED;
	lm_buffer_append(out, data, bytes + key.stored_bytes);
	return lm_buffer_status(out);
}

static int append_end(int fd, const struct lm_retained *segment, struct lm_buffer *out)
{
	uint64_t len = segment->tombstone.bytes - segment->end_offset;
	uint8_t data[END_MAX_BYTES];
	int64_t n;

	if (len > sizeof(data))
		return -LM_E_DAMAGED;
	n = lm_file_read(fd, data, (size_t)len, segment->end_offset);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n < len)
		return -LM_E_DAMAGED;
	lm_buffer_append(out, data, (size_t)len);
	return lm_buffer_status(out);
}

/* What stays of a segment, on the disk and under its name. */
static int bury(struct lm_retainer *retainer, struct lm_retained *segment)
{
	LM_BUFFER struct lm_buffer start = LM_BUFFER_INIT, end = LM_BUFFER_INIT;
	LM_BUFFER struct lm_buffer rest = LM_BUFFER_INIT;
	char name[LM_SEGMENT_NAME_BYTES];
	LM_CLOSE int fd = -1;
	int r;

	lm_segment_name(segment->tombstone.segment, name);
	fd = openat(retainer->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = append_start(fd, &start);
	if (r == 0)
		r = append_end(fd, segment, &end);
	if (r < 0)
		return r;
	lm_rest_append(&rest, (struct lm_str){ (const char *)start.data, (uint32_t)start.len },
		(struct lm_str){ (const char *)end.data, (uint32_t)end.len }, &segment->tree,
		&retainer->last_rest);
	r = lm_buffer_status(&rest);
	if (r == 0)
		r = lm_seal_digest(retainer->hash, rest.data, rest.len, &segment->tombstone.rest);
	if (r < 0)
		return r;
	lm_deleted_name(segment->tombstone.segment, name);
	r = lm_sync_replace(retainer->dir_fd, name, rest.data, rest.len);
	if (r == 0)
		retainer->last_rest = segment->tombstone.rest;
	return r;
}

static int delete_segment(const struct lm_retainer *retainer, const struct lm_retained *segment)
{
	char name[LM_SEGMENT_NAME_BYTES];

	lm_segment_name(segment->tombstone.segment, name);
	return unlinkat(retainer->dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* A segment that waits for the thread. @return NULL: none does */
static struct lm_retained *find_work(struct lm_retainer *retainer)
{
	for (size_t i = 0; i < retainer->count; i++) {
		struct lm_retained *segment = &retainer->segments[i];

		if (segment->state == LM_RETAINED_DUE || segment->state == LM_RETAINED_COVERED)
			return segment;
		if (segment->state == LM_RETAINED_KEPT)
			break;
	}
	return NULL;
}

/* The list may move and shrink meanwhile, but not lose this one: only those that are gone leave. */
static struct lm_retained *find_again(struct lm_retainer *retainer, uint32_t number)
{
	for (size_t i = 0; i < retainer->count; i++)
		if (retainer->segments[i].tombstone.segment == number)
			return &retainer->segments[i];
	return NULL;
}

/* Called and left with the lock held. @return 0; -errno */
static int work(struct lm_retainer *retainer, const struct lm_retained *found)
{
	struct lm_retained segment = *found, *again;
	bool due = segment.state == LM_RETAINED_DUE;
	int r;

	pthread_mutex_unlock(&retainer->lock);
	r = due ? bury(retainer, &segment) : delete_segment(retainer, &segment);
	pthread_mutex_lock(&retainer->lock);
	again = find_again(retainer, segment.tombstone.segment);
	if (r < 0 || !again)
		return r;
	again->tombstone.rest = segment.tombstone.rest;
	again->state = due ? LM_RETAINED_MADE : LM_RETAINED_GONE;
	return 0;
}

static void wait_a_while(struct lm_retainer *retainer)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RETRY_SECONDS;
	while (!retainer->stop &&
		pthread_cond_timedwait(&retainer->wake, &retainer->lock, &until) == 0)
		;
}

static void *run(void *data)
{
	struct lm_retainer *retainer = data;

	pthread_mutex_lock(&retainer->lock);
	while (!retainer->stop) {
		const struct lm_retained *segment = find_work(retainer);

		if (!segment)
			pthread_cond_wait(&retainer->wake, &retainer->lock);
		else if (work(retainer, segment) < 0)
			wait_a_while(retainer);
	}
	pthread_mutex_unlock(&retainer->lock);
	return NULL;
}

static void release(struct lm_retainer *retainer)
{
	if (retainer->dir_fd >= 0)
		close(retainer->dir_fd);
	lm_sha256_free(retainer->hash);
	pthread_cond_destroy(&retainer->wake);
	pthread_mutex_destroy(&retainer->lock);
	free(retainer->segments);
	free(retainer);
}

static int start(struct lm_retainer *retainer, int dir_fd)
{
	int r = lm_sha256_new(&retainer->hash);

	if (r < 0)
		return r;
	retainer->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	if (retainer->dir_fd < 0)
		return -errno;
	return lm_thread_start(&retainer->thread, run, retainer);
}

int lm_retainer_new(int dir_fd, struct lm_retainer **ret_retainer)
{
	struct lm_retainer *retainer = calloc(1, sizeof(*retainer));
	pthread_condattr_t attributes;
	int r;

	if (!retainer)
		return -ENOMEM;
	retainer->dir_fd = -1;
	pthread_mutex_init(&retainer->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&retainer->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	r = start(retainer, dir_fd);
	if (r < 0) {
		release(retainer);
		return r;
	}
	*ret_retainer = retainer;
	return 0;
}

void lm_retainer_stop(struct lm_retainer *retainer)
{
	bool stopped;

	pthread_mutex_lock(&retainer->lock);
	stopped = retainer->stop;
	retainer->stop = true;
	pthread_cond_signal(&retainer->wake);
	pthread_mutex_unlock(&retainer->lock);
	if (!stopped)
		pthread_join(retainer->thread, NULL);
}

struct lm_retainer *lm_retainer_free(struct lm_retainer *retainer)
{
	if (!retainer)
		return NULL;
	lm_retainer_stop(retainer);
	release(retainer);
	return NULL;
}

static bool has_room(struct lm_retainer *retainer)
{
	size_t bigger = retainer->capacity ? retainer->capacity * 2 : 16;
	struct lm_retained *moved;

	if (retainer->count < retainer->capacity)
		return true;
	moved = reallocarray(retainer->segments, bigger, sizeof(*moved));
	if (!moved)
		return false;
	retainer->segments = moved;
	retainer->capacity = bigger;
	return true;
}

void lm_retainer_add(struct lm_retainer *retainer, const struct lm_retained *segment)
{
	const struct lm_retained *last;

	if (!retainer)
		return;
	pthread_mutex_lock(&retainer->lock);
	last = retainer->count ? &retainer->segments[retainer->count - 1] : NULL;
	/* Only the oldest goes: behind one that is not known nothing does. */
	if ((!last || last->tombstone.segment + 1 == segment->tombstone.segment) &&
		has_room(retainer))
		retainer->segments[retainer->count++] = *segment;
	pthread_mutex_unlock(&retainer->lock);
}

bool lm_retainer_get(struct lm_retainer *retainer, size_t place, struct lm_retained *ret_segment)
{
	bool there;

	pthread_mutex_lock(&retainer->lock);
	there = place < retainer->count;
	if (there)
		*ret_segment = retainer->segments[place];
	pthread_mutex_unlock(&retainer->lock);
	return there;
}

void lm_retainer_advance(struct lm_retainer *retainer, size_t place, enum lm_retained_state state,
	uint64_t leaf)
{
	pthread_mutex_lock(&retainer->lock);
	retainer->segments[place].state = state;
	retainer->segments[place].leaf = leaf;
	pthread_cond_signal(&retainer->wake);
	pthread_mutex_unlock(&retainer->lock);
}

void lm_retainer_drop(struct lm_retainer *retainer)
{
	pthread_mutex_lock(&retainer->lock);
	retainer->count--;
	memmove(retainer->segments, retainer->segments + 1,
		retainer->count * sizeof(retainer->segments[0]));
	pthread_mutex_unlock(&retainer->lock);
}
