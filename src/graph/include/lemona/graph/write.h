/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "lemona/graph/trace.h"

/*
 * Writing an answer. All return 0, -EIO (the stream failed), or -ENOMEM.
 */

/** A story in time order, one step a line, for a person. Foreign bytes are escaped. */
int lm_answer_write_text(const struct lm_answer *answer, FILE *out, bool colour);

/** One JSON object (docs/formats/graph.md). */
int lm_answer_write_json(const struct lm_answer *answer, FILE *out);

/** Graphviz source. */
int lm_answer_write_dot(const struct lm_answer *answer, FILE *out);

/**
 * A picture, drawn by Graphviz's `dot -Tsvg`.
 *
 * @return as above; -ENOENT with a sentence when `dot` is not installed; -EIO when it failed
 */
int lm_answer_write_svg(const struct lm_answer *answer, FILE *out, struct lm_diag *diag);
