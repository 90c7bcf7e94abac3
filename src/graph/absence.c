/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Names that were not there. What a program does when its configuration is
 * missing is the doing of whoever removed it. Nearly all look-ups that fail have
 * no such story: the name has never been there, or the program itself took it
 * away, and they stay what their low control says.
 */
#define LOOK_BACK_MAX 16 /* influences on one name before the look-up */

bool absence_is(const struct lm_index *index, const struct lm_link *link)
{
	if ((link->op != LM_OP_OPEN && link->op != LM_OP_STAT && link->op != LM_OP_EXEC) ||
	    lm_index_kind(index, link->source) != LM_OBJECT_KIND_NAME)
		return false;
	return link->error == ENOENT || link->error == ENOTDIR;
}

static bool takes_away(uint16_t op)
{
	return op == LM_OP_UNLINK || op == LM_OP_RMDIR || op == LM_OP_RENAME;
}

bool absence_counts(const struct walk *walk, const struct lm_link *link)
{
	struct lm_links before;
	uint32_t looked = 0;

	if (!absence_is(walk->index, link))
		return false;
	before = lm_index_incoming(walk->index, link->source, link->end_ns);
	for (uint32_t i = before.count; i > 0 && looked < LOOK_BACK_MAX; i--, looked++) {
		const struct lm_link last = lm_links_get(&before, i - 1);

		/* The last change of the name decides; a program that cleans up knows that. */
		if (last.control == LM_CONTROL_HIGH)
			return takes_away(last.op) &&
			       object_process_root(walk->index, last.source) !=
				       object_process_root(walk->index, link->sink);
	}
	return false;
}
