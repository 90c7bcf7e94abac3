/* SPDX-License-Identifier: MIT */
#include "answer.h"

static void free_answer(struct lm_answer **answer)
{
	lm_answer_free(*answer);
}

struct lm_answer *lm_answer_free(struct lm_answer *answer)
{
	if (!answer)
		return NULL;
	for (uint32_t i = 0; i < answer->view.node_count; i++)
		answer_free_node(&answer->nodes[i]);
	free(answer->nodes);
	free(answer->edges);
	free(answer->gaps);
	free(answer);
	return NULL;
}

struct lm_answer_view lm_answer_view(const struct lm_answer *answer)
{
	return answer->view;
}

/*
 * The order matters: what nobody changed goes first, so that a process that
 * read nothing else counts as a helper; helpers go before branches without an
 * entry, so that each thing hidden is counted under the plainest reason; who
 * started what is left is brought back once it is known what is left; names
 * and versions are joined last, when it is known which files are left.
 */
static int apply_filters(struct walk *walk, struct lm_answer_view *view)
{
	int r = filter_intersect(walk, &view->nothing_common);

	/* Last of the two, since edges then tell of the events that are between. */
	if (r == 0)
		r = filter_between(walk);
	if (r == 0)
		r = filter_read_only(walk);
	if (r == 0)
		r = filter_helpers(walk);
	if (r == 0)
		r = inputs_prune(walk);
	if (r == 0)
		r = filter_no_entry(walk, &view->no_entry_found);
	if (r == 0)
		r = filter_no_exit(walk, &view->no_exit_found);
	/* What was fed by a branch that is gone may be a helper now. */
	if (r == 0)
		r = filter_helpers(walk);
	if (r == 0)
		r = inputs_prune(walk);
	if (r == 0)
		r = filter_keep_starters(walk);
	if (r == 0)
		r = fold_names(walk);
	if (r == 0)
		r = fold_versions(walk);
	return r;
}

int lm_trace(const struct lm_index *index, const struct lm_trace_options *options,
	     struct lm_answer **ret_answer, struct lm_diag *diag)
{
	struct lm_answer *answer LM_CLEANUP(free_answer) = calloc(1, sizeof(*answer));
	struct walk walk LM_CLEANUP(walk_release) = { .index = index };
	int r = answer ? walk_run(&walk, index, options) : -ENOMEM;

	if (r == -EINVAL)
		return lm_diag_set(diag, r, "There is no detection point to start from");
	if (r == 0)
		r = apply_filters(&walk, &answer->view);
	if (r == 0)
		r = answer_build(answer, &walk);
	/* What could not be read was passed over: that is no answer. */
	if (r == 0)
		r = lm_index_status(index);
	if (r < 0)
		return lm_diag_errno(diag, r, "The graph could not be built");
	answer->view.nodes = answer->nodes;
	answer->view.edges = answer->edges;
	answer->view.hidden = answer->hidden;
	answer->view.gaps = answer->gaps;
	*ret_answer = lm_take_ptr(answer);
	return 0;
}
