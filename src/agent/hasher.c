/* SPDX-License-Identifier: MIT */
#include "hasher.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "lemona/base/thread.h"
#include "lemona/base/time.h"
#include "lemona/crypto/hash.h"
#include "open_code.h"

#define WAITING_MAX 1024u
#define RESULTS_MAX 4096u
/* The thread leaves room for all that can be given up at the end. */
#define RESULTS_FULL (RESULTS_MAX - WAITING_MAX - 1)
#define KNOWN_MAX 65536u
#define CHUNK_BYTES (128u << 10)
#define FILE_MAX_BYTES (UINT64_C(1) << 30)
#define AGAIN_NS LM_NS_PER_SEC
/* A change time is that of the last tick: two changes within one cannot be told apart. */
#define TICK_NS (20 * LM_NS_PER_MS)
#define TRIES 3
/* Bytes a second, so that a burst of new programs does not take a CPU for itself. */
#define RATE_BYTES (UINT64_C(256) << 20)
#define RATE_FOUND_BYTES (UINT64_C(32) << 20)
#define STOP_NS (2 * LM_NS_PER_SEC)

struct request {
	struct request *next;
	struct lm_code code;
	uint64_t due_ns;
	char path[]; /* empty: none */
};

struct queue {
	struct request *first, **end;
};

/*
 * What has been told of a file, so that it is told again only when it has changed. An entry stays
 * where it is as long as any request waits or is served.
 */
struct known {
	uint64_t asked_ns;
	bool waiting;

	/* The thread's own. */
	uint64_t size;
	int64_t changed_wall_ns;
	uint8_t state; /* enum lm_content_state; 0: nothing yet */
};

struct hasher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	struct queue ready, again, found; /* in this order */
	uint32_t waiting;                 /* in all three */
	uint32_t urgent;                  /* in the first two, or being read */
	struct lm_map files;              /* object -> index of known */
	struct known *known;
	uint32_t known_count;
	struct lm_content *results;
	uint32_t result_first, result_count;
	lm_object_id reading;             /* 0: nothing */
	bool stop, finishing;

	/* The thread's own. */
	struct lm_sha256 *hash;
	uint8_t *chunk;
};

static void push(struct queue *queue, struct request *request)
{
	request->next = NULL;
	*queue->end = request;
	queue->end = &request->next;
}

static struct request *pop(struct queue *queue)
{
	struct request *request = queue->first;

	if (request) {
		queue->first = request->next;
		if (!queue->first)
			queue->end = &queue->first;
	}
	return request;
}

static void free_queue(struct queue *queue)
{
	struct request *request;

	while ((request = pop(queue)))
		free(request);
}

static void init_queue(struct queue *queue)
{
	queue->first = NULL;
	queue->end = &queue->first;
}

static struct known *known_of(struct hasher *h, lm_object_id file)
{
	const uint64_t *index = lm_map_get(&h->files, file);

	return index ? &h->known[*index] : NULL;
}

/* Where there are too many, all is forgotten: files are then read, and told, once more. */
static struct known *add_known(struct hasher *h, lm_object_id file)
{
	if (h->known_count == KNOWN_MAX && !h->waiting) {
		lm_map_release(&h->files);
		h->files = (struct lm_map)LM_MAP_INIT;
		h->known_count = 0;
	}
	if (h->known_count == KNOWN_MAX || lm_map_put(&h->files, file, h->known_count) < 0)
		return NULL;
	h->known[h->known_count] = (struct known){ 0 };
	return &h->known[h->known_count++];
}

int hasher_ask(struct hasher *h, const struct lm_code *code)
{
	struct request *request = NULL;
	uint64_t now_ns = lm_time_boot_ns();
	struct known *known;
	int r = -ENOBUFS;

	pthread_mutex_lock(&h->lock);
	known = known_of(h, code->file);
	if (!known && h->waiting < WAITING_MAX)
		known = add_known(h, code->file);
	if (known && known->waiting) {
		r = 0; /* it will be looked at after this moment */
	} else if (known && h->waiting < WAITING_MAX && !h->finishing) {
		request = calloc(1, sizeof(*request) + code->path.len + 1);
		r = request ? 0 : -ENOMEM;
	}
	if (request) {
		request->code = *code;
		if (code->path.len)
			memcpy(request->path, code->path.data, code->path.len);
		request->due_ns = now_ns + AGAIN_NS;
		push(code->found ? &h->found :
			known->asked_ns && now_ns - known->asked_ns < AGAIN_NS ? &h->again :
			&h->ready, request);
		known->asked_ns = now_ns;
		known->waiting = true;
		h->waiting++;
		h->urgent += !code->found;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->lock);
	return r;
}

