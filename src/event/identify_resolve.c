/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define STEPS_MAX 256 /* components walked, those of followed links included */
#define LINKS_MAX 40  /* as the kernel's MAXSYMLINKS */
#define DEPTH_MAX 64
#define ANCESTORS_MAX 8
#define MISS_NS (UINT64_C(1000000000)) /* how long a vain look is remembered */

/* One walk. `path` is what is left of it; with links followed it lives in `text`. */
struct walk {
	struct lm_identify *id;
	const struct process *process;
	uint64_t time_ns;
	lm_object_id dir;
	struct lm_str path;
	struct lm_buffer text;
	int links;
	bool follow;
	/* How it came to `dir`: from where, and by which names. */
	lm_object_id base;
	lm_object_id passed[DEPTH_MAX];
	uint32_t depth;
};

bool append_path(struct lm_identify *id, lm_object_id name, lm_object_id root,
	struct lm_buffer *out)
{
	const struct name_entry *chain[DEPTH_MAX];
	int depth = 0;

	for (;;) {
		const struct name_entry *entry = name_of(id, name);
		const struct inode_entry *dir;

		if (!entry || !entry->dir || depth == DEPTH_MAX)
			return false;
		chain[depth++] = entry;
		if (entry->dir == root)
			break;
		dir = inode_of(id, entry->dir);
		if (!dir)
			return false;
		if (dir->is_root && (!root || !dir->name))
			break;
		name = dir->name;
	}
	while (depth--) {
		lm_buffer_append_byte(out, '/');
		lm_buffer_append_str(out, text_of(chain[depth]));
	}
	return lm_buffer_status(out) == 0;
}

static struct lm_str without_slashes(struct lm_str path)
{
	while (path.len && *path.data == '/') {
		path.data++;
		path.len--;
	}
	return path;
}

static struct lm_str next_component(struct lm_str *path)
{
	struct lm_str component;
	const char *slash;

	*path = without_slashes(*path);
	if (!path->len)
		return LM_STR_NONE;
	slash = memchr(path->data, '/', path->len);
	component = (struct lm_str){
		path->data, slash ? (uint32_t)(slash - path->data) : path->len,
	};
	path->data += component.len;
	path->len -= component.len;
	return component;
}

static bool is_dots(struct lm_str component, uint32_t dots)
{
	return component.len == dots && memcmp(component.data, "..", dots) == 0;
}

/* The directory above, by the name the directory is known under. */
static lm_object_id parent_of(struct lm_identify *id, lm_object_id dir, lm_object_id root)
{
	const struct inode_entry *inode = inode_of(id, dir);
	const struct name_entry *name;

	if (dir == root)
		return dir;
	name = inode ? name_of(id, inode->name) : NULL;
	return name ? name->dir : LM_OBJECT_NONE;
}

/* NULL when this path has been looked for in vain a moment ago. Missed until it is found. */
static struct miss *note_miss(struct walk *w, const struct lm_buffer *path)
{
	uint64_t hash = hash_bytes(path->data, path->len, w->process->attributes.root);
	struct miss *miss = &w->id->misses[hash % MISSES];

	if (miss->hash == hash && w->time_ns - miss->time_ns < MISS_NS)
		return NULL;
	*miss = (struct miss){ .hash = hash, .time_ns = w->time_ns };
	return miss;
}

static bool sees_the_same(const struct process *a, const struct process *b)
{
	return b && a->attributes.root == b->attributes.root &&
		a->attributes.ns_mnt == b->attributes.ns_mnt;
}

/*
 * Ask through the process itself, or, since it may be gone by now, through a
 * parent or the recorder where they have the same "/" in the same namespace.
 */
static int look_through(struct walk *w, const char *path, struct lm_raw_inode *ret_inode,
	char *link, size_t link_size)
{
	const struct lm_identify_sink *sink = &w->id->sink;
	const struct process *process = w->process, *self;
	int r = sink->look(sink->data, process->tgid, path, ret_inode, link, link_size);

	for (int i = 0; r == -ESRCH && i < ANCESTORS_MAX; i++) {
		process = parent_of_process(w->id, process);
		if (!sees_the_same(w->process, process))
			break;
		r = sink->look(sink->data, process->tgid, path, ret_inode, link, link_size);
	}
	self = process_by_tid(w->id, w->id->self_tgid);
	if (r == -ESRCH && sees_the_same(w->process, self))
		r = sink->look(sink->data, self->tgid, path, ret_inode, link, link_size);
	return r;
}

