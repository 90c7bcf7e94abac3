/* SPDX-License-Identifier: MIT */
#include "catalog_compare.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/time.h"

/*
 * What catalogs promise, one thing at a time; and what becomes of them when their bytes change.
 */
#define T0 LM_NS_PER_SEC
#define STEP_NS 1000

enum { KERNEL = 1, SHELL, ROOT, FILE_A, FILE_B, NAME_A, NAME_B, SOCKET_A, SOCKET_B, SOCKET_C,
       OBJECTS = SOCKET_C };

struct scene {
	struct twin twin;
	uint64_t now_ns;
};

static void free_scene(struct scene *scene)
{
	twin_end(&scene->twin);
}
#define SCENE LM_CLEANUP(free_scene)

static void define(struct scene *scene, struct lm_object object)
{
	struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = object };

	item.object.time_ns = scene->now_ns;
	assert_int_equal(twin_add(&scene->twin, &item), 0);
}

static void happen(struct scene *scene, uint16_t op, lm_object_id object, lm_object_id name,
		   lm_object_id name2)
{
	struct lm_item item = { .kind = LM_ITEM_EVENT, .event = { .op = op, .actor = SHELL,
		.begin_ns = scene->now_ns, .end_ns = scene->now_ns + STEP_NS, .object = object,
		.name = name, .name2 = name2 } };

	scene->now_ns += STEP_NS;
	assert_int_equal(twin_add(&scene->twin, &item), 0);
}

/* Long enough that nothing waits any more. */
static void pass_time(struct scene *scene)
{
	scene->now_ns += 2 * LM_NS_PER_SEC;
	happen(scene, LM_OP_READ, FILE_A, 0, 0);
}

static void define_socket(struct scene *scene, lm_object_id id, uint8_t local, uint8_t remote)
{
	struct lm_object object = { .id = id, .kind = LM_OBJECT_KIND_SOCKET,
		.socket = { .inode = 1000 + id, .family = 2 } };

	if (local)
		object.socket.local = (struct lm_address){ .family = LM_AF_INET, .port = local,
			.ip = { 10, 0, 0, local } };
	if (remote)
		object.socket.remote = (struct lm_address){ .family = LM_AF_INET, .port = remote,
			.ip = { 10, 0, 0, remote } };
	define(scene, object);
}

static void begin_scene(struct scene *scene)
{
	*scene = (struct scene){ .now_ns = T0 };
	twin_begin(&scene->twin, 1, 0);
	define(scene, (struct lm_object){ .id = KERNEL, .kind = LM_OBJECT_KIND_KERNEL });
	define(scene, (struct lm_object){ .id = SHELL, .kind = LM_OBJECT_KIND_PROCESS,
		.process = { .tgid = 7, .root = ROOT, .argv = LM_STR("sh"),
			.comm = LM_STR("sh") } });
	for (lm_object_id id = ROOT; id <= FILE_B; id++)
		define(scene, (struct lm_object){ .id = id, .kind = LM_OBJECT_KIND_FILE,
			.file = { .dev = 1, .inode = 100 + id, .mode = 0100644 } });
	define(scene, (struct lm_object){ .id = NAME_A, .kind = LM_OBJECT_KIND_NAME,
		.name = { ROOT, LM_STR("a") } });
	define(scene, (struct lm_object){ .id = NAME_B, .kind = LM_OBJECT_KIND_NAME,
		.name = { ROOT, LM_STR("b") } });
	for (lm_object_id id = SOCKET_A; id <= SOCKET_C; id++)
		define_socket(scene, id, 0, 0);
}

static struct lm_catalog *finish_scene(struct scene *scene)
{
	twin_finish(&scene->twin);
	twin_compare(&scene->twin, 1);
	return scene->twin.catalog;
}

static void expect_bound(struct lm_catalog *catalog, lm_object_id name, size_t place, size_t count,
			 struct lm_catalog_bound expected)
{
	struct lm_catalog_bounds found LM_CATALOG_BOUNDS = LM_CATALOG_BOUNDS_INIT;

	assert_int_equal(lm_catalog_bounds_of_name(catalog, name, &found), 0);
	assert_int_equal(found.count, count);
	assert_int_equal(found.at[place].file, expected.file);
	assert_int_equal(found.at[place].begin_ns, expected.begin_ns);
	assert_int_equal(found.at[place].end_ns, expected.end_ns);
	assert_int_equal(found.at[place].event, expected.event);
}

