/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/event.h"

/*
 * One number for each object. A recorder that runs for long forgets what was not
 * used for long, and defines it under another number when it comes back
 * (LM_OBJECT_AGAIN). Whoever follows objects through a log reads it through this.
 */
struct lm_same;

int lm_same_new(struct lm_same **ret_same);
struct lm_same *lm_same_free(struct lm_same *same);

/**
 * Put the first number of an object in the place of later ones, in an item and in all that it
 * refers to. Items must come in the order of the log.
 *
 * An object flagged LM_OBJECT_AGAIN is the last one defined before it with the same identity, if
 * there is one and nothing that both say differs: of files the type and the generation (0 says
 * nothing), of sockets the cookie (likewise). Else it is a new one.
 *
 * What is flagged LM_OBJECT_REPEATED is the object of its number, and never takes another's place.
 *
 * @return 1; 0: a definition that says nothing new, to be left out; -ENOMEM
 */
int lm_same_apply(struct lm_same *same, struct lm_item *item);

/**
 * Walk all numbers that are replaced: *slot begins at 0, and is moved on.
 * @return whether there was another
 */
bool lm_same_next(const struct lm_same *same, size_t *slot, lm_object_id *ret_later,
		  lm_object_id *ret_first);

/** Have a number replaced, for items that were once applied already. @return 0; -ENOMEM */
int lm_same_put(struct lm_same *same, lm_object_id later, lm_object_id first);
