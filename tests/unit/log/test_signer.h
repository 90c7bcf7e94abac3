/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lemona/crypto/host.h"
#include "lemona/crypto/note.h"
#include "lemona/crypto/sign.h"
#include "lemona/log/signer.h"

/*
 * A signer inside the process, for tests: it does what the holder of the keys does, has no
 * secrets to keep, and can be told to be slow or to die.
 */
struct test_signer {
	struct lm_signer signer;
	uint8_t log_id[LM_LOG_ID_BYTES];
	struct lm_public_key first;
	struct lm_seed segment_seed, checkpoint_seed;
	uint32_t segment;      /* whose key note was given last */
	uint64_t number;       /* of the last checkpoint in it */
	struct lm_buffer answer;
	uint32_t late;         /* so many takes that do not wait find nothing */
	uint32_t waiting;
	enum lm_host_state host;
	struct lm_seed host_named, host_signing; /* by the first key note; zero: nobody signs */
	struct lm_seed besides; /* adds a line of its own to each checkpoint; zero: nobody */
	uint32_t left;         /* notes that it still signs before it dies */
	uint32_t signed_count;
};

static inline int test_signer_dies(struct test_signer *signer)
{
	if (signer->left == 0)
		return -EPIPE;
	signer->left--;
	signer->signed_count++;
	return 0;
}

/* What a host, or somebody in its place, adds to the first key note. */
static inline int test_signer_host(const struct test_signer *signer, struct lm_buffer *note)
{
	static const struct lm_seed nobody;

	if (signer->segment != 0 ||
		memcmp(&signer->host_signing, &nobody, sizeof(nobody)) == 0)
		return 0;
	return lm_host_sign(note, 0, &signer->host_signing);
}

static inline int test_signer_key(void *data, uint32_t segment, struct lm_buffer *ret_note)
{
	struct test_signer *signer = data;
	struct lm_segment_key key = { .segment = segment };
	struct lm_seed next;
	int r = test_signer_dies(signer);

	if (r < 0)
		return r;
	if (segment != signer->segment + 1)
		return -EINVAL;
	memcpy(key.log_id, signer->log_id, sizeof(key.log_id));
	key.host = segment == 1 ? signer->host : LM_HOST_NONE;
	if (key.host == LM_HOST_SIGNED && lm_sign_public(&signer->host_named, &key.host_key) < 0)
		return -EIO;
	r = lm_seed_next(&signer->segment_seed, &next);
	if (r == 0)
		r = lm_sign_public(&next, &key.next_segment_key);
	if (r == 0)
		r = lm_seed_new(&signer->checkpoint_seed);
	if (r == 0)
		r = lm_sign_public(&signer->checkpoint_seed, &key.checkpoint_key);
	if (r == 0)
		r = lm_segment_key_sign(&key, &signer->segment_seed, ret_note);
	if (r == 0)
		r = test_signer_host(signer, ret_note);
	if (r < 0)
		return r;
	signer->segment_seed = next;
	signer->segment = segment;
	signer->number = 0;
	return 0;
}

static inline int test_signer_ask(void *data, const struct lm_checkpoint *asked)
{
	static const struct lm_seed nobody;
	struct test_signer *signer = data;
	struct lm_checkpoint checkpoint = *asked;
	struct lm_seed next;
	int r = test_signer_dies(signer);

	if (r < 0)
		return r;
	if (signer->answer.len > 0)
		return -EBUSY;
	if (asked->segment != signer->segment)
		return -EINVAL;
	checkpoint.number = ++signer->number;
	r = lm_seed_next(&signer->checkpoint_seed, &next);
	if (r == 0 && asked->state == LM_CHECKPOINT_OPEN)
		r = lm_sign_public(&next, &checkpoint.next_key);
	if (r == 0)
		r = lm_checkpoint_sign(&checkpoint, &signer->checkpoint_seed, &signer->answer);
	if (r == 0 && memcmp(&signer->besides, &nobody, sizeof(nobody)) != 0)
		r = lm_host_sign(&signer->answer, 0, &signer->besides);
	signer->checkpoint_seed = next;
	signer->waiting = signer->late;
	return r;
}

static inline int test_signer_take(void *data, int timeout_ms, struct lm_buffer *ret_note)
{
	struct test_signer *signer = data;

	if (signer->answer.len == 0)
		return 0;
	if (timeout_ms == 0 && signer->waiting > 0) {
		signer->waiting--;
		return 0;
	}
	lm_buffer_append(ret_note, signer->answer.data, signer->answer.len);
	lm_buffer_reset(&signer->answer);
	return lm_buffer_status(ret_note) < 0 ? -ENOMEM : 1;
}

/** Good for one log, to which `signer->signer` and `signer->log_id` are given. @return 0; -EIO */
static inline int test_signer_init(struct test_signer *signer)
{
	int r;

	*signer = (struct test_signer){
		.signer = {
			.data = signer, .first_key = &signer->first,
			.segment_key = test_signer_key, .ask = test_signer_ask,
			.take = test_signer_take,
		},
		.log_id = { 0xfe, 0xdc, 0xba, 0x98, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
		.left = UINT32_MAX,
	};
	r = lm_seed_new(&signer->segment_seed);
	return r < 0 ? r : lm_sign_public(&signer->segment_seed, &signer->first);
}

static inline void test_signer_release(struct test_signer *signer)
{
	lm_buffer_release(&signer->answer);
}
