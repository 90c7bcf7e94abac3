/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../event/test_identify.h"
#include "lemona/base/map.h"
#include "lemona/event/same.h"
#include "lemona/graph/index.h"

/*
 * A small world of directories, files, sockets and processes, told to two
 * recorders: one that has room for all of it, and one that has to forget most of it
 * again and again. What can be asked of their logs must not differ.
 */
#define DIRS 40u
#define FILES 3000u
#define HOT 40u      /* files that most records are about */
#define SOCKETS 400u
#define STEPS 60000u
#define STEP_NS 250000u
#define SEGMENT_STEPS 1000u

struct file {
	struct lm_raw_inode inode; /* inode 0: there is none now */
	uint32_t dir;
	char name[16];
};

struct world {
	struct lm_raw_inode dirs[DIRS]; /* [0] is "/" */
	uint32_t parents[DIRS];
	char dir_names[DIRS][16];
	struct file files[FILES];
	uint64_t sockets[SOCKETS]; /* inode numbers */
	uint64_t last_inode, last_socket;
	uint32_t renames;
	uint64_t freed; /* a number that the next file made gets, or 0 */
	uint64_t seed;
};

struct teller {
	struct fixture f; /* what makes records uses of it */
	const struct world *world;
	struct lm_same *same;
	struct lm_index *index;
	bool told[DIRS]; /* the kernel side has told the directory's name */
	bool repeating;  /* says in each segment what it uses there */
	uint32_t forgotten, again, repeated;
	uint64_t events;
};

static uint64_t draw(struct world *w, uint64_t below)
{
	w->seed ^= w->seed >> 12;
	w->seed ^= w->seed << 25;
	w->seed ^= w->seed >> 27;
	return (w->seed * UINT64_C(2685821657736338717) >> 11) % below;
}

static int take_item(void *data, const struct lm_item *item)
{
	struct teller *t = data;
	struct lm_item copy = *item;
	const char *wrong = order_take(&t->f.order, item);
	int r;

	if (wrong)
		fail_msg("%s", wrong);
	t->again += item->kind == LM_ITEM_OBJECT && item->object.flags & LM_OBJECT_AGAIN;
	t->repeated += item->kind == LM_ITEM_OBJECT && item->object.flags & LM_OBJECT_REPEATED;
	r = lm_same_apply(t->same, &copy);
	assert_true(r >= 0);
	/* What a path stood for that was only looked at is told where it happens to be known. */
	if (copy.kind == LM_ITEM_EVENT && copy.event.op == LM_OP_STAT)
		copy.event.object = LM_OBJECT_NONE;
	if (copy.kind == LM_ITEM_EVENT)
		copy.event.id = ++t->events;
	if (r > 0)
		assert_int_equal(lm_index_add(t->index, &copy), 0);
	return 0;
}

static void forget_directories(void *data)
{
	struct teller *t = data;

	memset(t->told, 0, sizeof(t->told));
	t->forgotten++;
}

static void write_dir(const struct world *w, uint32_t dir, char *out)
{
	if (!dir)
		return;
	write_dir(w, w->parents[dir], out);
	strcat(out, "/");
	strcat(out, w->dir_names[dir]);
}

static const char *path_of(const struct world *w, uint32_t dir, const char *name, char *out)
{
	*out = '\0';
	write_dir(w, dir, out);
	strcat(out, "/");
	return strcat(out, name);
}

/* As the running system answers. */
static int look(void *data, uint32_t tgid, const char *path_text, struct lm_raw_inode *ret_inode,
	char *ret_link, size_t link_size)
{
	const struct teller *t = data;
	const struct world *w = t->world;
	char text[1024];

	(void)tgid;
	(void)link_size;
	*ret_link = '\0';
	for (uint32_t i = 1; i < DIRS; i++) {
		*text = '\0';
		write_dir(w, i, text);
		if (strcmp(text, path_text) == 0) {
			*ret_inode = w->dirs[i];
			return 0;
		}
	}
	for (uint32_t i = 0; i < FILES; i++) {
		if (!w->files[i].inode.inode ||
			strcmp(path_of(w, w->files[i].dir, w->files[i].name, text), path_text) != 0)
			continue;
		*ret_inode = w->files[i].inode;
		ret_inode->generation = 0; /* stat(2) does not know it */
		return 0;
	}
	return -ENOENT;
}

