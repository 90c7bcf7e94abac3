/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lemona/base/diag.h"
#include "lemona/base/str.h"
#include "lemona/crypto/note.h"

/*
 * Is a log what its recorder wrote, and if not, what is wrong with it, and where? Every byte of it
 * is hostile. docs/formats/log.md, "Verifying", says what each word means and what cannot be known.
 */
enum lm_verdict {
	LM_VERDICT_NOTE = 0, /* worth saying, and no damage */
	LM_VERDICT_ALTERED,
	LM_VERDICT_CUT_START,
	LM_VERDICT_CUT_MIDDLE,
	LM_VERDICT_CUT_END,
	LM_VERDICT_REORDERED,
	LM_VERDICT_DUPLICATED,
	LM_VERDICT_MIXED,     /* with another log */
	LM_VERDICT_WRONG_KEY,
	LM_VERDICT_FORKED,    /* an earlier checkpoint tells another history */
};

/** "cut in the middle" and so on; static storage. */
const char *lm_verdict_word(enum lm_verdict verdict);

#define LM_FINDING_FILE_BYTES 4096u /* any path that open(2) takes */
#define LM_FINDING_TEXT_BYTES 256u

struct lm_finding {
	enum lm_verdict verdict;
	char file[LM_FINDING_FILE_BYTES]; /* in the log, or as given with --checkpoint */
	uint32_t segment;                  /* 0: none */
	uint64_t first_frame, last_frame;  /* sequence numbers, 0: none */
	uint64_t begin_byte, end_byte;     /* in the file: it is somewhere in [begin, end) */
	uint64_t begin_ns, end_ns;         /* boot time span that it touches; end 0: not known */
	char text[LM_FINDING_TEXT_BYTES];  /* a sentence without its full stop */
};

#define LM_FINDINGS_MAX 1000u /* kept of each log; what goes beyond is counted */

enum lm_verify_state {
	LM_VERIFY_ENDED = 1,  /* has its end frame */
	LM_VERIFY_LIVE,       /* a writer holds its lock */
	LM_VERIFY_UNFINISHED, /* neither: the recorder was stopped before it could end the log */
};

struct lm_verify_report {
	struct lm_finding *findings; /* notes among them; in the order of the log */
	size_t count;
	uint64_t dropped;            /* findings, no notes, that found no room */
	bool sound;                  /* no finding but notes */
	bool sealed;
	enum lm_verify_state state;
	uint64_t segments, deleted_segments, frames, events, bytes, raw_bytes;
	uint64_t gaps, lost;         /* gap items, events that they tell as missing */
	uint64_t checkpoints;        /* whose signature and root fit */
	uint64_t leaves, signed_leaves;
	uint64_t signed_event;       /* the last one that a checkpoint covers; 0: none */
	uint64_t signed_boot_ns, signed_wall_ns;
	uint64_t unsigned_frames;    /* after the last checkpoint that fits */
	int64_t wall_minus_boot_ns;  /* of the first segment */
	uint8_t log_id[LM_LOG_ID_BYTES];
	enum lm_host_state host;     /* what the first key note says */
	bool host_signed;            /* host_key has signed it */
	struct lm_public_key host_key;
	bool has_first_key;          /* there is an anchor */
	struct lm_public_key first_key;
	struct lm_digest *roots;     /* at the end of each segment whose last note fits, in order */
	size_t root_count;
};

void lm_verify_report_release(struct lm_verify_report *report);

struct lm_verify_options {
	struct lm_str key;               /* verifier key, the trust anchor; empty: the file `key` */
	const struct lm_public_key *host_key; /* that must have signed the first key note; NULL:
					       * any, or none */
	const char *const *checkpoints;  /* paths of notes from outside */
	size_t checkpoint_count;
	bool deep;                       /* decode frames as well that a checkpoint covers */
	/* Told now and then how many bytes of how many are done; may be NULL. */
	void (*progress)(void *data, uint64_t done, uint64_t total);
	void *progress_data;
};

/**
 * Walk a log directory. One segment's frames are kept in memory at a time, about 100 bytes each.
 *
 * @param options     NULL: none
 * @param ret_report  to be released; filled when 0 is returned, whatever was found
 * @return 0; -ENOENT, -ENOTDIR, -EACCES; -LM_E_FORMAT (no segment is one of a log); -LM_E_EMPTY;
 *         -LM_E_VERSION (newer); -EINVAL (options->key is none); -EIO; -ENOMEM. A sentence is
 *         in diag.
 */
int lm_verify(const char *path, const struct lm_verify_options *options,
	struct lm_verify_report *ret_report, struct lm_diag *diag);
