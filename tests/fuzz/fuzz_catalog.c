/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lemona/base/cleanup.h"
#include "lemona/index/catalog_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SIZE_OFFSET 48u /* of the field of a part's header that must be the file's size */
#define ASKED 24u
#define MAX_BYTES (1u << 16)

static void touch(const void *bytes, size_t len)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum ^= ((const uint8_t *)bytes)[i];
}

static void ask_object(struct lm_catalog *catalog, lm_object_id id)
{
	struct lm_object object;

	if (lm_catalog_object(catalog, id, &object) < 0)
		return;
	if (object.kind == LM_OBJECT_KIND_PROCESS)
		touch(object.process.argv.data, object.process.argv.len);
	if (object.kind == LM_OBJECT_KIND_SOCKET)
		touch(object.socket.local.path.data, object.socket.local.path.len);
	if (object.kind == LM_OBJECT_KIND_NAME)
		touch(object.name.component.data, object.name.component.len);
}

static void ask(struct lm_catalog *catalog, lm_object_id id)
{
	struct lm_catalog_bounds bounds LM_CATALOG_BOUNDS = LM_CATALOG_BOUNDS_INIT;
	struct lm_catalog_peers peers LM_CATALOG_PEERS = LM_CATALOG_PEERS_INIT;
	struct lm_catalog_ids ids LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	struct lm_catalog_bound bound;

	ask_object(catalog, id);
	if (lm_catalog_bounds_of_name(catalog, id, &bounds) < 0 ||
	    lm_catalog_bounds_of_file(catalog, id, &bounds) < 0 ||
	    lm_catalog_peers(catalog, id, &peers) < 0 ||
	    lm_catalog_names_in(catalog, id, &ids) < 0 ||
	    lm_catalog_processes(catalog, id, &ids) < 0 ||
	    lm_catalog_children(catalog, id, &ids) < 0 ||
	    lm_catalog_contents(catalog, id, &ids) < 0 || lm_catalog_roots(catalog, &ids) < 0)
		abort();
	lm_catalog_bound_of_name_at(catalog, id, 1000, &bound);
	lm_catalog_last_use(catalog, id);
	for (size_t i = 0; i < ids.count; i++)
		ask_object(catalog, ids.at[i]);
}

static void ask_all(struct lm_catalog *catalog)
{
	for (lm_object_id id = 0; id < ASKED; id++)
		ask(catalog, id);
	ask(catalog, lm_catalog_object_count(catalog));
}

/* Go on where it ends: what it says of names is taken up. */
static void go_on(struct lm_catalog *catalog)
{
	const struct lm_catalog_builder_options options = { .memory_bytes = 1 };
	uint64_t end_event =
		lm_catalog_part(catalog, lm_catalog_part_count(catalog) - 1)->end_event;
	int fd LM_CLOSE = memfd_create("next", MFD_CLOEXEC);
	struct lm_catalog_builder *builder;

	if (lm_catalog_builder_new(&options, catalog, &builder) < 0) {
		lm_catalog_free(catalog);
		return;
	}
	for (lm_object_id id = 1; id < ASKED; id++) {
		const struct lm_item item = { .kind = LM_ITEM_EVENT, .event = { .op = LM_OP_RENAME,
			.actor = 1, .end_ns = 1000 + id, .name = id, .name2 = id / 2 + 1,
			.object = id % 3 ? 0 : id + 1 } };

		lm_catalog_builder_add(builder, &item);
	}
	if (lm_catalog_builder_write(builder, fd, end_event, true) == 0)
		ask_all(lm_catalog_builder_written(builder));
	lm_catalog_builder_free(builder);
}

/* A catalog, whoever wrote it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd LM_CLOSE = memfd_create("catalog", MFD_CLOEXEC);
	int merged LM_CLOSE = memfd_create("merged", MFD_CLOEXEC);
	static uint8_t bytes[MAX_BYTES];
	struct lm_catalog *catalog;
	uint64_t size = len;

	if (len < SIZE_OFFSET + sizeof(size) || len > sizeof(bytes))
		return 0;
	memcpy(bytes, data, len);
	memcpy(bytes + SIZE_OFFSET, &size, sizeof(size));
	if (write(fd, bytes, len) != (ssize_t)len || lm_catalog_new(&catalog) < 0)
		abort();
	if (lm_catalog_add_file(catalog, fd, NULL) < 0) {
		lm_catalog_free(catalog);
		return 0;
	}
	ask_all(catalog);
	if (lm_catalog_merge(catalog, 0, 1, merged) == 0)
		ask_all(catalog);
	go_on(catalog);
	return 0;
}
