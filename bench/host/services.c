/* SPDX-License-Identifier: MIT */
#include "services.h"

#include <stdlib.h>

#include "database.h"
#include "programs.h"
#include "truth.h"
#include "web.h"

/* The log daemon, cron, the mail server, and the one that started them all. */

/* rsyslogd: one thread hears, another writes. */
static void log_writer_main(struct proc *p, const struct task *task)
{
	struct system_log *log = p->world->daemons->system_log;
	struct letter letter;

	(void)task;
	for (;;) {
		mailbox_take(p, &log->lines, &letter);
		if (letter.task.node->mode == 0) /* somebody has removed it */
			sys_open(p, letter.task.node, O_WRONLY | O_CREAT | O_APPEND);
		sys_write(p, letter.task.node, (int64_t)host_between(p->world, 60, 300));
	}
}

static void log_main(struct proc *p, const struct task *task)
{
	struct system_log *log = p->world->daemons->system_log;
	struct letter letter;

	(void)task;
	sys_open(p, places_of(p->world)->auth_log, O_WRONLY | O_APPEND);
	sys_open(p, places_of(p->world)->syslog, O_WRONLY | O_APPEND);
	sys_thread(p, log_writer_main, NULL);
	for (;;) {
		mailbox_take(p, &log->messages, &letter);
		sys_recv(p, &log->socket, 180);
		mailbox_put(&log->lines, &letter, p->now_ns);
	}
}

void daemon_log(struct proc *p, struct node *file)
{
	struct system_log *log = p->world->daemons->system_log;
	const struct lm_address address = { .family = LM_AF_UNIX, .path = LM_STR("/dev/log") };
	const struct letter letter = { .task = { .node = file } };
	struct channel socket;

	sys_connect(p, &socket, &address, log->path, log->socket.object.socket.inode);
	sys_send(p, &socket, 180);
	mailbox_put(&log->messages, &letter, p->now_ns);
	sys_close_object(p, socket.object.id);
}

static void log_start(struct world *w)
{
	const struct lm_address address = { .family = LM_AF_UNIX, .path = LM_STR("/dev/log") };
	struct proc *p;

	w->daemons->system_log = host_allocate(sizeof(struct system_log));
	w->daemons->system_log->path = host_node(w, "/dev/log", S_IFSOCK | 0666);
	p = proc_found(w, "/usr/sbin/rsyslogd", "/usr/sbin/rsyslogd|-n|-iNONE", 0, w->daemons->init,
		log_main, NULL);
	sys_listen(p, &w->daemons->system_log->socket, &address, w->daemons->system_log->path);
}

/* A job runs in a shell of its own; the daemon's own child, in between, is the daemon still. */
static void job_shell(struct proc *p, const struct task *task)
{
	struct job *job = task->job;
	char argv[300];

	sys_setuid(p, job->uid);
	snprintf(argv, sizeof(argv), "/bin/sh|-c|%s", job->command);
	program_start(p, TOOL_SH, argv);
	job->run(p, &job->task);
	free(job);
}

static void job_monitor(struct proc *p, const struct task *task)
{
	p->carries = NULL;
	look_up_user(p);
	daemon_log(p, places_of(p->world)->syslog);
	sys_fork(p, false, job_shell, task);
	sys_wait(p);
	sys_exit(p, 0);
}

static void cron_main(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct letter letter;

	(void)task;
	for (;;) {
		mailbox_take(p, &w->daemons->cron->jobs, &letter);
		sys_stat(p, w->daemons->cron->table);
		p->attack = letter.task.job->attack;
		if (p->attack)
			truth_process(p->attack, p, ROLE_CARRIER);
		/* A job of the intruder's was read from a file that he wrote. */
		if (p->attack && letter.task.job->table)
			STEP(p, read_file(p, letter.task.job->table, 90));
		p->carries = p->attack;
		sys_fork(p, false, job_monitor, &letter.task);
		p->attack = p->carries = NULL;
	}
}

void daemon_job(struct world *w, const struct job *job, uint64_t t_ns)
{
	struct letter letter = { .task = { .job = host_allocate(sizeof(*job)) } };

	*letter.task.job = *job;
	mailbox_put(&w->daemons->cron->jobs, &letter, t_ns);
}

