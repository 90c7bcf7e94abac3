/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "programs.h"
#include "services.h"
#include "truth.h"

/*
 * sshd: for each login a process that checks it, one that carries it without privilege, and a
 * shell at a pseudo terminal. What is typed comes through the terminal's master.
 */
#define TERMINAL_MAJOR 136u

enum wish { WISH_LINE, WISH_OUTPUT, WISH_END };

struct session {
	struct mailbox wishes; /* of the shell */
	struct channel socket;
	struct node *terminal;
	struct proc *shell;
	struct login *login;
	bool shell_waits;
};

struct logins {
	struct mailbox incoming;
	struct channel listener;
};

static void ask_session(struct proc *p, enum wish wish)
{
	const struct letter letter = { .task = { .number = wish }, .from = p };

	mailbox_put(&p->session->wishes, &letter, p->now_ns);
	if (wish == WISH_END)
		return;
	host_block(p);
}

void session_type(struct proc *p)
{
	ask_session(p, WISH_LINE);
	STEP(p, sys_read(p, p->session->terminal, 12));
}

void session_show(struct proc *p)
{
	sys_write(p, p->session->terminal, 80);
	ask_session(p, WISH_OUTPUT);
}

struct node *session_terminal(const struct proc *p)
{
	return p->session->terminal;
}

static void master_event(struct proc *p, const struct node *terminal, uint16_t op)
{
	host_event(p, (struct lm_event){ .op = op,
			      .call = op == LM_OP_WRITE,
			      .flags = LM_EVENT_MASTER,
			      .object = terminal->file,
			      .result = 12 });
}

static void shell_main(struct proc *p, const struct task *task)
{
	struct session *session = task->session;
	const struct places *at = places_of(p->world);
	struct login *login = session->login;
	struct node *home = login->user < USERS ? at->homes[login->user]
						: host_node(p->world, "/root", S_IFDIR | 0700);
	struct node *history = host_child(p->world, home, ".bash_history", FILE_MODE);

	p->session = session;
	p->locale = true;
	sys_dup(p, session->terminal->file);
	sys_chdir(p, home);
	program_start(p, TOOL_BASH, "-bash");
	read_file(p, host_node(p->world, "/etc/profile", FILE_MODE), 769);
	read_file(p, host_child(p->world, home, ".bashrc", FILE_MODE), 3526);
	read_file(p, history, 12000);
	login->run(p, &login->task);
	append_file(p, history, 200);
	ask_session(p, WISH_END);
	sys_exit(p, 0);
}

static void carry(struct proc *p, struct session *session)
{
	struct letter letter;

	for (;;) {
		mailbox_take(p, &session->wishes, &letter);
		if (letter.task.number == WISH_END)
			return;
		if (letter.task.number == WISH_LINE) {
			STEP(p, sys_recv(p, &session->socket, 52));
			STEP(p, master_event(p, session->terminal, LM_OP_WRITE));
		} else {
			master_event(p, session->terminal, LM_OP_READ);
			sys_send(p, &session->socket, 180);
		}
		host_wake(letter.from, p->now_ns);
	}
}

/* Without privilege. */
static void carrier_main(struct proc *p, const struct task *task)
{
	struct session *session = task->session;
	struct task child = { .session = session };

	sys_setuid(p, session->login->user < USERS ? USER_UID + session->login->user : 0);
	sys_fork(p, false, shell_main, &child);
	carry(p, session);
	sys_wait(p);
	sys_close_object(p, session->socket.object.id);
	sys_exit(p, 0);
}

/* The lowest number that is free, as the kernel does; each opening makes another inode. */
static struct node *take_terminal(struct proc *p)
{
	struct world *w = p->world;
	uint64_t *used = &w->daemons->places->terminals;
	uint32_t number = (uint32_t)__builtin_ctzll(~*used);
	struct node *terminal;
	char path[32];

