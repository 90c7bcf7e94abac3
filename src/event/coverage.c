/* SPDX-License-Identifier: MIT */
#include "lemona/event/coverage.h"

#include <sys/syscall.h>

#include "calls.h"
#include "lemona/base/cleanup.h"
#include "lemona/event/rules.h"

static const char *const silence_texts[] = {
	[LM_SILENT_NOT] = "",
	[LM_SILENT_OPEN_FILE] = "position, lock or state of what is open; no content",
	[LM_SILENT_FLUSH] = "writes back what has been written before",
	[LM_SILENT_WAIT] = "waits for what is open; the reading is seen",
	[LM_SILENT_HANDLE] = "a handle without content; what is done with it is seen",
	[LM_SILENT_OWN_SOCKET] = "state of the caller's own socket",
	[LM_SILENT_OWN_STATE] = "reads or sets what only the caller has",
	[LM_SILENT_OWN_SIGNALS] = "how the caller takes signals and timers of its own",
	[LM_SILENT_OWN_MEMORY] = "arranges the caller's own memory",
	[LM_SILENT_TIME] = "reads or waits for time",
	[LM_SILENT_SCHEDULING] = "when and where the caller runs",
	[LM_SILENT_FUTEX] = "waits in memory; that it is shared is seen",
	[LM_SILENT_NUMBERS] = "reads a number about a process",
	[LM_SILENT_SYSTEM] = "reads what the kernel tells everybody",
	[LM_SILENT_BY_HOOK] = "recorded by another hook",
	[LM_SILENT_ABSENT] = "no kernel that can be recorded has it",
	[LM_SILENT_UNRECORDED] = "carries influence that is not recorded",
};

_Static_assert(LM_ARRAY_SIZE(silence_texts) == LM_SILENT_MAX + 1, "every reason has words");

const char *lm_silence_text(enum lm_silence silence)
{
	return silence <= LM_SILENT_MAX ? silence_texts[silence] : "";
}

/* Where the object comes from, and what that way cannot see. */
enum source {
	DESCRIPTOR, PATH, DENTRY, PATHS, SOCKET, MESSAGE, MEMORY, IPC_ID, TASK, CALLER, KERNEL,
};

static const struct {
	const char *mark, *from, *unseen;
} sources[] = {
	[DESCRIPTOR] = { "descriptor", "the kernel's table of open files, when the call ends",
			 "a descriptor that another thread closes or replaces during the call: "
			 "what is in its place is told" },
	[PATH] = { "path", "the path in user memory, walked from the directory that the kernel "
			   "started from",
		   "what the path was before another thread rewrote it; names that are "
		   "made, removed or renamed are confirmed by the kernel's name events, the "
		   "others stay claimed" },
	[DENTRY] = { "open file", "the opened file's own name and inode; of a look-up that failed, "
				  "the path in user memory",
		     "which links the path went through" },
	[PATHS] = { "two paths", "as path", "as path; of a link only the new name is confirmed" },
	[SOCKET] = { "socket", "the kernel's socket, with both addresses",
		     "the peer of an unconnected datagram socket is what user memory says" },
	[MESSAGE] = { "message", "as socket, and descriptors that go along",
		      "of several messages in one call all but the first peer" },
	[MEMORY] = { "mapping", "the mappings that have been seen so far",
		     "files mapped before the recording began" },
	[IPC_ID] = { "id", "the id that the call gave or got, in the caller's ipc namespace",
		     "the key of what was made before the recording began; of keys: which are "
		     "the caller's own keyrings" },
	[TASK] = { "number", "a process by the number that the caller handed in, in its own pid "
			     "namespace",
		   "a process whose start was not seen" },
	[CALLER] = { "caller", "the caller's attributes, read anew", "what they were in between" },
	[KERNEL] = { "kernel", "the kernel is the object", "what exactly is changed in it" },
};

static enum source source_of(const struct lm_call_mapping *mapping)
{
	switch ((enum lm_call_class)mapping->rule.class) {
	case LM_CALL_IGNORE:
	case LM_CALL_IO:
	case LM_CALL_FD:
	case LM_CALL_COPY:
	case LM_CALL_FDPAIR:
	case LM_CALL_NEWFD:
	case LM_CALL_GETFD:
	case LM_CALL_FCNTL:
	case LM_CALL_IOCTL:
	case LM_CALL_MMAP:
	case LM_CALL_AIO:
		return DESCRIPTOR;
	case LM_CALL_OPEN:
	case LM_CALL_OPENAT2:
		return DENTRY;
	case LM_CALL_PATH:
	case LM_CALL_PATH_FAILED:
	case LM_CALL_FSCONFIG:
		return PATH;
	case LM_CALL_PATH2:
		return PATHS;
	case LM_CALL_SOCKET:
	case LM_CALL_SOCKIO:
		return SOCKET;
	case LM_CALL_RECVMSG:
		return MESSAGE;
	case LM_CALL_PROCESS:
	case LM_CALL_PRCTL:
		return CALLER;
	case LM_CALL_TASK:
	case LM_CALL_TASK_OTHER:
	case LM_CALL_TASK_FAILED:
	case LM_CALL_PIDFD:
		return TASK;
	case LM_CALL_RANGE:
		return MEMORY;
	case LM_CALL_IPC:
		return IPC_ID;
	case LM_CALL_KERNEL:
	case LM_CALL_CLOCK:
	case LM_CALL_UNSEEN:
		return KERNEL;
	}
	return DESCRIPTOR;
}

