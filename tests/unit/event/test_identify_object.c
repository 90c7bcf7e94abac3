/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <string.h>

#define MAP_SHARED_WRITE (3 | (uint64_t)1 << 32)

static void test_file_known_by_number_is_completed(void **state)
{
	struct fixture *f = *state;

	io(f, SYS_read, FILE_AT(7), 3, 5);
	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	io(f, SYS_read, FILE_AT(7), 3, 5);
	assert_told(f,
		"+f7 100644 gen=0 partial\n"
		"p1 read f7 =5\n"
		"~f7 100644 gen=1\n"
		"+f3/a\n"
		"p1 open f7 @f3/a =3 confirmed\n"
		"p1 read f7 =5\n");
}

static void test_inode_used_again_with_another_generation(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_GEN(7, 1), TMP_DIR, "a", 3, 0);
	open_file(f, FILE_GEN(7, 2), TMP_DIR, "a", 3, 0);
	io(f, SYS_read, FILE_AT(7), 3, 5); /* the newest */
	assert_told(f,
		"+f7 100644 gen=1\n"
		"+f3/a\n"
		"p1 open f7 @f3/a =3 confirmed\n"
		"+f7' 100644 gen=2\n"
		"p1 open f7' @f3/a =3 confirmed\n"
		"p1 read f7' =5\n");
}

static void test_inode_used_again_for_another_kind(void **state)
{
	struct lm_raw_inode directory = { .inode = 7, .dev = DISK, .mode = S_IFDIR | 0755 };
	struct fixture *f = *state;

	open_file(f, FILE_GEN(7, 0), TMP_DIR, "a", 3, 0);
	open_file(f, directory, TMP_DIR, "a", 3, 0);
	assert_told(f,
		"+f7 100644 gen=0\n"
		"+f3/a\n"
		"p1 open f7 @f3/a =3 confirmed\n"
		"+f7' 40755 gen=0\n"
		"p1 open f7' @f3/a =3 confirmed\n");
}

/* Where generations are not counted, only a second creation tells. */
static void test_inode_created_twice(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_GEN(7, 0), TMP_DIR, "a", 3, LM_RAW_CREATED);
	open_file(f, FILE_GEN(7, 0), TMP_DIR, "a", 3, 0);
	open_file(f, FILE_GEN(7, 0), TMP_DIR, "b", 3, LM_RAW_CREATED);
	open_file(f, FILE_GEN(7, 0), TMP_DIR, "b", 3, 0);
	assert_told(f,
		"+f7 100644 gen=0\n"
		"+f3/a\n"
		"p1 open f7 @f3/a =3 created confirmed\n"
		"p1 open f7 @f3/a =3 confirmed\n"
		"+f7' 100644 gen=0\n"
		"+f3/b\n"
		"p1 open f7' @f3/b =3 created confirmed\n"
		"p1 open f7' @f3/b =3 confirmed\n");
}

/* Another thread may have opened the new file before the call that made it has ended. */
static void test_creation_told_after_a_use(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_GEN(7, 0), TMP_DIR, "a", 3, 0);
	open_file(f, FILE_GEN(7, 0), TMP_DIR, "a", 4, LM_RAW_CREATED);
	assert_told(f,
		"+f7 100644 gen=0\n"
		"+f3/a\n"
		"p1 open f7 @f3/a =3 confirmed\n"
		"p1 open f7 @f3/a =4 created confirmed\n");
}

static void test_devices_are_apart(void **state)
{
	struct lm_raw_inode other = FILE_AT(7);
	struct fixture *f = *state;

	other.dev = DISK + 1;
	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	io(f, SYS_read, other, 4, 5);
	assert_told(f,
		"+f7 100644 gen=1\n"
		"+f3/a\n"
		"p1 open f7 @f3/a =3 confirmed\n"
		"+f7' 100644 gen=0 partial\n"
		"p1 read f7' =5\n");
}

static void test_file_systems_are_described(void **state)
{
	struct lm_raw_fs raw = { .dev = DISK, .magic = 0xef53 };
	struct fixture *f = *state;

	assert_int_equal(feed(f, &raw, LM_RAW_FS, LM_RAW_CALL_NONE, sizeof(raw), 0), 0);
	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	assert_told(f,
		"+f7 100644 gen=1 fs=ef53\n"
		"+f3/a\n"
		"p1 open f7 @f3/a =3 confirmed\n");
}

/* They all share one inode: no object, but what was done is told. */
static void test_anonymous_descriptors_have_no_object(void **state)
{
	struct lm_raw_inode anon = { .inode = 1, .dev = ANON, .mode = 0600 };
	struct fixture *f = *state;

	io(f, SYS_read, anon, 3, 8);
	fd_call(f, SYS_dup, anon, 4, 4, 3);
	fd_call(f, SYS_close, NOTHING, 4, 0, 4);
	assert_told(f,
		"p1 read =8\n"
		"p1 dup arg=3 =4\n"
		"p1 close arg=4 =0\n");
}

