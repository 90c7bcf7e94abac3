/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>

/* Channels that are no files, and mappings that move. */

#define SHMEM 1u
#define IPC_SPACE 4026531839u
#define SHARED(prot) ((prot) | (uint64_t)MAP_SHARED << 32)
#define ARG_FLAGS(arg, flags) ((arg) | (uint64_t)(flags) << LM_RAW_RANGE_FLAGS_SHIFT)

static void ipc_in(struct fixture *f, uint32_t space, uint16_t call, uint32_t type, int32_t number,
	uint32_t key, uint64_t arg, int64_t result)
{
	struct lm_raw_ipc raw = {
		.result = result, .arg = arg, .ns_ipc = space, .id = number, .key = key,
		.type = type, .length = 0x2000,
	};

	assert_int_equal(feed(f, &raw, LM_RAW_IPC, call, sizeof(raw), 0), 0);
}

static void ipc(struct fixture *f, uint16_t call, uint32_t type, int32_t number, uint32_t key,
	uint64_t arg, int64_t result)
{
	ipc_in(f, IPC_SPACE, call, type, number, key, arg, result);
}

/* 64 KiB of a file, at an address. */
static void map_file(struct fixture *f, uint64_t number, uint64_t address)
{
	struct lm_raw_fd raw = {
		.file = FILE_AT(number), .result = (int64_t)address, .arg = SHARED(3),
		.length = 0x10000, .fd = 3,
	};

	assert_int_equal(feed(f, &raw, LM_RAW_FD, SYS_mmap, sizeof(raw), 0), 0);
}

static struct lm_raw_inode event_descriptor(uint64_t number)
{
	return (struct lm_raw_inode){
		.dev = ANON, .mode = 0600,
		.inode = (uint64_t)LM_RAW_ANONYMOUS_EVENTFD << LM_RAW_ANONYMOUS_SHIFT | number,
	};
}

static void test_event_descriptors_are_apart(void **state)
{
	struct fixture *f = *state;

	fd_call(f, SYS_eventfd2, event_descriptor(4), 7, 7, 0);
	fd_call(f, SYS_eventfd2, event_descriptor(5), 8, 8, 0);
	io(f, SYS_write, event_descriptor(4), 7, 8);
	io(f, SYS_read, event_descriptor(5), 8, 8);
	fd_call(f, SYS_eventfd2, event_descriptor(4), 7, 7, 0); /* its number is used again */
	assert_told(f,
		"+m4 type=5\n"
		"p1 ipcget m4 =7 created\n"
		"+m5 type=5\n"
		"p1 ipcget m5 =8 created\n"
		"p1 write m4 =8\n"
		"p1 read m5 =8\n"
		"+m4' type=5\n"
		"p1 ipcget m4' =7 created\n");
}

static void test_shared_memory_without_a_file(void **state)
{
	struct lm_raw_inode memory = { .inode = 70, .dev = SHMEM, .mode = S_IFREG | 0777 };
	struct fixture *f = *state;

	fd_call(f, SYS_mmap, memory, -1, 0x10000, SHARED(3));
	fd_call(f, SYS_mmap, NOTHING, -1, -ENOMEM, SHARED(3));
	fork_child(f, 2, 0);
	range(f, LM_RAW_RANGE, SYS_munmap, 0x10000, 0x10000, 0, 0);
	assert_told(f,
		"+m70 type=3\n"
		"p1 mmap m70 arg=100000003 =65536\n"
		"+p2 parent=p1 cwd=f3\n"
		"p1 fork p2 =p2\n"
		"p2:2 mmap m70 arg=100000003 =65536 derived\n"
		"p1 munmap m70 =0 derived\n");
}