	host_must(~*used ? 0 : -ENOSPC, "terminals");
	*used |= UINT64_C(1) << number;
	snprintf(path, sizeof(path), "/dev/pts/%u", number);
	terminal = host_node(w, path, S_IFCHR | 0620);
	terminal->rdev = TERMINAL_MAJOR << 20 | number;
	terminal->file = 0;
	terminal->inode = 0;
	host_tell_file(w, terminal, p->now_ns);
	return terminal;
}

static void give_terminal(struct proc *p, const struct node *terminal)
{
	p->world->daemons->places->terminals &= ~(UINT64_C(1) << (terminal->rdev & 0xfffff));
}

static void check_login(struct proc *p, struct session *session)
{
	const struct places *at = places_of(p->world);

	read_file(p, host_node(p->world, "/etc/ssh/sshd_config", FILE_MODE), 3200);
	read_file(p, host_node(p->world, "/etc/ssh/ssh_host_ed25519_key", S_IFREG | 0600), 411);
	for (uint32_t i = 0; i < 5; i++) {
		STEP(p, sys_recv(p, &session->socket, 900));
		sys_send(p, &session->socket, 900);
	}
	read_file(p, host_node(p->world, "/etc/pam.d/sshd", FILE_MODE), 2133);
	look_up_user(p);
	read_file(p, at->shadow, 1300);
	daemon_log(p, at->auth_log);
	append_file(p, at->wtmp, 384);
	sys_open(p, at->utmp, O_RDWR);
	sys_read(p, at->utmp, 384);
	sys_pwrite(p, at->utmp, 384);
	sys_close(p, at->utmp);
	sys_open(p, at->lastlog, O_RDWR);
	sys_pwrite(p, at->lastlog, 292);
	sys_close(p, at->lastlog);
}

static void session_main(struct proc *p, const struct task *task)
{
	struct session *session = task->session;
	struct task child = { .session = session };

	program_start(p, TOOL_SSHD, "/usr/sbin/sshd|-D|-R");
	check_login(p, session);
	session->terminal = take_terminal(p);
	sys_open(p, host_node(p->world, "/dev/ptmx", S_IFCHR | 0666), O_RDWR);
	sys_fork(p, false, carrier_main, &child);
	sys_wait(p);
	daemon_log(p, places_of(p->world)->auth_log);
	append_file(p, places_of(p->world)->wtmp, 384);
	sys_close_object(p, session->socket.object.id);
	give_terminal(p, session->terminal);
	free(session->wishes.at);
	free(session->login);
	free(session);
	sys_exit(p, 0);
}

static void logins_main(struct proc *p, const struct task *task)
{
	struct logins *logins = p->world->daemons->logins;
	struct letter letter;

	(void)task;
	for (;;) {
		struct task child = { .session = host_allocate(sizeof(struct session)) };
		struct session *session = child.session;

		mailbox_take(p, &logins->incoming, &letter);
		session->login = letter.task.login;
		p->attack = session->login->attack;
		STEP(p, sys_accept(p, &logins->listener, &session->socket, &session->login->from,
				socket_inode(p->world), 0));
		if (p->attack) {
			truth_process(p->attack, p, ROLE_CARRIER);
			truth_socket(p->attack, &session->socket, ROLE_ATTACK);
			truth_entry(p->attack, session->socket.object.id);
		}
		p->carries = session->login->carries;
		if (p->carries) {
			truth_process(p->carries, p, ROLE_CARRIER);
			truth_socket(p->carries, &session->socket, ROLE_CARRIER);
		}
		sys_fork(p, false, session_main, &child);
		p->attack = p->carries = NULL;
	}
}

void daemon_login(struct world *w, const struct login *login, uint64_t t_ns)
{
	struct letter letter = { .task = { .login = host_allocate(sizeof(*login)) } };

	*letter.task.login = *login;
	mailbox_put(&w->daemons->logins->incoming, &letter, t_ns);
}

void logins_start(struct world *w)
{
	const struct lm_address ssh = address_of(0, 22);
	struct proc *p;

	w->daemons->logins = host_allocate(sizeof(struct logins));
	p = proc_found(w, "/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener]", 0,
		w->daemons->init, logins_main, NULL);
	sys_listen(p, &w->daemons->logins->listener, &ssh, NULL);
}
