/* SPDX-License-Identifier: MIT */
#include "witness.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "lemona/base/thread.h"
#include "lemona/base/time.h"

#define WAITING_MAX 64u
#define END_SECONDS 5

struct witness {
	const struct lm_signer *inner;
	struct lm_tpm *tpm; /* the thread's alone */
	struct lm_signer signer;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct lm_digest waiting[WAITING_MAX]; /* the first one is being told */
	uint32_t count;
	bool ending;
	int error; /* the first one; nothing is told any more */
	struct lm_diag diag;
};

/* The next root to tell. @return false: there will be none */
static bool wait_for_root(struct witness *witness, struct lm_digest *ret_root)
{
	bool some;

	pthread_mutex_lock(&witness->lock);
	while (witness->count == 0 && !witness->ending && witness->error == 0)
		pthread_cond_wait(&witness->changed, &witness->lock);
	some = witness->count > 0 && witness->error == 0;
	if (some)
		*ret_root = witness->waiting[0];
	pthread_mutex_unlock(&witness->lock);
	return some;
}

static void drop_root(struct witness *witness, int error, const struct lm_diag *diag)
{
	pthread_mutex_lock(&witness->lock);
	witness->count--;
	memmove(witness->waiting, witness->waiting + 1,
		witness->count * sizeof(witness->waiting[0]));
	if (error < 0 && witness->error == 0) {
		witness->error = error;
		witness->diag = *diag;
	}
	pthread_mutex_unlock(&witness->lock);
}

static void *tell(void *data)
{
	struct witness *witness = data;
	struct lm_digest root;

	while (wait_for_root(witness, &root)) {
		struct lm_diag diag = LM_DIAG_INIT;
		int r = lm_tpm_extend(witness->tpm, &root, &diag);

		drop_root(witness, r, &diag);
	}
	return NULL;
}

/* A root left out would make all that follow differ: the first that finds no room is the last. */
static void add_root(struct witness *witness, const struct lm_digest *root)
{
	pthread_mutex_lock(&witness->lock);
	if (witness->count < WAITING_MAX)
		witness->waiting[witness->count++] = *root;
	else if (witness->error == 0)
		witness->error = lm_diag_set(&witness->diag, -ETIMEDOUT, "the TPM does not answer");
	pthread_cond_signal(&witness->changed);
	pthread_mutex_unlock(&witness->lock);
}

static int segment_key(void *data, uint32_t segment, struct lm_buffer *ret_note)
{
	const struct lm_signer *inner = ((struct witness *)data)->inner;

	return inner->segment_key(inner->data, segment, ret_note);
}

static int ask(void *data, const struct lm_checkpoint *checkpoint)
{
	const struct lm_signer *inner = ((struct witness *)data)->inner;

	return inner->ask(inner->data, checkpoint);
}

static int take(void *data, int timeout_ms, struct lm_buffer *ret_note)
{
	struct witness *witness = data;
	size_t start = ret_note->len;
	struct lm_checkpoint checkpoint;
	struct lm_note note;
	int r = witness->inner->take(witness->inner->data, timeout_ms, ret_note);

	if (r == 1 &&
		lm_checkpoint_parse((struct lm_str){ (const char *)ret_note->data + start,
					    (uint32_t)(ret_note->len - start) },
			&checkpoint, &note) == 0 &&
		checkpoint.state != LM_CHECKPOINT_OPEN)
		add_root(witness, &checkpoint.root);
	return r;
}

int witness_new(const struct lm_signer *inner, struct lm_tpm *tpm, struct witness **ret_witness)
{
	struct witness *witness = calloc(1, sizeof(*witness));
	int r;

	if (!witness) {
		lm_tpm_close(tpm);
		return -ENOMEM;
	}
	witness->inner = inner;
	witness->tpm = tpm;
	witness->signer = (struct lm_signer){
		.data = witness,
		.first_key = inner->first_key,
		.segment_key = segment_key,
		.ask = ask,
		.take = take,
	};
	pthread_mutex_init(&witness->lock, NULL);
	pthread_cond_init(&witness->changed, NULL);
	r = lm_thread_start(&witness->thread, tell, witness);
	if (r < 0) {
		lm_tpm_close(tpm);
		free(witness);
		return r;
	}
	*ret_witness = witness;
	return 0;
}

const struct lm_signer *witness_signer(struct witness *witness)
{
	return &witness->signer;
}

int witness_free(struct witness *witness, bool discard, struct lm_diag *diag)
{
	struct timespec end;
	int r;

	if (!witness)
		return 0;
	pthread_mutex_lock(&witness->lock);
	witness->ending = true;
	pthread_cond_signal(&witness->changed);
	pthread_mutex_unlock(&witness->lock);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += END_SECONDS;
	/* A thread that waits for a dead TPM cannot be had back: what it uses is left to it. */
	if (pthread_timedjoin_np(witness->thread, NULL, &end) != 0)
		return lm_diag_set(diag, -ETIMEDOUT, "the TPM does not answer");
	r = witness->error;
	if (r < 0)
		lm_diag_set(diag, r, "%s", witness->diag.text);
	if (discard)
		lm_tpm_discard(witness->tpm);
	else
		lm_tpm_close(witness->tpm);
	pthread_mutex_destroy(&witness->lock);
	pthread_cond_destroy(&witness->changed);
	free(witness);
	return r;
}
