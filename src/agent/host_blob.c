/* SPDX-License-Identifier: MIT */
#include "host_blob.h"

#include <errno.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/crypto/hash.h"

#define MAGIC        "LMHK"
#define VERSION      1u
#define HEADER_BYTES 48u

static void cleanup_hash(struct lm_sha256 **hash)
{
	lm_sha256_free(*hash);
}

static int digest(const void *data, size_t len, uint8_t ret_digest[LM_SHA256_BYTES])
{
	LM_CLEANUP(cleanup_hash) struct lm_sha256 *hash = NULL;
	int r = lm_sha256_new(&hash);

	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	if (lm_sha256_begin(hash) < 0 || lm_sha256_add(hash, data, len) < 0 ||
		lm_sha256_end(hash, ret_digest) < 0)
		return -EIO;
	return 0;
}

static bool is_part(struct lm_str part)
{
	return part.len > 0 && part.len <= HOST_BLOB_PART_BYTES;
}

int host_blob_encode(const struct host_blob *blob, struct lm_buffer *out)
{
	uint8_t sum[LM_SHA256_BYTES];
	size_t start = out->len;
	int r;

	if (!is_part(blob->sealed_public) || !is_part(blob->sealed_private) ||
		blob->pcrs >> HOST_PCRS)
		return -EINVAL;
	lm_buffer_append_text(out, MAGIC);
	lm_buffer_append_u16(out, VERSION);
	lm_buffer_append_u16(out, 0);
	lm_buffer_append_u32(out, blob->pcrs);
	lm_buffer_append_u16(out, (uint16_t)blob->sealed_public.len);
	lm_buffer_append_u16(out, (uint16_t)blob->sealed_private.len);
	lm_buffer_append(out, blob->key.bytes, sizeof(blob->key.bytes));
	lm_buffer_append_str(out, blob->sealed_public);
	lm_buffer_append_str(out, blob->sealed_private);
	r = lm_buffer_status(out);
	if (r == 0)
		r = digest(out->data + start, out->len - start, sum);
	if (r < 0)
		return r;
	lm_buffer_append(out, sum, sizeof(sum));
	return lm_buffer_status(out);
}

static uint32_t read_u16(const uint8_t *data)
{
	return data[0] | (uint32_t)data[1] << 8;
}

static uint32_t read_u32(const uint8_t *data)
{
	return read_u16(data) | read_u16(data + 2) << 16;
}

int host_blob_decode(struct lm_str bytes, struct host_blob *ret_blob)
{
	const uint8_t *data = (const uint8_t *)bytes.data;
	struct host_blob blob;
	uint8_t sum[LM_SHA256_BYTES];
	uint32_t summed;
	int r;

	if (bytes.len >= 4 && memcmp(data, MAGIC, 4) != 0)
		return -LM_E_FORMAT;
	if (bytes.len < HEADER_BYTES + sizeof(sum) || bytes.len > HOST_BLOB_MAX_BYTES)
		return -LM_E_DAMAGED;
	summed = bytes.len - (uint32_t)sizeof(sum);
	r = digest(data, summed, sum);
	if (r < 0)
		return r;
	if (memcmp(sum, data + summed, sizeof(sum)) != 0)
		return -LM_E_DAMAGED;
	if (read_u16(data + 4) != VERSION)
		return -LM_E_VERSION;
	blob.pcrs = read_u32(data + 8);
	blob.sealed_public = (struct lm_str){ bytes.data + HEADER_BYTES, read_u16(data + 12) };
	blob.sealed_private = (struct lm_str){ bytes.data + HEADER_BYTES + blob.sealed_public.len,
		read_u16(data + 14) };
	if (read_u16(data + 6) != 0 || blob.pcrs >> HOST_PCRS || !is_part(blob.sealed_public) ||
		!is_part(blob.sealed_private) ||
		HEADER_BYTES + blob.sealed_public.len + blob.sealed_private.len != summed)
		return -LM_E_DAMAGED;
	memcpy(blob.key.bytes, data + 16, sizeof(blob.key.bytes));
	*ret_blob = blob;
	return 0;
}
