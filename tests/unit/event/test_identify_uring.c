/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <string.h>

#include "lemona/base/time.h"

#define OP_RECV (LM_CALL_URING | 27)
#define OP_WRITE (LM_CALL_URING | 23)
#define OP_OPENAT (LM_CALL_URING | 18)
#define OP_UNLINKAT (LM_CALL_URING | 36)
#define SKIP 0x40

struct request {
	struct lm_raw_uring head;
	union {
		struct lm_raw raw;
		struct lm_raw_io io;
		struct lm_raw_path path;
		struct lm_raw_open open;
	};
	char text[16];
};

static struct request make(uint64_t address, uint64_t user_data)
{
	return (struct request){
		.head = { .request = address, .ring = 9, .user_data = user_data },
	};
}

static void give(struct fixture *f, struct request *request, uint8_t kind, uint16_t call)
{
	uint16_t inner = request->raw.kind ? request->raw.len : 0;

	request->head.inner_len = inner;
	assert_int_equal(
		feed(f, request, kind, call, (uint16_t)(sizeof(request->head) + inner), 0), 0);
}

static struct request io_of(uint64_t address, uint64_t user_data, uint64_t inode, int result)
{
	struct request request = make(address, user_data);

	request.io = (struct lm_raw_io){ .raw = { .kind = LM_RAW_IO, .len = sizeof(request.io) },
		.inode = inode, .dev = DISK, .mode = S_IFREG | 0644, .fd = -1, .result = result };
	request.head.result = result;
	return request;
}

static struct request path_of(uint64_t address, const char *path)
{
	struct request request = make(address, address);

	request.path = (struct lm_raw_path){
		.raw = { .kind = LM_RAW_PATH,
			.len = (uint16_t)(sizeof(request.path) + ((strlen(path) + 7) & ~7ul)) },
		.start_inode = 3, .start_dev = DISK, .start_mode = S_IFDIR | 0755,
		.path_len = (uint16_t)strlen(path),
	};
	memcpy(request.path.paths, path, strlen(path));
	return request;
}

static void submit(struct fixture *f, struct request request, uint16_t call, uint8_t flags)
{
	request.head.sqe_flags = flags;
	give(f, &request, LM_RAW_URING_SUBMIT, call);
}

static void end(struct fixture *f, uint64_t address, uint64_t user_data, int64_t result,
	uint8_t flags, uint16_t call)
{
	struct request request = make(address, user_data);

	request.head.result = result;
	request.head.end_flags = flags;
	give(f, &request, LM_RAW_URING_END, call);
}

/* Nothing is told before the end, and then what the kernel acted on. */
static void test_object_of_the_end_counts(void **state)
{
	struct fixture *f = *state;
	struct request done = io_of(100, 1, 8, 5);

	submit(f, io_of(100, 1, 7, 0), OP_WRITE, 0);
	assert_told(f, "");
	give(f, &done, LM_RAW_URING_END, OP_WRITE);
	assert_told(f,
		"+f8 100644 gen=0 partial\n"
		"p1 write f8 =5 timed\n");
}

/* The path was copied at submission; by its end the kernel has let go of it. */
static void test_path_of_the_submission(void **state)
{
	struct fixture *f = *state;

	submit(f, path_of(100, "a"), OP_UNLINKAT, 0);
	end(f, 100, 100, 0, 0, OP_UNLINKAT);
	assert_told(f,
		"+f3/a\n"
		"p1 unlink @f3/a =0 claimed timed\n");
	submit(f, path_of(100, "b"), OP_OPENAT, 0);
	end(f, 100, 100, -ENOENT, 0, OP_OPENAT);
	assert_told(f,
		"+f3/b\n"
		"p1 open @f3/b =-2 claimed timed\n");
}

/* Changes of names are made by workers: the report of another thread of the process confirms. */
static void test_report_of_a_worker_confirms(void **state)
{
	struct fixture *f = *state;
	struct lm_name_event event = {
		.arrived_ns = lm_time_boot_ns(), .tid = PIDS + 5, .changes = LM_NAME_DELETED,
		.at = { .dir_inode = 3, .dir_dev = DISK, .name = { "a", 1 } },
	};

	clone_thread(f, 5);
	forget_told(f);
	submit(f, path_of(100, "a"), OP_UNLINKAT, 0);
	assert_int_equal(lm_identify_name(f->identify, &event), 0);
	end(f, 100, 100, 0, 0, OP_UNLINKAT);
	assert_told(f,
		"+f3/a\n"
		"p1 unlink @f3/a =0 confirmed timed\n");
}

/* A hook tells what a request acts on before it can fail, and no call takes it for its own. */
static void test_hook_of_a_worker_confirms(void **state)
{
	struct fixture *f = *state;

	clone_thread(f, 5);
	forget_told(f);
	submit(f, path_of(100, "a"), OP_UNLINKAT, 0);
	as_thread(f, 1, 5);
	hook(f, SYS_io_uring_enter, LM_RAW_REMOVES, FILE_AT(7), TMP_DIR, "a");
	as(f, 1);
	end(f, 100, 100, 0, 0, OP_UNLINKAT);
	assert_told(f,
		"+f3/a\n"
		"+f7 100644 gen=1\n"
		"p1 unlink f7 @f3/a =0 confirmed timed\n");
}

