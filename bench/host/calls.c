/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Numbers of x86-64. */
enum {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_CLOSE = 3,
	CALL_MMAP = 9,
	CALL_MPROTECT = 10,
	CALL_MUNMAP = 11,
	CALL_PREAD = 17,
	CALL_PWRITE = 18,
	CALL_SENDFILE = 40,
	CALL_FTRUNCATE = 77,
	CALL_CHDIR = 80,
	CALL_RENAME = 82,
	CALL_MKDIR = 83,
	CALL_UNLINK = 87,
	CALL_READLINK = 89,
	CALL_CHMOD = 90,
	CALL_CHOWN = 92,
	CALL_GETDENTS = 217,
	CALL_OPENAT = 257,
	CALL_FSTATAT = 262,
	CALL_UTIMENSAT = 280,
};

static void on_file(
	struct proc *p, uint16_t op, uint16_t call, const struct node *node, int64_t result)
{
	host_event(p, (struct lm_event){
			      .op = op, .call = call, .object = node->file, .result = result });
}

static void fail_open(struct proc *p, struct node *node, uint32_t flags)
{
	host_event(p, (struct lm_event){ .op = LM_OP_OPEN,
			      .call = CALL_OPENAT,
			      .flags = LM_EVENT_CLAIMED,
			      .name = host_tell_name(p->world, node, p->now_ns),
			      .arg = flags,
			      .result = -ENOENT });
}

bool sys_open(struct proc *p, struct node *node, uint32_t flags)
{
	bool made = node->mode == 0 && (flags & O_CREAT);

	if (node->mode == 0 && !made) {
		fail_open(p, node, flags);
		return false;
	}
	if (made) {
		node->mode = FILE_MODE;
		node->inode = 0;
		node->file = 0;
	}
	/* One thing after the other: what the first tells, the second may use. */
	host_tell_file(p->world, node, p->now_ns);
	host_tell_name(p->world, node, p->now_ns);
	host_event(p, (struct lm_event){ .op = LM_OP_OPEN,
			      .call = CALL_OPENAT,
			      .flags = LM_EVENT_CONFIRMED | (made ? LM_EVENT_CREATED : 0),
			      .object = node->file,
			      .name = node->name,
			      .arg = flags,
			      .result = 3 + host_below(p->world, 3) });
	return true;
}

void sys_read(struct proc *p, struct node *node, int64_t bytes)
{
	host_tell_file(p->world, node, p->now_ns);
	on_file(p, LM_OP_READ, CALL_READ, node, bytes);
}

void sys_pread(struct proc *p, struct node *node, int64_t bytes)
{
	host_tell_file(p->world, node, p->now_ns);
	on_file(p, LM_OP_READ, CALL_PREAD, node, bytes);
}

void sys_write(struct proc *p, struct node *node, int64_t bytes)
{
	host_tell_file(p->world, node, p->now_ns);
	on_file(p, LM_OP_WRITE, CALL_WRITE, node, bytes);
}

void sys_pwrite(struct proc *p, struct node *node, int64_t bytes)
{
	host_tell_file(p->world, node, p->now_ns);
	on_file(p, LM_OP_WRITE, CALL_PWRITE, node, bytes);
}

void sys_fstat(struct proc *p, const struct node *node)
{
	on_file(p, LM_OP_STAT, CALL_FSTATAT, node, 0);
}

void sys_close(struct proc *p, const struct node *node)
{
	host_event(p, (struct lm_event){ .op = LM_OP_CLOSE,
			      .call = CALL_CLOSE,
			      .flags = LM_EVENT_DERIVED,
			      .object = node->file,
			      .arg = 3 });
}

void sys_stat(struct proc *p, struct node *node)
{
	bool derived = node->mode != 0 && node->file != 0;

	host_event(p, (struct lm_event){ .op = LM_OP_STAT,
			      .call = CALL_FSTATAT,
			      .flags = LM_EVENT_CLAIMED | (derived ? LM_EVENT_DERIVED : 0),
			      .object = derived ? node->file : 0,
			      .name = host_tell_name(p->world, node, p->now_ns),
			      .result = node->mode ? 0 : -ENOENT });
}

void sys_mmap(struct proc *p, const struct node *node, uint32_t prot, uint32_t flags)
{
	/* Downwards from an address that each process has from chance. */
	if (p->map_at == 0)
		p->map_at = 0x7f0000000000 + (host_random(p->world) >> 30 << 12);
	p->map_at -= (1 + host_hash(node->inode) % 64) << 12;
	host_event(p, (struct lm_event){ .op = LM_OP_MMAP,
			      .call = CALL_MMAP,
			      .object = node->file,
			      .arg = prot | (uint64_t)flags << 32,
			      .result = (int64_t)p->map_at });
}

