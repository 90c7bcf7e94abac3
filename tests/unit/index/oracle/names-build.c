/* SPDX-License-Identifier: MIT */
#include <linux/fs.h>

#include "index-private.h"

/*
 * Names over time: every event and every sighting that says which file a name
 * was bound to, replayed in order of time.
 */

/* What is known about one name while replaying. */
struct state {
	uint32_t open;      /* its present bound, position + 1; 0: none */
	bool touched;       /* something was said about it before */
	bool pending;       /* bound to a file that nobody has named yet, since: */
	uint64_t since_ns;
	lm_object_id from;  /* the name that file had before, and since when */
	uint64_t from_since_ns;
};

/* One thing to replay: a sighting, or an event. */
struct step {
	uint64_t time_ns;
	uint32_t position;
	bool is_event;
};

struct replay {
	struct lm_index *index;
	struct state *states; /* by object */
	TABLE(struct step, steps);
};

static void release_replay(struct replay *replay)
{
	free(replay->states);
	free(replay->steps.at);
}

static int push_bound(struct replay *replay, const struct lm_bound *bound, uint32_t *ret_open)
{
	struct lm_index *index = replay->index;
	size_t count = index->bounds.count;

	if (count >= UINT32_MAX - 1)
		return -ENOMEM;
	if (lm_array_reserve(index->bounds.at, index->bounds.capacity, count + 1) < 0)
		return -ENOMEM;
	index->bounds.at[count] = *bound;
	if (index->objects.at[bound->name].flags & LM_OBJECT_CLAIMED)
		index->bounds.at[count].claimed = true;
	index->bounds.count = count + 1;
	if (ret_open)
		*ret_open = (uint32_t)count + 1;
	return 0;
}

static lm_object_id file_of(const struct replay *replay, lm_object_id name)
{
	uint32_t open = replay->states[name].open;

	return open ? replay->index->bounds.at[open - 1].file : LM_OBJECT_NONE;
}

/* The file that a name had without our knowing is known now: it had it until `end_ns`. */
static int push_earlier(struct replay *replay, lm_object_id name, lm_object_id file,
			uint64_t begin_ns, uint64_t end_ns)
{
	struct lm_bound bound = {
		.name = name, .file = file, .begin_ns = begin_ns, .end_ns = end_ns,
	};

	return push_bound(replay, &bound, NULL);
}

/* `name` lost what it was bound to; `file` says what that was, when it is known. */
static int unbind(struct replay *replay, lm_object_id name, lm_object_id file, uint64_t end_ns)
{
	struct state *state = &replay->states[name];
	int r = 0;

	if (state->open)
		replay->index->bounds.at[state->open - 1].end_ns = end_ns;
	else if (file && (state->pending || !state->touched))
		r = push_earlier(replay, name, file, state->pending ? state->since_ns : 0, end_ns);
	if (r == 0 && file && state->pending && state->from)
		r = push_earlier(replay, state->from, file, state->from_since_ns, state->since_ns);
	*state = (struct state){ .touched = true, .since_ns = end_ns };
	return r;
}

/*
 * Is it a claim what the event made its new name mean? The kernel's report of a link tells the new
 * name, and the file if it can; the event stays a claim for the old one.
 */
static bool made_by_claim(const struct lm_event *event)
{
	if (!(event->flags & LM_EVENT_CLAIMED))
		return false;
	return !(event->flags & LM_EVENT_CONFIRMED) || event->flags & LM_EVENT_DERIVED;
}

/* `name` was made to mean `file` by this very event. */
static int bind_new(struct replay *replay, lm_object_id name, lm_object_id file,
		    const struct lm_event *event)
{
	struct state *state = &replay->states[name];
	struct lm_bound bound = {
		.name = name, .file = file, .begin_ns = event->begin_ns, .end_ns = UINT64_MAX,
		.event = event->id, .claimed = made_by_claim(event),
	};
	int r;

	if (state->open && file_of(replay, name) == file)
		return 0;
	r = unbind(replay, name, LM_OBJECT_NONE, event->end_ns);
	if (r == 0)
		r = push_bound(replay, &bound, &state->open);
	return r;
}

