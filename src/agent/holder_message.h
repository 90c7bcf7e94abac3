/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/crypto/note.h"

/*
 * What recorder and key holder say to each other, through a socket that keeps messages apart.
 * The holder answers each request, in order. Each kind has one size; whoever gets another one
 * lets go.
 */
enum holder_request_kind {
	HOLDER_SEGMENT = 1,
	HOLDER_CHECKPOINT = 2,
	/* Not answered: it is sent before the recorder asks for anything, and not by it alone. */
	HOLDER_HOST = 3,
};

struct holder_request {
	uint32_t kind;
	uint32_t segment;
	/* Of a checkpoint; zero otherwise. */
	uint64_t size;
	struct lm_digest root;
	uint64_t boot_ns;
	uint64_t wall_ns;
	uint32_t state;
	/* Of the host; zero otherwise. */
	uint32_t host;            /* enum lm_host_state */
	struct lm_seed host_seed; /* zero unless the state is signed */
};

#define HOLDER_NOTE_BYTES 1024u /* more than either note has */

struct holder_answer {
	int32_t result; /* 0 or a negative code */
	uint32_t len;   /* of the note */
	uint8_t note[HOLDER_NOTE_BYTES];
};

#define HOLDER_STEP_BYTES 60u

/* What the holder says first, of itself. */
struct holder_greeting {
	int32_t result;
	char step[HOLDER_STEP_BYTES]; /* what could not be done */
	struct lm_public_key first_key;
};
