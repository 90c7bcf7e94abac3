/* SPDX-License-Identifier: MIT */
#include "database.h"

#include <stdlib.h>

#include "places.h"

/*
 * PostgreSQL: the postmaster forks a process for each connection. A query reads pages of tables;
 * a change is written to the log first, and to the tables by the background writer.
 */
struct backend {
	struct mailbox box;
	uint64_t client; /* inode of the client's socket; 0: nobody's */
};

static void serve_query(struct proc *p, const struct channel *socket, bool changes)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);

	sys_recv(p, socket, 300);
	for (uint64_t i = host_between(w, 1, 14); i > 0; i--)
		sys_pread(p, area_pick(w, &at->tables), 8192);
	if (changes) {
		sys_pwrite(p, at->wal, 8192);
		p->world->daemons->database->dirty++;
	}
	sys_send(p, socket, 900);
}

static void backend_main(struct proc *p, const struct task *task)
{
	struct database *database = p->world->daemons->database;
	const struct places *at = places_of(p->world);
	struct backend *backend = database->backends[task->number];
	const struct channel socket = task->channel;
	struct letter letter;

	for (uint32_t i = 0; i < 12; i++)
		sys_open(p, area_pick(p->world, &at->tables), O_RDWR | O_CLOEXEC);
	for (;;) {
		mailbox_take(p, &backend->box, &letter);
		if (!letter.from)
			break;
		serve_query(p, &socket, letter.task.number);
		host_wake(letter.from, p->now_ns);
	}
	sys_close_object(p, socket.object.id);
	free(backend->box.at);
	free(backend);
	database->backends[task->number] = NULL;
	sys_exit(p, 0);
}

static uint32_t free_place(const struct database *database)
{
	for (uint32_t i = 0; i < BACKENDS; i++) {
		if (!database->backends[i])
			return i;
	}
	return BACKENDS;
}

static void postmaster_main(struct proc *p, const struct task *task)
{
	struct database *database = p->world->daemons->database;
	const struct lm_address nobody = { .family = LM_AF_UNIX };
	struct letter letter;

	(void)task;
	for (;;) {
		struct task child = { .number = free_place(database) };

		mailbox_take(p, &database->requests, &letter);
		child.number = free_place(database);
		host_must(child.number < BACKENDS ? 0 : -EUSERS, "the database");
		database->backends[child.number] = host_allocate(sizeof(struct backend));
		database->backends[child.number]->client = letter.peer;
		sys_accept(
			p, &database->listener, &child.channel, &nobody, letter.inode, letter.peer);
		sys_fork(p, false, backend_main, &child);
		sys_close_object(p, child.channel.object.id);
		host_wake(letter.from, p->now_ns);
	}
}

/* Writes the pages of what was changed back to the tables, a few times a minute. */
static void writer_main(struct proc *p, const struct task *task)
{
	struct database *database = p->world->daemons->database;
	struct world *w = p->world;
	const struct places *at = places_of(w);

	(void)task;
	for (;;) {
		host_sleep(p, host_between(w, 20, 300) * HOST_SECOND_NS);
		for (; database->dirty > 0; database->dirty--)
			sys_pwrite(p, area_pick(w, &at->tables), 8192);
	}
}

void daemon_query_begin(struct proc *p, struct channel *ret_connection)
{
	struct database *database = p->world->daemons->database;
	const struct lm_address address = { .family = LM_AF_UNIX,
		.path = LM_STR("/run/postgresql/.s.PGSQL.5432") };
	struct letter letter = { .from = p, .inode = socket_inode(p->world) };

	sys_connect(p, ret_connection, &address, database->path, letter.inode);
	letter.peer = ret_connection->object.socket.inode;
	mailbox_put(&database->requests, &letter, p->now_ns);
	host_block(p);
}

static struct backend *backend_of(const struct proc *p, const struct channel *connection)
{
	struct database *database = p->world->daemons->database;

	for (uint32_t i = 0; i < BACKENDS; i++) {
		if (database->backends[i] &&
			database->backends[i]->client == connection->object.socket.inode)
			return database->backends[i];
	}
	return NULL;
}

void daemon_query(struct proc *p, struct channel *connection, bool changes)
{
	struct backend *backend = backend_of(p, connection);
	struct letter letter = { .from = p, .task = { .number = changes } };

	sys_send(p, connection, 300);
	mailbox_put(&backend->box, &letter, p->now_ns);
	host_block(p);
	sys_recv(p, connection, 900);
}

void daemon_query_end(struct proc *p, struct channel *connection)
{
	const struct letter letter = { .from = NULL };

	mailbox_put(&backend_of(p, connection)->box, &letter, p->now_ns);
	sys_close_object(p, connection->object.id);
}

static struct proc *start_one(
	struct world *w, const char *argv, const struct proc *parent, script run)
{
	return proc_found(w, "/usr/lib/postgresql/15/bin/postgres", argv, 110, parent, run, NULL);
}

void database_start(struct world *w)
{
	struct database *database = host_allocate(sizeof(*database));
	const struct lm_address address = { .family = LM_AF_UNIX,
		.path = LM_STR("/run/postgresql/.s.PGSQL.5432") };
	struct proc *postmaster;

	w->daemons->database = database;
	database->path = host_node(w, "/run/postgresql/.s.PGSQL.5432", S_IFSOCK | 0777);
	postmaster =
		start_one(w, "/usr/lib/postgresql/15/bin/postgres|-D|/var/lib/postgresql/15/main",
			w->daemons->init, postmaster_main);
	start_one(w, "postgres: background writer", postmaster, writer_main);
	sys_listen(postmaster, &database->listener, &address, database->path);
}
