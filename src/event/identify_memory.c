/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

int tell_inherited(struct lm_identify *id, const struct lm_raw *raw, const struct process *child)
{
	struct lm_event event = {
		.end_ns = raw->time_ns, .actor = child->object, .tid = child->tgid,
		.op = LM_OP_MMAP, .flags = LM_EVENT_DERIVED, .call = LM_CALL_NONE,
	};

	for (uint32_t i = 0; i < child->mapping_count; i++) {
		const struct mapping *m = &child->mappings[i];
		int r;

		/* What it only reads has reached the child with the fork already. */
		if (!(m->flags & MAP_SHARED) || !(m->prot & PROT_WRITE))
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
	if (event.op == LM_OP_CLOSE)
		return raw->result < 0 ? 0 : close_descriptors(id, process, raw, &event);
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
