/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/crypto/note.h"

/**
 * Be the key holder of a log, until the other end of the socket is closed. Closes everything
 * else. For a process that was forked for this and has one thread.
 *
 * @param socket  SOCK_SEQPACKET
 * @param first   the seed of the first segment's key; taken, and wiped where it was. NULL: a
 *                fresh one is made, once the process is confined
 */
_Noreturn void holder_serve(
	int socket, const uint8_t log_id[LM_LOG_ID_BYTES], struct lm_seed *first);
