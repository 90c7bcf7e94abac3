/* SPDX-License-Identifier: MIT */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/log/reader.h"

/*
 * Logs for tests: a stream of items of every kind that depends on nothing but
 * its numbers, so that what was written can be told from what was read.
 * The golden logs (tests/golden/log) hold this stream: what make_*() return for a
 * number never changes.
 */
#define MAKE_TIME_BASE_NS UINT64_C(5000000000)

static inline struct lm_log_meta make_meta(void)
{
	return (struct lm_log_meta){
		.host = "victim",
		.boot_id = "01234567-89ab-cdef-0123-456789abcdef",
		.machine_id = "0123456789abcdef0123456789abcdef",
		.kernel = "6.1.0-test #1 SMP",
		.recorder = "lemona test",
		.attach = "tracepoint",
		.level = "provenance",
		.start_ns = 4000000000,
		.start_wall_ns = 1700000000000000000,
	};
}

/* Every field of every kind gets a value of its own. */
static inline struct lm_object make_object(uint32_t i)
{
	static const char argv[] = "sh\0-c\0echo \x1b[31m \xff";
	struct lm_object object = {
		.id = i + 1,
		.kind = (uint8_t)(i == 0 ? LM_OBJECT_KIND_KERNEL : 2 + i % 8),
		.flags = (uint8_t)(i % 3),
		.time_ns = MAKE_TIME_BASE_NS + i * 1000,
	};

	switch ((enum lm_object_kind)object.kind) {
	case LM_OBJECT_KIND_PROCESS:
		object.process = (struct lm_process){
			.tgid = 1000 + i, .ns_tgid = 1 + i, .start_ns = MAKE_TIME_BASE_NS - i,
			.version = i % 4, .previous = i, .parent = i / 2, .exe = 3, .loader = 4,
			.script = i % 5, .cwd = 6, .root = 7, .exe_name = 8, .sid = 99, .tty = 1025,
			.uid = 1, .euid = 2, .suid = 3, .fsuid = 4, .gid = 5, .egid = 6, .sgid = 7,
			.fsgid = 8, .loginuid = UINT32_MAX, .cap_effective = UINT64_MAX - i,
			.cgroup = 77, .ns_pid = 11, .ns_mnt = 12, .ns_net = 13, .ns_user = 14,
			.argc = 3, .env_bytes = 500 + i, .argv_cut = i % 2, .session = 4 + i,
			.adopter = i % 2, .cap_permitted = 15, .cap_inheritable = 16 + i,
			.cap_bounding = UINT64_MAX / 2, .cap_ambient = 17, .ns_uts = 18,
			.ns_ipc = 19, .ns_cgroup = 20, .ns_time = 21,
			.seccomp = i % 3, .no_new_privs = i % 2,
			.argv = { argv, sizeof(argv) - 1 }, .comm = LM_STR("sh"),
		};
		break;
	case LM_OBJECT_KIND_FILE:
		object.file = (struct lm_file){ .dev = 8 << 20 | 1,
			.inode = UINT64_MAX - i,
			.generation = i * 2654435761u,
			.mode = 0100644,
			.rdev = i,
			.fs_magic = 0xef53,
			.fs_uuid = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, (uint8_t)i } };
		break;
	case LM_OBJECT_KIND_NAME:
		object.name = (struct lm_name){ .dir = i / 3, .component = LM_STR("pass\nwd") };
		break;
	case LM_OBJECT_KIND_SOCKET:
		object.socket = (struct lm_socket){ .dev = 9,
			.inode = i,
			.cookie = i * 7ull,
			.family = 2,
			.type = 1,
			.protocol = 6,
			.ns_net = 5,
			.local = { .family = 2, .port = 22, .ip = { 10, 0, 0, 1 } },
			.remote = { .family = 10,
				.port = (uint16_t)i,
				.ip = { 0xfe, 0x80, [15] = 1 },
				.path = LM_STR("@abstract") },
			.peer_inode = i + 5,
			.path_file = i % 9 };
		break;
	case LM_OBJECT_KIND_PIPE:
		object.pipe = (struct lm_pipe){ .dev = 12, .inode = i };
		break;
	case LM_OBJECT_KIND_MEMORY:
		object.memory = (struct lm_memory){ .type = LM_MEMORY_MEMFD, .dev = 1, .inode = i,
			.label = LM_STR("payload") };
		break;
	case LM_OBJECT_KIND_CGROUP:
		object.cgroup = (struct lm_cgroup){ .hierarchy = i % 5,
			.cgroup = (uint64_t)i << 32 | 7, .path = LM_STR("/system.slice/x") };
		break;
	case LM_OBJECT_KIND_CONTENT:
		object.content = (struct lm_content){ .file = i / 2, .state = LM_CONTENT_HASHED,
			.size = i * 7ull, .changed_ns = MAKE_TIME_BASE_NS - i,
			.sha256 = { (uint8_t)i, 1, 2, [8] = 3, [16] = (uint8_t)(i >> 8),
				[31] = 4 } };
		break;
	default:
		break;
	}
	return object;
}

