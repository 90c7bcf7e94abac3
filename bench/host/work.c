/* SPDX-License-Identifier: MIT */
#include "work.h"

#include <stdlib.h>

#include "daemons.h"
#include "programs.h"

#define SOURCES_AT_ONCE 3u

void work_visit(struct world *w, uint64_t t_ns)
{
	const struct visit visit = { .from = places_visitor(w), .requests = 1 + host_zipf(w, 60) };

	web_visit(w, &visit, t_ns);
}

void work_mail(struct world *w, uint64_t t_ns)
{
	const struct lm_address from = places_visitor(w);

	daemon_mail(w, &from, host_zipf(w, USERS), t_ns);
}

/* One line after the other at the shell's terminal. */
static void command(struct proc *p, uint32_t user)
{
	static const enum tool quick[] = { TOOL_LS, TOOL_CAT, TOOL_GREP, TOOL_HEAD, TOOL_WC,
		TOOL_ID, TOOL_PS, TOOL_LS, TOOL_CAT, TOOL_GIT, TOOL_SED, TOOL_SORT, TOOL_FIND };
	struct world *w = p->world;
	const struct places *at = places_of(w);
	struct node *file = area_pick(w, &at->home[user]), *terminal = session_terminal(p);
	uint32_t kind = host_below(w, 100);

	session_type(p);
	if (kind < 10) {
		run_tool(p, TOOL_VIM, area_pick(w, &at->projects[user]), NULL, terminal);
	} else if (kind < 16) {
		run_tool(p, TOOL_PYTHON, file, NULL, terminal);
	} else if (kind < 20) {
		run_tool(p, TOOL_CURL, host_child(w, at->homes[user], "download", 0), NULL,
			terminal);
	} else if (kind < 26) {
		run_tool(p, TOOL_CP, file, area_pick(w, &at->home[user]), terminal);
	} else if (kind < 30) {
		run_tool(p, TOOL_PSQL, NULL, NULL, terminal);
	} else if (kind < 40) {
		struct channel pipe;

		sys_pipe(p, &pipe);
		run_piped(p, TOOL_GREP, file, NULL, &pipe);
		run_piped(p, TOOL_SORT, NULL, &pipe, NULL);
		sys_close_object(p, pipe.object.id);
	} else {
		run_tool(p, quick[host_below(w, sizeof(quick) / sizeof(quick[0]))], file, NULL,
			terminal);
	}
	sys_wait(p);
	session_show(p);
}

static void shell_work(struct proc *p, const struct task *task)
{
	for (uint64_t i = host_between(p->world, 5, 60); i > 0; i--) {
		command(p, (uint32_t)task->number);
		host_sleep(p, host_between(p->world, 2, 60) * HOST_SECOND_NS);
	}
}

/* People come from a few addresses: their own. */
static struct lm_address home_address(struct world *w, uint32_t user)
{
	return address_of(
		0x5e100000 + user * 257 + host_zipf(w, 3), (uint16_t)host_between(w, 32768, 60999));
}

static void begin_session(struct world *w, uint64_t t_ns, script run)
{
	uint32_t user = host_zipf(w, USERS);
	const struct login login = {
		.from = home_address(w, user), .user = user, .run = run, .task = { .number = user }
	};

	daemon_login(w, &login, t_ns);
}

void work_login(struct world *w, uint64_t t_ns)
{
	begin_session(w, t_ns, shell_work);
}

static void compile_some(struct proc *p, const struct area *sources, struct node *objects)
{
	struct world *w = p->world;

	for (uint32_t i = 0; i < SOURCES_AT_ONCE; i++) {
		struct node *source = area_pick(w, sources);
		char name[128];
		struct task task = { .number = TOOL_GCC, .node = source };

		snprintf(name, sizeof(name), "%s.o", source->component);
		task.other = host_child(w, objects, name, 0);
		sys_stat(p, source);
		sys_fork(p, true, tool_main, &task);
	}
	sys_wait(p);
}

static void make_main(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);
	const struct area *sources = &at->projects[task->number];
	struct node *objects = host_child(w, at->homes[task->number], "build", DIR_MODE);
	struct task link = { .number = TOOL_LD, .node = host_child(w, objects, "program", 0) };

	program_start(p, TOOL_MAKE, "make|-j3");
	read_file(p, host_child(w, at->homes[task->number], "Makefile", FILE_MODE), 4000);
	for (uint32_t i = 0; i < sources->count; i++)
		sys_stat(p, sources->files[i]);
	for (uint64_t i = host_between(w, 2, 16); i > 0; i--)
		compile_some(p, sources, objects);
	sys_fork(p, true, tool_main, &link);
	sys_wait(p);
	sys_exit(p, 0);
}

