/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>

#include "catalog_builder.h"
#include "lemona/base/error.h"
#include "lemona/base/time.h"

/*
 * Names over time: every event and every sighting that says which file a name was bound to,
 * replayed in order of time.
 */

/* How much later than another one a step may be stored and still be replayed before it. */
#define WINDOW_NS LM_NS_PER_SEC
#define STEPS_MAX 32768u
#define SLAB_STATES 1024u

struct state_slab {
	struct state_slab *next;
	size_t count;
	struct state at[SLAB_STATES];
};

void states_release(struct states *states)
{
	lm_map_release(&states->places);
	while (states->slabs) {
		struct state_slab *next = states->slabs->next;

		free(states->slabs);
		states->slabs = next;
	}
	states->count = 0;
}

/* A state that stays where it is. NULL: no memory. */
static struct state *add_state(struct states *states, const struct state *state)
{
	struct state_slab *slab = states->slabs;
	struct state *added;

	if (!slab || slab->count == SLAB_STATES) {
		slab = malloc(sizeof(*slab));
		if (!slab)
			return NULL;
		slab->next = states->slabs;
		slab->count = 0;
		states->slabs = slab;
	}
	added = &slab->at[slab->count];
	if (lm_map_put(&states->places, state->name, (uint64_t)(uintptr_t)added) < 0)
		return NULL;
	*added = *state;
	slab->count++;
	states->count++;
	return added;
}

int states_forget(struct states *states, size_t keep)
{
	struct states kept = { .count = 0 };
	size_t dirty = 0;

	if (states->count <= keep)
		return 0;
	for (struct state_slab *slab = states->slabs; slab; slab = slab->next)
		for (size_t i = 0; i < slab->count; i++)
			dirty += slab->at[i].dirty;
	for (struct state_slab *slab = states->slabs; slab && dirty <= keep; slab = slab->next)
		for (size_t i = 0; i < slab->count; i++)
			if (slab->at[i].dirty && !add_state(&kept, &slab->at[i])) {
				states_release(&kept);
				return -ENOMEM;
			}
	states_release(states);
	*states = kept;
	return 0;
}

static void open_bound(struct state *state, const struct cells *cells)
{
	state->open = true;
	state->serial = cells->at[BOUND_SERIAL];
	state->file = (lm_object_id)cells->at[BOUND_FILE];
	state->begin_ns = cells->at[BOUND_BEGIN];
	state->event = cells->at[BOUND_EVENT];
	state->claimed = cells->at[BOUND_FLAGS] & BOUND_CLAIMED;
}

/* What the newest part that speaks of a name says of it. @return whether this one does */
static bool read_state(struct lm_catalog_builder *builder, const struct part *part,
		       struct state *state)
{
	struct lm_catalog *written = builder->written;
	uint64_t serial = part_last_value(written, part, LOOKUP_BOUND_OF_NAME, state->name);
	struct cells cells, bound;

	if (part_cells(written, part, TABLE_STATES, state->name, &cells) &&
	    cells.at[STATE_AS_OF] > serial) {
		state->pending = cells.at[STATE_PENDING];
		state->since_ns = cells.at[STATE_SINCE];
		state->from = (lm_object_id)cells.at[STATE_FROM];
		state->from_since_ns = cells.at[STATE_FROM_SINCE];
		serial = cells.at[STATE_OPEN];
	} else if (serial == 0) {
		return false;
	}
	state->touched = true;
	if (serial && catalog_bound(written, serial, &bound) && bound.at[BOUND_FLAGS] & BOUND_OPEN)
		open_bound(state, &bound);
	return true;
}

/* NULL: no memory. Stays valid. */
static struct state *state_of(struct lm_catalog_builder *builder, lm_object_id name)
{
	const uint64_t *place = lm_map_get(&builder->states.places, name);
	struct state state = { .name = name };

	if (place)
		return (struct state *)(uintptr_t)*place;
	for (size_t i = builder->written->count; i > 0 && name < builder->known_count; i--)
		if (read_state(builder, builder->written->parts[i - 1], &state))
			break;
	return add_state(&builder->states, &state);
}

