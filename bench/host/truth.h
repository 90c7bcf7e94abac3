/* SPDX-License-Identifier: MIT */
#pragma once

#include "host.h"

/*
 * What is true of the attacks in a made log: their events by number, and what belongs to them by
 * object number.
 */
enum role {
	ROLE_ATTACK,  /* the intruder's own: made, changed or used by him alone */
	ROLE_CARRIER, /* serves everybody, and served him: the way in goes through it */
	ROLE_VICTIM,  /* was there before, and he read it */
};

struct attack;

struct truth *truth_new(struct world *w);
/** @param number  of the attack in the log, from 1 */
struct attack *truth_attack(struct truth *truth, const char *kind, uint32_t number);
uint32_t truth_number(const struct attack *attack);

/** Put into the log as one of its steps; `detects`: what it changed is a detection point. */
void truth_event(struct attack *attack, uint64_t id, const struct lm_event *event, bool detects);
/** Every version of a process is one thing. */
void truth_process(struct attack *attack, const struct proc *p, enum role role);
/** A file with the name that it has now. */
void truth_file(struct attack *attack, struct node *node, enum role role);
void truth_socket(struct attack *attack, const struct channel *socket, enum role role);

/** A SPEC for where he came in. */
void truth_entry(struct attack *attack, lm_object_id object);

/** One JSON object (docs/bench.md). */
void truth_write(const struct truth *truth, FILE *out);
