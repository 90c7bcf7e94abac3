/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Calls of which only some uses matter, told apart by an argument: prctl,
 * ioctl, changing a process that may be another one, setting the clock,
 * configuring a mount; and Linux AIO, where one call stands for many.
 *
 * Hook: sys_exit.
 * Cannot see: what a thread put into user memory instead while the call ran
 * (iocbs, the new time); reads of AIO that end after the last io_getevents.
 */
#include "call_compat.h"
#include "call_file.h"
#include "call_path.h"
#include "call_process.h"

#define PR_SET_NAME 15
#define PR_SET_PTRACER 0x59616d61
/*
 * PR_SET_PDEATHSIG, DUMPABLE, KEEPCAPS, NAME, SECCOMP, CAPBSET_DROP, TSC, SECUREBITS, MM,
 * CHILD_SUBREAPER, NO_NEW_PRIVS, CAP_AMBIENT, SPECULATION_CTRL: those that only ask are left out.
 */
#define PR_SETTING                                                                           \
	(1ull << 1 | 1ull << 4 | 1ull << 8 | 1ull << 15 | 1ull << 22 | 1ull << 24 | 1ull << 26 | \
		1ull << 28 | 1ull << 35 | 1ull << 36 | 1ull << 38 | 1ull << 47 | 1ull << 53)

static __always_inline void call_prctl(struct call *c)
{
	__u32 option = c->args[0];
	__u64 arg = option;

	if (option != PR_SET_PTRACER && (option > 63 || !(PR_SETTING >> option & 1)))
		return;
	if (option != PR_SET_NAME) /* whose argument is where the name is */
		arg |= c->args[1] << 32;
	run(emit_process(&c->emit, c->task, c->result, arg));
}

/* Only where it is not the caller's own number, and where something is changed. */
static __always_inline void call_task_other(struct call *c)
{
	struct task_struct *task = c->task;
	__u32 target = call_arg(c, c->rule.a), ns = 0;

	if (c->rule.c && !call_arg(c, c->rule.c - 1))
		return;
	if (!target || target == ns_pid_of(task, &ns) ||
		target == ns_pid_of(READ(task, group_leader), &ns))
		return;
	run(call_task(c));
}

#define NR32_clock_settime64 404
#define NS_PER_S 1000000000ull

/* a: argument that points to the time, b: enum lm_call_clock */
static __noinline int call_clock(struct call *c)
{
	void *at = (void *)call_arg(c, c->rule.a);
	struct lm_raw_range *rec;
	__u64 wide[2] = {}, arg;
	__u32 narrow = 0;
	long r = 0;

	if (c->rule.b == LM_CALL_CLOCK_ADJUST || (is_compat(c) &&
		c->emit.call != (LM_RAW_CALL_COMPAT | NR32_clock_settime64))) {
		r = at ? bpf_probe_read_user(&narrow, sizeof(narrow), at) : 0;
		arg = c->rule.b == LM_CALL_CLOCK_ADJUST ? narrow : narrow * NS_PER_S;
	} else {
		r = at ? bpf_probe_read_user(wide, sizeof(wide), at) : 0;
		arg = wide[0] * NS_PER_S + wide[1] * (c->rule.b == LM_CALL_CLOCK_MICRO ? 1000 : 1);
	}
	/* Adjusting nothing is asking for the time. */
	if (c->rule.b == LM_CALL_CLOCK_ADJUST && !r && !narrow)
		return done();
	rec = emit_reserve(&c->emit, LM_RAW_KERNEL, sizeof(*rec));
	if (!rec)
		return done();
	if (r)
		rec->raw.flags |= LM_RAW_PARTIAL;
	rec->result = c->result;
	rec->address = 0;
	rec->length = 0;
	rec->arg = arg;
	emit_commit(&c->emit, rec, sizeof(*rec));
	return done();
}

#define FSCONFIG_SET_STRING 1
#define FSCONFIG_SET_PATH 3
#define FSCONFIG_SET_PATH_EMPTY 4

/* What is to be mounted: the parameter "source", or one that is a path. */
static __always_inline void call_fsconfig(struct call *c)
{
	static const char source[8] = "source";
	__u32 command = c->args[1];
	__u64 key = 0, wanted;

	c->rule.a = 3;
	c->rule.b = 0;
	if (command == FSCONFIG_SET_STRING) {
		__builtin_memcpy(&wanted, source, sizeof(wanted));
		/* With its NUL, and no byte behind it. */
		if (bpf_probe_read_user(&key, sizeof("source"), (void *)c->args[2]) ||
			key != wanted)
			return;
	} else if (command == FSCONFIG_SET_PATH || command == FSCONFIG_SET_PATH_EMPTY) {
		c->rule.b = 4 + 1;
	} else {
		return;
	}
	run(emit_path(c, 0, 0, 0, false));
}

