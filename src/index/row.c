/* SPDX-License-Identifier: MIT */
#include "lemona/index/row.h"

struct lm_event lm_row_event(const struct lm_row *row)
{
	return (struct lm_event){
		.id = row->event, .begin_ns = row->begin_ns, .end_ns = row->end_ns,
		.actor = row->actor, .tid = row->tid,
		.op = row->op, .flags = row->flags, .call = row->call, .cpu = row->cpu,
		.result = row->result, .arg = row->arg,
		.object = row->object, .object2 = row->object2,
		.name = row->name, .name2 = row->name2,
	};
}

int lm_row_dependencies(const struct lm_row *row, struct lm_dependency out[LM_DEPENDENCIES_MAX])
{
	struct lm_event event = lm_row_event(row);
	int count = lm_event_dependencies(&event, out), kept = 0;

	for (int i = 0; i < count; i++) {
		if (out[i].source && out[i].sink && out[i].source != out[i].sink)
			out[kept++] = out[i];
	}
	return kept;
}