static inline struct lm_binding make_binding(uint32_t i)
{
	return (struct lm_binding){ .time_ns = MAKE_TIME_BASE_NS + i, .file = i * 3 + 1,
		.name = i % 2 ? 0 : i * 5, .flags = (uint8_t)(i % 3) };
}

static inline struct lm_gap make_gap(uint32_t i)
{
	return (struct lm_gap){ .begin_ns = i, .end_ns = i % 2 ? UINT64_MAX : i + 100,
		.count = i * 10ull, .kinds = UINT64_MAX >> (i % 64), .tgid = i,
		.cpu = i % 3 ? (uint16_t)i : LM_GAP_CPU_NONE, .reason = (uint16_t)(1 + i % 4) };
}

/* Some repeat, some are new, some are 0. Good until the third call from here. */
static inline const uint64_t *make_args(uint32_t i)
{
	static uint64_t rooms[3][LM_EVENT_ARGS];
	static uint32_t next;
	uint64_t *args = rooms[next++ % 3];

	for (uint32_t k = 0; k < LM_EVENT_ARGS; k++)
		args[k] = i * 2654435761u % (k + 2) ? k << k * 9 % 32 :
			(uint64_t)(i * 40503u) << (i * 11 % 48);
	return args;
}

/* Of all lengths, in a terminal and not. Good until the third call from here. */
static inline const struct lm_event_content *make_content(uint32_t i)
{
	static struct lm_event_content rooms[3];
	static uint8_t bytes[512];
	static uint32_t next;
	struct lm_event_content *content = &rooms[next++ % 3];

	for (uint32_t k = 0; k < sizeof(bytes); k++)
		bytes[k] = (uint8_t)(k * 7);
	*content = (struct lm_event_content){ .offset = (uint64_t)i << (i % 33),
		.bytes = bytes + i % 11,
		.len = 1 + i % 500, .terminal = i % 2 ? 0 : LM_TERMINAL_MASTER | i };
	return content;
}

/* Operations that there were when the golden logs were made: what came later is not in them. */
#define MADE_OPS 64u

/* Times grow from event to event; all else wanders so that every prediction is met and missed. */
static inline struct lm_event make_event(uint32_t i)
{
	uint32_t h = i * 2654435761u;
	struct lm_event event;

	h ^= h >> 15;
	event = (struct lm_event){
		.end_ns = MAKE_TIME_BASE_NS + i * UINT64_C(700) + h % 600,
		.actor = 2 + h % 5, .tid = 1000 + h % 7,
		.op = (uint16_t)(h % 13 ? 1 + h / 7 % MADE_OPS : LM_OP_CALL),
		.flags = (uint16_t)(h / 11 % 128 | (h % 37 == 0 ? LM_EVENT_CONTENT : 0)),
		.call = h % 31 == 0 ? LM_CALL_NONE : (uint16_t)(h / 5 % 400),
		.cpu = (uint16_t)(h / 64 % 3),
		.result = h % 4 == 0 ? 0 : h % 4 == 1 ? -(int64_t)(h % 40) :
			h % 4 == 2 ? (int64_t)(UINT64_C(0x7f0000000000) + h) : (int64_t)(h % 9),
		.object = h % 3 ? h % 50 : 0, .object2 = h % 11 ? 0 : UINT32_MAX - h % 3,
		.name = h % 5 ? 0 : h % 1000, .name2 = h % 17 ? 0 : h,
		.arg = h % 6 ? 0 : (uint64_t)h << (h % 33),
	};
	if (event.flags & LM_EVENT_TIMED)
		event.begin_ns = event.end_ns - h % 70000;
	if (event.op == LM_OP_CALL)
		event.args = make_args(i);
	if (event.flags & LM_EVENT_CONTENT)
		event.content = make_content(i);
	return event;
}

