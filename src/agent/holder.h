/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "lemona/base/diag.h"
#include "lemona/crypto/note.h"
#include "lemona/log/signer.h"

/*
 * The process that holds the keys of a log and signs for its writer. It composes what it signs
 * from numbers, signs nothing that contradicts what it has signed, and wipes each key after use.
 * It can reach neither files nor network, and ends when this end of its socket is closed.
 */
struct lm_holder;

/**
 * Fork the holder. Call it before anything else is opened and while there is one thread: the
 * holder begins as a copy of this process.
 *
 * @param log_id  copied
 * @return 0; -EAGAIN, -ENOMEM (no process, no memory); -ETIMEDOUT (it does not answer); -EPIPE (it
 *         died); what confining it returned (-EPERM: its memory cannot be locked)
 */
int lm_holder_start(
	const uint8_t log_id[LM_LOG_ID_BYTES], struct lm_holder **ret_holder, struct lm_diag *diag);

/**
 * The same in two steps, for what has to be waiting for the holder when it begins: first the
 * socket alone, then the process. A holder that does not run signs nothing.
 *
 * @return 0; -EMFILE, -ENFILE; -ENOMEM
 */
int lm_holder_new(struct lm_holder **ret_holder, struct lm_diag *diag);
/** @return as lm_holder_start() */
int lm_holder_run(
	struct lm_holder *holder, const uint8_t log_id[LM_LOG_ID_BYTES], struct lm_diag *diag);

/**
 * Have the key of the host sign the beginning of the log as well. Before its first key note.
 *
 * @param socket  lm_holder_socket(), in whatever process
 * @param state   LM_HOST_SIGNED, with the seed, or why there is none
 * @return 0; -EPIPE; -EIO
 */
int lm_holder_tell_host(int socket, enum lm_host_state state, const struct lm_seed *seed);
/** Borrowed. */
int lm_holder_socket(const struct lm_holder *holder);

/** For tests, which must know the keys: the first seed is given, and wiped in the holder. */
int lm_holder_start_from(struct lm_seed *first, const uint8_t log_id[LM_LOG_ID_BYTES],
	struct lm_holder **ret_holder, struct lm_diag *diag);

/** Borrowed; as long as the holder. */
const struct lm_signer *lm_holder_signer(struct lm_holder *holder);
/** The key that all others of the log are known by. Borrowed. */
const struct lm_public_key *lm_holder_first_key(const struct lm_holder *holder);
pid_t lm_holder_pid(const struct lm_holder *holder);

/** Let it end, and wait for that. NULL allowed; returns NULL. */
struct lm_holder *lm_holder_free(struct lm_holder *holder);