bool hasher_take(struct hasher *h, struct lm_content *ret_content)
{
	bool some;

	pthread_mutex_lock(&h->lock);
	some = h->result_count > 0;
	if (some) {
		*ret_content = h->results[h->result_first];
		h->result_first = (h->result_first + 1) % RESULTS_MAX;
		if (h->result_count-- == RESULTS_FULL)
			pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->lock);
	return some;
}

static int64_t changed_wall_ns(const struct stat *st)
{
	return (int64_t)st->st_ctim.tv_sec * (int64_t)LM_NS_PER_SEC + st->st_ctim.tv_nsec;
}

/* The change time on the log's clock. Before the boot is 0. */
static uint64_t changed_ns_of(const struct stat *st)
{
	int64_t ns = changed_wall_ns(st) - lm_time_wall_minus_boot_ns();

	return ns < 0 ? 0 : (uint64_t)ns;
}

static bool is_same_state(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && changed_wall_ns(a) == changed_wall_ns(b);
}

static bool is_stopped(struct hasher *h)
{
	return __atomic_load_n(&h->stop, __ATOMIC_RELAXED);
}

static int read_all(struct hasher *h, int fd, bool found, uint8_t *ret_sha256)
{
	uint64_t rate = found ? RATE_FOUND_BYTES : RATE_BYTES, at = 0;
	int r = lm_sha256_begin(h->hash);

	while (r == 0 && at <= FILE_MAX_BYTES && !is_stopped(h)) {
		ssize_t n = pread(fd, h->chunk, CHUNK_BYTES, (off_t)at);

		if (n <= 0)
			return n < 0 ? -errno : lm_sha256_end(h->hash, ret_sha256);
		r = lm_sha256_add(h->hash, h->chunk, (size_t)n);
		at += (uint64_t)n;
		if (!__atomic_load_n(&h->finishing, __ATOMIC_RELAXED))
			lm_time_pause((uint64_t)n * LM_NS_PER_SEC / rate);
	}
	return r < 0 ? r : -EFBIG;
}

/* A content is one that did not change while it was read. */
static void read_content(struct hasher *h, int fd, bool found, struct lm_content *content,
	int64_t *ret_changed_wall_ns)
{
	struct stat before, after;

	for (int i = 0; i < TRIES; i++) {
		int r;

		if (fstat(fd, &before) < 0)
			break;
		content->size = (uint64_t)before.st_size;
		content->changed_ns = changed_ns_of(&before);
		*ret_changed_wall_ns = changed_wall_ns(&before);
		if (content->size > FILE_MAX_BYTES) {
			content->state = LM_CONTENT_LARGE;
			return;
		}
		if (lm_time_boot_ns() - content->changed_ns < TICK_NS)
			lm_time_pause(TICK_NS);
		r = read_all(h, fd, found, content->sha256);
		content->state = r < 0 ? LM_CONTENT_FAILED : LM_CONTENT_HASHED;
		if (r < 0)
			return;
		if (fstat(fd, &after) == 0 && is_same_state(&before, &after))
			return;
		content->state = LM_CONTENT_CHANGING;
	}
	memset(content->sha256, 0, sizeof(content->sha256));
}

static bool is_known_content(const struct known *known, int fd)
{
	struct stat st;

	return known->state == LM_CONTENT_HASHED && fstat(fd, &st) == 0 &&
		known->size == (uint64_t)st.st_size &&
		known->changed_wall_ns == changed_wall_ns(&st);
}

/* @return whether there is anything to tell that has not been told */
static bool look(struct hasher *h, const struct request *request, struct known *known,
	struct lm_content *content)
{
	uint8_t told = known->state;
	int fd LM_CLOSE = open_code(request->code.tgid, request->code.parent_tgid,
		request->path[0] ? request->path : NULL, &request->code.inode);

	content->state = LM_CONTENT_GONE;
	if (fd >= 0 && is_known_content(known, fd))
		return false;
	if (fd >= 0)
		read_content(h, fd, request->code.found, content, &known->changed_wall_ns);
	content->time_ns = lm_time_boot_ns();
	known->state = content->state;
	known->size = content->size;
	return content->state == LM_CONTENT_HASHED || content->state != told;
}

static void put_result(struct hasher *h, const struct lm_content *content)
{
	/* One request, one result, and no more of them than can wait. */
	if (h->result_count < RESULTS_MAX)
		h->results[(h->result_first + h->result_count++) % RESULTS_MAX] = *content;
}

static struct request *next_request(struct hasher *h)
{
	struct request *request;

