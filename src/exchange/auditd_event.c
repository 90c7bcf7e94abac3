/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "auditd.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "text.h"

#define PTS_MAJOR  136u
#define TTY_MAJOR  4u
#define TTYS_MINOR 64u
#define KERNEL_MINOR_BITS 20

static struct lm_str take_quoted(struct lm_str value)
{
	value.data++;
	value.len--;
	if (value.len && value.data[value.len - 1] == '"')
		value.len--;
	return value;
}

/* Text that the kernel has not trusted: in quotes, or in hexadecimal. */
static void take_text(struct audit_event *event, struct audit_text *to, struct lm_str value)
{
	size_t at = event->text.len;

	if (!value.len || lm_str_equal(value, LM_STR("(null)")))
		return;
	to->set = true;
	if (*value.data == '"')
		lm_buffer_append_str(&event->text, take_quoted(value));
	else if (!text_append_unhex(&event->text, value))
		lm_buffer_append_str(&event->text, value);
	to->at = (uint32_t)at;
	to->len = (uint32_t)(event->text.len - at);
}

static struct lm_str field_value(auparse_state_t *parser)
{
	return lm_str_from(auparse_get_field_str(parser));
}

/* "fe:00", both hexadecimal */
static uint32_t parse_device(struct lm_str value)
{
	const char *colon = value.len ? memchr(value.data, ':', value.len) : NULL;
	struct lm_str major = value, minor = LM_STR_NONE;

	if (!colon)
		return 0;
	major.len = (uint32_t)(colon - value.data);
	minor = (struct lm_str){ colon + 1, value.len - major.len - 1 };
	return (uint32_t)(text_u64(major, 16) << KERNEL_MINOR_BITS | text_u64(minor, 16));
}

/* "pts0", "tty1", "ttyS0"; "(none)" */
static uint32_t parse_tty(struct lm_str value)
{
	if (text_skip(&value, "pts"))
		return PTS_MAJOR << KERNEL_MINOR_BITS | (uint32_t)text_u64(value, 10);
	if (text_skip(&value, "ttyS"))
		return TTY_MAJOR << KERNEL_MINOR_BITS |
			(TTYS_MINOR + (uint32_t)text_u64(value, 10));
	if (text_skip(&value, "tty"))
		return TTY_MAJOR << KERNEL_MINOR_BITS | (uint32_t)text_u64(value, 10);
	return 0;
}

/* A number of a SYSCALL record, by the name of its field. */
static void take_number(struct audit_event *event, const char *name, struct lm_str value)
{
	const struct {
		const char *name;
		uint32_t *to;
	} numbers[] = {
		{ "ppid", &event->ppid }, { "pid", &event->pid }, { "auid", &event->auid },
		{ "uid", &event->uid }, { "euid", &event->euid }, { "suid", &event->suid },
		{ "fsuid", &event->fsuid }, { "gid", &event->gid }, { "egid", &event->egid },
		{ "sgid", &event->sgid }, { "fsgid", &event->fsgid }, { "ses", &event->session },
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(numbers); i++)
		if (strcmp(name, numbers[i].name) == 0)
			*numbers[i].to = (uint32_t)text_u64(value, 10);
}

static void take_call(struct audit_event *event, const char *name, struct lm_str value)
{
	event->is_call = true;
	if (name[0] == 'a' && name[1] >= '0' && name[1] <= '3' && !name[2])
		event->args[name[1] - '0'] = text_u64(value, 16);
	else if (strcmp(name, "arch") == 0)
		event->arch = (uint32_t)text_u64(value, 16);
	else if (strcmp(name, "syscall") == 0)
		event->number = text_u64(value, 10);
	else if (strcmp(name, "success") == 0)
		event->succeeded = lm_str_equal(value, LM_STR("yes"));
	else if (strcmp(name, "exit") == 0)
		event->exit = text_i64(value);
	else if (strcmp(name, "tty") == 0)
		event->tty = parse_tty(value);
	else if (strcmp(name, "comm") == 0)
		take_text(event, &event->comm, value);
	else if (strcmp(name, "exe") == 0)
		take_text(event, &event->exe, value);
	else
		take_number(event, name, value);
}

static enum audit_nametype parse_nametype(struct lm_str value)
{
	if (lm_str_equal(value, LM_STR("NORMAL")))
		return AUDIT_NAME_NORMAL;
	if (lm_str_equal(value, LM_STR("PARENT")))
		return AUDIT_NAME_PARENT;
	if (lm_str_equal(value, LM_STR("CREATE")))
		return AUDIT_NAME_CREATE;
	if (lm_str_equal(value, LM_STR("DELETE")))
		return AUDIT_NAME_DELETE;
	return AUDIT_NAME_OTHER;
}

static void take_path(struct audit_event *event, const char *name, struct lm_str value)
{
	struct audit_path *path = &event->paths[event->path_count - 1];

	if (strcmp(name, "name") == 0)
		take_text(event, &path->name, value);
	else if (strcmp(name, "inode") == 0)
		path->is.inode = text_u64(value, 10);
	else if (strcmp(name, "dev") == 0)
		path->is.dev = parse_device(value);
	else if (strcmp(name, "mode") == 0)
		path->is.mode = (uint32_t)text_u64(value, 8);
	else if (strcmp(name, "rdev") == 0)
		path->is.rdev = parse_device(value);
	else if (strcmp(name, "nametype") == 0 || strcmp(name, "objtype") == 0)
		path->type = parse_nametype(value);
}