/* The path of a directory by the name that it is known under. */
static bool append_known_path(struct walk *w, lm_object_id dir, struct lm_buffer *path)
{
	const struct inode_entry *entry = inode_of(w->id, dir);

	return dir == w->process->attributes.root ||
		(entry && append_path(w->id, entry->name, w->process->attributes.root, path));
}

/* The path of the directory that the walk has come to: as it came, or else as it is known. */
static bool append_walked_path(struct walk *w, struct lm_buffer *path)
{
	bool whole = w->depth <= DEPTH_MAX && append_known_path(w, w->base, path);

	for (uint32_t i = 0; i < w->depth && whole; i++) {
		const struct name_entry *entry = name_of(w->id, w->passed[i]);

		whole = entry;
		if (!entry)
			break;
		lm_buffer_append_byte(path, '/');
		lm_buffer_append_str(path, text_of(entry));
	}
	if (whole)
		return true;
	lm_buffer_reset(path);
	return append_known_path(w, w->dir, path);
}

static void start_from(struct walk *w, lm_object_id dir)
{
	w->dir = w->base = dir;
	w->depth = 0;
}

static void go_down(struct walk *w, lm_object_id name, lm_object_id dir)
{
	if (w->depth < DEPTH_MAX)
		w->passed[w->depth] = name;
	w->depth++;
	w->dir = dir;
}

static void go_up(struct walk *w, lm_object_id dir)
{
	if (!w->depth)
		w->base = dir;
	else
		w->depth--;
	w->dir = dir;
}

/*
 * Ask the running system what an entry is, and keep it: the kernel does not
 * tell it again. The answer is some milliseconds late, and is marked so.
 * @return 1 when something has been learned; 0; -ENOMEM or what the sink returned
 */
static int look(struct walk *w, struct lm_str component)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	struct lm_identify *id = w->id;
	struct lm_raw_inode inode = { 0 };
	const struct inode_entry *dir = inode_of(id, w->dir);
	lm_object_id name, file;
	char link[PATH_MAX];
	struct miss *miss;
	int r;

	if (!id->sink.look || !dir)
		return 0;
	if (!append_walked_path(w, &path))
		return 0;
	lm_buffer_append_byte(&path, '/');
	lm_buffer_append_str(&path, component);
	lm_buffer_append_byte(&path, '\0');
	r = lm_buffer_status(&path);
	if (r < 0)
		return r;
	if (memchr(path.data, '\0', path.len - 1))
		return 0;
	miss = note_miss(w, &path);
	if (!miss)
		return 0;
	link[0] = '\0';
	if (look_through(w, (const char *)path.data, &inode, link, sizeof(link)) < 0)
		return 0;
	*miss = (struct miss){ 0 };
	r = find_name(id, w->time_ns, w->dir, component, 0, &name);
	if (r < 0)
		return r;
	if (link[0]) {
		r = take_link(name_of(id, name), lm_str_from(link));
		return r < 0 ? r : 1;
	}
	/*
	 * Where file systems are stacked, stat(2) tells another device than the kernel's own: that
	 * is nobody's identity. Directories and mount points have the right one.
	 */
	if ((inode.mode & S_IFMT) != S_IFDIR && inode.dev != dir->dev)
		return 0;
	r = find_inode(id, w->time_ns, inode.inode, inode.dev, inode.mode, &file);
	if (r < 0 || !file)
		return r;
	bind_name(id, name, file);
	r = emit_binding(id, w->time_ns, file, name, LM_BINDING_LATE);
	return r < 0 ? r : 1;
}

static bool is_known(struct walk *w, const struct name_entry *entry)
{
	const struct inode_entry *file;

	if (!entry || entry->link_len)
		return entry;
	/* A link that was opened itself: where it leads is not known. */
	file = inode_of(w->id, entry->file);
	return file && !S_ISLNK(file->mode);
}

