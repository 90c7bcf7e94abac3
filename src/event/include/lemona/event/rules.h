/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/abi/raw.h"
#include "lemona/event/event.h"

/* Why the end of a call becomes no event. */
enum lm_silence {
	LM_SILENT_NOT = 0,  /* it does become one; or the number belongs to no call */
	LM_SILENT_OPEN_FILE,
	LM_SILENT_FLUSH,
	LM_SILENT_WAIT,
	LM_SILENT_HANDLE,
	LM_SILENT_OWN_SOCKET,
	LM_SILENT_OWN_STATE,
	LM_SILENT_OWN_SIGNALS,
	LM_SILENT_OWN_MEMORY,
	LM_SILENT_TIME,
	LM_SILENT_SCHEDULING,
	LM_SILENT_FUTEX,
	LM_SILENT_NUMBERS,
	LM_SILENT_SYSTEM,
	LM_SILENT_BY_HOOK,
	LM_SILENT_ABSENT,
	LM_SILENT_UNRECORDED, /* it carries influence, and the log does not hold it */
	LM_SILENT_MAX = LM_SILENT_UNRECORDED,
};

/*
 * What is done with each system call: how the kernel side reads it, and which
 * event it becomes. One table for both.
 */
struct lm_call_mapping {
	struct lm_call_rule rule; /* for the kernel side */
	uint8_t op;               /* enum lm_op */
	uint8_t silence;          /* enum lm_silence */
};

/** LM_CALL_COUNT entries, indexed by x86-64 system call number. Static. */
const struct lm_call_mapping *lm_call_mappings(void);

/** Is this an action that a reader of the log should see at once? */
bool lm_op_is_urgent(enum lm_op op);

/* A call of the 32-bit entry, and what it is called there. */
struct lm_compat_mapping {
	struct lm_compat_rule rule;
	const char *name; /* NULL: the number belongs to no call */
};

/** LM_CALL_COUNT entries, indexed by i386 system call number. Static. */
const struct lm_compat_mapping *lm_compat_mappings(void);

/**
 * The x86-64 call that a call of the 32-bit entry (LM_CALL_COMPAT) or an operation of
 * io_uring (LM_CALL_URING) stands for; LM_CALL_NONE where there is none. Any other call is itself.
 */
uint16_t lm_call_native(uint16_t call);

/* What is done with each operation of io_uring: the same as with the call that does the same. */
struct lm_uring_mapping {
	uint8_t class;   /* enum lm_uring_class, for the kernel side; UNKNOWN: no such operation */
	uint8_t op;      /* enum lm_op */
	uint16_t twin;   /* that call; LM_CALL_NONE: there is none */
	uint8_t silence; /* enum lm_silence */
};

/** LM_URING_COUNT entries, indexed by enum io_uring_op of linux/io_uring.h. Static. */
const struct lm_uring_mapping *lm_uring_mappings(void);

/** The call that does what an operation (LM_CALL_URING | number) does, or LM_CALL_NONE. */
uint16_t lm_uring_twin(uint16_t call);

/** The reason in a few words: "reads or sets what only the caller has". Static. */
const char *lm_silence_text(enum lm_silence silence);