static void test_hook_of_a_failed_request(void **state)
{
	struct fixture *f = *state;

	submit(f, path_of(100, "a"), OP_UNLINKAT, 0);
	submit(f, path_of(101, "a"), OP_UNLINKAT, 0);
	hook(f, SYS_io_uring_enter, LM_RAW_REMOVES, FILE_AT(7), DIR_AT(40), "a");
	end(f, 100, 100, -EBUSY, 0, OP_UNLINKAT);
	end(f, 101, 101, 0, 0, OP_UNLINKAT);
	assert_told(f,
		"+f3/a\n"
		"p1 unlink @f3/a =-16 claimed timed\n"
		"p1 unlink @f3/a =0 claimed timed\n");
}

static void test_hook_of_a_request_is_of_no_call(void **state)
{
	struct fixture *f = *state;

	hook(f, SYS_io_uring_enter, LM_RAW_REMOVES, FILE_AT(7), TMP_DIR, "b");
	path(f, SYS_unlink, "a", 0);
	path(f, SYS_unlink, "b", 0);
	assert_told(f,
		"+f3/a\n"
		"p1 unlink @f3/a =0 claimed\n"
		"+f3/b\n"
		"p1 unlink @f3/b =0 claimed\n");
}

/* A result without its request: found by ring and user_data, and kept while more may come. */
static void test_several_results(void **state)
{
	struct fixture *f = *state;

	submit(f, io_of(100, 1, 7, 0), OP_RECV, 0);
	end(f, 0, 1, 4, LM_URING_MORE, LM_RAW_CALL_NONE);
	end(f, 0, 1, 5, LM_URING_MORE, LM_RAW_CALL_NONE);
	end(f, 100, 1, 0, 0, OP_RECV);
	assert_told(f,
		"+f7 100644 gen=0 partial\n"
		"p1 recv f7 =4 timed\n"
		"p1 recv f7 =5 timed\n"
		"p1 recv f7 =0 timed\n");
	/* Of what no one remembers: that something was done. */
	end(f, 0, 1, 5, LM_URING_MORE, LM_RAW_CALL_NONE);
	assert_told(f, "gap unseen 1\n");
}

/* One that asks for no result is told at once, and again when it must be over. */
static void test_request_without_a_result(void **state)
{
	struct fixture *f = *state;

	submit(f, io_of(100, 1, 7, 6), OP_WRITE, SKIP);
	assert_told(f,
		"+f7 100644 gen=0 partial\n"
		"p1 write f7 =6 partial timed\n");
	submit(f, io_of(100, 1, 7, 0), OP_WRITE, 0); /* its memory is used again */
	assert_told(f, "p1 write f7 =6 partial timed\n");
	submit(f, io_of(200, 2, 7, 3), OP_WRITE, SKIP);
	forget_told(f);
	exit_thread(f, 0, true);
	assert_told(f,
		"p1 write f7 =3 partial timed\n"
		"p1 exit =0\n");
}

/* It failed before it could be told, or began before the recording. */
static void test_end_without_submission(void **state)
{
	struct fixture *f = *state;

	end(f, 100, 1, -EINVAL, 0, OP_UNLINKAT);
	assert_told(f, "p1 unlink =-22 partial\n");
	as(f, 77); /* a process that is gone: what it had under way was cancelled */
	end(f, 100, 1, -ECANCELED, 0, OP_WRITE);
	assert_told(f, "");
}

static void test_a_malformed_request_is_refused(void **state)
{
	struct fixture *f = *state;
	struct request request = io_of(100, 1, 7, 0);

	request.head.inner_len = sizeof(request.io);
	request.raw.kind = LM_RAW_URING_SUBMIT; /* none inside another */
	assert_int_equal(feed(f, &request, LM_RAW_URING_SUBMIT, OP_WRITE,
		sizeof(request.head) + sizeof(request.io), 0), -LM_E_FORMAT);
	request.raw.kind = LM_RAW_IO;
	request.head.inner_len = sizeof(request.io) + 8;
	assert_int_equal(feed(f, &request, LM_RAW_URING_SUBMIT, OP_WRITE,
		sizeof(request.head) + sizeof(request.io), 0), -LM_E_FORMAT);
	assert_told(f, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(object_of_the_end_counts),
		TEST(path_of_the_submission),
		TEST(report_of_a_worker_confirms),
		TEST(hook_of_a_worker_confirms),
		TEST(hook_of_a_failed_request),
		TEST(hook_of_a_request_is_of_no_call),
		TEST(several_results),
		TEST(request_without_a_result),
		TEST(end_without_submission),
		TEST(a_malformed_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