static void test_segments(void **state)
{
	struct fixture *f = *state;

	ipc(f, SYS_shmget, LM_RAW_IPC_SEGMENT, 3, 0x77, IPC_CREAT | 0600, 3);
	ipc(f, SYS_shmat, LM_RAW_IPC_SEGMENT, 3, 0, 0, 0x10000);
	ipc(f, SYS_shmat, LM_RAW_IPC_SEGMENT, 3, 0, SHM_RDONLY, 0x20000);
	ipc(f, SYS_shmat, LM_RAW_IPC_SEGMENT, 9, 0, 0, -EINVAL);
	range(f, LM_RAW_RANGE, SYS_shmdt, 0x11000, 0xfffff000, 0, -EINVAL);
	range(f, LM_RAW_RANGE, SYS_shmdt, 0x20000, 0xfffff000, 0, 0);
	ipc(f, SYS_shmctl, LM_RAW_IPC_SEGMENT, 3, 0, IPC_STAT, 0);
	ipc(f, SYS_shmctl, LM_RAW_IPC_SEGMENT, 3, 0, SHM_LOCK, 0);
	ipc(f, SYS_shmctl, LM_RAW_IPC_SEGMENT, 3, 0, IPC_RMID, 0);
	range(f, LM_RAW_RANGE, SYS_shmdt, 0x10000, 0, 0, 0);
	assert_told(f,
		"+m3 type=2 key 0x00000077\n"
		"p1 ipcget m3 arg=38000000077 =3 created\n"
		"p1 mmap m3 arg=100000003 =65536\n"
		"p1 mmap m3 arg=100000001 =131072\n"
		"p1 mmap arg=100000003 =-22\n"
		"p1 munmap m3 =0 derived\n"
		"p1 stat m3 arg=2 =0\n"
		"p1 unlink m3 =0\n"
		"p1 munmap m3 =0 derived\n");
}

/* Known by its id only until somebody gets it by its key; the key is nobody's in a private one. */
static void test_keys(void **state)
{
	struct fixture *f = *state;

	ipc(f, SYS_msgsnd, LM_RAW_IPC_QUEUE, 0, 0, 5, 0);
	ipc(f, SYS_msgget, LM_RAW_IPC_QUEUE, 0, 0x78, IPC_CREAT, 0);
	ipc(f, SYS_msgget, LM_RAW_IPC_QUEUE, 1, IPC_PRIVATE, 0, 1);
	ipc(f, SYS_msgget, LM_RAW_IPC_QUEUE, -1, 0x79, 0, -ENOENT);
	ipc(f, SYS_msgrcv, LM_RAW_IPC_QUEUE, 0, 0, 1, 5);
	ipc_in(f, IPC_SPACE + 1, SYS_msgrcv, LM_RAW_IPC_QUEUE, 0, 0, 1, 5);
	assert_told(f,
		"+m0 type=4 partial\n"
		"p1 send m0 arg=5 =0\n"
		"~m0 type=4 key 0x00000078\n"
		"p1 ipcget m0 arg=20000000078 =0\n"
		"+m1 type=4\n"
		"p1 ipcget m1 =1 created\n"
		"p1 ipcget arg=79 =-2\n"
		"p1 recv m0 arg=1 =5\n"
		"+m0' type=4 partial\n"
		"p1 recv m0' arg=1 =5\n");
}

static void test_semaphores(void **state)
{
	struct fixture *f = *state;

	ipc(f, SYS_semget, LM_RAW_IPC_SEMAPHORES, 6, IPC_PRIVATE, 0600, 6);
	ipc(f, SYS_semctl, LM_RAW_IPC_SEMAPHORES, 6, 0, SETVAL, 0);
	ipc(f, SYS_semop, LM_RAW_IPC_SEMAPHORES, 6, 0, 1, 0);
	ipc(f, SYS_semctl, LM_RAW_IPC_SEMAPHORES, 6, 0, GETVAL, 2);
	ipc(f, SYS_semctl, LM_RAW_IPC_SEMAPHORES, 6, 0, IPC_RMID, 0);
	assert_told(f,
		"+m6 type=6\n"
		"p1 ipcget m6 arg=18000000000 =6 created\n"
		"p1 write m6 arg=10 =0\n"
		"p1 semop m6 arg=1 =0\n"
		"p1 read m6 arg=c =2\n"
		"p1 unlink m6 =0\n");
}

