/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "lemona/abi/calls.h"
#include "lemona/base/cleanup.h"
#include "lemona/event/rules.h"
#include "strace.h"
#include "text.h"

/* Strings of one call: they stay where they are until it is applied. */
struct strings {
	struct lm_buffer path, path2, argv, address;
};

static void release_strings(struct strings *strings)
{
	lm_buffer_release(&strings->path);
	lm_buffer_release(&strings->path2);
	lm_buffer_release(&strings->argv);
	lm_buffer_release(&strings->address);
}

uint16_t strace_call_number(struct lm_str name)
{
	for (uint16_t number = 0; number < LM_CALL_COUNT; number++) {
		char buf[32];
		const char *known = lm_call_name(number, buf);

		/* Calls without a name are told by their number there. */
		if (known != buf && lm_str_equal(name, lm_str_from(known)))
			return number;
	}
	return LM_CALL_NONE;
}

static struct lm_str bytes_of(const struct lm_buffer *buffer)
{
	return (struct lm_str){ (const char *)buffer->data, (uint32_t)buffer->len };
}

/* A path among the arguments; one that strace has cut is not known. */
static void take_path(const struct strace_args *args, unsigned int at, struct lm_buffer *to,
	struct call_path *path)
{
	struct lm_str rest;

	if (at >= args->count || strace_unquote(args->at[at], to, &rest) != 1)
		return;
	path->text = bytes_of(to);
	path->known = true;
}

/* ["sh", "-c", ...] */
static void take_argv(struct lm_str text, struct lm_buffer *to, struct call *call)
{
	struct lm_str rest;

	if (!text_skip(&text, "["))
		return;
	while (text.len && strace_unquote(text, to, &rest) >= 0) {
		lm_buffer_append_byte(to, '\0');
		call->argc++;
		text = rest;
		if (!text_skip(&text, ", "))
			break;
	}
	call->argv = bytes_of(to);
}

/* "[3<pipe:[1]>, 4<pipe:[1]>]" */
static void take_pair(struct world *world, struct strace_objects *objects,
	struct world_process *process, struct lm_str text, struct call *call)
{
	struct lm_str rest = text, second;
	uint64_t fd, fd2;

	if (!text_skip(&rest, "[") || !text_take_u64(&rest, 10, &fd))
		return;
	second = strace_field(rest, ", ");
	rest = second;
	if (!text_take_u64(&rest, 10, &fd2))
		return;
	call->has_pair = true;
	call->pair[0] = (uint32_t)fd;
	call->pair[1] = (uint32_t)fd2;
	if (call->native == SYS_socketpair)
		return;
	world_close_fd(process, fd);
	call->pair_objects[0] = strace_descriptor(world, objects, process,
		(struct lm_str){ text.data + 1, text.len - 1 });
	call->pair_objects[1] = call->pair_objects[0];
}

static bool is_exec(const struct call *call)
{
	return call->native == SYS_execve || call->native == SYS_execveat;
}

static void take_paths(const struct strace_args *args, struct strings *strings,
	struct call *call)
{
	const struct lm_call_rule *rule = &lm_call_mappings()[call->native].rule;

	switch ((enum lm_call_class)(rule->class & ~LM_CALL_URGENT)) {
	case LM_CALL_OPEN:
	case LM_CALL_OPENAT2:
	case LM_CALL_PATH:
	case LM_CALL_PATH_FAILED:
		take_path(args, rule->a, &strings->path, &call->path);
		break;
	case LM_CALL_PATH2:
		take_path(args, rule->a, &strings->path, &call->path);
		take_path(args, rule->c & 0xf, &strings->path2, &call->path2);
		break;
	case LM_CALL_PROCESS:
		if (call->native == SYS_chdir || call->native == SYS_chroot ||
			call->native == SYS_pivot_root)
			take_path(args, 0, &strings->path, &call->path);
		break;
	default:
		break;
	}
	if (is_exec(call) && call->result >= 0)
		take_argv(args->at[call->native == SYS_execve ? 1 : 2], &strings->argv, call);
}

/* What stands in structures and not among the numbers. */
static void take_structures(const struct strace_args *args, struct strings *strings,
	struct call *call)
{
	switch (call->native) {
	case SYS_clone:
		call->args[0] = strace_number(strace_field(args->at[0], "flags="));
		for (uint32_t i = 0; i < args->count && !call->args[0]; i++)
			call->args[0] = strace_number(strace_field(args->at[i], "flags="));
		break;
	case SYS_clone3:
		call->args[0] = strace_number(strace_field(args->at[0], "flags="));
		break;
	case SYS_openat2:
		call->args[2] = strace_number(strace_field(args->at[2], "flags="));
		break;
	case SYS_connect:
	case SYS_bind:
	case SYS_accept:
	case SYS_accept4:
		if (args->count > 1)
			strace_address(args->at[1], &strings->address, &call->address);
		break;
	case SYS_sendto:
	case SYS_recvfrom:
		if (args->count > 4)
			strace_address(args->at[4], &strings->address, &call->address);
		break;
	}
}

static bool gives_descriptor(const struct call *call)
{
	switch (lm_call_mappings()[call->native].op) {
	case LM_OP_OPEN:
		return true;
	case LM_OP_DUP:
		return call->native != SYS_fcntl;
	}
	return false;
}

/* Descriptors among the arguments say what they lead to: before the call is applied. */
static void take_descriptors(struct world *world, struct strace_objects *objects,
	struct world_process *process, const struct strace_args *args, struct call *call)
{
	for (uint32_t i = 0; i < args->count; i++) {
		struct lm_str text = args->at[i];

		if (text_skip(&text, "AT_FDCWD<") || (text.len && *text.data >= '0' &&
			*text.data <= '9' && memchr(text.data, '<', text.len)))
			strace_descriptor(world, objects, process, args->at[i]);
	}
	if (call->native == SYS_pipe || call->native == SYS_pipe2)
		take_pair(world, objects, process, args->at[0], call);
	else if (call->native == SYS_socketpair && args->count > 3)
		take_pair(world, objects, process, args->at[3], call);
	if (call->result >= 0 && gives_descriptor(call))
		call->returned = strace_returned(world, objects, process, args->result);
}

int strace_apply_call(struct world *world, struct strace_objects *objects,
	struct world_process *process, struct lm_str name, struct lm_str rest, struct call *call)
{
	LM_CLEANUP(release_strings) struct strings strings = { .path = LM_BUFFER_INIT };
	struct strace_args args = { .count = 0 };
	const struct world_process *child;

	if (!strace_split(rest, &args))
		return -EBADMSG;
	call->native = call->call = strace_call_number(name);
	/* How a process ends is told by a line of its own. */
	if (call->native == LM_CALL_NONE || call->native == SYS_exit_group ||
		!strace_result(args.result, &call->result))
		return 0;
	for (uint32_t i = 0; i < args.count && i < LM_EVENT_ARGS; i++)
		call->args[i] = strace_number(args.at[i]);
	world_set_now(world, call->end_ns);
	take_paths(&args, &strings, call);
	take_structures(&args, &strings, call);
	take_descriptors(world, objects, process, &args, call);
	if (lm_buffer_status(&strings.path) < 0 || lm_buffer_status(&strings.path2) < 0 ||
		lm_buffer_status(&strings.argv) < 0)
		return -ENOMEM;
	child = call->result > 0 ? world_process(world, (uint32_t)call->result) : NULL;
	call->unsure_child = child && child->sighted && child->ppid == process->is.tgid;
	return call_apply(world, process, call);
}
