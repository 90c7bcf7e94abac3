/* SPDX-License-Identifier: MIT */
#pragma once

#include "catalog_internal.h"
#include "lemona/index/catalog_build.h"

/*
 * A builder: the rows of the stretch that is being collected, and what is known of before.
 */

/* A name while replaying: what it is bound to. */
struct state {
	lm_object_id name;
	bool touched; /* something was said about it before */
	bool pending; /* bound to a file that nobody has named yet, since: */
	bool open;    /* bound: the five below */
	bool claimed;
	bool dirty;   /* something happened in this stretch */
	bool high_open;
	uint64_t since_ns;
	lm_object_id from; /* the name that file had before, and since when */
	lm_object_id file;
	uint64_t from_since_ns;
	uint64_t serial, begin_ns, event;
	uint64_t high; /* greatest serial number of its bounds that are in this stretch's rows */
};

/* One thing to replay: a sighting, or an event. */
struct step {
	uint64_t time_ns;
	uint64_t order; /* sightings first, then as they are stored */
	uint64_t begin_ns, event, arg;
	lm_object_id object, name, name2;
	uint16_t op, flags; /* a sighting: LM_OP_NONE and enum lm_binding_flag */
};

#define ORDER_EVENT (UINT64_C(1) << 63)

struct states {
	struct lm_map places; /* name -> struct state */
	struct state_slab *slabs;
	size_t count;
};

#define LIST(type, name)                                                                           \
	struct {                                                                                   \
		type *at;                                                                          \
		size_t count, capacity;                                                            \
	} name

/* Kinds of objects: a byte each, in pages. */
#define KIND_PAGE 65536u
#define KIND_PAGES (UINT32_MAX / KIND_PAGE + 1)

struct kind_page {
	bool used; /* in this stretch */
	uint8_t kinds[KIND_PAGE];
};

struct lm_catalog_builder {
	struct lm_catalog *written;
	struct lm_catalog_builder_options options;
	bool finished;
	int failure;

	struct kind_page **kinds; /* KIND_PAGES */
	size_t kind_pages;
	uint64_t object_count, known_count; /* one past the greatest number: now, and as written */

	/* This stretch. */
	struct arena arena;
	LIST(struct object_row, rows);  /* of rising numbers */
	LIST(struct object_row, again); /* of numbers below those */
	struct lm_map again_places;     /* number -> place in `again` */
	LIST(struct key, lookups);
	LIST(struct cells, bounds);
	LIST(struct cells, state_rows);
	struct lm_map uses;             /* socket -> last use */
	struct lm_map roots;            /* those that were told */
	uint64_t pending;               /* items */

	struct states states;
	LIST(struct step, steps);
	size_t steps_due;               /* replay when there are so many */
	uint64_t latest_ns;             /* end of the latest event */
	uint64_t bindings, events;      /* that were fed */
	uint64_t next_serial, first_serial; /* of bounds: next, and first of this stretch */
	uint64_t first_event;
};

int list_grow(void **at, size_t *capacity, size_t size);

/* Room for one more. @return 0; -ENOMEM */
#define LIST_RESERVE(list)                                                                         \
	({                                                                                         \
		void *lm_at_ = (list).at;                                                          \
		int lm_code_ = 0;                                                                  \
		if ((list).count == (list).capacity) {                                             \
			lm_code_ = list_grow(&lm_at_, &(list).capacity, sizeof(*(list).at));       \
			(list).at = lm_at_;                                                        \
		}                                                                                  \
		lm_code_;                                                                          \
	})

/** What kind an object has by now. @return LM_OBJECT_KIND_NONE or another; -ENOMEM */
int builder_kind(struct lm_catalog_builder *builder, lm_object_id id);
int builder_lookup(struct lm_catalog_builder *builder, enum lookup_type type, uint64_t key,
		   uint64_t value);

/* Replaying (catalog_names.c). */
int builder_step(struct lm_catalog_builder *builder, const struct step *step);
/** Replay what is older than the window, or everything. */
int builder_replay(struct lm_catalog_builder *builder, bool all);
void states_release(struct states *states);
/** Let go of states, where there are more than `keep`: of those not touched in this stretch, or of
 *  all. They are in the catalogs. @return 0; -ENOMEM */
int states_forget(struct states *states, size_t keep);
/** Nothing was touched: a stretch begins. */
void states_settle(struct states *states);
/** Rows of bounds that are open, and of states. @return 0; -ENOMEM */
int builder_name_rows(struct lm_catalog_builder *builder);

/** The look-ups of an object (catalog_lookups.c). @return 0; -ENOMEM */
int builder_row_lookups(struct lm_catalog_builder *builder, const struct object_row *row);

/** Fill the section SECTION_META. @return 0; what lm_part_put() returns */
int write_meta(struct lm_part_writer *writer, const struct meta *meta);
