/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <string.h>

static bool path_matches(struct lm_str path, const char *wanted)
{
	size_t len = strlen(wanted);

	/* "/etc/" is everything below /etc; "/etc" is only itself. */
	if (len > 1 && wanted[len - 1] == '/')
		return path.len >= len && memcmp(path.data, wanted, len) == 0;
	return path.len == len && (len == 0 || memcmp(path.data, wanted, len) == 0);
}

static bool basename_matches(struct lm_str path, const char *wanted)
{
	size_t len = strlen(wanted);

	return path.len > len && path.data[path.len - len - 1] == '/' &&
	       memcmp(path.data + path.len - len, wanted, len) == 0;
}

static int match_path(const struct lm_labels *labels, lm_object_id id, const char *wanted,
	bool basename_too)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	uint8_t kind = lm_labels_get(labels, id)->kind;

	if (kind != LM_OBJECT_KIND_FILE && kind != LM_OBJECT_KIND_NAME)
		return 0;
	lm_labels_append_path(labels, id, &path);
	if (lm_buffer_status(&path) < 0)
		return -ENOMEM;
	struct lm_str s = { (const char *)path.data, (uint32_t)path.len };

	return path_matches(s, wanted) ||
	       (basename_too && !strchr(wanted, '/') && basename_matches(s, wanted));
}

static int match_exe(const struct lm_event_filter *filter, const struct lm_event_view *view)
{
	const struct lm_label *actor = lm_labels_get(view->labels, view->event->actor);

	if (!filter->exe)
		return 1;
	if (actor->kind != LM_OBJECT_KIND_PROCESS)
		return 0;
	/* The name it was started under, and the name that the file has now. */
	int r = match_path(view->labels, actor->process.exe_name, filter->exe, true);

	return r ? r : match_path(view->labels, actor->process.exe, filter->exe, true);
}

static int match_any_path(const struct lm_event_filter *filter, const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const lm_object_id ids[] = { event->name, event->name2, event->object, event->object2 };

	if (!filter->path)
		return 1;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		int r = match_path(view->labels, ids[i], filter->path, false);

		if (r)
			return r;
	}
	return 0;
}

int lm_event_filter_match(const struct lm_event_filter *filter, const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const struct lm_label *actor = lm_labels_get(view->labels, event->actor);

	if (view->wall_end_ns < filter->since_wall_ns || view->wall_end_ns > filter->until_wall_ns)
		return 0;
	if (filter->some_ops && (event->op > LM_OP_MAX || !filter->ops[event->op]))
		return 0;
	if (filter->pid &&
	    (actor->kind != LM_OBJECT_KIND_PROCESS || actor->process.tgid != filter->pid))
		return 0;
	int r = match_exe(filter, view);

	return r == 1 ? match_any_path(filter, view) : r;
}
