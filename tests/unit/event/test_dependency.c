/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lemona/base/cleanup.h"
#include "lemona/event/dependency.h"

/* Object numbers that say what they stand for. */
enum { KERNEL = LM_OBJECT_KERNEL, ACTOR = 10, OBJECT = 20, OBJECT2 = 30, NAME = 40, NAME2 = 50 };

#define LOW  LM_CONTROL_LOW
#define HIGH LM_CONTROL_HIGH
#define OPEN LM_DEPENDENCY_OPEN_ENDED

/* PROT_*, MAP_* and O_TRUNC of the kernel. */
#define PROT(prot, map) ((prot) | (uint64_t)(map) << 32)
#define TRUNC_ARG 01000

struct want {
	const char *what;
	struct lm_event event;
	struct lm_dependency out[LM_DEPENDENCIES_MAX];
};

#define EVENT(...) { .actor = ACTOR, __VA_ARGS__ }

static const struct want table[] = {
	{ "fork", EVENT(.op = LM_OP_FORK, .object = OBJECT), { { ACTOR, OBJECT, HIGH, 0 } } },
	{ "fork sharing memory",
		EVENT(.op = LM_OP_FORK, .object = OBJECT, .flags = LM_EVENT_VM_SHARED),
		{ { ACTOR, OBJECT, HIGH, OPEN }, { OBJECT, ACTOR, HIGH, OPEN } } },
	{ "exec", EVENT(.op = LM_OP_EXEC, .object = OBJECT, .object2 = OBJECT2, .name = NAME),
		{ { OBJECT, OBJECT2, HIGH, 0 }, { ACTOR, OBJECT2, HIGH, 0 },
			{ NAME, OBJECT2, HIGH, 0 } } },
	{ "exec of what is not there", EVENT(.op = LM_OP_EXEC, .name = NAME, .result = -ENOENT),
		{ { NAME, ACTOR, LOW, 0 } } },
	{ "write into the kernel",
		EVENT(.op = LM_OP_WRITE, .object = OBJECT, .object2 = KERNEL, .result = 1),
		{ { ACTOR, OBJECT, HIGH, 0 }, { ACTOR, KERNEL, HIGH, 0 } } },
	{ "mount", EVENT(.op = LM_OP_MOUNT, .object = OBJECT, .object2 = OBJECT2, .name = NAME,
		.name2 = NAME2),
		{ { NAME2, ACTOR, HIGH, 0 }, { OBJECT2, ACTOR, HIGH, 0 },
			{ ACTOR, NAME, HIGH, 0 } } },
	{ "changing oneself", EVENT(.op = LM_OP_ATTRIBUTE), { { 0 } } },
	{ "changing another process", EVENT(.op = LM_OP_CONTROL, .object = OBJECT),
		{ { ACTOR, OBJECT, LOW, 0 } } },
	{ "measuring another process", EVENT(.op = LM_OP_INSPECT, .object = OBJECT),
		{ { OBJECT, ACTOR, LOW, 0 } } },
	{ "making a file immutable", EVENT(.op = LM_OP_SETFLAGS, .object = OBJECT),
		{ { ACTOR, OBJECT, HIGH, 0 } } },
	{ "setting the clock", EVENT(.op = LM_OP_CLOCK, .object = KERNEL),
		{ { ACTOR, KERNEL, HIGH, 0 } } },
	{ "swapping to a file",
		EVENT(.op = LM_OP_KERNEL, .object = KERNEL, .object2 = OBJECT2, .name = NAME),
		{ { ACTOR, KERNEL, HIGH, 0 }, { OBJECT2, KERNEL, HIGH, 0 },
			{ NAME, KERNEL, HIGH, 0 } } },
	{ "open", EVENT(.op = LM_OP_OPEN, .object = OBJECT, .name = NAME, .result = 3),
		{ { NAME, ACTOR, HIGH, 0 } } },
	{ "open that created",
		EVENT(.op = LM_OP_OPEN, .object = OBJECT, .name = NAME, .flags = LM_EVENT_CREATED),
		{ { NAME, ACTOR, HIGH, 0 }, { ACTOR, NAME, HIGH, 0 },
			{ ACTOR, OBJECT, HIGH, 0 } } },
	{ "open that emptied",
		EVENT(.op = LM_OP_OPEN, .object = OBJECT, .name = NAME, .arg = TRUNC_ARG),
		{ { NAME, ACTOR, HIGH, 0 }, { ACTOR, OBJECT, HIGH, 0 } } },
	{ "open of what is not there",
		EVENT(.op = LM_OP_OPEN, .name = NAME, .result = -ENOENT, .arg = TRUNC_ARG),
		{ { NAME, ACTOR, LOW, 0 } } },
	{ "open below a file", EVENT(.op = LM_OP_OPEN, .name = NAME, .result = -ENOTDIR),
		{ { NAME, ACTOR, LOW, 0 } } },
	{ "open that is forbidden", EVENT(.op = LM_OP_OPEN, .name = NAME, .result = -EACCES),
		{ { 0 } } },
	{ "stat of what is not there", EVENT(.op = LM_OP_STAT, .name = NAME, .result = -ENOENT),
		{ { NAME, ACTOR, LOW, 0 } } },
	{ "stat", EVENT(.op = LM_OP_STAT, .object = OBJECT, .name = NAME),
		{ { OBJECT, ACTOR, LOW, 0 }, { NAME, ACTOR, LOW, 0 } } },
	{ "readdir", EVENT(.op = LM_OP_READDIR, .object = OBJECT), { { OBJECT, ACTOR, LOW, 0 } } },
	{ "read", EVENT(.op = LM_OP_READ, .object = OBJECT, .result = 1),
		{ { OBJECT, ACTOR, HIGH, 0 } } },
	{ "read that failed", EVENT(.op = LM_OP_READ, .object = OBJECT, .result = -EIO),
		{ { 0 } } },
	{ "recv", EVENT(.op = LM_OP_RECV, .object = OBJECT), { { OBJECT, ACTOR, HIGH, 0 } } },
	{ "write", EVENT(.op = LM_OP_WRITE, .object = OBJECT), { { ACTOR, OBJECT, HIGH, 0 } } },
	{ "send", EVENT(.op = LM_OP_SEND, .object = OBJECT), { { ACTOR, OBJECT, HIGH, 0 } } },
	{ "truncate", EVENT(.op = LM_OP_TRUNCATE, .name = NAME), { { ACTOR, NAME, HIGH, 0 } } },
	{ "ftruncate", EVENT(.op = LM_OP_TRUNCATE, .object = OBJECT, .name = NAME),
		{ { ACTOR, OBJECT, HIGH, 0 } } },
	{ "copy", EVENT(.op = LM_OP_COPY, .object = OBJECT, .object2 = OBJECT2),
		{ { OBJECT, ACTOR, HIGH, 0 }, { ACTOR, OBJECT2, HIGH, 0 },
			{ OBJECT, OBJECT2, HIGH, 0 } } },
	{ "mmap readable, private", EVENT(.op = LM_OP_MMAP, .object = OBJECT, .arg = PROT(5, 2)),
		{ { OBJECT, ACTOR, HIGH, OPEN } } },
	{ "mmap writable, private", EVENT(.op = LM_OP_MMAP, .object = OBJECT, .arg = PROT(3, 2)),
		{ { OBJECT, ACTOR, HIGH, OPEN } } },
	{ "mmap writable, shared",
		EVENT(.op = LM_OP_MMAP, .object = OBJECT, .arg = PROT(3, 1),
			.result = 0x7f0000000000),
		{ { OBJECT, ACTOR, HIGH, OPEN }, { ACTOR, OBJECT, HIGH, OPEN } } },
	{ "mmap writable, shared and validated",
		EVENT(.op = LM_OP_MMAP, .object = OBJECT, .arg = PROT(2, 3)),
		{ { OBJECT, ACTOR, HIGH, OPEN }, { ACTOR, OBJECT, HIGH, OPEN } } },
	{ "mmap of nothing", EVENT(.op = LM_OP_MMAP, .arg = PROT(3, 0x22)), { { 0 } } },
	{ "mprotect, mapping unknown", EVENT(.op = LM_OP_MPROTECT, .object = OBJECT, .arg = 3),
		{ { OBJECT, ACTOR, HIGH, OPEN }, { ACTOR, OBJECT, LOW, OPEN } } },
	{ "mprotect of a private mapping",
		EVENT(.op = LM_OP_MPROTECT, .object = OBJECT, .arg = PROT(3, 2)),
		{ { OBJECT, ACTOR, HIGH, OPEN } } },
	{ "mkdir", EVENT(.op = LM_OP_MKDIR, .object = OBJECT, .name = NAME),
		{ { ACTOR, NAME, HIGH, 0 }, { ACTOR, OBJECT, HIGH, 0 } } },
	{ "mknod", EVENT(.op = LM_OP_MKNOD, .name = NAME), { { ACTOR, NAME, HIGH, 0 } } },
	{ "symlink", EVENT(.op = LM_OP_SYMLINK, .name = NAME, .name2 = NAME2),
		{ { ACTOR, NAME, HIGH, 0 } } },
	{ "link", EVENT(.op = LM_OP_LINK, .object = OBJECT, .name = NAME, .name2 = NAME2),
		{ { NAME, ACTOR, HIGH, 0 }, { ACTOR, NAME2, HIGH, 0 } } },
	{ "rename", EVENT(.op = LM_OP_RENAME, .object = OBJECT, .name = NAME, .name2 = NAME2),
		{ { NAME, ACTOR, HIGH, 0 }, { ACTOR, NAME, HIGH, 0 }, { ACTOR, NAME2, HIGH, 0 } } },
	{ "names exchanged",
		EVENT(.op = LM_OP_RENAME, .name = NAME, .name2 = NAME2, .arg = 2),
		{ { NAME, ACTOR, HIGH, 0 }, { NAME2, ACTOR, HIGH, 0 }, { ACTOR, NAME, HIGH, 0 },
		  { ACTOR, NAME2, HIGH, 0 } } },
	{ "unlink", EVENT(.op = LM_OP_UNLINK, .object = OBJECT, .name = NAME),
		{ { ACTOR, NAME, HIGH, 0 } } },
	{ "rmdir", EVENT(.op = LM_OP_RMDIR, .name = NAME), { { ACTOR, NAME, HIGH, 0 } } },
	{ "mount", EVENT(.op = LM_OP_MOUNT, .object = OBJECT, .name = NAME),
		{ { ACTOR, NAME, HIGH, 0 } } },
	{ "chmod of a name", EVENT(.op = LM_OP_CHMOD, .name = NAME), { { ACTOR, NAME, HIGH, 0 } } },
	{ "chown", EVENT(.op = LM_OP_CHOWN, .object = OBJECT, .name = NAME),
		{ { ACTOR, OBJECT, HIGH, 0 } } },
	{ "setxattr", EVENT(.op = LM_OP_SETXATTR, .object = OBJECT),
		{ { ACTOR, OBJECT, HIGH, 0 } } },
	{ "utimes", EVENT(.op = LM_OP_UTIMES, .object = OBJECT), { { ACTOR, OBJECT, LOW, 0 } } },
	{ "connect", EVENT(.op = LM_OP_CONNECT, .object = OBJECT),
		{ { ACTOR, OBJECT, HIGH, 0 }, { OBJECT, ACTOR, LOW, 0 } } },
	{ "connect under way", EVENT(.op = LM_OP_CONNECT, .object = OBJECT, .result = -EINPROGRESS),
		{ { ACTOR, OBJECT, HIGH, 0 }, { OBJECT, ACTOR, LOW, 0 } } },
	{ "connect refused", EVENT(.op = LM_OP_CONNECT, .object = OBJECT, .result = -ECONNREFUSED),
		{ { 0 } } },
	{ "accept", EVENT(.op = LM_OP_ACCEPT, .object = OBJECT, .object2 = OBJECT2, .result = 4),
		{ { OBJECT, ACTOR, HIGH, 0 } } },
	{ "fd sent", EVENT(.op = LM_OP_FDSEND, .object = OBJECT, .object2 = OBJECT2),
		{ { ACTOR, OBJECT, HIGH, 0 }, { OBJECT2, OBJECT, HIGH, 0 } } },
	{ "fd received", EVENT(.op = LM_OP_FDRECV, .object = OBJECT, .object2 = OBJECT2),
		{ { OBJECT, ACTOR, HIGH, 0 }, { OBJECT2, ACTOR, HIGH, 0 } } },
	{ "signal", EVENT(.op = LM_OP_SIGNAL, .object = OBJECT), { { ACTOR, OBJECT, LOW, 0 } } },
	{ "signal to itself", EVENT(.op = LM_OP_SIGNAL, .object = ACTOR), { { 0 } } },
	{ "ptrace", EVENT(.op = LM_OP_PTRACE, .object = OBJECT),
		{ { ACTOR, OBJECT, HIGH, 0 }, { OBJECT, ACTOR, HIGH, 0 } } },
	{ "vmread", EVENT(.op = LM_OP_VMREAD, .object = OBJECT), { { OBJECT, ACTOR, HIGH, 0 } } },
	{ "vmwrite", EVENT(.op = LM_OP_VMWRITE, .object = OBJECT), { { ACTOR, OBJECT, HIGH, 0 } } },
	{ "module", EVENT(.op = LM_OP_MODULE, .object = KERNEL, .object2 = OBJECT2),
		{ { ACTOR, KERNEL, HIGH, 0 }, { OBJECT2, KERNEL, HIGH, 0 } } },
	{ "bpf", EVENT(.op = LM_OP_BPF, .object = KERNEL), { { ACTOR, KERNEL, HIGH, 0 } } },
	{ "kexec", EVENT(.op = LM_OP_KEXEC, .object = KERNEL), { { ACTOR, KERNEL, HIGH, 0 } } },
	{ "ioctl", EVENT(.op = LM_OP_IOCTL, .object = OBJECT), { { ACTOR, OBJECT, HIGH, 0 } } },
	{ "ipcget", EVENT(.op = LM_OP_IPCGET, .object = OBJECT), { { 0 } } },
	{ "ipcget that made it", EVENT(.op = LM_OP_IPCGET, .object = OBJECT,
		.flags = LM_EVENT_CREATED), { { ACTOR, OBJECT, HIGH, 0 } } },
	{ "semop", EVENT(.op = LM_OP_SEMOP, .object = OBJECT),
		{ { ACTOR, OBJECT, LOW, 0 }, { OBJECT, ACTOR, LOW, 0 } } },
	{ "exit with status 256", EVENT(.op = LM_OP_EXIT, .result = 256), { { 0 } } },
	{ "close", EVENT(.op = LM_OP_CLOSE, .object = OBJECT), { { 0 } } },
	{ "dup", EVENT(.op = LM_OP_DUP, .object = OBJECT), { { 0 } } },
	{ "munmap", EVENT(.op = LM_OP_MUNMAP, .object = OBJECT), { { 0 } } },
	{ "setcred", EVENT(.op = LM_OP_SETCRED), { { 0 } } },
	{ "chdir", EVENT(.op = LM_OP_CHDIR, .object = OBJECT), { { 0 } } },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < LM_ARRAY_SIZE(table); i++) {
		const struct want *want = &table[i];
		struct lm_dependency out[LM_DEPENDENCIES_MAX];
		int n = lm_event_dependencies(&want->event, out), wanted = 0;

		while (wanted < LM_DEPENDENCIES_MAX && want->out[wanted].source != LM_OBJECT_NONE)
			wanted++;
		if (n != wanted)
			fail_msg("%s: %d dependencies, not %d", want->what, n, wanted);
		for (int k = 0; k < n; k++)
			if (out[k].source != want->out[k].source ||
				out[k].sink != want->out[k].sink ||
				out[k].control != want->out[k].control ||
				out[k].flags != want->out[k].flags)
				fail_msg("%s: dependency %d is %u to %u, control %u, flags %u",
					want->what, k, out[k].source, out[k].sink, out[k].control,
					out[k].flags);
	}
}

