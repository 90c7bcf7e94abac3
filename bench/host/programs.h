/* SPDX-License-Identifier: MIT */
#pragma once

#include "places.h"

/* Programs of the host, and what each does whoever runs it. */
enum tool {
	TOOL_SH,
	TOOL_BASH,
	TOOL_LS,
	TOOL_CAT,
	TOOL_CP,
	TOOL_MV,
	TOOL_RM,
	TOOL_MKDIR,
	TOOL_CHMOD,
	TOOL_GREP,
	TOOL_SED,
	TOOL_SORT,
	TOOL_HEAD,
	TOOL_WC,
	TOOL_FIND,
	TOOL_TAR,
	TOOL_GZIP,
	TOOL_BASE64,
	TOOL_CURL,
	TOOL_GIT,
	TOOL_MAKE,
	TOOL_GCC,
	TOOL_CC1,
	TOOL_AS,
	TOOL_LD,
	TOOL_VIM,
	TOOL_PS,
	TOOL_ID,
	TOOL_SUDO,
	TOOL_PYTHON,
	TOOL_PERL,
	TOOL_PSQL,
	TOOL_RSYNC,
	TOOL_SSHD,
	TOOL_DPKG,
	TOOL_APT,
	TOOL_LDCONFIG,
	TOOL_LOGROTATE,
	TOOL_RUN_PARTS,
	TOOL_IMAP,
	TOOL_EXIM,
	TOOL_COUNT,
};

struct program {
	const char *path;
	uint8_t libraries[24];
	bool locale; /* calls setlocale(3) */
	bool users;  /* looks users up: nsswitch.conf, passwd */
};

struct node *program_node(struct world *w, enum tool tool);
const char *program_path(enum tool tool);

/** exec, the loader's and the C library's work before main(). */
void program_start(struct proc *p, enum tool tool, const char *argv);
/** The same of a program that is none of Debian's: needs the C library. */
void program_start_at(struct proc *p, struct node *program, const char *argv);
/** A "#!/bin/sh" script. */
void program_start_script(struct proc *p, struct node *node, const char *argv);

/** open, fstat, read, close. */
void read_file(struct proc *p, struct node *node, int64_t bytes);
/** Open for writing (made where it is not there), write, close. */
void write_file(struct proc *p, struct node *node, uint32_t flags, int64_t bytes);
void append_file(struct proc *p, struct node *node, int64_t bytes);
/** What editors and careful programs do: a new file, renamed over the old one. */
void replace_file(struct proc *p, struct node *node, const char *suffix, int64_t bytes);
void look_up_user(struct proc *p);
void look_up_host(struct proc *p);

/** Fork, run `tool` on `node` (and `other`), and go on: sys_wait() to wait for it. */
void run_tool(struct proc *p, enum tool tool, struct node *node, struct node *other,
	struct node *terminal);
/** The same between two pipes. */
void run_piped(struct proc *p, enum tool tool, struct node *node, const struct channel *in,
	const struct channel *out);
/** Search PATH as a shell does before it forks. */
void search_path(struct proc *p, enum tool tool);

/** What the program does once it runs, up to its exit. */
void tool_main(struct proc *p, const struct task *task);
