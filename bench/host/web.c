/* SPDX-License-Identifier: MIT */
#include "web.h"

#include <stdlib.h>

#include "programs.h"
#include "truth.h"

/*
 * nginx with four workers; php-fpm with a pool, each of whose processes has its own connection to
 * the database; fcgiwrap, which starts a process for each request of a script.
 */
#define CONNECTIONS 8

struct connection {
	struct visit visit;
	struct channel socket;
	uint32_t left;
};

static void tell_log(struct proc *p, struct node *log)
{
	sys_write(p, log, (int64_t)host_between(p->world, 90, 260));
}

static void serve_file(struct proc *p, struct connection *c)
{
	struct world *w = p->world;
	struct node *page = area_pick(w, &places_of(w)->sites);

	sys_stat(p, page);
	sys_open(p, page, O_RDONLY | O_NONBLOCK);
	sys_fstat(p, page);
	sys_send(p, &c->socket, 240);
	sys_copy(p, page->file, c->socket.object.id, (int64_t)host_between(w, 400, 90000));
	sys_close(p, page);
}

/* Hand a request on through a unix socket, and its answer back. */
static void hand_on(struct proc *p, struct connection *c, struct mailbox *box, struct node *path,
	const struct visit *visit)
{
	struct world *w = p->world;
	const struct lm_address address = { .family = LM_AF_UNIX,
		.path = LM_STR("/run/app.sock") };
	struct letter letter = { .from = p, .inode = socket_inode(w) };
	struct channel upstream;

	if (visit) {
		letter.task = visit->task;
		letter.task.run = visit->cgi;
		letter.task.attack = visit->attack;
	}
	STEP(p, sys_connect(p, &upstream, &address, path, letter.inode));
	letter.peer = upstream.object.socket.inode;
	STEP(p, sys_send(p, &upstream, 900));
	mailbox_put(box, &letter, p->now_ns);
	host_block(p);
	sys_recv(p, &upstream, 4000);
	sys_close_object(p, upstream.object.id);
	sys_send(p, &c->socket, 4100);
}

static void serve(struct proc *p, struct web *web, struct connection *c)
{
	struct world *w = p->world;
	uint32_t kind = host_below(w, 100);
	struct attack *attack = c->visit.attack;

	p->attack = attack;
	if (attack)
		truth_process(attack, p, ROLE_CARRIER);
	STEP(p, sys_recv(p, &c->socket, (int64_t)host_between(w, 180, 900)));
	if (attack)
		hand_on(p, c, &web->scripts, web->script_path, &c->visit);
	else if (kind < 70)
		serve_file(p, c);
	else if (kind < 99)
		hand_on(p, c, &web->pool[host_below(w, POOL)], web->pool_path, NULL);
	else
		hand_on(p, c, &web->scripts, web->script_path, NULL);
	tell_log(p, places_of(w)->access_log);
	p->attack = NULL;
	c->visit.attack = NULL;
	c->left--;
}

static void take_connection(struct proc *p, struct web *web, struct connection *c)
{
	struct letter letter;

	mailbox_take(p, &web->workers[p->task.number], &letter);
	c->visit = *letter.task.visit;
	free(letter.task.visit);
	p->attack = c->visit.attack;
	STEP(p, sys_accept(
			p, &web->listener, &c->socket, &c->visit.from, socket_inode(p->world), 0));
	if (p->attack) {
		truth_socket(p->attack, &c->socket, ROLE_ATTACK);
		truth_entry(p->attack, c->socket.object.id);
	}
	p->attack = NULL;
	c->left = c->visit.requests;
}

static void worker_main(struct proc *p, const struct task *task)
{
	struct web *web = p->world->daemons->web;
	struct mailbox *box = &web->workers[task->number];
	struct connection open[CONNECTIONS];
	uint32_t count = 0;

	for (;;) {
		uint32_t i;

		if (count == 0 || (count < CONNECTIONS && box->count > 0))
			take_connection(p, web, &open[count++]);
		i = host_below(p->world, count);
		serve(p, web, &open[i]);
		host_sleep(p, host_between(p->world, 100000, 30000000));
		if (open[i].left == 0) {
			sys_close_object(p, open[i].socket.object.id);
			open[i] = open[--count];
		}
	}
}

static void accept_request(struct proc *p, const struct channel *listener,
	const struct letter *letter, struct channel *ret_socket)
{
	const struct lm_address nobody = { .family = LM_AF_UNIX };

	STEP(p, sys_accept(p, listener, ret_socket, &nobody, letter->inode, letter->peer));
	STEP(p, sys_recv(p, ret_socket, 900));
}

