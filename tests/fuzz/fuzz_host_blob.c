/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "host_blob.h"
#include "lemona/base/cleanup.h"
#include "lemona/crypto/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void cleanup_hash(struct lm_sha256 **hash)
{
	lm_sha256_free(*hash);
}

/* What was read is written as it was. */
static void read_blob(struct lm_str bytes)
{
	LM_BUFFER struct lm_buffer again = LM_BUFFER_INIT;
	struct host_blob blob;

	if (host_blob_decode(bytes, &blob) < 0)
		return;
	if (host_blob_encode(&blob, &again) < 0 || again.len != bytes.len ||
		memcmp(again.data, bytes.data, bytes.len) != 0)
		abort();
}

/* The file as it is, and with the sum that it ought to have: no fuzzer finds that. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	LM_CLEANUP(cleanup_hash) struct lm_sha256 *hash = NULL;
	LM_BUFFER struct lm_buffer bytes = LM_BUFFER_INIT;
	uint8_t sum[LM_SHA256_BYTES];

	lm_buffer_append(&bytes, data, len);
	read_blob((struct lm_str){ (char *)bytes.data, (uint32_t)bytes.len });
	if (lm_sha256_new(&hash) < 0 || lm_sha256_begin(hash) < 0 ||
		lm_sha256_add(hash, data, len) < 0 || lm_sha256_end(hash, sum) < 0)
		abort();
	lm_buffer_append(&bytes, sum, sizeof(sum));
	read_blob((struct lm_str){ (char *)bytes.data, (uint32_t)bytes.len });
	return 0;
}
