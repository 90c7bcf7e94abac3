/* SPDX-License-Identifier: MIT */
#include "lemona/agent/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "holder.h"
#include "lemona/agent/record.h"
#include "lemona/base/cleanup.h"

struct lm_seal {
	uint8_t log_id[LM_LOG_ID_BYTES];
	struct lm_holder *holder;
	char key[LM_RECORD_KEY_BYTES];
};

static void cleanup_seal(struct lm_seal **seal)
{
	lm_seal_end(*seal);
}

static int write_key(struct lm_seal *seal)
{
	LM_BUFFER struct lm_buffer key = LM_BUFFER_INIT;
	int r = lm_verifier_key_encode(seal->log_id, lm_holder_first_key(seal->holder), &key);

	if (r < 0)
		return r;
	if (key.len >= sizeof(seal->key))
		return -EIO;
	memcpy(seal->key, key.data, key.len);
	return 0;
}

int lm_seal_start(struct lm_seal **ret_seal, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_seal) struct lm_seal *seal = calloc(1, sizeof(*seal));
	int r;

	if (!seal)
		return lm_diag_errno(diag, -ENOMEM, "cannot start the key holder");
	if (getrandom(seal->log_id, LM_LOG_ID_BYTES, 0) != LM_LOG_ID_BYTES)
		return lm_diag_errno(diag, -EIO, "no random bytes for the log's identity");
	r = lm_holder_start(seal->log_id, &seal->holder, diag);
	if (r < 0)
		return r;
	r = write_key(seal);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot write the log's key");
	*ret_seal = lm_take_ptr(seal);
	return 0;
}

struct lm_seal *lm_seal_end(struct lm_seal *seal)
{
	if (seal)
		lm_holder_free(seal->holder);
	free(seal);
	return NULL;
}

const struct lm_signer *lm_seal_signer(const struct lm_seal *seal)
{
	return lm_holder_signer(seal->holder);
}

const uint8_t *lm_seal_log_id(const struct lm_seal *seal)
{
	return seal->log_id;
}

const char *lm_seal_key(const struct lm_seal *seal)
{
	return seal->key;
}
