/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <string.h>

#define CLONE_THREAD_FLAGS 0x10f00u /* VM, FS, FILES, SIGHAND, THREAD */

/* Room for any record with its strings. */
union record {
	struct lm_raw raw;
	struct lm_raw_open open;
	struct lm_raw_dir dir;
	struct lm_raw_path path;
	struct lm_raw_name name;
	struct lm_raw_exec exec;
	uint8_t bytes[LM_RAW_RECORD_MAX_BYTES];
};

void as(struct fixture *f, uint32_t pid)
{
	f->tgid = f->tid = PIDS + pid;
}

void as_thread(struct fixture *f, uint32_t pid, uint32_t tid)
{
	f->tgid = PIDS + pid;
	f->tid = PIDS + tid;
}

int feed(struct fixture *f, void *record, uint8_t kind, uint16_t call, uint16_t len, uint8_t flags)
{
	struct lm_raw *raw = record;

	f->now_ns += 1000;
	*raw = (struct lm_raw){
		.time_ns = f->now_ns, .tid = f->tid, .tgid = f->tgid, .kind = kind, .flags = flags,
		.call = call, .len = len,
	};
	return lm_identify_record(f->identify, raw);
}

#define TAKE(f, record, kind, call, len, flags) \
	assert_int_equal(feed(f, record, kind, call, (uint16_t)(len), flags), 0)

void io(struct fixture *f, uint16_t call, struct lm_raw_inode file, int fd, int result)
{
	struct lm_raw_io raw = {
		.inode = file.inode, .dev = file.dev, .mode = file.mode, .fd = fd, .result = result,
	};

	TAKE(f, &raw, LM_RAW_IO, call, sizeof(raw), 0);
}

void run_of(struct fixture *f, uint16_t call, struct lm_raw_inode file, int result,
	struct lm_raw_fold own, struct lm_raw_fold other)
{
	struct lm_raw_run raw = {
		.inode = file.inode, .dev = file.dev, .mode = file.mode, .fd = 3, .result = result,
		.folds = { own, other },
	};

	TAKE(f, &raw, LM_RAW_RUN, call, sizeof(raw), 0);
}

void fd_call(struct fixture *f, uint16_t call, struct lm_raw_inode file, int fd, int64_t result,
	uint64_t arg)
{
	struct lm_raw_fd raw = {
		.file = file, .result = result, .arg = arg, .fd = fd, .fmode = 3,
		.length = call == SYS_mmap ? 0x1000 : 0,
	};

	TAKE(f, &raw, LM_RAW_FD, call, sizeof(raw), 0);
}

void open_by(struct fixture *f, uint16_t call, struct lm_raw_inode file, struct lm_raw_inode dir,
	const char *name, int fd, uint8_t flags)
{
	union record record = {
		.open = {
			.file = file, .dir_inode = dir.inode, .dir_dev = dir.dev, .fd = fd,
			.name_len = (uint32_t)strlen(name),
		},
	};

	memcpy(record.open.name, name, strlen(name));
	TAKE(f, &record, LM_RAW_OPEN, call, sizeof(record.open) + strlen(name), flags);
}

void open_file(struct fixture *f, struct lm_raw_inode file, struct lm_raw_inode dir,
	const char *name, int fd, uint8_t flags)
{
	open_by(f, SYS_openat, file, dir, name, fd, flags);
}

void walk_dir(struct fixture *f, struct lm_raw_inode dir, struct lm_raw_inode parent,
	const char *name, uint8_t flags)
{
	union record record = {
		.dir = {
			.dir = dir, .parent_inode = parent.inode, .parent_dev = parent.dev,
			.name_len = (uint32_t)strlen(name),
		},
	};

	memcpy(record.dir.name, name, strlen(name));
	TAKE(f, &record, LM_RAW_DIR, LM_RAW_CALL_NONE, sizeof(record.dir) + strlen(name), flags);
}

