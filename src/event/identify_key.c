/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>

/*
 * The kernel's keys and keyrings: what one process puts into them another can take out. Their
 * serial numbers hold in the whole kernel. Numbers below zero stand for the caller's own keyrings:
 * which keys those are is not told, so that such a call has no object.
 */

static uint64_t number_of(uint32_t serial)
{
	return (uint64_t)LM_RAW_IPC_KEY << LM_RAW_ANONYMOUS_SHIFT | serial;
}

/* What keyctl(2) does, by command. NONE: nothing that anybody else can notice. */
static enum lm_op op_of_command(uint64_t command)
{
	switch (command) {
	case KEYCTL_READ:
	case KEYCTL_DH_COMPUTE:
		return LM_OP_READ;
	case KEYCTL_UPDATE:
	case KEYCTL_INSTANTIATE:
	case KEYCTL_INSTANTIATE_IOV:
	case KEYCTL_NEGATE:
	case KEYCTL_REJECT:
		return LM_OP_WRITE;
	case KEYCTL_LINK:
	case KEYCTL_MOVE:
		return LM_OP_COPY;
	case KEYCTL_UNLINK:
	case KEYCTL_CLEAR:
	case KEYCTL_REVOKE:
	case KEYCTL_INVALIDATE:
		return LM_OP_UNLINK;
	case KEYCTL_CHOWN:
		return LM_OP_CHOWN;
	case KEYCTL_SETPERM:
	case KEYCTL_SET_TIMEOUT:
	case KEYCTL_RESTRICT_KEYRING:
		return LM_OP_CHMOD;
	case KEYCTL_DESCRIBE:
	case KEYCTL_GET_SECURITY:
	case KEYCTL_SEARCH:
		return LM_OP_STAT;
	}
	return LM_OP_NONE;
}

/* A serial that a failed call was given may be none. */
static int find_key(struct lm_identify *id, const struct lm_raw_ipc *raw, int64_t serial,
	lm_object_id *ret_key)
{
	const struct memory memory = {
		.type = LM_MEMORY_KEY, .described = true,
		.inode = number_of((uint32_t)serial),
	};

	*ret_key = LM_OBJECT_NONE;
	if (serial <= 0)
		return 0;
	if (raw->result < 0) {
		*ret_key = known_inode(id, memory.dev, memory.inode);
		return 0;
	}
	return describe_memory(id, raw->raw.time_ns, &memory, ret_key);
}

int take_key(struct lm_identify *id, const struct lm_raw_ipc *raw)
{
	struct process *process;
	struct lm_event event;
	int r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);

	if (r < 0)
		return r;
	event.result = raw->result;
	event.arg = raw->arg;
	if (event.op == LM_OP_IOCTL)
		event.op = op_of_command(raw->arg);
	if (event.op == LM_OP_NONE)
		return 0;
	/* add_key(2) makes a key, or puts something else into one. */
	if (lm_call_native(raw->raw.call) == SYS_add_key && raw->result >= 0)
		event.flags |= LM_EVENT_CREATED;
	r = find_key(id, raw, raw->id, &event.object);
	if (r == 0 && (raw->arg == KEYCTL_LINK || raw->arg == KEYCTL_UNLINK))
		r = find_key(id, raw, (int32_t)raw->length, &event.object2);
	return r < 0 ? r : emit_event(id, &event);
}
