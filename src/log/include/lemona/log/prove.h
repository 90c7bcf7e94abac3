/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/base/buffer.h"
#include "lemona/base/diag.h"
#include "lemona/crypto/merkle.h"
#include "lemona/crypto/note.h"

/*
 * That one frame stood in a sealed log when a checkpoint was made (docs/formats/proof.md): its
 * leaf, the way from there to the root (RFC 6962), and the signed root.
 */
#define LM_PROOF_HEADER_BYTES 96u

struct lm_proof {
	uint8_t header[LM_PROOF_HEADER_BYTES]; /* of the frame, as stored */
	struct lm_digest payload_hash;         /* SHA-256 of its stored payload */
	struct lm_buffer payload;              /* as stored */
	struct lm_buffer raw;                  /* decompressed: a batch */
	uint32_t segment;
	uint64_t sequence, first_event, event_count;
	uint64_t base_ns, min_ns, max_ns;      /* of the frame */
	int64_t wall_minus_boot_ns;
	uint64_t leaf, size;                   /* leaf number `leaf` of the first `size` */
	struct lm_merkle_proof path;
	struct lm_buffer note;                 /* the checkpoint */
	struct lm_checkpoint checkpoint;
	struct lm_public_key key;              /* that signed it, as the log says */
	struct lm_buffer anchor;               /* verifier key of the log, as its file says */
};

void lm_proof_release(struct lm_proof *proof);

/**
 * Prove that an event stands in the log. Costs reading the index frames of the segments; of a
 * segment that is not finished, reading it whole.
 *
 * @param path        a log directory
 * @param event       its number, from 1
 * @param checkpoint  a file with a checkpoint of this log; NULL: the newest there is
 * @param ret_proof   to be released
 * @return 0; -ENODATA (the log is not sealed, or the checkpoint does not cover the event);
 *         -ENOENT (no such event, file or log); -LM_E_DAMAGED (the log does not have the
 *         checkpoint's root, or its signature does not fit: verify says what is wrong);
 *         -LM_E_WRONG_KEY; -EACCES; -EIO; -ENOMEM. A sentence is in diag.
 */
int lm_prove(const char *path, uint64_t event, const char *checkpoint, struct lm_proof *ret_proof,
	struct lm_diag *diag);
