/* SPDX-License-Identifier: MIT */
#include "programs.h"

#include <stdio.h>

#include "daemons.h"
#include "truth.h"

/* What each program does between its start and its exit. */
static void put_out(struct proc *p, const struct task *task, int64_t bytes)
{
	if (task->second.object.id)
		sys_pipe_write(p, &task->second, bytes);
	else if (task->terminal)
		sys_write(p, task->terminal, bytes);
}

static void take_in(struct proc *p, const struct task *task)
{
	uint64_t pieces = host_between(p->world, 1, 5);

	if (!task->channel.object.id)
		return;
	for (uint64_t i = 0; i < pieces; i++)
		sys_pipe_read(p, &task->channel, 4096);
	sys_pipe_read(p, &task->channel, 0);
}

static void read_all(struct proc *p, const struct task *task)
{
	take_in(p, task);
	if (task->node)
		read_file(p, task->node, (int64_t)host_between(p->world, 200, 90000));
	put_out(p, task, 4096);
}

static void list(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct node *dir = task->node->parent ? task->node->parent : w->root;

	sys_open(p, dir, O_RDONLY | O_DIRECTORY);
	sys_fstat(p, dir);
	sys_readdir(p, dir);
	sys_close(p, dir);
	for (uint64_t i = host_between(w, 3, 25); i > 0; i--)
		sys_stat(p, area_pick(w, &places_of(w)->share));
	put_out(p, task, 900);
}

static void walk_tree(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct area *area = &places_of(w)->home[task->number % USERS];
	uint64_t folders = host_between(w, 5, 40);

	for (uint64_t i = 0; i < folders; i++) {
		struct node *dir = area_pick(w, area)->parent;

		sys_open(p, dir, O_RDONLY | O_DIRECTORY);
		sys_readdir(p, dir);
		sys_close(p, dir);
		for (uint32_t n = 0; n < 6; n++)
			sys_stat(p, area_pick(w, area));
	}
	put_out(p, task, 3000);
}

static void edit(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct node *swap;

	for (uint32_t i = 0; i < 30; i++)
		read_file(p, area_pick(w, &places_of(w)->share), 2400);
	read_file(p, task->node, 9000);
	swap = host_temporary(w, task->node->parent, ".%s.swp", task->node->component);
	write_file(p, swap, O_EXCL, 4096);
	for (uint64_t i = host_between(w, 3, 20); i > 0; i--) {
		host_sleep(p, host_between(w, 1, 20) * HOST_SECOND_NS);
		sys_read(p, task->terminal, 1);
		sys_write(p, task->terminal, 60);
		sys_pwrite(p, swap, 4096);
	}
	replace_file(p, task->node, "~", 9100);
	sys_unlink(p, swap);
	host_forget(swap);
}

static void fetch(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct lm_address remote = address_of(0x97650000 + host_zipf(w, 300), 443);
	struct channel socket;

	look_up_host(p);
	sys_connect(p, &socket, &remote, NULL, 0);
	sys_send(p, &socket, 517);
	for (uint64_t i = host_between(w, 2, 12); i > 0; i--) {
		sys_recv(p, &socket, 1400);
		if (task->node && i == 1)
			write_file(p, task->node, O_TRUNC, 16000);
	}
	sys_close_object(p, socket.object.id);
	put_out(p, task, 300);
}

static void link_objects(struct proc *p, const struct task *task)
{
	struct world *w = p->world;

	for (uint64_t i = host_between(w, 4, 20); i > 0; i--)
		read_file(p, area_pick(w, &places_of(w)->packages), 60000);
	sys_open(p, task->node, O_RDWR | O_CREAT | O_TRUNC);
	for (uint32_t i = 0; i < 40; i++)
		sys_write(p, task->node, 4096);
	sys_chmod(p, task->node, 0755);
	sys_close(p, task->node);
}

/* Each component of each candidate is looked at with readlink(2): most of a compiler's calls. */
static void compile(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);
	uint64_t headers = host_between(w, 8, 45);

	read_file(p, task->node, 12000);
	for (uint64_t i = 0; i < headers; i++) {
		struct node *header = area_pick(w, &at->headers);

		sys_stat(p, header->parent->parent);
		sys_stat(p, header->parent);
		sys_stat(p, header);
		sys_open(p, header, O_RDONLY);
		sys_fstat(p, header);
		sys_read(p, header, 3700);
		sys_close(p, header);
		sys_stat(p, header->parent);
	}
	write_file(p, task->other, 0, (int64_t)host_between(w, 4000, 200000));
}

