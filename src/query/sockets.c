/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "lemona/event/address.h"
#include "objects.h"

enum {
	ID, FAMILY, TYPE, PROTOCOL, LOCAL, LOCAL_ADDRESS, LOCAL_PORT, REMOTE, REMOTE_ADDRESS,
	REMOTE_PORT, PATH_FILE, INODE, COOKIE, NS_NET, PEER, CLAIMED,
};

static const struct column columns[] = {
	[ID] = COLUMN("id", "INTEGER", PUSH_EQ | PUSH_RANGE, "number of the object"),
	[FAMILY] = COLUMN("family", "TEXT", 0, "inet, inet6, unix, or the kernel's number"),
	[TYPE] = COLUMN("type", "TEXT", 0, "stream, dgram, seqpacket, raw, or the number"),
	[PROTOCOL] = COLUMN("protocol", "INTEGER", 0, "6: TCP, 17: UDP, ..."),
	[LOCAL] = COLUMN("local", "TEXT", PUSH_EQ, "near end: ADDRESS:PORT, a path, or @NAME"),
	[LOCAL_ADDRESS] = COLUMN("local_address", "TEXT", PUSH_EQ, "of the near end, inet only"),
	[LOCAL_PORT] = COLUMN("local_port", "INTEGER", 0, "of the near end, inet only"),
	[REMOTE] = COLUMN("remote", "TEXT", PUSH_EQ, "far end, as local; NULL: not connected"),
	[REMOTE_ADDRESS] = COLUMN("remote_address", "TEXT", PUSH_EQ, "of the far end, inet only"),
	[REMOTE_PORT] = COLUMN("remote_port", "INTEGER", 0, "of the far end, inet only"),
	[PATH_FILE] = COLUMN("path_file", "INTEGER", 0, "unix: the file it is bound to: files.id"),
	[INODE] = COLUMN("inode", "INTEGER", 0, "inode number"),
	[COOKIE] = COLUMN("cookie", "INTEGER", 0, "the kernel's cookie, or NULL"),
	[NS_NET] = COLUMN("ns_net", "INTEGER", 0, "inode number of its network namespace"),
	[PEER] = COLUMN("peer", "INTEGER", 0, "the other end, if on this host: sockets.id"),
	[CLAIMED] = COLUMN("claimed", "INTEGER", 0, "1: user memory says so, and nobody else"),
};

static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	double rows = objects_guess(query, LM_OBJECT_KIND_SOCKET), look_up = 1;

	for (int i = 0; i < constraints->count; i++) {
		const struct constraint *c = &constraints->at[i];

		ret->unique = ret->unique || (c->column == ID && c->op == '=');
		if (c->column == ID) {
			rows = c->op == '=' ? 1 : rows / 4;
		} else {
			rows = rows < 16 ? rows : 16;
			look_up = 16;
		}
	}
	ret->rows = rows;
	ret->cost = ret->unique ? 1 : rows + look_up;
}

/* "10.0.0.1", "::1", "10.0.0.1:22", "[::1]:22", "/run/x", "@name". @return false: none of these */
static bool read_address(const char *text, bool with_port, struct lm_address *ret)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *end = with_port ? strrchr(text, ':') : text + strlen(text);
	const char *start = text;

	*ret = (struct lm_address){ .family = LM_AF_UNIX, .path = lm_str_from(text) };
	if (text[0] == '/' || text[0] == '@')
		return with_port;
	if (!end || (size_t)(end - text) >= sizeof(host))
		return false;
	if (with_port && text[0] == '[' && end > text && end[-1] == ']') {
		start++;
		end--;
	}
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	ret->family = strchr(host, ':') ? LM_AF_INET6 : LM_AF_INET;
	return inet_pton(ret->family, host, ret->ip) == 1;
}

