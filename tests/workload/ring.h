/* SPDX-License-Identifier: MIT */
#pragma once

#include "want.h"

#include <linux/io_uring.h>
#include <stdbool.h>
#include <sys/mman.h>

/* A ring of io_uring, without a library: what a program hands in is what the test wrote. */
struct ring {
	int fd;
	struct io_uring_params params;
	char *rings;
	struct io_uring_sqe *entries;
	unsigned int added; /* not submitted yet */
};

static inline uint32_t *ring_word(struct ring *ring, uint32_t offset)
{
	return (uint32_t *)(ring->rings + offset);
}

/* @param params  flags and sizes as asked for; the rest is the kernel's answer */
static inline void ring_init(struct ring *ring, unsigned int entries,
	const struct io_uring_params *params)
{
	size_t bytes;

	*ring = (struct ring){ .params = *params };
	ring->fd = (int)syscall(SYS_io_uring_setup, entries, &ring->params);
	MUST(ring->fd >= 0 && ring->params.features & IORING_FEAT_SINGLE_MMAP);
	bytes = ring->params.cq_off.cqes +
		ring->params.cq_entries * sizeof(struct io_uring_cqe) +
		ring->params.sq_entries * sizeof(uint32_t);
	ring->rings = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
		IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, ring->params.sq_entries * sizeof(struct io_uring_sqe),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	MUST(ring->rings != MAP_FAILED && (void *)ring->entries != MAP_FAILED);
}

static inline void ring_add(struct ring *ring, const struct io_uring_sqe *sqe)
{
	uint32_t *tail = ring_word(ring, ring->params.sq_off.tail);
	uint32_t slot = *tail & *ring_word(ring, ring->params.sq_off.ring_mask);

	ring->entries[slot] = *sqe;
	ring_word(ring, ring->params.sq_off.array)[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	ring->added++;
}

/* Hand in what was added, and wait until so many results are there. */
static inline void ring_enter(struct ring *ring, unsigned int results)
{
	unsigned int flags = results ? IORING_ENTER_GETEVENTS : 0;

	if (ring->params.flags & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	MUST(syscall(SYS_io_uring_enter, ring->fd, ring->added, results, flags, NULL, 0) >= 0);
	ring->added = 0;
}

static inline bool ring_take(struct ring *ring, struct io_uring_cqe *ret_cqe)
{
	uint32_t *head = ring_word(ring, ring->params.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(ring->rings + ring->params.cq_off.cqes);

	if (*head == __atomic_load_n(ring_word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE))
		return false;
	*ret_cqe = cqes[*head & *ring_word(ring, ring->params.cq_off.ring_mask)];
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return true;
}

/* The next result, which must be this request's. */
static inline struct io_uring_cqe ring_wait(struct ring *ring, uint64_t user_data)
{
	struct io_uring_cqe cqe;

	while (!ring_take(ring, &cqe))
		ring_enter(ring, 1);
	MUST(cqe.user_data == user_data);
	return cqe;
}

/* One request and its result, remembered for the next WANT() as `name`. */
static inline long ring_call(struct ring *ring, const char *name, struct io_uring_sqe sqe)
{
	static uint64_t number;

	sqe.user_data = ++number;
	ring_add(ring, &sqe);
	ring_enter(ring, 1);
	errno = 0;
	return want_called(name, ring_wait(ring, number).res);
}

/* A request that must succeed, or fail with that errno. */
#define RING_OK(ring, name, ...)                                                             \
	want_ok(ring_call(ring, "io_uring:" name, (struct io_uring_sqe){ __VA_ARGS__ }), name, \
		__FILE__, __LINE__)
#define RING_FAIL(err, ring, name, ...)                                                          \
	want_fail(ring_call(ring, "io_uring:" name, (struct io_uring_sqe){ __VA_ARGS__ }), err, \
		name, __FILE__, __LINE__)
