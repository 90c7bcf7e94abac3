/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * The 32-bit entry (int 0x80, sysenter, and syscall of a 32-bit program): other
 * numbers, other registers, and structures of user memory with narrower words.
 * Everything is put in the order of the x86-64 call that does the same, so that
 * what comes after needs to know only about the structures (is_compat()).
 *
 * Hook: sys_exit, with TS_COMPAT set for the task while such a call runs.
 * Cannot see: what was in memory that another thread rewrote during the call
 * (arguments of socketcall and of the oldest mmap are there).
 */
#include "core/call.h"

static __always_inline bool is_compat(struct call *c)
{
	return c->emit.call & LM_RAW_CALL_COMPAT;
}

#define SOCKETCALLS 21 /* include/uapi/linux/net.h: SYS_SOCKET 1 .. SYS_SENDMMSG 20 */
#define IPCCALLS 25    /* include/uapi/linux/ipc.h: SEMOP 1 .. SHMCTL 24 */

/* The single calls of i386 that do the same; 0: none. */
static const __u16 socketcalls[SOCKETCALLS] = {
	0, 359, 361, 362, 363, 364, 367, 368, 360, 369, 371, 369, 371, 373, 366, 365, 370, 372, 364,
	337, 345,
};
/* socketcall: how many arguments there are. */
static const __u8 socketcall_args[SOCKETCALLS] = {
	0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4,
};
static const __u16 ipccalls[IPCCALLS] = {
	[1] = 420, [2] = 393, [3] = 394, [4] = 420, [11] = 400, [12] = 401, [13] = 399, [14] = 402,
	[21] = 397, [22] = 398, [23] = 395, [24] = 396,
};

static __always_inline void set_args(struct call *c, __u64 a, __u64 b, __u64 d, __u64 e)
{
	c->args[0] = a;
	c->args[1] = b;
	c->args[2] = d;
	c->args[3] = e;
}

/* @return the number of the single call, 0: none */
static __noinline int unfold_socketcall(struct call *c)
{
	__u32 which = c->args[0], from[6] = {};
	__u32 bytes;

	if (which >= SOCKETCALLS)
		return 0;
	bytes = socketcall_args[which] * sizeof(from[0]);
	if (bytes > sizeof(from))
		bytes = sizeof(from);
	if (bpf_probe_read_user(from, bytes, (void *)c->args[1]))
		c->emit.flags |= LM_RAW_PARTIAL;
	for (int i = 0; i < 6; i++)
		c->args[i] = from[i];
	return socketcalls[which];
}

/* first, second, third, ptr, fifth behind the number: sys_ipc() in ipc/syscall.c. */
static __noinline int unfold_ipc(struct call *c)
{
	__u32 which = c->args[0] & 0xffff;
	__u64 first = c->args[1], second = c->args[2], third = c->args[3], ptr = c->args[4];
	__u32 address = 0;

	if (which >= IPCCALLS)
		return 0;
	switch (which) {
	case 1: /* SEMOP */
	case 4: /* SEMTIMEDOP */
	case 21: /* SHMAT: its address goes to where the third points */
		if (which == 21 && c->result >= 0 &&
			!bpf_probe_read_user(&address, sizeof(address), (void *)third))
			c->result = address;
		set_args(c, first, ptr, second, 0);
		break;
	case 11: /* MSGSND */
	case 12: /* MSGRCV */
		set_args(c, first, ptr, second, third);
		break;
	case 3: /* SEMCTL */
		set_args(c, first, second, third, ptr);
		break;
	case 14: /* MSGCTL */
	case 24: /* SHMCTL */
		set_args(c, first, second, ptr, 0);
		break;
	case 22: /* SHMDT */
		set_args(c, ptr, 0, 0, 0);
		break;
	default: /* MSGGET, SEMGET, SHMGET */
		set_args(c, first, second, third, 0);
		break;
	}
	return ipccalls[which];
}

static __always_inline __u64 wide_id(__u64 id)
{
	return (__u16)id == 0xffff ? 0xffffffff : (__u16)id;
}

static __noinline int shape_args(struct call *c, __u32 shape)
{
	__u32 from[6] = {};

	switch (shape) {
	case LM_COMPAT_ONE:
		set_args(c, c->args[0], 0, 0, 0);
		break;
	case LM_COMPAT_SPLIT1:
		set_args(c, c->args[0], c->args[1] | c->args[2] << 32, 0, 0);
		break;
	case LM_COMPAT_SPLIT2:
		c->args[2] |= c->args[3] << 32;
		c->args[3] = c->args[4];
		c->args[4] = c->args[5];
		break;
	case LM_COMPAT_FALLOCATE:
		c->args[2] |= c->args[3] << 32;
		c->args[3] = c->args[4] | c->args[5] << 32;
		break;
	case LM_COMPAT_IDS16:
		set_args(c, wide_id(c->args[0]), wide_id(c->args[1]), wide_id(c->args[2]), 0);
		break;
	case LM_COMPAT_OWNER16:
		set_args(c, c->args[0], wide_id(c->args[1]), wide_id(c->args[2]), 0);
		break;
	case LM_COMPAT_OLD_MMAP:
		if (bpf_probe_read_user(from, sizeof(from), (void *)c->args[0]))
			c->emit.flags |= LM_RAW_PARTIAL;
		for (int i = 0; i < 6; i++)
			c->args[i] = from[i];
		break;
	}
	return done();
}

/*
 * The number and the arguments as x86-64 would have them. c->emit.call becomes
 * the i386 number, of the single call where it was one of several in one.
 * @return false: no call that is known
 */
static __always_inline bool read_compat_call(struct call *c, struct pt_regs *regs)
{
	__u32 number = regs->orig_ax, shape;

	c->args[0] = (__u32)regs->bx;
	c->args[1] = (__u32)regs->cx;
	c->args[2] = (__u32)regs->dx;
	c->args[3] = (__u32)regs->si;
	c->args[4] = (__u32)regs->di;
	c->args[5] = (__u32)regs->bp;
	c->args[6] = 0;
	c->args[7] = 0;
	c->emit.flags = 0;
	if (number >= LM_CALL_COUNT)
		return false;
	shape = compat_rules[number].shape;
	if (shape == LM_COMPAT_SOCKETCALL)
		number = unfold_socketcall(c);
	else if (shape == LM_COMPAT_IPC)
		number = unfold_ipc(c);
	else if (shape != LM_COMPAT_SAME)
		run(shape_args(c, shape));
	if (number >= LM_CALL_COUNT || !compat_rules[number].known)
		return false;
	c->number = compat_rules[number].call;
	c->emit.call = LM_RAW_CALL_COMPAT | number;
	return true;
}