void sys_mprotect(struct proc *p, const struct node *node, uint32_t prot)
{
	host_event(p, (struct lm_event){ .op = LM_OP_MPROTECT,
			      .call = CALL_MPROTECT,
			      .flags = LM_EVENT_DERIVED,
			      .object = node->file,
			      .arg = prot | (uint64_t)MAP_PRIVATE << 32 });
}

void sys_munmap(struct proc *p, const struct node *node)
{
	host_event(p, (struct lm_event){ .op = LM_OP_MUNMAP,
			      .call = CALL_MUNMAP,
			      .flags = LM_EVENT_DERIVED,
			      .object = node->file });
}

void sys_readdir(struct proc *p, const struct node *dir)
{
	on_file(p, LM_OP_READDIR, CALL_GETDENTS, dir, 1200);
	on_file(p, LM_OP_READDIR, CALL_GETDENTS, dir, 0);
}

void sys_unlink(struct proc *p, struct node *node)
{
	host_event(p, (struct lm_event){ .op = LM_OP_UNLINK,
			      .call = CALL_UNLINK,
			      .flags = LM_EVENT_CONFIRMED,
			      .object = node->file,
			      .name = host_tell_name(p->world, node, p->now_ns) });
	node->mode = 0;
	node->file = 0;
	node->inode = 0;
}

void sys_truncate(struct proc *p, const struct node *node)
{
	on_file(p, LM_OP_TRUNCATE, CALL_FTRUNCATE, node, 0);
}

void sys_mkdir(struct proc *p, struct node *node)
{
	node->mode = DIR_MODE;
	host_tell_name(p->world, node, p->now_ns);
	host_tell_file(p->world, node, p->now_ns);
	host_event(p, (struct lm_event){ .op = LM_OP_MKDIR,
			      .call = CALL_MKDIR,
			      .flags = LM_EVENT_CONFIRMED,
			      .object = node->file,
			      .name = node->name,
			      .arg = 0755 });
}

void sys_rename(struct proc *p, struct node *from, struct node *to)
{
	host_tell_file(p->world, from, p->now_ns);
	host_tell_name(p->world, from, p->now_ns);
	host_tell_name(p->world, to, p->now_ns);
	host_event(p, (struct lm_event){ .op = LM_OP_RENAME,
			      .call = CALL_RENAME,
			      .flags = LM_EVENT_CONFIRMED,
			      .object = from->file,
			      .name = from->name,
			      .name2 = to->name });
	to->mode = from->mode;
	to->file = from->file;
	to->inode = from->inode;
	from->mode = 0;
	from->file = 0;
	from->inode = 0;
}

void sys_chmod(struct proc *p, struct node *node, uint32_t mode)
{
	host_tell_file(p->world, node, p->now_ns);
	node->mode = (node->mode & S_IFMT) | mode;
	host_event(p, (struct lm_event){ .op = LM_OP_CHMOD,
			      .call = CALL_CHMOD,
			      .flags = LM_EVENT_CLAIMED | LM_EVENT_DERIVED,
			      .object = node->file,
			      .name = host_tell_name(p->world, node, p->now_ns),
			      .arg = mode });
}

void sys_chown(struct proc *p, struct node *node, uint32_t uid)
{
	host_tell_file(p->world, node, p->now_ns);
	host_event(p, (struct lm_event){ .op = LM_OP_CHOWN,
			      .call = CALL_CHOWN,
			      .flags = LM_EVENT_CLAIMED | LM_EVENT_DERIVED,
			      .object = node->file,
			      .name = host_tell_name(p->world, node, p->now_ns),
			      .arg = uid | (uint64_t)uid << 32 });
}

void sys_utimes(struct proc *p, struct node *node)
{
	on_file(p, LM_OP_UTIMES, CALL_UTIMENSAT, node, 0);
}

void sys_copy(struct proc *p, lm_object_id from, lm_object_id to, int64_t bytes)
{
	host_event(p, (struct lm_event){ .op = LM_OP_COPY,
			      .call = CALL_SENDFILE,
			      .object = from,
			      .object2 = to,
			      .result = bytes });
}

void sys_chdir(struct proc *p, struct node *dir)
{
	p->cwd = dir;
	p->is.cwd = host_tell_file(p->world, dir, p->now_ns);
	on_file(p, LM_OP_CHDIR, CALL_CHDIR, dir, 0);
}
