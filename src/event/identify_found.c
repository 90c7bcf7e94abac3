/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>

/* /proc has the arguments of what was started before the recorder. */
static int read_found_argv(struct process *process)
{
	char path[64], argv[LM_PROCESS_ARGV_MAX_BYTES];
	int fd LM_CLOSE = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", process->tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* gone meanwhile: comm is what is left */
	n = read(fd, argv, sizeof(argv));
	if (n <= 0)
		return 0;
	process->attributes.argv_cut = n == sizeof(argv);
	for (ssize_t i = 0; i < n; i++)
		process->attributes.argc += argv[i] == '\0';
	return set_argv(process, argv, (uint32_t)n);
}

int take_found(struct lm_identify *id, const struct lm_raw_process *raw)
{
	struct process *process = process_by_tid(id, raw->raw.tid);
	struct process *parent;
	int r;

	if (process && process->tgid == raw->raw.tgid && process->attributes.start_ns)
		return 0; /* forked since the start: known better */
	r = process_of(id, &raw->raw, &process);
	if (r < 0)
		return r;
	if (process->attributes.start_ns)
		return 0; /* a further thread */
	r = set_attributes(id, raw->raw.time_ns, process, &raw->attributes);
	if (r < 0)
		return r;
	parent = process_by_tid(id, raw->attributes.parent_tgid);
	/* One that comes later in the list: see lm_identify_found_all(). */
	process->found_parent = parent ? 0 : raw->attributes.parent_tgid;
	process->attributes.parent = parent ? parent->object : LM_OBJECT_NONE;
	process->parent_tgid = raw->attributes.parent_tgid;
	r = read_found_argv(process);
	if (r < 0)
		return r;
	return define_process(id, raw->raw.time_ns, process, LM_OBJECT_FOUND);
}

int lm_identify_found_all(struct lm_identify *id)
{
	for (size_t i = 0; id->threads.slots && i <= id->threads.mask; i++) {
		struct process *process, *parent;
		uint64_t tid, value;
		int r;

		if (!lm_map_at(&id->threads, i, &tid, &value))
			continue;
		process = (struct process *)(uintptr_t)value;
		if (!process || !process->found_parent || tid != process->tgid)
			continue;
		parent = process_by_tid(id, process->found_parent);
		process->found_parent = 0;
		if (!parent)
			continue;
		process->attributes.parent = parent->object;
		r = define_process(id, process->attributes.start_ns, process, LM_OBJECT_FOUND);
		if (r < 0)
			return r;
	}
	return 0;
}