static void build_shell(struct proc *p, const struct task *task)
{
	run_tool(p, TOOL_GIT,
		host_child(p->world, places_of(p->world)->homes[task->number], "FETCH_HEAD", 0),
		NULL, session_terminal(p));
	sys_wait(p);
	for (uint32_t i = 0; i < 2; i++) {
		session_type(p);
		search_path(p, TOOL_MAKE);
		sys_fork(p, true, make_main, task);
		sys_wait(p);
		session_show(p);
		host_sleep(p, host_between(p->world, 20, 400) * HOST_SECOND_NS);
	}
}

void work_build(struct world *w, uint64_t t_ns)
{
	begin_session(w, t_ns, build_shell);
}

/* cron: looks into a few folders, cleans up, sends a mail's worth of text somewhere. */
static void cron_work(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);
	struct channel pipe;

	(void)task;
	run_tool(p, TOOL_FIND, area_pick(w, &at->etc_files), NULL, NULL);
	sys_wait(p);
	sys_pipe(p, &pipe);
	run_piped(p, TOOL_GREP, at->syslog, NULL, &pipe);
	run_piped(p, TOOL_WC, NULL, &pipe, NULL);
	sys_wait(p);
	sys_close_object(p, pipe.object.id);
	if (host_chance(w, 30))
		run_tool(p, TOOL_LOGROTATE, area_pick(w, &at->etc_files), NULL, NULL);
	if (host_chance(w, 30))
		run_tool(p, TOOL_PSQL, NULL, NULL, NULL);
	sys_wait(p);
	append_file(p, host_child(w, at->log, "cron-jobs.log", FILE_MODE), 90);
	sys_exit(p, 0);
}

void work_cron(struct world *w, uint64_t t_ns)
{
	const struct job job = {
		.uid = 0, .command = "cd / && run-parts --report /etc/cron.hourly", .run = cron_work
	};

	daemon_job(w, &job, t_ns);
}

/* A user's own job: numbers from the database into a page of the site. */
static void report_work(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);

	run_tool(p, TOOL_PSQL, NULL, NULL, NULL);
	sys_wait(p);
	run_tool(p, TOOL_PYTHON, area_pick(w, &at->home[task->number]), NULL, NULL);
	sys_wait(p);
	replace_file(p, area_pick(w, &at->sites), ".new", 30000);
	sys_exit(p, 0);
}

void work_report(struct world *w, uint64_t t_ns)
{
	uint32_t user = host_zipf(w, USERS);
	const struct job job = { .uid = USER_UID + user,
		.command = "$HOME/bin/report --publish",
		.run = report_work,
		.task = { .number = user } };

	daemon_job(w, &job, t_ns);
}

static void unpack_package(struct proc *p, const struct channel *pipe, uint32_t files)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);
	const struct area *area = host_chance(w, 30) ? &at->packages : &at->share;

	for (uint32_t i = 0; i < files; i++) {
		struct node *node = area_pick(w, area);
		struct node *fresh =
			host_temporary(w, node->parent, "%s.dpkg-new", node->component);

		sys_stat(p, node);
		sys_pipe_read(p, pipe, 65536);
		write_file(p, fresh, O_EXCL, (int64_t)host_between(w, 500, 150000));
		sys_chmod(p, fresh, 0644);
		sys_utimes(p, fresh);
		sys_rename(p, fresh, node);
		host_forget(fresh);
	}
}

/* dpkg-deb, which reads the archive into dpkg's pipe. */
static void archive_main(struct proc *p, const struct task *task)
{
	sys_dup(p, task->channel.object.id);
	program_start(p, TOOL_DPKG, "dpkg-deb|--fsys-tarfile|package.deb");
	sys_open(p, task->node, O_RDONLY);
	for (uint64_t i = 0; i < task->number; i++) {
		sys_read(p, task->node, 65536);
		sys_pipe_write(p, &task->channel, 65536);
	}
	sys_close(p, task->node);
	sys_exit(p, 0);
}

static void dpkg_main(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct task archive = { .node = task->node };
	uint32_t files = (uint32_t)host_between(w, 20, 400);

	program_start(p, TOOL_DPKG, "/usr/bin/dpkg|--status-fd|35|--unpack|package.deb");
	read_file(p, host_node(w, "/var/lib/dpkg/status", FILE_MODE), 900000);
	archive.number = files;
	sys_pipe(p, &archive.channel);
	sys_fork(p, true, archive_main, &archive);
	unpack_package(p, &archive.channel, files);
	sys_wait(p);
	sys_close_object(p, archive.channel.object.id);
	replace_file(p, host_node(w, "/var/lib/dpkg/status", FILE_MODE), "-new", 900000);
	append_file(p, host_node(w, "/var/log/dpkg.log", FILE_MODE), 300);
	sys_exit(p, 0);
}