/* Opened in one catalog, closed in the next but one: it comes out whole, and once. */
static void test_bound_over_catalogs(void **state)
{
	struct scene scene SCENE;
	struct lm_catalog *catalog;
	uint64_t begin_ns, end_ns;

	begin_scene(&scene);
	begin_ns = scene.now_ns;
	happen(&scene, LM_OP_MKNOD, FILE_A, NAME_A, 0);
	pass_time(&scene);
	twin_write(&scene.twin, false);
	pass_time(&scene);
	twin_write(&scene.twin, false);
	twin_restart(&scene.twin);
	happen(&scene, LM_OP_UNLINK, FILE_A, NAME_A, 0);
	end_ns = scene.now_ns;
	catalog = finish_scene(&scene);
	expect_bound(catalog, NAME_A, 0, 1, (struct lm_catalog_bound){ .file = FILE_A,
		.begin_ns = begin_ns, .end_ns = end_ns, .event = 1 });
}

/* Renamed before anybody knew the file: what it was is learned after a restart. */
static void test_pending_over_restart(void **state)
{
	struct scene scene SCENE;
	struct lm_catalog *catalog;
	uint64_t made_ns, renamed_ns;

	begin_scene(&scene);
	made_ns = scene.now_ns;
	happen(&scene, LM_OP_MKNOD, 0, NAME_A, 0);
	renamed_ns = scene.now_ns;
	happen(&scene, LM_OP_RENAME, 0, NAME_A, NAME_B);
	pass_time(&scene);
	twin_write(&scene.twin, false);
	twin_restart(&scene.twin);
	happen(&scene, LM_OP_OPEN, FILE_B, NAME_B, 0);
	catalog = finish_scene(&scene);
	expect_bound(catalog, NAME_A, 0, 1, (struct lm_catalog_bound){ .file = FILE_B,
		.begin_ns = made_ns, .end_ns = renamed_ns });
	expect_bound(catalog, NAME_B, 0, 1, (struct lm_catalog_bound){ .file = FILE_B,
		.begin_ns = renamed_ns, .end_ns = UINT64_MAX, .event = 4 });
}

/* What waits at the end of a stretch waits over a restart, too. */
static void test_steps_over_restart(void **state)
{
	struct scene scene SCENE;

	begin_scene(&scene);
	happen(&scene, LM_OP_MKNOD, FILE_A, NAME_A, 0);
	twin_write(&scene.twin, false);
	assert_false(lm_catalog_is_final(lm_catalog_builder_written(scene.twin.builder)));
	twin_restart(&scene.twin);
	/* Told later, and happened before. */
	scene.now_ns -= STEP_NS / 2;
	happen(&scene, LM_OP_RENAME, FILE_A, NAME_A, NAME_B);
	finish_scene(&scene);
}

/* A socket that gets its addresses later, and loses one: peers are found by the last known. */
static void test_sockets(void **state)
{
	struct lm_catalog_peers peers LM_CATALOG_PEERS = LM_CATALOG_PEERS_INIT;
	struct lm_catalog_ids ids LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	const struct lm_address remote = { .family = LM_AF_INET, .ip = { 10, 0, 0, 2 } };
	struct scene scene SCENE;
	struct lm_catalog *catalog;

	begin_scene(&scene);
	define_socket(&scene, SOCKET_A, 1, 0);
	twin_write(&scene.twin, false);
	define_socket(&scene, SOCKET_A, 0, 2);
	define_socket(&scene, SOCKET_B, 2, 1);
	twin_write(&scene.twin, false);
	happen(&scene, LM_OP_SOCKETPAIR, SOCKET_C, 0, 0);
	define_socket(&scene, SOCKET_B, 0, 0);
	catalog = finish_scene(&scene);
	assert_int_equal(lm_catalog_peers(catalog, SOCKET_A, &peers), 0);
	assert_int_equal(peers.count, 1);
	assert_int_equal(peers.at[0].socket, SOCKET_B);
	assert_int_equal(lm_catalog_sockets(catalog, &remote, true, true, &ids), 0);
	assert_int_equal(ids.count, 1);
	assert_int_equal(ids.at[0], SOCKET_A);
	assert_int_equal(lm_catalog_last_use(catalog, SOCKET_C), scene.now_ns);
}