/* `name` was made to mean a file that the event does not know. */
static int bind_pending(struct replay *replay, lm_object_id name, lm_object_id from,
			const struct lm_event *event)
{
	const struct state before = from ? replay->states[from] : (struct state){ 0 };
	int r = unbind(replay, name, LM_OBJECT_NONE, event->end_ns);

	replay->states[name] = (struct state){
		.touched = true, .pending = true, .since_ns = event->begin_ns,
		.from = from, .from_since_ns = before.pending ? before.since_ns : 0,
	};
	return r;
}

/* `name` was seen to mean `file`: since when is worked out from what was known. */
static int bind_seen(struct replay *replay, lm_object_id name, lm_object_id file, uint64_t time_ns,
		     uint64_t event, bool claimed, bool covers)
{
	struct state *state = &replay->states[name];
	struct lm_bound bound = {
		.name = name, .file = file, .begin_ns = time_ns, .end_ns = UINT64_MAX,
		.event = event, .claimed = claimed,
	};
	int r = 0;

	if (file_of(replay, name) == file)
		return 0;
	if (!state->touched)
		bound.begin_ns = 0;
	if (state->pending) {
		bound.begin_ns = state->since_ns;
		if (state->from)
			r = push_earlier(replay, state->from, file, state->from_since_ns,
					 state->since_ns);
	}
	/* What a mount covers stays bound underneath. */
	if (state->open && !covers)
		replay->index->bounds.at[state->open - 1].end_ns = time_ns;
	*state = (struct state){ .touched = true, .since_ns = time_ns };
	if (r == 0)
		r = push_bound(replay, &bound, &state->open);
	return r;
}

static int replay_exchange(struct replay *replay, const struct lm_event *event)
{
	lm_object_id first = event->object ? event->object : file_of(replay, event->name);
	lm_object_id second = file_of(replay, event->name2);
	int r = unbind(replay, event->name, first, event->end_ns);

	if (r == 0)
		r = unbind(replay, event->name2, second, event->end_ns);
	if (r == 0 && first)
		r = bind_new(replay, event->name2, first, event);
	if (r == 0 && second)
		r = bind_new(replay, event->name, second, event);
	return r;
}

static int replay_rename(struct replay *replay, const struct lm_event *event)
{
	lm_object_id file = event->object ? event->object : file_of(replay, event->name);
	int r;

	if (!event->name || !event->name2 || event->name == event->name2)
		return 0;
	if (event->arg & RENAME_EXCHANGE)
		return replay_exchange(replay, event);
	r = file ? bind_new(replay, event->name2, file, event) :
		   bind_pending(replay, event->name2, event->name, event);
	if (r == 0)
		r = unbind(replay, event->name, file, event->end_ns);
	return r;
}

static int replay_link(struct replay *replay, const struct lm_event *event)
{
	lm_object_id before = file_of(replay, event->name);
	lm_object_id file = event->object ? event->object : before;
	bool claimed = (event->flags & LM_EVENT_CLAIMED) != 0;
	int r = 0;

	/* A claim that cannot be true takes nothing away from what is known of that name. */
	if (event->name && file && !(claimed && before && before != file))
		r = bind_seen(replay, event->name, file, event->begin_ns, 0, claimed,
			false);
	if (r < 0 || !event->name2)
		return r;
	return file ? bind_new(replay, event->name2, file, event) :
		      bind_pending(replay, event->name2, LM_OBJECT_NONE, event);
}

static int replay_create(struct replay *replay, const struct lm_event *event)
{
	if (!event->name)
		return 0;
	return event->object ? bind_new(replay, event->name, event->object, event) :
			       bind_pending(replay, event->name, LM_OBJECT_NONE, event);
}

static int replay_event(struct replay *replay, uint32_t position)
{
	const struct lm_event *event = &replay->index->events.at[position];
	bool claimed = (event->flags & LM_EVENT_CLAIMED) != 0;

	switch (event->op) {
	case LM_OP_RENAME:
		return replay_rename(replay, event);
	case LM_OP_LINK:
		return replay_link(replay, event);
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
		return event->name ? unbind(replay, event->name, event->object, event->end_ns) : 0;
	case LM_OP_MKDIR:
	case LM_OP_MKNOD:
	case LM_OP_SYMLINK:
		return replay_create(replay, event);
	case LM_OP_OPEN:
		if (event->flags & LM_EVENT_CREATED)
			return replay_create(replay, event);
		break;
	default:
		break;
	}
	if (!event->name || lm_index_kind(replay->index, event->object) != LM_OBJECT_KIND_FILE)
		return 0;
	/* What a claimed name was bound to has been told before, or nobody has seen it. */
	if (claimed && event->op != LM_OP_MOUNT)
		return 0;
	return bind_seen(replay, event->name, event->object, event->begin_ns, event->id, claimed,
			 event->op == LM_OP_MOUNT);
}

