/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Sockets. A stream socket is described when it gets its addresses (connect,
 * accept, bind, listen) and is then just an inode to the read and write
 * families. A datagram socket may have another peer in every call, so it is
 * described each time. The peer of an unconnected one, and the address that a
 * connect failed to reach, are only in user memory and are marked as claimed.
 */
#include "call_compat.h"
#include "call_file.h"

struct user_msghdr {
	void *msg_name;
	int msg_namelen;
	int pad;
	void *msg_iov;
	unsigned long msg_iovlen;
	void *msg_control;
	unsigned long msg_controllen;
};

/* The same of the 32-bit entry. */
struct user_msghdr32 {
	__u32 msg_name;
	int msg_namelen;
	__u32 msg_iov, msg_iovlen;
	__u32 msg_control, msg_controllen;
};

/* The header of a message, or of the first of several. @return false: fault */
static __noinline bool read_msghdr(void *at, bool narrow, struct user_msghdr *ret_header)
{
	struct user_msghdr32 header;

	if (!narrow)
		return !bpf_probe_read_user(ret_header, sizeof(*ret_header), at);
	if (bpf_probe_read_user(&header, sizeof(header), at))
		return false;
	ret_header->msg_name = (void *)(__u64)header.msg_name;
	ret_header->msg_control = (void *)(__u64)header.msg_control;
	ret_header->msg_controllen = header.msg_controllen;
	return true;
}

struct user_sockaddr {
	__u16 family;
	__u16 port;
	__u32 ip4;   /* flow info of IPv6 */
	__u8 ip6[16];
	__u32 scope;
};

#define NR_connect 42
#define NR_sendto 44
#define NR_recvfrom 45
#define NR_sendmsg 46
#define NR_recvmsg 47
#define NR_sendmmsg 307
#define NR_recvmmsg 299

static __always_inline void claim_remote(struct lm_raw_socket *rec, void *address)
{
	struct user_sockaddr sa = {};

	if (!address || bpf_probe_read_user(&sa, 16, address))
		return;
	if (sa.family == AF_INET) {
		*(__u32 *)rec->remote.ip = sa.ip4;
	} else if (sa.family == AF_INET6) {
		if (bpf_probe_read_user(&sa, sizeof(sa), address))
			return;
		__builtin_memcpy(rec->remote.ip, sa.ip6, 16);
	} else {
		return;
	}
	rec->remote.family = sa.family;
	rec->remote.port = bpf_ntohs(sa.port);
	rec->claimed_remote = 1;
}

static __always_inline void fill_claimed_remote(struct call *c, struct lm_raw_socket *rec)
{
	void *address = NULL;
	struct user_msghdr header;

	switch (c->number) {
	case NR_connect: /* it failed: the kernel has forgotten where to */
		address = (void *)c->args[1];
		break;
	case NR_sendto:
	case NR_recvfrom:
		address = (void *)c->args[4];
		break;
	case NR_sendmsg:
	case NR_recvmsg:
	case NR_sendmmsg:
	case NR_recvmmsg: /* the first of several messages */
		if (read_msghdr((void *)c->args[1], is_compat(c), &header))
			address = header.msg_name;
		break;
	}
	claim_remote(rec, address);
}

/* Whom a unix socket was to be connected with, and is not. An abstract name is none. */
static __noinline int claim_unix_path(struct call *c, struct lm_raw_socket *rec)
{
	__u64 room = c->args[2] - 2; /* behind sun_family */
	long len = bpf_probe_read_user_str(rec->path, UNIX_PATH_BYTES + 1, (void *)c->args[1] + 2);

	if (len <= 1)
		return done();
	rec->path_len = (__u64)len - 1 < room ? len - 1 : room;
	rec->remote.family = AF_UNIX;
	rec->claimed_remote = 1;
	return done();
}

/* The file system's name of a unix socket, own or the peer's. */
static __noinline int announce_unix(struct emit *e, struct task_struct *task, struct file *file)
{
	struct dentry *dentry;
	struct unix_sock *u;
	struct socket *socket;
	struct sock *sk;
	struct walk w;

	if (!is_socket(file))
		return done();
	socket = READ(file, private_data);
	sk = READ(socket, sk);
	u = (void *)sk;
	if (READ(sk, __sk_common.skc_family) != AF_UNIX)
		return done();
	dentry = READ(u, path.dentry);
	if (!dentry) {
		u = (void *)READ(u, peer);
		dentry = u ? READ(u, path.dentry) : NULL;
	}
	if (dentry) {
		walk_from(&w, e, task, READ(u, path.mnt), dentry);
		run(announce_dir(&w));
	}
	return done();
}

static __noinline int emit_socket(struct call *c, struct file *file, int fd, int fd2)
{
	struct file *file2 = fd2 >= 0 ? file_of_fd(c->task, fd2) : NULL;
	struct lm_raw_socket *rec;

	rec = emit_reserve(&c->emit, LM_RAW_SOCKET, sizeof(*rec));
	if (!rec)
		return done();
	if (is_socket(file))
		run(fill_socket(rec, file));
	else
		__builtin_memset(
			(void *)rec + sizeof(rec->raw), 0, sizeof(*rec) - sizeof(rec->raw));
	rec->result = c->result;
	rec->fd = fd;
	rec->inode2 = file2 ? READ(file2, f_inode, i_ino) : 0;
	if ((rec->family == AF_INET || rec->family == AF_INET6) && rec->remote.port == 0)
		fill_claimed_remote(c, rec);
	if (rec->family == AF_UNIX && c->number == NR_connect && c->result < 0 && !rec->path_len)
		run(claim_unix_path(c, rec));
	emit_commit(&c->emit, rec, sizeof(*rec));
	return done();
}