static inline struct lm_item make_event_item(uint32_t i)
{
	return (struct lm_item){ .kind = LM_ITEM_EVENT, .event = make_event(i) };
}

static inline struct lm_item make_object_item(uint32_t i)
{
	return (struct lm_item){ .kind = LM_ITEM_OBJECT, .object = make_object(i) };
}

static inline struct lm_item make_binding_item(uint32_t i)
{
	return (struct lm_item){ .kind = LM_ITEM_BINDING, .binding = make_binding(i) };
}

static inline struct lm_item make_gap_item(uint32_t i)
{
	return (struct lm_item){ .kind = LM_ITEM_GAP, .gap = make_gap(i) };
}

/* The stream up to event number `events`: an object for every 7, a binding for every 50, ... */
static inline void write_stream(struct lm_log_writer *writer, uint32_t events)
{
	uint32_t objects = 0;

	for (uint32_t i = 0; i < events; i++) {
		struct lm_item items[4];
		uint32_t n = 0;

		if (i % 7 == 0)
			items[n++] = make_object_item(objects++);
		if (i % 50 == 1)
			items[n++] = make_binding_item(i / 50);
		if (i % 200 == 2)
			items[n++] = make_gap_item(i / 200);
		items[n++] = make_event_item(i);
		for (uint32_t k = 0; k < n; k++)
			assert_int_equal(lm_log_add(writer, &items[k]), 0);
		if (i % 499 == 498)
			assert_int_equal(lm_log_flush(writer), 0);
	}
}

static inline void assert_str_same(struct lm_str a, struct lm_str b)
{
	assert_true(lm_str_equal(a, b));
}

