/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/base/diag.h"
#include "lemona/crypto/note.h"

/*
 * What a sealed log hands out to be kept elsewhere, as its files have it: nothing but its form is
 * checked here.
 */

/**
 * The verifier key of the log's first segment: one line, without its newline.
 *
 * @param path     the log's directory
 * @param ret_key  appended
 * @return 0; -ENODATA (the log is not sealed); -LM_E_DAMAGED (the file is not a key); -ENOENT;
 *         -ENOTDIR; -EACCES; -EIO; -ENOMEM. A sentence is in diag.
 */
int lm_log_key(const char *path, struct lm_buffer *ret_key, struct lm_diag *diag);

/**
 * The newest checkpoint: that of the file `checkpoint`, or one in the last segments that covers
 * more. The log may be one that is being written.
 *
 * @param ret_note        the note is appended
 * @param ret_checkpoint  what it says
 * @return as lm_log_key(); -ENODATA as well when there is none yet
 */
int lm_log_newest_checkpoint(const char *path, struct lm_buffer *ret_note,
	struct lm_checkpoint *ret_checkpoint, struct lm_diag *diag);