static void test_memory_file_has_its_label_as_name(void **state)
{
	struct fixture *f = *state;

	open_by(f, SYS_memfd_create, FILE_AT(60), NOTHING, "memfd:payload", 5, 0);
	fd_call(f, SYS_close, NOTHING, 5, 0, 5);
	assert_told(f,
		"+f60 100644 gen=1\n"
		"+?/memfd:payload\n"
		"p1 memfd f60 @?/memfd:payload =5 confirmed\n"
		"p1 close f60 arg=5 =0 derived\n");
}

static void test_mapping_is_remembered_until_unmapped(void **state)
{
	struct fixture *f = *state;

	fd_call(f, SYS_mmap, FILE_AT(7), 3, 0x10000, MAP_SHARED_WRITE);
	fd_call(f, SYS_mmap, FILE_AT(8), 4, 0x20000, MAP_SHARED_WRITE);
	fd_call(f, SYS_mmap, FILE_AT(9), 5, -ENOMEM, MAP_SHARED_WRITE);
	fd_call(f, SYS_mmap, NOTHING, -1, 0x30000, MAP_SHARED_WRITE);
	assert_told(f,
		"+f7 100644 gen=1\n"
		"p1 mmap f7 arg=100000003 =65536\n"
		"+f8 100644 gen=1\n"
		"p1 mmap f8 arg=100000003 =131072\n"
		"+f9 100644 gen=1\n"
		"p1 mmap f9 arg=100000003 =-12\n");
	range(f, LM_RAW_RANGE, SYS_mprotect, 0x10000, 0x1000, 1, 0);
	range(f, LM_RAW_RANGE, SYS_munmap, 0x10000, 0x1000, 0, -EINVAL);
	range(f, LM_RAW_RANGE, SYS_munmap, 0x10000, 0x20000, 0, 0);
	range(f, LM_RAW_RANGE, SYS_munmap, 0x10000, 0x20000, 0, 0);
	range(f, LM_RAW_RANGE, SYS_munmap, 0x50000, 0x1000, 0, 0);
	assert_told(f,
		"p1 mprotect f7 arg=100000001 =0 derived\n"
		"p1 munmap f7 =-22 derived\n"
		"p1 munmap f7 =0 derived\n"
		"p1 munmap f8 =0 derived\n");
}

/* A child can do with a shared mapping what its parent can: to read is not to write. */
static void test_child_inherits_what_is_shared(void **state)
{
	struct fixture *f = *state;

	fd_call(f, SYS_mmap, FILE_AT(7), 3, 0x10000, MAP_SHARED_WRITE);
	fd_call(f, SYS_mmap, FILE_AT(8), 4, 0x20000, 1 | (uint64_t)1 << 32);
	fork_child(f, 2, 0);
	forget_told(f);
	as(f, 2);
	range(f, LM_RAW_RANGE, SYS_munmap, 0x10000, 0x20000, 0, 0);
	assert_told(f,
		"p2 munmap f7 =0 derived\n"
		"p2 munmap f8 =0 derived\n");
	as(f, 1);
	fork_child(f, 3, 0);
	assert_told(f,
		"+p3 parent=p1 cwd=f3\n"
		"p1 fork p3 =p3\n"
		"p3:3 mmap f7 arg=100000003 =65536 derived\n"
		"p3:3 mmap f8 arg=100000001 =131072 derived\n");
}

static void test_exec_unmaps(void **state)
{
	struct fixture *f = *state;

	fd_call(f, SYS_mmap, FILE_AT(7), 3, 0x10000, MAP_SHARED_WRITE);
	exec_file(f, 1, FILE_AT(9), TMP_DIR, "sh", "");
	forget_told(f);
	range(f, LM_RAW_RANGE, SYS_munmap, 0x10000, 0x1000, 0, 0);
	fd_call(f, SYS_close, NOTHING, 3, 0, 3);
	assert_told(f,
		"p1v1 close arg=3 =0\n");
}

static void test_close_tells_what_the_number_meant(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	fd_call(f, SYS_dup2, FILE_AT(7), 4, 4, 3);
	forget_told(f);
	/* When the record is made the number is another file's already. */
	fd_call(f, SYS_close, FILE_AT(8), 3, 0, 3);
	fd_call(f, SYS_close, NOTHING, 4, 0, 4);
	fd_call(f, SYS_close, NOTHING, 4, -EBADF, 4);
	assert_told(f,
		"p1 close f7 arg=3 =0 derived\n"
		"p1 close f7 arg=4 =0 derived\n"
		"p1 close arg=4 =-9\n");
}

