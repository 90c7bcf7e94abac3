/* SPDX-License-Identifier: MIT */
#pragma once

#include "places.h"

/*
 * The daemons of the host, each a process (or several) for as long as the log goes on. They serve
 * whoever asks, the intruder too.
 */
struct daemons {
	struct places *places;
	struct proc *init;
	struct web *web;
	struct database *database;
	struct system_log *system_log;
	struct logins *logins;
	struct cron *cron;
	struct post *post;
};

void daemons_start(struct world *w);

/* A queue with one reader. */
struct letter {
	struct task task;
	struct proc *from; /* waits for host_wake(); NULL: nobody does */
	uint64_t inode, peer;
	struct lm_address address;
};

struct mailbox {
	struct proc *reader;
	struct letter *at;
	uint32_t first, count, capacity;
	bool waited_for;
};

void mailbox_put(struct mailbox *box, const struct letter *letter, uint64_t t_ns);
/** Waits for one. */
void mailbox_take(struct proc *p, struct mailbox *box, struct letter *ret_letter);

/* The web server: four workers, a pool of PHP processes, a server of CGI scripts. */
struct visit {
	struct lm_address from;
	uint32_t requests;
	struct attack *attack; /* the first request is his */
	script cgi;            /* what his request makes a script do */
	struct task task;
};
void web_visit(struct world *w, const struct visit *visit, uint64_t t_ns);

/* The database: a process for each connection. */
void daemon_query_begin(struct proc *p, struct channel *ret_connection);
void daemon_query(struct proc *p, struct channel *connection, bool changes);
void daemon_query_end(struct proc *p, struct channel *connection);

/** syslog(3): a message to the log daemon, who appends it to one of its files. */
void daemon_log(struct proc *p, struct node *file);

/* Logins by ssh: a shell at a terminal that runs `run`. */
struct login {
	struct lm_address from;
	uint32_t user; /* USERS: root */
	struct attack *attack;
	struct attack *carries; /* the user's own login, with something of an intruder's in it */
	script run;             /* in the shell's place, after its start */
	struct task task;
};
void daemon_login(struct world *w, const struct login *login, uint64_t t_ns);
/** A line typed at the shell's terminal has come over the network. */
void session_type(struct proc *p);
struct node *session_terminal(const struct proc *p);
/** What was written to the terminal goes back. */
void session_show(struct proc *p);

/* cron: a shell for each job. */
struct job {
	uint32_t uid;
	const char *command;
	struct node *table; /* that the daemon reads it from; NULL: it knows it already */
	struct attack *attack;
	script run; /* in the shell's place, up to its exit */
	struct task task;
};
void daemon_job(struct world *w, const struct job *job, uint64_t t_ns);

/* The mail server. */
void daemon_mail(struct world *w, const struct lm_address *from, uint32_t user, uint64_t t_ns);