static int emit_bound(struct lm_catalog_builder *builder, struct state *state,
		      const struct cells *cells)
{
	uint64_t serial = cells->at[BOUND_SERIAL];

	if (LIST_RESERVE(builder->bounds) < 0)
		return -ENOMEM;
	builder->bounds.at[builder->bounds.count++] = *cells;
	if (serial > state->high) {
		state->high = serial;
		state->high_open = cells->at[BOUND_FLAGS] & BOUND_OPEN;
	}
	state->dirty = true;
	return 0;
}

static struct cells make_bound(lm_object_id name, lm_object_id file, uint64_t begin_ns,
			       uint64_t end_ns, bool claimed)
{
	struct cells cells = { { 0 } };

	cells.at[BOUND_NAME] = name;
	cells.at[BOUND_FILE] = file;
	cells.at[BOUND_BEGIN] = begin_ns;
	cells.at[BOUND_LENGTH] = end_ns == UINT64_MAX ? 0 : end_ns - begin_ns;
	cells.at[BOUND_FLAGS] =
		(claimed ? BOUND_CLAIMED : 0) | (end_ns == UINT64_MAX ? BOUND_OPEN : 0);
	return cells;
}

/* The present bound of a name, as it stands or as it ended. */
static int emit_present(struct lm_catalog_builder *builder, struct state *state, uint64_t end_ns)
{
	struct cells cells = make_bound(state->name, state->file, state->begin_ns, end_ns,
					state->claimed);

	cells.at[BOUND_SERIAL] = state->serial;
	cells.at[BOUND_EVENT] = state->event;
	return emit_bound(builder, state, &cells);
}

/* The file that a name had without our knowing is known now: it had it until `end_ns`. */
static int push_earlier(struct lm_catalog_builder *builder, lm_object_id name, lm_object_id file,
			uint64_t begin_ns, uint64_t end_ns)
{
	struct cells cells = make_bound(name, file, begin_ns, end_ns, false);
	struct state *state = state_of(builder, name);

	if (!state)
		return -ENOMEM;
	cells.at[BOUND_SERIAL] = builder->next_serial++;
	return emit_bound(builder, state, &cells);
}

static void reset_state(struct state *state, uint64_t since_ns)
{
	state->touched = state->dirty = true;
	state->pending = state->open = false;
	state->since_ns = since_ns;
	state->from = LM_OBJECT_NONE;
	state->from_since_ns = 0;
}

static void push_bound(struct lm_catalog_builder *builder, struct state *state, lm_object_id file,
		       uint64_t begin_ns, uint64_t event, bool claimed)
{
	state->open = state->dirty = true;
	state->serial = builder->next_serial++;
	state->file = file;
	state->begin_ns = begin_ns;
	state->event = event;
	state->claimed = claimed;
}

static lm_object_id file_of(struct lm_catalog_builder *builder, lm_object_id name, int *failure)
{
	struct state *state = name ? state_of(builder, name) : NULL;

	if (name && !state)
		*failure = -ENOMEM;
	return state && state->open ? state->file : LM_OBJECT_NONE;
}

/* A name lost what it was bound to; `file` says what that was, when it is known. */
static int unbind(struct lm_catalog_builder *builder, lm_object_id name, lm_object_id file,
		  uint64_t end_ns)
{
	struct state *state = state_of(builder, name);
	int r = 0;

	if (!state)
		return -ENOMEM;
	if (state->open)
		r = emit_present(builder, state, end_ns);
	else if (file && (state->pending || !state->touched))
		r = push_earlier(builder, name, file, state->pending ? state->since_ns : 0, end_ns);
	if (r == 0 && file && state->pending && state->from)
		r = push_earlier(builder, state->from, file, state->from_since_ns,
				 state->since_ns);
	reset_state(state, end_ns);
	return r;
}

/*
 * Is it a claim what the event made its new name mean? The kernel's report of a link tells the new
 * name, and the file if it can; the event stays a claim for the old one.
 */
static bool made_by_claim(const struct step *step)
{
	if (!(step->flags & LM_EVENT_CLAIMED))
		return false;
	return !(step->flags & LM_EVENT_CONFIRMED) || step->flags & LM_EVENT_DERIVED;
}

/* A name was made to mean a file by this very event. */
static int bind_new(struct lm_catalog_builder *builder, lm_object_id name, lm_object_id file,
		    const struct step *step)
{
	struct state *state = state_of(builder, name);
	int r;

	if (!state)
		return -ENOMEM;
	if (state->open && state->file == file)
		return 0;
	r = unbind(builder, name, LM_OBJECT_NONE, step->time_ns);
	if (r == 0)
		push_bound(builder, state, file, step->begin_ns, step->event,
			   made_by_claim(step));
	return r;
}