static void test_late_step(void **state)
{
	struct scene scene SCENE;
	struct lm_catalog_bounds found LM_CATALOG_BOUNDS = LM_CATALOG_BOUNDS_INIT;
	struct lm_catalog *catalog;

	begin_scene(&scene);
	happen(&scene, LM_OP_MKNOD, FILE_A, NAME_A, 0);
	pass_time(&scene);
	twin_write(&scene.twin, false);
	/* Much too late: no longer what an index of the whole log makes of it, but no harm. */
	scene.now_ns = T0 / 2;
	happen(&scene, LM_OP_UNLINK, FILE_A, NAME_A, 0);
	twin_finish(&scene.twin);
	catalog = scene.twin.catalog;
	assert_int_equal(lm_catalog_bounds_of_name(catalog, NAME_A, &found), 0);
	assert_int_equal(found.count, 1);
	assert_int_equal(lm_catalog_status(catalog), 0);
}

static void test_refusals(void **state)
{
	struct scene scene SCENE;
	struct lm_catalog *written;
	size_t first, count;
	int fd LM_CLOSE = memfd_create("none", MFD_CLOEXEC);

	begin_scene(&scene);
	happen(&scene, LM_OP_READ, FILE_A, 0, 0);
	assert_int_equal(lm_catalog_builder_write(scene.twin.builder, fd, 0, false), -EINVAL);
	for (size_t i = 0; i < LM_CATALOG_FAN_OUT; i++) {
		written = lm_catalog_builder_written(scene.twin.builder);
		assert_false(lm_catalog_merge_due(written, &first, &count));
		twin_write(&scene.twin, false);
	}
	assert_true(lm_catalog_merge_due(written, &first, &count));
	assert_int_equal(first, 0);
	assert_int_equal(count, LM_CATALOG_FAN_OUT);
	assert_int_equal(lm_catalog_merge(written, 1, LM_CATALOG_FAN_OUT, fd), -EINVAL);
	twin_merge_due(&scene.twin);
	assert_int_equal(lm_catalog_part_count(written), 1);
	assert_int_equal(lm_catalog_part(written, 0)->level, 1);
	assert_int_equal(lm_catalog_part(written, 0)->first_event, 1);
	finish_scene(&scene);
	/* What is final is not gone on with. */
	twin_restart(&scene.twin);
	assert_int_equal(lm_catalog_builder_write(scene.twin.builder, fd, 9, true), -EINVAL);
}

/* Ask everything of whatever it is. */
static void ask_all(struct lm_catalog *catalog)
{
	uint32_t count = lm_catalog_object_count(catalog);
	struct lm_object object;

	for (lm_object_id id = 1; id <= count && id < 40; id++) {
		struct lm_catalog_bounds bounds LM_CATALOG_BOUNDS = LM_CATALOG_BOUNDS_INIT;
		struct lm_catalog_peers peers LM_CATALOG_PEERS = LM_CATALOG_PEERS_INIT;
		struct lm_catalog_ids ids LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;

		assert_int_equal(lm_catalog_object(catalog, id, &object), 0);
		lm_catalog_bounds_of_name(catalog, id, &bounds);
		lm_catalog_bounds_of_file(catalog, id, &bounds);
		lm_catalog_names_in(catalog, id, &ids);
		lm_catalog_processes(catalog, id, &ids);
		lm_catalog_peers(catalog, id, &peers);
	}
}

/* Every bit of a catalog, one at a time: an answer may be wrong then, but it is one. */
static void test_flipped_bits(void **state)
{
	struct scene scene SCENE;
	uint8_t bytes[16384];
	ssize_t len;

	begin_scene(&scene);
	define_socket(&scene, SOCKET_A, 1, 2);
	happen(&scene, LM_OP_MKNOD, FILE_A, NAME_A, 0);
	happen(&scene, LM_OP_RENAME, 0, NAME_A, NAME_B);
	twin_finish(&scene.twin);
	len = pread(scene.twin.fds[0], bytes, sizeof(bytes), 0);
	assert_true(len > 0 && (size_t)len < sizeof(bytes));
	for (ssize_t bit = 0; bit < len * 8; bit++) {
		int fd LM_CLOSE = memfd_create("flipped", MFD_CLOEXEC);
		int merged LM_CLOSE = memfd_create("merged", MFD_CLOEXEC);
		struct lm_catalog *catalog;

		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(pwrite(fd, bytes, (size_t)len, 0), len);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(lm_catalog_new(&catalog), 0);
		if (lm_catalog_add_file(catalog, fd, NULL) == 0) {
			ask_all(catalog);
			lm_catalog_merge(catalog, 0, 1, merged);
			ask_all(catalog);
		}
		lm_catalog_free(catalog);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound_over_catalogs),
		cmocka_unit_test(test_pending_over_restart),
		cmocka_unit_test(test_steps_over_restart),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_late_step),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_flipped_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