/* Every field of the kind. */
static inline void assert_object_same(const struct lm_object *read, const struct lm_object *made)
{
	struct lm_object a, b;

	memcpy(&a, read, sizeof(a));
	memcpy(&b, made, sizeof(b));
	assert_int_equal(a.kind, b.kind);
	switch ((enum lm_object_kind)a.kind) {
	case LM_OBJECT_KIND_PROCESS:
		assert_str_same(a.process.argv, b.process.argv);
		assert_str_same(a.process.comm, b.process.comm);
		assert_true(a.process.tgid == b.process.tgid);
		assert_true(a.process.ns_tgid == b.process.ns_tgid);
		assert_true(a.process.start_ns == b.process.start_ns);
		assert_true(a.process.version == b.process.version);
		assert_true(a.process.previous == b.process.previous);
		assert_true(a.process.parent == b.process.parent);
		assert_true(a.process.exe == b.process.exe);
		assert_true(a.process.loader == b.process.loader);
		assert_true(a.process.script == b.process.script);
		assert_true(a.process.cwd == b.process.cwd);
		assert_true(a.process.root == b.process.root);
		assert_true(a.process.exe_name == b.process.exe_name);
		assert_true(a.process.sid == b.process.sid);
		assert_true(a.process.tty == b.process.tty);
		assert_true(a.process.uid == b.process.uid);
		assert_true(a.process.euid == b.process.euid);
		assert_true(a.process.suid == b.process.suid);
		assert_true(a.process.fsuid == b.process.fsuid);
		assert_true(a.process.gid == b.process.gid);
		assert_true(a.process.egid == b.process.egid);
		assert_true(a.process.sgid == b.process.sgid);
		assert_true(a.process.fsgid == b.process.fsgid);
		assert_true(a.process.loginuid == b.process.loginuid);
		assert_true(a.process.cap_effective == b.process.cap_effective);
		assert_true(a.process.cgroup == b.process.cgroup);
		assert_true(a.process.ns_pid == b.process.ns_pid);
		assert_true(a.process.ns_mnt == b.process.ns_mnt);
		assert_true(a.process.ns_net == b.process.ns_net);
		assert_true(a.process.ns_user == b.process.ns_user);
		assert_true(a.process.argc == b.process.argc);
		assert_true(a.process.env_bytes == b.process.env_bytes);
		assert_true(a.process.argv_cut == b.process.argv_cut);
		assert_true(a.process.session == b.process.session);
		assert_true(a.process.adopter == b.process.adopter);
		assert_true(a.process.cap_permitted == b.process.cap_permitted);
		assert_true(a.process.cap_inheritable == b.process.cap_inheritable);
		assert_true(a.process.cap_bounding == b.process.cap_bounding);
		assert_true(a.process.cap_ambient == b.process.cap_ambient);
		assert_true(a.process.ns_uts == b.process.ns_uts);
		assert_true(a.process.ns_ipc == b.process.ns_ipc);
		assert_true(a.process.ns_cgroup == b.process.ns_cgroup);
		assert_true(a.process.ns_time == b.process.ns_time);
		assert_true(a.process.seccomp == b.process.seccomp);
		assert_true(a.process.no_new_privs == b.process.no_new_privs);
		break;
	case LM_OBJECT_KIND_FILE:
		assert_memory_equal(&a.file, &b.file, sizeof(a.file));
		break;
	case LM_OBJECT_KIND_NAME:
		assert_str_same(a.name.component, b.name.component);
		assert_int_equal(a.name.dir, b.name.dir);
		break;
	case LM_OBJECT_KIND_SOCKET:
		assert_str_same(a.socket.remote.path, b.socket.remote.path);
		assert_str_same(a.socket.local.path, b.socket.local.path);
		assert_true(a.socket.dev == b.socket.dev);
		assert_true(a.socket.inode == b.socket.inode);
		assert_true(a.socket.cookie == b.socket.cookie);
		assert_true(a.socket.family == b.socket.family);
		assert_true(a.socket.type == b.socket.type);
		assert_true(a.socket.protocol == b.socket.protocol);
		assert_true(a.socket.ns_net == b.socket.ns_net);
		assert_true(a.socket.local.family == b.socket.local.family);
		assert_true(a.socket.local.port == b.socket.local.port);
		assert_true(a.socket.remote.family == b.socket.remote.family);
		assert_true(a.socket.remote.port == b.socket.remote.port);
		assert_true(a.socket.peer_inode == b.socket.peer_inode);
		assert_true(a.socket.path_file == b.socket.path_file);
		assert_memory_equal(a.socket.remote.ip, b.socket.remote.ip, 16);
		assert_memory_equal(a.socket.local.ip, b.socket.local.ip, 16);
		break;
	case LM_OBJECT_KIND_PIPE:
		assert_int_equal(a.pipe.dev, b.pipe.dev);
		assert_int_equal(a.pipe.inode, b.pipe.inode);
		break;
	case LM_OBJECT_KIND_MEMORY:
		assert_str_same(a.memory.label, b.memory.label);
		assert_int_equal(a.memory.type, b.memory.type);
		assert_int_equal(a.memory.dev, b.memory.dev);
		assert_int_equal(a.memory.inode, b.memory.inode);
		break;
	case LM_OBJECT_KIND_CGROUP:
		assert_str_same(a.cgroup.path, b.cgroup.path);
		assert_int_equal(a.cgroup.hierarchy, b.cgroup.hierarchy);
		assert_int_equal(a.cgroup.cgroup, b.cgroup.cgroup);
		break;
	case LM_OBJECT_KIND_CONTENT:
		assert_int_equal(a.content.file, b.content.file);
		assert_int_equal(a.content.state, b.content.state);
		assert_int_equal(a.content.size, b.content.size);
		assert_int_equal(a.content.changed_ns, b.content.changed_ns);
		assert_memory_equal(a.content.sha256, b.content.sha256, 32);
		break;
	default:
		break;
	}
	assert_int_equal(a.id, b.id);
	assert_int_equal(a.flags, b.flags);
	assert_int_equal(a.time_ns, b.time_ns);
}

/* Everything but what the log itself assigns. */
static inline void assert_event_same(const struct lm_event *read, const struct lm_event *made)
{
	assert_int_equal(read->end_ns, made->end_ns);
	assert_int_equal(read->actor, made->actor);
	assert_int_equal(read->tid, made->tid);
	assert_int_equal(read->op, made->op);
	assert_int_equal(read->flags, made->flags);
	assert_int_equal(read->call, made->call);
	assert_int_equal(read->cpu, made->cpu);
	assert_true(read->result == made->result);
	assert_int_equal(read->object, made->object);
	assert_int_equal(read->object2, made->object2);
	assert_int_equal(read->name, made->name);
	assert_int_equal(read->name2, made->name2);
	assert_true(read->arg == made->arg);
	if (made->flags & LM_EVENT_TIMED)
		assert_int_equal(read->begin_ns, made->begin_ns);
	assert_int_equal(read->args != NULL, made->args != NULL);
	if (made->args)
		assert_memory_equal(read->args, made->args, LM_EVENT_ARGS * sizeof(*made->args));
	assert_int_equal(read->content != NULL, made->content != NULL);
	if (!made->content)
		return;
	assert_int_equal(read->content->offset, made->content->offset);
	assert_int_equal(read->content->terminal, made->content->terminal);
	assert_int_equal(read->content->len, made->content->len);
	assert_memory_equal(read->content->bytes, made->content->bytes, made->content->len);
}