/* Beside each other, not one below the other: the verifier adds up the stacks of a chain. */
static __always_inline void tell_socket(struct call *c, struct file *file, int fd, int fd2)
{
	run(announce_unix(&c->emit, c->task, file));
	run(emit_socket(c, file, fd, fd2));
}

static __always_inline void call_socket(struct call *c)
{
	int fd = c->args[0], fd2 = -1;

	if (c->rule.a) { /* accept has its listener as first argument; socket a small number */
		fd2 = fd;
		fd = c->result >= 0 ? (int)c->result : -1;
	}
	tell_socket(c, file_of_fd(c->task, fd), fd, fd2);
}

#define MSG_FASTOPEN 0x20000000

/* A send connects, too. A copy of the number, so that the verifier forgets what it was. */
static __noinline int sends_and_connects(struct call *c)
{
	__u64 flags = c->args[3];
	__u32 number = c->number;
	int connects;

	hide_var(number);
	if (number == NR_sendmsg)
		flags = c->args[2];
	connects = flags & MSG_FASTOPEN &&
		(number == NR_sendto || number == NR_sendmsg || number == NR_sendmmsg);
	hide_var(connects);
	return connects;
}

static __noinline int call_sockio(struct call *c)
{
	struct file *file = file_of_fd(c->task, c->args[0]);
	struct socket *socket;

	if (is_socket(file)) {
		socket = READ(file, private_data);
		/* With TCP Fast Open the first message connects: it has its addresses now. */
		if (READ(socket, type) != SOCK_STREAM || sends_and_connects(c)) {
			tell_socket(c, file, c->args[0], -1);
			return done();
		}
	}
	call_io(c, true);
	return done();
}

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define PASSED_MAX 16  /* told one by one; that there were more is told as a gap */
#define CONTROLS_MAX 4 /* credentials and others may come before the descriptors */

struct user_cmsghdr {
	unsigned long len;
	int level;
	int type;
};

/* One control message: its head is four bytes shorter for 32 bits. @return its size, 0: fault */
static __noinline __u32 read_control(void *at, bool narrow, struct user_cmsghdr *ret_control)
{
	__u32 words[3];

	if (!narrow)
		return bpf_probe_read_user(ret_control, sizeof(*ret_control), at) ?
			0 : sizeof(*ret_control);
	if (bpf_probe_read_user(words, sizeof(words), at))
		return 0;
	ret_control->len = words[0];
	ret_control->level = words[1];
	ret_control->type = words[2];
	return sizeof(words);
}

/* Where the descriptors of a message are in user memory, and how many. @return 0: none */
static __noinline __u64 find_passed(struct user_msghdr *header, bool narrow, void **ret_at)
{
	struct user_cmsghdr control;
	__u64 offset = 0, align = narrow ? 3 : 7;
	__u32 head;

	for (int i = 0; i < CONTROLS_MAX; i++) {
		if (offset + 3 * sizeof(int) + sizeof(int) > header->msg_controllen)
			return 0;
		head = read_control(header->msg_control + offset, narrow, &control);
		if (!head || control.len < head)
			return 0;
		if (control.level == SOL_SOCKET && control.type == SCM_RIGHTS) {
			*ret_at = header->msg_control + offset + head;
			return (control.len - head) / sizeof(int);
		}
		offset += (control.len + align) & ~align;
	}
	return 0;
}

/*
 * Descriptors that arrived with a message, or leave with one: each is told as
 * a COPY record from the socket to the file that was passed.
 */
static __noinline int emit_passed(struct emit *e, struct task_struct *task,
	struct file *socket_file, void *message, bool narrow)
{
	struct user_msghdr header;
	int fds[PASSED_MAX];
	void *at = NULL;
	__u64 count;

	if (!read_msghdr(message, narrow, &header)) {
		emit_fault(e, LM_RAW_COPY, LM_RAW_GAP_FAULT);
		return done();
	}
	if (!header.msg_control)
		return done();
	count = find_passed(&header, narrow, &at);
	hide_var(count);
	if (count > PASSED_MAX) {
		emit_fault(e, LM_RAW_COPY, LM_RAW_GAP_FAULT);
		count = PASSED_MAX;
	}
	if (!count)
		return done();
	if (bpf_probe_read_user(fds, count * sizeof(int), at)) {
		emit_fault(e, LM_RAW_COPY, LM_RAW_GAP_FAULT);
		return done();
	}
	for (__u32 i = 0; i < PASSED_MAX; i++) {
		struct lm_raw_copy *rec;

		if (i >= count)
			break;
		rec = emit_reserve(e, LM_RAW_COPY, sizeof(*rec));
		if (!rec)
			continue;
		rec->result = fds[i & (PASSED_MAX - 1)];
		fill_file(&rec->from, socket_file);
		fill_file(&rec->to, file_of_fd(task, fds[i & (PASSED_MAX - 1)]));
		emit_commit(e, rec, sizeof(*rec));
	}
	return done();
}

static __always_inline void call_passed(struct call *c)
{
	if (c->result >= 0)
		run(emit_passed(&c->emit, c->task, file_of_fd(c->task, c->args[0]),
			(void *)c->args[1], is_compat(c)));
}
