/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "../tests/unit/log/test_signer.h"
#include "lemona/base/diag.h"
#include "lemona/base/error.h"
#include "lemona/log/writer.h"

/*
 * Makes a sealed log of as many events as asked for, at once: threads of a few processes that open,
 * read, write and close files. For measuring what verifying and proving cost.
 *
 *	make-log LOG EVENTS
 */
#define FILES      5000u
#define ACTORS     40u
#define BASE_NS    UINT64_C(1000000000000)
#define EVENT_NS   2500u
#define FRAME      2000u

static uint32_t hash_of(uint64_t i)
{
	uint64_t h = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)((h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 32);
}

static struct lm_item make_event(uint64_t i)
{
	static const uint16_t ops[] = { LM_OP_OPEN, LM_OP_READ, LM_OP_WRITE, LM_OP_CLOSE };
	uint32_t h = hash_of(i), file = ACTORS + 1 + hash_of(i / 4) % FILES;
	uint16_t op = ops[i % 4];

	return (struct lm_item){ .kind = LM_ITEM_EVENT, .event = {
		.end_ns = BASE_NS + i * EVENT_NS + h % 2000,
		.actor = 1 + hash_of(i / 4 + 7) % ACTORS, .tid = 1000 + hash_of(i / 4 + 7) % ACTORS,
		.op = op, .call = (uint16_t)(op == LM_OP_OPEN ? 257 : op), .object = file,
		.cpu = (uint16_t)(hash_of(i / 64) % 2),
		.result = op == LM_OP_OPEN ? 3 + h % 5 : op == LM_OP_CLOSE ? 0 : h % 4096,
	} };
}

static struct lm_item make_object(uint32_t id)
{
	if (id <= ACTORS)
		return (struct lm_item){ .kind = LM_ITEM_OBJECT, .object = {
			.id = id, .kind = LM_OBJECT_KIND_PROCESS, .time_ns = BASE_NS,
			.process = { .tgid = 1000 + id, .comm = LM_STR("worker") } } };
	return (struct lm_item){ .kind = LM_ITEM_OBJECT, .object = {
		.id = id, .kind = LM_OBJECT_KIND_FILE, .time_ns = BASE_NS,
		.file = { .dev = 2049, .inode = 100000 + id, .mode = 0100644 } } };
}

static int write_events(struct lm_log_writer *writer, uint64_t events)
{
	struct lm_item item;
	int r = 0;

	for (uint32_t id = 1; r == 0 && id <= ACTORS + FILES; id++) {
		item = make_object(id);
		r = lm_log_add(writer, &item);
	}
	for (uint64_t i = 0; r == 0 && i < events; i++) {
		item = make_event(i);
		r = lm_log_add(writer, &item);
		if (r == 0 && i % FRAME == FRAME - 1)
			r = lm_log_flush(writer);
	}
	return r;
}

int main(int argc, char **argv)
{
	const struct lm_log_meta meta = { .host = "bench", .recorder = "make-log",
		.level = "provenance", .start_ns = BASE_NS, .start_wall_ns = 1700000000000000000 };
	struct lm_log_options options = { .segment_bytes = 0 };
	struct lm_log_writer *writer = NULL;
	struct test_signer signer;
	struct lm_diag diag = LM_DIAG_INIT;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: make-log LOG EVENTS\n");
		return LM_EXIT_USAGE;
	}
	r = test_signer_init(&signer);
	options.signer = &signer.signer;
	options.log_id = signer.log_id;
	if (r == 0)
		r = lm_log_create(argv[1], &meta, &options, &writer, &diag);
	if (r == 0) {
		int written = write_events(writer, strtoull(argv[2], NULL, 10));

		r = lm_log_close(writer, NULL, &diag);
		r = written < 0 ? written : r;
	}
	test_signer_release(&signer);
	if (r < 0)
		fprintf(stderr, "make-log: %s %s\n", diag.text, lm_strerror(r));
	return lm_exit_code(r);
}
