/* SPDX-License-Identifier: MIT */
#include "holder_serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "holder_confine.h"
#include "holder_keys.h"
#include "holder_message.h"

#define SOCKET 0

/* Nothing is left open but the socket, and nothing is pinned that somebody wants to unmount. */
static int keep_socket_only(int socket)
{
	if (socket != SOCKET && dup2(socket, SOCKET) < 0)
		return -errno;
	if (close_range(SOCKET + 1, ~0u, 0) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

/*
 * Who ends the recorder from a terminal, or ends all of a service, means the recorder, which
 * needs its last checkpoint then: the holder ends after it, when the socket closes.
 */
static int stand_apart(void)
{
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return -errno;
	(void)setsid(); /* fails for who leads a session already, which is as good */
	(void)prctl(PR_SET_NAME, "lemona-keys", 0, 0, 0);
	return 0;
}

/* All that signing calls, once, with keys that sign for nobody. */
static int rehearse(void)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	const uint8_t log_id[LM_LOG_ID_BYTES] = { 0 };
	struct lm_checkpoint checkpoint = { .segment = 1, .size = 1, .state = LM_CHECKPOINT_OPEN };
	struct holder_keys keys;
	struct lm_seed seed;
	int r = lm_seed_new(&seed);

	if (r < 0)
		return r;
	holder_keys_init(&keys, log_id, &seed);
	lm_seed_wipe(&seed);
	r = lm_seed_new(&seed);
	if (r == 0)
		r = holder_keys_host(&keys, LM_HOST_SIGNED, &seed);
	lm_seed_wipe(&seed);
	if (r == 0)
		r = holder_keys_segment(&keys, 1, &out);
	if (r == 0)
		r = holder_keys_checkpoint(&keys, &checkpoint, &out);
	holder_keys_release(&keys);
	return r;
}

static int prepare(int socket, const char **ret_step)
{
	int r = keep_socket_only(socket);

	*ret_step = "let go of what is open";
	if (r < 0)
		return r;
	*ret_step = "block signals";
	r = stand_apart();
	if (r < 0)
		return r;
	*ret_step = "sign";
	r = rehearse();
	if (r < 0)
		return r;
	return holder_confine(ret_step);
}

static int make_keys(struct holder_keys *keys, const uint8_t log_id[LM_LOG_ID_BYTES],
	struct lm_seed *first, struct lm_public_key *ret_key)
{
	LM_CLEANUP(lm_seed_wipe) struct lm_seed fresh = { { 0 } };
	int r = 0;

	if (!first) {
		r = lm_seed_new(&fresh);
		first = &fresh;
	}
	if (r == 0)
		r = lm_sign_public(first, ret_key);
	if (r == 0)
		holder_keys_init(keys, log_id, first);
	lm_seed_wipe(first);
	return r;
}

static int answer_request(
	struct holder_keys *keys, const struct holder_request *request, struct lm_buffer *out)
{
	struct lm_checkpoint checkpoint = {
		.size = request->size,
		.root = request->root,
		.segment = request->segment,
		.boot_ns = request->boot_ns,
		.wall_ns = request->wall_ns,
		.state = request->state,
	};

	switch (request->kind) {
	case HOLDER_SEGMENT:
		return holder_keys_segment(keys, request->segment, out);
	case HOLDER_CHECKPOINT:
		return holder_keys_checkpoint(keys, &checkpoint, out);
	}
	return -EINVAL;
}

static int answer(
	struct holder_keys *keys, const struct holder_request *request, struct lm_buffer *note)
{
	struct holder_answer reply = { .result = 0 };

	lm_buffer_reset(note);
	reply.result = answer_request(keys, request, note);
	/* What the notes hold is bounded; a longer one would be a fault of this program. */
	if (reply.result == 0 && note->len > sizeof(reply.note))
		reply.result = -EIO;
	if (reply.result == 0) {
		reply.len = (uint32_t)note->len;
		memcpy(reply.note, note->data, note->len);
	}
	holder_wipe_stack();
	return send(SOCKET, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply) ? 0 : -EPIPE;
}

static void serve(struct holder_keys *keys)
{
	LM_BUFFER struct lm_buffer note = LM_BUFFER_INIT;
	struct holder_request request;

	/* Until the recorder is gone; a message of another size is not from the one we know. */
	while (recv(SOCKET, &request, sizeof(request), MSG_TRUNC) == sizeof(request)) {
		if (request.kind == HOLDER_HOST)
			(void)holder_keys_host(keys, request.host, &request.host_seed);
		else if (answer(keys, &request, &note) < 0)
			break;
		lm_seed_wipe(&request.host_seed);
	}
	lm_seed_wipe(&request.host_seed);
}

_Noreturn void holder_serve(
	int socket, const uint8_t log_id[LM_LOG_ID_BYTES], struct lm_seed *first)
{
	struct holder_greeting greeting = { .result = 0 };
	struct holder_keys keys = { .segment = 0 };
	const char *step = NULL;

	greeting.result = prepare(socket, &step);
	if (greeting.result == 0) {
		step = "make keys";
		greeting.result = make_keys(&keys, log_id, first, &greeting.first_key);
		holder_wipe_stack();
	}
	if (greeting.result < 0)
		snprintf(greeting.step, sizeof(greeting.step), "%s", step);
	if (send(SOCKET, &greeting, sizeof(greeting), MSG_NOSIGNAL) == sizeof(greeting) &&
		greeting.result == 0)
		serve(&keys);
	holder_keys_release(&keys);
	_exit(0);
}