static void test_found_descriptors_are_closed_too(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, LM_RAW_FOUND);
	open_file(f, FILE_AT(7), TMP_DIR, "a", 4, LM_RAW_FOUND);
	fd_call(f, SYS_close, NOTHING, 3, 0, 3);
	assert_told(f,
		"+f7 100644 gen=1 found\n"
		"+f3/a found\n"
		"bind f7 f3/a\n"
		"p1 close f7 arg=3 =0 derived\n");
}

static void test_copies_have_two_ends(void **state)
{
	struct fixture *f = *state;

	copy(f, SYS_sendfile, FILE_AT(7), SOCK_AT(20), 100);
	copy(f, SYS_splice, SOCK_AT(20), PIPE_AT(30), 10);
	copy(f, SYS_pipe2, PIPE_AT(31), PIPE_AT(31), 0);
	copy(f, SYS_socketpair, SOCK_AT(21), SOCK_AT(22), 0);
	assert_told(f,
		"+f7 100644 gen=1\n"
		"+s20\n"
		"p1 copy f7 with s20 =100\n"
		"+q30\n"
		"p1 copy s20 with q30 =10\n"
		"+q31\n"
		"p1 pipe q31 =0\n"
		"+s21\n"
		"+s22\n"
		"p1 socketpair s21 with s22 =0\n");
}

static void test_descriptors_that_go_with_a_message(void **state)
{
	struct fixture *f = *state;

	copy(f, SYS_sendmsg, SOCK_AT(21), FILE_AT(7), 1);
	copy(f, SYS_recvmsg, SOCK_AT(22), FILE_AT(7), 9);
	fd_call(f, SYS_close, NOTHING, 9, 0, 9);
	assert_told(f,
		"+s21\n"
		"+f7 100644 gen=1\n"
		"p1 fdsend s21 with f7 =1\n"
		"+s22\n"
		"p1 fdrecv s22 with f7 =9\n"
		"p1 close f7 arg=9 =0 derived\n");
}

static void test_vmsplice_reads_or_writes_by_its_end(void **state)
{
	struct lm_raw_fd raw = { .file = PIPE_AT(30), .result = 9, .fd = 3, .fmode = 1 };
	struct fixture *f = *state;

	fd_call(f, SYS_vmsplice, PIPE_AT(30), 4, 9, 0);
	assert_int_equal(feed(f, &raw, LM_RAW_FD, SYS_vmsplice, sizeof(raw), 0), 0);
	assert_told(f,
		"+q30\n"
		"p1 write q30 =9\n"
		"p1 read q30 =9\n");
}

static void test_opening_flags(void **state)
{
	struct fixture *f = *state;

	open_by(f, SYS_creat, FILE_AT(7), TMP_DIR, "a", 3, 0);
	assert_told(f,
		"+f7 100644 gen=1\n"
		"+f3/a\n"
		"p1 open f7 @f3/a arg=240 =3 confirmed\n");
}

static void test_calls_into_the_kernel(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "x.ko", 3, 0);
	forget_told(f);
	fd_call(f, SYS_finit_module, FILE_AT(7), 3, 0, 0);
	range(f, LM_RAW_KERNEL, SYS_init_module, 0, 0, 0, 0);
	range(f, LM_RAW_KERNEL, SYS_bpf, 0, 0, 5, 7);
	copy(f, SYS_kexec_file_load, FILE_AT(7), NOTHING, 0);
	assert_told(f,
		"p1 module kernel with f7 =0\n"
		"p1 module kernel =0\n"
		"p1 bpf kernel arg=5 =7\n"
		"p1 kexec kernel with f7 =0\n");
}

/* Some files are the kernel's own memory, or its settings, with the face of a file. */
static void test_writing_into_the_kernel(void **state)
{
	struct lm_raw_fs sysfs = { .dev = 20, .magic = 0x62656572 };
	struct lm_raw_inode setting = { .inode = 5, .dev = 20, .mode = S_IFREG | 0644 };
	struct lm_raw_inode memory = FILE_AT(8), plain = FILE_AT(9);
	struct fixture *f = *state;

	memory.mode = S_IFCHR | 0600;
	memory.rdev = 1u << 20 | 1;
	assert_int_equal(feed(f, &sysfs, LM_RAW_FS, LM_RAW_CALL_NONE, sizeof(sysfs), 0), 0);
	fd_call(f, SYS_fchmod, setting, 3, 0, 0644);
	fd_call(f, SYS_fchmod, memory, 4, 0, 0600);
	fd_call(f, SYS_fchmod, plain, 5, 0, 0644);
	forget_told(f);
	io(f, SYS_write, setting, 3, 1);
	io(f, SYS_write, memory, 4, 1);
	io(f, SYS_write, plain, 5, 1);
	io(f, SYS_read, memory, 4, 1);
	assert_told(f,
		"p1 write f5 with kernel =1\n"
		"p1 write f8 with kernel =1\n"
		"p1 write f9 =1\n"
		"p1 read f8 =1\n");
	/* Repeats of it change no less; those of the other way do not. */
	run_of(f, SYS_write, memory, 1, (struct lm_raw_fold){ 3 << 29, 4, 4, 0 },
		(struct lm_raw_fold){ 1 << 30, 2, 2, 0 });
	assert_told(f,
		"p1 write f8 with kernel =1\n"
		"p1 read f8 arg=2 =2 folded\n"
		"p1 write f8 with kernel arg=4 =4 folded\n");
}

