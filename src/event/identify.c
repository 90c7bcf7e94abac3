/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

_Static_assert(LM_RAW_CALL_COMPAT == LM_CALL_COMPAT, "records and events mark calls alike");
_Static_assert(LM_RAW_CPU_NONE == LM_GAP_CPU_NONE, "records and gaps name CPUs alike");

uint32_t lm_identify_kernel_dev(uint64_t user_dev)
{
	return major(user_dev) << 20 | minor(user_dev);
}

static int dev_of(int fd, uint32_t *ret_dev)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	*ret_dev = lm_identify_kernel_dev(st.st_dev);
	return 0;
}

int lm_identify_find_devices(struct lm_identify_devices *ret_devices)
{
	struct lm_identify_devices devices = { 0 };
	int event LM_CLOSE = -1, sock LM_CLOSE = -1;
	int reader LM_CLOSE = -1, writer LM_CLOSE = -1;
	int pipe_fds[2];
	int r;

	event = eventfd(0, EFD_CLOEXEC);
	r = dev_of(event, &devices.anon_inode);
	if (r == 0) {
		sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		r = dev_of(sock, &devices.sockfs);
	}
	if (r == 0) {
		if (pipe2(pipe_fds, O_CLOEXEC) < 0)
			return -errno;
		reader = pipe_fds[0];
		writer = pipe_fds[1];
		r = dev_of(reader, &devices.pipefs);
	}
	if (r == 0)
		*ret_devices = devices;
	return r;
}

int lm_identify_new(const struct lm_identify_sink *sink, const struct lm_identify_devices *devices,
	struct lm_identify **ret_identify)
{
	struct lm_object kernel = { .kind = LM_OBJECT_KIND_KERNEL };
	struct lm_identify *id = calloc(1, sizeof(*id));
	int r;

	if (!id)
		return -ENOMEM;
	id->sink = *sink;
	id->devices = *devices;
	id->seed = hash_inode(0, 0);
	lm_identify_set_memory(id, LM_IDENTIFY_MEMORY_BYTES);
	r = new_object(id, &kernel.id);
	if (r == 0)
		r = emit_object(id, &kernel);
	if (r < 0) {
		lm_identify_free(id);
		return r;
	}
	*ret_identify = id;
	return 0;
}

/* Every live process is in the table of threads once for each of its threads. */
static void free_processes(struct lm_identify *id)
{
	for (size_t i = 0; id->threads.slots && i <= id->threads.mask; i++) {
		struct process *process = NULL;
		uint64_t key, value;

		if (!lm_map_at(&id->threads, i, &key, &value))
			continue;
		process = (struct process *)(uintptr_t)value;
		if (process && --process->threads == 0)
			free_process(process);
	}
}

struct lm_identify *lm_identify_free(struct lm_identify *id)
{
	if (!id)
		return NULL;
	free_processes(id);
	free_reports(id);
	free_requests(id);
	free_hooked(id);
	free_repeating(id);
	lm_map_release(&id->threads);
	lm_map_release(&id->memory_files);
	lm_map_release(&id->ns_numbers);
	lm_map_release(&id->name_calls);
	free_names(id);
	free(id->parts.bytes);
	free(id->inodes);
	free(id->object_set.slots);
	free(id->inode_set.slots);
	free(id->name_set.slots);
	free(id->cgroups);
	free(id->cgroup_set.slots);
	free(id->file_systems);
	free(id);
	return NULL;
}

void lm_identify_set_self(struct lm_identify *id, uint32_t tgid)
{
	id->self_tgid = tgid;
}

int begin_event(struct lm_identify *id, const struct lm_raw *raw, uint16_t op,
	struct process **ret_process, struct lm_event *ret_event)
{
	struct process *process;
	int r = process_of(id, raw, &process);

	if (r < 0)
		return r;
	*ret_process = process;
	*ret_event = (struct lm_event){
		.end_ns = raw->time_ns,
		.actor = process->object,
		.tid = raw->tid,
		.op = op,
		.flags = raw->flags & LM_RAW_PARTIAL ? LM_EVENT_PARTIAL : 0,
		.call = raw->call,
		.cpu = raw->cpu,
	};
	if (id->under_way && id->under_way->begin_ns) {
		ret_event->begin_ns = id->under_way->begin_ns;
		ret_event->flags |= LM_EVENT_TIMED;
	}
	return 0;
}

