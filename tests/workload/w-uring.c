/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/uio.h>

/* The same reads and writes, handed to the kernel through a ring instead of a call. */

struct ring {
	int fd;
	struct io_uring_params params;
	char *submit;
	struct io_uring_sqe *entries;
};

static char *map_ring(int fd, size_t bytes, off_t what)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);

	MUST(at != MAP_FAILED);
	return at;
}

static void ring_init(struct ring *ring)
{
	const struct io_sqring_offsets *off = &ring->params.sq_off;

	ring->fd = (int)syscall(SYS_io_uring_setup, 8, &ring->params);
	MUST(ring->fd >= 0 && ring->params.features & IORING_FEAT_SINGLE_MMAP);
	ring->submit = map_ring(ring->fd, off->array + ring->params.sq_entries * sizeof(uint32_t) +
		ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe),
		IORING_OFF_SQ_RING);
	ring->entries = (struct io_uring_sqe *)map_ring(ring->fd,
		ring->params.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
}

/* One request, waited for. Its result. */
static long submit(struct ring *ring, const struct io_uring_sqe *sqe)
{
	uint32_t *tail = (uint32_t *)(ring->submit + ring->params.sq_off.tail);
	uint32_t mask = *(uint32_t *)(ring->submit + ring->params.sq_off.ring_mask);
	uint32_t *array = (uint32_t *)(ring->submit + ring->params.sq_off.array);
	uint32_t *done = (uint32_t *)(ring->submit + ring->params.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(ring->submit + ring->params.cq_off.cqes);
	uint32_t slot = *tail & mask;
	long result;

	ring->entries[slot] = *sqe;
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	MUST(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
	result = cqes[*done & *(uint32_t *)(ring->submit + ring->params.cq_off.ring_mask)].res;
	__atomic_store_n(done, *done + 1, __ATOMIC_RELEASE);
	return result;
}

int main(int argc, char **argv)
{
	struct ring ring = { .fd = -1 };
	struct io_uring_sqe sqe;
	char bytes[16];
	long n;
	int fd;

	ring_init(&ring);
	want_begin(argc, argv);
	fd = want_open("file", O_RDWR | O_CREAT);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_WRITE, .fd = fd,
				     .addr = (uintptr_t)"through a ring", .len = 14 };
	n = submit(&ring, &sqe);
	MUST(n == 14);
	WANT(.op = "write", .call = "io_uring:write", .path = "file", .fd = fd, .has_result = 1,
		.result = n);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)bytes,
				     .len = 9 };
	n = submit(&ring, &sqe);
	MUST(n == 9);
	WANT(.op = "read", .call = "io_uring:read", .path = "file", .fd = fd, .has_result = 1,
		.result = n);
	want_close(fd, "file");
	want_end();
}