static void announce(struct teller *t, uint32_t dir)
{
	const struct world *w = t->world;

	for (; !t->told[dir]; dir = w->parents[dir]) {
		t->told[dir] = true;
		if (!dir) {
			walk_dir(&t->f, w->dirs[0], NOTHING, "", LM_RAW_ROOT);
			return;
		}
		walk_dir(&t->f, w->dirs[dir], w->dirs[w->parents[dir]], w->dir_names[dir], 0);
	}
}

static void make_teller(struct teller *t, const struct world *w, uint64_t memory, bool repeating)
{
	static const struct lm_identify_devices devices = {
		.sockfs = SOCKFS, .pipefs = PIPEFS, .anon_inode = ANON,
	};
	struct lm_identify_sink sink = {
		.item = take_item, .forget_directories = forget_directories, .look = look,
		.data = t,
	};
	struct lm_raw_attributes attributes = attributes_of(1, 0);

	t->world = w;
	t->f.now_ns = UINT64_C(3600000000000);
	as(&t->f, 1);
	assert_int_equal(lm_same_new(&t->same), 0);
	assert_int_equal(lm_index_new(&t->index), 0);
	assert_int_equal(lm_identify_new(&sink, &devices, &t->f.identify), 0);
	if (memory)
		lm_identify_set_memory(t->f.identify, memory);
	t->repeating = repeating;
	if (repeating)
		assert_int_equal(lm_identify_set_repeating(t->f.identify), 0);
	announce(t, 0);
	attributes.cwd = w->dirs[0];
	attributes.root = w->dirs[0];
	process(&t->f, LM_RAW_CALL_NONE, &attributes, LM_RAW_FOUND);
}

static void free_teller(struct teller *t)
{
	lm_identify_free(t->f.identify);
	lm_same_free(t->same);
	lm_index_free(t->index);
	order_release(&t->f.order);
}

static void make_world(struct world *w)
{
	w->seed = 88172645463325252;
	for (uint32_t i = 0; i < DIRS; i++) {
		w->dirs[i] = DIR_AT(2 + i);
		w->parents[i] = i ? (uint32_t)draw(w, i) : 0;
		snprintf(w->dir_names[i], sizeof(w->dir_names[i]), "d%u", i);
	}
	w->last_inode = 1000;
}

/* What the kernel reports of a change of names, before the call's own record. */
static void report(struct teller *t, uint32_t changes, const struct file *at,
	const struct file *to, struct lm_raw_inode target)
{
	const struct world *w = t->world;
	struct lm_name_event event = {
		.tid = t->f.tid, .changes = changes, .arrived_ns = t->f.now_ns + 2000,
		.at = { w->dirs[at->dir].inode, DISK, lm_str_from(at->name) },
		.target = target,
	};

	if (to)
		event.to = (struct lm_name_place){
			w->dirs[to->dir].inode, DISK, lm_str_from(to->name),
		};
	event.target.mode = 0;
	assert_int_equal(lm_identify_name(t->f.identify, &event), 0);
}

#define EACH(t, tellers) for (struct teller *t = (tellers); t < (tellers) + 2; t++)

static void make_file(struct world *w, struct teller *tellers, struct file *file)
{
	bool counts_generations = draw(w, 2);

	file->inode = FILE_GEN(w->freed ? w->freed : ++w->last_inode,
		counts_generations ? (uint32_t)draw(w, 1u << 30) + 1 : 0);
	w->freed = 0;
	file->dir = (uint32_t)draw(w, DIRS);
	snprintf(file->name, sizeof(file->name), "n%u", (uint32_t)(file - w->files));
	EACH(t, tellers) {
		announce(t, file->dir);
		open_file(&t->f, file->inode, w->dirs[file->dir], file->name, 5, LM_RAW_CREATED);
	}
}

