/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lemona/base/error.h"
#include "lemona/base/time.h"
#include "lemona/log/writer.h"

/*
 * Makes the log that the golden exports are made from:
 *   make_export tests/golden/export/log
 * A break-in with something for each row of the tables of docs/formats/export.md, and names that
 * are made to hurt whoever reads them. Run once for each version of the log's format.
 */
enum {
	ROOT = 2, ETC, ETC_NAME, PASSWD, PASSWD_NAME, BIN, BIN_NAME, SH, SH_NAME, LIBC, LIBC_NAME,
	TMP, TMP_NAME, EVIL, EVIL_NAME, OTHER_NAME, SHADOW_NAME, MODULE, MODULE_NAME, LINK_NAME,
	TARGET_NAME, CGROUP, SSHD, CHILD, SHELL, LISTENER, SOCKET, UNIX, SIX, PIPE, MEMFD, CONTENT,
};

#define EVIL_BYTES "a\xff<&\"'>\x1b[2J\n\xed\xa0\x80\xef\xbf\xbf\\x41\xe2\x80\xae" "b"

static uint64_t start_ns;
static struct lm_log_writer *log_writer;

static void add(const struct lm_item *item)
{
	assert_int_equal(lm_log_add(log_writer, item), 0);
}

static void add_object(struct lm_object object)
{
	object.time_ns = start_ns;
	add(&(struct lm_item){ .kind = LM_ITEM_OBJECT, .object = object });
}

static void add_file(lm_object_id id, uint32_t mode)
{
	add_object((struct lm_object){ .id = id, .kind = LM_OBJECT_KIND_FILE,
		.file = { .dev = 8u << 20 | 1, .inode = 1000 + id, .mode = mode } });
}

static void add_name(lm_object_id id, lm_object_id dir, const char *component)
{
	add_object((struct lm_object){ .id = id, .kind = LM_OBJECT_KIND_NAME,
		.name = { .dir = dir, .component = lm_str_from(component) } });
}

static void bind(lm_object_id name, lm_object_id file)
{
	add(&(struct lm_item){ .kind = LM_ITEM_BINDING, .binding = {
		.time_ns = start_ns, .name = name, .file = file,
		.flags = name ? 0 : LM_BINDING_ROOT } });
}

static void add_files(void)
{
	const uint32_t dir = 0040755, regular = 0100644;

	add_file(ROOT, dir);
	add_file(ETC, dir);
	add_name(ETC_NAME, ROOT, "etc");
	add_file(PASSWD, regular);
	add_name(PASSWD_NAME, ETC, "passwd");
	add_file(BIN, dir);
	add_name(BIN_NAME, ROOT, "bin");
	add_file(SH, 0100755);
	add_name(SH_NAME, BIN, "sh");
	add_file(LIBC, regular);
	add_name(LIBC_NAME, BIN, "libc.so.6");
	add_file(TMP, 0041777);
	add_name(TMP_NAME, ROOT, "tmp");
	add_file(EVIL, regular);
	add_name(EVIL_NAME, TMP, EVIL_BYTES);
	add_name(OTHER_NAME, TMP, "]]>&#0;{\"a\":1}");
	add_name(SHADOW_NAME, ETC, "shadow");
	add_file(MODULE, regular);
	add_name(MODULE_NAME, TMP, "rootkit.ko");
	add_name(LINK_NAME, TMP, "link");
	add_name(TARGET_NAME, 0, "../etc/passwd");
	bind(0, ROOT);
	bind(ETC_NAME, ETC);
	bind(PASSWD_NAME, PASSWD);
	bind(BIN_NAME, BIN);
	bind(SH_NAME, SH);
	bind(LIBC_NAME, LIBC);
	bind(TMP_NAME, TMP);
	bind(MODULE_NAME, MODULE);
}

static struct lm_process process(uint32_t tgid, uint32_t version, const char *comm)
{
	return (struct lm_process){
		.tgid = tgid, .ns_tgid = tgid, .start_ns = start_ns + tgid, .version = version,
		.root = ROOT, .cwd = TMP, .uid = version ? 1000 : 0, .euid = 0,
		.loginuid = version ? 1000 : UINT32_MAX, .session = version ? 3 : UINT32_MAX,
		.cgroup = version ? CGROUP : 0, .comm = lm_str_from(comm),
	};
}

