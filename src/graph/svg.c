/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "answer.h"
#include "lemona/graph/write.h"

extern char **environ;

/* The picture's source, in a file without a name, read from its start. */
static int write_source(const struct lm_answer *answer, FILE **ret_source)
{
	FILE *source LM_FCLOSE = tmpfile();
	int r;

	if (!source)
		return -errno;
	r = lm_answer_write_dot(answer, source);
	if (r < 0)
		return r;
	if (lseek(fileno(source), 0, SEEK_SET) < 0)
		return -errno;
	*ret_source = lm_take_ptr(source);
	return 0;
}

/* Files instead of pipes: nothing can block, whichever side stops first. */
static int run_dot(int in_fd, int out_fd, int *ret_status)
{
	char *const argv[] = { (char *)"dot", (char *)"-Tsvg", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(
			&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0)
		r = posix_spawnp(&pid, "dot", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return -r;
	while (waitpid(pid, ret_status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int copy_all(FILE *from, FILE *out)
{
	char buf[65536];
	size_t len;

	rewind(from);
	while ((len = fread(buf, 1, sizeof(buf), from)) > 0) {
		if (fwrite(buf, 1, len, out) != len)
			return -EIO;
	}
	return ferror(from) || fflush(out) != 0 ? -EIO : 0;
}

int lm_answer_write_svg(const struct lm_answer *answer, FILE *out, struct lm_diag *diag)
{
	FILE *source LM_FCLOSE = NULL, *picture LM_FCLOSE = tmpfile();
	int status = 0, r = picture ? write_source(answer, &source) : -errno;

	if (r < 0)
		return lm_diag_errno(
			diag, r, "The picture could not be prepared in a temporary file");
	r = run_dot(fileno(source), fileno(picture), &status);
	/* Old C libraries report a missing program as a child that exits with 127. */
	if (r == -ENOENT || (r == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127))
		return lm_diag_set(diag, -ENOENT,
			"A picture needs Graphviz, and its program \"dot\" is not installed: "
			"install graphviz, or ask for dot instead of svg");
	if (r < 0)
		return lm_diag_errno(diag, r, "Graphviz could not be started");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return lm_diag_set(
			diag, -EIO, "Graphviz failed to draw the picture (status %d)", status);
	return copy_all(picture, out);
}