/* A name was made to mean a file that the event does not know. */
static int bind_pending(struct lm_catalog_builder *builder, lm_object_id name, lm_object_id from,
			const struct step *step)
{
	const struct state *source = from ? state_of(builder, from) : NULL;
	struct state *state = state_of(builder, name);
	uint64_t from_since_ns;
	int r;

	if (!state || (from && !source))
		return -ENOMEM;
	from_since_ns = source && source->pending ? source->since_ns : 0;
	r = unbind(builder, name, LM_OBJECT_NONE, step->time_ns);
	state->pending = true;
	state->since_ns = step->begin_ns;
	state->from = from;
	state->from_since_ns = from_since_ns;
	return r;
}

/* A name was seen to mean a file: since when is worked out from what was known. */
static int bind_seen(struct lm_catalog_builder *builder, const struct step *step, lm_object_id file,
		     uint64_t event, bool claimed, bool covers)
{
	struct state *state = state_of(builder, step->name);
	uint64_t begin_ns = step->begin_ns;
	int r = 0;

	if (!state)
		return -ENOMEM;
	if (state->open && state->file == file)
		return 0;
	if (!state->touched)
		begin_ns = 0;
	if (state->pending) {
		begin_ns = state->since_ns;
		if (state->from)
			r = push_earlier(builder, state->from, file, state->from_since_ns,
					 state->since_ns);
	}
	/* What a mount covers stays bound underneath. */
	if (r == 0 && state->open && !covers)
		r = emit_present(builder, state, step->begin_ns);
	else if (r == 0 && state->open && state->serial >= builder->first_serial)
		r = emit_present(builder, state, UINT64_MAX);
	reset_state(state, step->begin_ns);
	if (r == 0)
		push_bound(builder, state, file, begin_ns, event, claimed);
	return r;
}

static int replay_exchange(struct lm_catalog_builder *builder, const struct step *step)
{
	int r = 0;
	lm_object_id first = step->object ? step->object : file_of(builder, step->name, &r);
	lm_object_id second = file_of(builder, step->name2, &r);

	if (r == 0)
		r = unbind(builder, step->name, first, step->time_ns);
	if (r == 0)
		r = unbind(builder, step->name2, second, step->time_ns);
	if (r == 0 && first)
		r = bind_new(builder, step->name2, first, step);
	if (r == 0 && second)
		r = bind_new(builder, step->name, second, step);
	return r;
}

static int replay_rename(struct lm_catalog_builder *builder, const struct step *step)
{
	int r = 0;
	lm_object_id file = step->object ? step->object : file_of(builder, step->name, &r);

	if (r < 0 || !step->name2 || step->name == step->name2)
		return r;
	if (step->arg & RENAME_EXCHANGE)
		return replay_exchange(builder, step);
	r = file ? bind_new(builder, step->name2, file, step) :
		   bind_pending(builder, step->name2, step->name, step);
	if (r == 0)
		r = unbind(builder, step->name, file, step->time_ns);
	return r;
}

static int replay_link(struct lm_catalog_builder *builder, const struct step *step)
{
	int r = 0;
	lm_object_id before = file_of(builder, step->name, &r);
	lm_object_id file = step->object ? step->object : before;
	bool claimed = step->flags & LM_EVENT_CLAIMED;

	/* A claim that cannot be true takes nothing away from what is known of that name. */
	if (r == 0 && file && !(claimed && before && before != file))
		r = bind_seen(builder, step, file, 0, claimed, false);
	if (r < 0 || !step->name2)
		return r;
	return file ? bind_new(builder, step->name2, file, step) :
		      bind_pending(builder, step->name2, LM_OBJECT_NONE, step);
}

static int replay_create(struct lm_catalog_builder *builder, const struct step *step)
{
	return step->object ? bind_new(builder, step->name, step->object, step) :
			      bind_pending(builder, step->name, LM_OBJECT_NONE, step);
}

static int replay_seen(struct lm_catalog_builder *builder, const struct step *step)
{
	bool claimed = step->flags & LM_EVENT_CLAIMED, mount = step->op == LM_OP_MOUNT;
	int kind = builder_kind(builder, step->object);

	if (kind != LM_OBJECT_KIND_FILE)
		return kind < 0 ? kind : 0;
	/* What a claimed name was bound to has been told before, or nobody has seen it. */
	if (claimed && !mount)
		return 0;
	return bind_seen(builder, step, step->object, step->event, claimed, mount);
}

