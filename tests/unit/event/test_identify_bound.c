/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <malloc.h>
#include <stdio.h>

/* Takes everything and keeps nothing. */
static int drop_item(void *data, const struct lm_item *item)
{
	(void)item;
	++*(uint64_t *)data;
	return 0;
}

#define MEMORY_BYTES (UINT64_C(4) << 20)
#define KEPT_BYTES (UINT64_C(40) << 20)
#define ROUNDS 300000u

static uint64_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Records about new files, sockets, processes, namespaces and control groups. */
static void assert_bounded(bool repeating, uint64_t kept)
{
	static const struct lm_identify_devices devices = {
		.sockfs = SOCKFS, .pipefs = PIPEFS, .anon_inode = ANON,
	};
	uint64_t items = 0, before = heap_bytes(), early = 0;
	const struct lm_identify_sink sink = { .item = drop_item, .data = &items };
	struct fixture f = { .now_ns = 1000000000 };
	char name[64];

	assert_int_equal(lm_identify_new(&sink, &devices, &f.identify), 0);
	lm_identify_set_memory(f.identify, MEMORY_BYTES);
	if (repeating)
		assert_int_equal(lm_identify_set_repeating(f.identify), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct lm_raw_attributes attributes = attributes_of(2 + i, 1);
		struct lm_raw_inode file = FILE_AT(1000 + i);

		/* Each in a container of its own, where its number is 1; a thousand a second. */
		f.now_ns += 1000000;
		as(&f, 2 + i);
		attributes.ns_pid = 100 + i;
		attributes.ns_tgid = 1;
		attributes.cgroup = 1 + i;
		process(&f, SYS_setsid, &attributes, 0);
		snprintf(name, sizeof(name), "file-with-a-name-of-usual-length-%u", i);
		open_file(&f, file, TMP_DIR, name, 3, LM_RAW_CREATED);
		io(&f, SYS_write, SOCK_AT(1000 + i), 4, 1);
		path(&f, SYS_unlink, name, 0);
		exit_thread(&f, 0, true);
		if (i == ROUNDS / 10)
			early = heap_bytes() - before;
	}
	print_message("%llu items, %llu KiB\n", (unsigned long long)items,
		(unsigned long long)(heap_bytes() - before) >> 10);
	assert_true(items > 5 * ROUNDS);
	assert_true(heap_bytes() - before < MEMORY_BYTES + kept);
	assert_true(heap_bytes() - before <= early + early / 8 + kept);
	lm_identify_free(f.identify);
}

static void test_memory_is_bounded(void **state)
{
	(void)state;
	assert_bounded(false, 0);
}

/* What can be told again takes memory beside that, as long as something refers to it. */
static void test_memory_of_what_can_be_told_again_is_bounded(void **state)
{
	(void)state;
	assert_bounded(true, KEPT_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_memory_of_what_can_be_told_again_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
