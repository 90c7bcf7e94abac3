/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "objects.h"

enum {
	ID, PATH, TYPE, DEVICE, INODE, GENERATION, MODE, RDEV, FS_UUID, REMOVED, CHANGED_NS,
	CHANGED, USED_NS, USED, SHA256,
};

static const struct column columns[] = {
	[ID] = COLUMN("id", "INTEGER", PUSH_EQ | PUSH_RANGE, "number of the object"),
	[PATH] = COLUMN("path", "TEXT", PUSH_EQ | PUSH_RANGE | PUSH_PREFIX,
		"its last path, or NULL; names has all of them"),
	[TYPE] = COLUMN("type", "TEXT", 0,
		"regular, directory, symlink, fifo, socket, char, block"),
	[DEVICE] = COLUMN("device", "TEXT", 0, "MAJOR:MINOR of its file system"),
	[INODE] = COLUMN("inode", "INTEGER", 0, "inode number"),
	[GENERATION] = COLUMN("generation", "INTEGER", 0, "of the inode number"),
	[MODE] = COLUMN("mode", "INTEGER", 0, "permission bits, as last seen: 0x800 is setuid"),
	[RDEV] = COLUMN("rdev", "TEXT", 0, "of a device: its own MAJOR:MINOR"),
	[FS_UUID] = COLUMN("fs_uuid", "TEXT", 0, "of its file system, or NULL"),
	[REMOVED] = COLUMN("removed", "INTEGER", 0, "1: it had a name, and has none at the end"),
	[CHANGED_NS] = COLUMN("changed_ns", "INTEGER", 0, "when something last influenced it"),
	[CHANGED] = COLUMN("changed", "TEXT", 0, "when something last influenced it"),
	[USED_NS] = COLUMN("used_ns", "INTEGER", 0, "when it last influenced something"),
	[USED] = COLUMN("used", "TEXT", 0, "when it last influenced something"),
	[SHA256] = COLUMN("sha256", "TEXT", 0, "hash, if it ran; as last read"),
};

static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	double rows = objects_guess(query, LM_OBJECT_KIND_FILE), look_up = 1;

	for (int i = 0; i < constraints->count; i++) {
		const struct constraint *c = &constraints->at[i];

		ret->unique = ret->unique || (c->column == ID && c->op == '=');
		if (c->column == ID)
			rows = c->op == '=' ? 1 : rows / 4;
	}
	if (constraints_on(constraints, PATH) > 0) {
		rows /= 16;
		look_up = 100;
	}
	ret->rows = rows;
	ret->cost = ret->unique ? 1 : rows + look_up;
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	struct objects *objects = (struct objects *)cursor;
	struct path_bound bound PATH_BOUND = PATH_BOUND_INIT;
	int r = path_bound_of(constraints, PATH, &bound);

	query_touch_all(cursor->query);
	objects->kind = LM_OBJECT_KIND_FILE;
	objects->range = range_of(constraints, ID);
	if (r == 0 && bound.text.len > 0)
		r = objects_list_files(objects, &bound);
	return r < 0 ? r : objects_begin(objects);
}

static const char *type_name(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "regular";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	default:
		return NULL;
	}
}

/* NULL where it never had a name; mounts and roots need none. */
static int put_removed(const struct lm_index *index, lm_object_id id, sqlite3_context *context)
{
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_file(index, id, &bounds);
	bool left = false;

	for (uint32_t i = 0; i < count; i++)
		left = left || bounds[i].end_ns == UINT64_MAX;
	if (count > 0)
		sqlite3_result_int(context, left ? 0 : 1);
	return 0;
}

static uint64_t changed_at(const struct lm_index *index, lm_object_id id)
{
	struct lm_links links = lm_index_incoming(index, id, UINT64_MAX);

	return links.count ? lm_links_get(&links, links.count - 1).begin_ns : UINT64_MAX;
}

static uint64_t used_at(const struct lm_index *index, lm_object_id id)
{
	struct lm_links links = lm_index_outgoing(index, id, 0);

	return links.count ? lm_links_get(&links, links.count - 1).end_ns : UINT64_MAX;
}

static int put_uuid(sqlite3_context *context, const uint8_t uuid[16])
{
	static const uint8_t none[16];
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	if (memcmp(uuid, none, sizeof(none)) == 0)
		return 0;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			lm_buffer_append_byte(&text, '-');
		lm_buffer_append_hex(&text, uuid + i, 1);
	}
	return value_plain(context, &text);
}

static int put_sha256(const struct lm_index *index, lm_object_id id, sqlite3_context *context)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	struct lm_content content;
	bool sure = false;

	if (lm_index_content_at(index, id, UINT64_MAX, &content, &sure) < 0 ||
		content.state != LM_CONTENT_HASHED)
		return 0;
	lm_buffer_append_hex(&text, content.sha256, sizeof(content.sha256));
	return value_plain(context, &text);
}

static int put_number(sqlite3_context *context, const struct lm_file *file, int column)
{
	const char *type = type_name(file->mode);

	switch (column) {
	case INODE:
		sqlite3_result_int64(context, (sqlite3_int64)file->inode);
		break;
	case GENERATION:
		sqlite3_result_int64(context, file->generation);
		break;
	case MODE:
		if (type)
			sqlite3_result_int64(context, file->mode & 07777);
		break;
	default:
		if (type)
			sqlite3_result_text(context, type, -1, SQLITE_STATIC);
		break;
	}
	return 0;
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	const struct lm_query *query = cursor->query;
	const struct lm_object *object = &((struct objects *)cursor)->object;
	const struct lm_file *file = &object->file;

	switch (column) {
	case ID:
		return value_id(context, object->id);
	case PATH:
		return value_path_seen(context, query, object->id, UINT64_MAX - 1);
	case DEVICE:
		return value_device(context, file->dev);
	case RDEV:
		return S_ISCHR(file->mode) || S_ISBLK(file->mode) ?
			value_device(context, file->rdev) : 0;
	case FS_UUID:
		return put_uuid(context, file->fs_uuid);
	case REMOVED:
		return put_removed(query->index, object->id, context);
	case CHANGED_NS:
		return value_time_ns(context, query, changed_at(query->index, object->id));
	case CHANGED:
		return value_time(context, query, changed_at(query->index, object->id));
	case USED_NS:
		return value_time_ns(context, query, used_at(query->index, object->id));
	case USED:
		return value_time(context, query, used_at(query->index, object->id));
	case SHA256:
		return put_sha256(query->index, object->id, context);
	default:
		return put_number(context, file, column);
	}
}

const struct table table_files = {
	.name = "files",
	.says = "whatever has an inode and is no socket or pipe",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct objects),
	.order_column = ID,
	.estimate = estimate,
	.begin = begin,
	.next = objects_next,
	.column = put_column,
	.end = objects_end,
};