int emit_event(struct lm_identify *id, const struct lm_event *event)
{
	struct lm_item item;

	if (id->under_way && id->under_way->told)
		*id->under_way->told = *event;
	item.kind = LM_ITEM_EVENT;
	item.event = *event;
	if (id->parts.content.len)
		add_content(id, &item.event);
	return put_item(id, &item);
}

/* What is written into some files changes the kernel itself. */
static void set_kernel_sink(struct lm_identify *id, struct inode_entry *entry,
	struct lm_event *event)
{
	bool changes = event->op == LM_OP_WRITE && changes_kernel(id, entry);

	event->object2 = changes ? LM_OBJECT_KERNEL : LM_OBJECT_NONE;
}

static int begin_io(struct lm_identify *id, const struct lm_raw_io *raw,
	struct inode_entry **ret_entry, struct lm_event *ret_event)
{
	struct process *process;
	int r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, ret_event);

	if (r < 0)
		return r;
	ret_event->result = raw->result;
	if (raw->raw.flags & LM_RAW_MASTER)
		ret_event->flags |= LM_EVENT_MASTER;
	r = find_entry(id, raw->raw.time_ns, raw->inode, raw->dev, raw->mode, ret_entry);
	if (r < 0)
		return r;
	if (*ret_entry)
		ret_event->object = (*ret_entry)->object;
	set_kernel_sink(id, *ret_entry, ret_event);
	return 0;
}

static int take_io(struct lm_identify *id, const struct lm_raw_io *raw)
{
	struct inode_entry *entry;
	struct lm_event event;
	int r = begin_io(id, raw, &entry, &event);

	return r < 0 ? r : emit_io(id, entry, &event);
}

/* Repeats that the kernel side counted: one event for each way that it saw. */
static int tell_fold(struct lm_identify *id, struct inode_entry *entry,
	const struct lm_event *kept, const struct lm_raw_fold *fold, bool other)
{
	struct lm_event event = *kept;

	if (!fold->count)
		return 0;
	if (other)
		event.op = kept->op == LM_OP_READ ? LM_OP_WRITE : LM_OP_READ;
	set_kernel_sink(id, entry, &event);
	event.flags |= LM_EVENT_FOLDED;
	event.call = LM_CALL_NONE; /* read and pread alike */
	event.end_ns = fold->last_ns;
	event.arg = fold->count;
	if (other || !lm_event_failed(kept))
		event.result = (int64_t)fold->bytes;
	return emit_io(id, entry, &event);
}

static int take_run(struct lm_identify *id, const struct lm_raw_run *raw)
{
	bool swapped = raw->folds[1].count && raw->folds[1].last_ns < raw->folds[0].last_ns;
	struct inode_entry *entry;
	struct lm_event event;
	/* It begins as the record of a single call does: asserted beside them. */
	int r = begin_io(id, (const struct lm_raw_io *)raw, &entry, &event);

	if (r == 0)
		r = emit_io(id, entry, &event);
	for (int i = 0; i < 2 && r == 0; i++)
		r = tell_fold(id, entry, &event, &raw->folds[i ^ swapped], i ^ swapped);
	return r;
}

