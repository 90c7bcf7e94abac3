/* SPDX-License-Identifier: MIT */
#pragma once

#include "import.h"

/*
 * Messages: what programs have said to the system's log, on the same time line as what they did.
 */
struct message {
	uint64_t time_ns;   /* since 1970 */
	uint64_t begin_ns;  /* when its program said it; 0: not known */
	uint32_t pid;       /* 0: not known */
	uint16_t priority;  /* LM_MESSAGE_PRIORITY | facility * 8 + severity; 0: not known */
	struct lm_str tag;  /* what the program calls itself */
	struct lm_str text;
	/* What the journal knows of the process, used where nothing else has told of it. */
	struct lm_str comm, exe, command; /* command: its arguments, as one text */
	struct lm_str cgroup; /* path of its control group, or its unit */
	bool has_ids;
	uint32_t uid, gid;
};

struct message_cgroup {
	lm_object_id object;
	struct lm_str path; /* owned */
};

/* What all sources of messages share. */
struct message_run {
	uint32_t users;
	struct lm_map untied;  /* name of a tag: the process that stands for it */
	struct message_cgroup *cgroups;
	size_t cgroup_count, cgroup_capacity;
	struct lm_map by_path; /* hash of a path: index of its control group */
	uint64_t seed;
	char boot[33];         /* that the last one was of which said so */
};

/** Join the messages' run of an import. @return 0; -ENOMEM (*ret_run is NULL) */
int message_join(struct import *import, struct message_run **ret_run);
void message_leave(struct import *import, struct message_run *run);

/** What follows is of this boot: of another one than the last, no process lives on. */
void message_boot(struct world *world, struct message_run *run, struct lm_str boot);
/** Tell a message. @return 1; world_status() */
int message_apply(struct import *import, struct message_run *run, const struct message *message);