static void test_moved_mapping_stays_what_it_was(void **state)
{
	struct fixture *f = *state;

	map_file(f, 7, 0x10000);
	forget_told(f);
	range(f, LM_RAW_RANGE, SYS_mremap, 0x10000, 0x10000, 0x20000, 0x50000);
	range(f, LM_RAW_RANGE, SYS_munmap, 0x10000, 0x10000, 0, 0);
	range(f, LM_RAW_RANGE, SYS_mremap, 0x50000, 0x20000, 0x30000, 0x50000); /* where it is */
	range(f, LM_RAW_RANGE, SYS_munmap, 0x50000, 0x20000, 0, 0);
	assert_told(f, "");
	range(f, LM_RAW_RANGE, SYS_munmap, 0x70000, 0x10000, 0, 0);
	assert_told(f, "p1 munmap f7 =0 derived\n");
}

static void test_part_of_a_mapping_moves(void **state)
{
	struct fixture *f = *state;

	map_file(f, 7, 0x10000);
	forget_told(f);
	range(f, LM_RAW_RANGE, SYS_mremap, 0x14000, 0x4000, 0x1000, 0x50000); /* shrinks, too */
	range(f, LM_RAW_RANGE, SYS_munmap, 0x10000, 0x10000, 0, 0);
	assert_told(f,
		"p1 munmap f7 =0 derived\n"
		"p1 munmap f7 =0 derived\n");
	range(f, LM_RAW_RANGE, SYS_munmap, 0x50000, 0x1000, 0, 0);
	assert_told(f, "p1 munmap f7 =0 derived\n");
}

static void test_mapping_twice_and_over_another(void **state)
{
	struct fixture *f = *state;

	map_file(f, 7, 0x10000);
	map_file(f, 8, 0x50000);
	forget_told(f);
	range(f, LM_RAW_RANGE, SYS_mremap, 0x10000, 0x10000, 0x10000, -EFAULT);
	range(f, LM_RAW_RANGE, SYS_mremap, 0x10000, 0,
		ARG_FLAGS(0x10000, MREMAP_MAYMOVE | MREMAP_FIXED), 0x50000);
	assert_told(f,
		"p1 munmap f8 =327680 derived\n"
		"p1 mmap f7 arg=100000003 =327680 derived\n");
	range(f, LM_RAW_RANGE, SYS_mremap, 0x10000, 0x10000,
		ARG_FLAGS(0x10000, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), 0x90000);
	range(f, LM_RAW_RANGE, SYS_munmap, 0, 0x100000, 0, 0);
	assert_told(f,
		"p1 mmap f7 arg=100000003 =589824 derived\n"
		"p1 munmap f7 =0 derived\n"
		"p1 munmap f7 =0 derived\n"
		"p1 munmap f7 =0 derived\n");
}

static void test_store_into_a_mapping(void **state)
{
	struct lm_raw_dirty raw = { .file = FILE_AT(7), .offset = 0x3000 };
	struct fixture *f = *state;

	assert_int_equal(feed(f, &raw, LM_RAW_DIRTY, LM_RAW_CALL_NONE, sizeof(raw), 0), 0);
	assert_told(f,
		"+f7 100644 gen=1\n"
		"p1 write f7 arg=3000 =0 mapped\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(event_descriptors_are_apart),
		TEST(shared_memory_without_a_file),
		TEST(segments),
		TEST(keys),
		TEST(semaphores),
		TEST(moved_mapping_stays_what_it_was),
		TEST(part_of_a_mapping_moves),
		TEST(mapping_twice_and_over_another),
		TEST(store_into_a_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
