/* SPDX-License-Identifier: MIT */
#include "strace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "import.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "text.h"

/*
 * What strace -f -ttt prints, best with -y or -yy: to one file, or to one for each process (-ff),
 * which are merged by time.
 */
#define PENDING_MAX 65536u /* calls that have begun and not ended, of all threads */
#define STATUS_SHIFT 8     /* wait(2): what the process says, above the signal */
#define ALONE 1u           /* the number of a process that strace does not number */

/* A call that has begun. */
struct pending {
	uint64_t begin_ns;
	char *text; /* NAME(ARGS, so far */
};

/* What all files of one run have in common. */
struct strace_run {
	uint32_t users;
	struct lm_map pending; /* tid: struct pending */
	struct strace_objects objects;
};

struct strace {
	struct strace_run *run;
	uint32_t tid;          /* of all lines of this file; 0: each says its own */
	struct lm_buffer line; /* that is ready, from behind its time on */
	uint32_t line_tid;
	uint64_t number;
	struct lm_buffer call; /* a call's two halves */
};

static struct pending *find_pending(const struct strace_run *run, uint32_t tid)
{
	const uint64_t *found = lm_map_get(&run->pending, tid);

	return found ? (struct pending *)(uintptr_t)*found : NULL;
}

static void free_pending(struct pending *pending)
{
	if (pending)
		free(pending->text);
	free(pending);
}

static void drop_pending(struct strace_run *run, uint32_t tid)
{
	free_pending(find_pending(run, tid));
	lm_map_remove(&run->pending, tid);
}

static int keep_pending(struct strace_run *run, uint32_t tid, uint64_t begin_ns,
	struct lm_str text)
{
	struct pending *pending;

	drop_pending(run, tid);
	if (run->pending.count >= PENDING_MAX)
		return -ENOMEM;
	pending = calloc(1, sizeof(*pending));
	if (!pending)
		return -ENOMEM;
	pending->begin_ns = begin_ns;
	pending->text = strndup(text.data, text.len);
	if (!pending->text ||
		lm_map_put(&run->pending, tid, (uint64_t)(uintptr_t)pending) < 0) {
		free_pending(pending);
		return -ENOMEM;
	}
	return 0;
}

/* "1234 ", "[pid 1234] " or nothing */
static bool take_tid(struct lm_str *line, uint32_t *ret_tid)
{
	struct lm_str left = *line;
	uint64_t number;
	bool bracket = text_skip(&left, "[pid ");

	text_skip_blanks(&left);
	if (!text_take_u64(&left, 10, &number) || number == 0 || number > INT32_MAX)
		return false;
	if (bracket ? !text_skip(&left, "]") : !text_skip(&left, " "))
		return false;
	text_skip_blanks(&left);
	*ret_tid = (uint32_t)number;
	*line = left;
	return true;
}

/* @return whether a number with a point, and then a blank, stands there */
static bool take_time(struct lm_str *line, uint64_t *ret_ns)
{
	struct lm_str left = *line;

	if (!text_take_seconds(&left, ret_ns) || left.data[-1] == '.' ||
		!memchr(line->data, '.', line->len - left.len) || !text_skip(&left, " "))
		return false;
	*line = left;
	return true;
}

/* strace's own remarks: who was attached, what was called. */
static bool is_remark(struct lm_str line)
{
	return text_skip(&line, "strace: ") || text_skip(&line, "/bin/strace: ");
}

static const char *take_line(struct source *source, struct lm_str line)
{
	struct strace *strace = source->state;
	uint32_t tid = strace->tid ? strace->tid : ALONE;
	uint64_t time_ns;

	if (memchr(line.data, '\0', line.len))
		return "a zero byte in a line of text";
	if (!take_time(&line, &time_ns) &&
		(!take_tid(&line, &tid) || !take_time(&line, &time_ns)))
		return "no [PID] SECONDS.FRACTION before a call: was strace called with -ttt?";
	strace->line_tid = tid;
	source->time_ns = source->read_ns = time_ns;
	lm_buffer_reset(&strace->line);
	lm_buffer_append_str(&strace->line, line);
	strace->number = source->lines.number;
	return NULL;
}