static int replay_step(struct lm_catalog_builder *builder, const struct step *step)
{
	if (!(step->order & ORDER_EVENT))
		return bind_seen(builder, step, step->object, 0, false,
				 step->flags & LM_BINDING_MOUNT);
	switch (step->op) {
	case LM_OP_RENAME:
		return replay_rename(builder, step);
	case LM_OP_LINK:
		return replay_link(builder, step);
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
		return unbind(builder, step->name, step->object, step->time_ns);
	case LM_OP_MKDIR:
	case LM_OP_MKNOD:
	case LM_OP_SYMLINK:
		return replay_create(builder, step);
	case LM_OP_OPEN:
		if (step->flags & LM_EVENT_CREATED)
			return replay_create(builder, step);
		break;
	default:
		break;
	}
	return replay_seen(builder, step);
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void sort_steps(struct step *at, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare_steps(&at[i - 1], &at[i]) <= 0)
			continue;
		qsort(at, count, sizeof(*at), compare_steps);
		return;
	}
}

int builder_replay(struct lm_catalog_builder *builder, bool all)
{
	uint64_t until_ns = builder->latest_ns > WINDOW_NS ? builder->latest_ns - WINDOW_NS : 0;
	size_t count = builder->steps.count, done = 0;
	int r = 0;

	sort_steps(builder->steps.at, count);
	while (r == 0 && done < count &&
	       (all || builder->steps.at[done].time_ns < until_ns || count - done > STEPS_MAX))
		r = replay_step(builder, &builder->steps.at[done++]);
	if (done > 0)
		memmove(builder->steps.at, builder->steps.at + done,
			(count - done) * sizeof(struct step));
	builder->steps.count = count - done;
	if (r == 0)
		r = lm_catalog_status(builder->written);
	return r;
}

int builder_step(struct lm_catalog_builder *builder, const struct step *step)
{
	int r = 0;

	if (LIST_RESERVE(builder->steps) < 0)
		return -ENOMEM;
	builder->steps.at[builder->steps.count++] = *step;
	if (builder->steps.count < builder->steps_due)
		return 0;
	r = builder_replay(builder, false);
	/* Sorting what waits again and again would cost more than replaying it. */
	builder->steps_due = builder->steps.count * 2 > 16384 ? builder->steps.count * 2 : 16384;
	return r;
}

/* Whether a name's state does not follow from the rows of its bounds in this stretch. */
static bool needs_row(const struct state *state)
{
	if (state->high == 0 || state->pending)
		return true;
	return state->open ? state->serial != state->high : state->high_open;
}

static int add_state_row(struct lm_catalog_builder *builder, const struct state *state)
{
	struct cells cells = { { 0 } };

	cells.at[STATE_NAME] = state->name;
	cells.at[STATE_AS_OF] = builder->next_serial;
	cells.at[STATE_OPEN] = state->open ? state->serial : 0;
	cells.at[STATE_PENDING] = state->pending;
	if (state->pending) {
		cells.at[STATE_SINCE] = state->since_ns;
		cells.at[STATE_FROM] = state->from;
		cells.at[STATE_FROM_SINCE] = state->from_since_ns;
	}
	if (LIST_RESERVE(builder->state_rows) < 0)
		return -ENOMEM;
	builder->state_rows.at[builder->state_rows.count++] = cells;
	return 0;
}

int builder_name_rows(struct lm_catalog_builder *builder)
{
	int r = 0;

	for (struct state_slab *slab = builder->states.slabs; slab; slab = slab->next)
		for (size_t i = 0; i < slab->count && r == 0; i++) {
			struct state *state = &slab->at[i];

			if (!state->dirty)
				continue;
			if (state->open && state->serial >= builder->first_serial)
				r = emit_present(builder, state, UINT64_MAX);
			if (r == 0 && needs_row(state))
				r = add_state_row(builder, state);
		}
	return r;
}

void states_settle(struct states *states)
{
	for (struct state_slab *slab = states->slabs; slab; slab = slab->next)
		for (size_t i = 0; i < slab->count; i++) {
			slab->at[i].dirty = slab->at[i].high_open = false;
			slab->at[i].high = 0;
		}
}
