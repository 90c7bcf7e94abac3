/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "lemona/event/content.h"

/*
 * The bytes that a call has moved come in front of its record, in parts, all of
 * them with its thread and time. They become part of its event.
 */

void lm_content_fill_shapes(uint8_t shapes[LM_CALL_COUNT])
{
	static const struct {
		uint16_t call;
		uint8_t shape;
	} moving[] = {
		{ SYS_read, LM_CONTENT_PLAIN },
		{ SYS_pread64, LM_CONTENT_PLAIN },
		{ SYS_recvfrom, LM_CONTENT_PLAIN },
		{ SYS_write, LM_CONTENT_PLAIN | LM_CONTENT_OUT },
		{ SYS_pwrite64, LM_CONTENT_PLAIN | LM_CONTENT_OUT },
		{ SYS_sendto, LM_CONTENT_PLAIN | LM_CONTENT_OUT },
		{ SYS_readv, LM_CONTENT_VECTOR },
		{ SYS_preadv, LM_CONTENT_VECTOR },
		{ SYS_preadv2, LM_CONTENT_VECTOR },
		{ SYS_writev, LM_CONTENT_VECTOR | LM_CONTENT_OUT },
		{ SYS_pwritev, LM_CONTENT_VECTOR | LM_CONTENT_OUT },
		{ SYS_pwritev2, LM_CONTENT_VECTOR | LM_CONTENT_OUT },
		{ SYS_recvmsg, LM_CONTENT_MESSAGE },
		{ SYS_sendmsg, LM_CONTENT_MESSAGE | LM_CONTENT_OUT },
		{ SYS_process_vm_readv, LM_CONTENT_REMOTE },
		{ SYS_process_vm_writev, LM_CONTENT_REMOTE | LM_CONTENT_OUT },
	};

	memset(shapes, LM_CONTENT_NONE, LM_CALL_COUNT);
	for (size_t i = 0; i < LM_ARRAY_SIZE(moving); i++)
		shapes[moving[i].call] = moving[i].shape;
}

int take_content(struct lm_identify *id, const struct lm_raw_content *raw)
{
	struct content_parts *parts = &id->parts;

	if (raw->bytes_len > raw->raw.len - sizeof(*raw) || raw->bytes_len > LM_RAW_CONTENT_BYTES)
		return -LM_E_FORMAT;
	if (!parts->bytes) {
		parts->bytes = malloc(LM_CONTENT_MAX_BYTES);
		if (!parts->bytes)
			return -ENOMEM;
	}
	if (parts->tid != raw->raw.tid || parts->time_ns != raw->raw.time_ns) {
		parts->tid = raw->raw.tid;
		parts->time_ns = raw->raw.time_ns;
		parts->content = (struct lm_event_content){ 0 };
	}
	/* Behind a part that is missing nothing is taken: what is kept is the beginning. */
	if (raw->at != parts->content.len ||
		raw->bytes_len > LM_CONTENT_MAX_BYTES - parts->content.len)
		return 0;
	memcpy(parts->bytes + raw->at, raw->bytes, raw->bytes_len);
	parts->content.len += raw->bytes_len;
	parts->content.offset = raw->offset;
	parts->content.terminal = raw->terminal;
	parts->content.bytes = parts->bytes;
	return 0;
}

void add_content(struct lm_identify *id, struct lm_event *event)
{
	struct content_parts *parts = &id->parts;

	/* What is copied inside the kernel is in nobody's memory. */
	if (event->tid != parts->tid || event->end_ns != parts->time_ns ||
	    !lm_op_moves_bytes(event->op) || event->op == LM_OP_COPY)
		return;
	event->flags |= LM_EVENT_CONTENT;
	id->given = parts->content;
	event->content = &id->given;
	parts->content.len = 0;
}
