/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * The bytes that a call has moved: of terminals always, unless that is switched
 * off, of everything else up to a bound when asked for (record --content).
 *
 * Hook: sys_exit, before the record of the call itself, in the same probe and with
 * its time: user space puts them together. So a call that does not move bytes
 * of interest pays for one comparison.
 * Cannot see: what user memory held while the call ran. The bytes are those that
 * it holds when the call ends; another thread may have written them over. Memory
 * that is not in place then is a gap of reason fault.
 */
#include "core/call.h"

const volatile __u64 content_bytes = 0;  /* of each process, file and way; 0: terminals only */
const volatile __u32 keeps_terminals = 0;
const volatile __u64 terminal_majors[LM_MAJORS / 64] = {};
const volatile __u8 content_shapes[LM_CALL_COUNT] = {}; /* enum lm_content_shape */

#define NS_PER_SECOND 1000000000ull

struct content_key {
	__u64 start_ns; /* of the process; of a terminal 0: what all processes do with it */
	__u64 inode;    /* of a terminal its number */
	__u32 dev;
	__u32 out;      /* 1 written, 0 read; 4 more: of another process's memory */
};

struct content_use {
	__u64 moved;     /* bytes, kept or not */
	__u64 window_ns; /* begin of a terminal's present second */
	__u64 window_kept;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct content_key);
	__type(value, struct content_use);
} content_uses SEC(".maps");

/* The call whose bytes are being told. Here and not on the stack, which is short. */
struct content_work {
	__u64 time_ns;
	__u64 pid_tgid;
	__s64 result;
	__u64 buffer;    /* buffer, vector or message header, by shape */
	__u64 count;     /* of the vector */
	__u64 offset;    /* of the call's first byte in its stream */
	__u64 left;      /* to be kept */
	__u64 at;        /* position in the call */
	__u64 base, len; /* what is left of the present buffer */
	struct content_key key;
	__s32 fd;
	__u32 terminal;  /* 0: none */
	__u16 call;
	__u8 shape;
	__u8 compat;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct content_work);
} content_works SEC(".maps");

static __always_inline struct content_work *content_work(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&content_works, &key);
}

static __always_inline bool is_terminal(struct inode *inode)
{
	__u32 major = READ(inode, i_rdev) >> 20;

	return major < LM_MAJORS &&
		terminal_majors[major / 64 & (LM_MAJORS / 64 - 1)] >> (major & 63) & 1;
}

/* include/uapi/linux/major.h: PTY_MASTER_MAJOR, UNIX98_PTY_MASTER_MAJOR and what it has room for */
static __always_inline bool is_master(__u32 major)
{
	return major == 2 || (major >= 128 && major < 136);
}

/* The number of the terminal that programs see, whichever of its ends the file is. */
static __always_inline __u32 terminal_of(struct file *file)
{
	struct tty_file_private *private = READ(file, private_data);
	struct tty_struct *tty = READ(private, tty);
	struct tty_driver *driver = READ(tty, driver);
	__u32 master = 0;

	if (is_master(READ(driver, major))) {
		master = LM_RAW_TERMINAL_MASTER;
		tty = READ(tty, link);
		driver = READ(tty, driver);
	}
	return READ(driver, major) << 20 | master | (READ(driver, minor_start) + READ(tty, index));
}

/* Whose bound counts, and whether it is a terminal. */
static __noinline int find_stream(struct content_work *w)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct file *file;
	struct inode *inode;

	if (!w)
		return done();
	w->terminal = 0;
	w->key.start_ns = READ(task, group_leader, start_boottime);
	w->key.out = w->shape & LM_CONTENT_OUT ? 1 : 0;
	w->key.dev = 0;
	if ((w->shape & LM_CONTENT_SHAPE) == LM_CONTENT_REMOTE) {
		w->key.inode = w->fd;
		w->key.out |= 4;
		return done();
	}
	file = file_of_fd(task, w->fd);
	inode = READ(file, f_inode);
	w->key.inode = READ(inode, i_ino);
	w->key.dev = READ(inode, i_sb, s_dev);
	if (keeps_terminals && (READ(inode, i_mode) & S_IFMT) == S_IFCHR && is_terminal(inode)) {
		w->terminal = terminal_of(file);
		w->key.start_ns = 0;
		w->key.dev = 0;
		w->key.inode = w->terminal;
	}
	return done();
}

/* How many bytes of this call are kept, and where they stand in their stream. */
static __noinline int take_room(struct content_work *w)
{
	struct content_use *use, none = {};
	__u64 room = 0, moved;

	if (!w)
		return done();
	moved = w->result;
	w->left = w->offset = 0;
	use = bpf_map_lookup_elem(&content_uses, &w->key);
	if (!use) {
		bpf_map_update_elem(&content_uses, &w->key, &none, BPF_NOEXIST);
		use = bpf_map_lookup_elem(&content_uses, &w->key);
		if (!use)
			return done();
	}
	w->offset = use->moved;
	if (w->terminal) {
		if (w->time_ns - use->window_ns > NS_PER_SECOND) {
			use->window_ns = w->time_ns;
			use->window_kept = 0;
		}
		if (use->window_kept < LM_TERMINAL_BYTES)
			room = LM_TERMINAL_BYTES - use->window_kept;
	} else if (use->moved < content_bytes) {
		room = content_bytes - use->moved;
	}
	if (room > moved)
		room = moved;
	if (room > LM_CONTENT_CALL_BYTES)
		room = LM_CONTENT_CALL_BYTES;
	use->window_kept += room;
	use->moved += moved;
	w->left = room;
	return done();
}

