/* SPDX-License-Identifier: MIT */
#include "syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "format.h"
#include "lemona/base/buffer.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/thread.h"
#include "sync.h"

struct request {
	uint32_t segment; /* 0: none */
	uint64_t size;
	struct lm_buffer note;
};

struct lm_syncer {
	int dir_fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, served;
	struct request request; /* under the lock */
	uint64_t size;          /* likewise */
	bool stop, busy;        /* likewise */

	/* The thread's own, and lm_syncer_free()'s after it. */
	struct request current;
	uint32_t synced;        /* segments below this one are on the disk */
	int lost;               /* a sync failed: what is on the disk is not known any more */
	int failure;            /* of the last request; under the lock unless busy */
};

/*
 * A sync that failed cannot be tried again: the kernel counts those pages as written from then
 * on, and nothing can be said any more of what is on the disk. A segment that is not found may be
 * there later.
 */
static int sync_segments(struct lm_syncer *syncer, uint32_t last)
{
	bool news = syncer->synced != last;
	int r = syncer->lost;

	while (r == 0) {
		r = lm_sync_segment(syncer->dir_fd, syncer->synced);
		if (r < 0 || syncer->synced == last)
			break;
		syncer->synced++;
	}
	if (r == 0 && news)
		r = lm_sync_directory(syncer->dir_fd);
	if (r < 0 && r != -ENOENT)
		syncer->lost = r;
	return r;
}

static void serve(struct lm_syncer *syncer)
{
	int r = sync_segments(syncer, syncer->current.segment);

	if (r == 0)
		r = lm_sync_replace(syncer->dir_fd, LM_LOG_CHECKPOINT_NAME,
			syncer->current.note.data, syncer->current.note.len);
	syncer->failure = r;
}

static void *run(void *data)
{
	struct lm_syncer *syncer = data;

	pthread_mutex_lock(&syncer->lock);
	for (;;) {
		struct request served;

		while (syncer->request.segment == 0 && !syncer->stop)
			pthread_cond_wait(&syncer->wake, &syncer->lock);
		if (syncer->request.segment == 0)
			break;
		served = syncer->current; /* whose memory is used again */
		syncer->current = syncer->request;
		syncer->request = served;
		syncer->request.segment = 0;
		syncer->busy = true;
		pthread_mutex_unlock(&syncer->lock);
		serve(syncer);
		pthread_mutex_lock(&syncer->lock);
		syncer->busy = false;
		if (syncer->failure == 0)
			syncer->size = syncer->current.size;
		pthread_cond_broadcast(&syncer->served);
	}
	pthread_mutex_unlock(&syncer->lock);
	return NULL;
}

static void release(struct lm_syncer *syncer)
{
	if (syncer->dir_fd >= 0)
		close(syncer->dir_fd);
	lm_buffer_release(&syncer->request.note);
	lm_buffer_release(&syncer->current.note);
	pthread_cond_destroy(&syncer->wake);
	pthread_cond_destroy(&syncer->served);
	pthread_mutex_destroy(&syncer->lock);
	free(syncer);
}

int lm_syncer_new(int dir_fd, uint32_t segment, struct lm_syncer **ret_syncer)
{
	struct lm_syncer *syncer = calloc(1, sizeof(*syncer));
	int r;

	if (!syncer)
		return -ENOMEM;
	pthread_mutex_init(&syncer->lock, NULL);
	pthread_cond_init(&syncer->wake, NULL);
	pthread_cond_init(&syncer->served, NULL);
	syncer->synced = segment;
	syncer->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	r = syncer->dir_fd < 0 ? -errno :
		lm_thread_start(&syncer->thread, run, syncer);
	if (r < 0) {
		release(syncer);
		return r;
	}
	*ret_syncer = syncer;
	return 0;
}

void lm_syncer_ask(struct lm_syncer *syncer, uint32_t segment, uint64_t size, struct lm_str note)
{
	struct request *request;

	if (!syncer)
		return;
	request = &syncer->request;
	pthread_mutex_lock(&syncer->lock);
	lm_buffer_reset(&request->note);
	lm_buffer_append_str(&request->note, note);
	request->segment = lm_buffer_status(&request->note) < 0 ? 0 : segment;
	request->size = size;
	pthread_cond_signal(&syncer->wake);
	pthread_mutex_unlock(&syncer->lock);
}

int lm_syncer_wait(struct lm_syncer *syncer)
{
	int r;

	pthread_mutex_lock(&syncer->lock);
	while (syncer->request.segment != 0 || syncer->busy)
		pthread_cond_wait(&syncer->served, &syncer->lock);
	r = syncer->failure;
	pthread_mutex_unlock(&syncer->lock);
	return r;
}

uint64_t lm_syncer_size(struct lm_syncer *syncer)
{
	uint64_t size;

	if (!syncer)
		return 0;
	pthread_mutex_lock(&syncer->lock);
	size = syncer->size;
	pthread_mutex_unlock(&syncer->lock);
	return size;
}

int lm_syncer_free(struct lm_syncer *syncer, bool finish)
{
	int r;

	if (!syncer)
		return 0;
	pthread_mutex_lock(&syncer->lock);
	syncer->stop = true;
	if (!finish)
		syncer->request.segment = 0;
	pthread_cond_signal(&syncer->wake);
	pthread_mutex_unlock(&syncer->lock);
	pthread_join(syncer->thread, NULL);
	r = syncer->failure;
	release(syncer);
	return r;
}
