/* SPDX-License-Identifier: MIT */
#include "rows_internal.h"

/*
 * What lasts: a mapping carries influence until it is undone, memory that is shared with a child
 * until one of the two leaves it. Which of several mappings of one object in one process an
 * unmapping undid is not known, so all of them last until as many were undone as were made.
 */
#define NONE 0u

/* Mappings of one object in one process. */
struct lasting_entry {
	lm_object_id actor, object;
	uint32_t live;        /* made and not undone yet */
	uint32_t row;         /* newest of its rows in this part, from 1; NONE */
	bool earlier;         /* has rows in earlier parts */
	bool of_object;       /* ends with its object too: memory shared with a child */
	uint32_t next[2];     /* of those that end with the same actor, and object */
	uint32_t previous[2];
};

/* A row of this part that lasts. */
struct lasting_row {
	uint32_t position, next;
};

enum { BY_ACTOR = 0, BY_OBJECT = 1 };

void lasting_release(struct lasting *lasting)
{
	lm_map_release(&lasting->by_pair);
	lm_map_release(&lasting->by_actor);
	free(lasting->at);
	free(lasting->rows);
	free(lasting->ends);
}

static uint64_t pair_of(lm_object_id actor, lm_object_id object)
{
	return (uint64_t)actor << 32 | object;
}

/* Both kinds of chains hang on a process: key with the kind in the upper half. */
static uint64_t chain_of(int kind, lm_object_id process)
{
	return (uint64_t)kind << 32 | process;
}

static int put_in_chain(struct lasting *lasting, uint32_t place, int kind, lm_object_id process)
{
	uint64_t *head = lm_map_get(&lasting->by_actor, chain_of(kind, process));
	uint32_t next = head ? (uint32_t)*head : NONE;

	if (lm_map_put(&lasting->by_actor, chain_of(kind, process), place) < 0)
		return -ENOMEM;
	lasting->at[place].next[kind] = next;
	lasting->at[place].previous[kind] = NONE;
	if (next)
		lasting->at[next].previous[kind] = place;
	return 0;
}

static void take_from_chain(struct lasting *lasting, uint32_t place, int kind,
			    lm_object_id process)
{
	const struct lasting_entry *entry = &lasting->at[place];
	uint32_t next = entry->next[kind], previous = entry->previous[kind];

	if (next)
		lasting->at[next].previous[kind] = previous;
	if (previous) {
		lasting->at[previous].next[kind] = next;
		return;
	}
	if (next)
		*lm_map_get(&lasting->by_actor, chain_of(kind, process)) = next;
	else
		lm_map_remove(&lasting->by_actor, chain_of(kind, process));
}

static int add_entry(struct lasting *lasting, const struct lm_event *event, bool of_object,
		     uint32_t *ret_place)
{
	uint32_t place = lasting->unused;

	if (place) {
		lasting->unused = lasting->at[place].next[BY_ACTOR];
	} else {
		size_t count = lasting->count ? lasting->count : 1;

		if (lm_array_reserve(lasting->at, lasting->capacity, count + 1) < 0)
			return -ENOMEM;
		place = (uint32_t)count;
		lasting->count = count + 1;
	}
	lasting->at[place] = (struct lasting_entry){
		.actor = event->actor, .object = event->object, .of_object = of_object,
	};
	*ret_place = place;
	if (lm_map_put(&lasting->by_pair, pair_of(event->actor, event->object), place) < 0 ||
	    put_in_chain(lasting, place, BY_ACTOR, event->actor) < 0)
		return -ENOMEM;
	return of_object ? put_in_chain(lasting, place, BY_OBJECT, event->object) : 0;
}

static void remove_entry(struct lasting *lasting, uint32_t place)
{
	struct lasting_entry *entry = &lasting->at[place];

	lm_map_remove(&lasting->by_pair, pair_of(entry->actor, entry->object));
	take_from_chain(lasting, place, BY_ACTOR, entry->actor);
	if (entry->of_object)
		take_from_chain(lasting, place, BY_OBJECT, entry->object);
	entry->next[BY_ACTOR] = lasting->unused;
	lasting->unused = place;
}