static int replay_binding(struct replay *replay, const struct lm_binding *binding)
{
	if (!binding->name || !binding->file)
		return 0;
	return bind_seen(replay, binding->name, binding->file, binding->time_ns, 0, false,
			 (binding->flags & LM_BINDING_MOUNT) != 0);
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	if (x->is_event != y->is_event)
		return x->is_event ? 1 : -1;
	return x->position < y->position ? -1 : x->position > y->position;
}

static int add_step(struct replay *replay, const struct step *step)
{
	if (lm_array_reserve(replay->steps.at, replay->steps.capacity, replay->steps.count + 1) < 0)
		return -ENOMEM;
	replay->steps.at[replay->steps.count++] = *step;
	return 0;
}

static int collect_steps(struct replay *replay)
{
	struct lm_index *index = replay->index;

	for (uint32_t i = 0; i < index->bindings.count; i++) {
		struct step step = { index->bindings.at[i].time_ns, i, false };

		if (add_step(replay, &step) < 0)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < index->events.count; i++) {
		const struct lm_event *event = &index->events.at[i];
		struct step step = { event->end_ns, i, true };

		if (!event->name || lm_event_failed(event))
			continue;
		if (add_step(replay, &step) < 0)
			return -ENOMEM;
	}
	if (replay->steps.count > 0)
		qsort(replay->steps.at, replay->steps.count, sizeof(struct step), compare_steps);
	return 0;
}

static lm_object_id name_of_bound(const struct lm_index *index, size_t i)
{
	return index->bounds.at[i].name;
}

static lm_object_id file_of_bound(const struct lm_index *index, size_t i)
{
	return index->bounds.at[i].file;
}

static lm_object_id directory_of(const struct lm_index *index, size_t i)
{
	const struct lm_name *name = index_name(index, (lm_object_id)i);

	return name ? name->dir : LM_OBJECT_NONE;
}

static int compare_bounds(const void *a, const void *b)
{
	const struct lm_bound *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

/* Lay the bounds out row by row, each row in order of begin. */
static struct lm_bound *gather_bounds(const struct lm_index *index, const struct rows *rows)
{
	struct lm_bound *gathered = lm_array_new(index->bounds.count, sizeof(*gathered));

	if (!gathered)
		return NULL;
	for (size_t i = 0; i < index->bounds.count; i++)
		gathered[i] = index->bounds.at[rows->at[i]];
	for (size_t row = 1; row < index->objects.count; row++) {
		uint32_t count = rows->start[row + 1] - rows->start[row];

		if (count > 1)
			qsort(gathered + rows->start[row], count, sizeof(*gathered),
				compare_bounds);
	}
	return gathered;
}

int index_build_names(struct lm_index *index)
{
	struct replay replay LM_CLEANUP(release_replay) = { .index = index };
	int r;

	replay.states = lm_array_new(index->objects.count, sizeof(*replay.states));
	if (!replay.states)
		return -ENOMEM;
	r = collect_steps(&replay);
	for (size_t i = 0; i < replay.steps.count && r == 0; i++) {
		const struct step *step = &replay.steps.at[i];

		r = step->is_event ? replay_event(&replay, step->position) :
				     replay_binding(&replay, &index->bindings.at[step->position]);
	}
	if (r == 0)
		r = rows_build(&index->by_name, index->objects.count, index->bounds.count,
			       name_of_bound, index);
	if (r == 0)
		r = rows_build(&index->by_file, index->objects.count, index->bounds.count,
			       file_of_bound, index);
	if (r == 0)
		r = rows_build(&index->in_dir, index->objects.count, index->objects.count,
			       directory_of, index);
	if (r < 0)
		return r;
	index->name_bounds = gather_bounds(index, &index->by_name);
	index->file_bounds = gather_bounds(index, &index->by_file);
	return index->name_bounds && index->file_bounds ? 0 : -ENOMEM;
}
