/* SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <sys/syscall.h>

#include "lemona/base/buffer.h"
#include "lemona/base/error.h"
#include "lemona/event/identify.h"
#include "test_identify_order.h"

/*
 * Raw records made by hand, and the items that come out written as text, one a line:
 *
 *	+f77 file gen=1 0644          an object is defined; ~ when it is defined again
 *	bind f3 f2/tmp                a binding
 *	p1 open f77 @f2/a =3          an event: actor, op, objects, names, result
 *	gap full 5                    a gap
 *
 * f is a file, by inode; s a socket; q a pipe; m memory; p a process, by its number less PIDS, with
 * v1 for the version after its first exec; DIR/x a name. A further object of the same name gets a
 * "'".
 */
struct fixture {
	struct lm_identify *identify;
	struct order order;
	struct lm_buffer told;    /* lines since the last check */
	struct lm_buffer *labels; /* by object number */
	uint32_t label_count;
	uint32_t tgid, tid;       /* of the next record */
	uint64_t now_ns;
	int fail_after;           /* items until the sink fails; below 0: never */
	uint32_t losses;          /* of records that hooks' depend on */
	int forgotten;            /* calls of forget_directories() */
	/* What look() answers: one path, and how often it was asked. */
	const char *look_path, *look_link;
	struct lm_raw_inode look_inode;
	uint32_t look_gone[4];    /* processes that are gone */
	uint32_t look_tgid;       /* whom it was asked of last */
	int looks;
};

/* No process of the running system has such a number: /proc must not answer. */
#define PIDS 50000000u

#define DISK (8u << 20 | 1)
#define SOCKFS 8u
#define PIPEFS 13u
#define ANON 15u

#define FILE_GEN(number, gen) \
	((struct lm_raw_inode){ .inode = (number), .dev = DISK, .generation = (gen), \
		.mode = S_IFREG | 0644 })
#define FILE_AT(number) FILE_GEN(number, 1)
#define DIR_AT(number) \
	((struct lm_raw_inode){ .inode = (number), .dev = DISK, .generation = 1, \
		.mode = S_IFDIR | 0755 })
#define PIPE_AT(number) \
	((struct lm_raw_inode){ .inode = (number), .dev = PIPEFS, .mode = S_IFIFO | 0600 })
#define SOCK_AT(number) \
	((struct lm_raw_inode){ .inode = (number), .dev = SOCKFS, .mode = S_IFSOCK | 0777 })
#define NOTHING ((struct lm_raw_inode){ 0 })
#define ROOT_DIR DIR_AT(2)
#define TMP_DIR DIR_AT(3)

/* cmocka's setup and teardown: nothing known; or "/", "/tmp" and a found process 1. */
int set_up_empty(void **state);
int set_up(void **state);
int tear_down(void **state);

/* The lines since the last check are these; then they are forgotten. */
#define assert_told(f, text) assert_told_at(f, text, __FILE__, __LINE__)
void assert_told_at(struct fixture *f, const char *text, const char *file, int line);
void forget_told(struct fixture *f);

/* Who makes the next records: process, or one of its threads. */
void as(struct fixture *f, uint32_t pid);
void as_thread(struct fixture *f, uint32_t pid, uint32_t tid);

/* A record as it is: its head is filled in. @return what lm_identify_record() says */
int feed(struct fixture *f, void *record, uint8_t kind, uint16_t call, uint16_t len, uint8_t flags);

/* Records of every kind; each must be taken without an error. */
void io(struct fixture *f, uint16_t call, struct lm_raw_inode file, int fd, int result);
/* The same, with repeats of its own way and of the other. */
void run_of(struct fixture *f, uint16_t call, struct lm_raw_inode file, int result,
	struct lm_raw_fold own, struct lm_raw_fold other);
void fd_call(struct fixture *f, uint16_t call, struct lm_raw_inode file, int fd, int64_t result,
	     uint64_t arg);
void open_file(struct fixture *f, struct lm_raw_inode file, struct lm_raw_inode dir,
	       const char *name, int fd, uint8_t flags);
void open_by(struct fixture *f, uint16_t call, struct lm_raw_inode file, struct lm_raw_inode dir,
	     const char *name, int fd, uint8_t flags);
void walk_dir(struct fixture *f, struct lm_raw_inode dir, struct lm_raw_inode parent,
	      const char *name, uint8_t flags);
/* Paths start at "start", which stands for the working directory or a descriptor. */
void path_at(struct fixture *f, uint16_t call, struct lm_raw_inode start, const char *path,
	     uint32_t flags, int64_t result);
void path(struct fixture *f, uint16_t call, const char *path, int64_t result);
void paths(struct fixture *f, uint16_t call, const char *path, const char *path2, uint32_t flags,
	   int64_t result);
/* What a hook tells in the middle of a call; `losses` of the fixture are in paths' records too. */
void hook(struct fixture *f, uint16_t call, uint8_t change, struct lm_raw_inode target,
	  struct lm_raw_inode dir, const char *name);
void hook2(struct fixture *f, uint16_t call, const struct lm_raw_name *like, const char *name,
	   const char *name2);
void fork_child(struct fixture *f, uint32_t child, uint64_t clone_flags);
void clone_thread(struct fixture *f, uint32_t tid);
struct lm_raw_attributes attributes_of(uint32_t pid, uint32_t parent);
void process(struct fixture *f, uint16_t call, const struct lm_raw_attributes *attributes,
	     uint8_t flags);
void exec_file(struct fixture *f, uint32_t old_tid, struct lm_raw_inode exe,
	       struct lm_raw_inode dir, const char *name, const char *script);
void exit_thread(struct fixture *f, int status, bool group_dead);
void signal_to(struct fixture *f, uint32_t target, uint64_t start_ns, int number);
void task_call(struct fixture *f, uint16_t call, uint32_t target, uint32_t ns_pid);
void task_failed(struct fixture *f, uint16_t call, uint32_t target, int64_t result);
void socket_call(struct fixture *f, const struct lm_raw_socket *like, uint16_t call, int64_t result,
		 uint8_t flags);
void copy(struct fixture *f, uint16_t call, struct lm_raw_inode from, struct lm_raw_inode to,
	  int64_t result);
void range(struct fixture *f, uint8_t kind, uint16_t call, uint64_t address, uint64_t length,
	   uint64_t arg, int64_t result);
void gap(struct fixture *f, uint64_t count, uint32_t reason);