/* The name an open file has: bound, so that paths can be derived. */
static int take_open(struct lm_identify *id, const struct lm_raw_open *raw)
{
	uint8_t found = raw->raw.flags & LM_RAW_FOUND ? LM_OBJECT_FOUND : 0;
	struct lm_str component = { raw->name, raw->name_len };
	lm_object_id file, dir = LM_OBJECT_NONE, name = LM_OBJECT_NONE;
	const struct inode_entry *inode;
	bool is_memory;
	uint64_t now = raw->raw.time_ns;
	struct process *process;
	struct lm_event event;
	int r;

	if (raw->name_len > raw->raw.len - sizeof(*raw) || raw->name_len > LM_RAW_NAME_BYTES)
		return -LM_E_FORMAT;
	if (raw->raw.flags & LM_RAW_CREATED && !found)
		r = create_inode(id, now, &raw->file, &file);
	else
		r = describe_inode(id, now, &raw->file, found, &file);
	if (r < 0)
		return r;
	inode = inode_of(id, file);
	is_memory = !inode || inode->kind == LM_OBJECT_KIND_MEMORY;
	if (raw->name_len)
		r = find_inode(id, now, raw->dir_inode, raw->dir_dev, S_IFDIR, &dir);
	/* No directory: a made-up name, such as "memfd:x". All event descriptors have the same. */
	if (r == 0 && raw->name_len && !is_memory)
		r = find_name(id, now, dir, component, found, &name);
	if (r == 0)
		r = note_memory_file(id, raw, file);
	if (r < 0)
		return r;
	if (found) {
		r = process_of(id, &raw->raw, &process);
		if (r < 0)
			return r;
		remember_fd(process, raw->fd, file);
		if (raw->fd < 0) { /* the program of a process that was running before */
			process->attributes.exe = file;
			process->attributes.exe_name = name;
			r = define_process(id, now, process, LM_OBJECT_FOUND);
			if (r < 0)
				return r;
			tell_code(id, process, file, name, true);
		}
		if (!file || !name || bound_file(id, name) == file)
			return 0;
		bind_name(id, name, file);
		return emit_binding(id, now, file, name, 0);
	}
	r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);
	if (r < 0)
		return r;
	bind_name(id, name, file);
	remember_fd(process, raw->fd, file);
	event.object = file;
	event.name = name;
	event.result = raw->fd < 0 ? 0 : raw->fd; /* a slot of a ring is no descriptor */
	event.arg = raw->oflags | raw->arg;
	if (lm_call_native(raw->raw.call) == SYS_creat)
		event.arg |= O_CREAT | O_TRUNC;
	event.flags |= LM_EVENT_CONFIRMED;
	if (raw->raw.flags & LM_RAW_CREATED) {
		event.flags |= LM_EVENT_CREATED;
		take_created_report(id, &event);
	}
	return emit_event(id, &event);
}

#define FMODE_WRITE 2 /* include/linux/fs.h */

/* Closed by all but a few: what uses it once more is told what it is. */
static bool is_socket(const struct lm_identify *id, lm_object_id object)
{
	const struct inode_entry *entry = inode_of(id, object);

	return entry && entry->kind == LM_OBJECT_KIND_SOCKET;
}

static int take_fd(struct lm_identify *id, const struct lm_raw_fd *raw)
{
	struct process *process, *taken_from;
	struct lm_event event;
	int r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);

	if (r < 0)
		return r;
	event.result = raw->result;
	event.arg = raw->arg;
	choose_fd_op(raw, &event);
	if (lm_call_native(raw->raw.call) == SYS_vmsplice && !(raw->fmode & FMODE_WRITE))
		event.op = LM_OP_READ;
	if (event.op == LM_OP_CLOSE) {
		/* At its end the number may already mean another file: what it meant is kept. */
		event.object = recall_fd(process, raw->fd);
		if (is_socket(id, event.object))
			hasten_inode(id, event.object);
		event.flags |= event.object ? LM_EVENT_DERIVED : 0;
		if (!event.object && id->under_way) /* a ring's slot: seen when it was submitted */
			r = describe_inode(id, raw->raw.time_ns, &raw->file, 0, &event.object);
		if (r < 0)
			return r;
		event.arg = (uint32_t)raw->fd;
		remember_fd(process, raw->fd, LM_OBJECT_NONE);
		return emit_event(id, &event);
	}
	if (event.op == LM_OP_MMAP && raw->fd < 0) {
		r = share_memory(id, raw, &event.object);
	} else if (event.op == LM_OP_IPCGET && raw->result >= 0) {
		event.flags |= LM_EVENT_CREATED;
		r = create_inode(id, raw->raw.time_ns, &raw->file, &event.object);
	} else {
		r = describe_inode(id, raw->raw.time_ns, &raw->file, 0, &event.object);
	}
	if (r < 0)
		return r;
	remember_fd(process, raw->fd, event.object);
	if (event.op == LM_OP_FDRECV) {
		taken_from = process_by_tid(id, (uint32_t)raw->arg);
		event.object2 = event.object;
		event.object = taken_from ? taken_from->object : LM_OBJECT_NONE;
		event.arg = 0;
	}
	turn_to_kernel(&event);
	if (event.op == LM_OP_MMAP) {
		/* Of what carries nothing (bpf, perf). What could not be found out is told. */
		if (!event.object && !(event.flags & LM_EVENT_PARTIAL))
			return 0;
		if (changes_kernel(id, inode_of(id, event.object)))
			event.object2 = LM_OBJECT_KERNEL;
		if (raw->result >= 0 && event.object) {
			r = add_mapping(process, &(struct mapping){
				.start = (uint64_t)raw->result,
				.end = (uint64_t)raw->result + raw->length,
				.flags = raw->arg >> 32,
				.prot = raw->arg & UINT32_MAX,
				.object = event.object,
			});
			if (r < 0)
				return r;
			if (raw->arg & PROT_EXEC)
				tell_code(id, process, event.object, LM_OBJECT_NONE, false);
		}
	}
	return emit_event(id, &event);
}

