/* SPDX-License-Identifier: MIT */
#include "own.h"

#include <dirent.h>
#include <stdlib.h>

void own_threads_list(struct own_threads *threads)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;

	threads->count = 0;
	while (dir && threads->count < OWN_THREADS_MAX && (entry = readdir(dir))) {
		uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (tid != 0)
			threads->tids[threads->count++] = tid;
	}
	if (dir)
		closedir(dir);
}

bool own_threads_have(const struct own_threads *threads, uint32_t tid)
{
	for (uint32_t i = 0; i < threads->count; i++)
		if (threads->tids[i] == tid)
			return true;
	return false;
}

static bool is_own_thread(const struct lm_raw *record, pid_t self)
{
	const struct lm_raw_fork *fork = (const struct lm_raw_fork *)record;

	return record->kind == LM_RAW_FORK && record->len >= sizeof(*fork) &&
		record->tgid == (uint32_t)self && fork->child_tgid == (uint32_t)self;
}

bool own_is_record(const struct lm_raw *record, pid_t self, pid_t holder)
{
	if (holder == 0 || record->tgid != (uint32_t)holder)
		return is_own_thread(record, self);
	switch ((enum lm_raw_kind)record->kind) {
	case LM_RAW_IO:
	case LM_RAW_RUN:
	case LM_RAW_SOCKET:
	case LM_RAW_CONTENT:
	case LM_RAW_CALL:
	case LM_RAW_TURN:
		return true;
	default:
		return false;
	}
}
