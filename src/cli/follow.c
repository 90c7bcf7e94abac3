/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lemona/base/time.h"

/*
 * A write to the log ends the wait. That a recorder was killed shows as a close of its files; what
 * other machines do to a network file system shows as nothing: so it is looked at now and then.
 * Where inotify cannot be had, looking often is what bounds the delay.
 */
#define WATCHED_WAIT_MS   250
#define UNWATCHED_WAIT_MS 20

static volatile sig_atomic_t stop_asked;

static void note_signal(int number)
{
	(void)number;
	stop_asked = 1;
}

const volatile sig_atomic_t *lm_follow_stop(void)
{
	return &stop_asked;
}

static int catch_signals(void)
{
	/* A write to standard output goes on; once more, and the default action ends it. */
	struct sigaction action = { .sa_handler = note_signal,
				    .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
		return -errno;
	return 0;
}

/* @return bytes read, and a NUL behind them; -1 */
static ssize_t read_text(const char *path, char *text, size_t size)
{
	LM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	if (n >= 0)
		text[n] = '\0';
	return n;
}

static bool is_this_boot(const struct lm_log *log)
{
	const char *boot_id = lm_log_meta(log)->boot_id;
	char own[64];

	return boot_id[0] && read_text("/proc/sys/kernel/random/boot_id", own, sizeof(own)) > 0 &&
	       strncmp(own, boot_id, strlen(boot_id)) == 0;
}

/* Field 22 of proc(5), behind a name that may hold anything: 20 words after its bracket. */
static uint64_t read_start_ticks(void)
{
	char text[1024];
	const char *at = read_text("/proc/self/stat", text, sizeof(text)) > 0 ?
		strrchr(text, ')') : NULL;

	for (int words = 0; at && words < 20; words++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(at, NULL, 10) : 0;
}

int lm_follow_start(struct lm_follow *follow, const char *path, const struct lm_log *log,
	struct lm_diag *diag)
{
	struct stat status;
	int r = catch_signals();

	if (r < 0)
		return lm_diag_errno(diag, r, "cannot follow the log %s", path);
	follow->same_boot = stat("/proc/self/ns/pid", &status) == 0 && is_this_boot(log);
	follow->ns_pid = follow->same_boot ? (uint32_t)status.st_ino : 0;
	follow->pid = (uint32_t)getpid();
	follow->start_ticks = read_start_ticks();
	follow->tick_ns = LM_NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	follow->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (follow->inotify_fd >= 0 && inotify_add_watch(follow->inotify_fd, path,
		IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF) < 0)
		lm_follow_release(follow);
	return 0;
}

void lm_follow_release(struct lm_follow *follow)
{
	lm_cleanup_close(&follow->inotify_fd);
	follow->inotify_fd = -1;
}

bool lm_follow_is_own(const struct lm_follow *follow, const struct lm_event_view *view)
{
	const struct lm_label *actor = lm_labels_get(view->labels, view->event->actor);
	const struct lm_process *process =
		actor->kind == LM_OBJECT_KIND_PROCESS ? actor->process.all : NULL;

	return follow->same_boot && process && process->ns_tgid == follow->pid &&
	       process->ns_pid == follow->ns_pid &&
	       process->start_ns / follow->tick_ns == follow->start_ticks;
}

/* What changed does not matter: the log itself says. */
static void forget_changes(int fd)
{
	char changes[4096];

	while (fd >= 0 && read(fd, changes, sizeof(changes)) > 0)
		;
}

int lm_follow_wait(const struct lm_follow *follow)
{
	/* Of standard output only errors are asked for: whoever read it is gone. */
	struct pollfd fds[] = {
		{ .fd = STDOUT_FILENO },
		{ .fd = follow->inotify_fd, .events = POLLIN },
	};
	int wait_ms = follow->inotify_fd >= 0 ? WATCHED_WAIT_MS : UNWATCHED_WAIT_MS;
	const struct timespec wait = { .tv_nsec = wait_ms * (long)LM_NS_PER_MS };
	sigset_t held, before;

	/* A signal that comes between the question and the wait must not be slept over. */
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, &before);
	if (!stop_asked)
		ppoll(fds, LM_ARRAY_SIZE(fds), &wait, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	forget_changes(follow->inotify_fd);
	return !stop_asked && !(fds[0].revents & (POLLERR | POLLHUP | POLLNVAL));
}