static void feed_path(struct fixture *f, uint16_t call, struct lm_raw_inode start,
	const char *path_text, const char *path2, uint32_t flags, int64_t result)
{
	union record record = {
		.path = {
			.result = result, .start_inode = start.inode, .start_dev = start.dev,
			.start_mode = start.mode, .start2_inode = start.inode,
			.start2_dev = start.dev,
			/* Where the flags are depends on the call: other arguments are none. */
			.arg = flags, .arg3 = flags, .arg4 = flags,
			.losses = f->losses,
			.path_len = (uint16_t)strlen(path_text),
			.path2_len = (uint16_t)strlen(path2),
		},
	};
	size_t len = strlen(path_text), len2 = strlen(path2);

	memcpy(record.path.paths, path_text, len);
	memcpy(record.path.paths + len, path2, len2);
	TAKE(f, &record, LM_RAW_PATH, call, sizeof(record.path) + len + len2, 0);
}

void path_at(struct fixture *f, uint16_t call, struct lm_raw_inode start, const char *path_text,
	uint32_t flags, int64_t result)
{
	feed_path(f, call, start, path_text, "", flags, result);
}

void path(struct fixture *f, uint16_t call, const char *path_text, int64_t result)
{
	feed_path(f, call, TMP_DIR, path_text, "", 0, result);
}

void paths(struct fixture *f, uint16_t call, const char *path_text, const char *path2,
	uint32_t flags, int64_t result)
{
	feed_path(f, call, TMP_DIR, path_text, path2, flags, result);
}

void hook2(struct fixture *f, uint16_t call, const struct lm_raw_name *like, const char *name,
	const char *name2)
{
	union record record = { .name = *like };
	size_t len = strlen(name), len2 = strlen(name2);

	record.name.losses = f->losses;
	record.name.name_len = (uint16_t)len;
	record.name.name2_len = (uint16_t)len2;
	memcpy(record.name.names, name, len);
	memcpy(record.name.names + len, name2, len2);
	TAKE(f, &record, LM_RAW_NAME, call, sizeof(record.name) + len + len2, 0);
}

void hook(struct fixture *f, uint16_t call, uint8_t change, struct lm_raw_inode target,
	struct lm_raw_inode dir, const char *name)
{
	hook2(f, call, &(struct lm_raw_name){
		.change = change, .target = target, .dir_inode = dir.inode, .dir_dev = dir.dev,
	}, name, "");
}

void fork_child(struct fixture *f, uint32_t child, uint64_t clone_flags)
{
	struct lm_raw_fork raw = {
		.start_ns = 1000 + child, .clone_flags = clone_flags, .child_tid = PIDS + child,
		.child_tgid = PIDS + child, .child_ns_tid = PIDS + child,
		.ns_pid = 1, .ns_mnt = 1, .ns_net = 1, .ns_user = 1,
		.shared_vm = clone_flags & 0x100,
	};

	TAKE(f, &raw, LM_RAW_FORK, LM_RAW_CALL_NONE, sizeof(raw), 0);
}

void clone_thread(struct fixture *f, uint32_t tid)
{
	struct lm_raw_fork raw = {
		.clone_flags = CLONE_THREAD_FLAGS, .child_tid = PIDS + tid, .child_tgid = f->tgid,
		.shared_vm = 1,
	};

	TAKE(f, &raw, LM_RAW_FORK, LM_RAW_CALL_NONE, sizeof(raw), 0);
}

struct lm_raw_attributes attributes_of(uint32_t pid, uint32_t parent)
{
	return (struct lm_raw_attributes){
		.start_ns = 1000 + pid,
		.ns_tgid = PIDS + pid,
		.parent_tgid = parent ? PIDS + parent : 0,
		.ns_pid = 1,
		.ns_mnt = 1,
		.ns_net = 1,
		.ns_user = 1,
		.cwd = TMP_DIR,
		.root = ROOT_DIR,
		.comm = "test",
	};
}

