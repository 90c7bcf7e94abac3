/* SPDX-License-Identifier: MIT */
#include "lemona/event/filter.h"

#include <errno.h>
#include <string.h>

#include "lemona/event/attributes.h"

int lm_filter_numbers_add(struct lm_filter_numbers *numbers, uint32_t number)
{
	if (numbers->count == LM_FILTER_VALUES_MAX)
		return -E2BIG;
	numbers->at[numbers->count++] = number;
	return 0;
}

int lm_filter_words_add(struct lm_filter_words *words, const char *word)
{
	if (words->count == LM_FILTER_VALUES_MAX)
		return -E2BIG;
	words->at[words->count++] = word;
	return 0;
}

bool lm_event_filter_is_narrow(const struct lm_event_filter *filter)
{
	return filter->some_ops || filter->some_results || filter->pids.count ||
	       filter->tids.count || filter->uids.count || filter->sessions.count ||
	       filter->exes.count || filter->paths.count || filter->containers.count ||
	       filter->address_count;
}

/* Nothing was asked for, or it is among what was. */
static bool numbers_pass(const struct lm_filter_numbers *numbers, uint32_t number)
{
	for (uint32_t i = 0; i < numbers->count; i++)
		if (numbers->at[i] == number)
			return true;
	return numbers->count == 0;
}

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

/* @return 1; 0; -ENOMEM */
static int match_path(const struct lm_labels *labels, lm_object_id id,
	const struct lm_filter_words *wanted, bool basename_too)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	uint8_t kind = lm_labels_get(labels, id)->kind;

	if (kind != LM_OBJECT_KIND_FILE && kind != LM_OBJECT_KIND_NAME)
		return 0;
	lm_labels_append_path(labels, id, &path);
	if (lm_buffer_status(&path) < 0)
		return -ENOMEM;
	struct lm_str s = { (const char *)path.data, (uint32_t)path.len };

	for (uint32_t i = 0; i < wanted->count; i++)
		if (path_matches(s, wanted->at[i]) || (basename_too &&
			!strchr(wanted->at[i], '/') && basename_matches(s, wanted->at[i])))
			return 1;
	return 0;
}

static int match_exe(const struct lm_event_filter *filter, const struct lm_event_view *view,
	const struct lm_label *actor)
{
	if (!filter->exes.count)
		return 1;
	if (actor->kind != LM_OBJECT_KIND_PROCESS)
		return 0;
	/* The name it was started under, and the name that the file has now. */
	int r = match_path(view->labels, actor->process.exe_name, &filter->exes, true);

	return r ? r : match_path(view->labels, actor->process.exe, &filter->exes, true);
}

static int match_any_path(const struct lm_event_filter *filter, const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const lm_object_id ids[] = { event->name, event->name2, event->object, event->object2 };

	if (!filter->paths.count)
		return 1;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		int r = match_path(view->labels, ids[i], &filter->paths, false);

		if (r)
			return r;
	}
	return 0;
}

static bool end_matches(const struct lm_event_filter *filter, const struct lm_address *end)
{
	for (uint32_t i = 0; i < filter->address_count; i++)
		if (lm_address_range_has(&filter->addresses[i], end))
			return true;
	return false;
}

static bool match_address(const struct lm_event_filter *filter, const struct lm_event_view *view)
{
	const lm_object_id ids[] = { view->event->object, view->event->object2 };

	for (size_t i = 0; filter->address_count && i < sizeof(ids) / sizeof(ids[0]); i++) {
		const struct lm_label *label = lm_labels_get(view->labels, ids[i]);

		if (label->kind == LM_OBJECT_KIND_SOCKET &&
			(end_matches(filter, &label->socket.local) ||
				end_matches(filter, &label->socket.remote)))
			return true;
	}
	return filter->address_count == 0;
}

static bool match_container(const struct lm_event_filter *filter, const struct lm_event_view *view,
	const struct lm_process *process)
{
	const struct lm_label *cgroup =
		lm_labels_get(view->labels, process ? process->cgroup : LM_OBJECT_NONE);
	struct lm_container container;

	if (!filter->containers.count)
		return true;
	if (cgroup->kind != LM_OBJECT_KIND_CGROUP ||
		!lm_container_of(cgroup->cgroup.path, &container))
		return false;
	for (uint32_t i = 0; i < filter->containers.count; i++) {
		size_t len = strlen(filter->containers.at[i]);

		if (len <= container.id.len &&
			memcmp(container.id.data, filter->containers.at[i], len) == 0)
			return true;
	}
	return false;
}

/* Who acted, as far as numbers tell. */
static bool match_actor(const struct lm_event_filter *filter, const struct lm_event_view *view,
	const struct lm_label *actor)
{
	const bool known = actor->kind == LM_OBJECT_KIND_PROCESS;
	const struct lm_process *all = known ? actor->process.all : NULL;

	if (!numbers_pass(&filter->tids, view->event->tid))
		return false;
	if (filter->pids.count && !(known && numbers_pass(&filter->pids, actor->process.tgid)))
		return false;
	if (filter->uids.count && !(all && (numbers_pass(&filter->uids, all->uid) ||
						   numbers_pass(&filter->uids, all->euid))))
		return false;
	if (filter->sessions.count && !(all && numbers_pass(&filter->sessions, all->session)))
		return false;
	return match_container(filter, view, all);
}

static bool match_result(const struct lm_event_filter *filter, const struct lm_event *event)
{
	if (!filter->some_results)
		return true;
	if (!lm_event_failed(event))
		return filter->succeeded;
	return filter->failed || (filter->errors.count &&
					 numbers_pass(&filter->errors, (uint32_t)-event->result));
}

int lm_event_filter_match(const struct lm_event_filter *filter, const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const struct lm_label *actor = lm_labels_get(view->labels, event->actor);

	if (view->wall_end_ns < filter->since_wall_ns || view->wall_end_ns > filter->until_wall_ns)
		return 0;
	if (filter->some_ops && (event->op > LM_OP_MAX || !filter->ops[event->op]))
		return 0;
	if (!match_result(filter, event) || !match_actor(filter, view, actor) ||
		!match_address(filter, view))
		return 0;
	int r = match_exe(filter, view, actor);

	return r == 1 ? match_any_path(filter, view) : r;
}

bool lm_event_filter_match_gap(const struct lm_event_filter *filter,
	const struct lm_gap_view *view)
{
	return view->wall_begin_ns <= filter->until_wall_ns &&
	       (view->wall_end_ns == 0 || view->wall_end_ns >= filter->since_wall_ns);
}