/* Any port will do: SQLite compares it. */
static int list_address(struct objects *objects, sqlite3_value *value, bool with_port)
{
	const char *text = sqlite3_value_type(value) == SQLITE_TEXT ?
		(const char *)sqlite3_value_text(value) : NULL;
	struct lm_address address;

	/* A path that is escaped is another one unescaped: then all are looked at. */
	objects->listed = text && !strchr(text, '\\') && read_address(text, with_port, &address);
	return objects->listed ? lm_index_sockets_by_address(objects->base.query->index, &address,
		true, &objects->ids) : 0;
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	static const struct {
		int column;
		bool with_port;
	} pushed[] = { { REMOTE, true }, { LOCAL, true }, { REMOTE_ADDRESS, false },
		       { LOCAL_ADDRESS, false } };
	struct objects *objects = (struct objects *)cursor;
	int r = 0;

	query_touch_all(cursor->query);
	objects->kind = LM_OBJECT_KIND_SOCKET;
	objects->range = range_of(constraints, ID);
	for (size_t i = 0; i < LM_ARRAY_SIZE(pushed) && r == 0 && !objects->listed; i++) {
		sqlite3_value *value = constraint_equal(constraints, pushed[i].column);

		if (value)
			r = list_address(objects, value, pushed[i].with_port);
	}
	return r < 0 ? r : objects_begin(objects);
}

static int put_word(sqlite3_context *context, const char *word, uint16_t number)
{
	if (word)
		sqlite3_result_text(context, word, -1, SQLITE_STATIC);
	else
		sqlite3_result_int(context, number);
	return 0;
}

static const char *family_name(uint16_t family)
{
	return family == LM_AF_UNIX  ? "unix" :
	       family == LM_AF_INET  ? "inet" :
	       family == LM_AF_INET6 ? "inet6" :
				       NULL;
}

static const char *type_name(uint16_t type)
{
	switch (type) {
	case SOCK_STREAM:
		return "stream";
	case SOCK_DGRAM:
		return "dgram";
	case SOCK_SEQPACKET:
		return "seqpacket";
	case SOCK_RAW:
		return "raw";
	default:
		return NULL;
	}
}

static int put_end(sqlite3_context *context, const struct lm_address *address, bool with_port)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	if (!with_port && !lm_address_is_inet(address))
		return 0;
	lm_index_label_address(address, &text);
	if (text.len == 0)
		return text.failed ? -ENOMEM : 0;
	if (with_port)
		return value_buffer(context, &text);
	/* "[ADDRESS]:PORT" or "ADDRESS:PORT" */
	const char *begin = (const char *)text.data, *end = memrchr(begin, ':', text.len);
	bool brackets = begin[0] == '[';

	return value_str(context, (struct lm_str){ begin + brackets,
		end ? (uint32_t)(end - begin) - 2 * brackets : (uint32_t)text.len });
}

static int put_address(sqlite3_context *context, const struct lm_socket *socket, int column)
{
	const struct lm_address *address =
		column == LOCAL || column == LOCAL_ADDRESS || column == LOCAL_PORT ?
		&socket->local : &socket->remote;

	if (column == LOCAL_PORT || column == REMOTE_PORT) {
		if (lm_address_is_inet(address))
			sqlite3_result_int(context, address->port);
		return 0;
	}
	return put_end(context, address, column == LOCAL || column == REMOTE);
}

static int put_peer(const struct lm_query *query, sqlite3_context *context, lm_object_id id)
{
	const struct lm_peer *peers = NULL;

	return lm_index_peers(query->index, id, &peers) ? value_id(context, peers[0].socket) : 0;
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	const struct lm_object *object = &((struct objects *)cursor)->object;
	const struct lm_socket *socket = &object->socket;

	switch (column) {
	case ID:
		return value_id(context, object->id);
	case FAMILY:
		return put_word(context, family_name(socket->family), socket->family);
	case TYPE:
		return put_word(context, type_name(socket->type), socket->type);
	case PROTOCOL:
		sqlite3_result_int(context, socket->protocol);
		return 0;
	case PATH_FILE:
		return value_id(context, socket->path_file);
	case INODE:
		return value_id(context, socket->inode);
	case COOKIE:
		return value_id(context, socket->cookie);
	case NS_NET:
		return value_id(context, socket->ns_net);
	case PEER:
		return put_peer(cursor->query, context, object->id);
	case CLAIMED:
		sqlite3_result_int(context, object->flags & LM_OBJECT_CLAIMED ? 1 : 0);
		return 0;
	default:
		return put_address(context, socket, column);
	}
}

const struct table table_sockets = {
	.name = "sockets",
	.says = "sockets, with both ends of their connections",
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