static void use_file(struct world *w, struct teller *tellers, const struct file *file)
{
	uint64_t what = draw(w, 8);
	char text[1024];

	path_of(w, file->dir, file->name, text);
	EACH(t, tellers) {
		if (what < 3) {
			announce(t, file->dir);
			open_file(&t->f, file->inode, w->dirs[file->dir], file->name, 5, 0);
		} else if (what < 6) { /* of one that is open already */
			io(&t->f, what == 3 ? SYS_write : SYS_read, file->inode, 5, 1);
		} else if (what == 6) {
			path(&t->f, SYS_chmod, text, 0);
		} else {
			path(&t->f, SYS_access, text, 0);
		}
	}
}

static void remove_file(struct world *w, struct teller *tellers, struct file *file)
{
	char text[1024];

	path_of(w, file->dir, file->name, text);
	if (draw(w, 2))
		w->freed = file->inode.inode;
	EACH(t, tellers) {
		report(t, LM_NAME_DELETED, file, NULL, file->inode);
		path(&t->f, SYS_unlink, text, 0);
	}
	file->inode = NOTHING;
}

static void move_file(struct world *w, struct teller *tellers, struct file *file)
{
	char from[1024], to[1024];
	struct file before = *file;

	path_of(w, file->dir, file->name, from);
	file->dir = (uint32_t)draw(w, DIRS);
	/* Reports of equal renames, one right after the other, would not be told apart. */
	snprintf(file->name, sizeof(file->name), "m%u", w->renames++);
	path_of(w, file->dir, file->name, to);
	EACH(t, tellers) {
		report(t, LM_NAME_RENAMED, &before, file, file->inode);
		paths(&t->f, SYS_rename, from, to, 0, 0);
	}
}

static bool is_below(const struct world *w, uint32_t dir, uint32_t above)
{
	for (; dir; dir = w->parents[dir])
		if (dir == above)
			return true;
	return false;
}

static void move_dir(struct world *w, struct teller *tellers)
{
	uint32_t dir = 1 + (uint32_t)draw(w, DIRS - 1), parent = (uint32_t)draw(w, DIRS);
	struct file before = { .dir = w->parents[dir] }, after = { .dir = parent };
	char from[1024], to[1024];

	if (is_below(w, parent, dir))
		return;
	memcpy(before.name, w->dir_names[dir], sizeof(before.name));
	snprintf(after.name, sizeof(after.name), "d%u-%u", dir, w->renames++);
	path_of(w, before.dir, before.name, from);
	path_of(w, after.dir, after.name, to);
	w->parents[dir] = parent;
	memcpy(w->dir_names[dir], after.name, sizeof(after.name));
	EACH(t, tellers) {
		report(t, LM_NAME_RENAMED | LM_NAME_DIRECTORY, &before, &after, w->dirs[dir]);
		paths(&t->f, SYS_rename, from, to, 0, 0);
	}
}

static void use_socket(struct world *w, struct teller *tellers)
{
	uint64_t *socket = &w->sockets[draw(w, SOCKETS)];
	struct lm_raw_socket raw = {
		.dev = SOCKFS, .family = AF_INET, .type = SOCK_STREAM, .fd = 7,
		.local = { .family = AF_INET, .port = 22 },
	};
	uint64_t what = draw(w, 4);

	if (!*socket || what == 0)
		*socket = ++w->last_socket;
	raw.inode = raw.cookie = *socket;
	EACH(t, tellers) {
		if (what == 0) {
			socket_call(&t->f, &raw, SYS_socket, 7, 0);
		} else if (what == 1) {
			fd_call(&t->f, SYS_fcntl, SOCK_AT(*socket), 7, 0, 0);
			fd_call(&t->f, SYS_close, NOTHING, 7, 0, 0);
		} else {
			io(&t->f, SYS_write, SOCK_AT(*socket), 7, 1);
		}
	}
}

