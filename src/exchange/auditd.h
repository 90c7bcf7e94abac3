/* SPDX-License-Identifier: MIT */
#pragma once

#include <auparse.h>

#include "lemona/base/buffer.h"
#include "world.h"

/* One event of the kernel's audit system, put together from its records. */
#define AUDIT_PATHS_MAX 16
#define AUDIT_ARGV_MAX_BYTES (64u << 10)

/* A run of bytes in audit_event.text; `set` even if it is empty. */
struct audit_text {
	uint32_t at, len;
	bool set;
};

enum audit_nametype {
	AUDIT_NAME_OTHER = 0,
	AUDIT_NAME_NORMAL,
	AUDIT_NAME_PARENT,
	AUDIT_NAME_CREATE,
	AUDIT_NAME_DELETE,
};

struct audit_path {
	struct audit_text name;
	struct world_file is;
	enum audit_nametype type;
};

struct audit_event {
	uint64_t time_ns, serial;
	uint64_t order; /* among those of its file */
	uint64_t line;  /* that completed it */
	bool is_call;   /* it has a SYSCALL record */
	uint32_t arch;
	uint64_t number, args[4];
	int64_t exit;
	bool succeeded;
	uint32_t pid, ppid, auid, session, tty;
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	struct audit_text comm, exe, cwd, address, argv, node;
	uint32_t argc, argv_seen;
	struct audit_path paths[AUDIT_PATHS_MAX];
	uint32_t path_count;
	bool has_pair, has_mapping, has_open_flags, has_call_arguments;
	uint32_t pair[2];
	uint64_t mapped_fd, mapping_flags, open_flags, call_arguments[6];
	struct lm_buffer text;
};

static inline struct lm_str audit_str(const struct audit_event *event, struct audit_text text)
{
	return text.len ? (struct lm_str){ (const char *)event->text.data + text.at, text.len } :
			  LM_STR_NONE;
}

/** Take over the event that auparse is at. @return 0; -ENOMEM */
int audit_event_read(auparse_state_t *parser, struct audit_event **ret_event);
void audit_event_free(struct audit_event *event);

/**
 * Apply an event to the world.
 *
 * @param time_ns  when it ended: the times of audit are those of begins
 * @return 1; 0 (its call is none that tells of influence, or belongs to a machine that is not
 *         known here); a negative code
 */
int audit_event_apply(struct world *world, const struct audit_event *event, uint64_t time_ns);