/* a0="sh" a1=2D63 ..., or a1_len=9000 a1[0]=... a1[1]=... where one is long */
static void take_word(struct audit_event *event, const char *name, struct lm_str value)
{
	struct lm_str digits = lm_str_from(name);
	struct audit_text word = { 0 };
	uint64_t number, part = 0;

	if (strcmp(name, "argc") == 0) {
		event->argc = (uint32_t)text_u64(value, 10);
		return;
	}
	if (!text_skip(&digits, "a") || !text_take_u64(&digits, 10, &number))
		return;
	if (text_skip(&digits, "[") && !text_take_u64(&digits, 10, &part))
		return;
	if (text_skip(&digits, "_") || event->argv.len > AUDIT_ARGV_MAX_BYTES)
		return;
	/* Words stand back to back: nothing else is put into the text in between. */
	if (!event->argv.set)
		event->argv = (struct audit_text){ .at = (uint32_t)event->text.len, .set = true };
	if (part > 0)
		event->text.len--; /* the end of what this goes on with */
	take_text(event, &word, value);
	lm_buffer_append_byte(&event->text, '\0');
	event->argv.len = (uint32_t)(event->text.len - event->argv.at);
	if (part == 0)
		event->argv_seen++;
}

static void take_other(struct audit_event *event, int type, const char *name, struct lm_str value)
{
	switch (type) {
	case AUDIT_CWD:
		if (strcmp(name, "cwd") == 0)
			take_text(event, &event->cwd, value);
		break;
	case AUDIT_SOCKADDR:
		if (strcmp(name, "saddr") == 0)
			take_text(event, &event->address, value);
		break;
	case AUDIT_FD_PAIR:
		event->has_pair = true;
		event->pair[strcmp(name, "fd1") == 0] = (uint32_t)text_u64(value, 10);
		break;
	case AUDIT_MMAP:
		event->has_mapping = true;
		if (strcmp(name, "fd") == 0)
			event->mapped_fd = (uint64_t)text_i64(value);
		else if (strcmp(name, "flags") == 0)
			event->mapping_flags = text_u64(value, 0);
		break;
	case AUDIT_OPENAT2:
		event->has_open_flags = true;
		if (strcmp(name, "oflag") == 0)
			event->open_flags = text_u64(value, 8);
		break;
	case AUDIT_SOCKETCALL:
		event->has_call_arguments = true;
		if (name[0] == 'a' && name[1] >= '0' && name[1] <= '5' && !name[2])
			event->call_arguments[name[1] - '0'] = text_u64(value, 16);
		break;
	}
}

/* The first two fields of each record are its type and the event that it belongs to. */
static bool is_frame(const char *name)
{
	return strcmp(name, "type") == 0 || strcmp(name, "msg") == 0 || strcmp(name, "node") == 0;
}

static void take_record(struct audit_event *event, auparse_state_t *parser)
{
	int type = auparse_get_type(parser);

	if (type == AUDIT_PATH) {
		if (event->path_count == AUDIT_PATHS_MAX)
			return;
		event->path_count++;
	}
	if (!auparse_first_field(parser))
		return;
	do {
		const char *name = auparse_get_field_name(parser);
		struct lm_str value = field_value(parser);

		if (!name || !value.len || (is_frame(name) && type != AUDIT_PATH))
			continue;
		if (type == AUDIT_SYSCALL)
			take_call(event, name, value);
		else if (type == AUDIT_PATH)
			take_path(event, name, value);
		else if (type == AUDIT_EXECVE)
			take_word(event, name, value);
		else
			take_other(event, type, name, value);
	} while (auparse_next_field(parser) > 0);
}

void audit_event_free(struct audit_event *event)
{
	if (!event)
		return;
	lm_buffer_release(&event->text);
	free(event);
}

static void cleanup_event(struct audit_event **event)
{
	audit_event_free(*event);
}

int audit_event_read(auparse_state_t *parser, struct audit_event **ret_event)
{
	LM_CLEANUP(cleanup_event) struct audit_event *event = calloc(1, sizeof(*event));
	const au_event_t *stamp = auparse_get_timestamp(parser);

	if (!event || !stamp)
		return -ENOMEM;
	event->time_ns = (uint64_t)stamp->sec * LM_NS_PER_SEC + stamp->milli * LM_NS_PER_MS;
	event->serial = stamp->serial;
	event->auid = event->session = UINT32_MAX;
	if (stamp->host)
		take_text(event, &event->node, lm_str_from(stamp->host));
	if (auparse_first_record(parser) > 0) {
		do {
			take_record(event, parser);
		} while (auparse_next_record(parser) > 0);
	}
	if (lm_buffer_status(&event->text) < 0)
		return -ENOMEM;
	*ret_event = lm_take_ptr(event);
	return 0;
}
