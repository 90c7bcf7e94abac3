/* SPDX-License-Identifier: MIT */
#include "holder_confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"

#define HEAP_BYTES      (512u << 10)
#define HEAP_KEEP_BYTES (16 << 20)  /* the allocator gives nothing back that is less */
#define STACK_BYTES     (64u << 10) /* more than signing needs */

/* What a holder calls on descriptor 0 only, and what it may call as it likes. */
static const int calls_on_socket[] = { SCMP_SYS(recvfrom), SCMP_SYS(sendto) };
static const int calls[] = { SCMP_SYS(getrandom), SCMP_SYS(exit_group) };
/* More memory would not be locked: the allocator is told that there is none. */
static const int calls_for_memory[] = { SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(mremap),
	SCMP_SYS(munmap), SCMP_SYS(madvise) };

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer's allocator takes memory whenever it likes. */
#define MEMORY_ACTION SCMP_ACT_ALLOW
#else
#define MEMORY_ACTION SCMP_ACT_ERRNO(ENOMEM)
#endif

/* A frame of its own, below that of the caller, where those of others were. */
__attribute__((noinline, noclone)) void holder_wipe_stack(void)
{
	uint8_t bytes[STACK_BYTES];

	explicit_bzero(bytes, sizeof(bytes));
}

/* Room that signing will never need more of, taken while that is possible. */
static int reserve_memory(void)
{
	void *room;

	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEEP_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_KEEP_BYTES);
	room = malloc(HEAP_BYTES);
	if (!room)
		return -ENOMEM;
	free(room);
	/* A stack whose memory is locked does not grow any more without privilege. */
	holder_wipe_stack();
	return 0;
}

static int lock_memory(void)
{
	/* On fault: the libraries' pages that are never used need not be there. */
	return mlockall(MCL_CURRENT | MCL_ONFAULT) < 0 ? -errno : 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int hide_memory(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

static void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int allow_calls(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < LM_ARRAY_SIZE(calls_on_socket); i++)
		r = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, calls_on_socket[i], 1, SCMP_A0(SCMP_CMP_EQ, 0));
	for (size_t i = 0; r == 0 && i < LM_ARRAY_SIZE(calls); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	for (size_t i = 0; r == 0 && i < LM_ARRAY_SIZE(calls_for_memory); i++)
		r = seccomp_rule_add(filter, MEMORY_ACTION, calls_for_memory[i], 0);
	return r;
}

/* Loading the filter sets no_new_privs too, since there are no capabilities left. */
static int filter_calls(void)
{
	LM_CLEANUP(cleanup_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = allow_calls(filter);
	return r == 0 ? seccomp_load(filter) : r;
}

int holder_confine(const char **ret_step)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} steps[] = {
		{ "hide its memory", hide_memory },
		{ "take memory", reserve_memory },
		{ "lock its memory", lock_memory },
		{ "give up its capabilities", drop_capabilities },
		{ "have its calls filtered (seccomp)", filter_calls },
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(steps); i++) {
		int r = steps[i].run();

		if (r < 0) {
			*ret_step = steps[i].name;
			return r;
		}
	}
	return 0;
}
