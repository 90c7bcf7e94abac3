/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "holder.h"
#include "holder_keys.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"

/*
 * A key that has signed is nowhere in the holder's memory any more. The holder begins as a copy of
 * this process, so this one keeps each seed only in disguise.
 */
#define REGION_MAX (UINT64_C(1) << 30) /* more is an address sanitizer's shadow */
#define DISGUISE   0x5a

struct disguised {
	uint8_t bytes[LM_SEED_BYTES];
};

static const uint8_t log_id[LM_LOG_ID_BYTES] = { 1 };
static struct lm_seed given;

static struct disguised disguise(const struct lm_seed *seed)
{
	struct disguised d;

	for (size_t i = 0; i < sizeof(d.bytes); i++)
		d.bytes[i] = seed->bytes[i] ^ DISGUISE;
	return d;
}

static struct lm_seed uncover(const struct disguised *d)
{
	struct lm_seed seed;

	for (size_t i = 0; i < sizeof(d->bytes); i++)
		seed.bytes[i] = d->bytes[i] ^ DISGUISE;
	return seed;
}

static uint32_t find_in(const uint8_t *data, size_t len, const struct lm_seed *seed, uint64_t base,
	uint64_t *ret_address)
{
	uint32_t count = 0;

	for (size_t i = 0; i + sizeof(seed->bytes) <= len; i++)
		if (data[i] == seed->bytes[0] &&
			memcmp(data + i, seed->bytes, sizeof(seed->bytes)) == 0) {
			*ret_address = base + i;
			count++;
		}
	return count;
}

/* How often the seed is in what a process can write to, and where it was found last. */
static uint32_t find_seed(pid_t pid, const struct disguised *d, uint64_t *ret_address)
{
	struct lm_seed seed = uncover(d);
	FILE *maps LM_FCLOSE = NULL;
	int memory LM_CLOSE = -1;
	char path[64], line[512];
	uint32_t count = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(maps && memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		char *rest;
		uint64_t begin = strtoull(line, &rest, 16);
		uint64_t end = strtoull(rest + 1, &rest, 16);
		uint8_t *data LM_FREE = NULL;
		ssize_t n;

		if (rest[2] != 'w' || end - begin > REGION_MAX)
			continue;
		data = malloc(end - begin);
		assert_non_null(data);
		n = pread(memory, data, end - begin, (off_t)begin);
		if (n > 0)
			count += find_in(data, (size_t)n, &seed, begin, ret_address);
	}
	lm_seed_wipe(&seed);
	return count;
}

/* The holder's keys, found by a seed that they must hold. */
static struct holder_keys read_keys(pid_t pid, const struct disguised *segment_seed)
{
	struct holder_keys keys;
	int memory LM_CLOSE = -1;
	uint64_t address = 0;
	char path[64];

	assert_int_equal(find_seed(pid, segment_seed, &address), 1);
	address -= offsetof(struct holder_keys, segment_seed);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(memory, &keys, sizeof(keys), (off_t)address), sizeof(keys));
	return keys;
}

static void sign(struct lm_holder *holder, uint64_t size)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	const struct lm_signer *signer = lm_holder_signer(holder);
	const struct lm_checkpoint checkpoint = {
		.segment = 1, .size = size, .state = LM_CHECKPOINT_OPEN
	};

	assert_int_equal(signer->ask(signer->data, &checkpoint), 0);
	assert_int_equal(signer->take(signer->data, 10000, &out), 1);
}

static void begin_segment(struct lm_holder *holder, struct lm_public_key *ret_checkpoint_key)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	const struct lm_signer *signer = lm_holder_signer(holder);
	struct lm_segment_key key;
	struct lm_note note;

	assert_int_equal(signer->segment_key(signer->data, 1, &out), 0);
	assert_int_equal(
		lm_segment_key_parse(
			(struct lm_str){ (char *)out.data, (uint32_t)out.len }, &key, &note),
		0);
	*ret_checkpoint_key = key.checkpoint_key;
}

/* The holder has taken it from its socket, and keeps it in one place. */
static void wait_for_seed(pid_t pid, const struct disguised *d)
{
	uint64_t address;

	for (int i = 0; i < 10000 && find_seed(pid, d, &address) != 1; i++)
		lm_time_pause(LM_NS_PER_MS);
	assert_int_equal(find_seed(pid, d, &address), 1);
}

static void test_used_keys_are_gone(void **state)
{
	struct lm_holder *holder = NULL;
	struct disguised first, second, host, checkpoint;
	struct lm_public_key want, key;
	struct holder_keys keys;
	struct lm_seed next;
	uint64_t address;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(lm_seed_new(&given), 0);
	first = disguise(&given);
	assert_int_equal(lm_seed_next(&given, &next), 0);
	second = disguise(&next);
	lm_seed_wipe(&next);
	assert_int_equal(lm_holder_start_from(&given, log_id, &holder, NULL), 0);
	pid = lm_holder_pid(holder);
	assert_int_equal(lm_seed_new(&given), 0);
	host = disguise(&given);
	assert_int_equal(
		lm_holder_tell_host(lm_holder_socket(holder), LM_HOST_SIGNED, &given), 0);
	lm_seed_wipe(&given);

	/* Nothing was signed: it is there, once, and so the search finds what is there. */
	assert_int_equal(find_seed(pid, &first, &address), 1);
	assert_int_equal(find_seed(pid, &second, &address), 0);
	wait_for_seed(pid, &host);
	begin_segment(holder, &want);
	assert_int_equal(find_seed(pid, &first, &address), 0);
	assert_int_equal(find_seed(pid, &host, &address), 0);
	keys = read_keys(pid, &second);
	assert_int_equal(lm_sign_public(&keys.checkpoint_seed, &key), 0);
	assert_memory_equal(&key, &want, sizeof(key));

	/* The same for the keys of checkpoints. */
	for (uint64_t size = 1; size <= 3; size++) {
		checkpoint = disguise(&keys.checkpoint_seed);
		holder_keys_release(&keys);
		assert_int_equal(find_seed(pid, &checkpoint, &address), 1);
		sign(holder, size);
		assert_int_equal(find_seed(pid, &checkpoint, &address), 0);
		keys = read_keys(pid, &second);
	}
	holder_keys_release(&keys);
	lm_holder_free(holder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_used_keys_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