static void cron_start(struct world *w)
{
	w->daemons->cron = host_allocate(sizeof(struct cron));
	w->daemons->cron->table = host_node(w, "/var/spool/cron/crontabs", DIR_MODE);
	proc_found(w, "/usr/sbin/cron", "/usr/sbin/cron|-f", 0, w->daemons->init, cron_main, NULL);
}

/* exim: a process for each connection, which spools, and one that delivers. */
static void deliver_main(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);
	struct node *home = at->homes[task->number];
	struct node *box = host_child(w, host_child(w, home, "Maildir", DIR_MODE), "new", DIR_MODE);
	struct node *scratch = host_child(w, box->parent, "tmp", DIR_MODE);
	struct node *mail = host_temporary(w, scratch, "%llu.H%uP%u",
		(unsigned long long)(p->now_ns / HOST_SECOND_NS), p->pid & 0xffff, p->pid);
	char name[64];

	look_up_user(p);
	sys_setuid(p, USER_UID + (uint32_t)task->number);
	read_file(p, task->node, 9000);
	write_file(p, mail, O_EXCL, 9200);
	snprintf(name, sizeof(name), "%s", mail->component);
	sys_rename(p, mail, host_child(w, box, name, 0));
	host_forget(mail);
	append_file(p, at->mail_log, 200);
	sys_exit(p, 0);
}

static void receive_main(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);
	struct task child = { .number = task->number };
	struct node *data;

	data = host_temporary(w, at->spool, "1t%06llx-%06x-D",
		(unsigned long long)(host_random(w) & 0xffffff), p->pid);
	for (uint32_t i = 0; i < 5; i++) {
		sys_recv(p, &task->channel, 60);
		sys_send(p, &task->channel, 40);
	}
	look_up_host(p);
	sys_open(p, data, O_WRONLY | O_CREAT | O_EXCL);
	for (uint64_t i = host_between(w, 1, 12); i > 0; i--) {
		sys_recv(p, &task->channel, 1400);
		sys_write(p, data, 1400);
	}
	sys_close(p, data);
	append_file(p, at->mail_log, 180);
	child.node = data;
	sys_fork(p, false, deliver_main, &child);
	sys_wait(p);
	sys_unlink(p, data);
	host_forget(data);
	sys_close_object(p, task->channel.object.id);
	sys_exit(p, 0);
}

static void post_main(struct proc *p, const struct task *task)
{
	struct post *post = p->world->daemons->post;
	struct letter letter;

	(void)task;
	for (;;) {
		struct task child = { .number = 0 };

		mailbox_take(p, &post->incoming, &letter);
		child.number = letter.task.number;
		sys_accept(p, &post->listener, &child.channel, &letter.address,
			socket_inode(p->world), 0);
		sys_fork(p, false, receive_main, &child);
		sys_close_object(p, child.channel.object.id);
	}
}

void daemon_mail(struct world *w, const struct lm_address *from, uint32_t user, uint64_t t_ns)
{
	const struct letter letter = { .task = { .number = user }, .address = *from };

	mailbox_put(&w->daemons->post->incoming, &letter, t_ns);
}

static void post_start(struct world *w)
{
	const struct lm_address smtp = address_of(0, 25);
	struct proc *p;

	w->daemons->post = host_allocate(sizeof(struct post));
	p = proc_found(w, "/usr/sbin/exim4", "/usr/sbin/exim4|-bd|-q30m", 101, w->daemons->init,
		post_main, NULL);
	sys_listen(p, &w->daemons->post->listener, &smtp, NULL);
}

static void init_main(struct proc *p, const struct task *task)
{
	(void)task;
	host_block(p);
}

const struct places *places_of(const struct world *w)
{
	return w->daemons->places;
}

void daemons_start(struct world *w)
{
	w->daemons = host_allocate(sizeof(*w->daemons));
	w->daemons->places = places_new(w);
	w->daemons->init =
		proc_found(w, "/usr/lib/systemd/systemd", "/sbin/init", 0, NULL, init_main, NULL);
	log_start(w);
	cron_start(w);
	post_start(w);
	database_start(w);
	logins_start(w);
	web_start(w);
}