	if (h->result_count >= RESULTS_FULL)
		return NULL;
	request = pop(&h->ready);
	if (!request && h->again.first &&
		(h->finishing || h->again.first->due_ns <= lm_time_boot_ns()))
		request = pop(&h->again);
	if (!request && !h->finishing)
		request = pop(&h->found);
	return request;
}

static void wait_for_request(struct hasher *h)
{
	struct timespec until;

	if (!h->again.first) {
		pthread_cond_wait(&h->wake, &h->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_cond_timedwait(&h->wake, &h->lock, &until);
}

static void serve(struct hasher *h, struct request *request)
{
	struct lm_content content = { .file = request->code.file };
	struct known *known = known_of(h, request->code.file);
	bool news;

	known->waiting = false;
	h->reading = content.file;
	pthread_mutex_unlock(&h->lock);
	news = look(h, request, known, &content);
	pthread_mutex_lock(&h->lock);
	if (news && !h->stop)
		put_result(h, &content);
	h->reading = LM_OBJECT_NONE;
	h->waiting--;
	h->urgent -= !request->code.found;
	free(request);
	if (!h->urgent)
		pthread_cond_signal(&h->idle);
}

#define IOPRIO_WHO_PROCESS 1 /* include/uapi/linux/ioprio.h */
#define IOPRIO_CLASS_IDLE (3 << 13)

static void *run(void *data)
{
	const struct sched_param none = { 0 };
	struct hasher *h = data;
	struct request *request;

	/* Where it is refused, it only competes a little more. */
	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE);
	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		request = next_request(h);
		if (request)
			serve(h, request);
		else
			wait_for_request(h);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static void free_all(struct hasher *h)
{
	free_queue(&h->ready);
	free_queue(&h->again);
	free_queue(&h->found);
	lm_map_release(&h->files);
	free(h->known);
	free(h->results);
	free(h->chunk);
	lm_sha256_free(h->hash);
	pthread_cond_destroy(&h->wake);
	pthread_cond_destroy(&h->idle);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

int hasher_new(struct hasher **ret_hasher)
{
	struct hasher *h = calloc(1, sizeof(*h));
	pthread_condattr_t attributes;
	int r;

	if (!h)
		return -ENOMEM;
	init_queue(&h->ready);
	init_queue(&h->again);
	init_queue(&h->found);
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attributes);
	pthread_cond_init(&h->idle, &attributes);
	pthread_condattr_destroy(&attributes);
	h->known = calloc(KNOWN_MAX, sizeof(*h->known));
	h->results = calloc(RESULTS_MAX, sizeof(*h->results));
	h->chunk = malloc(CHUNK_BYTES);
	r = h->known && h->results && h->chunk ? lm_sha256_new(&h->hash) : -ENOMEM;
	if (r == 0)
		r = lm_thread_start(&h->thread, run, h);
	if (r < 0) {
		free_all(h);
		return r;
	}
	*ret_hasher = h;
	return 0;
}

static void add_ns(struct timespec *time, uint64_t ns)
{
	ns += (uint64_t)time->tv_nsec;
	time->tv_sec += (time_t)(ns / LM_NS_PER_SEC);
	time->tv_nsec = (long)(ns % LM_NS_PER_SEC);
}

static void tell_late(struct hasher *h, lm_object_id file)
{
	const struct lm_content content = {
		.file = file, .state = LM_CONTENT_LATE, .time_ns = lm_time_boot_ns(),
	};

	put_result(h, &content);
}

static void give_up(struct hasher *h, struct queue *queue)
{
	struct request *request;

	while ((request = pop(queue))) {
		tell_late(h, request->code.file);
		free(request);
		h->waiting--;
	}
}

void hasher_finish(struct hasher *h, uint64_t limit_ns)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	add_ns(&until, limit_ns);
	pthread_mutex_lock(&h->lock);
	h->finishing = true;
	pthread_cond_signal(&h->wake);
	while (h->urgent && r == 0)
		r = pthread_cond_timedwait(&h->idle, &h->lock, &until);
	h->stop = true;
	if (h->reading)
		tell_late(h, h->reading);
	give_up(h, &h->ready);
	give_up(h, &h->again);
	give_up(h, &h->found);
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

struct hasher *hasher_free(struct hasher *h)
{
	struct timespec until;

	if (!h)
		return NULL;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	add_ns(&until, STOP_NS);
	/*
	 * A file system that does not answer can hold a read for ever: the thread, and what it
	 * uses, then end with the process.
	 */
	if (pthread_timedjoin_np(h->thread, NULL, &until) == 0)
		free_all(h);
	return NULL;
}