/* The influences of an entry ended. */
static int end_entry(struct lasting *lasting, uint32_t place, struct lm_row *rows,
		     uint64_t time_ns)
{
	const struct lasting_entry *entry = &lasting->at[place];

	for (uint32_t at = entry->row; at; at = lasting->rows[at - 1].next) {
		struct lm_row *row = &rows[lasting->rows[at - 1].position];

		row->until_ns = time_ns > row->end_ns ? time_ns : row->end_ns;
	}
	if (entry->earlier) {
		if (lm_array_reserve(lasting->ends, lasting->end_capacity,
				     lasting->end_count + 1) < 0)
			return -ENOMEM;
		lasting->ends[lasting->end_count++] = (struct row_end){
			.actor = entry->actor, .object = entry->object, .time_ns = time_ns,
		};
	}
	remove_entry(lasting, place);
	return 0;
}

static int end_chain(struct lasting *lasting, int kind, lm_object_id process, struct lm_row *rows,
		     uint64_t time_ns)
{
	const uint64_t *head;
	int r = 0;

	while (r == 0 && (head = lm_map_get(&lasting->by_actor, chain_of(kind, process))))
		r = end_entry(lasting, (uint32_t)*head, rows, time_ns);
	return r;
}

static int end_process(struct lasting *lasting, lm_object_id process, struct lm_row *rows,
		       uint64_t time_ns)
{
	int r = end_chain(lasting, BY_ACTOR, process, rows, time_ns);

	return r < 0 ? r : end_chain(lasting, BY_OBJECT, process, rows, time_ns);
}

static int unmap(struct lasting *lasting, const struct lm_event *event, struct lm_row *rows)
{
	const uint64_t *place =
		lm_map_get(&lasting->by_pair, pair_of(event->actor, event->object));
	struct lasting_entry *entry = place ? &lasting->at[*place] : NULL;

	if (!entry || (entry->live > 0 && --entry->live > 0))
		return 0;
	return end_entry(lasting, (uint32_t)*place, rows, event->end_ns);
}

static int begin_lasting(struct lasting *lasting, const struct lm_event *event, uint32_t position)
{
	const uint64_t *known =
		lm_map_get(&lasting->by_pair, pair_of(event->actor, event->object));
	uint32_t place = known ? (uint32_t)*known : NONE;
	int r = known ? 0 : add_entry(lasting, event, event->op == LM_OP_FORK, &place);

	if (r < 0 || lm_array_reserve(lasting->rows, lasting->row_capacity,
				      lasting->row_count + 1) < 0)
		return -ENOMEM;
	lasting->rows[lasting->row_count++] =
		(struct lasting_row){ .position = position, .next = lasting->at[place].row };
	lasting->at[place].row = (uint32_t)lasting->row_count;
	/* Other rights for a mapping are no mapping more. */
	lasting->at[place].live += event->op == LM_OP_MMAP;
	return 0;
}

int lasting_follow(struct lasting *lasting, const struct lm_event *event, bool lasts,
		   struct lm_row *rows, uint32_t position)
{
	if (lasts)
		return begin_lasting(lasting, event, position);
	switch (event->op) {
	case LM_OP_MUNMAP:
		return lm_event_failed(event) ? 0 : unmap(lasting, event, rows);
	case LM_OP_EXEC:
		if (!event->object2 || lm_event_failed(event))
			return 0;
		return end_process(lasting, event->actor, rows, event->end_ns);
	case LM_OP_EXIT:
		return end_process(lasting, event->actor, rows, event->end_ns);
	default:
		return 0;
	}
}

void lasting_cut(struct lasting *lasting)
{
	for (size_t i = 1; i < lasting->count; i++) {
		if (lasting->at[i].row)
			lasting->at[i].earlier = true;
		lasting->at[i].row = NONE;
	}
	lasting->row_count = 0;
	lasting->end_count = 0;
}

bool row_lasts(const struct lm_row *row)
{
	struct lm_dependency dependencies[LM_DEPENDENCIES_MAX];
	int count;

	if (row->op != LM_OP_MMAP && row->op != LM_OP_MPROTECT && row->op != LM_OP_FORK)
		return false;
	count = lm_row_dependencies(row, dependencies);
	for (int i = 0; i < count; i++) {
		if (dependencies[i].flags & LM_DEPENDENCY_OPEN_ENDED)
			return true;
	}
	return false;
}