/* One call number, several operations: told apart by an argument. */
static void test_operations_by_argument(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	forget_told(f);
	fd_call(f, SYS_io_submit, FILE_AT(7), 3, 4, LM_AIO_READV);
	fd_call(f, SYS_io_submit, FILE_AT(7), 3, 4, LM_AIO_WRITE);
	fd_call(f, SYS_ioctl, FILE_AT(7), 3, 0, LM_IOCTL_SET_FLAGS);
	fd_call(f, SYS_ioctl, FILE_AT(7), 3, 0, LM_IOCTL_TTY_INPUT);
	assert_told(f,
		"p1 read f7 =4 claimed\n"
		"p1 write f7 =4 claimed\n"
		"p1 setflags f7 arg=40086602 =0\n"
		"p1 ioctl f7 arg=5412 =0\n");
}

/* What happened first is told first, whichever way it went. */
static void test_repeats_become_one_event_for_each_way(void **state)
{
	struct lm_raw_fold none = { 0 };
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	forget_told(f);
	run_of(f, SYS_pread64, FILE_AT(7), 2, none, none);
	run_of(f, SYS_pread64, FILE_AT(7), 2, (struct lm_raw_fold){ 1 << 30, 18, 9, 0 }, none);
	run_of(f, SYS_write, FILE_AT(7), 3, (struct lm_raw_fold){ 3 << 29, 15, 5, 0 },
		(struct lm_raw_fold){ 1 << 30, 8, 4, 0 });
	run_of(f, SYS_read, FILE_AT(7), -EAGAIN, (struct lm_raw_fold){ 1 << 30, 0, 6, 0 }, none);
	assert_told(f,
		"p1 read f7 =2\n"
		"p1 read f7 =2\n"
		"p1 read f7 arg=9 =18 folded\n"
		"p1 write f7 =3\n"
		"p1 read f7 arg=4 =8 folded\n"
		"p1 write f7 arg=5 =15 folded\n"
		"p1 read f7 =-11\n"
		"p1 read f7 arg=6 =-11 folded\n");
}

static void test_gaps(void **state)
{
	struct fixture *f = *state;

	gap(f, 5, LM_RAW_GAP_FULL);
	gap(f, 2, LM_RAW_GAP_NESTED);
	range(f, LM_RAW_UNSEEN, SYS_io_uring_enter, 0, 0, 0, 4);
	range(f, LM_RAW_UNSEEN, SYS_io_uring_enter, 0, 0, 0, 0);
	range(f, LM_RAW_UNSEEN, SYS_io_uring_enter, 0, 0, 0, -EINTR);
	assert_told(f,
		"gap full 5\n"
		"gap nested 2\n"
		"gap unseen 4\n");
	assert_int_equal(f->forgotten, 2); /* what is only unseen has lost no names */
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_known_by_number_is_completed),
		TEST(inode_used_again_with_another_generation),
		TEST(inode_used_again_for_another_kind),
		TEST(inode_created_twice),
		TEST(creation_told_after_a_use),
		TEST(devices_are_apart),
		TEST(file_systems_are_described),
		TEST(anonymous_descriptors_have_no_object),
		TEST(memory_file_has_its_label_as_name),
		TEST(mapping_is_remembered_until_unmapped),
		TEST(child_inherits_what_is_shared),
		TEST(exec_unmaps),
		TEST(close_tells_what_the_number_meant),
		TEST(found_descriptors_are_closed_too),
		TEST(copies_have_two_ends),
		TEST(descriptors_that_go_with_a_message),
		TEST(vmsplice_reads_or_writes_by_its_end),
		TEST(opening_flags),
		TEST(calls_into_the_kernel),
		TEST(repeats_become_one_event_for_each_way),
		TEST(writing_into_the_kernel),
		TEST(operations_by_argument),
		TEST(gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