static int strace_next(struct source *source)
{
	struct strace *strace = source->state;
	struct lm_str line;
	int r;

	while ((r = import_line(source, &line)) > 0) {
		const char *why;

		if (!line.len || is_remark(line)) {
			source->import->count.unknown += line.len > 0;
			continue;
		}
		why = take_line(source, line);
		if (!why)
			return lm_buffer_status(&strace->line) < 0 ? -ENOMEM : 1;
		import_skip(source, source->lines.number, why, line);
	}
	return r;
}

/* A fork that is under way, whose child this may be. @return its process, or NULL */
static struct world_process *find_parent(struct world *world, const struct strace_run *run,
	bool *ret_thread)
{
	for (size_t slot = 0; run->pending.slots && slot <= run->pending.mask; slot++) {
		uint64_t tid, value;
		struct lm_str text;

		if (!lm_map_at(&run->pending, slot, &tid, &value))
			continue;
		text = lm_str_from(((struct pending *)(uintptr_t)value)->text);
		if (!text_skip(&text, "clone") && !text_skip(&text, "fork(") &&
			!text_skip(&text, "vfork("))
			continue;
		*ret_thread = text_has(text, "CLONE_THREAD");
		return world_process(world, (uint32_t)tid);
	}
	return NULL;
}

static struct world_process *find_process(struct source *source, uint32_t tid)
{
	struct strace *strace = source->state;
	struct world *world = source->import->world;
	struct world_process *process = world_process(world, tid), *parent;
	bool thread = false;

	if (process)
		return process;
	parent = find_parent(world, strace->run, &thread);
	if (parent && thread) {
		world_add_thread(world, parent, tid);
		return world_process(world, tid);
	}
	return world_find_process(world, tid, parent ? parent->is.tgid : 0);
}

/* "+++ exited with 1 +++", "+++ killed by SIGKILL (core dumped) +++" */
static int take_end(struct source *source, struct lm_str text)
{
	struct strace *strace = source->state;
	struct world *world = source->import->world;
	struct world_process *process = world_process(world, strace->line_tid);
	struct lm_event event = {
		.begin_ns = source->time_ns, .end_ns = source->time_ns, .op = LM_OP_EXIT,
		.tid = strace->line_tid, .call = LM_CALL_NONE,
	};
	uint64_t status;

	if (text_skip(&text, "exited with ") && text_take_u64(&text, 10, &status)) {
		event.result = (int64_t)((status & 0xff) << STATUS_SHIFT);
	} else if (text_skip(&text, "killed by ")) {
		struct lm_str word = text;

		if (text_take_until(&text, ' ', &word))
			event.result = (int64_t)strace_number(word);
	} else if (!text_skip(&text, "superseded by execve")) {
		return -EBADMSG;
	}
	drop_pending(strace->run, strace->line_tid);
	if (!process)
		return 0;
	world_set_now(world, source->time_ns);
	if (process->threads > 1) {
		world_end_thread(world, strace->line_tid);
		return 0;
	}
	event.actor = process->object;
	call_exit(world, process, &event);
	return 1;
}

static int apply_call(struct source *source, struct lm_str text, uint64_t begin_ns)
{
	struct strace *strace = source->state;
	struct world *world = source->import->world;
	struct call call = {
		.begin_ns = begin_ns, .end_ns = source->time_ns, .tid = strace->line_tid,
		.trust = CALL_CLAIMED,
	};
	struct world_process *process;
	struct lm_str name;

	if (!text_take_until(&text, '(', &name) || !name.len)
		return -EBADMSG;
	world_set_now(world, source->time_ns);
	process = find_process(source, strace->line_tid);
	if (!process)
		return world_status(world) < 0 ? world_status(world) : 0;
	return strace_apply_call(world, &strace->run->objects, process, name, text, &call);
}

/* "<... NAME resumed>REST" */
static int apply_resumed(struct source *source, struct lm_str text)
{
	struct strace *strace = source->state;
	struct pending *pending = find_pending(strace->run, strace->line_tid);
	struct lm_str name, begin;
	uint64_t begin_ns;

	if (!text_take_until(&text, ' ', &name) || !text_skip(&text, "resumed>"))
		return -EBADMSG;
	begin = pending ? lm_str_from(pending->text) : LM_STR_NONE;
	if (begin.len <= name.len ||
		memcmp(begin.data, name.data, name.len) != 0 || begin.data[name.len] != '(')
		return -EBADMSG;
	begin_ns = pending->begin_ns;
	lm_buffer_reset(&strace->call);
	lm_buffer_append_text(&strace->call, pending->text);
	lm_buffer_append_str(&strace->call, text);
	drop_pending(strace->run, strace->line_tid);
	if (lm_buffer_status(&strace->call) < 0)
		return -ENOMEM;
	return apply_call(source, (struct lm_str){
		(const char *)strace->call.data, (uint32_t)strace->call.len }, begin_ns);
}

