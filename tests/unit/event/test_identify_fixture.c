/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"

static const char *label(const struct fixture *f, lm_object_id id)
{
	return id ? (const char *)f->labels[id].data : "?";
}

static void write_label(const struct fixture *f, const struct lm_object *object,
	struct lm_buffer *out)
{
	switch (object->kind) {
	case LM_OBJECT_KIND_KERNEL:
		lm_buffer_append_text(out, "kernel");
		break;
	case LM_OBJECT_KIND_PROCESS:
		lm_buffer_printf(out, "p%u", object->process.tgid - PIDS);
		if (object->process.version)
			lm_buffer_printf(out, "v%u", object->process.version);
		break;
	case LM_OBJECT_KIND_NAME:
		lm_buffer_printf(out, "%s/%.*s", label(f, object->name.dir),
			(int)object->name.component.len, object->name.component.data);
		break;
	case LM_OBJECT_KIND_SOCKET:
		lm_buffer_printf(out, "s%u", (unsigned int)object->socket.inode);
		break;
	case LM_OBJECT_KIND_PIPE:
		lm_buffer_printf(out, "q%u", (unsigned int)object->pipe.inode);
		break;
	case LM_OBJECT_KIND_CGROUP:
		lm_buffer_printf(out, "g%u", (unsigned int)object->cgroup.cgroup);
		break;
	case LM_OBJECT_KIND_MEMORY:
		lm_buffer_printf(out, "m%u", (unsigned int)object->memory.inode);
		break;
	default:
		lm_buffer_printf(out, "f%u", (unsigned int)object->file.inode);
	}
}

/* Keep how an object is called in the lines to come. */
static void add_label(struct fixture *f, const struct lm_object *object)
{
	struct lm_buffer text = LM_BUFFER_INIT;

	write_label(f, object, &text);
	lm_buffer_append_byte(&text, '\0');
	for (uint32_t i = 1; i <= f->label_count; i++) {
		if (strcmp((char *)f->labels[i].data, (char *)text.data) != 0)
			continue;
		text.data[text.len - 1] = '\'';
		lm_buffer_append_byte(&text, '\0');
		i = 0;
	}
	f->labels = reallocarray(f->labels, f->label_count + 2, sizeof(*f->labels));
	assert_non_null(f->labels);
	f->labels[++f->label_count] = text;
}

static void write_flags(struct lm_buffer *out, unsigned int flags, const char *const *names)
{
	for (unsigned int i = 0; names[i]; i++)
		if (flags & 1u << i)
			lm_buffer_printf(out, " %s", names[i]);
}

static void write_ref(const struct fixture *f, struct lm_buffer *out, const char *what,
	lm_object_id id)
{
	if (id)
		lm_buffer_printf(out, "%s%s", what, label(f, id));
}

static void write_address(struct lm_buffer *out, const char *what, const struct lm_address *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (!address->family)
		return;
	if (address->path.len)
		lm_buffer_printf(out, " %s=%.*s", what, (int)address->path.len, address->path.data);
	else if (inet_ntop(address->family, address->ip, text, sizeof(text)))
		lm_buffer_printf(out, " %s=%s:%u", what, text, address->port);
}

static void write_process(const struct fixture *f, struct lm_buffer *out,
	const struct lm_process *p)
{
	write_ref(f, out, " previous=", p->previous);
	write_ref(f, out, " parent=", p->parent);
	write_ref(f, out, " exe=", p->exe);
	write_ref(f, out, " as=", p->exe_name);
	write_ref(f, out, " loader=", p->loader);
	write_ref(f, out, " script=", p->script);
	write_ref(f, out, " cwd=", p->cwd);
	write_ref(f, out, " in=", p->cgroup);
	if (p->adopter)
		lm_buffer_printf(out, " adopter=p%u", p->adopter - PIDS);
	if (p->uid)
		lm_buffer_printf(out, " uid=%u", p->uid);
	for (uint32_t i = 0; i < p->argv.len; i++)
		if (i == 0 || !p->argv.data[i - 1])
			lm_buffer_printf(out, " '%.*s'", (int)strnlen(p->argv.data + i,
				p->argv.len - i), p->argv.data + i);
}

static void write_object(const struct fixture *f, struct lm_buffer *out,
	const struct lm_object *object)
{
	static const char *const flags[] = { "found", "partial", "claimed", "self", NULL };

	switch (object->kind) {
	case LM_OBJECT_KIND_PROCESS:
		write_process(f, out, &object->process);
		break;
	case LM_OBJECT_KIND_FILE:
		lm_buffer_printf(out, " %o gen=%u", object->file.mode, object->file.generation);
		if (object->file.fs_magic)
			lm_buffer_printf(out, " fs=%x", object->file.fs_magic);
		break;
	case LM_OBJECT_KIND_SOCKET:
		write_address(out, "local", &object->socket.local);
		write_address(out, "remote", &object->socket.remote);
		write_ref(f, out, " node=", object->socket.path_file);
		break;
	case LM_OBJECT_KIND_CGROUP:
		lm_buffer_printf(out, " %u:%.*s", object->cgroup.hierarchy,
			(int)object->cgroup.path.len,
			object->cgroup.path.len ? object->cgroup.path.data : "");
		break;
	case LM_OBJECT_KIND_MEMORY:
		lm_buffer_printf(out, " type=%u", object->memory.type);
		if (object->memory.label.len)
			lm_buffer_printf(out, " %.*s", (int)object->memory.label.len,
				object->memory.label.data);
		break;
	}
	write_flags(out, object->flags, flags);
}