static __always_inline void call_ioctl_other(struct call *c)
{
	__u32 fd = c->args[2];

	switch ((__u32)c->args[1]) {
	case LM_IOCTL_LOOP_CONFIGURE:
		if (bpf_probe_read_user(&fd, sizeof(fd), (void *)c->args[2]))
			fd = -1;
		/* fall through */
	case LM_IOCTL_LOOP_SET_FD:
	case LM_IOCTL_LOOP_CHANGE_FD:
		run(emit_copy(c, fd, c->args[0]));
		break;
	case LM_IOCTL_TTY_INPUT:
	case LM_IOCTL_TTY_PASTE:
	case LM_IOCTL_SET_FLAGS:
	case LM_IOCTL_SET_FLAGS32:
	case LM_IOCTL_SET_XFLAGS:
	case LM_IOCTL_ENABLE_VERITY:
	case LM_IOCTL_FAULT_COPY:
	case LM_IOCTL_FAULT_ZERO:
	case LM_IOCTL_FAULT_MOVE:
	case LM_IOCTL_FAULT_CONTINUE:
	case LM_IOCTL_SECCOMP_ANSWER:
	case LM_IOCTL_SECCOMP_ADDFD:
	case LM_IOCTL_PERF_BPF:
	case LM_IOCTL_TUN_SET:
		run(emit_fd(c, c->args[0], (__u32)c->args[1], 0));
		break;
	case LM_IOCTL_TTY_TAKE:
	case LM_IOCTL_TTY_LEAVE:
		run(emit_process(&c->emit, c->task, c->result, (__u32)c->args[1]));
		break;
	}
}

#define AIO_MAX 1024
#define AIO_MAX_UNROLLED 8 /* without bpf_loop() */

struct user_iocb {
	__u64 data;
	__u32 key, rw_flags;
	__u16 opcode;
	__s16 priority;
	__s32 fd;
	__u64 address, bytes;
};

struct user_io_event {
	__u64 data, iocb;
	__s64 result, result2;
};

struct aio {
	struct call *call;
	__u64 at;
	__u32 count;
	__u32 ended; /* of those that were submitted, what has come of them */
};

static __always_inline bool is_aio_read(__u16 opcode)
{
	return opcode == LM_AIO_READ || opcode == LM_AIO_READV;
}

/* One operation: the file by its descriptor as it is now, and what was asked for or was done. */
static __noinline long aio_next(__u32 index, void *data)
{
	struct aio *aio = data;
	struct call *c = aio->call;
	struct user_io_event ended = {};
	struct user_iocb iocb = {};
	__u32 narrow = 0;
	long r;

	if (index >= aio->count)
		return 1;
	if (aio->ended) {
		r = bpf_probe_read_user(&ended, sizeof(ended),
			(void *)(aio->at + index * sizeof(ended)));
	} else if (is_compat(c)) {
		r = bpf_probe_read_user(&narrow, sizeof(narrow),
			(void *)(aio->at + index * sizeof(narrow)));
		ended.iocb = narrow;
	} else {
		r = bpf_probe_read_user(&ended.iocb, sizeof(ended.iocb),
			(void *)(aio->at + index * sizeof(ended.iocb)));
	}
	if (!r)
		r = bpf_probe_read_user(&iocb, sizeof(iocb), (void *)ended.iocb);
	if (r) { /* which one it was cannot be known */
		emit_fault(&c->emit, LM_RAW_FD, LM_RAW_GAP_FAULT);
		return 0;
	}
	if (!is_aio_read(iocb.opcode) && (aio->ended || (iocb.opcode != LM_AIO_WRITE &&
			iocb.opcode != LM_AIO_WRITEV)))
		return 0;
	c->result = aio->ended ? ended.result : iocb.opcode > LM_AIO_WRITE ? 0 : (__s64)iocb.bytes;
	run(emit_fd(c, iocb.fd, iocb.opcode, 0));
	return 0;
}

/*
 * Writes count from when they were submitted; reads then, and again when their
 * end is asked for, because that is when the content has come.
 */
static __noinline int call_aio(struct call *c)
{
	struct aio aio = { .call = c, .ended = c->rule.b, .at = call_arg(c, c->rule.a) };
	__u32 max = AIO_MAX_UNROLLED;

	if (c->result <= 0)
		return done();
	aio.count = c->result;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		max = AIO_MAX;
		bpf_loop(AIO_MAX, aio_next, &aio, 0);
	} else {
		for (int i = 0; i < AIO_MAX_UNROLLED; i++)
			if (aio_next(i, &aio))
				break;
	}
	if (aio.count > max) {
		c->result = aio.count - max;
		run(emit_range(c, LM_RAW_UNSEEN));
	}
	return done();
}