static void change_process(struct world *w, struct teller *tellers)
{
	uint32_t child = 2 + (uint32_t)draw(w, 500);

	EACH(t, tellers) {
		fork_child(&t->f, child, 0);
		as(&t->f, child);
		io(&t->f, SYS_read, w->dirs[0], 3, 1);
		exit_thread(&t->f, 0, true);
		as(&t->f, 1);
	}
}

/* From here on nothing may be referred to that was only defined before. */
static void begin_segment(struct teller *t)
{
	if (!t->repeating)
		return;
	t->f.order.segment++;
	assert_int_equal(lm_identify_begin_segment(t->f.identify), 0);
}

static void run_world(struct world *w, struct teller *tellers)
{
	for (uint32_t i = 0; i < STEPS; i++) {
		struct file *file = &w->files[draw(w, draw(w, 4) ? HOT : FILES)];
		uint64_t what = draw(w, 100);

		EACH(t, tellers) {
			t->f.now_ns += STEP_NS;
			if (i % SEGMENT_STEPS == 0)
				begin_segment(t);
		}
		if (what < 10)
			use_socket(w, tellers);
		else if (what < 15)
			change_process(w, tellers);
		else if (what < 16)
			move_dir(w, tellers);
		else if (!file->inode.inode)
			make_file(w, tellers, file);
		else if (what < 19)
			remove_file(w, tellers, file);
		else if (what < 22)
			move_file(w, tellers, file);
		else
			use_file(w, tellers, file);
	}
}

/* Numbers of the two logs that stand for one object, in both directions. */
struct pairs {
	struct lm_map there, back;
};

static void pair(struct pairs *pairs, lm_object_id a, lm_object_id b, const struct lm_event *event)
{
	const uint64_t *there = lm_map_get(&pairs->there, a), *back = lm_map_get(&pairs->back, b);

	if ((there && *there != b) || (back && *back != a) || !a != !b)
		fail_msg("event %llu (%s): object %u is %u", (unsigned long long)event->id,
			lm_op_name(event->op), a, b);
	assert_int_equal(lm_map_put(&pairs->there, a, b), 0);
	assert_int_equal(lm_map_put(&pairs->back, b, a), 0);
}

static void assert_same_object(const struct teller *a, lm_object_id x, const struct teller *b,
	lm_object_id y, const struct lm_event *event)
{
	struct lm_buffer path_a = LM_BUFFER_INIT, path_b = LM_BUFFER_INIT;
	struct lm_object object_a, object_b;

	assert_int_equal(lm_index_object(a->index, x, &object_a), 0);
	assert_int_equal(lm_index_object(b->index, y, &object_b), 0);
	assert_int_equal(object_a.kind, object_b.kind);
	/* What is told once more can be told in full. */
	assert_int_equal(object_a.flags & ~LM_OBJECT_PARTIAL, object_b.flags & ~LM_OBJECT_PARTIAL);
	if (object_a.kind == LM_OBJECT_KIND_FILE) {
		assert_int_equal(object_a.file.inode, object_b.file.inode);
		assert_int_equal(object_a.file.generation, object_b.file.generation);
		assert_int_equal(object_a.file.mode, object_b.file.mode);
	} else if (object_a.kind == LM_OBJECT_KIND_SOCKET) {
		assert_int_equal(object_a.socket.inode, object_b.socket.inode);
		assert_int_equal(object_a.socket.cookie, object_b.socket.cookie);
		assert_int_equal(object_a.socket.local.port, object_b.socket.local.port);
	}
	(void)lm_index_path_at(a->index, x, event->end_ns, 0, &path_a);
	(void)lm_index_path_at(b->index, y, event->end_ns, 0, &path_b);
	lm_buffer_append_byte(&path_a, '\0');
	lm_buffer_append_byte(&path_b, '\0');
	if (strcmp((char *)path_a.data, (char *)path_b.data) != 0)
		fail_msg("event %llu (%s): %s, where all is known %s",
			(unsigned long long)event->id, lm_op_name(event->op),
			(char *)path_b.data, (char *)path_a.data);
	lm_buffer_release(&path_a);
	lm_buffer_release(&path_b);
}