static void pool_main(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct web *web = w->daemons->web;
	const struct places *at = places_of(w);
	struct channel database, socket;
	struct letter letter;

	daemon_query_begin(p, &database);
	for (;;) {
		mailbox_take(p, &web->pool[task->number], &letter);
		accept_request(p, &web->pool_listener, &letter, &socket);
		for (uint64_t i = host_between(w, 1, 6); i > 0; i--) {
			struct node *source = area_pick(w, &at->scripts);

			sys_stat(p, source);
			read_file(p, source, 8000);
		}
		for (uint64_t i = host_between(w, 0, 4); i > 0; i--)
			daemon_query(p, &database, host_chance(w, 20));
		sys_send(p, &socket, 4000);
		if (host_chance(w, 3))
			tell_log(p, at->php_log);
		sys_close_object(p, socket.object.id);
		host_wake(letter.from, p->now_ns);
	}
}

/* A script of the site: looks something up, and is gone. */
static void ordinary_script(struct proc *p, const struct task *task)
{
	struct world *w = p->world;

	program_start_script(p, task->node, "/usr/lib/cgi-bin/lookup.cgi");
	read_file(p, area_pick(w, &places_of(w)->etc_files), 700);
	run_tool(p, TOOL_GREP, area_pick(w, &places_of(w)->sites), NULL, NULL);
	sys_wait(p);
	sys_exit(p, 0);
}

static void scripts_main(struct proc *p, const struct task *task)
{
	struct web *web = p->world->daemons->web;
	struct channel socket;
	struct letter letter;

	(void)task;
	for (;;) {
		struct task script_task = { .node = web->script };

		mailbox_take(p, &web->scripts, &letter);
		p->attack = letter.task.attack;
		if (p->attack) {
			truth_process(p->attack, p, ROLE_CARRIER);
			script_task = letter.task;
			script_task.node = web->script;
		}
		accept_request(p, &web->script_listener, &letter, &socket);
		sys_fork(p, false, p->attack ? letter.task.run : ordinary_script, &script_task);
		p->attack = NULL;
		sys_wait(p);
		sys_send(p, &socket, 300);
		sys_close_object(p, socket.object.id);
		host_wake(letter.from, p->now_ns);
	}
}

static void idle_main(struct proc *p, const struct task *task)
{
	(void)task;
	host_block(p);
}

static void start_listeners(struct world *w, struct web *web, struct proc *master)
{
	const struct lm_address http = address_of(0, 443);
	const struct lm_address pool = { .family = LM_AF_UNIX,
		.path = LM_STR("/run/php/fpm.sock") };
	const struct lm_address scripts = { .family = LM_AF_UNIX,
		.path = LM_STR("/run/fcgiwrap.socket") };

	(void)w;
	sys_listen(master, &web->listener, &http, NULL);
	sys_listen(master, &web->pool_listener, &pool, web->pool_path);
	sys_listen(master, &web->script_listener, &scripts, web->script_path);
}

void web_start(struct world *w)
{
	struct web *web = host_allocate(sizeof(*web));
	struct proc *init = w->daemons->init, *master, *manager;

	w->daemons->web = web;
	web->pool_path = host_node(w, "/run/php/fpm.sock", S_IFSOCK | 0660);
	web->script_path = host_node(w, "/run/fcgiwrap.socket", S_IFSOCK | 0660);
	web->script = host_node(w, "/usr/lib/cgi-bin/lookup.cgi", PROGRAM_MODE);
	master =
		proc_found(w, "/usr/sbin/nginx", "nginx: master process", 0, init, idle_main, NULL);
	manager = proc_found(
		w, "/usr/sbin/php-fpm8.2", "php-fpm: master process", 0, init, idle_main, NULL);
	start_listeners(w, web, master);
	for (uint32_t i = 0; i < WORKERS; i++) {
		struct task task = { .number = i };

		proc_found(w, "/usr/sbin/nginx", "nginx: worker process", 33, master, worker_main,
			&task);
	}
	for (uint32_t i = 0; i < POOL; i++) {
		struct task task = { .number = i };

		proc_found(w, "/usr/sbin/php-fpm8.2", "php-fpm: pool www", 33, manager, pool_main,
			&task);
	}
	proc_found(w, "/usr/sbin/fcgiwrap", "/usr/sbin/fcgiwrap|-f", 33, init, scripts_main, NULL);
}

void web_visit(struct world *w, const struct visit *visit, uint64_t t_ns)
{
	struct letter letter = { .task = { .visit = host_allocate(sizeof(*visit)) } };

	*letter.task.visit = *visit;
	mailbox_put(&w->daemons->web->workers[host_below(w, WORKERS)], &letter, t_ns);
}