int look_at_name(struct lm_identify *id, uint64_t time_ns, const struct process *process,
	lm_object_id name)
{
	const struct name_entry *entry = name_of(id, name);
	struct walk w = { .id = id, .process = process, .time_ns = time_ns };
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	int r;

	if (!entry || is_known(&w, entry))
		return 0;
	start_from(&w, entry->dir);
	/* A copy: what is learned may take the place of the entry. */
	lm_buffer_append_str(&text, text_of(entry));
	r = lm_buffer_status(&text);
	if (r == 0)
		r = look(&w, (struct lm_str){ (const char *)text.data, (uint32_t)text.len });
	return r < 0 ? r : 0;
}

/* Put the target of a link before what is left of the path. */
static int enter_link(struct walk *w, const struct name_entry *entry)
{
	struct lm_buffer text = LM_BUFFER_INIT;

	lm_buffer_append(&text, entry->link, entry->link_len);
	lm_buffer_append_str(&text, w->path);
	if (lm_buffer_status(&text) < 0) {
		lm_buffer_release(&text);
		return -ENOMEM;
	}
	lm_buffer_release(&w->text);
	w->text = text;
	w->path = (struct lm_str){ (const char *)text.data, (uint32_t)text.len };
	if (*w->path.data == '/')
		start_from(w, w->process->attributes.root);
	return 0;
}

static bool goes_back(struct lm_str rest)
{
	return is_dots(next_component(&rest), 2);
}

/* What cannot be walked stays as it was claimed, below the last directory known. */
static int leave(struct walk *w, struct lm_str rest, struct place *ret_place)
{
	rest = without_slashes(rest);
	if (!rest.len) {
		ret_place->object = w->dir;
		return 0;
	}
	/* With the targets of links before it, it can be longer than any path. */
	if (rest.len > LM_NAME_MAX_BYTES)
		rest.len = LM_NAME_MAX_BYTES;
	return find_name(w->id, w->time_ns, w->dir, rest, LM_OBJECT_CLAIMED, &ret_place->name);
}

/* @return 1 to go on, 0 when ret_place is set, negative codes */
static int step(struct walk *w, struct place *ret_place)
{
	const struct name_entry *entry;
	lm_object_id name;
	struct lm_str rest = w->path;
	struct lm_str component = next_component(&w->path);
	bool last = without_slashes(w->path).len == 0;
	lm_object_id up;
	int r;

	if (!component.len) {
		ret_place->object = w->dir;
		return 0;
	}
	if (is_dots(component, 1))
		return 1;
	if (is_dots(component, 2)) {
		up = parent_of(w->id, w->dir, w->process->attributes.root);
		if (!up)
			return leave(w, rest, ret_place);
		go_up(w, up);
		return 1;
	}
	name = look_up_name(w->id, w->dir, component);
	if (last && !w->follow && name) {
		ret_place->name = name;
		return 0;
	}
	entry = name_of(w->id, name);
	if (!last && entry && !is_known(w, entry) && entry->made_directory && goes_back(w->path)) {
		next_component(&w->path);
		return 1;
	}
	if (!is_known(w, entry) && (!last || w->follow)) {
		r = look(w, component);
		if (r < 0)
			return r;
		entry = name_of(w->id, look_up_name(w->id, w->dir, component));
	}
	if (!is_known(w, entry))
		entry = NULL;
	if (entry && entry->link_len && (!last || w->follow) && w->links++ < LINKS_MAX) {
		r = enter_link(w, entry);
		return r < 0 ? r : 1;
	}
	if (last)
		return find_name(w->id, w->time_ns, w->dir, component, 0, &ret_place->name);
	if (!entry || !entry->file)
		return leave(w, rest, ret_place);
	go_down(w, entry->object, entry->file);
	return 1;
}

int resolve(struct lm_identify *id, uint64_t time_ns, const struct process *process,
	lm_object_id start, struct lm_str path, bool follow, struct place *ret_place)
{
	struct walk w = {
		.id = id, .process = process, .time_ns = time_ns, .path = path,
		.follow = follow,
	};
	int r = 1;

	*ret_place = (struct place){ 0 };
	start_from(&w, path.len && *path.data == '/' ? process->attributes.root : start);
	/* No such descriptor, or the "/" of a process that is not known. */
	if (!w.dir)
		return leave(&w, path, ret_place);
	for (int steps = 0; r == 1 && steps < STEPS_MAX; steps++)
		r = step(&w, ret_place);
	if (r == 1)
		r = leave(&w, w.path, ret_place);
	lm_buffer_release(&w.text);
	return r;
}
