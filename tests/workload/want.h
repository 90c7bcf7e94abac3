/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What a workload program shares. Such a program makes system calls of one
 * family in a directory (argv[1], absolute), and after each states what the log
 * must hold about it. The statements are collected in memory that all its
 * processes share and printed at the very end, one JSON object a line, to
 * argv[2] or to standard output: between want_begin() and want_end() the
 * programs do nothing that they do not state.
 *
 * Calls go through syscall(2), because the C library often makes another call
 * than the one it is asked for. The programs are linked statically for the same
 * reason: a dynamic loader has a file history of its own.
 */
struct want {
	const char *op;      /* its name; "a|b": either will do */
	const char *path;    /* relative ones start at argv[1]; "." is argv[1]; NULL: not stated */
	const char *path2;
	int fd, fd2;         /* its kernel identity is stated for the object; 0: not stated */
	const char *local;   /* addresses, "127.0.0.1:80", "[::1]:80", "/path", "@abstract" */
	const char *remote;
	const char *label;   /* of memory */
	const char *flag;    /* a word that the event's flags must hold */
	const char *claimed; /* instead of path: stands as handed in, because it leads nowhere */
	const char *names;   /* either path of the event is this one */
	const char *exe;     /* the actor's program */
	const char *call;    /* default: the last CALL() of this thread; "": not stated */
	pid_t target;        /* process that the event acts on */
	pid_t pid, tid;      /* default: the caller */
	pid_t ppid;
	long arg;            /* stated with has_arg */
	long result;         /* stated with has_result; default: that of the last CALL() */
	int has_arg, has_result;
	int no_result;       /* result is not stated */
	int no_uid;          /* uid is not stated: it is being changed */
	int with;            /* same call as the statement before: either order will do */
	int may;             /* the log may hold it or not */
};

/* Map the statements' memory, chdir to argv[1] (stated: the log's side starts there). */
void want_begin(int argc, char **argv);
/* Print the statements, exit. */
void want_end(void) __attribute__((noreturn));

void want_add(const struct want *want);
#define WANT(...) want_add(&(struct want){ __VA_ARGS__ })

/* A raw system call: its result or -errno, remembered for the next WANT() of this thread. */
long want_called(const char *call, long result);
#define CALL(name, ...) want_called(#name, syscall(SYS_##name, ##__VA_ARGS__))

/* A call that must succeed; one that must fail with this errno. Else the program ends with 1. */
#define OK(name, ...) want_ok(CALL(name, ##__VA_ARGS__), #name, __FILE__, __LINE__)
#define FAIL(err, name, ...) want_fail(CALL(name, ##__VA_ARGS__), err, #name, __FILE__, __LINE__)
long want_ok(long result, const char *call, const char *file, int line);
void want_fail(long result, int err, const char *call, const char *file, int line);

/* End the program with 1 unless the condition holds. */
#define MUST(cond) ((cond) ? (void)0 : want_die(#cond, __FILE__, __LINE__))
void want_die(const char *what, const char *file, int line) __attribute__((noreturn));

/* argv[1] "/" rel; one of eight static buffers of this thread. */
const char *want_path(const char *rel);

/* The whole of a small action, stated. */
int want_open(const char *path, int flags);             /* openat(AT_FDCWD), mode 0644 */
void want_close(int fd, const char *path);
void want_write(int fd, const char *path, const char *text);
void want_read(int fd, const char *path, size_t count); /* as many bytes must come */
void want_file(const char *path, const char *text);     /* open O_CREAT, write, close */
pid_t want_fork(void);                                  /* as fork(2) */
/* Until it is killed, at the latest when its parent ends. */
void want_sleep(void) __attribute__((noreturn));
void want_exit(int code) __attribute__((noreturn));     /* exit_group(2); the parent states it */
/* Wait for an exit with this code and state it; _as: also which program ended. */
void want_wait(pid_t child, int code);
void want_wait_as(pid_t child, int code, const char *exe);

/*
 * Processes wait for each other at gates: words of the shared memory with a
 * futex, because a pipe would be a channel that the log has to hold.
 */
#define WANT_GATES 16
void want_gate_open(unsigned gate);
void want_gate_pass(unsigned gate);