static void write_event(const struct fixture *f, struct lm_buffer *out, const struct lm_event *ev)
{
	static const char *const flags[] = { "claimed", "derived", "created", "shared", "confirmed",
		"partial", "timed", "folded", "mapped", "content", NULL };

	lm_buffer_append_text(out, label(f, ev->actor));
	if (ev->tid != f->tgid)
		lm_buffer_printf(out, ":%u", ev->tid - PIDS);
	lm_buffer_printf(out, " %s", lm_op_name(ev->op));
	for (uint32_t i = 0; ev->args && i < LM_EVENT_ARGS; i++)
		lm_buffer_printf(out, "%s%lld", i ? "," : "(", (long long)ev->args[i]);
	if (ev->args)
		lm_buffer_append_byte(out, ')');
	write_ref(f, out, " ", ev->object);
	write_ref(f, out, " with ", ev->object2);
	write_ref(f, out, " @", ev->name);
	write_ref(f, out, " @", ev->name2);
	if (ev->arg)
		lm_buffer_printf(out, " arg=%llx", (unsigned long long)ev->arg);
	if (ev->result >= PIDS)
		lm_buffer_printf(out, " =p%lld", (long long)ev->result - PIDS);
	else
		lm_buffer_printf(out, " =%lld", (long long)ev->result);
	write_flags(out, ev->flags, flags);
	if (ev->content)
		lm_buffer_printf(out, "@%u'%.*s'", (unsigned int)ev->content->offset,
			(int)ev->content->len, (const char *)ev->content->bytes);
}

static void write_item(struct fixture *f, const struct lm_item *item)
{
	static const char *const flags[] = { "mount", "root", "late", NULL };
	struct lm_buffer *out = &f->told;

	switch (item->kind) {
	case LM_ITEM_OBJECT:
		lm_buffer_append_byte(out, item->object.id > f->label_count ? '+' : '~');
		if (item->object.id > f->label_count)
			add_label(f, &item->object);
		lm_buffer_append_text(out, label(f, item->object.id));
		write_object(f, out, &item->object);
		break;
	case LM_ITEM_BINDING:
		lm_buffer_printf(out, "bind %s", label(f, item->binding.file));
		write_ref(f, out, " ", item->binding.name);
		write_flags(out, item->binding.flags, flags);
		break;
	case LM_ITEM_EVENT:
		write_event(f, out, &item->event);
		break;
	case LM_ITEM_GAP:
		lm_buffer_printf(out, "gap %s %llu", lm_gap_reason_name(item->gap.reason),
			(unsigned long long)item->gap.count);
		break;
	}
	lm_buffer_append_byte(out, '\n');
}

static int take_item(void *data, const struct lm_item *item)
{
	struct fixture *f = data;
	const char *wrong;

	if (f->fail_after == 0)
		return -ENOSPC;
	if (f->fail_after > 0)
		f->fail_after--;
	wrong = order_take(&f->order, item);
	if (wrong)
		fail_msg("%s, after:\n%.*s", wrong, (int)f->told.len, (char *)f->told.data);
	write_item(f, item);
	return 0;
}

static void forget_directories(void *data)
{
	struct fixture *f = data;

	f->forgotten++;
}

static int look(void *data, uint32_t tgid, const char *path_text, struct lm_raw_inode *ret_inode,
	char *ret_link, size_t link_size)
{
	struct fixture *f = data;

	f->looks++;
	f->look_tgid = tgid;
	for (size_t i = 0; i < LM_ARRAY_SIZE(f->look_gone); i++)
		if (f->look_gone[i] && f->look_gone[i] + PIDS == tgid)
			return -ESRCH;
	if (!f->look_path || strcmp(f->look_path, path_text) != 0)
		return -ENOENT;
	*ret_inode = f->look_inode;
	snprintf(ret_link, link_size, "%s", f->look_link ? f->look_link : "");
	return 0;
}

int set_up_empty(void **state)
{
	static const struct lm_identify_devices devices = {
		.sockfs = SOCKFS, .pipefs = PIPEFS, .anon_inode = ANON,
	};
	struct fixture *f = calloc(1, sizeof(*f));
	struct lm_identify_sink sink = {
		.item = take_item, .forget_directories = forget_directories, .look = look,
		.data = f,
	};

	assert_non_null(f);
	f->fail_after = -1;
	f->now_ns = UINT64_C(3600000000000);
	as(f, 1);
	assert_int_equal(lm_identify_new(&sink, &devices, &f->identify), 0);
	*state = f;
	return 0;
}

int set_up(void **state)
{
	struct lm_raw_attributes shell = attributes_of(1, 0);
	struct fixture *f;

	set_up_empty(state);
	f = *state;
	walk_dir(f, ROOT_DIR, NOTHING, "", LM_RAW_FOUND | LM_RAW_ROOT);
	walk_dir(f, TMP_DIR, ROOT_DIR, "tmp", LM_RAW_FOUND);
	process(f, LM_RAW_CALL_NONE, &shell, LM_RAW_FOUND);
	forget_told(f);
	return 0;
}

int tear_down(void **state)
{
	struct fixture *f = *state;

	lm_identify_free(f->identify);
	for (uint32_t i = 1; i <= f->label_count; i++)
		lm_buffer_release(&f->labels[i]);
	free(f->labels);
	lm_buffer_release(&f->told);
	order_release(&f->order);
	free(f);
	return 0;
}

void assert_told_at(struct fixture *f, const char *text, const char *file, int line)
{
	lm_buffer_append_byte(&f->told, '\0');
	assert_int_equal(lm_buffer_status(&f->told), 0);
	_assert_string_equal((char *)f->told.data, text, file, line);
	lm_buffer_reset(&f->told);
}

void forget_told(struct fixture *f)
{
	lm_buffer_reset(&f->told);
}
