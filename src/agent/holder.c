/* SPDX-License-Identifier: MIT */
#include "holder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder_message.h"
#include "holder_serve.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"

#define START_NS   (10 * LM_NS_PER_SEC)
#define SEGMENT_NS LM_NS_PER_SEC
#define END_NS     LM_NS_PER_SEC

struct lm_holder {
	int socket;
	int theirs; /* until it runs; -1 then */
	pid_t pid;  /* 0: none */
	struct lm_public_key first_key;
	struct lm_signer signer;
	bool asked; /* an answer is to come */
	bool lost;  /* it is gone, or an answer came too late: whose the next is nobody knows */
};

/* Wait for a message. @return 1; 0 (time is over); a negative errno */
static int wait_for_message(const struct lm_holder *holder, uint64_t end_ns)
{
	struct pollfd fd = { .fd = holder->socket, .events = POLLIN };

	for (;;) {
		uint64_t now_ns = lm_time_boot_ns();
		uint64_t left_ns = now_ns < end_ns ? end_ns - now_ns : 0;
		int r = poll(&fd, 1, (int)((left_ns + LM_NS_PER_MS - 1) / LM_NS_PER_MS));

		if (r > 0)
			return 1;
		if (r == 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* Take a message of this very size. @return 1; 0 (none in time); -EPIPE; a negative errno */
static int take_message(const struct lm_holder *holder, uint64_t end_ns, void *ret, size_t size)
{
	int r = wait_for_message(holder, end_ns);
	ssize_t n;

	if (r <= 0)
		return r;
	n = recv(holder->socket, ret, size, MSG_TRUNC | MSG_DONTWAIT);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return (size_t)n == size ? 1 : -EPIPE;
}

static int send_request(int socket, const struct holder_request *request)
{
	ssize_t n = send(socket, request, sizeof(*request), MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == sizeof(*request))
		return 0;
	return n < 0 && (errno == EPIPE || errno == ECONNRESET) ? -EPIPE : -EIO;
}

/* The note that is to come. @return 1; 0 (not yet); a negative code */
static int take_note(struct lm_holder *holder, uint64_t end_ns, struct lm_buffer *ret_note)
{
	struct holder_answer answer;
	int r = take_message(holder, end_ns, &answer, sizeof(answer));

	if (r > 0 && answer.result >= 0 && answer.len > sizeof(answer.note))
		r = -EPIPE;
	holder->lost = r < 0;
	if (r <= 0)
		return r;
	holder->asked = false;
	if (answer.result < 0)
		return answer.result;
	if (lm_buffer_reserve(ret_note, answer.len) < 0)
		return -ENOMEM;
	lm_buffer_append(ret_note, answer.note, answer.len);
	return 1;
}

static int sign_segment(void *data, uint32_t segment, struct lm_buffer *ret_note)
{
	const struct holder_request request = { .kind = HOLDER_SEGMENT, .segment = segment };
	struct lm_holder *holder = data;
	int r;

	if (holder->lost)
		return -EPIPE;
	if (holder->asked)
		return -EINVAL;
	r = send_request(holder->socket, &request);
	if (r < 0)
		return r;
	r = take_note(holder, lm_time_boot_ns() + SEGMENT_NS, ret_note);
	if (r == 0)
		holder->lost = true;
	return r > 0 ? 0 : r == 0 ? -ETIMEDOUT : r;
}

static int ask(void *data, const struct lm_checkpoint *checkpoint)
{
	struct lm_holder *holder = data;
	const struct holder_request request = {
		.kind = HOLDER_CHECKPOINT,
		.segment = checkpoint->segment,
		.size = checkpoint->size,
		.root = checkpoint->root,
		.boot_ns = checkpoint->boot_ns,
		.wall_ns = checkpoint->wall_ns,
		.state = checkpoint->state,
	};
	int r;

	if (holder->lost)
		return -EPIPE;
	if (holder->asked)
		return -EBUSY;
	r = send_request(holder->socket, &request);
	holder->asked = r == 0;
	return r;
}

static int take(void *data, int timeout_ms, struct lm_buffer *ret_note)
{
	struct lm_holder *holder = data;
	uint64_t wait_ns = (uint64_t)timeout_ms * LM_NS_PER_MS;

	if (holder->lost)
		return -EPIPE;
	return holder->asked ? take_note(holder, lm_time_boot_ns() + wait_ns, ret_note) : 0;
}

/* What the holder says of itself, or does not say. */
static int hear_greeting(struct lm_holder *holder, struct lm_diag *diag)
{
	struct holder_greeting greeting;
	int r = take_message(holder, lm_time_boot_ns() + START_NS, &greeting, sizeof(greeting));

	if (r == 0)
		return lm_diag_set(diag, -ETIMEDOUT, "the key holder does not answer");
	if (r < 0)
		return lm_diag_errno(diag, r, "the key holder ended before it had begun");
	if (greeting.result < 0) {
		greeting.step[sizeof(greeting.step) - 1] = '\0';
		return lm_diag_errno(
			diag, greeting.result, "the key holder cannot %s", greeting.step);
	}
	holder->first_key = greeting.first_key;
	return 0;
}

static void cleanup_holder(struct lm_holder **holder)
{
	lm_holder_free(*holder);
}

int lm_holder_new(struct lm_holder **ret_holder, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_holder) struct lm_holder *holder = calloc(1, sizeof(*holder));
	int sockets[2];

	if (!holder)
		return lm_diag_errno(diag, -ENOMEM, "cannot start the key holder");
	holder->socket = holder->theirs = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return lm_diag_errno(diag, -errno, "cannot start the key holder");
	holder->socket = sockets[0];
	holder->theirs = sockets[1];
	*ret_holder = lm_take_ptr(holder);
	return 0;
}

static int run(struct lm_holder *holder, struct lm_seed *first,
	const uint8_t log_id[LM_LOG_ID_BYTES], struct lm_diag *diag)
{
	int r;

	holder->pid = fork();
	if (holder->pid == 0)
		holder_serve(holder->theirs, log_id, first);
	if (holder->pid < 0) {
		r = -errno;
		holder->pid = 0;
		return lm_diag_errno(diag, r, "cannot start the key holder");
	}
	close(lm_take_fd(holder->theirs));
	r = hear_greeting(holder, diag);
	if (r < 0)
		return r;
	holder->signer = (struct lm_signer){
		.data = holder,
		.first_key = &holder->first_key,
		.segment_key = sign_segment,
		.ask = ask,
		.take = take,
	};
	return 0;
}

int lm_holder_run(
	struct lm_holder *holder, const uint8_t log_id[LM_LOG_ID_BYTES], struct lm_diag *diag)
{
	return run(holder, NULL, log_id, diag);
}

int lm_holder_start_from(struct lm_seed *first, const uint8_t log_id[LM_LOG_ID_BYTES],
	struct lm_holder **ret_holder, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_holder) struct lm_holder *holder = NULL;
	int r = lm_holder_new(&holder, diag);

	if (r == 0)
		r = run(holder, first, log_id, diag);
	if (r == 0)
		*ret_holder = lm_take_ptr(holder);
	return r;
}

int lm_holder_start(
	const uint8_t log_id[LM_LOG_ID_BYTES], struct lm_holder **ret_holder, struct lm_diag *diag)
{
	return lm_holder_start_from(NULL, log_id, ret_holder, diag);
}

int lm_holder_tell_host(int socket, enum lm_host_state state, const struct lm_seed *seed)
{
	struct holder_request request = { .kind = HOLDER_HOST, .host = state };
	int r;

	if (state == LM_HOST_SIGNED)
		request.host_seed = *seed;
	r = send_request(socket, &request);
	lm_seed_wipe(&request.host_seed);
	return r;
}

int lm_holder_socket(const struct lm_holder *holder)
{
	return holder->socket;
}

const struct lm_signer *lm_holder_signer(struct lm_holder *holder)
{
	return &holder->signer;
}

const struct lm_public_key *lm_holder_first_key(const struct lm_holder *holder)
{
	return &holder->first_key;
}

pid_t lm_holder_pid(const struct lm_holder *holder)
{
	return holder->pid;
}

/* It ends when its socket closes; one that is stopped, or hangs, is killed. */
static void reap(pid_t pid)
{
	uint64_t end_ns = lm_time_boot_ns() + END_NS;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (lm_time_boot_ns() >= end_ns) {
			(void)kill(pid, SIGKILL);
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
			return;
		}
		lm_time_pause(LM_NS_PER_MS);
	}
}

struct lm_holder *lm_holder_free(struct lm_holder *holder)
{
	if (!holder)
		return NULL;
	if (holder->socket >= 0)
		close(holder->socket);
	if (holder->theirs >= 0)
		close(holder->theirs);
	if (holder->pid > 0)
		reap(holder->pid);
	free(holder);
	return NULL;
}