/* What one call has besides its class. */
struct note {
	uint16_t call;
	const char *events; /* of another hook than the call's end */
	const char *hook;
	const char *unseen;
};

static const struct note notes[] = {
	{ SYS_clone, "fork, thread", "task_newtask", NULL },
	{ SYS_fork, "fork", "task_newtask", NULL },
	{ SYS_vfork, "fork", "task_newtask", NULL },
	{ SYS_clone3, "fork, thread", "task_newtask", NULL },
	{ SYS_execve, "exec", "sched_process_exec; failures at the call's end", NULL },
	{ SYS_execveat, "exec", "sched_process_exec; failures at the call's end", NULL },
	{ SYS_exit, "exit", "sched_process_exit", NULL },
	{ SYS_exit_group, "exit", "sched_process_exit", NULL },
	{ SYS_wait4, "exit of the child", "sched_process_exit", NULL },
	{ SYS_waitid, "exit of the child", "sched_process_exit", NULL },
	{ SYS_kill, "signal", "signal_generate; failures at the call's end", NULL },
	{ SYS_tkill, "signal", "signal_generate; failures at the call's end", NULL },
	{ SYS_tgkill, "signal", "signal_generate; failures at the call's end", NULL },
	{ SYS_rt_sigqueueinfo, "signal", "signal_generate; failures at the call's end", NULL },
	{ SYS_rt_tgsigqueueinfo, "signal", "signal_generate; failures at the call's end", NULL },
	{ SYS_pidfd_send_signal, "signal", "signal_generate", "a signal that was refused" },
	{ SYS_mq_notify, "signal of who sends", "signal_generate", NULL },
	{ SYS_mremap, "mmap", NULL, "an event only where what is mapped stays mapped twice" },
	{ SYS_shmctl, "unlink, chmod, stat", NULL, NULL },
	{ SYS_keyctl, "read, write, copy, unlink, chown, chmod, stat", NULL,
		"commands that touch no key of others" },
	{ SYS_msgctl, "unlink, chmod, stat", NULL, NULL },
	{ SYS_semctl, "read, write, unlink, chmod, stat", NULL, NULL },
	{ SYS_restart_syscall, "none", "goes on with a call that waits", NULL },
	{ 335, "none", "the kernel's own return from a probe", NULL },
	{ 336, "none", "the kernel's own entry to a probe", NULL },
	{ SYS_ioctl, "copy, ioctl, setflags, attribute", NULL,
		"requests other than those that copy between files, or act on what is behind one" },
	{ SYS_prctl, NULL, NULL, "options that only ask" },
	{ SYS_io_submit, "read, write", NULL,
		"iocbs that are changed when the call ends; unreadable ones are gaps" },
	{ SYS_io_getevents, "read", NULL,
		"operations whose end the program sees in its own memory" },
	{ SYS_io_pgetevents, "read", NULL,
		"operations whose end the program sees in its own memory" },
	{ SYS_pivot_root, NULL, NULL, "other processes whose root moves along" },
	{ SYS_fsconfig, NULL, NULL, "parameters other than source and paths" },
	{ SYS_perf_event_open, NULL, NULL, "what is sampled" },
	{ SYS_fcntl, NULL, NULL, "requests other than those that duplicate" },
	{ SYS_io_uring_enter, "as below", "the tracepoints of io_uring",
		"where a kernel's do not fit: operations are counted as a gap" },
};

static const struct note *note_of(unsigned int call)
{
	for (size_t i = 0; i < LM_ARRAY_SIZE(notes); i++)
		if (notes[i].call == call)
			return &notes[i];
	return NULL;
}

