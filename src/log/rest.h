/* SPDX-License-Identifier: MIT */
#pragma once

#include "format.h"
#include "seal.h"

/*
 * What stays of a segment that was deleted: its .lmt file (docs/formats/log.md, "Tombstones").
 * Decoding takes any bytes.
 */
#define LM_REST_MAX_BYTES (64u << 10)

/* A frame in it, whole and with sums that fit; in the file's bytes. */
struct lm_rest_frame {
	const uint8_t *bytes; /* of its header, as stored */
	struct lm_frame_header header;
	struct lm_str payload;
};

struct lm_rest {
	struct lm_rest_frame key, end;
	struct lm_merkle_tree tree; /* before the leaf of the end frame */
	struct lm_digest before;    /* SHA-256 of the file before this one; 0: there is none */
};

/**
 * Compose the file.
 *
 * @param start  of the segment, up to the end of its key frame
 * @param end    its segment end frame
 */
void lm_rest_append(struct lm_buffer *out, struct lm_str start, struct lm_str end,
	const struct lm_merkle_tree *tree, const struct lm_digest *before);

/** @return 0; -LM_E_DAMAGED */
int lm_rest_decode(const uint8_t *data, size_t len, struct lm_rest *ret_rest);
