/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/cleanup.h"

#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

/*
 * System V memory segments, message queues and semaphores. An id stands for an
 * object in the caller's ipc namespace, by number: nothing of them is a file.
 */

#define PAGE_BYTES 4096u
#define IPC_64 0x100 /* asm-generic/ipcbuf.h: or-ed into a command, no meaning of its own here */

static const uint8_t memory_types[] = {
	[LM_RAW_IPC_SEGMENT] = LM_MEMORY_SHM,
	[LM_RAW_IPC_QUEUE] = LM_MEMORY_QUEUE,
	[LM_RAW_IPC_SEMAPHORES] = LM_MEMORY_SEMAPHORES,
};

/* Ids of each type are counted by themselves. */
static uint64_t number_of(const struct lm_raw_ipc *raw)
{
	return (uint64_t)raw->type << LM_RAW_ANONYMOUS_SHIFT | (uint32_t)raw->id;
}

/* The key leads here: IPC_CREAT makes an object, or finds one that was made before. */
static int take_get(struct lm_identify *id, const struct lm_raw_ipc *raw, struct lm_event *event)
{
	lm_object_id known = known_inode(id, raw->ns_ipc, number_of(raw));
	bool private = raw->key == (uint32_t)IPC_PRIVATE;
	char text[sizeof("key 0x12345678")];
	struct memory memory = {
		.type = memory_types[raw->type], .described = true,
		.dev = raw->ns_ipc, .inode = number_of(raw),
	};

	event->arg = raw->key | raw->arg << 32;
	if (raw->result < 0)
		return 0;
	memory.created = private ||
			 ((raw->arg & IPC_CREAT) && (raw->arg & IPC_EXCL || !known));
	if (!private) {
		memory.label.len = (uint32_t)snprintf(text, sizeof(text), "key 0x%08x", raw->key);
		memory.label.data = text;
	}
	if (memory.created)
		event->flags |= LM_EVENT_CREATED;
	return describe_memory(id, raw->raw.time_ns, &memory, &event->object);
}

/* What the *ctl() calls do, by command. NONE: nothing that anybody else can notice. */
static enum lm_op op_of_control(const struct lm_raw_ipc *raw)
{
	int command = (int)raw->arg & ~IPC_64;

	switch (command) {
	case IPC_RMID:
		return LM_OP_UNLINK;
	case IPC_SET:
		return LM_OP_CHMOD;
	case IPC_STAT:
		return LM_OP_STAT;
	}
	if (raw->type != LM_RAW_IPC_SEMAPHORES)
		return LM_OP_NONE;
	switch (command) {
	case GETVAL:
	case GETALL:
		return LM_OP_READ;
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return LM_OP_STAT;
	case SETVAL:
	case SETALL:
		return LM_OP_WRITE;
	}
	return LM_OP_NONE;
}

static int attach_segment(struct process *process, const struct lm_raw_ipc *raw,
	struct lm_event *event)
{
	uint64_t prot = PROT_READ | (raw->arg & SHM_RDONLY ? 0 : PROT_WRITE) |
			(raw->arg & SHM_EXEC ? PROT_EXEC : 0);
	/* A segment has a page at least; shmdt() needs no more than its start. */
	uint64_t bytes = raw->length ? raw->length : PAGE_BYTES;

	event->arg = prot | (uint64_t)MAP_SHARED << 32;
	if (raw->result < 0 || !event->object)
		return 0;
	return add_mapping(process, &(struct mapping){
		.start = (uint64_t)raw->result, .end = (uint64_t)raw->result + bytes,
		.flags = MAP_SHARED, .prot = prot, .object = event->object,
	});
}

int take_ipc(struct lm_identify *id, const struct lm_raw_ipc *raw)
{
	struct memory memory = { .dev = raw->ns_ipc, .inode = number_of(raw) };
	struct process *process;
	struct lm_event event;
	int r;

	if (raw->type == LM_RAW_IPC_KEY)
		return take_key(id, raw);
	if (raw->type >= LM_ARRAY_SIZE(memory_types))
		return -LM_E_FORMAT;
	r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);
	if (r < 0)
		return r;
	event.result = raw->result;
	event.arg = raw->arg;
	if (event.op == LM_OP_IPCGET) {
		r = take_get(id, raw, &event);
		return r < 0 ? r : emit_event(id, &event);
	}
	if (event.op == LM_OP_IOCTL)
		event.op = op_of_control(raw);
	if (event.op == LM_OP_NONE)
		return 0;
	memory.type = memory_types[raw->type];
	/* An id that a failed call gave may be none. */
	if (raw->result >= 0)
		r = describe_memory(id, raw->raw.time_ns, &memory, &event.object);
	else
		event.object = known_inode(id, memory.dev, memory.inode);
	if (r == 0 && event.op == LM_OP_MMAP)
		r = attach_segment(process, raw, &event);
	return r < 0 ? r : emit_event(id, &event);
}