static inline void assert_gap_same(const struct lm_gap *read, const struct lm_gap *made)
{
	assert_true(read->begin_ns == made->begin_ns && read->end_ns == made->end_ns);
	assert_true(read->count == made->count && read->kinds == made->kinds);
	assert_int_equal(read->tgid, made->tgid);
	assert_int_equal(read->cpu, made->cpu);
	assert_int_equal(read->reason, made->reason);
}

static inline void assert_binding_same(const struct lm_binding *read, const struct lm_binding *made)
{
	assert_int_equal(read->time_ns, made->time_ns);
	assert_int_equal(read->file, made->file);
	assert_int_equal(read->name, made->name);
	assert_int_equal(read->flags, made->flags);
}

/* Each kind comes back in its own order, whole, and nothing else does. */
static inline void read_stream(struct lm_log *log, uint32_t wanted)
{
	uint32_t objects = 0, bindings = 0, gaps = 0, events = 0;
	struct lm_item item, made;
	int r;

	while ((r = lm_log_next(log, &item)) == 1) {
		switch ((enum lm_item_kind)item.kind) {
		case LM_ITEM_OBJECT:
			made = make_object_item(objects++);
			assert_object_same(&item.object, &made.object);
			break;
		case LM_ITEM_BINDING:
			made = make_binding_item(bindings++);
			assert_binding_same(&item.binding, &made.binding);
			break;
		case LM_ITEM_GAP:
			made = make_gap_item(gaps++);
			assert_gap_same(&item.gap, &made.gap);
			break;
		case LM_ITEM_EVENT:
			made = make_event_item(events++);
			assert_event_same(&item.event, &made.event);
			assert_int_equal(item.event.id, events);
			assert_true(item.event.begin_ns <= item.event.end_ns);
			break;
		}
	}
	assert_int_equal(r, 0);
	assert_int_equal(events, wanted);
	assert_int_equal(objects, (wanted + 6) / 7);
	assert_int_equal(bindings, (wanted + 48) / 50);
	assert_int_equal(gaps, (wanted + 197) / 200);
}

/* A folder for one test, removed by remove_folder(). */
struct folder {
	char path[64];
	char log[80]; /* not made yet */
};

static inline int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	if (!folder)
		return -1;
	/* In memory where it can be: some tests alter a log thousands of times. */
	snprintf(folder->path, sizeof(folder->path), "%s/lemona-unit-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder->path))
		return -1;
	snprintf(folder->log, sizeof(folder->log), "%s/log", folder->path);
	*state = folder;
	return 0;
}

static inline void remove_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

static inline int remove_folder(void **state)
{
	struct folder *folder = *state;

	remove_files(folder->log);
	remove_files(folder->path);
	free(folder);
	return 0;
}

static inline struct lm_log_writer *create_log(const struct folder *folder, size_t segment_bytes)
{
	const struct lm_log_options options = { .segment_bytes = segment_bytes };
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	struct lm_diag diag = LM_DIAG_INIT;

	assert_int_equal(lm_log_create(folder->log, &meta, &options, &writer, &diag), 0);
	assert_non_null(writer);
	return writer;
}

static inline struct lm_log *open_log(const char *path)
{
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_log *log = NULL;

	if (lm_log_open(path, &log, &diag) < 0)
		fail_msg("%s", diag.text);
	return log;
}

/* `count` events from number `first` on, a frame for every `per_frame`. */
static inline void add_events(struct lm_log_writer *writer, uint32_t first, uint32_t count,
	uint32_t per_frame)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct lm_item item = make_event_item(i);

		assert_int_equal(lm_log_add(writer, &item), 0);
		if ((i - first) % per_frame == per_frame - 1)
			assert_int_equal(lm_log_flush(writer), 0);
	}
}

/* A log of `frames` frames with ten events each, in one segment, ended. */
static inline void make_log(const struct folder *folder, uint32_t frames)
{
	struct lm_log_writer *writer = create_log(folder, 0);

	add_events(writer, 0, frames * 10, 10);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
}

static inline void segment_path(const struct folder *folder, uint32_t number, char out[128])
{
	snprintf(out, 128, "%s/%08u.lms", folder->log, number);
}

static inline uint64_t file_size(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return (uint64_t)status.st_size;
}