static void write_sources(struct lm_buffer *out)
{
	lm_buffer_append_text(out, "## Where objects come from\n\n"
				   "| object | taken from | not seen |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < LM_ARRAY_SIZE(sources); i++)
		lm_buffer_printf(out, "| %s | %s | %s |\n", sources[i].mark, sources[i].from,
			sources[i].unseen);
}

static void write_recorded(struct lm_buffer *out)
{
	const struct lm_call_mapping *mappings = lm_call_mappings();

	lm_buffer_append_text(out, "\n## Recorded\n\n"
				   "| number | call | event | object | hook | not seen |\n"
				   "| --- | --- | --- | --- | --- | --- |\n");
	for (unsigned int call = 0; call < LM_CALL_COUNT; call++) {
		const struct lm_call_mapping *mapping = &mappings[call];
		const struct note *note = note_of(call);
		const char *op = mapping->op ? lm_op_name(mapping->op) : "gap";

		if (!mapping->rule.class)
			continue;
		lm_buffer_printf(out, "| %u | %s | %s | %s | %s | %s |\n", call,
			lm_syscall_name(call), note && note->events ? note->events : op,
			sources[source_of(mapping)].mark,
			note && note->hook ? note->hook : "the call's end",
			note && note->unseen ? note->unseen : "");
	}
}

static void write_elsewhere(struct lm_buffer *out)
{
	lm_buffer_append_text(out, "\n## Recorded where they act, not where they end\n\n"
				   "| number | call | event | hook | not seen |\n"
				   "| --- | --- | --- | --- | --- |\n");
	for (unsigned int call = 0; call < LM_CALL_COUNT; call++) {
		const struct note *note = note_of(call);

		if (lm_call_mappings()[call].silence == LM_SILENT_BY_HOOK)
			lm_buffer_printf(out, "| %u | %s | %s | %s | %s |\n", call,
				lm_syscall_name(call), note ? note->events : "",
				note ? note->hook : "", note && note->unseen ? note->unseen : "");
	}
}

static void write_silent(struct lm_buffer *out, bool unrecorded)
{
	const struct lm_call_mapping *mappings = lm_call_mappings();

	lm_buffer_append_text(out, "| number | call | why |\n| --- | --- | --- |\n");
	for (unsigned int call = 0; call < LM_CALL_COUNT; call++) {
		enum lm_silence silence = mappings[call].silence;

		if (silence && silence != LM_SILENT_BY_HOOK &&
			(silence == LM_SILENT_UNRECORDED) == unrecorded)
			lm_buffer_printf(out, "| %u | %s | %s |\n", call, lm_syscall_name(call),
				lm_silence_text(silence));
	}
}

static void write_compat(struct lm_buffer *out)
{
	lm_buffer_append_text(out,
		"\n## The 32-bit entry\n\n"
		"Recorded as the x86-64 call that does the same. `socketcall` and `ipc` are told\n"
		"as the single calls that they stand for. The x32 entry is counted as gaps.\n\n"
		"| number | call | as |\n| --- | --- | --- |\n");
	for (unsigned int call = 0; call < LM_CALL_COUNT; call++) {
		const struct lm_compat_mapping *mapping = &lm_compat_mappings()[call];

		if (mapping->name)
			lm_buffer_printf(out, "| %u | %s | %s |\n", call, mapping->name,
				mapping->rule.shape == LM_COMPAT_SOCKETCALL ||
						mapping->rule.shape == LM_COMPAT_IPC ?
					"its single calls" :
					lm_syscall_name(mapping->rule.call));
	}
}

static bool has_unrecorded(void)
{
	for (unsigned int call = 0; call < LM_CALL_COUNT; call++)
		if (lm_call_mappings()[call].silence == LM_SILENT_UNRECORDED)
			return true;
	return false;
}

/* Names come first: the numbers are others than those of calls. */
static void write_uring(struct lm_buffer *out)
{
	char name[32], twin[32];

	lm_buffer_append_text(out,
		"\n## Operations of io_uring\n\n"
		"Submitted by system call or taken up by a polling thread, run by the caller\n"
		"or by a worker: each is the submitting process's, and becomes the event of the\n"
		"call that does the same. A request that asks for no result\n"
		"(`IOSQE_CQE_SKIP_SUCCESS`) counts as done when it is submitted.\n\n"
		"| operation | number | event | as the call | why none |\n"
		"| --- | --- | --- | --- | --- |\n");
	for (uint16_t number = 0; number < LM_URING_COUNT; number++) {
		const struct lm_uring_mapping *mapping = &lm_uring_mappings()[number];

		if (!mapping->class)
			continue;
		lm_buffer_printf(out, "| %s | %u | %s | %s | %s |\n",
			lm_call_name(LM_CALL_URING | number, name) + strlen("io_uring:"), number,
			mapping->op ? lm_op_name(mapping->op) : "none",
			mapping->op ? lm_call_name(mapping->twin, twin) : "",
			lm_silence_text(mapping->silence));
	}
}

void lm_coverage_write(struct lm_buffer *out)
{
	lm_buffer_append_text(out,
		"# Coverage\n\n"
		"Every system call of Linux on x86-64: the event that it becomes in a log, or why\n"
		"it becomes none. `make docs/coverage.md` writes this page from the table that\n"
		"the recorder itself uses (`src/event/call_rules.c`).\n\n");
	write_sources(out);
	write_recorded(out);
	write_elsewhere(out);
	if (has_unrecorded()) {
		lm_buffer_append_text(out, "\n## Not recorded\n\n");
		write_silent(out, true);
	}
	lm_buffer_append_text(out, "\n## Without influence\n\n");
	write_silent(out, false);
	write_uring(out);
	write_compat(out);
}