static void test_nothing_comes_from_nothing(void **state)
{
	for (uint16_t op = 0; op <= LM_OP_MAX + 1; op++) {
		struct lm_event event = { .op = op, .actor = ACTOR, .arg = UINT64_MAX,
			.flags = UINT16_MAX };
		struct lm_dependency out[LM_DEPENDENCIES_MAX];
		int n = lm_event_dependencies(&event, out);

		/* The kernel is always there. */
		assert_int_equal(n, (op >= LM_OP_MODULE && op <= LM_OP_KEXEC) ||
			op == LM_OP_CLOCK || op == LM_OP_KERNEL);
	}
}

static void test_sinks(void **state)
{
	struct lm_file file = { .mode = 0020666, .rdev = 1 << 20 | 3 };

	assert_true(lm_file_is_sink(&file)); /* null */
	file.rdev = 1 << 20 | 9;
	assert_true(lm_file_is_sink(&file)); /* urandom */
	file.rdev = 1 << 20 | 1;
	assert_false(lm_file_is_sink(&file)); /* mem */
	file.rdev = 5 << 20 | 3;
	assert_false(lm_file_is_sink(&file));
	file = (struct lm_file){ .mode = 0100644, .rdev = 1 << 20 | 3 };
	assert_false(lm_file_is_sink(&file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_nothing_comes_from_nothing),
		cmocka_unit_test(test_sinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