/* The one that everybody's programs read from then on. */
static void ldconfig_main(struct proc *p, const struct task *task)
{
	const struct places *at = places_of(p->world);

	(void)task;
	program_start(p, TOOL_LDCONFIG, "/sbin/ldconfig");
	for (size_t i = 0; i < LIB_COUNT; i++) {
		sys_stat(p, at->libraries[i]);
		read_file(p, at->libraries[i], 64);
	}
	replace_file(p, at->cache, "~", 21000);
	sys_exit(p, 0);
}

static void upgrade_work(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct node *archives = host_node(w, "/var/cache/apt/archives", DIR_MODE);

	(void)task;
	program_start(p, TOOL_APT, "/usr/bin/apt-get|-qq|-y|dist-upgrade");
	for (uint64_t i = host_between(w, 1, 12); i > 0; i--) {
		struct node *package = host_temporary(w, archives, "lib%06llx_1.%u_amd64.deb",
			(unsigned long long)(host_random(w) & 0xffffff), host_below(w, 99));
		const struct lm_address mirror = address_of(0x97650084, 80);
		struct task child = { .node = package };
		struct channel socket;

		look_up_host(p);
		sys_connect(p, &socket, &mirror, NULL, 0);
		sys_send(p, &socket, 200);
		sys_open(p, package, O_WRONLY | O_CREAT | O_EXCL);
		for (uint64_t n = host_between(w, 5, 60); n > 0; n--) {
			sys_recv(p, &socket, 16384);
			sys_write(p, package, 16384);
		}
		sys_close(p, package);
		sys_close_object(p, socket.object.id);
		sys_fork(p, true, dpkg_main, &child);
		sys_wait(p);
		sys_unlink(p, package);
		host_forget(package);
	}
	sys_fork(p, true, ldconfig_main, NULL);
	sys_wait(p);
	sys_exit(p, 0);
}

void work_upgrade(struct world *w, uint64_t t_ns)
{
	const struct job job = {
		.uid = 0, .command = "/usr/lib/apt/apt.systemd.daily", .run = upgrade_work
	};

	daemon_job(w, &job, t_ns);
}

static void copy_area(struct proc *p, const struct area *area, const struct channel *pipe)
{
	for (uint32_t i = 0; i < area->count; i++) {
		if (area->files[i]->mode == 0)
			continue;
		read_file(p, area->files[i], (int64_t)host_between(p->world, 100, 60000));
		if (pipe && i % 3 == 0)
			sys_pipe_write(p, pipe, 10240);
	}
}

static void tar_main(struct proc *p, const struct task *task)
{
	const struct places *at = places_of(p->world);

	sys_dup(p, task->channel.object.id);
	program_start(p, TOOL_TAR, "tar|-cf|-|/home|/etc|/var/www");
	for (uint32_t i = 0; i < USERS; i++) {
		if (host_chance(p->world, 40))
			copy_area(p, &at->home[i], &task->channel);
	}
	copy_area(p, &at->etc_files, &task->channel);
	copy_area(p, &at->sites, &task->channel);
	sys_exit(p, 0);
}

static void compress_main(struct proc *p, const struct task *task)
{
	sys_dup(p, task->channel.object.id);
	program_start(p, TOOL_GZIP, "gzip|-9");
	sys_open(p, task->node, O_WRONLY | O_CREAT);
	for (uint32_t i = 0; i < 600; i++) {
		sys_pipe_read(p, &task->channel, 32768);
		if (i % 3 == 0)
			sys_write(p, task->node, 32768);
	}
	sys_pipe_read(p, &task->channel, 0);
	sys_close(p, task->node);
	sys_exit(p, 0);
}

/* Reads what everybody has, and sends it away: who touched anything is behind it. */
static void send_backup(struct proc *p, struct node *archive)
{
	const struct lm_address store = address_of(0x0a000064, 873);
	struct channel socket;

	sys_connect(p, &socket, &store, NULL, 0);
	sys_open(p, archive, O_RDONLY);
	for (uint32_t i = 0; i < 80; i++)
		sys_copy(p, archive->file, socket.object.id, 262144);
	sys_close(p, archive);
	sys_close_object(p, socket.object.id);
}

static void backup_work(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct node *folder = host_node(w, "/srv/backup", DIR_MODE);
	struct task child = { .number = 0 };
	char name[64];

	(void)task;
	snprintf(name, sizeof(name), "daily-%llu-%u.tar.gz",
		(unsigned long long)(p->now_ns / HOST_DAY_NS), p->pid);
	child.node = host_child(w, folder, name, 0);
	sys_pipe(p, &child.channel);
	sys_fork(p, false, tar_main, &child);
	sys_fork(p, false, compress_main, &child);
	sys_close_object(p, child.channel.object.id);
	sys_wait(p);
	send_backup(p, child.node);
	sys_exit(p, 0);
}

void work_backup(struct world *w, uint64_t t_ns)
{
	const struct job job = {
		.uid = 0, .command = "/usr/local/sbin/backup", .run = backup_work
	};

	daemon_job(w, &job, t_ns);
}
