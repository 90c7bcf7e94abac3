/* SPDX-License-Identifier: MIT */
#include "lemona/log/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "lemona/base/error.h"

#define LEVEL 1

struct lm_packer {
	ZSTD_CCtx *compressor;     /* made when first needed */
	ZSTD_DCtx *decompressor;
};

int lm_packer_new(struct lm_packer **ret_packer)
{
	struct lm_packer *packer = calloc(1, sizeof(*packer));

	if (!packer)
		return -ENOMEM;
	*ret_packer = packer;
	return 0;
}

struct lm_packer *lm_packer_free(struct lm_packer *packer)
{
	if (!packer)
		return NULL;
	ZSTD_freeCCtx(packer->compressor);
	ZSTD_freeDCtx(packer->decompressor);
	free(packer);
	return NULL;
}

int lm_pack(struct lm_packer *packer, const void *data, size_t len, struct lm_buffer *out)
{
	size_t bound = ZSTD_compressBound(len), n;

	if (!packer->compressor)
		packer->compressor = ZSTD_createCCtx();
	if (!packer->compressor || lm_buffer_reserve(out, bound) < 0)
		return -ENOMEM;
	n = ZSTD_compressCCtx(packer->compressor, out->data + out->len, bound, data, len, LEVEL);
	if (ZSTD_isError(n))
		return -ENOMEM;
	out->len += n;
	return 0;
}

int lm_unpack(struct lm_packer *packer, const void *data, size_t len, size_t raw_len,
	      struct lm_buffer *ret_raw)
{
	size_t n;

	lm_buffer_reset(ret_raw);
	if (!packer->decompressor)
		packer->decompressor = ZSTD_createDCtx();
	if (!packer->decompressor || lm_buffer_reserve(ret_raw, raw_len) < 0)
		return -ENOMEM;
	n = ZSTD_decompressDCtx(packer->decompressor, ret_raw->data, raw_len, data, len);
	if (ZSTD_isError(n) || n != raw_len)
		return -LM_E_DAMAGED;
	ret_raw->len = n;
	return 0;
}
