/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "lemona/crypto/host.h"

#define WAIT_MS 10000

static const uint8_t log_id[LM_LOG_ID_BYTES] = { 1, 2, 3 };

static struct lm_str str(const struct lm_buffer *buf)
{
	return (struct lm_str){ (const char *)buf->data, (uint32_t)buf->len };
}

/* Who is not root may not lock that much memory. */
static int start(void **state)
{
	struct lm_holder *holder = NULL;
	struct lm_diag diag = LM_DIAG_INIT;

	*state = NULL;
	if (geteuid() != 0)
		return 0;
	if (lm_holder_start(log_id, &holder, &diag) < 0) {
		print_error("%s\n", diag.text);
		return -1;
	}
	*state = holder;
	return 0;
}

static int stop(void **state)
{
	lm_holder_free(*state);
	return 0;
}

static struct lm_holder *started(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static int begin_segment(struct lm_holder *holder, uint32_t segment, struct lm_buffer *ret_note)
{
	const struct lm_signer *signer = lm_holder_signer(holder);

	return signer->segment_key(signer->data, segment, ret_note);
}

/* Ask and wait. */
static int sign(struct lm_holder *holder, uint32_t segment, uint64_t size,
	enum lm_checkpoint_state state, struct lm_buffer *ret_note)
{
	const struct lm_signer *signer = lm_holder_signer(holder);
	const struct lm_checkpoint checkpoint = { .segment = segment,
		.size = size,
		.root = { { (uint8_t)size } },
		.boot_ns = 1,
		.wall_ns = 2,
		.state = state };
	int r = signer->ask(signer->data, &checkpoint);

	return r < 0 ? r : signer->take(signer->data, WAIT_MS, ret_note);
}

static void test_notes_check(void **state)
{
	struct lm_holder *holder = started(state);
	struct lm_public_key segment_key = *lm_holder_first_key(holder), checkpoint_key;

	for (uint32_t segment = 1; segment <= 3; segment++) {
		LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
		struct lm_segment_key key;
		struct lm_note note;

		assert_int_equal(begin_segment(holder, segment, &out), 0);
		assert_int_equal(lm_segment_key_parse(str(&out), &key, &note), 0);
		assert_int_equal(lm_note_check(&note, &segment_key), 0);
		segment_key = key.next_segment_key;
		checkpoint_key = key.checkpoint_key;
		for (uint64_t size = 100 * segment; size <= 100 * segment + 5; size++) {
			bool last = size == 100 * segment + 5;
			struct lm_checkpoint checkpoint;

			lm_buffer_reset(&out);
			assert_int_equal(
				sign(holder, segment, size,
					last ? LM_CHECKPOINT_SEGMENT_END : LM_CHECKPOINT_OPEN,
					&out),
				1);
			assert_int_equal(lm_checkpoint_parse(str(&out), &checkpoint, &note), 0);
			assert_int_equal(lm_note_check(&note, &checkpoint_key), 0);
			assert_int_equal(checkpoint.size, size);
			assert_int_equal(checkpoint.boot_ns, 1);
			assert_int_equal(checkpoint.wall_ns, 2);
			checkpoint_key = checkpoint.next_key;
		}
	}
}

/* The seed of the host waits in the socket, from another process, before there is a holder. */
static void test_host(void **state)
{
	static const struct lm_seed seed = { { 7 } };
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_holder *holder = NULL;
	struct lm_public_key host;
	struct lm_segment_key key;
	struct lm_note note;
	int status = -1;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(lm_holder_new(&holder, NULL), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(lm_holder_tell_host(lm_holder_socket(holder), LM_HOST_SIGNED, &seed) < 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(lm_holder_run(holder, log_id, NULL), 0);
	assert_int_equal(begin_segment(holder, 1, &out), 0);
	assert_int_equal(lm_segment_key_parse(str(&out), &key, &note), 0);
	assert_int_equal(key.host, LM_HOST_SIGNED);
	assert_int_equal(lm_sign_public(&seed, &host), 0);
	assert_int_equal(lm_host_check(&note, &host), 0);
	assert_int_equal(lm_note_check(&note, lm_holder_first_key(holder)), 0);
	/* Too late: it is not answered, and changes nothing. */
	assert_int_equal(
		lm_holder_tell_host(lm_holder_socket(holder), LM_HOST_LOCKED, NULL), 0);
	assert_int_equal(sign(holder, 1, 1, LM_CHECKPOINT_SEGMENT_END, &out), 1);
	out.len = 0;
	assert_int_equal(begin_segment(holder, 2, &out), 0);
	assert_int_equal(lm_segment_key_parse(str(&out), &key, &note), 0);
	assert_int_equal(key.host, LM_HOST_NONE);
	assert_int_equal(note.count, 1);
	lm_holder_free(holder);
}

/* One that never runs can be let go of. */
static void test_never_run(void **state)
{
	struct lm_holder *holder = NULL;

	assert_int_equal(lm_holder_new(&holder, NULL), 0);
	assert_int_equal(lm_holder_pid(holder), 0);
	lm_holder_free(holder);
}

/* What is refused leaves the holder as it was, and the buffer too. */
static void test_refusals(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_holder *holder = started(state);

	assert_int_equal(sign(holder, 1, 1, LM_CHECKPOINT_OPEN, &out), -EINVAL);
	assert_int_equal(begin_segment(holder, 2, &out), -EINVAL);
	assert_int_equal(out.len, 0);
	assert_int_equal(begin_segment(holder, 1, &out), 0);
	assert_int_equal(sign(holder, 1, 5, LM_CHECKPOINT_OPEN, &out), 1);
	out.len = 0;
	assert_int_equal(sign(holder, 1, 4, LM_CHECKPOINT_OPEN, &out), -EINVAL);
	assert_int_equal(sign(holder, 1, 6, 7, &out), -EINVAL);
	assert_int_equal(out.len, 0);
	assert_int_equal(sign(holder, 1, 6, LM_CHECKPOINT_END, &out), 1);
	assert_int_equal(begin_segment(holder, 2, &out), -EINVAL);
}

static void test_one_at_a_time(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_holder *holder = started(state);
	const struct lm_signer *signer = lm_holder_signer(holder);
	const struct lm_checkpoint checkpoint = {
		.segment = 1, .size = 1, .state = LM_CHECKPOINT_SEGMENT_END
	};

	assert_int_equal(signer->take(signer->data, 0, &out), 0);
	assert_int_equal(begin_segment(holder, 1, &out), 0);
	out.len = 0;
	assert_int_equal(signer->ask(signer->data, &checkpoint), 0);
	assert_int_equal(signer->ask(signer->data, &checkpoint), -EBUSY);
	assert_int_equal(begin_segment(holder, 2, &out), -EINVAL);
	assert_int_equal(signer->take(signer->data, WAIT_MS, &out), 1);
	assert_int_equal(signer->take(signer->data, WAIT_MS, &out), 0);
	assert_int_equal(begin_segment(holder, 2, &out), 0);
}

static void test_stopped_and_killed(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_holder *holder = started(state);
	const struct lm_signer *signer = lm_holder_signer(holder);
	const struct lm_checkpoint checkpoint = {
		.segment = 1, .size = 1, .state = LM_CHECKPOINT_OPEN
	};
	uint64_t begin_ns;

	assert_int_equal(begin_segment(holder, 1, &out), 0);
	assert_int_equal(kill(lm_holder_pid(holder), SIGSTOP), 0);
	out.len = 0;
	assert_int_equal(signer->ask(signer->data, &checkpoint), 0);
	begin_ns = lm_time_boot_ns();
	assert_int_equal(signer->take(signer->data, 50, &out), 0);
	assert_true(lm_time_boot_ns() - begin_ns >= 50 * LM_NS_PER_MS);
	assert_int_equal(kill(lm_holder_pid(holder), SIGCONT), 0);
	assert_int_equal(signer->take(signer->data, WAIT_MS, &out), 1);
	assert_int_equal(kill(lm_holder_pid(holder), SIGKILL), 0);
	out.len = 0;
	assert_int_equal(sign(holder, 1, 2, LM_CHECKPOINT_OPEN, &out), -EPIPE);
	assert_int_equal(sign(holder, 1, 2, LM_CHECKPOINT_OPEN, &out), -EPIPE);
	assert_int_equal(begin_segment(holder, 2, &out), -EPIPE);
	assert_int_equal(out.len, 0);
}

/* A note that comes too late is none: nobody takes it for the answer to what is asked next. */
static void test_late(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_holder *holder = started(state);

	assert_int_equal(kill(lm_holder_pid(holder), SIGSTOP), 0);
	assert_int_equal(begin_segment(holder, 1, &out), -ETIMEDOUT);
	assert_int_equal(kill(lm_holder_pid(holder), SIGCONT), 0);
	assert_int_equal(begin_segment(holder, 1, &out), -EPIPE);
	assert_int_equal(sign(holder, 1, 2, LM_CHECKPOINT_OPEN, &out), -EPIPE);
	assert_int_equal(out.len, 0);
}

/* Who ends all processes of a terminal or a service means the recorder. */
static void test_signals(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1 };
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_holder *holder = started(state);

	for (size_t i = 0; i < LM_ARRAY_SIZE(signals); i++)
		assert_int_equal(kill(lm_holder_pid(holder), signals[i]), 0);
	assert_int_equal(begin_segment(holder, 1, &out), 0);
}

static void test_long_life(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_holder *holder = started(state);
	uint64_t size = 0;

	for (uint32_t segment = 1; segment <= 200; segment++) {
		out.len = 0;
		assert_int_equal(begin_segment(holder, segment, &out), 0);
		for (uint32_t i = 0; i < 20; i++)
			assert_int_equal(
				sign(holder, segment, ++size, LM_CHECKPOINT_OPEN, &out), 1);
		assert_int_equal(sign(holder, segment, ++size, LM_CHECKPOINT_SEGMENT_END, &out), 1);
	}
}

/* The value of a line of /proc/PID/status. */
static void read_status(pid_t pid, const char *key, char *ret, size_t size)
{
	char path[64], line[256];
	FILE *file LM_FCLOSE = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':') {
			snprintf(ret, size, "%s", line + strlen(key) + 2);
			ret[strcspn(ret, "\n")] = '\0';
			return;
		}
	fail_msg("no %s", key);
}

static void test_confined(void **state)
{
	static const char *const want[][2] = {
		{ "Seccomp", "2" },
		{ "NoNewPrivs", "1" },
		{ "CapEff", "0000000000000000" },
		{ "CapPrm", "0000000000000000" },
		{ "CapInh", "0000000000000000" },
		{ "CapAmb", "0000000000000000" },
		{ "Threads", "1" },
		{ "Name", "lemona-keys" },
	};
	struct lm_holder *holder = started(state);
	char value[256];

	for (size_t i = 0; i < LM_ARRAY_SIZE(want); i++) {
		read_status(lm_holder_pid(holder), want[i][0], value, sizeof(value));
		assert_string_equal(value, want[i][1]);
	}
#ifndef __SANITIZE_ADDRESS__ /* which makes mlockall() do nothing */
	read_status(lm_holder_pid(holder), "VmLck", value, sizeof(value));
	assert_true(strtoul(value, NULL, 10) > 0);
#endif
}

/* Of all that was open when it began, only its end of the socket is left. */
static void check_descriptors(pid_t pid)
{
	char path[PATH_MAX], target[64] = "";
	const struct dirent *entry;
	uint32_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	assert_int_equal(count, 1);
	snprintf(path, sizeof(path), "/proc/%d/fd/0", pid);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_int_equal(strncmp(target, "socket:", 7), 0);
	snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
	memset(target, 0, sizeof(target));
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/");
}

static void test_descriptors(void **state)
{
	int plain LM_CLOSE = open("/dev/null", O_RDONLY); /* not close-on-exec */
	int far LM_CLOSE = fcntl(plain, F_DUPFD, 800);
	struct lm_holder *holder = NULL;

	if (geteuid() != 0)
		skip();
	assert_true(plain >= 0 && far >= 0);
	assert_int_equal(lm_holder_start(log_id, &holder, NULL), 0);
	check_descriptors(lm_holder_pid(holder));
	lm_holder_free(holder);
}

/* Gone, or dead and waiting for a parent that does not ask. */
static bool is_over(pid_t pid)
{
	char value[256];

	if (kill(pid, 0) < 0)
		return true;
	read_status(pid, "State", value, sizeof(value));
	return value[0] == 'Z';
}

static void test_ends_with_its_recorder(void **state)
{
	int pipe_fds[2], r;
	pid_t recorder, holder_pid = 0;

	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	recorder = fork();
	if (recorder == 0) {
		struct lm_holder *holder = NULL;

		if (lm_holder_start(log_id, &holder, NULL) == 0)
			holder_pid = lm_holder_pid(holder);
		r = (int)write(pipe_fds[1], &holder_pid, sizeof(holder_pid));
		for (;;)
			pause();
	}
	assert_int_equal(read(pipe_fds[0], &holder_pid, sizeof(holder_pid)), sizeof(holder_pid));
	assert_true(holder_pid > 0);
	assert_false(is_over(holder_pid));
	assert_int_equal(kill(recorder, SIGKILL), 0);
	assert_int_equal(waitpid(recorder, &r, 0), recorder);
	for (int i = 0; i < WAIT_MS && !is_over(holder_pid); i++)
		lm_time_pause(LM_NS_PER_MS);
	assert_true(is_over(holder_pid));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_notes_check, start, stop),
		cmocka_unit_test_setup_teardown(test_refusals, start, stop),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, start, stop),
		cmocka_unit_test_setup_teardown(test_stopped_and_killed, start, stop),
		cmocka_unit_test_setup_teardown(test_late, start, stop),
		cmocka_unit_test_setup_teardown(test_signals, start, stop),
		cmocka_unit_test_setup_teardown(test_long_life, start, stop),
		cmocka_unit_test_setup_teardown(test_confined, start, stop),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_never_run),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_ends_with_its_recorder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