static void drive_compiler(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct node *assembly = host_temporary(w, places_of(w)->tmp, "cc%06llx.s",
		(unsigned long long)(host_random(w) & 0xffffff));
	struct task first = { .number = TOOL_CC1, .node = task->node, .other = assembly };
	struct task second = { .number = TOOL_AS, .node = assembly, .other = task->other };

	sys_stat(p, program_node(w, TOOL_CC1));
	write_file(p, assembly, O_EXCL, 0);
	sys_fork(p, true, tool_main, &first);
	sys_wait(p);
	search_path(p, TOOL_AS);
	sys_fork(p, true, tool_main, &second);
	sys_wait(p);
	sys_unlink(p, assembly);
	host_forget(assembly);
}

static void assemble(struct proc *p, const struct task *task)
{
	read_file(p, task->node, 90000);
	write_file(p, task->other, O_TRUNC, 30000);
}

static void copy_file(struct proc *p, const struct task *task)
{
	sys_stat(p, task->node);
	sys_stat(p, task->other);
	if (!sys_open(p, task->node, O_RDONLY))
		return;
	sys_fstat(p, task->node);
	sys_open(p, task->other, O_WRONLY | O_CREAT | O_TRUNC);
	sys_copy(p, task->node->file, task->other->file, 20000);
	sys_close(p, task->other);
	sys_close(p, task->node);
}

static void pack(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct area *area = &places_of(w)->home[host_below(w, USERS)];

	for (uint64_t i = host_between(w, 10, 60); i > 0; i--)
		read_file(p, area_pick(w, area), 20000);
	if (task->node)
		write_file(p, task->node, O_TRUNC, 400000);
	put_out(p, task, 65536);
}

static void import_modules(struct proc *p, const struct task *task)
{
	struct world *w = p->world;

	for (uint32_t i = 0; i < 40; i++) {
		struct node *module = area_pick(w, &places_of(w)->packages);

		sys_stat(p, module->parent);
		sys_stat(p, module);
		read_file(p, module, 9000);
	}
	if (task->node)
		read_file(p, task->node, 2000);
	put_out(p, task, 500);
}

static void ask_database(struct proc *p, const struct task *task)
{
	struct channel connection;

	daemon_query_begin(p, &connection);
	for (uint64_t i = host_between(p->world, 1, 8); i > 0; i--)
		daemon_query(p, &connection, i % 3 == 0);
	daemon_query_end(p, &connection);
	put_out(p, task, 700);
}

static void act(struct proc *p, const struct task *task)
{
	struct node *node = task->node;

	switch ((enum tool)task->number) {
	case TOOL_LS:
		list(p, task);
		break;
	case TOOL_MV:
		sys_stat(p, node);
		sys_rename(p, node, task->other);
		break;
	case TOOL_CP:
		copy_file(p, task);
		break;
	case TOOL_RM:
		sys_stat(p, node);
		sys_unlink(p, node);
		break;
	case TOOL_CHMOD:
		sys_stat(p, node);
		sys_chmod(p, node, 0755);
		break;
	case TOOL_MKDIR:
		sys_mkdir(p, node);
		break;
	case TOOL_FIND:
		walk_tree(p, task);
		break;
	case TOOL_VIM:
		edit(p, task);
		break;
	case TOOL_CURL:
	case TOOL_GIT:
		fetch(p, task);
		break;
	case TOOL_CC1:
		compile(p, task);
		break;
	case TOOL_AS:
		assemble(p, task);
		break;
	case TOOL_GCC:
		drive_compiler(p, task);
		break;
	case TOOL_LD:
		link_objects(p, task);
		break;
	case TOOL_TAR:
		pack(p, task);
		break;
	case TOOL_PYTHON:
	case TOOL_PERL:
		import_modules(p, task);
		break;
	case TOOL_PSQL:
		ask_database(p, task);
		break;
	default:
		read_all(p, task);
	}
}

void tool_main(struct proc *p, const struct task *task)
{
	char argv[400];

	if (task->channel.object.id)
		sys_dup(p, task->channel.object.id);
	if (task->second.object.id)
		sys_dup(p, task->second.object.id);
	snprintf(argv, sizeof(argv), "%s|%s", program_path((enum tool)task->number),
		task->node ? task->node->component : "-v");
	program_start(p, (enum tool)task->number, argv);
	act(p, task);
	sys_exit(p, host_chance(p->world, 4) ? 1 : 0);
}