static void add_processes(void)
{
	static const char argv[] = "/bin/sh\0-c\0echo \"x\" >> \xff\x1b[31m\n\0";
	struct lm_object sshd = { .id = SSHD, .kind = LM_OBJECT_KIND_PROCESS,
		.process = process(42, 0, "sshd") };
	struct lm_object child = { .id = CHILD, .kind = LM_OBJECT_KIND_PROCESS,
		.process = process(43, 0, "sshd") };
	struct lm_object shell = { .id = SHELL, .kind = LM_OBJECT_KIND_PROCESS,
		.process = process(43, 1, "sh\"<\xff") };

	add_object((struct lm_object){ .id = CGROUP, .kind = LM_OBJECT_KIND_CGROUP, .cgroup = {
		.cgroup = 7, .path = LM_STR("/docker/0123456789abcdef0123456789abcdef"
			"0123456789abcdef0123456789abcdef") } });
	add_object(sshd);
	child.process.parent = SSHD;
	add_object(child);
	shell.process.parent = SSHD;
	shell.process.previous = CHILD;
	shell.process.exe = SH;
	shell.process.exe_name = SH_NAME;
	shell.process.argc = 4;
	shell.process.argv = (struct lm_str){ argv, sizeof(argv) - 1 };
	add_object(shell);
}

static void add_channels(void)
{
	const struct lm_address here = {
		.family = LM_AF_INET, .port = 22, .ip = { 10, 0, 0, 1 } };
	const struct lm_address there = {
		.family = LM_AF_INET, .port = 51234, .ip = { 203, 0, 113, 7 } };
	const struct lm_address six = { .family = LM_AF_INET6, .port = 443,
		.ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 } };

	add_object((struct lm_object){ .id = LISTENER, .kind = LM_OBJECT_KIND_SOCKET, .socket = {
		.inode = 70, .family = 2, .type = 1, .protocol = 6, .local = here } });
	add_object((struct lm_object){ .id = SOCKET, .kind = LM_OBJECT_KIND_SOCKET, .socket = {
		.inode = 71, .cookie = 5, .family = 2, .type = 1, .protocol = 6, .local = here,
		.remote = there } });
	add_object((struct lm_object){ .id = UNIX, .kind = LM_OBJECT_KIND_SOCKET, .socket = {
		.inode = 72, .family = 1, .type = 1,
		.remote = { .family = LM_AF_UNIX, .path = LM_STR("@\xff\"x") } } });
	add_object((struct lm_object){ .id = SIX, .kind = LM_OBJECT_KIND_SOCKET, .socket = {
		.inode = 73, .family = 10, .type = 1, .protocol = 6, .remote = six } });
	add_object((struct lm_object){ .id = PIPE, .kind = LM_OBJECT_KIND_PIPE,
		.pipe = { .dev = 12, .inode = 80 } });
	add_object((struct lm_object){ .id = MEMFD, .kind = LM_OBJECT_KIND_MEMORY, .memory = {
		.type = LM_MEMORY_MEMFD, .inode = 81, .label = LM_STR("pay\xffload") } });
	add_object((struct lm_object){ .id = CONTENT, .kind = LM_OBJECT_KIND_CONTENT, .content = {
		.file = SH, .state = LM_CONTENT_HASHED, .size = 125560,
		.changed_ns = start_ns - 1000000, .sha256 = { 0xab, 0xcd },
		.time_ns = start_ns } });
}

static const uint64_t call_args[LM_EVENT_ARGS] = { 3, 0x7ffd3c5e1a80, 5, 0, 0, 0 };

