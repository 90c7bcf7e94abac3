/* SPDX-License-Identifier: MIT */

/*
 * Checks claims about Merkle trees, one a line: a word, three numbers, two hashes and those of the
 * proof, hashes in hexadecimal digits and "-" for one of no bytes. Answers with a line for each:
 * "proved", "not proved", or "unreadable".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/error.h"
#include "lemona/crypto/merkle.h"

#define WORDS 256

static struct lm_str unhex(char *word)
{
	size_t len = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;

	for (size_t i = 0; i < len; i++) {
		char byte[3] = { word[2 * i], word[2 * i + 1], 0 };

		word[i] = (char)strtoul(byte, NULL, 16);
	}
	return (struct lm_str){ word, (uint32_t)len };
}

static int check(struct lm_sha256 *hash, char **words, size_t count)
{
	struct lm_str hashes[WORDS];
	struct lm_merkle_claim claim = { .proof = hashes + 2 };
	uint64_t n[3];

	if (count < 6)
		return -LM_E_FORMAT;
	for (size_t i = 0; i < 3; i++)
		n[i] = strtoull(words[1 + i], NULL, 10);
	for (size_t i = 4; i < count; i++)
		hashes[i - 4] = unhex(words[i]);
	claim.count = count - 6;
	if (strcmp(words[0], "inclusion") == 0)
		return lm_merkle_check_inclusion(hash, n[0], n[1], hashes[0], hashes[1], &claim);
	if (strcmp(words[0], "consistency") == 0)
		return lm_merkle_check_consistency(hash, n[0], n[1], hashes[0], hashes[1],
			&claim);
	if (strcmp(words[0], "subtreeinclusion") == 0)
		return lm_merkle_check_subtree_inclusion(hash, n[0], n[1], n[2], hashes[0],
			hashes[1], &claim);
	if (strcmp(words[0], "subtreeconsistency") == 0)
		return lm_merkle_check_subtree(hash, n[0], n[1], n[2], hashes[0], hashes[1],
			&claim);
	return -LM_E_FORMAT;
}

int main(void)
{
	struct lm_sha256 *hash;
	char *line = NULL;
	size_t size = 0;

	if (lm_sha256_new(&hash) < 0)
		return 1;
	while (getline(&line, &size, stdin) > 0) {
		char *words[WORDS], *rest = NULL;
		size_t count = 0;
		int r;

		for (char *word = strtok_r(line, " \n", &rest); word && count < WORDS;
			word = strtok_r(NULL, " \n", &rest))
			words[count++] = word;
		r = check(hash, words, count);
		puts(r == 0 ? "proved" : r == -LM_E_DAMAGED ? "not proved" : "unreadable");
	}
	free(line);
	lm_sha256_free(hash);
	return 0;
}