static int take_copy(struct lm_identify *id, const struct lm_raw_copy *raw)
{
	uint16_t op = op_of(raw->raw.call);
	struct process *process;
	struct lm_event event;
	int r;

	/* sendmsg and recvmsg: a descriptor that went with the message. */
	if (op == LM_OP_SEND)
		op = LM_OP_FDSEND;
	else if (op == LM_OP_RECV)
		op = LM_OP_FDRECV;
	r = begin_event(id, &raw->raw, op, &process, &event);
	if (r < 0)
		return r;
	event.result = raw->result;
	r = describe_inode(id, raw->raw.time_ns, &raw->from, 0, &event.object);
	if (r == 0)
		r = describe_inode(id, raw->raw.time_ns, &raw->to, 0, &event.object2);
	if (r < 0)
		return r;
	if (op == LM_OP_FDRECV)
		remember_fd(process, (int)raw->result, event.object2);
	if (op == LM_OP_PIPE)
		event.object2 = LM_OBJECT_NONE;
	if (op == LM_OP_KEXEC && event.object2) { /* the initial file system that goes along */
		struct lm_event second = event;

		second.object = event.object2;
		turn_to_kernel(&second);
		r = emit_event(id, &second);
		if (r < 0)
			return r;
	}
	turn_to_kernel(&event);
	return emit_event(id, &event);
}

static int take_kernel(struct lm_identify *id, const struct lm_raw_range *raw)
{
	struct process *process;
	struct lm_event event;
	int r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);

	if (r < 0)
		return r;
	event.result = raw->result;
	event.arg = raw->arg;
	event.object = LM_OBJECT_KERNEL;
	return emit_event(id, &event);
}

static uint16_t reason_of(uint32_t raw_reason)
{
	switch ((enum lm_raw_gap_reason)raw_reason) {
	case LM_RAW_GAP_NESTED:
		return LM_GAP_NESTED;
	case LM_RAW_GAP_UNSEEN:
		return LM_GAP_UNSEEN;
	case LM_RAW_GAP_FAULT:
		return LM_GAP_FAULT;
	case LM_RAW_GAP_FULL:
		break;
	}
	return LM_GAP_FULL;
}

static int take_gap(struct lm_identify *id, const struct lm_raw_gap *raw)
{
	struct lm_item item = {
		.kind = LM_ITEM_GAP,
		.gap = {
			.begin_ns = raw->begin_ns, .end_ns = raw->end_ns, .count = raw->count,
			.kinds = raw->kinds, .tgid = raw->lost_tgid, .cpu = raw->raw.cpu,
			.reason = reason_of(raw->reason),
		},
	};

	settle_reports(id, raw->lost_tgid);
	/* What was lost may have told names of directories. */
	if (id->sink.forget_directories)
		id->sink.forget_directories(id->sink.data);
	return put_item(id, &item);
}

/* Actions that the kernel did without a call of their own: how many is known, which is not. */
int tell_unseen(struct lm_identify *id, const struct lm_raw *raw, uint64_t count)
{
	struct lm_item item = {
		.kind = LM_ITEM_GAP,
		.gap = {
			.begin_ns = raw->time_ns, .end_ns = raw->time_ns, .count = count,
			.kinds = UINT64_C(1) << raw->kind, .tgid = raw->tgid,
			.cpu = LM_GAP_CPU_NONE, .reason = LM_GAP_UNSEEN,
		},
	};

	return put_item(id, &item);
}

static int take_unseen(struct lm_identify *id, const struct lm_raw_range *raw)
{
	return raw->result > 0 ? tell_unseen(id, &raw->raw, (uint64_t)raw->result) : 0;
}

