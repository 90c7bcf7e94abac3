/* SPDX-License-Identifier: MIT */
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "host.h"

/*
 * The system calls of the host that does not exist: each takes its time and becomes its event,
 * with the definitions and flags that a recording of the real call has.
 */
#define FILE_MODE    (S_IFREG | 0644)
#define PROGRAM_MODE (S_IFREG | 0755)
#define DIR_MODE     (S_IFDIR | 0755)
#define INIT_PID     1u

/* Processes. */
/** A process that ran before the recording began. */
struct proc *proc_found(struct world *w, const char *path, const char *argv, uint32_t uid,
	const struct proc *parent, script run, const struct task *task);
/**
 * fork(2), clone(2): the child runs `run` beside its parent.
 * @param vfork  as posix_spawn(3) does: memory is shared until the child executes
 */
void sys_fork(struct proc *p, bool vfork, script run, const struct task *task);
void sys_thread(struct proc *p, script run, const struct task *task);
/** Until no child is left. */
void sys_wait(struct proc *p);
/** @param argv  words, '|' between them */
void sys_exec(struct proc *p, struct node *program, const char *argv);
/** The kernel gives the script to the interpreter. */
void sys_exec_script(
	struct proc *p, struct node *script_node, struct node *interpreter, const char *argv);
void sys_exec_missing(struct proc *p, struct node *name);
void sys_exit(struct proc *p, int status);
void sys_setuid(struct proc *p, uint32_t uid);
void sys_chdir(struct proc *p, struct node *dir);
void sys_signal(struct proc *p, lm_object_id target, int signal);

/* Files. */
/** @return whether it is open; a name that leads nowhere is made with O_CREAT */
bool sys_open(struct proc *p, struct node *node, uint32_t flags);
void sys_read(struct proc *p, struct node *node, int64_t bytes);
void sys_pread(struct proc *p, struct node *node, int64_t bytes);
void sys_write(struct proc *p, struct node *node, int64_t bytes);
void sys_pwrite(struct proc *p, struct node *node, int64_t bytes);
void sys_fstat(struct proc *p, const struct node *node);
void sys_close(struct proc *p, const struct node *node);
/** By path: of whatever the name leads to, or of nothing. */
void sys_stat(struct proc *p, struct node *node);
void sys_mmap(struct proc *p, const struct node *node, uint32_t prot, uint32_t flags);
void sys_mprotect(struct proc *p, const struct node *node, uint32_t prot);
void sys_munmap(struct proc *p, const struct node *node);
void sys_readdir(struct proc *p, const struct node *dir);
void sys_unlink(struct proc *p, struct node *node);
void sys_truncate(struct proc *p, const struct node *node);
void sys_mkdir(struct proc *p, struct node *node);
void sys_rename(struct proc *p, struct node *from, struct node *to);
void sys_chmod(struct proc *p, struct node *node, uint32_t mode);
void sys_chown(struct proc *p, struct node *node, uint32_t uid);
void sys_utimes(struct proc *p, struct node *node);
void sys_copy(struct proc *p, lm_object_id from, lm_object_id to, int64_t bytes);

/* Channels. */
void sys_pipe(struct proc *p, struct channel *ret_pipe);
void sys_pipe_read(struct proc *p, const struct channel *pipe, int64_t bytes);
void sys_pipe_write(struct proc *p, const struct channel *pipe, int64_t bytes);
void sys_dup(struct proc *p, lm_object_id object);
void sys_close_object(struct proc *p, lm_object_id object);
void sys_listen(struct proc *p, struct channel *ret_socket, const struct lm_address *local,
	struct node *path);
/** @param remote  family unix: `path` is what it connects to, `peer` the inode of the other end */
void sys_connect(struct proc *p, struct channel *ret_socket, const struct lm_address *remote,
	struct node *path, uint64_t peer);
void sys_accept(struct proc *p, const struct channel *listener, struct channel *ret_socket,
	const struct lm_address *remote, uint64_t inode, uint64_t peer);
void sys_send(struct proc *p, const struct channel *socket, int64_t bytes);
void sys_recv(struct proc *p, const struct channel *socket, int64_t bytes);
/** Numbers for the two ends of a connection that both are on this host. */
uint64_t socket_inode(struct world *w);

struct lm_address address_of(uint32_t ip, uint16_t port);