static void assert_same_events(struct teller *a, struct teller *b, struct pairs *pairs)
{
	assert_int_equal(lm_index_event_count(a->index), lm_index_event_count(b->index));
	for (uint32_t i = 0; i < lm_index_event_count(a->index); i++) {
		struct lm_event x, y;

		assert_int_equal(lm_index_event(a->index, i + 1, &x), 0);
		assert_int_equal(lm_index_event(b->index, i + 1, &y), 0);
		const lm_object_id of_x[] = { x.actor, x.object, x.object2, x.name, x.name2 };
		const lm_object_id of_y[] = { y.actor, y.object, y.object2, y.name, y.name2 };

		assert_int_equal(x.op, y.op);
		assert_int_equal(x.tid, y.tid);
		assert_int_equal(x.flags & LM_EVENT_CLAIMED, y.flags & LM_EVENT_CLAIMED);
		for (size_t k = 0; k < LM_ARRAY_SIZE(of_x); k++) {
			pair(pairs, of_x[k], of_y[k], &x);
			if (of_x[k])
				assert_same_object(a, of_x[k], b, of_y[k], &x);
		}
	}
}

/* Every binding of every name, with the file and the times. */
static void assert_same_bounds(struct teller *a, struct teller *b, const struct pairs *pairs)
{
	uint32_t compared = 0;

	for (lm_object_id name = 1; name <= lm_index_object_count(a->index); name++) {
		const uint64_t *other = lm_map_get(&pairs->there, name);
		const struct lm_bound *x = NULL, *y = NULL;
		uint32_t count = lm_index_bounds_of_name(a->index, name, &x);

		if (!other)
			continue;
		assert_int_equal(count,
			lm_index_bounds_of_name(b->index, (lm_object_id)*other, &y));
		for (uint32_t i = 0; i < count; i++) {
			const uint64_t *file = lm_map_get(&pairs->there, x[i].file);

			assert_true(file && *file == y[i].file);
			assert_true(x[i].end_ns == UINT64_MAX ? y[i].end_ns == UINT64_MAX :
				y[i].end_ns != UINT64_MAX);
			compared++;
		}
	}
	assert_true(compared > FILES);
}

static void compare_answers(uint64_t memory, bool repeating, uint32_t *ret_again,
	uint32_t *ret_repeated)
{
	struct world *w = calloc(1, sizeof(*w));
	struct teller *tellers = calloc(2, sizeof(*tellers));
	struct pairs pairs = { 0 };

	assert_non_null(w);
	assert_non_null(tellers);
	make_world(w);
	make_teller(&tellers[0], w, 0, false);
	make_teller(&tellers[1], w, memory, repeating);
	run_world(w, tellers);
	assert_int_equal(tellers[0].again, 0);
	*ret_again = tellers[1].again;
	*ret_repeated = tellers[1].repeated;
	EACH(t, tellers)
		assert_int_equal(lm_index_finish(t->index), 0);
	assert_same_events(&tellers[0], &tellers[1], &pairs);
	assert_same_bounds(&tellers[0], &tellers[1], &pairs);
	lm_map_release(&pairs.there);
	lm_map_release(&pairs.back);
	EACH(t, tellers)
		free_teller(t);
	free(tellers);
	free(w);
}

#define LEAST_MEMORY 1

static void test_what_is_forgotten_changes_no_answer(void **state)
{
	uint32_t again, repeated;

	(void)state;
	compare_answers(LEAST_MEMORY, false, &again, &repeated);
	assert_true(again > 10000);
	assert_int_equal(repeated, 0);
}

static void test_what_is_told_again_changes_no_answer(void **state)
{
	uint32_t again, repeated;

	(void)state;
	compare_answers(0, true, &again, &repeated);
	assert_int_equal(again, 0);
	assert_true(repeated > 10000);
	compare_answers(LEAST_MEMORY, true, &again, &repeated);
	assert_true(again > 10000);
	assert_true(repeated > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_forgotten_changes_no_answer),
		cmocka_unit_test(test_what_is_told_again_changes_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