static const uint16_t minimum_bytes[] = {
	[LM_RAW_IO] = sizeof(struct lm_raw_io),
	[LM_RAW_FD] = sizeof(struct lm_raw_fd),
	[LM_RAW_OPEN] = sizeof(struct lm_raw_open),
	[LM_RAW_DIR] = sizeof(struct lm_raw_dir),
	[LM_RAW_FS] = sizeof(struct lm_raw_fs),
	[LM_RAW_PATH] = sizeof(struct lm_raw_path),
	[LM_RAW_FORK] = sizeof(struct lm_raw_fork),
	[LM_RAW_PROCESS] = sizeof(struct lm_raw_process),
	[LM_RAW_EXEC] = sizeof(struct lm_raw_exec),
	[LM_RAW_EXIT] = sizeof(struct lm_raw_exit),
	[LM_RAW_SIGNAL] = sizeof(struct lm_raw_task),
	[LM_RAW_TASK] = sizeof(struct lm_raw_task),
	[LM_RAW_SOCKET] = sizeof(struct lm_raw_socket),
	[LM_RAW_COPY] = sizeof(struct lm_raw_copy),
	[LM_RAW_RANGE] = sizeof(struct lm_raw_range),
	[LM_RAW_KERNEL] = sizeof(struct lm_raw_range),
	[LM_RAW_GAP] = sizeof(struct lm_raw_gap),
	[LM_RAW_UNSEEN] = sizeof(struct lm_raw_range),
	[LM_RAW_CGROUP] = sizeof(struct lm_raw_cgroup),
	[LM_RAW_IPC] = sizeof(struct lm_raw_ipc),
	[LM_RAW_RUN] = sizeof(struct lm_raw_run),
	[LM_RAW_DIRTY] = sizeof(struct lm_raw_dirty),
	[LM_RAW_URING_SUBMIT] = sizeof(struct lm_raw_uring),
	[LM_RAW_URING_END] = sizeof(struct lm_raw_uring),
	[LM_RAW_NAME] = sizeof(struct lm_raw_name),
	[LM_RAW_CALL] = sizeof(struct lm_raw_call),
	[LM_RAW_TURN] = sizeof(struct lm_raw_turn),
	[LM_RAW_CONTENT] = sizeof(struct lm_raw_content),
};

int lm_identify_record(struct lm_identify *id, const struct lm_raw *record)
{
	if (record->kind == 0 || record->kind > LM_RAW_KIND_MAX ||
		record->len < minimum_bytes[record->kind])
		return -LM_E_FORMAT;
	if (id->directories_gone)
		tell_forgotten(id, record->time_ns);
	switch (record->kind) {
	case LM_RAW_IO:
		return take_io(id, (const void *)record);
	case LM_RAW_FD:
		return take_fd(id, (const void *)record);
	case LM_RAW_OPEN:
		return take_open(id, (const void *)record);
	case LM_RAW_DIR:
		return take_dir(id, (const void *)record);
	case LM_RAW_FS:
		return take_fs(id, (const void *)record);
	case LM_RAW_PATH:
		return take_path(id, (const void *)record);
	case LM_RAW_FORK:
		return take_fork(id, (const void *)record);
	case LM_RAW_PROCESS:
		return take_process(id, (const void *)record);
	case LM_RAW_EXEC:
		return take_exec(id, (const void *)record);
	case LM_RAW_EXIT:
		return take_exit(id, (const void *)record);
	case LM_RAW_SIGNAL:
	case LM_RAW_TASK:
		return take_task(id, (const void *)record);
	case LM_RAW_SOCKET:
		return take_socket(id, (const void *)record);
	case LM_RAW_COPY:
		return take_copy(id, (const void *)record);
	case LM_RAW_RANGE:
		return take_range(id, (const void *)record);
	case LM_RAW_KERNEL:
		return take_kernel(id, (const void *)record);
	case LM_RAW_GAP:
		return take_gap(id, (const void *)record);
	case LM_RAW_DIRTY:
		return take_dirty(id, (const void *)record);
	case LM_RAW_IPC:
		return take_ipc(id, (const void *)record);
	case LM_RAW_UNSEEN:
		return take_unseen(id, (const void *)record);
	case LM_RAW_CGROUP:
		return take_cgroup(id, (const void *)record);
	case LM_RAW_RUN:
		return take_run(id, (const void *)record);
	case LM_RAW_URING_SUBMIT:
	case LM_RAW_URING_END:
		return take_uring(id, (const void *)record);
	case LM_RAW_NAME:
		return take_name(id, (const void *)record);
	case LM_RAW_CALL:
		return take_call(id, (const void *)record);
	case LM_RAW_TURN:
		return take_turn(id, (const void *)record);
	case LM_RAW_CONTENT:
		return take_content(id, (const void *)record);
	}
	return -LM_E_FORMAT;
}
