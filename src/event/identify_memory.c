/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/*
 * Files in memory: what a process has mapped, and until when.
 */

int add_mapping(struct process *process, const struct mapping *mapping)
{
	int r = grow(&process->mappings, process->mapping_count, &process->mapping_capacity,
		sizeof(*process->mappings));

	if (r < 0)
		return r;
	process->mappings[process->mapping_count++] = *mapping;
	return 0;
}

int copy_mappings(const struct process *parent, struct process *child)
{
	for (uint32_t i = 0; i < parent->mapping_count; i++) {
		int r = add_mapping(child, &parent->mappings[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int share_memory(struct lm_identify *id, const struct lm_raw_fd *raw, lm_object_id *ret_object)
{
	struct memory memory = {
		.type = LM_MEMORY_ANONYMOUS, .created = true, .described = true,
		.dev = raw->file.dev, .inode = raw->file.inode,
	};

	*ret_object = LM_OBJECT_NONE;
	if (!raw->file.inode)
		return 0;
	return describe_memory(id, raw->raw.time_ns, &memory, ret_object);
}

int tell_inherited(struct lm_identify *id, const struct lm_raw *raw, const struct process *child)
{
	struct lm_event event = {
		.end_ns = raw->time_ns, .actor = child->object, .tid = child->tgid,
		.op = LM_OP_MMAP, .flags = LM_EVENT_DERIVED, .call = LM_CALL_NONE,
		.cpu = raw->cpu,
	};

	for (uint32_t i = 0; i < child->mapping_count; i++) {
		const struct mapping *m = &child->mappings[i];
		int r;

		/* A private mapping's content has reached the child with the fork already. */
		if (!(m->flags & MAP_SHARED))
			continue;
		event.object = m->object;
		event.result = (int64_t)m->start;
		event.arg = m->prot | m->flags << 32;
		r = emit_event(id, &event);
		if (r < 0)
			return r;
	}
	return 0;
}

int tell_loader(struct lm_identify *id, const struct lm_raw *raw, const struct process *process)
{
	const struct lm_event event = {
		.end_ns = raw->time_ns, .actor = process->object, .tid = process->tgid,
		.op = LM_OP_MMAP, .flags = LM_EVENT_DERIVED, .call = LM_CALL_NONE,
		.cpu = raw->cpu, .object = process->attributes.loader,
		.arg = PROT_READ | PROT_EXEC | (uint64_t)MAP_PRIVATE << 32,
	};

	return event.object ? emit_event(id, &event) : 0;
}

/* What is left of a mapping: nothing, one piece, or one on either side of the hole. */
static int unmap(struct process *process, uint32_t index, uint64_t start, uint64_t end,
	bool *ret_gone)
{
	struct mapping *m = &process->mappings[index], behind = *m;

	if (start <= m->start && end >= m->end) {
		*m = process->mappings[--process->mapping_count];
		*ret_gone = true;
		return 0;
	}
	if (start > m->start && end < m->end) {
		m->end = start;
		behind.start = end;
		return add_mapping(process, &behind);
	}
	if (start <= m->start)
		m->start = end;
	else
		m->end = start;
	return 0;
}

/* Take a range out of what is mapped; what is gone entirely is told. */
static int unmap_range(struct lm_identify *id, struct process *process, uint64_t start,
	uint64_t end, struct lm_event *event)
{
	for (uint32_t i = 0; i < process->mapping_count;) {
		const struct mapping *m = &process->mappings[i];
		bool gone = false;
		int r;

		if (m->end <= start || m->start >= end) {
			i++;
			continue;
		}
		event->object = m->object;
		r = unmap(process, i, start, end, &gone);
		if (r == 0 && gone)
			r = emit_event(id, event);
		if (r < 0)
			return r;
		i += !gone;
	}
	return 0;
}

/*
 * mremap(): the object stays what it was, under other addresses. A length of 0 and
 * MREMAP_DONTUNMAP leave the old mapping, so that there are two.
 */
static int move_mappings(struct lm_identify *id, struct process *process,
	const struct lm_raw_range *raw, struct lm_event *event)
{
	uint64_t new_bytes = raw->arg & ((UINT64_C(1) << LM_RAW_RANGE_FLAGS_SHIFT) - 1);
	uint64_t flags = raw->arg >> LM_RAW_RANGE_FLAGS_SHIFT, old = raw->address;
	uint64_t old_end = old + (raw->length ? raw->length : 1), to = (uint64_t)raw->result;
	bool keep = !raw->length || flags & MREMAP_DONTUNMAP;
	uint32_t count;
	int r = 0;

	if (raw->result < 0)
		return 0;
	event->op = LM_OP_MUNMAP;
	event->arg = 0;
	if (flags & MREMAP_FIXED)
		r = unmap_range(id, process, to, to + new_bytes, event);
	if (r == 0 && raw->length > new_bytes && !keep)
		r = unmap_range(id, process, old + new_bytes, old_end, event);
	count = process->mapping_count;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct mapping *m = &process->mappings[i], moved = *m;
		bool gone = false;

		if (m->end <= old || m->start >= old_end)
			continue;
		moved.start = to + (m->start > old ? m->start - old : 0);
		/* What grew is the last of the range. */
		moved.end = m->end >= old_end ? to + new_bytes : to + (m->end - old);
		if (!keep && to == old) {
			m->end = m->end < moved.end ? moved.end : m->end;
			continue;
		}
		if (!keep)
			r = unmap(process, i, old, old_end, &gone);
		if (r == 0)
			r = add_mapping(process, &moved);
		if (gone) { /* the last of the list has come into its place */
			i--;
			count--;
		}
		if (r < 0 || !keep)
			continue;
		event->op = LM_OP_MMAP;
		event->object = moved.object;
		event->arg = moved.prot | moved.flags << 32;
		r = emit_event(id, event);
	}
	return r;
}

/* Each of the descriptors that are known is closed by itself. */
static int close_descriptors(struct lm_identify *id, struct process *process,
	const struct lm_raw_range *raw, struct lm_event *event)
{
	struct lm_map *fds = process->fds ? &process->fds->objects : NULL;

	if (raw->arg & CLOSE_RANGE_CLOEXEC)
		return 0;
	for (size_t i = 0; fds && fds->slots && i <= fds->mask; i++) {
		uint64_t fd, object;
		int r;

		if (!lm_map_at(fds, i, &fd, &object) || !object || fd < raw->address ||
			fd > raw->length)
			continue;
		event->object = (lm_object_id)object;
		event->arg = fd;
		remember_fd(process, (int)fd, LM_OBJECT_NONE);
		r = emit_event(id, event);
		if (r < 0)
			return r;
	}
	return 0;
}

/* shmdt() tells the start only. An address that is none's ends where it starts. */
static uint64_t end_of_segment(struct lm_identify *id, const struct process *process,
	uint64_t start)
{
	for (uint32_t i = 0; i < process->mapping_count; i++) {
		const struct mapping *m = &process->mappings[i];
		const struct inode_entry *entry = inode_of(id, m->object);

		if (m->start == start && entry && entry->memory == LM_MEMORY_SHM)
			return m->end;
	}
	return start;
}

int take_range(struct lm_identify *id, const struct lm_raw_range *raw)
{
	uint64_t end = raw->address + raw->length;
	struct process *process;
	struct lm_event event;
	int r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);

	if (r < 0)
		return r;
	event.result = raw->result;
	event.arg = raw->arg;
	event.flags |= LM_EVENT_DERIVED;
	if (lm_call_native(raw->raw.call) == SYS_shmdt)
		end = end_of_segment(id, process, raw->address);
	if (event.op == LM_OP_CLOSE)
		return raw->result < 0 ? 0 : close_descriptors(id, process, raw, &event);
	if (event.op == LM_OP_MMAP)
		return move_mappings(id, process, raw, &event);
	if (end <= raw->address) /* of nothing: refused, or without an effect */
		return 0;
	/* Memory that is no file's carries nothing; most of these calls are malloc's. */
	for (uint32_t i = 0; i < process->mapping_count;) {
		struct mapping *m = &process->mappings[i];
		bool gone = false;

		if (m->end <= raw->address || m->start >= end) {
			i++;
			continue;
		}
		event.object = m->object;
		if (event.op == LM_OP_MPROTECT)
			event.arg = (raw->arg & UINT32_MAX) | m->flags << 32;
		if (event.op == LM_OP_MPROTECT && raw->result >= 0)
			m->prot |= raw->arg & UINT32_MAX;
		if (event.op == LM_OP_MUNMAP && raw->result >= 0) {
			r = unmap(process, i, raw->address, end, &gone);
			if (r < 0)
				return r;
		}
		if (gone || event.op == LM_OP_MPROTECT || raw->result < 0) {
			r = emit_event(id, &event);
			if (r < 0)
				return r;
		}
		i += !gone;
	}
	return 0;
}

int note_memory_file(struct lm_identify *id, const struct lm_raw_open *raw, lm_object_id file)
{
	struct lm_str name = { raw->name, raw->name_len };
	struct inode_entry *entry = inode_of(id, file);

	if (!raw->about || !entry || !lm_str_equal(name, LM_STR("mem")))
		return 0;
	entry->surface = SURFACE_MEMORY;
	return lm_map_put(&id->memory_files, file, raw->about);
}

int emit_io(struct lm_identify *id, const struct inode_entry *entry, const struct lm_event *event)
{
	const struct process *target;
	struct lm_event aimed;
	const uint64_t *about;

	if (!entry || entry->surface != SURFACE_MEMORY)
		return emit_event(id, event);
	about = lm_map_get(&id->memory_files, event->object);
	target = about ? process_by_tid(id, (uint32_t)*about) : NULL;
	if (!target || (event->op != LM_OP_READ && event->op != LM_OP_WRITE))
		return emit_event(id, event);
	aimed = *event;
	aimed.op = event->op == LM_OP_READ ? LM_OP_VMREAD : LM_OP_VMWRITE;
	aimed.object = target->object;
	aimed.object2 = event->object;
	return emit_event(id, &aimed);
}

int take_dirty(struct lm_identify *id, const struct lm_raw_dirty *raw)
{
	struct process *process;
	struct lm_event event;
	int r = begin_event(id, &raw->raw, LM_OP_WRITE, &process, &event);

	if (r == 0)
		r = describe_inode(id, raw->raw.time_ns, &raw->file, 0, &event.object);
	if (r < 0)
		return r;
	event.flags |= LM_EVENT_MAPPED;
	event.arg = raw->offset;
	return emit_event(id, &event);
}
