/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/graph/spec.h"
#include "lemona/graph/trace.h"
#include "lemona/graph/write.h"

/* A log told by hand. One step of the clock an event. */
struct scene {
	struct lm_index *index;
	lm_object_id objects;
	uint64_t events;
	uint64_t now; /* each event begins here and ends one later */
	lm_object_id root;
	/* What was defined, for what is defined after it: strings are the caller's. */
	struct lm_object *defined; /* by number */
	size_t defined_capacity;
};

#define STEP_NS 1000

void scene_begin(struct scene *scene);
void scene_finish(struct scene *scene);
void scene_end(struct scene *scene);

lm_object_id scene_process(
	struct scene *scene, uint32_t tgid, lm_object_id parent, const char *comm);
/** The recorder's own process. */
lm_object_id scene_self(struct scene *scene, uint32_t tgid, const char *comm);
/** The version that `process` becomes by running `exe` under `name` (either may be 0). */
lm_object_id scene_exec(struct scene *scene, lm_object_id process, lm_object_id exe,
			lm_object_id name, const char *comm);
/** Forked by an event of the parent. */
lm_object_id scene_fork(struct scene *scene, lm_object_id parent, uint32_t tgid, const char *comm);
lm_object_id scene_file(struct scene *scene, uint32_t mode);
lm_object_id scene_device(struct scene *scene, uint32_t major, uint32_t minor);
lm_object_id scene_name(struct scene *scene, lm_object_id dir, const char *component);
lm_object_id scene_pipe(struct scene *scene);
/** A connection, addresses as 10.0.0.X:port. */
lm_object_id scene_socket(struct scene *scene, uint8_t local, uint16_t local_port, uint8_t remote,
			  uint16_t remote_port, uint32_t ns_net);
/** Say that a directory or file had a name all along. */
void scene_bind(struct scene *scene, lm_object_id file, lm_object_id name);

/** @return the event's number */
uint64_t scene_event(struct scene *scene, enum lm_op op, lm_object_id actor, lm_object_id object,
		     lm_object_id name);
uint64_t scene_event_full(struct scene *scene, struct lm_event event);
void scene_gap(struct scene *scene, uint64_t begin_ns, uint64_t end_ns, uint64_t count);

/** A process that heard from an entry point, so that branches count. */
lm_object_id scene_intruder(struct scene *scene);

/* Shorthand: reads and writes of 10 bytes, creating, renaming. */
void scene_read(struct scene *scene, lm_object_id actor, lm_object_id file);
void scene_write(struct scene *scene, lm_object_id actor, lm_object_id file);
void scene_create(struct scene *scene, lm_object_id actor, lm_object_id file, lm_object_id name);
void scene_rename(struct scene *scene, lm_object_id actor, lm_object_id file, lm_object_id from,
		  lm_object_id to);

struct lm_answer *scene_trace(const struct scene *scene, enum lm_direction direction,
			      uint32_t filters, lm_object_id from);
struct lm_answer *scene_trace_at(const struct scene *scene, enum lm_direction direction,
				 uint32_t filters, lm_object_id from, uint64_t t_ns);
/** With any options; those of `from` are added to what `options` says. */
struct lm_answer *scene_trace_options(const struct scene *scene, struct lm_trace_options options,
				      const lm_object_id *from, size_t count);
/** All filters but one. */
uint32_t scene_without(const char *filter);
bool answer_has(const struct lm_answer *answer, lm_object_id object);
/** The edge with that op between the two, or NULL. */
const struct lm_answer_edge *answer_edge(const struct lm_answer *answer, lm_object_id from,
					 lm_object_id to, const char *op);
uint64_t answer_hidden(const struct lm_answer *answer, enum lm_filter filter);
uint64_t answer_hidden_events(const struct lm_answer *answer, enum lm_filter filter);
/** The group that holds an object, or NULL. */
const struct lm_answer_node *answer_group(const struct lm_answer *answer, lm_object_id member);
/** What one of the writers made of it; to be freed. */
char *answer_written(int (*write)(const struct lm_answer *answer, FILE *out),
		     const struct lm_answer *answer);
/** As text, without colour; to be freed. */
char *answer_text(const struct lm_answer *answer);
const struct lm_answer_node *answer_node(const struct lm_answer *answer, lm_object_id object);

static inline void free_answer(struct lm_answer **answer)
{
	lm_answer_free(*answer);
}
#define ANSWER LM_CLEANUP(free_answer)

/* Setup and teardown of every test: *state is a fresh scene. */
int scene_setup(void **state);
int scene_teardown(void **state);
#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)