void process(struct fixture *f, uint16_t call, const struct lm_raw_attributes *attributes,
	uint8_t flags)
{
	struct lm_raw_process raw = { .attributes = *attributes };

	TAKE(f, &raw, LM_RAW_PROCESS, call, sizeof(raw), flags);
}

void exec_file(struct fixture *f, uint32_t old_tid, struct lm_raw_inode exe,
	struct lm_raw_inode dir, const char *name, const char *script)
{
	static const char argv[] = "name\0-x";
	union record record = {
		.exec = {
			.attributes = attributes_of(f->tgid - PIDS, 0), .exe = exe,
			.dir_inode = dir.inode, .dir_dev = dir.dev, .old_tid = PIDS + old_tid,
			.argc = 2, .argv_bytes = sizeof(argv), .argv_len = sizeof(argv),
			.name_len = (uint16_t)strlen(name),
			.script_len = (uint16_t)strlen(script),
		},
	};
	char *data = record.exec.data;

	memcpy(data, name, strlen(name));
	memcpy(data + strlen(name), argv, sizeof(argv));
	memcpy(data + strlen(name) + sizeof(argv), script, strlen(script));
	TAKE(f, &record, LM_RAW_EXEC, LM_RAW_CALL_NONE,
		sizeof(record.exec) + strlen(name) + sizeof(argv) + strlen(script), 0);
}

void exit_thread(struct fixture *f, int status, bool group_dead)
{
	struct lm_raw_exit raw = { .status = status, .group_dead = group_dead };

	TAKE(f, &raw, LM_RAW_EXIT, LM_RAW_CALL_NONE, sizeof(raw), 0);
}

void signal_to(struct fixture *f, uint32_t target, uint64_t start_ns, int number)
{
	struct lm_raw_task raw = {
		.target = PIDS + target, .start_ns = start_ns, .arg = (uint64_t)number,
	};

	TAKE(f, &raw, LM_RAW_SIGNAL, LM_RAW_CALL_NONE, sizeof(raw), 0);
}

void task_call(struct fixture *f, uint16_t call, uint32_t target, uint32_t ns_pid)
{
	struct lm_raw_task raw = { .target = PIDS + target, .ns_pid = ns_pid };

	TAKE(f, &raw, LM_RAW_TASK, call, sizeof(raw), 0);
}

void task_failed(struct fixture *f, uint16_t call, uint32_t target, int64_t result)
{
	struct lm_raw_task raw = { .target = PIDS + target, .result = result };

	TAKE(f, &raw, LM_RAW_TASK, call, sizeof(raw), 0);
}

void socket_call(struct fixture *f, const struct lm_raw_socket *like, uint16_t call, int64_t result,
	uint8_t flags)
{
	struct lm_raw_socket raw = *like;

	raw.result = result;
	TAKE(f, &raw, LM_RAW_SOCKET, call, sizeof(raw), flags);
}

void copy(struct fixture *f, uint16_t call, struct lm_raw_inode from, struct lm_raw_inode to,
	int64_t result)
{
	struct lm_raw_copy raw = { .from = from, .to = to, .result = result };

	TAKE(f, &raw, LM_RAW_COPY, call, sizeof(raw), 0);
}

void range(struct fixture *f, uint8_t kind, uint16_t call, uint64_t address, uint64_t length,
	uint64_t arg, int64_t result)
{
	struct lm_raw_range raw = {
		.address = address, .length = length, .arg = arg, .result = result,
	};

	TAKE(f, &raw, kind, call, sizeof(raw), 0);
}

void gap(struct fixture *f, uint64_t count, uint32_t reason)
{
	struct lm_raw_gap raw = {
		.begin_ns = f->now_ns, .end_ns = f->now_ns + 500, .count = count, .reason = reason,
	};

	TAKE(f, &raw, LM_RAW_GAP, LM_RAW_CALL_NONE, sizeof(raw), 0);
}