static bool take_unfinished(struct lm_str *text)
{
	static const char mark[] = "<unfinished ...>";
	const uint32_t len = sizeof(mark) - 1;

	if (text->len < len || memcmp(text->data + text->len - len, mark, len) != 0)
		return false;
	text->len -= len;
	while (text->len && text->data[text->len - 1] == ' ')
		text->len--;
	return true;
}

static int apply_line(struct source *source, struct lm_str text)
{
	struct strace *strace = source->state;

	if (text_skip(&text, "+++ "))
		return take_end(source, text);
	if (text_skip(&text, "--- "))
		return 0; /* a signal has come: who sent it told so */
	if (text_skip(&text, "<... "))
		return apply_resumed(source, text);
	if (!take_unfinished(&text))
		return apply_call(source, text, source->time_ns);
	world_set_now(source->import->world, source->time_ns);
	if (!find_process(source, strace->line_tid))
		return world_status(source->import->world);
	return keep_pending(strace->run, strace->line_tid, source->time_ns, text) < 0 ?
		-ENOMEM : 1;
}

static int strace_apply(struct source *source)
{
	struct strace *strace = source->state;
	struct lm_str line = { (const char *)strace->line.data, (uint32_t)strace->line.len };
	int r;

	if (source->time_ns < world_now(source->import->world))
		source->import->count.late++;
	r = apply_line(source, line);
	if (r == -EBADMSG) {
		import_skip(source, strace->number, "no call, signal or end", line);
		r = 1;
	}
	if (r == 0)
		source->import->count.unknown++;
	return r < 0 ? r : 0;
}

/* strace -ff -o NAME writes NAME.PID. */
static uint32_t tid_of_file(const char *name)
{
	const char *dot = strrchr(name, '.');
	struct lm_str digits = dot ? lm_str_from(dot + 1) : LM_STR_NONE;
	uint64_t number;

	if (!text_take_u64(&digits, 10, &number) || digits.len || number > INT32_MAX)
		return 0;
	return (uint32_t)number;
}

static int strace_open(struct source *source)
{
	struct strace *strace = calloc(1, sizeof(*strace));
	struct strace_run *run = source->import->shared[LM_IMPORT_STRACE];

	source->state = strace;
	if (!strace)
		return -ENOMEM;
	if (!run) {
		run = calloc(1, sizeof(*run));
		source->import->shared[LM_IMPORT_STRACE] = run;
	}
	strace->run = run;
	if (!run)
		return -ENOMEM;
	run->users++;
	strace->tid = tid_of_file(source->name);
	return 0;
}

static void free_run(struct strace_run *run)
{
	for (size_t slot = 0; run->pending.slots && slot <= run->pending.mask; slot++) {
		uint64_t tid, value;

		if (lm_map_at(&run->pending, slot, &tid, &value))
			free_pending((struct pending *)(uintptr_t)value);
	}
	lm_map_release(&run->pending);
	lm_map_release(&run->objects.by_inode);
	free(run);
}

static void strace_close(struct source *source)
{
	struct strace *strace = source->state;

	if (!strace)
		return;
	if (strace->run && --strace->run->users == 0) {
		source->import->shared[LM_IMPORT_STRACE] = NULL;
		free_run(strace->run);
	}
	lm_buffer_release(&strace->line);
	lm_buffer_release(&strace->call);
	free(strace);
}

/* A time, and then a call, on one of the first lines. */
static bool strace_guess(struct lm_str begin)
{
	struct lm_str line;

	for (int i = 0; i < 20 && text_take_until(&begin, '\n', &line); i++) {
		uint64_t time_ns;
		uint32_t tid;

		if (take_time(&line, &time_ns) ||
			(take_tid(&line, &tid) && take_time(&line, &time_ns)))
			return text_has(line, "(") || text_has(line, "+++") ||
				text_has(line, "---");
	}
	return false;
}

const struct source_kind strace_kind = {
	.format = LM_IMPORT_STRACE, .tool = "strace", .guess = strace_guess, .open = strace_open,
	.next = strace_next, .apply = strace_apply, .close = strace_close,
};