static const struct lm_event events[] = {
	{ .actor = SSHD, .tid = 42, .op = LM_OP_LISTEN, .object = LISTENER, .call = 50 },
	{ .actor = SSHD, .tid = 42, .op = LM_OP_ACCEPT, .object = SOCKET, .object2 = LISTENER,
		.result = 4, .call = 43 },
	{ .actor = SSHD, .tid = 42, .op = LM_OP_RECV, .object = SOCKET, .result = 512, .call = 45 },
	{ .actor = SSHD, .tid = 42, .op = LM_OP_PIPE, .object = PIPE, .call = 293 },
	{ .actor = SSHD, .tid = 42, .op = LM_OP_FORK, .object = CHILD, .result = 43, .call = 56 },
	{ .actor = SSHD, .tid = 42, .op = LM_OP_WRITE, .object = PIPE, .result = 9, .call = 1 },
	{ .actor = CHILD, .tid = 43, .op = LM_OP_SETCRED, .call = 105, .arg = 1000 },
	{ .actor = CHILD, .tid = 43, .op = LM_OP_EXEC, .object = SH, .object2 = SHELL,
		.name = SH_NAME, .call = 59 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_MMAP, .object = LIBC, .arg = 5,
		.result = 0x7f0000000000, .call = 9 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_READ, .object = PIPE, .result = 9, .call = 0 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_OPEN, .name = SHADOW_NAME, .result = -EACCES,
		.call = 257, .flags = LM_EVENT_CLAIMED },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_OPEN, .object = EVIL, .name = EVIL_NAME,
		.arg = 0102, .result = 5, .call = 257,
		.flags = LM_EVENT_CREATED | LM_EVENT_CONFIRMED },
	{ .actor = SHELL, .tid = 44, .op = LM_OP_WRITE, .object = EVIL, .result = 77, .call = 1 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_RENAME, .object = EVIL, .name = EVIL_NAME,
		.name2 = OTHER_NAME, .call = 82, .flags = LM_EVENT_CONFIRMED },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_SYMLINK, .name = LINK_NAME, .name2 = TARGET_NAME,
		.call = 88 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_CHMOD, .object = PASSWD, .name = PASSWD_NAME,
		.arg = 0666, .call = 90 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_READ, .object = EVIL, .result = 77, .call = 0 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_WRITE, .object = PASSWD, .result = 40, .call = 1 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_CONNECT, .object = SIX, .result = -ECONNREFUSED,
		.call = 42 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_SEND, .object = UNIX, .result = 3, .call = 44 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_WRITE, .object = MEMFD, .result = 1, .call = 1 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_PTRACE, .object = SSHD, .arg = 16, .call = 101 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_SIGNAL, .object = SSHD, .arg = 15, .call = 62 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_MODULE, .object = LM_OBJECT_KERNEL,
		.object2 = MODULE, .name2 = MODULE_NAME, .call = 313 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_CALL, .call = 1, .args = call_args, .result = 5,
		.flags = LM_EVENT_TIMED },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_UNLINK, .object = EVIL, .name = OTHER_NAME,
		.call = 87 },
	{ .actor = SSHD, .tid = 42, .op = LM_OP_SHUTDOWN, .object = SOCKET, .call = 48 },
	{ .actor = SHELL, .tid = 43, .op = LM_OP_EXIT, .result = 9, .call = LM_CALL_NONE },
};

static void add_events(void)
{
	const size_t count = sizeof(events) / sizeof(events[0]);

	for (size_t i = 0; i < count; i++) {
		struct lm_event event = events[i];

		event.end_ns = start_ns + (i + 1) * LM_NS_PER_MS + i;
		event.begin_ns = event.end_ns - 1500;
		event.cpu = (uint16_t)(i & 1);
		add(&(struct lm_item){ .kind = LM_ITEM_EVENT, .event = event });
		if (i == count / 2)
			add(&(struct lm_item){ .kind = LM_ITEM_GAP, .gap = {
				.begin_ns = event.end_ns, .end_ns = event.end_ns + 1000, .count = 3,
				.kinds = 2, .tgid = 43, .cpu = 1, .reason = LM_GAP_FULL } });
	}
}

static void make_export(void **state)
{
	const struct lm_log_options options = { .segment_bytes = 0 };
	struct lm_log_meta meta = {
		.host = "vic\xfftim", .boot_id = "01234567-89ab-cdef-0123-456789abcdef",
		.machine_id = "0123456789abcdef0123456789abcdef", .kernel = "6.1.0-test #1 SMP",
		.recorder = "lemona test", .attach = "tracepoint", .level = "provenance",
	};

	meta.start_ns = start_ns = lm_time_boot_ns();
	meta.start_wall_ns = start_ns + (uint64_t)lm_time_wall_minus_boot_ns();
	assert_int_equal(lm_log_create(*state, &meta, &options, &log_writer, NULL), 0);
	add_object((struct lm_object){ .id = LM_OBJECT_KERNEL, .kind = LM_OBJECT_KIND_KERNEL });
	add_files();
	add_processes();
	add_channels();
	add_events();
	assert_int_equal(lm_log_close(log_writer, NULL, NULL), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest steps[] = {
		cmocka_unit_test_prestate(make_export, argv[argc - 1]),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: make_export DIRECTORY\n");
		return LM_EXIT_USAGE;
	}
	return cmocka_run_group_tests(steps, NULL, NULL);
}