/* @return false: there is no further buffer, or it cannot be read */
static __always_inline bool next_buffer(struct content_work *w)
{
	__u64 words[2] = {};
	__u32 bytes = w->compat ? 8 : 16;

	if (!w->count)
		return false;
	w->count--;
	if (bpf_probe_read_user(words, bytes, (void *)w->buffer))
		return false;
	w->buffer += bytes;
	w->base = w->compat ? (__u32)words[0] : words[0];
	w->len = w->compat ? words[0] >> 32 : words[1];
	return true;
}

/* struct user_msghdr: its vector and how long that is. */
static __always_inline void enter_message(struct content_work *w)
{
	__u64 words[2] = {};
	__u32 bytes = w->compat ? 8 : 16;

	if (bpf_probe_read_user(words, bytes, (void *)w->buffer + bytes))
		return;
	w->buffer = w->compat ? (__u32)words[0] : words[0];
	w->count = w->compat ? words[0] >> 32 : words[1];
}

/* What must find room behind content: the record of the call itself. */
#define CONTENT_FOLLOWER_BYTES 512

/*
 * One record, or one step to the next buffer. A global function: the verifier looks
 * at it once, and not once a turn of the loop. @return 0: this call is done with
 */
__noinline int keep_piece(__u32 ring)
{
	struct content_work *w = content_work();
	struct lm_raw_content *rec;
	struct emit e = {};
	__u64 n;

	e.control = bpf_map_lookup_elem(&controls, &ring);
	e.data = bpf_map_lookup_elem(&rings, &ring);
	if (!w || !e.control || !e.data || !w->left)
		return 0;
	if (!w->len)
		return next_buffer(w);
	e.time_ns = w->time_ns;
	e.pid_tgid = w->pid_tgid;
	e.call = w->call;
	n = w->len < w->left ? w->len : w->left;
	n = at_most(n, LM_RAW_CONTENT_BYTES);
	rec = emit_reserve(&e, LM_RAW_CONTENT,
		sizeof(*rec) + LM_RAW_CONTENT_BYTES + CONTENT_FOLLOWER_BYTES);
	if (!rec)
		return 0;
	if (bpf_probe_read_user(rec->bytes, n, (void *)w->base)) {
		emit_count_lost(&e, LM_RAW_CONTENT, LM_RAW_GAP_FAULT);
		return 0;
	}
	rec->offset = w->offset;
	rec->at = w->at;
	rec->bytes_len = n;
	rec->terminal = w->terminal;
	rec->pad = 0;
	emit_commit(&e, rec, sizeof(*rec) + n);
	w->base += n;
	w->len -= n;
	w->left -= n;
	w->at += n;
	return 1;
}

#define CONTENT_PIECES 24

/* Another one. */
__noinline int tell_content(__u32 ring)
{
	struct content_work *w = content_work();

	if (!w)
		return 0;
	run(find_stream(w));
	if (!w->terminal && !content_bytes)
		return 0;
	run(take_room(w));
	w->at = w->len = 0;
	switch (w->shape & LM_CONTENT_SHAPE) {
	case LM_CONTENT_PLAIN:
		w->base = w->buffer;
		w->len = w->result;
		break;
	case LM_CONTENT_MESSAGE:
		w->count = 0;
		enter_message(w);
		break;
	}
	for (int i = 0; i < CONTENT_PIECES; i++)
		if (!keep_piece(ring))
			break;
	return 0;
}

static __always_inline void keep_bytes(struct call *c, __u64 buffer, __u64 count)
{
	struct content_work *w = content_work();

	if (!w)
		return;
	w->time_ns = c->emit.time_ns;
	w->pid_tgid = c->emit.pid_tgid;
	w->result = c->result;
	w->fd = c->args[0];
	w->buffer = buffer;
	w->count = count;
	w->call = c->emit.call;
	w->shape = content_shapes[c->number & (LM_CALL_COUNT - 1)];
	w->compat = !!(c->emit.call & LM_RAW_CALL_COMPAT);
	run(tell_content(bpf_get_smp_processor_id()));
}

/* Of every call that moves bytes, with all its arguments at hand, before its own record. */
static __noinline int keep_content(struct call *c)
{
	keep_bytes(c, c->args[1], c->args[2]);
	return done();
}

/* Does it move a terminal's bytes? A compare of what is at hand, for nearly all calls. */
static __always_inline bool wants_terminal(struct call *c, __u32 mode, struct inode *inode)
{
	return keeps_terminals && !content_bytes && unlikely((mode & S_IFMT) == S_IFCHR) &&
		c->result > 0 && content_shapes[c->number & (LM_CALL_COUNT - 1)] &&
		is_terminal(inode);
}

/*
 * A terminal's bytes where nothing else is kept: found out only when the call's own
 * record has been filled. That one has its number and its room, and is filled once more behind
 * them.
 */
static __noinline int keep_terminal(struct call *c)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(c->task);

	if (c->emit.call & LM_RAW_CALL_COMPAT)
		keep_bytes(c, (__u32)READ(regs, cx), (__u32)READ(regs, dx));
	else
		keep_bytes(c, READ(regs, si), READ(regs, dx));
	return done();
}
